//! How far a setting can be turned up within the budget: found, where a grid would only bracket it.
//!
//! Every replication has a critical step of its own, the first at which it has an incident, and what a budget allows is
//! decided by the few replications whose critical step is least. So all of them are simulated at one step, chosen by a
//! pilot to lie just above, and only those that an incident meets there are followed down, each by halving. All steps
//! share their replications' weather (common random numbers), so the counts of the steps are those that simulating each
//! of them in full would give, wherever an incident at one step means one at every later step.
//!
//! That need not hold over a whole horizon (a rewrite comes elsewhere, a kill changes what follows), and the step that
//! such a search likes best is among the luckiest. So the search only says which step to try; what anybody is told of
//! was confirmed by fresh replications.
//!
//! Owns the search; `search` owns the one of a ladder, `pass` what it simulates at a time, `tail` which step it is to
//! be, `confirm` how that is tried, `effort` by how many replications, and the sweep's `budget` what counts decide.

mod confirm;
mod effort;
mod pass;
mod search;
mod tail;

use std::sync::atomic::AtomicBool;

use rayon::prelude::*;

use super::budget::Budget;
use super::ladder::Ladder;
use super::replicate::{Run, Stop};
use super::{Failure, Settings, Unwatched};
use crate::model::{Outcome, Sky};
pub use confirm::Tried;
use confirm::{Round, Trial, attempt_all};
pub use effort::Effort;
use pass::{Gathered, Pass, Shown};
use search::{Aim, Search};
use tail::Tail;

/// What is asked of ladders.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// What is acceptable, and how sure one must be.
    pub budget: &'a Budget,
    /// How many replications are spent on a ladder.
    pub effort: Effort,
    /// Root of every random number.
    pub seed: u64,
}

/// Where on a ladder the budget ends; steps count from 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// The step that was confirmed; `None` where none was.
    pub confirmed: Option<usize>,
    /// The last step up to which every estimate of the search is within the budget.
    pub value: Option<usize>,
    /// The last step below the first that is certainly beyond it, or does not hold its data.
    pub high: Option<usize>,
    /// Replications of the search.
    pub searched: u64,
    /// Every step that was tried, in order: those that failed, and the one that holds.
    pub tried: Vec<Tried>,
    /// The outcomes at the step that was confirmed, in order; none where none was.
    pub outcomes: Vec<Outcome>,
    /// What the search says of all steps.
    tail: Option<Tail>,
    effort: Effort,
}

/// Finds where on each of `ladders` the budget ends, and confirms it; `None` where it was cancelled. Ladders are
/// searched side by side: those under the same traffic share their weather.
///
/// # Errors
///
/// [`Failure`], where a replication fails or the threads cannot be started: a fault of the simulator.
pub fn limits(
    ladders: &[Ladder<'_>],
    question: Question<'_>,
    settings: Settings,
    cancelled: &AtomicBool,
) -> Result<Option<Vec<Limit>>, Failure> {
    on_threads(settings, cancelled, |run| {
        let searches = search(ladders, question, Aim::Beyond, run)?;
        let trial = |search: &Search<'_>, ladder| {
            Trial::new(ladder, question.budget, search.tail, (0, search.top), search.effort.confirm)
        };
        let mut trials: Vec<Trial<'_>> =
            searches.iter().zip(ladders).map(|(search, ladder)| trial(search, ladder)).collect();
        attempt_all(&mut trials, Round::Confirm, question, run)?;
        let limits = searches.iter().zip(trials).map(|(search, trial)| Limit {
            confirmed: trial.confirmed(),
            value: search.value,
            high: search.high,
            searched: search.effort.search,
            tried: trial.tried,
            outcomes: trial.outcomes,
            tail: search.tail,
            effort: search.effort,
        });
        Ok(limits.collect())
    })
}

/// The same limit with a step further up confirmed by more replications, if one holds; `None` where it was cancelled.
///
/// # Errors
///
/// As [`limits`].
pub fn refine(
    ladder: &Ladder<'_>,
    mut limit: Limit,
    question: Question<'_>,
    settings: Settings,
    cancelled: &AtomicBool,
) -> Result<Option<Limit>, Failure> {
    let Some(confirmed) = limit.confirmed else { return Ok(Some(limit)) };
    // What confirmed the step knows its share as well as the search.
    let pooled = |tail: Tail| {
        let (seen, of) = limit.tried.last().map_or((0, 0), |tried| (tried.affected, tried.replications));
        let searched = limit.searched as f64;
        let share = (seen as f64 + tail.share(confirmed) * searched) / (of as f64 + searched);
        tail.through(share, confirmed)
    };
    let (tail, top) = (limit.tail.map(pooled), ladder.last_that_fits());
    on_threads(settings, cancelled, |run| {
        let steps = (confirmed + 1, top);
        let mut trials = [Trial::new(ladder, question.budget, tail, steps, limit.effort.refine)];
        attempt_all(&mut trials, Round::Refine, question, run)?;
        let [trial] = trials;
        if let Some(step) = trial.confirmed() {
            (limit.confirmed, limit.outcomes) = (Some(step), trial.outcomes);
        }
        limit.tried.extend(trial.tried);
        Ok(limit)
    })
}

