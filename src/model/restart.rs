//! What happens after the server was killed: its child notices and exits, the supervisor starts it anew, it loads
//! its data, or cannot.
//!
//! The reload waits until the orphaned child is gone. What comes back is the data at the kill with
//! `appendonly yes`, else the last snapshot; a server that keeps neither is taken as refilled to its size by its
//! clients in the time of a reload.

use rand::RngExt;

use crate::engine::Schedule;
use crate::model::Event;
use crate::model::huge::HugeShare;
use crate::model::life::Life;
use crate::model::observer::{Happening, Observer};
use crate::model::outcome::{Cause, Kill, Victim};
use crate::model::state::Phase;
use crate::rng::Purpose;
use crate::units::{Bytes, SimDuration, SimTime};

/// How long a child outlives its server \[s\]: it reports about once a second, and exits when nobody reads.
/// Source: `childinfo.c`, Redis from 6.2 and Valkey; measured on Valkey 8.0.1: 0.1 to 1.1 s.
const ORPHAN_LIFETIME: (f64, f64) = (0.1, 1.1);

/// A server killed this many times in a row, each time within [`CRASH_LOOP_WINDOW`] of its reload, is taken to be in a
/// crash loop: the append-only file is rewritten as soon as it is loaded, or the data no longer fits. An
/// assumption of this project; a supervisor's own limit (`StartLimitBurst`) is of the same kind and stops sooner.
const CRASH_LOOP_KILLS: u32 = 3;

/// See [`CRASH_LOOP_KILLS`].
const CRASH_LOOP_WINDOW: SimDuration = SimDuration::HOUR;

impl<O: Observer> Life<'_, O> {
    pub(super) fn schedule_orphan_exit(&mut self, schedule: &mut Schedule<Event>) {
        let (shortest, longest) = ORPHAN_LIFETIME;
        let u: f64 = self.stream.at(Purpose::OrphanLifetime, self.server_kills).random();
        let lifetime = SimDuration::from_secs_f64(shortest + u * (longest - shortest));
        schedule.schedule(schedule.now() + lifetime, Event::OrphanExit);
    }

    /// Starts the server after the supervisor's delay, counted from its death.
    pub(super) fn schedule_restart(&mut self, schedule: &mut Schedule<Event>) {
        let died = self.down_since.unwrap_or(schedule.now());
        let start = (died + self.host().server.restart_delay).max(schedule.now());
        schedule.schedule(start, Event::ServerStart);
    }

    /// The orphaned child exits and frees the snapshot it held.
    pub(super) fn orphan_exits(&mut self, freed: Bytes, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        self.state.phase = Phase::Dead;
        self.tell(now, Happening::OrphanExited { freed });
        self.schedule_restart(schedule);
    }

    /// The server starts to load what was kept.
    pub(super) fn server_starts(&mut self, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        let persistence = &self.host().persistence;
        let has_snapshots = !persistence.save_points.is_empty() || self.host().backup.is_some();
        if persistence.aof.is_none() && has_snapshots {
            self.return_to_snapshot();
        }
        self.state.huge = HugeShare::LOADED;
        let seconds = self.state.data.bytes / self.state.drawn.load_throughput;
        let duration = SimDuration::from_secs_f64(seconds);
        self.state.phase = Phase::Loading { from: now, until: now + duration };
        self.tell(now, Happening::Starting { duration });
        schedule.schedule(now + duration, Event::Loaded);
        self.schedule_next(schedule);
    }

    fn return_to_snapshot(&mut self) {
        let data = &mut self.state.data;
        let ratio = self.state.snapshot.data_bytes / data.bytes.max(1.0);
        for keys in &mut data.population.keys {
            *keys *= ratio;
        }
        data.bytes = self.state.snapshot.data_bytes;
    }

    /// The server serves again, with its save points and its append-only file as after a start.
    pub(super) fn loaded(&mut self, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        self.settle(now);
        self.state.phase = Phase::Serving;
        let downtime = now.since(self.down_since.take().unwrap_or(now));
        self.outcome.downtime += downtime;
        self.loaded_at = Some(now);
        let snapshot = &mut self.state.snapshot;
        (snapshot.saved_at, snapshot.tried_at) = (now, None);
        (snapshot.changes, snapshot.is_last_ok) = (0.0, true);
        let aof = &mut self.state.aof;
        (aof.consecutive_failures, aof.not_before) = (0, now);
        self.tell(now, Happening::Loaded { downtime });
        self.schedule_next(schedule);
    }

    /// Notes a kill of the server, and whether it makes a crash loop.
    pub(super) fn is_crash_loop(&mut self, now: SimTime) -> bool {
        let is_soon = self.loaded_at.is_some_and(|loaded| now.since(loaded) <= CRASH_LOOP_WINDOW);
        self.kills_in_a_row = if is_soon { self.kills_in_a_row + 1 } else { 1 };
        self.kills_in_a_row >= CRASH_LOOP_KILLS
    }

    /// Nothing will change by itself any more: the supervisor starts the server again and again, until somebody
    /// intervenes, which is after the horizon. The kill that showed it stands for all of them.
    pub(super) fn crash_loop(
        &mut self,
        cause: Cause,
        needed_to_load: Option<Bytes>,
        schedule: &mut Schedule<Event>,
    ) {
        let now = schedule.now();
        self.down_since.get_or_insert(now);
        for event in
            [Event::Loaded, Event::ChildExit, Event::SavePointDue, Event::RewriteDue, Event::BackupRetry]
        {
            schedule.clear(event);
        }
        self.outcome.save_failures += u32::from(self.state.child.take().is_some());
        self.backup_waits = false;
        self.state.phase = Phase::CrashLoop;
        self.book_kill(Kill { at: now, victim: Victim::Server, cause });
        let capacity = self.state.simulation.capacity();
        self.tell(now, Happening::CrashLoop { cause, needed_to_load, capacity });
    }
}
