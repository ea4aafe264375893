//! What one simulated host is: the inputs of a cell, resolved and checked by `scenario`.
//!
//! Plain values without invariants of their own: `scenario` is the only way in, and refuses what cannot be.

mod pace;
mod recorded_day;
mod replication;

use crate::memory::oom::{KillRule, OomPolicy};
use crate::memory::overcommit::Overcommit;
use crate::memory::{Allocator, HugePages, LayoutProfile, Popularity, child};
use crate::model::Uncertain;
use crate::model::simulation::kind;
use crate::units::{Bytes, SimDuration};

pub use crate::model::bursts::Burst;
pub use pace::{SavePace, SaveSpeed};
pub use recorded_day::RecordedDay;
pub use replication::{ReplicaLoad, Replication, SyncMethod};

/// A host, its server, its data and its load; the replicas of the server are on hosts alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    /// The machine.
    pub machine: Machine,
    /// The server on it.
    pub server: Server,
    /// How many such servers share the machine, each with data and load of its own.
    pub tenancy: Tenancy,
    /// What the server holds.
    pub dataset: Dataset,
    /// How the load varies.
    pub traffic: Traffic,
    /// What forks by itself to keep the data.
    pub persistence: Persistence,
    /// How long a child lives.
    pub save: SavePace,
    /// Whether the law of copies is as far off as it was on measured saves, drawn once a replication, or exact.
    pub law_error: LawErrors,
    /// The scheduled backup; `None` where there is none.
    pub backup: Option<Backup>,
    /// The replicas of each server, and what backups that pose as replicas are held to.
    pub replication: Replication,
    /// How long a replication lasts.
    pub horizon: SimDuration,
}

impl Host {
    /// The same host with every input that is drawn once a replication at its likely value. What is drawn within one,
    /// for each save, lost link or hour, is left as it is.
    #[must_use]
    pub fn at_likely(&self) -> Self {
        let mut host = self.clone();
        let once = [
            &mut host.machine.reserved,
            &mut host.server.fragmentation_ratio,
            &mut host.server.client_memory,
            &mut host.server.load_throughput,
            &mut host.server.aof_replay_rate,
            &mut host.replication.throughput,
            &mut host.dataset.growth_per_day,
        ];
        once.into_iter().chain(host.save.speed.intervals_mut()).for_each(Uncertain::settle);
        for keyspace in &mut host.dataset.keyspaces {
            let (WriteRate::Total(rate) | WriteRate::PerKey(rate)) = &mut keyspace.write_rate;
            rate.settle();
            keyspace.compressed_to.settle();
            keyspace.popularity.high = keyspace.popularity.likely;
        }
        host.traffic.jobs.iter_mut().for_each(|job| job.writes_per_second.settle());
        host.law_error = LawErrors::None;
        host
    }

    /// Whether memory depends on how far the values of `keyspace` compress: the child tries to, and how long it lives,
    /// when an append-only file is rewritten or how long a link carries a snapshot follows from its file.
    pub fn file_size_matters(&self, keyspace: &Keyspace) -> bool {
        let is_sent = self.replication.replicas > 0
            || self.backup.is_some_and(|backup| backup.method == BackupMethod::Sync);
        let is_waited_for = matches!(self.save.speed, SaveSpeed::Parts { .. });
        self.persistence.rdb_compression
            && child::compresses(kind(keyspace).value)
            && (is_waited_for || self.persistence.aof.is_some() || is_sent)
    }
}

/// The machine: memory and kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct Machine {
    /// Memory the kernel manages (`MemTotal`).
    pub ram: Bytes,
    /// What the kernel and other processes really use \[bytes\], drawn once a replication.
    pub reserved: Uncertain,
    /// Size of a base page.
    pub page_size: Bytes,
    /// What the kernel does with the huge pages that the server lies on; `None` where it lies on base pages.
    pub huge_pages: Option<HugePages>,
    /// The container around the servers; `None` where they have the whole machine.
    pub container: Option<Container>,
    /// When the kernel refuses a fork.
    pub overcommit: Overcommit,
    /// Version of the kernel.
    pub kernel: (u32, u32),
    /// Whom the OOM killer takes.
    pub kill_rule: KillRule,
    /// Swap space.
    pub swap: Bytes,
}

/// A memory control group around the servers of a machine: what counts is its limit, not the RAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Container {
    /// `memory.max`, or `memory.limit_in_bytes` of version 1.
    pub limit: Bytes,
    /// `memory.high`: beyond it whoever asks for memory is slowed; `None` where it is not set.
    pub high: Option<Bytes>,
    /// `memory.oom.group`: a kill takes every process of the group.
    pub kills_group: bool,
}

/// Several servers on one machine, all alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tenancy {
    /// How many there are, at least 1.
    pub servers: u32,
    /// How their scheduled backups lie to each other.
    pub backups: Stagger,
}

