//! Over many seeds, the interval of the survivable percent covers where the risk truly crosses the budget.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use forkcast::scenario::{Origin, Replications, Scenario};
use forkcast::sweep::{self, Budget, Effort, Ladder, Limit, Question, Settings, full_to};
use forkcast::units::SimDuration;

const STEPS: usize = 60;
const SEEDS: u64 = 200;

/// The percent of a step.
fn percent(step: usize) -> f64 {
    50.0 + step as f64 * 0.5
}

/// The ladder of percents, and the budget judged by so many replications.
fn question(replications: u64) -> (Ladder<'static>, Budget) {
    let origin = Origin { name: "small.toml".to_owned(), folder: PathBuf::new() };
    let case = Scenario::read(super::SMALL, &origin, &[]).unwrap().as_written().clone();
    let ladder = Ladder::new(STEPS, move |step| full_to(percent(step), case.clone()).host);
    let budget = Budget {
        incidents_per_year: 12.0,
        confidence: 0.95,
        horizon: SimDuration(3 * SimDuration::DAY.0),
        replications: Replications::Fixed(replications),
    };
    (ladder, budget)
}

fn limit(replications: u64, seed: u64) -> Limit {
    let (ladder, budget) = question(replications);
    let question = Question { budget: &budget, effort: Effort::of(&budget), seed };
    let found = sweep::limits(&[ladder], question, Settings::default(), &AtomicBool::new(false));
    found.unwrap().unwrap().remove(0)
}

fn estimate(replications: u64, seed: u64) -> Option<usize> {
    let (ladder, budget) = question(replications);
    let question = Question { budget: &budget, effort: Effort::search(replications), seed };
    let found = sweep::estimates(&[ladder], question, Settings::default(), &AtomicBool::new(false));
    found.unwrap().unwrap()[0]
}

/// How many of the seeds' intervals miss the truth of one long run.
fn misses(long: u64) -> usize {
    let truth = estimate(long, 1_000_003).unwrap();
    let missed = (0..SEEDS).map(|seed| limit(150, seed)).filter(|limit| {
        let [low, high] = [limit.confirmed, limit.high].map(|end| end.map_or(0, |step| step));
        truth < low || high < truth
    });
    missed.count()
}

/// Each end may miss at 95 %, so 20 of 200; more than 33 under that chance have a probability below 0.002.
#[test]
fn the_interval_covers_the_truth_of_a_long_run_at_its_confidence() {
    let misses = misses(60_000);
    assert!(misses <= 33, "{misses} of {SEEDS}");
}

/// The same against a million replications. Run with
/// `cargo test --release --test integration a_million -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes"]
fn the_interval_covers_the_truth_of_a_million_replications() {
    let misses = misses(1_000_000);
    println!("{misses} of {SEEDS} intervals miss the truth of a million replications");
    assert!(misses <= 33, "{misses} of {SEEDS}");
}
