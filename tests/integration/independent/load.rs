//! What the clients write at any moment: rates drawn once a replication, noise day by day, hour by hour and minute by
//! minute, bursts, and jobs.

use forkcast::model::Host;
use forkcast::model::host::{Job, Keyspace, Operation, Shape, WriteRate};

use super::copies::Writes;
use super::dice::Dice;

const MINUTE: f64 = 60.0;
const HOUR: f64 = 3600.0;
const DAY: f64 = 86_400.0;
const YEAR_DAYS: f64 = 365.25;

/// A recorded load: for each whole day of it the factor of each minute, 1 on average.
pub(super) struct Recording(Vec<Vec<f64>>);

impl Recording {
    /// Reads `timestamp,value` rows with timestamps like `2014-04-10 00:04:00`, in order, at most five minutes apart but
    /// for gaps. A value holds until the next.
    pub(super) fn read(text: &str) -> Self {
        let mut days: Vec<(&str, Vec<(usize, f64)>)> = Vec::new();
        for row in text.lines().skip(1) {
            let (timestamp, value) = row.split_once(',').unwrap();
            let (day, time) = timestamp.split_once(' ').unwrap();
            let (hours, minutes) =
                (time[..2].parse::<usize>().unwrap(), time[3..5].parse::<usize>().unwrap());
            if days.last().is_none_or(|(last, _)| *last != day) {
                days.push((day, Vec::new()));
            }
            days.last_mut().unwrap().1.push((hours * 60 + minutes, value.parse().unwrap()));
        }
        let is_whole = |rows: &[(usize, f64)]| rows[0].0 <= 5 && rows.last().unwrap().0 >= 24 * 60 - 5;
        let whole = days.into_iter().map(|(_, rows)| rows).filter(|rows| is_whole(rows));
        let mut before = None;
        let mut days: Vec<Vec<f64>> = whole.map(|rows| minutes_of(&rows, &mut before)).collect();
        let mean = days.iter().flatten().sum::<f64>() / (days.len() * 24 * 60) as f64;
        days.iter_mut().flatten().for_each(|value| *value /= mean);
        Self(days)
    }
}

/// The minutes of a day, before whose first row the last value of the day `before` holds.
fn minutes_of(rows: &[(usize, f64)], before: &mut Option<f64>) -> Vec<f64> {
    let mut value = before.unwrap_or(rows[0].1);
    let mut rows = rows.iter().peekable();
    let mut minutes = Vec::new();
    for minute in 0..24 * 60 {
        while let Some((_, new)) = rows.next_if(|(from, _)| *from <= minute) {
            value = *new;
        }
        minutes.push(value);
    }
    *before = Some(value);
    minutes
}

/// The load of one replication.
pub(super) struct Load<'a> {
    host: &'a Host,
    recording: Option<&'a Recording>,
    /// Mean writes a second of each keyspace, and what a write is.
    keyspaces: Vec<(f64, Writes)>,
    /// Writes a second of each job, and what a write is.
    jobs: Vec<(f64, Writes)>,
    /// When each job last began and ends.
    runs: Vec<(f64, f64)>,
    /// When each burst that has been drawn begins and ends.
    bursts: Vec<(f64, f64)>,
    /// The next minute, counted from time 0, for which the noise has to be drawn.
    next_minute: usize,
    recorded_day: usize,
    day: f64,
    hour: f64,
    /// The noise of each minute of the hour, 1 on average: it spreads the writes of the hour and makes them no more.
    minutes: Vec<f64>,
    /// The standard normal behind the noise of the hour.
    hour_normal: f64,
}

impl<'a> Load<'a> {
    pub(super) fn draw(
        host: &'a Host,
        recording: Option<&'a Recording>,
        counts: &[f64],
        dice: &mut Dice,
    ) -> Self {
        let keyspaces = host.dataset.keyspaces.iter().zip(counts).map(|(keyspace, &count)| {
            let rate = match keyspace.write_rate {
                WriteRate::Total(rate) => dice.of_interval(rate),
                WriteRate::PerKey(rate) => dice.of_interval(rate) * count,
            };
            (rate, a_write(keyspace))
        });
        let keyspaces = keyspaces.collect();
        let jobs = host.traffic.jobs.iter();
        let jobs = jobs.map(|job| (dice.of_interval(job.writes_per_second), a_job_write(job)));
        let mut load = Self {
            host,
            recording,
            keyspaces,
            jobs: jobs.collect(),
            runs: vec![(f64::INFINITY, f64::INFINITY); host.traffic.jobs.len()],
            bursts: Vec::new(),
            next_minute: 0,
            recorded_day: 0,
            day: 1.0,
            hour: 1.0,
            minutes: Vec::new(),
            hour_normal: dice.normal(),
        };
        // A burst of the day before may still run.
        load.draw_burst(-DAY, dice);
        load
    }

    /// A day begins a burst now and then, at any time of it.
    fn draw_burst(&mut self, midnight: f64, dice: &mut Dice) {
        let Some(burst) = self.host.traffic.burst else { return };
        if dice.uniform() < burst.per_year / YEAR_DAYS {
            let begin = midnight + DAY * dice.uniform();
            self.bursts.push((begin, begin + burst.duration.as_secs_f64()));
        }
    }

