//! `[replication]`: the replicas, what is kept for them, and how often they lose the stream.

use super::Sources;
use super::page::{Entry, Origin, Section, entry, exact_size, interval, quoted, section};
use crate::observe::record::Record;
use crate::observe::words::{grouped, rounded};
use crate::units::{ByteRate, Bytes};

const DAY: f64 = 86_400.0;

/// The most replicas that a scenario may have.
const MOST_REPLICAS: u64 = 5;

/// The smallest backlog that a server keeps. Source: `CONFIG_REPL_BACKLOG_MIN_SIZE`, Redis and Valkey.
const SMALLEST_BACKLOG: Bytes = Bytes::kib(16);

/// Lost links from which their record tells what becomes of them.
const ENOUGH_LINKS: u64 = 10;

/// The share of partial resyncs below which the backlog is taken to mend nothing.
const MENDS_NOTHING: f64 = 0.01;

/// The table.
pub(super) fn replication(sources: &Sources) -> Section {
    let mut entries = vec![replicas(sources.record)];
    if sources.record.server.replicas > 0 {
        entries.extend([backlog(sources), limit(sources)]);
        entries.extend(buffers(sources));
        entries.push(sync(sources));
        entries.extend(settings(sources));
        entries.push(link_losses(sources.record));
        entries.extend(link_outage(sources));
        entries.push(failover(sources));
    }
    section("[replication]", entries)
}

fn replicas(record: &Record) -> Entry {
    let (connected, syncs) = (record.server.replicas, record.forks.full_syncs);
    if connected > MOST_REPLICAS {
        let why = format!("connected_slaves is {connected}, and a scenario has at most {MOST_REPLICAS}");
        return entry("replicas", MOST_REPLICAS, Origin::Assumed, why);
    }
    let more = match (record.server.is_replica, connected, syncs) {
        (true, ..) => "; the link to its own primary is in the primary's INFO".to_owned(),
        (false, 0, 1..) => {
            format!(
                "; {} full syncs since the start were of replicas that have left, or of backups",
                grouped(syncs)
            )
        }
        _ => String::new(),
    };
    entry("replicas", connected, Origin::Measured, format!("connected_slaves{more}"))
}

/// The setting `name` of CONFIG GET.
fn setting<'a>(sources: &Sources<'a>, name: &str) -> Option<&'a str> {
    sources.config?.get(name)
}

/// The backlog's size, and where it comes from; `None` where neither text says.
fn backlog_of(sources: &Sources) -> Option<(Bytes, &'static str)> {
    let configured = setting(sources, "repl-backlog-size").and_then(|size| size.parse().ok());
    let reported = sources.record.replication.backlog.map(|size| (size, "repl_backlog_size"));
    let (size, field) = configured.map(|size| (Bytes(size), "CONFIG GET")).or(reported)?;
    Some((size.max(SMALLEST_BACKLOG), field))
}

/// How long the stream fills the backlog \[s\].
fn cover(sources: &Sources) -> Option<f64> {
    let (backlog, _) = backlog_of(sources)?;
    Some(backlog.as_f64() / sources.record.stream_per_second(sources.earlier)?)
}

fn backlog(sources: &Sources) -> Entry {
    let Some((size, field)) = backlog_of(sources) else {
        return entry("repl-backlog-size", quoted("10 MiB"), Origin::Assumed, "INFO does not tell");
    };
    let stream = sources.record.stream_per_second(sources.earlier).zip(cover(sources));
    let holds = stream.map_or_else(String::new, |(stream, seconds)| {
        let how = match (sources.earlier, sources.record.replication.promoted_at) {
            (Some(_), _) => "master_repl_offset of both INFOs",
            (None, Some(_)) => "master_repl_offset less second_repl_offset, over the uptime",
            (None, None) => "master_repl_offset over the uptime, at most",
        };
        format!(". The stream of {} ({how}) fills it in {} s", ByteRate(stream), rounded(seconds, 2))
    });
    entry("repl-backlog-size", exact_size(size), Origin::Measured, format!("{field}{holds}"))
}

