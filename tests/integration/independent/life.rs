//! One host's life, step by step: the clock moves on by a few seconds, everything is added up, and then it is looked at
//! what that leads to.

use forkcast::memory::law_error::{self, LawError};
use forkcast::memory::rdb::{key_command_bytes, set_bytes};
use forkcast::memory::{RdbCache, Spread};
use forkcast::model::host::{Fill, Keyspace, LawErrors, MaxmemoryPolicy, WriteRate};
use forkcast::model::{Cause, Host};

use super::copies::{Heap, Writes, kind};
use super::dice::Dice;
use super::kernel::{kept_back, page_tables};
use super::load::{Load, Recording};
use super::saving::{Saving, compresses_values};
use super::starts::Starts;

const MIB: f64 = 1024.0 * 1024.0;

/// Page cache under writeback while a file is written: two windows of 4 MiB.
const UNWRITTEN_CACHE: f64 = 8.0 * MIB;
/// Text and libraries that the server maps and its child mostly does not.
const SERVER_FILE_PAGES: f64 = 5.0 * MIB;
/// From the limit to the kill: median \[s\], standard deviation of the logarithm, and the longest \[s\].
const STALL: (f64, f64, f64) = (4.7, 2.9, 600.0);
/// How long a child outlives its server \[s\].
const ORPHAN: (f64, f64) = (0.1, 1.1);
/// A failed save is tried again this long after it was begun \[s\].
const SAVE_RETRY: f64 = 6.0;
/// What waits for a busy disk before it reaches the append-only file \[s\].
const POSTPONED: f64 = 2.0;
/// A stall that lasts longer is an incident, whomever it ends with \[s\].
const LONG_STALL: f64 = 10.0;

/// How far the clock moves at once \[s\].
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    pub(super) with_child: f64,
    pub(super) without: f64,
}

/// What a replication comes to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Figures {
    /// By the place of the cause in [`Cause::ALL`].
    pub(super) kills: [f64; Cause::ALL.len()],
    pub(super) forks: [f64; Cause::ALL.len()],
    /// Killed servers, and long stalls that ended otherwise.
    pub(super) incidents: f64,
    pub(super) cow_peak: f64,
    pub(super) downtime: f64,
    pub(super) served: f64,
}

struct Child {
    cause: Cause,
    /// Seconds that it needs in all, and still.
    needs: f64,
    remaining: f64,
    /// The keys and the resident set at the fork, and what was done since.
    counts: Vec<f64>,
    resident: f64,
    writes: Vec<Writes>,
    appended: f64,
    commands: f64,
    changes: f64,
    data: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Serving,
    /// Nobody gets on, from one time until the killer comes.
    Stalled(f64, f64),
    /// Dead until somebody starts it anew.
    Dead(f64),
    Loading(f64),
}

/// The append-only file.
struct Log {
    base: f64,
    size: f64,
    /// Data in the snapshot that it begins with, and commands after that.
    data: f64,
    commands: f64,
    failures: u32,
    not_before: f64,
}

/// The last snapshot.
struct Snapshot {
    saved_at: f64,
    tried_at: f64,
    is_ok: bool,
    changes: f64,
    data: f64,
}

/// What the host's inputs turned out to be.
struct Drawn {
    reserved: f64,
    fragmentation: f64,
    clients: f64,
    load_throughput: f64,
    aof_replay_rate: f64,
    law_error: f64,
    growth_per_second: f64,
    spreads: Vec<Spread>,
}

pub(super) struct Life<'a> {
    host: &'a Host,
    steps: Steps,
    dice: Dice,
    heap: &'a Heap,
    load: Load<'a>,
    drawn: Drawn,
    saving: Saving,
    starts: Starts,
    now: f64,
    phase: Phase,
    counts: Vec<f64>,
    child: Option<Child>,
    log: Log,
    snapshot: Snapshot,
    backups: f64,
    backup_due: f64,
    backup_waits: bool,
    figures: Figures,
}

