//! Incidents a year, from replications in which they come in clusters.

use statrs::distribution::{ContinuousCDF, StudentsT};
use statrs::function::beta::beta_reg;

use super::{Estimate, Share, bisect};

/// Incidents counted over replications: integers, the same in whatever order they are added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Incidents {
    /// Replications counted.
    pub replications: u64,
    /// Replications with at least one incident.
    pub affected: u64,
    /// Incidents in all.
    pub total: u64,
    /// Sum of the squares of the incidents of each replication.
    pub squares: u64,
    /// The most incidents of one replication.
    pub largest: u64,
}

impl FromIterator<u32> for Incidents {
    /// Counts replications, each by its number of incidents.
    fn from_iter<I: IntoIterator<Item = u32>>(replications: I) -> Self {
        replications.into_iter().map(u64::from).fold(Self::default(), Self::and)
    }
}

impl Incidents {
    /// The same with one replication more, which has so many incidents.
    fn and(self, incidents: u64) -> Self {
        Self {
            replications: self.replications + 1,
            affected: self.affected + u64::from(incidents > 0),
            total: self.total + incidents,
            squares: self.squares + incidents * incidents,
            largest: self.largest.max(incidents),
        }
    }

    /// The affected replications among all.
    #[must_use]
    pub fn share(&self) -> Share {
        Share { hits: self.affected, trials: self.replications }
    }

    /// Mean incidents of a replication, with an interval that holds where they come in clusters.
    ///
    /// ```text
    /// c · B⁻¹(q; N μ, N (1 − μ))     μ = Σx / (n c),  N = μ (1 − μ) n² c² / V,  V = Σx² − (Σx)² / n
    /// ```
    ///
    /// x are the incidents of n replications, of which the largest is c, and B⁻¹ the quantile of the beta distribution
    /// on 0 to 1 that has their mean, in units of c, and the variance of that mean. The lower end is that of the sample
    /// with one replication without incident added, the upper end that with one of c added, at least 1: what may have
    /// been missed by chance.
    ///
    /// A host that is killed once is killed again, by the same load and the same disk. A Poisson interval takes
    /// incidents as independent and is far too narrow then; whole replications are independent, and this counts by
    /// them. Two known intervals are its limits: that of Clopper and Pearson where every affected replication has
    /// equally many incidents, and that of Fay and Feuer for weighted rare counts ("Confidence intervals for directly
    /// standardized rates", Statistics in Medicine 16, 1997) where few replications are affected.
    ///
    /// What no replication showed, it does not know: a bound from no incident at all says how often a replication is
    /// *affected*, each taken as one incident.
    #[must_use]
    pub fn per_replication(&self, confidence: f64) -> Estimate {
        let tail = (1.0 - confidence) / 2.0;
        let value = self.total as f64 / self.replications as f64;
        let low = if self.total == 0 { 0.0 } else { self.and(0).quantile(tail).min(value) };
        let high = self.and(self.largest.max(1)).quantile(1.0 - tail).max(value);
        Estimate { value, low, high }
    }

    /// The quantile of the mean's beta distribution; there is at least one incident.
    fn quantile(&self, q: f64) -> f64 {
        let (n, c) = (self.replications as f64, self.largest as f64);
        let mean = self.total as f64 / (n * c);
        let variance = self.squares as f64 - self.total as f64 * self.total as f64 / n;
        // All alike, which an added replication makes impossible but for the upper end: the mean itself.
        if variance <= 0.0 || mean >= 1.0 {
            return c * mean.min(1.0);
        }
        let weight = mean * (1.0 - mean) * n * n * c * c / variance;
        let below = |x: f64| beta_reg(weight * mean, weight * (1.0 - mean), x);
        c * if q < 0.5 { bisect(0.0, mean, |x| below(x) < q) } else { bisect(1.0, mean, |x| below(x) > q) }
    }
}

