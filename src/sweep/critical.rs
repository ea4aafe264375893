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
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use rayon::prelude::*;

use super::budget::Budget;
use super::replicate::{Run, Stop, attempt};
use super::{Failure, Settings, Unwatched, Verdict};
use crate::model::{Host, Simulation, Sky, Unobserved};
use crate::stats::Incidents;

/// Replications that look for the neighbourhood before all are simulated there.
const PILOT: u64 = 64;

/// Hosts in the order of their risk, the least demanding first, all with the same traffic but for its rates.
pub struct Ladder<'a> {
    host_at: &'a (dyn Fn(usize) -> Host + Sync),
    prepared: Vec<OnceLock<Simulation>>,
}

impl std::fmt::Debug for Ladder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ladder").field("steps", &self.prepared.len()).finish_non_exhaustive()
    }
}

impl<'a> Ladder<'a> {
    /// A ladder of so many steps, at least one, with a host on each. Hosts are prepared when they are first simulated.
    pub fn new(steps: usize, host_at: &'a (dyn Fn(usize) -> Host + Sync)) -> Self {
        Self { host_at, prepared: vec![OnceLock::new(); steps] }
    }

    fn simulation(&self, step: usize) -> &Simulation {
        self.prepared[step].get_or_init(|| Simulation::new((self.host_at)(step)))
    }

    /// The last step that holds its data with no child alive; `None` where none does.
    fn last_that_fits(&self) -> Option<usize> {
        let (mut fits, mut too_far) = (None, self.prepared.len());
        while fits.map_or(0, |step| step + 1) < too_far {
            let middle = usize::midpoint(fits.map_or(0, |step| step + 1), too_far);
            let middle = middle.min(too_far - 1);
            if self.simulation(middle).fit().holds() { fits = Some(middle) } else { too_far = middle }
        }
        fits
    }
}

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

/// Finds where on `ladder` the budget ends, for a number of replications fixed beforehand (`budget.replications`);
/// `None` where it was cancelled.
///
/// # Errors
///
/// [`Failure`], where a replication fails or the threads cannot be started: a fault of the simulator.
pub fn limit(
    ladder: &Ladder<'_>,
    budget: &Budget,
    seed: u64,
    settings: Settings,
    cancelled: &AtomicBool,
) -> Result<Option<Limit>, Failure> {
    let failure = |replication, message| Failure { cell: "the search".to_owned(), replication, message };
    let pool = settings.pool().map_err(|error| failure(None, error.to_string()))?;
    let run = Run { watch: &Unwatched, cancelled };
    match pool.install(|| search(ladder, budget, seed, run)) {
        Ok(limit) => Ok(Some(limit)),
        Err(Stop::Cancelled) => Ok(None),
        Err(Stop::Failed { replication, message }) => Err(failure(replication, message)),
    }
}

fn search(ladder: &Ladder<'_>, budget: &Budget, seed: u64, run: Run<'_>) -> Result<Limit, Stop> {
    let replications = budget.most();
    let Some(top) = ladder.last_that_fits() else {
        return Ok(Limit { low: None, safe: None, value: None, high: None, replications });
    };
    let mut search = Search { ladder, budget, seed, run, seen: BTreeMap::new(), critical: BTreeMap::new() };
    let mut at = search.first_of_pilot(top, PILOT.min(replications))?.min(top);
    let mut open: Vec<u64> = (0..replications).collect();
    let mut stride = 1;
    loop {
        let counts = search.incidents(at, &open)?;
        let affected: Vec<u64> = open.iter().zip(&counts).filter(|(_, n)| **n > 0).map(|(r, _)| *r).collect();
        open.retain(|replication| affected.binary_search(replication).is_err());
        search.follow_down(at, &affected)?;
        let limit = search.walk_up(at, replications)?;
        if at == top || limit.high.is_none_or(|high| high < at) {
            return search.confirm(at, limit);
        }
        at = (at + stride).min(top);
        stride *= 2;
    }
}