impl<'a> Life<'a> {
    pub(super) fn begin(
        host: &'a Host,
        heap: &'a Heap,
        recording: Option<&'a Recording>,
        steps: Steps,
        replication: u64,
    ) -> Self {
        check(host);
        let mut dice = Dice::of(replication);
        let clients = dice.of_interval(host.server.client_memory);
        let counts = heap.filling(host, data_at_start(host, clients));
        let drawn = Drawn::draw(host, clients, &counts, &mut dice);
        let load = Load::draw(host, recording, &counts, &mut dice);
        let saving = Saving::draw(host, &mut dice);
        let data = heap.used(&counts);
        let log = Log::at_start(host, &load, saving.file_bytes(&counts), data, &mut dice);
        let mean_changes = all(&load.mean());
        let changes = dice.uniform() * save_point_cycle(host, mean_changes) * mean_changes;
        let snapshot = Snapshot { saved_at: 0.0, tried_at: -SAVE_RETRY, is_ok: true, changes, data };
        let mut life = Self {
            host,
            steps,
            dice,
            heap,
            load,
            drawn,
            saving,
            starts: Starts::none(),
            now: 0.0,
            phase: Phase::Serving,
            counts,
            child: None,
            log,
            snapshot,
            backups: 0.0,
            backup_due: f64::INFINITY,
            backup_waits: false,
            figures: Figures::default(),
        };
        life.plan_backup();
        life
    }

    pub(super) fn run(mut self) -> Figures {
        let horizon = self.host.horizon.as_secs_f64();
        while self.now < horizon {
            self.load.begin_minute(self.now, &mut self.dice);
            self.ask_for_backup();
            self.fork_what_is_due();
            let until = self.next_look().min(horizon);
            self.pass(until - self.now);
            self.now = until;
            self.look();
        }
        self.figures
    }

    fn next_look(&self) -> f64 {
        let step = if self.child.is_some() { self.steps.with_child } else { self.steps.without };
        let child = match (&self.child, self.phase) {
            (Some(child), Phase::Serving) => self.now + child.remaining,
            _ => f64::INFINITY,
        };
        let phase = match self.phase {
            Phase::Stalled(_, until) | Phase::Dead(until) | Phase::Loading(until) => until,
            Phase::Serving => f64::INFINITY,
        };
        let looks = [
            self.now + step,
            self.load.next_change(),
            self.load.next_edge(self.now),
            self.backup_due,
            self.next_fork(),
            child,
            phase,
        ];
        looks.into_iter().fold(f64::INFINITY, f64::min)
    }

    /// Lets time pass.
    fn pass(&mut self, seconds: f64) {
        if self.phase != Phase::Serving {
            self.figures.downtime += seconds;
            return;
        }
        self.figures.served += seconds;
        if let Some(child) = &mut self.child {
            child.remaining -= seconds;
        }
        if self.accepts_writes() {
            self.write(seconds);
        }
    }

    fn write(&mut self, seconds: f64) {
        let mut rates = self.load.now(self.now);
        let is_growing = rates.iter().any(|rate| rate.insert > rate.delete);
        if is_growing && self.data() >= self.data_limit() {
            // Keys beyond maxmemory are refused.
            for rate in &mut rates {
                rate.insert = rate.insert.min(rate.delete);
            }
        }
        if self.drawn.growth_per_second > 0.0 && self.data() < self.data_limit() {
            // New keys like those that are there, beside what the load inserts.
            let factor = 1.0 + self.drawn.growth_per_second * seconds / self.heap.bytes_of_keys(&self.counts);
            self.counts.iter_mut().for_each(|count| *count *= factor);
        }
        for (index, rate) in rates.iter().enumerate() {
            self.counts[index] += (rate.insert - rate.delete) * seconds;
            self.snapshot.changes += rate.all() * seconds;
            let appended = appended_bytes(self.host, index, *rate) * seconds;
            self.log.size += appended;
            self.log.commands += rate.all() * seconds;
            if let Some(child) = &mut self.child {
                child.writes[index].add(*rate, seconds);
                child.appended += appended;
                child.commands += rate.all() * seconds;
            }
        }
    }

    /// Looks at what has come of it.
    fn look(&mut self) {
        match self.phase {
            Phase::Serving => {
                let copied = self.child.as_ref().map_or(0.0, |child| self.copied(child));
                let beyond = (self.memory_beside_copies() + copied - self.capacity()).max(0.0);
                // A copy that finds no page is not made.
                self.figures.cow_peak = self.figures.cow_peak.max(copied - beyond);
                if beyond > 0.0 {
                    self.phase = Phase::Stalled(self.now, self.now + self.stall_seconds());
                } else if self.child.as_ref().is_some_and(|child| child.remaining < 1e-6) {
                    self.child_succeeds();
                }
            }
            Phase::Stalled(since, until) if self.now >= until => self.kill(self.now - since),
            Phase::Dead(until) if self.now >= until => {
                self.starts.started(self.now);
                self.phase = Phase::Loading(self.now + self.load_kept());
            }
            Phase::Loading(until) if self.now >= until => self.loaded(),
            _ => {}
        }
    }

    // The memory of the host.

    fn data(&self) -> f64 {
        self.heap.used(&self.counts)
    }

