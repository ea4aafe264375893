//! The interval of a probability that may be looked at after every trial.

use statrs::function::beta::ln_beta;

use super::{Estimate, Share, bisect};

/// A confidence sequence for a probability: at its confidence, *every* interval it gives as the trials go on
/// holds the truth, all at once. So one may look, decide, and go on where nothing is decided, which an
/// interval for a fixed number of trials does not allow.
///
/// ```text
/// { p : R(p) ≤ 1/α }      R(p) = (v [s = 0] + Σ w B(1 + s, b + n − s) / B(1, b)) / (p^s (1 − p)^(n − s))
/// ```
///
/// with `s` hits of `n` trials, α = 1 − confidence, B the beta function, the sum over two beta distributions
/// Beta(1, b) of weight `w`, and `v` the weight of a probability of exactly 0. `R` is the likelihood of the
/// trials under their mixture over that under `p`: under the true `p` a nonnegative martingale that starts at 1,
/// which ever reaches 1/α with a chance of at most α (Ville). Any mixture fixed beforehand is valid; it decides
/// only where the intervals are narrow.
///
/// Source: H. Robbins, "Statistical methods related to the law of the iterated logarithm", Annals of
/// Mathematical Statistics 41 (1970); the beta-binomial mixture as in Howard, Ramdas, `McAuliffe` and Sekhon,
/// "Time-uniform, nonparametric, nonasymptotic confidence sequences", Annals of Statistics 49 (2021); Ville's
/// inequality: J. Ville, "Étude critique de la notion de collectif" (1939).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConfidenceSequence {
    /// Second shape of the part of the mixture that is near the probability of interest; the first is 1.
    b: f64,
}

/// Weight of a probability of 0: as most hosts that are safe are never hit, it saves them a fifth of the trials.
const NEVER: f64 = 0.5;

/// Weight of the part near the probability of interest.
const NEAR: f64 = 0.45;

/// Weight of the uniform part, which keeps the interval of a large probability from being wide.
const UNIFORM: f64 = 0.05;

impl ConfidenceSequence {
    /// A sequence that is sharpest for a probability of 0 and for those near `p`, which must not depend on the trials:
    /// half of the mixture is 0, nine tenths of the rest are Beta(1, 1/p).
    #[must_use]
    pub fn near(p: f64) -> Self {
        Self { b: 1.0 / p.clamp(f64::EPSILON, 1.0) }
    }

    /// The interval after the trials so far.
    #[must_use]
    pub fn estimate(self, share: Share, confidence: f64) -> Estimate {
        let value = share.value();
        let threshold = -(1.0 - confidence).ln();
        let excludes = |p: f64| self.ln_ratio(share, p) > threshold;
        let low = if share.hits == 0 { 0.0 } else { bisect(0.0, value, excludes) };
        let high = if share.misses() == 0 { 1.0 } else { bisect(1.0, value, excludes) };
        Estimate { value, low, high }
    }

    /// The least number of trials after which, without a single hit, the upper end is at most `p`.
    #[must_use]
    pub fn trials_without_hit(self, p: f64, confidence: f64) -> u64 {
        let threshold = -(1.0 - confidence).ln();
        let excludes = |trials: u64| self.ln_ratio(Share { hits: 0, trials }, p) >= threshold;
        let (mut below, mut above) = (0, 1);
        while !excludes(above) && above < u64::MAX / 2 {
            (below, above) = (above, above * 2);
        }
        while above - below > 1 {
            let middle = below + (above - below) / 2;
            if excludes(middle) { above = middle } else { below = middle }
        }
        above
    }

    /// `ln R(p)`: falls up to the share itself, where it is at most 0, and rises beyond.
    fn ln_ratio(self, share: Share, p: f64) -> f64 {
        let (hits, misses) = (share.hits as f64, share.misses() as f64);
        let part = |weight: f64, b: f64| weight.ln() + ln_beta(1.0 + hits, b + misses) - ln_beta(1.0, b);
        let never = if share.hits == 0 { NEVER.ln() } else { f64::NEG_INFINITY };
        let parts = [never, part(NEAR, self.b), part(UNIFORM, 1.0)];
        let most = parts.into_iter().fold(f64::NEG_INFINITY, f64::max);
        let mixture = most + parts.map(|part| (part - most).exp()).iter().sum::<f64>().ln();
        let likelihood = if share.hits == 0 { 0.0 } else { hits * p.ln() }
            + if share.misses() == 0 { 0.0 } else { misses * (-p).ln_1p() };
        mixture - likelihood
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    #[test]
    fn both_ends_lie_where_the_ratio_meets_its_threshold() {
        let sequence = ConfidenceSequence::near(0.001);
        for (hits, trials) in [(1, 128), (5, 1_000), (40, 1_000), (700, 1_000), (3, 16_384)] {
            let share = Share { hits, trials };
            let estimate = sequence.estimate(share, 0.95);
            assert!(estimate.low < estimate.value && estimate.value < estimate.high);
            for end in [estimate.low, estimate.high] {
                assert!((sequence.ln_ratio(share, end) - 20f64.ln()).abs() < 1e-6, "{share:?} {end}");
            }
        }
    }

    #[test]
    fn all_and_none_reach_the_ends_of_the_scale() {
        let sequence = ConfidenceSequence::near(0.01);
        let none = sequence.estimate(Share { hits: 0, trials: 500 }, 0.95);
        let all = sequence.estimate(Share { hits: 500, trials: 500 }, 0.95);
        assert!(none.low.abs() < f64::MIN_POSITIVE && none.high < 0.02);
        assert!((all.high - 1.0).abs() < f64::EPSILON && all.low > 0.5);
    }

    /// Nearly the closed form without the uniform part: (1 − p)^n = α (0.5 + 0.45 b / (b + n)).
    #[test]
    fn trials_without_hit_decide_exactly_when_the_upper_end_falls_to_the_budget() {
        let p = 0.01 * 30.0 / 365.25;
        let sequence = ConfidenceSequence::near(p);
        let trials = sequence.trials_without_hit(p, 0.96);
        assert_eq!(trials, 4_550);
        let high = |trials| sequence.estimate(Share { hits: 0, trials }, 0.96).high;
        assert!(high(trials) <= p && high(trials - 1) > p);
    }

    /// 500 experiments of 800 trials each, judged after every trial. Ville allows at most 5 % to ever exclude the
    /// truth; more than 50 of 500 under a chance of 5 % has a probability of 2e-6.
    #[test]
    fn the_truth_is_held_at_every_look() {
        for (p, near) in [(0.01, 0.01), (0.2, 0.001)] {
            let sequence = ConfidenceSequence::near(near);
            let failures = (0..500).filter(|&seed| ever_excludes(sequence, p, seed)).count();
            assert!(failures <= 50, "{failures} of 500 for {p}");
        }
    }

    fn ever_excludes(sequence: ConfidenceSequence, p: f64, seed: u64) -> bool {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut share = Share { hits: 0, trials: 0 };
        (0..800).any(|_| {
            share.trials += 1;
            share.hits += u64::from(rng.random::<f64>() < p);
            sequence.ln_ratio(share, p) > 20f64.ln()
        })
    }
}
