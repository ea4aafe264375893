//! More load, more data or less memory never helps, where that is true.
//!
//! It is true of one save, or one full sync, with a fixed start and weather. Over a horizon it need not be, and nothing is
//! claimed there:
//!
//! * More load rewrites the append-only file at other times, and a save that lasts longer displaces the next one: the
//!   minute that would have killed may find no child.
//! * A kill changes what follows. The sooner one leaves a server that reloads while the worst hour passes, so more memory
//!   may mean more kills, or another first one.
//! * A full sync that a small limit cuts short ends its child and its copies: a larger limit may lead to the kill that
//!   the loop prevented, and to fewer syncs but a higher peak.
//! * Swap puts the kill off and makes the save nine times as long, so it copies more. With 2.32 GiB of it a generated
//!   host was first killed four minutes later than with 2.43 GiB: its earlier stall had held the writes up.
//! * A larger backlog takes its room from the data where the data fill `maxmemory`, so saves are shorter and copy less.
//! * More replicas make a shard serve sooner after a kill, and give it more to kill.

use forkcast::model::{Cause, Happening, Outcome, Unobserved};
use forkcast::sweep::trace::{Happened, Trace, trace};
use forkcast::units::{Bytes, SimDuration, SimTime};
use proptest::prelude::*;

use super::{File, ROUNDING, Tally, for_all, scenarios};

/// The most memory in use relative to what the kernel hands out.
fn peak(file: &File, settings: &[String]) -> f64 {
    let simulation = file.with(settings);
    let outcome = simulation.run(1, 0, &mut Unobserved).unwrap();
    outcome.peak_memory.as_f64() / simulation.capacity().as_f64()
}

/// Two numbers of the range, the lesser first.
fn pair(range: std::ops::Range<f64>) -> impl Strategy<Value = (f64, f64)> {
    (range.clone(), range).prop_map(|(a, b)| if a < b { (a, b) } else { (b, a) })
}

#[test]
fn in_one_save_more_percent_of_data_never_lowers_the_peak() {
    for_all(120, (scenarios::one_save(), pair(5.0..40.0)), |(file, (less, more))| {
        let at = |percent: f64| peak(&file, &[format!("server.maxmemory-percent={percent}")]);
        let (low, high) = (at(less), at(more));
        prop_assert!(low <= high + ROUNDING, "{} at {} %, {} at {} %", low, less, high, more);
        Ok(())
    });
}

#[test]
fn in_one_save_more_writes_never_lower_the_peak() {
    for_all(120, (scenarios::one_save(), pair(0.0..60_000.0)), |(file, (fewer, more))| {
        let at = |rate: f64| peak(&file, &[format!("keyspace.k0.writes-per-second={rate}")]);
        let (low, high) = (at(fewer), at(more));
        prop_assert!(low <= high + ROUNDING, "{} at {}/s, {} at {}/s", low, fewer, high, more);
        Ok(())
    });
}

/// Down to where it is killed.
#[test]
fn in_one_save_less_memory_at_the_same_bytes_never_lowers_the_peak() {
    for_all(120, (scenarios::one_save(), pair(16.0..64.0)), |(file, (less, more))| {
        let at = |ram: f64| peak(&file, &["server.maxmemory=12 GiB".into(), format!("host.ram={ram} GiB")]);
        let (low, high) = (at(more), at(less));
        prop_assert!(low <= high + ROUNDING, "{} on {} GiB, {} on {} GiB", low, more, high, less);
        Ok(())
    });
}

/// Seconds to the first kill; forever where there is none.
fn first_kill(outcome: &Outcome) -> f64 {
    outcome.first_kill.map_or(f64::INFINITY, |kill| kill.at.since(SimTime::ZERO).as_secs_f64())
}

/// The instant is found to a millisecond where the cost of a save only rises. Where a child's allocator purges by jumps it
/// rises and falls by the second, and a later crossing may be found than the first.
const GRAIN: f64 = 1.0;

#[test]
fn with_scheduled_saves_alone_less_load_never_kills_earlier() {
    let killed = Tally::default();
    for_all(200, (scenarios::scheduled_saves(), pair(100.0..30_000.0)), |(file, (less, more))| {
        let at = |rate: f64| file.outcome(&[format!("keyspace.k0.writes-per-second={rate}")]);
        let (early, late) = (first_kill(&at(more)), first_kill(&at(less)));
        prop_assert!(late >= early - GRAIN, "{} s at {}/s, {} s at {}/s", late, less, early, more);
        killed.count(early.is_finite());
        Ok(())
    });
    killed.at_least(50, "kills");
}

#[test]
fn with_scheduled_saves_alone_more_memory_at_the_same_bytes_never_kills_earlier() {
    let killed = Tally::default();
    for_all(200, (scenarios::scheduled_saves(), pair(15.0..24.0)), |(file, (less, more))| {
        let at = |ram: f64| file.outcome(&["server.maxmemory=12 GiB".into(), format!("host.ram={ram} GiB")]);
        let (early, late) = (first_kill(&at(less)), first_kill(&at(more)));
        prop_assert!(late >= early - GRAIN, "{} s on {} GiB, {} s on {} GiB", late, more, early, less);
        killed.count(early.is_finite());
        Ok(())
    });
    killed.at_least(50, "kills");
}

