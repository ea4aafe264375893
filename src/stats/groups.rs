//! How much of a chance lies between groups, and how much within them.

use super::{Share, quantile};

/// Groups of trials in which something happens with a chance of each group's own; all groups have as many trials.
#[derive(Clone, Debug, PartialEq)]
pub struct Groups {
    shares: Vec<f64>,
    mean: f64,
    /// Mean squares between groups and within them.
    between: f64,
    within: f64,
    trials: f64,
}

impl Groups {
    /// At least two groups of at least two trials each.
    #[must_use]
    pub fn new(groups: &[Share]) -> Self {
        let shares: Vec<f64> = groups.iter().map(|share| share.value()).collect();
        let (k, trials) = (shares.len() as f64, groups.first().map_or(0.0, |share| share.trials as f64));
        let mean = shares.iter().sum::<f64>() / k;
        let between = trials * shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>() / (k - 1.0);
        let within =
            trials * shares.iter().map(|share| share * (1.0 - share)).sum::<f64>() / (k * (trials - 1.0));
        Self { shares, mean, between, within, trials }
    }

    /// The share of the variance of a trial that lies between groups, from 0 to 1: how much less uncertain its
    /// outcome would be if one knew the group. 0 where nothing happened, or always.
    ///
    /// ```text
    /// (B − W) / (B + (m − 1) W)        B, W mean squares between and within groups of m trials, at least 0
    /// ```
    ///
    /// Source: the intraclass correlation of one-way analysis of variance, R. A. Fisher, "Statistical Methods for
    /// Research Workers" (1925), ch. 7; of a simulation's output, the first-order index of the grouped inputs (I. M.
    /// Sobol, "Sensitivity estimates for nonlinear mathematical models", 1993).
    #[must_use]
    pub fn share_of_variance(&self) -> f64 {
        let total = self.between + (self.trials - 1.0) * self.within;
        if total > 0.0 { ((self.between - self.within) / total).max(0.0) } else { 0.0 }
    }

    /// Quantiles of the groups' own chances.
    ///
    /// ```text
    /// p̂_k = p̄ + √(1 − W/B) (p_k − p̄)
    /// ```
    ///
    /// The shares themselves scatter even where all groups are alike: they are drawn towards their mean until they
    /// have the variance that the groups' chances have. Source: T. A. Louis, "Estimating a population of parameter
    /// values using Bayes and empirical Bayes methods", Journal of the American Statistical Association 79 (1984).
    #[must_use]
    pub fn quantiles<const N: usize>(&self, quantiles: [f64; N]) -> [f64; N] {
        let kept = if self.between > 0.0 { (1.0 - self.within / self.between).max(0.0).sqrt() } else { 0.0 };
        let mut drawn: Vec<Chance> =
            self.shares.iter().map(|share| Chance(self.mean + kept * (share - self.mean))).collect();
        drawn.sort_unstable();
        quantiles.map(|q| quantile(&drawn, q).map_or(self.mean, |chance| chance.0))
    }
}

/// A chance, which is never NaN, in its order.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Chance(f64);

impl Eq for Chance {}

impl PartialOrd for Chance {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Chance {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    /// 40 groups of 25 trials, each with a chance drawn by `chance`.
    fn groups(seed: u64, chance: impl Fn(f64) -> f64) -> Groups {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut group = || {
            let p = chance(rng.random());
            let hits = (0..25).filter(|_| rng.random::<f64>() < p).count() as u64;
            Share { hits, trials: 25 }
        };
        Groups::new(&(0..40).map(|_| group()).collect::<Vec<_>>())
    }

    /// Chances uniform in [0, 0.4]: their variance is 0.0133, that of a trial 0.16, their quantiles 0.04, 0.2 and
    /// 0.36. Over 300 seeds the means are within four standard errors.
    #[test]
    fn chances_that_differ_are_told_from_trials_that_scatter() {
        let all: Vec<Groups> = (0..300).map(|seed| groups(seed, |u| 0.4 * u)).collect();
        let mean = |value: &dyn Fn(&Groups) -> f64| all.iter().map(value).sum::<f64>() / 300.0;
        let share = mean(&Groups::share_of_variance);
        assert!((share - 0.4f64.powi(2) / 12.0 / 0.16).abs() < 0.01, "{share}");
        for (n, expected) in [(0, 0.04), (1, 0.2), (2, 0.36)] {
            let found = mean(&|groups| groups.quantiles([0.1, 0.5, 0.9])[n]);
            assert!((found - expected).abs() < 0.02, "{found} for {expected}");
        }
    }

    #[test]
    fn groups_alike_have_hardly_any_spread() {
        let all: Vec<Groups> = (0..300).map(|seed| groups(seed, |_| 0.2)).collect();
        let share = all.iter().map(Groups::share_of_variance).sum::<f64>() / 300.0;
        let [low, high] = [0, 1].map(|n| all.iter().map(|g| g.quantiles([0.1, 0.9])[n]).sum::<f64>() / 300.0);
        // The raw shares of 25 trials would have 0.1 to 0.3.
        assert!(share < 0.01 && low > 0.17 && high < 0.24, "{share} {low} {high}");
    }

    #[test]
    fn certainty_has_no_variance_and_a_group_that_decides_has_all_of_it() {
        for hits in [0, 25] {
            let alike = Groups::new(&[Share { hits, trials: 25 }; 40]);
            let value = hits as f64 / 25.0;
            assert!(alike.share_of_variance().abs() < f64::EPSILON);
            assert!((alike.quantiles([0.5])[0] - value).abs() < f64::EPSILON);
        }
        let decided: Vec<Share> = (0..40).map(|n| Share { hits: 25 * (n % 2), trials: 25 }).collect();
        let decided = Groups::new(&decided);
        assert!((decided.share_of_variance() - 1.0).abs() < 1e-12);
        let [low, high] = decided.quantiles([0.1, 0.9]);
        assert!(low.abs() < 1e-12 && (high - 1.0).abs() < 1e-12);
    }
}
