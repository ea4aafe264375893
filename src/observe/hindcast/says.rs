//! What the model says of the span on record.

use rayon::prelude::*;

use super::backlog::LargerBacklog;
use crate::model::observer::{Happening, Observer};
use crate::model::{Cause, Host, Ledger, Outcome, Place, Simulation, StepLimit};
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
    /// Forks in it, for full syncs too.
    pub forks: Quantiles<u64>,
    /// Forks for full syncs in it.
    pub full_syncs: Quantiles<u64>,
    /// The backlog that would have ended nearly all of them; `None` where none would, or there are few.
    pub larger_backlog: Option<LargerBacklog>,
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
        let lived: Result<Vec<(Counters, Outcome)>, StepLimit> = (0..replications)
            .into_par_iter()
            .map(|replication| {
                let mut counters = Counters::default();
                let outcome = simulation.run(seed, replication, &mut counters)?;
                Ok((counters, outcome))
            })
            .collect();
        let lived = lived?;
        let counted =
            |count: fn(&Counters) -> u64| lived.iter().map(|(counters, _)| count(counters)).collect();
        let forks = counted(|counters| counters.forks);
        let full_syncs = counted(|counters| counters.full_syncs);
        let copies = lived.iter().filter_map(|(counters, _)| counters.last_cow).collect();
        let free = lived.iter().map(|(_, outcome)| outcome.free_min).collect();
        let kills = lived.iter().filter(|(_, outcome)| outcome.oom_kills() > 0).count() as u64;
        let full_syncs = Quantiles::of(full_syncs).unwrap_or_default();
        Ok(Self {
            replications,
            span,
            forks: Quantiles::of(forks).unwrap_or_default(),
            full_syncs,
            larger_backlog: LargerBacklog::find(host, span, seed, full_syncs.p50)?,
            last_cow: Quantiles::of(copies),
            free_min: Quantiles::of(free).unwrap_or_default(),
            kill_probability: exact(Share { hits: kills, trials: replications }, CONFIDENCE),
        })
    }
}

/// Counts as INFO of the primary does: what its replicas fork for is in theirs.
#[derive(Default)]
struct Counters {
    /// `total_forks`.
    forks: u64,
    /// Those of them for full syncs.
    full_syncs: u64,
    /// `rdb_last_cow_size`, which rewrites do not set.
    last_cow: Option<Bytes>,
}

impl Observer for Counters {
    fn happened(&mut self, _: SimTime, place: Place, happening: Happening, _: &Ledger) {
        if place.tenant > 0 || !place.is_primary {
            return;
        }
        match happening {
            Happening::Forked { cause, .. } => {
                self.forks += 1;
                self.full_syncs += u64::from(cause == Cause::FullSync);
            }
            Happening::Saved { cause: Cause::Backup | Cause::SavePoint, copied, .. } => {
                self.last_cow = Some(copied);
            }
            _ => {}
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
