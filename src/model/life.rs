//! From event to event: the books, the observer, and time 0.

use rand::RngExt;
use smallvec::SmallVec;

use crate::engine::Schedule;
use crate::memory::Population;
use crate::model::Event;
use crate::model::disk::Disk;
use crate::model::host::Host;
use crate::model::huge::HugeShare;
use crate::model::load::Load;
use crate::model::observer::{Happening, Observer, Place};
use crate::model::outcome::{Outcome, PerCause};
use crate::model::precedent::Precedents;
use crate::model::server::{AofFile, Link, Phase, Server, Snapshot};
use crate::model::simulation::Simulation;
use crate::model::state::{Data, Drawn, HostState, Shard, State};
use crate::model::supervisor::Supervisor;
use crate::rng::{Purpose, Stream};
use crate::units::{SimDuration, SimTime};

/// A shard and its hosts from time 0 to the horizon.
#[derive(Debug)]
pub struct Life<'a, O> {
    pub(super) state: State<'a>,
    pub(super) stream: Stream,
    pub(super) observer: &'a mut O,
    pub(super) outcome: Outcome,
    pub(super) horizon: SimTime,
    /// Backups due so far, by shard.
    pub(super) backups_due: Vec<u64>,
    /// Stalls so far.
    pub(super) stalls: u64,
    /// The disk of each host.
    pub(super) disks: Vec<Disk>,
    /// Saves that had room; `None` where they say nothing about others.
    pub(super) precedents: Option<Precedents>,
    /// How far the books of each host are carried forward.
    last_event: Vec<SimTime>,
}

/// The occasion of a random number that belongs to one server: its `ordinal`-th of a kind.
pub(super) fn occasion(server: usize, ordinal: u64) -> u64 {
    (server as u64) << 40 | ordinal
}

/// The next full hour: when to look again at what is known to fail.
pub(super) fn next_hour(now: SimTime) -> SimTime {
    SimTime((now.0 + 1).next_multiple_of(SimDuration::HOUR.0))
}

impl<'a, O: Observer> Life<'a, O> {
    /// The shard at time 0, with the keys of `population`: every replica in sync.
    pub fn new(
        simulation: &'a Simulation,
        stream: Stream,
        drawn: &'a Drawn,
        population: Population,
        load: Load<'a>,
        observer: &'a mut O,
    ) -> Self {
        let (shards, members) = (simulation.shards(), simulation.members());
        let data = data_at_start(simulation, drawn, population);
        let server = |number: usize| server_at_start((simulation, drawn), &load, &data, stream, number);
        let servers = (0..shards * members).map(server).collect();
        let shard = |number: usize| Shard {
            primary: number * members,
            data: data.clone(),
            stream: 0.0,
            changes: 0.0,
            down_since: None,
            served_since: SimTime::ZERO,
            promotion_at: None,
        };
        let shards: Vec<Shard> = (0..shards).map(shard).collect();
        let hosts = vec![HostState::default(); members];
        let backups_due = vec![0; shards.len()];
        let grows = drawn.growth > 0.0 || load.adds_keys();
        let state = State { simulation, drawn, grows, load, shards, servers, hosts };
        Self {
            state,
            stream,
            observer,
            outcome: Outcome { free_min: simulation.memory(), ..Outcome::default() },
            horizon: SimTime::ZERO + simulation.host().horizon,
            backups_due,
            stalls: 0,
            disks: (0..members).map(|host| Disk::new(&simulation.host().save, stream, host)).collect(),
            precedents: None,
            last_event: vec![SimTime::ZERO; members],
        }
    }

    /// Schedules the first events.
    pub fn begin(&mut self, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        for host in 0..self.state.members() {
            self.take_stock(host, now);
        }
        for shard in 0..self.state.shards.len() {
            self.schedule_backup(shard, schedule);
        }
        for server in 0..self.state.servers.len() {
            self.schedule_link_loss(server, schedule);
            self.schedule_forks(server, schedule);
        }
        for host in 0..self.state.members() {
            self.schedule_exhaustion(host, schedule);
        }
        self.begin_precedents(now);
    }

