//! The load's weather: how much of its mean a day, an hour and a minute bring.
//!
//! ```text
//! log λ(t) = log shape(t) + log burst(t) + σ_day Z[day] + σ_hour X[hour] + σ_minute Z[minute]   mean-corrected, capped
//! X[0] = Z[0],   X[h] = ρ X[h − 1] + √(1 − ρ²) Z[h]
//! ```
//!
//! Z are standard normal and independent, and so is each X, but for the correlation ρ^k with the X of k hours later:
//! an hour that is busier than others is followed by busy ones.
//!
//! Time is counted in *base seconds*: one second of mean load is one base second. The minutes of an hour are
//! normalised to the hour's own total, so they spread its writes without changing them: whole hours cost
//! one number each, minutes are drawn only where somebody looks inside an hour, and sums agree whichever way
//! they are taken. Random numbers are keyed by the calendar, never drawn in sequence.

use std::cell::OnceCell;

use rand::RngExt;

use crate::model::bursts::Bursts;
use crate::model::host::{Job, Shape, Traffic};
use crate::model::hours::{self, HourNoise};
use crate::model::minutes::{MINUTES, MinuteNoise};
use crate::rng::{Purpose, Stream};
use crate::units::{SimDuration, SimTime};

const HOURS_A_DAY: usize = 24;

/// Cumulative base seconds of an hour at the start of each of its minutes, and at its end.
type Minutes = Box<[f64; MINUTES + 1]>;

/// The weather of one replication.
#[derive(Debug)]
pub struct Weather<'a> {
    traffic: &'a Traffic,
    minute_noise: &'a MinuteNoise,
    stream: Stream,
    horizon: SimDuration,
    /// Mean writes a second that one base second stands for, and the jobs' rates: what the cap is on.
    base_rate: f64,
    job_rates: Vec<f64>,
    /// The most base seconds that a second of any minute may bring.
    busiest: f64,
    /// Cumulative base seconds at the start of each hour.
    hours: Vec<f64>,
    minutes: Vec<OnceCell<Minutes>>,
    /// Recorded day that each simulated day repeats.
    days: Vec<usize>,
    bursts: Bursts,
    /// Start of each job on each day.
    starts: Vec<Vec<SimTime>>,
}

impl<'a> Weather<'a> {
    /// The weather of `stream`'s replication up to `horizon`; `minute_noise` is that of the traffic. `base_rate` is the
    /// mean of all keyspaces' writes a second, `job_rates` the jobs' own.
    pub fn new(
        traffic: &'a Traffic,
        minute_noise: &'a MinuteNoise,
        stream: Stream,
        base_rate: f64,
        job_rates: &[f64],
        horizon: SimDuration,
    ) -> Self {
        let hours = usize::try_from(horizon.0.div_ceil(SimDuration::HOUR.0)).unwrap_or(usize::MAX);
        let days = hours.div_ceil(HOURS_A_DAY);
        let mut weather = Self {
            traffic,
            minute_noise,
            stream,
            horizon,
            base_rate,
            job_rates: job_rates.to_vec(),
            busiest: 0.0,
            hours: Vec::with_capacity(hours + 1),
            minutes: vec![OnceCell::new(); hours],
            days: (0..days).map(|day| recorded_day(&traffic.shape, stream, day)).collect(),
            bursts: Bursts::draw(traffic.burst.as_ref(), stream, days),
            starts: traffic.jobs.iter().enumerate().map(|(n, job)| starts(job, n, stream, days)).collect(),
        };
        weather.accumulate_hours(hours);
        weather
    }

