//! `[persistence]`, `[save]` and `[backup]`: what forks, how often and for how long.

use super::page::{Entry, Origin, Section, entry, exact_size, interval, quoted, section};
use super::save_points::{SavePoints, SeenBackup};
use super::{Sources, saves};
use crate::observe::config::Config;
use crate::observe::record::Record;
use crate::observe::words::grouped;
use crate::scenario::defaults;
use crate::units::{Bytes, SimDuration};

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
    for key in ["rdbcompression", "stop-writes-on-bgsave-error", "replica-ignore-disk-write-errors"] {
        let value = sources.config.and_then(|config| config.get(key));
        entries.extend(value.map(|value| entry(key, value != "no", Origin::Measured, "CONFIG GET")));
    }
    section("[persistence]", entries)
}

fn rewrite_trigger(config: Option<&Config>) -> [Entry; 2] {
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
    if let Some((paces, saves)) = saves::paces(sources.series) {
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
        return section("[save]", vec![disk()]);
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

/// What a scenario takes for the disk where it says nothing.
fn disk() -> Entry {
    let why = "no save has ended yet: what common disks do; a child is as slow as that, or as its processor";
    let default = defaults::find("save", "disk-throughput").map_or("", |default| default.text.as_str());
    entry("disk-throughput", default, Origin::Assumed, why)
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
    let Some(SeenBackup { schedule, origin, why }) = &points.backup else {
        let why = "INFO does not tell a backup from another save. If something asks for BGSAVE by the clock, \
                   write its hour here: at = \"22:00\", every = \"24h\", method = \"bgsave\"";
        return section("[backup]", vec![entry("method", quoted("none"), Origin::Assumed, why)]);
    };
    let minutes = Bytes::from_f64(schedule.at / 60.0).0;
    let at = format!("{:02}:{:02}", minutes / 60, minutes % 60);
    let method = "the common one; \"sync\" where a client takes a full sync, as `redis-cli --rdb` does";
    let span = |seconds| match SimDuration::from_secs_f64(seconds) {
        SimDuration::ZERO => quoted("0s"),
        span => quoted(span),
    };
    let entries = vec![
        entry("at", quoted(at), *origin, format!("{why}, UTC")),
        entry("jitter", span(schedule.jitter), *origin, "how much later it may begin"),
        entry("every", span(schedule.every), *origin, "from one to the next"),
        entry("method", quoted("bgsave"), Origin::Assumed, method),
    ];
    section("[backup]", entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::host::SaveSpeed;
    use crate::observe::import::{HostMemory, import};
    use crate::observe::info::Info;
    use crate::scenario;

    const REDIS_DURING: &str = include_str!("../../../tests/data/info/redis-7.0.during-save.txt");
    const REDIS_CONFIG: &str = include_str!("../../../tests/data/info/redis-7.0.config.txt");

    /// What the import says of the server before its first save, as a scenario that passes the check.
    fn before_a_save(config: &str) -> scenario::Scenario {
        let find = |engine: &str| scenario::layout(engine).cloned();
        let text = import(&[REDIS_DURING, config], &HostMemory::Reported, find).unwrap().text;
        let origin = scenario::Origin { name: "imported.toml".into(), folder: ".".into() };
        scenario::Scenario::read(&text, &origin, &[]).unwrap_or_else(|report| panic!("{report}\n{text}"))
    }

    #[test]
    fn before_the_first_save_the_disk_is_assumed_and_no_throughput() {
        let imported = before_a_save(REDIS_CONFIG).as_written().host.clone();
        let SaveSpeed::Parts { disk, .. } = imported.save.speed else { panic!("{:?}", imported.save) };
        assert_eq!([disk.low, disk.likely, disk.high].map(Bytes::from_f64), [30, 120, 270].map(Bytes::mib));
        assert!(imported.persistence.rdb_compression);
        let off = REDIS_CONFIG.replace("rdbcompression\nyes", "rdbcompression\nno");
        assert!(!before_a_save(&off).as_written().host.persistence.rdb_compression);
    }

    const PRODUCTION: &str = include_str!("../../../tests/data/info/production-27gb.txt");

    /// 25.62 GiB in 220 s; no slower than 395 s on average by the cadence, no faster than the 107 s of
    /// processor time.
    #[test]
    fn the_record_bounds_the_pace_of_a_save_from_both_sides() {
        let record = Record::of(&Info::parse(PRODUCTION).unwrap()).unwrap();
        let likely = record.memory.used.as_f64() / 220.0;
        let (slowest, _) =
            slowest(&record, &SavePoints::of(&record, std::slice::from_ref(&record), None), likely);
        let (fastest, _) = fastest(&record, likely);
        let seconds = [slowest, fastest].map(|pace| record.memory.used.as_f64() / pace);
        assert!((seconds[0] - 395.3).abs() < 0.1 && (seconds[1] - 107.0).abs() < 0.1, "{seconds:?}");
    }
}
