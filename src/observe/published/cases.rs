//! What each row gives, and what a reader would assume of the rest before seeing the figure.

use super::Unpredicted;
use super::case::{Backlog, Case, KeyCount, Pages, Resident, Time};
use super::range::Range;
use super::row::Row;
use crate::memory::{ChildRelease, LayoutProfile};
use crate::scenario;

const GIB: f64 = (1u64 << 30) as f64;

/// Of a server of which nothing is said \[1/s\].
const ANY_WRITES: Range =
    Range::assumed(100.0, 100_000.0, "a quiet server, and the most that one thread takes without pipelining");
/// Of `redis-benchmark` and `memtier_benchmark` \[1/s\].
const BENCHMARK: Range = Range::assumed(
    50_000.0,
    150_000.0,
    "operations of `redis-benchmark` or `memtier_benchmark` on one server thread, as their documentation shows them",
);
const ANY_KEY: Range = Range::assumed(16.0, 40.0, "a number with a prefix, and a UUID with one");
const ANY_VALUE: Range = Range::assumed(
    16.0,
    4096.0,
    "most values of production caches (Yang, Yue and Rashmi, OSDI 2020): tens of bytes to a few KiB",
);
const ANY_SKEW: Range = Range::assumed(
    0.0,
    1.0,
    "no row gives it; the steep end is that of YCSB, and what is drawn is the weight of a mixture of both",
);
/// Of `used_memory` saved or rewritten \[bytes/s\].
const ANY_SPEED: Range = Range::assumed(
    30e6,
    600e6,
    "a network disk of a small host, and one core writing long values; published saves run at 125 to 537 MB/s",
);
const FRAGMENTATION: Range = Range::assumed(1.0, 1.3, "a server just loaded, and one long in use");
const RESERVED: Range =
    Range::assumed(0.4 * GIB, 1.5 * GIB, "a bare Linux, and one with monitoring and backup agents");
/// Bytes of data a byte of an RDB file.
const COMPRESSION: Range = Range::assumed(1.0, 3.0, "LZF: random bytes, and text");
/// Time of a full sync over that of its save.
const SYNC: Range =
    Range::assumed(1.0, 4.0, "the save alone, and sending and loading that take three times as long");

/// The layout that stands for Redis before 7.0.
const BEFORE_7: &str = "redis-7.0 without dismissal";

impl Case {
    /// A row that gives nothing but the engine's version.
    fn of_layouts(row: &Row, names: &[&str]) -> Self {
        let layouts: Vec<LayoutProfile> =
            names.iter().filter_map(|name| scenario::layout(name).cloned()).collect();
        Self {
            layouts,
            layout_note: "",
            gives_back: true,
            keys: KeyCount::Filling(Range::given(row.dataset_bytes.unwrap_or(0.0))),
            key_size: ANY_KEY,
            value_size: row.value_bytes.map_or(ANY_VALUE, Range::given),
            has_ttl: false,
            beside: Range::given(0.0),
            writes: row.write_rate_per_s.map_or(ANY_WRITES, Range::given),
            skew: ANY_SKEW,
            pages: vec![Pages::Base(4096)],
            time: row.save_seconds.map_or(Time::Speed(ANY_SPEED), |s| Time::Seconds(Range::given(s))),
            looked_at: None,
            resident: row.rss_bytes.map_or(Resident::Fragmented(FRAGMENTATION), Resident::Given),
            backlog: Backlog::None,
            reserved: RESERVED,
            ram: row.system_ram_bytes.unwrap_or(0.0),
        }
    }

    /// The same of Redis before 7.0, whose child gave nothing back. Its allocations are those of 7.0 but for the
    /// object's encodings.
    fn before_7(row: &Row) -> Self {
        Self { layout_note: BEFORE_7, gives_back: false, ..Self::of_layouts(row, &["redis-7.0"]) }
    }

    /// The case of a row.
    ///
    /// # Errors
    ///
    /// Where no law covers what the row publishes, or the row is not known here.
    pub fn of(row: &Row) -> Result<Self, Unpredicted> {
        let case = match row.id.split('-').nth(1).unwrap_or_default() {
            "exporter" => exporter(row),
            "thp" if row.cow_bytes.is_some() => thp(row),
            "thp" => return Err(Unpredicted("the time of one page fault, a constant of a machine")),
            "8829" => pull_request_8829(row),
            "15260" => pull_request_15260(row),
            "3609" => idle_graviton(row),
            "1211" => fresh_replica(row),
            "11558" => sync_saves(row),
            "9341" | "3065" => Self { backlog: Backlog::Rewrite, ..Self::before_7(row) },
            "2322" => kubernetes(row),
            "4005" => three_replicas(row),
            "9272" => rdb_by_replication(row),
            "8609" => {
                return Err(Unpredicted(
                    "the data are sorted sets, of which there is no layout, and it publishes a save time",
                ));
            }
            _ => return Err(Unpredicted("no ranges are written down for it")),
        };
        Ok(case)
    }
}