    fn accumulate_hours(&mut self, hours: usize) {
        let mut total = 0.0;
        self.hours.push(total);
        let mut day_factor = 1.0;
        let mut hour_noise = HourNoise::new(self.traffic, self.stream);
        // Six standard deviations up, which a minute exceeds with a chance of 1e-9.
        let most_noise = (6.0 * self.traffic.noise_minute).exp();
        for hour in 0..hours {
            if hour % HOURS_A_DAY == 0 {
                day_factor = hours::of_day(self.traffic, self.stream, (hour / HOURS_A_DAY) as u64);
            }
            let noise = day_factor * hour_noise.next(hour as u64);
            let (mean, peak) = self.shape_of(hour);
            let seconds = noise * mean * 3_600.0;
            let busiest = peak * seconds / 3_600.0 * most_noise;
            self.busiest = self.busiest.max(busiest);
            let may_be_cut = reaches_cap(self.traffic, busiest, self.base_rate, &self.job_rates);
            total += if may_be_cut { self.capped_hour(hour, seconds) } else { seconds };
            self.hours.push(total);
        }
    }

    /// The mean of an hour's shape, bursts included, and its peak over that.
    fn shape_of(&self, hour: usize) -> (f64, f64) {
        let Some(mut of_minutes) = self.bursts.over(hour) else {
            return (self.mean_shape(hour), self.peak_in(hour));
        };
        let of_hour = self.mean_shape(hour);
        for (minute, factor) in of_minutes.iter_mut().enumerate() {
            *factor *= self.recorded_minutes(hour).map_or(of_hour, |minutes| minutes[minute]);
        }
        let mean = of_minutes.iter().sum::<f64>() / MINUTES as f64;
        let peak = of_minutes.iter().copied().fold(0.0, f64::max);
        (mean, if mean > 0.0 { peak / mean } else { 1.0 })
    }

    fn mean_shape(&self, hour: usize) -> f64 {
        match &self.traffic.shape {
            Shape::Hourly(factors) => factors[hour % factors.len()],
            Shape::Trace(days) => days[self.days[hour / HOURS_A_DAY]].hourly(hour % HOURS_A_DAY),
        }
    }

    /// The peak of an hour's shape over its mean.
    fn peak_in(&self, hour: usize) -> f64 {
        match &self.traffic.shape {
            Shape::Hourly(_) => 1.0,
            Shape::Trace(days) => days[self.days[hour / HOURS_A_DAY]].peak_in(hour % HOURS_A_DAY),
        }
    }

    /// The factors of an hour's minutes, where they were recorded.
    fn recorded_minutes(&self, hour: usize) -> Option<&[f64]> {
        match &self.traffic.shape {
            Shape::Hourly(_) => None,
            Shape::Trace(days) => Some(days[self.days[hour / HOURS_A_DAY]].minutes_of(hour % HOURS_A_DAY)),
        }
    }

    /// Spreads an hour over its minutes, cuts each at the cap less the jobs running in it, and returns what is
    /// left of the hour.
    fn capped_hour(&self, hour: usize, seconds: f64) -> f64 {
        let mut minutes = self.spread(hour, seconds);
        let (mut uncut, mut total) = (0.0, 0.0);
        for minute in 0..MINUTES {
            let from = SimTime(hour as u64 * SimDuration::HOUR.0 + minute as u64 * SimDuration::MINUTE.0);
            let room = (self.traffic.max_writes_per_second * 60.0 - self.job_writes(from)).max(0.0);
            let of_minute = minutes[minute + 1] - uncut;
            uncut = minutes[minute + 1];
            total += of_minute.min(room / self.base_rate);
            minutes[minute + 1] = total;
        }
        self.minutes[hour].get_or_init(|| minutes);
        total
    }

    /// Writes of all jobs in the minute after `from`.
    fn job_writes(&self, from: SimTime) -> f64 {
        let jobs = self.job_rates.iter().enumerate();
        jobs.map(|(number, rate)| rate * self.job_seconds(number, from, from + SimDuration::MINUTE)).sum()
    }

