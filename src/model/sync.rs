//! Full syncs: replicas wait for a fork of their primary, get its snapshot and load it, while the stream that they miss
//! waits for them; or are dropped over it, and begin anew.
//!
//! A diskless sync waits for further replicas before it forks; a replica that comes later joins a child that writes a
//! file for others, and waits for the next one otherwise. Source: `replication.c`, Redis 7.0 and Valkey 8.0.

use crate::engine::Schedule;
use crate::model::Event;
use crate::model::host::{ReplicaLoad, SyncMethod};
use crate::model::life::{Life, next_hour};
use crate::model::observer::{Dropped, Happening, Observer};
use crate::model::outcome::Cause;
use crate::model::server::{FullSync, Link, Phase, Request};
use crate::units::{Bytes, SimDuration, SimTime};

/// A replica that was dropped asks again this soon: its cron connects once a second.
/// Source: `replication.c`, `replicationCron`, Redis 7.0 and Valkey 8.0.
const RECONNECT: SimDuration = SimDuration::SECOND;

/// Full syncs cut short in a row that make a loop, and an incident.
const LOOP: u32 = 3;

/// Full syncs cut short in a row after which the replica asks once an hour. A real one goes on every few seconds; what
/// that costs is known by then, and only another load can end it. An assumption of this project.
const KNOWN_LOOP: u32 = 30;