/// INFO of Redis 7.4 with 25.5 million keys, 98 % with a TTL.
fn exporter(row: &Row) -> Case {
    let case = Case::of_layouts(row, &["redis-7.4"]);
    let is_running = row.id.ends_with("live");
    Case {
        keys: KeyCount::Given(25_471_640.0),
        value_size: Range::assumed(
            770.0,
            940.0,
            "`used_memory` less its overhead is 995 bytes a key, of which object and key take 40 to 64; all keys taken alike",
        ),
        has_ttl: true,
        writes: if is_running {
            Range::assumed(224.0, 238.0, "the mean since the last save, and all operations at that moment")
        } else {
            Range::assumed(112.0, 448.0, "half and twice the 224 a second of the next two minutes")
        },
        // `rdb_last_bgsave_time_sec`; the running one was at 24.95 % after 57 s.
        time: Time::Seconds(Range::given(if is_running { 57.0 / 0.2495 } else { 220.0 })),
        // `current_cow_size_age` is 56 s of 57 s.
        looked_at: is_running.then_some(1.0),
        ..case
    }
}

/// An AOF rewrite of 1.5 GB under 200 writes a second, of Redis before 4 on a kernel before 5.8: the book is of 2017.
fn thp(row: &Row) -> Case {
    let is_on = row.id.ends_with("on");
    let pages = if is_on { Pages::HugeCopied } else { Pages::Base(4096) };
    Case { pages: vec![pages], ..Case::before_7(row) }
}

/// `redis-benchmark -t set -d 4096 -r 1000000` on top of a loaded file of 4.7 GB. Its keys are `key:` and twelve
/// digits, and all of them are there after 20 s of the minute that the save waited for.
fn pull_request_8829(row: &Row) -> Case {
    const FILE: f64 = 4.7e9;
    Case {
        keys: KeyCount::Given(1e6),
        key_size: Range::given(16.0),
        writes: BENCHMARK,
        skew: Range::given(0.0),
        beside: Range::assumed(
            FILE,
            3.0 * FILE,
            "what the loaded file holds, by its compression: random bytes, and text",
        ),
        ..Case::before_7(row)
    }
}

/// Three million keys under 80 % reads and 20 % writes, on the development branch after Redis 8; after the change the
/// child frees strings as Valkey 8.1 does. The tenth of the keys that was deleted before is left out.
fn pull_request_15260(row: &Row) -> Case {
    let mut case = Case::of_layouts(row, &["redis-8.0"]);
    if row.id.ends_with("after") {
        case.layouts.iter_mut().for_each(|layout| layout.child_release = ChildRelease::Freed);
        case.layout_note = "redis-8.0 whose child frees";
    }
    Case { keys: KeyCount::Given(3e6), writes: BENCHMARK.times(0.2), ..case }
}

/// About 300 GB of values of 512 bytes and no writes, on a Graviton host, Valkey of 2026.
fn idle_graviton(row: &Row) -> Case {
    Case {
        pages: vec![Pages::Base(4096), Pages::Base(65_536)],
        skew: Range::given(0.0),
        ..Case::of_layouts(row, &["valkey-9.0", "valkey-9.1"])
    }
}

/// Redis 2.6.7 after loading a file of 3.2 GB from its primary.
fn fresh_replica(row: &Row) -> Case {
    let file = row.dataset_bytes.unwrap_or(0.0);
    Case { keys: KeyCount::InFile(file, COMPRESSION), ..Case::before_7(row) }
}

/// Saves of a primary with `maxmemory 96gb` and an output buffer limit of 64 GiB; its log lines are of Redis before
/// 7.0.
fn sync_saves(row: &Row) -> Case {
    let filled = Range::assumed(
        0.3 * 96.0 * GIB,
        96.0 * GIB,
        "a server that was bought for its data uses 30 to 100 % of `maxmemory`",
    );
    Case {
        keys: KeyCount::Filling(filled),
        backlog: Backlog::Replicas { count: 1.0, limit: 64.0 * GIB, sync_over_save: SYNC },
        ..Case::before_7(row)
    }
}

/// Valkey in Kubernetes, 8.4 GB, 21.8 million changes since the last save, July 2025.
fn kubernetes(row: &Row) -> Case {
    const CHANGES: f64 = 21_770_442.0;
    Case {
        keys: KeyCount::Filling(Range::given(8.4e9)),
        writes: Range::assumed(
            CHANGES / 86_400.0,
            100_000.0,
            "the changes since the last save over a day, and the most that one thread takes without pipelining",
        ),
        ..Case::of_layouts(row, &["valkey-8.0", "valkey-8.1"])
    }
}

/// A primary of Redis 3.2 whose three replicas sync at once, each with a limit of 16 GiB.
fn three_replicas(row: &Row) -> Case {
    Case {
        backlog: Backlog::Replicas { count: 3.0, limit: 16.0 * GIB, sync_over_save: SYNC },
        ..Case::before_7(row)
    }
}

/// `redis-cli --rdb` on a host of 8 GiB with 6 GB of data: a replica that syncs, 192 s old when it was dropped. It
/// raised its limit, so there is none.
fn rdb_by_replication(row: &Row) -> Case {
    Case {
        keys: KeyCount::Filling(Range::given(6e9)),
        time: Time::Seconds(Range::given(192.0)),
        backlog: Backlog::Replicas { count: 1.0, limit: f64::INFINITY, sync_over_save: Range::given(1.0) },
        ..Case::before_7(row)
    }
}
