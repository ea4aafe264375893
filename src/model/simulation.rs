//! A host prepared for simulation, and its replications.

use crate::engine::{self, Schedule, Stop};
use crate::memory::container::SnapshotFile;
use crate::memory::layout::listpack_bytes;
use crate::memory::{
    Heap, KeyKind, Keys, LawError, Population, Released, Spread, Value, child, container, reclaim,
    replication, stall,
};
use crate::model::draws::Draws;
use crate::model::host::{
    BackupMethod, Content, Fill, Host, Job, Keyspace, KeyspaceSize, Machine, MaxmemoryPolicy, Operation,
    WriteRate,
};
use crate::model::law_error::law_error;
use crate::model::life::Life;
use crate::model::load::{Load, Rates};
use crate::model::minutes::MinuteNoise;
use crate::model::observer::Observer;
use crate::model::outcome::Outcome;
use crate::model::purge::PurgeTable;
use crate::model::state::Drawn;
use crate::model::uncertain::Uncertain;
use crate::model::weather::Sky;
use crate::model::writing::Writing;
use crate::rng::Purpose;
use crate::units::{Bytes, SimDuration, SimTime};

/// A host prepared for simulation: what is the same in every replication is computed once.
#[derive(Clone, Debug)]
pub struct Simulation {
    host: Host,
    kinds: Vec<KeyKind>,
    heap: Heap,
    /// Share of each keyspace in the bytes of all keys.
    shares: Vec<f64>,
    /// Popularity of each keyspace at the likely end, and at the far end where it is another.
    spreads: Vec<(Spread, Option<Spread>)>,
    capacity: Bytes,
    /// Whether a child gives pages back while it saves.
    gives_back: bool,
    purges: PurgeTable,
    minute_noise: MinuteNoise,
    /// Resident bytes that a buffered byte of the stream takes.
    buffer_cost: f64,
    /// A child's own memory while it saves \[bytes\].
    child_memory: f64,
    /// What a child writes, at the likely values.
    writing: Writing,
    /// How far off the law of copies may be; `None` where it is taken to be exact.
    law_error: Option<LawError>,
}

/// Whether a host holds its data with no child alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fit {
    /// Resident set at `maxmemory` (or of the data as given) + reserved + buffers + page tables, at the likely values:
    /// a replication that draws others may still be killed with no fork at all.
    pub need: Bytes,
    /// RAM less what the kernel keeps back.
    pub available: Bytes,
    /// `used_memory` of the data as given exceeds `maxmemory`.
    pub over_maxmemory: bool,
}

impl Fit {
    /// Whether it does.
    pub fn holds(self) -> bool {
        self.need <= self.available && !self.over_maxmemory
    }
}

/// A replication that did not reach its horizon within the allowed number of events.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("replication {replication} of seed {seed} reached {steps} events at {at}, the last one `{event}`")]
pub struct StepLimit {
    /// The seed.
    pub seed: u64,
    /// The replication.
    pub replication: u64,
    /// How many events were handled.
    pub steps: u64,
    /// The simulated time reached.
    pub at: SimTime,
    /// The name of the last event.
    pub event: &'static str,
}

impl Simulation {
    /// Prepares `host`.
    pub fn new(host: Host) -> Self {
        let kinds: Vec<KeyKind> = host.dataset.keyspaces.iter().map(kind).collect();
        let keys: Vec<Keys> = kinds.iter().map(|&kind| Keys::alike(kind)).collect();
        let (server, page_size) = (&host.server, host.machine.page_size.0);
        let heap = Heap::new(&server.layout, server.allocator, page_size, &keys);
        let shares = shares_of_bytes(&host.dataset.keyspaces, &heap);
        let capacity = capacity(&host.machine);
        // A server that lies on huge pages dismisses nothing, and what its child frees stays in whole huge pages.
        let gives_back = host.machine.huge_pages.is_none() && heap.can_give_back();
        let compresses = host.persistence.rdb_compression;
        let child_memory =
            child::own_memory(compresses && kinds.iter().any(|kind| child::compresses(kind.value)));
        let writing = Writing::new(&host, &kinds, |value, _, _| value.likely);
        let buffer_cost = replication::resident(server.allocator, 1.0, page_size);
        let minute_noise = MinuteNoise::new(host.traffic.noise_minute);
        let mut simulation = Self {
            host,
            kinds,
            heap,
            shares,
            spreads: Vec::new(),
            capacity,
            gives_back,
            purges: PurgeTable::new(Population::of([])),
            minute_noise,
            buffer_cost,
            child_memory,
            writing,
            law_error: None,
        };
        let population = simulation.population(simulation.host.server.client_memory.likely);
        simulation.spreads = spreads(&simulation.host.dataset.keyspaces, &population);
        simulation.law_error = law_error(&simulation.host, &simulation.kinds, &population.keys);
        simulation.purges = PurgeTable::new(population);
        simulation
    }

