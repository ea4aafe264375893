//! The state of a host, and the memory it asks for at any instant.
//!
//! Between events everything follows from the state and the clock, so nothing is computed until somebody
//! looks. What accrues with the load is settled when the state changes; nothing is settled while a child
//! lives, so its fork is the last settlement.

use crate::memory::huge_pages::HugeHeap;
use crate::memory::layout::RdbCache;
use crate::memory::{Exposure, HugePages, Population, Spread, child, huge_pages};
use crate::model::host::{Host, MaxmemoryPolicy};
use crate::model::huge::HugeShare;
use crate::model::ledger::{Demand, Ledger};
use crate::model::load::{Load, net_keys};
use crate::model::observer::Sample;
use crate::model::outcome::Cause;
use crate::model::simulation::Simulation;
use crate::units::{Bytes, SimTime};

/// What the unknowns of a host turned out to be in one replication.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// Memory of the kernel and other processes \[bytes\].
    pub reserved: f64,
    /// Resident set over `used_memory`.
    pub fragmentation_ratio: f64,
    /// Client buffers \[bytes\].
    pub client_memory: f64,
    /// `used_memory` saved a second [bytes/s].
    pub save_throughput: f64,
    /// `used_memory` reloaded a second [bytes/s].
    pub load_throughput: f64,
    /// Growth beside what the load inserts [bytes/s].
    pub growth: f64,
    /// Where between the shortest and the longest pause a page a fork holds the server, in [0, 1].
    pub fork_pause: f64,
    /// Popularity of each keyspace.
    pub spreads: Vec<Spread>,
}

/// The state of a host.
#[derive(Debug)]
pub struct State<'a> {
    pub(super) simulation: &'a Simulation,
    pub(super) drawn: &'a Drawn,
    pub(super) load: Load<'a>,
    pub(super) phase: Phase,
    pub(super) child: Option<Child>,
    pub(super) data: Data,
    pub(super) aof: AofFile,
    pub(super) snapshot: Snapshot,
    pub(super) huge: HugeShare,
}

/// What the server is doing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Phase {
    /// It serves.
    Serving,
    /// It was killed, and its child still holds a snapshot of so many bytes.
    Orphaned { snapshot: f64 },
    /// It was killed and waits to be started.
    Dead,
    /// It loads its data.
    Loading { from: SimTime, until: SimTime },
    /// It is killed whenever it has loaded its data.
    CrashLoop,
}

/// A child that is saving.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Child {
    pub cause: Cause,
    pub forked_at: SimTime,
    pub exits_at: SimTime,
    /// Resident set of the server at the fork, shared by the child \[bytes\].
    pub resident: f64,
    /// Size of the file it writes \[bytes\].
    pub file_bytes: f64,
    /// Pages that will have been copied when it exits, looked at twice and so computed once \[bytes\]; `None` where
    /// the child gives pages back.
    pub copied_at_exit: Option<f64>,
    /// When the save costs most; `None` where that is at its end.
    pub peaks: Option<Peaks>,
}

/// When a save costs most, if it is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Peaks {
    /// When most is copied.
    pub cow: SimTime,
    /// When most memory is asked for, with the growth of the data.
    pub demand: SimTime,
}

impl Child {
    /// The share of the keys that it has written out at `at`.
    pub fn progress(&self, at: SimTime) -> f64 {
        progress(self.forked_at, self.exits_at, at)
    }
}

/// The data set as of the last settlement.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Data {
    pub settled_at: SimTime,
    pub population: Population,
    /// `used_memory` of the keys and their tables \[bytes\].
    pub bytes: f64,
    /// The most that `maxmemory` leaves for them \[bytes\].
    pub limit: f64,
}

