//! What this proves: what holds for every host: memory is conserved, nothing written means nothing copied, watching
//! changes nothing, and more load, more data or less memory never helps where the model says so.
//!
//! Hosts are generated as scenario files. A failing property prints the file: save it, and `forkcast trace FILE
//! --replication 0` shows what happened.

mod scenarios;

use std::cell::Cell;
use std::fmt;

use forkcast::model::{Cause, Outcome, Simulation, Unobserved, Victim};
use forkcast::scenario::{Assignment, Origin, Scenario};
use forkcast::sweep::trace::{Happened, Trace, trace};
use forkcast::units::SimDuration;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

/// A generated scenario file.
#[derive(Clone)]
struct File(String);

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{}", self.0)
    }
}

impl File {
    /// The host that the file describes, with further settings.
    fn with(&self, settings: &[String]) -> Simulation {
        let overrides: Vec<Assignment> = settings.iter().map(|text| Assignment::set(text).unwrap()).collect();
        let origin = Origin { name: "generated.toml".into(), folder: ".".into() };
        let scenario = Scenario::read(&self.0, &origin, &overrides);
        let scenario = scenario.unwrap_or_else(|report| panic!("{report:?}"));
        Simulation::new(scenario.as_written().host.clone())
    }

    /// Replication 0 of it.
    fn outcome(&self, settings: &[String]) -> Outcome {
        self.with(settings).run(1, 0, &mut Unobserved).unwrap()
    }
}

/// Tries a property on so many hosts, always the same ones.
fn for_all<S: Strategy>(cases: u32, hosts: S, property: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config =
        Config { cases, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..Config::default() };
    TestRunner::new(config).run(&hosts, property).unwrap_or_else(|failure| panic!("{failure}"));
}

/// How many of the hosts tried were of the kind that a property is about: none would prove nothing.
#[derive(Default)]
struct Tally(Cell<u32>);

impl Tally {
    fn count(&self, is_of_the_kind: bool) {
        self.0.set(self.0.get() + u32::from(is_of_the_kind));
    }

    fn at_least(&self, expected: u32) {
        assert!(self.0.get() >= expected, "only {} hosts of the kind", self.0.get());
    }
}

/// The lines of the ledger add up at every event: the model asserts it. These are the figures that come of it.
fn is_conserved(simulation: &Simulation, outcome: &Outcome) -> Result<(), TestCaseError> {
    let ram = simulation.host().machine.ram;
    prop_assert!(outcome.peak_memory <= simulation.capacity());
    prop_assert_eq!(outcome.peak_memory + outcome.free_min, ram);
    prop_assert!(outcome.cow_peak <= outcome.peak_memory);
    prop_assert!(outcome.downtime <= simulation.host().horizon);
    prop_assert_eq!(outcome.first_kill.is_some(), outcome.oom_kills() > 0);
    let server_kills: u32 = Cause::ALL.into_iter().map(|cause| outcome.server_kills[cause]).sum();
    prop_assert_eq!(outcome.first_server_kill.is_some(), server_kills > 0);
    for amount in [outcome.rejected_writes, outcome.evicted_keys] {
        prop_assert!(amount.is_finite() && amount >= 0.0, "{}", amount);
    }
    Ok(())
}

#[test]
fn memory_is_conserved_with_everything_on_at_once() {
    let (killed, child_killed, evicting) = (Tally::default(), Tally::default(), Tally::default());
    for_all(200, scenarios::anything(), |file| {
        let simulation = file.with(&[]);
        for replication in 0..3 {
            let outcome = simulation.run(1, replication, &mut Unobserved).unwrap();
            is_conserved(&simulation, &outcome)?;
            killed.count(outcome.incidents() > 0);
            child_killed.count(outcome.first_kill.is_some_and(|kill| kill.victim == Victim::Child));
            evicting.count(outcome.evicted_keys > 0.0);
        }
        Ok(())
    });
    killed.at_least(50);
    child_killed.at_least(5);
    evicting.at_least(50);
}

/// Also: what was told fits the figures.
#[test]
fn watching_changes_nothing_and_the_ledger_adds_up_whenever_one_looks() {
    for_all(100, scenarios::anything(), |file| {
        let simulation = file.with(&[]);
        let ram = simulation.host().machine.ram;
        let Trace { hosts, happenings, outcome } = trace(&simulation, 1, 0).unwrap();
        prop_assert_eq!(&outcome, &file.outcome(&[]));
        for (at, sample) in hosts.iter().flatten() {
            prop_assert_eq!(sample.ledger.total(), ram, "at {}", at);
            prop_assert!(sample.writes_per_second >= 0.0, "at {}", at);
        }
        for Happened { at, happening, ledger, .. } in &happenings {
            prop_assert_eq!(ledger.total(), ram, "{:?} at {}", happening, at);
        }
        prop_assert!(hosts.iter().all(|timeline| timeline.is_sorted_by_key(|(at, _)| *at)));
        prop_assert!(happenings.is_sorted_by_key(|happened| happened.at));
        let told = |name: &str| {
            let is_named = |happened: &&Happened| format!("{:?}", happened.happening).starts_with(name);
            happenings.iter().filter(is_named).map(|_| 1u32).sum::<u32>()
        };
        prop_assert_eq!(told("Saved {"), outcome.saves);
        prop_assert_eq!(told("Killed {") + told("CrashLoop {"), outcome.oom_kills());
        let lowest = hosts.iter().flatten().map(|(_, sample)| sample.ledger.available()).min().unwrap();
        let slack = ram.scaled(ROUNDING) + outcome.cow_peak.scaled(JUMPS);
        prop_assert!(lowest + slack >= outcome.free_min, "{} is below {}", lowest, outcome.free_min);
        Ok(())
    });
}