    /// Cumulative base seconds over the minutes of an hour that has `seconds` in all.
    fn spread(&self, hour: usize, seconds: f64) -> Minutes {
        let mut of_minutes = self.minute_noise.hour(&mut self.stream.at(Purpose::TrafficMinute, hour as u64));
        if let Some(shape) = self.recorded_minutes(hour) {
            of_minutes.iter_mut().zip(shape).for_each(|(minute, shape)| *minute *= shape);
        }
        if let Some(factors) = self.bursts.over(hour) {
            of_minutes.iter_mut().zip(factors).for_each(|(minute, factor)| *minute *= factor);
        }
        if of_minutes.iter().all(|&minute| minute <= 0.0) {
            of_minutes = [1.0; MINUTES];
        }
        let mut cumulative = running_sums(&of_minutes);
        let scale = seconds / cumulative[MINUTES];
        cumulative.iter_mut().for_each(|value| *value *= scale);
        cumulative
    }

    /// Base seconds from time 0 to `at`; after the horizon none are added.
    pub fn base_seconds(&self, at: SimTime) -> f64 {
        let hour = usize::try_from(at.0 / SimDuration::HOUR.0).unwrap_or(usize::MAX);
        if hour + 1 >= self.hours.len() {
            return self.hours[self.hours.len() - 1];
        }
        let (start, end) = (self.hours[hour], self.hours[hour + 1]);
        let into = at.0 % SimDuration::HOUR.0;
        if into == 0 {
            return start;
        }
        let minutes = self.minutes[hour].get_or_init(|| self.spread(hour, end - start));
        let minute = usize::try_from(into / SimDuration::MINUTE.0).unwrap_or(0);
        let part = (into % SimDuration::MINUTE.0) as f64 / SimDuration::MINUTE.0 as f64;
        start + minutes[minute] + part * (minutes[minute + 1] - minutes[minute])
    }

    /// When so many base seconds have passed since time 0, to a nanosecond above, `from` being an instant before that;
    /// `None` where they never do.
    ///
    /// Looks from where an even load would put it: noise and the time of day move the place by few hours and minutes.
    pub fn time_of(&self, base_seconds: f64, from: SimTime) -> Option<SimTime> {
        if self.hours.last().is_none_or(|&end| end < base_seconds) {
            return None;
        }
        let asked_in = usize::try_from(from.0 / SimDuration::HOUR.0).unwrap_or(usize::MAX);
        let ahead = base_seconds - self.hours.get(asked_in)?;
        let hour = interval_of(&self.hours, base_seconds, asked_in as f64 + ahead / 3_600.0);
        let (start, end) = (self.hours[hour], self.hours[hour + 1]);
        let minutes = self.minutes[hour].get_or_init(|| self.spread(hour, end - start));
        let into = base_seconds - start;
        let minute = interval_of(&minutes[..], into, into / (end - start) * MINUTES as f64);
        let of_minute = minutes[minute + 1] - minutes[minute];
        let part = if of_minute > 0.0 { ((into - minutes[minute]) / of_minute).min(1.0) } else { 1.0 };
        let from = hour as u64 * SimDuration::HOUR.0 + minute as u64 * SimDuration::MINUTE.0;
        let within = SimDuration::from_secs_f64(part * SimDuration::MINUTE.as_secs_f64());
        Some(SimTime(from) + within + SimDuration(1))
    }

    /// Whether it is the same for other rates: they alone decide what a cap cuts, if it cuts anything. Bursts and noise
    /// must be the same, as must be the shape, which is left to the caller.
    fn is_that_of(&self, traffic: &Traffic, base_rate: f64, job_rates: &[f64]) -> bool {
        let is_whole = |traffic, base_rate, jobs| !reaches_cap(traffic, self.busiest, base_rate, jobs);
        let are_same = self.base_rate.to_bits() == base_rate.to_bits()
            && self.job_rates == job_rates
            && self.traffic.max_writes_per_second.to_bits() == traffic.max_writes_per_second.to_bits();
        let are_whole = || {
            is_whole(self.traffic, self.base_rate, &self.job_rates) && is_whole(traffic, base_rate, job_rates)
        };
        let noise =
            |t: &Traffic| [t.noise_day, t.noise_hour, t.noise_minute, t.hour_correlation].map(f64::to_bits);
        let is_as_noisy = noise(self.traffic) == noise(traffic) && self.traffic.burst == traffic.burst;
        is_as_noisy && (are_same || are_whole())
    }