impl Tenancy {
    /// One server.
    pub const ALONE: Self = Self { servers: 1, backups: Stagger::Simultaneous };
}

/// How the scheduled backups of the servers of a machine lie to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stagger {
    /// All at the same time.
    Simultaneous,
    /// Spread evenly over the time from one backup to the next.
    Staggered,
    /// One after the other: each begins when the one before has ended.
    Serialised,
}

/// The server's settings that decide memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// What it allocates for a key.
    pub layout: LayoutProfile,
    /// How its allocator was built.
    pub allocator: Allocator,
    /// The limit on `used_memory`; `None` for no limit.
    pub maxmemory: Option<Bytes>,
    /// What happens at the limit.
    pub maxmemory_policy: MaxmemoryPolicy,
    /// Whether the child offers itself to the OOM killer (`oom-score-adj yes`).
    pub oom_score_adj: bool,
    /// Resident set over `used_memory`, drawn once a replication; surplus pages are never written. Below 1 where some
    /// of what the allocator handed out was never touched.
    pub fragmentation_ratio: Uncertain,
    /// Client buffers \[bytes\], drawn once a replication; they count in `used_memory`.
    pub client_memory: Uncertain,
    /// Speed of a reload, in `used_memory` [bytes/s], drawn once a replication.
    pub load_throughput: Uncertain,
    /// Commands of the append-only file replayed a second at a reload [1/s], drawn once a replication.
    pub aof_replay_rate: Uncertain,
    /// From the death of the server to the start of the next one, the first time in a row.
    pub restart_delay: SimDuration,
    /// The longest such delay: it doubles with each restart in a row. What is below the first delay leaves it as it is.
    pub restart_delay_max: SimDuration,
    /// From the kill that shows a crash loop to the start by an operator \[s\], drawn once a crash loop.
    pub operator_arrives_after: Uncertain,
    /// What the supervisor does when the OOM killer takes a process of the server's.
    pub oom_policy: OomPolicy,
}

/// What the server does with a write at `maxmemory`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxmemoryPolicy {
    /// Refuses it. Of the load, only what would add keys is taken as refused: a real server at its limit refuses
    /// overwrites too until something is deleted. So copies and the append-only file are overstated, never
    /// understated.
    NoEviction,
    /// Deletes another key, taken as any key with equal chance (`allkeys-random`, and the measured
    /// behaviour of `allkeys-lru` within 12 %).
    AllKeys,
    /// The same among the keys that have a TTL; refuses the write where there are none.
    Volatile,
}

/// The data set.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// How much there is at time 0.
    pub fill: Fill,
    /// Growth of `used_memory` beside what the load inserts [bytes/day], drawn once a replication.
    pub growth_per_day: Uncertain,
    /// The kinds of keys, at least one.
    pub keyspaces: Vec<Keyspace>,
}

/// How much data there is at time 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fill {
    /// This share of `maxmemory`, divided over the keyspaces by their `share_of_bytes`.
    Maxmemory(f64),
    /// What the keyspaces' `keys` say, whatever `maxmemory` is.
    Keys,
}

/// Keys of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Keyspace {
    /// Its name in the scenario.
    pub name: String,
    /// How many there are.
    pub size: KeyspaceSize,
    /// Length of a key \[bytes\].
    pub key_size: u64,
    /// What the keys hold.
    pub content: Content,
    /// Bytes of a value in a file over its bytes in memory, where the child compresses it, drawn once a replication.
    pub compressed_to: Uncertain,
    /// Whether the keys have a TTL, and so an entry in the table of expiry times.
    pub has_ttl: bool,
    /// Mean write rate over the week, drawn once a replication.
    pub write_rate: WriteRate,
    /// What the writes are.
    pub operations: OperationMix,
    /// Which keys they go to: at the likely end, and at the high end, mixed with a weight drawn once a
    /// replication.
    pub popularity: UncertainPopularity,
}

/// What the keys of a keyspace hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Strings of so many bytes.
    Strings(u64),
    /// Integers, kept inside the object header.
    Integers,
    /// Hashes, each in one listpack.
    Hashes {
        /// Fields of a hash.
        fields: u64,
        /// Length of a field's name \[bytes\].
        name: u64,
        /// Length of a field's value \[bytes\].
        value: u64,
    },
}

/// The number of keys of a keyspace, or its part of a data set whose size is given otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum KeyspaceSize {
    /// This many keys; under [`Fill::Maxmemory`] only the proportions of the keyspaces' keys count.
    Keys(u64),
    /// This share of the bytes of the data set; the shares of a data set add up to 1.
    ShareOfBytes(f64),
}

/// A write rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WriteRate {
    /// So many writes a second, however much data there is [1/s].
    Total(Uncertain),
    /// So many writes a second for each key [1/s].
    PerKey(Uncertain),
}