/// What a search has found out so far.
struct Search<'a> {
    ladder: &'a Ladder<'a>,
    budget: &'a Budget,
    seed: u64,
    run: Run<'a>,
    /// Incidents of a replication at a step.
    seen: BTreeMap<(u64, usize), u32>,
    /// The first step with an incident, of the replications that are known to have one.
    critical: BTreeMap<u64, usize>,
}

impl Search<'_> {
    fn simulate<'s>(&'s self, sky: &mut Sky<'s>, step: usize, replication: u64) -> Result<u32, Stop> {
        if let Some(&incidents) = self.seen.get(&(replication, step)) {
            return Ok(incidents);
        }
        let simulation = self.ladder.simulation(step);
        let one = || simulation.run_under(sky, self.seed, replication, &mut Unobserved);
        attempt(replication, self.run, one).map(|outcome| outcome.incidents())
    }

    /// Incidents of each of `replications` at `step`.
    fn incidents(&mut self, step: usize, replications: &[u64]) -> Result<Vec<u32>, Stop> {
        let one = |&replication: &u64| self.simulate(&mut Sky::default(), step, replication);
        let counts: Vec<Result<u32, Stop>> = replications.par_iter().map(one).collect();
        let counts: Vec<u32> = counts.into_iter().collect::<Result<_, _>>()?;
        self.seen.extend(replications.iter().zip(&counts).map(|(&replication, &n)| ((replication, step), n)));
        Ok(counts)
    }

    /// The first step at which one of the first `pilot` replications has an incident; `top + 1` where none has.
    fn first_of_pilot(&mut self, top: usize, pilot: u64) -> Result<usize, Stop> {
        let mut candidates: Vec<u64> = (0..pilot).collect();
        let (mut without, mut with) = (0, top + 1);
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
                let incidents = self.simulate(&mut sky, middle, replication)?;
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

    /// Simulates every replication at the step that is to be safe. Those that turn out to have an incident there,
    /// though they had none further up, are followed down like the others, until the step holds.
    fn confirm(&mut self, last: usize, mut limit: Limit) -> Result<Limit, Stop> {
        let all: Vec<u64> = (0..limit.replications).collect();
        while let Some(safe) = limit.safe {
            let counts = self.incidents(safe, &all)?;
            let is_new = |replication: &u64| self.critical.get(replication).is_none_or(|&step| step > safe);
            let affected = all.iter().zip(&counts).filter(|(replication, n)| **n > 0 && is_new(replication));
            let affected: Vec<u64> = affected.map(|(&replication, _)| replication).collect();
            if affected.is_empty() {
                break;
            }
            self.follow_down(safe, &affected)?;
            limit = self.walk_up(last, limit.replications)?;
        }
        Ok(limit)
    }

    /// The verdicts from the least critical step up to `last`.
    fn walk_up(&mut self, last: usize, replications: u64) -> Result<Limit, Stop> {
        let mut limit = Limit { low: None, safe: None, value: None, high: None, replications };
        let first = self.critical.values().copied().min().unwrap_or(last + 1);
        // Below the least critical step every verdict is that of no incident at all.
        let mut step = first.saturating_sub(1).min(last);
        let (mut is_safe_so_far, mut is_within_so_far) = (true, true);
        while step <= last {
            let rate = self.budget.rate(&self.counted(step, replications)?);
            let verdict = self.budget.verdict(rate);
            is_safe_so_far &= verdict == Verdict::Safe;
            is_within_so_far &= rate.value <= self.budget.incidents_per_year;
            if verdict == Verdict::Risky {
                break;
            }
            limit.high = Some(step);
            limit.low = if is_safe_so_far { Some(step) } else { limit.low };
            limit.safe = if verdict == Verdict::Safe { Some(step) } else { limit.safe };
            limit.value = if is_within_so_far { Some(step) } else { limit.value };
            step += 1;
        }
        Ok(limit)
    }

    /// The incidents of all replications at `step`, of which those without a critical step up to it have none.
    fn counted(&mut self, step: usize, replications: u64) -> Result<Incidents, Stop> {
        let affected: Vec<u64> =
            self.critical.iter().filter(|&(_, &critical)| critical <= step).map(|(&r, _)| r).collect();
        let counts = self.incidents(step, &affected)?;
        Ok(Incidents { replications, ..counts.into_iter().collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::host::Fill;
    use crate::model::sample;
    use crate::scenario::Replications;
    use crate::sweep::budget::tests::monthly;
    use crate::sweep::figures::incidents;
    use crate::sweep::replicate::batch;
    use crate::units::Bytes;

    static NEVER: AtomicBool = AtomicBool::new(false);
    const STEPS: usize = 60;

    /// A host of 16 GiB, full to 40 % and half a per cent more a step.
    fn host_at(step: usize) -> Host {
        let mut host = sample::host(6_000.0);
        host.save.sigma = 0.4;
        host.dataset.fill = Fill::Maxmemory(1.0);
        host.server.maxmemory = Some(Bytes::gib(16).scaled(0.4 + step as f64 * 0.005));
        host
    }

    fn found(budget: &Budget) -> Limit {
        let ladder = Ladder::new(STEPS, &host_at);
        limit(&ladder, budget, 1, Settings::default(), &NEVER).unwrap().unwrap()
    }

    /// What simulating every step in full says.
    fn gridded(budget: &Budget) -> Limit {
        let run = Run { watch: &Unwatched, cancelled: &NEVER };
        let rates = (0..STEPS).map(|step| {
            let simulation = Simulation::new(host_at(step));
            let outcomes = batch(0..budget.most(), run, |n| simulation.run(1, n, &mut Unobserved)).unwrap();
            budget.rate(&incidents(&outcomes))
        });
        let rates: Vec<_> = rates.collect();
        let last = |holds: &dyn Fn(usize) -> bool| (0..STEPS).take_while(|&step| holds(step)).last();
        Limit {
            low: last(&|step| budget.verdict(rates[step]) == Verdict::Safe),
            value: last(&|step| rates[step].value <= budget.incidents_per_year),
            high: last(&|step| budget.verdict(rates[step]) != Verdict::Risky),
            replications: budget.most(),
            safe: (0..STEPS)
                .take_while(|&step| budget.verdict(rates[step]) != Verdict::Risky)
                .filter(|&step| budget.verdict(rates[step]) == Verdict::Safe)
                .last(),
        }
    }

    #[test]
    fn what_is_found_is_what_a_grid_of_all_steps_says() {
        for (incidents_per_year, n) in [(0.5, 200), (2.0, 300), (10.0, 100)] {
            let budget = Budget { incidents_per_year, ..monthly(Replications::Fixed(n)) };
            let found = found(&budget);
            assert_eq!(found, gridded(&budget));
            assert!(found.low.is_some() && found.high < Some(STEPS - 1), "{found:?}");
        }
    }

    #[test]
    fn too_few_replications_leave_the_lower_end_open_and_a_top_that_is_safe_is_the_answer() {
        let few = Budget { incidents_per_year: 0.01, ..monthly(Replications::Fixed(100)) };
        assert_eq!(found(&few).low, None);
        let lenient = Budget { incidents_per_year: 1e6, ..few };
        assert_eq!(found(&lenient).high, Some(STEPS - 1));
    }

    #[test]
    fn a_search_that_is_cancelled_finds_nothing() {
        let ladder = Ladder::new(STEPS, &host_at);
        let budget = monthly(Replications::Fixed(100));
        let found = limit(&ladder, &budget, 1, Settings::default(), &AtomicBool::new(true)).unwrap();
        assert_eq!(found, None);
    }
}
