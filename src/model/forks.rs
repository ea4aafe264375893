//! Who forks, when, and how a child ends well.
//!
//! One child at a time and server: what is due while one lives waits for it. After an exit the server looks in the
//! order of its cron: `save` points, then the append-only file, then a waiting backup, then waiting replicas.

use std::cell::RefCell;

use crate::engine::Schedule;
use crate::memory::layout::RdbCache;
use crate::memory::replication;
use crate::model::Event;
use crate::model::host::{BackupMethod, SyncMethod};
use crate::model::huge;
use crate::model::ledger::Demand;
use crate::model::life::{Life, next_hour};
use crate::model::observer::{Happening, Observer};
use crate::model::outcome::Cause;
use crate::model::peak::{highest, looks};
use crate::model::precedent::Extent;
use crate::model::server::{Child, Pace, Peaks, Phase};
use crate::model::tilt::Save;
use crate::model::writing::Medium;
use crate::units::{Bytes, SimDuration, SimTime};

/// How often the server's cron looks: `hz 10`, the default.
const CRON_PERIOD: SimDuration = SimDuration::from_millis(100);

/// A failed save is tried again this long after it was *started*: `CONFIG_BGSAVE_RETRY_DELAY` is 5 s, exceeded by whole
/// seconds. Source: `server.c`, Redis 7.0 and Valkey 8.0; measured: retried 102 ms after the kill of a long save.
const SAVE_RETRY_DELAY: SimDuration = SimDuration::from_secs(6);

/// Forks refused in a row after which a save is tried once an hour. A real server goes on every six seconds; that
/// nothing comes of it is known by then. An assumption of this project.
const KNOWN_REFUSAL: u32 = 30;

/// How long the server puts off a write to the append-only file while the disk is busy with an earlier one
/// (`appendfsync everysec`). Source: `aof.c`, `flushAppendOnlyFile`, Redis 7.0 and Valkey 8.0.
const AOF_POSTPONED: SimDuration = SimDuration::from_secs(2);

/// How long jemalloc keeps free pages before the last of them is purged: `dirty_decay_ms`, the default.
/// Source: jemalloc 5.3, `jemalloc.3`.
const DIRTY_DECAY: SimDuration = SimDuration::from_secs(10);

/// Consecutive failures from which automatic rewrites back off. Source: `aof.c`, `AOF_REWRITE_LIMITE_THRESHOLD`.
const REWRITE_FAILURES_TOLERATED: u32 = 3;

/// The longest pause of a rewrite that backs off \[minutes\]. Source: `aof.c`, `AOF_REWRITE_LIMITE_MAX_MINUTES`.
const REWRITE_PAUSE_MAX: u64 = 60;

