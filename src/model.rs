//! The life of a shard and its hosts: state, ledger, events and their handlers, from the first second to the horizon.
//!
//! Owns what happens to a primary, its replicas on hosts alike, and to the servers that share these hosts. A
//! [`Host`] goes in, [`Simulation::run`] lets one replication of it happen, an [`Outcome`] comes out. A lone server is
//! a shard of one. This page is its table of contents: every event and what it does.
//!
//! | file | what it tells |
//! |---|---|
//! | [`host`] | the inputs of a cell |
//! | [`uncertain`] | inputs known only as intervals |
//! | [`draws`], [`tilt`] | its random numbers, and how they are tilted towards trouble |
//! | [`weather`], `hours`, `minutes`, [`bursts`] | the weather of the write load |
//! | [`load`] | what the load does to the keys |
//! | [`ledger`] | where the memory of a host is |
//! | `server` | one server: what it does, its child, its files, its link |
//! | [`state`] | all servers, and the data that the load changes |
//! | `demand` | the memory that a host asks for at any instant |
//! | [`life`] | from event to event: the books and the observer |
//! | [`writing`] | what a child writes: how large its file is, how long that takes |
//! | `forks` | who forks, when, and how a child ends well |
//! | `disk` | the disk of a host, slow for hours at times |
//! | `backups` | the scheduled backup: by a fork, as a replica, or without a fork |
//! | `law_error` | how far off the law of copies may be |
//! | `peak` | where in a save it costs most |
//! | `precedent` | saves that need not be looked at, as an earlier one outdid them |
//! | `purge` | what a child's allocator has purged, tabulated |
//! | `huge` | how much of the heap still lies on huge pages |
//! | `sync` | full syncs: what waits for a replica, and when it is dropped |
//! | `link` | links lost and found, and partial resyncs |
//! | `overcommit` | forks refused |
//! | `stall` | memory runs out: swap, stalls |
//! | `kill` | whom the OOM killer takes, and what that frees |
//! | `restart` | what happens after a server was killed |
//! | `supervisor` | how long it waits before it starts a server again |
//! | `crash_loop` | a server that is killed whenever it is started, until an operator arrives |
//! | `failover` | a replica takes the place of its primary |
//! | [`observer`] | watching a replication |
//! | [`outcome`] | the figures it leaves behind |
//! | [`one_save`] | one save without a life around it |
//!
//! Does no I/O, reads no wall clock, starts no threads. Not modelled: what an orphaned child had given back already,
//! other processes that grow, writes that had not reached a replica when it was promoted.

mod backups;
pub mod bursts;
mod crash_loop;
mod demand;
mod disk;
pub mod draws;
mod failover;
mod forks;
pub mod host;
mod hours;
mod huge;
mod kill;
mod law_error;
pub mod ledger;
pub mod life;
mod link;
pub mod load;
mod minutes;
pub mod observer;
pub mod one_save;
pub mod outcome;
mod overcommit;
mod peak;
mod precedent;
mod purge;
mod restart;
#[cfg(test)]
pub(crate) mod sample;
mod server;
pub mod simulation;
mod stall;
pub mod state;
mod supervisor;
mod sync;
pub mod tilt;
pub mod uncertain;
pub mod weather;
pub mod writing;

pub use draws::{Draws, Unknown};
pub use host::Host;
pub use ledger::Ledger;
pub use observer::{Dropped, Happening, Observer, Place, Sample, Starter, Unobserved};
pub use one_save::OneSave;
pub use outcome::{Cause, Outcome, PerCause, Victim};
pub use simulation::{Fit, Simulation, StepLimit};
pub use tilt::Tilt;
pub use uncertain::Uncertain;
pub use weather::Sky;

use crate::engine::{self, Process, Schedule};
use crate::units::SimTime;
use life::Life;

/// What can happen: to a server, to a shard, or to a host, each by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A `save` point's changes and seconds are both reached.
    SavePointDue(usize),
    /// The append-only file has grown enough to be rewritten.
    RewriteDue(usize),
    /// A backup that had to wait for another child tries again.
    BackupRetry(usize),
    /// Replicas that wait get their fork.
    FullSyncDue(usize),
    /// The child has written everything and exits.
    ChildExit(usize),
    /// A save without a fork is done.
    ForklessDone(usize),
    /// More waits for a backup that poses as a replica than is allowed.
    BackupLimit(usize),
    /// More waits for a replica than is allowed.
    BufferLimit(usize),
    /// A replica has loaded its snapshot.
    ReplicaLoaded(usize),
    /// The link of a replica breaks.
    LinkLost(usize),
    /// The link of a replica is back.
    LinkFound(usize),
    /// A child whose server was killed notices, and exits.
    OrphanExit(usize),
    /// The supervisor, or an operator, starts the server anew.
    ServerStart(usize),
    /// The server has reloaded its data and serves.
    Loaded(usize),
    /// The scheduled backup of a shard is due.
    BackupDue(usize),
    /// A replica of a shard takes the place of its dead primary.
    Promote(usize),
    /// A host has no memory left, and nothing to reclaim.
    MemoryExhausted(usize),
    /// The stall of a host ends with a kill.
    StallEnd(usize),
}

/// Kinds of event: each server, shard and host has a timer for each.
const KINDS: usize = 18;

