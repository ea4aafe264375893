//! A host for the tests: 16 GiB, three quarters of it full of 512-byte values, a backup a day.

use crate::memory::layout::profiles::redis_7_0;
use crate::memory::oom::{KillRule, OomPolicy};
use crate::memory::overcommit::Overcommit;
use crate::memory::replication::{BufferLimit, ReplicaBuffers};
use crate::memory::{Allocator, Popularity};
use crate::model::Uncertain;
use crate::model::host::*;
use crate::units::{Bytes, SimDuration};

/// The host, under `writes_per_second` uniform overwrites.
pub(crate) fn host(writes_per_second: f64) -> Host {
    Host {
        machine: Machine {
            ram: Bytes::gib(16),
            reserved: Uncertain::certain(Bytes::gib(1).as_f64()),
            page_size: Bytes::kib(4),
            huge_pages: None,
            container: None,
            overcommit: Overcommit::Heuristic,
            kernel: (6, 1),
            kill_rule: KillRule::LargestProcess,
            swap: Bytes::ZERO,
        },
        server: Server {
            layout: redis_7_0(),
            allocator: Allocator::System,
            maxmemory: Some(Bytes::gib(12)),
            maxmemory_policy: MaxmemoryPolicy::NoEviction,
            oom_score_adj: false,
            fragmentation_ratio: Uncertain::certain(1.0),
            client_memory: Uncertain::certain(0.0),
            load_throughput: Uncertain::certain(Bytes::mib(100).as_f64()),
            aof_replay_rate: Uncertain::certain(500_000.0),
            restart_delay: SimDuration::SECOND,
            restart_delay_max: SimDuration(5 * SimDuration::MINUTE.0),
            operator_arrives_after: Uncertain::certain(4.0 * SimDuration::HOUR.as_secs_f64()),
            oom_policy: OomPolicy::Continue,
        },
        tenancy: Tenancy::ALONE,
        replication: no_replicas(),
        dataset: Dataset {
            fill: Fill::Maxmemory(1.0),
            growth_per_day: Uncertain::certain(0.0),
            keyspaces: vec![keyspace(writes_per_second)],
        },
        traffic: Traffic {
            shape: Shape::Hourly(vec![1.0]),
            noise_day: 0.0,
            noise_hour: 0.0,
            noise_minute: 0.0,
            hour_correlation: 0.0,
            burst: None,
            max_writes_per_second: f64::INFINITY,
            jobs: Vec::new(),
        },
        persistence: Persistence {
            aof: None,
            save_points: Vec::new(),
            rdb_compression: true,
            stop_writes_on_bgsave_error: true,
            replica_ignore_disk_write_errors: false,
        },
        save: SavePace {
            speed: SaveSpeed::Throughput(Uncertain::certain(Bytes::mib(100).as_f64())),
            sigma: 0.0,
            slow_probability: 0.0,
            slow_factor: 1.0,
            slow_lasts: SimDuration::HOUR,
        },
        law_error: LawErrors::None,
        backup: Some(Backup {
            at: SimDuration::HOUR,
            jitter: SimDuration::ZERO,
            every: SimDuration::DAY,
            method: BackupMethod::Bgsave,
            source: BackupSource::Primary,
        }),
        horizon: SimDuration(7 * SimDuration::DAY.0),
    }
}

/// No replicas, and the defaults of valkey.conf for those that a test adds: links that never break, of 110 MiB/s.
fn no_replicas() -> Replication {
    Replication {
        replicas: 0,
        backlog: Bytes::mib(10),
        limit: BufferLimit::default(),
        buffers: ReplicaBuffers::Shared,
        sync: SyncMethod::Diskless,
        load: ReplicaLoad::Disabled,
        delay: SimDuration::from_secs(5),
        throughput: Uncertain::certain(Bytes::mib(110).as_f64()),
        link_losses_per_day: 0.0,
        outage: Uncertain::certain(10.0),
        failover: Some(SimDuration::from_secs(15)),
    }
}

/// Strings of 512 bytes under uniform overwrites.
pub(crate) fn keyspace(writes_per_second: f64) -> Keyspace {
    Keyspace {
        name: "sessions".into(),
        size: KeyspaceSize::ShareOfBytes(1.0),
        key_size: 16,
        content: Content::Strings(512),
        compressed_to: Uncertain::certain(1.0),
        has_ttl: false,
        write_rate: WriteRate::Total(Uncertain::certain(writes_per_second)),
        operations: OperationMix { set: 1.0, incr: 0.0, hset: 0.0, insert: 0.0, delete: 0.0 },
        popularity: UncertainPopularity { likely: Popularity::Uniform, high: Popularity::Uniform },
    }
}
