//! What this proves: a forecast that does not see the load keeps its promise on real saves: its 90 % interval covers 85 to
//! 95 % of them, and of the saves under a memory limit as many are killed as it says. The saves were measured by
//! `tests/live` (see `tests/data/live/forecast/README.md`) and are replayed here in their order.

use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;

use forkcast::observe::Forecast;
use forkcast::observe::forecast::{History, Next, history};
use forkcast::scenario::Source;
use forkcast::stats::{Share, exact};
use forkcast::units::Bytes;

use super::{forkcast, repository};

/// Where the histories lie, a file each.
const FOLDER: &str = "tests/data/live/forecast";

/// A history of fewer saves is not asked for a forecast.
const FIRST: usize = 5;

const BINS: usize = 5;

/// A save under a memory limit.
struct Limited {
    used_memory: Bytes,
    /// The limit less what was charged to the group before the fork and what its child's page tables take.
    headroom: Bytes,
    killed: bool,
}

fn files() -> Vec<(String, String)> {
    let names = fs::read_dir(repository(FOLDER)).unwrap().map(|file| file.unwrap().path());
    let mut names: Vec<_> = names.filter(|path| path.extension().is_some_and(|end| end == "csv")).collect();
    names.sort();
    names.iter().map(|path| (path.display().to_string(), fs::read_to_string(path).unwrap())).collect()
}

fn read((name, text): &(String, String)) -> History {
    history(&Arc::new(Source { name: name.clone(), text: text.clone() }), None).unwrap()
}

fn limited(text: &str) -> Vec<Limited> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let rows = reader.records().map(Result::unwrap);
    let limited = rows.filter_map(|row| {
        let cell = |name: &str| row[header.iter().position(|column| column == name).unwrap()].to_owned();
        let bytes = |name: &str| cell(name).parse::<f64>().ok();
        let limit = bytes("cgroup_limit_bytes")?;
        let anonymous = bytes("anon_at_fork_bytes")?;
        // A page table has eight bytes for a page of 4 KiB.
        let taken = anonymous + bytes("kernel_at_fork_bytes")? + anonymous / 512.0;
        Some(Limited {
            used_memory: Bytes::from_f64(bytes("used_memory_bytes")?),
            headroom: Bytes::from_f64((limit - taken).max(1.0)),
            killed: cell("outcome") != "ok",
        })
    });
    limited.collect()
}

/// Each save forecast from those before it in its history.
#[test]
fn the_interval_covers_nine_saves_in_ten() {
    let (mut share, mut saves) = (Share { hits: 0, trials: 0 }, 0);
    for file in files() {
        let all = read(&file);
        saves += all.saves.len();
        for at in FIRST..all.saves.len() {
            let past = History { saves: all.saves[..at].to_vec(), ..all.clone() };
            let save = all.saves[at];
            let next = Next { used_memory: Some(save.used_memory), ..Next::default() };
            let interval = Forecast::new(&past, &next, 0.9).unwrap().copied;
            share.trials += 1;
            share.hits += u64::from((interval.low..=interval.high).contains(&save.copied));
        }
    }
    println!("{} of {} saves in the interval: {:.3}", share.hits, share.trials, share.value());
    assert!(saves >= 200 && share.trials >= 200, "{saves} saves, {} forecasts", share.trials);
    assert!((0.85..=0.95).contains(&share.value()), "{} of {}", share.hits, share.trials);
}

/// Every bin of predicted chances holds as many kills as it says, as far as so many saves can tell.
#[test]
fn kills_come_as_often_as_said() {
    let mut bins: [Vec<(f64, bool)>; BINS] = Default::default();
    for file in files() {
        let history = read(&file);
        for save in limited(&file.1) {
            let Limited { used_memory, headroom, killed } = save;
            let next = Next { used_memory: Some(used_memory), headroom: Some(headroom), seconds: None };
            let (_, chance) = Forecast::new(&history, &next, 0.9).unwrap().overflow.unwrap();
            bins[bin(chance)].push((chance, killed));
        }
    }
    let mut table = String::from("    predicted  killed of  observed  exact 95 % interval\n");
    let mut misses = 0;
    for bin in bins.iter().filter(|bin| !bin.is_empty()) {
        let predicted = bin.iter().map(|(chance, _)| chance).sum::<f64>() / bin.len() as f64;
        let hits = bin.iter().filter(|(_, killed)| *killed).count() as u64;
        let observed = exact(Share { hits, trials: bin.len() as u64 }, 0.95);
        misses += usize::from(!(observed.low..=observed.high).contains(&predicted));
        writeln!(
            table,
            "    {predicted:9.3}  {hits:6} {:2}  {:8.3}  {:.3} to {:.3}",
            bin.len(),
            observed.value,
            observed.low,
            observed.high
        )
        .unwrap();
    }
    println!("{table}");
    assert!(bins.iter().map(Vec::len).sum::<usize>() >= 100);
    assert_eq!(misses, 0, "\n{table}");
    let told = fs::read_to_string(repository(FOLDER).join("README.md")).unwrap();
    assert!(
        told.contains(table.trim_end()),
        "the README beside the histories shows another table than\n{table}"
    );
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a chance")]
fn bin(chance: f64) -> usize {
    ((chance * BINS as f64) as usize).min(BINS - 1)
}

#[test]
fn the_command_forecasts_from_a_file_of_saves() {
    let file = format!("{FOLDER}/0.csv");
    let output = forkcast(&["forecast", &file, "--headroom", "20 MiB", "--format", "json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["kind"], "forecast");
    assert_eq!(document["method"], "order-statistics");
    let ends = ["low", "median", "high"].map(|end| document[format!("copied_{end}_bytes")].as_f64().unwrap());
    assert!(ends.is_sorted() && ends[0] > 0.0, "{ends:?}");
    let human = forkcast(&["forecast", &file]).output().unwrap();
    let text = String::from_utf8(human.stdout).unwrap();
    assert!(text.contains("a forecast, not the law"), "{text}");
}

#[test]
fn too_short_a_history_is_told() {
    let one = "tests/data/info/production-27gb.txt";
    let output = forkcast(&["forecast", one]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("1 past saves") && text.contains("19 for an interval"), "{text}");
}
