//! What makes the server save: its save points, or something outside that asks by the clock.

use super::page::Origin;
use super::pattern::{DEFAULT_POINTS, Pattern, Schedule, pattern};
use super::saves::{SeenSave, saves};
use crate::model::host::SavePoint;
use crate::observe::config::Config;
use crate::observe::record::Record;
use crate::observe::words::{grouped, rounded, uptime};
use crate::units::Bytes;

const DAY: f64 = 86_400.0;

/// INFO is silent where the settings are not given.
const NOT_TOLD: &str = "INFO does not tell the save points (`CONFIG GET save` does)";

/// The save points, or what stands for them.
pub(super) struct SavePoints {
    /// The points.
    pub(super) points: Vec<SavePoint>,
    /// How much they are worth.
    pub(super) origin: Origin,
    /// Where they come from.
    pub(super) why: String,
    /// What asks for saves from outside; `None` where nothing shows that anything does.
    pub(super) backup: Option<SeenBackup>,
}

/// A backup that the record shows.
pub(super) struct SeenBackup {
    /// When.
    pub(super) schedule: Schedule,
    /// How much that is worth.
    pub(super) origin: Origin,
    /// Where it comes from.
    pub(super) why: String,
}

impl SavePoints {
    /// The points of CONFIG GET, else those that explain the saves of `series`, records in order of time of which
    /// `record` is the last.
    pub(super) fn of(record: &Record, series: &[Record], config: Option<&Config>) -> Self {
        let seen = pattern(series);
        if let Some(points) = config.and_then(Config::save_points) {
            return Self::configured(points, seen);
        }
        match (seen, record.save_cadence_seconds()) {
            (Some(Pattern::ByTheClock(schedule)), _) => {
                let why = format!("{NOT_TOLD}; the saves on record come by the clock, as [backup] has them");
                Self::none(why).with(by_the_clock(schedule))
            }
            (_, Some(cadence)) => Self::by_cadence(record, cadence),
            (Some(Pattern::AsDefaults { records, longest }), None) => {
                let why = format!(
                    "{NOT_TOLD}. The server's defaults fit: in {} records no change had waited for longer than they \
                     let it, at most {longest} s. Others may fit as well",
                    grouped(records as u64)
                );
                Self::defaults(Origin::Derived, why)
            }
            (Some(Pattern::Apart { seconds, saves }), None) => {
                let why = format!(
                    "{NOT_TOLD}; {saves} saves on record are one every {seconds:.0} s, at no fixed time and more \
                     rarely than the server's defaults would save: this point makes as many"
                );
                Self::one_every(seconds, record, why)
            }
            (Some(Pattern::Waiting { changes, seconds, save }), None) => {
                Self::waiting(changes, seconds, save)
            }
            (None, None) => Self::untold(record),
        }
    }

    /// What CONFIG GET says. Where that is no points and the record has saves, something outside asks for them.
    fn configured(points: Vec<(u64, u64)>, seen: Option<Pattern>) -> Self {
        let points: Vec<SavePoint> =
            points.into_iter().map(|(seconds, changes)| SavePoint { seconds, changes }).collect();
        let backup = match seen {
            Some(Pattern::ByTheClock(schedule)) if points.is_empty() => Some(by_the_clock(schedule)),
            Some(Pattern::Waiting { save: Some(save), .. }) if points.is_empty() => Some(once(save)),
            _ => None,
        };
        Self { points, origin: Origin::Measured, why: "CONFIG GET save".into(), backup }
    }

    /// What an INFO without a pattern in its saves says.
    fn untold(record: &Record) -> Self {
        let is_old = record.server.uptime_seconds as f64 > DAY;
        match record.forks.rdb_saves {
            Some(saves) if is_old => Self::none(format!(
                "{NOT_TOLD}; {saves} saves since the start are not the work of save points"
            )),
            _ => {
                let why =
                    format!("{NOT_TOLD}, and the record is too short to show them: the server's defaults");
                Self::defaults(Origin::Assumed, why)
            }
        }
    }

    /// No points: changes wait that each default point would have saved.
    fn waiting(changes: u64, seconds: u64, save: Option<SeenSave>) -> Self {
        let points = Self::none(format!(
            "{NOT_TOLD}; {} changes had waited for {} for a save, which the server's defaults do not let them",
            grouped(changes),
            uptime(seconds)
        ));
        match save {
            Some(save) => points.with(once(save)),
            None => points,
        }
    }

