//! How far a setting can be turned up within the budget: found, where a grid would only bracket it.
//!
//! Every replication has a critical step of its own, the first at which it has an incident, and what a budget allows is
//! decided by the few replications whose critical step is least. So all of them are simulated at one step, chosen by a
//! pilot to lie just above, and only those that an incident meets there are followed down, each by halving. All steps
//! share their replications' weather (common random numbers), so the counts of the steps are those that simulating each
//! of them in full would give, wherever an incident at one step means one at every later step.
//!
//! That need not hold over a whole horizon (a rewrite comes elsewhere, a kill changes what follows): the answer is to
//! be simulated in full before anybody is told of it. Owns the search; `budget` owns what counts decide.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use rayon::prelude::*;

use super::budget::Budget;
use super::ladder::Ladder;
use super::replicate::{Run, Stop, attempt};
use super::{Failure, Settings, Unwatched, Verdict};
use crate::model::{Draws, Outcome, Sky, Unobserved};
use crate::stats::Incidents;

/// Replications that look for the neighbourhood before all are simulated there.
const PILOT: u64 = 64;

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

/// What a search is to find out.
#[derive(Clone, Copy)]
struct Question<'a> {
    budget: &'a Budget,
    seed: u64,
    aim: Aim,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Aim {
    /// Which steps are certainly within the budget and which beyond, and every replication at the one that is safe.
    Verdicts,
    /// How far the estimates are within it.
    Estimates,
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
    let begun = ladders.iter().map(|ladder| Search::begin(ladder, question, run));
    let mut searches = begun.collect::<Result<Vec<_>, _>>()?;
    while searches.iter().any(|search| search.next.is_some()) {
        let gathered = side_by_side(&searches, question.budget.most())?;
        for (search, gathered) in searches.iter_mut().zip(gathered) {
            search.advance(gathered)?;
        }
    }
    let found = searches.into_iter().map(|search| Found { limit: search.limit, outcomes: search.outcomes });
    Ok(found.collect())
}

/// Steps that a search climbs the first time, and twice as many each time after: to follow a few replications down from
/// too far up costs less than to simulate all of them once more.
const FIRST_STRIDE: usize = 4;

/// Replications that are simulated before what they showed is gathered: a search is to need no more memory for more.
const GATHERED_AT_ONCE: usize = 4_096;

/// What a pass of one search showed.
#[derive(Clone, Debug, Default)]
struct Gathered {
    /// The replications with an incident, in order, and how many each had.
    affected: Vec<(u64, u32)>,
    /// All outcomes, in order, where the pass confirms a step.
    outcomes: Vec<Outcome>,
}

/// What each of `searches` asks for next.
fn side_by_side(searches: &[Search<'_>], replications: u64) -> Result<Vec<Gathered>, Stop> {
    let one = |replication: u64| -> Vec<Option<Result<Outcome, Stop>>> {
        let mut sky = Sky::default();
        let asked = searches.iter().map(|search| {
            let pass = search.next.as_ref().filter(|pass| pass.is_of(replication))?;
            Some(search.simulate(&mut sky, pass.step(), replication))
        });
        asked.collect()
    };
    let mut gathered = vec![Gathered::default(); searches.len()];
    for first in (0..replications).step_by(GATHERED_AT_ONCE) {
        let stretch = first..replications.min(first + GATHERED_AT_ONCE as u64);
        let results: Vec<Vec<Option<Result<Outcome, Stop>>>> =
            stretch.clone().into_par_iter().map(one).collect();
        for (replication, results) in stretch.zip(results) {
            for ((search, gathered), result) in searches.iter().zip(&mut gathered).zip(results) {
                if let Some(outcome) = result.transpose()? {
                    gathered.take(replication, outcome, search.confirms());
                }
            }
        }
    }
    Ok(gathered)
}

impl Gathered {
    fn take(&mut self, replication: u64, outcome: Outcome, is_kept: bool) {
        if outcome.incidents() > 0 {
            self.affected.push((replication, outcome.incidents()));
        }
        if is_kept {
            self.outcomes.push(outcome);
        }
    }
}

/// The search of one ladder, and what it has found out so far.
struct Search<'a> {
    ladder: &'a Ladder<'a>,
    question: Question<'a>,
    run: Run<'a>,
    /// The last step that holds its data.
    top: usize,
    /// Incidents of a replication at a step.
    seen: BTreeMap<(u64, usize), u32>,
    /// The first step with an incident, of the replications that are known to have one.
    critical: BTreeMap<u64, usize>,
    /// Where the budget ends, as far as that is known.
    limit: Limit,
    /// The outcomes at the step that is safe, once it is confirmed.
    outcomes: Vec<Outcome>,
    /// What is to be simulated next; `None` once it has ended.
    next: Option<Pass>,
}

