//! The replications of cells: run in batches on every thread, looked at between batches.

use std::any::Any;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use super::budget::Budget;
use super::figures::incidents;
use super::{Verdict, Watch};
use crate::model::{Outcome, StepLimit};

/// What a sweep asks of its surroundings while it runs.
#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    /// Told of every replication and cell.
    pub watch: &'a dyn Watch,
    /// Set from outside to end the sweep early.
    pub cancelled: &'a AtomicBool,
}

/// Why a cell has no figures.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// The sweep was ended from outside.
    #[error("cancelled")]
    Cancelled,
    /// A replication did not end, or the simulator is wrong.
    #[error("{}{message}", replication.map(|n| format!("replication {n}: ")).unwrap_or_default())]
    Failed {
        /// The first replication that failed; `None` where the cell could not be prepared.
        replication: Option<u64>,
        /// What it said.
        message: String,
    },
}

/// Runs the replications of several cells side by side, each until its budget is decided or all are spent, and returns
/// their outcomes in order, or why a cell has none.
///
/// `simulate` runs one replication of a cell by their numbers. The cells of one replication follow each other on one
/// thread and share a `C`, new in each replication: what is the same for all of them is worked out once. How many are
/// run of a cell depends on its own outcomes alone, so the result is the same for any number of threads.
pub(super) fn replicate<C: Default>(
    budgets: &[Budget],
    run: Run<'_>,
    simulate: impl Fn(&mut C, usize, u64) -> Result<Outcome, StepLimit> + Sync,
) -> Vec<Result<Vec<Outcome>, Stop>> {
    let mut courses: Vec<Course> = budgets.iter().map(Course::new).collect();
    loop {
        let stretches: Vec<(usize, Range<u64>)> =
            courses.iter().enumerate().filter_map(|(cell, course)| Some((cell, course.next()?))).collect();
        let Some(first) = stretches.iter().map(|(_, stretch)| stretch.start).min() else { break };
        let last = stretches.iter().map(|(_, stretch)| stretch.end).max().unwrap_or(first);
        let cells_of =
            |replication| stretches.iter().filter(move |(_, stretch)| stretch.contains(&replication));
        let one = |replication| -> Vec<Result<Outcome, Stop>> {
            let mut shared = C::default();
            let cells = cells_of(replication).map(|&(cell, _)| cell);
            cells.map(|cell| attempt(replication, run, || simulate(&mut shared, cell, replication))).collect()
        };
        let results: Vec<Vec<Result<Outcome, Stop>>> = (first..last).into_par_iter().map(one).collect();
        for (replication, results) in (first..last).zip(results) {
            for (&(cell, _), result) in cells_of(replication).zip(results) {
                courses[cell].take(result);
            }
        }
        for &(cell, _) in &stretches {
            courses[cell].look();
        }
    }
    courses.into_iter().map(|course| course.outcomes).collect()
}

/// How far the replications of a cell are.
struct Course<'a> {
    budget: &'a Budget,
    /// Numbers of replications after which is looked, those to come, the last first.
    looks: Vec<u64>,
    outcomes: Result<Vec<Outcome>, Stop>,
}

impl<'a> Course<'a> {
    fn new(budget: &'a Budget) -> Self {
        let mut looks = budget.looks();
        looks.reverse();
        Self { budget, looks, outcomes: Ok(Vec::new()) }
    }

    /// The replications up to the next look; `None` where none is needed.
    fn next(&self) -> Option<Range<u64>> {
        let done = self.outcomes.as_ref().ok()?.len() as u64;
        self.looks.last().map(|&look| done..look)
    }

    /// Takes the next outcome; the first failure stays.
    fn take(&mut self, result: Result<Outcome, Stop>) {
        let Ok(outcomes) = &mut self.outcomes else { return };
        match result {
            Ok(outcome) => outcomes.push(outcome),
            Err(stop) => self.outcomes = Err(stop),
        }
    }

    /// Looks whether the outcomes decide.
    fn look(&mut self) {
        self.looks.pop();
        if let Ok(outcomes) = &self.outcomes
            && self.budget.verdict(incidents(outcomes).share()) != Verdict::Undecided
        {
            self.looks.clear();
        }
    }
}

/// Runs a batch of replications on the threads of the current pool; the results come in the order of their
/// numbers, and so does the first failure.
pub(super) fn batch<T: Send>(
    replications: Range<u64>,
    run: Run<'_>,
    simulate: impl Fn(u64) -> Result<T, StepLimit> + Sync,
) -> Result<Vec<T>, Stop> {
    let one = |replication| attempt(replication, run, || simulate(replication));
    let results: Vec<Result<T, Stop>> = replications.into_par_iter().map(one).collect();
    results.into_iter().collect()
}