/// The append-only file.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct AofFile {
    /// Size as of the last settlement \[bytes\].
    pub bytes: f64,
    /// Size after the last rewrite \[bytes\].
    pub base_bytes: f64,
    /// Size when the running rewrite forked \[bytes\].
    pub bytes_at_fork: f64,
    /// Rewrites that failed since the last one that succeeded.
    pub consecutive_failures: u32,
    /// No automatic rewrite before this.
    pub not_before: SimTime,
}

/// The last snapshot, and what has changed since.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Snapshot {
    pub saved_at: SimTime,
    /// When the last save was started; `None` before the first one.
    pub tried_at: Option<SimTime>,
    /// Changes since the last snapshot as of the last settlement.
    pub changes: f64,
    pub changes_at_fork: f64,
    pub is_last_ok: bool,
    /// Size of the data in it \[bytes\].
    pub data_bytes: f64,
    /// How much of its file is in the page cache \[bytes\].
    pub cached_bytes: f64,
}

/// What the load asked for beyond `maxmemory` since the last settlement.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Overflow {
    /// Keys refused or evicted.
    pub keys: f64,
}

/// Growth since the last settlement, before `maxmemory` has its say.
struct Growth {
    /// New keys of each keyspace, less those that went.
    keys: Vec<f64>,
    /// Their bytes.
    bytes: f64,
    /// Bytes beyond the limit.
    overflow: f64,
}

impl Growth {
    /// Keys beyond the limit.
    fn overflow_keys(&self) -> f64 {
        if self.overflow > 0.0 { self.keys.iter().sum::<f64>() * self.overflow / self.bytes } else { 0.0 }
    }
}

