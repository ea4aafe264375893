//! Outcomes of a cell's replications to its figures.

use super::budget::{Budget, YEAR_DAYS};
use super::row::{Figures, IncidentKind};
use crate::model::{Cause, Outcome};
use crate::stats::{Incidents, Share, quantile};
use crate::units::SimDuration;

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
    let counted = incidents(outcomes);
    let killed = outcomes.iter().filter(|outcome| outcome.oom_kills() > 0).count();
    let share = Share { hits: killed as u64, trials: outcomes.len() as u64 };
    let [peak_memory_p50, peak_memory_p99] = extremes(outcomes, |o| o.peak_memory, [0.5, 0.99]);
    let [free_min_p50, free_min_p01] = extremes(outcomes, |o| o.free_min, [0.5, 0.01]);
    let [cow_peak_p50, cow_peak_p99] = extremes(outcomes, |o| o.cow_peak, [0.5, 0.99]);
    let [fork_pause_p99] = extremes(outcomes, |o| o.fork_pause, [0.99]);
    let [replica_buffer_peak_p99] = extremes(outcomes, |o| o.replica_buffer_peak, [0.99]);
    let [swap_peak_p99] = extremes(outcomes, |o| o.swap_peak, [0.99]);
    let main_cause = main_cause(outcomes);
    Figures {
        oom_probability: budget.probability(share),
        incidents_per_year: budget.rate(&counted),
        affected_per_year: budget.affected_rate(counted.share()),
        server_kills_per_year: per_year(|o| over_causes(o, |o, cause| o.server_kills[cause])),
        child_kills_per_year: per_year(|o| over_causes(o, |o, cause| o.child_kills[cause])),
        stalls_per_year: per_year(|o| over_causes(o, |o, cause| o.stalls[cause])),
        save_failures_per_year: per_year(|o| u64::from(o.save_failures)),
        forks_per_year: per_year(|o| over_causes(o, |o, cause| o.forks[cause])),
        main_cause,
        main_incident: main_cause.and_then(|cause| main_incident(outcomes, cause)),
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
        full_syncs_per_year: per_year(|o| u64::from(o.forks[Cause::FullSync])),
        syncs_cut_per_year: per_year(|o| u64::from(o.syncs_cut)),
        sync_loops_per_year: per_year(|o| u64::from(o.sync_loops)),
        failovers_per_year: per_year(|o| u64::from(o.failovers)),
        forks_refused_per_year: per_year(|o| over_causes(o, |o, cause| o.forks_refused[cause])),
        replica_buffer_peak_p99,
        swap_peak_p99,
        lost_writes_mean: mean(|o| o.lost_writes),
        incidents_per_up_year: incidents_per_up_year(outcomes),
    }
}

/// Incidents over the years in which the primary served: `None` where it never did.
fn incidents_per_up_year(outcomes: &[Outcome]) -> Option<f64> {
    let seconds: f64 = outcomes.iter().map(|outcome| outcome.served.as_secs_f64()).sum();
    let years = seconds / (YEAR_DAYS * SimDuration::DAY.as_secs_f64());
    (years > 0.0).then(|| sum(outcomes, Outcome::incidents) as f64 / years)
}

/// The cause with the most incidents, then with the most children killed and forks refused; `None` where nothing went
/// wrong.
fn main_cause(outcomes: &[Outcome]) -> Option<Cause> {
    let wrong = |cause| {
        let incidents = sum(outcomes, |o| o.incidents_of(cause));
        let failed = sum(outcomes, |o| o.child_kills[cause] + o.forks_refused[cause]);
        (incidents, failed)
    };
    first_of_most(Cause::ALL, wrong)
}

/// What most incidents of `cause` were; `None` where there were none.
fn main_incident(outcomes: &[Outcome], cause: Cause) -> Option<IncidentKind> {
    let incidents = |kind| match kind {
        IncidentKind::Kill => sum(outcomes, |o| o.server_kills[cause]),
        IncidentKind::Stall => sum(outcomes, |o| o.stalls[cause]),
        IncidentKind::SyncLoop if cause == Cause::FullSync => sum(outcomes, |o| o.sync_loops),
        IncidentKind::SyncLoop => 0,
    };
    first_of_most(IncidentKind::ALL, incidents)
}

fn sum(outcomes: &[Outcome], count: impl Fn(&Outcome) -> u32) -> u64 {
    outcomes.iter().map(|outcome| u64::from(count(outcome))).sum()
}

