//! One host at a time: closed forms and what must follow from what.

mod crash_loop;
mod machine;
mod pages;
mod shard;
mod writing;

use super::*;
use crate::memory::rdb;
use crate::model::host::{AofRewrite, SavePoint};
use crate::model::sample::host;
use crate::model::{Cause, Happening, Ledger, Place, Unobserved, Victim};

fn run(host: Host) -> Outcome {
    Simulation::new(host).run(1, 0, &mut Unobserved).unwrap()
}

fn need_of(host: Host) -> Bytes {
    run(host).peak_memory
}

/// A rate at which the daily save copies more than the host has left.
const TOO_MUCH: f64 = 30_000.0;

#[test]
fn no_writes_copy_nothing() {
    let outcome = run(host(0.0));
    assert_eq!(outcome.cow_peak, Bytes::ZERO);
    assert_eq!((outcome.saves, outcome.oom_kills()), (7, 0));
}

#[test]
fn uniform_writes_copy_what_the_closed_form_says() {
    let rate = 1_000.0;
    let simulation = Simulation::new(host(rate));
    let outcome = simulation.run(1, 0, &mut Unobserved).unwrap();
    let population = simulation.population(0.0);
    let keys = population.keys[0];
    let seconds = simulation.heap().used_memory(&population) / Bytes::mib(100).as_f64();
    let dirty = |neighbours: i32| 1.0 - (-rate * seconds / keys).exp().powi(neighbours);
    // 64 entry-key pairs a page, 256 objects a page, and 32 values of 640 bytes on five pages, of which four hold
    // seven values and one holds eight, those cut by an edge counted on both sides.
    let values = keys / 32.0 * (4.0 * dirty(7) + dirty(8));
    let closed = 4096.0 * (keys / 64.0 * dirty(64) + keys / 256.0 * dirty(256) + values);
    assert!((outcome.cow_peak.as_f64() - closed).abs() < 4096.0, "{} {closed}", outcome.cow_peak.as_f64());
}

#[test]
fn a_save_that_copies_too_much_kills_the_server_by_default() {
    let outcome = run(host(TOO_MUCH));
    let kill = outcome.first_kill.unwrap();
    assert_eq!((kill.victim, kill.cause), (Victim::Server, Cause::Backup));
    assert_eq!(outcome.server_kills[Cause::Backup], 7);
    assert_eq!(outcome.free_min, reclaim::kept_back(Bytes::gib(16), Bytes::kib(4)));
    // Seven reloads of 12 GiB at 100 MiB/s, a second of delay and up to 1.1 s of orphan each, after as many stalls.
    let downtime = outcome.downtime.as_secs_f64() - stalled(host(TOO_MUCH));
    assert!((7.0 * 122.8..7.0 * 125.0).contains(&downtime), "{downtime}");
}

#[test]
fn with_oom_score_adj_the_child_dies_and_the_server_goes_on() {
    let mut protected = host(TOO_MUCH);
    protected.server.oom_score_adj = true;
    let outcome = run(protected.clone());
    assert_eq!(outcome.child_kills[Cause::Backup], 7);
    assert_eq!(outcome.incidents(), outcome.stalls[Cause::Backup], "no kill of the server: {outcome:?}");
    assert_eq!((outcome.save_failures, outcome.saves), (7, 0));
    assert!((outcome.downtime.as_secs_f64() - stalled(protected)).abs() < 1e-6);
}

/// Seconds that a host stalled before its kills.
fn stalled(host: Host) -> f64 {
    let mut kills = Kills::default();
    Simulation::new(host).run(1, 0, &mut kills).unwrap();
    kills.0
}

#[derive(Default)]
struct Kills(f64);

impl Observer for Kills {
    fn happened(&mut self, _at: SimTime, _place: Place, happening: Happening, _ledger: &Ledger) {
        if let Happening::Killed { stalled, .. } = happening {
            self.0 += stalled.as_secs_f64();
        }
    }
}

#[test]
fn a_killed_save_point_is_tried_again_and_writes_are_refused_until_it_succeeds() {
    let mut saving = host(TOO_MUCH);
    saving.backup = None;
    saving.server.oom_score_adj = true;
    saving.persistence.save_points = vec![SavePoint { seconds: 86_400, changes: 1 }];
    let outcome = run(saving);
    // Each failed save is followed by one with no writes to copy for, which succeeds.
    assert!(outcome.child_kills[Cause::SavePoint] >= 6, "{outcome:?}");
    assert!(outcome.saves >= 6 && outcome.rejected_writes > TOO_MUCH * 100.0, "{outcome:?}");
}