/// The limit on what waits for a replica: three words of the setting for all kinds of clients.
fn limit(sources: &Sources) -> Entry {
    let key = "client-output-buffer-limit-replica";
    let waiting = sources.record.replication.waiting;
    if let Some(limit) = setting(sources, "client-output-buffer-limit").and_then(replica_limit) {
        let why = format!("CONFIG GET; mem_clients_slaves is {waiting} now");
        return entry(key, quoted(limit), Origin::Measured, why);
    }
    let dropped = sources.record.replication.dropped_clients.filter(|&dropped| dropped > 0);
    let dropped = dropped.map_or_else(String::new, |dropped| {
        format!(
            "; {} clients, replicas or not, were dropped for theirs \
             (client_output_buffer_limit_disconnections)",
            grouped(dropped)
        )
    });
    let why = format!("the default; CONFIG GET tells. mem_clients_slaves is {waiting} now{dropped}");
    entry(key, quoted("256mb 64mb 60"), Origin::Assumed, why)
}

/// The three words after `slave` or `replica`.
fn replica_limit(setting: &str) -> Option<String> {
    let words: Vec<&str> = setting.split_whitespace().collect();
    let kind = words.iter().position(|word| ["slave", "replica"].contains(word))?;
    let limit = words.get(kind + 1..kind + 4)?;
    limit.iter().all(|word| word.parse::<u64>().is_ok()).then(|| limit.join(" "))
}

fn is_before_7(record: &Record) -> bool {
    record.server.product == "redis" && record.server.version.starts_with("6.")
}

fn buffers(sources: &Sources) -> Option<Entry> {
    let why = "before 7.0 every replica has a buffer of its own";
    is_before_7(sources.record).then(|| entry("buffers", quoted("private"), Origin::Derived, why))
}

fn sync(sources: &Sources) -> Entry {
    let is_on = |name| setting(sources, name).map(|value| value == "yes");
    match (is_on("repl-diskless-sync"), is_on("dual-channel-replication-enabled")) {
        (Some(true), Some(true)) => entry("sync", quoted("dual-channel"), Origin::Measured, "CONFIG GET"),
        (Some(true), _) => entry("sync", quoted("diskless"), Origin::Measured, "CONFIG GET"),
        (Some(false), _) => entry("sync", quoted("disk"), Origin::Measured, "CONFIG GET"),
        (None, _) => {
            let name = if is_before_7(sources.record) { "disk" } else { "diskless" };
            let why = "the version's default; INFO does not tell, `CONFIG GET repl-diskless-sync` does";
            entry("sync", quoted(name), Origin::Assumed, why)
        }
    }
}

/// What CONFIG GET tells besides.
fn settings(sources: &Sources) -> Vec<Entry> {
    let why = "CONFIG GET of this server; what its replicas have set counts";
    let load = setting(sources, "repl-diskless-load")
        .filter(|load| ["disabled", "on-empty-db", "swapdb"].contains(load))
        .map(|load| entry("repl-diskless-load", quoted(load), Origin::Measured, why));
    let delay = setting(sources, "repl-diskless-sync-delay").and_then(|delay| delay.parse::<u32>().ok()).map(
        |delay| {
            entry("repl-diskless-sync-delay", quoted(format!("{delay}s")), Origin::Measured, "CONFIG GET")
        },
    );
    delay.into_iter().chain(load).collect()
}

fn link_losses(record: &Record) -> Entry {
    let key = "link-losses-per-day";
    let days = record.server.uptime_seconds as f64 / DAY;
    if days < 1.0 {
        return entry(key, 0, Origin::Assumed, "the record is too short to show lost links");
    }
    let replicas = record.server.replicas.max(1);
    let a_day = (record.lost_links() as f64 / days / replicas as f64).min(1_440.0);
    let why = format!(
        "sync_full + sync_partial_ok = {} + {} in {} days, for each of {replicas} replicas. A restarted replica and a \
         backup that poses as one are among them",
        grouped(record.forks.full_syncs),
        grouped(record.replication.partial_syncs),
        rounded(days, 3),
    );
    entry(key, rounded(a_day, 3), Origin::Derived, why)
}

