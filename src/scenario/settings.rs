//! Every setting of a scenario, in one table.
//!
//! The reader, the check for unknown keys, the JSON Schema and `explain` all follow from it. What a
//! setting means and its default stand in `defaults.toml`, under the same names.

use super::kind::{Kind, Quantity, Unit};

/// A table of the scenario.
#[derive(Debug)]
pub struct Section {
    /// Its dotted path; empty for the top of the file.
    pub path: &'static str,
    /// Whether it is a repeated table (`[[keyspace]]`).
    pub is_repeated: bool,
    /// What stands in it.
    pub settings: &'static [Setting],
}

/// A setting.
#[derive(Debug)]
pub struct Setting {
    /// Its key within the section.
    pub key: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// Whether it must be given.
    pub is_required: bool,
    /// The settings of the same section that say the same in another way.
    pub instead_of: &'static [&'static str],
}

impl Setting {
    pub(super) const fn new(key: &'static str, kind: Kind) -> Self {
        Self { key, kind, is_required: false, instead_of: &[] }
    }

    const fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    const fn instead_of(mut self, others: &'static [&'static str]) -> Self {
        self.instead_of = others;
        self
    }
}

impl Section {
    const fn once(path: &'static str, settings: &'static [Setting]) -> Self {
        Self { path, is_repeated: false, settings }
    }

    const fn repeated(path: &'static str, settings: &'static [Setting]) -> Self {
        Self { path, is_repeated: true, settings }
    }

    /// The setting called `key`.
    pub fn setting(&self, key: &str) -> Option<&'static Setting> {
        self.settings.iter().find(|setting| setting.key == key)
    }

    fn is_at(&self, path: &[String]) -> bool {
        if self.path.is_empty() {
            return path.is_empty();
        }
        let keys = self.path.split('.').count() + usize::from(self.is_repeated);
        path.len() == keys && self.path.split('.').zip(path).all(|(key, entered)| key == entered)
    }

    /// The sections that stand directly in this one, with their keys.
    pub fn children(&self) -> impl Iterator<Item = (&'static str, &'static Section)> + '_ {
        SECTIONS.iter().filter_map(|section| {
            let (parent, key) = section.path.rsplit_once('.').unwrap_or(("", section.path));
            (parent == self.path && !key.is_empty()).then_some((key, section))
        })
    }
}

/// The section at a path.
pub fn section(path: &str) -> Option<&'static Section> {
    SECTIONS.iter().find(|section| section.path == path)
}

/// The section that the table at a path belongs to; a repeated one is entered by a name or number.
pub fn section_at(path: &[String]) -> Option<&'static Section> {
    SECTIONS.iter().find(|section| section.is_at(path))
}

/// The settings that say the same as `key` in another way, for a key of the table at the path `parent`.
pub fn alternatives(parent: &[String], key: &str) -> Vec<&'static str> {
    let Some((at, setting)) = section_at(parent).and_then(|at| Some((at, at.setting(key)?))) else {
        return Vec::new();
    };
    let reverse = at.settings.iter().filter(|other| other.instead_of.contains(&key)).map(|other| other.key);
    setting.instead_of.iter().copied().chain(reverse).collect()
}

const GIB: f64 = (1u64 << 30) as f64;
pub(super) const DAY: f64 = 86_400.0;
/// No host is larger: the largest class of any catalogue has 12 TiB.
pub(super) const LARGEST_RAM: f64 = 64.0 * 1024.0 * GIB;
/// The smallest backlog \[bytes\]. Source: `CONFIG_REPL_BACKLOG_MIN_SIZE` in `server.h`, Redis and Valkey.
const SMALLEST_BACKLOG: f64 = 16.0 * 1024.0;
/// What LZF leaves of one byte over and over: 3 bytes for 264. Source: `lzf_c.c`, `MAX_REF`.
const SMALLEST_COMPRESSED: f64 = 0.011;
/// More than any server executes: bounds that keep sums finite.
pub(super) const MOST_WRITES: f64 = 1e9;

/// A quantity of `unit` between two bounds.
pub(super) const fn quantity(unit: Unit, low: f64, high: f64) -> Quantity {
    Quantity { unit, low, high, is_interval: false, word: None }
}

