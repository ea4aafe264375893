//! What the times of the saves on record show: save points at work, or a clock.

use super::saves::{SeenSave, saves};
use crate::model::host::SavePoint;
use crate::observe::record::Record;
use crate::stats::interpolated_quantile;

const MINUTE: f64 = 60.0;
const DAY: f64 = 86_400.0;

/// The save points of a server without a `save` line. Source: `server.c`, Redis 5.0 to 7.0 and Valkey 8.0.
pub(super) const DEFAULT_POINTS: [SavePoint; 3] = [
    SavePoint { seconds: 3_600, changes: 1 },
    SavePoint { seconds: 300, changes: 100 },
    SavePoint { seconds: 60, changes: 10_000 },
];

/// Saves that something outside the server asks for by the clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Schedule {
    /// The first time of the day \[s since midnight UTC\], a whole minute.
    pub(super) at: f64,
    /// From one to the next \[s\].
    pub(super) every: f64,
    /// They begin within so long of it \[s\], whole minutes.
    pub(super) jitter: f64,
    /// Saves that show it.
    pub(super) saves: usize,
}

/// What the times of the saves show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pattern {
    /// No change waited for longer than the default points let it.
    AsDefaults {
        /// Records with changes that waited.
        records: usize,
        /// The longest time that one of them had waited \[s\].
        longest: u64,
    },
    /// Saves by the clock.
    ByTheClock(Schedule),
    /// Saves at no fixed time, other than the default points make them.
    Apart {
        /// From the end of one to the end of the next, in the mean \[s\].
        seconds: f64,
        /// Saves seen.
        saves: usize,
    },
    /// Changes waited for longer than the default points let them, and at most one save is known.
    Waiting {
        /// How many changes.
        changes: u64,
        /// How long they waited at most \[s\].
        seconds: u64,
        /// The one save.
        save: Option<SeenSave>,
    },
}

/// Fewer records of waiting changes, or of less than a day, do not show that the default points are set.
const ENOUGH_WAITS: usize = 24;

/// The share of the records that may contradict the default points all the same: saves wait for a rewrite or a full
/// sync that runs.
const EXCUSED: f64 = 0.1;

/// What the times of the saves on record show; `None` where that is nothing.
pub(super) fn pattern(records: &[Record]) -> Option<Pattern> {
    let waits: Vec<Wait> = records.iter().filter_map(Wait::of).collect();
    let overdue = waits.iter().filter(|wait| wait.is_overdue()).count();
    let are_refuted = overdue as f64 > waits.len() as f64 * EXCUSED;
    let span = records.first()?.seconds_until(records.last()?).unwrap_or(0.0);
    if !are_refuted && waits.len() >= ENOUGH_WAITS && span >= DAY {
        let longest = waits.iter().map(|wait| wait.seconds).max()?;
        return Some(Pattern::AsDefaults { records: waits.len(), longest });
    }
    let saves = saves(records);
    if let Some(schedule) = schedule(&saves, records) {
        return Some(Pattern::ByTheClock(schedule));
    }
    if !are_refuted {
        return None;
    }
    if saves.len() > 1 {
        return Some(Pattern::Apart { seconds: apart(&saves, records), saves: saves.len() });
    }
    let longest = waits.iter().filter(|wait| wait.is_overdue()).max_by_key(|wait| wait.seconds)?;
    let save = saves.first().copied();
    Some(Pattern::Waiting { changes: longest.changes, seconds: longest.seconds, save })
}

/// Changes that wait for a save.
struct Wait {
    changes: u64,
    /// Since the last save ended \[s\].
    seconds: u64,
    /// What a save takes, or a rewrite: none begins while one runs \[s\].
    child: u64,
}

impl Wait {
    /// `None` where nothing waits, where a child runs, and where the last save failed, so that the wait has another
    /// reason.
    fn of(record: &Record) -> Option<Self> {
        let forks = &record.forks;
        let changes = record.load.changes.filter(|changes| changes.count > 0)?;
        let child = forks.last_save_seconds.max(forks.last_rewrite_seconds).unwrap_or(0);
        (!forks.is_saving && !forks.has_last_save_failed).then_some(Self {
            changes: changes.count,
            seconds: changes.since_save_end,
            child,
        })
    }

    /// Whether one of the default points would have saved by now, even behind another child.
    fn is_overdue(&self) -> bool {
        let is_due = |point: &SavePoint| {
            self.changes >= point.changes && self.seconds > point.seconds.saturating_add(self.child + 60)
        };
        DEFAULT_POINTS.iter().any(is_due)
    }
}

