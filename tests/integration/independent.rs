//! What this proves: that forkcast's figures follow from its documented rules, and not from how it computes them. A
//! second simulation, written apart from `model` and without any of its shortcuts, steps through the life of a lone
//! host a few seconds at a time; on ten scenarios the chance of a kill, kills and forks by cause, incidents, copies and
//! downtime agree within 10 %.
//!
//! Both sides draw their own random numbers; the 95 % interval of each difference must lie within the 10 %. Shared are
//! the inputs (`scenario`, `model::host`) and the static laws that other tests judge: how a key lies in memory, φ, how
//! long a record is, and the measured errors of the law of copies. Replicas, containers, swap, huge pages, expiry and eviction are left to other tests.
//!
//! `cargo test --release --test integration independent -- --nocapture` prints the figures.

mod compare;
mod copies;
mod dice;
mod kernel;
mod life;
mod load;
mod saving;
mod starts;

use forkcast::model::{Simulation, Unobserved};
use forkcast::scenario::{Origin, Scenario};
use rayon::prelude::*;

use compare::{Comparison, of_outcome};
use copies::Heap;
use life::{Figures, Life, Steps};
use load::Recording;

/// Replications of forkcast for each of the independent loop: they cost less.
const MORE_OF_FORKCAST: u64 = 4;

/// The chance of a kill must be known well: neither rare nor certain.
const RISKS: std::ops::RangeInclusive<f64> = 0.2..=0.95;

const STEPS: Steps = Steps { with_child: 3.0, without: 60.0 };

/// A scenario, and how closely it is looked at.
struct Trial {
    name: &'static str,
    replications: u64,
    steps: Steps,
}

/// Compares both sides.
fn compare(trial: &Trial) -> Comparison {
    let origin = Origin { name: trial.name.to_owned(), folder: super::repository("scenarios") };
    let file = super::repository(&format!("tests/integration/independent/{}.toml", trial.name));
    let text = std::fs::read_to_string(file).unwrap();
    let scenario = Scenario::read(&text, &origin, &[]).unwrap_or_else(|report| panic!("{report}"));
    let host = &scenario.as_written().host;
    let recording = text.contains("\ntrace = ").then(|| {
        let file = super::repository("scenarios/traffic/elb_request_count_8c0756.csv");
        Recording::read(&std::fs::read_to_string(file).unwrap())
    });
    let heap = Heap::of(host);
    let live = |replication| Life::begin(host, &heap, recording.as_ref(), trial.steps, replication).run();
    let independent: Vec<Figures> = (0..trial.replications).into_par_iter().map(live).collect();
    let simulation = Simulation::new(host.clone());
    let run = |replication| of_outcome(&simulation.run(1, replication, &mut Unobserved).unwrap());
    let forkcast: Vec<Figures> =
        (0..trial.replications * MORE_OF_FORKCAST).into_par_iter().map(run).collect();
    Comparison::new(trial.name, &forkcast, &independent)
}

#[expect(clippy::print_stdout, reason = "the figures are wanted, not only the verdict")]
fn check(trial: &Trial) {
    let comparison = compare(trial);
    println!("{comparison}");
    assert!(RISKS.contains(&comparison.risk()), "nothing to compare:\n{comparison}");
    assert!(comparison.holds(), "\n{comparison}");
}

macro_rules! trials {
    ($($(#[$doc:meta])* $name:ident $replications:literal $steps:expr;)*) => {$(
        $(#[$doc])*
        #[test]
        fn $name() {
            check(&Trial {
                name: stringify!($name),
                replications: $replications,
                steps: $steps,
            });
        }
    )*};
}

trials! {
    /// A full server with a daily backup, inputs of the host that nobody knows exactly, and bursts.
    backup_only 2400 STEPS;
    /// Rewrites of the append-only file beside the backup, crash loops, and values that compress.
    aof_rewrites 3200 Steps { with_child: 5.0, without: 60.0 };
    /// Save points, which refuse writes after a child was killed, under a load that remembers the hour before.
    save_points 8000 Steps { with_child: 6.0, without: 3.0 };
    /// A load that is mostly noise.
    noisy_load 2000 STEPS;
    /// Short values beside counters, which keep the processor busy.
    small_values 1600 STEPS;
    /// Data that grows beyond the host.
    growth 1600 STEPS;
    /// Few keys get most writes, and nobody knows how few.
    zipf 1600 STEPS;
    /// A recorded load.
    recorded 2400 Steps { with_child: 6.0, without: 60.0 };
    /// A job that writes while the backup runs, and bursts that are cut.
    job_in_the_backup 1800 STEPS;
    /// Two keyspaces on the same pages, a child that dies in place of its server, a law that is not exact, and a disk that
    /// is slow for hours.
    two_keyspaces 8000 Steps { with_child: 5.0, without: 60.0 };
}