/// The last step of each of `ladders` up to which every estimate is within the budget, `None` where not even the first
/// is: a fraction of the work of [`limits`], for answers that are compared and not relied on. `None` where it was
/// cancelled.
///
/// # Errors
///
/// As [`limits`].
pub fn estimates(
    ladders: &[Ladder<'_>],
    question: Question<'_>,
    settings: Settings,
    cancelled: &AtomicBool,
) -> Result<Option<Vec<Option<usize>>>, Failure> {
    on_threads(settings, cancelled, |run| {
        let searches = search(ladders, question, Aim::Estimates, run)?;
        Ok(searches.into_iter().map(|search| search.value).collect())
    })
}

/// Runs `work` on the threads of `settings`.
fn on_threads<T: Send>(
    settings: Settings,
    cancelled: &AtomicBool,
    work: impl FnOnce(Run<'_>) -> Result<T, Stop> + Send,
) -> Result<Option<T>, Failure> {
    let failure = |replication, message| Failure { cell: "the search".to_owned(), replication, message };
    let pool = settings.pool().map_err(|error| failure(None, error.to_string()))?;
    let run = Run { watch: &Unwatched, cancelled };
    match pool.install(|| work(run)) {
        Ok(found) => Ok(Some(found)),
        Err(Stop::Cancelled) => Ok(None),
        Err(Stop::Failed { replication, message }) => Err(failure(replication, message)),
    }
}

/// Searches each of `ladders` to its end.
fn search<'a>(
    ladders: &'a [Ladder<'a>],
    question: Question<'a>,
    aim: Aim,
    run: Run<'a>,
) -> Result<Vec<Search<'a>>, Stop> {
    let mut searches: Vec<Search<'_>> =
        ladders.iter().map(|ladder| Search::begin(ladder, question, aim, run)).collect();
    while searches.iter().any(|search| search.next.is_some()) {
        // One that is ahead waits for the others: what they share makes a pass of all far cheaper than one of each.
        let kind = searches.iter().filter_map(|search| search.next.as_ref().map(Pass::kind)).min();
        let mut asked: Vec<&mut Search<'_>> =
            searches.iter_mut().filter(|search| search.next.as_ref().map(Pass::kind) == kind).collect();
        let gathered = side_by_side(&asked, question.effort.search)?;
        let advanced = asked.par_iter_mut().zip(gathered).map(|(search, gathered)| search.advance(gathered));
        advanced.collect::<Vec<_>>().into_iter().collect::<Result<(), Stop>>()?;
    }
    Ok(searches)
}

/// Replications that are simulated before what they showed is gathered: a search is to need no more memory for more.
const GATHERED_AT_ONCE: usize = 4_096;

/// What each of `searches` asks for next.
fn side_by_side(searches: &[&mut Search<'_>], replications: u64) -> Result<Vec<Gathered>, Stop> {
    let one = |replication: u64| -> Vec<Option<Result<Shown, Stop>>> {
        let mut sky = Sky::default();
        let asked = searches.iter().map(|search| {
            let pass = search.next.as_ref().filter(|pass| pass.is_of(replication))?;
            Some(search.show(&mut sky, pass, replication))
        });
        asked.collect()
    };
    let mut gathered = vec![Gathered::default(); searches.len()];
    for first in (0..replications).step_by(GATHERED_AT_ONCE) {
        let stretch = first..replications.min(first + GATHERED_AT_ONCE as u64);
        let results: Vec<Vec<Option<Result<Shown, Stop>>>> =
            stretch.clone().into_par_iter().map(one).collect();
        for (replication, results) in stretch.zip(results) {
            for (gathered, result) in gathered.iter_mut().zip(results) {
                if let Some(shown) = result.transpose()? {
                    gathered.take(replication, shown);
                }
            }
        }
    }
    Ok(gathered)
}

#[cfg(test)]
mod tests;
