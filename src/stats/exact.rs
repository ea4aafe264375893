//! The interval of a probability from a number of trials fixed beforehand.

use statrs::function::beta::beta_reg;

use super::{Estimate, Share, bisect};

/// The exact interval of a probability (Clopper and Pearson), valid only where the number of trials was
/// fixed before the first one. Where one looks and then decides to go on, use
/// [`ConfidenceSequence`](super::ConfidenceSequence).
///
/// ```text
/// low  = B⁻¹(α/2;     s,     n − s + 1)        0 for s = 0
/// high = B⁻¹(1 − α/2; s + 1, n − s)            1 for s = n        s hits of n trials, α = 1 − confidence
/// ```
///
/// With no hit at all the upper end is 1 − (α/2)^(1/n), about 3.7/n at 95 %: never zero. It covers at least
/// at its confidence for every probability and every number of trials.
///
/// Source: C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case
/// of the binomial", Biometrika 26 (1934); in terms of the beta distribution Brown, Cai and `DasGupta`,
/// "Interval estimation for a binomial proportion", Statistical Science 16 (2001).
#[must_use]
pub fn exact(share: Share, confidence: f64) -> Estimate {
    exact_of(share.hits as f64, share.trials as f64, confidence)
}

/// The same for hits and trials that need not be whole: those of a plain count that would be as uncertain as an
/// estimate.
pub(super) fn exact_of(hits: f64, trials: f64, confidence: f64) -> Estimate {
    let (tail, value, misses) = ((1.0 - confidence) / 2.0, hits / trials, trials - hits);
    // The chance of at least, and of at most, so many hits under `p`, as incomplete beta functions. Searched
    // here, because the inverse in `statrs` stops at four digits for a million trials.
    let at_least = |p: f64| beta_reg(hits, misses + 1.0, p);
    let at_most = |p: f64| beta_reg(misses, hits + 1.0, 1.0 - p);
    let low = if hits <= 0.0 { 0.0 } else { bisect(0.0, value, |p| at_least(p) < tail) };
    let high = if misses <= 0.0 { 1.0 } else { bisect(1.0, value, |p| at_most(p) < tail) };
    Estimate { value, low, high }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(hits: u64, trials: u64, confidence: f64) -> (f64, f64) {
        let estimate = exact(Share { hits, trials }, confidence);
        (estimate.low, estimate.high)
    }

    #[test]
    fn no_hit_in_n_trials_still_has_a_bound() {
        for trials in [1, 2, 100, 1_000, 16_384, 1_000_000] {
            let (low, high) = ends(0, trials, 0.95);
            let closed_form = -((0.025f64.ln() / trials as f64).exp_m1());
            assert!(low.abs() < f64::MIN_POSITIVE);
            assert!((high / closed_form - 1.0).abs() < 1e-6, "{trials}: {high} against {closed_form}");
        }
    }

    #[test]
    fn hits_and_misses_mirror_each_other() {
        for (hits, trials) in [(0, 10), (1, 10), (3, 1_000), (500, 1_000), (7, 16_384)] {
            let (low, high) = ends(hits, trials, 0.99);
            let (mirrored_low, mirrored_high) = ends(trials - hits, trials, 0.99);
            assert!((low - (1.0 - mirrored_high)).abs() < 1e-9);
            assert!((high - (1.0 - mirrored_low)).abs() < 1e-9);
        }
    }

    /// The ends are where a tail of the binomial distribution, summed term by term, has half of the error.
    #[test]
    fn both_tails_have_half_of_the_error_up_to_a_million_trials() {
        for (hits, trials) in
            [(1, 128), (3, 16_384), (8_000, 16_384), (1_000, 1_000_000), (400_000, 1_000_000)]
        {
            let (low, high) = ends(hits, trials, 0.95);
            let (above, below) =
                (upper_tail(hits, trials, low), upper_tail(trials - hits, trials, 1.0 - high));
            assert!((above / 0.025 - 1.0).abs() < 1e-5, "{hits} of {trials}: {above} above");
            assert!((below / 0.025 - 1.0).abs() < 1e-5, "{hits} of {trials}: {below} below");
        }
    }

    /// The chance of at least `hits` of `trials`, from the terms of the binomial distribution.
    fn upper_tail(hits: u64, trials: u64, p: f64) -> f64 {
        let odds = (p / (1.0 - p)).ln();
        let mut ln_mass = trials as f64 * (-p).ln_1p();
        let mut tail = 0.0;
        for k in 0..=trials {
            tail += if k >= hits { ln_mass.exp() } else { 0.0 };
            ln_mass += ((trials - k) as f64 / (k + 1) as f64).ln() + odds;
        }
        tail
    }

    /// Known answer: 10 of 100 at 95 % is 4.90 % to 17.62 % in every published table.
    #[test]
    fn ten_of_a_hundred_is_as_tabulated() {
        let (low, high) = ends(10, 100, 0.95);
        assert!((low - 0.049_005).abs() < 1e-6 && (high - 0.176_223).abs() < 1e-6, "{low} {high}");
    }

    /// Coverage is summed over all outcomes, not sampled: there is no chance of a false alarm.
    #[test]
    fn the_interval_covers_at_least_at_its_confidence() {
        for (trials, confidence) in [(20, 0.95), (128, 0.95), (128, 0.975), (1_000, 0.99)] {
            let intervals: Vec<(f64, f64)> =
                (0..=trials).map(|hits| ends(hits, trials, confidence)).collect();
            for p in [1e-4, 0.003, 0.01, 0.1, 0.37, 0.5, 0.9, 0.999] {
                let coverage = coverage(&intervals, p);
                assert!(coverage >= confidence - 1e-9, "{trials} trials of {p}: {coverage}");
            }
        }
    }

    /// The chance that the interval of a binomial number of hits holds `p`.
    fn coverage(intervals: &[(f64, f64)], p: f64) -> f64 {
        let trials = (intervals.len() - 1) as f64;
        let mut ln_mass = trials * (-p).ln_1p();
        let mut covered = 0.0;
        for (hits, &(low, high)) in intervals.iter().enumerate() {
            covered += if low <= p && p <= high { ln_mass.exp() } else { 0.0 };
            ln_mass += ((trials - hits as f64) / (hits as f64 + 1.0) * p / (1.0 - p)).ln();
        }
        covered
    }
}