impl<O: Observer> Life<'_, O> {
    /// A replica asks for a full sync; it missed `gap` bytes, or has nothing to go on from.
    pub(super) fn want_full_sync(
        &mut self,
        replica: usize,
        gap: Option<f64>,
        schedule: &mut Schedule<Event>,
    ) {
        let now = schedule.now();
        let link = self.state.servers[replica].link;
        let holds = match link {
            Some(Link::Waiting(request)) => request.holds,
            Some(Link::Receiving(sync)) => sync.request.holds,
            Some(Link::Loading { .. }) => 0.0,
            _ => self.state.data_of(replica).bytes,
        };
        self.wait_for_sync(replica, Request { asked: now, ready: now, holds }, schedule);
        self.tell(now, replica, Happening::FullSyncWanted { gap: gap.map(Bytes::from_f64) });
        if !self.join_sync_under_way(replica, schedule) {
            self.schedule_forks(self.state.shards[self.state.shard_of(replica)].primary, schedule);
        }
    }

    fn wait_for_sync(&mut self, replica: usize, request: Request, schedule: &mut Schedule<Event>) {
        for event in [Event::BufferLimit(replica), Event::ReplicaLoaded(replica), Event::LinkFound(replica)] {
            schedule.clear(event);
        }
        self.state.servers[replica].link = Some(Link::Waiting(request));
        self.schedule_forks(replica, schedule);
    }

    /// Joins a child that writes a file for other replicas.
    fn join_sync_under_way(&mut self, replica: usize, schedule: &mut Schedule<Event>) -> bool {
        let Some(Link::Waiting(request)) = self.state.servers[replica].link else { return false };
        if self.host().replication.sync != SyncMethod::Disk || !self.is_ready(replica) {
            return false;
        }
        let shard = self.state.shard_of(replica);
        let under_way = self.receivers(shard).find_map(|other| match self.state.servers[other].link {
            Some(Link::Receiving(sync)) => Some(sync),
            _ => None,
        });
        let Some(sync) = under_way else { return false };
        self.state.servers[replica].link = Some(Link::Receiving(FullSync { request, ..sync }));
        self.schedule_buffer_limit(replica, schedule);
        true
    }

    /// When waiting replicas get their fork.
    pub(super) fn full_sync_due(&self, server: usize) -> Option<SimTime> {
        let replication = &self.host().replication;
        if replication.replicas == 0 || self.state.servers[server].link.is_some() {
            return None;
        }
        let waits_for_more = replication.sync != SyncMethod::Disk;
        let delay = if waits_for_more { replication.delay } else { SimDuration::ZERO };
        let waiting = self.state.servers_of(self.state.shard_of(server)).filter_map(|replica| {
            match self.state.servers[replica].link {
                Some(Link::Waiting(request)) if self.is_ready(replica) => Some(request.ready),
                _ => None,
            }
        });
        Some(waiting.min()? + delay)
    }

    /// Whether a replica is up to be sent a snapshot.
    fn is_ready(&self, replica: usize) -> bool {
        self.state.servers[replica].phase == Phase::Serving
    }

    /// Forks for the replicas that wait.
    pub(super) fn start_full_sync(&mut self, source: usize, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        let shard = self.state.shard_of(source);
        let waiting: Vec<(usize, Request)> = self
            .state
            .servers_of(shard)
            .filter_map(|replica| match self.state.servers[replica].link {
                Some(Link::Waiting(request)) if self.is_ready(replica) && request.ready <= now => {
                    Some((replica, request))
                }
                _ => None,
            })
            .collect();
        if waiting.is_empty() || !self.fork(source, Cause::FullSync, schedule) {
            return;
        }
        let Some(child) = &self.state.servers[source].child else { return };
        let (sent_at, file_bytes) = (child.pace.exits_at + self.sending_a_file(source), child.file_bytes);
        let bytes = self.state.data_of(source).bytes;
        let position = self.state.shards[shard].stream;
        for (replica, request) in waiting {
            let loads_at_once = self.loads_at_once(request);
            let sync =
                FullSync { request, position, forked_at: now, sent_at, bytes, file_bytes, loads_at_once };
            self.state.servers[replica].link = Some(Link::Receiving(sync));
            if loads_at_once {
                self.give_up_child(replica, schedule);
            }
            self.schedule_buffer_limit(replica, schedule);
            self.schedule_exhaustion(self.state.host_of(replica), schedule);
        }
        self.schedule_exhaustion(self.state.host_of(source), schedule);
    }

    /// Whether a replica loads what comes over a socket as it arrives.
    fn loads_at_once(&self, request: Request) -> bool {
        let replication = &self.host().replication;
        let by_socket = replication.sync != SyncMethod::Disk;
        match replication.load {
            ReplicaLoad::Disabled => false,
            ReplicaLoad::OnEmptyDb => by_socket && request.holds <= 0.0,
            ReplicaLoad::SwapDb => by_socket,
        }
    }

    /// Seconds that a child needs to write its data to sockets: the link, or a replica that loads as it receives, may
    /// be slower than the child.
    pub(super) fn sending_seconds(&self, server: usize) -> f64 {
        let (data, drawn) = (self.state.data_of(server), self.state.drawn);
        let over_link = drawn.writing.file_bytes(&data.population) / drawn.link_throughput;
        let loads = self.state.servers_of(self.state.shard_of(server)).any(|replica| {
            let link = self.state.servers[replica].link;
            matches!(link, Some(Link::Waiting(request)) if self.loads_at_once(request))
        });
        let loading = if loads { data.bytes / drawn.load_throughput } else { 0.0 };
        over_link.max(loading)
    }

    /// How long the source takes to send a file that its child has written.
    fn sending_a_file(&self, source: usize) -> SimDuration {
        if self.host().replication.sync != SyncMethod::Disk {
            return SimDuration::ZERO;
        }
        let file_bytes = self.state.drawn.writing.file_bytes(&self.state.data_of(source).population);
        SimDuration::from_secs_f64(file_bytes / self.state.drawn.link_throughput)
    }

    /// How long a replica loads a snapshot once it has arrived.
    fn loading(&self, sync: &FullSync) -> SimDuration {
        let seconds = if sync.loads_at_once { 0.0 } else { sync.bytes / self.state.drawn.load_throughput };
        SimDuration::from_secs_f64(seconds)
    }

    /// Replicas of a shard for whom a snapshot is on its way.
    fn receivers(&self, shard: usize) -> impl Iterator<Item = usize> + '_ {
        let replicas = self.state.servers_of(shard);
        replicas.filter(|&replica| matches!(self.state.servers[replica].link, Some(Link::Receiving(_))))
    }

    /// The child has ended well: the snapshot is with the replicas, or a file to be sent to them.
    pub(super) fn snapshot_sent(&mut self, source: usize, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        let receivers: Vec<usize> = self.receivers(self.state.shard_of(source)).collect();
        for replica in receivers {
            let Some(Link::Receiving(sync)) = self.state.servers[replica].link else { continue };
            self.give_up_child(replica, schedule);
            let from = now + self.sending_a_file(source);
            let until = from + self.loading(&sync);
            self.state.servers[replica].link = Some(Link::Loading { sync, from, until });
            self.tell(now, replica, Happening::ReplicaLoading { duration: until.since(now) });
            schedule.schedule(until, Event::ReplicaLoaded(replica));
            self.schedule_exhaustion(self.state.host_of(replica), schedule);
        }
    }

    /// A replica that is about to load a snapshot ends its own child, to avoid its copies.
    /// Source: `replication.c`, `killRDBChild` before loading, Redis 7.0 and Valkey 8.0.
    fn give_up_child(&mut self, replica: usize, schedule: &mut Schedule<Event>) {
        if self.end_child(replica, schedule) == Some(Cause::Backup) {
            self.backup_ended(replica, schedule);
        }
    }

    /// A replica has loaded its snapshot and what waited for it: it is in sync.
    pub(super) fn replica_loaded(&mut self, replica: usize, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        let shard = self.state.shard_of(replica);
        self.settle(shard, now);
        let Some(Link::Loading { sync, .. }) = self.state.servers[replica].link else { return };
        schedule.clear(Event::BufferLimit(replica));
        let buffered = Bytes::from_f64(self.state.shards[shard].stream - sync.position);
        self.state.servers[replica].link = Some(Link::Online);
        self.state.servers[replica].syncs_cut = 0;
        self.begin_files_anew(replica, now);
        self.tell(now, replica, Happening::ReplicaOnline { took: now.since(sync.request.asked), buffered });
        self.schedule_forks(replica, schedule);
        let source = self.state.shards[shard].primary;
        for server in [replica, source] {
            self.schedule_exhaustion(self.state.host_of(server), schedule);
        }
    }

    /// The stream that waits for a replica has reached a limit.
    pub(super) fn buffer_limit_reached(&mut self, replica: usize, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        let buffered = self.waiting_for(replica, now);
        let replication = &self.host().replication;
        if buffered >= replication.hard_limit() {
            self.cut_sync(replica, Dropped::HardLimit, schedule);
        } else if replication.limit.soft > 0.0 && buffered >= replication.limit.soft {
            self.cut_sync(replica, Dropped::SoftLimit, schedule);
        } else {
            self.schedule_buffer_limit(replica, schedule);
        }
    }

    /// What waits for a replica in its primary \[bytes\].
    fn waiting_for(&self, replica: usize, at: SimTime) -> f64 {
        let Some(sync) = self.state.servers[replica].link.as_ref().and_then(Link::sync) else { return 0.0 };
        let lag = self.state.position(self.state.shard_of(replica), at) - sync.position;
        (lag - self.state.buffered_by_replicas()).max(0.0)
    }

    /// Schedules the moment at which a replica is dropped, if its sync takes that long.
    pub(super) fn schedule_buffer_limit(&mut self, replica: usize, schedule: &mut Schedule<Event>) {
        schedule.clear(Event::BufferLimit(replica));
        let now = schedule.now();
        let (until, position) = match self.state.servers[replica].link {
            Some(Link::Receiving(sync)) => (sync.sent_at + self.loading(&sync), sync.position),
            Some(Link::Loading { until, sync, .. }) => (until, sync.position),
            _ => return,
        };
        let shard = self.state.shard_of(replica);
        let waiting = self.state.position(shard, now) - position - self.state.buffered_by_replicas();
        if let Some(at) = self.limit_reached(replica, now, waiting, until) {
            schedule.schedule(at, Event::BufferLimit(replica));
        }
    }

    /// When so much waits for a client of a server's shard that it is dropped, from `waiting` bytes at `now` on; `None`
    /// if not before `until`.
    pub(super) fn limit_reached(
        &self,
        server: usize,
        now: SimTime,
        waiting: f64,
        until: SimTime,
    ) -> Option<SimTime> {
        let replication = &self.host().replication;
        let shard = self.state.shard_of(server);
        let reached = |bytes: f64| {
            let at = self.state.streamed(shard, now, bytes - waiting, until)?;
            Some(at.since(now).as_secs_f64())
        };
        let seconds = replication.limit.dropped_at(replication.backlog.as_f64(), reached)?;
        Some(now + SimDuration::from_secs_f64(seconds)).filter(|&at| at < until)
    }

    /// A full sync is cut short: the replica asks anew, and a child that nobody waits for any more ends.
    pub(super) fn cut_sync(&mut self, replica: usize, reason: Dropped, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        let shard = self.state.shard_of(replica);
        let Some(&sync) = self.state.servers[replica].link.as_ref().and_then(Link::sync) else { return };
        let is_loading = matches!(self.state.servers[replica].link, Some(Link::Loading { .. }));
        let buffered = Bytes::from_f64(self.waiting_for(replica, now));
        self.settle(shard, now);
        let (in_a_row, ready) = self.count_cut(replica, now);
        self.tell(now, replica, Happening::ReplicaDropped { buffered, reason, in_a_row });
        let holds = if is_loading { 0.0 } else { sync.request.holds };
        self.wait_for_sync(replica, Request { asked: sync.request.asked, ready, holds }, schedule);
        let source = self.state.shards[shard].primary;
        self.state.servers[source].dropped = Some((now, buffered.as_f64()));
        self.end_child_nobody_waits_for(source, schedule);
        self.schedule_forks(source, schedule);
        for server in [replica, source] {
            self.schedule_exhaustion(self.state.host_of(server), schedule);
        }
    }

    /// A child whose last replica is gone is ended, unless it writes a file that `save` points want.
    /// Source: `networking.c`, `freeClient`, Redis 7.0 and Valkey 8.0.
    fn end_child_nobody_waits_for(&mut self, source: usize, schedule: &mut Schedule<Event>) {
        let shard = self.state.shard_of(source);
        let Some(child) = &self.state.servers[source].child else { return };
        let is_wanted = child.writes_file && !self.host().persistence.save_points.is_empty();
        if child.cause == Cause::FullSync && !is_wanted && self.receivers(shard).next().is_none() {
            self.end_child(source, schedule);
        }
    }

    /// The child of a full sync was killed, or never forked: the replicas it was for are disconnected.
    pub(super) fn syncs_failed(&mut self, source: usize, schedule: &mut Schedule<Event>) {
        let shard = self.state.shard_of(source);
        let receivers: Vec<usize> = self.receivers(shard).collect();
        for replica in receivers {
            self.cut_sync(replica, Dropped::ChildFailed, schedule);
        }
        self.put_off_waiting(shard, schedule);
    }

    /// Replicas that wait were refused, and ask again after they have reconnected.
    fn put_off_waiting(&mut self, shard: usize, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        for replica in self.state.servers_of(shard) {
            if let Some(Link::Waiting(request)) = self.state.servers[replica].link
                && request.ready <= now
            {
                let (_, ready) = self.count_cut(replica, now);
                self.state.servers[replica].link = Some(Link::Waiting(Request { ready, ..request }));
            }
        }
    }

    /// Counts a full sync cut short: how many in a row, and when the replica asks again.
    fn count_cut(&mut self, replica: usize, now: SimTime) -> (u32, SimTime) {
        let cut = &mut self.state.servers[replica].syncs_cut;
        *cut += 1;
        self.outcome.syncs_cut += 1;
        self.outcome.sync_loops += u32::from(*cut == LOOP);
        (*cut, if *cut < KNOWN_LOOP { now + RECONNECT } else { next_hour(now) })
    }

    /// The child of a source exits at another time than was foreseen, and so the snapshot arrives.
    pub(super) fn sync_delayed(&mut self, source: usize, schedule: &mut Schedule<Event>) {
        let Some(child) = &self.state.servers[source].child else { return };
        if child.cause != Cause::FullSync {
            return;
        }
        let sent = child.pace.exits_at + self.sending_a_file(source);
        let receivers: Vec<usize> = self.receivers(self.state.shard_of(source)).collect();
        for replica in receivers {
            if let Some(Link::Receiving(sync)) = &mut self.state.servers[replica].link {
                sync.sent_at = sent;
            }
            self.schedule_buffer_limit(replica, schedule);
            self.schedule_exhaustion(self.state.host_of(replica), schedule);
        }
    }
}
