//! A prediction held against what was measured: one error, and the figures of many.

use crate::stats::interpolated_quantile;

/// A row that grew by less is judged absolutely: its relative error would be that of the sampling \[bytes\].
const SMALL_GROWTH: f64 = 16.0 * 1024.0 * 1024.0;

/// The bytes that count as an error of 100 % in such a row: 2.5 MiB are 2.5 %.
const ABSOLUTE_SCALE: f64 = 100.0 * 1024.0 * 1024.0;

/// A measured amount of memory and what was said of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// What was measured \[bytes\].
    pub measured: f64,
    /// What the laws say \[bytes\].
    pub predicted: f64,
    /// How far off: `predicted / measured − 1`, or the difference over 100 MiB where the row grew by little.
    pub error: f64,
}

impl Comparison {
    /// Holds `predicted` against `measured` in a row that `grew` by so many bytes.
    pub fn new(predicted: f64, measured: f64, grew: f64) -> Self {
        let is_small = is_small(grew) || measured <= 0.0;
        let scale = if is_small { ABSOLUTE_SCALE } else { measured };
        Self { measured, predicted, error: (predicted - measured) / scale }
    }
}

/// Whether a row grew by too little for relative errors.
pub(super) fn is_small(grew: f64) -> bool {
    grew < SMALL_GROWTH
}

/// A measured pause and the interval that was said to hold it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ForkPause {
    /// `latest_fork_usec` \[µs\].
    pub measured: f64,
    /// The interval \[µs\].
    pub low: f64,
    /// Its upper end \[µs\].
    pub high: f64,
}

impl ForkPause {
    /// How far the nearer end is off: 0 within the interval, else `end / measured − 1`.
    pub fn error(&self) -> f64 {
        self.measured.clamp(self.low, self.high.max(self.low)) / self.measured - 1.0
    }

    /// Whether the interval holds what was measured.
    pub fn is_inside(&self) -> bool {
        (self.low..=self.high).contains(&self.measured)
    }
}

/// The figures of many errors, each by its size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    /// How many.
    pub runs: usize,
    /// The median.
    pub median: f64,
    /// The 95th percentile, by linear interpolation.
    pub p95: f64,
    /// The largest.
    pub max: f64,
}

impl Figures {
    /// Of these errors; `None` without any.
    pub fn of(errors: impl Iterator<Item = f64>) -> Option<Self> {
        let mut sizes: Vec<f64> = errors.map(f64::abs).collect();
        sizes.sort_by(f64::total_cmp);
        Some(Self {
            runs: sizes.len(),
            median: interpolated_quantile(&sizes, 0.5)?,
            p95: interpolated_quantile(&sizes, 0.95)?,
            max: interpolated_quantile(&sizes, 1.0)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: f64 = 1024.0 * 1024.0;

    fn is(error: f64, expected: f64) -> bool {
        (error - expected).abs() < 1e-12
    }

    #[test]
    fn large_rows_are_judged_relatively_and_small_ones_absolutely() {
        assert!(is(Comparison::new(101.0 * MIB, 100.0 * MIB, 100.0 * MIB).error, 0.01));
        assert!(is(Comparison::new(3.5 * MIB, MIB, MIB).error, 0.025));
        assert!(is(Comparison::new(MIB, 0.0, 100.0 * MIB).error, 0.01));
    }

    #[test]
    fn a_pause_is_off_by_the_nearer_end() {
        let pause = |measured| ForkPause { measured, low: 100.0, high: 300.0 };
        assert!(is(pause(200.0).error(), 0.0) && pause(200.0).is_inside());
        assert!(is(pause(50.0).error(), 1.0) && !pause(50.0).is_inside());
        assert!(is(pause(400.0).error(), -0.25));
    }

    #[test]
    fn figures_are_of_sizes() {
        let figures = Figures::of([-0.04, 0.01, 0.02, -0.03].into_iter()).unwrap();
        assert!(figures.runs == 4 && is(figures.median, 0.025) && is(figures.max, 0.04));
        assert!(is(figures.p95, 0.0385));
        assert_eq!(Figures::of(std::iter::empty()), None);
    }
}
