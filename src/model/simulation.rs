//! A host prepared for simulation, and its replications.

use rand::RngExt;

use crate::engine::{self, Schedule, Stop};
use crate::memory::{Heap, KeyKind, Population, Spread, Value, child, rdb, reclaim};
use crate::model::host::{Fill, Host, Job, Keyspace, KeyspaceSize, MaxmemoryPolicy, Operation, WriteRate};
use crate::model::life::Life;
use crate::model::load::{Load, Rates};
use crate::model::observer::Observer;
use crate::model::outcome::Outcome;
use crate::model::state::Drawn;
use crate::model::uncertain::Uncertain;
use crate::model::weather::Weather;
use crate::rng::{Purpose, Stream};
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
}

/// Whether a host holds its data with no child alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fit {
    /// Resident set at `maxmemory` (or of the data as given) + reserved + buffers + page tables, at the likely values:
    /// a replication that draws others may still be killed with no fork at all.
    pub need: Bytes,
    /// RAM less the kernel's min watermark.
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
        let (server, page_size) = (&host.server, host.machine.page_size.0);
        let heap = Heap::new(&server.layout, server.allocator, page_size, &kinds);
        let shares = shares_of_bytes(&host.dataset.keyspaces, &heap);
        let capacity = host.machine.ram.saturating_sub(reclaim::min_watermark(host.machine.ram));
        let mut simulation = Self { host, kinds, heap, shares, spreads: Vec::new(), capacity };
        let population = simulation.population(simulation.host.server.client_memory.likely);
        simulation.spreads = spreads(&simulation.host.dataset.keyspaces, &population);
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

    /// Share of each keyspace in the bytes of all keys.
    pub fn shares(&self) -> &[f64] {
        &self.shares
    }

    /// The most memory that the kernel hands out: RAM less the min watermark.
    pub fn capacity(&self) -> Bytes {
        self.capacity
    }

    /// The keys at time 0, with so many bytes of client buffers beside them in `used_memory`.
    pub fn population(&self, client_memory: f64) -> Population {
        let given = |keyspace: &Keyspace| match keyspace.size {
            KeyspaceSize::Keys(keys) => keys as f64,
            KeyspaceSize::ShareOfBytes(_) => 0.0,
        };
        match (self.host.dataset.fill, self.host.server.maxmemory) {
            (Fill::Maxmemory(fill), Some(maxmemory)) => {
                self.heap.population_of(maxmemory.as_f64() * fill - client_memory, &self.shares)
            }
            _ => Population { keys: self.host.dataset.keyspaces.iter().map(given).collect() },
        }
    }

    /// Size of a snapshot of `population` \[bytes\].
    pub fn file_bytes(&self, population: &Population) -> f64 {
        let records = self.kinds.iter().map(|&kind| rdb::record_bytes(kind) as f64);
        population.keys.iter().zip(records).map(|(keys, bytes)| keys * bytes).sum()
    }

    /// `used_memory` at time 0, at the likely values.
    pub fn used_memory(&self) -> Bytes {
        let client_memory = self.host.server.client_memory.likely;
        Bytes::from_f64(self.heap.used_memory(&self.population(client_memory)) + client_memory)
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
            (Fill::Maxmemory(_), Some(maxmemory)) => (maxmemory.as_f64() - client_memory).max(as_given),
            _ => as_given,
        };
        let resident = data * server.fragmentation_ratio.likely;
        let page_tables = child::page_tables(resident, self.host.machine.page_size.0);
        let need = resident + self.host.machine.reserved.likely + client_memory + page_tables;
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
        let stream = Stream::new(seed, replication);
        let drawn = self.draw(stream);
        let (dataset, traffic) = (&self.host.dataset, &self.host.traffic);
        let keys = self.population(drawn.client_memory).keys;
        let cap = traffic.max_writes_per_second;
        let rates = Rates::draw(&dataset.keyspaces, &traffic.jobs, &keys, cap, stream);
        let base_rate = rates.keyspaces.iter().sum();
        let weather = Weather::new(traffic, stream, base_rate, &rates.jobs, self.host.horizon);
        let load = Load::new(weather, &rates, &dataset.keyspaces, &traffic.jobs, &self.kinds);
        let mut schedule = Schedule::default();
        let mut life = Life::new(self, stream, &drawn, load, observer);
        life.begin(&mut schedule);
        let (horizon, steps) = (SimTime::ZERO + self.host.horizon, self.step_limit());
        match engine::run(&mut life, &mut schedule, horizon, steps) {
            Stop::Horizon | Stop::Idle => Ok(life.end()),
            Stop::StepLimit { event } => {
                Err(StepLimit { seed, replication, steps, at: schedule.now(), event })
            }
        }
    }

    /// More events than any real host could see: the cron looks ten times a second, and a look leads to one fork and
    /// its end.
    fn step_limit(&self) -> u64 {
        (self.host.horizon.0 / SimDuration::SECOND.0).saturating_mul(20).saturating_add(1_000)
    }

    /// Draws what belongs to a host, once a replication.
    fn draw(&self, stream: Stream) -> Drawn {
        let draw = |value: Uncertain, purpose| {
            if value.is_certain() { value.likely } else { value.quantile(stream.at(purpose, 0).random()) }
        };
        let server = &self.host.server;
        let spread = |(number, (likely, high)): (usize, &(Spread, Option<Spread>))| match high {
            None => likely.clone(),
            Some(high) => {
                let weight = stream.at(Purpose::Popularity, number as u64).random();
                likely.mixed_with(high, weight)
            }
        };
        Drawn {
            reserved: draw(self.host.machine.reserved, Purpose::Reserved),
            fragmentation_ratio: draw(server.fragmentation_ratio, Purpose::Fragmentation),
            client_memory: draw(server.client_memory, Purpose::ClientMemory),
            save_throughput: draw(self.host.save.throughput, Purpose::SaveThroughput),
            load_throughput: draw(server.load_throughput, Purpose::LoadThroughput),
            growth: draw(self.host.dataset.growth_per_day, Purpose::Growth) / SimDuration::DAY.as_secs_f64(),
            spreads: self.spreads.iter().enumerate().map(spread).collect(),
        }
    }
}

