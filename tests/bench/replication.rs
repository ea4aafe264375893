//! Replications a second, and what their cost does not depend on.
//!
//! Read the medians as ratios within one run: a host of 1 TiB beside one of 1 GiB, a load ten times as heavy beside
//! the plain one. The month of the managed host is the unit that users wait for, replications of a cell.

use std::path::Path;

use divan::Bencher;
use forkcast::model::{Simulation, Unobserved};
use forkcast::scenario::{Origin, Scenario};

fn main() {
    divan::main();
}

/// A month of the managed host at 60 %, on one core.
#[divan::bench]
fn month_of_the_managed_host(bencher: Bencher) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/managed-valkey.toml");
    let scenario = Scenario::open(&path, &[]).expect("a shipped scenario is valid");
    let case = scenario.at(&[("server.maxmemory-percent", "60")]).expect("60 % is a valid percent");
    replicate(bencher, &Simulation::new(case.host));
}

/// A month of the same host with so many replicas, each with persistence of its own and a link that breaks every ten
/// days; 0 is the host above.
#[divan::bench(args = [0, 1, 3, 5])]
fn month_of_a_shard_by_replicas(bencher: Bencher, replicas: u32) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/managed-valkey.toml");
    let scenario = Scenario::open(&path, &[]).expect("a shipped scenario is valid");
    let mut host = scenario.at(&[("server.maxmemory-percent", "60")]).expect("60 % is a valid percent").host;
    host.replication.replicas = replicas;
    host.replication.link_losses_per_day = 0.1;
    replicate(bencher, &Simulation::new(host));
}

/// A month of daily saves, by size of the host: the law knows pages only as a number.
#[divan::bench(args = ["1 GiB", "32 GiB", "1 TiB"])]
fn month_of_daily_saves_by_ram(bencher: Bencher, ram: &str) {
    replicate(bencher, &daily_saves(ram, "1 GiB/s", 100));
}

/// A month of daily saves, by write rate: a save under ten times the writes costs no more.
#[divan::bench(args = [100, 1_000, 10_000])]
fn month_of_daily_saves_by_write_rate(bencher: Bencher, writes_per_second: u32) {
    replicate(bencher, &daily_saves("1 TiB", "10 GiB/s", writes_per_second));
}

/// Half of the host is data, so that nothing is ever killed; saves are fast enough to end on the day they begin.
fn daily_saves(ram: &str, throughput: &str, writes_per_second: u32) -> Simulation {
    let text = format!(
        r#"
        [host]
        ram = "{ram}"
        reserved = "64 MiB"
        [server]
        maxmemory-percent = 30
        fragmentation-ratio = 1.0
        client-memory = "1 MiB"
        [[keyspace]]
        name = "sessions"
        key-size = "16 B"
        value-size = "512 B"
        writes-per-second = {writes_per_second}
        popularity = "uniform"
        [persistence]
        appendonly = false
        save = []
        [save]
        throughput = "{throughput}"
        [backup]
        at = "22:00"
        "#
    );
    let origin = Origin { name: "bench".to_owned(), folder: ".".into() };
    let scenario = Scenario::read(&text, &origin, &[]).expect("the benchmark's scenario is valid");
    Simulation::new(scenario.as_written().host.clone())
}

fn replicate(bencher: Bencher, simulation: &Simulation) {
    let mut replication = 0;
    bencher.bench_local(|| {
        replication += 1;
        simulation.run(1, replication, &mut Unobserved)
    });
}