const fn size(low: f64, high: f64) -> Quantity {
    quantity(Unit::Size, low, high)
}

const fn duration(low: f64, high: f64) -> Kind {
    Kind::Quantity(quantity(Unit::Duration, low, high))
}

const fn number(low: f64, high: f64) -> Kind {
    Kind::Quantity(quantity(Unit::Number, low, high))
}

const fn whole(low: f64, high: f64) -> Kind {
    Kind::Quantity(quantity(Unit::Whole, low, high))
}

pub(super) const fn choice(modelled: &'static [&'static str], later: &'static [&'static str]) -> Kind {
    Kind::Choice { modelled, later }
}

/// Every section, in the order in which a scenario is written.
pub const SECTIONS: &[Section] = &[
    Section::once("", &[Setting::new("name", Kind::Name)]),
    Section::once("host", HOST),
    Section::once("server", SERVER),
    Section::once(
        "dataset",
        &[
            Setting::new("fill", Kind::Quantity(quantity(Unit::Number, 0.001, 1.0).or("keys"))),
            Setting::new("growth-per-day", Kind::Quantity(size(0.0, LARGEST_RAM).interval())),
        ],
    ),
    Section::repeated("keyspace", KEYSPACE),
    Section::once(
        "traffic",
        &[
            Setting::new("hourly", Kind::Hourly),
            Setting::new("trace", Kind::Text).instead_of(&["hourly"]),
            Setting::new("max-writes-per-second", number(1.0, MOST_WRITES)),
        ],
    ),
    Section::once(
        "traffic.noise",
        &[
            Setting::new("day", number(0.0, 3.0)),
            Setting::new("hour", number(0.0, 3.0)),
            Setting::new("minute", number(0.0, 3.0)),
            Setting::new("hour-correlation", number(0.0, 0.99)),
        ],
    ),
    Section::once(
        "traffic.burst",
        &[
            Setting::new("per-year", number(0.0, 365.0)),
            Setting::new("factor", number(1.0, 1000.0)),
            Setting::new("duration", duration(60.0, DAY)),
        ],
    ),
    Section::repeated("traffic.job", JOB),
    Section::once(
        "persistence",
        &[
            Setting::new("appendonly", Kind::Flag),
            Setting::new("auto-aof-rewrite-percentage", number(0.0, 1e6)),
            Setting::new("auto-aof-rewrite-min-size", Kind::Quantity(size(0.0, LARGEST_RAM))),
            Setting::new("save", Kind::SavePoints),
            Setting::new("rdbcompression", Kind::Flag),
            Setting::new("stop-writes-on-bgsave-error", Kind::Flag),
            Setting::new("replica-ignore-disk-write-errors", Kind::Flag),
        ],
    ),
    Section::once(
        "save",
        &[
            Setting::new(
                "microseconds-per-key",
                Kind::Quantity(quantity(Unit::Number, 0.01, 1e6).interval()),
            ),
            Setting::new("disk-throughput", Kind::Quantity(quantity(Unit::Rate, 1024.0, 1e12).interval())),
            Setting::new("throughput", Kind::Quantity(quantity(Unit::Rate, 1024.0, 1e12).interval()))
                .instead_of(&["microseconds-per-key", "disk-throughput"]),
            Setting::new("sigma", number(0.0, 3.0)),
            Setting::new("law-error", choice(&["measured", "none"], &[])),
        ],
    ),
    Section::once(
        "save.slow",
        &[
            Setting::new("probability", number(0.0, 1.0)),
            Setting::new("factor", number(1.0, 1000.0)),
            Setting::new("lasts", duration(60.0, 30.0 * DAY)),
        ],
    ),
    Section::once(
        "backup",
        &[
            Setting::new("at", Kind::TimeOfDay),
            Setting::new("jitter", duration(0.0, DAY)),
            Setting::new("every", duration(60.0, 366.0 * DAY)),
            Setting::new("method", choice(&["bgsave", "sync", "forkless", "none"], &[])),
            Setting::new("host", choice(&["primary", "replica"], &[])),
            Setting::new("order", choice(&["simultaneous", "staggered", "serialised"], &[])),
        ],
    ),
    Section::once("replication", REPLICATION),
    Section::once(
        "risk",
        &[
            Setting::new("incidents-per-year", number(1e-9, 1e6)),
            Setting::new("confidence", number(0.5, 0.999_999)),
            Setting::new("assurance", Kind::Quantity(quantity(Unit::Number, 0.5, 0.95).or("average"))),
        ],
    ),
    Section::once(
        "simulation",
        &[
            Setting::new("horizon", duration(3600.0, 3660.0 * DAY)),
            Setting::new("replications", Kind::Quantity(quantity(Unit::Whole, 1.0, 1e8).or("auto"))),
            Setting::new("seed", whole(0.0, 9_007_199_254_740_992.0)),
        ],
    ),
];