fn kind(keyspace: &Keyspace) -> KeyKind {
    let value = if keyspace.is_integer { Value::Integer } else { Value::Bytes(keyspace.value_size) };
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
mod tests {
    use super::*;
    use crate::model::host::{AofRewrite, SavePoint};
    use crate::model::sample::host;
    use crate::model::{Cause, Happening, Ledger, Unobserved, Victim};

    fn run(host: Host) -> Outcome {
        Simulation::new(host).run(1, 0, &mut Unobserved).unwrap()
    }

    /// A rate at which the daily save copies more than the host has left.
    const TOO_MUCH: f64 = 30_000.0;

    #[test]
    fn no_writes_copy_nothing() {
        let outcome = run(host(0.0));
        assert_eq!(outcome.cow_peak, Bytes::ZERO);
        assert_eq!((outcome.saves, outcome.oom_kills()), (7, 0));
    }

    #[test]
    fn uniform_writes_copy_what_the_closed_form_says() {
        let rate = 1_000.0;
        let simulation = Simulation::new(host(rate));
        let outcome = simulation.run(1, 0, &mut Unobserved).unwrap();
        let population = simulation.population(0.0);
        let keys = population.keys[0];
        let seconds = simulation.heap().used_memory(&population) / Bytes::mib(100).as_f64();
        let dirty = |neighbours: i32| 1.0 - (-rate * seconds / keys).exp().powi(neighbours);
        // 64 entry-key pairs a page, 256 objects a page, and 32 values of 640 bytes on five pages, of which four hold
        // seven values and one holds eight, those cut by an edge counted on both sides.
        let values = keys / 32.0 * (4.0 * dirty(7) + dirty(8));
        let closed = 4096.0 * (keys / 64.0 * dirty(64) + keys / 256.0 * dirty(256) + values);
        assert!(
            (outcome.cow_peak.as_f64() - closed).abs() < 4096.0,
            "{} {closed}",
            outcome.cow_peak.as_f64()
        );
    }

    #[test]
    fn a_save_that_copies_too_much_kills_the_server_by_default() {
        let outcome = run(host(TOO_MUCH));
        let kill = outcome.first_kill.unwrap();
        assert_eq!((kill.victim, kill.cause), (Victim::Server, Cause::Backup));
        assert_eq!(outcome.server_kills[Cause::Backup], 7);
        assert_eq!(outcome.free_min, reclaim::min_watermark(Bytes::gib(16)));
        // Seven reloads of 12 GiB at 100 MiB/s, a second of delay and up to 1.1 s of orphan each.
        let downtime = outcome.downtime.as_secs_f64();
        assert!((7.0 * 122.8..7.0 * 125.0).contains(&downtime), "{downtime}");
    }

    #[test]
    fn with_oom_score_adj_the_child_dies_and_the_server_goes_on() {
        let mut protected = host(TOO_MUCH);
        protected.server.oom_score_adj = true;
        let outcome = run(protected);
        assert_eq!(outcome.child_kills[Cause::Backup], 7);
        assert_eq!((outcome.incidents(), outcome.save_failures, outcome.saves), (0, 7, 0));
        assert_eq!(outcome.downtime, SimDuration::ZERO);
    }

    #[test]
    fn a_killed_save_point_is_tried_again_and_writes_are_refused_until_it_succeeds() {
        let mut saving = host(TOO_MUCH);
        saving.backup = None;
        saving.server.oom_score_adj = true;
        saving.persistence.save_points = vec![SavePoint { seconds: 86_400, changes: 1 }];
        let outcome = run(saving);
        // Each failed save is followed by one with no writes to copy for, which succeeds.
        assert!(outcome.child_kills[Cause::SavePoint] >= 6, "{outcome:?}");
        assert!(outcome.saves >= 6 && outcome.rejected_writes > TOO_MUCH * 100.0, "{outcome:?}");
    }

    #[test]
    fn a_data_set_that_outgrows_the_host_ends_in_a_crash_loop() {
        let mut growing = host(0.0);
        growing.server.maxmemory = None;
        growing.dataset.fill = Fill::Keys;
        growing.dataset.keyspaces[0].size = KeyspaceSize::Keys(15_000_000);
        growing.dataset.growth_per_day = Uncertain::certain(Bytes::gib(2).as_f64());
        growing.persistence.aof = Some(AofRewrite { percentage: 0.0, min_size: Bytes::ZERO });
        growing.backup = None;
        let outcome = run(growing);
        assert_eq!(outcome.server_kills[Cause::Growth], 3);
        assert!(outcome.downtime > SimDuration::DAY, "{}", outcome.downtime);
    }

    #[test]
    fn the_append_only_file_is_rewritten_each_time_it_doubles() {
        let mut logging = host(2_000.0);
        logging.backup = None;
        logging.persistence.aof = Some(AofRewrite { percentage: 100.0, min_size: Bytes::mib(64) });
        let simulation = Simulation::new(logging);
        let outcome = simulation.run(1, 0, &mut Unobserved).unwrap();
        let record =
            rdb::set_bytes(KeyKind { key_size: 16, value: Value::Bytes(512), has_ttl: false }) as f64;
        let written = 2_000.0 * record * 7.0 * 86_400.0;
        let doublings = written / simulation.file_bytes(&simulation.population(0.0));
        // What is appended during a rewrite belongs to the next base, so a cycle is a little more than a doubling.
        let forks = f64::from(outcome.forks[Cause::AofRewrite]);
        assert!(forks <= doublings + 1.0 && forks > 0.95 * doublings - 1.0, "{forks} of {doublings}");
    }

    #[test]
    fn inserts_at_maxmemory_are_refused_or_evict() {
        let mut full = host(1_000.0);
        full.dataset.keyspaces[0].operations.set = 0.9;
        full.dataset.keyspaces[0].operations.insert = 0.1;
        let refused = run(full.clone());
        let inserts = 100.0 * 7.0 * 86_400.0;
        assert!((refused.rejected_writes / inserts - 1.0).abs() < 1e-6, "{}", refused.rejected_writes);
        full.server.maxmemory_policy = MaxmemoryPolicy::AllKeys;
        let evicted = run(full);
        assert!((evicted.evicted_keys / inserts - 1.0).abs() < 1e-6, "{}", evicted.evicted_keys);
        assert!(evicted.cow_peak > refused.cow_peak);
    }

    #[test]
    fn replications_do_not_rewrite_in_step() {
        let mut logging = host(2_000.0);
        logging.backup = None;
        logging.persistence.aof = Some(AofRewrite { percentage: 100.0, min_size: Bytes::mib(64) });
        let simulation = Simulation::new(logging);
        let first_fork = |replication| {
            let mut forks = Forks::default();
            simulation.run(1, replication, &mut forks).unwrap();
            forks.0[0]
        };
        let times: std::collections::BTreeSet<SimTime> = (0..8).map(first_fork).collect();
        assert_eq!(times.len(), 8);
    }

    #[derive(Default)]
    struct Forks(Vec<SimTime>);

    impl Observer for Forks {
        fn happened(&mut self, at: SimTime, happening: Happening, _ledger: &Ledger) {
            if matches!(happening, Happening::Forked { .. }) {
                self.0.push(at);
            }
        }
    }

    #[test]
    fn watching_changes_nothing() {
        let simulation = Simulation::new(host(TOO_MUCH));
        let watched = simulation.run(1, 3, &mut Forks::default()).unwrap();
        assert_eq!(watched, simulation.run(1, 3, &mut Unobserved).unwrap());
    }

    #[test]
    fn a_host_fits_up_to_its_watermark() {
        let roomy = Simulation::new(host(0.0)).fit();
        assert!(roomy.holds(), "{roomy:?}");
        let mut tight = host(0.0);
        tight.server.maxmemory = Some(Bytes::gib(15));
        assert!(!Simulation::new(tight).fit().holds());
    }

    #[test]
    fn what_the_data_needs_counts_jobs_and_stops_at_maxmemory_where_keys_are_evicted() {
        let mut loaded = host(0.0);
        loaded.dataset.fill = Fill::Maxmemory(0.5);
        loaded.traffic.jobs = vec![Job {
            at: SimDuration::ZERO,
            jitter: SimDuration::ZERO,
            duration: SimDuration(12 * SimDuration::HOUR.0),
            writes_per_second: Uncertain::certain(100.0),
            operation: Operation::Insert,
            keyspace: 0,
        }];
        let simulation = Simulation::new(loaded.clone());
        let inserted = 100.0 * 3.5 * 86_400.0 * simulation.heap().key_bytes(0);
        let grown = simulation.used_memory_at_horizon().as_f64() - simulation.used_memory().as_f64();
        assert!((grown / inserted - 1.0).abs() < 1e-6, "{grown} {inserted}");
        loaded.server.maxmemory_policy = MaxmemoryPolicy::AllKeys;
        assert_eq!(Simulation::new(loaded).used_memory_at_horizon(), Bytes::gib(12));
    }

    #[test]
    fn a_half_full_server_must_fit_when_it_is_full() {
        let mut half = host(0.0);
        half.server.maxmemory = Some(Bytes::gib(15));
        half.dataset.fill = Fill::Maxmemory(0.5);
        assert!(!Simulation::new(half).fit().holds());
    }
}
