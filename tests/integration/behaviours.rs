//! What this proves: the behaviours of a Valkey or Redis host under memory pressure that simple models get wrong, one
//! test each.
//!
//! Left out is what a server says of itself in mid-save: `current_cow_size` is refreshed every few seconds a GiB, and
//! forkcast predicts what the host loses, which does not depend on when somebody looks. Of `rdb_last_cow_size` it
//! knows when the child looks (`memory::save`). That `maxmemory` is not enforced on replicas and while loading has no
//! test of its own: data comes from the primary or a file, and neither is cut.

use forkcast::memory::oom::{Candidate, KillRule, Process, victim};
use forkcast::memory::overcommit::{ForkRequest, Overcommit, fork_is_admitted};
use forkcast::memory::replication::{ReplicaBuffers, buffered, not_counted};
use forkcast::memory::{child, reclaim};
use forkcast::model::{Cause, Happening, Ledger, Outcome, Simulation, Unobserved, Victim};
use forkcast::scenario::{Assignment, Origin, Scenario};
use forkcast::sweep::trace::{Happened, Trace, trace};
use forkcast::units::Bytes;

/// A host of 16 GiB with 6 GiB of data, saved in a minute by one backup an hour after the start.
const HOST: &str = r#"
    [host]
    ram = "16 GiB"
    reserved = "1 GiB"
    [server]
    engine = "valkey-8.0"
    maxmemory = "12 GiB"
    fragmentation-ratio = 1.0
    client-memory = "0 B"
    load-throughput = "100 MiB/s"
    restart-delay = "1s"
    [dataset]
    fill = 0.5
    [[keyspace]]
    name = "k"
    key-size = "16 B"
    value-size = "512 B"
    writes-per-second = 1000
    [traffic.noise]
    day = 0
    hour = 0
    minute = 0
    [persistence]
    appendonly = false
    save = []
    [save]
    throughput = "100 MiB/s"
    sigma = 0
    [save.slow]
    probability = 0
    [backup]
    at = "01:00"
    jitter = "0s"
    [replication]
    link-outage = "1m"
    [simulation]
    horizon = "3h"
"#;

const GIB: f64 = (1u64 << 30) as f64;

/// The data, and how long a child needs for them \[s\].
const DATA: f64 = 6.0 * GIB;
const SAVE_SECONDS: f64 = 61.44;

/// More than the host holds: 11.4 GiB of data, under a load that copies all of it.
const TOO_MUCH: [&str; 2] = ["dataset.fill=0.95", "keyspace.k.writes-per-second=90000"];

/// Replicas that cannot be mended from the backlog, and whose full sync nothing cuts short.
const RESYNCING: [&str; 4] = [
    "replication.replicas=1",
    "replication.repl-backlog-size=16 KiB",
    "replication.client-output-buffer-limit-replica=0 0 0",
    "replication.link-losses-per-day=12",
];

fn host(settings: &[&str]) -> Simulation {
    let settings: Vec<Assignment> = settings.iter().map(|text| Assignment::set(text).unwrap()).collect();
    let origin = Origin { name: "behaviour.toml".into(), folder: ".".into() };
    let scenario = Scenario::read(HOST, &origin, &settings).unwrap_or_else(|report| panic!("{report}"));
    Simulation::new(scenario.as_written().host.clone())
}

fn lived(settings: &[&str]) -> Outcome {
    host(settings).run(1, 0, &mut Unobserved).unwrap()
}

fn watched(settings: &[&str]) -> Trace {
    trace(&host(settings), 1, 0).unwrap()
}

/// Settings of several origins as one list.
fn all<'a>(settings: &[&[&'a str]]) -> Vec<&'a str> {
    settings.concat()
}

/// The first thing of a kind that happened.
fn first<T>(trace: &Trace, of_kind: impl Fn(&Happened) -> Option<T>) -> T {
    trace.happenings.iter().find_map(of_kind).expect("it happened")
}

