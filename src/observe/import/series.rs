//! What a series of records tells that no single one does: the hours of the day, the trend of the data, every save.

use super::page::{Entry, Origin, entry, interval, quoted};
use crate::observe::forecast::PastSave;
use crate::observe::record::Record;
use crate::observe::words::rounded;
use crate::stats::interpolated_quantile;
use crate::units::Bytes;

/// The longest span between two records that still tells hours apart \[s\].
const LONGEST_SPAN: f64 = 5_400.0;

/// Records of fewer saves show no spread.
const FEWEST_SAVES: usize = 3;

const DAY: f64 = 86_400.0;
const HOUR: f64 = 3_600.0;

/// What an INFO tells of a moment \[s since 1970\].
fn moment(record: &Record) -> Option<f64> {
    Some(record.server.time_usec? as f64 / 1e6)
}

/// Writes from one record of a process to its next: by the calls of write commands, which only grow.
fn writes(earlier: &Record, later: &Record) -> Option<f64> {
    let is_same = earlier.server.run_id == later.server.run_id;
    let calls = later.load.write_commands?.checked_sub(earlier.load.write_commands?)?;
    is_same.then_some(calls as f64)
}

/// The profile of the day: 24 factors of the mean, from the calls of write commands between records no more than an
/// hour and a half apart. `None` where an hour of the day was never seen.
pub(super) fn hourly(records: &[Record]) -> Option<Entry> {
    let (mut calls, mut seconds) = ([0.0; 24], [0.0; 24]);
    for pair in records.windows(2) {
        let [earlier, later] = pair else { continue };
        let (Some(from), Some(to)) = (moment(earlier), moment(later)) else { continue };
        if let Some(writes) = writes(earlier, later).filter(|_| to > from && to - from <= LONGEST_SPAN) {
            for (hour, share) in hours(from, to) {
                calls[hour] += writes * share / (to - from);
                seconds[hour] += share;
            }
        }
    }
    if seconds.contains(&0.0) {
        return None;
    }
    let rates: Vec<f64> = calls.iter().zip(seconds).map(|(calls, seconds)| calls / seconds).collect();
    let mean = rates.iter().sum::<f64>() / 24.0;
    if mean <= 0.0 {
        return None;
    }
    let factors: Vec<String> = rates.iter().map(|rate| format!("{:.2}", rate / mean)).collect();
    let days = seconds.iter().sum::<f64>() / DAY;
    let why = format!(
        "writes in each hour of the day (UTC) over their mean, from the calls of write commands (cmdstat) between \
         records no more than 90 minutes apart: {} days of them",
        rounded(days, 2)
    );
    Some(entry("hourly", format!("[{}]", factors.join(", ")), Origin::Measured, why))
}

/// The hours of the day in a span, each with its seconds.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an hour of the day")]
fn hours(from: f64, to: f64) -> Vec<(usize, f64)> {
    let (mut at, mut hours) = (from, Vec::new());
    while at < to {
        let next = ((at / HOUR).floor() + 1.0) * HOUR;
        let hour = (at / HOUR).floor().rem_euclid(24.0) as usize;
        hours.push((hour, next.min(to) - at));
        at = next;
    }
    hours
}

/// Growth of `used_memory` a day: the median slope between records a day or more apart; its high end is what a slope in
/// twenty exceeds. `None` for fewer than three records or less than two days.
///
/// Source: P. K. Sen, "Estimates of the regression coefficient based on Kendall's tau", Journal of the American
/// Statistical Association 63 (1968).
pub(super) fn growth(records: &[Record]) -> Option<Entry> {
    let points: Vec<(f64, f64)> =
        records.iter().filter_map(|record| Some((moment(record)?, record.memory.used.as_f64()))).collect();
    let span = (points.last()?.0 - points.first()?.0) / DAY;
    if points.len() < 3 || span < 2.0 {
        return None;
    }
    let mut slopes = Vec::new();
    for (at, earlier) in points.iter().enumerate() {
        let later = points[at + 1..].iter().filter(|later| later.0 - earlier.0 >= DAY);
        slopes.extend(later.map(|later| (later.1 - earlier.1) / (later.0 - earlier.0) * DAY));
    }
    slopes.sort_by(f64::total_cmp);
    let slope = |q| interpolated_quantile(&slopes, q).map(|slope| slope.max(0.0));
    let (likely, high) = (slope(0.5)?, slope(0.95)?);
    let why = format!(
        "the median slope of used_memory between {} records over {} days; low: none; high: what one slope in twenty \
         exceeds",
        points.len(),
        rounded(span, 2)
    );
    let [likely, high] = [likely, high].map(|bytes| quoted(Bytes::mib(Bytes::from_f64(bytes).0 >> 20)));
    Some(entry("growth-per-day", interval(&quoted("0 B"), &likely, &high), Origin::Derived, why))
}

