//! What a sweep says of one cell: a row of `cells.csv`.

use crate::model::Cause;
use crate::stats::Estimate;
use crate::units::Bytes;

/// What the risk budget makes of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The upper bound of the affected replications a year is within the budget.
    Safe,
    /// The lower bound is above it.
    Risky,
    /// The data does not fit under `maxmemory`, or RAM does not hold it with no fork at all.
    DoesNotFit,
    /// The interval still holds the budget.
    Undecided,
}

impl Verdict {
    /// The name in the output files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Risky => "risky",
            Self::DoesNotFit => "does-not-fit",
            Self::Undecided => "undecided",
        }
    }
}

/// What an incident was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IncidentKind {
    /// The OOM killer took a server.
    Kill,
    /// A host stalled for more than ten seconds, and the server lived on.
    Stall,
    /// Three full syncs in a row were cut short.
    SyncLoop,
}

impl IncidentKind {
    /// Every kind, in the order of their weight.
    pub const ALL: [Self; 3] = [Self::Kill, Self::Stall, Self::SyncLoop];

    /// The name in the output files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Stall => "stall",
            Self::SyncLoop => "sync-loop",
        }
    }
}

/// The simulated figures of a cell; absent where the data does not fit.
///
/// Where there are replicas or neighbours, counts are of all servers together, and memory is that of the host where it
/// is worst.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// The chance of at least one OOM kill within the horizon.
    pub oom_probability: Estimate,
    /// Incidents a year and host, by the calendar: down or not.
    pub incidents_per_year: Estimate,
    /// Replications with an incident, a year of simulation: what the budget counts. Each end holds at the confidence by
    /// itself.
    pub affected_per_year: Estimate,
    /// Kills of the server a year.
    pub server_kills_per_year: f64,
    /// Kills of a child a year.
    pub child_kills_per_year: f64,
    /// Stalls over ten seconds a year that ended without a kill of the server.
    pub stalls_per_year: f64,
    /// Failed saves a year.
    pub save_failures_per_year: f64,
    /// Forks a year.
    pub forks_per_year: f64,
    /// What had forked when it went wrong most often; `None` where nothing went wrong.
    pub main_cause: Option<Cause>,
    /// What the incidents of the main cause mostly were; `None` where it led to none.
    pub main_incident: Option<IncidentKind>,
    /// The most memory in use, median over replications.
    pub peak_memory_p50: Bytes,
    /// The same, 99th percentile.
    pub peak_memory_p99: Bytes,
    /// The least memory free, median over replications.
    pub free_min_p50: Bytes,
    /// The same, first percentile.
    pub free_min_p01: Bytes,
    /// The most pages copied in one fork, median.
    pub cow_peak_p50: Bytes,
    /// The same, 99th percentile.
    pub cow_peak_p99: Bytes,
    /// The longest that a fork held the server \[s\], 99th percentile over replications.
    pub fork_pause_p99_seconds: f64,
    /// Seconds a year without service.
    pub downtime_seconds_per_year: f64,
    /// Writes refused a replication.
    pub rejected_writes_mean: f64,
    /// Keys evicted a replication.
    pub evicted_keys_mean: f64,
    /// Forks for full syncs a year.
    pub full_syncs_per_year: f64,
    /// Full syncs cut short a year.
    pub syncs_cut_per_year: f64,
    /// Times a year that three full syncs in a row were cut short.
    pub sync_loops_per_year: f64,
    /// Replicas promoted a year.
    pub failovers_per_year: f64,
    /// Forks refused a year.
    pub forks_refused_per_year: f64,
    /// The most that waited for replicas beyond the backlog, 99th percentile over replications.
    pub replica_buffer_peak_p99: Bytes,
    /// The most that was swapped out, 99th percentile over replications.
    pub swap_peak_p99: Bytes,
    /// Writes acknowledged and lost a replication.
    pub lost_writes_mean: f64,
    /// Incidents a year in which the primary served; `None` where it never did.
    pub incidents_per_up_year: Option<f64>,
}

/// One row of `cells.csv`.
#[derive(Clone, Debug, PartialEq)]
pub struct CellRow {
    /// Number of the cell, from 1, in the order of the axes.
    pub cell: usize,
    /// `provider.class`, or `None` where the scenario gives the RAM itself.
    pub host_class: Option<String>,
    /// RAM of the host, or the limit of the container in its place.
    pub ram: Bytes,
    /// `maxmemory` of all servers of the host in per cent of that; `None` where it was given otherwise.
    pub maxmemory_percent: Option<f64>,
    /// `maxmemory` of a server; `None` for no limit.
    pub maxmemory: Option<Bytes>,
    /// `used_memory` of a server at time 0, at the likely values.
    pub data: Bytes,
    /// Values of the further axes, as written, in the order of the axes.
    pub axes: Vec<String>,
    /// Replications simulated.
    pub replications: u64,
    /// Length of a replication \[s\].
    pub horizon_seconds: f64,
    /// The figures; `None` where the data does not fit.
    pub figures: Option<Figures>,
    /// What the budget makes of it.
    pub verdict: Verdict,
    /// The verdict's reason, in words.
    pub reason: String,
}
