//! What a weighted sample says of a rare event, and how its weights are tilted towards it.
//!
//! Replications are drawn from a law under which the event is common, and each counts by its likelihood ratio, the
//! *weight*: the mean of weight times count is the rate under the true law, without bias. Owns the estimate, what
//! makes it worthless, and the steps of the cross-entropy method; leaves out whose random numbers are tilted.

use statrs::function::gamma::{gamma_lr, gamma_ur};

use super::{Estimate, bisect};

/// The least effective sample on which a rare event is judged.
pub const LEAST_EFFECTIVE_SAMPLE: f64 = 100.0;

/// The largest share that a single replication may have in an estimate.
///
/// Both limits are conventions, kept for what was measured without them: at a quarter of the replications needed, the
/// estimate of a risk of 8e-7 was off by half and on average a tenth too low, and only these two figures showed it.
pub const LARGEST_WEIGHT_SHARE: f64 = 0.1;

/// A weighted sample, reduced to what its mean is judged by.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WeightedSample {
    /// Replications, those without the event included.
    pub replications: u64,
    sum: f64,
    squares: f64,
    largest: f64,
}

impl FromIterator<f64> for WeightedSample {
    /// Takes one term a replication: its weight times its count, 0 without the event.
    fn from_iter<I: IntoIterator<Item = f64>>(terms: I) -> Self {
        terms.into_iter().fold(Self::default(), |sample, term| Self {
            replications: sample.replications + 1,
            sum: sample.sum + term,
            squares: sample.squares + term * term,
            largest: sample.largest.max(term),
        })
    }
}

/// Why a weighted sample is not judged.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The event was not seen.
    #[error("no incident was reached")]
    NoIncident,
    /// The replications with the event count for too few equally weighted ones.
    #[error("the effective sample is {0:.0}, below {LEAST_EFFECTIVE_SAMPLE}")]
    SmallSample(f64),
    /// One replication decides too much.
    #[error("a single replication carries {:.0} % of the risk", .0 * 100.0)]
    LargeWeight(f64),
}

impl WeightedSample {
    /// The number of equally weighted replications with the event that would say as much, 0 where there are none.
    ///
    /// ```text
    /// (Σ w)² / Σ w²
    /// ```
    ///
    /// Source: L. Kish, "Survey Sampling" (1965), section 11.7.
    #[must_use]
    pub fn effective(&self) -> f64 {
        if self.squares > 0.0 { self.sum * self.sum / self.squares } else { 0.0 }
    }

    /// The share of the weightiest replication in the sum, from 0 to 1.
    #[must_use]
    pub fn largest_share(&self) -> f64 {
        if self.sum > 0.0 { self.largest / self.sum } else { 0.0 }
    }

    /// The mean term with its interval.
    ///
    /// ```text
    /// low  = G⁻¹(α/2;     x²/v)               · v/x                x = Σ w/n, v = Σ w²/n², m = max w/n
    /// high = G⁻¹(1 − α/2; (x+m)²/(v+m²)) · (v+m²)/(x+m)           G of the standard gamma distribution
    /// ```
    ///
    /// With equal weights these are the exact limits of a Poisson count. With others it held its level wherever it was
    /// tried, and errs wide. Source: M. P. Fay and E. J. Feuer, "Confidence intervals for directly standardized
    /// rates: a method based on the gamma distribution", Statistics in Medicine 16 (1997).
    ///
    /// # Errors
    ///
    /// [`Refusal`] where the effective sample is below [`LEAST_EFFECTIVE_SAMPLE`] or one replication has more than
    /// [`LARGEST_WEIGHT_SHARE`]: too few replications fail silently, and low. Source of the rule: the diagnostics of
    /// A. B. Owen, "Monte Carlo theory, methods and examples" (2013), section 9.3.
    pub fn mean(&self, confidence: f64) -> Result<Estimate, Refusal> {
        if self.sum <= 0.0 {
            return Err(Refusal::NoIncident);
        }
        if self.largest_share() > LARGEST_WEIGHT_SHARE {
            return Err(Refusal::LargeWeight(self.largest_share()));
        }
        if self.effective() < LEAST_EFFECTIVE_SAMPLE {
            return Err(Refusal::SmallSample(self.effective()));
        }
        let (tail, n) = ((1.0 - confidence) / 2.0, self.replications as f64);
        let (mean, variance, largest) = (self.sum / n, self.squares / (n * n), self.largest / n);
        let above = |rate: f64| gamma_lr(mean * mean / variance, rate * mean / variance);
        let (mean_high, variance_high) = (mean + largest, variance + largest * largest);
        let below =
            |rate: f64| gamma_ur(mean_high * mean_high / variance_high, rate * mean_high / variance_high);
        // Ten times a mean whose standard deviation is at most a tenth of it.
        let beyond = 10.0 * mean_high;
        Ok(Estimate {
            value: mean,
            low: bisect(0.0, mean, |rate| above(rate) < tail),
            high: bisect(beyond, mean, |rate| below(rate) < tail),
        })
    }
}

