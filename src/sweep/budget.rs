//! The risk budget: what a replication may show, how long to go on, and what the counts decide.
//!
//! What is judged is how many replications are *affected*, by one incident or more: their share has intervals that hold
//! whatever comes after the first incident. A budget of 0.01 a year is one affected month in 1,217. The incidents of
//! all replications a year are a figure of their own, with an interval for clusters.

use super::Verdict;
use crate::scenario::Replications;
use crate::stats::{ConfidenceSequence, Estimate, Incidents, Share, exact};
use crate::units::SimDuration;

/// Days of a year, leap years included.
pub(super) const YEAR_DAYS: f64 = 365.25;

/// Replications of the first look under `auto`.
const FIRST_LOOK: u64 = 64;

/// Replications after which `auto` gives up.
///
/// A budget of 0.01 incidents a year is one affected month in 1,217; at 95 % it takes 4,268 months without an
/// incident to hold it. This many decide also where up to three of them are affected.
const CAP: u64 = 16_384;

/// How many incidents a year are acceptable, how sure one must be, and how it is found out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// Incidents a year and host that are acceptable.
    pub incidents_per_year: f64,
    /// The confidence of every interval, above 0 and below 1.
    pub confidence: f64,
    /// Length of a replication.
    pub horizon: SimDuration,
    /// How many replications are spent.
    pub replications: Replications,
}

impl Budget {
    /// Length of a replication in years.
    pub fn years(&self) -> f64 {
        self.horizon.as_secs_f64() / (YEAR_DAYS * SimDuration::DAY.as_secs_f64())
    }

    /// The chance of an affected replication that the budget allows, each taken as one incident. At most one half:
    /// no budget makes a host acceptable that is hit in most replications.
    pub(super) fn affected(&self) -> f64 {
        (self.incidents_per_year * self.years()).min(0.5)
    }

    /// The numbers of replications at which to look, ascending; the last is the end.
    ///
    /// Under `auto` they double, and one more lies where nothing at all having failed is enough.
    pub(super) fn looks(&self) -> Vec<u64> {
        let Replications::Auto = self.replications else { return vec![self.most()] };
        let doublings = std::iter::successors(Some(FIRST_LOOK), |n| Some(n * 2)).take_while(|&n| n <= CAP);
        let mut looks: Vec<u64> = doublings.collect();
        looks.push(self.without_incident().min(CAP));
        looks.sort_unstable();
        looks.dedup();
        looks
    }

    /// The most replications that are spent on a cell.
    pub fn most(&self) -> u64 {
        match self.replications {
            Replications::Fixed(n) => n,
            Replications::Auto => CAP,
        }
    }

    /// Replications of a cell that has no incident: most cells of a sweep need these or far fewer.
    pub(super) fn usual(&self) -> u64 {
        match self.replications {
            Replications::Fixed(n) => n,
            Replications::Auto => self.without_incident().min(CAP),
        }
    }

    /// The least number of replications that hold the budget where none of them has an incident.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "float casts saturate")]
    pub(super) fn without_incident(&self) -> u64 {
        let p = self.affected();
        match self.replications {
            Replications::Fixed(_) => ((1.0 - self.confidence).ln() / (-p).ln_1p()).ceil() as u64,
            Replications::Auto => ConfidenceSequence::near(p).trials_without_hit(p, self.confidence),
        }
    }

    /// A probability over replications, with the interval that the way of stopping allows.
    pub(super) fn probability(&self, share: Share) -> Estimate {
        self.share(share, self.confidence)
    }

    /// Incidents a year, with the interval that the way of stopping allows.
    pub(super) fn rate(&self, incidents: &Incidents) -> Estimate {
        // It holds at one look only: under `auto` its error is divided over all of them.
        let looks = self.looks().len() as f64;
        let mean = incidents.per_replication(1.0 - (1.0 - self.confidence) / looks);
        self.a_year(mean)
    }

    /// The share of affected replications. Each end holds at the budget's confidence by itself, as a verdict rests on
    /// one of them.
    pub(super) fn affected_share(&self, share: Share) -> Estimate {
        let confidence = match self.replications {
            Replications::Fixed(_) => self.of_each_end(),
            // The sequence as a whole holds at its confidence, with both its ends.
            Replications::Auto => self.confidence,
        };
        self.share(share, confidence)
    }

    /// The confidence of a two-sided interval of which each end holds at the budget's by itself.
    pub(super) fn of_each_end(&self) -> f64 {
        (2.0 * self.confidence - 1.0).max(0.0)
    }

    /// Affected replications a year, with ends as in [`Self::affected_share`].
    pub(super) fn affected_rate(&self, share: Share) -> Estimate {
        self.a_year(self.affected_share(share))
    }

    /// What the budget makes of so many affected replications.
    pub(super) fn verdict(&self, share: Share) -> Verdict {
        let (found, limit) = (self.affected_share(share), self.affected());
        if found.high <= limit {
            Verdict::Safe
        } else if found.low > limit {
            Verdict::Risky
        } else {
            Verdict::Undecided
        }
    }

