//! What happens after a server was killed: its child notices and exits, the supervisor starts it anew, it loads its
//! data, or cannot.
//!
//! The reload waits until the orphaned child is gone. What comes back is the data at the kill with
//! `appendonly yes`, else the last snapshot; a server that keeps neither is taken as refilled to its size by its
//! clients in the time of a reload. A killed process loses no write that it has handed to the kernel, so with an
//! append-only file nothing is lost; with snapshots what came since the last one; with neither all there was.

use rand::RngExt;

use crate::engine::Schedule;
use crate::model::Event;
use crate::model::huge::HugeShare;
use crate::model::life::{Life, occasion};
use crate::model::observer::{Happening, Observer};
use crate::model::server::{Link, Phase, Request};
use crate::rng::Purpose;
use crate::units::{Bytes, SimDuration, SimTime};

/// How long a child outlives its server \[s\]: it reports about once a second, and exits when nobody reads.
/// Source: `childinfo.c`, Redis from 6.2 and Valkey; measured on Valkey 8.0.1: 0.1 to 1.1 s.
const ORPHAN_LIFETIME: (f64, f64) = (0.1, 1.1);

impl<O: Observer> Life<'_, O> {
    pub(super) fn schedule_orphan_exit(&mut self, server: usize, schedule: &mut Schedule<Event>) {
        let (shortest, longest) = ORPHAN_LIFETIME;
        let occasion = occasion(server, self.state.servers[server].kills);
        let u: f64 = self.stream.at(Purpose::OrphanLifetime, occasion).random();
        let lifetime = SimDuration::from_secs_f64(shortest + u * (longest - shortest));
        schedule.schedule(schedule.now() + lifetime, Event::OrphanExit(server));
    }

    /// Schedules the next start of the server, so long after its death: by its supervisor, or by the operator for whom
    /// it waits.
    pub(super) fn schedule_restart(&mut self, server: usize, schedule: &mut Schedule<Event>) {
        let settings = &self.host().server;
        let state = &mut self.state.servers[server];
        let died = state.died_at.unwrap_or(schedule.now());
        let supervisor = &mut state.supervisor;
        let starter = state.starter.get_or_insert_with(|| supervisor.restart(settings, died));
        let start = (died + starter.delay()).max(schedule.now());
        schedule.schedule(start, Event::ServerStart(server));
    }

    /// The orphaned child exits and frees the snapshot it held.
    pub(super) fn orphan_exits(&mut self, server: usize, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        let freed = Bytes::from_f64(self.state.resident(server, now));
        self.state.servers[server].phase = Phase::Dead;
        self.tell(now, server, Happening::OrphanExited { freed });
        self.schedule_restart(server, schedule);
        self.schedule_exhaustion(self.state.host_of(server), schedule);
    }

    /// The server starts to load what was kept.
    pub(super) fn server_starts(&mut self, server: usize, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        let Some(by) = self.state.servers[server].starter.take() else { return };
        let kept = self.kept(server);
        self.state.servers[server].supervisor.started(by, now);
        self.state.servers[server].loaded_at = None;
        self.state.servers[server].huge = HugeShare::LOADED;
        let duration = SimDuration::from_secs_f64(self.reload_seconds(server, &kept));
        self.state.servers[server].phase =
            Phase::Loading { from: now, until: now + duration, bytes: kept.bytes };
        self.tell(now, server, Happening::Starting { by, duration, lost: kept.lost });
        schedule.schedule(now + duration, Event::Loaded(server));
        self.schedule_exhaustion(self.state.host_of(server), schedule);
    }

    /// How long a server that starts loads what it finds \[s\]: the snapshot that its append-only file begins with, or
    /// the last one, and the commands appended since.
    fn reload_seconds(&self, server: usize, kept: &Kept) -> f64 {
        let (drawn, aof) = (self.state.drawn, &self.state.servers[server].aof);
        if self.host().persistence.aof.is_none() {
            return kept.bytes / drawn.load_throughput;
        }
        let commands = self.state.shards[self.state.shard_of(server)].changes - aof.changes;
        aof.preamble_data / drawn.load_throughput + commands.max(0.0) / drawn.aof_replay_rate
    }

    /// What a server that was killed finds in its files, and what is lost if nobody else has it.
    fn kept(&self, server: usize) -> Kept {
        let shard = &self.state.shards[self.state.shard_of(server)];
        let (snapshot, persistence) = (&self.state.servers[server].snapshot, &self.host().persistence);
        let is_elsewhere = self.state.servers[server].link.is_some() || shard.promotion_at.is_some();
        let of = |lost: f64| if is_elsewhere { 0.0 } else { lost };
        if persistence.aof.is_some() {
            return Kept { bytes: shard.data.bytes, lost: 0.0 };
        }
        if !persistence.save_points.is_empty() || self.host().backup.is_some() {
            return Kept { bytes: snapshot.data_bytes, lost: of(shard.changes - snapshot.changes) };
        }
        Kept { bytes: shard.data.bytes, lost: of(shard.data.population.keys.iter().sum()) }
    }

    /// The server serves again, with its save points and its append-only file as after a start; a replica follows.
    pub(super) fn loaded(&mut self, server: usize, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        let shard = self.state.shard_of(server);
        self.settle(shard, now);
        let kept = self.kept(server);
        self.state.servers[server].phase = Phase::Serving;
        self.state.servers[server].loaded_at = Some(now);
        let died = self.state.servers[server].died_at.take().unwrap_or(now);
        self.begin_files_anew(server, now);
        if let Some(link) = self.state.servers[server].link {
            self.tell(now, server, Happening::Loaded { downtime: now.since(died) });
            let asked = if let Link::Waiting(request) = link { request.asked } else { now };
            let request = Request { asked, ready: now, holds: kept.bytes };
            self.state.servers[server].link = Some(Link::Waiting(request));
            return self.want_full_sync(server, None, schedule);
        }
        self.outcome.lost_writes += kept.lost.max(0.0);
        self.return_to(shard, kept.bytes);
        let downtime = self.serves_again(shard, now);
        self.tell(now, server, Happening::Loaded { downtime });
        self.primary_is_back(shard, schedule);
    }

    /// Scales the data of a shard to what its primary has loaded.
    fn return_to(&mut self, shard: usize, bytes: f64) {
        let data = &mut self.state.shards[shard].data;
        let ratio = bytes / data.bytes.max(1.0);
        for keys in &mut data.population.keys {
            *keys *= ratio;
        }
        data.bytes = bytes;
        self.forget_precedents();
    }

    /// Snapshots and the append-only file of a server that has just got its data.
    pub(super) fn begin_files_anew(&mut self, server: usize, now: SimTime) {
        let shard = &self.state.shards[self.state.shard_of(server)];
        let (stream, changes, data) = (shard.stream, shard.changes, shard.data.bytes);
        let follows = self.state.servers[server].link == Some(Link::Online);
        let state = &mut self.state.servers[server];
        (state.snapshot.saved_at, state.snapshot.tried_at) = (now, None);
        (state.snapshot.changes, state.snapshot.is_last_ok) = (changes, true);
        (state.aof.consecutive_failures, state.aof.not_before) = (0, now);
        if follows {
            // After a full sync the file is begun anew, by a rewrite. Source: `replication.c`, `restartAOFAfterSYNC`.
            (state.aof.is_due, state.huge) = (true, HugeShare::LOADED);
            (state.aof.base_bytes, state.aof.from) = (0.0, stream);
            (state.aof.preamble_data, state.aof.changes) = (data, changes);
        }
    }

    /// A replica is gone: what it was sent is for nothing.
    pub(super) fn replica_died(&mut self, replica: usize, schedule: &mut Schedule<Event>) {
        if self.state.servers[replica].link.as_ref().and_then(Link::sync).is_some() {
            self.cut_sync(replica, crate::model::observer::Dropped::LinkLost, schedule);
        }
        let now = schedule.now();
        let request = Request { asked: now, ready: now, holds: 0.0 };
        self.state.servers[replica].link = Some(Link::Waiting(request));
    }
}

/// What a server finds in its files.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Kept {
    /// Data, in `used_memory` \[bytes\].
    bytes: f64,
    /// Writes acknowledged and not among them.
    lost: f64,
}
