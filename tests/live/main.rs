//! forkcast against living servers: a server is filled, saves under a known load, and what the host pays is measured.
//!
//! The programs are those of `FORKCAST_SERVERS` (paths, with colons between them) and the `redis-server` and
//! `valkey-server` on `PATH`. Rows for a file of measurements: see [`matrix`].
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test stops where its ground is missing")]

mod bench;
mod commands;
mod group;
mod histories;
mod law;
mod load;
mod matrix;
mod memory;
mod row;
mod save;
mod server;
mod writer;

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;

use bench::Bench;
use load::{Dist, Load, Op};
use save::Save;

const MIB: f64 = 1_048_576.0;

/// Data of each server \[bytes\].
const DATA: f64 = 256.0 * MIB;

/// How far the law may be from what was measured.
const TOLERANCE: f64 = 0.03;

/// Growths below this are judged by [`SMALL_TOLERANCE`] \[bytes\].
const SMALL: f64 = 16.0 * MIB;

/// How far the law may be from a small growth \[bytes\].
const SMALL_TOLERANCE: f64 = 2.5 * MIB;

/// What one fill of a server is saved under: operation, distribution and operations a second.
type Loads = &'static [(Op, Dist, f64)];

/// Value sizes, each with its loads. The rates copy a tenth to two thirds of the memory in a save of three seconds.
const FILLS: [(usize, Loads); 4] = [
    (64, &[(Op::Idle, Dist::Uniform, 0.0), (Op::Set, Dist::Uniform, 6e3), (Op::Set, Dist::Zipf, 10e3)]),
    (1024, &[(Op::Set, Dist::Uniform, 6e3), (Op::Set, Dist::Zipf, 12e3)]),
    (8, &[(Op::Incr, Dist::Uniform, 6e3)]),
    (32, &[(Op::Hset, Dist::Uniform, 6e3), (Op::Idle, Dist::Uniform, 0.0)]),
];

/// Past the capture of the test harness: a reader of the log is to see what was measured and what was not.
fn say(text: impl Display) {
    let mut log = io::stderr().lock();
    // The harness has begun a line with the name of the test.
    writeln!(log, "\n{text}").unwrap();
}

#[test]
fn saves_of_living_servers_cost_what_the_law_says() {
    let programs = server::programs();
    if programs.is_empty() {
        say(
            "SKIPPED: no redis-server or valkey-server on PATH or in FORKCAST_SERVERS: no law was held against one",
        );
    }
    let misses: Vec<String> = programs.iter().flat_map(|program| misses(program)).collect();
    assert!(misses.is_empty(), "\n{}", misses.join("\n"));
}

/// The saves of one server that the law does not foretell.
fn misses(program: &Path) -> Vec<String> {
    let mut misses = Vec::new();
    for (value_bytes, loads) in FILLS {
        let load = |op, dist| Load { op, dist, value_bytes };
        let Some(mut bench) = Bench::new(program, load(loads[0].0, loads[0].1), DATA, 0.0) else {
            say(format!("SKIPPED: {} runs without jemalloc", program.display()));
            return misses;
        };
        for &(op, dist, rate) in loads {
            let save = bench.save(load(op, dist), rate);
            let verdict = Verdict::new(&bench, load(op, dist), &save);
            say(&verdict);
            misses.extend((!verdict.holds()).then(|| verdict.to_string()));
        }
    }
    misses
}

/// A measured save beside the law's word on it.
struct Verdict {
    name: String,
    /// Writes up to the peak.
    writes: f64,
    /// The server's count of writes over the load's, where there were any.
    counted: Option<f64>,
    /// \[bytes\]
    measured: f64,
    /// \[bytes\]; nothing where the law knows no such version or operation.
    predicted: Option<f64>,
}

impl Verdict {
    /// Judged at the sample that holds the peak: the law gets the writes up to that very moment.
    fn new(bench: &Bench, load: Load, save: &Save) -> Self {
        let (subject, writes) = (&bench.subject, save.peak().writes);
        let (op, dist) = (load.op.name(), load.dist.name());
        Self {
            name: format!("{} {}, {op} {} B {dist}", subject.engine, subject.version, load.value_bytes),
            writes,
            counted: (writes > 0.0).then_some(save.counter_ratio),
            measured: save.growth(),
            predicted: subject.growth(load, writes),
        }
    }

    fn holds(&self) -> bool {
        let allowed = if self.measured < SMALL { SMALL_TOLERANCE } else { TOLERANCE * self.measured };
        self.counted.is_none_or(|ratio| (ratio - 1.0).abs() < 0.01)
            && self.predicted.is_none_or(|predicted| (predicted - self.measured).abs() <= allowed)
    }
}

impl Display for Verdict {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, writes, measured, .. } = self;
        write!(out, "{name}: {writes:.0} writes, grew by {:.1} MiB, ", measured / MIB)?;
        if let Some(ratio) = self.counted {
            write!(out, "the server counted {ratio:.4} of them, ")?;
        }
        match self.predicted {
            Some(law) => {
                let error = (law / measured - 1.0) * 100.0;
                write!(out, "the law says {:.1} MiB ({error:+.1} %)", law / MIB)
            }
            None => write!(out, "SKIPPED: the law does not know it"),
        }
    }
}

#[test]
#[ignore = "a measurement of some ten minutes: FORKCAST_LIVE_ROWS says where to"]
fn histories_of_saves_under_hidden_load() {
    histories::measure(&server::programs()[0]);
}

#[test]
#[ignore = "a measurement, not a test: FORKCAST_LIVE_LOADS and FORKCAST_LIVE_ROWS say what and where to"]
fn rows_of_measurements() {
    for program in server::programs() {
        matrix::measure(&program);
    }
}