/// The ledger of the first host right before its child forked, and right before that exits.
fn around_save(trace: &Trace) -> (Ledger, Ledger) {
    let time = |is_meant: fn(&Happening) -> bool| {
        first(trace, |happened| is_meant(&happened.happening).then_some(happened.at))
    };
    let (forked, saved) = (
        time(|what| matches!(what, Happening::Forked { .. })),
        time(|what| matches!(what, Happening::Saved { .. })),
    );
    let before = |time| trace.hosts[0].iter().find(|(at, _)| *at == time).unwrap().1.ledger;
    (before(forked), before(saved))
}

/// 1: One to three pages a `SET` at first, of its value, its key and the table; and no more than there is.
#[test]
fn a_write_copies_pages_not_bytes_and_all_writes_together_no_more_than_there_is() {
    let copied = |writes: f64| {
        let rate = format!("keyspace.k.writes-per-second={writes}");
        let outcome = lived(&["keyspace.k.value-size=100 B", &rate]);
        assert!(outcome.cow_peak.as_f64() <= DATA);
        outcome.cow_peak.as_f64()
    };
    let pages = copied(100.0) / (100.0 * SAVE_SECONDS * 4096.0);
    assert!((1.0..=3.0).contains(&pages), "{pages}");
    assert!(copied(90_000.0) > 0.9 * DATA);
}

/// 2: A scenario has no reads to give, and a server that is only read is one without writes.
#[test]
fn reads_copy_nothing() {
    let outcome = lived(&["keyspace.k.writes-per-second=0"]);
    assert_eq!((outcome.forks[Cause::Backup], outcome.cow_peak), (1, Bytes::ZERO));
}

/// 3
#[test]
fn copies_are_in_no_resident_set_and_yet_gone_from_the_host() {
    let (before, after) = around_save(&watched(&[]));
    assert_eq!(before.resident, after.resident);
    assert!(after.cow > Bytes::ZERO && before.available() - after.available() > after.cow);
}

/// 4: It leaves out growth, page tables and cache, and is never told of a save that failed.
#[test]
fn what_the_child_reports_is_less_than_what_the_host_loses() {
    let trace = watched(&["keyspace.k.operations={ set = 0.8, insert = 0.2 }"]);
    let (before, after) = around_save(&trace);
    let reported = first(&trace, |happened| match happened.happening {
        Happening::Saved { copied, .. } => Some(copied),
        _ => None,
    });
    let lost = after.in_use() - before.in_use();
    let page_tables = Bytes::from_f64(child::page_tables(before.resident.as_f64(), 4096));
    let growth = after.resident - before.resident;
    assert!(growth > Bytes::ZERO && lost >= reported + growth + page_tables, "{reported} {lost}");
    let failed = watched(&TOO_MUCH);
    let reports = failed.happenings.iter().filter(|h| matches!(h.happening, Happening::Saved { .. }));
    assert_eq!((reports.count(), failed.outcome.save_failures > 0), (0, true));
}

/// 6: Free memory is what the heuristic of kernels up to 5.1 asks for, of heaps that are counted.
#[test]
fn a_fork_needs_free_memory_only_under_mode_2_or_an_old_kernel() {
    let half_and_more = ["dataset.fill=0.95"];
    let refused = |mode: &str| lived(&all(&[&half_and_more, &[mode]])).forks_refused[Cause::Backup];
    assert_eq!(refused("host.overcommit-memory=0"), 0);
    assert_eq!(refused("host.overcommit-memory=1"), 0);
    assert_eq!(refused("host.overcommit-memory=2"), 1);
    let request = |kernel, counted| ForkRequest {
        kernel,
        counted,
        committed_elsewhere: GIB,
        ram: 16.0 * GIB,
        swap: 0.0,
        free: 4.0 * GIB,
    };
    let admitted = |kernel, counted| fork_is_admitted(Overcommit::Heuristic, &request(kernel, counted));
    assert!(!admitted((5, 1), 11.0 * GIB) && admitted((5, 2), 11.0 * GIB) && admitted((5, 1), 0.0));
}