const HOST: &[Setting] = &[
    Setting::new("class", Kind::Class),
    Setting::new("ram", Kind::Quantity(size(GIB / 16.0, LARGEST_RAM))).instead_of(&["class"]),
    Setting::new("limit", Kind::Quantity(size(GIB / 16.0, LARGEST_RAM).or("none"))),
    Setting::new("memory-high", Kind::Quantity(size(GIB / 16.0, LARGEST_RAM).or("none"))),
    Setting::new("oom-group", Kind::Flag),
    Setting::new("servers", whole(1.0, 16.0)),
    Setting::new("reserved", Kind::Quantity(size(0.0, LARGEST_RAM).interval())),
    Setting::new("kernel", Kind::Kernel),
    Setting::new("page-size", Kind::PageSize),
    Setting::new("transparent-huge-pages", choice(&["always", "madvise", "never"], &[])),
    Setting::new("overcommit-memory", Kind::Overcommit),
    Setting::new("overcommit-ratio", number(0.0, 1000.0)),
    Setting::new("swap", Kind::Quantity(size(0.0, LARGEST_RAM))),
];

/// What a server may do at `maxmemory`. Source: `maxmemory_policy_enum` in `config.c`, Redis 7.0 and Valkey 8.0.
pub const MAXMEMORY_POLICIES: [&str; 8] = [
    "noeviction",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
];

const SERVER: &[Setting] = &[
    Setting::new("engine", Kind::Engine),
    Setting::new("allocator", choice(&["jemalloc-bundled", "jemalloc-system"], &["libc"])),
    Setting::new("maxmemory-percent", number(1.0, 100.0)),
    Setting::new("maxmemory", Kind::Quantity(size(GIB / 1024.0, LARGEST_RAM).or("none")))
        .instead_of(&["maxmemory-percent"]),
    Setting::new("maxmemory-policy", choice(&MAXMEMORY_POLICIES, &[])),
    Setting::new("disable-thp", Kind::Flag),
    Setting::new("oom-score-adj", choice(&["no", "yes", "relative", "absolute"], &[])),
    Setting::new("oom-policy", choice(&["continue", "stop", "kill"], &[])),
    Setting::new("fragmentation-ratio", Kind::Quantity(quantity(Unit::Number, 0.5, 20.0).interval())),
    Setting::new("client-memory", Kind::Quantity(size(0.0, LARGEST_RAM).interval())),
    Setting::new("load-throughput", Kind::Quantity(quantity(Unit::Rate, 1024.0, 1e12).interval())),
    Setting::new("aof-replay-rate", Kind::Quantity(quantity(Unit::Number, 1.0, MOST_WRITES).interval())),
    Setting::new("restart-delay", duration(0.0, 30.0 * DAY)),
    Setting::new("restart-delay-max", duration(0.0, 30.0 * DAY)),
    Setting::new(
        "operator-arrives-after",
        Kind::Quantity(quantity(Unit::Duration, 60.0, 366.0 * DAY).interval()),
    ),
];