    /// Draws the noise of the minute that begins at `now`, if one does.
    pub(super) fn begin_minute(&mut self, now: f64, dice: &mut Dice) {
        if now < self.next_change() {
            return;
        }
        let (traffic, minute) = (&self.host.traffic, self.next_minute);
        if minute.is_multiple_of(24 * 60) {
            self.draw_burst(now, dice);
            self.day = dice.noise(traffic.noise_day);
            self.recorded_day = self.recording.map_or(0, |recording| dice.below(recording.0.len()));
            for (run, job) in self.runs.iter_mut().zip(&traffic.jobs) {
                let start = now + job.at.as_secs_f64() + job.jitter.as_secs_f64() * dice.uniform();
                assert!(start + job.duration.as_secs_f64() < now + DAY, "a job ends on its day");
                *run = (start, start + job.duration.as_secs_f64());
            }
        }
        if minute.is_multiple_of(60) {
            // An hour is like the one before it, as far as they correlate.
            let (sigma, like) = (traffic.noise_hour, traffic.hour_correlation);
            self.hour_normal = like * self.hour_normal + (1.0 - like * like).sqrt() * dice.normal();
            self.hour = (sigma * self.hour_normal - sigma * sigma / 2.0).exp();
            self.minutes = (0..60).map(|_| dice.noise(traffic.noise_minute)).collect();
            let mean = self.minutes.iter().sum::<f64>() / 60.0;
            self.minutes.iter_mut().for_each(|minute| *minute /= mean);
        }
        self.next_minute += 1;
    }

    /// When the load may change by itself next.
    pub(super) fn next_change(&self) -> f64 {
        self.next_minute as f64 * MINUTE
    }

    /// When a job or a burst begins or ends after `now`.
    pub(super) fn next_edge(&self, now: f64) -> f64 {
        let edges = self.runs.iter().chain(&self.bursts).flat_map(|&(from, until)| [from, until]);
        edges.filter(|&edge| edge > now).fold(f64::INFINITY, f64::min)
    }

    fn shape(&self, now: f64) -> f64 {
        match (&self.host.traffic.shape, self.recording) {
            (Shape::Hourly(factors), None) => factors[whole(now / HOUR) % (7 * 24)],
            (Shape::Trace(_), Some(Recording(days))) => {
                days[self.recorded_day][whole(now / MINUTE) % (24 * 60)]
            }
            _ => panic!("a recorded load needs its file"),
        }
    }

    /// How many times the load the bursts make of it.
    fn burst(&self, now: f64) -> f64 {
        let Some(burst) = self.host.traffic.burst else { return 1.0 };
        let running = self.bursts.iter().filter(|(from, until)| (*from..*until).contains(&now)).count();
        1.0 + (burst.factor - 1.0) * running as f64
    }

    /// Writes a second to each keyspace from `now` to the next change.
    pub(super) fn now(&self, now: f64) -> Vec<Writes> {
        let mut writes = vec![Writes::default(); self.keyspaces.len()];
        let mut of_jobs = 0.0;
        for ((&(rate, write), job), &(from, until)) in
            self.jobs.iter().zip(&self.host.traffic.jobs).zip(&self.runs)
        {
            if (from..until).contains(&now) {
                writes[job.keyspace].add(write, rate);
                of_jobs += rate;
            }
        }
        let mean: f64 = self.keyspaces.iter().map(|(rate, _)| rate).sum();
        let noise = self.day * self.hour * self.minutes[whole(now / MINUTE) % 60];
        let factor = self.shape(now) * noise * self.burst(now);
        let room = (self.host.traffic.max_writes_per_second - of_jobs).max(0.0);
        let factor = factor.min(room / mean.max(1e-9));
        for (writes, &(rate, write)) in writes.iter_mut().zip(&self.keyspaces) {
            writes.add(write, rate * factor);
        }
        writes
    }

    /// Writes a second to each keyspace on average, over time and noise and without bursts.
    pub(super) fn mean(&self) -> Vec<Writes> {
        let mut writes = vec![Writes::default(); self.keyspaces.len()];
        for (writes, &(rate, write)) in writes.iter_mut().zip(&self.keyspaces) {
            writes.add(write, rate);
        }
        for (&(rate, write), job) in self.jobs.iter().zip(&self.host.traffic.jobs) {
            writes[job.keyspace].add(write, rate * job.duration.as_secs_f64() / DAY);
        }
        writes
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "time since time 0 in small units"
)]
fn whole(number: f64) -> usize {
    number as usize
}

fn a_write(keyspace: &Keyspace) -> Writes {
    let mix = keyspace.operations;
    Writes { set: mix.set, incr: mix.incr, hset: mix.hset, insert: mix.insert, delete: mix.delete }
}

fn a_job_write(job: &Job) -> Writes {
    let none = Writes::default();
    match job.operation {
        Operation::Set => Writes { set: 1.0, ..none },
        Operation::Incr => Writes { incr: 1.0, ..none },
        Operation::Hset => Writes { hset: 1.0, ..none },
        Operation::Insert => Writes { insert: 1.0, ..none },
    }
}
