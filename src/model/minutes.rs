//! Noise from minute to minute: the factors that spread the writes of an hour over its minutes.
//!
//! ```text
//! factor = exp(σ Z)        Z one of 4,096 equally likely values, the means of as many slices of the standard normal
//! ```
//!
//! Minutes are what a replication draws most of, and a table costs a tenth of a normal number and its exponential. The
//! slices keep the mean of Z at 0 and its standard deviation at 0.9998; the outermost are at ±3.7.
//!
//! Owns the factors; that they add up to their hour is `weather`'s.

use std::sync::LazyLock;

use rand::{Rng, RngExt};
use statrs::distribution::{Continuous, ContinuousCDF, Normal};

/// Minutes of an hour.
pub const MINUTES: usize = 60;

/// Bits of a random number that choose a slice, and slices.
const BITS: usize = 12;
const SLICES: usize = 1 << BITS;

/// Slices that one random number of 64 bits chooses.
const A_NUMBER: usize = u64::BITS as usize / BITS;

/// The mean of each slice of the standard normal, lowest first: `n (φ(a) − φ(b))` for one of n from a to b.
static SLICE_MEANS: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let normal = Normal::standard();
    let edge = |slice: usize| normal.inverse_cdf(slice as f64 / SLICES as f64);
    let density = |slice: usize| if slice.is_multiple_of(SLICES) { 0.0 } else { normal.pdf(edge(slice)) };
    let densities: Vec<f64> = (0..=SLICES).map(density).collect();
    densities.windows(2).map(|ends| SLICES as f64 * (ends[0] - ends[1])).collect()
});

/// The noise of one standard deviation σ.
#[derive(Clone, Debug)]
pub struct MinuteNoise {
    /// The factor of each slice; `None` without noise.
    factors: Option<Box<[f64; SLICES]>>,
}

impl MinuteNoise {
    /// Noise of the standard deviation `sigma`, of the logarithm.
    pub fn new(sigma: f64) -> Self {
        let factors = || Box::new(std::array::from_fn(|slice| (sigma * SLICE_MEANS[slice]).exp()));
        Self { factors: (sigma > 0.0).then(factors) }
    }

    /// The factors of an hour's minutes.
    pub fn hour(&self, generator: &mut impl Rng) -> [f64; MINUTES] {
        let mut of_minutes = [1.0; MINUTES];
        let Some(factors) = &self.factors else { return of_minutes };
        for several in of_minutes.chunks_mut(A_NUMBER) {
            let mut bits: u64 = generator.random();
            for factor in several {
                *factor = factors[usize::try_from(bits).unwrap_or(0) % SLICES];
                bits >>= BITS;
            }
        }
        of_minutes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Stream};

    #[test]
    fn the_slices_are_those_of_a_standard_normal() {
        let moment = |power: i32| SLICE_MEANS.iter().map(|z| z.powi(power)).sum::<f64>() / SLICES as f64;
        assert!(moment(1).abs() < 1e-12 && (moment(2).sqrt() - 1.0).abs() < 2e-4, "{}", moment(2).sqrt());
        assert!(SLICE_MEANS.is_sorted() && (SLICE_MEANS[SLICES - 1] - 3.7).abs() < 0.05);
        // φ of the normal at one standard deviation: as many slices lie below it.
        let below = SLICE_MEANS.iter().filter(|&&z| z < 1.0).count();
        assert!((below as f64 / SLICES as f64 - 0.841_34).abs() < 3e-4, "{below}");
    }

    /// The mean of 60,000 lognormal factors with σ = 0.3 has a standard deviation of 0.13 %; the bound is five of those.
    #[test]
    fn the_factors_of_many_hours_have_the_mean_of_a_lognormal() {
        let noise = MinuteNoise::new(0.3);
        let hours =
            (0..1_000).map(|hour| noise.hour(&mut Stream::new(1, 0).at(Purpose::TrafficMinute, hour)));
        let mean = hours.flatten().sum::<f64>() / 60_000.0;
        assert!((mean / 0.045f64.exp() - 1.0).abs() < 5.0 * 0.0013, "{mean}");
    }

    #[test]
    fn without_noise_every_minute_is_alike() {
        let hour = MinuteNoise::new(0.0).hour(&mut Stream::new(1, 0).at(Purpose::TrafficMinute, 0));
        assert!(hour.iter().all(|factor| (factor - 1.0).abs() < f64::EPSILON));
    }
}
