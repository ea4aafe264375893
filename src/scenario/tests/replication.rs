//! Replication and backups: what they resolve to, and what is wrong with them.

use super::*;
use crate::memory::replication::{BufferLimit, ReplicaBuffers};
use crate::model::Uncertain;
use crate::model::host::{BackupMethod, BackupSource, Host, ReplicaLoad, SyncMethod};
use crate::units::{Bytes, SimDuration};

fn with(lines: &str) -> String {
    format!("{MINIMAL}\n{lines}\n")
}

fn host(text: &str) -> Host {
    read(text).unwrap_or_else(|report| panic!("{report}")).as_written().host.clone()
}

#[test]
fn every_setting_of_replication_reaches_the_host() {
    let given = host(&with(
        "[replication]\nreplicas = 3\nrepl-backlog-size = \"64 MiB\"\nbuffers = \"private\"\n\
         client-output-buffer-limit-replica = \"1gb 64m 30\"\nsync = \"dual-channel\"\n\
         repl-diskless-sync-delay = \"0s\"\nrepl-diskless-load = \"swapdb\"\nthroughput = \"1 GiB/s\"\n\
         link-losses-per-day = 9.4\nlink-outage = { low = \"30s\", likely = \"1m\" }\nfailover-after = \"none\"",
    ));
    let replication = given.replication;
    assert_eq!((replication.replicas, replication.backlog), (3, Bytes::mib(64)));
    let limit = BufferLimit { hard: Bytes::gib(1).as_f64(), soft: 64e6, soft_seconds: 30.0 };
    assert_eq!((replication.limit, replication.buffers), (limit, ReplicaBuffers::Private));
    assert_eq!((replication.sync, replication.load), (SyncMethod::DualChannel, ReplicaLoad::SwapDb));
    assert_eq!((replication.delay, replication.failover), (SimDuration::ZERO, None));
    assert_eq!(replication.throughput, Uncertain::certain(Bytes::gib(1).as_f64()));
    assert_eq!(replication.outage, Uncertain { low: 30.0, likely: 60.0, high: 60.0 });
    assert!((replication.link_losses_per_day - 9.4).abs() < 1e-12);
}

#[test]
fn a_limit_of_zero_is_none() {
    let text = with("[replication]\nclient-output-buffer-limit-replica = \"0 0 0\"");
    let limit = host(&text).replication.limit;
    assert_eq!((limit.hard, limit.soft), (f64::INFINITY, f64::INFINITY));
}

#[test]
fn a_backlog_that_is_not_given_is_the_engines() {
    let backlog = |engine: &str| {
        let scenario = read(&edited("= 75", &format!("= 75\nengine = \"{engine}\""))).unwrap();
        let text = scenario.resolved_toml(scenario.as_written());
        assert_eq!(read(&text).unwrap().as_written().host, scenario.as_written().host);
        scenario.as_written().host.replication.backlog
    };
    assert_eq!((backlog("redis-7.0"), backlog("valkey-8.0")), (Bytes::mib(1), Bytes::mib(10)));
}

#[test]
fn a_failed_save_has_its_settings() {
    let persistence = host(MINIMAL).persistence;
    assert!(persistence.stop_writes_on_bgsave_error && !persistence.replica_ignore_disk_write_errors);
    let other =
        with("[persistence]\nstop-writes-on-bgsave-error = false\nreplica-ignore-disk-write-errors = true");
    let persistence = host(&other).persistence;
    assert!(!persistence.stop_writes_on_bgsave_error && persistence.replica_ignore_disk_write_errors);
}

#[test]
fn backups_are_made_in_three_ways_on_two_hosts() {
    let backup = |lines: &str| host(&with(&format!("[backup]\n{lines}\n[replication]\nreplicas = 1"))).backup;
    let synced = backup("method = \"sync\"\nhost = \"replica\"").unwrap();
    assert_eq!((synced.method, synced.source), (BackupMethod::Sync, BackupSource::Replica));
    let plain = backup("").unwrap();
    assert_eq!((plain.method, plain.source), (BackupMethod::Bgsave, BackupSource::Primary));
    assert_eq!(backup("method = \"none\""), None);
}