impl<'a> State<'a> {
    pub(super) fn host(&self) -> &'a Host {
        self.simulation.host()
    }

    /// Whether the load reaches the data: the server serves, and its last save did not fail.
    pub(super) fn accepts_writes(&self) -> bool {
        self.phase == Phase::Serving && !self.refuses_writes()
    }

    /// `stop-writes-on-bgsave-error yes` (the default) with at least one `save` point: after a failed save every
    /// write is answered with `-MISCONF` until a save succeeds. Source: `server.c`, Redis 7.0 and Valkey 8.0.
    pub(super) fn refuses_writes(&self) -> bool {
        !self.snapshot.is_last_ok && !self.host().persistence.save_points.is_empty()
    }

    /// Whether the data can grow at all.
    pub(super) fn can_grow(&self) -> bool {
        let rates = self.load.exposures(SimTime::ZERO, SimTime::ZERO + self.host().horizon);
        self.drawn.growth > 0.0 || net_keys(&rates).any(|keys| keys > 0.0)
    }

    fn growth(&self, until: SimTime, exposures: &[Exposure]) -> Growth {
        let heap = self.simulation.heap();
        let beside = self.drawn.growth * until.since(self.data.settled_at).as_secs_f64();
        let kinds = self.simulation.shares().iter().enumerate();
        let of_load = net_keys(exposures);
        let keys: Vec<f64> = kinds
            .zip(of_load)
            .map(|((kind, share), keys)| keys + beside * share / heap.key_bytes(kind))
            .collect();
        let bytes = keys.iter().enumerate().map(|(kind, keys)| keys * heap.key_bytes(kind)).sum::<f64>();
        Growth { overflow: (self.data.bytes + bytes - self.data.limit).clamp(0.0, bytes), keys, bytes }
    }

    /// `used_memory` of the data at `at` \[bytes\].
    fn data_bytes(&self, at: SimTime) -> f64 {
        if !self.accepts_writes() {
            return self.data.bytes;
        }
        let growth = self.growth(at, &self.load.exposures(self.data.settled_at, at));
        self.data.bytes + growth.bytes - growth.overflow
    }

    /// Carries the data, the append-only file and the changes forward to `now`.
    pub(super) fn settle(&mut self, now: SimTime) -> Overflow {
        let overflow = if self.accepts_writes() { self.accrue(now) } else { Overflow::default() };
        self.data.settled_at = now;
        overflow
    }

    fn accrue(&mut self, now: SimTime) -> Overflow {
        let from = self.data.settled_at;
        let growth = self.growth(now, &self.load.exposures(from, now));
        self.snapshot.changes += self.load.amount(&self.load.changes, from, now);
        self.aof.bytes += self.load.amount(&self.load.appended, from, now);
        self.data.bytes += growth.bytes - growth.overflow;
        let overflow = growth.overflow_keys();
        let accepted = if growth.bytes > 0.0 { 1.0 - growth.overflow / growth.bytes } else { 0.0 };
        let keys = &mut self.data.population.keys;
        keys.iter_mut().zip(&growth.keys).for_each(|(keys, added)| *keys += added * accepted);
        if self.simulation.host().server.maxmemory_policy == MaxmemoryPolicy::AllKeys {
            replace_keys(keys, &growth.keys, overflow);
        }
        Overflow { keys: overflow }
    }

    /// Pages copied since the fork that the child has not given back \[bytes\].
    pub(super) fn copied_bytes(&self, at: SimTime) -> f64 {
        let Some(child) = self.child.as_ref().filter(|_| self.accepts_writes()) else { return 0.0 };
        if let Some(copied) = child.copied_at_exit.filter(|_| child.exits_at == at) {
            return copied;
        }
        let exposures = self.exposures(at);
        if self.host().machine.huge_pages == Some(HugePages::Copied) {
            return self.huge_heap(&exposures).written;
        }
        let seconds = child.exits_at.since(child.forked_at).as_secs_f64();
        let released = self.simulation.released(seconds, child.progress(at));
        let (population, spreads) = (&self.data.population, &self.drawn.spreads);
        self.simulation.heap().copied_bytes(population, &exposures, spreads, released)
    }

    /// The heap on huge pages, as `exposures` have written it.
    fn huge_heap(&self, exposures: &[Exposure]) -> HugeHeap {
        let size = huge_pages::size(self.host().machine.page_size.0) as f64;
        let (population, spreads) = (&self.data.population, &self.drawn.spreads);
        huge_pages::written(self.simulation.heap(), population, exposures, spreads, size)
    }

    /// Notes which huge pages a child that ends at `at` leaves split. Before the settlement that follows its end.
    pub(super) fn split_huge_pages(&mut self, at: SimTime) {
        let Some(child) = &self.child else { return };
        if self.host().machine.huge_pages == Some(HugePages::Split) && self.accepts_writes() {
            let heap = self.huge_heap(&self.exposures(at));
            self.huge = self.huge.after(self.copied_bytes(at), child.resident, heap);
        }
    }

    /// What the load and evictions have done to the keys since the last settlement.
    fn exposures(&self, at: SimTime) -> Vec<Exposure> {
        let mut exposures = self.load.exposures(self.data.settled_at, at);
        let growth = self.growth(at, &exposures);
        let (population, evicts) = (&self.data.population, self.host().server.maxmemory_policy);
        let total: f64 = population.keys.iter().sum();
        let evicted = if evicts == MaxmemoryPolicy::AllKeys { growth.overflow_keys() } else { 0.0 };
        if evicted > 0.0 && total > 0.0 {
            for (exposure, keys) in exposures.iter_mut().zip(&population.keys) {
                exposure.random_delete += evicted * keys / total;
            }
        }
        exposures
    }

    /// The memory asked for at `at`, not before the last settlement.
    pub(super) fn demand(&self, at: SimTime) -> Demand {
        let page_size = self.host().machine.page_size.0;
        let halves = if self.phase == Phase::Serving { self.huge.halves } else { 0.0 };
        let mut demand = Demand {
            reserved: Bytes::from_f64(self.drawn.reserved),
            cache: Bytes::from_f64(self.snapshot.cached_bytes + halves),
            ..Demand::default()
        };
        let resident = match self.phase {
            Phase::Serving => self.data_bytes(at) * self.drawn.fragmentation_ratio,
            Phase::Orphaned { snapshot } => snapshot,
            Phase::Loading { from, until } => {
                self.data.bytes * self.drawn.fragmentation_ratio * progress(from, until, at)
            }
            Phase::Dead | Phase::CrashLoop => 0.0,
        };
        let mut buffers = if self.phase == Phase::Serving { self.drawn.client_memory } else { 0.0 };
        let mut page_tables = child::page_tables(resident, page_size);
        if let Some(saving) = &self.child {
            page_tables += child::page_tables(saving.resident, page_size);
            buffers += self.simulation.child_memory(&self.data.population, saving.progress(at));
            demand.cow = Bytes::from_f64(self.copied_bytes(at));
            demand.pinned_cache = Bytes::from_f64(child::UNWRITTEN_CACHE.min(saving.file_bytes));
            demand.cache += self.file_cache(saving, at);
        }
        demand.resident = Bytes::from_f64(resident);
        demand.page_tables = Bytes::from_f64(page_tables);
        demand.buffers = Bytes::from_f64(buffers);
        demand
    }

    /// How much of the file being written stays in the page cache.
    fn file_cache(&self, saving: &Child, at: SimTime) -> Bytes {
        match self.host().server.layout.rdb_cache {
            RdbCache::Kept => Bytes::from_f64(saving.file_bytes * saving.progress(at)),
            RdbCache::Dropped => Bytes::ZERO,
        }
    }

    /// The ledger at `at`, not before the last settlement.
    pub(super) fn ledger(&self, at: SimTime) -> Ledger {
        self.demand(at).granted(self.host().machine.ram, self.simulation.capacity())
    }

    /// Whether more memory is asked for at `at` than the kernel hands out.
    pub(super) fn is_exhausted(&self, at: SimTime) -> bool {
        self.demand(at).unreclaimable() > self.simulation.capacity()
    }

    /// How it is at `at`, for an observer.
    pub(super) fn sample(&self, at: SimTime) -> Sample {
        let writes = if self.accepts_writes() { self.load.writes_per_second(at) } else { 0.0 };
        Sample { ledger: self.ledger(at), writes_per_second: writes }
    }
}

