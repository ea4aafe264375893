//! What a search found is confirmed by replications that had no part in finding it.
//!
//! The percent that passes a search is among the luckiest of those that it tried. So a step is tried anew, by a
//! number of replications fixed beforehand that nobody has looked at, and where it fails the next one lower down by
//! others still. The error that the confidence allows is spent over the tries: half of it while every ladder is
//! confirmed, half while one of them is refined, and of each half again half on the first try, a quarter on the
//! second, and so on. That any step of one ladder beyond the budget passes has a chance of no more than that error in
//! all (Bonferroni), whatever the search did.

use rayon::prelude::*;

use super::Question;
use super::tail::Tail;
use crate::model::{Draws, Outcome, Sky, Unobserved};
use crate::stats::Share;
use crate::sweep::budget::Budget;
use crate::sweep::replicate::{Run, Stop, attempt};
use crate::sweep::{Ladder, Verdict};

/// Tries of one ladder in a round: the error left to a ninth is a thousandth of all.
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

/// A round of tries, with half of the error each.
#[derive(Clone, Copy)]
pub(super) enum Round {
    /// Of every ladder.
    Confirm,
    /// Of one that was confirmed, with more replications.
    Refine,
}

impl Round {
    /// The number of its `ordinal`-th try, from 1 on.
    fn number(self, ordinal: u32) -> u64 {
        u64::from(match self {
            Self::Confirm => ordinal,
            Self::Refine => TRIES + ordinal,
        })
    }
}

/// Makes the tries of a round, those of all trials side by side under the same weather, until a step of each holds.
pub(super) fn attempt_all(
    trials: &mut [Trial<'_>],
    round: Round,
    question: Question<'_>,
    run: Run<'_>,
) -> Result<(), Stop> {
    let mut error = (1.0 - question.budget.confidence) / 2.0;
    for ordinal in 1..=TRIES {
        error /= 2.0;
        let mut open: Vec<&mut Trial<'_>> =
            trials.iter_mut().filter_map(|trial| trial.begin(1.0 - error).then_some(trial)).collect();
        let last = open.iter().map(|trial| trial.replications).max().unwrap_or(0);
        let first = round.number(ordinal) * TRY;
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
    Ok(())
}

/// The tries of one ladder in one round.
pub(super) struct Trial<'a> {
    ladder: &'a Ladder<'a>,
    budget: &'a Budget,
    tail: Option<Tail>,
    /// The step to try next; `None` where there is none.
    step: Option<usize>,
    /// The steps below this one need not be tried.
    least: usize,
    replications: u64,
    /// The most affected replications with which the try under way confirms its step; `None` where not even none is few
    /// enough.
    allowed: Option<u64>,
    affected: u64,
    /// Every step that was tried, in order: the last holds, or none.
    pub tried: Vec<Tried>,
    /// The outcomes of the try under way, and in the end those at the step that holds, in order.
    pub outcomes: Vec<Outcome>,
}

impl<'a> Trial<'a> {
    /// A trial of the steps of `ladder` from `least` to `top`, by so many replications a try. It begins where `tail`,
    /// if there is one, lies below the budget.
    pub fn new(
        ladder: &'a Ladder<'a>,
        budget: &'a Budget,
        tail: Option<Tail>,
        (least, top): (usize, Option<usize>),
        replications: u64,
    ) -> Self {
        let mut trial = Self {
            ladder,
            budget,
            tail,
            step: None,
            least,
            replications,
            allowed: None,
            affected: 0,
            tried: Vec::new(),
            outcomes: Vec::new(),
        };
        trial.step = top.and_then(|top| trial.within(top));
        trial
    }

    /// The last step up to `top` that is likely to hold.
    fn within(&self, top: usize) -> Option<usize> {
        let share = self.budget.affected() / MARGIN;
        let step = self.tail.map_or(Some(top), |tail| tail.last_within(share, top));
        step.filter(|&step| step >= self.least)
    }

    /// The step that holds.
    pub fn confirmed(&self) -> Option<usize> {
        self.tried.last().filter(|tried| tried.holds).map(|tried| tried.step)
    }

    /// Begins a try, if there is one to be made: none is where a step holds already, or where so few replications
    /// could not confirm one.
    fn begin(&mut self, confidence: f64) -> bool {
        if self.confirmed().is_some() {
            return false;
        }
        self.allowed = most_affected(self.budget.by(self.replications).at(confidence), self.replications);
        self.affected = 0;
        self.step.is_some() && !self.has_failed()
    }

    /// Whether the rest of the replications could not make up for those affected so far.
    fn has_failed(&self) -> bool {
        self.allowed.is_none_or(|allowed| self.affected > allowed)
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
        let (replications, holds) = (self.outcomes.len() as u64, !self.has_failed());
        self.tried.push(Tried { step, replications, affected: self.affected, holds });
        if holds {
            return;
        }
        self.outcomes.clear();
        let share = self.affected as f64 / replications as f64;
        self.tail = self.tail.map(|tail| tail.through(share, step));
        self.step = step.checked_sub(1).and_then(|below| self.within(below));
    }
}

/// The most affected ones among so many replications that `budget` takes as safe; `None` where none are too many.
fn most_affected(budget: Budget, replications: u64) -> Option<u64> {
    let is_safe = |hits| budget.verdict(Share { hits, trials: replications }) == Verdict::Safe;
    let (mut safe, mut beyond) = (None, replications + 1);
    while safe.map_or(0, |hits| hits + 1) < beyond {
        let middle = u64::midpoint(safe.map_or(0, |hits| hits + 1), beyond - 1);
        if is_safe(middle) { safe = Some(middle) } else { beyond = middle }
    }
    safe
}
