//! The state of a shard and its hosts: the servers, and the data that their primaries hold.
//!
//! Between events everything follows from the state and the clock, so nothing is computed until somebody
//! looks. What accrues with the load is settled when the state changes: `State::settle` comes before every change
//! that the load can feel. Servers are numbered shard by shard, the first primary before its replicas; the n-th of each
//! shard is on the n-th host.

use smallvec::SmallVec;

use crate::memory::{Exposure, Exposures, Population, Spread};
use crate::model::host::{Host, MaxmemoryPolicy};
use crate::model::load::{Load, net_keys};
use crate::model::outcome::Cause;
use crate::model::server::{Child, Link, Phase, RunningBackup, Server};
use crate::model::simulation::Simulation;
use crate::model::tilt::BadSave;
use crate::model::writing::Writing;
use crate::units::{SimDuration, SimTime};

/// What the unknowns of a host turned out to be in one replication; the hosts of a shard are alike.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// Memory of the kernel and other processes \[bytes\].
    pub reserved: f64,
    /// Resident set over `used_memory`.
    pub fragmentation_ratio: f64,
    /// Client buffers \[bytes\].
    pub client_memory: f64,
    /// What a child writes, and how fast.
    pub writing: Writing,
    /// `used_memory` reloaded a second [bytes/s].
    pub load_throughput: f64,
    /// Commands of the append-only file replayed a second [1/s].
    pub aof_replay_rate: f64,
    /// What the link to a replica carries [bytes/s].
    pub link_throughput: f64,
    /// Growth beside what the load inserts [bytes/s].
    pub growth: f64,
    /// Copies over what the law says.
    pub law_error: f64,
    /// Where between the shortest and the longest pause a page a fork holds the server, in [0, 1].
    pub fork_pause: f64,
    /// Popularity of each keyspace.
    pub spreads: Vec<Spread>,
    /// The save that is tilted towards trouble.
    pub bad_save: Option<BadSave>,
}

/// The state of a shard, or of the shards of servers that share their hosts.
#[derive(Debug)]
pub struct State<'a> {
    pub(super) simulation: &'a Simulation,
    pub(super) drawn: &'a Drawn,
    /// Whether the data may grow at all: most hosts need not be asked at every look.
    pub(super) grows: bool,
    pub(super) load: Load<'a>,
    pub(super) shards: Vec<Shard>,
    pub(super) servers: Vec<Server>,
    pub(super) hosts: Vec<HostState>,
}

/// A primary, its replicas and their data as of the last settlement.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shard {
    /// Number of the server that is the primary.
    pub primary: usize,
    pub data: Data,
    /// Bytes written so far to the stream that replicas and the append-only file get.
    pub stream: f64,
    /// Changes so far, as `save` points count them.
    pub changes: f64,
    /// Since when nobody has served; `None` while the primary does.
    pub down_since: Option<SimTime>,
    /// Since when the primary has served.
    pub served_since: SimTime,
    /// When a replica will be promoted in place of the dead primary.
    pub promotion_at: Option<SimTime>,
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

/// What is wrong with a host just now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct HostState {
    /// The stall that it is in.
    pub stall: Option<Stall>,
    /// The kernel swaps its servers out.
    pub is_swapping: bool,
}

/// A host that has run out of memory and gets nowhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stall {
    pub since: SimTime,
    /// What had forked.
    pub cause: Cause,
    /// Whether it ends with a kill, or with the child that asked for too much (`memory.high`).
    pub kills: bool,
}

/// What the load asked for beyond `maxmemory` since the last settlement.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Overflow {
    /// Keys refused.
    pub refused: f64,
    /// Keys evicted.
    pub evicted: f64,
}

/// Growth since the last settlement, before `maxmemory` has its say.
struct Growth {
    /// New keys of each keyspace, less those that went.
    keys: SmallVec<[f64; 2]>,
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

    /// Servers of a shard.
    pub(super) fn members(&self) -> usize {
        self.hosts.len()
    }

    /// The host that a server is on.
    pub(super) fn host_of(&self, server: usize) -> usize {
        self.servers[server].host
    }

    /// The shard that a server belongs to.
    pub(super) fn shard_of(&self, server: usize) -> usize {
        self.servers[server].shard
    }

    /// The servers on a host.
    pub(super) fn tenants(&self, host: usize) -> impl Iterator<Item = usize> + use<> {
        let members = self.members();
        (0..self.shards.len()).map(move |shard| shard * members + host)
    }