/// The first of `kinds` that has the most, if that is more than nothing.
fn first_of_most<T: Copy, K: Ord + Default, const N: usize>(
    kinds: [T; N],
    count: impl Fn(T) -> K,
) -> Option<T> {
    // `max_by_key` takes the last of equals; reversed, that is the first.
    let most = kinds.into_iter().rev().max_by_key(|&kind| count(kind));
    most.filter(|&kind| count(kind) > K::default())
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
    use crate::units::Bytes;

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

    /// Two months, one of them half down: its two kills are over three halves of a month.
    #[test]
    fn incidents_of_the_time_up_leave_out_the_downtime() {
        let month = SimDuration(30 * SimDuration::DAY.0);
        let quiet = Outcome { served: month, ..outcome(1, 0, 0) };
        let down = Outcome { served: SimDuration(month.0 / 2), ..outcome(1, 2, 0) };
        let figures = figures(&[quiet, down.clone()], &monthly(Replications::Fixed(2)));
        let per_month = |rate: f64| rate * 30.0 / 365.25;
        assert!((per_month(figures.incidents_per_up_year.unwrap()) - 2.0 / 1.5).abs() < 1e-12);
        assert!((per_month(figures.incidents_per_year.value) - 1.0).abs() < 1e-12);
        assert_eq!(incidents_per_up_year(&[Outcome { served: SimDuration::ZERO, ..down }]), None);
    }

    #[test]
    fn the_main_cause_has_the_most_incidents_and_only_then_failed_saves() {
        assert_eq!(main_cause(&[outcome(1, 0, 0)]), None);
        assert_eq!(main_cause(&[outcome(1, 0, 9)]), Some(Cause::Backup));
        assert_eq!(main_cause(&[outcome(1, 1, 9)]), Some(Cause::AofRewrite));
        let looping = Outcome { sync_loops: 2, ..outcome(1, 1, 9) };
        assert_eq!(main_cause(&[looping]), Some(Cause::FullSync));
        let mut refused = Outcome::default();
        refused.forks_refused[Cause::SavePoint] = 1;
        assert_eq!(main_cause(&[refused]), Some(Cause::SavePoint));
    }

    #[test]
    fn the_main_incident_is_the_most_frequent_of_the_main_cause() {
        let mut outcome = outcome(1, 2, 0);
        assert_eq!(main_incident(&[outcome.clone()], Cause::AofRewrite), Some(IncidentKind::Kill));
        outcome.stalls[Cause::AofRewrite] = 3;
        outcome.sync_loops = 9;
        assert_eq!(main_incident(&[outcome.clone()], Cause::AofRewrite), Some(IncidentKind::Stall));
        assert_eq!(main_incident(&[outcome.clone()], Cause::FullSync), Some(IncidentKind::SyncLoop));
        assert_eq!(main_incident(&[outcome], Cause::Backup), None);
    }

    #[test]
    fn what_breaks_is_counted_a_year_and_adds_up_to_the_incidents() {
        let mut outcome = Outcome {
            sync_loops: 2,
            syncs_cut: 7,
            failovers: 1,
            replica_buffer_peak: Bytes(9),
            swap_peak: Bytes(8),
            lost_writes: 4.0,
            ..outcome(1, 1, 0)
        };
        outcome.forks[Cause::FullSync] = 19;
        outcome.stalls[Cause::Backup] = 3;
        outcome.forks_refused[Cause::Backup] = 5;
        let figures = figures(&[outcome], &monthly(Replications::Fixed(1)));
        let a_month = |rate: f64| format!("{:.3}", rate * 30.0 / 365.25);
        let rates = [
            figures.incidents_per_year.value,
            figures.server_kills_per_year,
            figures.stalls_per_year,
            figures.sync_loops_per_year,
            figures.full_syncs_per_year,
            figures.syncs_cut_per_year,
            figures.failovers_per_year,
            figures.forks_refused_per_year,
            figures.lost_writes_mean * 365.25 / 30.0,
        ];
        let counts = ["6.000", "1.000", "3.000", "2.000", "19.000", "7.000", "1.000", "5.000", "4.000"];
        assert_eq!(rates.map(a_month), counts);
        assert_eq!((figures.replica_buffer_peak_p99, figures.swap_peak_p99), (Bytes(9), Bytes(8)));
        assert_eq!(
            (figures.main_cause, figures.main_incident),
            (Some(Cause::Backup), Some(IncidentKind::Stall))
        );
    }
}
