//! `[dataset]` and `[[keyspace]]`: what the server holds and how it is written.

use super::load::WriteEstimate;
use super::page::{Entry, Origin, Section, entry, interval, quoted, section};
use super::{Sources, engine, series, server};
use crate::memory::{Heap, KeyKind, Keys, Population, Value, rdb};
use crate::observe::record::Record;
use crate::observe::words::{grouped, rounded, uptime};
use crate::units::{Bytes, SimDuration};

/// The length of a key where nothing tells it \[bytes\].
const KEY_SIZE: u64 = 24;

/// The longest value that a server takes in \[bytes\]. Source: `proto-max-bulk-len`, 512 MiB by default.
const LONGEST_VALUE: u64 = 512 << 20;

/// The `[dataset]` table.
pub(super) fn dataset(sources: &Sources) -> Section {
    section("[dataset]", vec![fill(sources), growth(sources)])
}

fn fill(sources: &Sources) -> Entry {
    let used = sources.record.memory.used;
    let Some(limit) = server::limit(sources).bytes else {
        let why = "without maxmemory the data is what [[keyspace]] says";
        return entry("fill", quoted("keys"), Origin::Derived, why);
    };
    let share = (used.as_f64() / limit.as_f64().max(1.0)).clamp(0.001, 1.0);
    let why = format!("used_memory / maxmemory = {} / {}", grouped(used.0), grouped(limit.0));
    entry("fill", format!("{share:.4}"), Origin::Derived, why)
}

const DAY: f64 = 86_400.0;

/// Growth: by the slope of a series, by difference where two INFOs lie a day or more apart, else bounded by the peak on
/// record.
fn growth(sources: &Sources) -> Entry {
    let of_series = series::growth(sources.series);
    let growth =
        of_series.or_else(|| growth_by_difference(sources)).or_else(|| growth_to_peak(sources.record));
    growth.unwrap_or_else(|| {
        let why = "one INFO shows no growth; two INFOs a week apart would tell";
        entry("growth-per-day", quoted("0 B"), Origin::Assumed, why)
    })
}

fn growth_by_difference(sources: &Sources) -> Option<Entry> {
    let (record, earlier) = (sources.record, sources.earlier?);
    let seconds = record.server.uptime_seconds.checked_sub(earlier.server.uptime_seconds)? as f64;
    if seconds < DAY {
        return None;
    }
    let grown = record.memory.used.saturating_sub(earlier.memory.used);
    let a_day = grown.scaled(DAY / seconds);
    let hours = rounded(seconds / 3_600.0, 2);
    let why = format!(
        "used_memory grew by {grown} in {hours} hours from the first INFO to the last; up to twice that"
    );
    let value = interval(&quoted("0 B"), &whole_mib(a_day), &whole_mib(a_day.scaled(2.0)));
    Some(entry("growth-per-day", value, Origin::Derived, why))
}

/// The data was once larger: at the high end it is so again after as long as the record is.
fn growth_to_peak(record: &Record) -> Option<Entry> {
    let days = record.server.uptime_seconds as f64 / DAY;
    let regained = record.memory.used_peak.saturating_sub(record.memory.used).scaled(1.0 / days.max(1.0));
    if days < 1.0 || regained < Bytes::mib(1) {
        return None;
    }
    let loaded = record.load.loaded_keys.filter(|&keys| keys < record.keys.keys);
    let loaded = loaded.map_or_else(String::new, |keys| {
        format!(" The last load read {} keys; there are {} now.", grouped(keys), grouped(record.keys.keys))
    });
    let why = format!(
        "one INFO shows no growth; two INFOs a week apart would tell. At the high end the data is back at \
         its peak ({}, used_memory_peak) after another {}.{loaded}",
        record.memory.used_peak,
        uptime(record.server.uptime_seconds),
    );
    let value = interval(&quoted("0 B"), &quoted("0 B"), &whole_mib(regained));
    Some(entry("growth-per-day", value, Origin::Assumed, why))
}

fn whole_mib(bytes: Bytes) -> String {
    quoted(Bytes::mib(bytes.0 >> 20))
}

/// The one keyspace that stands for all keys of the server.
pub(super) fn keyspace(sources: &Sources, writes: &WriteEstimate) -> Section {
    let mean = MeanKey::of(sources);
    let mut entries =
        vec![entry("name", quoted("all"), Origin::Assumed, "INFO does not tell kinds of keys apart")];
    entries.push(mean.amount(sources));
    let key_why = "a common length; `MEMORY USAGE` or --bigkeys of a few keys tell";
    entries.push(entry("key-size", quoted(Bytes(KEY_SIZE)), Origin::Assumed, key_why));
    entries.push(mean.value_size(sources));
    entries.push(entry(
        "type",
        quoted("string"),
        Origin::Assumed,
        "INFO does not tell types; the elements of small hashes, lists and sets lie together as a string \
         does",
    ));
    entries.push(ttl(sources));
    entries.push(writes.entry());
    entries.push(entry(
        "operations",
        "{ set = 1.0 }",
        Origin::Assumed,
        "overwrites. A deletion and an insertion together copy about as much; INCR on a counter copies a \
         third",
    ));
    entries.push(entry(
        "popularity",
        "{ likely = \"zipf:0.8\", high = \"uniform\" }",
        Origin::Assumed,
        "INFO does not tell which keys are written. Uniform writes copy most; `--hotkeys` or a sample of \
         MONITOR tells",
    ));
    section("[[keyspace]]", entries)
}

