//! What this proves: the same scenario and seed give the same bytes, for any number of threads and from run to run,
//! and another seed gives others.

use std::fs;
use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;

use forkcast::scenario::{Assignment, Origin, Scenario};
use forkcast::sweep::{self, Grid, Settings, Sweep, Unwatched};

use super::forkcast;

/// Everything at once that draws a random number.
const BUSY: &str = r#"name = "busy"

[host]
ram = "4 GiB"
reserved = { low = "200 MiB", likely = "300 MiB", high = "700 MiB" }

[server]
maxmemory-policy = "allkeys-lru"
oom-score-adj = "yes"
client-memory = { low = "1 MiB", likely = "16 MiB", high = "128 MiB" }

[dataset]
fill = 0.95
growth-per-day = { low = "0 B", likely = "30 MiB", high = "200 MiB" }

[[keyspace]]
name = "sessions"
share-of-bytes = 0.7
key-size = "24 B"
value-size = "512 B"
ttl = "1d"
writes-per-second = { low = 300, likely = 900, high = 3000 }
operations = { set = 0.9, insert = 0.06, delete = 0.04 }
popularity = { likely = "zipf:0.9", high = "uniform" }

[[keyspace]]
name = "counters"
share-of-bytes = 0.3
key-size = "16 B"
value-size = "8 B"
writes-per-second = 400
operations = { incr = 1.0 }

[[traffic.job]]
at = "02:00"
jitter = "1h"
duration = "40m"
writes-per-second = { low = 2000, likely = 8000, high = 20000 }

[persistence]
appendonly = true
save = ["3600 1", "300 1000"]

[backup]
every = "8h"

[save.slow]
probability = 0.1

[simulation]
horizon = "4d"
replications = 12

[sweep]
"server.maxmemory-percent" = [50, 60, 70]
"#;

/// The bytes of both files of a run on so many threads.
fn files(scenario: &str, arguments: &[&str], threads: &str) -> [Vec<u8>; 2] {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let run = ["run", scenario, "--quiet", "--threads", threads, "--out", out];
    forkcast(&[&run, arguments].concat()).assert().success();
    ["cells.csv", "run.json"].map(|file| fs::read(folder.path().join(file)).unwrap())
}

fn are_the_same_for_any_number_of_threads(scenario: &str, arguments: &[&str]) {
    let one = files(scenario, arguments, "1");
    assert!(one == files(scenario, arguments, "2"), "two threads write other bytes than one");
    assert!(one == files(scenario, arguments, "7"), "seven threads write other bytes than one");
}

#[test]
fn the_quickstart_is_the_same_for_any_number_of_threads() {
    let axis = "host.class=yandex.hm3-c2-m8,yandex.hm3-c4-m16";
    let arguments = ["--replications", "10", "--axis", axis, "--axis", "server.maxmemory-percent=40,60,75"];
    are_the_same_for_any_number_of_threads("scenarios/quickstart.toml", &arguments);
}

#[test]
fn a_busy_host_is_the_same_for_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("busy.toml");
    fs::write(&path, BUSY).unwrap();
    are_the_same_for_any_number_of_threads(path.to_str().unwrap(), &["--keep-replications"]);
}

fn sweep_of_busy(overrides: &[&str], threads: usize) -> Sweep {
    let overrides: Vec<Assignment> = overrides.iter().map(|text| Assignment::set(text).unwrap()).collect();
    let origin = Origin { name: "busy.toml".into(), folder: ".".into() };
    let scenario = Scenario::read(BUSY, &origin, &overrides).unwrap();
    let settings = Settings { threads: NonZeroUsize::new(threads), keep_outcomes: true };
    sweep::run(&Grid::new(&scenario).unwrap(), settings, &Unwatched, &AtomicBool::new(false)).unwrap()
}

#[test]
fn the_library_gives_the_same_outcomes_twice() {
    let first = sweep_of_busy(&[], 2);
    assert!(first.complete && first.outcomes.len() == 3);
    assert_eq!(first, sweep_of_busy(&[], 2));
    assert_eq!(first, sweep_of_busy(&[], 7));
}

#[test]
fn another_seed_gives_other_outcomes_and_more_replications_the_same_first_ones() {
    let first = sweep_of_busy(&[], 2);
    assert_ne!(first.outcomes, sweep_of_busy(&["simulation.seed=2"], 2).outcomes);
    let longer = sweep_of_busy(&["simulation.replications=20"], 2);
    for (few, many) in first.outcomes.iter().zip(&longer.outcomes) {
        assert_eq!(few.outcomes, many.outcomes[..few.outcomes.len()]);
    }
}
