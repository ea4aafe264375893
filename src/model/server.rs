//! One server: what it is doing, the child it has forked, its files, and its link to a primary.

use crate::memory::{Exposure, Population};
use crate::model::huge::HugeShare;
use crate::model::observer::Starter;
use crate::model::outcome::{Cause, PerCause};
use crate::model::precedent::Extent;
use crate::model::supervisor::Supervisor;
use crate::units::{SimDuration, SimTime};

/// A server of a shard: a primary or a replica.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Server {
    /// The shard that it belongs to, and the host that it is on.
    pub shard: usize,
    pub host: usize,
    pub phase: Phase,
    /// How it hangs on its primary; `None` for the primary itself.
    pub link: Option<Link>,
    pub child: Option<Child>,
    pub aof: AofFile,
    pub snapshot: Snapshot,
    pub huge: HugeShare,
    /// A backup by a client that poses as a replica, or without a fork.
    pub backup: Option<RunningBackup>,
    /// A backup waits for another child to exit.
    pub backup_waits: bool,
    /// Forks so far, by cause: the occasions of what is drawn for each.
    pub ordinals: PerCause<u32>,
    /// Kills so far.
    pub kills: u64,
    /// Kills in a row, each soon after a reload, without a save that succeeded between them.
    pub kills_in_a_row: u32,
    /// Crash loops so far.
    pub crash_loops: u64,
    /// Who starts it again, as long as it is down and that is known.
    pub starter: Option<Starter>,
    pub supervisor: Supervisor,
    /// When it died; `None` while it lives.
    pub died_at: Option<SimTime>,
    /// When the reload since its last start ended; `None` before its first one, and while it loads.
    pub loaded_at: Option<SimTime>,
    /// Losses of its link so far.
    pub losses: u64,
    /// Full syncs cut short since the last one that succeeded.
    pub syncs_cut: u32,
    /// What waited for the replica that it dropped last, and when.
    pub dropped: Option<(SimTime, f64)>,
}

/// What a server is doing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Phase {
    /// It serves, or follows its primary.
    Serving,
    /// It was killed, and its child still holds a snapshot of so many bytes.
    Orphaned { snapshot: f64 },
    /// It was killed and waits to be started.
    Dead,
    /// It loads so many bytes of data from its own files.
    Loading { from: SimTime, until: SimTime, bytes: f64 },
}

/// How a replica hangs on its primary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Link {
    /// It follows.
    Online,
    /// The link is broken since this position of the stream.
    Lost { position: f64 },
    /// It waits for a full sync.
    Waiting(Request),
    /// The snapshot is on its way.
    Receiving(FullSync),
    /// It loads the snapshot, from one instant to another.
    Loading { sync: FullSync, from: SimTime, until: SimTime },
}

/// A replica's wish for a full sync.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Request {
    /// When it asked first.
    pub asked: SimTime,
    /// From when on it can be served.
    pub ready: SimTime,
    /// Data it still holds \[bytes\].
    pub holds: f64,
}

/// A full sync under way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct FullSync {
    pub request: Request,
    /// Where in the stream its snapshot was taken.
    pub position: f64,
    /// When the source forked, and when its child will have written everything.
    pub forked_at: SimTime,
    pub sent_at: SimTime,
    /// Data in the snapshot, in `used_memory` and as a file \[bytes\].
    pub bytes: f64,
    pub file_bytes: f64,
    /// Whether the replica loads as it receives.
    pub loads_at_once: bool,
}

impl FullSync {
    /// The share of the snapshot that has arrived at `at`.
    pub fn progress(&self, at: SimTime) -> f64 {
        progress(self.forked_at, self.sent_at, at)
    }
}

impl Link {
    /// The full sync under way.
    pub fn sync(&self) -> Option<&FullSync> {
        match self {
            Self::Receiving(sync) | Self::Loading { sync, .. } => Some(sync),
            Self::Online | Self::Lost { .. } | Self::Waiting(_) => None,
        }
    }

    /// Whether the replica holds the data of its primary.
    pub fn has_data(&self) -> bool {
        matches!(self, Self::Online | Self::Lost { .. })
    }
}

/// A backup that is not a child alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum RunningBackup {
    /// By a client that poses as a replica: where in the stream its snapshot was taken.
    Sync { position: f64 },
    /// Without a fork.
    Forkless,
}

