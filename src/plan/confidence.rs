//! How sure one may be, in numbers that people know.

use crate::model::Outcome;
use crate::stats::{Estimate, quantile};
use crate::sweep::{Budget, Figures};
use crate::units::Bytes;

/// Hosts of the fleet that a risk is spoken of.
pub const FLEET: u32 = 1_000;

/// What the percent to set means for a host and a fleet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Confidence {
    /// The percent.
    pub percent: f64,
    /// How often a year a host is hit, at most, at the scenario's confidence: on average over all that the inputs may
    /// be.
    pub hits_per_host_year: f64,
    /// The same of a fleet of a thousand such hosts.
    pub hits_per_fleet_year: f64,
    /// Incidents a host and year, all that follow counted.
    pub incidents_per_host_year: Estimate,
    /// Forks a year.
    pub forks_per_year: f64,
    /// Forks for each incident: estimated where there were incidents, else endless with a lower end alone; `None` where
    /// nothing forks.
    pub forks_per_incident: Option<Estimate>,
    /// Free memory at the worst moment of a year, the median over years.
    pub free_at_worst: Bytes,
    /// The most pages copied in one fork, 99th percentile over replications.
    pub cow_peak_p99: Bytes,
    /// Free memory that 99 in 100 replications never went below.
    pub free_min_p01: Bytes,
}

/// What the figures at `percent` and the outcomes behind them mean, over the replications of `budget`.
pub fn confidence(percent: f64, figures: &Figures, outcomes: &[Outcome], budget: &Budget) -> Confidence {
    let mut free: Vec<Bytes> = outcomes.iter().map(|outcome| outcome.free_min).collect();
    free.sort_unstable();
    // The least of a year's replications lies below this share of them in half of all years.
    let share = 1.0 - 0.5f64.powf(budget.years());
    let (hits, rate) = (figures.affected_per_year.high, figures.incidents_per_year);
    let forks = |rate: f64| figures.forks_per_year / rate;
    let forks_per_incident =
        Estimate { value: forks(rate.value), low: forks(rate.high), high: forks(rate.low) };
    Confidence {
        percent,
        hits_per_host_year: hits,
        hits_per_fleet_year: hits * f64::from(FLEET),
        incidents_per_host_year: rate,
        forks_per_year: figures.forks_per_year,
        forks_per_incident: (figures.forks_per_year > 0.0).then_some(forks_per_incident),
        free_at_worst: quantile(&free, share).unwrap_or_default(),
        cow_peak_p99: figures.cow_peak_p99,
        free_min_p01: figures.free_min_p01,
    }
}
