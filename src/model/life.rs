//! From event to event: the books, the observer, and time 0.

use rand::RngExt;

use crate::engine::Schedule;
use crate::model::Event;
use crate::model::host::Host;
use crate::model::huge::HugeShare;
use crate::model::ledger::Ledger;
use crate::model::load::Load;
use crate::model::observer::{Happening, Observer};
use crate::model::outcome::{Outcome, PerCause};
use crate::model::simulation::Simulation;
use crate::model::state::{AofFile, Data, Drawn, Phase, Snapshot, State};
use crate::rng::{Purpose, Stream};
use crate::units::{SimDuration, SimTime};

/// One host from time 0 to its horizon.
#[derive(Debug)]
pub struct Life<'a, O> {
    pub(super) state: State<'a>,
    pub(super) stream: Stream,
    pub(super) observer: &'a mut O,
    pub(super) outcome: Outcome,
    pub(super) horizon: SimTime,
    /// Whether the data grows under this load.
    pub(super) grows: bool,
    /// Forks so far, by cause: the occasions of what is drawn for each.
    pub(super) ordinals: PerCause<u32>,
    /// Backups due so far.
    pub(super) backups_due: u64,
    /// A backup waits for another child to exit.
    pub(super) backup_waits: bool,
    /// Kills of the server so far.
    pub(super) server_kills: u64,
    /// Since when the server has been down; `None` while it serves.
    pub(super) down_since: Option<SimTime>,
    /// When the last reload ended; `None` before the first one.
    pub(super) loaded_at: Option<SimTime>,
    /// Kills of the server in a row, each soon after its reload.
    pub(super) kills_in_a_row: u32,
    last_event: SimTime,
}

impl<'a, O: Observer> Life<'a, O> {
    /// The host at time 0.
    pub fn new(
        simulation: &'a Simulation,
        stream: Stream,
        drawn: &'a Drawn,
        load: Load<'a>,
        observer: &'a mut O,
    ) -> Self {
        let host = simulation.host();
        let data = data_at_start(simulation, drawn);
        let snapshot = snapshot_at_start(host, &load, data.bytes, stream);
        let aof = aof_at_start(simulation, &data, stream);
        let state = State {
            simulation,
            drawn,
            load,
            phase: Phase::Serving,
            child: None,
            data,
            aof,
            snapshot,
            huge: HugeShare::LOADED,
        };
        Self {
            grows: state.can_grow(),
            state,
            stream,
            observer,
            outcome: Outcome { free_min: host.machine.ram, ..Outcome::default() },
            horizon: SimTime::ZERO + host.horizon,
            ordinals: PerCause::default(),
            backups_due: 0,
            backup_waits: false,
            server_kills: 0,
            down_since: None,
            loaded_at: None,
            kills_in_a_row: 0,
            last_event: SimTime::ZERO,
        }
    }

    /// Schedules the first events.
    pub fn begin(&mut self, schedule: &mut Schedule<Event>) {
        self.take_stock(schedule.now());
        self.schedule_backup(schedule);
        self.schedule_next(schedule);
    }

    /// Closes the books at the horizon.
    pub fn end(mut self) -> Outcome {
        self.take_stock(self.horizon);
        self.settle(self.horizon);
        if let Some(since) = self.down_since {
            self.outcome.downtime += self.horizon.since(since);
        }
        self.outcome
    }

