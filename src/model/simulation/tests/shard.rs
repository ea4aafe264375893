//! Shards: links lost and found, full syncs and what waits for them, backups that pose as replicas, failovers.

use super::*;
use crate::memory::replication::ReplicaBuffers;
use crate::model::host::{Backup, BackupMethod, BackupSource, Fill, ReplicaLoad, SyncMethod};
use crate::model::observer::Dropped;

/// What happened, in order.
#[derive(Default)]
pub(super) struct Diary(pub(super) Vec<(SimTime, Place, Happening, Ledger)>);

impl Observer for Diary {
    fn happened(&mut self, at: SimTime, place: Place, happening: Happening, ledger: &Ledger) {
        self.0.push((at, place, happening, *ledger));
    }
}

impl Diary {
    /// The times at which something of a kind happened.
    pub(super) fn times(&self, is_of_kind: impl Fn(&Happening) -> bool) -> Vec<f64> {
        self.0.iter().filter(|(_, _, what, _)| is_of_kind(what)).map(|(at, ..)| at.as_secs_f64()).collect()
    }
}

pub(super) fn lived(host: &Host) -> (Outcome, Diary) {
    let mut diary = Diary::default();
    let outcome = Simulation::new(host.clone()).run(1, 0, &mut diary).unwrap();
    (outcome, diary)
}

/// A primary with half of 12 GiB of data and `replicas`, under `writes` of 559 bytes of stream a second, whose links
/// break four times a day for ten seconds.
fn shard(writes: f64, replicas: u32) -> Host {
    let mut host = host(writes);
    host.machine.ram = Bytes::gib(24);
    host.dataset.fill = Fill::Maxmemory(0.5);
    host.backup = None;
    host.replication.replicas = replicas;
    host.replication.link_losses_per_day = 4.0;
    host
}

/// Bytes of stream a second at so many writes.
fn stream(writes: f64) -> f64 {
    let mut reference = shard(writes, 1);
    reference.replication.backlog = Bytes(1);
    let (_, diary) = lived(&reference);
    let gap = diary.0.iter().find_map(|(_, _, what, _)| match what {
        Happening::FullSyncWanted { gap } => *gap,
        _ => None,
    });
    gap.unwrap().as_f64() / 10.0
}

#[test]
fn a_set_of_16_and_512_bytes_is_559_bytes_of_stream() {
    // *3 $3 SET $16 key $512 value, each with its CRLF.
    assert!((stream(1_000.0) / 1_000.0 - 556.0).abs() < 4.0, "{}", stream(1_000.0));
}

#[test]
fn the_backlog_mends_what_it_covers() {
    let covered = Bytes::from_f64(stream(1_000.0) * 10.5);
    for (backlog, is_mended) in [(covered, true), (Bytes(covered.0 / 2), false)] {
        let mut host = shard(1_000.0, 2);
        host.replication.backlog = backlog;
        let (outcome, _) = lived(&host);
        let (partial, full) = (outcome.partial_resyncs, outcome.forks[Cause::FullSync]);
        // Two links, four losses a day each, for a week: 56 on average; 4 standard deviations are 30.
        let losses = if is_mended { partial } else { full };
        assert!((26..86).contains(&losses), "{partial} {full}");
        assert_eq!(if is_mended { full } else { partial }, 0);
        assert_eq!((outcome.syncs_cut, outcome.sync_loops, outcome.incidents()), (0, 0, 0));
    }
}

#[test]
fn the_backlog_counts_in_maxmemory_and_in_the_ram() {
    let with = |backlog: Bytes| {
        let mut host = shard(0.0, 1);
        host.replication.backlog = backlog;
        Simulation::new(host)
    };
    let (small, large) = (with(Bytes::mib(1)), with(Bytes::gib(1)));
    assert_eq!(small.used_memory(), large.used_memory());
    let data = |simulation: &Simulation| simulation.heap().used_memory(&simulation.population(0.0));
    let less = data(&small) - data(&large);
    assert!((less / Bytes::mib(1023).as_f64() - 1.0).abs() < 1e-6, "{less}");
    // On Debian's allocator a buffered byte costs 1.2 bytes of RAM.
    assert!(large.fit().need > small.fit().need);
}

#[test]
fn a_stream_that_outruns_the_limit_makes_a_loop() {
    let (outcome, diary) = lived(&shard(20_000.0, 1));
    assert!(outcome.sync_loops >= 1 && outcome.syncs_cut > 100, "{outcome:?}");
    assert_eq!(outcome.incidents(), outcome.sync_loops);
    assert!(outcome.replica_buffer_peak < Bytes::mib(257), "{}", outcome.replica_buffer_peak);
    let (forked, cut) = (
        diary.times(|what| matches!(what, Happening::Forked { cause: Cause::FullSync, .. })),
        diary.times(|what| matches!(what, Happening::ReplicaDropped { reason: Dropped::HardLimit, .. })),
    );
    let seconds = 256.0 * 1024.0 * 1024.0 / stream(20_000.0);
    for (forked, cut) in forked.iter().zip(&cut).take(10) {
        assert!((cut - forked - seconds).abs() < 0.1, "{} {seconds}", cut - forked);
    }
}