/// A child that is saving.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Child {
    pub cause: Cause,
    pub forked_at: SimTime,
    pub pace: Pace,
    /// The keys at the fork.
    pub population: Population,
    /// What has been done to them since, as of the last settlement.
    pub exposures: Vec<Exposure>,
    /// Resident set of the server at the fork, shared by the child \[bytes\].
    pub resident: f64,
    /// Size of the file it writes \[bytes\].
    pub file_bytes: f64,
    /// What waits to be written to the append-only file while it keeps the disk busy \[bytes\].
    pub aof_buffer: f64,
    /// What dropped replicas' buffers have left resident, which it holds \[bytes\].
    pub left_over: f64,
    /// Whether it writes a file on its own host, and not to sockets.
    pub writes_file: bool,
    /// Pages that will have been copied when it exits, looked at twice and so computed once \[bytes\]; `None` where
    /// the child gives pages back.
    pub copied_at_exit: Option<f64>,
    /// When the save costs most; `None` where that is at its end.
    pub peaks: Option<Peaks>,
    /// What the save meets, where it may be a precedent; `None` once its load is no longer what was foreseen.
    pub extent: Option<Extent>,
    /// Whether an earlier save met at least as much.
    pub is_outdone: bool,
}

/// How far a child is, and how it gets on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pace {
    /// The share of the keys written out until `from`.
    done: f64,
    from: SimTime,
    pub exits_at: SimTime,
}

impl Pace {
    /// A child forked now that needs so long.
    pub fn new(now: SimTime, duration: SimDuration) -> Self {
        Self { done: 0.0, from: now, exits_at: now + duration }
    }

    /// The share of the keys that it has written out at `at`.
    pub fn progress(&self, at: SimTime) -> f64 {
        self.done + (1.0 - self.done) * progress(self.from, self.exits_at, at)
    }

    /// The same child, held up from `now` for `pause`.
    pub fn held_up(&self, now: SimTime, pause: SimDuration) -> Self {
        Self { done: self.progress(now), from: now + pause, exits_at: self.exits_at + pause }
    }

    /// The same child, `factor` times as slow from `now` on.
    pub fn slowed(&self, now: SimTime, factor: f64) -> Self {
        let left = self.exits_at.since(now).as_secs_f64() * factor;
        Self { done: self.progress(now), from: now, exits_at: now + SimDuration::from_secs_f64(left) }
    }
}

/// When a save costs most, if it is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Peaks {
    /// When most is copied.
    pub cow: SimTime,
    /// When most memory is asked for, with the growth of the data.
    pub demand: SimTime,
}

/// The append-only file. What is appended is the stream that replicas get, so its size follows from positions in it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct AofFile {
    /// Size after the last rewrite \[bytes\].
    pub base_bytes: f64,
    /// Where in the stream that was \[bytes\].
    pub from: f64,
    /// Where in the stream the running rewrite forked \[bytes\].
    pub fork_position: f64,
    /// Data in the snapshot that it begins with, in `used_memory` \[bytes\].
    pub preamble_data: f64,
    /// How many changes there had been at the fork of that snapshot: those since then are replayed at a start.
    pub changes: f64,
    /// How many there had been where the running rewrite forked.
    pub changes_at_fork: f64,
    /// Rewrites that failed since the last one that succeeded.
    pub consecutive_failures: u32,
    /// No automatic rewrite before this.
    pub not_before: SimTime,
    /// A rewrite is due whatever its size: the file starts anew after a full sync.
    pub is_due: bool,
}

/// The last snapshot, and what has changed since.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Snapshot {
    pub saved_at: SimTime,
    /// When the last save was started; `None` before the first one.
    pub tried_at: Option<SimTime>,
    /// How many changes there had been at the fork of the last snapshot.
    pub changes: f64,
    /// How many there had been at the last fork.
    pub changes_at_fork: f64,
    pub is_last_ok: bool,
    /// Forks refused since the last one that was not.
    pub refused: u32,
    /// Size of the data in it \[bytes\].
    pub data_bytes: f64,
    /// How much of its file is in the page cache \[bytes\].
    pub cached_bytes: f64,
}

/// The share of the way from `from` to `until` covered at `at`.
pub(super) fn progress(from: SimTime, until: SimTime, at: SimTime) -> f64 {
    let whole = until.since(from).as_secs_f64();
    if whole > 0.0 { (at.since(from).as_secs_f64() / whole).min(1.0) } else { f64::from(at >= until) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(value: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(value)
    }

    #[test]
    fn a_child_held_up_goes_on_where_it_stood() {
        let pace = Pace::new(seconds(0), SimDuration::from_secs(100));
        let held = pace.held_up(seconds(40), SimDuration::from_secs(10));
        assert_eq!(held.exits_at, seconds(110));
        for (at, share) in [(40, 0.4), (45, 0.4), (50, 0.4), (80, 0.7), (110, 1.0)] {
            assert!((held.progress(seconds(at)) - share).abs() < 1e-12, "{at}");
        }
    }

    #[test]
    fn a_slowed_child_keeps_what_it_has_done() {
        let pace = Pace::new(seconds(0), SimDuration::from_secs(100)).slowed(seconds(75), 4.0);
        assert_eq!(pace.exits_at, seconds(175));
        assert!((pace.progress(seconds(75)) - 0.75).abs() < 1e-12);
        assert!((pace.progress(seconds(125)) - 0.875).abs() < 1e-12);
    }
}
