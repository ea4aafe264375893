//! The run folder and the charts made from it; and a single save in words, text and picture.
//!
//! Owns the files of a run: their names, columns and the order in which they are written, so that a folder
//! that looks complete is complete. Charts are pure functions of the folder's files. Leaves out what the
//! terminal shows (`cli`) and every simulation.
//!
//! Start at [`RunFolder`].

mod atomic;
mod cells;
mod chart;
pub mod columns;
pub mod difference;
mod error;
mod field;
pub mod journal;
pub mod one_save;
pub mod parts;
pub mod post_mortem;
mod predictions;
mod replications;
mod run_folder;
mod run_json;
#[cfg(test)]
mod samples;
mod table;
pub mod trace;

pub use cells::CellTable;
pub use chart::{curve_svg, draw_curve, draw_heatmap, draw_predictions, draw_timeline};
pub use columns::Column;
pub use error::ReportError;
pub use predictions::{Load, PredictionRow, text as predictions_csv, write as write_predictions};
pub use replications::ReplicationRow;
pub use run_folder::{
    CELLS_CSV, EVENTS_CSV, FULL_CELLS_CSV, PREDICTIONS_CSV, RUN_JSON, RunFolder, TIMELINE_CSV, redraw,
};
pub use run_json::{
    ClassSummary, FORMAT_VERSION, FileEntry, Manifest, PartOf, ScenarioText, TraceSubject, sha256,
};
pub use trace::{EventRow, TimelineRow};
