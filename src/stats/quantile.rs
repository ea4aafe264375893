//! Quantiles of a sample by rank, and how sure a rank is.

use statrs::function::beta::beta_reg;

/// The smallest value at or below which a share `q` of the sorted sample lies: the ⌈q n⌉-th of `n`.
/// `None` for an empty sample.
///
/// Always a value that occurred, so the p99 of a hundred replications is the second largest of them.
///
/// Source: the inverse of the empirical distribution function, definition 1 of R. J. Hyndman and Y. Fan,
/// "Sample quantiles in statistical packages", The American Statistician 50 (1996).
#[must_use]
pub fn quantile<T: Copy + Ord>(sorted: &[T], q: f64) -> Option<T> {
    debug_assert!(sorted.is_sorted(), "a quantile is asked of sorted values");
    let rank = rank(q, sorted.len());
    sorted.get(rank.saturating_sub(1)).copied()
}

/// ⌈q n⌉, from 1 to n.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "float casts saturate")]
fn rank(q: f64, n: usize) -> usize {
    // 0.07 × 100 is 7.000000000000001 in floats and would take the eighth.
    ((q * n as f64 - 1e-9).ceil() as usize).clamp(1, n.max(1))
}

/// The value at the place `q (n − 1)` of the sorted sample, counted from 0, on the line between its neighbours. `None`
/// for an empty sample.
///
/// For the few dozens of errors of a validation, where a rank would jump with every row.
///
/// Source: definition 7 of Hyndman and Fan (1996), the default of numpy and R.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "float casts saturate")]
pub fn interpolated_quantile(sorted: &[f64], q: f64) -> Option<f64> {
    debug_assert!(sorted.is_sorted_by(|a, b| a.total_cmp(b).is_le()), "a quantile is asked of sorted values");
    let place = q.clamp(0.0, 1.0) * sorted.len().checked_sub(1)? as f64;
    let (below, share) = (place.floor() as usize, place.fract());
    let low = *sorted.get(below)?;
    let high = sorted.get(below + 1).copied().unwrap_or(low);
    Some(low + (high - low) * share)
}

/// Ranks in a sorted sample, from 1, between which a quantile of the distribution lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RankInterval {
    /// The largest rank whose value is at most the quantile; `None` where the sample is too small for one.
    pub low: Option<u64>,
    /// The smallest rank whose value is at least the quantile; `None` where the sample is too small for one.
    pub high: Option<u64>,
}

/// The ranks that bound the `q`-quantile of the distribution from which `n` values were drawn, each with an
/// error of at most (1 − confidence)/2, whatever the distribution.
///
/// ```text
/// P(x₍ₖ₎ < x_q) ≤ P(Bin(n, q) ≥ k) … P(x₍ₖ₎ ≥ x_q) ≥ P(Bin(n, q) ≤ k − 1) = I₁₋q(n − k + 1, k)
/// ```
///
/// Source: H. A. David and H. N. Nagaraja, "Order Statistics", 3rd ed. (2003), section 7.1.
#[must_use]
pub fn rank_interval(n: u64, q: f64, confidence: f64) -> RankInterval {
    let tail = (1.0 - confidence) / 2.0;
    // The chance that fewer than `k` of the values lie at or below the quantile: it grows with k.
    let fewer_than = |k: u64| beta_reg((n - k + 1) as f64, k as f64, 1.0 - q);
    let first_with = |enough: &dyn Fn(u64) -> bool| {
        let (mut below, mut above) = (0, n + 1);
        while above - below > 1 {
            let middle = below + (above - below) / 2;
            if enough(middle) { above = middle } else { below = middle }
        }
        above
    };
    let high = first_with(&|k| fewer_than(k) >= 1.0 - tail);
    let low = first_with(&|k| fewer_than(k) > tail) - 1;
    RankInterval { low: (low > 0).then_some(low), high: (high <= n).then_some(high) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    #[test]
    fn quantiles_are_values_that_occurred() {
        let sample: Vec<u32> = (1..=100).collect();
        let points = [0.0, 0.01, 0.07, 0.5, 0.501, 0.99, 1.0].map(|q| quantile(&sample, q));
        assert_eq!(points, [1, 1, 7, 50, 51, 99, 100].map(Some));
        assert_eq!(quantile(&[7], 0.5), Some(7));
        assert_eq!(quantile::<u32>(&[], 0.5), None);
    }

    /// Known answers of `numpy.quantile`.
    #[test]
    fn interpolated_quantiles_lie_between_values() {
        let sample = [1.0, 2.0, 4.0, 8.0];
        let points = [0.0, 0.5, 0.95, 1.0].map(|q| interpolated_quantile(&sample, q).unwrap());
        let off = points.iter().zip([1.0, 3.0, 7.4, 8.0]).map(|(a, b): (&f64, f64)| (a - b).abs());
        assert!(off.fold(0.0, f64::max) < 1e-12, "{points:?}");
        assert_eq!(interpolated_quantile(&[], 0.5), None);
    }

    /// Known answer: the median of 10 values lies between the 2nd and the 9th with 97.9 %.
    #[test]
    fn the_median_of_ten_lies_between_the_second_and_the_ninth() {
        assert_eq!(rank_interval(10, 0.5, 0.95), RankInterval { low: Some(2), high: Some(9) });
    }

    #[test]
    fn a_sample_too_small_for_a_far_quantile_has_no_upper_rank() {
        let least = (0.025f64.ln() / 0.999f64.ln()).ceil();
        assert_eq!(rank_interval(3_688, 0.999, 0.95).high, Some(3_688));
        assert_eq!(rank_interval(3_687, 0.999, 0.95).high, None);
        assert!((least - 3_688.0).abs() < f64::EPSILON);
        assert_eq!(rank_interval(1, 0.5, 0.95), RankInterval { low: None, high: None });
    }

    /// 4,000 samples of 500 uniforms. Each side errs with at most 2.5 %, so at most 100 are expected; more than
    /// 150 under that chance has a probability below 1e-6.
    #[test]
    fn both_ranks_err_no_more_often_than_promised() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let ranks = rank_interval(500, 0.95, 0.95);
        let place = |rank: Option<u64>| usize::try_from(rank.unwrap()).unwrap() - 1;
        let (mut too_high, mut too_low) = (0, 0);
        for _ in 0..4_000 {
            let mut sample: Vec<f64> = (0..500).map(|_| rng.random()).collect();
            sample.sort_by(f64::total_cmp);
            too_high += u32::from(sample[place(ranks.low)] > 0.95);
            too_low += u32::from(sample[place(ranks.high)] < 0.95);
        }
        assert!(too_high <= 150 && too_low <= 150, "{too_high} {too_low}");
    }
}
