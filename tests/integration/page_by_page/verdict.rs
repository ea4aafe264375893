//! Law and judge compared over repeated draws.

use rayon::prelude::*;

use super::trial::{Case, Pages};

/// How far the law may be from the mean of the draws.
#[derive(Clone, Copy)]
pub struct Tolerance {
    /// Of the pages drawn, besides five standard errors.
    pub share: f64,
    /// Of the pages drawn by all cases together.
    pub of_sum: f64,
    /// Saves drawn of each case.
    pub draws: u64,
}

/// Slabs cut short at the end of their pools, and pages between one pool's slots and the next's \[pages\].
const EDGES: f64 = 6.0;

/// Law and draws at one point of a case.
struct Comparison {
    name: String,
    law: f64,
    drawn: f64,
    /// The square of the standard error of their difference.
    variance: f64,
}

/// Puts every case to law and judge and fails with all that they disagree on.
pub fn compare(cases: &[Case], tolerance: Tolerance) {
    judge(cases, tolerance, |pages| (pages.law_copied, pages.copied));
}

/// The same for any two figures of the pages.
pub fn judge(cases: &[Case], tolerance: Tolerance, figures: fn(&Pages) -> (f64, f64)) {
    let comparisons: Vec<Comparison> = cases
        .par_iter()
        .enumerate()
        .flat_map_iter(|(number, case)| comparisons(case, number, tolerance.draws, figures))
        .collect();
    let mut failures: Vec<String> =
        comparisons.iter().filter_map(|comparison| comparison.failure(tolerance.share)).collect();
    let all = sum(&comparisons);
    failures.extend(all.failure(tolerance.of_sum));
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), comparisons.len(), failures.join("\n"));
}

fn comparisons(case: &Case, number: usize, draws: u64, figures: fn(&Pages) -> (f64, f64)) -> Vec<Comparison> {
    let saves: Vec<Vec<Pages>> = (0..draws).map(|draw| case.draw(number as u64 * draws + draw)).collect();
    let point = |point: usize| {
        let pairs: Vec<(f64, f64)> = saves.iter().map(|pages| figures(&pages[point])).collect();
        let mean = |figure: fn(&(f64, f64)) -> f64| pairs.iter().map(figure).sum::<f64>() / draws as f64;
        let (law, counted) = (mean(|pair| pair.0), mean(|pair| pair.1));
        let squares = pairs.iter().map(|pair| (pair.1 - pair.0 - counted + law).powi(2)).sum::<f64>();
        let name = format!("{} at {:.2}", case.name, case.points[point].load);
        let sampled = squares / ((draws - 1) * draws) as f64;
        // Few draws can lie together by chance: pages that are dirty one by one spread at least so far.
        let shared = saves[0][point].shared;
        let binomial = counted * (1.0 - counted / shared).max(0.0) / draws as f64;
        Comparison { name, law, drawn: counted, variance: sampled.max(binomial) }
    };
    (0..case.points.len()).map(point).collect()
}

/// All cases as one, each with the weight of its share: relative deviations, averaged.
fn sum(comparisons: &[Comparison]) -> Comparison {
    let counted = || comparisons.iter().filter(|c| c.drawn > 20.0 * EDGES);
    let count = counted().count() as f64;
    let mean = |figure: fn(&Comparison) -> f64| counted().map(figure).sum::<f64>() / count * 1e6;
    Comparison {
        name: format!("all {count}"),
        law: mean(|c| c.law / c.drawn),
        drawn: 1e6,
        variance: mean(|c| c.variance / c.drawn.powi(2)) / count * 1e6,
    }
}

impl Comparison {
    fn failure(&self, share: f64) -> Option<String> {
        let allowed = 5.0 * self.variance.sqrt() + share * self.drawn + EDGES;
        ((self.law - self.drawn).abs() > allowed).then(|| self.words())
    }

    fn words(&self) -> String {
        let Self { name, law, drawn, variance } = self;
        let percent = (law / drawn - 1.0) * 100.0;
        let error = variance.sqrt() / drawn * 100.0;
        format!("{percent:+8.3} % ± {error:.3} %  law {law:.0}, drawn {drawn:.0}: {name}")
    }
}
