//! Inputs that nobody knows exactly.

/// A number known only as an interval: triangular between `low` and `high` with its mode at `likely`,
/// of the logarithm where all three are positive.
///
/// What belongs to a host is drawn once a replication, what belongs to a save once a fork; confusing the
/// two moves the risk of a month by more than an order of magnitude.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Uncertain {
    /// The smallest value thought possible.
    pub low: f64,
    /// The most likely value.
    pub likely: f64,
    /// The largest value thought possible.
    pub high: f64,
}

impl Uncertain {
    /// A value known exactly.
    #[must_use]
    pub const fn certain(value: f64) -> Self {
        Self { low: value, likely: value, high: value }
    }

    /// The same in another unit, of which one is `factor` of this.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self { low: self.low * factor, likely: self.likely * factor, high: self.high * factor }
    }

    /// Makes it its likely value for certain.
    pub(super) fn settle(&mut self) {
        *self = Self::certain(self.likely);
    }

    /// So many times as much.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self { low: self.low * factor, likely: self.likely * factor, high: self.high * factor }
    }

    /// Whether there is anything to draw.
    #[must_use]
    pub fn is_certain(self) -> bool {
        self.low >= self.high
    }

    /// The value below which a share `u` of the distribution lies.
    ///
    /// ```text
    /// x(u) = a + √(u (b−a)(m−a))         for u ≤ (m−a)/(b−a)
    ///        b − √((1−u)(b−a)(b−m))      otherwise          a low, m likely, b high, or their logarithms
    /// ```
    ///
    /// Source: the inverse distribution function of the triangular distribution, e.g. Kotz and van Dorp,
    /// "Beyond Beta" (2004), ch. 1.
    #[must_use]
    pub fn quantile(self, u: f64) -> f64 {
        if self.is_certain() {
            return self.likely;
        }
        if self.low > 0.0 {
            return triangular(self.low.ln(), self.likely.ln(), self.high.ln(), u).exp();
        }
        triangular(self.low, self.likely, self.high, u)
    }
}

fn triangular(low: f64, likely: f64, high: f64, u: f64) -> f64 {
    let width = high - low;
    if u * width <= likely - low {
        low + (u * width * (likely - low)).sqrt()
    } else {
        high - ((1.0 - u) * width * (high - likely)).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_run_from_low_to_high_with_the_mode_where_the_density_peaks() {
        let x = Uncertain { low: 0.0, likely: 1.0, high: 4.0 };
        let points: Vec<f64> = [0.0, 0.25, 0.625, 1.0].into_iter().map(|u| x.quantile(u)).collect();
        let expected = [0.0, 1.0, 4.0 - (0.375f64 * 12.0).sqrt(), 4.0];
        for (point, value) in points.into_iter().zip(expected) {
            assert!((point - value).abs() < 1e-12, "{point} {value}");
        }
    }

    #[test]
    fn positive_intervals_are_triangular_in_the_logarithm() {
        let x = Uncertain { low: 1.0, likely: 10.0, high: 100.0 };
        assert!((x.quantile(0.5) - 10.0).abs() < 1e-12);
        assert!((x.quantile(1.0) - 100.0).abs() < 1e-9);
    }

    #[test]
    fn a_certain_value_is_itself() {
        assert!((Uncertain::certain(7.0).quantile(0.99) - 7.0).abs() < f64::EPSILON);
    }
}