    /// The servers of a shard.
    pub(super) fn servers_of(&self, shard: usize) -> std::ops::Range<usize> {
        shard * self.members()..(shard + 1) * self.members()
    }

    /// The data that a server holds or follows.
    pub(super) fn data_of(&self, server: usize) -> &Data {
        &self.shards[self.shard_of(server)].data
    }

    /// Whether the load reaches the data of a shard: its primary serves, its last save did not fail, and its host gets
    /// on.
    pub(super) fn accepts_writes(&self, shard: usize) -> bool {
        let primary = self.shards[shard].primary;
        self.servers[primary].phase == Phase::Serving
            && !self.refuses_writes(primary)
            && self.hosts[self.host_of(primary)].stall.is_none()
    }

    /// `stop-writes-on-bgsave-error yes` (the default) with at least one `save` point: after a failed save every
    /// write is answered with `-MISCONF` until a save succeeds. Source: `server.c`, Redis 7.0 and Valkey 8.0.
    pub(super) fn refuses_writes(&self, server: usize) -> bool {
        let persistence = &self.host().persistence;
        !self.servers[server].snapshot.is_last_ok
            && !persistence.save_points.is_empty()
            && persistence.stop_writes_on_bgsave_error
    }

    /// Whether a server's memory changes with the load of its shard: it is up, and the primary or in sync with it.
    pub(super) fn follows(&self, server: usize) -> bool {
        let server = &self.servers[server];
        server.phase == Phase::Serving && server.link.is_none_or(|link| link.has_data())
    }

    fn growth(&self, data: &Data, until: SimTime, exposures: &[Exposure]) -> Growth {
        let heap = self.simulation.heap();
        let beside = self.drawn.growth * until.since(data.settled_at).as_secs_f64();
        let kinds = self.simulation.shares().iter().enumerate();
        let of_load = net_keys(exposures);
        let keys: SmallVec<[f64; 2]> = kinds
            .zip(of_load)
            .map(|((kind, share), keys)| keys + beside * share / heap.key_bytes(kind))
            .collect();
        let bytes = keys.iter().enumerate().map(|(kind, keys)| keys * heap.key_bytes(kind)).sum::<f64>();
        Growth { overflow: (data.bytes + bytes - data.limit).clamp(0.0, bytes.max(0.0)), keys, bytes }
    }

    /// `used_memory` of the data of a shard at `at` \[bytes\].
    pub(super) fn data_bytes(&self, shard: usize, at: SimTime) -> f64 {
        let data = &self.shards[shard].data;
        if !self.grows || !self.accepts_writes(shard) {
            return data.bytes;
        }
        let growth = self.growth(data, at, &self.load.exposures(&self.load.span(data.settled_at, at)));
        data.bytes + growth.bytes - growth.overflow
    }

    /// Where the stream of a shard has got to at `at`, not before the last settlement \[bytes\].
    pub(super) fn position(&self, shard: usize, at: SimTime) -> f64 {
        let Shard { data, stream, .. } = &self.shards[shard];
        if !self.accepts_writes(shard) {
            return *stream;
        }
        stream + self.load.amount(&self.load.appended, data.settled_at, at)
    }

    /// When `amount` more bytes of the stream have come since `from`; `None` if not before `until`.
    pub(super) fn streamed(
        &self,
        shard: usize,
        from: SimTime,
        amount: f64,
        until: SimTime,
    ) -> Option<SimTime> {
        if amount <= 0.0 {
            return Some(from);
        }
        if !self.accepts_writes(shard) || until <= from {
            return None;
        }
        self.load.time_when(&self.load.appended, from, amount, until)
    }

    /// What the load and evictions have done to the keys of a shard since the last settlement; nothing where it does
    /// not reach them.
    pub(super) fn exposures(&self, shard: usize, at: SimTime) -> Exposures {
        let data = &self.shards[shard].data;
        let mut exposures = self.load.exposures(&self.load.span(data.settled_at, at));
        if self.grows {
            let growth = self.growth(data, at, &exposures);
            self.evict(data, growth.overflow, &mut exposures);
        }
        exposures
    }

    /// Adds the deletions that make room for `overflow` bytes to what was done to the keys; returns how many they are.
    fn evict(&self, data: &Data, overflow: f64, exposures: &mut [Exposure]) -> f64 {
        if overflow <= 0.0 {
            return 0.0;
        }
        let heap = self.simulation.heap();
        let keys = data.population.keys.iter().zip(self.evictable()).map(|(keys, can)| keys * can);
        let total: f64 = keys.clone().enumerate().map(|(kind, keys)| keys * heap.key_bytes(kind)).sum();
        if total <= 0.0 {
            return 0.0;
        }
        let evicted = keys.map(|keys| keys * overflow / total);
        exposures.iter_mut().zip(evicted.clone()).for_each(|(exposure, keys)| exposure.random_delete += keys);
        evicted.sum()
    }