/// The score at or below which a share of the sorted scores lies, but at least 0: the next level on the way to the
/// event, which is at 0 and below.
///
/// Source: P.-T. de Boer, D. P. Kroese, S. Mannor and R. Y. Rubinstein, "A tutorial on the cross-entropy method",
/// Annals of Operations Research 134 (2005), algorithm 3.2.
#[must_use]
pub fn next_level(sorted: &[f64], share: f64) -> f64 {
    debug_assert!(sorted.is_sorted(), "a level is asked of sorted scores");
    let rank = (share * sorted.len() as f64).ceil().max(1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank is a small integer")]
    let score = sorted.get(rank as usize - 1).copied();
    score.unwrap_or(0.0).max(0.0)
}

/// The mean of each coordinate over weighted points: of all normal laws with unit variance, the one at this mean is
/// next to the law of the points in cross-entropy.
///
/// Source: de Boer, Kroese, Mannor and Rubinstein (2005), equation 3.9.
#[must_use]
pub fn weighted_mean(points: &[(f64, &[f64])]) -> Vec<f64> {
    let coordinates = points.first().map_or(0, |(_, point)| point.len());
    let total: f64 = points.iter().map(|(weight, _)| weight).sum();
    let mean = |i: usize| points.iter().map(|(weight, point)| weight * point[i]).sum::<f64>() / total;
    (0..coordinates).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_distr::StandardNormal;
    use rand_xoshiro::Xoshiro256PlusPlus;
    use statrs::distribution::{ContinuousCDF, Normal};

    /// Known answer: with 100 events the exact 95 % limits of a Poisson mean are 81.364 and 121.627.
    #[test]
    fn equal_weights_give_the_exact_limits_of_a_poisson_count() {
        let sample: WeightedSample = (0..10_000).map(|n| f64::from(u8::from(n < 100)) * 0.5).collect();
        let mean = sample.mean(0.95).unwrap();
        let per_event = 10_000.0 / 0.5;
        assert!((sample.effective() - 100.0).abs() < 1e-9 && (sample.largest_share() - 0.01).abs() < 1e-12);
        assert!((mean.low * per_event - 81.364).abs() < 1e-3, "{}", mean.low * per_event);
        assert!((mean.high * per_event - 121.627).abs() < 1e-3, "{}", mean.high * per_event);
    }

    #[test]
    fn too_little_is_refused_and_says_why() {
        let none: WeightedSample = [0.0; 1_000].into_iter().collect();
        assert_eq!(none.mean(0.95), Err(Refusal::NoIncident));
        let few: WeightedSample = [1.0; 99].into_iter().collect();
        assert_eq!(few.mean(0.95), Err(Refusal::SmallSample(99.0)));
        let one: WeightedSample = std::iter::once(200.0).chain([1.0; 1_500]).collect();
        let share = 200.0 / 1_700.0;
        assert_eq!(one.mean(0.95), Err(Refusal::LargeWeight(share)));
        assert_eq!(Refusal::LargeWeight(share).to_string(), "a single replication carries 12 % of the risk");
        assert_eq!(Refusal::SmallSample(42.4).to_string(), "the effective sample is 42, below 100");
    }

    #[test]
    fn a_level_is_a_rank_until_the_event_is_reached() {
        let scores: Vec<f64> = (-5..95).map(f64::from).collect();
        assert!((next_level(&scores, 0.10) - 4.0).abs() < f64::EPSILON);
        assert!(next_level(&scores, 0.05).abs() < f64::EPSILON, "incidents are all at 0");
    }

    #[test]
    fn points_count_by_their_weight() {
        let mean = weighted_mean(&[(1.0, &[0.0, 2.0]), (3.0, &[4.0, -2.0])]);
        assert_eq!(mean, [3.0, -1.0]);
        assert!(weighted_mean(&[]).is_empty());
    }

    /// P(Z > t) from 4,000 numbers of N(t, 1) with a tenth of N(0, 1), 400 times for each of five risks down to 1e-8.
    /// At 95 % at most 20 misses are expected; more than 41 under that chance have a probability below 1e-5. And the
    /// intervals are of use: within a fifth of the truth on average.
    #[test]
    fn a_normal_tail_is_covered_down_to_1e_8() {
        for t in [2.0, 3.0, 4.0, 5.0, 5.612] {
            let truth = Normal::standard().sf(t);
            let estimates: Vec<Estimate> = (0..400).map(|seed| tail(seed, t)).collect();
            let misses = estimates.iter().filter(|e| truth < e.low || e.high < truth).count();
            let width = estimates.iter().map(|e| (e.high - e.low) / truth).sum::<f64>() / 400.0;
            assert!(misses <= 41, "{truth:e}: {misses} of 400");
            assert!(width < 0.4, "{truth:e}: {width}");
        }
    }

    fn tail(seed: u64, t: f64) -> Estimate {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut term = || {
            let shift = if rng.random::<f64>() < 0.1 { 0.0 } else { t };
            let z: f64 = rng.sample::<f64, _>(StandardNormal) + shift;
            let weight = 1.0 / (0.1 + 0.9 * (t * z - t * t / 2.0).exp());
            if z > t { weight } else { 0.0 }
        };
        let sample: WeightedSample = (0..4_000).map(|_| term()).collect();
        sample.mean(0.95).unwrap()
    }
}
