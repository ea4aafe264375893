//! Why a cell has its verdict: one plain sentence with its numbers.

use super::budget::Budget;
use super::words::{count, mostly, rate};
use super::{CellRow, Figures, Verdict};
use crate::model::Fit;
use crate::scenario::Replications;
use crate::stats::{Estimate, Incidents};
use crate::units::Percent;

/// The reason of a verdict that came from replications.
pub(super) fn judged(verdict: Verdict, incidents: &Incidents, figures: &Figures, budget: &Budget) -> String {
    let seen = seen(incidents, budget);
    let Estimate { low, high, .. } = figures.affected_per_year;
    let sure = Percent(budget.confidence * 100.0);
    let limit = format!("the budget of {}", rate(budget.incidents_per_year));
    match verdict {
        Verdict::Safe => format!("{seen}: hit at most {} times a year at {sure}, within {limit}", rate(high)),
        Verdict::Risky => {
            let mostly = mostly(figures);
            format!("{seen}{mostly}: hit at least {} times a year at {sure}, above {limit}", rate(low))
        }
        Verdict::Undecided | Verdict::DoesNotFit => {
            let open = if incidents.affected == 0 {
                format!("hit at most {} times a year at {sure}", rate(high))
            } else {
                format!("hit between {} and {} times a year at {sure}", rate(low), rate(high))
            };
            format!("{seen}: {open}, which leaves {limit} open{}", remedy(incidents, budget))
        }
    }
}

/// How often something happened: `3 of 16,384 replications of 30d had an incident, 12 in all`.
fn seen(incidents: &Incidents, budget: &Budget) -> String {
    let of = format!("{} replications of {}", count(incidents.replications), budget.horizon);
    match (incidents.affected, incidents.total) {
        (0, _) => format!("no incident in {of}"),
        (affected, total) if total > affected => {
            format!("{} of {of} had an incident, {} in all", count(affected), count(total))
        }
        (affected, _) => format!("{} of {of} had an incident", count(affected)),
    }
}

/// What would settle an open verdict.
fn remedy(incidents: &Incidents, budget: &Budget) -> String {
    let enough = budget.without_incident();
    match budget.replications {
        Replications::Fixed(_) if incidents.affected == 0 => {
            format!("; {} without an incident would be within it", count(enough))
        }
        Replications::Auto if enough > budget.most() => {
            format!(
                "; it takes {} without an incident to hold it: judge over a longer horizon",
                count(enough)
            )
        }
        Replications::Fixed(_) => "; more replications narrow it".to_owned(),
        Replications::Auto => String::new(),
    }
}

