//! A figure with its interval, and the counts it comes from.

/// A figure with the interval that its simulation leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    /// The estimate itself.
    pub value: f64,
    /// Lower end of the interval at the scenario's confidence.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// How many of so many independent trials went one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The trials that did; at most `trials`.
    pub hits: u64,
    /// All trials; at least one.
    pub trials: u64,
}

impl Share {
    /// The share itself, from 0 to 1.
    #[must_use]
    pub fn value(self) -> f64 {
        self.hits as f64 / self.trials as f64
    }

    /// The trials that went the other way.
    #[must_use]
    pub fn misses(self) -> u64 {
        self.trials - self.hits
    }
}

/// Where `is_out` turns between a value outside an interval and one inside it, both from 0 to 1: the last value
/// outside, so that an interval is never narrower than promised.
pub(super) fn bisect(mut outside: f64, mut inside: f64, is_out: impl Fn(f64) -> bool) -> f64 {
    // Until the two are neighbouring floats.
    for _ in 0..64 {
        let middle = f64::midpoint(outside, inside);
        if is_out(middle) { outside = middle } else { inside = middle }
    }
    outside
}