#[test]
fn a_larger_limit_ends_the_loop_and_takes_the_memory() {
    let mut host = shard(20_000.0, 1);
    host.replication.limit.hard = f64::INFINITY;
    host.replication.limit.soft = f64::INFINITY;
    let (outcome, diary) = lived(&host);
    assert_eq!((outcome.syncs_cut, outcome.sync_loops), (0, 0));
    // The stream waits while the child saves, and while the replica loads: a minute each.
    let seconds = 2.0 * Bytes::gib(6).as_f64() / Bytes::mib(100).as_f64();
    let peak = outcome.replica_buffer_peak.as_f64() / (stream(20_000.0) * seconds);
    assert!((0.97..1.0).contains(&peak), "{peak}");
    assert!(!diary.times(|what| matches!(what, Happening::ReplicaOnline { .. })).is_empty());
}

#[test]
fn the_soft_limit_cuts_what_stays_above_it_for_its_seconds() {
    let mut host = shard(1_500.0, 1);
    host.replication.backlog = Bytes::mib(1);
    host.replication.limit.soft = Bytes::mib(16).as_f64();
    host.replication.limit.soft_seconds = 60.0;
    let (outcome, diary) = lived(&host);
    assert!(outcome.syncs_cut > 0);
    let forked = diary.times(|what| matches!(what, Happening::Forked { .. }));
    let cut =
        diary.times(|what| matches!(what, Happening::ReplicaDropped { reason: Dropped::SoftLimit, .. }));
    let seconds = 60.0 + Bytes::mib(16).as_f64() / stream(1_500.0);
    assert!((cut[0] - forked[0] - seconds).abs() < 0.1, "{} {seconds}", cut[0] - forked[0]);
}

#[test]
fn replicas_share_one_buffer_since_7_0_and_had_one_each_before() {
    let peak = |buffers: ReplicaBuffers, replicas: u32| {
        let mut host = shard(2_000.0, replicas);
        host.replication.backlog = Bytes::mib(1);
        host.replication.buffers = buffers;
        // A primary that restarts makes all of them sync at once.
        host.replication.failover = None;
        host.replication.link_losses_per_day = 2_000.0;
        lived(&host).0.replica_buffer_peak.as_f64()
    };
    let one = peak(ReplicaBuffers::Shared, 1);
    assert!(peak(ReplicaBuffers::Shared, 3) < 1.05 * one);
    assert!(peak(ReplicaBuffers::Private, 3) > 1.8 * one);
}

#[test]
fn on_a_second_channel_the_replica_buffers_and_the_primary_does_not() {
    let with = |sync: SyncMethod| {
        let mut host = shard(2_000.0, 1);
        host.replication.sync = sync;
        lived(&host).0
    };
    assert!(with(SyncMethod::Diskless).replica_buffer_peak > Bytes::mib(100));
    assert_eq!(with(SyncMethod::DualChannel).replica_buffer_peak, Bytes::ZERO);
}

#[test]
fn a_replica_that_swaps_databases_holds_two() {
    let peak = |load: ReplicaLoad| {
        let mut host = shard(2_000.0, 1);
        host.replication.load = load;
        host.machine.reserved = Uncertain::certain(0.0);
        lived(&host).0.peak_memory.as_f64() / Bytes::gib(6).as_f64()
    };
    assert!((2.0..2.1).contains(&peak(ReplicaLoad::SwapDb)), "{}", peak(ReplicaLoad::SwapDb));
    // What is copied in the primary is less.
    assert!(peak(ReplicaLoad::Disabled) < 1.5 && peak(ReplicaLoad::OnEmptyDb) < 1.5);
}

#[test]
fn a_sync_by_disk_is_longer_by_the_transfer() {
    let took = |sync: SyncMethod, megabytes: u64| {
        let mut host = shard(100.0, 1);
        host.replication.sync = sync;
        host.replication.backlog = Bytes(1);
        host.replication.delay = SimDuration::ZERO;
        host.replication.throughput = Uncertain::certain(Bytes::mib(megabytes).as_f64());
        let (_, diary) = lived(&host);
        diary.0.iter().find_map(|(_, _, what, _)| match what {
            Happening::ReplicaOnline { took, .. } => Some(took.as_secs_f64()),
            _ => None,
        })
    };
    let (disk, sockets) = (took(SyncMethod::Disk, 100).unwrap(), took(SyncMethod::Diskless, 100).unwrap());
    let file = 6.0 * 1024.0 / 100.0 * (535.0 / 688.0);
    assert!((disk - sockets - file).abs() < 0.1 * file, "{disk} {sockets} {file}");
    // A slow link holds up the child itself.
    assert!(took(SyncMethod::Diskless, 10).unwrap() > 4.0 * sockets);
}

