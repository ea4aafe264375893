//! What this proves: every cell of a run has a resolved scenario of its own, and running that alone gives the row of the
//! cell: replications are keyed by seed and number, whatever stands beside them.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::forkcast;

/// Axes of host, percent, a rate and a number in the data, under a recorded load, judged by as many replications as the
/// verdict needs.
const SCENARIO: &str = r#"name = "cells"

[host]
ram = "8 GiB"
reserved = { low = "300 MiB", likely = "400 MiB", high = "1 GiB" }

[dataset]
fill = 0.9

[[keyspace]]
name = "sessions"
key-size = "24 B"
value-size = "512 B"
writes-per-second = { low = 300, likely = 900, high = 3000 }

[traffic]
trace = "load.csv"

[persistence]
save = ["3600 1"]

[risk]
incidents-per-year = 100

[simulation]
horizon = "1d"

[sweep]
"host.ram" = ["4 GiB", "8 GiB"]
"server.maxmemory-percent" = [60, 80]
"keyspace.sessions.writes-per-second" = [400, 2500]
"dataset.fill" = [0.7, 0.9]
"#;

struct Ground(TempDir);

impl Ground {
    /// A folder with the scenario, its recorded load, and its run under another seed.
    fn new() -> Self {
        let ground = Self(tempfile::tempdir().unwrap());
        let hour = |hour: u32| format!("2026-01-05 {hour:02}:00:00,{}\n", 10 + (hour * 7) % 24);
        let load: String = (0..24).map(hour).collect();
        fs::write(ground.path("load.csv"), format!("timestamp,value\n{load}")).unwrap();
        fs::write(ground.path("cells.toml"), SCENARIO).unwrap();
        let run = ["run", &ground.path("cells.toml"), "--seed", "7", "-q", "-o", &ground.path("run")];
        forkcast(&run).assert().success();
        ground
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    /// The only row of the run of the scenario of a cell, written to a folder of its own.
    fn alone(&self, number: usize, more: &[&str]) -> Value {
        let folder = tempfile::tempdir().unwrap();
        let cell = folder.path().join("cell.toml").display().to_string();
        let (run, scenario, number) = (self.path("run"), self.path("cells.toml"), number.to_string());
        let args = ["cell", &run, &number, "--scenario", &scenario, "-o", &cell];
        forkcast(&args).args(more).assert().success();
        let out = folder.path().join("out");
        let output = forkcast(&["run", &cell, "-q", "--format", "json", "-o"]).arg(&out).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}\n{}", fs::read_to_string(&cell).unwrap());
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["cells"].as_array().unwrap().len(), 1);
        document["cells"][0].clone()
    }
}

/// The rows of a table of the run as they stand there, by column.
fn rows(file: &Path) -> Vec<Vec<(String, String)>> {
    let mut reader = csv::Reader::from_path(file).unwrap();
    let header = reader.headers().unwrap().clone();
    let row = |record: csv::StringRecord| {
        header.iter().zip(&record).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
    };
    reader.records().map(|record| row(record.unwrap())).collect()
}

/// Fails where a figure of `alone` is not the one of `row`.
fn assert_same(row: &[(String, String)], alone: &Value) {
    for (column, expected) in row.iter().filter(|(column, _)| column != "cell") {
        let found = match &alone[column] {
            Value::Null if column.contains('.') => continue,
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            Value::Bool(flag) => flag.to_string(),
            number => number.to_string(),
        };
        let numbers = expected.parse::<f64>().ok().zip(found.parse::<f64>().ok());
        let same = numbers.map_or(*expected == found, |(one, other)| one.to_bits() == other.to_bits());
        assert!(same, "{column}: {expected} in the run, {found} alone");
    }
}

#[test]
fn the_scenario_of_a_cell_gives_its_row() {
    let ground = Ground::new();
    let cells = rows(Path::new(&ground.path("run/cells.csv")));
    assert_eq!(cells.len(), 16);
    for number in [1, 7, 10, 16] {
        assert_same(&cells[number - 1], &ground.alone(number, &[]));
    }
}

#[test]
fn so_does_that_of_a_cell_of_a_full_server() {
    let ground = Ground::new();
    let full = rows(Path::new(&ground.path("run/full-cells.csv")));
    assert_eq!(full.len(), 4);
    assert_same(&full[2], &ground.alone(3, &["--full"]));
}

#[test]
fn a_cell_says_what_it_is_and_one_that_is_not_there_is_refused() {
    let ground = Ground::new();
    let (run, scenario) = (ground.path("run"), ground.path("cells.toml"));
    let output = forkcast(&["cell", &run, "6", "--scenario", &scenario]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let first =
        "# cells, cell 6, 8 GiB of RAM at 60 %, keyspace.sessions.writes-per-second 400, dataset.fill 0.9";
    assert!(text.starts_with(first), "{text}");
    assert!(text.contains(&format!("trace = \"{}\"", ground.path("load.csv"))), "{text}");
    assert!(!text.contains("[sweep]"));
    let refused = forkcast(&["cell", &run, "17", "--scenario", &scenario]).assert().code(2);
    let said = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
    assert!(said.contains("cells.csv has cells 1 to 16, and no 17"), "{said}");
}
