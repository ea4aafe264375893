//! Searches against grids of every step, alone and side by side.

use super::*;
use crate::model::host::{AofRewrite, Fill};
use crate::model::{Host, Simulation, Unobserved, sample};
use crate::scenario::Replications;
use crate::sweep::Verdict;
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

/// The same with rewrites, which come elsewhere on every step: an incident on one need not mean one on the next.
fn rewriting_at(step: usize) -> Host {
    let mut host = host_at(step);
    host.persistence.aof = Some(AofRewrite { percentage: 100.0, min_size: Bytes::mib(64) });
    host.save.slow_probability = 0.02;
    host.save.slow_factor = 3.0;
    host
}

fn found(budget: &Budget, host_at: impl Fn(usize) -> Host + Sync) -> Limit {
    let ladder = Ladder::new(STEPS, host_at);
    limits(&[ladder], budget, 1, Settings::default(), &NEVER).unwrap().unwrap().remove(0).limit
}

/// What simulating every step in full says.
fn gridded(budget: &Budget, host_at: impl Fn(usize) -> Host) -> Limit {
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
        let found = found(&budget, host_at);
        assert_eq!(found, gridded(&budget, host_at));
        let ladder = Ladder::new(STEPS, host_at);
        let estimated = estimates(&[ladder], &budget, 1, Settings::default(), &NEVER).unwrap().unwrap();
        assert_eq!(estimated, [found.value]);
        assert!(found.low.is_some() && found.high < Some(STEPS - 1), "{found:?}");
    }
}

/// What is said to be safe is so on the grid too, and the upper end is no lower than there and hardly higher.
#[test]
fn where_risk_is_not_monotone_what_is_found_is_safe_and_the_end_above_it_is_close() {
    let budget = Budget { incidents_per_year: 0.1, ..monthly(Replications::Auto) }.fixed();
    let (found, gridded) = (found(&budget, rewriting_at), gridded(&budget, rewriting_at));
    assert!(found.safe.is_some() && found.safe <= gridded.safe, "{found:?} {gridded:?}");
    let ends = [found.high, gridded.high].map(Option::unwrap);
    assert!(ends[0] >= ends[1] && ends[0] <= ends[1] + 2, "{found:?} {gridded:?}");
}

#[test]
fn too_few_replications_leave_the_lower_end_open_and_a_top_that_is_safe_is_the_answer() {
    let few = Budget { incidents_per_year: 0.01, ..monthly(Replications::Fixed(100)) };
    assert_eq!(found(&few, host_at).low, None);
    let lenient = Budget { incidents_per_year: 1e6, ..few };
    assert_eq!(found(&lenient, host_at).high, Some(STEPS - 1));
}

#[test]
fn ladders_side_by_side_end_where_each_ends_alone_with_the_outcomes_of_that_step() {
    let budget = Budget { incidents_per_year: 2.0, ..monthly(Replications::Fixed(300)) };
    let smaller = |step: usize| {
        let mut host = host_at(step);
        host.machine.ram = Bytes::gib(14);
        host
    };
    let too_small = |_| Host { machine: smaller(0).machine, ..host_at(STEPS * 2) };
    let ladders = [Ladder::new(STEPS, host_at), Ladder::new(STEPS, smaller), Ladder::new(1, too_small)];
    let together = limits(&ladders, &budget, 1, Settings::default(), &NEVER).unwrap().unwrap();
    for (ladder, together) in ladders.iter().zip(&together) {
        let alone = limits(std::slice::from_ref(ladder), &budget, 1, Settings::default(), &NEVER);
        assert_eq!(alone.unwrap().unwrap()[0], *together);
    }
    assert!(together[1].limit.safe < together[0].limit.safe && together[2].limit.high.is_none());
    let safe = Simulation::new(host_at(together[0].limit.safe.unwrap()));
    let run = Run { watch: &Unwatched, cancelled: &NEVER };
    let outcomes = batch(0..300, run, |n| safe.run(1, n, &mut Unobserved)).unwrap();
    assert_eq!(together[0].outcomes, outcomes);
}

#[test]
fn a_search_that_is_cancelled_finds_nothing() {
    let ladder = Ladder::new(STEPS, host_at);
    let budget = monthly(Replications::Fixed(100));
    let found = limits(&[ladder], &budget, 1, Settings::default(), &AtomicBool::new(true)).unwrap();
    assert_eq!(found, None);
}
