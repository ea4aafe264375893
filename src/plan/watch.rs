//! What to watch on the host of the plan: how much a fork takes from it, and what the server says of it afterwards.
//!
//! Two figures that differ: `rdb_last_cow_size` is what the child saw of its own pages on a few looks, and a fork also
//! costs page tables, buffers and growth. Both are read off the replications of the plan, by the laws of `memory`.

use std::sync::atomic::Ordering;

use rayon::prelude::*;

use super::Trouble;
use super::ask::Ask;
use crate::memory::child;
use crate::memory::save::{Cost, last_cow_size};
use crate::model::{Cause, Happening, Host, Ledger, Observer, Place, Sample, Simulation};
use crate::stats::quantile;
use crate::sweep::Failure;
use crate::units::{Bytes, SimTime};

/// Replications that are watched: enough for the figure that 99 in 100 stay below.
const REPLICATIONS: u64 = 400;

/// Looks at the host between two events while a child lives.
const LOOKS: u64 = 4;

/// What 99 in 100 replications stay below.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    /// The most that was available less in a child's life than before its fork, page tables included.
    pub fork_takes: Bytes,
    /// The largest `rdb_last_cow_size`; `None` where no save of it writes an RDB file.
    pub last_cow_size: Option<Bytes>,
}

/// Watches replications of `host`.
pub fn watch(ask: &Ask<'_>, host: &Host) -> Result<Watch, Trouble> {
    let simulation = Simulation::new(host.clone());
    let replications = REPLICATIONS.min(ask.budget.most());
    let one = |replication| {
        if ask.cancelled.load(Ordering::Relaxed) {
            return Err(Trouble::Interrupted);
        }
        let mut forks = Forks::default();
        let lived = simulation.run(ask.seed, replication, &mut forks);
        lived.map_err(|limit| {
            let message = limit.to_string();
            Failure { cell: "the plan".to_owned(), replication: Some(replication), message }
        })?;
        Ok(forks.most)
    };
    let found = ask.settings.pool()?.install(|| (0..replications).into_par_iter().map(one).collect());
    let found: Result<Vec<Watch>, Trouble> = found;
    let found = found?;
    let p99 = |mut amounts: Vec<Bytes>| {
        amounts.sort_unstable();
        quantile(&amounts, 0.99)
    };
    Ok(Watch {
        fork_takes: p99(found.iter().map(|most| most.fork_takes).collect()).unwrap_or_default(),
        last_cow_size: p99(found.iter().filter_map(|most| most.last_cow_size).collect()),
    })
}

/// Follows the forks of a replication.
#[derive(Debug, Default)]
struct Forks {
    /// What was available on each host when it was last looked at.
    available: Vec<Bytes>,
    alive: Vec<Life>,
    most: Watch,
}

/// A child that is alive.
#[derive(Debug)]
struct Life {
    place: Place,
    since: SimTime,
    /// Available before the fork.
    before: Bytes,
    /// The least available since.
    least: Bytes,
    /// Resident set at the fork.
    resident: Bytes,
    course: Vec<Cost>,
}

impl Life {
    fn look(&mut self, at: SimTime, ledger: &Ledger) {
        self.least = self.least.min(ledger.available());
        let copied = ledger.cow.as_f64() + child::OWN_MEMORY;
        self.course.push(Cost { seconds: at.since(self.since).as_secs_f64(), copied, grown: 0.0 });
    }
}

impl Forks {
    fn forked(&mut self, since: SimTime, place: Place, ledger: &Ledger) {
        let now = ledger.available();
        let before = self.available.get(place.host).copied().unwrap_or(now).max(now);
        let resident = ledger.resident;
        let mut life = Life { place, since, before, least: now, resident, course: Vec::new() };
        life.look(since, ledger);
        self.alive.push(life);
    }

    /// The child of a server has ended; one that `saved` an RDB file is told of in INFO.
    fn ended(&mut self, place: Place, saved: bool) {
        let of = |life: &Life| (life.place.host, life.place.tenant) == (place.host, place.tenant);
        let Some(index) = self.alive.iter().position(of) else { return };
        let life = self.alive.swap_remove(index);
        self.most.fork_takes = self.most.fork_takes.max(life.before.saturating_sub(life.least));
        if saved {
            let says = Bytes::from_f64(last_cow_size(&life.course, life.resident.as_f64()));
            self.most.last_cow_size = self.most.last_cow_size.max(Some(says));
        }
    }
}

impl Observer for Forks {
    fn span(&mut self, host: usize, from: SimTime, to: SimTime, sample: &dyn Fn(SimTime) -> Sample) {
        let length = to.since(from).0;
        for life in self.alive.iter_mut().filter(|life| life.place.host == host) {
            for step in 1..=LOOKS {
                let at =
                    from + crate::units::SimDuration(length / LOOKS * step + length % LOOKS * step / LOOKS);
                life.look(at, &sample(at).ledger);
            }
        }
        if self.available.len() <= host {
            self.available.resize(host + 1, Bytes::ZERO);
        }
        self.available[host] = sample(to).ledger.available();
    }

    fn happened(&mut self, at: SimTime, place: Place, happening: Happening, ledger: &Ledger) {
        match happening {
            Happening::Forked { .. } => self.forked(at, place, ledger),
            Happening::Saved { cause, .. } => {
                self.ended(place, matches!(cause, Cause::Backup | Cause::SavePoint));
            }
            Happening::SaveFailed { .. } | Happening::Killed { .. } => {
                self.ended(place, false);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;
    use crate::scenario::Replications;
    use crate::sweep::{Budget, Effort, Settings};
    use crate::units::SimDuration;
    use std::sync::atomic::AtomicBool;

    fn watched(host: &Host) -> Watch {
        let never = AtomicBool::new(false);
        let budget = Budget {
            incidents_per_year: 1.0,
            confidence: 0.95,
            horizon: host.horizon,
            replications: Replications::Fixed(20),
        };
        let effort = Effort::of(&budget);
        let ask = Ask {
            budget,
            effort,
            assurance: None,
            seed: 1,
            settings: Settings::default(),
            cancelled: &never,
        };
        watch(&ask, host).unwrap()
    }

    fn days(writes_per_second: f64) -> Host {
        let mut host = sample::host(writes_per_second);
        host.horizon = SimDuration(2 * SimDuration::DAY.0);
        host
    }

    /// Page tables of a child and what it allocates remain where nothing is written.
    #[test]
    fn a_fork_takes_more_than_its_save_reports() {
        let quiet = watched(&days(0.0));
        let tables = child::page_tables(12.0 * (1u64 << 30) as f64, 4096);
        assert!(quiet.last_cow_size.unwrap().as_f64() <= 1.1 * child::OWN_MEMORY, "{quiet:?}");
        assert!(quiet.fork_takes.as_f64() > tables, "{quiet:?}");
        let busy = watched(&days(1_000.0));
        assert!(busy.last_cow_size > quiet.last_cow_size, "{busy:?}");
        assert!(busy.fork_takes > busy.last_cow_size.unwrap(), "{busy:?}");
    }

    #[test]
    fn a_host_that_never_forks_gives_nothing_to_watch() {
        let mut host = days(1_000.0);
        host.backup = None;
        assert_eq!(watched(&host), Watch::default());
    }
}
