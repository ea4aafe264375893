//! The search of one ladder: which step to simulate next, and what follows from what it showed.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::Limit;
use super::pass::{Gathered, Pass, Shown};
use crate::model::{Draws, Outcome, Sky, Unobserved};
use crate::stats::Incidents;
use crate::sweep::Verdict;
use crate::sweep::budget::Budget;
use crate::sweep::ladder::Ladder;
use crate::sweep::replicate::{Run, Stop, attempt};
use crate::units::Bytes;

/// Replications that look for the neighbourhood before all are simulated there.
const PILOT: u64 = 64;

/// Steps that a search climbs the first time, and twice as many each time after: to follow a few replications down from
/// too far up costs less than to simulate all of them once more.
const FIRST_STRIDE: usize = 4;

/// Replications that are tried at a step, those that came closest to an incident at another: mostly one of them shows
/// that the step does not hold, where it does not.
const TRIED: usize = 512;

/// What a search is to find out.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    pub budget: &'a Budget,
    pub seed: u64,
    pub aim: Aim,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Aim {
    /// Which steps are certainly within the budget and which beyond, and every replication at the one that is safe.
    Verdicts,
    /// How far the estimates are within it.
    Estimates,
}

/// The search of one ladder, and what it has found out so far.
pub(super) struct Search<'a> {
    ladder: &'a Ladder<'a>,
    question: Question<'a>,
    run: Run<'a>,
    /// The last step that holds its data.
    top: usize,
    /// Incidents of a replication at a step.
    seen: BTreeMap<(u64, usize), u32>,
    /// The first step with an incident, of the replications that are known to have one.
    critical: BTreeMap<u64, usize>,
    /// Those of the others that came closest to one, in order of their numbers.
    endangered: Vec<u64>,
    /// The steps that they were tried at.
    tried: BTreeSet<usize>,
    /// Where the budget ends, as far as that is known.
    pub limit: Limit,
    /// The outcomes at the step that is safe, once it is confirmed.
    pub outcomes: Vec<Outcome>,
    /// What is to be simulated next; `None` once it has ended.
    pub next: Option<Pass>,
}

impl<'a> Search<'a> {
    /// A search that has seen nothing yet: first comes its pilot.
    pub fn begin(ladder: &'a Ladder<'a>, question: Question<'a>, run: Run<'a>) -> Self {
        let replications = question.budget.most();
        let top = ladder.last_that_fits();
        // Step 0 is left to the climb itself.
        let pilot =
            |top| Pass::Pilot { without: 0, with: top + 1, open: (0..PILOT.min(replications)).collect() };
        Self {
            ladder,
            question,
            run,
            top: top.unwrap_or(0),
            seen: BTreeMap::new(),
            critical: BTreeMap::new(),
            endangered: Vec::new(),
            tried: BTreeSet::new(),
            limit: Limit { low: None, safe: None, value: None, high: None, replications },
            outcomes: Vec::new(),
            next: top.map(pilot),
        }
    }

    /// Whether it simulates a step in full to confirm it.
    pub fn confirms(&self) -> bool {
        matches!(self.next, Some(Pass::Confirm { .. }))
    }