    /// Closes the books at the horizon.
    pub fn end(mut self) -> Outcome {
        for host in 0..self.state.members() {
            self.take_stock(host, self.horizon);
            self.end_stall(host, self.horizon);
        }
        for shard in 0..self.state.shards.len() {
            self.settle(shard, self.horizon);
            if let Some(since) = self.state.shards[shard].down_since {
                self.outcome.downtime += self.horizon.since(since);
            }
        }
        let down = SimDuration(self.outcome.downtime.0 / self.state.shards.len() as u64);
        self.outcome.served = SimDuration(self.host().horizon.0.saturating_sub(down.0));
        self.outcome
    }

    pub(super) fn host(&self) -> &'a Host {
        self.state.host()
    }

    /// Closes the books of a host just before something happens: the ledger's balance, the extremes, the observer.
    pub(super) fn take_stock(&mut self, host: usize, now: SimTime) {
        self.carry_forward(host, now);
        if !self.is_outdone(host) {
            self.note(host, now);
        }
    }

    /// Accounts for the time on a host since its books were closed. A save that gives pages back has its peak in
    /// between, and what is settled later can no longer be looked at.
    pub(super) fn carry_forward(&mut self, host: usize, now: SimTime) {
        let mut before = std::mem::replace(&mut self.last_event[host], now);
        if self.state.simulation.gives_back() {
            for at in self.peaks_between(host, before, now) {
                self.note(host, at);
                self.observer.span(host, before, at, &|at| self.state.sample(host, at));
                before = at;
            }
        }
        self.observer.span(host, before, now, &|at| self.state.sample(host, at));
    }

    /// When the saves on a host cost most, as far as that is between two instants.
    fn peaks_between(&self, host: usize, from: SimTime, now: SimTime) -> SmallVec<[SimTime; 4]> {
        let children =
            self.state.tenants(host).filter_map(|server| self.state.servers[server].child.as_ref());
        let peaks = children.filter_map(|child| child.peaks).flat_map(|peaks| [peaks.cow, peaks.demand]);
        let mut inside: SmallVec<[SimTime; 4]> = peaks.filter(|&at| from < at && at < now).collect();
        inside.sort_unstable();
        inside
    }

    /// Takes the memory of a host at `at` into the extremes.
    fn note(&mut self, host: usize, at: SimTime) {
        let ledger = self.state.ledger(host, at);
        assert_eq!(ledger.total(), self.state.simulation.memory(), "the ledger's lines add up to the memory");
        let outcome = &mut self.outcome;
        outcome.peak_memory = outcome.peak_memory.max(ledger.in_use());
        outcome.free_min = outcome.free_min.min(ledger.available());
        outcome.cow_peak = outcome.cow_peak.max(ledger.cow);
        outcome.swap_peak = outcome.swap_peak.max(ledger.swap);
        outcome.replica_buffer_peak =
            outcome.replica_buffer_peak.max(self.state.waiting_for_replicas(host, at));
    }

    /// Carries a shard forward, and books what `maxmemory` refused or evicted.
    pub(super) fn settle(&mut self, shard: usize, now: SimTime) {
        let state = &mut self.state;
        let primary = state.shards[shard].primary;
        if state.servers[primary].phase == Phase::Serving && state.refuses_writes(primary) {
            let load = &state.load;
            let from = state.shards[shard].data.settled_at;
            self.outcome.rejected_writes += load.amount(&load.changes, from, now);
        }
        let overflow = state.settle(shard, now);
        self.outcome.rejected_writes += overflow.refused;
        self.outcome.evicted_keys += overflow.evicted;
    }

    /// Settles every shard with a server on a host.
    pub(super) fn settle_host(&mut self, host: usize, now: SimTime) {
        for server in self.state.tenants(host) {
            self.settle(self.state.shard_of(server), now);
        }
    }

    /// Tells the observer what happens now to a server.
    pub(super) fn tell(&mut self, now: SimTime, server: usize, happening: Happening) {
        if O::IS_WATCHING {
            let place = Place {
                host: self.state.host_of(server),
                tenant: self.state.shard_of(server),
                is_primary: self.state.servers[server].link.is_none(),
            };
            let ledger = self.state.ledger(place.host, now);
            self.observer.happened(now, place, happening, &ledger);
        }
    }
}