    fn data_limit(&self) -> f64 {
        let maxmemory = self.host.server.maxmemory.map_or(f64::INFINITY, forkcast::units::Bytes::as_f64);
        maxmemory - self.drawn.clients
    }

    fn resident(&self) -> f64 {
        self.data() * self.drawn.fragmentation
    }

    fn copied(&self, child: &Child) -> f64 {
        let progress = 1.0 - (child.remaining / child.needs).max(0.0);
        let expected = self.heap.copied(&child.counts, &child.writes, &self.drawn.spreads, progress);
        // As far off as the law is, there is no more to copy than there was.
        (expected * self.drawn.law_error).min(expected.max(child.resident))
    }

    fn memory_beside_copies(&self) -> f64 {
        let page = self.host.machine.page_size.as_f64();
        let (resident, clients) = (self.resident(), self.drawn.clients);
        let alone = self.drawn.reserved + resident + clients + page_tables(resident + clients, page);
        let Some(child) = &self.child else { return alone };
        let waiting = if self.host.persistence.aof.is_some() { self.append_rate() * POSTPONED } else { 0.0 };
        alone + own_memory(self.host) + page_tables(child.resident, page) + UNWRITTEN_CACHE + waiting
    }

    fn append_rate(&self) -> f64 {
        let rates = self.load.now(self.now);
        rates.iter().enumerate().map(|(index, rate)| appended_bytes(self.host, index, *rate)).sum()
    }

    fn capacity(&self) -> f64 {
        let ram = self.host.machine.ram.as_f64();
        ram - kept_back(ram)
    }

    // Forks.

    fn accepts_writes(&self) -> bool {
        let persistence = &self.host.persistence;
        let may_refuse = persistence.stop_writes_on_bgsave_error && !persistence.save_points.is_empty();
        self.snapshot.is_ok || !may_refuse
    }

    fn plan_backup(&mut self) {
        if let Some(backup) = self.host.backup {
            let day = backup.at.as_secs_f64() + self.backups * backup.every.as_secs_f64();
            self.backup_due = day + backup.jitter.as_secs_f64() * self.dice.uniform();
            self.backups += 1.0;
        }
    }

    fn ask_for_backup(&mut self) {
        if self.now >= self.backup_due {
            self.plan_backup();
            // A server that is not there misses it.
            self.backup_waits = matches!(self.phase, Phase::Serving | Phase::Stalled(..));
        }
    }

    fn fork_what_is_due(&mut self) {
        if self.phase != Phase::Serving || self.child.is_some() {
            return;
        }
        if self.save_point_is_due() {
            self.fork(Cause::SavePoint);
        } else if self.rewrite_is_due() {
            self.fork(Cause::AofRewrite);
        } else if self.backup_waits {
            self.backup_waits = false;
            self.fork(Cause::Backup);
        }
    }

    fn save_point_is_due(&self) -> bool {
        let snapshot = &self.snapshot;
        let may_try = snapshot.is_ok || self.now - snapshot.tried_at >= SAVE_RETRY;
        let mut points = self.host.persistence.save_points.iter();
        // It compares whole seconds.
        let since = self.now - snapshot.saved_at - 1.0;
        may_try && points.any(|p| snapshot.changes >= p.changes as f64 && since >= p.seconds as f64)
    }

    fn rewrite_is_due(&self) -> bool {
        let Some(aof) = self.host.persistence.aof else { return false };
        let grown = self.log.size >= self.log.base * (1.0 + aof.percentage / 100.0);
        grown && self.log.size > aof.min_size.as_f64() && self.now >= self.log.not_before
    }

    /// When there are changes enough for a fork, at the rate of now: that is in a busy minute rather than in a quiet
    /// one, so the fork must not wait for the next.
    fn next_fork(&self) -> f64 {
        if self.phase != Phase::Serving || self.child.is_some() || !self.accepts_writes() {
            return f64::INFINITY;
        }
        let mut first = f64::INFINITY;
        if let Some(aof) = self.host.persistence.aof {
            let grown = (self.log.base * (1.0 + aof.percentage / 100.0)).max(aof.min_size.as_f64());
            let due = self.now + (grown - self.log.size) / self.append_rate();
            first = first.min(due.max(self.log.not_before));
        }
        let changes_a_second = all(&self.load.now(self.now));
        for point in &self.host.persistence.save_points {
            let due = self.now + (point.changes as f64 - self.snapshot.changes) / changes_a_second;
            first = first.min(due.max(self.snapshot.saved_at + point.seconds as f64 + 1.0));
        }
        first.max(self.now) + 1e-3
    }