impl<O: Observer> Life<'_, O> {
    /// Schedules the forks that the state of a server leads to.
    pub(super) fn schedule_forks(&mut self, server: usize, schedule: &mut Schedule<Event>) {
        let events = [
            Event::SavePointDue(server),
            Event::RewriteDue(server),
            Event::BackupRetry(server),
            Event::FullSyncDue(server),
        ];
        for event in events {
            schedule.clear(event);
        }
        let now = schedule.now();
        if self.state.follows(server) && self.state.servers[server].child.is_none() {
            let due = [
                self.save_point_due(server, now),
                self.rewrite_due(server, now),
                self.state.servers[server].backup_waits.then_some(now),
                self.full_sync_due(server),
            ];
            for (due, event) in due.into_iter().zip(events) {
                if let Some(due) = due {
                    schedule.schedule(due.max(now + CRON_PERIOD), event);
                }
            }
        }
    }

    /// When the first of the `save` points is due.
    fn save_point_due(&self, server: usize, now: SimTime) -> Option<SimTime> {
        let save_points = &self.host().persistence.save_points;
        if save_points.is_empty() {
            return None;
        }
        let (shard, snapshot) = (self.state.shard_of(server), &self.state.servers[server].snapshot);
        let not_before = match snapshot.tried_at {
            Some(tried) if snapshot.refused >= KNOWN_REFUSAL => next_hour(tried),
            Some(tried) if !snapshot.is_last_ok => tried + SAVE_RETRY_DELAY,
            _ => now,
        };
        let changed = self.state.changes(shard, now) - snapshot.changes;
        let mut first: Option<SimTime> = None;
        for point in save_points {
            // The server compares whole seconds, strictly.
            let elapsed = snapshot.saved_at + SimDuration::from_secs(point.seconds.saturating_add(1));
            let earliest = elapsed.max(not_before);
            let until = first.unwrap_or(self.horizon);
            if earliest < until {
                let missing = point.changes as f64 - changed;
                first = self.changed(shard, now, missing, earliest, until).or(first);
            }
        }
        first
    }

    /// When `missing` more changes have come, but not before `earliest`; `None` if not by `until`.
    fn changed(
        &self,
        shard: usize,
        now: SimTime,
        missing: f64,
        earliest: SimTime,
        until: SimTime,
    ) -> Option<SimTime> {
        if missing <= 0.0 {
            return Some(earliest);
        }
        if !self.state.accepts_writes(shard) {
            return None;
        }
        let load = &self.state.load;
        let by_then = load.amount(&load.changes, now, earliest);
        if by_then >= missing {
            return Some(earliest);
        }
        load.time_when(&load.changes, earliest, missing - by_then, until)
    }

    /// When the append-only file is large enough to be rewritten.
    fn rewrite_due(&self, server: usize, now: SimTime) -> Option<SimTime> {
        let trigger = self.host().persistence.aof.filter(|trigger| trigger.percentage > 0.0)?;
        let aof = &self.state.servers[server].aof;
        if aof.is_due {
            return Some(now.max(aof.not_before));
        }
        let grown = aof.base_bytes * (1.0 + trigger.percentage / 100.0);
        let missing = grown.max(trigger.min_size.as_f64()) - self.state.aof_bytes(server, now);
        let due = self.state.streamed(self.state.shard_of(server), now, missing, self.horizon);
        due.map(|due| due.max(aof.not_before))
    }

    /// Forks a child, if the kernel lets it; whether it did.
    pub(super) fn fork(&mut self, server: usize, cause: Cause, schedule: &mut Schedule<Event>) -> bool {
        let now = schedule.now();
        let shard = self.state.shard_of(server);
        self.settle(shard, now);
        self.note_attempt(server, cause, now);
        if !self.is_fork_admitted(server, now) {
            self.fork_refused(server, cause, schedule);
            return false;
        }
        let duration = self.draw_duration(server, cause, now);
        self.state.servers[server].snapshot.refused = 0;
        self.state.servers[server].ordinals[cause] += 1;
        self.outcome.forks[cause] += 1;
        let resident = self.state.resident(server, now);
        let population = self.state.data_of(server).population.clone();
        let extent = self.state.accepts_writes(shard).then(|| self.extent(now, duration));
        let precedents = self.precedents.as_ref().zip(extent.as_ref());
        let is_outdone = precedents.is_some_and(|(precedents, extent)| precedents.outdo(extent));
        if !is_outdone {
            // The fork of a save that is outdone holds the server as long as that of the earlier one.
            let pause = self.fork_pause(server, resident);
            self.outcome.fork_pause = self.outcome.fork_pause.max(pause);
            self.tell(now, server, Happening::Forked { cause, duration, pause });
        }
        self.state.servers[server].child = Some(Child {
            cause,
            forked_at: now,
            pace: Pace::new(now, duration),
            exposures: Vec::new(),
            resident,
            file_bytes: self.state.drawn.writing.file_bytes(&population),
            population,
            aof_buffer: extent.as_ref().map_or(0.0, |extent| extent.aof_buffer),
            left_over: self.left_over(server, now),
            writes_file: !self.writes_to_sockets(cause),
            copied_at_exit: None,
            peaks: None,
            is_outdone,
            extent,
        });
        schedule.schedule(now + duration, Event::ChildExit(server));
        self.look_ahead(server, now);
        self.schedule_forks(server, schedule);
        self.schedule_exhaustion(self.state.host_of(server), schedule);
        true
    }

    /// What a save that begins now will meet. While its child keeps the disk busy, two seconds of what is appended
    /// meanwhile wait for the append-only file.
    fn extent(&self, now: SimTime, duration: SimDuration) -> Extent {
        let load = self.state.load.span(now, now + duration);
        let seconds = duration.as_secs_f64();
        let is_appended = self.host().persistence.aof.is_some() && seconds > 0.0;
        let a_second = if is_appended { load.of(&self.state.load.appended) / seconds } else { 0.0 };
        Extent { load, aof_buffer: a_second * AOF_POSTPONED.as_secs_f64() }
    }

    /// What the buffer of a replica dropped just now has left resident \[bytes\].
    fn left_over(&self, server: usize, now: SimTime) -> f64 {
        let dropped = self.state.servers[server].dropped.filter(|(at, _)| now.since(*at) < DIRTY_DECAY);
        dropped.map_or(0.0, |(_, buffered)| {
            replication::LEFT_AFTER_DROP * buffered * self.state.simulation.buffer_cost()
        })
    }

    /// Notes that a child is asked for.
    fn note_attempt(&mut self, server: usize, cause: Cause, now: SimTime) {
        let shard = &self.state.shards[self.state.shard_of(server)];
        let asked = &mut self.state.servers[server];
        match cause {
            Cause::AofRewrite => {
                (asked.aof.fork_position, asked.aof.changes_at_fork) = (shard.stream, shard.changes);
                asked.aof.is_due = false;
            }
            Cause::Backup | Cause::SavePoint | Cause::FullSync | Cause::Growth => {
                asked.snapshot.changes_at_fork = shard.changes;
                asked.snapshot.tried_at = Some(now);
            }
        }
        if cause == Cause::Backup {
            asked.backup_waits = false;
        }
    }

    /// Whether a child forked for `cause` writes to sockets and not to a file.
    pub(super) fn writes_to_sockets(&self, cause: Cause) -> bool {
        let host = self.host();
        match cause {
            Cause::FullSync => host.replication.sync != SyncMethod::Disk,
            Cause::Backup => host.backup.is_some_and(|backup| backup.method == BackupMethod::Sync),
            Cause::SavePoint | Cause::AofRewrite | Cause::Growth => false,
        }
    }

    /// How long a fork of `resident` bytes holds the server.
    fn fork_pause(&self, server: usize, resident: f64) -> SimDuration {
        let machine = &self.host().machine;
        let huge = machine.huge_pages.map(|pages| (pages, self.state.servers[server].huge));
        huge::pause(resident, machine.page_size.0, huge, self.state.drawn.fork_pause)
    }

    /// Finds when the save of a server will cost most from `now` on: at its end, unless its child gives pages back.
    pub(super) fn look_ahead(&mut self, server: usize, now: SimTime) {
        let state = &self.state;
        let (host, gives_back) = (state.host_of(server), state.simulation.gives_back());
        if self.is_outdone(host) {
            return;
        }
        let Some(exit) = state.servers[server].child.as_ref().map(|child| child.pace.exits_at) else {
            return;
        };
        let (mut at_exit, mut peaks) = (None, None);
        if gives_back {
            let until = exit.min(self.horizon);
            let seen: Vec<_> = looks(now, until).map(|at| (at, state.demand(host, at))).collect();
            // The most pages and the most memory are mostly looked for at the same instants.
            let refined = RefCell::new(Vec::<(SimTime, Demand)>::new());
            let demand_at = |at: SimTime| {
                let known = refined.borrow().iter().rev().find(|known| known.0 == at).map(|known| known.1);
                known.unwrap_or_else(|| {
                    let demand = state.demand(host, at);
                    refined.borrow_mut().push((at, demand));
                    demand
                })
            };
            let peak_of = |part: fn(&Demand) -> Bytes| {
                let seen: Vec<_> = seen.iter().map(|(at, demand)| (*at, part(demand).as_f64())).collect();
                highest(&seen, |at| part(&demand_at(at)).as_f64())
            };
            peaks = Some(Peaks { cow: peak_of(|demand| demand.cow), demand: peak_of(Demand::unreclaimable) });
        } else {
            at_exit = Some(state.copied_bytes(server, exit));
        }
        if let Some(child) = &mut self.state.servers[server].child {
            (child.copied_at_exit, child.peaks) = (at_exit, peaks);
        }
    }

    /// The load on a shard is another from now on: what was foreseen of its servers no longer holds.
    pub(super) fn load_changed(&mut self, shard: usize, schedule: &mut Schedule<Event>) {
        for server in self.state.servers_of(shard) {
            if let Some(child) = &mut self.state.servers[server].child {
                (child.copied_at_exit, child.peaks) = (None, None);
                (child.extent, child.is_outdone) = (None, false);
            }
            self.look_ahead(server, schedule.now());
            self.schedule_forks(server, schedule);
            self.schedule_exhaustion(self.state.host_of(server), schedule);
        }
    }

    /// How long a child forked now will live.
    fn draw_duration(&mut self, server: usize, cause: Cause, now: SimTime) -> SimDuration {
        let save = Save::of(cause, server, self.state.servers[server].ordinals[cause]);
        let (z, slowed) = save.numbers(self.stream, self.state.drawn.bad_save);
        let pace = &self.host().save;
        let disk = &mut self.disks[self.state.host_of(server)];
        let factor = if disk.is_slow(pace, now, slowed) { pace.slow_factor } else { 1.0 };
        let (data, writing) = (self.state.data_of(server), &self.state.drawn.writing);
        let (medium, sending) = if self.writes_to_sockets(cause) {
            (Medium::Sockets, self.sending_seconds(server))
        } else {
            (Medium::Disk, 0.0)
        };
        let seconds = writing.seconds(data.bytes, &data.population, medium) * (pace.sigma * z).exp() * factor;
        SimDuration::from_secs_f64(seconds.max(sending))
    }

    /// The child has written everything.
    pub(super) fn child_exits(&mut self, server: usize, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        let (shard, host) = (self.state.shard_of(server), self.state.host_of(server));
        let copied = if O::IS_WATCHING { self.state.most_copied(server, now) } else { Bytes::ZERO };
        self.state.split_huge_pages(server, now);
        let Some(mut child) = self.state.servers[server].child.take() else { return };
        self.settle(shard, now);
        if !child.is_outdone {
            self.set_precedent(child.extent.take());
        }
        self.outcome.saves += 1;
        self.end_row_of_kills(server);
        let duration = now.since(child.forked_at);
        self.tell(now, server, Happening::Saved { cause: child.cause, duration, copied });
        match child.cause {
            Cause::AofRewrite => self.rewrite_succeeded(server, &child),
            _ if !child.writes_file => {}
            _ => self.save_succeeded(server, &child, schedule),
        }
        if child.cause == Cause::FullSync {
            self.snapshot_sent(server, schedule);
        }
        if child.cause == Cause::Backup {
            self.backup_ended(server, schedule);
        }
        self.relieved(host, schedule);
        self.schedule_forks(server, schedule);
        self.schedule_exhaustion(host, schedule);
    }

    /// What was appended since the fork belongs to the file's size after the rewrite.
    fn rewrite_succeeded(&mut self, server: usize, child: &Child) {
        let stream = self.state.shards[self.state.shard_of(server)].stream;
        let ratio = self.state.drawn.fragmentation_ratio;
        let aof = &mut self.state.servers[server].aof;
        aof.base_bytes = child.file_bytes + stream - aof.fork_position;
        aof.from = stream;
        (aof.preamble_data, aof.changes) = (child.resident / ratio, aof.changes_at_fork);
        aof.consecutive_failures = 0;
    }

    pub(super) fn save_succeeded(&mut self, server: usize, child: &Child, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        let refused = self.state.refuses_writes(server);
        let keeps_cache = self.host().server.layout.rdb_cache == RdbCache::Kept;
        let ratio = self.state.drawn.fragmentation_ratio;
        let snapshot = &mut self.state.servers[server].snapshot;
        snapshot.saved_at = now;
        snapshot.changes = snapshot.changes_at_fork;
        snapshot.is_last_ok = true;
        snapshot.data_bytes = child.resident / ratio;
        snapshot.cached_bytes = if keeps_cache { child.file_bytes } else { 0.0 };
        if refused {
            self.tell(now, server, Happening::WritesAccepted);
            self.load_changed(self.state.shard_of(server), schedule);
        }
    }

    /// A child did not finish what it was forked for, or was not forked at all.
    pub(super) fn save_failed(&mut self, server: usize, cause: Cause, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        self.outcome.save_failures += 1;
        self.tell(now, server, Happening::SaveFailed { cause });
        if cause == Cause::AofRewrite {
            let aof = &mut self.state.servers[server].aof;
            aof.consecutive_failures += 1;
            if let Some(beyond) = aof.consecutive_failures.checked_sub(REWRITE_FAILURES_TOLERATED) {
                let minutes = (1u64 << beyond.min(6)).min(REWRITE_PAUSE_MAX);
                aof.not_before = now + SimDuration(minutes * SimDuration::MINUTE.0);
            }
        } else if !self.writes_to_sockets(cause) {
            self.snapshot_failed(server, schedule);
        }
        if cause == Cause::FullSync {
            self.syncs_failed(server, schedule);
        }
        if cause == Cause::Backup {
            self.backup_ended(server, schedule);
        }
    }

    /// A save to a file failed: writes are refused from now on, and a replica aborts at the next one it is sent.
    fn snapshot_failed(&mut self, server: usize, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        let refused = self.state.refuses_writes(server);
        self.state.servers[server].snapshot.is_last_ok = false;
        if refused || !self.state.refuses_writes(server) {
            return;
        }
        if self.state.servers[server].link.is_none() {
            self.tell(now, server, Happening::WritesRefused);
            self.load_changed(self.state.shard_of(server), schedule);
        } else if !self.host().persistence.replica_ignore_disk_write_errors
            && self.state.servers[server].phase == Phase::Serving
        {
            self.outcome.replica_panics += 1;
            self.tell(now, server, Happening::ReplicaPanicked);
            self.server_dies(server, schedule);
        }
    }
}