/// The reason of a cell that does not hold its data.
pub(super) fn does_not_fit(fit: Fit, row: &CellRow, is_limited: bool) -> String {
    let room = if is_limited { "the limit" } else { "RAM" };
    match row.maxmemory {
        Some(maxmemory) if fit.over_maxmemory => {
            format!("the data of {} is over maxmemory, {maxmemory}", row.data)
        }
        _ => format!("with no child alive {} are needed and {room} gives {}", fit.need, fit.available),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Cause, Outcome};
    use crate::sweep::budget::tests::monthly;
    use crate::sweep::figures::{figures, incidents};
    use crate::units::Bytes;

    /// The reason where so many of so many replications were hit, each so many times.
    fn reason(replications: Replications, of: usize, affected: usize, kills: u32) -> String {
        let mut outcomes = vec![Outcome::default(); of];
        outcomes[..affected].iter_mut().for_each(|o| o.server_kills[Cause::AofRewrite] = kills);
        let budget = monthly(replications);
        let figures = figures(&outcomes, &budget);
        let incidents = incidents(&outcomes);
        let verdict = budget.verdict(incidents.share());
        format!("{}: {}", verdict.name(), judged(verdict, &incidents, &figures, &budget))
    }

    #[test]
    fn every_verdict_is_one_sentence_with_its_numbers() {
        let texts = [
            reason(Replications::Auto, 4_268, 0, 0),
            reason(Replications::Auto, 16_384, 3, 1),
            reason(Replications::Auto, 128, 41, 4),
            reason(Replications::Auto, 16_384, 9, 1),
            reason(Replications::Fixed(1_000), 1_000, 0, 0),
            reason(Replications::Fixed(1_000), 1_000, 1, 1),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        safe: no incident in 4,268 replications of 30d: hit at most 0.01 times a year at 95 %, within the budget of 0.01
        safe: 3 of 16,384 replications of 30d had an incident: hit at most 0.0093 times a year at 95 %, within the budget of 0.01
        risky: 41 of 128 replications of 30d had an incident, 164 in all, mostly kills during an AOF rewrite: hit at least 2.1 times a year at 95 %, above the budget of 0.01
        undecided: 9 of 16,384 replications of 30d had an incident: hit between 0.0018 and 0.017 times a year at 95 %, which leaves the budget of 0.01 open
        undecided: no incident in 1,000 replications of 30d: hit at most 0.036 times a year at 95 %, which leaves the budget of 0.01 open; 3,646 without an incident would be within it
        undecided: 1 of 1,000 replications of 30d had an incident: hit between 0.00062 and 0.058 times a year at 95 %, which leaves the budget of 0.01 open; more replications narrow it
        ");
    }

    #[test]
    fn the_reason_says_what_the_incidents_were() {
        let mut stalled = Outcome::default();
        stalled.stalls[Cause::FullSync] = 2;
        let looping = Outcome { sync_loops: 3, ..stalled.clone() };
        let mut refused = Outcome::default();
        refused.forks_refused[Cause::Backup] = 1;
        let budget = monthly(Replications::Fixed(128));
        let reason = |outcome: Outcome| {
            let outcomes = vec![outcome; 128];
            let figures = figures(&outcomes, &budget);
            let incidents = incidents(&outcomes);
            judged(budget.verdict(incidents.share()), &incidents, &figures, &budget)
        };
        insta::assert_snapshot!([stalled, looping, refused].map(reason).join("\n"), @"
        128 of 128 replications of 30d had an incident, 256 in all, mostly stalls during a full sync: hit at least 12 times a year at 95 %, above the budget of 0.01
        128 of 128 replications of 30d had an incident, 640 in all, mostly full syncs cut short again and again: hit at least 12 times a year at 95 %, above the budget of 0.01
        no incident in 128 replications of 30d: hit at most 0.28 times a year at 95 %, which leaves the budget of 0.01 open; 3,646 without an incident would be within it
        ");
    }

    #[test]
    fn a_budget_out_of_reach_says_what_it_would_take() {
        let budget = Budget { incidents_per_year: 0.001, ..monthly(Replications::Auto) };
        let outcomes = vec![Outcome::default(); 16_384];
        let figures = figures(&outcomes, &budget);
        let text = judged(Verdict::Undecided, &incidents(&outcomes), &figures, &budget);
        insta::assert_snapshot!(text, @"no incident in 16,384 replications of 30d: hit at most 0.0025 times a year at 95 %, which leaves the budget of 0.001 open; it takes 42,694 without an incident to hold it: judge over a longer horizon");
    }

    #[test]
    fn what_does_not_fit_names_both_sizes() {
        let fit = Fit { need: Bytes::gib(33), available: Bytes::gib(31), over_maxmemory: false };
        let over = Fit { over_maxmemory: true, ..fit };
        let row = CellRow {
            cell: 1,
            host_class: None,
            ram: Bytes::gib(32),
            maxmemory_percent: None,
            maxmemory: Some(Bytes::gib(24)),
            data: Bytes::gib(28),
            axes: Vec::new(),
            replications: 0,
            horizon_seconds: 0.0,
            figures: None,
            verdict: Verdict::DoesNotFit,
            reason: String::new(),
        };
        let texts =
            [does_not_fit(fit, &row, false), does_not_fit(fit, &row, true), does_not_fit(over, &row, false)];
        insta::assert_snapshot!(texts.join("\n"), @"
        with no child alive 33 GiB are needed and RAM gives 31 GiB
        with no child alive 33 GiB are needed and the limit gives 31 GiB
        the data of 28 GiB is over maxmemory, 24 GiB
        ");
    }
}