    /// The host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The allocator's pools under its keys.
    pub fn heap(&self) -> &Heap {
        &self.heap
    }

    /// What the keys of each keyspace are.
    #[cfg(test)]
    pub(super) fn kinds(&self) -> &[KeyKind] {
        &self.kinds
    }

    /// Share of each keyspace in the bytes of all keys.
    pub fn shares(&self) -> &[f64] {
        &self.shares
    }

    /// The memory there is: the limit of a container, or the RAM.
    pub fn memory(&self) -> Bytes {
        self.host.machine.container.map_or(self.host.machine.ram, |container| container.limit)
    }

    /// Shards whose servers share the hosts.
    pub fn shards(&self) -> usize {
        self.host.tenancy.servers.max(1) as usize
    }

    /// Servers of a shard, each on a host of its own.
    pub fn members(&self) -> usize {
        1 + self.host.replication.replicas as usize
    }

    /// Whether servers keep a replication backlog.
    pub fn has_backlog(&self) -> bool {
        let poses = self.host.backup.is_some_and(|backup| backup.method == BackupMethod::Sync);
        self.host.replication.replicas > 0 || poses
    }

    /// The backlog as `maxmemory` counts it \[bytes\].
    pub(super) fn backlog(&self) -> f64 {
        if self.has_backlog() { self.host.replication.backlog.as_f64() } else { 0.0 }
    }

    /// Resident bytes that a buffered byte of the stream takes.
    pub(super) fn buffer_cost(&self) -> f64 {
        self.buffer_cost
    }

    /// What is charged to a container beside its processes, and stays \[bytes\].
    pub(super) fn kernel_memory(&self) -> f64 {
        if self.host.machine.container.is_some() { container::margin(SnapshotFile::None) } else { 0.0 }
    }

    /// From how much on a container's `memory.high` all but stops who asks for more; `None` without one.
    pub(super) fn throttled_from(&self) -> Option<Bytes> {
        let high = self.host.machine.container?.high?;
        Some(high.scaled(1.0 + stall::STALLED_EXCESS))
    }

    /// The most memory that the kernel hands out: RAM less what it keeps back, or a container's limit.
    pub fn capacity(&self) -> Bytes {
        self.capacity
    }

    /// Whether a child gives pages back while it saves, so that the peak lies inside the save.
    pub fn gives_back(&self) -> bool {
        self.gives_back
    }

    /// What a child that saves for so many seconds in all has given back, `progress` of the way.
    ///
    /// It writes out the keys at an even pace.
    pub(super) fn released(&self, seconds: f64, progress: f64) -> Released {
        if !self.gives_back {
            return Released::default();
        }
        Released { progress, purged: self.purges.share(&self.heap, seconds, progress) }
    }

    /// Memory of a child's own, `progress` of the way through a save of `population` \[bytes\].
    pub(super) fn child_memory(&self, population: &Population, progress: f64) -> f64 {
        self.child_memory + self.heap.freeing_costs(population, progress)
    }

    /// The keys at time 0, with so many bytes of client buffers beside them in `used_memory`.
    pub fn population(&self, client_memory: f64) -> Population {
        let given = |keyspace: &Keyspace| match keyspace.size {
            KeyspaceSize::Keys(keys) => keys as f64,
            KeyspaceSize::ShareOfBytes(_) => 0.0,
        };
        match (self.host.dataset.fill, self.host.server.maxmemory) {
            (Fill::Maxmemory(fill), Some(maxmemory)) => {
                let beside = client_memory + self.backlog();
                self.heap.population_of(maxmemory.as_f64() * fill - beside, &self.shares)
            }
            _ => Population::of(self.host.dataset.keyspaces.iter().map(given)),
        }
    }

    /// Size of a snapshot of `population`, at the likely compression \[bytes\].
    pub fn file_bytes(&self, population: &Population) -> f64 {
        self.writing.file_bytes(population)
    }

    /// `used_memory` at time 0, at the likely values.
    pub fn used_memory(&self) -> Bytes {
        let client_memory = self.host.server.client_memory.likely;
        let data = self.heap.used_memory(&self.population(client_memory));
        Bytes::from_f64(data + client_memory + self.backlog())
    }

