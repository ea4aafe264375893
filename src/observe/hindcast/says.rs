//! What the model says of the span on record.

use crate::model::observer::{Happening, Observer};
use crate::model::{Cause, Host, Ledger, Simulation, StepLimit};
use crate::stats::{Estimate, Share, exact, quantile};
use crate::units::{Bytes, SimDuration, SimTime};

/// Confidence of the interval of the kill probability.
const CONFIDENCE: f64 = 0.95;

/// A range of what may happen: nine cases of ten lie within it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quantiles<T> {
    /// Lower in one case of twenty.
    pub p05: T,
    /// The middle.
    pub p50: T,
    /// Higher in one case of twenty.
    pub p95: T,
}

impl<T: Copy + Ord> Quantiles<T> {
    /// The quantiles of `values`; `None` where there are none.
    pub fn of(mut values: Vec<T>) -> Option<Self> {
        values.sort_unstable();
        let at = |share| quantile(&values, share);
        Some(Self { p05: at(0.05)?, p50: at(0.5)?, p95: at(0.95)? })
    }

    /// Whether `value` lies between the ends.
    pub fn contains(self, value: T) -> bool {
        (self.p05..=self.p95).contains(&value)
    }
}

/// What the model says of a span.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelSays {
    /// Replications it is based on, at least one.
    pub replications: u64,
    /// The span.
    pub span: SimDuration,
    /// Forks in it.
    pub forks: Quantiles<u64>,
    /// Pages copied for the last save of it that ended well; `None` where there was none.
    pub last_cow: Option<Quantiles<Bytes>>,
    /// The least memory free or droppable in it.
    pub free_min: Quantiles<Bytes>,
    /// The chance of at least one OOM kill in it, with the 95 % interval of the simulation.
    pub kill_probability: Estimate,
}

impl ModelSays {
    /// Asks the simulation of `host`, over `span` instead of its own horizon. Replications are those of
    /// `seed` from 0 on; none counts as one.
    ///
    /// # Errors
    ///
    /// [`StepLimit`] where a replication does not end.
    pub fn of(host: &Host, span: SimDuration, seed: u64, replications: u64) -> Result<Self, StepLimit> {
        let simulation = Simulation::new(Host { horizon: span, ..host.clone() });
        let replications = replications.max(1);
        let (mut forks, mut copies, mut free, mut kills) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for replication in 0..replications {
            let mut last_save = LastSave::default();
            let outcome = simulation.run(seed, replication, &mut last_save)?;
            forks.push(Cause::ALL.into_iter().map(|cause| u64::from(outcome.forks[cause])).sum());
            copies.extend(last_save.copied);
            free.push(outcome.free_min);
            kills += u64::from(outcome.oom_kills() > 0);
        }
        Ok(Self {
            replications,
            span,
            forks: Quantiles::of(forks).unwrap_or_default(),
            last_cow: Quantiles::of(copies),
            free_min: Quantiles::of(free).unwrap_or_default(),
            kill_probability: exact(Share { hits: kills, trials: replications }, CONFIDENCE),
        })
    }
}

/// Remembers what the last save copied, as `rdb_last_cow_size` does: rewrites do not count there.
#[derive(Default)]
struct LastSave {
    copied: Option<Bytes>,
}

impl Observer for LastSave {
    fn happened(&mut self, _: SimTime, happening: Happening, _: &Ledger) {
        if let Happening::Saved { cause: Cause::Backup | Cause::SavePoint, copied, .. } = happening {
            self.copied = Some(copied);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_values_of_the_sample() {
        let hundred = Quantiles::of((1..=100).collect()).unwrap();
        assert_eq!(hundred, Quantiles { p05: 5, p50: 50, p95: 95 });
        assert!(hundred.contains(95) && !hundred.contains(96));
        assert_eq!(Quantiles::<u64>::of(vec![]), None);
    }
}