    /// The points under which saves lasting as long as the last one come as often as they did.
    ///
    /// A server saves a point's seconds after the last save ended, if enough has changed by then. So the
    /// default points make a cycle of duration + 61 s under a heavy load and of duration + 301 s under a
    /// light one.
    fn by_cadence(record: &Record, cadence: f64) -> Self {
        let duration = record.forks.last_save_seconds.unwrap_or(0);
        let cycle = |seconds: u64| duration.saturating_add(seconds + 1) as f64;
        let rate = format!(
            "{NOT_TOLD}; {} saves in {} s of uptime are one every {cadence:.0} s",
            grouped(record.forks.rdb_saves.unwrap_or(0)),
            grouped(record.server.uptime_seconds)
        );
        // A tenth more: saves do not all last as long as the last one.
        if (cycle(60) * 0.9..cycle(300) * 1.1).contains(&cadence) {
            let why = format!(
                "{rate}. The server's defaults fit: with a save of {duration} s they make {} s between two \
                 saves while more than 10,000 keys change in that time, and up to {} s while fewer do{}",
                cycle(60),
                cycle(300),
                running_save(record)
            );
            return Self::defaults(Origin::Derived, why);
        }
        if (DAY * 0.8..DAY * 1.2).contains(&cadence) {
            return Self::none(format!("{rate}: a daily backup, not save points")).with(daily(record));
        }
        Self::one_every(cadence, record, format!("{rate}; with a save of {duration} s that is this point"))
    }

    /// One point that saves every so many seconds.
    fn one_every(cadence: f64, record: &Record, why: String) -> Self {
        let duration = record.forks.last_save_seconds.unwrap_or(0);
        let wait = Bytes::from_f64((cadence - duration as f64 - 1.0).floor()).0.max(1);
        let points = vec![SavePoint { seconds: wait, changes: 1 }];
        Self { points, origin: Origin::Derived, why, backup: None }
    }

    fn defaults(origin: Origin, why: String) -> Self {
        Self { points: DEFAULT_POINTS.to_vec(), origin, why, backup: None }
    }

    fn none(why: String) -> Self {
        Self { points: Vec::new(), origin: Origin::Derived, why, backup: None }
    }

    fn with(self, backup: SeenBackup) -> Self {
        Self { backup: Some(backup), ..self }
    }
}

fn by_the_clock(schedule: Schedule) -> SeenBackup {
    // Two saves may lie a day apart by chance.
    let origin = if schedule.saves > 2 { Origin::Derived } else { Origin::Assumed };
    let why = format!(
        "{} saves on record, nine in ten of which began within {} of this (rdb_last_save_time less \
         rdb_last_bgsave_time_sec)",
        schedule.saves,
        if schedule.jitter > 0.0 {
            format!("{} minutes", rounded(schedule.jitter / 60.0, 2))
        } else {
            "a minute".into()
        },
    );
    SeenBackup { schedule, origin, why }
}

/// A backup a day of which one save is known.
fn once(save: SeenSave) -> SeenBackup {
    let why = "when the one save on record began; that it comes every day is assumed".into();
    SeenBackup { schedule: daily_at(save.began), origin: Origin::Assumed, why }
}

/// A backup a day, as counters show; the hour is that of the last save.
fn daily(record: &Record) -> SeenBackup {
    match saves(std::slice::from_ref(record)).first() {
        Some(save) => SeenBackup {
            schedule: daily_at(save.began),
            origin: Origin::Derived,
            why: "when the last save began, and as many saves as days on record".into(),
        },
        None => SeenBackup {
            schedule: daily_at(2.0 * 3_600.0),
            origin: Origin::Assumed,
            why: "as many saves as days on record, but INFO does not tell the hour: put yours here".into(),
        },
    }
}

fn daily_at(began: f64) -> Schedule {
    let at = (began.rem_euclid(DAY) / 60.0).floor() * 60.0;
    Schedule { at, every: DAY, jitter: 0.0, saves: 1 }
}