    fn fork(&mut self, cause: Cause) {
        self.figures.forks[cause as usize] += 1.0;
        if cause != Cause::AofRewrite {
            self.snapshot.tried_at = self.now;
        }
        let data = self.data();
        let needs = self.saving.seconds(&self.counts, data, self.now, &mut self.dice);
        self.child = Some(Child {
            cause,
            needs,
            remaining: needs,
            counts: self.counts.clone(),
            resident: self.resident() + self.drawn.clients,
            writes: vec![Writes::default(); self.counts.len()],
            appended: 0.0,
            commands: 0.0,
            changes: self.snapshot.changes,
            data,
        });
    }

    fn child_succeeds(&mut self) {
        let Some(child) = self.child.take() else { return };
        self.starts.saved();
        if child.cause == Cause::AofRewrite {
            // What was appended since the fork goes on top of the new file.
            let size = self.saving.file_bytes(&child.counts) + child.appended;
            let (data, commands) = (child.data, child.commands);
            self.log = Log { base: size, size, data, commands, failures: 0, not_before: 0.0 };
            return;
        }
        self.snapshot.saved_at = self.now;
        self.snapshot.changes -= child.changes;
        self.snapshot.is_ok = true;
        self.snapshot.data = child.data;
    }

    fn child_fails(&mut self, child: &Child) {
        if child.cause != Cause::AofRewrite {
            self.snapshot.is_ok = false;
            return;
        }
        self.log.failures += 1;
        if self.log.failures >= 3 {
            let minutes = 2f64.powi(i32::try_from(self.log.failures).unwrap() - 3).min(60.0);
            self.log.not_before = self.now + 60.0 * minutes;
        }
    }

    // Kills, and what follows.

    fn stall_seconds(&mut self) -> f64 {
        let (median, sigma, longest) = STALL;
        (median * (sigma * self.dice.normal()).exp()).min(longest)
    }

    fn kill(&mut self, stalled: f64) {
        let takes_child = self.takes_child();
        let child = self.child.take();
        let cause = child.as_ref().map_or(Cause::Growth, |child| child.cause);
        self.figures.kills[cause as usize] += 1.0;
        match child {
            Some(child) if takes_child => {
                self.figures.incidents += f64::from(u8::from(stalled > LONG_STALL));
                self.child_fails(&child);
                self.phase = Phase::Serving;
            }
            orphan => self.server_dies(orphan.is_some()),
        }
    }

    /// Whether the child is worse than its server: the pages of both, and what the child adds to its score itself.
    fn takes_child(&self) -> bool {
        let Some(child) = &self.child else { return false };
        let machine = &self.host.machine;
        let page = machine.page_size.as_f64();
        let resident = self.resident() + self.drawn.clients;
        let server = resident + SERVER_FILE_PAGES + page_tables(resident, page);
        let adjustment = if self.host.server.oom_score_adj { 0.8 * machine.ram.as_f64() } else { 0.0 };
        child.resident + own_memory(self.host) + page_tables(child.resident, page) + adjustment >= server
    }

    fn server_dies(&mut self, leaves_orphan: bool) {
        self.figures.incidents += 1.0;
        self.backup_waits = false;
        let (shortest, longest) = ORPHAN;
        let orphan = if leaves_orphan { shortest + (longest - shortest) * self.dice.uniform() } else { 0.0 };
        let start = self.starts.killed(&self.host.server, self.now, &mut self.dice);
        self.phase = Phase::Dead(self.now + start.max(orphan));
    }

    /// Returns to what the files hold, and says how long that takes to load: a snapshot, and what was appended to it.
    fn load_kept(&mut self) -> f64 {
        if self.host.persistence.aof.is_some() {
            return self.log.data / self.drawn.load_throughput
                + self.log.commands / self.drawn.aof_replay_rate;
        }
        let factor = self.snapshot.data / self.data();
        self.counts.iter_mut().for_each(|count| *count *= factor);
        self.data() / self.drawn.load_throughput
    }

    fn loaded(&mut self) {
        self.phase = Phase::Serving;
        self.starts.loaded(self.now);
        let data = self.data();
        self.snapshot =
            Snapshot { saved_at: self.now, tried_at: -SAVE_RETRY, is_ok: true, changes: 0.0, data };
        self.log.failures = 0;
        self.log.not_before = 0.0;
    }
}

