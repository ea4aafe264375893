//! What this proves: the shipped scenarios answer as they did. A change of any figure is a diff in `tests/golden`,
//! to be reviewed, and named in the changelog with its reason.
//!
//! Figures are held to six significant digits: the last bits of an exponential differ between processors.

use std::sync::atomic::AtomicBool;

use forkcast::report::CellTable;
use forkcast::scenario::{Assignment, Scenario};
use forkcast::sweep::{self, Grid, Settings, Unwatched};
use serde_json::Value;

use super::repository;

/// The cells of a scenario at a small size, a line a figure.
fn cells(scenario: &str, settings: &[&str], axes: &[&str]) -> String {
    let settings = settings.iter().map(|text| Assignment::set(text).unwrap());
    let axes = axes.iter().map(|text| Assignment::axis(text).unwrap());
    let overrides: Vec<Assignment> = settings.chain(axes).collect();
    let scenario = Scenario::open(&repository("scenarios").join(scenario), &overrides).unwrap();
    let grid = Grid::new(&scenario).unwrap();
    let sweep = sweep::run(&grid, Settings::default(), &Unwatched, &AtomicBool::new(false)).unwrap();
    assert!(sweep.complete, "{:?}", sweep.failures);
    let table = CellTable { axes: Vec::new(), rows: sweep.rows };
    let rows = table.to_json();
    rows.as_array().unwrap().iter().map(block).collect::<Vec<_>>().join("\n")
}

fn block(row: &Value) -> String {
    let filled = row.as_object().unwrap().iter().filter(|(_, value)| !value.is_null());
    let lines = filled.map(|(name, value)| format!("{name}: {}\n", figure(value)));
    lines.collect::<Vec<_>>().concat()
}

fn figure(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => six_digits(number.as_f64().unwrap()),
        other => other.to_string(),
    }
}

fn six_digits(number: f64) -> String {
    let scientific: f64 = format!("{number:.5e}").parse().unwrap();
    scientific.to_string()
}

fn held(name: &str, cells: &str) {
    insta::with_settings!({
        snapshot_path => repository("tests/golden"),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(name, cells);
    });
}

#[test]
fn quickstart_answers_as_it_did() {
    let axes = ["host.class=yandex.hm3-c4-m16,yandex.hm3-c8-m128", "server.maxmemory-percent=50,75"];
    held("quickstart", &cells("quickstart.toml", &["simulation.replications=20"], &axes));
}

#[test]
fn managed_valkey_answers_as_it_did() {
    let axes = ["host.class=yandex.hm3-c2-m8,yandex.hm3-c4-m32", "server.maxmemory-percent=50,75"];
    held("managed-valkey", &cells("managed-valkey.toml", &["simulation.replications=20"], &axes));
}

/// The production host as it is, and on less RAM than it has.
#[test]
fn production_27gb_answers_as_it_did() {
    let settings = ["simulation.replications=3", "simulation.horizon=5d"];
    held("production-27gb", &cells("production-27gb.toml", &settings, &["host.ram=28 GiB,31.36 GiB"]));
}
