//! How far a setting can be turned up within the budget: found, where a grid would only bracket it.
//!
//! Every replication has a critical step of its own, the first at which it has an incident, and what a budget allows is
//! decided by the few replications whose critical step is least. So all of them are simulated at one step, chosen by a
//! pilot to lie just above, and only those that an incident meets there are followed down, each by halving. All steps
//! share their replications' weather (common random numbers), so the counts of the steps are those that simulating each
//! of them in full would give, wherever an incident at one step means one at every later step.
//!
//! That need not hold over a whole horizon (a rewrite comes elsewhere, a kill changes what follows). So the step that
//! is to be safe is tried by the replications that came closest to an incident, and then simulated in full, before
//! anybody is told of it; the end above it is tried by those alone.
//!
//! Owns the search; `search` owns the one of a ladder, `pass` what it simulates at a time, and the sweep's `budget`
//! what counts decide.

mod pass;
mod search;

use std::sync::atomic::AtomicBool;

use rayon::prelude::*;

use super::budget::Budget;
use super::ladder::Ladder;
use super::replicate::{Run, Stop};
use super::{Failure, Settings, Unwatched};
use crate::model::{Outcome, Sky};
use pass::{Gathered, Pass, Shown};
use search::{Aim, Question, Search};

/// Where on a ladder the budget ends; steps count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The last step up to which every one is certainly within the budget; `None` where not even the first is.
    pub low: Option<usize>,
    /// The last step that is certainly within it, simulated in full, below the first that is certainly beyond it. Above
    /// `low` where steps between are open.
    pub safe: Option<usize>,
    /// The last step up to which every estimate is within it.
    pub value: Option<usize>,
    /// The last step below the first that is certainly beyond it, or does not hold its data.
    pub high: Option<usize>,
    /// Replications behind the verdict of each step.
    pub replications: u64,
}

/// What the search of a ladder ended with.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Where the budget ends.
    pub limit: Limit,
    /// The outcomes of all replications at the step that is safe, in order; none where no step is.
    pub outcomes: Vec<Outcome>,
}

/// Finds where on each of `ladders` the budget ends, for a number of replications fixed beforehand
/// (`budget.replications`); `None` where it was cancelled. Ladders are searched side by side: those under the same
/// traffic share their weather.
///
/// # Errors
///
/// [`Failure`], where a replication fails or the threads cannot be started: a fault of the simulator.
pub fn limits(
    ladders: &[Ladder<'_>],
    budget: &Budget,
    seed: u64,
    settings: Settings,
    cancelled: &AtomicBool,
) -> Result<Option<Vec<Found>>, Failure> {
    search_on(ladders, Question { budget, seed, aim: Aim::Verdicts }, settings, cancelled)
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
    budget: &Budget,
    seed: u64,
    settings: Settings,
    cancelled: &AtomicBool,
) -> Result<Option<Vec<Option<usize>>>, Failure> {
    let found = search_on(ladders, Question { budget, seed, aim: Aim::Estimates }, settings, cancelled)?;
    Ok(found.map(|found| found.into_iter().map(|found| found.limit.value).collect()))
}

fn search_on(
    ladders: &[Ladder<'_>],
    question: Question<'_>,
    settings: Settings,
    cancelled: &AtomicBool,
) -> Result<Option<Vec<Found>>, Failure> {
    let failure = |replication, message| Failure { cell: "the search".to_owned(), replication, message };
    let pool = settings.pool().map_err(|error| failure(None, error.to_string()))?;
    let run = Run { watch: &Unwatched, cancelled };
    match pool.install(|| search(ladders, question, run)) {
        Ok(found) => Ok(Some(found)),
        Err(Stop::Cancelled) => Ok(None),
        Err(Stop::Failed { replication, message }) => Err(failure(replication, message)),
    }
}

fn search(ladders: &[Ladder<'_>], question: Question<'_>, run: Run<'_>) -> Result<Vec<Found>, Stop> {
    let mut searches: Vec<Search<'_>> =
        ladders.iter().map(|ladder| Search::begin(ladder, question, run)).collect();
    while searches.iter().any(|search| search.next.is_some()) {
        // One that is ahead waits for the others: what they share makes a pass of all far cheaper than one of each.
        let kind = searches.iter().filter_map(|search| search.next.as_ref().map(Pass::kind)).min();
        let mut asked: Vec<&mut Search<'_>> =
            searches.iter_mut().filter(|search| search.next.as_ref().map(Pass::kind) == kind).collect();
        let gathered = side_by_side(&asked, question.budget.most())?;
        let advanced = asked.par_iter_mut().zip(gathered).map(|(search, gathered)| search.advance(gathered));
        advanced.collect::<Vec<_>>().into_iter().collect::<Result<(), Stop>>()?;
    }
    let found = searches.into_iter().map(|search| Found { limit: search.limit, outcomes: search.outcomes });
    Ok(found.collect())
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
            for ((search, gathered), result) in searches.iter().zip(&mut gathered).zip(results) {
                if let Some(shown) = result.transpose()? {
                    gathered.take(replication, shown, search.confirms());
                }
            }
        }
    }
    Ok(gathered)
}

#[cfg(test)]
mod tests;
