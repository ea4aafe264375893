//! The host's life: state, ledger, events and their handlers, from the first second to the horizon.
//!
//! Owns what happens on one host with one server. A [`Host`] goes in, [`Simulation::run`] lets one
//! replication of it happen, an [`Outcome`] comes out. This page is its table of contents: every event and
//! what it does.
//!
//! | file | what it tells |
//! |---|---|
//! | [`host`] | the inputs of a cell |
//! | [`uncertain`] | inputs known only as intervals |
//! | [`weather`], [`load`] | the write load: its weather, and what it does to the keys |
//! | [`ledger`] | where the memory is |
//! | [`state`] | the state, and the memory it asks for at any instant |
//! | [`life`] | from event to event: the books and the observer |
//! | `forks` | who forks, when, and how a child ends well |
//! | `peak` | where in a save it costs most |
//! | `purge` | what a child's allocator has purged, tabulated |
//! | `huge` | how much of the heap still lies on huge pages |
//! | `kill` | what happens when memory runs out |
//! | `restart` | what happens after the server was killed |
//! | [`observer`] | watching a replication |
//! | [`outcome`] | the figures it leaves behind |
//! | [`one_save`] | one save without a life around it |
//!
//! Does no I/O, reads no wall clock, starts no threads. Not modelled: replicas and their buffers, swap, the
//! stall before a kill, containers, what an orphaned child had given back already.

mod forks;
pub mod host;
mod huge;
mod kill;
pub mod ledger;
pub mod life;
pub mod load;
pub mod observer;
pub mod one_save;
pub mod outcome;
mod peak;
mod purge;
mod restart;
#[cfg(test)]
pub(crate) mod sample;
pub mod simulation;
pub mod state;
pub mod uncertain;
pub mod weather;

pub use host::Host;
pub use ledger::Ledger;
pub use observer::{Happening, Observer, Sample, Unobserved};
pub use one_save::OneSave;
pub use outcome::{Cause, Outcome, PerCause, Victim};
pub use simulation::{Fit, Simulation, StepLimit};
pub use uncertain::Uncertain;

use crate::engine::{self, Process, Schedule};
use life::Life;

/// What can happen on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A `save` point's changes and seconds are both reached.
    SavePointDue,
    /// The append-only file has grown enough to be rewritten.
    RewriteDue,
    /// The scheduled backup asks for a save.
    BackupDue,
    /// A backup that had to wait for another child tries again.
    BackupRetry,
    /// The child has written everything and exits.
    ChildExit,
    /// Free memory has reached the kernel's min watermark and there is nothing left to reclaim.
    MemoryExhausted,
    /// A child whose server was killed notices, and exits.
    OrphanExit,
    /// The supervisor starts the server anew.
    ServerStart,
    /// The server has reloaded its data and serves.
    Loaded,
}

impl engine::Event for Event {
    const SLOTS: usize = 9;

    fn slot(self) -> Option<usize> {
        Some(self as usize)
    }

    fn name(self) -> &'static str {
        match self {
            Self::SavePointDue => "save-point-due",
            Self::RewriteDue => "rewrite-due",
            Self::BackupDue => "backup-due",
            Self::BackupRetry => "backup-retry",
            Self::ChildExit => "child-exit",
            Self::MemoryExhausted => "memory-exhausted",
            Self::OrphanExit => "orphan-exit",
            Self::ServerStart => "server-start",
            Self::Loaded => "loaded",
        }
    }
}

impl<O: Observer> Process for Life<'_, O> {
    type Event = Event;

    fn handle(&mut self, event: Event, schedule: &mut Schedule<Event>) {
        let before = self.take_stock(schedule.now());
        match event {
            Event::SavePointDue => self.fork(Cause::SavePoint, schedule),
            Event::RewriteDue => self.fork(Cause::AofRewrite, schedule),
            Event::BackupDue => self.backup_due(schedule),
            Event::BackupRetry => self.fork(Cause::Backup, schedule),
            Event::ChildExit => self.child_exits(before.cow, schedule),
            Event::MemoryExhausted => self.memory_exhausted(&before, schedule),
            Event::OrphanExit => self.orphan_exits(before.resident, schedule),
            Event::ServerStart => self.server_starts(schedule),
            Event::Loaded => self.loaded(schedule),
        }
    }
}
