//! What the load does to the keys: rates drawn for one replication, integrated over its weather.

use std::cell::Cell;

use smallvec::SmallVec;

use crate::memory::{Exposure, Exposures, KeyKind, rdb, replication};
use crate::model::Uncertain;
use crate::model::draws::Draws;
use crate::model::host::{Content, Job, Keyspace, Operation, OperationMix, WriteRate};
use crate::model::weather::Weather;
use crate::rng::Purpose;
use crate::units::{SimDuration, SimTime};

/// An amount that accrues with the load: so much a base second and so much a second of each job.
#[derive(Clone, Debug, PartialEq)]
pub struct Accrual {
    base: f64,
    jobs: Vec<f64>,
}

/// What passes of the load between two instants: base seconds, and seconds of each job.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    base: f64,
    jobs: SmallVec<[f64; 2]>,
}

impl Span {
    /// How much of `accrual` comes in it.
    pub fn of(&self, accrual: &Accrual) -> f64 {
        let jobs = accrual.jobs.iter().zip(&self.jobs);
        accrual.base * self.base + jobs.map(|(rate, seconds)| rate * seconds).sum::<f64>()
    }

    /// Whether no more passes than in `other`, of anything.
    pub fn is_within(&self, other: &Self) -> bool {
        self.base <= other.base && self.jobs.iter().zip(&other.jobs).all(|(own, others)| own <= others)
    }
}

/// The rates of one replication.
#[derive(Clone, Debug)]
pub struct Rates {
    /// Writes a second of each keyspace, at the mean.
    pub keyspaces: Vec<f64>,
    /// Writes a second of each job.
    pub jobs: Vec<f64>,
}

impl Rates {
    /// Draws the rates; `keys` are the keys of each keyspace at time 0.
    pub fn draw(keyspaces: &[Keyspace], jobs: &[Job], keys: &[f64], cap: f64, draws: &Draws<'_>) -> Self {
        let draw =
            |rate: Uncertain, purpose, number: usize| rate.quantile(draws.quantile(purpose, number)).min(cap);
        let keyspace = |(number, keyspace): (usize, &Keyspace)| match keyspace.write_rate {
            WriteRate::Total(rate) => draw(rate, Purpose::WriteRate, number),
            WriteRate::PerKey(rate) => draw(rate, Purpose::WriteRate, number) * keys[number],
        };
        let job = |(number, job): (usize, &Job)| draw(job.writes_per_second, Purpose::JobRate, number);
        Self {
            keyspaces: keyspaces.iter().enumerate().map(keyspace).collect(),
            jobs: jobs.iter().enumerate().map(job).collect(),
        }
    }
}

/// The load of one replication.
#[derive(Debug)]
pub struct Load<'a> {
    weather: &'a Weather<'a>,
    rates: &'a Rates,
    keyspaces: &'a [Keyspace],
    jobs: &'a [Job],
    /// Changes as the `save` points count them.
    pub changes: Accrual,
    /// Bytes appended to the append-only file, and sent to replicas.
    pub appended: Accrual,
    /// The instants looked at last, the later one first, and the base seconds up to each.
    looked_at: Cell<[(SimTime, f64); 2]>,
}

impl<'a> Load<'a> {
    /// The load of `rates` under `weather`; `kinds` are the layouts of the keyspaces.
    pub fn new(
        weather: &'a Weather<'a>,
        rates: &'a Rates,
        keyspaces: &'a [Keyspace],
        jobs: &'a [Job],
        kinds: &[KeyKind],
    ) -> Self {
        let accrual = |per_write: &dyn Fn(&Exposure, &Keyspace, KeyKind) -> f64| Accrual {
            base: keyspaces
                .iter()
                .zip(&rates.keyspaces)
                .zip(kinds)
                .map(|((keyspace, rate), &kind)| rate * per_write(&of_mix(keyspace), keyspace, kind))
                .sum(),
            jobs: jobs
                .iter()
                .zip(&rates.jobs)
                .map(|(job, rate)| {
                    let keyspace = &keyspaces[job.keyspace];
                    rate * per_write(&of_job(job, keyspace), keyspace, kinds[job.keyspace])
                })
                .collect(),
        };
        let changes = accrual(&|e, _, _| e.set + e.incr + e.hset + e.insert + e.delete);
        let appended = accrual(&appended_bytes);
        let looked_at = Cell::new([(SimTime::ZERO, 0.0); 2]);
        Self { weather, rates, keyspaces, jobs, changes, appended, looked_at }
    }

