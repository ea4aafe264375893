//! Differences between things that happened under the same circumstances.

use super::Estimate;
use super::incidents::student_quantile;

/// The mean of paired differences with its t interval.
///
/// ```text
/// m ± t(1 − α/2; n − 1) s/√n        n pairs, s the standard deviation of their differences
/// ```
///
/// Fewer than two pairs say nothing of the spread: the interval is the whole line. Source: Student, "The probable error
/// of a mean", Biometrika 6 (1908), whose own example is paired.
#[must_use]
pub fn mean_difference(differences: &[f64], confidence: f64) -> Estimate {
    let n = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / n.max(1.0);
    if differences.len() < 2 {
        return Estimate { value: mean, low: f64::NEG_INFINITY, high: f64::INFINITY };
    }
    let squares: f64 = differences.iter().map(|difference| (difference - mean).powi(2)).sum();
    let deviation = (squares / (n - 1.0)).sqrt();
    let reach = student_quantile(f64::midpoint(1.0, confidence), n - 1.0) * deviation / n.sqrt();
    Estimate { value: mean, low: mean - reach, high: mean + reach }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answer: Student's own ten patients, hours of sleep gained: 1.58 ± 2.262 × 1.230/√10.
    #[test]
    fn the_ten_patients_of_student() {
        let gained = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4];
        let estimate = mean_difference(&gained, 0.95);
        assert!((estimate.value - 1.58).abs() < 1e-12);
        assert!((estimate.low - 0.700_114).abs() < 1e-5 && (estimate.high - 2.459_886).abs() < 1e-5);
    }

    #[test]
    fn one_pair_says_nothing() {
        let estimate = mean_difference(&[3.0], 0.95);
        assert!(estimate.low.is_infinite() && estimate.high.is_infinite());
    }
}