    /// `used_memory` that the data needs at the horizon: growth and net inserts of load and jobs included, each at the
    /// upper end of its interval. A server that evicts needs no more than its `maxmemory`; for one that refuses writes,
    /// `maxmemory` is left aside.
    pub fn used_memory_at_horizon(&self) -> Bytes {
        let days = self.host.horizon.as_secs_f64() / SimDuration::DAY.as_secs_f64();
        let beside = self.host.dataset.growth_per_day.high * days;
        let inserted = self.inserted_a_second() * self.host.horizon.as_secs_f64();
        let needed = self.used_memory() + Bytes::from_f64(beside + inserted);
        match (self.host.server.maxmemory_policy, self.host.server.maxmemory) {
            (MaxmemoryPolicy::AllKeys, Some(maxmemory)) => needed.min(maxmemory),
            _ => needed,
        }
    }

    /// Bytes of new keys a second beyond those that go, on average over the horizon and at the upper ends.
    fn inserted_a_second(&self) -> f64 {
        let population = self.population(self.host.server.client_memory.likely);
        let (keyspaces, cap) = (&self.host.dataset.keyspaces, self.host.traffic.max_writes_per_second);
        let of_load = |(number, keyspace): (usize, &Keyspace)| {
            let rate = match keyspace.write_rate {
                WriteRate::Total(rate) => rate.high,
                WriteRate::PerKey(rate) => rate.high * population.keys[number],
            };
            let mix = keyspace.operations;
            let net = if keyspace.has_ttl { 0.0 } else { (mix.insert - mix.delete).max(0.0) };
            rate.min(cap) * net * self.heap.key_bytes(number)
        };
        let of_job = |job: &Job| {
            let grows = job.operation == Operation::Insert && !keyspaces[job.keyspace].has_ttl;
            let share = job.duration.as_secs_f64() / SimDuration::DAY.as_secs_f64();
            let rate = if grows { job.writes_per_second.high.min(cap) } else { 0.0 };
            rate * share * self.heap.key_bytes(job.keyspace)
        };
        let load: f64 = keyspaces.iter().enumerate().map(of_load).sum();
        load + self.host.traffic.jobs.iter().map(of_job).sum::<f64>()
    }

    /// Whether the host holds its server at all: full to `maxmemory`, or with the data as given.
    pub fn fit(&self) -> Fit {
        let server = &self.host.server;
        let client_memory = server.client_memory.likely;
        let as_given = self.heap.used_memory(&self.population(client_memory));
        let data = match (self.host.dataset.fill, server.maxmemory) {
            (Fill::Maxmemory(_), Some(maxmemory)) => {
                (maxmemory.as_f64() - client_memory - self.backlog()).max(as_given)
            }
            _ => as_given,
        };
        let resident = data * server.fragmentation_ratio.likely;
        let page_tables = child::page_tables(resident, self.host.machine.page_size.0);
        let of_server = resident + client_memory + page_tables + self.backlog() * self.buffer_cost;
        let need =
            self.host.machine.reserved.likely + self.kernel_memory() + of_server * self.shards() as f64;
        Fit {
            need: Bytes::from_f64(need),
            available: self.capacity,
            over_maxmemory: server.maxmemory.is_some_and(|limit| self.used_memory() > limit),
        }
    }

    /// Runs one replication.
    ///
    /// # Errors
    ///
    /// [`StepLimit`] where the replication handles more events than the server's cron could cause.
    pub fn run(
        &self,
        seed: u64,
        replication: u64,
        observer: &mut impl Observer,
    ) -> Result<Outcome, StepLimit> {
        self.run_with(&Draws::new(seed, replication), observer)
    }

    /// Runs the replication that takes these random numbers.
    ///
    /// # Errors
    ///
    /// As [`Simulation::run`].
    pub fn run_with(&self, numbers: &Draws<'_>, observer: &mut impl Observer) -> Result<Outcome, StepLimit> {
        self.run_under(&mut Sky::default(), numbers, observer)
    }

