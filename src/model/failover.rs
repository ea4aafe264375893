//! The death of a primary and what its replicas make of it: one is promoted after the failure is detected and agreed
//! on, or they wait for it to come back and sync anew.
//!
//! A promoted replica has the history of its primary, so the others follow it without a full sync; a primary that was
//! killed and starts again has a new one. Source: `replication.c`, PSYNC2, Redis 7.0 and Valkey 8.0. Writes that had
//! not reached the replica, milliseconds of them, are left out.

use crate::engine::Schedule;
use crate::model::Event;
use crate::model::life::Life;
use crate::model::observer::{Dropped, Happening, Observer};
use crate::model::server::{Link, Phase, Request};
use crate::units::{SimDuration, SimTime};

impl<O: Observer> Life<'_, O> {
    /// The primary of a shard is gone.
    pub(super) fn primary_died(&mut self, shard: usize, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        self.state.shards[shard].down_since.get_or_insert(now);
        for replica in self.state.servers_of(shard) {
            if self.state.servers[replica].link.as_ref().and_then(Link::sync).is_some() {
                self.cut_sync(replica, Dropped::SourceDied, schedule);
            }
        }
        let failover = self.host().replication.failover;
        if let Some(delay) = failover.filter(|_| self.state.successor(shard).is_some()) {
            self.state.shards[shard].promotion_at = Some(now + delay);
            schedule.schedule(now + delay, Event::Promote(shard));
        }
        self.load_changed(shard, schedule);
    }

    /// A replica takes the place of the dead primary, which will come back as its replica.
    pub(super) fn promote(&mut self, shard: usize, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        self.settle(shard, now);
        self.state.shards[shard].promotion_at = None;
        let Some(successor) = self.state.successor(shard) else { return };
        let deposed = std::mem::replace(&mut self.state.shards[shard].primary, successor);
        self.state.servers[successor].link = None;
        let request = Request { asked: now, ready: now, holds: 0.0 };
        self.state.servers[deposed].link = Some(Link::Waiting(request));
        self.state.servers[deposed].backup_waits = false;
        self.outcome.failovers += 1;
        let after = self.serves_again(shard, now);
        self.tell(now, successor, Happening::Promoted { after });
        self.load_changed(shard, schedule);
    }

    /// Closes the outage of a shard; returns how long it was.
    pub(super) fn serves_again(&mut self, shard: usize, now: SimTime) -> SimDuration {
        let shard = &mut self.state.shards[shard];
        let downtime = now.since(shard.down_since.take().unwrap_or(now));
        shard.served_since = now;
        self.outcome.downtime += downtime;
        downtime
    }

    /// The primary of a shard serves again after its own restart: its history is new, so every replica syncs anew.
    pub(super) fn primary_is_back(&mut self, shard: usize, schedule: &mut Schedule<Event>) {
        schedule.clear(Event::Promote(shard));
        self.state.shards[shard].promotion_at = None;
        for replica in self.state.servers_of(shard) {
            let is_up = self.state.servers[replica].phase == Phase::Serving;
            if is_up && self.state.servers[replica].link.is_some() {
                self.want_full_sync(replica, None, schedule);
            }
        }
        self.load_changed(shard, schedule);
    }
}
