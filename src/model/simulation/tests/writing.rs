//! What children write: how long it takes, how large the file is, and what follows from that for rewrites and reloads.

use rand::RngExt;

use super::*;
use crate::memory::heap::Heap;
use crate::model::Unknown;
use crate::model::host::{SaveSpeed, SyncMethod};
use crate::model::life::occasion;
use crate::rng::Stream;

/// What happened, and what the server held of RAM then.
#[derive(Default)]
struct Events(Vec<(SimTime, Happening, Bytes)>);

impl Observer for Events {
    fn happened(&mut self, at: SimTime, _place: Place, happening: Happening, ledger: &Ledger) {
        self.0.push((at, happening, ledger.resident));
    }
}

impl Events {
    fn of(host: &Host) -> Self {
        let mut events = Self::default();
        Simulation::new(host.clone()).run(1, 0, &mut events).unwrap();
        events
    }

    /// How long the first child lives, if it is left alone \[s\].
    fn first_child(&self) -> f64 {
        let forked = |event: &(SimTime, Happening, Bytes)| match event.1 {
            Happening::Forked { duration, .. } => Some(duration.as_secs_f64()),
            _ => None,
        };
        self.0.iter().find_map(forked).unwrap()
    }
}

fn keys(host: &Host) -> f64 {
    Simulation::new(host.clone()).population(0.0).keys[0]
}

/// Bytes of a key in a file: its type, two lengths, 16 bytes and what is left of the value's 512.
fn record(compressed_to: f64) -> f64 {
    1.0 + 1.0 + 16.0 + 2.0 + 512.0 * compressed_to
}

/// A host without writes whose child takes 1.25 µs a bare key, on a disk of so many MiB/s.
fn by_parts(disk: u64) -> Host {
    let mut host = host(0.0);
    host.save.speed = SaveSpeed::Parts {
        seconds_per_key: Uncertain::certain(1.25e-6),
        disk: Uncertain::certain(Bytes::mib(disk).as_f64()),
    };
    host
}

/// The processor's time for a key [µs]: to walk to it, to write its record, and to try to compress its value.
fn processor(record: f64) -> f64 {
    1.25 + 2.3e-3 * record + 0.28 + 5.1e-3 * 512.0
}

#[test]
fn a_child_is_as_slow_as_the_slower_of_processor_and_disk() {
    let seconds = |disk, compressed_to, compresses| {
        let mut host = by_parts(disk);
        host.dataset.keyspaces[0].compressed_to = Uncertain::certain(compressed_to);
        host.persistence.rdb_compression = compresses;
        Events::of(&host).first_child() / keys(&host) * 1e6
    };
    let disk = |mib: u64, record: f64| record / Bytes::mib(mib).as_f64() * 1e6;
    for (said, expected) in [
        (seconds(30, 1.0, true), disk(30, record(1.0))),
        (seconds(30, 0.5, true), disk(30, record(0.5))),
        (seconds(30, 0.5, false), disk(30, record(1.0))),
        (seconds(1_000, 1.0, true), processor(record(1.0))),
        (seconds(1_000, 0.5, true), processor(record(0.5))),
        (seconds(1_000, 0.5, false), 1.25 + 2.3e-3 * record(1.0)),
    ] {
        assert!((said / expected - 1.0).abs() < 1e-6, "{said} {expected}");
    }
}

/// A child that writes to sockets waits for the link and not for the disk.
#[test]
fn over_sockets_the_link_takes_the_place_of_the_disk() {
    let seconds = |link: u64, method| {
        let mut host = by_parts(1);
        host.replication.sync = SyncMethod::Diskless;
        host.replication.throughput = Uncertain::certain(Bytes::mib(link).as_f64());
        host.backup = host.backup.map(|backup| crate::model::host::Backup { method, ..backup });
        Events::of(&host).first_child() / keys(&host) * 1e6
    };
    let over = |mib: u64| record(1.0) / Bytes::mib(mib).as_f64() * 1e6;
    assert!((seconds(10, BackupMethod::Sync) / over(10) - 1.0).abs() < 1e-6);
    assert!((seconds(10_000, BackupMethod::Sync) / processor(record(1.0)) - 1.0).abs() < 1e-6);
    assert!((seconds(10_000, BackupMethod::Bgsave) / over(1) - 1.0).abs() < 1e-6);
}

/// Where values take half their length, a file is 276 of 532 bytes a key, and doubles in 0.52 of the time.
#[test]
fn a_file_that_compresses_to_a_half_is_rewritten_twice_as_often() {
    let rewrites = |compressed_to, compresses| {
        let mut logging = host(2_000.0);
        logging.backup = None;
        logging.persistence.aof = Some(AofRewrite { percentage: 100.0, min_size: Bytes::mib(64) });
        logging.persistence.rdb_compression = compresses;
        logging.dataset.keyspaces[0].compressed_to = Uncertain::certain(compressed_to);
        f64::from(run(logging).forks[Cause::AofRewrite])
    };
    let (full, half) = (rewrites(1.0, true), rewrites(0.5, true));
    // What is appended while a rewrite runs is part of the next base, and weighs more on the smaller one.
    let ratio = half / full / (record(1.0) / record(0.5));
    assert!(full > 50.0 && (0.93..1.02).contains(&ratio), "{full} {half}");
    assert!((rewrites(0.5, false) - full).abs() < 0.5, "nothing is compressed");
}