#[test]
fn no_writes_no_copies() {
    let forked = Tally::default();
    for_all(100, scenarios::anything(), |file| {
        let idle = idle(&file);
        let outcome = idle.run(1, 0, &mut Unobserved).unwrap();
        prop_assert_eq!(outcome.cow_peak.0, 0);
        forked.count(outcome.saves > 0);
        Ok(())
    });
    forked.at_least(50);
}

/// The host without any load on it.
fn idle(file: &File) -> Simulation {
    let jobs = file.0.matches("[[traffic.job]]").count();
    let keyspaces = file.0.matches("[[keyspace]]").count();
    let mut settings = vec!["dataset.growth-per-day=0 B".to_owned()];
    settings.extend((0..keyspaces).map(|number| format!("keyspace.k{number}.writes-per-second=0")));
    settings.extend((0..jobs).map(|number| format!("traffic.job.{number}.writes-per-second=0")));
    file.with(&settings)
}

/// The most memory in use relative to what the kernel hands out.
fn peak(file: &File, settings: &[String]) -> f64 {
    let simulation = file.with(settings);
    let outcome = simulation.run(1, 0, &mut Unobserved).unwrap();
    outcome.peak_memory.as_f64() / simulation.capacity().as_f64()
}

/// Two numbers of the range, the lesser first.
fn pair(range: std::ops::Range<f64>) -> impl Strategy<Value = (f64, f64)> {
    (range.clone(), range).prop_map(|(a, b)| if a < b { (a, b) } else { (b, a) })
}

/// Where a child's allocator purges by jumps, a peak inside a save is found to this share of what is copied at it.
const JUMPS: f64 = 0.005;

/// A byte is lost to rounding here and there, and a peak inside a save is found to a millionth of its height.
const ROUNDING: f64 = 1e-6;

#[test]
fn in_one_save_more_percent_of_data_never_lowers_the_peak() {
    for_all(120, (scenarios::one_save(), pair(5.0..40.0)), |(file, (less, more))| {
        let at = |percent: f64| peak(&file, &[format!("server.maxmemory-percent={percent}")]);
        let (low, high) = (at(less), at(more));
        prop_assert!(low <= high + ROUNDING, "{} at {} %, {} at {} %", low, less, high, more);
        Ok(())
    });
}

#[test]
fn in_one_save_more_writes_never_lower_the_peak() {
    for_all(120, (scenarios::one_save(), pair(0.0..60_000.0)), |(file, (fewer, more))| {
        let at = |rate: f64| peak(&file, &[format!("keyspace.k0.writes-per-second={rate}")]);
        let (low, high) = (at(fewer), at(more));
        prop_assert!(low <= high + ROUNDING, "{} at {}/s, {} at {}/s", low, fewer, high, more);
        Ok(())
    });
}

/// Down to where it is killed.
#[test]
fn in_one_save_less_memory_at_the_same_bytes_never_lowers_the_peak() {
    for_all(120, (scenarios::one_save(), pair(16.0..64.0)), |(file, (less, more))| {
        let at = |ram: f64| peak(&file, &["server.maxmemory=12 GiB".into(), format!("host.ram={ram} GiB")]);
        let (low, high) = (at(more), at(less));
        prop_assert!(low <= high + ROUNDING, "{} on {} GiB, {} on {} GiB", low, more, high, less);
        Ok(())
    });
}

/// Seconds to the first kill; forever where there is none.
fn first_kill(outcome: &Outcome) -> f64 {
    outcome
        .first_kill
        .map_or(f64::INFINITY, |kill| kill.at.since(forkcast::units::SimTime::ZERO).as_secs_f64())
}

/// The instant is found to a millisecond.
const GRAIN: f64 = 0.002;

#[test]
fn with_scheduled_saves_alone_less_load_never_kills_earlier() {
    let killed = Tally::default();
    for_all(200, (scenarios::scheduled_saves(), pair(100.0..30_000.0)), |(file, (less, more))| {
        let at = |rate: f64| file.outcome(&[format!("keyspace.k0.writes-per-second={rate}")]);
        let (early, late) = (first_kill(&at(more)), first_kill(&at(less)));
        prop_assert!(late >= early - GRAIN, "{} s at {}/s, {} s at {}/s", late, less, early, more);
        killed.count(early.is_finite());
        Ok(())
    });
    killed.at_least(50);
}

#[test]
fn with_scheduled_saves_alone_more_memory_at_the_same_bytes_never_kills_earlier() {
    let killed = Tally::default();
    for_all(200, (scenarios::scheduled_saves(), pair(15.0..24.0)), |(file, (less, more))| {
        let at = |ram: f64| file.outcome(&["server.maxmemory=12 GiB".into(), format!("host.ram={ram} GiB")]);
        let (early, late) = (first_kill(&at(less)), first_kill(&at(more)));
        prop_assert!(late >= early - GRAIN, "{} s on {} GiB, {} s on {} GiB", late, more, early, less);
        killed.count(early.is_finite());
        Ok(())
    });
    killed.at_least(50);
}

/// The premise of both: no save of these hosts outlasts the time to the next one.
#[test]
fn no_scheduled_save_outlasts_its_interval() {
    for_all(100, scenarios::scheduled_saves(), |file| {
        let settings = ["server.maxmemory=12 GiB".to_owned(), "host.ram=64 GiB".to_owned()];
        let simulation = file.with(&settings);
        let Trace { happenings, .. } = trace(&simulation, 1, 0).unwrap();
        for Happened { at, happening, .. } in &happenings {
            if let forkcast::model::Happening::Forked { duration, .. } = happening {
                prop_assert!(*duration < SimDuration(5 * SimDuration::HOUR.0), "{} at {}", duration, at);
            }
        }
        prop_assert!(happenings.len() >= 2);
        Ok(())
    });
}