    /// The same budget, judged by a number of replications fixed beforehand: that of the scenario, or under `auto` the
    /// least of which none having an incident is safe.
    #[must_use]
    pub fn fixed(self) -> Self {
        let Replications::Auto = self.replications else { return self };
        let least = self.by(1).without_incident();
        self.by(least.min(CAP))
    }

    /// The same budget, judged by so many replications.
    #[must_use]
    pub fn by(self, replications: u64) -> Self {
        Self { replications: Replications::Fixed(replications), ..self }
    }

    /// The same budget at another confidence.
    pub(super) fn at(self, confidence: f64) -> Self {
        Self { confidence, ..self }
    }

    /// Incidents a year from those of each replication, with the interval at the budget's confidence.
    pub fn rate_of(&self, incidents: impl IntoIterator<Item = u32>) -> Estimate {
        self.rate(&incidents.into_iter().collect())
    }

    fn share(&self, share: Share, confidence: f64) -> Estimate {
        match self.replications {
            Replications::Fixed(_) => exact(share, confidence),
            Replications::Auto => ConfidenceSequence::near(self.affected()).estimate(share, confidence),
        }
    }

    /// What is of a replication, of a year.
    fn a_year(&self, of: Estimate) -> Estimate {
        let years = self.years();
        Estimate { value: of.value / years, low: of.low / years, high: of.high / years }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// 0.01 incidents a year at 95 %, judged over months.
    pub fn monthly(replications: Replications) -> Budget {
        let horizon = SimDuration::from_secs(30 * 86_400);
        Budget { incidents_per_year: 0.01, confidence: 0.95, horizon, replications }
    }

    fn share(trials: u64, hits: u64) -> Share {
        Share { hits, trials }
    }

    #[test]
    fn auto_looks_at_doublings_and_where_no_incident_is_enough() {
        let looks = [64, 128, 256, 512, 1_024, 2_048, 4_096, 4_268, 8_192, 16_384];
        assert_eq!(monthly(Replications::Auto).looks(), looks);
        assert_eq!(monthly(Replications::Fixed(1_000)).looks(), [1_000]);
    }

    /// No incident in n replications bounds the affected ones by 1 − 0.05^(1/n).
    #[test]
    fn a_fixed_number_is_the_least_that_can_be_safe() {
        let fixed = monthly(Replications::Auto).fixed();
        assert_eq!(fixed.replications, Replications::Fixed(3_646));
        let bound = 1.0 - 0.05f64.powf(1.0 / 3_646.0);
        assert!((fixed.affected_share(share(3_646, 0)).high / bound - 1.0).abs() < 1e-9);
        let verdict = |n, affected| fixed.verdict(share(n, affected));
        let verdicts = [verdict(3_646, 0), verdict(3_645, 0), verdict(3_646, 1)];
        assert_eq!(verdicts, [Verdict::Safe, Verdict::Undecided, Verdict::Undecided]);
        assert_eq!(monthly(Replications::Fixed(7)).fixed().replications, Replications::Fixed(7));
    }

    /// A host that is hit in every month of a thousand, thirty times each, is as risky as one that is hit once.
    #[test]
    fn what_follows_the_first_incident_changes_the_rate_and_not_the_verdict() {
        let budget = monthly(Replications::Fixed(1_000));
        let [once, often]: [Incidents; 2] =
            [1, 30].map(|size| (0..1_000).map(|n| if n < 3 { size } else { 0 }).collect());
        assert_eq!(budget.verdict(once.share()), budget.verdict(often.share()));
        assert!((budget.rate(&often).high / budget.rate(&once).high - 30.0).abs() < 1e-6);
    }

    #[test]
    fn a_month_in_1217_is_what_a_hundredth_a_year_allows() {
        let affected = monthly(Replications::Auto).affected();
        assert!((1.0 / affected - 1_217.5).abs() < 1e-9);
    }

    #[test]
    fn no_incident_is_safe_exactly_from_the_number_named_on() {
        for replications in [Replications::Auto, Replications::Fixed(1)] {
            let budget = monthly(replications);
            let enough = budget.without_incident();
            let verdict = |n| budget.verdict(share(n, 0));
            assert_eq!(verdict(enough), Verdict::Safe, "{replications:?}");
            assert_eq!(verdict(enough - 1), Verdict::Undecided, "{replications:?}");
        }
    }

    #[test]
    fn auto_decides_far_from_the_budget_early_and_near_it_not_at_all() {
        let budget = monthly(Replications::Auto);
        let verdict = |n, affected| budget.verdict(share(n, affected));
        assert_eq!(verdict(128, 4), Verdict::Risky);
        assert_eq!(verdict(128, 1), Verdict::Undecided);
        assert_eq!(verdict(CAP, 3), Verdict::Safe);
        assert_eq!(verdict(CAP, 13), Verdict::Undecided);
        assert_eq!(verdict(CAP, 60), Verdict::Risky);
    }

    #[test]
    fn a_budget_of_many_incidents_never_accepts_most_replications_affected() {
        let generous = Budget { incidents_per_year: 1_000.0, ..monthly(Replications::Auto) };
        assert!((generous.affected() - 0.5).abs() < f64::EPSILON);
        assert_eq!(generous.looks().last(), Some(&CAP));
    }
}