/// Runs one replication, so that neither a panic nor an end from outside is lost.
pub(super) fn attempt<T>(
    replication: u64,
    run: Run<'_>,
    simulate: impl FnOnce() -> Result<T, StepLimit>,
) -> Result<T, Stop> {
    if run.cancelled.load(Ordering::Relaxed) {
        return Err(Stop::Cancelled);
    }
    let failed = |message| Stop::Failed { replication: Some(replication), message };
    // What a panic could leave half changed is what the cells share, and that is whole or absent.
    let outcome = catch_unwind(AssertUnwindSafe(simulate))
        .map_err(|panic| failed(format!("a bug: {}", message_of(&*panic))))?
        .map_err(|limit| failed(limit.to_string()))?;
    run.watch.replicated();
    Ok(outcome)
}

/// The words of a panic.
pub(super) fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Cause;
    use crate::rng::{Purpose, Stream};
    use crate::scenario::Replications;
    use crate::sweep::Unwatched;
    use crate::sweep::budget::tests::monthly;
    use crate::units::SimTime;
    use rand::RngExt;

    static NEVER: AtomicBool = AtomicBool::new(false);

    /// A server that is killed in a share `p` of the replications.
    fn killed(p: f64) -> impl Fn(u64) -> Result<Outcome, StepLimit> + Sync {
        move |replication| {
            let mut outcome =
                Outcome { rejected_writes: 1.0 / (replication + 1) as f64, ..Outcome::default() };
            let draw: f64 = Stream::new(1, replication).at(Purpose::Reserved, 0).random();
            outcome.server_kills[Cause::Backup] = u32::from(draw < p);
            Ok(outcome)
        }
    }

    fn run(replications: Replications, p: f64) -> Vec<Outcome> {
        alone(&monthly(replications), &NEVER, killed(p)).unwrap()
    }

    /// The outcomes of one cell.
    fn alone(
        budget: &Budget,
        cancelled: &AtomicBool,
        simulate: impl Fn(u64) -> Result<Outcome, StepLimit> + Sync,
    ) -> Result<Vec<Outcome>, Stop> {
        let run = Run { watch: &Unwatched, cancelled };
        replicate(&[*budget], run, |(): &mut (), _, number| simulate(number)).remove(0)
    }

    #[test]
    fn auto_spends_what_the_verdict_needs() {
        assert_eq!(run(Replications::Auto, 0.5).len(), 64);
        assert_eq!(run(Replications::Auto, 0.0).len(), 4_268);
        assert_eq!(run(Replications::Auto, 0.0008).len(), 16_384);
        assert_eq!(run(Replications::Fixed(100), 0.5).len(), 100);
    }

    #[test]
    fn cells_side_by_side_fare_as_alone_and_one_that_fails_takes_no_other() {
        let budgets = [Replications::Auto, Replications::Fixed(100), Replications::Auto].map(monthly);
        let run_ = Run { watch: &Unwatched, cancelled: &NEVER };
        let simulate = |runs: &mut u64, cell: usize, number: u64| {
            *runs += 1;
            assert!(*runs <= 3, "a replication's cells share what no other replication sees");
            if cell == 2 && number == 70 { panic!("no more") } else { killed(0.01)(number) }
        };
        let together = replicate(&budgets, run_, simulate);
        assert_eq!(together[0].as_ref().unwrap(), &run(Replications::Auto, 0.01));
        assert_eq!(together[1].as_ref().unwrap(), &run(Replications::Fixed(100), 0.01));
        let message = "a bug: no more".to_owned();
        assert_eq!(together[2], Err(Stop::Failed { replication: Some(70), message }));
    }

    #[test]
    fn outcomes_are_the_same_for_any_number_of_threads() {
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| run(Replications::Auto, 0.002))
        };
        let one = on(1);
        assert_eq!(one, on(2));
        assert_eq!(one, on(7));
    }

    #[test]
    fn the_first_failure_is_named_whatever_thread_meets_it() {
        let run = Run { watch: &Unwatched, cancelled: &NEVER };
        let limit =
            |replication| StepLimit { seed: 1, replication, steps: 9, at: SimTime::ZERO, event: "save" };
        let simulate = |replication: u64| match replication {
            17 => Err(limit(17)),
            n if n > 17 => panic!("the ledger must balance"),
            _ => Ok(Outcome::default()),
        };
        let stop = alone(&monthly(Replications::Fixed(64)), &NEVER, simulate).unwrap_err();
        assert_eq!(stop, Stop::Failed { replication: Some(17), message: limit(17).to_string() });
        let stop = batch(18..20, run, simulate).unwrap_err();
        assert_eq!(
            stop,
            Stop::Failed { replication: Some(18), message: "a bug: the ledger must balance".to_owned() }
        );
    }

    #[test]
    fn a_cancelled_cell_has_no_outcome() {
        let cancelled = AtomicBool::new(true);
        let outcomes = alone(&monthly(Replications::Auto), &cancelled, killed(0.0));
        assert_eq!(outcomes, Err(Stop::Cancelled));
    }
}
