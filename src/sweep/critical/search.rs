//! The search of one ladder: which step to simulate next, and what follows from what it showed.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::Question;
use super::effort::Effort;
use super::pass::{Gathered, Pass, Shown};
use super::tail::Tail;
use crate::model::{Cause, Draws, Outcome, Sky, Unobserved};
use crate::stats::Share;
use crate::sweep::Verdict;
use crate::sweep::ladder::Ladder;
use crate::sweep::replicate::{Run, Stop, attempt};

/// Replications that look for the neighbourhood before all are simulated there.
const PILOT: u64 = 64;

/// Steps that a search climbs the first time, and twice as many each time after: to follow a few replications down from
/// too far up costs less than to simulate all of them once more.
const FIRST_STRIDE: usize = 4;

/// Affected replications, in those that the budget allows, of which the tail is made: further up its law is another.
const IN_TAIL: f64 = 4.0;

/// What a search is to find out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Aim {
    /// The first step that is certainly beyond the budget, and the estimates below it.
    Beyond,
    /// How far the estimates are within it.
    Estimates,
}

/// The search of one ladder, and what it has found out so far.
pub(super) struct Search<'a> {
    ladder: &'a Ladder<'a>,
    question: Question<'a>,
    run: Run<'a>,
    aim: Aim,
    /// How many replications it has, known for good once its pilot has shown what one costs.
    pub effort: Effort,
    /// The last step that holds its data; `None` where none does.
    pub top: Option<usize>,
    /// Incidents of a replication at a step.
    seen: BTreeMap<(u64, usize), u32>,
    /// The first step with an incident, of the replications that are known to have one.
    critical: BTreeMap<u64, usize>,
    /// The last step up to which every estimate is within the budget.
    pub value: Option<usize>,
    /// The last step below the first that is certainly beyond it, or does not hold its data.
    pub high: Option<usize>,
    /// How the share of affected replications falls near the end of the budget; `None` where none was affected.
    pub tail: Option<Tail>,
    /// What is to be simulated next; `None` once it has ended.
    pub next: Option<Pass>,
    /// Replications that the pilot simulated, and their forks.
    piloted: (u64, u64),
}

impl<'a> Search<'a> {
    /// A search that has seen nothing yet: first comes its pilot.
    pub fn begin(ladder: &'a Ladder<'a>, question: Question<'a>, aim: Aim, run: Run<'a>) -> Self {
        let top = ladder.last_that_fits();
        // Step 0 is left to the climb itself.
        let open = (0..PILOT.min(question.effort.search)).collect();
        Self {
            ladder,
            question,
            run,
            aim,
            effort: question.effort,
            top,
            seen: BTreeMap::new(),
            critical: BTreeMap::new(),
            value: None,
            high: None,
            tail: None,
            next: top.map(|top| Pass::Pilot { without: 0, with: top + 1, open }),
            piloted: (0, 0),
        }
    }

    /// What `pass` shows of a replication: one that has an incident it was not known for is followed down.
    pub fn show<'s>(&'s self, sky: &mut Sky<'s>, pass: &Pass, replication: u64) -> Result<Shown, Stop> {
        let step = pass.step();
        let outcome = self.simulate(sky, step, replication)?;
        let forks = Cause::ALL.into_iter().map(|cause| u64::from(outcome.forks[cause])).sum();
        let mut shown = Shown { incidents: outcome.incidents(), forks, critical: None, looked: Vec::new() };
        let is_known = self.critical.get(&replication).is_some_and(|&critical| critical <= step);
        if shown.incidents > 0 && !is_known && matches!(pass, Pass::Climb { .. }) {
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
        let (mut first, mut last) = (0, from);
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
        self.critical.extend(gathered.critical);
        let affected: Vec<u64> = gathered.affected.iter().map(|&(replication, _)| replication).collect();
        self.next = match pass {
            Pass::Pilot { without, with, open } => {
                self.piloted = (self.piloted.0 + open.len() as u64, self.piloted.1 + gathered.forks);
                Some(self.pilot((without, with), open, affected))
            }
            Pass::Climb { at, stride, mut open } => {
                open.retain(|replication| affected.binary_search(replication).is_err());
                self.climb(at, stride, open)?
            }
            Pass::Scout { at, above, affected: at_above, .. } => {
                let at_low = (at, affected.len() as u64);
                self.tail = Some(Tail::between(at_low, (above, at_above), self.effort.search));
                None
            }
        };
        Ok(())
    }

