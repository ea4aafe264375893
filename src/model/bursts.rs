//! Bursts: hours in which the load is a multiple of what the profile and the noise say, as in a bulk load.
//!
//! ```text
//! load(t) = load without bursts · (1 + (factor − 1) · bursts that run at t)
//! mean over the year = mean without bursts · (1 + per_year · (factor − 1) · duration / year)
//! ```
//!
//! A day begins at most one burst, with the chance `per_year / 365.25`, at a uniform time of the day; it may run into
//! the next day. One number a day says so, keyed by the calendar. The mean load is that without bursts: they come on
//! top of it.
//!
//! How often loads burst: times at which hours in a row were of more than 3, 5 and 10 times the load that the same hour
//! of the day (of the week, from four weeks on) mostly has, in the recordings of `hours`.
//!
//! | recordings | days | > 3 | > 5 | > 10 |
//! |---|---|---|---|---|
//! | of servers: load balancer, server, NASA, World Cup, taxis | 301 | 21 | 3 | 1 |
//! | of these the server, which gets bulk loads | 14 | 15 | 2 | 1 |
//! | of mentions of five companies | 266 | 97 | 43 | 11 |
//!
//! So five times the load or more came 3.6 times a year at servers and mostly for an hour, ten times 1.2 times a year;
//! what people talk about bursts ten times as often. The defaults are those of servers for five times the load. The
//! noise alone, with its defaults, exceeds three times the load 0.7 times a year.
//!
//! Published kills came in such hours: a bulk load while a save ran took a node of 1 TB from 4.8 GB of copies to its
//! end at 75 % (redis/redis#10778), and an insert of 40 million keys ended in children killed (#1886).
//!
//! Owns when bursts run. How bursts and the noise make an hour is `weather`'s.

use rand::RngExt;

use crate::model::minutes::MINUTES;
use crate::rng::{Purpose, Stream};
use crate::units::{SimDuration, SimTime};

/// How often the load bursts, and how far. The duration is at most a day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burst {
    /// How many bursts begin in a year, at most one a day.
    pub per_year: f64,
    /// How many times the load it brings.
    pub factor: f64,
    /// How long it lasts.
    pub duration: SimDuration,
}

/// Days of a year: the mean of the Julian calendar.
const YEAR_DAYS: f64 = 365.25;

/// The bursts of one replication.
#[derive(Clone, Debug, Default)]
pub struct Bursts {
    /// What one burst adds to the load, as a multiple of it.
    surplus: f64,
    duration: SimDuration,
    /// When each begins, in order, counted from the midnight before time 0: a burst of the day before may still run.
    begins: Vec<SimTime>,
}

impl Bursts {
    /// The bursts that run on any of the first `days`; none where the load has none.
    pub fn draw(burst: Option<&Burst>, stream: Stream, days: usize) -> Self {
        let Some(burst) = burst else { return Self::default() };
        let begin = |day: u64| {
            let mut generator = stream.at(Purpose::TrafficBurst, day);
            if generator.random::<f64>() * YEAR_DAYS >= burst.per_year {
                return None;
            }
            let of_day = SimDuration::DAY.as_secs_f64() * generator.random::<f64>();
            Some(SimTime(day * SimDuration::DAY.0) + SimDuration::from_secs_f64(of_day))
        };
        Self {
            surplus: burst.factor - 1.0,
            duration: burst.duration,
            begins: (0..=days as u64).filter_map(begin).collect(),
        }
    }