    pub(super) fn host(&self) -> &'a Host {
        self.state.host()
    }

    /// Accounts for the time since the last event: the ledger's balance, the extremes, the observer. Returns the
    /// ledger just before what happens now. A save that gives pages back has its peak in between.
    pub(super) fn take_stock(&mut self, now: SimTime) -> Ledger {
        let from = std::mem::replace(&mut self.last_event, now);
        let mut before = from;
        if let Some(peaks) = self.state.child.as_ref().and_then(|child| child.peaks) {
            let mut inside = [peaks.cow, peaks.demand];
            inside.sort_unstable();
            for at in inside.into_iter().filter(|&at| from < at && at < now) {
                self.note(at);
                self.observer.span(before, at, &|at| self.state.sample(at));
                before = at;
            }
        }
        let ledger = self.note(now);
        self.observer.span(before, now, &|at| self.state.sample(at));
        ledger
    }

    /// Takes the memory at `at` into the extremes.
    fn note(&mut self, at: SimTime) -> Ledger {
        let ledger = self.state.ledger(at);
        assert_eq!(ledger.total(), self.host().machine.ram, "the ledger's lines add up to the RAM");
        self.outcome.peak_memory = self.outcome.peak_memory.max(ledger.in_use());
        self.outcome.free_min = self.outcome.free_min.min(ledger.available());
        self.outcome.cow_peak = self.outcome.cow_peak.max(ledger.cow);
        ledger
    }

    /// Carries the state forward, and books what `maxmemory` refused or evicted.
    pub(super) fn settle(&mut self, now: SimTime) {
        use crate::model::host::MaxmemoryPolicy::{AllKeys, NoEviction};
        if self.state.phase == Phase::Serving && self.state.refuses_writes() {
            let load = &self.state.load;
            self.outcome.rejected_writes += load.amount(&load.changes, self.state.data.settled_at, now);
        }
        let overflow = self.state.settle(now);
        match self.host().server.maxmemory_policy {
            NoEviction => self.outcome.rejected_writes += overflow.keys,
            AllKeys => self.outcome.evicted_keys += overflow.keys,
        }
    }

    /// Tells the observer what happens now.
    pub(super) fn tell(&mut self, now: SimTime, happening: Happening) {
        if O::IS_WATCHING {
            let ledger = self.state.ledger(now);
            self.observer.happened(now, happening, &ledger);
        }
    }
}

fn data_at_start(simulation: &Simulation, drawn: &Drawn) -> Data {
    let population = simulation.population(drawn.client_memory);
    let bytes = simulation.heap().used_memory(&population);
    let limit = simulation.host().server.maxmemory;
    let limit = limit.map_or(f64::INFINITY, |limit| limit.as_f64() - drawn.client_memory).max(bytes);
    Data { settled_at: SimTime::ZERO, population, bytes, limit }
}

/// The append-only file somewhere between two rewrites, so that replications do not rewrite in step.
fn aof_at_start(simulation: &Simulation, data: &Data, stream: Stream) -> AofFile {
    let Some(trigger) = simulation.host().persistence.aof else { return AofFile::default() };
    let base_bytes = simulation.file_bytes(&data.population);
    let phase: f64 = stream.at(Purpose::AofPhase, 0).random();
    let growth = phase * trigger.percentage / 100.0;
    AofFile { bytes: base_bytes * (1.0 + growth), base_bytes, ..AofFile::default() }
}

/// The last snapshot somewhere in the cycle of the most frequent `save` point.
fn snapshot_at_start(host: &Host, load: &Load, data_bytes: f64, stream: Stream) -> Snapshot {
    let mean_changes = load.amount(&load.changes, SimTime::ZERO, SimTime::ZERO + host.horizon)
        / host.horizon.as_secs_f64().max(1.0);
    let cycle = |seconds: u64, changes: u64| (seconds as f64).max(changes as f64 / mean_changes.max(1e-9));
    let cycles = host.persistence.save_points.iter().map(|point| cycle(point.seconds, point.changes));
    let shortest = cycles.fold(SimDuration::DAY.as_secs_f64(), f64::min);
    let phase: f64 = stream.at(Purpose::SavePointPhase, 0).random();
    Snapshot {
        saved_at: SimTime::ZERO,
        tried_at: None,
        changes: phase * shortest * mean_changes,
        changes_at_fork: 0.0,
        is_last_ok: true,
        data_bytes,
        cached_bytes: 0.0,
    }
}
