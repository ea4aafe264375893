//! What is known of an input, and what is then known of a figure.

use rand::{Rng, RngExt};

use crate::stats;

/// An input that a row gives exactly, or as good as not at all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The least that it may be.
    pub low: f64,
    /// The most.
    pub high: f64,
    /// Why no less and no more; empty for what the row gives.
    pub why: &'static str,
}

impl Range {
    /// What the row gives.
    pub const fn given(value: f64) -> Self {
        Self { low: value, high: value, why: "" }
    }

    /// What the row does not give, and the reason for both ends.
    pub const fn assumed(low: f64, high: f64, why: &'static str) -> Self {
        Self { low, high, why }
    }

    /// The range with both ends `factor` times as large.
    #[must_use]
    pub const fn times(self, factor: f64) -> Self {
        Self { low: self.low * factor, high: self.high * factor, why: self.why }
    }

    /// One value: evenly in the logarithm, as a missing input is known by its order of magnitude; evenly from zero on.
    pub fn draw(&self, random: &mut impl Rng) -> f64 {
        let place: f64 = random.random();
        if self.low > 0.0 {
            self.low * (self.high / self.low).powf(place)
        } else {
            self.low + place * (self.high - self.low)
        }
    }
}

/// Where a figure may lie, as the missing inputs run through their ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The least of all draws.
    pub least: u64,
    /// Five draws in a hundred lie at or below this.
    pub low: u64,
    /// Five draws in a hundred lie above this.
    pub high: u64,
    /// The most of all draws.
    pub most: u64,
}

impl Interval {
    /// The interval of a sample; `None` of an empty one.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "float casts saturate")]
    pub fn of(sample: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<u64> = sample.into_iter().map(|value| value.round() as u64).collect();
        sorted.sort_unstable();
        let at = |share: f64| stats::quantile(&sorted, share);
        Some(Self { least: at(0.0)?, low: at(0.05)?, high: at(0.95)?, most: at(1.0)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    fn drawn(range: Range) -> Interval {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
        Interval::of((0..20_000).map(|_| range.draw(&mut random))).unwrap()
    }

    #[test]
    fn a_given_value_is_drawn_as_it_is() {
        for value in [0u32, 7] {
            let interval = drawn(Range::given(f64::from(value)));
            assert_eq!([interval.least, interval.most], [u64::from(value); 2]);
        }
    }

    /// Known answer: of 1 to 10,000, evenly in the logarithm, a twentieth lies below 10^0.2 and above 10^3.8.
    #[test]
    fn orders_of_magnitude_are_equally_likely() {
        let Interval { low, high, most, .. } = drawn(Range::assumed(1e3, 1e7, ""));
        assert!((1_500..1_680).contains(&low), "{low}");
        assert!((5_900_000..6_700_000).contains(&high) && most <= 10_000_000, "{high}");
    }

    #[test]
    fn a_range_from_zero_is_drawn_evenly() {
        let Interval { low, high, .. } = drawn(Range::assumed(0.0, 1000.0, ""));
        assert!((40..60).contains(&low) && (940..960).contains(&high), "{low} {high}");
    }

    #[test]
    fn nothing_drawn_is_no_interval() {
        assert_eq!(Interval::of([]), None);
    }
}
