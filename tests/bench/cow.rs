//! `forkcast cow` as a process, and a step of the law beside its peers: a simulation of every page in which every write
//! is drawn, and numpy with one exponential a page.
//!
//! Prints medians and ratios. A peer's step costs what there are writes or pages; a step of the law is a sum over a
//! handful of pools, whatever the host. That is the algorithm's doing, not the language's.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark says what it measured, or stops")]

use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use forkcast::memory::layout::Role;
use forkcast::memory::{
    Allocator, Exposure, Heap, KeyKind, Keys, Popularity, Population, Released, Spread, Value,
};
use forkcast::scenario::layout;
use rand::{RngExt, SeedableRng};
use rand_distr::weighted::WeightedAliasIndex;
use rand_xoshiro::Xoshiro256PlusPlus;

const GIB: f64 = (1u64 << 30) as f64;
const PAGE: u64 = 4096;
const KIND: KeyKind = KeyKind { key_size: 16, value: Value::Bytes(1024), has_ttl: false };
const ZIPF: Popularity = Popularity::Zipf { theta: 0.99 };
/// Writes over keys, in every comparison.
const LOAD: f64 = 0.25;
/// What a whole process may take.
const PROCESS_LIMIT: Duration = Duration::from_millis(50);

fn main() {
    println!("one save of 1 KiB strings under Zipf 0.99, {LOAD} writes a key; medians\n");
    process();
    let step_of_law = law(1.0);
    println!("a step of the law, 1 TiB over 1 GiB: {:.2} times", ratio(law(1024.0), step_of_law));
    let drawn = every_write(1.0);
    println!("every write drawn over the law, 1 GiB: {:.0} times\n", ratio(drawn, step_of_law));
    for gib in [1.0, 16.0] {
        match numpy(gib) {
            Some(step) => {
                println!(
                    "one exponential a page over the law, {gib} GiB: {:.0} times",
                    ratio(step, step_of_law)
                );
            }
            None => println!("SKIPPED: one exponential a page needs python3 with numpy, and there is none"),
        }
    }
    println!(
        "\nThe peers' steps grow with the writes or the pages, the law's with neither: the algorithm earns the ratio."
    );
}

fn ratio(peer: Duration, own: Duration) -> f64 {
    peer.as_secs_f64() / own.as_secs_f64()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn timed<T>(runs: usize, mut step: impl FnMut() -> T) -> Duration {
    let time = |_| {
        let started = Instant::now();
        black_box(step());
        started.elapsed()
    };
    median((0..runs).map(time).collect())
}

/// The command from its start to its exit, as a shell runs it.
fn process() {
    let args = "cow --memory 1TiB --key-size 16B --value-size 1KiB --popularity zipf:0.99 --writes-per-second 50000 \
                --save-duration 90m";
    let run = || {
        let output =
            Command::new(env!("CARGO_BIN_EXE_forkcast")).args(args.split_whitespace()).output().unwrap();
        assert!(output.status.success());
    };
    let time = timed(21, run);
    println!("forkcast {args}\n  {time:.1?} a process, {PROCESS_LIMIT:?} at most\n");
    assert!(time < PROCESS_LIMIT, "{time:?}");
}

/// The heap of so many GiB, and its keys.
fn data(gib: f64) -> (Heap, Population) {
    let heap = Heap::new(layout("valkey-8.0").unwrap(), Allocator::Bundled, PAGE, &[Keys::alike(KIND)]);
    let population = heap.population_of(gib * GIB, &[1.0]);
    (heap, population)
}

fn law(gib: f64) -> Duration {
    const STEPS: u32 = 10_000;
    let (heap, population) = data(gib);
    let spreads = [Spread::new(ZIPF, population.keys[0])];
    let writes = LOAD * population.keys[0];
    let all = timed(15, || {
        let step = |step: u32| {
            let exposures =
                [Exposure { set: writes * f64::from(step) / f64::from(STEPS), ..Exposure::default() }];
            heap.copied_bytes(&population, black_box(&exposures), &spreads, Released::default())
        };
        (1..=STEPS).map(step).sum::<f64>()
    });
    let step = all / STEPS;
    println!("law, {gib} GiB: {step:.0?} a step");
    step
}

/// Draws every write of a step and marks the pages of the key's allocations, each pool laid out in random order.
fn every_write(gib: f64) -> Duration {
    let (_, population) = data(gib);
    let keys = whole(population.keys[0]);
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let weights: Vec<f64> = (1..=keys).map(|rank| (rank as f64).powf(-0.99)).collect();
    let choice = WeightedAliasIndex::new(weights).unwrap();
    let places = layout("valkey-8.0").unwrap().places(Allocator::Bundled, KIND);
    let written: Vec<_> = places.into_iter().filter(|place| place.role != Role::Key).collect();
    // A key lies at another place in each pool: a multiplication by an odd number shuffles well enough to time it.
    let place_of = |key: usize, pool: usize| (key * (0x9E37_79B1 + 2 * pool)) % keys;
    let step = timed(5, || {
        let mut dirty: Vec<Vec<bool>> = written
            .iter()
            .map(|place| vec![false; keys * whole((place.class * place.slots) as f64) / 4096 + 2])
            .collect();
        for _ in 0..whole(LOAD * keys as f64) {
            let key = rng.sample(&choice);
            for (pool, place) in written.iter().enumerate() {
                let length = whole((place.class * place.slots) as f64);
                let start = place_of(key, pool) * length;
                dirty[pool][start / 4096..=(start + length - 1) / 4096].fill(true);
            }
        }
        dirty.iter().flatten().filter(|&&page| page).count()
    });
    println!("every write drawn, {gib} GiB, {keys} keys: {step:.1?} a step");
    step
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few million keys")]
fn whole(number: f64) -> usize {
    number as usize
}

/// The script beside this file; `None` where it cannot run.
fn numpy(gib: f64) -> Option<Duration> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bench/exponentials.py");
    let pages = gib * GIB / PAGE as f64;
    let output = Command::new("python3").args([script, &pages.to_string(), "0.5"]).output().ok()?;
    let seconds: f64 = String::from_utf8(output.stdout).ok()?.trim().parse().ok()?;
    let step = Duration::from_secs_f64(seconds);
    println!("one exponential a page, {gib} GiB, {pages} pages: {step:.1?} a step");
    Some(step)
}
