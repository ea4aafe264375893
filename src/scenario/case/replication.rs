//! Replication: the replicas, their links, and what is kept for them.

use super::super::reading::{Derived, Group, Readings};
use super::super::value::Value;
use crate::memory::replication::{BufferLimit, ReplicaBuffers};
use crate::model::Uncertain;
use crate::model::host::{ReplicaLoad, Replication, SyncMethod};
use crate::units::Bytes;

/// `repl-backlog-size` of Redis where nothing is set. Source: `config.c`, Redis 5.0 to 8.0.
const REDIS_BACKLOG: Bytes = Bytes::mib(1);

/// The backlog of a Redis engine, where it is not given.
pub fn derive_backlog(readings: &mut Readings) {
    let is_redis = readings.once("server").text("engine").is_some_and(|engine| engine.starts_with("redis-"));
    let Some(replication) = readings.once_mut("replication") else { return };
    if is_redis && !replication.mentions("repl-backlog-size") {
        let derived = Derived {
            value: Value::Quantity(Uncertain::certain(REDIS_BACKLOG.as_f64())),
            text: format!("\"{REDIS_BACKLOG}\""),
            how: "the default of Redis".to_owned(),
        };
        replication.derive("repl-backlog-size", derived);
    }
}

/// The replication of a scenario in which nothing is wrong; backups that pose as replicas are held to it too.
pub fn replication_of(replication: &Group) -> Replication {
    Replication {
        replicas: u32::try_from(replication.whole("replicas")).unwrap_or(u32::MAX),
        backlog: replication.bytes("repl-backlog-size"),
        limit: limit_of(replication),
        buffers: match replication.text("buffers") {
            Some("private") => ReplicaBuffers::Private,
            _ => ReplicaBuffers::Shared,
        },
        sync: match replication.text("sync") {
            Some("disk") => SyncMethod::Disk,
            Some("dual-channel") => SyncMethod::DualChannel,
            _ => SyncMethod::Diskless,
        },
        load: match replication.text("repl-diskless-load") {
            Some("on-empty-db") => ReplicaLoad::OnEmptyDb,
            Some("swapdb") => ReplicaLoad::SwapDb,
            _ => ReplicaLoad::Disabled,
        },
        delay: replication.duration("repl-diskless-sync-delay"),
        throughput: replication.uncertain("throughput"),
        link_losses_per_day: replication.number("link-losses-per-day"),
        outage: replication.uncertain("link-outage"),
        failover: (!replication.is_word("failover-after")).then(|| replication.duration("failover-after")),
    }
}

fn limit_of(replication: &Group) -> BufferLimit {
    match replication.value("client-output-buffer-limit-replica") {
        Some(Value::BufferLimit(limit)) => *limit,
        _ => BufferLimit { hard: f64::INFINITY, soft: f64::INFINITY, soft_seconds: 0.0 },
    }
}