impl Event {
    /// The place of its kind, and the number of its server, shard or host.
    fn address(self) -> (usize, usize) {
        match self {
            Self::SavePointDue(server) => (0, server),
            Self::RewriteDue(server) => (1, server),
            Self::BackupRetry(server) => (2, server),
            Self::FullSyncDue(server) => (3, server),
            Self::ChildExit(server) => (4, server),
            Self::ForklessDone(server) => (5, server),
            Self::BackupLimit(server) => (6, server),
            Self::BufferLimit(server) => (7, server),
            Self::ReplicaLoaded(server) => (8, server),
            Self::LinkLost(server) => (9, server),
            Self::LinkFound(server) => (10, server),
            Self::OrphanExit(server) => (11, server),
            Self::ServerStart(server) => (12, server),
            Self::Loaded(server) => (13, server),
            Self::BackupDue(shard) => (14, shard),
            Self::Promote(shard) => (15, shard),
            Self::MemoryExhausted(host) => (16, host),
            Self::StallEnd(host) => (17, host),
        }
    }
}

impl engine::Event for Event {
    const SLOTS: usize = KINDS;

    fn slot(self) -> Option<usize> {
        let (kind, number) = self.address();
        Some(number * KINDS + kind)
    }

    fn name(self) -> &'static str {
        match self {
            Self::SavePointDue(_) => "save-point-due",
            Self::RewriteDue(_) => "rewrite-due",
            Self::BackupRetry(_) => "backup-retry",
            Self::FullSyncDue(_) => "full-sync-due",
            Self::ChildExit(_) => "child-exit",
            Self::ForklessDone(_) => "forkless-done",
            Self::BackupLimit(_) => "backup-limit",
            Self::BufferLimit(_) => "buffer-limit",
            Self::ReplicaLoaded(_) => "replica-loaded",
            Self::LinkLost(_) => "link-lost",
            Self::LinkFound(_) => "link-found",
            Self::OrphanExit(_) => "orphan-exit",
            Self::ServerStart(_) => "server-start",
            Self::Loaded(_) => "loaded",
            Self::BackupDue(_) => "backup-due",
            Self::Promote(_) => "promote",
            Self::MemoryExhausted(_) => "memory-exhausted",
            Self::StallEnd(_) => "stall-end",
        }
    }
}

impl<O: Observer> Life<'_, O> {
    /// Closes the books of the hosts before an event. The books of the others than its own are closed where its
    /// consequences may reach their memory, and carried forward where they do not.
    fn take_stock_for(&mut self, event: Event, now: SimTime) {
        let (host, is_local) = (self.host_of(event), self.is_local(event));
        for other in (0..self.state.members()).filter(|&other| other != host) {
            if is_local {
                self.carry_forward(other, now);
            } else {
                self.take_stock(other, now);
            }
        }
        self.take_stock(host, now);
    }

    /// The host on which an event happens.
    fn host_of(&self, event: Event) -> usize {
        match event {
            Event::MemoryExhausted(host) | Event::StallEnd(host) => host,
            Event::BackupDue(shard) | Event::Promote(shard) => {
                self.state.host_of(self.state.shards[shard].primary)
            }
            _ => self.state.host_of(event.address().1),
        }
    }

    /// Whether an event changes memory on its own host alone: a server that forks, or is done with its own files.
    /// Whatever concerns a full sync ends children and buffers elsewhere, and so may a stall, a kill or a promotion.
    fn is_local(&self, event: Event) -> bool {
        match event {
            Event::SavePointDue(_)
            | Event::RewriteDue(_)
            | Event::BackupRetry(_)
            | Event::BackupLimit(_)
            | Event::ForklessDone(_)
            | Event::OrphanExit(_)
            | Event::ServerStart(_) => true,
            Event::ChildExit(server) => {
                let child = self.state.servers[server].child.as_ref();
                child.is_none_or(|child| child.cause != Cause::FullSync)
            }
            _ => false,
        }
    }
}

impl<O: Observer> Process for Life<'_, O> {
    type Event = Event;

    fn handle(&mut self, event: Event, schedule: &mut Schedule<Event>) {
        self.take_stock_for(event, schedule.now());
        match event {
            Event::SavePointDue(server) => {
                self.fork(server, Cause::SavePoint, schedule);
            }
            Event::RewriteDue(server) => {
                self.fork(server, Cause::AofRewrite, schedule);
            }
            Event::BackupDue(shard) => self.backup_due(shard, schedule),
            Event::BackupRetry(server) => self.back_up(server, schedule),
            Event::BackupLimit(server) => self.backup_limit_reached(server, schedule),
            Event::ForklessDone(server) => self.forkless_done(server, schedule),
            Event::FullSyncDue(server) => self.start_full_sync(server, schedule),
            Event::BufferLimit(server) => self.buffer_limit_reached(server, schedule),
            Event::ReplicaLoaded(server) => self.replica_loaded(server, schedule),
            Event::LinkLost(server) => self.link_lost(server, schedule),
            Event::LinkFound(server) => self.link_found(server, schedule),
            Event::ChildExit(server) => self.child_exits(server, schedule),
            Event::MemoryExhausted(host) => self.memory_exhausted(host, schedule),
            Event::StallEnd(host) => self.stall_ends(host, schedule),
            Event::OrphanExit(server) => self.orphan_exits(server, schedule),
            Event::ServerStart(server) => self.server_starts(server, schedule),
            Event::Loaded(server) => self.loaded(server, schedule),
            Event::Promote(shard) => self.promote(shard, schedule),
        }
    }
}