    /// For each keyspace 1 where its keys may be evicted, else 0.
    fn evictable(&self) -> impl Iterator<Item = f64> + Clone {
        let policy = self.host().server.maxmemory_policy;
        let keyspaces = self.host().dataset.keyspaces.iter();
        keyspaces.map(move |keyspace| match policy {
            MaxmemoryPolicy::NoEviction => 0.0,
            MaxmemoryPolicy::AllKeys => 1.0,
            MaxmemoryPolicy::Volatile => f64::from(keyspace.has_ttl),
        })
    }

    fn kinds(&self) -> Vec<Kind> {
        let kind =
            |(kind, can)| Kind { bytes: self.simulation.heap().key_bytes(kind), is_evictable: can > 0.0 };
        self.evictable().enumerate().map(kind).collect()
    }

    /// Carries the data of a shard, its stream and what its children are copied for forward to `now`.
    pub(super) fn settle(&mut self, shard: usize, now: SimTime) -> Overflow {
        let overflow = if self.accepts_writes(shard) { self.accrue(shard, now) } else { Overflow::default() };
        self.shards[shard].data.settled_at = now;
        overflow
    }

    fn accrue(&mut self, shard: usize, now: SimTime) -> Overflow {
        let settled_at = self.shards[shard].data.settled_at;
        self.shards[shard].changes += self.load.amount(&self.load.changes, settled_at, now);
        self.shards[shard].stream += self.load.amount(&self.load.appended, settled_at, now);
        let has_child = |server: usize| self.follows(server) && self.servers[server].child.is_some();
        if !self.grows && !self.servers_of(shard).any(has_child) {
            return Overflow::default();
        }
        let data = &self.shards[shard].data;
        let mut exposures = self.load.exposures(&self.load.span(settled_at, now));
        let growth = self.grows.then(|| self.growth(data, now, &exposures));
        let overflow = growth.as_ref().map_or(0.0, |growth| growth.overflow);
        let evicted = self.evict(data, overflow, &mut exposures);
        for server in self.servers_of(shard) {
            if self.follows(server)
                && let Some(child) = &mut self.servers[server].child
            {
                child.add(&exposures);
            }
        }
        growth.map_or(Overflow::default(), |growth| self.grow(shard, &growth, evicted))
    }

    /// Adds to the data of a shard what `maxmemory` accepts of its growth, for which so many keys were evicted.
    fn grow(&mut self, shard: usize, growth: &Growth, evicted: f64) -> Overflow {
        let accepted = if growth.bytes > 0.0 { 1.0 - growth.overflow / growth.bytes } else { 0.0 };
        let kinds = self.kinds();
        let data = &mut self.shards[shard].data;
        data.bytes += growth.bytes - growth.overflow;
        let keys = &mut data.population.keys;
        keys.iter_mut().zip(&growth.keys).for_each(|(keys, added)| *keys += added * accepted);
        if kinds.iter().any(|kind| kind.is_evictable) {
            replace_keys(keys, &kinds, &growth.keys, growth.overflow);
            return Overflow { refused: 0.0, evicted };
        }
        Overflow { refused: growth.overflow_keys(), evicted: 0.0 }
    }

    /// Changes of a shard so far.
    pub(super) fn changes(&self, shard: usize, at: SimTime) -> f64 {
        let Shard { data, changes, .. } = &self.shards[shard];
        if !self.accepts_writes(shard) {
            return *changes;
        }
        changes + self.load.amount(&self.load.changes, data.settled_at, at)
    }

    /// Size of a server's append-only file at `at` \[bytes\].
    pub(super) fn aof_bytes(&self, server: usize, at: SimTime) -> f64 {
        let aof = &self.servers[server].aof;
        aof.base_bytes + self.position(self.shard_of(server), at) - aof.from
    }

    /// From where on each that a server sends a snapshot to still needs its stream.
    pub(super) fn positions_needed(&self, server: usize) -> impl Iterator<Item = f64> {
        let of_replicas =
            self.replicas_of(server).filter_map(|replica| self.servers[replica].link.as_ref()?.sync());
        let of_backup = match self.servers[server].backup {
            Some(RunningBackup::Sync { position }) => Some(position),
            Some(RunningBackup::Forkless) | None => None,
        };
        of_replicas.map(|sync| sync.position).chain(of_backup)
    }

