//! The write rate: what a window of minutes and a record of weeks each say of it.

use super::page::{Entry, Origin, entry, interval};
use super::save_points::SavePoints;
use super::series::{calls_between, first_of_process};
use crate::model::Uncertain;
use crate::observe::record::Record;
use crate::observe::words::{grouped, per_second, rounded};
use crate::units::{ByteRate, Bytes};

/// A rate that INFO bears witness to.
#[derive(Clone, Debug, PartialEq)]
pub struct Witness {
    /// Writes a second.
    pub per_second: f64,
    /// How it was computed.
    pub how: String,
}

/// The mean write rate of the coming weeks, as far as it can be known.
#[derive(Clone, Debug, PartialEq)]
pub struct WriteEstimate {
    /// What was counted over the latest window; `None` where nothing was.
    pub counted: Option<Witness>,
    /// The steady rate that would have saved as often as the server did; `None` where the record is too
    /// short or save points do not tell.
    pub by_cadence: Option<Witness>,
    /// Commands that may write, over the whole uptime: an upper bound of sorts, as many find nothing to
    /// change.
    pub by_commands: Option<Witness>,
    /// Overwrites of the mean key that fill the stream to replicas, over the whole record: an upper bound too.
    pub by_stream: Option<Witness>,
    /// The interval for the scenario [1/s].
    pub interval: [f64; 3],
    /// How far the window stands for weeks.
    window: &'static str,
}

/// What a server takes at most where a scenario does not say [1/s].
const DEFAULT_CAP: f64 = 100_000.0;

/// How far the next minutes may be from the window's, as a factor; see [`spread`].
const MOMENT: f64 = 2.0;

const DAY: f64 = 86_400.0;
const WEEK: f64 = 7.0 * DAY;

/// Without any witness [1/s].
const NOTHING_KNOWN: [f64; 3] = [10.0, 1_000.0, 20_000.0];

impl WriteEstimate {
    /// The estimate from `record`, the last of `series`: records of one server in order of time.
    ///
    /// `write_bytes` is what an overwrite of the mean key takes in the stream to replicas.
    pub(super) fn of(record: &Record, series: &[Record], points: &SavePoints, write_bytes: f64) -> Self {
        let difference = by_difference(series);
        let seconds = difference.as_ref().map_or(0.0, |(_, seconds)| *seconds);
        let counted = difference.map(|(witness, _)| witness).or_else(|| since_fork(record));
        let by_commands = over_uptime(record);
        let by_stream = by_stream(record, first_of_process(series), write_bytes);
        let by_cadence = by_cadence(record, points);
        let (factor, window) = spread(seconds);
        let counted_rate = counted.as_ref().map(|witness| witness.per_second);
        let commands_rate = by_commands.as_ref().map(|witness| witness.per_second);
        let bounds = [commands_rate, by_stream.as_ref().map(|witness| witness.per_second)];
        let likely = match counted_rate {
            Some(counted) if outlasts(record, seconds) => {
                Some(bounds.into_iter().flatten().fold(counted, f64::min))
            }
            counted => counted.or(commands_rate),
        };
        let interval = match likely.filter(|likely| likely.is_finite() && *likely > 0.0) {
            None => NOTHING_KNOWN,
            Some(likely) => {
                let steady = by_cadence.as_ref().map_or(f64::INFINITY, |witness| witness.per_second);
                let high = likely.max(counted_rate.filter(|rate| rate.is_finite()).unwrap_or(0.0) / factor);
                [likely.min(steady) / factor, likely, high * factor]
            }
        };
        Self { counted, by_cadence, by_commands, by_stream, interval, window }
    }

    /// The rate at the moment of INFO [1/s], in the two digits that it is worth: what its window counted, where
    /// anything was, and not the weeks.
    pub fn at_the_moment(&self) -> Uncertain {
        let [low, likely, high] = self.interval;
        let counted = self.counted.as_ref().map(|witness| witness.per_second);
        let ends = match counted.filter(|rate| rate.is_finite() && *rate > likely) {
            Some(counted) => [low, counted, high.max(counted * MOMENT)],
            None => self.interval,
        };
        let [low, likely, high] = ends.map(|rate| rounded(rate, 2).parse().unwrap_or(rate));
        Uncertain { low, likely, high }
    }

