//! One host is not a fleet: of the hosts that the inputs may describe, how many exceed the budget, step by step.
//!
//! A verdict is about the average over all that a scenario leaves open. A single host has one write rate, one disk,
//! one fragmentation: most are safer than the average, and a few carry nearly all of the risk. So hosts are drawn,
//! each with its inputs, and each is simulated over many months of its own; how its own risk is judged by so few of
//! them is [`share_above`]'s.

use std::sync::atomic::AtomicBool;

use super::budget::Budget;
use super::ladder::Ladder;
use super::replicate::{Run, Stop, batch};
use super::{Estimate, Unwatched};
use crate::model::{Cause, Draws, Outcome, Sky, StepLimit, Unobserved};
use crate::stats::{share_above, trials_against};

/// Hosts that are drawn: a tenth of them is known to three in a hundred.
pub const HOSTS: usize = 128;

/// Steps above the one that is asked about up to which the shares are looked for.
const STEPS_ABOVE: usize = 8;

/// Forks that may be simulated for it: some minute of a processor.
const MOST_FORKS: f64 = 64e6;

/// Numbers of the replications: none is used by a search, nor by what confirms it.
const HOSTS_FROM: u64 = 1 << 50;
/// Where the next hosts begin.
const DRAW: u64 = 1 << 40;

/// What is asked, and of which hosts.
#[derive(Clone, Copy, Debug)]
pub struct Fleet<'a> {
    /// What is acceptable of each host.
    pub budget: &'a Budget,
    /// Root of every random number.
    pub seed: u64,
    /// Which draw of hosts, from 0: each has hosts and weather of its own.
    pub draw: u64,
}

/// How many hosts exceed the budget at each step.
#[derive(Clone, Debug, PartialEq)]
pub struct Beyond {
    /// The share of hosts, from the first step on.
    shares: Vec<Estimate>,
}

impl Beyond {
    /// The share of hosts that exceed the budget at `step`; `None` above the last that was looked at.
    #[must_use]
    pub fn at(&self, step: usize) -> Option<Estimate> {
        self.shares.get(step).copied()
    }

    /// The last step up to which no more than `share` of the hosts are estimated to exceed it; `None` where not even
    /// the first is.
    #[must_use]
    pub fn last_within(&self, share: f64) -> Option<usize> {
        let within = self.shares.iter().take_while(|found| found.value <= share).count();
        within.checked_sub(1)
    }

    /// Whether that is the last step of all that was looked at.
    #[must_use]
    pub fn is_open_above(&self, share: f64) -> bool {
        self.last_within(share).is_some_and(|step| step + 1 == self.shares.len())
    }
}

/// How many of the hosts that the inputs may describe exceed the budget, on every step of `ladder` up to some above
/// `step`. `None` where a replication forks so often that it would take minutes.
///
/// # Errors
///
/// [`Stop`] where it is cancelled or a replication does not end.
pub fn beyond(
    ladder: &Ladder<'_>,
    step: usize,
    fleet: Fleet<'_>,
    cancelled: &AtomicBool,
) -> Result<Option<Beyond>, Stop> {
    let run = Run { watch: &Unwatched, cancelled };
    let Some(top) = ladder.last_that_fits() else { return Ok(None) };
    let each = trials_against(fleet.budget.affected());
    let count = (HOSTS * each) as u64;
    if forks(ladder, step.min(top), fleet, run)? * count as f64 > MOST_FORKS {
        return Ok(None);
    }
    let from = (step + STEPS_ABOVE).min(top);
    let critical = batch(0..count, run, |n| critical(ladder, from, fleet.draws(n, each as u64)))?;
    let hosts: Vec<&[Option<usize>]> = critical.chunks(each).collect();
    let share = |step: usize| {
        let hit = |critical: &Option<usize>| critical.is_some_and(|critical| critical <= step);
        let hosts: Vec<Vec<bool>> = hosts.iter().map(|months| months.iter().map(hit).collect()).collect();
        share_above(&hosts, fleet.budget.confidence)
    };
    Ok(Some(Beyond { shares: (0..=from).map(share).collect() }))
}

impl Fleet<'_> {
    /// The random numbers of month `n`, of the host that it falls to.
    fn draws(&self, n: u64, each: u64) -> Draws<'static> {
        let first = HOSTS_FROM + self.draw * DRAW;
        Draws::new(self.seed, first + n).on_host_of(first + DRAW / 2 + n / each)
    }
}

