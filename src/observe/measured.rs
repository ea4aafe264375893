//! Saves of real servers as they were measured, and what the laws say of them.
//!
//! A row of a measurements file becomes a [`Row`] with what was set, the load and the measured figures, its time series
//! a [`Timeline`]. [`predict()`] sees of both only what was set and what describes the load and the child's pace;
//! [`Validation`] holds what it says against the measured figures. Leaves files to `cli` and the chart to `report`.
//!
//! ```text
//! runs.csv ──► rows ──┬──► predict ──► Judged ──► Validation: figures by target, group and line
//! timelines ──────────┘
//! ```

mod columns;
mod comparison;
mod document;
mod duration;
mod full_sync;
mod judge;
mod limits;
mod line;
mod predict;
mod predictions;
mod reading;
mod row;
mod subject;
mod validation;

pub use comparison::{Comparison, Figures, ForkPause};
pub use judge::Judged;
pub use limits::Outcome;
pub use line::Line;
pub use predict::{Prediction, Unpredicted, predict};
pub use reading::{rows, timeline};
pub use row::{Row, Timeline};
pub use validation::{Curves, Outcomes, Target, Validation, WrongOutcome};
