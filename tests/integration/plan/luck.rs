//! Over many seeds, what a plan recommends holds its budget, and lies close below the percent that would just hold it.
#![expect(clippy::print_stdout, reason = "what was found is shown to whoever runs these by hand")]

use std::path::Path;
use std::sync::atomic::AtomicBool;

use forkcast::plan;
use forkcast::scenario::{Assignment, Origin, Replications, Scenario};
use forkcast::sweep::{self, Budget, Estimate, Grid, Settings, Unwatched, full_to};

use super::super::repository;

const SEEDS: u64 = 60;

/// Replications behind a truth, of a seed that no plan has.
const TRUTH: u64 = 60_000;

/// Percents are told apart by half a point.
const STEP: f64 = 0.5;

fn scenario(name: &str, seed: u64) -> Scenario {
    let path = repository("scenarios").join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let origin = Origin { name: name.to_owned(), folder };
    let overrides = [Assignment::set(&format!("simulation.seed={seed}")).unwrap()];
    Scenario::read(&text, &origin, &overrides).unwrap()
}

/// Affected replications a year of a host full to `percent`, each end at the confidence by itself.
fn truth(scenario: &Scenario, class: &str, percent: f64) -> Estimate {
    let case = scenario.at(&[("host.class", class)]).unwrap();
    let risk = scenario.risk();
    let budget = Budget {
        incidents_per_year: risk.incidents_per_year,
        confidence: risk.confidence,
        horizon: scenario.horizon(),
        replications: Replications::Fixed(TRUTH),
    };
    let grid = Grid::of([full_to(percent, case)], budget, 1_000_003);
    let found = sweep::run(&grid, Settings::default(), &Unwatched, &AtomicBool::new(false)).unwrap();
    found.rows[0].figures.as_ref().unwrap().affected_per_year
}

/// The truths of one class, percent by percent, as they are asked for.
struct Truths<'a> {
    scenario: &'a Scenario,
    class: String,
    known: Vec<(f64, Estimate)>,
}

impl Truths<'_> {
    fn at(&mut self, percent: f64) -> Estimate {
        if let Some((_, known)) = self.known.iter().find(|(known, _)| known.total_cmp(&percent).is_eq()) {
            return *known;
        }
        let found = truth(self.scenario, &self.class, percent);
        println!(
            "  {} at {percent} %: {:.4} ({:.4} to {:.4})",
            self.class, found.value, found.low, found.high
        );
        self.known.push((percent, found));
        found
    }

    /// The last percent, going up from one that holds the budget, that does.
    fn limit(&mut self, from: f64, budget: f64) -> f64 {
        let mut percent = from;
        while self.at(percent).value > budget {
            percent -= STEP;
        }
        while self.at(percent + STEP).value <= budget {
            percent += STEP;
        }
        percent
    }
}

/// How many of the seeds' recommendations exceed the budget for certain, and their mean loss in points.
fn luck(name: &str) -> (usize, f64) {
    let written = scenario(name, 1);
    let budget = written.risk().incidents_per_year;
    let never = AtomicBool::new(false);
    let mut truths: Vec<Truths<'_>> = Vec::new();
    let (mut beyond, mut losses) = (0, Vec::new());
    for seed in 1..=SEEDS {
        let answer = plan::cluster(&scenario(name, seed), Settings::default(), &never).unwrap();
        let (class, percent) = (answer.class.host_class.unwrap(), answer.percent.unwrap());
        let place = truths.iter().position(|truths| truths.class == class).unwrap_or_else(|| {
            truths.push(Truths { scenario: &written, class: class.clone(), known: Vec::new() });
            truths.len() - 1
        });
        let exceeds = truths[place].at(percent).low > budget;
        let loss = truths[place].limit(percent, budget) - percent;
        println!(
            "{name}, seed {seed}: {class} at {percent} %, {loss} points below the limit, exceeds: {exceeds}"
        );
        beyond += usize::from(exceeds);
        losses.push(loss);
    }
    let mean = losses.iter().sum::<f64>() / losses.len() as f64;
    println!("{name}: {beyond} of {SEEDS} exceed {budget} a year, {mean:.2} points lost on average");
    (beyond, mean)
}

/// Run with `cargo test --release --test integration luck -- --ignored --nocapture`.
#[test]
#[ignore = "takes some ten minutes"]
fn what_the_quickstart_recommends_is_no_luck() {
    let (beyond, loss) = luck("quickstart.toml");
    assert!(beyond <= 6 && loss <= 0.75, "{beyond} beyond, {loss} points lost");
}

/// The same for the managed host, whose budget takes five times as many replications.
#[test]
#[ignore = "takes most of an hour"]
fn what_the_managed_host_recommends_is_no_luck() {
    let (beyond, loss) = luck("managed-valkey.toml");
    assert!(beyond <= 6 && loss <= 0.75, "{beyond} beyond, {loss} points lost");
}
