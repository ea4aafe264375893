//! One row judged: each target that it has, held against its prediction.

use super::comparison::{Comparison, ForkPause, is_small};
use super::line::Line;
use super::predict::{Prediction, Unpredicted, predict};
use super::row::{Row, Timeline};
use crate::memory::save::Cost;

/// Series that are judged by what becomes of the save.
const JUDGED_BY_OUTCOME: [&str; 3] = ["oom", "overcommit", "fullsync"];

/// Seconds before the end of a save from which on a curve is not compared: the child gives its memory back.
const TEARDOWN: f64 = 0.2;

/// A row, and how far off the laws are.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The row.
    pub row: Row,
    /// Its line.
    pub line: Line,
    /// Whether load and progress came from a timeline.
    pub has_timeline: bool,
    /// What the laws say.
    pub prediction: Result<Prediction, Unpredicted>,
    /// The headline: the largest growth of anonymous memory.
    pub growth: Option<Comparison>,
    /// What the server reported.
    pub reported: Option<Comparison>,
    /// Replica buffers of a full sync.
    pub replica_buffers: Option<Comparison>,
    /// The pause of the fork.
    pub fork_pause: Option<ForkPause>,
    /// Root mean square distance of the curves, relative to the measured curve's maximum.
    pub curve: Option<f64>,
}

impl Judged {
    /// Predicts `row` and holds it against what was measured.
    pub fn new(row: &Row, timeline: Option<&Timeline>) -> Self {
        // The timeline of a limited save ends with the kill, which is what is to be predicted.
        let timeline = timeline.filter(|_| !is_limited(row));
        let prediction = predict(row, timeline);
        let grew = row.anon_growth_peak_bytes.unwrap_or(f64::INFINITY);
        let compare = |measured: Option<f64>, said: fn(&Prediction) -> Option<f64>| {
            let predicted = prediction.as_ref().ok().and_then(said)?;
            Some(Comparison::new(predicted, measured?, grew))
        };
        // By the buffers' own size: where next to nothing waits, what does is judged absolutely.
        let buffers = replica_buffers(row).and_then(|measured| {
            let predicted = prediction.as_ref().ok()?.replica_buffers?;
            Some(Comparison::new(predicted, measured, measured))
        });
        Self {
            line: Line::of(row),
            has_timeline: timeline.is_some(),
            growth: compare(growth(row), |said| said.anonymous_peak),
            reported: compare(reported(row), |said| said.reported),
            replica_buffers: buffers,
            fork_pause: prediction.as_ref().ok().and_then(|said| pause(row, said)),
            curve: timeline
                .zip(prediction.as_ref().ok())
                .and_then(|(measured, said)| curve(row, measured, said)),
            row: row.clone(),
            prediction,
        }
    }

    /// What became of the save, as measured, where the row is judged by that.
    pub fn measured_outcome(&self) -> Option<&str> {
        let outcome = self.row.outcome.as_deref()?;
        let is_judged = JUDGED_BY_OUTCOME.contains(&self.row.series.as_str());
        // A time-out is no outcome of a law.
        (is_judged && outcome != "not_finished").then_some(outcome)
    }