/// Whether the record shows that the backlog mends no lost link.
fn mends_nothing(record: &Record) -> bool {
    let lost = record.lost_links();
    lost >= ENOUGH_LINKS && (record.replication.partial_syncs as f64) < lost as f64 * MENDS_NOTHING
}

/// How long links stay broken, where the record bounds it: longer than the backlog holds.
fn link_outage(sources: &Sources) -> Option<Entry> {
    let cover = cover(sources).filter(|_| mends_nothing(sources.record))?;
    let [low, likely, high] =
        [2.0, 4.0, 16.0].map(|times| quoted(format!("{:.0}s", (cover * times).clamp(1.0, DAY))));
    let why = format!(
        "the backlog mended {} of {} lost links, so a link stays lost for longer than the {} s that the backlog \
         holds: from twice that, since the load is at times half of the mean, to sixteen times. Where replicas were \
         restarted no backlog would have mended the link",
        match sources.record.replication.partial_syncs {
            0 => "none".to_owned(),
            some => grouped(some),
        },
        grouped(sources.record.lost_links()),
        rounded(cover, 2),
    );
    Some(entry("link-outage", interval(&low, &likely, &high), Origin::Derived, why))
}

fn failover(sources: &Sources) -> Entry {
    let key = "failover-after";
    let replication = &sources.record.replication;
    if replication.is_cluster {
        let timeout =
            setting(sources, "cluster-node-timeout").and_then(|timeout| timeout.parse::<u32>().ok());
        return match timeout {
            Some(timeout) => entry(
                key,
                quoted(format!("{timeout}ms")),
                Origin::Measured,
                "CONFIG GET cluster-node-timeout",
            ),
            None => entry(key, quoted("15s"), Origin::Assumed, "a cluster's default cluster-node-timeout"),
        };
    }
    if replication.is_reconfigured {
        let why =
            "SLAVEOF and CONFIG REWRITE were called, as Sentinel does; its default down-after-milliseconds";
        return entry(key, quoted("30s"), Origin::Assumed, why);
    }
    let why = "no sign of a cluster or of Sentinel: nobody promotes a replica. Put the time that your failover takes";
    entry(key, quoted("none"), Origin::Assumed, why)
}

/// What to know of the replicas before trusting the scenario.
pub(super) fn remarks(sources: &Sources) -> Vec<String> {
    let record = sources.record;
    let (syncs, days) = (record.forks.full_syncs, record.server.uptime_seconds as f64 / DAY);
    let a_day = syncs as f64 / days.max(1.0);
    if record.server.replicas == 0 || a_day < 1.0 || !mends_nothing(record) {
        return Vec::new();
    }
    let holds =
        backlog_of(sources).zip(cover(sources)).map_or_else(String::new, |((backlog, _), seconds)| {
            format!(" of {backlog}, which {} s of the stream fill,", rounded(seconds, 2))
        });
    vec![format!(
        "{} full syncs since the start ({a_day:.0} a day) forked as a save does and filled replica buffers besides: \
         the backlog{holds} mended next to no lost link. What a larger one would save, `forkcast run --axis \
         replication.repl-backlog-size=…` tells.",
        grouped(syncs)
    )]
}

#[cfg(test)]
mod tests {
    use crate::observe::import::{HostMemory, import};
    use crate::scenario;

    const PRODUCTION: &str = include_str!("../../../tests/data/info/production-27gb.txt");
    const VALKEY: &str = include_str!("../../../tests/data/info/valkey-8.0.after-save.txt");
    const VALKEY_CONFIG: &str = include_str!("../../../tests/data/info/valkey-8.0.config.txt");