/// 7
#[test]
fn modes_0_and_1_admit_the_fork_and_the_killer_comes_later() {
    for mode in ["host.overcommit-memory=0", "host.overcommit-memory=1"] {
        let outcome = lived(&all(&[&TOO_MUCH, &[mode]]));
        assert_eq!((outcome.forks[Cause::Backup], outcome.forks_refused[Cause::Backup]), (1, 0));
        assert_eq!(outcome.server_kills[Cause::Backup], 1);
    }
}

/// 8
#[test]
fn the_killer_takes_the_server_unless_the_kernel_is_old_or_the_child_offers_itself() {
    let victim_with = |setting: &str| lived(&all(&[&TOO_MUCH, &[setting]])).first_kill.unwrap().victim;
    assert_eq!(victim_with(r#"host.kernel="6.1""#), Victim::Server);
    assert_eq!(victim_with(r#"host.kernel="5.0""#), Victim::Child);
    assert_eq!(victim_with("server.oom-score-adj=yes"), Victim::Child);
}

/// 9: What the server alone maps are its copies; the data set goes with the child.
#[test]
fn the_death_of_the_server_frees_the_copies_and_that_of_its_orphan_the_data() {
    let trace = watched(&TOO_MUCH);
    let killed = first(&trace, |happened| match happened.happening {
        Happening::Killed { freed, .. } => Some(freed),
        _ => None,
    });
    let orphan = first(&trace, |happened| match happened.happening {
        Happening::OrphanExited { freed } => Some(freed),
        _ => None,
    });
    let data = Bytes::from_f64(0.95 * 12.0 * GIB);
    assert!(
        orphan >= data.scaled(0.999) && killed <= Bytes::gib(16) - Bytes::gib(1) - data,
        "{killed} {orphan}"
    );
}

/// 10: The watermark stays free; what else is left goes to a stall.
#[test]
fn the_kill_comes_above_the_watermark_and_after_a_stall() {
    let trace = watched(&TOO_MUCH);
    let stalled = first(&trace, |happened| match happened.happening {
        Happening::Killed { stalled, .. } => Some(stalled),
        _ => None,
    });
    let time = |is_meant: fn(&Happening) -> bool| {
        first(&trace, |happened| is_meant(&happened.happening).then_some(happened.at))
    };
    let began = time(|what| matches!(what, Happening::StallBegan { .. }));
    assert_eq!(time(|what| matches!(what, Happening::Killed { .. })).since(began), stalled);
    assert!(stalled.0 > 0 && trace.outcome.downtime >= stalled);
    assert_eq!(trace.outcome.free_min, reclaim::kept_back(Bytes::gib(16), Bytes::kib(4)));
}

/// 11: Servers of one scenario are alike, so the law says it.
#[test]
fn the_largest_process_dies_and_not_the_one_that_asked() {
    let process = |resident| Process {
        candidate: Candidate { resident, swapped: Bytes::ZERO, page_tables: Bytes::ZERO, score_adj: 0 },
        parent: None,
    };
    let (idle, saving) = (process(Bytes::gib(8)), process(Bytes::gib(3)));
    let child = Process { parent: Some(1), ..process(Bytes::gib(3)) };
    let taken = victim(KillRule::LargestProcess, &[idle, saving, child], Bytes::gib(16), Bytes::kib(4));
    assert_eq!(taken, Some(0));
}

/// 12: `MISCONF`, another try at once, the replica's panic, the unit stopped.
#[test]
fn a_killed_save_has_consequences() {
    let child_dies = ["server.oom-score-adj=yes", "persistence.save=[\"1000000 1000000000\"]"];
    let refusing = watched(&all(&[&TOO_MUCH, &child_dies]));
    assert!(refusing.outcome.rejected_writes > 0.0);
    // With save points within reach the next try begins six seconds after the last one began, so at once.
    let again = all(&[&TOO_MUCH, &["server.oom-score-adj=yes", "persistence.save=[\"60 1\"]"]]);
    let trace = watched(&again);
    let killed =
        trace.happenings.iter().position(|h| matches!(h.happening, Happening::Killed { .. })).unwrap();
    let retried = trace.happenings[killed..].iter().find(|h| matches!(h.happening, Happening::Forked { .. }));
    assert!(retried.unwrap().at.since(trace.happenings[killed].at).as_secs_f64() < 1.0);
    let on_replica = ["replication.replicas=1", "backup.host=replica"];
    assert_eq!(lived(&all(&[&TOO_MUCH, &child_dies, &on_replica])).replica_panics, 1);
    let stopped = lived(&all(&[&TOO_MUCH, &child_dies, &["server.oom-policy=stop"]]));
    assert_eq!((stopped.child_kills[Cause::Backup], stopped.server_kills[Cause::Backup]), (1, 1));
}

/// 13
#[test]
fn a_full_sync_over_sockets_that_fails_refuses_no_writes() {
    let rejected = |sync: &str| {
        let sync = format!("replication.sync={sync}");
        let refused =
            ["host.overcommit-memory=2", "persistence.save=[\"1000000 1000000000\"]", "backup.method=none"];
        let outcome = lived(&all(&[&["dataset.fill=0.95", &sync], &RESYNCING, &refused]));
        assert!(outcome.forks_refused[Cause::FullSync] > 0);
        outcome.rejected_writes
    };
    assert!(rejected("diskless") <= 0.0);
    assert!(rejected("disk") > 0.0);
}

/// 14: Of what is shared only the part above the backlog is outside `maxmemory`.
#[test]
fn replicas_share_a_buffer_as_long_as_the_longest_lags() {
    let (backlog, lags) = (10.0, [40.0, 70.0, 20.0]);
    let total = |kind| buffered(kind, backlog, lags.into_iter());
    assert_eq!((total(ReplicaBuffers::Shared), total(ReplicaBuffers::Private)), (70.0, 140.0));
    let mebi = (1u64 << 20) as f64;
    let outside = not_counted(ReplicaBuffers::Shared, 70.0 * mebi, 10.0 * mebi);
    // The backlog's blocks count with their headers, 64 bytes to 16 KiB.
    assert!(outside < 60.0 * mebi && outside > 59.9 * mebi, "{outside}");
}

/// 15
#[test]
fn a_larger_backlog_takes_its_room_from_the_data() {
    let data = |backlog: &str| {
        let simulation =
            host(&["replication.replicas=1", &format!("replication.repl-backlog-size={backlog}")]);
        simulation.heap().used_memory(&simulation.population(0.0))
    };
    let less = data("1 MiB") - data("1 GiB");
    assert!((less / Bytes::mib(1023).as_f64() - 1.0).abs() < 1e-6, "{less}");
}

/// 16: What is evicted is deleted, which writes pages; what is refused writes none.
#[test]
fn eviction_in_a_save_frees_nothing_and_copies_more() {
    let peak = |policy: &str| {
        let policy = format!("server.maxmemory-policy={policy}");
        let inserts =
            ["dataset.fill=1.0", "server.maxmemory=6 GiB", "keyspace.k.operations={ insert = 1.0 }"];
        let outcome = lived(&all(&[&inserts, &[&policy]]));
        ((outcome.evicted_keys > 0.0), outcome.cow_peak, outcome.peak_memory)
    };
    let (refusing, evicting) = (peak("noeviction"), peak("allkeys-lru"));
    assert!(!refusing.0 && evicting.0);
    assert!(evicting.1 > refusing.1 && evicting.2 > refusing.2, "{refusing:?} {evicting:?}");
}

/// 17
#[test]
fn the_snapshot_stays_in_the_page_cache_before_7_2_or_by_way_of_disk_and_not_else() {
    let cached = |settings: &[&str]| {
        let timelines = watched(settings).hosts;
        timelines[0].iter().map(|(_, sample)| sample.ledger.cache + sample.ledger.pinned_cache).max().unwrap()
    };
    let plain = "persistence.rdbcompression=false";
    let simulation = host(&[plain]);
    let file = Bytes::from_f64(simulation.file_bytes(&simulation.population(0.0)));
    assert!(cached(&["server.engine=redis-7.0", plain]) >= file.scaled(0.99));
    assert!(cached(&["server.engine=redis-7.2"]) <= Bytes::mib(10));
    let synced = ["backup.method=none", "replication.sync=disk", plain];
    assert!(cached(&all(&[&RESYNCING, &synced])) >= file.scaled(0.9));
}

/// 18: From 5.8 on a write copies 4 KiB of a huge page, and what splitting leaves over stays after the child is gone.
#[test]
fn huge_pages_copy_2_mib_up_to_5_7_and_leave_memory_behind_since() {
    let with = |kernel: &str| {
        let kernel = format!("host.kernel=\"{kernel}\"");
        let huge = ["host.transparent-huge-pages=always", "server.disable-thp=false", &kernel];
        watched(&all(&[&huge, &["keyspace.k.writes-per-second=10"]]))
    };
    let (whole, split) = (with("5.7"), with("5.8"));
    // Two pages or three a write, each alone on its huge page.
    let copied = |trace: &Trace| trace.outcome.cow_peak.as_f64() / (10.0 * SAVE_SECONDS);
    assert!(copied(&whole) > 2.0 * 1024.0 * 1024.0 && copied(&split) < 4.0 * 4096.0);
    let left = |trace: &Trace| trace.hosts[0].last().unwrap().1.ledger.cache;
    assert!(left(&whole) <= left(&split) && left(&split) > Bytes::ZERO);
}

/// 19: An entry of 8 bytes for each page of 4 KiB, at the fork.
#[test]
fn the_child_needs_2_mib_of_page_tables_a_gib() {
    let (before, after) = around_save(&watched(&[]));
    let more = (after.page_tables - before.page_tables).as_f64();
    assert!((more / (DATA / 512.0) - 1.0).abs() < 0.01, "{more}");
}

/// 20: Copies saturate, so half the time copies from half to all of it; what a slow replica stretches is the time.
#[test]
fn half_the_time_copies_half_only_far_below_saturation() {
    let ratio = |writes: u32| {
        let copied = |throughput: &str| {
            let rate = format!("keyspace.k.writes-per-second={writes}");
            lived(&[&rate, &format!("save.throughput={throughput}")]).cow_peak.as_f64()
        };
        copied("200 MiB/s") / copied("100 MiB/s")
    };
    let (below, above) = (ratio(100), ratio(90_000));
    assert!((0.5..0.51).contains(&below) && (0.8..=1.0).contains(&above), "{below} {above}");
    let sync = |link: &str, method: &str| {
        let settings = [&format!("replication.throughput={link}"), method, "backup.method=none"];
        let trace = watched(&all(&[&RESYNCING, &settings]));
        first(&trace, |happened| match happened.happening {
            Happening::Forked { duration, .. } => Some(duration.as_secs_f64()),
            _ => None,
        })
    };
    assert!(
        sync("10 MiB/s", "replication.sync=diskless") > 4.0 * sync("1 GiB/s", "replication.sync=diskless")
    );
    let by_disk = sync("10 MiB/s", "replication.sync=disk") / sync("1 GiB/s", "replication.sync=disk");
    assert!((by_disk - 1.0).abs() < 0.01, "{by_disk}");
}

/// Also: what the child of 8.1 gives back of short values, no earlier one does.
#[test]
fn a_child_gives_small_objects_back_from_8_1_on() {
    assert!(!host(&["server.engine=valkey-8.0"]).gives_back());
    assert!(host(&["server.engine=valkey-8.1"]).gives_back());
}

/// Also: the old data stays until the new is there.
#[test]
fn a_replica_that_swaps_databases_holds_both() {
    let peak = |load: &str| {
        let load = format!("replication.repl-diskless-load={load}");
        let trace = watched(&all(&[&RESYNCING, &["backup.method=none", &load]]));
        let resident = trace.hosts[1].iter().map(|(_, sample)| sample.ledger.resident).max().unwrap();
        resident.as_f64() / DATA
    };
    assert!((1.95..2.01).contains(&peak("swapdb")) && peak("disabled") < 1.01, "{}", peak("swapdb"));
}
