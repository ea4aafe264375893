//! Asking the sweep: one question after another, each over hosts that the last answer chose.

use std::sync::atomic::AtomicBool;

use super::Trouble;
use crate::model::Outcome;
use crate::scenario::{Case, Replications};
use crate::sweep::{self, Budget, CellRow, Found, Grid, Ladder, Settings, Unwatched};

/// The smallest percent that a search considers: below it, even the smallest host stands empty.
const FIRST_PERCENT: f64 = 10.0;
/// The largest: above it nothing is left for the server itself.
const LAST_PERCENT: f64 = 95.0;
/// How finely percents are told apart.
const PERCENT_STEP: f64 = 0.5;

/// The percent of a step.
#[must_use]
pub fn percent_at(step: usize) -> f64 {
    FIRST_PERCENT + PERCENT_STEP * step as f64
}

/// Steps of a ladder of percents.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
pub fn percent_steps() -> usize {
    ((LAST_PERCENT - FIRST_PERCENT) / PERCENT_STEP) as usize + 1
}

/// What every question shares.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// What is acceptable, judged by a fixed number of replications.
    pub budget: Budget,
    /// Root of every random number.
    pub seed: u64,
    /// How it is run.
    pub settings: Settings,
    /// Set from outside to end early.
    pub cancelled: &'a AtomicBool,
}

impl Ask<'_> {
    /// Where on each of `ladders` `budget` ends.
    pub fn limits(&self, ladders: &[Ladder<'_>], budget: &Budget) -> Result<Vec<Found>, Trouble> {
        let found = sweep::limits(ladders, budget, self.seed, self.settings, self.cancelled)?;
        found.ok_or(Trouble::Interrupted)
    }

    /// The last step of each of `ladders` whose estimate is within `budget`.
    pub fn estimates(&self, ladders: &[Ladder<'_>], budget: &Budget) -> Result<Vec<Option<usize>>, Trouble> {
        let found = sweep::estimates(ladders, budget, self.seed, self.settings, self.cancelled)?;
        found.ok_or(Trouble::Interrupted)
    }

    /// The rows of `cases` and the outcomes behind them, side by side under `budget`.
    pub fn cells(&self, cases: Vec<Case>, budget: &Budget) -> Result<Vec<(CellRow, Vec<Outcome>)>, Trouble> {
        let grid = Grid::of(cases, *budget, self.seed);
        let settings = Settings { keep_outcomes: true, ..self.settings };
        let found = sweep::run(&grid, settings, &Unwatched, self.cancelled)?;
        if let Some(failure) = found.failures.into_iter().next() {
            return Err(Trouble::Failed(failure));
        }
        if !found.complete {
            return Err(Trouble::Interrupted);
        }
        Ok(found.rows.into_iter().zip(found.outcomes.into_iter().map(|cell| cell.outcomes)).collect())
    }

    /// The budget judged by so many replications, or as few as it is itself.
    pub fn by(&self, replications: u64) -> Budget {
        let replications = replications.min(self.budget.most());
        Budget { replications: Replications::Fixed(replications), ..self.budget }
    }

    /// The budget judged by as many replications as a verdict takes.
    pub fn open(&self) -> Budget {
        Budget { replications: Replications::Auto, ..self.budget }
    }

    /// Replications in which the budget allows so many incidents, and no more than it is judged by.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "float casts saturate")]
    pub fn replications_for(&self, allowed: f64) -> u64 {
        let a_replication = self.budget.incidents_per_year * self.budget.years();
        ((allowed / a_replication).ceil() as u64).clamp(1, self.budget.most())
    }
}