/// Shares of the operations in a keyspace's writes; they add up to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OperationMix {
    /// Overwrites of an existing key with a value of the same size (`SET`).
    pub set: f64,
    /// Counters stepped in place (`INCR`).
    pub incr: f64,
    /// Fields of a hash set to a value of the same size (`HSET`).
    pub hset: f64,
    /// New keys.
    pub insert: f64,
    /// Deletions of existing keys.
    pub delete: f64,
}

/// What a job writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Overwrite with a value of the same size.
    Set,
    /// Step a counter in place.
    Incr,
    /// Set a field of a hash.
    Hset,
    /// Add a new key.
    Insert,
}

/// A popularity known only as an interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UncertainPopularity {
    /// The likely one.
    pub likely: Popularity,
    /// The one at the far end; the same where the popularity is known.
    pub high: Popularity,
}

/// How the load varies over time, the same for every keyspace; jobs come on top.
#[derive(Clone, Debug, PartialEq)]
pub struct Traffic {
    /// The shape of the mean.
    pub shape: Shape,
    /// Standard deviation of the logarithm, from day to day.
    pub noise_day: f64,
    /// The same from hour to hour.
    pub noise_hour: f64,
    /// The same from minute to minute.
    pub noise_minute: f64,
    /// Correlation of the noise of one hour with that of the next, from 0 to below 1.
    pub hour_correlation: f64,
    /// Bursts that nobody scheduled; `None` where there are none.
    pub burst: Option<Burst>,
    /// The most the server can take in all [1/s].
    pub max_writes_per_second: f64,
    /// Scheduled bursts.
    pub jobs: Vec<Job>,
}

/// The shape of the mean load; its factors average 1 over the week or the trace.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// 168 hourly factors, Monday 00:00 UTC first.
    Hourly(Vec<f64>),
    /// Recorded whole days; every simulated day repeats one of them, drawn at random.
    Trace(Vec<RecordedDay>),
}

/// A scheduled burst of writes, every day.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Time of day at which it may start.
    pub at: SimDuration,
    /// It starts at a uniform time within this span after `at`.
    pub jitter: SimDuration,
    /// How long it runs.
    pub duration: SimDuration,
    /// How much it writes [1/s], drawn once a replication.
    pub writes_per_second: Uncertain,
    /// What it writes.
    pub operation: Operation,
    /// Which keyspace it writes to: an index into [`Dataset::keyspaces`].
    pub keyspace: usize,
}

/// What makes the server fork to keep its data.
#[derive(Clone, Debug, PartialEq)]
pub struct Persistence {
    /// The rewrite trigger of the append-only file; `None` with `appendonly no`.
    pub aof: Option<AofRewrite>,
    /// The `save` points.
    pub save_points: Vec<SavePoint>,
    /// Whether a child compresses strings (`rdbcompression`).
    pub rdb_compression: bool,
    /// Whether a server refuses writes after a failed save, as long as it has `save` points
    /// (`stop-writes-on-bgsave-error`).
    pub stop_writes_on_bgsave_error: bool,
    /// Whether a replica goes on after a failed save instead of aborting at the next write of its primary
    /// (`replica-ignore-disk-write-errors`).
    pub replica_ignore_disk_write_errors: bool,
}

/// When the append-only file is rewritten.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AofRewrite {
    /// Growth over the size after the last rewrite (`auto-aof-rewrite-percentage`) [%].
    pub percentage: f64,
    /// Smaller files are left alone (`auto-aof-rewrite-min-size`).
    pub min_size: Bytes,
}

/// Save after `seconds` if at least `changes` keys changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavePoint {
    /// Time since the last successful save.
    pub seconds: u64,
    /// Changes since then.
    pub changes: u64,
}

/// How far off the law of copies is taken to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LawErrors {
    /// As far as on measured saves of the engine and the load.
    Measured,
    /// Not at all.
    None,
}

/// The scheduled backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Time of day of the first one.
    pub at: SimDuration,
    /// Each starts at a uniform time within this span after its hour.
    pub jitter: SimDuration,
    /// From one to the next.
    pub every: SimDuration,
    /// How it is made.
    pub method: BackupMethod,
    /// Who makes it.
    pub source: BackupSource,
}

/// How a backup is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackupMethod {
    /// `BGSAVE`: a fork that writes a file.
    Bgsave,
    /// A full sync by a client that poses as a replica and takes the stream too, as backup tools do: a fork, and the
    /// stream waits in the server while the client writes the snapshot.
    Sync,
    /// Valkey 9.2's save without a fork.
    Forkless,
}

/// Whose server makes the backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackupSource {
    /// The primary.
    Primary,
    /// The first replica that is in sync.
    Replica,
}
