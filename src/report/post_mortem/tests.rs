//! Post-mortems of made-up replications: what is told of them, and in which words.

use super::*;
use crate::model::{Cause, Dropped, Happening, Ledger, Place, Starter, Victim};
use crate::units::{Bytes, SimDuration};

const PRIMARY: Place = Place { host: 0, tenant: 0, is_primary: true };
const REPLICA: Place = Place { host: 1, tenant: 0, is_primary: false };

/// A host of 16 GiB with so many MiB of copies and free.
fn memory(copies: u64, free: u64) -> Ledger {
    let resident = Bytes::gib(16).saturating_sub(Bytes::mib(copies + free));
    Ledger { resident, cow: Bytes::mib(copies), free: Bytes::mib(free), ..Ledger::default() }
}

/// `(seconds after 22:00, place, happening, MiB copied and free)` on so many hosts.
fn trace(hosts: usize, events: &[(f64, Place, Happening, (u64, u64))]) -> Trace {
    let evening = SimTime::ZERO + SimDuration::from_secs(22 * 3_600);
    let happened =
        |&(seconds, place, happening, (copies, free)): &(f64, Place, Happening, (u64, u64))| Happened {
            at: evening + SimDuration::from_secs_f64(seconds),
            place,
            happening,
            ledger: memory(copies, free),
        };
    let quiet = (SimTime::ZERO, Sample { ledger: memory(0, 8_000), writes_per_second: 1.0 });
    Trace {
        hosts: vec![vec![quiet]; hosts],
        happenings: events.iter().map(happened).collect(),
        ..Trace::default()
    }
}

fn forked(cause: Cause) -> Happening {
    Happening::Forked { cause, duration: SimDuration::from_secs(240), pause: SimDuration::from_millis(210) }
}

fn saved(cause: Cause) -> Happening {
    Happening::Saved { cause, duration: SimDuration::from_secs(240), copied: Bytes::gib(1) }
}

fn online() -> Happening {
    Happening::ReplicaOnline { took: SimDuration::from_secs(310), buffered: Bytes::mib(90) }
}

fn killed(cause: Cause) -> Happening {
    Happening::Killed {
        victim: Victim::Server,
        badness: 3_100_000,
        other_badness: Some(2_900_000),
        cause,
        freed: Bytes::mib(6_450),
        stalled: SimDuration::from_secs(9),
    }
}

fn started(by: Starter) -> Happening {
    Happening::Starting { by, duration: SimDuration::from_secs(80), lost: 0.0 }
}

const SECOND: SimDuration = SimDuration::SECOND;

fn dropped(in_a_row: u32) -> Happening {
    Happening::ReplicaDropped { buffered: Bytes::mib(256), reason: Dropped::HardLimit, in_a_row }
}

/// A backup ends in a kill of the primary, a replica takes over, and the old primary comes back as a replica.
fn kill_and_failover() -> Trace {
    let promoted = Place { is_primary: true, ..REPLICA };
    let demoted = Place { is_primary: false, ..PRIMARY };
    let (kill, starting) =
        (killed(Cause::Backup), started(Starter::Supervisor { delay: SECOND, in_a_row: 1 }));
    trace(
        2,
        &[
            (0.0, REPLICA, forked(Cause::AofRewrite), (0, 4_000)),
            (100.0, REPLICA, saved(Cause::AofRewrite), (0, 4_000)),
            (110.0, REPLICA, Happening::LinkLost, (0, 4_000)),
            (112.0, REPLICA, Happening::PartialResync { gap: Bytes::mib(3) }, (0, 4_000)),
            (113.0, PRIMARY, forked(Cause::Backup), (0, 6_400)),
            (197.0, PRIMARY, Happening::StallBegan { cause: Cause::Backup }, (6_246, 212)),
            (206.0, PRIMARY, kill, (0, 6_600)),
            (207.0, PRIMARY, Happening::OrphanExited { freed: Bytes::gib(9) }, (0, 15_000)),
            (227.0, promoted, Happening::Promoted { after: SimDuration::from_secs(21) }, (0, 6_000)),
            (236.0, demoted, starting, (0, 15_000)),
            (316.0, demoted, Happening::Loaded { downtime: SimDuration::from_secs(110) }, (0, 6_400)),
            (316.0, demoted, Happening::FullSyncWanted { gap: None }, (0, 6_400)),
            (321.0, promoted, forked(Cause::FullSync), (0, 6_400)),
            (561.0, promoted, saved(Cause::FullSync), (0, 6_400)),
            (626.0, demoted, online(), (0, 6_400)),
            (3_700.0, promoted, forked(Cause::AofRewrite), (0, 6_400)),
            (3_900.0, promoted, saved(Cause::AofRewrite), (0, 6_400)),
            (7_700.0, promoted, forked(Cause::AofRewrite), (0, 6_400)),
            (7_900.0, promoted, saved(Cause::AofRewrite), (0, 6_400)),
        ],
    )
}