/// Forks of a replication at `step`, on average over a few.
fn forks(ladder: &Ladder<'_>, step: usize, fleet: Fleet<'_>, run: Run<'_>) -> Result<f64, Stop> {
    const ASKED: u64 = 16;
    let simulation = ladder.simulation(step);
    let outcomes: Vec<Outcome> =
        batch(0..ASKED, run, |n| simulation.run_with(&fleet.draws(n, 1), &mut Unobserved))?;
    let of =
        |outcome: &Outcome| Cause::ALL.into_iter().map(|cause| f64::from(outcome.forks[cause])).sum::<f64>();
    Ok(outcomes.iter().map(of).sum::<f64>() / ASKED as f64)
}

/// The first step up to `from` at which a month has an incident; `None` where it has none at `from`. That a month which
/// is hit at one step is hit at all above it is taken, not tested: it decides how a share falls from step to step.
fn critical(ladder: &Ladder<'_>, from: usize, draws: Draws<'_>) -> Result<Option<usize>, StepLimit> {
    let mut sky = Sky::default();
    let mut is_hit = |step: usize| -> Result<bool, StepLimit> {
        let outcome = ladder.simulation(step).run_under(&mut sky, &draws, &mut Unobserved)?;
        Ok(outcome.incidents() > 0)
    };
    if !is_hit(from)? {
        return Ok(None);
    }
    let (mut first, mut last) = (0, from);
    while first < last {
        let middle = usize::midpoint(first, last);
        if is_hit(middle)? { last = middle } else { first = middle + 1 }
    }
    Ok(Some(last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::host::Fill;
    use crate::model::{Host, Uncertain, sample};
    use crate::scenario::Replications;
    use crate::sweep::budget::tests::monthly;
    use crate::units::Bytes;

    static NEVER: AtomicBool = AtomicBool::new(false);
    const STEPS: usize = 60;

    fn beyond_of(host_at: impl Fn(usize) -> Host + Sync, step: usize) -> Beyond {
        let budget = Budget { incidents_per_year: 2.0, ..monthly(Replications::Auto) };
        let fleet = Fleet { budget: &budget, seed: 1, draw: 0 };
        beyond(&Ladder::new(STEPS, host_at), step, fleet, &NEVER).unwrap().unwrap()
    }

    /// A host of 16 GiB, full to 40 % and half a per cent more a step, whose saves all last the same.
    fn host_at(step: usize, fragmentation: Uncertain) -> Host {
        let mut host = sample::host(6_000.0);
        host.dataset.fill = Fill::Maxmemory(1.0);
        host.server.maxmemory = Some(Bytes::gib(16).scaled(0.4 + step as f64 * 0.005));
        host.server.fragmentation_ratio = fragmentation;
        host
    }

    /// Where nothing but the fragmentation decides, a host is hit in every month or in none. The share of those that
    /// are is that of the ratios above the one at which memory runs out, of a uniform law in the logarithm's triangle:
    /// counted over ratios on a fine grid of their quantiles.
    #[test]
    fn what_the_inputs_decide_is_counted_by_hosts() {
        let open = Uncertain { low: 1.0, likely: 1.2, high: 1.5 };
        let found = beyond_of(|step| host_at(step, open), 30);
        let is_hit = |ratio: f64| {
            let simulation = crate::model::Simulation::new(host_at(30, Uncertain::certain(ratio)));
            simulation.run(1, 0, &mut Unobserved).unwrap().incidents() > 0
        };
        let hit = (0..200).filter(|&k| is_hit(open.quantile((f64::from(k) + 0.5) / 200.0))).count();
        let truth = hit as f64 / 200.0;
        let share = found.at(30).unwrap();
        assert!(share.low <= truth && truth <= share.high, "{share:?} {truth}");
        assert!(truth > 0.05 && truth < 0.95, "{truth}");
        let last = found.last_within(0.1).unwrap();
        assert!(found.at(last).unwrap().value <= 0.1 && found.at(last + 1).unwrap().value > 0.1);
    }

    #[test]
    fn another_draw_has_other_hosts() {
        let fleet =
            |draw| Fleet { budget: &monthly(Replications::Auto), seed: 1, draw }.draws(7, 5).replication();
        assert_ne!(fleet(0), fleet(1));
    }
}