const KEYSPACE: &[Setting] = &[
    Setting::new("name", Kind::Text).required(),
    Setting::new("share-of-bytes", number(0.0, 1.0)),
    Setting::new("keys", whole(1.0, 1e12)).instead_of(&["share-of-bytes"]),
    Setting::new("key-size", Kind::Quantity(size(1.0, 2048.0))).required(),
    Setting::new("value-size", Kind::ValueSize).required(),
    Setting::new("type", choice(&["string", "hash"], &["list", "set", "zset", "stream"])),
    Setting::new("fields", whole(1.0, 4_294_967_295.0)),
    Setting::new("field-name-size", Kind::Quantity(size(1.0, 2048.0))),
    Setting::new(
        "compressed-to",
        Kind::Quantity(quantity(Unit::Number, SMALLEST_COMPRESSED, 1.0).interval()),
    ),
    Setting::new("ttl", Kind::Quantity(quantity(Unit::Duration, 1.0, 36_600.0 * DAY).or("none"))),
    Setting::new("writes-per-second", Kind::WriteRate(quantity(Unit::Number, 0.0, MOST_WRITES).interval()))
        .required(),
    Setting::new("operations", Kind::Operations),
    Setting::new("popularity", Kind::Popularity),
];

const JOB: &[Setting] = &[
    Setting::new("at", Kind::TimeOfDay).required(),
    Setting::new("jitter", duration(0.0, DAY)),
    Setting::new("duration", duration(1.0, DAY)).required(),
    Setting::new("writes-per-second", Kind::Quantity(quantity(Unit::Number, 0.0, MOST_WRITES).interval()))
        .required(),
    Setting::new("operation", choice(&["set", "incr", "hset", "insert"], &["delete"])),
    Setting::new("keyspace", Kind::Text),
];

const REPLICATION: &[Setting] = &[
    Setting::new("replicas", whole(0.0, 5.0)),
    Setting::new("repl-backlog-size", Kind::Quantity(size(SMALLEST_BACKLOG, LARGEST_RAM))),
    Setting::new("client-output-buffer-limit-replica", Kind::BufferLimit),
    Setting::new("buffers", choice(&["shared", "private"], &[])),
    Setting::new("sync", choice(&["disk", "diskless", "dual-channel"], &[])),
    Setting::new("repl-diskless-sync-delay", duration(0.0, 3600.0)),
    Setting::new("repl-diskless-load", choice(&["disabled", "on-empty-db", "swapdb"], &[])),
    Setting::new("throughput", Kind::Quantity(quantity(Unit::Rate, 1024.0, 1e12).interval())),
    Setting::new("link-losses-per-day", number(0.0, 1440.0)),
    Setting::new("link-outage", Kind::Quantity(quantity(Unit::Duration, 0.001, DAY).interval())),
    Setting::new("failover-after", Kind::Quantity(quantity(Unit::Duration, 0.0, DAY).or("none"))),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_and_keys_are_named_once() {
        for (position, section) in SECTIONS.iter().enumerate() {
            assert!(SECTIONS[..position].iter().all(|other| other.path != section.path), "{}", section.path);
            for (position, setting) in section.settings.iter().enumerate() {
                assert!(section.settings[..position].iter().all(|other| other.key != setting.key));
            }
        }
    }

    #[test]
    fn every_key_of_the_contract_is_known() {
        let contract = [
            ("", "name"),
            ("host", "class ram limit reserved kernel page-size overcommit-memory swap"),
            (
                "server",
                "engine allocator maxmemory-percent maxmemory maxmemory-policy oom-score-adj \
                 fragmentation-ratio client-memory",
            ),
            ("dataset", "fill growth-per-day"),
            (
                "keyspace",
                "name share-of-bytes keys key-size value-size type ttl writes-per-second operations popularity",
            ),
            ("traffic", "hourly trace max-writes-per-second"),
            ("traffic.noise", "day hour minute"),
            ("traffic.job", "at jitter duration writes-per-second operation"),
            ("persistence", "appendonly auto-aof-rewrite-percentage auto-aof-rewrite-min-size save"),
            ("save", "throughput sigma"),
            ("save.slow", "probability factor"),
            ("backup", "at jitter every method host"),
            (
                "replication",
                "replicas repl-backlog-size client-output-buffer-limit-replica sync link-losses-per-day",
            ),
            ("risk", "incidents-per-year confidence assurance"),
            ("simulation", "horizon replications seed"),
        ];
        for (path, keys) in contract {
            let section = section(path).unwrap();
            for key in keys.split_whitespace() {
                assert!(section.setting(key).is_some(), "{path}.{key}");
            }
        }
    }
}
