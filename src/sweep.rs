//! Cells, replications and threads: a scenario's axes crossed, each cell simulated, one row each.
//!
//! | file | what it tells |
//! |---|---|
//! | `grid` | which cells there are |
//! | `run` | how they share the threads, and what is kept |
//! | `replicate` | one cell: batches, and when to stop |
//! | `budget` | what the counts decide |
//! | `ladder`, `critical` | how far a setting can be turned up, found instead of gridded |
//! | `assurance` | how many of the hosts that the inputs may describe exceed the budget |
//! | `figures`, `reason` | a cell's outcomes in numbers and in words |
//! | `required` | the RAM that data as given requires |
//! | [`rare`] | risks too small to count |
//! | `row` | the row |
//! | [`unknowns`] | what not knowing the inputs does to a risk |
//! | `shard` | a share of the cells |
//! | [`trace`] | one replication in full |
//!
//! The same scenario and seed give the same rows for any number of threads: work is mapped in parallel and
//! merged in order. Leaves formatting to `report` and the answer per host class to `decision`; prints nothing.

mod assurance;
mod budget;
mod critical;
mod figures;
mod grid;
mod ladder;
pub mod rare;
mod reason;
mod replicate;
mod required;
mod row;
mod run;
#[cfg(test)]
pub(crate) mod sample;
mod shard;
pub mod trace;
pub mod unknowns;
pub(crate) mod words;

pub use crate::stats::Estimate;
pub use assurance::{Beyond, Fleet, HOSTS, beyond};
pub use budget::Budget;
pub use critical::{Effort, Limit, Question, Tried, estimates, limits, refine};
pub use grid::{Cell, Grid, cells, full_to, hosts};
pub use ladder::Ladder;
pub use replicate::Stop;
pub use required::RequiredRam;
pub use row::{CellRow, Figures, IncidentKind, Verdict};
pub use run::{CellOutcomes, Failure, Finished, Settings, Sweep, Unwatched, Watch, row, run};
pub use shard::{MalformedShard, Shard};
