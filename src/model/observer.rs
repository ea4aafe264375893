//! Watching a replication without changing it.

use crate::model::{Cause, Ledger, Victim};
use crate::units::{Bytes, SimDuration, SimTime};

/// Watches a replication.
pub trait Observer {
    /// Whether anybody looks: where not, nothing is prepared for looking at.
    const IS_WATCHING: bool = true;

    /// Nothing happened on a host from `from` to `to`; `sample` tells how it was at any instant between them.
    fn span(&mut self, host: usize, from: SimTime, to: SimTime, sample: &dyn Fn(SimTime) -> Sample) {
        let _ = (host, from, to, sample);
    }

    /// Something happened; `ledger` is the memory of its host just after it.
    fn happened(&mut self, at: SimTime, place: Place, happening: Happening, ledger: &Ledger) {
        let _ = (at, place, happening, ledger);
    }
}

/// Nobody watches, and it costs nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    const IS_WATCHING: bool = false;
}

/// Where something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The machine, from 0: the first primary's is 0, the replicas' follow.
    pub host: usize,
    /// Which of the servers of the machine, from 0.
    pub tenant: usize,
    /// Whether its server is the primary just now.
    pub is_primary: bool,
}

/// How it was on a host at an instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Where the memory was.
    pub ledger: Ledger,
    /// Writes a second, averaged over the minute around it; zero while the server does not accept any.
    pub writes_per_second: f64,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Happening {
    /// The server forked a child.
    Forked {
        /// Why.
        cause: Cause,
        /// How long the child will live if it is left alone.
        duration: SimDuration,
        /// How long the fork held the server.
        pause: SimDuration,
    },
    /// The child has written everything and exited.
    Saved {
        /// Why it was forked.
        cause: Cause,
        /// How long it lived.
        duration: SimDuration,
        /// The most that was copied for it and not given back, at any time.
        copied: Bytes,
    },
    /// A child did not finish what it was forked for.
    SaveFailed {
        /// Why it was forked.
        cause: Cause,
    },
    /// `vm.overcommit_memory` refused a fork.
    ForkRefused {
        /// Why it was wanted.
        cause: Cause,
    },
    /// A save without a fork has begun.
    ForklessBegan {
        /// How long it takes.
        duration: SimDuration,
    },
    /// It has ended.
    ForklessEnded,
    /// Memory has run out and the kernel looks for more before it kills: nobody gets on.
    StallBegan {
        /// What had forked.
        cause: Cause,
    },
    /// The stall ended and nobody was killed: what had been asking for memory is done.
    StallEnded {
        /// How long it took.
        duration: SimDuration,
    },
    /// The kernel has begun to swap the server out.
    SwapBegan {
        /// How many times longer what is left of the save takes from now on.
        slowed: f64,
    },
    /// The link to a replica broke.
    LinkLost,
    /// The link is back, and the backlog covers what was missed.
    PartialResync {
        /// What was missed.
        gap: Bytes,
    },
    /// A replica asks for a full sync: it has nothing, or has missed more than the backlog holds.
    FullSyncWanted {
        /// What was missed; `None` where it has nothing to go on from.
        gap: Option<Bytes>,
    },
    /// A replica was dropped in the middle of its full sync.
    ReplicaDropped {
        /// What waited for it.
        buffered: Bytes,
        /// Why.
        reason: Dropped,
        /// Full syncs of this replica cut short in a row, with this one.
        in_a_row: u32,
    },
    /// A backup that poses as a replica was dropped in the middle.
    BackupDropped {
        /// What waited for it.
        buffered: Bytes,
        /// Why.
        reason: Dropped,
    },
    /// A replica has the snapshot and loads it.
    ReplicaLoading {
        /// How long that takes.
        duration: SimDuration,
    },
    /// A replica is in sync.
    ReplicaOnline {
        /// Since it asked for the sync.
        took: SimDuration,
        /// What waited for it at the end.
        buffered: Bytes,
    },
    /// A save failed on a replica, and it aborted at the next write (`replica-ignore-disk-write-errors no`).
    ReplicaPanicked,
    /// The supervisor stops the server because its child was killed (`OOMPolicy`).
    Stopped,
    /// A replica was promoted.
    Promoted {
        /// Since its primary died.
        after: SimDuration,
    },
    /// A backup was due while another child was alive: it waits.
    BackupWaits,
    /// A backup was due while the server was down.
    BackupMissed,
    /// The last save failed and the server has `save` points, so it refuses writes (`-MISCONF`).
    WritesRefused,
    /// A save succeeded again: writes are accepted.
    WritesAccepted,
    /// The OOM killer took a process.
    Killed {
        /// Whom.
        victim: Victim,
        /// Its badness \[pages\].
        badness: i64,
        /// The other process's badness \[pages\], where there was one.
        other_badness: Option<i64>,
        /// What had forked.
        cause: Cause,
        /// Memory that the kill frees at once.
        freed: Bytes,
        /// How long the host had stalled before.
        stalled: SimDuration,
    },
    /// A child whose server was killed has exited.
    OrphanExited {
        /// Memory that this frees: the snapshot it held.
        freed: Bytes,
    },
    /// The OOM killer took the server while it loaded its own files: they do not fit.
    KilledLoading {
        /// What cannot be reclaimed once the data is loaded.
        needed: Bytes,
        /// What the kernel hands out.
        capacity: Bytes,
    },
    /// The server was started anew; it loads its data.
    Starting {
        /// Who started it.
        by: Starter,
        /// How long the reload takes.
        duration: SimDuration,
        /// Writes acknowledged and lost: since the last snapshot, or all where none was kept.
        lost: f64,
    },
    /// The server serves again.
    Loaded {
        /// How long it was down.
        downtime: SimDuration,
    },
    /// The server is killed whenever it is started: it stays down until an operator arrives.
    CrashLoop {
        /// What had forked at the kill that shows it, or that the data does not even load.
        cause: Cause,
        /// Kills in a row, with that one.
        in_a_row: u32,
        /// When the operator arrives.
        operator_after: SimDuration,
    },
}

/// Who starts a server again that has died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Starter {
    /// Its supervisor.
    Supervisor {
        /// So long after its death.
        delay: SimDuration,
        /// The restarts in a row, with this one.
        in_a_row: u32,
    },
    /// An operator, whom a crash loop has called.
    Operator {
        /// So long after the kill that showed it.
        after: SimDuration,
    },
}

impl Starter {
    /// From the death of the server to its start.
    pub(super) fn delay(self) -> SimDuration {
        match self {
            Self::Supervisor { delay, .. } => delay,
            Self::Operator { after } => after,
        }
    }
}

/// Why a replica was dropped in the middle of a full sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// More waited for it than the hard limit.
    HardLimit,
    /// More waited for it than the soft limit, for longer than its seconds.
    SoftLimit,
    /// The link broke.
    LinkLost,
    /// The child that saved for it was killed, or refused.
    ChildFailed,
    /// The source died.
    SourceDied,
}