    /// Seconds that job `number` runs between two instants.
    pub fn job_seconds(&self, number: usize, from: SimTime, to: SimTime) -> f64 {
        let duration = self.traffic.jobs[number].duration;
        let starts = &self.starts[number];
        let day_before =
            |at: SimTime| usize::try_from(at.0 / SimDuration::DAY.0).unwrap_or(0).saturating_sub(2);
        let (first, last) = (day_before(from).min(starts.len()), (day_before(to) + 3).min(starts.len()));
        let overlap = |&start: &SimTime| (start + duration).min(to).since(start.max(from)).as_secs_f64();
        starts[first..last].iter().map(overlap).sum()
    }
}

/// The weather that several hosts meet in one replication: drawn for the first, and looked at by all.
#[derive(Debug, Default)]
pub struct Sky<'a> {
    weather: Option<Weather<'a>>,
}

impl<'a> Sky<'a> {
    /// The weather of a replication, drawn anew where the last host's was another. That the shape of its traffic is the
    /// same is left to the caller: comparing recorded days would cost as much as drawing them.
    pub(super) fn weather(
        &mut self,
        (traffic, minute_noise): (&'a Traffic, &'a MinuteNoise),
        stream: Stream,
        base_rate: f64,
        job_rates: &[f64],
        horizon: SimDuration,
    ) -> &Weather<'a> {
        let is_same = |weather: &Weather<'a>| {
            weather.stream == stream
                && weather.horizon == horizon
                && weather.is_that_of(traffic, base_rate, job_rates)
        };
        let drawn = self.weather.take().filter(is_same);
        let draw = || Weather::new(traffic, minute_noise, stream, base_rate, job_rates, horizon);
        self.weather.insert(drawn.unwrap_or_else(draw))
    }
}

/// Sums of the first so many minutes of an hour, from none to all.
///
/// Four quarters are summed side by side: an addition takes as long as four that need not wait for each other.
fn running_sums(of_minutes: &[f64; MINUTES]) -> Minutes {
    const QUARTER: usize = MINUTES / 4;
    let mut sums = Box::new([0.0; MINUTES + 1]);
    let mut quarters = [0.0; 4];
    for minute in 0..QUARTER {
        for (quarter, sum) in quarters.iter_mut().enumerate() {
            *sum += of_minutes[quarter * QUARTER + minute];
            sums[quarter * QUARTER + minute + 1] = *sum;
        }
    }
    let mut before = 0.0;
    for (sums, of_quarter) in sums[1..].chunks_exact_mut(QUARTER).zip(quarters) {
        for sum in sums {
            *sum += before;
        }
        before += of_quarter;
    }
    sums
}

/// Between which of `sums`, which never fall, `value` is reached: the place of the last but the end that is below it,
/// looked for from a guess; the first where none is.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a guess, bounded by the sums")]
fn interval_of(sums: &[f64], value: f64, guess: f64) -> usize {
    let last = sums.len() - 2;
    let mut place = (guess as usize).min(last);
    while place > 0 && sums[place] >= value {
        place -= 1;
    }
    while place < last && sums[place + 1] < value {
        place += 1;
    }
    place
}

/// Whether a load of these rates may reach `max-writes-per-second` where a second brings so many base seconds.
fn reaches_cap(traffic: &Traffic, busiest: f64, base_rate: f64, job_rates: &[f64]) -> bool {
    busiest * base_rate + job_rates.iter().sum::<f64>() > traffic.max_writes_per_second
}

