//! The memory that a host asks for at an instant: what its servers hold, their children, their buffers.

use smallvec::smallvec;

use crate::memory::huge_pages::HugeHeap;
use crate::memory::layout::RdbCache;
use crate::memory::replication;
use crate::memory::{Exposure, Exposures, HugePages, child, container, huge_pages};
use crate::model::host::{SyncMethod, Tenancy};
use crate::model::ledger::{Demand, Ledger};
use crate::model::observer::Sample;
use crate::model::outcome::Cause;
use crate::model::server::{Child, FullSync, Link, Phase, Server, progress};
use crate::model::state::State;
use crate::units::{Bytes, SimTime};

impl State<'_> {
    /// Pages copied for a server's child since the fork that the child has not given back \[bytes\].
    pub(super) fn copied_bytes(&self, server: usize, at: SimTime) -> f64 {
        let Some(child) = self.servers[server].child.as_ref() else { return 0.0 };
        if let Some(copied) = child.copied_at_exit.filter(|_| child.pace.exits_at == at) {
            return copied;
        }
        let exposures = self.exposures_of(server, child, at);
        let expected = if self.host().machine.huge_pages == Some(HugePages::Copied) {
            self.huge_heap(child, &exposures).written
        } else {
            let seconds = child.pace.exits_at.since(child.forked_at).as_secs_f64();
            let released = self.simulation.released(seconds, child.pace.progress(at));
            self.simulation.heap().copied_bytes(&child.population, &exposures, &self.drawn.spreads, released)
        };
        // However far off the law is, no more can be copied than there was.
        (expected * self.drawn.law_error).min(expected.max(child.resident))
    }

    /// The most that a server's child, which exits now, has kept of copied pages.
    pub(super) fn most_copied(&self, server: usize, now: SimTime) -> Bytes {
        let peaks = self.servers[server].child.as_ref().and_then(|child| child.peaks);
        let copied_at = |at: SimTime| Bytes::from_f64(self.copied_bytes(server, at));
        let at_peak = peaks.map_or(Bytes::ZERO, |peaks| copied_at(peaks.cow.min(now)));
        copied_at(now).max(at_peak)
    }

    /// What was done to the keys since a child was forked.
    fn exposures_of(&self, server: usize, child: &Child, at: SimTime) -> Exposures {
        let shard = self.shard_of(server);
        if !self.follows(server) || !self.accepts_writes(shard) {
            let nothing = || smallvec![Exposure::default(); child.population.keys.len()];
            return if child.exposures.is_empty() {
                nothing()
            } else {
                Exposures::from_slice(&child.exposures)
            };
        }
        let mut exposures = self.exposures(shard, at);
        let earlier = exposures.iter_mut().zip(&child.exposures);
        earlier.for_each(|(total, earlier)| *total = total.plus(earlier));
        exposures
    }

    /// The heap on huge pages, as `exposures` have written it.
    fn huge_heap(&self, child: &Child, exposures: &[Exposure]) -> HugeHeap {
        let size = huge_pages::size(self.host().machine.page_size.0) as f64;
        let heap = self.simulation.heap();
        huge_pages::written(heap, &child.population, exposures, &self.drawn.spreads, size)
    }

    /// Notes which huge pages a child that ends at `at` leaves split. Before the settlement that follows its end.
    pub(super) fn split_huge_pages(&mut self, server: usize, at: SimTime) {
        let Some(child) = &self.servers[server].child else { return };
        if self.host().machine.huge_pages == Some(HugePages::Split) {
            let heap = self.huge_heap(child, &self.exposures_of(server, child, at));
            let after = self.servers[server].huge.after(self.copied_bytes(server, at), child.resident, heap);
            self.servers[server].huge = after;
        }
    }

    /// Resident set of a server, or of the orphan it left \[bytes\].
    pub(super) fn resident(&self, server: usize, at: SimTime) -> f64 {
        let ratio = self.drawn.fragmentation_ratio;
        let shard = self.shard_of(server);
        match self.servers[server].phase {
            Phase::Serving => match self.servers[server].link {
                None | Some(Link::Online | Link::Lost { .. }) => self.data_bytes(shard, at) * ratio,
                Some(Link::Waiting(request)) => request.holds * ratio,
                Some(Link::Receiving(sync)) => arriving(&sync, at) * ratio,
                Some(Link::Loading { sync, from, until }) => loading(&sync, from, until, at) * ratio,
            },
            Phase::Orphaned { snapshot } => snapshot,
            Phase::Loading { from, until, bytes } => bytes * ratio * progress(from, until, at),
            Phase::Dead => 0.0,
        }
    }

    /// What waits in a server for replicas and backups at `at`, as the server accounts for it: the backlog, and what is
    /// beyond it \[bytes\].
    pub(super) fn replica_buffers(&self, server: usize, at: SimTime) -> (f64, f64) {
        let replication = &self.host().replication;
        if self.servers[server].phase != Phase::Serving || !self.simulation.has_backlog() {
            return (0.0, 0.0);
        }
        let backlog = replication.backlog.as_f64();
        if self.positions_needed(server).next().is_none() {
            return (backlog, 0.0);
        }
        let position = self.position(self.shard_of(server), at) - self.buffered_by_replicas();
        let lags = self.positions_needed(server).map(|needed| (position - needed).max(0.0));
        (backlog, replication::buffered(replication.buffers, backlog, lags) - backlog)
    }

    /// What waits for replicas and backups on a host, beyond backlogs, as its servers account for it.
    pub(super) fn waiting_for_replicas(&self, host: usize, at: SimTime) -> Bytes {
        if !self.simulation.has_backlog() {
            return Bytes::ZERO;
        }
        Bytes::from_f64(self.tenants(host).map(|server| self.replica_buffers(server, at).1).sum())
    }

    /// The most that a replica keeps of the stream itself during a full sync \[bytes\].
    pub(super) fn buffered_by_replicas(&self) -> f64 {
        let replication = &self.host().replication;
        if replication.sync == SyncMethod::DualChannel { replication.hard_limit() } else { 0.0 }
    }

    /// What a replica holds of the stream while its snapshot arrives on a second channel \[bytes\].
    fn held_back(&self, server: usize, at: SimTime) -> f64 {
        let sync = self.servers[server].link.as_ref().and_then(Link::sync);
        let Some(sync) = sync.filter(|_| self.servers[server].phase == Phase::Serving) else { return 0.0 };
        let lag = self.position(self.shard_of(server), at) - sync.position;
        lag.clamp(0.0, self.buffered_by_replicas())
    }

    /// The memory that a server asks for at `at`, not before the last settlement.
    fn demand_of(&self, server: usize, at: SimTime) -> Demand {
        let host = self.host();
        let (machine, layout) = (&host.machine, &host.server.layout);
        let page_size = machine.page_size.0;
        let Server { phase, link, child, snapshot, huge, .. } = &self.servers[server];
        let halves = if *phase == Phase::Serving { huge.halves } else { 0.0 };
        let mut cache = snapshot.cached_bytes + halves;
        let resident = self.resident(server, at);
        let mut buffers = if *phase == Phase::Serving { self.drawn.client_memory } else { 0.0 };
        let mut page_tables = child::page_tables(resident, page_size);
        let mut demand = Demand::default();
        if let Some(saving) = child {
            let progress = saving.pace.progress(at);
            page_tables += child::page_tables(saving.resident, page_size);
            buffers += self.simulation.child_memory(&saving.population, progress) + saving.left_over;
            demand.cow = Bytes::from_f64(self.copied_bytes(server, at));
            if saving.writes_file {
                let keeps = layout.rdb_cache == RdbCache::Kept || self.is_for_replica_by_disk(saving);
                let kept = if keeps { saving.file_bytes * progress } else { 0.0 };
                cache += kept;
                demand.pinned_cache = Bytes::from_f64(match machine.container {
                    // What stays of the rest is in the container's margin.
                    Some(_) => container::index_bytes(kept),
                    None => child::UNWRITTEN_CACHE.min(saving.file_bytes),
                });
                demand.aof_buffer = Bytes::from_f64(saving.aof_buffer);
            }
        }
        if let Some(sync) = link.as_ref().and_then(Link::sync).filter(|sync| !sync.loads_at_once) {
            cache += sync.file_bytes * sync.progress(at);
        }
        let (backlog, waiting) = self.replica_buffers(server, at);
        let cost = |buffered: f64| buffered * self.simulation.buffer_cost();
        demand.backlog = Bytes::from_f64(cost(backlog));
        demand.resident = Bytes::from_f64(resident);
        demand.page_tables = Bytes::from_f64(page_tables);
        demand.buffers = Bytes::from_f64(buffers + cost(waiting) + self.held_back(server, at));
        demand.cache = Bytes::from_f64(cache);
        demand
    }

    /// A file that a replica waits for is kept in the page cache on purpose.
    /// Source: `replication.c`, `RDBFLAGS_KEEP_CACHE`, Redis from 7.2 and Valkey.
    fn is_for_replica_by_disk(&self, child: &Child) -> bool {
        child.cause == Cause::FullSync && self.host().replication.sync == SyncMethod::Disk
    }

    /// The memory that a host asks for at `at`, not before the last settlement.
    pub(super) fn demand(&self, host: usize, at: SimTime) -> Demand {
        let reserved = Demand {
            reserved: Bytes::from_f64(self.drawn.reserved + self.simulation.kernel_memory()),
            ..Demand::default()
        };
        if self.host().tenancy == Tenancy::ALONE {
            return reserved + self.demand_of(host, at);
        }
        self.tenants(host).map(|server| self.demand_of(server, at)).fold(reserved, |sum, demand| sum + demand)
    }

    /// The ledger of a host at `at`, not before the last settlement.
    pub(super) fn ledger(&self, host: usize, at: SimTime) -> Ledger {
        let simulation = self.simulation;
        self.demand(host, at).granted(simulation.memory(), simulation.capacity(), self.host().machine.swap)
    }

    /// How it is on a host at `at`, for an observer.
    pub(super) fn sample(&self, host: usize, at: SimTime) -> Sample {
        let writes = |server: usize| {
            let is_served = self.follows(server) && self.accepts_writes(self.shard_of(server));
            if is_served { self.load.writes_per_second(at) } else { 0.0 }
        };
        Sample { ledger: self.ledger(host, at), writes_per_second: self.tenants(host).map(writes).sum() }
    }
}

/// Data that a replica holds while its snapshot arrives \[bytes\].
fn arriving(sync: &FullSync, at: SimTime) -> f64 {
    let loaded = if sync.loads_at_once { sync.bytes * sync.progress(at) } else { 0.0 };
    sync.request.holds + loaded
}

/// Data that a replica holds while it loads a file: the old data goes as the load begins \[bytes\].
fn loading(sync: &FullSync, from: SimTime, until: SimTime, at: SimTime) -> f64 {
    if at <= from && from < until { arriving(sync, at) } else { sync.bytes * progress(from, until, at) }
}
