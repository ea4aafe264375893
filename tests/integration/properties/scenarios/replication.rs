//! Generated shards: replicas, their links, full syncs and buffers, and backups, by whatever the engine can.

use proptest::prelude::*;
use proptest::sample::select;

/// Replication and the scheduled backup of a shard: of a lone server up to five replicas.
pub(super) fn shard(engine: &'static str) -> impl Strategy<Value = String> {
    (0..6u32)
        .prop_flat_map(move |replicas| (replication(engine, replicas), backup(engine, replicas > 0)))
        .prop_map(|(replication, backup)| replication + &backup)
}

/// No backlog is larger than what is left of the smallest `maxmemory` that is generated.
fn replication(engine: &str, replicas: u32) -> impl Strategy<Value = String> {
    let sync = if engine.starts_with("valkey") {
        select(vec!["disk", "diskless", "dual-channel"])
    } else {
        select(vec!["disk", "diskless"])
    };
    let how = (sync, select(vec!["disabled", "on-empty-db", "swapdb"]), 0..10u32);
    let limits = select(vec!["64kb 0 0", "1mb 256kb 10", "256mb 64mb 60", "4gb 1gb 60", "0 0 0", "0 16mb 5"]);
    let buffers =
        (select(vec!["16 KiB", "1 MiB", "10 MiB", "30 MiB"]), limits, select(vec!["shared", "private"]));
    let losses = prop_oneof![Just(0.0), 0.1..10.0f64, 10.0..300.0f64];
    let links = (losses, 1..3_600u64, 1..200u64, select(vec!["none", "0s", "15s", "10m"]));
    (how, buffers, links).prop_map(
        move |((sync, load, delay), (backlog, limit, shared), (losses, outage, link, failover))| {
            format!(
                "[replication]\nreplicas = {replicas}\nrepl-backlog-size = \"{backlog}\"\n\
                 client-output-buffer-limit-replica = \"{limit}\"\nbuffers = \"{shared}\"\nsync = \"{sync}\"\n\
                 repl-diskless-sync-delay = \"{delay}s\"\nrepl-diskless-load = \"{load}\"\n\
                 throughput = {{ low = \"1 MiB/s\", likely = \"{link} MiB/s\", high = \"1 GiB/s\" }}\n\
                 link-losses-per-day = {losses:.2}\n\
                 link-outage = {{ low = \"0.1s\", likely = \"{outage}s\", high = \"2h\" }}\n\
                 failover-after = \"{failover}\"\n\n"
            )
        },
    )
}

fn backup(engine: &str, has_replicas: bool) -> impl Strategy<Value = String> {
    let method = if engine == "valkey-9.2" {
        select(vec!["bgsave", "sync", "forkless"])
    } else {
        select(vec!["bgsave", "sync", "none"])
    };
    let host = if has_replicas { select(vec!["primary", "replica"]) } else { select(vec!["primary"]) };
    let order = select(vec!["simultaneous", "staggered", "serialised"]);
    (super::backup_every("4h"), method, host, order).prop_map(|(backup, method, host, order)| {
        let times = backup.trim_end();
        format!("{times}\nmethod = \"{method}\"\nhost = \"{host}\"\norder = \"{order}\"\n\n")
    })
}
