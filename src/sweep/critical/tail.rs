//! How the share of affected replications falls from step to step.

/// The share of affected replications near the end of the budget, as an exponential.
///
/// ```text
/// p(s) = p_u e^(−b (u − s))
/// ```
///
/// It only says which step to try: a step is confirmed by other replications.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tail {
    share: f64,
    at: usize,
    decay: f64,
}

/// The least and the most by which a share falls from one step to the next: e^−b. A percent further down takes away a
/// twentieth of the risk at least, and what falls faster than by six sevenths is found as well by trying.
const DECAYS: (f64, f64) = (0.025, 2.0);

impl Tail {
    /// The tail through the critical steps of the affected among `replications`, in any order, of which the `most`
    /// lowest are used; `None` where there are none.
    ///
    /// ```text
    /// b = k / Σ (u − s + ½)
    /// ```
    ///
    /// k have their first incident at a step up to u. It is too steep where an incident at one step need not mean
    /// one at the next, so it only says where to look. Source of the fit: B. M. Hill, "A simple general approach to
    /// inference about the tail of a distribution", Annals of Statistics 3 (1975); half a step, as each falls
    /// anywhere within one.
    pub fn of_critical(mut critical: Vec<usize>, replications: u64, most: usize) -> Option<Self> {
        critical.sort_unstable();
        let at = *critical.get(most.saturating_sub(1)).or(critical.last())?;
        let used: Vec<f64> =
            critical.iter().take_while(|&&step| step <= at).map(|&step| (at - step) as f64).collect();
        let affected = used.len() as f64;
        let decay = affected / (used.iter().sum::<f64>() + affected / 2.0);
        Some(Self { share: affected / replications as f64, at, decay })
    }

    /// The tail through the affected among `replications` at two steps, the lower one first: all of them were
    /// simulated at both. None at the lower one counts as a half.
    pub fn between((low, at_low): (usize, u64), (high, at_high): (usize, u64), replications: u64) -> Self {
        let [at_low, at_high] = [at_low, at_high].map(|affected| (affected as f64).max(0.5));
        let decay = (at_high / at_low).ln() / (high as f64 - low as f64).max(1.0);
        Self { share: at_low / replications as f64, at: low, decay: decay.clamp(DECAYS.0, DECAYS.1) }
    }

    /// The share at `step`.
    pub fn share(&self, step: usize) -> f64 {
        self.share * (-self.decay * (self.at as f64 - step as f64)).exp()
    }

    /// The last step up to `top` whose share is at most `share`; `None` where not even the first one's is.
    pub fn last_within(&self, share: f64, top: usize) -> Option<usize> {
        (0..=top).rev().find(|&step| self.share(step) <= share)
    }

    /// The same tail through a share that was seen at a step.
    pub fn through(self, share: f64, at: usize) -> Self {
        Self { share, at, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    #[test]
    fn without_affected_replications_there_is_no_tail() {
        assert_eq!(Tail::of_critical(Vec::new(), 100, 10), None);
    }

    /// Critical steps of an exponential law with a decay of 0.3 a step, 100 of 1,000 up to step 20: over 400 seeds the
    /// share at step 12 is right on average, and within a quarter of it two times in three.
    #[test]
    fn an_exponential_tail_is_found() {
        let ratio = |seed| {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
            let mut step = || {
                let u: f64 = rng.random();
                (0..20).find(|&step| u <= (-0.3 * (20.0 - step as f64)).exp()).unwrap_or(20)
            };
            let critical: Vec<usize> = (0..100).map(|_| step()).collect();
            let tail = Tail::of_critical(critical, 1_000, 1_000).unwrap();
            tail.share(12) / (0.1 * (-0.3f64 * 8.0).exp())
        };
        let mut ratios: Vec<f64> = (0..400).map(ratio).collect();
        ratios.sort_by(f64::total_cmp);
        assert!((ratios[200] - 1.0).abs() < 0.1, "{}", ratios[200]);
        assert!(ratios[66] > 0.75 && ratios[333] < 1.33, "{} {}", ratios[66], ratios[333]);
    }

    #[test]
    fn two_counts_make_a_tail() {
        let tail = Tail::between((10, 20), (14, 80), 1_000);
        for (step, share) in [(8, 0.01), (10, 0.02), (12, 0.04), (14, 0.08)] {
            assert!((tail.share(step) / share - 1.0).abs() < 1e-12, "{step}");
        }
        assert!(Tail::between((10, 0), (14, 80), 1_000).share(10) > 0.0);
        assert!(Tail::between((10, 9), (10, 9), 1_000).share(0) < 0.009);
    }

    #[test]
    fn the_last_step_within_a_share_is_found() {
        let tail = Tail { share: 0.1, at: 20, decay: 0.5 };
        assert_eq!(tail.last_within(0.1, 50), Some(20));
        assert_eq!(tail.last_within(0.1 * (-1.0f64).exp(), 50), Some(18));
        assert_eq!((tail.last_within(0.2, 15), tail.last_within(1e-9, 50)), (Some(15), None));
        assert_eq!(tail.through(0.2, 20).last_within(0.1, 50), Some(18));
    }
}