fn data_at_start(simulation: &Simulation, drawn: &Drawn, population: Population) -> Data {
    let beside = drawn.client_memory + simulation.backlog();
    let bytes = simulation.heap().used_memory(&population);
    let limit = simulation.host().server.maxmemory;
    let limit = limit.map_or(f64::INFINITY, |limit| limit.as_f64() - beside).max(bytes);
    Data { settled_at: SimTime::ZERO, population, bytes, limit }
}

fn server_at_start(
    (simulation, drawn): (&Simulation, &Drawn),
    load: &Load,
    data: &Data,
    stream: Stream,
    number: usize,
) -> Server {
    let (shard, host) = (number / simulation.members(), number % simulation.members());
    Server {
        shard,
        host,
        phase: Phase::Serving,
        link: (host > 0).then_some(Link::Online),
        child: None,
        aof: aof_at_start((simulation, drawn), load, data, stream, number),
        snapshot: snapshot_at_start(simulation.host(), load, data.bytes, stream, number),
        huge: HugeShare::LOADED,
        backup: None,
        backup_waits: false,
        ordinals: PerCause::default(),
        kills: 0,
        kills_in_a_row: 0,
        crash_loops: 0,
        starter: None,
        supervisor: Supervisor::default(),
        died_at: None,
        loaded_at: None,
        losses: 0,
        syncs_cut: 0,
        dropped: None,
    }
}

/// The append-only file somewhere between two rewrites, so that neither replications nor servers rewrite in step. What
/// has been appended since the last one are writes as the load brings them on average.
fn aof_at_start(
    (simulation, drawn): (&Simulation, &Drawn),
    load: &Load,
    data: &Data,
    stream: Stream,
    number: usize,
) -> AofFile {
    let host = simulation.host();
    let Some(trigger) = host.persistence.aof else { return AofFile::default() };
    let base_bytes = drawn.writing.file_bytes(&data.population);
    let phase: f64 = stream.at(Purpose::AofPhase, occasion(number, 0)).random();
    let growth = phase * trigger.percentage / 100.0;
    let span = load.span(SimTime::ZERO, SimTime::ZERO + host.horizon);
    let changes_a_byte = span.of(&load.changes) / span.of(&load.appended).max(f64::MIN_POSITIVE);
    AofFile {
        base_bytes,
        from: -base_bytes * growth,
        preamble_data: data.bytes,
        changes: -base_bytes * growth * changes_a_byte,
        ..AofFile::default()
    }
}

/// The last snapshot somewhere in the cycle of the most frequent `save` point.
fn snapshot_at_start(host: &Host, load: &Load, data_bytes: f64, stream: Stream, number: usize) -> Snapshot {
    let mean_changes = load.amount(&load.changes, SimTime::ZERO, SimTime::ZERO + host.horizon)
        / host.horizon.as_secs_f64().max(1.0);
    let cycle = |seconds: u64, changes: u64| (seconds as f64).max(changes as f64 / mean_changes.max(1e-9));
    let cycles = host.persistence.save_points.iter().map(|point| cycle(point.seconds, point.changes));
    let shortest = cycles.fold(SimDuration::DAY.as_secs_f64(), f64::min);
    let phase: f64 = stream.at(Purpose::SavePointPhase, occasion(number, 0)).random();
    Snapshot {
        saved_at: SimTime::ZERO,
        tried_at: None,
        changes: -phase * shortest * mean_changes,
        changes_at_fork: 0.0,
        is_last_ok: true,
        refused: 0,
        data_bytes,
        cached_bytes: 0.0,
    }
}
