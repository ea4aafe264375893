//! Asking the sweep: one question after another, each over hosts that the last answer chose.

use std::sync::atomic::AtomicBool;

use super::Trouble;
use crate::model::Outcome;
use crate::scenario::{Case, Replications, Scenario};
use crate::sweep::{
    self, Beyond, Budget, CellRow, Effort, Fleet, Grid, Ladder, Limit, Question, Settings, Unwatched,
};

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
pub fn percent_steps() -> usize {
    percents_up_to(LAST_PERCENT)
}

/// Steps up to `percent`, at least one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
pub fn percents_up_to(percent: f64) -> usize {
    ((percent - FIRST_PERCENT) / PERCENT_STEP).max(0.0) as usize + 1
}

/// What every question shares.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// What is acceptable, judged by a fixed number of replications.
    pub budget: Budget,
    /// The replications by which a percent is found and confirmed.
    pub effort: Effort,
    /// The share of hosts that are to hold the budget each by itself; `None` where their average is to.
    pub assurance: Option<f64>,
    /// Root of every random number.
    pub seed: u64,
    /// How it is run.
    pub settings: Settings,
    /// Set from outside to end early.
    pub cancelled: &'a AtomicBool,
}

impl<'a> Ask<'a> {
    /// What every question about `scenario` shares, the cells of which are those of `grid`.
    pub fn new(scenario: &Scenario, grid: &Grid, settings: Settings, cancelled: &'a AtomicBool) -> Self {
        Self {
            budget: grid.budget.fixed(),
            effort: Effort::of(&grid.budget),
            assurance: scenario.risk().assurance,
            seed: grid.seed,
            settings,
            cancelled,
        }
    }

    /// Where on each of `ladders` the budget ends, confirmed.
    pub fn limits(&self, ladders: &[Ladder<'_>]) -> Result<Vec<Limit>, Trouble> {
        let question = Question { budget: &self.open(), effort: self.effort, seed: self.seed };
        let found = sweep::limits(ladders, question, self.settings, self.cancelled)?;
        found.ok_or(Trouble::Interrupted)
    }

    /// The same limit with a step further up, if one is confirmed by more replications.
    pub fn refine(&self, ladder: &Ladder<'_>, limit: Limit) -> Result<Limit, Trouble> {
        let question = Question { budget: &self.open(), effort: self.effort, seed: self.seed };
        let found = sweep::refine(ladder, limit, question, self.settings, self.cancelled)?;
        found.ok_or(Trouble::Interrupted)
    }

    /// The last step of each of `ladders` whose estimate is within `budget`.
    pub fn estimates(&self, ladders: &[Ladder<'_>], budget: &Budget) -> Result<Vec<Option<usize>>, Trouble> {
        let question = Question { budget, effort: Effort::search(budget.most()), seed: self.seed };
        let found = sweep::estimates(ladders, question, self.settings, self.cancelled)?;
        found.ok_or(Trouble::Interrupted)
    }

    /// How many hosts exceed the budget on the steps of `ladder` up to some above `step`, at `confidence`, of the hosts
    /// of one `draw`; `None` where it would take too long.
    pub fn beyond(
        &self,
        ladder: &Ladder<'_>,
        step: usize,
        confidence: f64,
        draw: u64,
    ) -> Result<Option<Beyond>, Trouble> {
        let budget = Budget { confidence, ..self.budget };
        let fleet = Fleet { budget: &budget, seed: self.seed, draw };
        Ok(self.settings.pool()?.install(|| sweep::beyond(ladder, step, fleet, self.cancelled))?)
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
        self.budget.by(replications.min(self.budget.most()))
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
