//! A validation as rows of `predictions.csv`, from which the chart is drawn.

use super::judge::Judged;
use super::line::Line;
use super::validation::Validation;
use crate::report::{Load, PredictionRow};

impl Validation {
    /// Every row, in the order of the file.
    pub fn predictions(&self) -> Vec<PredictionRow> {
        self.rows.iter().map(row).collect()
    }
}

fn row(judged: &Judged) -> PredictionRow {
    let Judged { row, prediction, growth, reported, fork_pause, .. } = judged;
    let said = prediction.as_ref().ok();
    let fork_us = said.and_then(|said| said.fork_us);
    PredictionRow {
        run_id: row.run_id.clone(),
        load: load(judged),
        series: row.series.clone(),
        op: row.op.clone(),
        value_bytes: row.value_bytes,
        has_timeline: judged.has_timeline,
        measured_bytes: growth.map(|growth| growth.measured),
        predicted_bytes: said.and_then(|said| said.anonymous_peak),
        error: growth.map(|growth| growth.error),
        reported_measured_bytes: reported.map(|reported| reported.measured),
        reported_predicted_bytes: said.and_then(|said| said.reported),
        reported_error: reported.map(|reported| reported.error),
        curve_rms: judged.curve,
        fork_us: fork_pause.map(|pause| pause.measured),
        fork_us_low: fork_us.map(|(low, _)| low),
        fork_us_high: fork_us.map(|(_, high)| high),
        measured_outcome: judged.measured_outcome().map(str::to_owned),
        predicted_outcome: judged.predicted_outcome().map(str::to_owned),
        peak_memory_bytes: said.and_then(|said| said.peak_memory),
        limit_bytes: row.cgroup_limit_bytes,
        is_layout_measured: said.map(|said| said.is_layout_measured),
        skipped: judged.skipped(),
    }
}

/// The kind of load, as the chart tells them apart.
fn load(judged: &Judged) -> Load {
    match judged.line {
        Line::Moving => Load::Moving,
        Line::Page => Load::Page,
        Line::Large => Load::Large,
        Line::FullSync => Load::FullSync,
        Line::Small => match judged.row.op.as_str() {
            "idle" | "get" => Load::Reading,
            "set" => Load::Overwriting,
            _ => Load::InPlace,
        },
    }
}
