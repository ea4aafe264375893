//! `[persistence]`, `[save]` and `[backup]`: what forks, how often and for how long.

use super::page::{Origin, Section, entry, exact_size, interval, quoted, section};
use crate::model::host::SavePoint;
use crate::observe::config::Config;
use crate::observe::record::Record;
use crate::observe::words::grouped;
use crate::units::Bytes;

use super::{Sources, series};

const DAY: f64 = 86_400.0;

/// The save points of a server without a `save` line. Source: `server.c`, Redis 5.0 to 7.0 and Valkey 8.0.
const DEFAULT_POINTS: [SavePoint; 3] = [
    SavePoint { seconds: 3_600, changes: 1 },
    SavePoint { seconds: 300, changes: 100 },
    SavePoint { seconds: 60, changes: 10_000 },
];

/// The save points, or what stands for them.
pub(super) struct SavePoints {
    /// The points.
    pub(super) points: Vec<SavePoint>,
    /// Whether something outside the server asks for a save once a day.
    is_daily: bool,
    origin: Origin,
    why: String,
}

impl SavePoints {
    /// The points of CONFIG GET, else those that explain the saves on record.
    pub(super) fn of(record: &Record, config: Option<&Config>) -> Self {
        if let Some(points) = config.and_then(Config::save_points) {
            let points = points.into_iter().map(|(seconds, changes)| SavePoint { seconds, changes });
            return Self::new(points.collect(), Origin::Measured, "CONFIG GET save".into());
        }
        let not_told = "INFO does not tell the save points (`CONFIG GET save` does)";
        let is_old = record.server.uptime_seconds as f64 > DAY;
        match (record.save_cadence_seconds(), record.forks.rdb_saves) {
            (Some(cadence), _) => Self::by_cadence(record, cadence, not_told),
            (None, Some(saves)) if is_old => {
                let why =
                    format!("{not_told}; {saves} saves since the start are not the work of save points");
                Self::new(Vec::new(), Origin::Derived, why)
            }
            _ => {
                let why =
                    format!("{not_told}, and the record is too short to show them: the server's defaults");
                Self::new(DEFAULT_POINTS.to_vec(), Origin::Assumed, why)
            }
        }
    }

    /// The points under which saves lasting as long as the last one come as often as they did.
    ///
    /// A server saves a point's seconds after the last save ended, if enough has changed by then. So the
    /// default points make a cycle of duration + 61 s under a heavy load and of duration + 301 s under a
    /// light one.
    fn by_cadence(record: &Record, cadence: f64, not_told: &str) -> Self {
        let duration = record.forks.last_save_seconds.unwrap_or(0);
        let cycle = |seconds: u64| duration.saturating_add(seconds + 1) as f64;
        let rate = format!(
            "{not_told}; {} saves in {} s of uptime are one every {cadence:.0} s",
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
            return Self::new(DEFAULT_POINTS.to_vec(), Origin::Derived, why);
        }
        if (DAY * 0.8..DAY * 1.2).contains(&cadence) {
            let why = format!("{rate}: a daily backup, not save points");
            return Self { is_daily: true, ..Self::new(Vec::new(), Origin::Derived, why) };
        }
        let wait = Bytes::from_f64((cadence - duration as f64 - 1.0).floor()).0.max(1);
        let why = format!("{rate}; with a save of {duration} s that is this point");
        Self::new(vec![SavePoint { seconds: wait, changes: 1 }], Origin::Derived, why)
    }