/// The intervals at which schedules come \[min\]: parts of an hour and of a day, and whole days.
const INTERVALS: [f64; 13] =
    [15.0, 30.0, 60.0, 120.0, 180.0, 240.0, 360.0, 480.0, 720.0, 1_440.0, 2_880.0, 4_320.0, 10_080.0];

/// A median gap this far from an interval is not it.
const OFF: f64 = 0.15;

/// The share of the interval, or of the day, within which saves by the clock begin.
const WIDEST: f64 = 0.125;

/// The schedule behind the saves: they come at one of [`INTERVALS`], and nine in ten begin within [`WIDEST`] of it.
fn schedule(saves: &[SeenSave], records: &[Record]) -> Option<Schedule> {
    // Between records further apart than half a gap others may have come and gone.
    let gap = median(gaps(saves).collect())?;
    if step(records)? > gap / 2.0 {
        return None;
    }
    let is_near = |every: &f64| (gap / every - 1.0).abs() < OFF;
    let every = INTERVALS.into_iter().map(|minutes| minutes * MINUTE).find(is_near)?;
    let period = every.min(DAY);
    let (start, width) =
        shortest_arc(saves.iter().map(|save| save.began.rem_euclid(period)).collect(), period)?;
    let at = (start / MINUTE).floor() * MINUTE;
    let within = start + width - at;
    let jitter = if within < MINUTE { 0.0 } else { (within / MINUTE).ceil() * MINUTE };
    (width <= period * WIDEST).then_some(Schedule { at, every, jitter, saves: saves.len() })
}

/// From the end of each save to the end of the next \[s\].
fn gaps(saves: &[SeenSave]) -> impl Iterator<Item = f64> {
    saves.windows(2).map(|pair| pair[1].ended - pair[0].ended)
}

/// The time from one record to the next, in the median \[s\].
fn step(records: &[Record]) -> Option<f64> {
    median(records.windows(2).filter_map(|pair| pair[0].seconds_until(&pair[1])).collect())
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    interpolated_quantile(&values, 0.5)
}

/// The shortest stretch of a circle that holds nine in ten of the points on it: where it starts, and its length.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
fn shortest_arc(mut points: Vec<f64>, circumference: f64) -> Option<(f64, f64)> {
    points.sort_by(f64::total_cmp);
    let (count, held) = (points.len(), (points.len() as f64 * 0.9).ceil() as usize);
    let arc = |first: usize| {
        let last = first + held - 1;
        let beyond = if last >= count { circumference } else { 0.0 };
        (points[first], points[last % count] + beyond - points[first])
    };
    (0..count).map(arc).min_by(|a, b| a.1.total_cmp(&b.1))
}