    /// Halves the steps between which the first of `open` has an incident; there the climb begins.
    fn pilot(&mut self, (without, with): (usize, usize), open: Vec<u64>, affected: Vec<u64>) -> Pass {
        let middle = usize::midpoint(without, with);
        let (without, with, open) =
            if affected.is_empty() { (middle, with, open) } else { (without, middle, affected) };
        if with - without > 1 {
            return Pass::Pilot { without, with, open };
        }
        let (replications, forks) = self.piloted;
        self.effort = self.effort.affordable(self.question.budget, forks as f64 / replications.max(1) as f64);
        let all = (0..self.effort.search).collect();
        Pass::Climb { at: with.min(self.top.unwrap_or(0)), stride: FIRST_STRIDE, open: all }
    }

    /// Goes up where `at` is not beyond the budget.
    fn climb(&mut self, at: usize, stride: usize, open: Vec<u64>) -> Result<Option<Pass>, Stop> {
        self.walk_up(at)?;
        let end = match self.aim {
            Aim::Beyond => self.high,
            Aim::Estimates => self.value,
        };
        let top = self.top.unwrap_or(0);
        if at < top && end.is_some_and(|end| end >= at) {
            return Ok(Some(Pass::Climb { at: (at + stride).min(top), stride: stride * 2, open }));
        }
        Ok(if self.aim == Aim::Beyond { self.scout(at, open.len() as u64) } else { None })
    }

    /// Looks where the critical steps say that the budget ends, `spared` having had no incident at `above`. Those that
    /// have one there and none further up are not known from further up.
    fn scout(&mut self, above: usize, spared: u64) -> Option<Pass> {
        self.tail = self.tail_of_critical();
        let at = self.tail?.last_within(self.question.budget.affected(), above)?;
        let open = (0..self.effort.search).collect();
        (at < above).then_some(Pass::Scout { at, above, affected: self.effort.search - spared, open })
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

    /// Finds where the budget ends from the shares of the steps up to `last`.
    fn walk_up(&mut self, last: usize) -> Result<(), Stop> {
        let budget = self.question.budget.by(self.effort.search);
        (self.value, self.high) = (None, None);
        let first = self.critical.values().copied().min().unwrap_or(last + 1);
        // Below the least critical step every share is that of no incident at all.
        let mut step = first.saturating_sub(1).min(last);
        let mut is_within_so_far = true;
        while step <= last {
            let share = self.affected(step)?;
            is_within_so_far &= share.value() <= budget.affected();
            let is_beyond = budget.verdict(share) == Verdict::Risky;
            if is_beyond || (self.aim == Aim::Estimates && !is_within_so_far) {
                break;
            }
            self.high = Some(step);
            self.value = if is_within_so_far { Some(step) } else { self.value };
            step += 1;
        }
        Ok(())
    }

    /// The affected replications at `step`: those without a critical step up to it have no incident there.
    fn affected(&mut self, step: usize) -> Result<Share, Stop> {
        let known: Vec<u64> =
            self.critical.iter().filter(|&(_, &critical)| critical <= step).map(|(&r, _)| r).collect();
        let hits = self.incidents(step, &known)?.into_iter().filter(|&incidents| incidents > 0).count();
        Ok(Share { hits: hits as u64, trials: self.effort.search })
    }

    /// What the critical steps say of that; `None` where there are none.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "float casts saturate")]
    fn tail_of_critical(&self) -> Option<Tail> {
        let allowed = self.question.budget.affected() * self.effort.search as f64;
        let most = ((IN_TAIL * allowed).ceil() as usize).max(IN_TAIL as usize);
        Tail::of_critical(self.critical.values().copied().collect(), self.effort.search, most)
    }
}
