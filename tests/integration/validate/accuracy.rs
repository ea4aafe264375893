//! How far off the laws may be, by line: the figures that the project stands for.

use std::collections::BTreeMap;
use std::fs;
use std::sync::LazyLock;

use forkcast::observe::measured::{self, Figures, Judged, Line, Target, Timeline, Validation};
use forkcast::scenario::Source;

use super::super::repository;
use super::RUNS;

fn rows() -> Vec<measured::Row> {
    rows_of(RUNS)
}

fn rows_of(file: &str) -> Vec<measured::Row> {
    let text = fs::read_to_string(repository(file)).unwrap();
    measured::rows(&Source { name: file.into(), text }.into()).unwrap()
}

/// With load and progress as they were sampled.
pub static SAMPLED: LazyLock<Validation> = LazyLock::new(|| {
    let rows = rows();
    let timelines = rows.iter().filter_map(|row| Some((row.run_id.clone(), timeline(row)?))).collect();
    Validation::new(&rows, &timelines)
});

/// From totals alone.
static FROM_TOTALS: LazyLock<Validation> = LazyLock::new(|| Validation::new(&rows(), &BTreeMap::new()));

fn timeline(row: &measured::Row) -> Option<Timeline> {
    let name = format!("tests/data/measurements/timelines/{}.csv.gz", row.run_id);
    let file = fs::File::open(repository(&name)).ok()?;
    let text = std::io::read_to_string(flate2::read::GzDecoder::new(file)).unwrap();
    measured::timeline(&Source { name, text }.into(), row).unwrap()
}

/// A line may skip three rows in a hundred.
fn held(validation: &Validation, line: Line, median: f64, p95: f64) {
    let figures = validation.line(line, Target::Growth).unwrap();
    let skipped = validation.unpredicted(line);
    assert!(figures.median <= median && figures.p95 <= p95, "{}: {figures:?}", line.name());
    assert!(skipped as f64 <= 0.03 * (figures.runs + skipped) as f64, "{}: {skipped} skipped", line.name());
}

#[test]
fn strings_counters_and_hashes_to_1_kib_are_predicted_to_a_per_cent() {
    held(&SAMPLED, Line::Small, 0.01, 0.025);
}

/// Saves of Redis 8.0.2 and Valkey 9.1.2 by the tests with real servers, from their totals alone.
#[test]
fn engines_that_came_after_the_law_are_predicted_too() {
    let validation = Validation::new(&rows_of("tests/data/live/runs.csv"), &BTreeMap::new());
    held(&validation, Line::Small, 0.01, 0.04);
    held(&validation, Line::Page, 0.02, 0.12);
    held(&validation, Line::Large, 0.06, 0.25);
}

#[test]
fn values_of_4_kib_are_predicted_with_and_without_timelines() {
    held(&SAMPLED, Line::Page, 0.015, 0.05);
    held(&FROM_TOTALS, Line::Page, 0.02, 0.12);
}

#[test]
fn values_of_16_kib_are_predicted_with_and_without_timelines() {
    held(&SAMPLED, Line::Large, 0.02, 0.08);
    held(&FROM_TOTALS, Line::Large, 0.06, 0.25);
}

#[test]
fn moving_objects_are_predicted_to_four_per_cent() {
    held(&SAMPLED, Line::Moving, 0.04, 0.12);
}

#[test]
fn outcomes_with_their_victim_are_right_in_nineteen_of_twenty() {
    let outcomes = SAMPLED.outcomes();
    assert!(outcomes.runs >= 27 && outcomes.right * 20 >= outcomes.runs * 19, "{:?}", outcomes.wrong);
}

/// Anonymous memory is the measured peak without page cache, but for some MiB of kernel memory.
#[test]
fn saves_that_fit_come_within_two_per_cent_of_their_peak_and_those_that_do_not_beyond_their_limit() {
    let limited = |judged: &&Judged| judged.row.cgroup_limit_bytes > Some(0.0);
    let mut fitting = 0;
    for Judged { row, prediction, .. } in SAMPLED.rows.iter().filter(limited) {
        let Some(need) = prediction.as_ref().unwrap().peak_memory else { continue };
        let measured = row.anon_at_fork_bytes.unwrap() + row.anon_growth_peak_bytes.unwrap();
        match row.outcome.as_deref() {
            Some("ok") => {
                assert!((need / measured - 1.0).abs() <= 0.02, "{}: {need} {measured}", row.run_id);
                fitting += 1;
            }
            Some("child_oom" | "parent_oom") => {
                assert!(need > row.cgroup_limit_bytes.unwrap(), "{}: {need}", row.run_id);
            }
            _ => {}
        }
    }
    assert!(fitting >= 2, "{fitting}");
}

#[test]
fn buffers_copies_and_all_of_a_full_sync_are_predicted_within_a_tenth() {
    let syncs: Vec<&Judged> = SAMPLED.rows.iter().filter(|judged| judged.line == Line::FullSync).collect();
    assert!(syncs.len() >= 8);
    for judged in syncs {
        let compared = [judged.growth, judged.reported, judged.replica_buffers];
        for comparison in compared.into_iter().flatten() {
            assert!(comparison.error.abs() <= 0.1, "{}: {comparison:?}", judged.row.run_id);
        }
        assert_eq!(judged.measured_outcome(), judged.predicted_outcome(), "{}", judged.row.run_id);
    }
}

#[test]
fn curves_of_small_overwrites_lie_within_a_per_cent() {
    let is_meant = |judged: &Judged| judged.line == Line::Small && judged.row.op == "set";
    let curves = SAMPLED.curves(is_meant).unwrap();
    assert!(curves.runs > 50 && curves.median_rms <= 0.01, "{curves:?}");
}

#[test]
fn what_the_server_reports_is_predicted_to_two_per_cent_up_to_1_kib() {
    let small = SAMPLED.rows.iter().filter(|judged| judged.row.value_bytes <= Some(1024));
    let errors = small.filter_map(|judged| judged.reported.map(|reported| reported.error));
    let figures = Figures::of(errors).unwrap();
    assert!(figures.median <= 0.02, "{figures:?}");
}

#[test]
fn nine_fork_pauses_in_ten_lie_within_an_interval_of_a_factor_of_three() {
    assert!(SAMPLED.pauses_inside() >= Some(0.9), "{:?}", SAMPLED.pauses_inside());
    for pause in SAMPLED.rows.iter().filter_map(|judged| judged.fork_pause) {
        assert!(pause.high <= 3.0 * pause.low * (1.0 + 1e-9), "{pause:?}");
    }
}
