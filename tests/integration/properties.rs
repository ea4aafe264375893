//! What this proves: what holds for every host: memory is conserved, nothing written means nothing copied, watching
//! changes nothing, and more load, more data or less memory never helps where the model says so.
//!
//! Hosts are generated as scenario files. A failing property prints the file: save it, and `forkcast trace FILE
//! --replication 0` shows what happened.

mod auditor;
mod conservation;
mod monotone;
mod scenarios;

use std::cell::Cell;
use std::fmt;

use forkcast::model::{Outcome, Simulation, Unobserved};
use forkcast::scenario::{Assignment, Origin, Scenario};
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

/// How long a failing host is made smaller \[ms\]: one with 24 servers takes seconds each time.
const MOST_SHRINKING: u32 = 30_000;

/// Tries a property on so many hosts, always the same ones.
fn for_all<S: Strategy>(cases: u32, hosts: S, property: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = Config {
        cases,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        max_shrink_time: MOST_SHRINKING,
        ..Config::default()
    };
    TestRunner::new(config).run(&hosts, property).unwrap_or_else(|failure| panic!("{failure}"));
}

/// How many of the hosts tried were of the kind that a property is about: none would prove nothing.
#[derive(Default)]
struct Tally(Cell<u32>);

impl Tally {
    fn count(&self, is_of_the_kind: bool) {
        self.0.set(self.0.get() + u32::from(is_of_the_kind));
    }

    fn at_least(&self, expected: u32, kind: &str) {
        assert!(self.0.get() >= expected, "only {} hosts with {kind}", self.0.get());
    }
}

/// Where a child's allocator purges by jumps, a peak inside a save is found to this share of what is copied at it.
const JUMPS: f64 = 0.005;

/// A byte is lost to rounding here and there, and a peak inside a save is found to a millionth of its height.
const ROUNDING: f64 = 1e-6;
