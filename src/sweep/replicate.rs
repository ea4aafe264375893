//! One cell's replications: run in batches on every thread, looked at between batches.

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The sweep was ended from outside.
    Cancelled,
    /// A replication did not end, or the simulator is wrong.
    Failed {
        /// The first replication that failed; `None` where the cell could not be prepared.
        replication: Option<u64>,
        /// What it said.
        message: String,
    },
}

/// Runs replications until the budget is decided or all are spent, and returns their outcomes in order.
///
/// `simulate` runs one replication by its number. How many are run depends on outcomes alone, so the result is
/// the same for any number of threads.
pub(super) fn replicate(
    budget: &Budget,
    run: Run<'_>,
    simulate: impl Fn(u64) -> Result<Outcome, StepLimit> + Sync,
) -> Result<Vec<Outcome>, Stop> {
    let mut outcomes = Vec::new();
    for look in budget.looks() {
        let done = outcomes.len() as u64;
        outcomes.extend(batch(done..look, run, &simulate)?);
        if budget.verdict(budget.rate(&incidents(&outcomes))) != Verdict::Undecided {
            break;
        }
    }
    Ok(outcomes)
}

/// Runs a batch of replications on the threads of the current pool; the outcomes come in the order of their
/// numbers, and so does the first failure.
pub(super) fn batch(
    replications: Range<u64>,
    run: Run<'_>,
    simulate: impl Fn(u64) -> Result<Outcome, StepLimit> + Sync,
) -> Result<Vec<Outcome>, Stop> {
    let one = |replication| {
        if run.cancelled.load(Ordering::Relaxed) {
            return Err(Stop::Cancelled);
        }
        let failed = |message| Stop::Failed { replication: Some(replication), message };
        // The closure only reads: nothing that a panic could leave half changed outlives it.
        let outcome = catch_unwind(AssertUnwindSafe(|| simulate(replication)))
            .map_err(|panic| failed(format!("a bug: {}", message_of(&*panic))))?
            .map_err(|limit| failed(limit.to_string()))?;
        run.watch.replicated();
        Ok(outcome)
    };
    let outcomes: Vec<Result<Outcome, Stop>> = replications.into_par_iter().map(one).collect();
    outcomes.into_iter().collect()
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
        let run = Run { watch: &Unwatched, cancelled: &NEVER };
        replicate(&monthly(replications), run, killed(p)).unwrap()
    }

    #[test]
    fn auto_spends_what_the_verdict_needs() {
        assert_eq!(run(Replications::Auto, 0.5).len(), 64);
        assert_eq!(run(Replications::Auto, 0.0).len(), 6_932);
        assert_eq!(run(Replications::Auto, 0.0008).len(), 16_384);
        assert_eq!(run(Replications::Fixed(100), 0.5).len(), 100);
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
        let stop = replicate(&monthly(Replications::Fixed(64)), run, simulate).unwrap_err();
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
        let run = Run { watch: &Unwatched, cancelled: &cancelled };
        assert_eq!(replicate(&monthly(Replications::Auto), run, killed(0.0)), Err(Stop::Cancelled));
    }
}