#[test]
fn the_append_only_file_is_rewritten_each_time_it_doubles() {
    let mut logging = host(2_000.0);
    logging.backup = None;
    logging.persistence.aof = Some(AofRewrite { percentage: 100.0, min_size: Bytes::mib(64) });
    let simulation = Simulation::new(logging);
    let outcome = simulation.run(1, 0, &mut Unobserved).unwrap();
    let record = rdb::set_bytes(KeyKind { key_size: 16, value: Value::Bytes(512), has_ttl: false }) as f64;
    let written = 2_000.0 * record * 7.0 * 86_400.0;
    let doublings = written / simulation.file_bytes(&simulation.population(0.0));
    // What is appended during a rewrite belongs to the next base, so a cycle is a little more than a doubling.
    let forks = f64::from(outcome.forks[Cause::AofRewrite]);
    assert!(forks <= doublings + 1.0 && forks > 0.95 * doublings - 1.0, "{forks} of {doublings}");
}

#[test]
fn inserts_at_maxmemory_are_refused_or_evict() {
    let mut full = host(1_000.0);
    full.dataset.keyspaces[0].operations.set = 0.9;
    full.dataset.keyspaces[0].operations.insert = 0.1;
    let refused = run(full.clone());
    let inserts = 100.0 * 7.0 * 86_400.0;
    assert!((refused.rejected_writes / inserts - 1.0).abs() < 1e-6, "{}", refused.rejected_writes);
    full.server.maxmemory_policy = MaxmemoryPolicy::AllKeys;
    let evicted = run(full);
    assert!((evicted.evicted_keys / inserts - 1.0).abs() < 1e-6, "{}", evicted.evicted_keys);
    assert!(evicted.cow_peak > refused.cow_peak);
}

#[test]
fn replications_do_not_rewrite_in_step() {
    let mut logging = host(2_000.0);
    logging.backup = None;
    logging.persistence.aof = Some(AofRewrite { percentage: 100.0, min_size: Bytes::mib(64) });
    let simulation = Simulation::new(logging);
    let first_fork = |replication| {
        let mut forks = Forks::default();
        simulation.run(1, replication, &mut forks).unwrap();
        forks.0[0]
    };
    let times: std::collections::BTreeSet<SimTime> = (0..8).map(first_fork).collect();
    assert_eq!(times.len(), 8);
}

#[derive(Default)]
struct Forks(Vec<SimTime>);

impl Observer for Forks {
    fn happened(&mut self, at: SimTime, _place: Place, happening: Happening, _ledger: &Ledger) {
        if matches!(happening, Happening::Forked { .. }) {
            self.0.push(at);
        }
    }
}

#[test]
fn watching_changes_nothing() {
    let simulation = Simulation::new(host(TOO_MUCH));
    let watched = simulation.run(1, 3, &mut Forks::default()).unwrap();
    assert_eq!(watched, simulation.run(1, 3, &mut Unobserved).unwrap());
}

#[test]
fn a_host_fits_up_to_what_the_kernel_keeps_back() {
    let roomy = Simulation::new(host(0.0)).fit();
    assert!(roomy.holds(), "{roomy:?}");
    let mut tight = host(0.0);
    tight.server.maxmemory = Some(Bytes::gib(15));
    assert!(!Simulation::new(tight).fit().holds());
}

#[test]
fn what_the_data_needs_counts_jobs_and_stops_at_maxmemory_where_keys_are_evicted() {
    let mut loaded = host(0.0);
    loaded.dataset.fill = Fill::Maxmemory(0.5);
    loaded.traffic.jobs = vec![Job {
        at: SimDuration::ZERO,
        jitter: SimDuration::ZERO,
        duration: SimDuration(12 * SimDuration::HOUR.0),
        writes_per_second: Uncertain::certain(100.0),
        operation: Operation::Insert,
        keyspace: 0,
    }];
    let simulation = Simulation::new(loaded.clone());
    let inserted = 100.0 * 3.5 * 86_400.0 * simulation.heap().key_bytes(0);
    let grown = simulation.used_memory_at_horizon().as_f64() - simulation.used_memory().as_f64();
    assert!((grown / inserted - 1.0).abs() < 1e-6, "{grown} {inserted}");
    loaded.server.maxmemory_policy = MaxmemoryPolicy::AllKeys;
    assert_eq!(Simulation::new(loaded).used_memory_at_horizon(), Bytes::gib(12));
}

#[test]
fn a_half_full_server_must_fit_when_it_is_full() {
    let mut half = host(0.0);
    half.server.maxmemory = Some(Bytes::gib(15));
    half.dataset.fill = Fill::Maxmemory(0.5);
    assert!(!Simulation::new(half).fit().holds());
}