/// From one save to the next in the mean \[s\]: by the saves seen; where records are too far apart to see each, a
/// record falls on average into the middle between two.
fn apart(saves: &[SeenSave], records: &[Record]) -> f64 {
    let seen = gaps(saves).sum::<f64>() / (saves.len() as f64 - 1.0).max(1.0);
    let ages: Vec<f64> =
        records.iter().filter_map(|record| Some(record.forks.since_last_save_seconds? as f64)).collect();
    seen.min(2.0 * ages.iter().sum::<f64>() / ages.len().max(1) as f64)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::observe::info::Info;
    use crate::observe::record::Changes;
    use crate::units::Bytes;

    const PRODUCTION: &str = include_str!("../../../tests/data/info/production-27gb.txt");

    /// Midnight UTC.
    const START: u64 = 1_700_006_400;

    /// What a server shows that saves at these times, each for so long \[s\], and writes so much: a record every `step`.
    pub(in crate::observe::import) fn observed(
        saves: &[(u64, u64)],
        writes_per_second: u64,
        step: u64,
        days: u64,
    ) -> Vec<Record> {
        let mut base = Record::of(&Info::parse(PRODUCTION).unwrap()).unwrap();
        (base.forks.rdb_saves, base.forks.is_saving, base.forks.running_save_seconds) = (None, false, None);
        let record = |now: u64| {
            let mut record = base.clone();
            let last = saves.iter().rev().find(|(began, took)| began + took <= now);
            let (began, took) = last.copied().unwrap_or((0, 0));
            record.server.time_usec = Some((START + now) * 1_000_000);
            record.server.uptime_seconds += now;
            record.forks.since_last_save_seconds = Some(now - began - took);
            record.forks.last_save_seconds = last.map(|_| took);
            record.forks.last_cow = last.map(|(began, _)| Bytes::mib(100 + began / 86_400));
            record.load.changes = Some(Changes {
                count: writes_per_second * (now - began),
                since_save_end: now - began - took,
                save: took,
            });
            record
        };
        (0..days * 86_400 / step).map(|at| record(at * step + step / 2)).collect()
    }

    /// What the default points make of a steady load.
    pub(in crate::observe::import) fn by_points(
        took: u64,
        writes_per_second: u64,
        days: u64,
    ) -> Vec<(u64, u64)> {
        let wait =
            DEFAULT_POINTS.iter().map(|point| point.seconds.max(point.changes / writes_per_second)).min();
        let cycle = wait.unwrap() + 1 + took;
        (0..days * 86_400 / cycle).map(|save| (save * cycle, took)).collect()
    }

    fn daily(days: u64, at: u64) -> Vec<(u64, u64)> {
        (0..days).map(|day| (day * 86_400 + at + day * 7 % 20, 220)).collect()
    }

    #[test]
    fn a_save_a_day_is_a_schedule_with_its_hour() {
        let records = observed(&daily(10, 2 * 3_600), 500, 3_600, 10);
        let expected = Schedule { at: 7_200.0, every: DAY, jitter: 0.0, saves: 10 };
        assert_eq!(pattern(&records), Some(Pattern::ByTheClock(expected)));
        let night = observed(&daily(10, 86_390), 500, 3_600, 10);
        let Some(Pattern::ByTheClock(around_midnight)) = pattern(&night) else { panic!() };
        assert_eq!((around_midnight.at, around_midnight.jitter), (86_340.0, 120.0));
    }

    #[test]
    fn a_save_every_six_hours_is_a_schedule() {
        let saves: Vec<_> = (0..40).map(|save| (save * 6 * 3_600 + 900, 100)).collect();
        let Some(Pattern::ByTheClock(schedule)) = pattern(&observed(&saves, 500, 3_600, 10)) else {
            panic!()
        };
        assert_eq!((schedule.every, schedule.at), (6.0 * 3_600.0, 900.0));
    }

    #[test]
    fn what_the_default_points_make_is_theirs_under_any_load() {
        for writes in [1, 30, 5_000] {
            for step in [60, 3_600] {
                let found = pattern(&observed(&by_points(20, writes, 4), writes, step, 4));
                assert!(
                    matches!(found, Some(Pattern::AsDefaults { .. })),
                    "{writes}/s every {step} s: {found:?}"
                );
            }
        }
    }

    #[test]
    fn a_backup_of_a_server_that_nobody_writes_to_is_seen_too() {
        let records = observed(&daily(10, 3_600), 0, 3_600, 10);
        assert!(matches!(pattern(&records), Some(Pattern::ByTheClock(_))));
    }

    /// Every 20 minutes, seen once an hour: the records show a save an hour, always in the same part of it.
    #[test]
    fn records_too_far_apart_make_no_schedule() {
        let saves: Vec<_> = (0..720).map(|save| (save * 1_200 + save * 37 % 600, 30)).collect();
        let Some(Pattern::Apart { seconds, .. }) = pattern(&observed(&saves, 5_000, 3_600, 10)) else {
            panic!()
        };
        assert!((600.0..2_000.0).contains(&seconds), "{seconds}");
    }

    #[test]
    fn saves_at_no_fixed_time_are_a_mean() {
        let saves: Vec<_> = (0..20).map(|save| (save * 40_000 + save * 7_919 % 9_000, 100)).collect();
        let Some(Pattern::Apart { seconds, saves }) = pattern(&observed(&saves, 500, 3_600, 9)) else {
            panic!()
        };
        assert!((seconds - 40_000.0).abs() < 2_000.0 && saves > 15, "{seconds} {saves}");
    }

    #[test]
    fn changes_that_nothing_saves_show_that_no_points_are_set() {
        let found = pattern(&observed(&[], 500, 3_600, 3));
        assert!(matches!(found, Some(Pattern::Waiting { save: None, .. })), "{found:?}");
        let mut failing = observed(&[], 500, 3_600, 3);
        for record in &mut failing {
            record.forks.has_last_save_failed = true;
        }
        assert_eq!(pattern(&failing), None);
    }

    #[test]
    fn the_shortest_arc_may_lie_across_midnight() {
        assert_eq!(shortest_arc(vec![10.0, 350.0, 355.0, 5.0], 360.0), Some((350.0, 20.0)));
        assert_eq!(shortest_arc(vec![], 360.0), None);
    }
}
