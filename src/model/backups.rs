//! The scheduled backup: when it is due, who makes it, and how it ends.

use rand::RngExt;

use crate::engine::Schedule;
use crate::model::Event;
use crate::model::host::{Backup, BackupMethod, BackupSource, Stagger};
use crate::model::life::Life;
use crate::model::observer::{Dropped, Happening, Observer};
use crate::model::outcome::Cause;
use crate::model::server::{Phase, RunningBackup};
use crate::model::writing::Medium;
use crate::rng::Purpose;
use crate::units::{Bytes, SimDuration, SimTime};

impl<O: Observer> Life<'_, O> {
    /// Schedules the next backup of a shard; in a series one after the other only the first has a time.
    pub(super) fn schedule_backup(&mut self, shard: usize, schedule: &mut Schedule<Event>) {
        let Some(Backup { at, jitter, every, .. }) = self.host().backup else { return };
        let stagger = match self.host().tenancy.backups {
            Stagger::Simultaneous => SimDuration::ZERO,
            Stagger::Staggered => SimDuration(every.0 / self.state.shards.len() as u64 * shard as u64),
            Stagger::Serialised if shard == 0 => SimDuration::ZERO,
            Stagger::Serialised => return,
        };
        let ordinal = &mut self.backups_due[shard];
        let late: f64 = self.stream.at(Purpose::BackupStart, *ordinal).random();
        let due = SimTime::ZERO + at + stagger + SimDuration(every.0.saturating_mul(*ordinal));
        *ordinal += 1;
        let due = due + SimDuration::from_secs_f64(late * jitter.as_secs_f64());
        schedule.schedule(due.max(schedule.now()), Event::BackupDue(shard));
    }

    /// A backup is due: it begins, or waits for the child that is alive, or is missed where nobody can make it.
    pub(super) fn backup_due(&mut self, shard: usize, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        self.schedule_backup(shard, schedule);
        let primary = self.state.shards[shard].primary;
        let source = match self.host().backup.map(|backup| backup.source) {
            Some(BackupSource::Replica) => self.state.successor(shard),
            _ => Some(primary).filter(|&server| self.state.servers[server].phase == Phase::Serving),
        };
        let Some(server) = source else {
            self.outcome.save_failures += 1;
            self.tell(now, primary, Happening::BackupMissed);
            return self.next_backup_of_series(shard, schedule);
        };
        if self.state.servers[server].child.is_some() {
            self.state.servers[server].backup_waits = true;
            self.tell(now, server, Happening::BackupWaits);
        } else {
            self.back_up(server, schedule);
        }
    }

    /// Begins a backup.
    pub(super) fn back_up(&mut self, server: usize, schedule: &mut Schedule<Event>) {
        let Some(backup) = self.host().backup else { return };
        match backup.method {
            BackupMethod::Bgsave => {
                self.fork(server, Cause::Backup, schedule);
            }
            BackupMethod::Sync => {
                if self.fork(server, Cause::Backup, schedule) {
                    let position = self.state.shards[self.state.shard_of(server)].stream;
                    self.state.servers[server].backup = Some(RunningBackup::Sync { position });
                    self.schedule_backup_limit(server, schedule);
                    self.schedule_exhaustion(self.state.host_of(server), schedule);
                }
            }
            BackupMethod::Forkless => self.save_without_fork(server, schedule),
        }
    }

    /// Valkey's forkless save: a walk through the keys in the main thread, of which only a bounded queue takes memory.
    fn save_without_fork(&mut self, server: usize, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        let data = self.state.data_of(server);
        let seconds = self.state.drawn.writing.seconds(data.bytes, &data.population, Medium::Disk);
        let duration = SimDuration::from_secs_f64(seconds);
        self.state.servers[server].backup_waits = false;
        self.state.servers[server].backup = Some(RunningBackup::Forkless);
        self.tell(now, server, Happening::ForklessBegan { duration });
        schedule.schedule(now + duration, Event::ForklessDone(server));
        self.schedule_exhaustion(self.state.host_of(server), schedule);
    }

    /// A save without a fork is done.
    pub(super) fn forkless_done(&mut self, server: usize, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        self.outcome.saves += 1;
        self.end_row_of_kills(server);
        self.tell(now, server, Happening::ForklessEnded);
        self.state.servers[server].snapshot.saved_at = now;
        self.backup_ended(server, schedule);
    }

    /// A backup has ended, well or not.
    pub(super) fn backup_ended(&mut self, server: usize, schedule: &mut Schedule<Event>) {
        self.state.servers[server].backup = None;
        schedule.clear(Event::BackupLimit(server));
        self.next_backup_of_series(self.state.shard_of(server), schedule);
    }

    /// Where backups come one after the other, the end of one is the beginning of the next.
    fn next_backup_of_series(&mut self, shard: usize, schedule: &mut Schedule<Event>) {
        let is_series = self.host().tenancy.backups == Stagger::Serialised;
        if is_series && shard + 1 < self.state.shards.len() {
            schedule.schedule(schedule.now(), Event::BackupDue(shard + 1));
        }
    }

    /// Schedules the moment at which more waits for a backup that poses as a replica than is allowed.
    fn schedule_backup_limit(&mut self, server: usize, schedule: &mut Schedule<Event>) {
        let Some(child) = &self.state.servers[server].child else { return };
        if let Some(at) = self.limit_reached(server, schedule.now(), 0.0, child.pace.exits_at) {
            schedule.schedule(at, Event::BackupLimit(server));
        }
    }

    /// More waits for a backup than is allowed: it is dropped, and its child ends.
    pub(super) fn backup_limit_reached(&mut self, server: usize, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        let shard = self.state.shard_of(server);
        let Some(RunningBackup::Sync { position }) = self.state.servers[server].backup else { return };
        let buffered = self.state.position(shard, now) - position;
        let limit = self.host().replication.hard_limit();
        let reason = if buffered >= limit { Dropped::HardLimit } else { Dropped::SoftLimit };
        self.settle(shard, now);
        self.tell(now, server, Happening::BackupDropped { buffered: Bytes::from_f64(buffered), reason });
        self.end_child(server, schedule);
        self.save_failed(server, Cause::Backup, schedule);
        self.schedule_forks(server, schedule);
        self.schedule_exhaustion(self.state.host_of(server), schedule);
    }
}