/// The point that the running save shows, where there is one.
fn running_save(record: &Record) -> String {
    let forks = &record.forks;
    let times = forks.since_last_save_seconds.zip(forks.running_save_seconds);
    let Some(gap) = times.and_then(|(since, age)| since.checked_sub(age)) else { return String::new() };
    // The server looks at its save points ten times a second; a fork and whole seconds add a little.
    match DEFAULT_POINTS.iter().find(|point| (point.seconds..point.seconds + 6).contains(&gap)) {
        Some(SavePoint { seconds, changes }) => format!(
            ". The save that runs began {gap} s after the last one ended, as the point `{seconds} \
             {changes}` does"
        ),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::pattern::tests::{by_points, observed};
    use super::*;
    use crate::observe::info::Info;

    const PRODUCTION: &str = include_str!("../../../tests/data/info/production-27gb.txt");

    fn record(text: &str) -> Record {
        Record::of(&Info::parse(text).unwrap()).unwrap()
    }

    /// The production host with another number of saves in its 3,503,939 s.
    fn saving(times: u64) -> Record {
        record(&PRODUCTION.replace("rdb_saves:7695", &format!("rdb_saves:{times}")))
    }

    fn of(record: &Record) -> SavePoints {
        SavePoints::of(record, std::slice::from_ref(record), None)
    }

    fn of_series(series: &[Record], config: Option<&Config>) -> SavePoints {
        SavePoints::of(series.last().unwrap(), series, config)
    }

    fn points(record: &Record) -> Vec<(u64, u64)> {
        of(record).points.into_iter().map(|point| (point.seconds, point.changes)).collect()
    }

    const DEFAULTS: [(u64, u64); 3] = [(3_600, 1), (300, 100), (60, 10_000)];

    /// A save of 220 s comes every 281 s under a heavy load and every 521 s under a light one; 455 s lies
    /// between.
    #[test]
    fn a_cadence_between_the_cycles_of_the_defaults_is_theirs() {
        assert_eq!(points(&saving(7_695)), DEFAULTS);
        assert!(of(&saving(7_695)).why.contains("62 s after the last one ended"));
    }

    #[test]
    fn another_cadence_is_a_point_of_its_own() {
        assert_eq!(points(&saving(3_503_939 / 1_800)), [(1_579, 1)]);
        assert_eq!(points(&saving(3_503_939 / 230)), [(9, 1)]);
    }

    /// The last save ended on 2024-10-27 at 16:14:39 UTC and took 220 s.
    #[test]
    fn a_save_a_day_is_a_backup_at_the_hour_of_the_last() {
        let points = of(&saving(40));
        let backup = points.backup.unwrap();
        assert!(points.points.is_empty());
        assert_eq!((backup.schedule.at, backup.schedule.every), (16.0 * 3_600.0 + 600.0, DAY));
    }

    #[test]
    fn a_series_of_daily_saves_has_no_points_and_one_of_default_points_keeps_them() {
        let days: Vec<_> = (0..7).map(|day| (day * 86_400 + 10_800, 300)).collect();
        let daily = of_series(&observed(&days, 900, 3_600, 7), None);
        assert!(daily.points.is_empty());
        assert_eq!((daily.backup.unwrap().schedule.at, daily.origin), (10_800.0, Origin::Derived));
        let pointed = of_series(&observed(&by_points(20, 900, 3), 900, 3_600, 3), None);
        assert!(pointed.backup.is_none());
        assert_eq!((pointed.points.as_slice(), pointed.origin), (&DEFAULT_POINTS[..], Origin::Derived));
    }

    #[test]
    fn one_info_with_changes_that_waited_for_a_day_has_no_points() {
        let seen = observed(&[(3_600, 300)], 900, 3_600, 1);
        let points = of(seen.last().unwrap());
        let backup = points.backup.unwrap();
        assert!(points.points.is_empty() && points.why.contains("had waited for 22 hours"), "{}", points.why);
        assert_eq!((backup.schedule.at, backup.origin), (3_600.0, Origin::Assumed));
    }

    #[test]
    fn settings_go_before_guesses() {
        let config = Config::parse("save\n900 1\n").unwrap();
        let points = of_series(&[saving(7_695)], Some(&config));
        assert_eq!(points.points, [SavePoint { seconds: 900, changes: 1 }]);
        assert_eq!(points.origin, Origin::Measured);
    }

    #[test]
    fn without_points_in_the_settings_daily_saves_are_a_backup() {
        let days: Vec<_> = (0..7).map(|day| (day * 86_400 + 10_800, 300)).collect();
        let off = Config::parse("save\n\n").unwrap();
        let points = of_series(&observed(&days, 900, 3_600, 7), Some(&off));
        assert!(points.points.is_empty() && points.backup.is_some());
    }

    #[test]
    fn a_record_of_seconds_shows_no_save_points() {
        let young = record(include_str!("../../../tests/data/info/redis-7.0.after-save.txt"));
        let points = of(&young);
        assert_eq!((points.points.as_slice(), points.origin), (&DEFAULT_POINTS[..], Origin::Assumed));
        assert!(of(&saving(0)).points.is_empty());
    }
}