/// A step and the replications to simulate there.
enum Pass {
    /// To find a step beyond the budget: those that had no incident on the steps before.
    Climb { at: usize, stride: usize, open: Vec<u64> },
    /// To confirm the step that is to be safe: all. No step above `last` was looked at.
    Confirm { safe: usize, last: usize },
}

impl Pass {
    fn step(&self) -> usize {
        match self {
            Self::Climb { at, .. } => *at,
            Self::Confirm { safe, .. } => *safe,
        }
    }

    fn is_of(&self, replication: u64) -> bool {
        match self {
            Self::Climb { open, .. } => open.binary_search(&replication).is_ok(),
            Self::Confirm { .. } => true,
        }
    }
}

impl<'a> Search<'a> {
    /// A search that has tried its pilot.
    fn begin(ladder: &'a Ladder<'a>, question: Question<'a>, run: Run<'a>) -> Result<Self, Stop> {
        let replications = question.budget.most();
        let mut search = Self {
            ladder,
            question,
            run,
            top: 0,
            seen: BTreeMap::new(),
            critical: BTreeMap::new(),
            limit: Limit { low: None, safe: None, value: None, high: None, replications },
            outcomes: Vec::new(),
            next: None,
        };
        if let Some(top) = ladder.last_that_fits() {
            search.top = top;
            let at = search.first_of_pilot(PILOT.min(replications))?.min(top);
            search.next = Some(Pass::Climb { at, stride: FIRST_STRIDE, open: (0..replications).collect() });
        }
        Ok(search)
    }

    /// Whether it simulates a step in full to confirm it.
    fn confirms(&self) -> bool {
        matches!(self.next, Some(Pass::Confirm { .. }))
    }

    /// Goes on from what its pass showed.
    fn advance(&mut self, gathered: Gathered) -> Result<(), Stop> {
        self.next = match self.next.take() {
            Some(Pass::Climb { at, stride, open }) => self.climb(at, stride, open, &gathered)?,
            Some(Pass::Confirm { safe, last }) => self.confirm(safe, last, gathered)?,
            None => None,
        };
        Ok(())
    }

    /// Follows down those that an incident met at `at`, and goes up where that step is not beyond the budget.
    fn climb(
        &mut self,
        at: usize,
        stride: usize,
        mut open: Vec<u64>,
        gathered: &Gathered,
    ) -> Result<Option<Pass>, Stop> {
        let affected = self.see(at, &gathered.affected);
        open.retain(|replication| affected.binary_search(replication).is_err());
        self.follow_down(at, &affected)?;
        self.walk_up(at)?;
        let (end, is_to_confirm) = match self.question.aim {
            Aim::Verdicts => (self.limit.high, true),
            Aim::Estimates => (self.limit.value, false),
        };
        if at == self.top || end.is_none_or(|end| end < at) {
            return Ok(self.to_confirm(at).filter(|_| is_to_confirm));
        }
        Ok(Some(Pass::Climb { at: (at + stride).min(self.top), stride: stride * 2, open }))
    }

    /// Those that turn out to have an incident at the step that was to be safe, though they had none further up, are
    /// followed down like the others, until the step holds.
    fn confirm(&mut self, safe: usize, last: usize, gathered: Gathered) -> Result<Option<Pass>, Stop> {
        let mut affected = self.see(safe, &gathered.affected);
        affected.retain(|replication| self.critical.get(replication).is_none_or(|&step| step > safe));
        if affected.is_empty() {
            self.outcomes = gathered.outcomes;
            return Ok(None);
        }
        self.follow_down(safe, &affected)?;
        self.walk_up(last)?;
        Ok(self.to_confirm(last))
    }

    /// The pass that simulates the safe step in full, if there is one.
    fn to_confirm(&self, last: usize) -> Option<Pass> {
        self.limit.safe.map(|safe| Pass::Confirm { safe, last })
    }

    /// Notes the incidents at `step`; returns the replications that had one.
    fn see(&mut self, step: usize, affected: &[(u64, u32)]) -> Vec<u64> {
        self.seen.extend(affected.iter().map(|&(replication, n)| ((replication, step), n)));
        affected.iter().map(|&(replication, _)| replication).collect()
    }

