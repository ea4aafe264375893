//! `predictions.csv`: one row a measured save, with what was predicted of it.

use std::fmt;
use std::io;
use std::path::Path;
use std::str::FromStr;

use super::columns::PREDICTIONS;
use super::field::Field;
use super::table::{self, Row, Table};
use super::{PREDICTIONS_CSV, ReportError};

/// A kind of load, as the chart tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Load {
    /// SET of values up to 1 KiB that keep their size.
    Overwriting,
    /// INCR and HSET: a value written in place.
    InPlace,
    /// GET and idle: no writes.
    Reading,
    /// Values up to 4 KiB.
    Page,
    /// Larger values.
    Large,
    /// Objects that move: changing sizes, new keys, deletions, evictions, expiry, a fragmented heap.
    Moving,
    /// Full syncs: copies, and the stream that waits for the replica.
    FullSync,
}

impl Load {
    /// Every kind, in the order of the legend.
    pub const ALL: [Self; 7] = [
        Self::Overwriting,
        Self::InPlace,
        Self::Reading,
        Self::Page,
        Self::Large,
        Self::Moving,
        Self::FullSync,
    ];

    /// Its name in `predictions.csv`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Overwriting => "set",
            Self::InPlace => "in-place",
            Self::Reading => "reading",
            Self::Page => "page",
            Self::Large => "large",
            Self::Moving => "moving",
            Self::FullSync => "full-sync",
        }
    }
}

/// No kind of load has this name.
#[derive(Debug)]
pub struct UnknownLoad;

impl FromStr for Load {
    type Err = UnknownLoad;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|load| load.name() == name).ok_or(UnknownLoad)
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A measured save and its prediction. What was not measured, or is not predicted, is `None`.
#[derive(Clone, Debug, PartialEq)]
pub struct PredictionRow {
    /// Name of the save.
    pub run_id: String,
    /// The kind of its load.
    pub load: Load,
    /// What it belongs to.
    pub series: String,
    /// The load.
    pub op: String,
    /// Length of a value \[bytes\].
    pub value_bytes: Option<u64>,
    /// Whether load and progress came from a timeline.
    pub has_timeline: bool,
    /// Largest growth of anonymous memory \[bytes\].
    pub measured_bytes: Option<f64>,
    /// The same, predicted.
    pub predicted_bytes: Option<f64>,
    /// `predicted / measured − 1`; for small growth the difference over 100 MiB.
    pub error: Option<f64>,
    /// What the server reported \[bytes\].
    pub reported_measured_bytes: Option<f64>,
    /// The same, predicted.
    pub reported_predicted_bytes: Option<f64>,
    /// Its error.
    pub reported_error: Option<f64>,
    /// Root mean square distance of the curves, relative.
    pub curve_rms: Option<f64>,
    /// Fork pause \[µs\].
    pub fork_us: Option<f64>,
    /// Lower end of its interval \[µs\].
    pub fork_us_low: Option<f64>,
    /// Upper end \[µs\].
    pub fork_us_high: Option<f64>,
    /// What became of it, where it is judged by that.
    pub measured_outcome: Option<String>,
    /// The same, predicted.
    pub predicted_outcome: Option<String>,
    /// Memory asked for at the peak \[bytes\].
    pub peak_memory_bytes: Option<f64>,
    /// Limit of the control group \[bytes\].
    pub limit_bytes: Option<f64>,
    /// Whether the layout of the engine was measured, or only read.
    pub is_layout_measured: Option<bool>,
    /// Why it could not be judged.
    pub skipped: Option<String>,
}

/// Writes `predictions.csv` into `dir`.
///
/// # Errors
///
/// [`ReportError::Write`].
pub fn write(dir: &Path, rows: &[PredictionRow]) -> Result<(), ReportError> {
    table::write(&dir.join(PREDICTIONS_CSV), names(), rows.iter().map(fields))
}

/// `predictions.csv` as text.
///
/// # Errors
///
/// None that a writer in memory can have.
pub fn text(rows: &[PredictionRow]) -> io::Result<String> {
    let mut text = Vec::new();
    table::put(&mut text, names(), rows.iter().map(fields))?;
    String::from_utf8(text).map_err(io::Error::other)
}

/// A save as the chart needs it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) load: Load,
    /// \[bytes\]
    pub(super) measured: f64,
    /// \[bytes\]
    pub(super) predicted: f64,
    pub(super) error: f64,
}

/// The saves of `predictions.csv` in `dir` whose growth was measured and predicted.
pub(super) fn points(dir: &Path) -> Result<Vec<Point>, ReportError> {
    let path = dir.join(PREDICTIONS_CSV);
    let points = Table::read(&path)?.rows(&path, point)?;
    Ok(points.into_iter().flatten().collect())
}

fn point(row: &Row) -> Result<Option<Point>, String> {
    let number = |column| row.optional::<f64>(column);
    let (measured, predicted, error) =
        (number("measured_bytes")?, number("predicted_bytes")?, number("error")?);
    let load = row.value("load")?;
    Ok(match (measured, predicted, error) {
        (Some(measured), Some(predicted), Some(error)) => Some(Point { load, measured, predicted, error }),
        _ => None,
    })
}

fn names() -> impl Iterator<Item = &'static str> {
    PREDICTIONS.iter().map(|column| column.name)
}

fn fields(row: &PredictionRow) -> Vec<Field> {
    // Not the last bits, in which processors differ.
    let whole = |number: Option<f64>| number.map(f64::round);
    let millionths = |number: Option<f64>| number.map(|number| (number * 1e6).round() / 1e6);
    let text = |text: &Option<String>| Field::from(text.as_deref());
    let layout =
        row.is_layout_measured.map(|measured| if measured { "measured" } else { "read, not measured" });
    vec![
        row.run_id.as_str().into(),
        row.load.name().into(),
        row.series.as_str().into(),
        row.op.as_str().into(),
        row.value_bytes.into(),
        row.has_timeline.into(),
        whole(row.measured_bytes).into(),
        whole(row.predicted_bytes).into(),
        millionths(row.error).into(),
        whole(row.reported_measured_bytes).into(),
        whole(row.reported_predicted_bytes).into(),
        millionths(row.reported_error).into(),
        millionths(row.curve_rms).into(),
        whole(row.fork_us).into(),
        whole(row.fork_us_low).into(),
        whole(row.fork_us_high).into(),
        text(&row.measured_outcome),
        text(&row.predicted_outcome),
        whole(row.peak_memory_bytes).into(),
        whole(row.limit_bytes).into(),
        layout.into(),
        text(&row.skipped),
    ]
}