/// Evicts `evicted` keys, each any key alike, for as many new ones in the proportions of `added`.
///
/// ```text
/// k(s) = k e^(−s) + a (1 − e^(−s))        s evictions a key, a the share of the new keys times all
/// ```
fn replace_keys(keys: &mut [f64], added: &[f64], evicted: f64) {
    let (total, all_added) = (keys.iter().sum::<f64>(), added.iter().sum::<f64>());
    if evicted <= 0.0 || total <= 0.0 || all_added <= 0.0 {
        return;
    }
    let kept = (-evicted / total).exp();
    for (keys, added) in keys.iter_mut().zip(added) {
        *keys = *keys * kept + total * added / all_added * (1.0 - kept);
    }
}

/// The share of the way from `from` to `until` covered at `at`.
fn progress(from: SimTime, until: SimTime, at: SimTime) -> f64 {
    let whole = until.since(from).as_secs_f64();
    if whole > 0.0 { (at.since(from).as_secs_f64() / whole).min(1.0) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eviction_keeps_the_number_of_keys_and_never_takes_more_than_there_are() {
        let mut keys = [6.0, 13_000.0];
        replace_keys(&mut keys, &[0.0, 500.0], 4_000_000.0);
        assert!(keys[0] >= 0.0 && keys[0] < 1e-6 && (keys[1] - 13_006.0).abs() < 1e-6, "{keys:?}");
        let mut keys = [50.0, 50.0];
        replace_keys(&mut keys, &[3.0, 1.0], 1e9);
        assert!((keys[0] - 75.0).abs() < 1e-9 && (keys[1] - 25.0).abs() < 1e-9, "{keys:?}");
    }
}