    /// Base seconds from time 0 to `at`. A save is looked at several times at its fork and at its exit, and nowhere
    /// else: those two are kept.
    fn base_seconds(&self, at: SimTime) -> f64 {
        let [last, before] = self.looked_at.get();
        if let Some((_, known)) = [last, before].into_iter().find(|looked| looked.0 == at) {
            return known;
        }
        let base_seconds = self.weather.base_seconds(at);
        self.looked_at.set([(at, base_seconds), last]);
        base_seconds
    }

    /// What passes between two instants.
    pub fn span(&self, from: SimTime, to: SimTime) -> Span {
        let mut span = Span { base: self.base_seconds(to) - self.base_seconds(from), jobs: SmallVec::new() };
        if !self.jobs.is_empty() {
            span.jobs.extend(self.job_seconds(from, to));
        }
        span
    }

    /// How much of `accrual` comes between two instants.
    pub fn amount(&self, accrual: &Accrual, from: SimTime, to: SimTime) -> f64 {
        let of_base = accrual.base * (self.base_seconds(to) - self.base_seconds(from));
        if self.jobs.is_empty() { of_base } else { of_base + self.of_jobs(accrual, from, to) }
    }

    /// How much of it the jobs bring.
    fn of_jobs(&self, accrual: &Accrual, from: SimTime, to: SimTime) -> f64 {
        let jobs = accrual.jobs.iter().zip(self.job_seconds(from, to));
        jobs.map(|(rate, seconds)| rate * seconds).sum()
    }

    fn job_seconds(&self, from: SimTime, to: SimTime) -> impl Iterator<Item = f64> {
        (0..self.jobs.len()).map(move |job| self.weather.job_seconds(job, from, to))
    }

    /// When `amount` of `accrual` has come since `from`, to a millisecond; `None` if not before `until`.
    ///
    /// Without jobs it can be read off the weather. With them it looks for the hour first, then within it where the
    /// straight line between the bounds crosses, and halves every other time: amounts are nearly straight within an
    /// hour.
    pub fn time_when(
        &self,
        accrual: &Accrual,
        from: SimTime,
        amount: f64,
        until: SimTime,
    ) -> Option<SimTime> {
        if amount <= 0.0 {
            return Some(from);
        }
        if self.jobs.is_empty() {
            let target = self.base_seconds(from) + amount / accrual.base;
            return self.weather.time_of(target, from).filter(|&at| at <= until);
        }
        let so_far = |at| self.amount(accrual, from, at);
        let mut bounds = hour_of(from, until, |at| so_far(at) >= amount)?;
        let mut amounts = (so_far(bounds.0), so_far(bounds.1));
        let mut halve = false;
        while bounds.1.0 - bounds.0.0 > GRAIN.0 {
            let share = if halve { 0.5 } else { (amount - amounts.0) / (amounts.1 - amounts.0) };
            let step = SimDuration::from_secs_f64(share * (bounds.1 - bounds.0).as_secs_f64());
            let inside = SimDuration((bounds.1 - bounds.0).0 - 1);
            let middle = bounds.0 + step.clamp(SimDuration(1), inside);
            let value = so_far(middle);
            if value >= amount {
                (bounds.1, amounts.1) = (middle, value);
            } else {
                (bounds.0, amounts.0) = (middle, value);
            }
            halve = !halve;
        }
        Some(bounds.1)
    }

    /// Whether keys may come beyond those that go.
    pub fn adds_keys(&self) -> bool {
        let of_jobs = self.jobs.iter().map(|job| of_job(job, &self.keyspaces[job.keyspace]));
        self.keyspaces.iter().map(of_mix).chain(of_jobs).any(|exposure| exposure.net_keys() > 0.0)
    }

