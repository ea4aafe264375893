//! What this proves: `forkcast validate` says how far off the laws are on the repository's measured saves, as tables, as
//! the JSON that scripts rely on and as a chart; how far off they may be; and that the README shows what it says.

mod accuracy;
mod input;
mod law_error;
mod readme;

use std::process::Output;
use std::sync::LazyLock;

use serde_json::Value;

use super::forkcast;

/// The repository's measured saves.
const RUNS: &str = "tests/data/measurements/runs.csv";

fn validated(args: &[&str]) -> Output {
    forkcast(&[&["validate"], args].concat()).output().unwrap()
}

fn text(args: &[&str]) -> String {
    let output = validated(args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn document(args: &[&str]) -> Value {
    serde_json::from_str(&text(&[args, &["--format", "json"]].concat())).unwrap()
}

/// What the command says of the repository's measurements.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| document(&[RUNS]));

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_document_has_the_names_that_scripts_rely_on() {
    let document = &*DOCUMENT;
    let top = [
        "runs",
        "predicted",
        "skipped",
        "targets",
        "groups",
        "lines",
        "outcomes",
        "curves",
        "read_not_measured",
        "rows",
    ];
    assert_eq!(keys(document), top);
    let targets =
        ["anon_growth_peak_bytes", "cow_last_reported_bytes", "mem_clients_slaves_peak_bytes", "fork_us"];
    assert_eq!(keys(&document["targets"]), targets);
    let figures = ["runs", "median_abs_error", "p95_abs_error", "max_abs_error"];
    assert_eq!(keys(&document["targets"]["anon_growth_peak_bytes"]), figures);
    assert_eq!(keys(&document["groups"]["main/set/64"]), figures);
    assert_eq!(keys(&document["outcomes"]), ["runs", "right", "wrong"]);
    assert_eq!(keys(&document["curves"]), ["runs", "median_rms"]);
    let row = [
        "run_id",
        "measured_bytes",
        "predicted_bytes",
        "error",
        "reported_measured_bytes",
        "reported_predicted_bytes",
        "peak_memory_bytes",
        "limit_bytes",
        "fork_us_low",
        "fork_us_high",
    ];
    assert_eq!(keys(&document["rows"][0]), row);
}

#[test]
fn every_row_is_predicted_or_skipped_with_a_reason() {
    let count = |key: &str| DOCUMENT[key].as_u64().unwrap();
    let skipped = DOCUMENT["skipped"].as_array().unwrap();
    assert_eq!(count("runs"), count("predicted") + skipped.len() as u64);
    assert_eq!(DOCUMENT["rows"].as_array().unwrap().len() as u64, count("predicted"));
    for row in skipped {
        assert!(!row["reason"].as_str().unwrap().is_empty(), "{row}");
    }
}

#[test]
fn an_error_is_what_its_row_says() {
    for row in DOCUMENT["rows"].as_array().unwrap() {
        let number = |key: &str| row[key].as_f64();
        let (Some(measured), Some(predicted), Some(error)) =
            (number("measured_bytes"), number("predicted_bytes"), number("error"))
        else {
            continue;
        };
        let mib = f64::from(1 << 20);
        let scale = if measured < 16.0 * mib { 100.0 * mib } else { measured };
        assert!((error - (predicted - measured) / scale).abs() < 1e-9, "{row}");
    }
}

#[test]
fn killed_saves_are_judged_by_outcome_alone() {
    let rows = DOCUMENT["rows"].as_array().unwrap();
    let killed = rows.iter().find(|row| row["run_id"] == "oom_redis_adjno_x1.5_set_e1.2_0").unwrap();
    assert!(killed["error"].is_null() && killed["limit_bytes"].as_f64() == Some(819_830_784.0), "{killed}");
    assert_eq!(DOCUMENT["outcomes"]["runs"], 27);
}

#[test]
fn timelines_can_be_left_out() {
    let document = document(&[RUNS, "--without-timelines"]);
    assert_eq!(document["curves"]["runs"], 0);
    assert!(DOCUMENT["curves"]["runs"].as_u64() > Some(100));
}

#[test]
fn the_tables_say_what_there_is_to_say() {
    let text = text(&[RUNS]);
    for word in [
        "299 measured saves",
        "SET, GET, idle, INCR, HSET to 1 KiB",
        "values to 4 KiB",
        "values to 16 KiB and beyond",
        "changing, insert, DEL+SET, evict, TTL, fragmented",
        "cow_last_reported_bytes",
        "beyond the predicted interval, which holds",
        "curves of growth over time",
        "of 27 outcomes are right",
        "main/set/16384",
    ] {
        assert!(text.contains(word), "no `{word}` in {text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 120), "{text}");
}
