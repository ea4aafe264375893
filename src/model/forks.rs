//! Who forks, when, and how a child ends well.
//!
//! One child at a time: what is due while one lives waits for it. After an exit the server looks in the order of
//! its cron: `save` points, then the append-only file, then a waiting backup.

use rand::RngExt;
use rand_distr::StandardNormal;

use crate::engine::Schedule;
use crate::memory::layout::RdbCache;
use crate::model::Event;
use crate::model::host::Backup;
use crate::model::huge;
use crate::model::ledger::Demand;
use crate::model::life::Life;
use crate::model::load::first_instant;
use crate::model::observer::{Happening, Observer};
use crate::model::outcome::Cause;
use crate::model::peak::{first_crossing, highest, looks};
use crate::model::state::{Child, Peaks, Phase};
use crate::rng::Purpose;
use crate::units::{Bytes, SimDuration, SimTime};

/// How often the server's cron looks: `hz 10`, the default.
const CRON_PERIOD: SimDuration = SimDuration::from_millis(100);

/// A failed save is tried again this long after it was *started*: `CONFIG_BGSAVE_RETRY_DELAY` is 5 s, exceeded by whole
/// seconds. Source: `server.c`, Redis 7.0 and Valkey 8.0; measured: retried 102 ms after the kill of a long save.
const SAVE_RETRY_DELAY: SimDuration = SimDuration::from_secs(6);

/// Consecutive failures from which automatic rewrites back off. Source: `aof.c`, `AOF_REWRITE_LIMITE_THRESHOLD`.
const REWRITE_FAILURES_TOLERATED: u32 = 3;

/// The longest pause of a rewrite that backs off \[minutes\]. Source: `aof.c`, `AOF_REWRITE_LIMITE_MAX_MINUTES`.
const REWRITE_PAUSE_MAX: u64 = 60;

