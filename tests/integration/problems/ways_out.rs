//! Ways out of a shard that is too full for its load, each changed alone.

use forkcast::model::Cause;
use forkcast::units::SimDuration;

use super::lived::Lived;

const FILE: &str = "ways-out.toml";

const WAYS: &[(&str, &[&str])] = &[
    ("as it is", &[]),
    ("the child offers itself: `oom-score-adj yes`", &["server.oom-score-adj=yes"]),
    ("the backup on the replica", &["backup.host=replica"]),
    ("a backlog of 1 GiB instead of 1 MiB", &["replication.repl-backlog-size=1 GiB"]),
    ("full syncs on a second channel", &["replication.sync=dual-channel"]),
    ("saves four times as fast", &["save.throughput=400 MiB/s"]),
    (
        "huge pages, as the kernel treats them since 5.8",
        &["host.transparent-huge-pages=always", "server.disable-thp=false"],
    ),
    ("Valkey 9.2, whose backup does not fork", &["server.engine=valkey-9.2", "backup.method=forkless"]),
    (
        "a larger backlog, a second channel, faster saves and no fork for the backup, together",
        &[
            "replication.repl-backlog-size=1 GiB",
            "replication.sync=dual-channel",
            "save.throughput=400 MiB/s",
            "server.engine=valkey-9.2",
            "backup.method=forkless",
        ],
    ),
];

/// A way out, lived through.
struct Way {
    name: &'static str,
    lived: Lived,
}

impl Way {
    fn kills(&self) -> f64 {
        self.lived.a_year(|o| Cause::ALL.into_iter().map(|cause| o.server_kills[cause]).sum())
    }

    fn full_syncs(&self) -> f64 {
        self.lived.a_year(|o| o.forks[Cause::FullSync])
    }

    fn row(&self) -> String {
        let Self { name, lived } = self;
        let pause = lived.outcomes.iter().map(|o| o.fork_pause).max().unwrap_or_default();
        let seconds =
            lived.a_year(|o| u32::try_from(o.downtime.0 / SimDuration::SECOND.0).unwrap_or(u32::MAX));
        format!(
            "| {name} | {:.1} | {:.1} | {:.0} | {} | {} | {pause} | {} |\n",
            self.kills(),
            lived.a_year(|o| o.save_failures),
            self.full_syncs(),
            lived.largest(|o| o.cow_peak),
            lived.largest(|o| o.replica_buffer_peak),
            SimDuration::from_secs_f64(seconds),
        )
    }
}

/// The table of the README.
pub fn table() -> String {
    let ways: Vec<Way> =
        WAYS.iter().map(|&(name, settings)| Way { name, lived: Lived::through(FILE, settings) }).collect();
    does_what_it_says(&ways);
    let heading = "| way out | servers killed a year | saves failed a year | full syncs a year | copied at most | \
                   waiting for replicas at most | longest fork | without service a year |\n\
                   |---|---|---|---|---|---|---|---|\n";
    ways.iter().map(Way::row).fold(heading.to_owned(), |text, row| text + &row)
}

fn does_what_it_says(ways: &[Way]) {
    let way = |start: &str| ways.iter().find(|way| way.name.starts_with(start)).unwrap();
    let now = way("as it is");
    assert!(way("the child").kills() <= 0.0 && now.kills() > 1.0, "the killer takes the child instead");
    assert!(way("a backlog").full_syncs() < now.full_syncs() / 10.0, "the backlog mends lost links");
    for better in ["the backup on the replica", "saves four times", "Valkey 9.2", "a larger backlog"] {
        assert!(way(better).kills() < now.kills(), "{better}");
    }
    let at_primary = |way: &Way| way.lived.median(|o| o.replica_buffer_peak).as_f64();
    assert!(at_primary(way("full syncs on a second")) < 0.1 * at_primary(now), "the replica buffers");
}