impl Drawn {
    fn draw(host: &Host, clients: f64, counts: &[f64], dice: &mut Dice) -> Self {
        let spread = |(keyspace, &keys): (&Keyspace, &f64)| {
            let popularity = keyspace.popularity;
            let likely = Spread::new(popularity.likely, keys);
            if popularity.likely == popularity.high {
                return likely;
            }
            likely.mixed_with(&Spread::new(popularity.high, keys), dice.uniform())
        };
        let spreads = host.dataset.keyspaces.iter().zip(counts).map(spread).collect();
        Self {
            reserved: dice.of_interval(host.machine.reserved),
            fragmentation: dice.of_interval(host.server.fragmentation_ratio),
            clients,
            load_throughput: dice.of_interval(host.server.load_throughput),
            aof_replay_rate: dice.of_interval(host.server.aof_replay_rate),
            law_error: draw_law_error(host, counts, dice),
            growth_per_second: dice.of_interval(host.dataset.growth_per_day) / 86_400.0,
            spreads,
        }
    }
}

impl Log {
    /// Somewhere between two rewrites: what was appended since the last are writes like those to come.
    fn at_start(host: &Host, load: &Load, file: f64, data: f64, dice: &mut Dice) -> Self {
        let growth = host.persistence.aof.map_or(0.0, |aof| dice.uniform() * aof.percentage / 100.0);
        let mean = load.mean();
        let appended: f64 =
            mean.iter().enumerate().map(|(index, writes)| appended_bytes(host, index, *writes)).sum();
        let commands = file * growth * all(&mean) / appended;
        Self { base: file, size: file * (1.0 + growth), data, commands, failures: 0, not_before: 0.0 }
    }
}

/// How far off the law of copies is on this host: as on one of the measured saves of its kind, keyspaces each by their
/// share of the writes.
fn draw_law_error(host: &Host, counts: &[f64], dice: &mut Dice) -> f64 {
    if host.law_error == LawErrors::None {
        return 1.0;
    }
    assert!(host.traffic.jobs.is_empty(), "a job has its share of the writes too");
    let mut shares = Vec::new();
    for (keyspace, count) in host.dataset.keyspaces.iter().zip(counts) {
        let rate = match keyspace.write_rate {
            WriteRate::Total(rate) => rate.high,
            WriteRate::PerKey(rate) => rate.high * count,
        };
        let moving = keyspace.operations.insert + keyspace.operations.delete;
        shares.push((law_error::Load::Moving, rate * moving));
        shares.push((law_error::Load::overwriting(kind(keyspace).value), rate * (1.0 - moving)));
    }
    let errors = LawError::of(&host.server.layout, host.server.allocator, &shares);
    errors.map_or(1.0, |errors| errors.quantile(dice.uniform()))
}

fn all(writes: &[Writes]) -> f64 {
    writes.iter().map(|writes| writes.all()).sum()
}

/// What this loop knows nothing of.
fn check(host: &Host) {
    let machine = &host.machine;
    assert!(machine.swap.0 == 0 && machine.page_size.0 == 4096 && machine.ram.as_gib() > 4.0);
    assert!(machine.container.is_none() && machine.huge_pages.is_none() && host.tenancy.servers == 1);
    assert!(host.replication.replicas == 0 && machine.kernel >= (5, 1));
    assert_eq!(host.server.maxmemory_policy, MaxmemoryPolicy::NoEviction);
    assert_eq!(host.server.layout.rdb_cache, RdbCache::Dropped, "a stall depends on the cache");
    assert!(host.dataset.growth_per_day.high <= 0.0 || host.persistence.aof.is_none());
}

/// `used_memory` at time 0 without what clients take of it.
fn data_at_start(host: &Host, clients: f64) -> f64 {
    let (Fill::Maxmemory(fill), Some(maxmemory)) = (host.dataset.fill, host.server.maxmemory) else {
        panic!("every scenario here fills its maxmemory");
    };
    maxmemory.as_f64() * fill - clients
}

/// Seconds between two saves of the most frequent save point.
fn save_point_cycle(host: &Host, mean_changes: f64) -> f64 {
    let points = host.persistence.save_points.iter();
    let cycles = points.map(|p| (p.seconds as f64).max(p.changes as f64 / mean_changes.max(1e-9)));
    cycles.fold(86_400.0, f64::min)
}

fn appended_bytes(host: &Host, keyspace: usize, writes: Writes) -> f64 {
    let kind = kind(&host.dataset.keyspaces[keyspace]);
    (writes.set + writes.insert) * set_bytes(kind) as f64
        + writes.delete * key_command_bytes(kind, 3) as f64
        + writes.incr * key_command_bytes(kind, 4) as f64
}

/// A child's own memory: half a MiB, and 0.55 MiB more where it compresses strings.
fn own_memory(host: &Host) -> f64 {
    if compresses_values(host) { 1.05 * MIB } else { 0.5 * MIB }
}