    /// What `pass` shows of a replication: one that has an incident it was not known for is followed down.
    pub fn show<'s>(&'s self, sky: &mut Sky<'s>, pass: &Pass, replication: u64) -> Result<Shown, Stop> {
        let step = pass.step();
        let outcome = self.simulate(sky, step, replication)?;
        let mut shown = Shown { outcome, critical: None, looked: Vec::new() };
        let is_known = self.critical.get(&replication).is_some_and(|&critical| critical <= step);
        if shown.outcome.incidents() > 0 && !is_known && !matches!(pass, Pass::Pilot { .. }) {
            shown.critical = Some(self.follow_down(sky, step, replication, &mut shown.looked)?);
        }
        Ok(shown)
    }

    /// The critical step of a replication that has an incident at `from`.
    fn follow_down<'s>(
        &'s self,
        sky: &mut Sky<'s>,
        from: usize,
        replication: u64,
        looked: &mut Vec<(usize, u32)>,
    ) -> Result<usize, Stop> {
        // Those that are spared at a step that was confirmed are taken to be so below it.
        let spared_at = self.limit.safe.filter(|_| !self.outcomes.is_empty());
        let (mut first, mut last) = (spared_at.map_or(0, |safe| safe + 1), from);
        while first < last {
            let middle = usize::midpoint(first, last);
            let incidents = self.count(sky, middle, replication)?;
            looked.push((middle, incidents));
            if incidents > 0 { last = middle } else { first = middle + 1 }
        }
        Ok(last)
    }

    /// Goes on from what its pass showed.
    pub fn advance(&mut self, gathered: Gathered) -> Result<(), Stop> {
        let Some(pass) = self.next.take() else { return Ok(()) };
        let step = pass.step();
        self.seen.extend(gathered.affected.iter().map(|&(replication, n)| ((replication, step), n)));
        self.seen.extend(gathered.looked);
        self.critical.extend(gathered.critical.iter().copied());
        let affected: Vec<u64> = gathered.affected.iter().map(|&(replication, _)| replication).collect();
        self.next = match pass {
            Pass::Pilot { without, with, open } => Some(self.pilot((without, with), open, affected)),
            Pass::Climb { at, stride, mut open } => {
                open.retain(|replication| affected.binary_search(replication).is_err());
                self.climb(at, stride, open, gathered.spared)?
            }
            Pass::Confirm { last, .. } if gathered.critical.is_empty() => {
                self.outcomes = gathered.outcomes;
                self.endanger(gathered.spared);
                self.to_try(last)
            }
            Pass::Try { last, .. } | Pass::Confirm { last, .. } => {
                self.tried.insert(step);
                if !gathered.critical.is_empty() {
                    self.walk_up(last)?;
                }
                self.to_try(last)
            }
        };
        Ok(())
    }

    /// Halves the steps between which the first of `open` has an incident; there the climb begins.
    fn pilot(&self, (without, with): (usize, usize), open: Vec<u64>, affected: Vec<u64>) -> Pass {
        let middle = usize::midpoint(without, with);
        let (without, with, open) =
            if affected.is_empty() { (middle, with, open) } else { (without, middle, affected) };
        if with - without > 1 {
            return Pass::Pilot { without, with, open };
        }
        let all = (0..self.question.budget.most()).collect();
        Pass::Climb { at: with.min(self.top), stride: FIRST_STRIDE, open: all }
    }

    /// Goes up where `at` is not beyond the budget; `spared` had no incident there.
    fn climb(
        &mut self,
        at: usize,
        stride: usize,
        open: Vec<u64>,
        spared: Vec<(Bytes, u64)>,
    ) -> Result<Option<Pass>, Stop> {
        self.walk_up(at)?;
        let (end, is_to_confirm) = match self.question.aim {
            Aim::Verdicts => (self.limit.high, true),
            Aim::Estimates => (self.limit.value, false),
        };
        if at < self.top && end.is_some_and(|end| end >= at) {
            return Ok(Some(Pass::Climb { at: (at + stride).min(self.top), stride: stride * 2, open }));
        }
        self.endanger(spared);
        Ok(self.to_try(at).filter(|_| is_to_confirm))
    }

    /// What is to be done next, no step above `last` having been looked at. The step that is to be safe is tried by
    /// those most in danger and then confirmed by all. Then those that came closest to an incident there try steps
    /// above it, halving, until the end of the interval holds for them.
    ///
    /// Those that turn out to have an incident, though they had none further up, are followed down like the others.
    fn to_try(&self, last: usize) -> Option<Pass> {
        let try_at = |at| Pass::Try { at, last, open: self.endangered.clone() };
        let Limit { high, safe, .. } = self.limit;
        match safe.filter(|_| self.outcomes.is_empty()) {
            Some(safe) if self.tried.contains(&safe) => Some(Pass::Confirm { safe, last }),
            Some(safe) => Some(try_at(safe)),
            None => {
                let high = high?;
                let held = self.tried.range(..=high).next_back().copied().or(safe).unwrap_or(0);
                (held < high).then(|| try_at(held + (high - held).div_ceil(2)))
            }
        }
    }

    /// Those are most in danger that had the least memory left.
    fn endanger(&mut self, mut spared: Vec<(Bytes, u64)>) {
        spared.sort_unstable();
        self.endangered = spared.into_iter().take(TRIED).map(|(_, replication)| replication).collect();
        self.endangered.sort_unstable();
        self.tried.clear();
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
