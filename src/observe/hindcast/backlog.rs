//! What a larger backlog would have saved: the span on record once more, with the backlog doubled until full syncs end.

use rayon::prelude::*;

use super::Quantiles;
use crate::model::observer::Unobserved;
use crate::model::{Cause, Host, Simulation, StepLimit};
use crate::units::{Bytes, SimDuration};

/// A backlog that mends nearly every lost link, and what it leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LargerBacklog {
    /// Its size.
    pub size: Bytes,
    /// Forks for full syncs with it, in the span.
    pub full_syncs: Quantiles<u64>,
}

/// Nearly every one: this share of the full syncs, at the median, may remain.
const REMAINDER: f64 = 0.01;

/// Doublings tried: a thousand times the backlog.
const DOUBLINGS: u32 = 10;

/// Replications of each size: a median is asked for, no tail.
const REPLICATIONS: u64 = 9;

impl LargerBacklog {
    /// The smallest such backlog, in doublings of the one that `host` has; `None` where none of them is, because the
    /// replicas have nothing to go on from, or where `now` are too few full syncs to ask.
    ///
    /// # Errors
    ///
    /// [`StepLimit`] where a replication does not end.
    pub fn find(host: &Host, span: SimDuration, seed: u64, now: u64) -> Result<Option<Self>, StepLimit> {
        let enough = (now as f64 * REMAINDER).floor();
        if enough < 1.0 {
            return Ok(None);
        }
        for doublings in 1..=DOUBLINGS {
            let size = Bytes(host.replication.backlog.0 << doublings);
            let full_syncs = full_syncs_with(size, host, span, seed)?;
            if full_syncs.p50 as f64 <= enough {
                return Ok(Some(Self { size, full_syncs }));
            }
        }
        Ok(None)
    }
}

fn full_syncs_with(
    backlog: Bytes,
    host: &Host,
    span: SimDuration,
    seed: u64,
) -> Result<Quantiles<u64>, StepLimit> {
    let mut host = Host { horizon: span, ..host.clone() };
    host.replication.backlog = backlog;
    let simulation = Simulation::new(host);
    let counted: Result<Vec<u64>, StepLimit> = (0..REPLICATIONS)
        .into_par_iter()
        .map(|replication| {
            let outcome = simulation.run(seed, replication, &mut Unobserved)?;
            Ok(u64::from(outcome.forks[Cause::FullSync]))
        })
        .collect();
    Ok(Quantiles::of(counted?).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Uncertain;
    use crate::model::sample::host;

    /// Links lost for ten seconds at 0.55 MB of stream a second: 5.5 MB are missed.
    fn losing_links() -> Host {
        let mut host = host(1_000.0);
        host.replication.replicas = 2;
        host.replication.link_losses_per_day = 20.0;
        host.replication.outage = Uncertain::certain(10.0);
        host.replication.backlog = Bytes::mib(1);
        host
    }

    #[test]
    fn the_backlog_found_covers_what_is_missed() {
        let span = SimDuration(7 * SimDuration::DAY.0);
        let found = LargerBacklog::find(&losing_links(), span, 1, 280).unwrap().unwrap();
        assert_eq!((found.size, found.full_syncs.p95), (Bytes::mib(8), 0));
    }

    #[test]
    fn few_full_syncs_ask_for_nothing() {
        assert_eq!(LargerBacklog::find(&losing_links(), SimDuration::DAY, 1, 40).unwrap(), None);
    }
}
