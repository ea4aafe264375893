//! Random numbers, drawn one after the other: nothing is keyed.

use forkcast::model::Uncertain;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal, Triangular};
use rand_xoshiro::Xoshiro256PlusPlus;

/// The random numbers of one replication.
pub(super) struct Dice(Xoshiro256PlusPlus);

impl Dice {
    pub(super) fn of(replication: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(0x5EED_0000_0000_0000 + replication))
    }

    /// Uniform between 0 and 1.
    pub(super) fn uniform(&mut self) -> f64 {
        self.0.random()
    }

    pub(super) fn below(&mut self, count: usize) -> usize {
        self.0.random_range(0..count)
    }

    pub(super) fn normal(&mut self) -> f64 {
        self.0.sample(StandardNormal)
    }

    /// Lognormal with a mean of 1.
    pub(super) fn noise(&mut self, sigma: f64) -> f64 {
        (sigma * self.normal() - sigma * sigma / 2.0).exp()
    }

    /// Triangular, of the logarithm where all three numbers are positive.
    pub(super) fn of_interval(&mut self, x: Uncertain) -> f64 {
        if x.low >= x.high {
            return x.likely;
        }
        let mut triangular =
            |low, likely, high| Triangular::new(low, high, likely).unwrap().sample(&mut self.0);
        if x.low > 0.0 {
            triangular(x.low.ln(), x.likely.ln(), x.high.ln()).exp()
        } else {
            triangular(x.low, x.likely, x.high)
        }
    }
}