    /// The replicas of a server; none where it is one itself.
    pub(super) fn replicas_of(&self, server: usize) -> impl Iterator<Item = usize> + use<> {
        let is_source = self.servers[server].link.is_none();
        self.servers_of(self.shard_of(server)).filter(move |&other| is_source && other != server)
    }

    /// Holds up what the servers of a host were doing.
    pub(super) fn hold_up(&mut self, host: usize, now: SimTime, pause: SimDuration) {
        for server in self.tenants(host) {
            if let Some(child) = &mut self.servers[server].child {
                child.pace = child.pace.held_up(now, pause);
            }
        }
    }

    /// A replica of a shard that could take its primary's place: up, and in sync.
    pub(super) fn successor(&self, shard: usize) -> Option<usize> {
        self.servers_of(shard).find(|&server| {
            self.servers[server].phase == Phase::Serving && self.servers[server].link == Some(Link::Online)
        })
    }
}

impl Child {
    /// Adds what was done to the keys.
    fn add(&mut self, exposures: &[Exposure]) {
        if self.exposures.is_empty() {
            self.exposures.extend_from_slice(exposures);
        } else {
            let so_far = self.exposures.iter_mut().zip(exposures);
            so_far.for_each(|(total, added)| *total = total.plus(added));
        }
    }
}

/// What eviction looks at in the keys of a keyspace.
#[derive(Clone, Copy, Debug)]
struct Kind {
    /// Bytes of a key.
    bytes: f64,
    is_evictable: bool,
}

/// Evicts keys, each that may be alike, for `overflow` bytes of new ones in the proportions of `added`: their bytes
/// stay the same.
///
/// ```text
/// k(s) = k e^(−s) + a B (1 − e^(−s))      s = overflow/B evictions a key, B their bytes, a the new keys in a byte
/// ```
fn replace_keys(keys: &mut [f64], kinds: &[Kind], added: &[f64], overflow: f64) {
    let bytes = |of: &[f64], counts: fn(&Kind) -> bool| -> f64 {
        let counted = of.iter().zip(kinds).filter(|(_, kind)| counts(kind));
        counted.map(|(keys, kind)| keys * kind.bytes).sum()
    };
    let (total, all_added) = (bytes(keys, |kind| kind.is_evictable), bytes(added, |_| true));
    if overflow <= 0.0 || total <= 0.0 || all_added <= 0.0 {
        return;
    }
    let kept = (-overflow / total).exp();
    for ((keys, added), kind) in keys.iter_mut().zip(added).zip(kinds) {
        if kind.is_evictable {
            *keys *= kept;
        }
        *keys += total * added / all_added * (1.0 - kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(bytes: [f64; 2], is_evictable: [bool; 2]) -> Vec<Kind> {
        let kinds = bytes.into_iter().zip(is_evictable);
        kinds.map(|(bytes, is_evictable)| Kind { bytes, is_evictable }).collect()
    }

    #[test]
    fn eviction_keeps_the_number_of_keys_alike_and_never_takes_more_than_there_are() {
        let alike = kinds([1.0, 1.0], [true, true]);
        let mut keys = [6.0, 13_000.0];
        replace_keys(&mut keys, &alike, &[0.0, 500.0], 4_000_000.0);
        assert!(keys[0] >= 0.0 && keys[0] < 1e-6 && (keys[1] - 13_006.0).abs() < 1e-6, "{keys:?}");
        let mut keys = [50.0, 50.0];
        replace_keys(&mut keys, &alike, &[3.0, 1.0], 1e9);
        assert!((keys[0] - 75.0).abs() < 1e-9 && (keys[1] - 25.0).abs() < 1e-9, "{keys:?}");
    }

    #[test]
    fn large_keys_that_come_for_small_ones_are_fewer() {
        let mut keys = [1_000.0, 0.0];
        replace_keys(&mut keys, &kinds([100.0, 1_000.0], [true, true]), &[0.0, 1.0], 1e9);
        assert!(keys[0] < 1e-6 && (keys[1] - 100.0).abs() < 1e-6, "{keys:?}");
    }

    #[test]
    fn keys_without_a_ttl_stay_under_a_volatile_policy() {
        let mut keys = [50.0, 50.0];
        replace_keys(&mut keys, &kinds([1.0, 1.0], [false, true]), &[1.0, 1.0], 20.0);
        assert!(keys[0] > 50.0 && (keys[0] + keys[1] - 100.0).abs() < 1e-9, "{keys:?}");
    }
}
