//! Watching a replication without changing it.

use crate::model::{Cause, Ledger, Victim};
use crate::units::{Bytes, SimDuration, SimTime};

/// Watches a replication.
pub trait Observer {
    /// Whether anybody looks: where not, nothing is prepared for looking at.
    const IS_WATCHING: bool = true;

    /// Nothing happened from `from` to `to`; `sample` tells how it was at any instant between them.
    fn span(&mut self, from: SimTime, to: SimTime, sample: &dyn Fn(SimTime) -> Sample) {
        let _ = (from, to, sample);
    }

    /// Something happened; `ledger` is the memory just before it.
    fn happened(&mut self, at: SimTime, happening: Happening, ledger: &Ledger) {
        let _ = (at, happening, ledger);
    }
}

/// Nobody watches, and it costs nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    const IS_WATCHING: bool = false;
}

/// How it was at an instant.
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
    },
    /// A child whose server was killed has exited.
    OrphanExited {
        /// Memory that this frees: the snapshot it held.
        freed: Bytes,
    },
    /// The supervisor started the server anew; it loads its data.
    Starting {
        /// How long the reload takes.
        duration: SimDuration,
    },
    /// The server serves again.
    Loaded {
        /// How long it was down.
        downtime: SimDuration,
    },
    /// The server was killed once more and will be again, whenever it is started.
    CrashLoop {
        /// What had forked, or that the data does not even load.
        cause: Cause,
        /// What cannot be reclaimed once the data is loaded; `None` where the data loads, and something else kills.
        needed_to_load: Option<Bytes>,
        /// What the kernel hands out.
        capacity: Bytes,
    },
}
