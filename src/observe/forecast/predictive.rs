//! What a sample says of the next draw from the same source.
//!
//! With enough of a sample nothing is assumed but that the draws are exchangeable; with less, that they are normal.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::Range;

/// How the interval was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Between two order statistics: any distribution.
    OrderStatistics,
    /// Student's t: a normal distribution of the logarithm.
    StudentT,
}

impl Method {
    /// Its name in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OrderStatistics => "order-statistics",
            Self::StudentT => "student-t",
        }
    }
}

/// The distribution of the next of n exchangeable draws.
#[derive(Clone, Debug, PartialEq)]
pub struct Predictive {
    /// The draws, sorted.
    sorted: Vec<f64>,
    mean: f64,
    /// Standard deviation of the next draw about the mean of the sample.
    scale: f64,
    /// How intervals are made.
    pub method: Method,
}

/// Draws from which on an interval between order statistics exists: n ≥ 2/α − 1, 19 at 90 %.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "float casts saturate")]
pub fn enough(confidence: f64) -> usize {
    // 2/(1 − 0.9) is 20.000000000000004 in floats.
    (2.0 / (1.0 - confidence) - 1.0 - 1e-9).ceil() as usize
}

impl Predictive {
    /// Of two draws or more, for intervals of a confidence in (0, 1).
    ///
    /// The next of n + 1 exchangeable draws has any rank with the same chance, so it lies below the k-th smallest of
    /// the n with chance k/(n + 1), whatever the distribution. Between ranks the quantile is interpolated. With fewer
    /// than [`enough`] draws the next one of a normal distribution lies at mean + t s √(1 + 1/n), t of n − 1 degrees.
    ///
    /// Source: R. Beran and P. Hall, "Interpolated nonparametric prediction intervals and confidence intervals",
    /// Journal of the Royal Statistical Society B 55 (1993); W. Q. Meeker, G. J. Hahn and L. A. Escobar, "Statistical
    /// Intervals", 2nd ed. (2017), on prediction intervals.
    #[must_use]
    pub fn new(mut draws: Vec<f64>, confidence: f64) -> Self {
        draws.sort_by(f64::total_cmp);
        let n = draws.len() as f64;
        let mean = draws.iter().sum::<f64>() / n;
        let squares: f64 = draws.iter().map(|draw| (draw - mean).powi(2)).sum();
        let scale = (squares / (n - 1.0).max(1.0) * (1.0 + 1.0 / n)).sqrt();
        let method =
            if draws.len() >= enough(confidence) { Method::OrderStatistics } else { Method::StudentT };
        Self { sorted: draws, mean, scale, method }
    }

    /// The value below which the next draw lies with chance `p` in (0, 1).
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the sample")]
    pub fn quantile(&self, p: f64) -> f64 {
        let n = self.sorted.len();
        match self.method {
            Method::StudentT => {
                self.student().map_or(self.mean, |t| self.mean + self.scale * t.inverse_cdf(p))
            }
            Method::OrderStatistics => {
                let place = (p * (n as f64 + 1.0) - 1.0).clamp(0.0, n as f64 - 1.0);
                let below = place.floor() as usize;
                let (low, high) = (self.sorted[below], self.sorted[(below + 1).min(n - 1)]);
                low + (high - low) * place.fract()
            }
        }
    }

    /// The chance that the next draw lies above `value`. Beyond the sample it is at least, or at most, the chance to
    /// exceed its last draw, n/(n + 1) and 1/(n + 1): a history of n saves decides no rarer event.
    #[must_use]
    pub fn above(&self, value: f64) -> f64 {
        match self.method {
            Method::StudentT => self
                .student()
                .map_or(f64::from(value < self.mean), |t| t.sf((value - self.mean) / self.scale)),
            Method::OrderStatistics => {
                let n = self.sorted.len();
                let below = self.sorted.partition_point(|&draw| draw <= value);
                let share = match (below.checked_sub(1).map(|at| self.sorted[at]), self.sorted.get(below)) {
                    (Some(low), Some(high)) if *high > low => (value - low) / (high - low),
                    _ => 0.0,
                };
                1.0 - ((below as f64 + share).clamp(1.0, n as f64)) / (n as f64 + 1.0)
            }
        }
    }

    /// The median and the interval of a confidence, through a rising function of the draws.
    #[must_use]
    pub fn range(&self, confidence: f64, figure: impl Fn(f64) -> f64) -> Range {
        let tail = (1.0 - confidence) / 2.0;
        let [median, low, high] = [0.5, tail, 1.0 - tail].map(|p| figure(self.quantile(p)));
        Range { median, low, high }
    }

    /// Student's distribution; `None` where all draws are alike.
    fn student(&self) -> Option<StudentsT> {
        let freedom = self.sorted.len() as f64 - 1.0;
        StudentsT::new(0.0, 1.0, freedom).ok().filter(|_| self.scale > 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_distr::{Distribution, Exp, StandardNormal};
    use rand_xoshiro::Xoshiro256PlusPlus;

    /// The share of fresh draws that fall into the interval of as many earlier ones.
    fn coverage(n: usize, mut draw: impl FnMut() -> f64) -> f64 {
        const TRIALS: u32 = 20_000;
        let mut hits = 0;
        for _ in 0..TRIALS {
            let past = Predictive::new((0..n).map(|_| draw()).collect(), 0.9);
            let range = past.range(0.9, |value| value);
            hits += u32::from((range.low..=range.high).contains(&draw()));
        }
        f64::from(hits) / f64::from(TRIALS)
    }

    #[test]
    fn order_statistics_cover_whatever_the_distribution() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        for n in [19, 25, 30, 60] {
            let skewed = Exp::new(1.0).unwrap();
            let covered = coverage(n, || skewed.sample(&mut rng));
            assert!((covered - 0.9).abs() < 0.015, "{n}: {covered}");
        }
    }

    #[test]
    fn few_normal_draws_cover_as_said() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(2);
        for n in [3, 5, 10, 18] {
            let covered = coverage(n, || StandardNormal.sample(&mut rng));
            assert!((covered - 0.9).abs() < 0.01, "{n}: {covered}");
        }
    }

    #[test]
    fn nineteen_draws_are_enough_for_ninety_per_cent() {
        assert_eq!([0.8, 0.9, 0.95, 0.99].map(enough), [9, 19, 39, 199]);
        assert_eq!(Predictive::new(vec![0.0; 19], 0.9).method, Method::OrderStatistics);
        assert_eq!(Predictive::new(vec![0.0; 18], 0.9).method, Method::StudentT);
    }

    #[test]
    fn the_chance_above_a_quantile_is_what_is_left() {
        for n in [4, 30] {
            let predictive = Predictive::new((0..n).map(|draw| f64::from(draw * draw)).collect(), 0.9);
            for p in [0.1, 0.3, 0.5, 0.77, 0.9] {
                assert!((predictive.above(predictive.quantile(p)) - (1.0 - p)).abs() < 1e-6, "{n} {p}");
            }
        }
        let alike = Predictive::new(vec![2.0; 5], 0.9);
        assert!(alike.above(1.0) > 0.999 && alike.above(3.0) < 0.001);
    }

    #[test]
    fn a_history_decides_nothing_rarer_than_itself() {
        let predictive = Predictive::new((0..19).map(f64::from).collect(), 0.9);
        assert!((predictive.above(1e9) - 0.05).abs() < 1e-12);
        assert!((predictive.above(-1e9) - 0.95).abs() < 1e-12);
    }
}