    /// The cap on the load, where the interval reaches the default one.
    pub(super) fn cap(&self) -> Option<Entry> {
        let high = self.interval[2];
        (high > DEFAULT_CAP).then(|| {
            let why = "more than the high end of the load; how much this server can take is not known";
            entry("max-writes-per-second", rounded(high * 1.5, 2), Origin::Assumed, why)
        })
    }

    /// The scenario's line.
    pub(super) fn entry(&self) -> Entry {
        let [low, likely, high] = self.interval.map(|rate| rounded(rate, 2));
        let value = interval(&low, &likely, &high);
        let Some(counted) = &self.counted else {
            let why = match &self.by_commands {
                Some(commands) => format!("{}; {}", commands.how, self.window),
                None => "INFO tells nothing of writes: put yours here".into(),
            };
            return entry("writes-per-second", value, Origin::Assumed, why);
        };
        let window = if self.interval[1] < counted.per_second {
            "That was a busy moment: the whole record, below, bounds the mean. So from half of what it shows to twice, \
             or to the moment"
        } else {
            self.window
        };
        let mut why = format!("{}.\n{window}.", counted.how);
        for witness in [&self.by_cadence, &self.by_commands, &self.by_stream].into_iter().flatten() {
            why += "\n";
            why += &witness.how;
        }
        entry("writes-per-second", value, Origin::Derived, why)
    }
}

/// Whether the record is of weeks and the window of `seconds` of less than a day: then the commands of the weeks bound
/// the mean, and the window is a moment of it.
fn outlasts(record: &Record, seconds: f64) -> bool {
    seconds < DAY && record.server.uptime_seconds as f64 >= WEEK
}

/// How far a mean over a window of `seconds` may be from a mean over weeks, as a factor, and in words. The factors are
/// judgement: busy hours write two to four times what quiet ones do, and weeks resemble each other.
fn spread(seconds: f64) -> (f64, &'static str) {
    match seconds {
        ..DAY => (MOMENT, "A window of minutes is not a month, so from half of it to twice"),
        DAY..WEEK => (1.5, "Days are not a month, so from two thirds of it to half as much again"),
        _ => (1.2, "A week or more: a fifth up and down"),
    }
}

/// Changes since the fork of the last save, over the time since then.
fn since_fork(record: &Record) -> Option<Witness> {
    let changes = record.load.changes?;
    let rate = changes.per_second();
    let how = if changes.save > 0 {
        format!(
            "rdb_changes_since_last_save counts from the fork of the last save: {} changes in {} s since \
             its end (server_time_usec - rdb_last_save_time) + {} s that it took \
             (rdb_last_bgsave_time_sec) = {}",
            grouped(changes.count),
            grouped(changes.since_save_end),
            grouped(changes.save),
            per_second(rate)
        )
    } else {
        format!(
            "rdb_changes_since_last_save: {} changes in the {} s since the start, as no save has ended yet \
             = {}",
            grouped(changes.count),
            grouped(changes.since_save_end),
            per_second(rate)
        )
    };
    Some(Witness { per_second: rate, how })
}