    fn new(points: Vec<SavePoint>, origin: Origin, why: String) -> Self {
        Self { points, is_daily: false, origin, why }
    }
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

/// The `[persistence]` table.
pub(super) fn persistence(sources: &Sources, points: &SavePoints) -> Section {
    let aof_enabled = sources.record.forks.aof_enabled;
    let mut entries = vec![entry(
        "appendonly",
        aof_enabled,
        Origin::Measured,
        format!("aof_enabled = {}", u8::from(aof_enabled)),
    )];
    if aof_enabled {
        entries.extend(rewrite_trigger(sources.config));
    }
    let shown: Vec<String> =
        points.points.iter().map(|point| quoted(format!("{} {}", point.seconds, point.changes))).collect();
    entries.push(entry("save", format!("[{}]", shown.join(", ")), points.origin, points.why.as_str()));
    for key in ["stop-writes-on-bgsave-error", "replica-ignore-disk-write-errors"] {
        let value = sources.config.and_then(|config| config.get(key));
        entries.extend(value.map(|value| entry(key, value == "yes", Origin::Measured, "CONFIG GET")));
    }
    section("[persistence]", entries)
}

fn rewrite_trigger(config: Option<&Config>) -> [super::page::Entry; 2] {
    let setting =
        |name| config.and_then(|config| config.get(name)).and_then(|value| value.parse::<u64>().ok());
    let default = "the default; INFO does not tell, CONFIG GET does";
    let percentage = match setting("auto-aof-rewrite-percentage") {
        Some(percentage) => entry("auto-aof-rewrite-percentage", percentage, Origin::Measured, "CONFIG GET"),
        None => entry("auto-aof-rewrite-percentage", 100, Origin::Assumed, default),
    };
    let min_size = match setting("auto-aof-rewrite-min-size") {
        Some(size) => {
            entry("auto-aof-rewrite-min-size", exact_size(Bytes(size)), Origin::Measured, "CONFIG GET")
        }
        None => entry("auto-aof-rewrite-min-size", quoted("64 MiB"), Origin::Assumed, default),
    };
    [percentage, min_size]
}

/// The `[save]` table: the pace of a child.
pub(super) fn save(sources: &Sources, points: &SavePoints) -> Section {
    if let Some((paces, saves)) = series::paces(sources.series) {
        let [low, likely, high] = paces.map(throughput);
        let why = format!(
            "used_memory / rdb_last_bgsave_time_sec of {saves} saves on record: the slowest, the median, the fastest"
        );
        return section(
            "[save]",
            vec![entry("throughput", interval(&low, &likely, &high), Origin::Measured, why)],
        );
    }
    let record = sources.record;
    let used = record.memory.used.as_f64();
    let last = [
        (record.forks.last_save_seconds, "rdb_last_bgsave_time_sec"),
        (record.forks.last_rewrite_seconds, "aof_last_rewrite_time_sec"),
    ];
    let seen = last.into_iter().find_map(|(seconds, field)| seconds.map(|seconds| (seconds.max(1), field)));
    let Some((seconds, field)) = seen else {
        let why = "no save has ended yet: what common disks do";
        let value = "{ low = \"60 MiB/s\", likely = \"150 MiB/s\", high = \"200 MiB/s\" }";
        return section("[save]", vec![entry("throughput", value, Origin::Assumed, why)]);
    };
    let likely = used / seconds as f64;
    let (low, why_low) = slowest(record, points, likely);
    let (high, why_high) = fastest(record, likely);
    // The field is that of the last RDB child, whatever it was for.
    let which = if record.forks.full_syncs > 0 { "one save, or one full sync" } else { "one save" };
    let why = format!(
        "used_memory / {field} = {} / {seconds} s, {which}.\nLow: {why_low}.\nHigh: {why_high}.",
        record.memory.used
    );
    let [low, likely, high] = [low, likely, high].map(throughput);
    section("[save]", vec![entry("throughput", interval(&low, &likely, &high), Origin::Derived, why)])
}

/// The cadence bounds the mean duration: a save and the wait of the busiest point fit into it.
fn slowest(record: &Record, points: &SavePoints, likely: f64) -> (f64, String) {
    let wait = points.points.iter().map(|point| point.seconds).min();
    if let Some((cadence, wait)) = record.save_cadence_seconds().zip(wait) {
        let longest = cadence - wait as f64;
        let slowest = record.memory.used.as_f64() / longest;
        if longest > 0.0 && slowest < likely && slowest > likely / 4.0 {
            let why = format!(
                "saves begin every {cadence:.0} s and {wait} s after the last one at the earliest, so the \
                 mean save took no more than {longest:.0} s"
            );
            return (slowest, why);
        }
    }
    (likely / 2.0, "half of that, assumed".into())
}

/// The processor time bounds the mean duration from below: a child is one thread.
fn fastest(record: &Record, likely: f64) -> (f64, String) {
    let forks = record.survived_forks();
    if forks >= 10
        && let Some(cpu) = record.forks.child_cpu_seconds
    {
        let shortest = cpu / forks as f64;
        let fastest = record.memory.used.as_f64() / shortest;
        if fastest > likely && fastest < likely * 4.0 {
            let why = format!(
                "{} children took {} s of processor time (used_cpu_*_children), {shortest:.0} s each, and \
                 none can be faster than that",
                grouped(forks),
                grouped(Bytes::from_f64(cpu).0)
            );
            return (fastest, why);
        }
    }
    (likely * 1.5, "half as much again, assumed".into())
}

fn throughput(bytes_per_second: f64) -> String {
    const MIB: f64 = 1_048_576.0;
    let mib = bytes_per_second / MIB;
    quoted(if mib < 10.0 {
        format!("{:.0} KiB/s", (mib * 1_024.0).max(1.0))
    } else {
        format!("{mib:.0} MiB/s")
    })
}

/// The `[backup]` table.
pub(super) fn backup(points: &SavePoints) -> Section {
    if points.is_daily {
        let entries = vec![
            entry("at", quoted("02:00"), Origin::Assumed, "INFO does not tell the hour: put yours here"),
            entry("every", quoted("24h"), Origin::Derived, "as many saves as days on record"),
            entry("method", quoted("bgsave"), Origin::Assumed, "the common one"),
        ];
        return section("[backup]", entries);
    }
    let why = "INFO does not tell a backup from another save. If something asks for BGSAVE by the clock, \
               write its hour here: at = \"22:00\", every = \"24h\", method = \"bgsave\"";
    section("[backup]", vec![entry("method", quoted("none"), Origin::Assumed, why)])
}

#[cfg(test)]
mod tests {
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

