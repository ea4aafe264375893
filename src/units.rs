//! Quantities with their units: memory in bytes and pages, time in nanoseconds, rates and percentages.
//!
//! Owns parsing, display and checked arithmetic. The engine and the ledger count in these integers;
//! laws, samplers and statistics use `f64` and come back through one rounding function per type.
//! Leaves out dimension algebra: the three products this project needs are written by hand.

mod bytes;
mod percent;
mod rate;
mod time;

pub use bytes::{Bytes, ParseBytesError};
pub use percent::Percent;
pub use rate::ByteRate;
pub use time::{ParseDurationError, SimDuration, SimTime};
