//! Rows and a risk budget to an answer and its reason.
//!
//! The answer for a host class is a pair: *needed*, the percent of RAM, or of the container's limit, that the data of
//! all servers of the host takes at the end of the horizon, and *survivable*, the largest percent at which the server,
//! full to `maxmemory`, meets the budget. What to set lies between the two. Owns that comparison (`answer`), the search
//! of the rows for the frontier (`frontier`) and the sentence (`sentence`). Simulates nothing, and formats no table.
//!
//! Beside it stands the question of a single save, whether the host holds it now: [`Headroom`].

mod answer;
mod frontier;
mod headroom;
mod sentence;

pub use answer::{Question, answer, answers};
pub use headroom::Headroom;

use crate::model::Cause;
use crate::sweep::{Estimate, Verdict};
use crate::units::Bytes;

/// The answer for one host class: between *needed* and *survivable* lies what to set.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassAnswer {
    /// `provider.class`, or `None` where the scenario gives the RAM itself.
    pub host_class: Option<String>,
    /// RAM of the host, or the limit of the container in its place.
    pub ram: Bytes,
    /// Whether that is the limit of a container.
    pub is_limited: bool,
    /// The percent that the data needs at the end of the horizon, to a hundredth; `None` where no data is given to
    /// judge by.
    pub needed_percent: Option<f64>,
    /// The largest simulated percent at which the server, full to `maxmemory`, meets the budget, as it does at every
    /// one below; `None` where none does. It may be above a provider's cap.
    pub survivable_percent: Option<f64>,
    /// The percents that were tried by fresh replications, in order: those that failed, and the one that held. Empty
    /// where percents were gridded.
    pub tried: Vec<TriedPercent>,
    /// The lower end of that: the percent itself, which is shown to be within the budget.
    pub survivable_percent_low: Option<f64>,
    /// The largest simulated percent below the first that is certainly beyond it.
    pub survivable_percent_high: Option<f64>,
    /// RAM, or limit, at which the data as given would be safe; `None` where the data is a share of `maxmemory`.
    pub required_ram: Option<Bytes>,
    /// Safe where needed ≤ survivable and, of managed hosts, within the provider's cap. For data as given, the
    /// verdict of its own cell.
    pub verdict: Verdict,
    /// The verdict's reason, in words.
    pub reason: String,
    /// The fork to blame where it goes wrong: at the survivable percent if anything did, else one step above.
    pub main_cause: Option<Cause>,
    /// Free memory at the worst moment of a replication, first percentile, at the survivable percent; of the data as
    /// given where no percent is asked for.
    pub free_min_p01: Option<Bytes>,
    /// One step above the survivable percent, or the smallest one where none is survivable; `None` at the top.
    pub one_step_above: Option<StepAbove>,
    /// What to paste into `valkey.conf` where the verdict is safe: `maxmemory` in bytes, under a line that says what
    /// percent that is (the file takes no comment behind a setting).
    pub paste: Option<String>,
}

/// A percent that was tried by replications which had no part in choosing it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TriedPercent {
    /// The percent.
    pub percent: f64,
    /// The replications that tried it: fewer than planned where it had failed before.
    pub replications: u64,
    /// How many of them had an incident.
    pub affected: u64,
    /// Whether it held.
    pub holds: bool,
}

/// What breaks one step above the survivable percent.
#[derive(Clone, Debug, PartialEq)]
pub struct StepAbove {
    /// That percent.
    pub percent: f64,
    /// Its verdict.
    pub verdict: Verdict,
    /// Its incidents a year; `None` where the data does not fit there.
    pub incidents_per_year: Option<Estimate>,
    /// What forked when it went wrong.
    pub main_cause: Option<Cause>,
    /// In words.
    pub reason: String,
}
