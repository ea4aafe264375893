//! A scenario, lived through as often as it asks for.

use forkcast::model::{Cause, Outcome, Simulation, Unobserved};
use forkcast::scenario::{Assignment, Replications, Scenario};
use forkcast::units::{Bytes, SimDuration};

use super::super::repository;

/// What became of a scenario.
pub struct Lived {
    pub outcomes: Vec<Outcome>,
    pub memory: Bytes,
    years: f64,
}

impl Lived {
    /// Lives through the scenario `file` with further settings.
    pub fn through(file: &str, settings: &[&str]) -> Self {
        let overrides: Vec<Assignment> = settings.iter().map(|text| Assignment::set(text).unwrap()).collect();
        let scenario = Scenario::open(&repository(&format!("scenarios/{file}")), &overrides);
        let scenario = scenario.unwrap_or_else(|report| panic!("{file}: {report:?}"));
        let simulation = Simulation::new(scenario.as_written().host.clone());
        let Replications::Fixed(replications) = scenario.replications() else {
            panic!("{file}: a number of replications")
        };
        let live = |replication| simulation.run(scenario.seed(), replication, &mut Unobserved).unwrap();
        let year = 365.25 * SimDuration::DAY.as_secs_f64();
        Self {
            outcomes: (0..replications).map(live).collect(),
            memory: scenario.as_written().memory,
            years: simulation.host().horizon.as_secs_f64() * replications as f64 / year,
        }
    }

    /// How many of the replications were as `is` says.
    pub fn count(&self, is: impl Fn(&Outcome) -> bool) -> usize {
        self.outcomes.iter().filter(|outcome| is(outcome)).count()
    }

    /// Replications in which a server was killed.
    pub fn killed(&self) -> usize {
        self.count(|outcome| outcome.first_server_kill.is_some())
    }

    /// "n of m".
    pub fn of_all(&self, count: usize) -> String {
        format!("{count} of {}", self.outcomes.len())
    }

    /// The middle of a size over the replications.
    pub fn median(&self, size: impl Fn(&Outcome) -> Bytes) -> Bytes {
        let mut sizes: Vec<Bytes> = self.outcomes.iter().map(size).collect();
        sizes.sort_unstable();
        sizes[sizes.len() / 2]
    }

    /// The largest of a size over the replications.
    pub fn largest(&self, size: impl Fn(&Outcome) -> Bytes) -> Bytes {
        self.outcomes.iter().map(size).max().unwrap_or_default()
    }

    /// A count a year.
    pub fn a_year(&self, count: impl Fn(&Outcome) -> u32) -> f64 {
        self.outcomes.iter().map(|outcome| f64::from(count(outcome))).sum::<f64>() / self.years
    }

    /// Forks for `cause` in all.
    pub fn forks(&self, cause: Cause) -> u32 {
        self.outcomes.iter().map(|outcome| outcome.forks[cause]).sum()
    }
}
