//! The share of hosts whose own chance is above a limit, though each host shows only how often it was hit.

use super::Estimate;
use super::exact::exact_of;

/// Euler's constant: minus the mean of the logarithm of an exponential number.
const EULER: f64 = 0.577_215_664_901_532_9;

/// Variance of the logarithm of a gamma number of shape 2, π²/6 − 1.
const BLUR_OF_TWO: f64 = std::f64::consts::PI * std::f64::consts::PI / 6.0 - 1.0;

/// Trials of a host by which its chance is held against `limit`.
///
/// ```text
/// m = e^(1 − γ) / limit = 1.526 / limit          γ Euler's constant
/// ```
///
/// A host counts as above the limit where it is hit twice in m trials. It is hit that often as soon as a gamma number
/// G of shape 2 is below m q, q its chance, so that ln(q / limit) is held against ln G − E ln G: blurred, but on
/// average at the limit itself. See [`share_above`].
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "float casts saturate")]
pub fn trials_against(limit: f64) -> usize {
    ((1.0 - EULER).exp() / limit).round().max(4.0) as usize
}

/// The share of hosts whose own chance of a hit is above the limit that [`trials_against`] was asked for, from the
/// trials of each, hit or not, all of them independent given the host.
///
/// ```text
/// F = F₂ + (F₂ − F₁) v₂ / (v₁ − v₂)        v_k = ψ′(k): π²/6 for k = 1, π²/6 − 1 for k = 2
/// ```
///
/// F₂ is the share of hosts hit twice in m trials, F₁ that of blocks of m/e trials hit at all. Both are right on
/// average where the logarithms of the hosts' chances are spread evenly around the limit; where they are not, each is
/// off in proportion to the variance v of its blur, and going on along the line from one to the other to no variance
/// takes that error away. The share that simply counts the hosts with more hits than the limit allows inherits all of
/// it. The interval is the exact one of as many hosts, seen plainly, as would be as uncertain.
///
/// Source: bias of nested estimates and its removal from two sizes: M. B. Gordy and S. Juneja, "Nested simulation in
/// portfolio risk measurement", Management Science 56 (2010); the going on to a limit: L. F. Richardson (1911). The
/// blur in logarithms is this project's own.
#[must_use]
pub fn share_above(hosts: &[Vec<bool>], confidence: f64) -> Estimate {
    let each: Vec<f64> = hosts.iter().map(|trials| unblurred(trials)).collect();
    let n = each.len() as f64;
    let mean = each.iter().sum::<f64>() / n;
    let variance = each.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let value = mean.clamp(0.0, 1.0);
    let plain = value * (1.0 - value);
    let as_many = if plain > 0.0 && variance > 0.0 { n * plain / variance } else { n / (1.0 + BLUR_OF_TWO) };
    exact_of(value * as_many, as_many, confidence)
}

/// What a host adds to F: between −0.64 and 1.64.
fn unblurred(trials: &[bool]) -> f64 {
    let is_hit_twice = trials.iter().filter(|&&hit| hit).count() >= 2;
    let twice = f64::from(u8::from(is_hit_twice));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a length")]
    let block = ((trials.len() as f64 / std::f64::consts::E).round() as usize).max(1);
    let blocks = trials.chunks_exact(block);
    let (count, hit) = (blocks.len() as f64, blocks.filter(|block| block.contains(&true)).count() as f64);
    twice + (twice - hit / count) * BLUR_OF_TWO
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_distr::StandardNormal;
    use rand_xoshiro::Xoshiro256PlusPlus;
    use statrs::distribution::{ContinuousCDF, Normal};

    const LIMIT: f64 = 0.004;

    /// 200 hosts whose chances are lognormal, with a median of `median` limits and a standard deviation `sigma` of the
    /// logarithm.
    fn hosts(median: f64, sigma: f64, seed: u64) -> Vec<Vec<bool>> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let trials = trials_against(LIMIT);
        let mut host = || {
            let z: f64 = rng.sample(StandardNormal);
            let chance = (median * LIMIT * (sigma * z).exp()).min(1.0);
            (0..trials).map(|_| rng.random::<f64>() < chance).collect()
        };
        (0..200).map(|_| host()).collect()
    }

    /// Closed form: the share above the limit is Φ(ln(median) / σ). Over 300 seeds the mean is within half a point or a
    /// tenth of it, where counting the hosts with more hits than the limit allows is off by more than three times
    /// that.
    #[test]
    fn the_share_of_a_lognormal_law_is_found_without_bias() {
        for (median, sigma) in [(0.1, 2.0), (0.3, 1.5), (0.05, 1.5), (1.0, 1.0)] {
            let truth = Normal::standard().cdf(f64::ln(median) / sigma);
            let all: Vec<Vec<Vec<bool>>> = (0..300).map(|seed| hosts(median, sigma, seed)).collect();
            let found = all.iter().map(|hosts| share_above(hosts, 0.95).value).sum::<f64>() / 300.0;
            assert!((found - truth).abs() < (0.1 * truth).max(0.005), "{median} {sigma}: {found} {truth}");
        }
    }

    /// Counting the hosts that are hit more often than the limit allows in 25 trials each, which is at all, is off by
    /// more than a quarter.
    #[test]
    fn fewer_trials_a_host_inherit_the_noise_of_months() {
        let truth = Normal::standard().cdf(f64::ln(0.1) / 2.0);
        let hit = |host: &Vec<bool>| host[..25].contains(&true);
        let share = |seed| hosts(0.1, 2.0, seed).iter().filter(|host| hit(host)).count() as f64 / 200.0;
        let plain = (0..300).map(share).sum::<f64>() / 300.0;
        assert!((plain / truth - 1.0).abs() > 0.25, "{plain} {truth}");
    }

    /// At 95 %, 15 of 300 may miss at both ends together; more than 27 have a probability below 0.002.
    #[test]
    fn the_interval_holds_its_level() {
        let truth = Normal::standard().cdf(f64::ln(0.1) / 2.0);
        let missed = (0..300).filter(|&seed| {
            let share = share_above(&hosts(0.1, 2.0, seed), 0.95);
            truth < share.low || share.high < truth
        });
        let missed = missed.count();
        assert!(missed <= 27, "{missed}");
    }

    #[test]
    fn no_host_hit_is_a_bound_and_not_zero() {
        let none = share_above(&vec![vec![false; trials_against(LIMIT)]; 100], 0.95);
        assert!(none.value.abs() < 1e-12 && none.high > 0.03 && none.high < 0.1, "{none:?}");
        let all = share_above(&vec![vec![true; trials_against(LIMIT)]; 100], 0.95);
        assert!((all.value - 1.0).abs() < 1e-12 && all.low > 0.9, "{all:?}");
    }
}
