//! The README's table: each speed beside the peer that a reader would write instead, in one run on one machine.
//!
//! `cargo bench --bench peers` installs the peers' packages (`requirements.txt` beside this file) into an environment of
//! their own under `target/`. A peer that cannot run is skipped with a line that says so. What one core does is
//! measured in CPU time, so that a busy machine does not move it; what two cores do is measured on the clock.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark says what it measured, or stops")]

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use forkcast::memory::{Allocator, Exposure, Heap, KeyKind, Keys, Popularity, Released, Spread, Value};
use forkcast::model::{Cause, Simulation, Unobserved};
use forkcast::rng::{Purpose, Stream};
use forkcast::scenario::{Scenario, layout};
use rand::RngExt;
use rand_distr::StandardNormal;
use serde_json::Value as Json;

const GIB: f64 = (1u64 << 30) as f64;
const PAGE: u64 = 4096;
const BINARY: &str = env!("CARGO_BIN_EXE_forkcast");
const QUICKSTART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/quickstart.toml");
/// Cells of the quickstart's sweep, and months of each.
const CELLS: f64 = 72.0;
const MONTHS: u32 = 1_000;

fn main() {
    let python = environment();
    if python.is_none() {
        println!(
            "SKIPPED: every peer in Python: no python3 with venv, or its packages cannot be installed\n"
        );
    }
    println!("| what | peer | peer's | ours | ratio |\n|---|---|---:|---:|---:|");
    let simpy = history(python.as_deref());
    pages(python.as_deref());
    static_saves(python.as_deref());
    sweep(simpy);
    decided(simpy);
    threads();
    memory();
    println!("\n{}", machine());
}