/// The saves that records tell of, each once.
pub(super) fn saves(records: &[Record]) -> Vec<PastSave> {
    let ended =
        |record: &Record| Some((moment(record)? - record.forks.since_last_save_seconds? as f64).floor());
    let mut saves: Vec<(f64, PastSave)> = Vec::new();
    for record in records {
        let (Some(ended), Some(copied)) = (ended(record), record.forks.last_cow) else { continue };
        // The moment of an INFO and of the save are of whole seconds: one apart is the same save.
        if saves.last().is_none_or(|(last, _)| ended > last + 1.0) {
            let seconds = record.forks.last_save_seconds.map(|seconds| seconds as f64);
            saves.push((
                ended,
                PastSave { used_memory: record.memory.used, copied: copied.as_f64(), seconds },
            ));
        }
    }
    saves.into_iter().map(|(_, save)| save).collect()
}

/// The slowest, the median and the fastest pace of the saves on record \[B/s\], and how many they are.
pub(super) fn paces(records: &[Record]) -> Option<([f64; 3], usize)> {
    let saves = saves(records);
    let timed = saves.iter().filter_map(|save| Some((save.used_memory, save.seconds.filter(|&s| s > 0.0)?)));
    let mut paces: Vec<f64> = timed.map(|(used, seconds)| used.as_f64() / seconds).collect();
    paces.sort_by(f64::total_cmp);
    let ends = [paces.first().copied()?, interpolated_quantile(&paces, 0.5)?, paces.last().copied()?];
    (paces.len() >= FEWEST_SAVES).then_some((ends, paces.len()))
}

/// What the saves copied, in words.
pub(super) fn remarks(records: &[Record]) -> Vec<String> {
    let mut copied: Vec<f64> = saves(records).iter().map(|save| save.copied).collect();
    copied.sort_by(f64::total_cmp);
    let (Some(low), Some(high)) = (copied.first(), copied.last()) else { return Vec::new() };
    if copied.len() < FEWEST_SAVES {
        return Vec::new();
    }
    let [low, high] = [*low, *high].map(Bytes::from_f64);
    let median = Bytes::from_f64(interpolated_quantile(&copied, 0.5).unwrap_or(0.0));
    vec![format!(
        "{} saves on record copied {low} to {high}, {median} in the middle (rdb_last_cow_size). `forkcast forecast` on \
         INFO texts says what the next one copies.",
        copied.len()
    )]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::info::Info;

    const PRODUCTION: &str = include_str!("../../../tests/data/info/production-27gb.txt");

    /// A record an hour for ten days: the busy half of the day writes three times what the other does, 240 MiB more a
    /// day, a save a day.
    fn records() -> Vec<Record> {
        let base = Record::of(&Info::parse(PRODUCTION).unwrap()).unwrap();
        let (mut calls, start) = (0, 1_700_006_400_u64);
        let record = |hour: u64| {
            let mut record = base.clone();
            calls += if (hour + 23) % 24 < 12 { 3_600_000 } else { 1_200_000 };
            record.server.time_usec = Some((start + hour * 3_600) * 1_000_000);
            record.memory.used = Bytes::gib(10) + Bytes::mib(10 * hour);
            record.load.write_commands = Some(calls);
            record.forks.since_last_save_seconds = Some(hour % 24 * 3_600);
            record.forks.last_save_seconds = Some(100 + hour / 24);
            record.forks.last_cow = Some(Bytes::mib(100 + hour / 24));
            record
        };
        (0..240).map(record).collect()
    }

    fn value(entry: &Entry) -> String {
        super::super::page::page("", &[], "test", &[super::super::page::section("[x]", vec![entry.clone()])])
    }

    #[test]
    fn the_hours_of_the_day_are_told_apart() {
        let text = value(&hourly(&records()).unwrap());
        assert!(text.contains("hourly = [1.50, 1.50") && text.contains("0.50, 0.50]"), "{text}");
        let days: Vec<Record> = records().into_iter().step_by(24).collect();
        assert!(hourly(&days).is_none());
    }

    #[test]
    fn growth_is_the_median_slope() {
        let text = value(&growth(&records()).unwrap());
        assert!(text.contains("likely = \"240 MiB\""), "{text}");
        assert!(growth(&records()[..40]).is_none());
    }

    #[test]
    fn each_save_is_counted_once() {
        let records = records();
        assert_eq!(saves(&records).len(), 10);
        assert_eq!(paces(&records).unwrap().1, 10);
        assert!(remarks(&records)[0].starts_with("10 saves on record copied 100 MiB to 109 MiB"));
        assert!(paces(&records[..30]).is_none());
    }
}