    /// The lines of `[replication]` that set something.
    fn lines(texts: &[&str]) -> Vec<String> {
        let find = |engine: &str| scenario::layout(engine).cloned();
        let text = import(texts, &HostMemory::Reported, find).unwrap().text;
        let table = text.split("\n[replication]\n").nth(1).unwrap().split("\n[").next().unwrap();
        table
            .lines()
            .filter(|line| line.contains(" = ") && !line.starts_with('#'))
            .map(str::to_owned)
            .collect()
    }

    fn replicated(text: &str) -> String {
        text.replace("connected_slaves:0", "connected_slaves:1")
    }

    #[test]
    fn the_record_of_links_becomes_a_point_process() {
        assert_eq!(
            lines(&[PRODUCTION]),
            [
                "replicas = 2",
                "repl-backlog-size = \"1 MiB\"",
                "client-output-buffer-limit-replica = \"256mb 64mb 60\"",
                "sync = \"diskless\"",
                "link-losses-per-day = 9.44",
                "link-outage = { low = \"62s\", likely = \"124s\", high = \"495s\" }",
                "failover-after = \"30s\"",
            ]
        );
    }

    #[test]
    fn config_get_goes_before_defaults() {
        let settings = lines(&[&replicated(VALKEY), VALKEY_CONFIG]);
        for line in [
            "repl-backlog-size = \"10 MiB\"",
            "client-output-buffer-limit-replica = \"268435456 67108864 60\"",
            "sync = \"diskless\"",
            "repl-diskless-sync-delay = \"5s\"",
            "repl-diskless-load = \"disabled\"",
            "link-losses-per-day = 0",
            "failover-after = \"none\"",
        ] {
            assert!(settings.iter().any(|setting| setting == line), "{line}: {settings:?}");
        }
        let disk = VALKEY_CONFIG.replace("repl-diskless-sync\nyes", "repl-diskless-sync\nno");
        assert!(lines(&[&replicated(VALKEY), &disk]).contains(&"sync = \"disk\"".to_owned()));
    }

    #[test]
    fn links_that_the_backlog_mended_leave_the_outage_open() {
        let mended = PRODUCTION.replace("sync_partial_ok:0", "sync_partial_ok:766");
        let settings = lines(&[&mended]);
        assert!(settings.contains(&"link-losses-per-day = 18.9".to_owned()), "{settings:?}");
        assert!(!settings.iter().any(|line| line.starts_with("link-outage")), "{settings:?}");
    }

    #[test]
    fn servers_before_7_have_buffers_for_each_replica_and_sync_by_file() {
        let settings = lines(&[&PRODUCTION.replace("redis_version:7.4.0", "redis_version:6.2.16")]);
        assert!(settings.contains(&"buffers = \"private\"".to_owned()), "{settings:?}");
        assert!(settings.contains(&"sync = \"disk\"".to_owned()), "{settings:?}");
    }

    #[test]
    fn lone_servers_and_replicas_have_no_links_of_their_own() {
        assert_eq!(lines(&[VALKEY]), ["replicas = 0"]);
        let replica = VALKEY.replace("role:master", "role:slave");
        let find = |engine: &str| scenario::layout(engine).cloned();
        let import = import(&[&replica], &HostMemory::Reported, find).unwrap();
        assert!(import.text.contains("is in the primary's INFO"), "{}", import.text);
        assert!(import.remarks.iter().any(|remark| remark.contains("Import the primary's INFO")));
    }

    /// Whatever the record says of replication, the scenario of it can be read.
    #[test]
    fn what_is_imported_can_be_run() {
        let crowded = PRODUCTION.replace("connected_slaves:2", "connected_slaves:9");
        let cluster = PRODUCTION.replace("cluster_enabled:0", "cluster_enabled:1");
        for text in [PRODUCTION, &crowded, &cluster, &replicated(VALKEY)] {
            let find = |engine: &str| scenario::layout(engine).cloned();
            let imported = import(&[text], &HostMemory::Reported, find).unwrap().text;
            let origin = scenario::Origin { name: "imported.toml".into(), folder: ".".into() };
            scenario::Scenario::read(&imported, &origin, &[]).unwrap_or_else(|report| panic!("{report}"));
        }
    }
}