/// A Python that has the peers' packages.
fn environment() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers");
    let python = folder.join("bin/python");
    let requirements = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bench/requirements.txt");
    let runs = |program: &Path, args: &[&str]| {
        Command::new(program).args(args).stdout(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    let made = python.exists() || runs(Path::new("python3"), &["-m", "venv", folder.to_str()?]);
    let install =
        ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", requirements];
    (made && runs(&python, &install)).then_some(python)
}

/// What a peer prints; `None`, said aloud, where it cannot run.
fn peer(python: Option<&Path>, script: &str, args: &[&str]) -> Option<Json> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench").join(script);
    let output = Command::new(python?).arg(path).args(args).stderr(Stdio::inherit()).output().unwrap();
    if !output.status.success() {
        println!("SKIPPED: {script} ended with {}", output.status);
        return None;
    }
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn row(what: &str, peer: &str, theirs: Option<f64>, ours: f64) {
    let ratio = theirs.map_or("-".to_owned(), |theirs| times(theirs / ours));
    let theirs = theirs.map_or("not run".to_owned(), seconds);
    println!("| {what} | {peer} | {theirs} | {} | {ratio} |", seconds(ours));
}

fn seconds(seconds: f64) -> String {
    match seconds {
        above if above >= 3_600.0 => format!("{:.0} h", above / 3_600.0),
        above if above >= 1.0 => format!("{above:.1} s"),
        above if above >= 1e-3 => format!("{:.1} ms", above * 1e3),
        above if above >= 1e-6 => format!("{:.1} µs", above * 1e6),
        below => format!("{:.0} ns", below * 1e9),
    }
}

fn times(ratio: f64) -> String {
    if ratio >= 10.0 { format!("{ratio:.0} times") } else { format!("{ratio:.2} times") }
}

/// CPU time of this thread \[s\], as fresh as the scheduler's last tick: what is timed takes many of them.
fn cpu() -> f64 {
    let spent = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    spent.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e9
}

/// CPU time of one of so many steps, the median of seven rounds.
fn timed(steps: u32, mut step: impl FnMut(u32)) -> f64 {
    let mut round = || {
        let started = cpu();
        (0..steps).for_each(&mut step);
        (cpu() - started) / f64::from(steps)
    };
    let mut rounds: Vec<f64> = (0..7).map(|_| round()).collect();
    rounds.sort_unstable_by(f64::total_cmp);
    rounds[3]
}

/// The history of a host: rewrites that come when the file has doubled, backups that wait. Returns `SimPy`'s month.
fn history(python: Option<&Path>) -> Option<f64> {
    let scenario = Scenario::open(Path::new(QUICKSTART), &[]).expect("a shipped scenario is valid");
    let case = scenario.at(&[("server.maxmemory-percent", "60")]).expect("60 % is a valid percent");
    let simulation = Simulation::new(case.host);
    let mut replication = 0;
    let ours = timed(200, |_| {
        replication += 1;
        black_box(simulation.run(1, replication, &mut Unobserved)).unwrap();
    });
    let theirs = peer(python, "simpy_host.py", &[BINARY, "3", "60"]);
    let month = theirs.as_ref().and_then(|theirs| theirs["seconds_a_month"].as_f64());
    row("a month of the quickstart's host at 60 %", "SimPy, a process a host, ticks of 1 s", month, ours);
    if let Some(theirs) = theirs {
        agreement(&theirs, &simulation);
    }
    month
}

/// Says on standard error how far the two months agree: they simplify differently.
#[expect(clippy::print_stderr, reason = "beside the table, not in it")]
fn agreement(theirs: &Json, simulation: &Simulation) {
    let outcomes: Vec<_> =
        (1..=1_000).map(|replication| simulation.run(1, replication, &mut Unobserved).unwrap()).collect();
    let mut copied: Vec<f64> = outcomes.iter().map(|outcome| outcome.cow_peak.as_f64()).collect();
    copied.sort_unstable_by(f64::total_cmp);
    let forks: f64 = outcomes
        .iter()
        .map(|outcome| f64::from(Cause::ALL.iter().map(|&cause| outcome.forks[cause]).sum::<u32>()))
        .sum();
    let killed = outcomes.iter().filter(|outcome| outcome.first_kill.is_some()).count();
    eprintln!(
        "forks a month: {:.0} in SimPy's 3 months, {:.0} in 1,000 of ours; most copied, median: {:.2} and {:.2} GiB; \
         months with a kill: {} and {:.4}",
        theirs["forks_a_month"],
        forks / 1_000.0,
        theirs["copied_peak_p50_bytes"].as_f64().unwrap() / GIB,
        copied[500] / GIB,
        theirs["kill_share"],
        killed as f64 / 1_000.0,
    );
}

/// The heap of strings of 1 KiB, and a step of the law in it, beside one exponential a page.
fn pages(python: Option<&Path>) {
    for gib in [1.0, 16.0] {
        let ours = law(gib, Popularity::Zipf { theta: 0.99 });
        let pages = (gib * GIB / PAGE as f64).to_string();
        let theirs = peer(python, "exponentials.py", &[&pages, "0.5"]).and_then(|step| step.as_f64());
        row(
            &format!("copies at a moment, {gib} GiB under Zipf 0.99"),
            "numpy, one exponential a page",
            theirs,
            ours,
        );
    }
}

/// A step of the law.
fn law(gib: f64, popularity: Popularity) -> f64 {
    let (heap, population) = data(gib);
    let spreads = [Spread::new(popularity, population.keys[0])];
    let step = |step: u32| {
        let writes = 0.25 * population.keys[0] * f64::from(step) / 100_000.0;
        let exposures = [Exposure { set: writes, ..Exposure::default() }];
        black_box(heap.copied_bytes(&population, black_box(&exposures), &spreads, Released::default()));
    };
    timed(100_000, step)
}

fn data(gib: f64) -> (Heap, forkcast::memory::Population) {
    let kind = KeyKind { key_size: 16, value: Value::Bytes(1024), has_ttl: false };
    let heap = Heap::new(layout("valkey-8.0").unwrap(), Allocator::Bundled, PAGE, &[Keys::alike(kind)]);
    let population = heap.population_of(gib * GIB, &[1.0]);
    (heap, population)
}

/// Saves with loads and durations of their own and nothing between them, beside numpy with the same law.
fn static_saves(python: Option<&Path>) {
    const SAVES: u32 = 100_000;
    let (heap, population) = data(16.0);
    let spreads = [Spread::new(Popularity::Uniform, population.keys[0])];
    let mut generator = Stream::new(1, 0).at(Purpose::BackupDuration, 0);
    let mut lognormal = |median: f64| median * (0.3 * generator.sample::<f64, _>(StandardNormal)).exp();
    let mut copied = 0.0;
    let ours = timed(SAVES, |_| {
        let exposures = [Exposure { set: lognormal(12_000.0) * lognormal(60.0), ..Exposure::default() }];
        copied += heap.copied_bytes(&population, &exposures, &spreads, Released::default());
    });
    let theirs = peer(python, "vectorised.py", &[BINARY, "16", &SAVES.to_string()]);
    if let Some(mean) = theirs.as_ref().and_then(|theirs| theirs["copied_mean_bytes"].as_f64()) {
        let ratio = mean / (copied / f64::from(7 * SAVES));
        assert!((ratio - 1.0).abs() < 0.02, "the same law copies {ratio} times as much in numpy");
    }
    let save = theirs.and_then(|theirs| theirs["seconds_a_save"].as_f64());
    row("a static save, 16 GiB, uniform", "numpy, our own algorithm, whole arrays of saves", save, ours);
}

/// The quickstart's sweep with a thousand months a cell; `SimPy`'s is one month times as many.
fn sweep(simpy: Option<f64>) {
    let (ours, _) = run(&["--replications", &MONTHS.to_string(), "--threads", "2"]);
    let theirs = simpy.map(|month| month * CELLS * f64::from(MONTHS) / 2.0);
    let peer = "SimPy, extrapolated from a month, two cores";
    row("the quickstart's sweep, 72 × 1,000 months, on two cores", peer, theirs, ours.as_secs_f64());
}

/// All percents of one class judged against 0.01 incidents a year, but those whose risk is within a factor of two of it;
/// `SimPy`'s is one month times as many as that took.
fn decided(simpy: Option<f64>) {
    let class =
        ["--axis", "host.class=yandex.hm3-c4-m16", "--axis", "server.maxmemory-percent=35,40,45,50,65,70,75"];
    let folder = tempfile::tempdir().unwrap();
    let asked = [&class[..], &["--max-incidents-per-year", "0.01", "--threads", "2"]].concat();
    let (ours, _) = run_into(folder.path(), &asked);
    let cells = fs::read_to_string(folder.path().join("run/cells.csv")).unwrap();
    let mut reader = csv::Reader::from_reader(cells.as_bytes());
    let columns = reader.headers().unwrap().clone();
    let column = |name: &str| columns.iter().position(|column| column == name).unwrap();
    let (verdict, replications) = (column("verdict"), column("replications"));
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert!(rows.iter().all(|row| ["safe", "risky"].contains(&&row[verdict])), "every percent is decided");
    let months: f64 = rows.iter().map(|row| row[replications].parse::<f64>().unwrap()).sum();
    let what = format!("0.01 a year decided for {} percents of a class, {months} months", rows.len());
    let theirs = simpy.map(|month| month * months / 2.0);
    row(&what, "SimPy, extrapolated from a month, two cores", theirs, ours.as_secs_f64());
}

fn threads() {
    let clock = |threads| run(&["--replications", "2000", "--threads", threads]).0.as_secs_f64();
    row("the sweep with 72 × 2,000 months on two threads", "the same on one", Some(clock("1")), clock("2"));
}

fn memory() {
    let peak = |replications| run(&["--replications", replications, "--threads", "2"]).1;
    let (few, many) = (peak("20"), peak("200"));
    println!(
        "| peak memory with 72 × 200 months | the same with 72 × 20 | {:.1} MiB | {:.1} MiB | {:.2} times |",
        few / 1024.0,
        many / 1024.0,
        many / few
    );
}

/// A sweep of the quickstart as a process: how long it took, and its peak resident memory in KiB.
fn run(args: &[&str]) -> (Duration, f64) {
    run_into(tempfile::tempdir().unwrap().path(), args)
}

fn run_into(folder: &Path, args: &[&str]) -> (Duration, f64) {
    let started = Instant::now();
    let mut child = Command::new(BINARY)
        .args(["run", QUICKSTART, "--quiet", "--out"])
        .arg(folder.join("run"))
        .args(args)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut peak = 0.0;
    let status = loop {
        peak = high_water(child.id()).unwrap_or(peak);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        thread::sleep(Duration::from_millis(5));
    };
    assert!(status.success());
    (started.elapsed(), peak)
}

/// The most that a process has had resident so far \[KiB\]: `VmHWM` of `/proc`, which is gone when it has exited.
fn high_water(process: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// One line on where the table was made.
fn machine() -> String {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let (processor, load) = (read("/proc/cpuinfo"), read("/proc/loadavg"));
    let model = processor.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let load = load.split_whitespace().next().unwrap_or("?");
    format!(
        "forkcast {} on {cores} cores of {}, load average {load} at the end; one core in CPU time, two on the clock.",
        env!("CARGO_PKG_VERSION"),
        model.trim_start_matches([' ', '\t', ':'])
    )
}
