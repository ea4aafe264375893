//! What a series of records tells that no single one does: what was written, at which hours, and the trend of the data.

use super::page::{Entry, Origin, entry, interval, quoted};
use crate::observe::record::Record;
use crate::observe::words::rounded;
use crate::stats::interpolated_quantile;
use crate::units::Bytes;

/// The longest span between two records that still tells hours apart \[s\].
const LONGEST_SPAN: f64 = 5_400.0;

const DAY: f64 = 86_400.0;
const HOUR: f64 = 3_600.0;

/// The first record of the process that the last one is of; `None` where that is the last itself.
pub(super) fn first_of_process(records: &[Record]) -> Option<&Record> {
    let (last, before) = records.split_last()?;
    before.iter().rev().take_while(|record| record.is_continued_by(last)).last()
}

/// Calls of write commands from one record to the next. A counter that has begun anew, with the process or by `CONFIG
/// RESETSTAT`, counts from zero, as in `increase` of Prometheus: what came between the first record and the reset is
/// lost.
pub(super) fn calls_between(earlier: &Record, later: &Record) -> Option<u64> {
    let (from, to) = (earlier.load.write_commands?, later.load.write_commands?);
    let goes_on = earlier.is_continued_by(later) && to >= from;
    Some(if goes_on { to - from } else { to })
}

/// The profile of the day: 24 factors of the mean, from the calls of write commands between records no more than an
/// hour and a half apart. `None` where an hour of the day was never seen.
pub(super) fn hourly(records: &[Record]) -> Option<Entry> {
    let (mut calls, mut seconds) = ([0.0; 24], [0.0; 24]);
    for pair in records.windows(2) {
        let [earlier, later] = pair else { continue };
        let (Some(from), Some(to)) = (earlier.moment(), later.moment()) else { continue };
        if let Some(writes) = calls_between(earlier, later).filter(|_| to > from && to - from <= LONGEST_SPAN)
        {
            for (hour, share) in hours(from, to) {
                calls[hour] += writes as f64 * share / (to - from);
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
        records.iter().filter_map(|record| Some((record.moment()?, record.memory.used.as_f64()))).collect();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::info::Info;

    const PRODUCTION: &str = include_str!("../../../tests/data/info/production-27gb.txt");

    /// A record an hour for ten days: the busy half of the day writes three times what the other does, 240 MiB more a
    /// day.
    fn records() -> Vec<Record> {
        let base = Record::of(&Info::parse(PRODUCTION).unwrap()).unwrap();
        let (mut calls, start) = (0, 1_700_006_400_u64);
        let record = |hour: u64| {
            let mut record = base.clone();
            calls += if (hour + 23) % 24 < 12 { 3_600_000 } else { 1_200_000 };
            record.server.time_usec = Some((start + hour * 3_600) * 1_000_000);
            record.memory.used = Bytes::gib(10) + Bytes::mib(10 * hour);
            record.load.write_commands = Some(calls);
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
    fn a_counter_that_began_anew_counts_from_zero() {
        let records = records();
        let (earlier, mut later) = (&records[3], records[4].clone());
        assert_eq!(calls_between(earlier, &later), Some(3_600_000));
        (later.server.run_id, later.load.write_commands) = (Some("another".into()), Some(700));
        assert_eq!(calls_between(earlier, &later), Some(700));
        assert_eq!(first_of_process(&[records[2].clone(), earlier.clone(), later]), None);
        assert_eq!(first_of_process(&records[..4]), Some(&records[0]));
    }
}