/// What was counted between neighbouring records, and the time between them \[s\]: of the counter of changes where no
/// save ended in all that time, else of the commands, else of the changes where no save ended.
///
/// A save that ends takes an unknown part off the counter of changes; the counters of commands only grow.
fn by_difference(series: &[Record]) -> Option<(Witness, f64)> {
    let pairs = || series.windows(2).map(|pair| (&pair[0], &pair[1]));
    let changes = Counted::sum(pairs(), changes_between);
    let commands = Counted::sum(pairs(), calls_between);
    let saved = changes.pairs < series.len().saturating_sub(1);
    let (counted, what) = if saved && commands.seconds > 0.0 {
        (commands, "the calls of write commands in cmdstat grew")
    } else if saved {
        (changes, "rdb_changes_since_last_save grew, where no save ended between two,")
    } else {
        (changes, "rdb_changes_since_last_save grew, with no save ended between,")
    };
    let rate = counted.count as f64 / counted.seconds;
    let restarts = match pairs().filter(|(earlier, later)| !earlier.is_continued_by(later)).count() {
        0 => String::new(),
        1 => "; the server restarted once, and its counters began from zero".to_owned(),
        times => format!("; the server restarted {times} times, and its counters began from zero"),
    };
    let how = format!(
        "from the first INFO to the last {what} by {} in {} s = {}{restarts}",
        grouped(counted.count),
        grouped(Bytes::from_f64(counted.seconds).0),
        per_second(rate)
    );
    (counted.seconds > 0.0).then_some((Witness { per_second: rate, how }, counted.seconds))
}

/// A sum over pairs of neighbouring records.
#[derive(Default)]
struct Counted {
    count: u64,
    /// Time between the records of the pairs that tell \[s\].
    seconds: f64,
    /// How many pairs tell.
    pairs: usize,
}

impl Counted {
    fn sum<'a>(
        pairs: impl Iterator<Item = (&'a Record, &'a Record)>,
        between: impl Fn(&Record, &Record) -> Option<u64>,
    ) -> Self {
        let mut sum = Self::default();
        for (earlier, later) in pairs {
            let told = between(earlier, later).zip(earlier.seconds_until(later));
            if let Some((count, seconds)) = told.filter(|(_, seconds)| *seconds > 0.0) {
                sum.count = sum.count.saturating_add(count);
                sum.seconds += seconds;
                sum.pairs += 1;
            }
        }
        sum
    }
}

/// Changes from one record of a process to the next; `None` where a save ended between.
fn changes_between(earlier: &Record, later: &Record) -> Option<u64> {
    let saved_at =
        |record: &Record| record.server.uptime_seconds.checked_sub(record.forks.since_last_save_seconds?);
    let same_save = saved_at(earlier)?.abs_diff(saved_at(later)?) <= 1;
    let (from, to) = (earlier.load.changes?.count, later.load.changes?.count);
    (same_save && earlier.is_continued_by(later)).then(|| to.checked_sub(from)).flatten()
}

/// The rate at which the busiest save point fires just as often as the record shows.
///
/// A save point fires `seconds` after the last save or, where the load is lower, once its changes have
/// come. Saves that were further apart than the point's seconds and their own duration thus waited for
/// changes: a steady rate cannot have been above changes / cadence.
fn by_cadence(record: &Record, points: &SavePoints) -> Option<Witness> {
    let cadence = record.save_cadence_seconds()?;
    let busiest = points.points.iter().min_by_key(|point| point.seconds)?;
    let duration = record.forks.last_save_seconds.unwrap_or(0);
    if cadence <= busiest.seconds.saturating_add(duration) as f64 + 1.0 {
        return None;
    }
    let rate = busiest.changes as f64 / cadence;
    let how = format!(
        "The record is quieter: {} saves in {} s of uptime are one every {cadence:.0} s, and a steady load \
         above {} changes in that time ({}) would have made the save point `{} {}` save more often; with \
         shorter saves a lower one makes as many.",
        grouped(record.forks.rdb_saves?),
        grouped(record.server.uptime_seconds),
        grouped(busiest.changes),
        per_second(rate),
        busiest.seconds,
        busiest.changes,
    );
    Some(Witness { per_second: rate, how })
}

fn over_uptime(record: &Record) -> Option<Witness> {
    let commands = record.load.write_commands?;
    let uptime = record.server.uptime_seconds.max(1);
    let rate = commands as f64 / uptime as f64;
    let how = format!(
        "cmdstat has {} calls of write commands since the start, {}, some of which changed nothing.",
        grouped(commands),
        per_second(rate)
    );
    Some(Witness { per_second: rate, how })
}