/// The point below which Student's distribution with so many degrees of freedom, at least 1, has mass `u`.
pub(super) fn student_quantile(u: f64, freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom).map_or(f64::INFINITY, |student| student.inverse_cdf(u))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::exact;
    use rand::{Rng, RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    fn count(incidents: &[u32]) -> Incidents {
        incidents.iter().copied().collect()
    }

    fn clusters(replications: usize, affected: usize, size: u32) -> Incidents {
        (0..replications).map(|n| if n < affected { size } else { 0 }).collect()
    }

    #[test]
    fn no_incident_bounds_the_affected_replications() {
        let none = clusters(1_000, 0, 0).per_replication(0.95);
        assert!(none.value.abs() < f64::MIN_POSITIVE && none.low.abs() < f64::MIN_POSITIVE);
        assert!((none.high - (1.0 - 0.025f64.powf(1e-3))).abs() < 1e-9, "{}", none.high);
    }

    /// Clusters that are all alike are a binomial count of replications.
    #[test]
    fn equal_clusters_have_the_interval_of_clopper_and_pearson() {
        for (of, affected, size) in [(1_000, 3, 1), (1_000, 20, 3), (100, 60, 2), (50, 49, 4)] {
            let found = clusters(of, affected, size).per_replication(0.95);
            let share = exact(Share { hits: affected as u64, trials: of as u64 }, 0.95);
            for (found, expected) in [(found.low, share.low), (found.high, share.high)] {
                let expected = expected * f64::from(size);
                assert!((found / expected - 1.0).abs() < 1e-6, "{affected} of {of}: {found} {expected}");
            }
        }
    }

    /// Known answer of the limit for rare clusters, by the gamma distribution: Σw = 6, Σw² = 14, the largest 3.
    #[test]
    fn rare_clusters_have_the_interval_of_fay_and_feuer() {
        use statrs::distribution::Gamma;
        let mut incidents = vec![0; 1_000_000];
        incidents[..3].copy_from_slice(&[1, 2, 3]);
        let found = count(&incidents).per_replication(0.95);
        let limit = |sum: f64, squares: f64, q: f64| {
            Gamma::new(sum * sum / squares, 1.0).unwrap().inverse_cdf(q) * squares / sum / 1e6
        };
        let expected = [limit(6.0, 14.0, 0.025), limit(9.0, 23.0, 0.975)];
        for (found, expected) in [found.low, found.high].into_iter().zip(expected) {
            assert!((found / expected - 1.0).abs() < 1e-4, "{found} {expected}");
        }
    }

    #[test]
    fn every_replication_alike_leaves_the_lower_end_open() {
        let all = clusters(20, 20, 2).per_replication(0.95);
        assert!((all.high - 2.0).abs() < 1e-12 && all.low < 1.7, "{all:?}");
    }

    /// Closed forms: with one degree of freedom tan(π (u − ½)), with two (2u − 1) √(2 / (1 − (2u − 1)²)).
    #[test]
    fn far_quantiles_of_student_meet_their_closed_forms() {
        for u in [0.9, 0.975, 0.99, 0.998_6, 0.999_9] {
            let one = (std::f64::consts::PI * (u - 0.5)).tan();
            let x: f64 = 2.0 * u - 1.0;
            let two = x * (2.0 / (1.0 - x * x)).sqrt();
            assert!((student_quantile(u, 1.0) / one - 1.0).abs() < 1e-6, "{u}: {one}");
            assert!((student_quantile(u, 2.0) / two - 1.0).abs() < 1e-6, "{u}: {two}");
        }
    }

    /// 1,000 experiments of 1,000 replications for each law of clusters. At each end 25 misses are meant; more than 45
    /// under that chance has a probability of 1e-4.
    #[test]
    fn both_ends_hold_their_level_for_clusters() {
        type Law = fn(&mut Xoshiro256PlusPlus) -> u32;
        let laws: [(&str, Law, f64); 3] = [
            ("again and again", killed_again_and_again, mean_kills()),
            ("once or a loop of three", once_or_three, 1.8),
            ("once", |_| 1, 1.0),
        ];
        for (name, law, mean) in laws {
            for p in [0.02, 0.1, 0.4] {
                let (low, high, width) = misses(p, p * mean, law);
                assert!(low <= 45 && high <= 45, "{name}, {p}: {low} below, {high} above");
                assert!(width < 1.8, "{name}, {p}: {width}");
            }
        }
    }

    /// The limit of what is promised: with two affected replications expected and clusters of three, none is seen in
    /// one experiment of seven, and the bound then takes one incident for each.
    #[test]
    fn what_was_not_seen_is_taken_as_one_incident() {
        let (_, high, _) = misses(0.002, 0.002 * mean_kills(), killed_again_and_again);
        assert!((100..250).contains(&high), "{high}");
    }

    /// After each kill another with a chance of 0.7, up to the thirty nights of a month.
    fn killed_again_and_again(rng: &mut Xoshiro256PlusPlus) -> u32 {
        (1..30).find(|_| rng.random::<f64>() < 0.3).unwrap_or(30)
    }

    fn mean_kills() -> f64 {
        (1.0 - 0.7f64.powi(30)) / 0.3
    }

    fn once_or_three(rng: &mut Xoshiro256PlusPlus) -> u32 {
        if rng.random::<f64>() < 0.4 { 3 } else { 1 }
    }

    /// How often the truth lies below and above the interval, and its mean width over that of an interval that knows
    /// the mean size of a cluster.
    fn misses(p: f64, truth: f64, cluster: impl Fn(&mut Xoshiro256PlusPlus) -> u32) -> (usize, usize, f64) {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
        let (mut below, mut above, mut width, mut known) = (0, 0, 0.0, 0.0);
        for _ in 0..1_000 {
            let counted: Incidents = (0..1_000).map(|_| affected_or_not(&mut rng, p, &cluster)).collect();
            let mean = counted.per_replication(0.95);
            let share = exact(counted.share(), 0.95);
            below += usize::from(truth < mean.low);
            above += usize::from(mean.high < truth);
            width += mean.high - mean.low;
            known += (share.high - share.low) * truth / p;
        }
        (below, above, width / known)
    }

    fn affected_or_not<R: Rng>(rng: &mut R, p: f64, cluster: impl Fn(&mut R) -> u32) -> u32 {
        if rng.random::<f64>() < p { cluster(rng) } else { 0 }
    }
}