fn recorded_day(shape: &Shape, stream: Stream, day: usize) -> usize {
    match shape {
        Shape::Hourly(_) => 0,
        Shape::Trace(days) => stream.at(Purpose::TraceDay, day as u64).random_range(0..days.len()),
    }
}

/// When `job` starts on each day. A job of the last hours of a day may run into the next one.
fn starts(job: &Job, number: usize, stream: Stream, days: usize) -> Vec<SimTime> {
    let start = |day: usize| {
        let occasion = ((number as u64) << 32) | day as u64;
        let jitter: f64 = stream.at(Purpose::JobStart, occasion).random();
        let midnight = SimTime::ZERO + SimDuration(day as u64 * SimDuration::DAY.0);
        midnight + job.at + SimDuration::from_secs_f64(jitter * job.jitter.as_secs_f64())
    };
    (0..days).map(start).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Uncertain;
    use crate::model::host::{Operation, RecordedDay};

    fn traffic() -> Traffic {
        Traffic {
            shape: Shape::Hourly(vec![1.0; 168]),
            noise_day: 0.15,
            noise_hour: 0.2,
            noise_minute: 0.3,
            hour_correlation: 0.0,
            burst: None,
            max_writes_per_second: f64::INFINITY,
            jobs: Vec::new(),
        }
    }

    fn weather<'a>(traffic: &'a Traffic, rates: &'a [f64], replication: u64) -> Weather<'a> {
        // A test's weather outlives it: nothing is freed that its minutes are drawn from.
        let minute_noise = Box::leak(Box::new(MinuteNoise::new(traffic.noise_minute)));
        Weather::new(
            traffic,
            minute_noise,
            Stream::new(1, replication),
            1_000.0,
            rates,
            SimDuration(30 * SimDuration::DAY.0),
        )
    }

    #[test]
    fn flat_load_without_noise_is_the_clock() {
        let quiet = Traffic { noise_day: 0.0, noise_hour: 0.0, noise_minute: 0.0, ..traffic() };
        let weather = weather(&quiet, &[], 0);
        for seconds in [0, 59, 3_600, 86_399, 2_591_999] {
            let base = weather.base_seconds(SimTime::ZERO + SimDuration::from_secs(seconds));
            assert!((base - seconds as f64).abs() < 1e-6, "{base}");
        }
    }

    /// The mean over replications is the mean load: with these noises a month has a standard deviation of 2.9 %
    /// (30 days of 15 %, 720 hours of 20 %), 400 of them 0.14 %; the bound is five of those.
    #[test]
    fn noise_keeps_the_mean() {
        let noisy = traffic();
        let end = SimTime::ZERO + SimDuration(30 * SimDuration::DAY.0);
        let total: f64 = (0..400).map(|rep| weather(&noisy, &[], rep).base_seconds(end)).sum();
        let mean = total / 400.0 / end.as_secs_f64();
        assert!((mean - 1.0).abs() < 5.0 * 0.0015, "{mean}");
    }

    #[test]
    fn minutes_add_up_to_their_hour_and_never_run_backwards() {
        let noisy = traffic();
        let weather = weather(&noisy, &[], 3);
        let mut last = 0.0;
        for second in (0..90_000).step_by(7) {
            let base = weather.base_seconds(SimTime::ZERO + SimDuration::from_secs(second));
            assert!(base >= last);
            last = base;
        }
        let hour = SimTime::ZERO + SimDuration::HOUR;
        let just_before = SimTime(hour.0 - 1);
        assert!((weather.base_seconds(hour) - weather.base_seconds(just_before)).abs() < 1e-6);
    }

    #[test]
    fn the_time_of_a_load_is_when_it_has_come() {
        let noisy = traffic();
        let weather = weather(&noisy, &[], 4);
        for seconds in [0.001, 59.0, 3_600.0, 86_399.5, 1_234_567.8, 2_400_000.0] {
            let at = weather.time_of(seconds, SimTime::ZERO).unwrap();
            assert!((weather.base_seconds(at) - seconds).abs() < 1e-6, "{seconds}: {at}");
        }
        assert_eq!(weather.time_of(1e9, SimTime::ZERO), None);
        let later = weather.time_of(2_400_000.0, SimTime::ZERO + SimDuration(20 * SimDuration::DAY.0));
        assert_eq!(later, weather.time_of(2_400_000.0, SimTime::ZERO), "from wherever one looks");
    }

    #[test]
    fn the_order_of_looking_does_not_matter() {
        let noisy = traffic();
        let (forward, backward) = (weather(&noisy, &[], 5), weather(&noisy, &[], 5));
        let times: Vec<SimTime> = (0..50).map(|n| SimTime(n * 1_234_567_890_123)).collect();
        let seen: Vec<f64> = times.iter().map(|&at| forward.base_seconds(at)).collect();
        let mut reversed: Vec<f64> = times.iter().rev().map(|&at| backward.base_seconds(at)).collect();
        reversed.reverse();
        assert_eq!(seen, reversed);
    }

    #[test]
    fn no_minute_exceeds_the_cap() {
        let capped = Traffic { max_writes_per_second: 1_200.0, ..traffic() };
        let weather = weather(&capped, &[], 7);
        let minute = |n: u64| SimTime(n * SimDuration::MINUTE.0);
        for n in 0..10_000 {
            let writes = (weather.base_seconds(minute(n + 1)) - weather.base_seconds(minute(n))) * 1_000.0;
            assert!(writes <= 1_200.0 * 60.0 * (1.0 + 1e-9), "{writes}");
        }
    }

    #[test]
    fn a_job_runs_once_a_day_for_its_duration_even_past_midnight() {
        let late = Job {
            at: SimDuration(23 * SimDuration::HOUR.0),
            jitter: SimDuration(2 * SimDuration::HOUR.0),
            duration: SimDuration(3 * SimDuration::HOUR.0),
            writes_per_second: Uncertain::certain(5.0),
            operation: Operation::Set,
            keyspace: 0,
        };
        let busy = Traffic { jobs: vec![late], ..traffic() };
        let weather = weather(&busy, &[5.0], 0);
        let day = |n: u64| SimTime(n * SimDuration::DAY.0);
        assert!((weather.job_seconds(0, day(0), day(10) + SimDuration::HOUR) / 10_800.0 - 9.0).abs() < 1.0);
        let total: f64 = (0..10).map(|n| weather.job_seconds(0, day(n), day(n + 1))).sum();
        assert!((total - weather.job_seconds(0, day(0), day(10))).abs() < 1e-6);
    }

    #[test]
    fn a_trace_day_is_repeated_whole() {
        let halves = |of_day: [f64; 2]| RecordedDay::new(of_day.map(|half| vec![half; 720]).concat());
        let days = vec![halves([0.0, 2.0]), halves([2.0, 0.0])];
        let quiet = Traffic {
            shape: Shape::Trace(days),
            noise_day: 0.0,
            noise_hour: 0.0,
            noise_minute: 0.0,
            ..traffic()
        };
        let weather = weather(&quiet, &[], 0);
        let noon = |n: u64| SimTime(n * SimDuration::DAY.0 + SimDuration::DAY.0 / 2);
        let mornings: Vec<f64> = (0..30)
            .map(|n| weather.base_seconds(noon(n)) - weather.base_seconds(SimTime(n * SimDuration::DAY.0)))
            .collect();
        assert!(mornings.iter().all(|&m| m.abs() < 1e-6 || (m - 86_400.0).abs() < 1e-6), "{mornings:?}");
        assert!(mornings.iter().any(|&m| m > 1.0) && mornings.iter().any(|&m| m < 1.0));
    }
}