/// Overwrites of the mean key that make up the stream to replicas, over the uptime or between two records.
fn by_stream(record: &Record, earlier: Option<&Record>, write_bytes: f64) -> Option<Witness> {
    let stream = record.stream_per_second(earlier)?;
    let rate = stream / write_bytes;
    let how = format!(
        "The stream to replicas of {} (master_repl_offset) is {} overwrites of the mean key, at most: {} bytes \
         each.",
        ByteRate(stream),
        per_second(rate),
        grouped(Bytes::from_f64(write_bytes).0)
    );
    Some(Witness { per_second: rate, how })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::info::Info;

    const DURING: &str = include_str!("../../../tests/data/info/redis-7.0.during-save.txt");
    const AFTER: &str = include_str!("../../../tests/data/info/redis-7.0.after-save.txt");

    fn record(text: &str) -> Record {
        Record::of(&Info::parse(text).unwrap()).unwrap()
    }

    fn estimate(series: &[Record]) -> WriteEstimate {
        let record = series.last().unwrap();
        WriteEstimate::of(record, series, &SavePoints::of(record, series, None), 1_500.0)
    }

    /// 26,716 changes in 119 + 220 s; not in 119 s, which would be 224/s.
    #[test]
    fn the_production_host_writes_79_a_second_at_a_busy_moment_of_weeks() {
        let production = record(include_str!("../../../tests/data/info/production-27gb.txt"));
        let estimate = estimate(&[production]);
        assert_eq!(estimate.interval.map(|rate| rounded(rate, 2)), ["11", "23", "79"]);
        assert_eq!(estimate.at_the_moment(), Uncertain { low: 11.0, likely: 79.0, high: 160.0 });
        assert_eq!(rounded(estimate.by_commands.unwrap().per_second, 2), "51");
    }

    /// A save ended between: 1,911,536 − 788,080 SETs in 4.9 s.
    #[test]
    fn two_infos_with_a_save_between_count_commands() {
        let counted = estimate(&[record(DURING), record(AFTER)]).counted.unwrap();
        assert!((counted.per_second - 1_123_456.0 / 4.908_656).abs() < 1e-6, "{}", counted.how);
    }

    #[test]
    fn two_infos_without_a_save_between_count_changes() {
        let later = DURING
            .replace("uptime_in_seconds:5", "uptime_in_seconds:15")
            .replace("server_time_usec:1795341824", "server_time_usec:1795341834")
            .replace("rdb_changes_since_last_save:788080", "rdb_changes_since_last_save:788180");
        let counted = estimate(&[record(DURING), record(&later)]).counted.unwrap();
        assert!((counted.per_second - 10.0).abs() < 1e-9, "{}", counted.how);
    }

    /// 100 + 300 calls, a restart, and 50 + 200 after it: not 200 in an hour.
    #[test]
    fn a_restart_in_the_series_does_not_hide_what_was_written_before() {
        let base = record(AFTER);
        let at = |hour: u64, run_id: &str, uptime: u64, calls: u64| {
            let mut record = base.clone();
            record.server.run_id = Some(run_id.into());
            record.server.time_usec = Some(hour * 3_600_000_000);
            record.server.uptime_seconds = uptime;
            record.load.write_commands = Some(calls);
            (record.forks.since_last_save_seconds, record.load.changes) = (Some(0), None);
            record
        };
        let series = [
            at(500, "a", 90_000, 1_000),
            at(501, "a", 93_600, 1_100),
            at(502, "a", 97_200, 1_400),
            at(503, "b", 1_800, 50),
            at(504, "b", 5_400, 250),
        ];
        let counted = estimate(&series).counted.unwrap();
        assert!((counted.per_second - 650.0 / 14_400.0).abs() < 1e-9, "{}", counted.how);
        assert!(counted.how.ends_with("the server restarted once, and its counters began from zero"));
    }
}
