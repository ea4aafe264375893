//! What a search found is confirmed by replications that had no part in finding it.
//!
//! The percent that passes a search is among the luckiest of those that it tried. So a step is tried anew, by a number
//! of replications fixed beforehand that nobody has looked at, and where it fails the next one lower down by others
//! still. The error that the confidence allows is spent over the tries, half of it on the first, a quarter on the
//! second, and so on: that any step beyond the budget passes has a chance of no more than that error in all
//! (Bonferroni), whatever the search did.

use rayon::prelude::*;

use super::Question;
use super::search::Search;
use super::tail::Tail;
use crate::model::{Draws, Outcome, Sky, Unobserved};
use crate::stats::Share;
use crate::sweep::budget::Budget;
use crate::sweep::replicate::{Run, Stop, attempt};
use crate::sweep::{Ladder, Verdict};

/// Tries of one ladder: the error left to a ninth is a five-hundredth.
const TRIES: u32 = 8;

/// Replications of a try have numbers of their own, which no search uses and no other try.
const TRY: u64 = 1 << 40;

/// How far below the budget, as a factor, the share at a step is to be before it is tried: with less, most first tries
/// fail; with more, what passes is further from the truth.
const MARGIN: f64 = 1.1;

/// Replications between looks whether a try has failed already.
const BATCH: u64 = 4_096;

/// A step that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The step.
    pub step: usize,
    /// The replications that tried it, of its own: fewer than planned where it had failed before.
    pub replications: u64,
    /// How many of them had an incident.
    pub affected: u64,
    /// Whether they confirmed it.
    pub holds: bool,
}

/// What came of trying the steps of a ladder.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Confirmed {
    /// Every step that was tried, in order: the last holds, or none.
    pub tried: Vec<Tried>,
    /// The outcomes at the step that holds, in order.
    pub outcomes: Vec<Outcome>,
}

/// Tries steps of each search until one holds. Searches are tried side by side, under the same weather.
pub(super) fn confirm(
    searches: &[Search<'_>],
    question: Question<'_>,
    run: Run<'_>,
) -> Result<Vec<Confirmed>, Stop> {
    let mut trials: Vec<Trial<'_>> =
        searches.iter().map(|search| Trial::new(search, question.budget)).collect();
    for number in 1..=TRIES {
        let confidence = 1.0 - (1.0 - question.budget.confidence) / 2f64.powi(number.cast_signed());
        let mut open: Vec<&mut Trial<'_>> =
            trials.iter_mut().filter_map(|trial| trial.begin(confidence).then_some(trial)).collect();
        let last = open.iter().map(|trial| trial.replications).max().unwrap_or(0);
        let first = u64::from(number) * TRY;
        for batch in (0..last).step_by(usize::try_from(BATCH).unwrap_or(usize::MAX)) {
            let batch = batch..last.min(batch + BATCH);
            let simulate = |ordinal| -> Vec<Option<Result<Outcome, Stop>>> {
                let mut sky = Sky::default();
                let draws = Draws::new(question.seed, first + ordinal);
                open.iter().map(|trial| trial.simulate(&mut sky, ordinal, &draws, run)).collect()
            };
            let results: Vec<_> = batch.into_par_iter().map(simulate).collect();
            for (place, trial) in open.iter_mut().enumerate() {
                let outcomes = results.iter().filter_map(|results| results[place].clone());
                trial.take(outcomes.collect::<Result<Vec<_>, Stop>>()?);
            }
        }
        open.into_iter().for_each(Trial::end);
    }
    Ok(trials.into_iter().map(|trial| trial.confirmed).collect())
}

/// The tries of one ladder.
struct Trial<'a> {
    ladder: &'a Ladder<'a>,
    budget: &'a Budget,
    tail: Option<Tail>,
    /// The step to try next; `None` where there is none.
    step: Option<usize>,
    replications: u64,
    /// What judges the try under way.
    judge: Budget,
    outcomes: Vec<Outcome>,
    affected: u64,
    confirmed: Confirmed,
}

impl<'a> Trial<'a> {
    fn new(search: &Search<'a>, budget: &'a Budget) -> Self {
        let tail = search.tail();
        let within =
            |top| tail.map_or(Some(top), |tail: Tail| tail.last_within(budget.affected() / MARGIN, top));
        Self {
            ladder: search.ladder,
            budget,
            tail,
            step: search.top.and_then(within),
            replications: search.effort.confirm,
            judge: *budget,
            outcomes: Vec::new(),
            affected: 0,
            confirmed: Confirmed::default(),
        }
    }

    /// Begins a try, if there is one to be made: nothing is open where a step holds already, or where so few
    /// replications could not confirm one.
    fn begin(&mut self, confidence: f64) -> bool {
        self.judge = self.budget.by(self.replications).at(confidence);
        self.affected = 0;
        self.step.is_some()
            && !self.has_failed()
            && !self.confirmed.tried.last().is_some_and(|tried| tried.holds)
    }

    /// Whether the rest of the replications could not make up for those affected so far.
    fn has_failed(&self) -> bool {
        let share = Share { hits: self.affected, trials: self.replications };
        self.judge.verdict(share) != Verdict::Safe
    }

    /// One of its replications; `None` where it needs it no longer.
    fn simulate<'s>(
        &'s self,
        sky: &mut Sky<'s>,
        ordinal: u64,
        draws: &Draws<'s>,
        run: Run<'_>,
    ) -> Option<Result<Outcome, Stop>> {
        let step = self.step.filter(|_| ordinal < self.replications && !self.has_failed())?;
        let simulation = self.ladder.simulation(step);
        Some(attempt(draws.replication(), run, || simulation.run_under(sky, draws, &mut Unobserved)))
    }

    fn take(&mut self, outcomes: Vec<Outcome>) {
        self.affected += outcomes.iter().filter(|outcome| outcome.incidents() > 0).count() as u64;
        self.outcomes.extend(outcomes);
    }

    /// Notes what a try has shown, and steps down where it failed: to where the share that it saw would be within the
    /// budget.
    fn end(&mut self) {
        let Some(step) = self.step else { return };
        let outcomes = std::mem::take(&mut self.outcomes);
        let (replications, holds) = (outcomes.len() as u64, !self.has_failed());
        self.confirmed.tried.push(Tried { step, replications, affected: self.affected, holds });
        if holds {
            self.confirmed.outcomes = outcomes;
            return;
        }
        let share = self.affected as f64 / replications as f64;
        let tail = self.tail.map(|tail| tail.through(share, step));
        let within =
            |below| tail.map_or(Some(below), |tail| tail.last_within(self.budget.affected() / MARGIN, below));
        self.step = step.checked_sub(1).and_then(within);
    }
}
