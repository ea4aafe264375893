//! Outcomes of a cell's replications to its figures.

use super::budget::Budget;
use super::row::Figures;
use crate::model::{Cause, Outcome};
use crate::stats::{Incidents, Share, quantile};

/// Incidents counted over `outcomes`.
pub(super) fn incidents(outcomes: &[Outcome]) -> Incidents {
    outcomes.iter().map(Outcome::incidents).collect()
}

/// The figures over `outcomes`, in the order of their replications: at least one.
///
/// Counts are summed as integers, floats in the order of the replications, so that the figures do not depend on
/// which thread simulated what.
pub(super) fn figures(outcomes: &[Outcome], budget: &Budget) -> Figures {
    let simulated_years = outcomes.len() as f64 * budget.years();
    let per_year =
        |count: fn(&Outcome) -> u64| outcomes.iter().map(count).sum::<u64>() as f64 / simulated_years;
    let mean = |amount: fn(&Outcome) -> f64| outcomes.iter().map(amount).sum::<f64>() / outcomes.len() as f64;
    let killed = outcomes.iter().filter(|outcome| outcome.oom_kills() > 0).count();
    let share = Share { hits: killed as u64, trials: outcomes.len() as u64 };
    let [peak_memory_p50, peak_memory_p99] = extremes(outcomes, |o| o.peak_memory, [0.5, 0.99]);
    let [free_min_p50, free_min_p01] = extremes(outcomes, |o| o.free_min, [0.5, 0.01]);
    let [cow_peak_p50, cow_peak_p99] = extremes(outcomes, |o| o.cow_peak, [0.5, 0.99]);
    let [fork_pause_p99] = extremes(outcomes, |o| o.fork_pause, [0.99]);
    Figures {
        oom_probability: budget.probability(share),
        incidents_per_year: budget.rate(&incidents(outcomes)),
        server_kills_per_year: per_year(|o| over_causes(o, |o, cause| o.server_kills[cause])),
        child_kills_per_year: per_year(|o| over_causes(o, |o, cause| o.child_kills[cause])),
        save_failures_per_year: per_year(|o| u64::from(o.save_failures)),
        forks_per_year: per_year(|o| over_causes(o, |o, cause| o.forks[cause])),
        main_cause: main_cause(outcomes),
        peak_memory_p50,
        peak_memory_p99,
        free_min_p50,
        free_min_p01,
        cow_peak_p50,
        cow_peak_p99,
        fork_pause_p99_seconds: fork_pause_p99.as_secs_f64(),
        downtime_seconds_per_year: outcomes.iter().map(|o| o.downtime.as_secs_f64()).sum::<f64>()
            / simulated_years,
        rejected_writes_mean: mean(|o| o.rejected_writes),
        evicted_keys_mean: mean(|o| o.evicted_keys),
    }
}

/// The cause with the most kills of the server, then of a child; `None` where nothing was killed.
fn main_cause(outcomes: &[Outcome]) -> Option<Cause> {
    let kills = |cause| {
        let server: u64 = outcomes.iter().map(|o| u64::from(o.server_kills[cause])).sum();
        let child: u64 = outcomes.iter().map(|o| u64::from(o.child_kills[cause])).sum();
        (server, child)
    };
    // `max_by_key` takes the last of equals; reversed, that is the first by name.
    Cause::ALL.into_iter().rev().max_by_key(|&cause| kills(cause)).filter(|&cause| kills(cause) > (0, 0))
}

fn over_causes(outcome: &Outcome, count: impl Fn(&Outcome, Cause) -> u32) -> u64 {
    Cause::ALL.into_iter().map(|cause| u64::from(count(outcome, cause))).sum()
}

fn extremes<T: Copy + Default + Ord, const N: usize>(
    outcomes: &[Outcome],
    extreme: impl Fn(&Outcome) -> T,
    quantiles: [f64; N],
) -> [T; N] {
    let mut sorted: Vec<T> = outcomes.iter().map(extreme).collect();
    sorted.sort_unstable();
    quantiles.map(|q| quantile(&sorted, q).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Replications;
    use crate::sweep::budget::tests::monthly;
    use crate::units::{Bytes, SimDuration};

    fn outcome(peak: u64, server_kills: u32, child_kills: u32) -> Outcome {
        let mut outcome = Outcome { peak_memory: Bytes(peak), free_min: Bytes(peak), ..Outcome::default() };
        outcome.server_kills[Cause::AofRewrite] = server_kills;
        outcome.child_kills[Cause::Backup] = child_kills;
        outcome.forks[Cause::Backup] = 30;
        outcome.downtime = SimDuration::from_secs(60 * u64::from(server_kills));
        outcome
    }

    #[test]
    fn figures_are_rates_a_year_and_quantiles_over_replications() {
        let mut outcomes: Vec<Outcome> = (1..=100).map(|peak| outcome(peak, 0, 0)).collect();
        outcomes[3] = outcome(4, 2, 0);
        outcomes[4] = outcome(5, 0, 1);
        let figures = figures(&outcomes, &monthly(Replications::Fixed(100)));
        let years = 100.0 * 30.0 / 365.25;
        assert!((figures.oom_probability.value - 0.02).abs() < 1e-12);
        assert!((figures.incidents_per_year.value - 2.0 / years).abs() < 1e-12);
        assert!((figures.child_kills_per_year - 1.0 / years).abs() < 1e-12);
        assert!((figures.forks_per_year - 365.25).abs() < 1e-9);
        assert!((figures.downtime_seconds_per_year - 120.0 / years).abs() < 1e-9);
        assert_eq!((figures.peak_memory_p50, figures.peak_memory_p99), (Bytes(50), Bytes(99)));
        assert_eq!((figures.free_min_p50, figures.free_min_p01), (Bytes(50), Bytes(1)));
    }

    #[test]
    fn the_main_cause_has_the_most_server_kills_and_only_then_child_kills() {
        let cause = |outcomes: &[Outcome]| main_cause(outcomes);
        assert_eq!(cause(&[outcome(1, 0, 0)]), None);
        assert_eq!(cause(&[outcome(1, 0, 9)]), Some(Cause::Backup));
        assert_eq!(cause(&[outcome(1, 1, 9)]), Some(Cause::AofRewrite));
    }
}