    /// Operations on each keyspace in a span. Evictions are not the load's and are left out.
    pub fn exposures(&self, span: &Span) -> Exposures {
        let of_keyspace = |(keyspace, rate): (&Keyspace, &f64)| of_mix(keyspace).times(rate * span.base);
        let mut exposures: Exposures =
            self.keyspaces.iter().zip(&self.rates.keyspaces).map(of_keyspace).collect();
        for ((job, rate), &seconds) in self.jobs.iter().zip(&self.rates.jobs).zip(&span.jobs) {
            if seconds > 0.0 {
                let added = of_job(job, &self.keyspaces[job.keyspace]).times(rate * seconds);
                exposures[job.keyspace] = exposures[job.keyspace].plus(&added);
            }
        }
        exposures
    }

    /// Writes a second at `at`, averaged over the minute around it.
    pub fn writes_per_second(&self, at: SimTime) -> f64 {
        let from = SimTime(at.0.saturating_sub(SimDuration::MINUTE.0 / 2));
        self.amount(&self.changes, from, from + SimDuration::MINUTE) / 60.0
    }
}

/// Keys that the load adds beyond those that go, by keyspace.
pub fn net_keys(exposures: &[Exposure]) -> impl Iterator<Item = f64> {
    exposures.iter().map(Exposure::net_keys)
}

/// How closely instants are looked for.
const GRAIN: SimDuration = SimDuration::from_millis(1);

/// Two instants at most an hour apart between which `reached` becomes true; it must stay true once true. `None`
/// where it is not true at `until`.
///
/// Looks at whole hours alone: they cost nothing, while the inside of an hour is drawn minute by minute.
fn hour_of(from: SimTime, until: SimTime, reached: impl Fn(SimTime) -> bool) -> Option<(SimTime, SimTime)> {
    if !reached(until) {
        return None;
    }
    let (mut before, mut after) = (from, until);
    while after.0 - before.0 > SimDuration::HOUR.0 {
        let middle = SimTime(u64::midpoint(before.0, after.0).next_multiple_of(SimDuration::HOUR.0));
        if middle >= after {
            break;
        }
        if reached(middle) { after = middle } else { before = middle }
    }
    Some((before, after))
}

/// The first instant in `[from, until]` at which `reached` holds, to a millisecond; it must stay true once true.
pub fn first_instant(from: SimTime, until: SimTime, reached: impl Fn(SimTime) -> bool) -> Option<SimTime> {
    let (mut before, mut after) = hour_of(from, until, &reached)?;
    if reached(from) {
        return Some(from);
    }
    while after.0 - before.0 > GRAIN.0 {
        let middle = SimTime(u64::midpoint(before.0, after.0));
        if reached(middle) { after = middle } else { before = middle }
    }
    Some(after)
}

/// One write of a keyspace, by operation. Where keys have a TTL, as many expire as are added beyond those deleted.
fn of_mix(keyspace: &Keyspace) -> Exposure {
    let OperationMix { set, incr, hset, insert, delete } = keyspace.operations;
    let random_delete = if keyspace.has_ttl { (insert - delete).max(0.0) } else { 0.0 };
    Exposure { set, incr, hset, insert, delete, random_delete, ..Exposure::default() }
}

/// One write of a job.
fn of_job(job: &Job, keyspace: &Keyspace) -> Exposure {
    match job.operation {
        Operation::Set => Exposure { set: 1.0, ..Exposure::default() },
        Operation::Incr => Exposure { incr: 1.0, ..Exposure::default() },
        Operation::Hset => Exposure { hset: 1.0, ..Exposure::default() },
        Operation::Insert => {
            let random_delete = if keyspace.has_ttl { 1.0 } else { 0.0 };
            Exposure { insert: 1.0, random_delete, ..Exposure::default() }
        }
    }
}

/// Bytes that operations append to the append-only file and to the stream of replicas.
fn appended_bytes(exposure: &Exposure, keyspace: &Keyspace, kind: KeyKind) -> f64 {
    let hset = match keyspace.content {
        Content::Hashes { name, value, .. } => rdb::hset_bytes(kind, name, value) as f64,
        Content::Strings(_) | Content::Integers => 0.0,
    };
    replication::stream_bytes(kind, exposure, hset)
}