    fn points(record: &Record) -> Vec<(u64, u64)> {
        let points = SavePoints::of(record, None).points;
        points.into_iter().map(|point| (point.seconds, point.changes)).collect()
    }

    const DEFAULTS: [(u64, u64); 3] = [(3_600, 1), (300, 100), (60, 10_000)];

    /// A save of 220 s comes every 281 s under a heavy load and every 521 s under a light one; 455 s lies
    /// between.
    #[test]
    fn a_cadence_between_the_cycles_of_the_defaults_is_theirs() {
        assert_eq!(points(&saving(7_695)), DEFAULTS);
        assert!(SavePoints::of(&saving(7_695), None).why.contains("62 s after the last one ended"));
    }

    #[test]
    fn another_cadence_is_a_point_of_its_own() {
        assert_eq!(points(&saving(3_503_939 / 1_800)), [(1_579, 1)]);
        assert_eq!(points(&saving(3_503_939 / 230)), [(9, 1)]);
    }

    #[test]
    fn a_save_a_day_is_a_backup() {
        let points = SavePoints::of(&saving(40), None);
        assert!(points.points.is_empty() && points.is_daily);
    }

    #[test]
    fn settings_go_before_guesses() {
        let config = Config::parse("save\n900 1\n").unwrap();
        let points = SavePoints::of(&saving(7_695), Some(&config));
        assert_eq!(points.points, [SavePoint { seconds: 900, changes: 1 }]);
        assert_eq!(points.origin, Origin::Measured);
    }

    #[test]
    fn a_record_of_seconds_shows_no_save_points() {
        let young = record(include_str!("../../../tests/data/info/redis-7.0.after-save.txt"));
        let points = SavePoints::of(&young, None);
        assert_eq!((points.points.as_slice(), points.origin), (&DEFAULT_POINTS[..], Origin::Assumed));
        assert!(SavePoints::of(&saving(0), None).points.is_empty());
    }

    /// 25.62 GiB in 220 s; no slower than 395 s on average by the cadence, no faster than the 107 s of
    /// processor time.
    #[test]
    fn the_record_bounds_the_pace_of_a_save_from_both_sides() {
        let record = saving(7_695);
        let likely = record.memory.used.as_f64() / 220.0;
        let (slowest, _) = slowest(&record, &SavePoints::of(&record, None), likely);
        let (fastest, _) = fastest(&record, likely);
        let seconds = [slowest, fastest].map(|pace| record.memory.used.as_f64() / pace);
        assert!((seconds[0] - 395.3).abs() < 0.1 && (seconds[1] - 107.0).abs() < 0.1, "{seconds:?}");
    }
}