/// The premise of both: no save of these hosts outlasts the time to the next one.
#[test]
fn no_scheduled_save_outlasts_its_interval() {
    for_all(100, scenarios::scheduled_saves(), |file| {
        let settings = ["server.maxmemory=12 GiB".to_owned(), "host.ram=64 GiB".to_owned()];
        let simulation = file.with(&settings);
        let Trace { happenings, .. } = trace(&simulation, 1, 0).unwrap();
        for Happened { at, happening, .. } in &happenings {
            if let Happening::Forked { duration, .. } = happening {
                prop_assert!(*duration < SimDuration(5 * SimDuration::HOUR.0), "{} at {}", duration, at);
            }
        }
        prop_assert!(happenings.len() >= 2);
        Ok(())
    });
}

/// One replica whose link breaks now and then, of a primary that makes no other forks: some 3 GiB on 64, however
/// large the backlog is, which shares in `maxmemory`.
fn syncing() -> impl Strategy<Value = File> {
    let losses = (1.0..20.0f64, 10..1_000u64);
    (100..8_000u64, losses, proptest::sample::select(vec!["disk", "diskless"])).prop_map(
        |(writes, (losses, outage), sync)| {
            File(format!(
                "[host]\nram = \"64 GiB\"\n\n[server]\nmaxmemory = \"none\"\n\n[dataset]\nfill = \"keys\"\n\n\
                 [[keyspace]]\nname = \"k0\"\nkeys = 4_800_000\nkey-size = \"20 B\"\nvalue-size = \"512 B\"\n\
                 writes-per-second = {writes}\n\n[persistence]\nsave = []\n\n[save]\nsigma = 0\n\n\
                 [save.slow]\nprobability = 0\n\n[backup]\nmethod = \"none\"\n\n\
                 [replication]\nreplicas = 1\nsync = \"{sync}\"\nlink-losses-per-day = {losses:.2}\n\
                 link-outage = \"{outage}s\"\nclient-output-buffer-limit-replica = \"0 0 0\"\n\n\
                 [simulation]\nhorizon = \"2d\"\n"
            ))
        },
    )
}

/// Where nothing cuts a sync short, the losses are the same; what a backlog covers a larger one covers too.
#[test]
fn a_larger_backlog_never_makes_more_full_syncs_of_the_same_losses() {
    let fewer = Tally::default();
    for_all(80, (syncing(), pair(1.0..1_000.0)), |(file, (less, more))| {
        let syncs = |backlog: f64| {
            let outcome = file.outcome(&[format!("replication.repl-backlog-size={backlog:.3} MiB")]);
            outcome.forks[Cause::FullSync]
        };
        let (small, large) = (syncs(less), syncs(more));
        prop_assert!(large <= small, "{} at {} MiB, {} at {} MiB", small, less, large, more);
        fewer.count(large < small);
        Ok(())
    });
    fewer.at_least(10, "syncs saved");
}

/// The buffer grows until the sync ends or the limit cuts it, and the same again in the next try.
#[test]
fn a_larger_limit_never_lowers_the_buffer_of_one_sync() {
    let higher = Tally::default();
    for_all(80, (syncing(), pair(11.0..500.0)), |(file, (less, more))| {
        let peak = |limit: f64| {
            let limit =
                format!("replication.client-output-buffer-limit-replica={:.0} 0 0", limit * 1_048_576.0);
            let settings = ["replication.repl-backlog-size=1 MiB".to_owned(), limit];
            first_sync_buffer(&file, &settings)
        };
        let (low, high) = (peak(less), peak(more));
        prop_assert!(low <= high * (1.0 + ROUNDING), "{} at {} MiB, {} at {} MiB", low, less, high, more);
        higher.count(high > low);
        Ok(())
    });
    higher.at_least(10, "buffers that a limit cuts");
}

/// What waited for the replica when its first full sync ended, one way or the other \[bytes\]; 0 without one.
fn first_sync_buffer(file: &File, settings: &[String]) -> f64 {
    let Trace { happenings, .. } = trace(&file.with(settings), 1, 0).unwrap();
    let ended = happenings.iter().find_map(|happened| match happened.happening {
        Happening::ReplicaDropped { buffered, .. } | Happening::ReplicaOnline { buffered, .. } => {
            Some(buffered)
        }
        _ => None,
    });
    ended.map_or(0.0, Bytes::as_f64)
}

/// Not even the first kill need come later: a stall holds the writes up, may end without a kill, and is then not the
/// same one. What comes later is the moment at which memory and swap are used up.
#[test]
fn with_scheduled_saves_alone_more_swap_never_stalls_earlier() {
    let stalled = Tally::default();
    for_all(60, (scenarios::scheduled_saves(), pair(0.0..8.0)), |(file, (less, more))| {
        let with = |swap: f64| {
            let settings = ["server.maxmemory=12 GiB".to_owned(), format!("host.swap={swap:.3} GiB")];
            let Trace { happenings, .. } = trace(&file.with(&settings), 1, 0).unwrap();
            let first = happenings.iter().find(|h| matches!(h.happening, Happening::StallBegan { .. }));
            first.map_or(f64::INFINITY, |first| first.at.as_secs_f64())
        };
        let (early, late) = (with(less), with(more));
        prop_assert!(late >= early - GRAIN, "{} s with {} GiB, {} s with {} GiB", late, more, early, less);
        stalled.count(early.is_finite());
        Ok(())
    });
    stalled.at_least(15, "stalls");
}