    /// What becomes of it, as predicted, where the row is judged by that.
    pub fn predicted_outcome(&self) -> Option<&'static str> {
        self.measured_outcome()?;
        Some(self.prediction.as_ref().ok()?.outcome?.name())
    }

    /// Whether the row has the headline target.
    pub fn has_growth(&self) -> bool {
        growth(&self.row).is_some()
    }

    /// Why the row is not judged at all; `None` where at least one of its targets is predicted.
    pub fn skipped(&self) -> Option<String> {
        let row = &self.row;
        let is_judged = self.growth.is_some()
            || self.reported.is_some()
            || self.replica_buffers.is_some()
            || self.fork_pause.is_some()
            || self.predicted_outcome().is_some();
        let has_target = self.has_growth()
            || reported(row).is_some()
            || replica_buffers(row).is_some()
            || fork_us(row).is_some()
            || self.measured_outcome().is_some();
        match &self.prediction {
            _ if is_judged => None,
            _ if !has_target => Some("nothing was measured that a law predicts".to_owned()),
            Err(reason) => Some(reason.to_string()),
            Ok(_) => Some("no law covers what was measured".to_owned()),
        }
    }

    /// Where the row is counted in the tables: `<series>/<op>/<value_bytes>`.
    pub fn group(&self) -> String {
        let Row { series, op, value_bytes, .. } = &self.row;
        let size = value_bytes.map_or_else(|| "-".to_owned(), |bytes| bytes.to_string());
        format!("{}/{op}/{size}", if series.is_empty() { "-" } else { series })
    }

    /// Whether the engine's layout was only read, and no save of it measured.
    pub fn is_layout_read(&self) -> bool {
        self.prediction.as_ref().is_ok_and(|said| !said.is_layout_measured)
    }
}

fn is_limited(row: &Row) -> bool {
    row.cgroup_limit_bytes.is_some_and(|bytes| bytes > 0.0)
}

/// Killed saves are judged by their outcome alone.
fn is_killed(row: &Row) -> bool {
    matches!(row.outcome.as_deref(), Some("child_oom" | "parent_oom" | "parent_died"))
}

/// Whether the save went on for as long as its prediction assumes: the one of a limited row is of a save that ends.
fn is_comparable(row: &Row) -> bool {
    !(is_killed(row) || is_limited(row) && row.outcome.as_deref() == Some("not_finished"))
}

fn growth(row: &Row) -> Option<f64> {
    row.anon_growth_peak_bytes.filter(|_| is_comparable(row))
}

fn reported(row: &Row) -> Option<f64> {
    row.cow_last_reported_bytes.filter(|&bytes| bytes > 0.0 && is_comparable(row))
}

fn replica_buffers(row: &Row) -> Option<f64> {
    row.mem_clients_slaves_peak_bytes.filter(|_| row.series == "fullsync" && !is_killed(row))
}

fn fork_us(row: &Row) -> Option<f64> {
    row.fork_us.filter(|&micros| micros > 0.0 && !is_killed(row))
}

fn pause(row: &Row, said: &Prediction) -> Option<ForkPause> {
    let (low, high) = said.fork_us?;
    Some(ForkPause { measured: fork_us(row)?, low, high })
}

/// Root mean square distance of growth over time, `0 ≤ t ≤ save_s − 0.2`, relative to the measured maximum. `None`
/// where either curve is missing, grew by too little to have a shape, or holds more than the save: replica buffers.
fn curve(row: &Row, measured: &Timeline, said: &Prediction) -> Option<f64> {
    let (at_fork, end) = (row.anon_at_fork_bytes?, row.save_s? - TEARDOWN);
    if growth(row).is_none_or(is_small) || said.anonymous_peak.is_none() || said.replica_buffers.is_some() {
        return None;
    }
    let samples = measured.seconds.iter().zip(&measured.anonymous).filter(|(seconds, _)| **seconds <= end);
    let (mut squares, mut count, mut highest) = (0.0, 0.0, 0.0_f64);
    for (&seconds, &anonymous) in samples {
        let grown = anonymous - at_fork;
        squares += (at(&said.course, seconds)? - grown).powi(2);
        count += 1.0;
        highest = highest.max(grown);
    }
    (highest > 0.0).then(|| (squares / f64::max(count, 1.0)).sqrt() / highest)
}

/// The predicted growth at a moment, on the line between the two around it.
fn at(course: &[Cost], seconds: f64) -> Option<f64> {
    let next = course.partition_point(|cost| cost.seconds < seconds);
    let (Some(before), Some(after)) = (course.get(next.saturating_sub(1)), course.get(next)) else {
        return course.last().map(Cost::anonymous);
    };
    let span = after.seconds - before.seconds;
    let share = if span > 0.0 { (seconds - before.seconds) / span } else { 1.0 };
    Some(before.anonymous() + (after.anonymous() - before.anonymous()) * share)
}
