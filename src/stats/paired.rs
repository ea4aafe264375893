//! Differences between two cells that met the same weather, replication by replication.

use super::incidents::student_quantile;
use super::{Estimate, Share, exact};

/// Pairs of trials counted by how they differ. Pairs that went the same way say nothing of a difference but that it is
/// small, and need no telling apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    /// Only the first was affected.
    pub only_first: u64,
    /// Only the second was.
    pub only_second: u64,
    /// All pairs; at least one.
    pub all: u64,
}

impl FromIterator<(bool, bool)> for Pairs {
    /// Counts pairs, each by whether the first and whether the second was affected.
    fn from_iter<I: IntoIterator<Item = (bool, bool)>>(pairs: I) -> Self {
        pairs.into_iter().fold(Self::default(), |counted, (first, second)| Self {
            only_first: counted.only_first + u64::from(first && !second),
            only_second: counted.only_second + u64::from(second && !first),
            all: counted.all + 1,
        })
    }
}

impl Pairs {
    /// The probability of the second being affected less that of the first, with an interval that holds at least at
    /// its confidence for any number of pairs, also where none or hardly any of them differ.
    ///
    /// ```text
    /// δ = π (2θ − 1)        π chance that a pair differs, θ that it is then the second that is affected
    /// ```
    ///
    /// π and, among the pairs that differ, θ are binomial, so each has an exact interval; each spends half of the error
    /// (Bonferroni), and the ends of δ are those over both. Where the interval of θ holds one half, this is the exact
    /// test of `McNemar` not rejecting, and that of δ holds zero.
    ///
    /// Source: Q. `McNemar`, "Note on the sampling error of the difference between correlated proportions or
    /// percentages", Psychometrika 12 (1947), in its exact form, the sign test; intervals of [`exact()`].
    #[must_use]
    pub fn difference(&self, confidence: f64) -> Estimate {
        let half = f64::midpoint(1.0, confidence);
        let differing = self.only_first + self.only_second;
        let differs = exact(Share { hits: differing, trials: self.all }, half);
        let (low, high) = if differing == 0 {
            (0.0, 1.0)
        } else {
            let second = exact(Share { hits: self.only_second, trials: differing }, half);
            (second.low, second.high)
        };
        let end = |theta: f64, outer: f64, inner: f64| {
            let lean = 2.0 * theta - 1.0;
            lean * if (lean < 0.0) == (outer > inner) { outer } else { inner }
        };
        Estimate {
            value: (self.only_second as f64 - self.only_first as f64) / self.all as f64,
            low: end(low, differs.high, differs.low),
            high: -end(1.0 - high, differs.high, differs.low),
        }
    }
}

/// The mean of paired differences with its t interval.
///
/// ```text
/// m ± t(1 − α/2; n − 1) s/√n        n differences, s their standard deviation
/// ```
///
/// `None` for fewer than two, of which nothing is known of the spread. It needs no independence of the two that are
/// paired, which is what pairing is for, and holds at its confidence as far as the mean is near normal.
/// Source: Student, "The probable error of a mean", Biometrika 6 (1908).
#[must_use]
pub fn mean_difference(differences: &[f64], confidence: f64) -> Option<Estimate> {
    if differences.len() < 2 {
        return None;
    }
    let n = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / n;
    let squares: f64 = differences.iter().map(|difference| (difference - mean).powi(2)).sum();
    let reach = student_quantile(f64::midpoint(1.0, confidence), n - 1.0) * (squares / (n - 1.0) / n).sqrt();
    Some(Estimate { value: mean, low: mean - reach, high: mean + reach })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    /// Summed over all outcomes of the trinomial distribution, not sampled.
    #[test]
    fn the_difference_is_covered_at_least_at_its_confidence() {
        let all = 24;
        for (first, second) in [(0.0, 0.0), (0.01, 0.0), (0.05, 0.05), (0.02, 0.2), (0.3, 0.4), (0.0, 0.9)] {
            let mut covered = 0.0;
            for only_first in 0..=all {
                for only_second in 0..=all - only_first {
                    let interval = Pairs { only_first, only_second, all }.difference(0.95);
                    let holds = interval.low <= second - first && second - first <= interval.high;
                    let mass =
                        mass([only_first, only_second, all - only_first - only_second], [first, second]);
                    covered += if holds { mass } else { 0.0 };
                }
            }
            assert!(covered >= 0.95 - 1e-9, "{first} {second}: {covered}");
        }
    }

    fn mass([a, b, rest]: [u64; 3], [p, q]: [f64; 2]) -> f64 {
        let choose = |n: u64, k: u64| (0..k).fold(1.0, |c, i| c * (n - i) as f64 / (i + 1) as f64);
        let power = |p: f64, n: u64| p.powf(n as f64);
        choose(a + b + rest, a) * choose(b + rest, b) * power(p, a) * power(q, b) * power(1.0 - p - q, rest)
    }

    #[test]
    fn swapping_the_two_swaps_the_ends() {
        let one = Pairs { only_first: 2, only_second: 9, all: 40 }.difference(0.95);
        let other = Pairs { only_first: 9, only_second: 2, all: 40 }.difference(0.95);
        assert!((one.low + other.high).abs() < 1e-12 && (one.high + other.low).abs() < 1e-12);
        assert!(one.low < one.value && one.value < one.high);
    }

    #[test]
    fn pairs_that_never_differ_bound_the_difference_and_do_not_deny_it() {
        let none = Pairs { only_first: 0, only_second: 0, all: 1_000 }.difference(0.95);
        assert!(none.low < 0.0 && none.high > 0.0 && none.high < 0.006, "{none:?}");
    }

    #[test]
    fn the_mean_is_covered_as_promised() {
        let mut draws = Xoshiro256PlusPlus::seed_from_u64(3);
        let runs = 4_000;
        let covered = (0..runs).filter(|_| {
            let differences: Vec<f64> = (0..12).map(|_| draws.random_range(-1.0..3.0)).collect();
            mean_difference(&differences, 0.9).is_some_and(|mean| mean.low <= 1.0 && 1.0 <= mean.high)
        });
        let share = covered.count() as f64 / f64::from(runs);
        assert!((0.885..0.92).contains(&share), "{share}");
        assert_eq!(mean_difference(&[1.0], 0.9), None);
    }
}