impl<O: Observer> Life<'_, O> {
    /// Schedules the next backup.
    pub(super) fn schedule_backup(&mut self, schedule: &mut Schedule<Event>) {
        let Some(Backup { at, jitter, every }) = self.host().backup else { return };
        let late: f64 = self.stream.at(Purpose::BackupStart, self.backups_due).random();
        let due = SimTime::ZERO + at + SimDuration(every.0.saturating_mul(self.backups_due));
        self.backups_due += 1;
        let due = due + SimDuration::from_secs_f64(late * jitter.as_secs_f64());
        schedule.schedule(due.max(schedule.now()), Event::BackupDue);
    }

    /// Schedules what the state leads to next: the forks that come due, and the moment memory runs out.
    pub(super) fn schedule_next(&mut self, schedule: &mut Schedule<Event>) {
        for event in [Event::SavePointDue, Event::RewriteDue, Event::BackupRetry, Event::MemoryExhausted] {
            schedule.clear(event);
        }
        let now = schedule.now();
        if self.state.phase == Phase::Serving && self.state.child.is_none() {
            let forks = [
                (self.save_point_due(now), Event::SavePointDue),
                (self.rewrite_due(now), Event::RewriteDue),
                (self.backup_waits.then_some(now), Event::BackupRetry),
            ];
            for (due, event) in forks {
                if let Some(due) = due {
                    schedule.schedule(due.max(now + CRON_PERIOD), event);
                }
            }
        }
        if let Some(exhausted) = self.exhaustion(now) {
            schedule.schedule(exhausted, Event::MemoryExhausted);
        }
    }

    /// When memory runs out if nothing else happens: until the child exits, the data is loaded, or the horizon.
    fn exhaustion(&self, now: SimTime) -> Option<SimTime> {
        let until = match (self.state.phase, &self.state.child) {
            (Phase::Loading { until, .. }, _) => until,
            (Phase::Serving, Some(child)) => child.exits_at,
            (Phase::Serving, None) if self.grows => self.horizon,
            (Phase::Serving, None) => now,
            _ => return None,
        };
        let until = until.min(self.horizon);
        let is_exhausted = |at| self.state.is_exhausted(at);
        match self.state.child.as_ref().and_then(|child| child.peaks) {
            Some(peaks) => first_crossing(now, until, peaks.demand, is_exhausted),
            None => first_instant(now, until, is_exhausted),
        }
    }

    /// When the first of the `save` points is due.
    fn save_point_due(&self, now: SimTime) -> Option<SimTime> {
        let snapshot = &self.state.snapshot;
        let not_before = match snapshot.tried_at {
            Some(tried) if !snapshot.is_last_ok => tried + SAVE_RETRY_DELAY,
            _ => now,
        };
        let mut first: Option<SimTime> = None;
        for point in &self.host().persistence.save_points {
            // The server compares whole seconds, strictly.
            let elapsed = snapshot.saved_at + SimDuration::from_secs(point.seconds.saturating_add(1));
            let earliest = elapsed.max(not_before);
            let until = first.unwrap_or(self.horizon);
            if earliest < until {
                let missing = point.changes as f64 - snapshot.changes;
                first = self.changed(now, missing, earliest, until).or(first);
            }
        }
        first
    }

    /// When `missing` more changes have come, but not before `earliest`; `None` if not by `until`.
    fn changed(&self, now: SimTime, missing: f64, earliest: SimTime, until: SimTime) -> Option<SimTime> {
        if missing <= 0.0 {
            return Some(earliest);
        }
        if !self.state.accepts_writes() {
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
    fn rewrite_due(&self, now: SimTime) -> Option<SimTime> {
        let trigger = self.host().persistence.aof.filter(|trigger| trigger.percentage > 0.0)?;
        let (aof, load) = (&self.state.aof, &self.state.load);
        let grown = aof.base_bytes * (1.0 + trigger.percentage / 100.0);
        let missing = grown.max(trigger.min_size.as_f64()) - aof.bytes;
        let due = if self.state.accepts_writes() {
            load.time_when(&load.appended, now, missing, self.horizon)
        } else {
            (missing <= 0.0).then_some(now)
        };
        due.map(|due| due.max(aof.not_before))
    }

    /// A backup is due: it forks, or waits for the child that is alive, or is missed where the server is down.
    pub(super) fn backup_due(&mut self, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        self.schedule_backup(schedule);
        if self.state.phase != Phase::Serving {
            self.outcome.save_failures += 1;
            self.tell(now, Happening::BackupMissed);
        } else if self.state.child.is_some() {
            self.backup_waits = true;
            self.tell(now, Happening::BackupWaits);
        } else {
            self.fork(Cause::Backup, schedule);
        }
    }

    /// Forks a child.
    pub(super) fn fork(&mut self, cause: Cause, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        self.settle(now);
        let duration = self.draw_duration(cause);
        self.outcome.forks[cause] += 1;
        self.ordinals[cause] += 1;
        match cause {
            Cause::AofRewrite => self.state.aof.bytes_at_fork = self.state.aof.bytes,
            Cause::Backup | Cause::SavePoint | Cause::Growth => {
                self.state.snapshot.changes_at_fork = self.state.snapshot.changes;
                self.state.snapshot.tried_at = Some(now);
            }
        }
        if cause == Cause::Backup {
            self.backup_waits = false;
        }
        let resident = self.state.data.bytes * self.state.drawn.fragmentation_ratio;
        let pause = self.fork_pause(resident);
        self.outcome.fork_pause = self.outcome.fork_pause.max(pause);
        self.tell(now, Happening::Forked { cause, duration, pause });
        self.state.child = Some(Child {
            cause,
            forked_at: now,
            exits_at: now + duration,
            resident,
            file_bytes: self.state.simulation.file_bytes(&self.state.data.population),
            copied_at_exit: None,
            peaks: None,
        });
        self.look_ahead(now, now + duration);
        schedule.schedule(now + duration, Event::ChildExit);
        self.schedule_next(schedule);
    }

    /// How long a fork of `resident` bytes holds the server.
    fn fork_pause(&self, resident: f64) -> SimDuration {
        let machine = &self.host().machine;
        let huge = machine.huge_pages.map(|pages| (pages, self.state.huge));
        huge::pause(resident, machine.page_size.0, huge, self.state.drawn.fork_pause)
    }

    /// Finds when the save that begins `now` will cost most: at its end, unless its child gives pages back.
    fn look_ahead(&mut self, now: SimTime, exit: SimTime) {
        let state = &self.state;
        let (mut at_exit, mut peaks) = (None, None);
        if state.simulation.gives_back() {
            let seen: Vec<_> = looks(now, exit.min(self.horizon)).map(|at| (at, state.demand(at))).collect();
            let peak_of = |part: fn(&Demand) -> Bytes| {
                let seen: Vec<_> = seen.iter().map(|(at, demand)| (*at, part(demand).as_f64())).collect();
                highest(&seen, |at| part(&state.demand(at)).as_f64())
            };
            peaks = Some(Peaks { cow: peak_of(|demand| demand.cow), demand: peak_of(Demand::unreclaimable) });
        } else {
            at_exit = Some(state.copied_bytes(exit));
        }
        if let Some(child) = &mut self.state.child {
            (child.copied_at_exit, child.peaks) = (at_exit, peaks);
        }
    }

    /// How long a child forked now will live.
    fn draw_duration(&self, cause: Cause) -> SimDuration {
        let purpose = match cause {
            Cause::Backup | Cause::Growth => Purpose::BackupDuration,
            Cause::SavePoint => Purpose::SavePointDuration,
            Cause::AofRewrite => Purpose::AofRewriteDuration,
        };
        let mut generator = self.stream.at(purpose, u64::from(self.ordinals[cause]));
        let pace = &self.host().save;
        let z: f64 = generator.sample(StandardNormal);
        let slowed: f64 = generator.random();
        let factor = if slowed < pace.slow_probability { pace.slow_factor } else { 1.0 };
        let seconds = self.state.data.bytes / self.state.drawn.save_throughput;
        SimDuration::from_secs_f64(seconds * (pace.sigma * z).exp() * factor)
    }

    /// The child has written everything; so many bytes are copied for it at its end.
    pub(super) fn child_exits(&mut self, copied: Bytes, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        let peaks = self.state.child.as_ref().and_then(|child| child.peaks);
        let copied = peaks.map_or(copied, |peaks| self.state.ledger(peaks.cow).cow.max(copied));
        self.state.split_huge_pages(now);
        self.settle(now);
        let Some(child) = self.state.child.take() else { return };
        self.outcome.saves += 1;
        match child.cause {
            Cause::AofRewrite => self.rewrite_succeeded(&child),
            Cause::Backup | Cause::SavePoint | Cause::Growth => self.save_succeeded(now, &child),
        }
        let duration = now.since(child.forked_at);
        self.tell(now, Happening::Saved { cause: child.cause, duration, copied });
        self.schedule_next(schedule);
    }

    fn rewrite_succeeded(&mut self, child: &Child) {
        let aof = &mut self.state.aof;
        let appended_since_fork = aof.bytes - aof.bytes_at_fork;
        aof.bytes = child.file_bytes + appended_since_fork;
        aof.base_bytes = aof.bytes;
        aof.consecutive_failures = 0;
    }

    fn save_succeeded(&mut self, now: SimTime, child: &Child) {
        let refused = self.state.refuses_writes();
        let keeps_cache = self.host().server.layout.rdb_cache == RdbCache::Kept;
        let snapshot = &mut self.state.snapshot;
        snapshot.saved_at = now;
        snapshot.changes -= snapshot.changes_at_fork;
        snapshot.is_last_ok = true;
        snapshot.data_bytes = child.resident / self.state.drawn.fragmentation_ratio;
        snapshot.cached_bytes = if keeps_cache { child.file_bytes } else { 0.0 };
        if refused {
            self.tell(now, Happening::WritesAccepted);
        }
    }

    /// A child did not finish what it was forked for.
    pub(super) fn save_failed(&mut self, now: SimTime, cause: Cause) {
        self.outcome.save_failures += 1;
        self.tell(now, Happening::SaveFailed { cause });
        match cause {
            Cause::AofRewrite => {
                let aof = &mut self.state.aof;
                aof.consecutive_failures += 1;
                if let Some(beyond) = aof.consecutive_failures.checked_sub(REWRITE_FAILURES_TOLERATED) {
                    let minutes = (1u64 << beyond.min(6)).min(REWRITE_PAUSE_MAX);
                    aof.not_before = now + SimDuration(minutes * SimDuration::MINUTE.0);
                }
            }
            Cause::Backup | Cause::SavePoint | Cause::Growth => {
                let refused = self.state.refuses_writes();
                self.state.snapshot.is_last_ok = false;
                if self.state.refuses_writes() && !refused {
                    self.tell(now, Happening::WritesRefused);
                }
            }
        }
    }
}
