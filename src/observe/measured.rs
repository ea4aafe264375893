//! Saves of real servers as they were measured, and what the laws say of them.
//!
//! A row of a measurements file becomes a [`Row`] ([`Row`] has what was set, the load and the measured figures), its
//! time series a [`Timeline`]; [`predict`] sees of both only what was set and what describes the load and the child's
//! pace.

mod limits;
mod predict;
mod row;
mod subject;

pub use limits::Outcome;
pub use predict::{Prediction, Unpredicted, predict};
pub use row::{Row, Timeline};