    /// Runs the replication that takes these random numbers, under a sky that it shares with other hosts: those that
    /// have the same traffic. The outcome is that of [`run_with`](Self::run_with).
    ///
    /// # Errors
    ///
    /// As [`Simulation::run`].
    pub fn run_under<'a>(
        &'a self,
        sky: &mut Sky<'a>,
        numbers: &Draws<'_>,
        observer: &mut impl Observer,
    ) -> Result<Outcome, StepLimit> {
        let stream = numbers.stream();
        let drawn = self.draw(numbers);
        let (dataset, traffic) = (&self.host.dataset, &self.host.traffic);
        let population = self.population(drawn.client_memory);
        let cap = traffic.max_writes_per_second;
        let rates = Rates::draw(&dataset.keyspaces, &traffic.jobs, &population.keys, cap, numbers);
        let base_rate = rates.keyspaces.iter().sum();
        let weather =
            sky.weather((traffic, &self.minute_noise), stream, base_rate, &rates.jobs, self.host.horizon);
        let load = Load::new(weather, &rates, &dataset.keyspaces, &traffic.jobs, &self.kinds);
        let mut schedule = Schedule::for_many(self.shards() * self.members());
        let mut life = Life::new(self, stream, &drawn, population, load, observer);
        life.begin(&mut schedule);
        let (horizon, steps) = (SimTime::ZERO + self.host.horizon, self.step_limit());
        match engine::run(&mut life, &mut schedule, horizon, steps) {
            Stop::Horizon | Stop::Idle => Ok(life.end()),
            Stop::StepLimit { event } => {
                let (seed, replication) = (numbers.seed(), numbers.replication());
                Err(StepLimit { seed, replication, steps, at: schedule.now(), event })
            }
        }
    }

    /// More events than any real host could see: the cron looks ten times a second, and a look leads to one fork and
    /// its end.
    fn step_limit(&self) -> u64 {
        let of_one = (self.host.horizon.0 / SimDuration::SECOND.0).saturating_mul(20).saturating_add(1_000);
        of_one.saturating_mul((self.shards() * self.members()) as u64)
    }

    /// What a host copies over what the law says, drawn once a replication.
    pub(super) fn law_error_of(&self, numbers: &Draws<'_>) -> f64 {
        self.law_error.map_or(1.0, |error| error.quantile(numbers.quantile(Purpose::LawError, 0)))
    }

    /// Draws what belongs to a host, once a replication.
    fn draw(&self, numbers: &Draws<'_>) -> Drawn {
        let draw_of = |value: Uncertain, purpose, number| {
            if value.is_certain() { value.likely } else { value.quantile(numbers.quantile(purpose, number)) }
        };
        let draw = |value, purpose| draw_of(value, purpose, 0);
        let server = &self.host.server;
        let spread = |(number, (likely, high)): (usize, &(Spread, Option<Spread>))| match high {
            None => likely.clone(),
            Some(high) => likely.mixed_with(high, numbers.quantile(Purpose::Popularity, number)),
        };
        Drawn {
            reserved: draw(self.host.machine.reserved, Purpose::Reserved),
            fragmentation_ratio: draw(server.fragmentation_ratio, Purpose::Fragmentation),
            client_memory: draw(server.client_memory, Purpose::ClientMemory),
            writing: Writing::new(&self.host, &self.kinds, draw_of),
            load_throughput: draw(server.load_throughput, Purpose::LoadThroughput),
            aof_replay_rate: draw(server.aof_replay_rate, Purpose::AofReplayRate),
            link_throughput: draw(self.host.replication.throughput, Purpose::LinkThroughput),
            law_error: self.law_error_of(numbers),
            growth: draw(self.host.dataset.growth_per_day, Purpose::Growth) / SimDuration::DAY.as_secs_f64(),
            fork_pause: numbers.quantile(Purpose::ForkPause, 0),
            spreads: self.spreads.iter().enumerate().map(spread).collect(),
            bad_save: numbers.tilt().and_then(|tilt| tilt.bad_save(numbers.stream())),
        }
    }
}

/// The most memory that the kernel hands out.
fn capacity(machine: &Machine) -> Bytes {
    match machine.container {
        Some(container) => container.limit,
        None => machine.ram.saturating_sub(reclaim::kept_back(machine.ram, machine.page_size)),
    }
}

/// The layout of the keys of a keyspace.
pub(super) fn kind(keyspace: &Keyspace) -> KeyKind {
    let value = match keyspace.content {
        Content::Strings(bytes) => Value::Bytes(bytes),
        Content::Integers => Value::Integer,
        Content::Hashes { fields, name, value } => Value::Listpack(listpack_bytes(fields, name, value)),
    };
    KeyKind { key_size: keyspace.key_size, value, has_ttl: keyspace.has_ttl }
}

/// Shares as given, or in proportion to the bytes of the keys as given.
fn shares_of_bytes(keyspaces: &[Keyspace], heap: &Heap) -> Vec<f64> {
    let weight = |(number, keyspace): (usize, &Keyspace)| match keyspace.size {
        KeyspaceSize::Keys(keys) => keys as f64 * heap.key_bytes(number),
        KeyspaceSize::ShareOfBytes(share) => share,
    };
    let weights: Vec<f64> = keyspaces.iter().enumerate().map(weight).collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / total).collect()
}

fn spreads(keyspaces: &[Keyspace], population: &Population) -> Vec<(Spread, Option<Spread>)> {
    let spread = |(keyspace, &keys): (&Keyspace, &f64)| {
        let popularity = keyspace.popularity;
        let high = (popularity.high != popularity.likely).then(|| Spread::new(popularity.high, keys));
        (Spread::new(popularity.likely, keys), high)
    };
    keyspaces.iter().zip(&population.keys).map(spread).collect()
}

#[cfg(test)]
mod tests;
