//! What a replication leaves behind: one row of figures.

use crate::units::{Bytes, SimDuration, SimTime};

/// What forked, or grew, when something went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The scheduled backup.
    Backup,
    /// A `save` point.
    SavePoint,
    /// A rewrite of the append-only file.
    AofRewrite,
    /// A replica's full sync.
    FullSync,
    /// No child was alive: the data itself no longer fitted.
    Growth,
}

impl Cause {
    /// Every cause, in the order of their names in the output files.
    pub const ALL: [Self; 5] =
        [Self::Backup, Self::SavePoint, Self::AofRewrite, Self::FullSync, Self::Growth];

    /// The name in the output files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::SavePoint => "save-point",
            Self::AofRewrite => "aof-rewrite",
            Self::FullSync => "full-sync",
            Self::Growth => "growth",
        }
    }
}

/// One value for each cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerCause<T>([T; Cause::ALL.len()]);

impl<T> std::ops::Index<Cause> for PerCause<T> {
    type Output = T;

    fn index(&self, cause: Cause) -> &T {
        &self.0[cause as usize]
    }
}

impl<T> std::ops::IndexMut<Cause> for PerCause<T> {
    fn index_mut(&mut self, cause: Cause) -> &mut T {
        &mut self.0[cause as usize]
    }
}

/// Whom the OOM killer took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Victim {
    /// The server itself, and with it the data set.
    Server,
    /// The child that was saving.
    Child,
}

impl Victim {
    /// The name in the output files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Child => "child",
        }
    }
}

/// A kill by the OOM killer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kill {
    /// When.
    pub at: SimTime,
    /// Whom.
    pub victim: Victim,
    /// What had forked.
    pub cause: Cause,
}

/// A stall longer than this is an incident of its own.
pub const STALL_INCIDENT: SimDuration = SimDuration::from_secs(10);

/// The figures of one replication: of the server and, where it has replicas or neighbours, of all of them and their
/// hosts together.
///
/// Memory extremes are those of the host where they are worst.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The first kill, of server or child.
    pub first_kill: Option<Kill>,
    /// The first kill of the server.
    pub first_server_kill: Option<Kill>,
    /// Kills of the server, by cause. Those of a crash loop are counted up to the one that shows it; the server then
    /// stays down until an operator arrives.
    pub server_kills: PerCause<u32>,
    /// Kills of a child, by cause.
    pub child_kills: PerCause<u32>,
    /// Forks, by cause.
    pub forks: PerCause<u32>,
    /// Saves and rewrites that ended well.
    pub saves: u32,
    /// Saves and rewrites that did not.
    pub save_failures: u32,
    /// The most memory in use at any time, without what the kernel can drop.
    pub peak_memory: Bytes,
    /// The least memory free or droppable at any time.
    pub free_min: Bytes,
    /// The most pages copied in one fork and not given back, at any time.
    pub cow_peak: Bytes,
    /// The longest that a fork held the server.
    pub fork_pause: SimDuration,
    /// Time in which writes were not served: the primary down, or stalled.
    pub downtime: SimDuration,
    /// Time in which the primary served: the horizon less the downtime, on average over the shards of the host.
    pub served: SimDuration,
    /// Stalls longer than [`STALL_INCIDENT`] that ended without a kill of the server, by cause.
    pub stalls: PerCause<u32>,
    /// The longest stall.
    pub longest_stall: SimDuration,
    /// Full syncs that were cut short by a limit or a failed child.
    pub syncs_cut: u32,
    /// Times that three full syncs in a row were cut short.
    pub sync_loops: u32,
    /// Lost links that the backlog mended.
    pub partial_resyncs: u32,
    /// The most that waited for replicas at any time, beyond the backlog.
    pub replica_buffer_peak: Bytes,
    /// Forks refused by `vm.overcommit_memory`, by cause.
    pub forks_refused: PerCause<u32>,
    /// The most that was swapped out.
    pub swap_peak: Bytes,
    /// Replicas promoted after the death of their primary.
    pub failovers: u32,
    /// Replicas that aborted after a failed save.
    pub replica_panics: u32,
    /// Writes acknowledged and lost with a killed server.
    pub lost_writes: f64,
    /// Writes refused, at `maxmemory` or because the last save failed.
    pub rejected_writes: f64,
    /// Keys evicted.
    pub evicted_keys: f64,
}

impl Outcome {
    /// Kills of server and child.
    #[must_use]
    pub fn oom_kills(&self) -> u32 {
        Cause::ALL.into_iter().map(|cause| self.server_kills[cause] + self.child_kills[cause]).sum()
    }

    /// Incidents: kills of a server, stalls of over ten seconds, and full syncs cut short three times in a row.
    #[must_use]
    pub fn incidents(&self) -> u32 {
        Cause::ALL.into_iter().map(|cause| self.incidents_of(cause)).sum()
    }

    /// Incidents in which `cause` had forked, or grown.
    #[must_use]
    pub fn incidents_of(&self, cause: Cause) -> u32 {
        let loops = if cause == Cause::FullSync { self.sync_loops } else { 0 };
        self.server_kills[cause] + self.stalls[cause] + loops
    }
}