    fn simulate<'s>(&'s self, sky: &mut Sky<'s>, step: usize, replication: u64) -> Result<Outcome, Stop> {
        let simulation = self.ladder.simulation(step);
        let one = || simulation.run_under(sky, &Draws::new(self.question.seed, replication), &mut Unobserved);
        attempt(replication, self.run, one)
    }

    fn count<'s>(&'s self, sky: &mut Sky<'s>, step: usize, replication: u64) -> Result<u32, Stop> {
        match self.seen.get(&(replication, step)) {
            Some(&incidents) => Ok(incidents),
            None => self.simulate(sky, step, replication).map(|outcome| outcome.incidents()),
        }
    }

    /// Incidents of each of `replications` at `step`.
    fn incidents(&mut self, step: usize, replications: &[u64]) -> Result<Vec<u32>, Stop> {
        let one = |&replication: &u64| self.count(&mut Sky::default(), step, replication);
        let counts: Vec<Result<u32, Stop>> = replications.par_iter().map(one).collect();
        let counts: Vec<u32> = counts.into_iter().collect::<Result<_, _>>()?;
        self.seen.extend(replications.iter().zip(&counts).map(|(&replication, &n)| ((replication, step), n)));
        Ok(counts)
    }

    /// The first step at which one of the first `pilot` replications has an incident; one above the top where none has.
    fn first_of_pilot(&mut self, pilot: u64) -> Result<usize, Stop> {
        let mut candidates: Vec<u64> = (0..pilot).collect();
        let (mut without, mut with) = (0, self.top + 1);
        // Step 0 is left to the search itself.
        while with - without > 1 {
            let middle = usize::midpoint(without, with);
            let counts = self.incidents(middle, &candidates)?;
            if counts.iter().all(|&n| n == 0) {
                without = middle;
            } else {
                let affected = candidates.iter().zip(counts).filter(|&(_, n)| n > 0);
                candidates = affected.map(|(&replication, _)| replication).collect();
                with = middle;
            }
        }
        Ok(with)
    }

    /// Notes the critical step of each of `affected`, which have an incident at `from`.
    fn follow_down(&mut self, from: usize, affected: &[u64]) -> Result<(), Stop> {
        type Followed = (usize, Vec<((u64, usize), u32)>);
        let follow = |replication: u64| -> Result<Followed, Stop> {
            let (mut sky, mut looked) = (Sky::default(), Vec::new());
            let (mut first, mut last) = (0, from);
            while first < last {
                let middle = usize::midpoint(first, last);
                let incidents = self.count(&mut sky, middle, replication)?;
                looked.push(((replication, middle), incidents));
                if incidents > 0 { last = middle } else { first = middle + 1 }
            }
            Ok((last, looked))
        };
        let followed: Vec<Result<Followed, Stop>> =
            affected.par_iter().map(|&replication| follow(replication)).collect();
        for (&replication, followed) in affected.iter().zip(followed) {
            let (step, looked) = followed?;
            self.critical.insert(replication, step);
            self.seen.extend(looked);
        }
        Ok(())
    }

    /// Finds the limit from the verdicts of the least critical step up to `last`.
    fn walk_up(&mut self, last: usize) -> Result<(), Stop> {
        let (budget, aim) = (self.question.budget, self.question.aim);
        let replications = budget.most();
        let mut limit = Limit { low: None, safe: None, value: None, high: None, replications };
        let first = self.critical.values().copied().min().unwrap_or(last + 1);
        // Below the least critical step every verdict is that of no incident at all.
        let mut step = first.saturating_sub(1).min(last);
        let (mut is_safe_so_far, mut is_within_so_far) = (true, true);
        while step <= last {
            let rate = budget.rate(&self.counted(step)?);
            let verdict = budget.verdict(rate);
            is_safe_so_far &= verdict == Verdict::Safe;
            is_within_so_far &= rate.value <= budget.incidents_per_year;
            if verdict == Verdict::Risky || (aim == Aim::Estimates && !is_within_so_far) {
                break;
            }
            limit.high = Some(step);
            limit.low = if is_safe_so_far { Some(step) } else { limit.low };
            limit.safe = if verdict == Verdict::Safe { Some(step) } else { limit.safe };
            limit.value = if is_within_so_far { Some(step) } else { limit.value };
            step += 1;
        }
        self.limit = limit;
        Ok(())
    }

    /// The incidents of all replications at `step`, of which those without a critical step up to it have none.
    fn counted(&mut self, step: usize) -> Result<Incidents, Stop> {
        let affected: Vec<u64> =
            self.critical.iter().filter(|&(_, &critical)| critical <= step).map(|(&r, _)| r).collect();
        let counts = self.incidents(step, &affected)?;
        Ok(Incidents { replications: self.question.budget.most(), ..counts.into_iter().collect() })
    }
}

#[cfg(test)]
mod tests;