#[test]
fn a_kill_is_told_from_its_fork_until_the_shard_is_whole_again() {
    insta::assert_snapshot!(tell(&kill_and_failover()), @"
                    … 3 more events, see trace/events.csv
    day 1 22:01:52  host 2 (replica): the link is back and the backlog covers the gap of 3 MiB: a partial resync
    day 1 22:01:53  host 1 (primary): the backup forks in 210 ms; its child needs 4m; 6.25 GiB available
    day 1 22:03:17  host 1 (primary): copies reach 6.1 GiB, 212 MiB free: the host stalls during the backup
    day 1 22:03:26  host 1 (primary): OOM kills the server during the backup after a stall of 9 s (badness 3100000 pages, its child 2900000); 6.3 GiB freed
    day 1 22:03:27  host 1 (primary): the orphaned child exits; 9 GiB freed
    day 1 22:03:47  host 2 (primary): promoted 21 s after the death of the primary
    day 1 22:03:56  host 1 (replica): the server is started again; loading takes 1m 20s
    day 1 22:05:16  host 1 (replica): loaded: the server serves again after 1m 50s
    day 1 22:05:16  host 1 (replica): the replica has nothing to go on from: it asks for a full sync
    day 1 22:05:21  host 2 (primary): the full sync forks in 210 ms; its child needs 4m; 6.25 GiB available
    day 1 22:09:21  host 2 (primary): the full sync done after 4m; 1 GiB copied
    day 1 22:10:26  host 1 (replica): the replica is in sync 5m 10s after it asked; 90 MiB waited for it at the end
    day 1 23:01:40  host 2 (primary): the AOF rewrite forks in 210 ms; its child needs 4m; 6.25 GiB available
                    … 3 more events, see trace/events.csv
    ");
}

#[test]
fn a_crash_loop_is_told_from_its_first_kill_until_an_operator_has_ended_it() {
    let mut events = Vec::new();
    for round in 0..3u32 {
        let from = 600.0 * f64::from(round);
        let delay = SimDuration::from_secs(10 << round);
        let by = match round {
            2 => Starter::Operator { after: SimDuration(4 * SimDuration::HOUR.0) },
            _ => Starter::Supervisor { delay, in_a_row: round + 1 },
        };
        events.push((from, PRIMARY, forked(Cause::AofRewrite), (0, 6_400)));
        events.push((from + 90.0, PRIMARY, killed(Cause::AofRewrite), (0, 6_600)));
        if round == 2 {
            let (cause, operator_after) = (Cause::AofRewrite, SimDuration(4 * SimDuration::HOUR.0));
            let crash_loop = Happening::CrashLoop { cause, in_a_row: 3, operator_after };
            events.push((from + 90.0, PRIMARY, crash_loop, (0, 6_600)));
        }
        let start = from + 90.0 + if round == 2 { 4.0 * 3_600.0 } else { delay.as_secs_f64() };
        events.push((start, PRIMARY, started(by), (0, 15_000)));
        let downtime = SimDuration::from_secs_f64(start + 80.0 - from - 90.0);
        events.push((start + 80.0, PRIMARY, Happening::Loaded { downtime }, (0, 6_400)));
    }
    insta::assert_snapshot!(tell(&trace(1, &events)), @"
    day 1 22:00:00  the AOF rewrite forks in 210 ms; its child needs 4m; 6.25 GiB available
    day 1 22:01:30  OOM kills the server during the AOF rewrite after a stall of 9 s (badness 3100000 pages, its child 2900000); 6.3 GiB freed
    day 1 22:01:40  the server is started again; loading takes 1m 20s
    day 1 22:03:00  loaded: the server serves again after 1m 30s
    day 1 22:10:00  the AOF rewrite forks in 210 ms; its child needs 4m; 6.25 GiB available
    day 1 22:11:30  OOM kills the server during the AOF rewrite after a stall of 9 s (badness 3100000 pages, its child 2900000); 6.3 GiB freed
    day 1 22:11:50  the server is started again, for the second time in a row, 20 s after its death; loading takes 1m 20s
    day 1 22:13:10  loaded: the server serves again after 1m 40s
    day 1 22:20:00  the AOF rewrite forks in 210 ms; its child needs 4m; 6.25 GiB available
    day 1 22:21:30  OOM kills the server during the AOF rewrite after a stall of 9 s (badness 3100000 pages, its child 2900000); 6.3 GiB freed
    day 1 22:21:30  the server is killed for the third time in a row, each soon after a reload: a crash loop; it stays down until an operator arrives, in 4h
    day 2 02:21:30  an operator arrives, 4h after the crash loop began, and starts the server again; loading takes 1m 20s
    day 2 02:22:50  loaded: the server serves again after 4h 1m
    ");
}

#[test]
fn a_loop_is_told_from_the_first_full_sync_that_was_cut_short() {
    let gap = Some(Bytes::mib(12));
    let mut events = vec![
        (0.0, PRIMARY, forked(Cause::AofRewrite), (0, 4_000)),
        (10.0, PRIMARY, saved(Cause::AofRewrite), (0, 4_000)),
        (20.0, REPLICA, Happening::LinkLost, (0, 4_000)),
    ];
    for round in 0..5u32 {
        let from = 30.0 + 100.0 * f64::from(round);
        events.push((from, REPLICA, Happening::FullSyncWanted { gap }, (0, 4_000)));
        events.push((from + 5.0, PRIMARY, forked(Cause::FullSync), (0, 4_000)));
        events.push((from + 65.0, REPLICA, dropped(round + 1), (0, 4_000)));
        events.push((from + 65.0, PRIMARY, Happening::SaveFailed { cause: Cause::FullSync }, (0, 4_000)));
    }
    events.push((900.0, REPLICA, online(), (0, 4_000)));
    insta::assert_snapshot!(tell(&trace(2, &events)), @"
                    … 3 more events, see trace/events.csv
    day 1 22:00:30  host 2 (replica): the replica has missed 12 MiB, more than the backlog holds: it asks for a full sync
    day 1 22:00:35  host 1 (primary): the full sync forks in 210 ms; its child needs 4m; 3.91 GiB available
    day 1 22:01:35  host 2 (replica): the full sync is cut short: 256 MiB wait for the replica, over the hard limit of its buffer
    day 1 22:01:35  host 1 (primary): the full sync failed
    day 1 22:02:10  host 2 (replica): the replica has missed 12 MiB, more than the backlog holds: it asks for a full sync
    day 1 22:02:15  host 1 (primary): the full sync forks in 210 ms; its child needs 4m; 3.91 GiB available
    day 1 22:03:15  host 2 (replica): the full sync is cut short: 256 MiB wait for the replica, over the hard limit of its buffer; the second time in a row
    day 1 22:03:15  host 1 (primary): the full sync failed
    day 1 22:03:50  host 2 (replica): the replica has missed 12 MiB, more than the backlog holds: it asks for a full sync
    day 1 22:03:55  host 1 (primary): the full sync forks in 210 ms; its child needs 4m; 3.91 GiB available
    day 1 22:04:55  host 2 (replica): the full sync is cut short: 256 MiB wait for the replica, over the hard limit of its buffer; 3 times in a row: it loops
    day 1 22:04:55  host 1 (primary): the full sync failed
    day 1 22:05:30  host 2 (replica): the replica has missed 12 MiB, more than the backlog holds: it asks for a full sync
    day 1 22:05:35  host 1 (primary): the full sync forks in 210 ms; its child needs 4m; 3.91 GiB available
    day 1 22:06:35  host 2 (replica): the full sync is cut short: 256 MiB wait for the replica, over the hard limit of its buffer; 4 times in a row: it loops
    day 1 22:06:35  host 1 (primary): the full sync failed
    day 1 22:07:10  host 2 (replica): the replica has missed 12 MiB, more than the backlog holds: it asks for a full sync
    day 1 22:07:15  host 1 (primary): the full sync forks in 210 ms; its child needs 4m; 3.91 GiB available
    day 1 22:08:15  host 2 (replica): the full sync is cut short: 256 MiB wait for the replica, over the hard limit of its buffer; 5 times in a row: it loops
    day 1 22:08:15  host 1 (primary): the full sync failed
    day 1 22:15:00  host 2 (replica): the replica is in sync 5m 10s after it asked; 90 MiB waited for it at the end
    ");
}

#[test]
fn without_trouble_the_closest_call_is_told() {
    let events: Vec<_> = (0..20u32)
        .map(|n| {
            let happening = if n % 2 == 0 { forked(Cause::Backup) } else { saved(Cause::Backup) };
            (300.0 * f64::from(n), Place { tenant: n as usize / 10, ..PRIMARY }, happening, (0, 4_000))
        })
        .collect();
    let mut trace = trace(1, &events);
    let tight = Sample { ledger: memory(900, 100), writes_per_second: 1.0 };
    trace.hosts[0].push((trace.happenings[11].at, tight));
    insta::assert_snapshot!(tell(&trace), @"
                    … 8 more events, see trace/events.csv
    day 1 22:40:00  server 1: the backup forks in 210 ms; its child needs 4m; 3.91 GiB available
    day 1 22:45:00  server 1: the backup done after 4m; 1 GiB copied
    day 1 22:50:00  server 2: the backup forks in 210 ms; its child needs 4m; 3.91 GiB available
    day 1 22:55:00  server 2: the backup done after 4m; 1 GiB copied
    day 1 23:00:00  server 2: the backup forks in 210 ms; its child needs 4m; 3.91 GiB available
    day 1 23:05:00  server 2: the backup done after 4m; 1 GiB copied
    day 1 23:10:00  server 2: the backup forks in 210 ms; its child needs 4m; 3.91 GiB available
                    … 5 more events, see trace/events.csv
    ");
}

#[test]
fn a_replication_in_which_nothing_happened_is_told_in_no_words() {
    assert_eq!(tell(&trace(1, &[])), "");
}

/// Everything else that can happen, in words.
#[test]
fn everything_that_can_happen_has_a_name_and_words() {
    let (second, hours) = (SimDuration::SECOND, SimDuration(6 * SimDuration::HOUR.0));
    let all = [
        Happening::ForkRefused { cause: Cause::SavePoint },
        Happening::ForklessBegan { duration: SimDuration::MINUTE },
        Happening::ForklessEnded,
        Happening::StallBegan { cause: Cause::Growth },
        Happening::StallEnded { duration: second },
        Happening::SwapBegan { slowed: 7.3 },
        Happening::FullSyncWanted { gap: Some(Bytes::mib(40)) },
        Happening::ReplicaDropped { buffered: Bytes::mib(70), reason: Dropped::SoftLimit, in_a_row: 2 },
        Happening::ReplicaDropped { buffered: Bytes::mib(7), reason: Dropped::ChildFailed, in_a_row: 1 },
        Happening::BackupDropped { buffered: Bytes::mib(7), reason: Dropped::SourceDied },
        Happening::BackupDropped { buffered: Bytes::mib(7), reason: Dropped::LinkLost },
        Happening::ReplicaLoading { duration: SimDuration::MINUTE },
        Happening::ReplicaPanicked,
        Happening::Stopped,
        Happening::BackupWaits,
        Happening::BackupMissed,
        Happening::WritesRefused,
        Happening::WritesAccepted,
        Happening::KilledLoading { needed: Bytes::gib(9), capacity: Bytes::gib(8) },
        Happening::CrashLoop { cause: Cause::Growth, in_a_row: 1, operator_after: hours },
        Happening::CrashLoop { cause: Cause::Backup, in_a_row: 3, operator_after: hours },
        Happening::Starting {
            by: Starter::Supervisor { delay: second, in_a_row: 1 },
            duration: second,
            lost: 12_345.4,
        },
        started(Starter::Supervisor { delay: SimDuration::MINUTE, in_a_row: 4 }),
        started(Starter::Operator { after: hours }),
    ];
    let events: Vec<_> = all.map(|happening| (0.0, PRIMARY, happening, (120, 300))).into();
    let rows = event_rows(&trace(1, &events));
    let texts: Vec<String> =
        rows.iter().map(|row| format!("{} | {} | {}", row.event, row.cause, row.detail)).collect();
    insta::assert_snapshot!(texts.join("\n"), @"
    fork-refused | save-point | the fork for the save point is refused (vm.overcommit_memory), with 300 MiB available
    forkless-began |  | a save without a fork begins; it takes 1m
    forkless-ended |  | the save without a fork is done
    stall-began | growth | 15.71 GiB in use, 300 MiB free: the host stalls
    stall-ended |  | the stall ends after 1 s, and nobody is killed; 300 MiB available
    swap-began |  | the kernel begins to swap; what is left of the save takes 7.3 times as long
    full-sync-wanted | full-sync | the replica has missed 40 MiB, more than the backlog holds: it asks for a full sync
    replica-dropped | full-sync | the full sync is cut short: 70 MiB wait for the replica, over the soft limit of its buffer for too long; the second time in a row
    replica-dropped | full-sync | the full sync is cut short: the child that saved for it failed
    backup-dropped | backup | the backup, which poses as a replica, is cut short: its source died
    backup-dropped | backup | the backup, which poses as a replica, is cut short: the link broke, 7 MiB waited for the replica
    replica-loading |  | the replica has the snapshot; loading takes 1m; 300 MiB available
    replica-panicked |  | a save failed on the replica, which aborts at the next write (replica-ignore-disk-write-errors no)
    stopped |  | the supervisor stops the server, whose child was killed (OOMPolicy)
    backup-waits | backup | the backup is due and waits for the child that is alive
    backup-missed | backup | the backup is due and the server is down: no backup
    writes-refused |  | the last save failed: writes are refused with MISCONF
    writes-accepted |  | a save succeeded: writes are accepted again
    server-killed | growth | OOM kills the server while it loads: 9 GiB needed once loaded, 8 GiB to be had
    crash-loop | growth | the server is killed and would be whenever it is started: a crash loop; it stays down until an operator arrives, in 6h
    crash-loop | backup | the server is killed for the third time in a row, each soon after a reload: a crash loop; it stays down until an operator arrives, in 6h
    restart |  | the server is started again; loading takes 1 s; 12,345 acknowledged writes are lost
    restart |  | the server is started again, for the 4th time in a row, 1m after its death; loading takes 1m 20s
    operator-restart |  | an operator arrives, 6h after the crash loop began, and starts the server again; loading takes 1m 20s
    ");
}

#[test]
fn an_event_says_on_which_host_and_server_it_was_counted_from_one() {
    let place = Place { host: 2, tenant: 3, is_primary: false };
    let row = event_rows(&trace(3, &[(0.0, place, Happening::LinkLost, (0, 1))])).remove(0);
    assert_eq!((row.host, row.server, row.event.as_str()), (3, 4, "link-lost"));
}