/// The epoch of 4 bytes lies in every object, and only where the infrastructure for such saves is on.
#[test]
fn a_forkless_save_takes_four_bytes_a_key() {
    let engine = edited("= 75", "= 75\nengine = \"valkey-9.2\"");
    let forked = host(&engine);
    let forkless = host(&format!("{engine}\n[backup]\nmethod = \"forkless\"\n"));
    assert_eq!(forkless.backup.unwrap().method, BackupMethod::Forkless);
    assert_eq!(forkless.server.layout.object_bytes - forked.server.layout.object_bytes, 4);
    assert!(!forked.server.layout.measured);
}

#[test]
fn what_the_engine_or_a_lone_server_cannot_do_is_refused() {
    let text = edited("= 75", "= 75\nengine = \"redis-7.0\"")
        + "[backup]\nmethod = \"forkless\"\nhost = \"replica\"\n[replication]\nsync = \"dual-channel\"\n";
    insta::assert_snapshot!(said(&text), @r#"
    error[E0011]: redis-7.0 cannot save without a fork
      --> demo.toml:14:10
       |
     6 | engine = "redis-7.0"
       |          ----------- the engine
    ...
    14 | method = "forkless"
       |          ^^^^^^^^^^ Valkey from 9.2 on can
       |
       = help: give [server] engine = "valkey-9.2", or method = "bgsave"

    error[E0011]: there is no replica to back up
      --> demo.toml:15:8
       |
    15 | host = "replica"
       |        ^^^^^^^^^ needs a replica
       |
       = help: give [replication] replicas = 1 or more, or host = "primary"

    error[E0011]: redis-7.0 has no dual-channel replication
      --> demo.toml:17:8
       |
     6 | engine = "redis-7.0"
       |          ----------- the engine
    ...
    17 | sync = "dual-channel"
       |        ^^^^^^^^^^^^^^ Valkey from 8.0 on has it
       |
       = help: give sync = "diskless", or a Valkey from 8.0 on
    "#);
}

#[test]
fn values_of_replication_that_cannot_be_are_refused() {
    let text = with(
        "[replication]\nreplicas = 6\nrepl-backlog-size = \"1 KiB\"\nclient-output-buffer-limit-replica = \"256mb\"\n\
         failover-after = \"never\"",
    );
    insta::assert_snapshot!(said(&text), @r#"
    error[E0005]: `replicas` cannot be 6
      --> demo.toml:14:12
       |
    14 | replicas = 6
       |            ^ not within 0 to 5
       |
       = note: `replicas`: Number of replicas of each server, each on a host of its own like the primary's. Up to 5: the largest shard of managed services.
       = help: give a value within 0 to 5

    error[E0005]: `repl-backlog-size` cannot be 1 KiB
      --> demo.toml:15:21
       |
    15 | repl-backlog-size = "1 KiB"
       |                     ^^^^^^^ not within 16 KiB to 64 TiB
       |
       = note: `repl-backlog-size`: Memory of the replication backlog, which counts in used_memory; there is none before the first replica.
       = help: give a value within 16 KiB to 64 TiB

    error[E0004]: `client-output-buffer-limit-replica` is not a buffer limit
      --> demo.toml:16:38
       |
    16 | client-output-buffer-limit-replica = "256mb"
       |                                      ^^^^^^^ not hard, soft, seconds
       |
       = help: expected a limit as in valkey.conf, such as "256mb 64mb 60"

    error[E0004]: `failover-after` is not a duration
      --> demo.toml:17:18
       |
    17 | failover-after = "never"
       |                  ^^^^^^^ `never` is not a duration
       |
       = note: `failover-after`: From the death of a primary to the promotion of a replica; "none" where nobody promotes one.
       = help: write for example `90s`, `30m`, `24h` or `30d`
    "#);
}

#[test]
fn a_backlog_leaves_room_for_data() {
    let text = with("[replication]\nreplicas = 1\nrepl-backlog-size = \"24 GiB\"");
    insta::assert_snapshot!(said(&text), @r#"
    error[E0011]: a backlog of 24 GiB leaves nothing of maxmemory
      --> demo.toml:15:21
       |
     5 | maxmemory-percent = 75
       |                     -- 24 GiB for each server
    ...
    15 | repl-backlog-size = "24 GiB"
       |                     ^^^^^^^^ counts in used_memory
       |
       = help: give a smaller backlog, or a larger maxmemory
    "#);
    assert!(read(&text.replace("replicas = 1", "replicas = 0")).is_ok());
}
