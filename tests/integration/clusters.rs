//! What this proves: the interval of incidents a year holds where incidents come in clusters, on a host that forks at
//! save points, is killed again and again and gets into crash loops.

use std::path::PathBuf;

use forkcast::model::{Simulation, Unobserved};
use forkcast::scenario::{Origin, Replications, Scenario};
use forkcast::stats::{Share, exact};
use forkcast::sweep::Budget;
use forkcast::units::SimDuration;
use rayon::prelude::*;

/// Experiments, each of its own replications.
const SEEDS: usize = 300;
const EACH: usize = 200;

/// Whether a host is hit in its two days is up to its fragmentation and its load; then saves of the next save point
/// find it as full as before.
const HOST: &str = r#"
[host]
ram = "16 GiB"
reserved = "1 GiB"

[server]
maxmemory-percent = 70
client-memory = "16 MiB"
fragmentation-ratio = { low = 1.0, likely = 1.05, high = 1.3 }

[[keyspace]]
name = "sessions"
key-size = "24 B"
value-size = "512 B"
writes-per-second = { low = 300, likely = 600, high = 1500 }

[traffic.burst]
per-year = 0

[persistence]
save = ["1800 1"]

[save]
throughput = { low = "60 MiB/s", likely = "150 MiB/s", high = "200 MiB/s" }

[backup]
method = "none"

[simulation]
horizon = "2d"
"#;

fn incidents() -> Vec<u32> {
    let origin = Origin { name: "clusters.toml".to_owned(), folder: PathBuf::new() };
    let host = Scenario::read(HOST, &origin, &[]).unwrap().as_written().host.clone();
    let simulation = Simulation::new(host);
    let one = |n| simulation.run(1, n, &mut Unobserved).unwrap().incidents();
    (0..(SEEDS * EACH) as u64).into_par_iter().map(one).collect()
}

/// The truth is the mean of all 60,000 replications. At 95 % some 7 of 300 upper ends are meant to miss it; 13 is
/// what the same chance allows once in fifty times. An interval that knows how large clusters are has a width of its
/// own: the exact one of the affected replications, times the mean cluster, widened by how much clusters vary.
#[test]
fn the_rate_of_clustered_incidents_is_held_at_both_ends() {
    let incidents = incidents();
    let budget = Budget {
        incidents_per_year: 1.0,
        confidence: 0.95,
        horizon: SimDuration(2 * SimDuration::DAY.0),
        replications: Replications::Fixed(EACH as u64),
    };
    let affected: Vec<f64> = incidents.iter().filter(|&&n| n > 0).map(|&n| f64::from(n)).collect();
    let cluster = affected.iter().sum::<f64>() / affected.len() as f64;
    let squares = affected.iter().map(|n| n * n).sum::<f64>() / affected.len() as f64;
    let truth = affected.iter().sum::<f64>() / incidents.len() as f64 / budget.years();
    let (mut below, mut above, mut width, mut known) = (0, 0, 0.0, 0.0);
    for of_seed in incidents.chunks(EACH) {
        let rate = budget.rate_of(of_seed.iter().copied());
        below += usize::from(truth < rate.low);
        above += usize::from(rate.high < truth);
        width += rate.high - rate.low;
        let hits = of_seed.iter().filter(|&&n| n > 0).count() as u64;
        let share = exact(Share { hits, trials: EACH as u64 }, budget.confidence);
        known += (share.high - share.low) * squares.sqrt() / budget.years();
    }
    let (hit, spread) = (affected.len() as f64 / incidents.len() as f64, squares.sqrt() / cluster);
    println!(
        "{:.1} % of replications hit, {cluster:.1} incidents each (root mean square {spread:.2} times that); of {SEEDS} \
         intervals {below} lie above the truth and {above} below it, {:.2} times as wide as where clusters are known",
        100.0 * hit,
        width / known
    );
    assert!(hit > 0.05 && cluster > 2.0, "{hit} {cluster}: clusters are what this is about");
    assert!(above <= 13 && below <= 13, "{below} above, {above} below");
    assert!(width <= 1.3 * known, "{}", width / known);
}