#[test]
fn a_killed_primary_is_replaced_and_its_return_kills_the_next() {
    let mut host = host(TOO_MUCH);
    host.replication.replicas = 2;
    host.horizon = SimDuration(2 * SimDuration::HOUR.0);
    host.replication.limit.hard = f64::INFINITY;
    host.replication.limit.soft = f64::INFINITY;
    let (outcome, diary) = lived(&host);
    assert!(outcome.failovers >= 2 && outcome.server_kills[Cause::Backup] == 1, "{outcome:?}");
    let killed = diary.times(|what| matches!(what, Happening::Killed { victim: Victim::Server, .. }));
    let promoted = diary.times(|what| matches!(what, Happening::Promoted { .. }));
    assert!((promoted[0] - killed[0] - 15.0).abs() < 1e-6);
    // The deposed primary asks the new one for a full sync, which forks at the same load: the kill has a successor.
    let after: Vec<&Happening> = diary.0.iter().map(|(_, _, what, _)| what).collect();
    assert!(after.iter().any(|what| matches!(what, Happening::Forked { cause: Cause::FullSync, .. })));
    assert!(outcome.server_kills[Cause::FullSync] >= 1, "{outcome:?}");
}

#[test]
fn without_failover_the_replicas_of_a_restarted_primary_sync_at_once_from_one_fork() {
    let mut host = host(TOO_MUCH);
    host.replication.replicas = 3;
    host.replication.failover = None;
    host.persistence.aof = Some(AofRewrite { percentage: 0.0, min_size: Bytes::ZERO });
    let (outcome, diary) = lived(&host);
    assert_eq!(outcome.failovers, 0);
    let wanted = diary.times(|what| matches!(what, Happening::FullSyncWanted { .. }));
    let forked = diary.times(|what| matches!(what, Happening::Forked { cause: Cause::FullSync, .. }));
    assert!(wanted.len() >= 3 && wanted[0].to_bits() == wanted[2].to_bits(), "{wanted:?}");
    assert!((forked[0] - wanted[0] - 5.0).abs() < 0.2, "diskless waits five seconds");
    assert!(outcome.lost_writes <= 0.0, "{}", outcome.lost_writes);
}

#[test]
fn a_backup_that_poses_as_a_replica_is_dropped_over_the_limit_or_takes_the_memory() {
    let backup = |hard: f64| {
        let mut host = shard(20_000.0, 0);
        host.backup = super::host(1.0).backup.map(|backup| Backup { method: BackupMethod::Sync, ..backup });
        (host.replication.limit.hard, host.replication.limit.soft) = (hard, f64::INFINITY);
        lived(&host).0
    };
    let dropped = backup(Bytes::mib(256).as_f64());
    assert_eq!((dropped.saves, dropped.save_failures), (0, 7));
    let unlimited = backup(f64::INFINITY);
    assert_eq!((unlimited.saves, unlimited.save_failures), (7, 0));
    assert!(unlimited.replica_buffer_peak > Bytes::mib(600) && dropped.replica_buffer_peak < Bytes::mib(257));
}

#[test]
fn a_backup_of_a_replica_forks_there() {
    let mut host = shard(1_000.0, 1);
    host.replication.link_losses_per_day = 0.0;
    host.backup = super::host(1.0).backup.map(|b| Backup { source: BackupSource::Replica, ..b });
    let (outcome, diary) = lived(&host);
    assert_eq!(outcome.saves, 7);
    let forks = diary.0.iter().filter(|(_, _, what, _)| matches!(what, Happening::Forked { .. }));
    assert!(forks.clone().count() == 7 && forks.clone().all(|(_, place, ..)| place.host == 1));
}

#[test]
fn a_backup_without_a_fork_copies_nothing() {
    let mut host = shard(1_000.0, 0);
    host.backup = super::host(1.0).backup.map(|b| Backup { method: BackupMethod::Forkless, ..b });
    let outcome = lived(&host).0;
    assert_eq!((outcome.saves, outcome.cow_peak), (7, Bytes::ZERO));
    assert_eq!(outcome.forks[Cause::Backup], 0);
}

#[test]
fn a_replica_whose_save_fails_panics_unless_told_to_ignore_it() {
    let panics = |ignores: bool| {
        let mut host = host(TOO_MUCH);
        host.server.oom_score_adj = true;
        host.replication.replicas = 1;
        host.backup = host.backup.map(|b| Backup { source: BackupSource::Replica, ..b });
        host.persistence.save_points = vec![SavePoint { seconds: 1_000_000, changes: u64::MAX }];
        host.persistence.replica_ignore_disk_write_errors = ignores;
        lived(&host).0
    };
    assert!(panics(false).replica_panics > 0);
    assert_eq!(panics(true).replica_panics, 0);
}

#[test]
fn replicas_cost_nothing_where_there_are_none() {
    let alone = lived(&host(1_000.0)).0;
    let mut unused = host(1_000.0);
    unused.replication.link_losses_per_day = 50.0;
    unused.replication.backlog = Bytes::gib(1);
    assert_eq!(alone, lived(&unused).0);
}