/// A backup kills the server. Its file has never been rewritten: what it begins with, what it had gained before time 0,
/// and the writes until the host stalled.
#[test]
fn a_reload_takes_the_snapshot_at_its_speed_and_replays_what_came_since() {
    let mut logging = host(TOO_MUCH);
    logging.persistence.aof = Some(AofRewrite { percentage: 100.0, min_size: Bytes::gib(1 << 20) });
    logging.server.aof_replay_rate = Uncertain::certain(400_000.0);
    let events = Events::of(&logging).0;
    let killed = events.iter().find_map(|(at, happening, _)| match happening {
        Happening::Killed { stalled, .. } => Some(at.as_secs_f64() - stalled.as_secs_f64()),
        _ => None,
    });
    let starting = events.iter().find_map(|(_, happening, _)| match happening {
        Happening::Starting { duration, .. } => Some(duration.as_secs_f64()),
        _ => None,
    });
    let simulation = Simulation::new(logging);
    let population = simulation.population(0.0);
    let phase: f64 = Stream::new(1, 0).at(Purpose::AofPhase, occasion(0, 0)).random();
    let a_write = rdb::set_bytes(KeyKind { key_size: 16, value: Value::Bytes(512), has_ttl: false }) as f64;
    let before = phase * population.keys[0] * record(1.0) / a_write;
    let snapshot = Heap::used_memory(simulation.heap(), &population) / Bytes::mib(100).as_f64();
    let replayed = (before + TOO_MUCH * killed.unwrap()) / 400_000.0;
    assert!(replayed > 100.0, "{replayed} s of replay beside {snapshot} s");
    let expected = snapshot + replayed;
    assert!((starting.unwrap() / expected - 1.0).abs() < 1e-4, "{starting:?} {expected}");
}

/// Without a replica and an append-only file nothing depends on the file where a throughput is given.
#[test]
fn a_given_throughput_decides_alone() {
    let mut given = host(1_000.0);
    given.save.speed = SaveSpeed::Throughput(Uncertain { low: 3e7, likely: 1e8, high: 3e8 });
    let mut open = given.clone();
    open.dataset.keyspaces[0].compressed_to = Uncertain { low: 0.4, likely: 0.85, high: 1.0 };
    open.server.aof_replay_rate = Uncertain { low: 1e5, likely: 5e5, high: 1e6 };
    assert_eq!(Unknown::of(&open), Unknown::of(&given));
    let drawn = Simulation::new(given.clone()).draw(&Draws::new(1, 0));
    let (population, data) = (Simulation::new(given.clone()).population(0.0), 1e10);
    let rate = Uncertain { low: 3e7, likely: 1e8, high: 3e8 }
        .quantile(Draws::new(1, 0).quantile(Purpose::SaveThroughput, 0));
    let seconds = drawn.writing.seconds(data, &population, crate::model::writing::Medium::Disk);
    assert_eq!(seconds.to_bits(), (data / rate).to_bits());
    for replication in 0..3 {
        let [given, open] = [&given, &open]
            .map(|host| Simulation::new(host.clone()).run(1, replication, &mut Unobserved).unwrap());
        assert_eq!(given, open);
    }
}

#[test]
fn what_the_pace_and_the_file_depend_on_is_unknown_and_settles() {
    let open = Uncertain { low: 0.5, likely: 0.8, high: 1.0 };
    let mut host = by_parts(100);
    host.save.speed = SaveSpeed::Parts { seconds_per_key: open, disk: open };
    host.dataset.keyspaces[0].compressed_to = open;
    host.server.aof_replay_rate = open;
    let paths: Vec<String> = Unknown::of(&host).into_iter().map(|unknown| unknown.path(&host)).collect();
    let expected = ["save.microseconds-per-key", "save.disk-throughput", "keyspace.sessions.compressed-to"];
    assert_eq!(paths, expected);
    let likely = host.at_likely();
    assert!(Unknown::of(&likely).is_empty() && likely.server.aof_replay_rate.is_certain());
    host.persistence.rdb_compression = false;
    assert_eq!(Unknown::of(&host).len(), 2, "nothing is compressed");
}

/// What was never touched takes no RAM, and the ledger says so.
#[test]
fn a_server_may_take_less_than_it_was_handed_out() {
    let resident = |ratio| {
        let mut host = host(0.0);
        host.server.fragmentation_ratio = Uncertain::certain(ratio);
        Events::of(&host).0[0].2.as_f64()
    };
    assert!((resident(0.98) / resident(1.0) - 0.98).abs() < 1e-9);
    let mut tight = host(0.0);
    tight.server.maxmemory = Some(Bytes::from_f64(Bytes::gib(15).as_f64()));
    assert!(!Simulation::new(tight.clone()).fit().holds());
    tight.server.fragmentation_ratio = Uncertain::certain(0.98);
    assert!(Simulation::new(tight).fit().holds());
}