/// What an overwrite of the mean key takes in the stream to replicas \[bytes\].
pub(super) fn write_bytes(sources: &Sources) -> f64 {
    rdb::set_bytes(mean_kind(sources, MeanKey::of(sources).value)) as f64
}

/// The mean key, with a value of so many bytes.
fn mean_kind(sources: &Sources, value: u64) -> KeyKind {
    KeyKind { key_size: KEY_SIZE, value: Value::Bytes(value), has_ttl: mostly_expire(sources) }
}

/// The key whose memory is the mean over all keys.
struct MeanKey {
    /// Keys, values and their tables, a key \[bytes\].
    bytes: f64,
    /// Length of the value that leaves room for the rest of the key \[bytes\].
    value: u64,
    /// As many keys of that size as take the memory of all.
    keys: u64,
}

impl MeanKey {
    /// The longest value with which as many keys as there are fit into the memory they take. Size classes are
    /// steps, so it leaves some over; more keys fill it up, because the bytes matter more than the count.
    fn of(sources: &Sources) -> Self {
        let record = sources.record;
        let (count, data) = (record.keys.keys as f64, record.memory.data().as_f64());
        let (allocator, _, _) = engine::allocator_of(&record.server, sources.engine);
        let heap = |value| {
            let kind = mean_kind(sources, value);
            Heap::new(sources.layout, allocator, 4096, &[Keys::alike(kind)])
        };
        let (mut value, mut too_long) = (1, LONGEST_VALUE + 1);
        while too_long - value > 1 {
            let middle = u64::midpoint(value, too_long);
            if heap(middle).used_memory(&Population::of(vec![count])) <= data {
                value = middle;
            } else {
                too_long = middle;
            }
        }
        let keys = heap(value).population_of(data, &[1.0]).keys[0];
        Self { bytes: data / count, value, keys: Bytes::from_f64(keys).0 }
    }

    /// How many keys, or which share of the fill.
    fn amount(&self, sources: &Sources) -> Entry {
        if server::limit(sources).bytes.is_some() {
            return entry(
                "share-of-bytes",
                "1.0",
                Origin::Derived,
                "there is one keyspace, and `fill` says how much",
            );
        }
        let why = format!(
            "as many keys of this size as take the measured {}; the server has {} ({} with a TTL)",
            sources.record.memory.data(),
            grouped(sources.record.keys.keys),
            grouped(sources.record.keys.expires),
        );
        entry("keys", grouped(self.keys).replace(',', "_"), Origin::Derived, why)
    }

    fn value_size(&self, sources: &Sources) -> Entry {
        let bytes = self.bytes.round();
        let rest = "less table entry, key string, object header, TTL entry and buckets of the layout";
        let why = format!(
            "used_memory less startup, clients and buffers is {} for {} keys, {bytes} bytes a key; {rest}, that is \
             this value (the longest whose size class fits). A mean hides the spread of sizes",
            sources.record.memory.data(),
            grouped(sources.record.keys.keys),
        );
        entry("value-size", quoted(format!("{} B", self.value)), Origin::Derived, why)
    }
}

fn mostly_expire(sources: &Sources) -> bool {
    sources.record.keys.expires > sources.record.keys.keys / 2
}

fn ttl(sources: &Sources) -> Entry {
    let keys = sources.record.keys;
    let percent = rounded(keys.expires as f64 / keys.keys as f64 * 100.0, 3);
    let counts = format!("{} of {} keys have a TTL, {percent} %", grouped(keys.expires), grouped(keys.keys));
    if !mostly_expire(sources) {
        return entry("ttl", quoted("none"), Origin::Derived, format!("{counts}: none of them has one here"));
    }
    // What the server has not sampled is given as a day: only whether there is a TTL costs memory.
    let seconds = if keys.avg_ttl_ms == 0 { 86_400 } else { (keys.avg_ttl_ms / 1_000).clamp(60, 31_536_000) };
    let why = format!("{counts}: all of them have one here, as long as avg_ttl of the largest database says");
    entry("ttl", quoted(SimDuration::from_secs(seconds)), Origin::Derived, why)
}
