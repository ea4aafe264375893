//! How many replications a search looks at, and how many confirm what it found.

use crate::scenario::Replications;
use crate::sweep::budget::Budget;

/// Affected replications that the budget allows among those of a search.
const SEARCHED: f64 = 16.0;

/// The same among those that confirm a step. Where risk grows by a half to three quarters with each point of a percent,
/// what is confirmed lies 1.2 to 1.7 points below the truth, over seeds.
const CONFIRMED: f64 = 25.0;

/// The same among those that confirm the step that is to be recommended, which lies 0.5 to 0.7 points below.
const REFINED: f64 = 140.0;

/// Forks that a pass over one host may simulate, unless the budget cannot be held with fewer: some ten seconds of a
/// processor.
const SEARCHED_FORKS: f64 = 4e6;

/// The same to confirm a step.
const CONFIRMED_FORKS: f64 = 8e6;

/// The same to confirm the one that is recommended.
const REFINED_FORKS: f64 = 16e6;

/// Replications of a search of one ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Those that look for the step.
    pub search: u64,
    /// Those that confirm one, none of which took part in finding it.
    pub confirm: u64,
    /// Those that confirm the one that is recommended, likewise.
    pub refine: u64,
}

impl Effort {
    /// As many as `budget` takes; where the scenario gives their number, that of each.
    #[must_use]
    pub fn of(budget: &Budget) -> Self {
        match budget.replications {
            Replications::Fixed(n) => Self { search: n, confirm: n, refine: n },
            Replications::Auto => Self {
                search: allowing(SEARCHED, budget),
                confirm: allowing(CONFIRMED, budget),
                refine: allowing(REFINED, budget),
            },
        }
    }

    /// So many to search with, and none to confirm.
    #[must_use]
    pub fn search(replications: u64) -> Self {
        Self { search: replications, confirm: 0, refine: 0 }
    }

    /// No more than a host with so many forks a replication can be simulated in reasonable time, but as many as hold
    /// the budget if none is affected.
    #[must_use]
    pub(super) fn affordable(self, budget: &Budget, forks: f64) -> Self {
        let Replications::Auto = budget.replications else { return self };
        let at_most =
            |n: u64, most: f64, least: f64| n.min(whole(most / forks.max(1.0)).max(allowing(least, budget)));
        // Of the first percent tried, at a quarter of the error.
        let confirmed = -((1.0 - budget.confidence) / 4.0).ln();
        Self {
            search: at_most(self.search, SEARCHED_FORKS, 1.0),
            confirm: at_most(self.confirm, CONFIRMED_FORKS, confirmed * 1.01),
            refine: at_most(self.refine, REFINED_FORKS, confirmed * 1.01),
        }
    }
}

/// Replications among which the budget allows so many affected ones.
fn allowing(affected: f64, budget: &Budget) -> u64 {
    whole(affected / budget.affected())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "float casts saturate")]
fn whole(value: f64) -> u64 {
    (value.ceil() as u64).max(1)
}