    /// How many times the load each minute of an hour brings; `None` where no burst touches the hour.
    pub fn over(&self, hour: usize) -> Option<[f64; MINUTES]> {
        if self.begins.is_empty() {
            return None;
        }
        let from = SimTime(SimDuration::DAY.0 + hour as u64 * SimDuration::HOUR.0);
        let after = self.begins.partition_point(|&begin| begin < from + SimDuration::HOUR);
        let before = self.begins[..after].partition_point(|&begin| begin + self.duration <= from);
        let running = &self.begins[before..after];
        let factor = |minute: usize| {
            let from = from + SimDuration(minute as u64 * SimDuration::MINUTE.0);
            let to = from + SimDuration::MINUTE;
            let overlap = |&begin: &SimTime| (begin + self.duration).min(to).since(begin.max(from)).0;
            let covered = running.iter().map(overlap).sum::<u64>() as f64 / SimDuration::MINUTE.0 as f64;
            1.0 + self.surplus * covered
        };
        (!running.is_empty()).then(|| std::array::from_fn(factor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::host::Traffic;
    use crate::model::minutes::MinuteNoise;
    use crate::model::weather::Weather;
    use crate::model::{Draws, Outcome, Simulation, Sky, Unobserved, sample};

    const BURST: Burst =
        Burst { per_year: 50.0, factor: 5.0, duration: SimDuration(90 * SimDuration::MINUTE.0) };

    /// Over 4,000 months 50 a year are 16,427 bursts, with a standard deviation of 119; the bound is five of those.
    #[test]
    fn as_many_begin_as_are_said_to() {
        let begun: usize = (0..4_000)
            .map(|replication| Bursts::draw(Some(&BURST), Stream::new(1, replication), 30))
            .flat_map(|bursts| bursts.begins)
            .filter(|begin| begin.0 >= SimDuration::DAY.0)
            .count();
        assert!((begun as f64 - 4_000.0 * 30.0 * 50.0 / 365.25).abs() < 5.0 * 119.0, "{begun}");
    }

    /// `1 + per_year (factor − 1) duration / year`: 4 · 90 minutes fifty times a year are 3.42 % more. A month has 4.1
    /// bursts of the added load 360 minutes each, so the mean of 2,000 has a standard deviation of 0.038 % of it.
    #[test]
    fn bursts_come_on_top_of_the_mean() {
        let of_month = |replication| {
            let bursts = Bursts::draw(Some(&BURST), Stream::new(2, replication), 30);
            (0..720).map(|hour| bursts.over(hour).map_or(60.0, |minutes| minutes.iter().sum())).sum::<f64>()
        };
        let mean = (0..2_000).map(of_month).sum::<f64>() / 2_000.0 / (720.0 * 60.0);
        let expected = 1.0 + 50.0 * 4.0 * 1.5 / (YEAR_DAYS * 24.0);
        assert!((mean - expected).abs() < 5.0 * 0.000_38, "{mean} {expected}");
    }

    /// A burst of 90 minutes touches two or three hours in a row, runs for 90 minutes, and need not begin with one.
    #[test]
    fn a_burst_runs_for_its_duration_even_past_midnight() {
        let begins = vec![SimTime(SimDuration::DAY.0 + 23 * SimDuration::HOUR.0 + 20_500_000_000)];
        let bursts = Bursts { surplus: 4.0, duration: BURST.duration, begins };
        let touched: Vec<usize> = (0..48).filter(|&hour| bursts.over(hour).is_some()).collect();
        assert_eq!(touched, [23, 24]);
        let added = |hour| bursts.over(hour).unwrap().iter().map(|factor| factor - 1.0).sum::<f64>() / 4.0;
        assert!((added(23) + added(24) - 90.0).abs() < 1e-9);
        let first = bursts.over(23).unwrap();
        assert!((first[0] - (1.0 + 4.0 * 39.5 / 60.0)).abs() < 1e-9 && (first[1] - 5.0).abs() < 1e-12);
    }

    #[test]
    fn the_days_before_a_horizon_do_not_depend_on_it() {
        let draw = |days| Bursts::draw(Some(&Burst { per_year: 365.25, ..BURST }), Stream::new(3, 1), days);
        let (short, long) = (draw(5), draw(50));
        assert_eq!((short.begins.len(), long.begins.len()), (6, 51));
        assert_eq!(short.begins, long.begins[..6]);
        assert!((0..120).all(|hour| short.over(hour) == long.over(hour)));
    }

    /// The weather of a load with these bursts and the noise of the defaults.
    fn weather(traffic: &Traffic, base_rate: f64, replication: u64) -> Weather<'_> {
        let minute_noise = Box::leak(Box::new(MinuteNoise::new(traffic.noise_minute)));
        let month = SimDuration(30 * SimDuration::DAY.0);
        Weather::new(traffic, minute_noise, Stream::new(4, replication), base_rate, &[], month)
    }

    fn traffic() -> Traffic {
        Traffic {
            noise_day: 0.15,
            noise_hour: 0.25,
            noise_minute: 0.3,
            hour_correlation: 0.5,
            burst: Some(BURST),
            ..sample::host(0.0).traffic
        }
    }

    fn minute(number: u64) -> SimTime {
        SimTime(number * SimDuration::MINUTE.0)
    }

    /// Minute by minute the same noise, and where a burst runs five times as much of it: the hour's noise is that of
    /// its minutes without the burst only in the mean, so hours that it covers wholly are compared.
    #[test]
    fn weather_under_a_burst_is_that_without_many_times_over() {
        let (with, mut without) = (traffic(), traffic());
        without.burst = None;
        let mut seen = 0;
        for replication in 0..20 {
            let bursts = Bursts::draw(Some(&BURST), Stream::new(4, replication), 30);
            let (with, without) =
                (weather(&with, 1_000.0, replication), weather(&without, 1_000.0, replication));
            for hour in 0..720 {
                let of =
                    |weather: &Weather<'_>, from, to| weather.base_seconds(to) - weather.base_seconds(from);
                let (from, to) = (hour as u64 * 60, (hour as u64 + 1) * 60);
                let factors = bursts.over(hour).unwrap_or([1.0; MINUTES]);
                let mean = factors.iter().sum::<f64>() / 60.0;
                let ratio =
                    of(&with, minute(from), minute(to)) / of(&without, minute(from), minute(to)) / mean;
                assert!((ratio - 1.0).abs() < 1e-9, "{hour} {ratio}");
                if factors.iter().all(|&factor| (factor - 5.0).abs() < 1e-12) {
                    let ratio = of(&with, minute(from + 7), minute(from + 8))
                        / of(&without, minute(from + 7), minute(from + 8));
                    assert!((ratio - 5.0).abs() < 1e-6, "{ratio}");
                    seen += 1;
                }
            }
        }
        assert!(seen > 10, "{seen}");
    }

    #[test]
    fn the_time_of_a_load_under_bursts_is_when_it_has_come() {
        let often = Traffic { burst: Some(Burst { per_year: 365.0, factor: 40.0, ..BURST }), ..traffic() };
        let weather = weather(&often, 1_000.0, 1);
        let end = weather.base_seconds(minute(30 * 1_440));
        assert!(end > 2.0 * 30.0 * 86_400.0);
        for part in 1..200 {
            let seconds = end * f64::from(part) / 200.0;
            let at = weather.time_of(seconds, SimTime::ZERO).unwrap();
            // Within the nanosecond by which it is rounded up.
            assert!((weather.base_seconds(at) - seconds).abs() < 1e-5, "{seconds}: {at}");
        }
    }

    #[test]
    fn a_burst_is_cut_at_the_cap_and_a_cap_that_it_does_not_reach_changes_nothing() {
        let (mut cut, whole) = (traffic(), traffic());
        cut.max_writes_per_second = 3_000.0;
        let (mut most, mut uncut) = (0.0, 0.0f64);
        for replication in 0..20 {
            let (cut, whole) = (weather(&cut, 1_000.0, replication), weather(&whole, 1_000.0, replication));
            let writes = |weather: &Weather<'_>, number| {
                (weather.base_seconds(minute(number + 1)) - weather.base_seconds(minute(number))) * 1_000.0
            };
            for number in 0..30 * 1_440 {
                most = f64::max(most, writes(&cut, number));
                uncut = uncut.max(writes(&whole, number));
                let expected = writes(&whole, number).min(3_000.0 * 60.0);
                assert!((writes(&cut, number) - expected).abs() < 1e-3, "{number}");
            }
        }
        assert!((most - 180_000.0).abs() < 1e-3 && uncut > 400_000.0, "{most} {uncut}");
    }

    /// Rates decide what a cap cuts, and bursts whether it cuts anything: hosts under one sky meet what each would
    /// alone, in whatever order, and so does one without bursts.
    #[test]
    fn hosts_under_one_sky_meet_the_bursts_they_would_alone() {
        let host = |rate: f64, burst: Option<Burst>| {
            let mut host = sample::host(rate);
            (host.traffic, host.horizon) =
                (Traffic { burst, ..traffic() }, SimDuration(20 * SimDuration::DAY.0));
            host.traffic.max_writes_per_second = 3_000.0;
            host.backup.as_mut().unwrap().every = SimDuration::HOUR;
            Simulation::new(host)
        };
        let often = Some(Burst { per_year: 300.0, ..BURST });
        let hosts =
            [host(50.0, often), host(900.0, often), host(900.0, None), host(60.0, often), host(50.0, often)];
        let mut sky = Sky::default();
        let draws = Draws::new(1, 0);
        let together: Vec<Outcome> =
            hosts.iter().map(|host| host.run_under(&mut sky, &draws, &mut Unobserved).unwrap()).collect();
        let alone: Vec<Outcome> =
            hosts.iter().map(|host| host.run_with(&draws, &mut Unobserved).unwrap()).collect();
        assert_eq!(together, alone);
        assert_ne!(together[1].cow_peak, together[2].cow_peak);
    }

    #[test]
    fn a_load_without_bursts_has_none() {
        let bursts = Bursts::draw(None, Stream::new(1, 0), 30);
        assert!((0..720).all(|hour| bursts.over(hour).is_none()));
    }
}
