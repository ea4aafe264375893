//! One save, as flags say it: what `forkcast cow` is asked, checked as a scenario is and without one.
//!
//! A flag takes what the setting of its name takes; `flags` has the table, and those that no scenario has. What is
//! left out follows from the server, where one was measured, or is the default of scenarios, and is listed as
//! assumed.

mod flags;

use super::case::Case;
use super::diagnostic::Report;
use super::profile;
use super::value::Value as Setting;
use crate::memory::layout::listpack_bytes;
use crate::memory::{Allocator, Exposure, KeyKind, Popularity, Value};
use crate::model::Uncertain;
use crate::model::host::{Content, Keyspace, SaveSpeed, UncertainPopularity};
use crate::model::one_save::{Amount, OneSave, Pace, Resident};
use crate::units::{ByteRate, Bytes};
use flags::Flags;

/// A server that was measured: its flags may be left out.
#[derive(Clone, Copy, Debug)]
pub struct MeasuredServer<'a> {
    /// The scenario made of it.
    pub case: &'a Case,
    /// `used_memory` that is keys, values and their tables.
    pub data: Bytes,
    /// Its pages in RAM.
    pub resident: Bytes,
    /// What it writes at this moment [1/s].
    pub writes: Uncertain,
}

/// A save, and the host to hold it.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The save.
    pub save: OneSave,
    /// What the writes are, in the server's words: `SET`.
    pub operation: &'static str,
    /// RAM of the host, where it is known.
    pub ram: Option<Bytes>,
    /// What the kernel and other processes use \[bytes\].
    pub reserved: Uncertain,
    /// What was not said and taken for granted: clauses for people.
    pub assumed: Vec<String>,
}

/// The length of a key where nothing tells it \[bytes\].
const KEY_SIZE: f64 = 24.0;

/// The length of the names of fields where nothing tells it \[bytes\].
const FIELD_SIZE: f64 = 8.0;

/// Reads flags, named without their dashes, each as it was typed.
///
/// # Errors
///
/// Everything that is wrong with them.
pub fn read(given: &[(&'static str, &str)], server: Option<&MeasuredServer>) -> Result<Question, Report> {
    let mut flags = Flags::new(given, server.copied());
    let (layout, allocator) = (flags.layout(), flags.allocator());
    let (amount, kind) = (flags.amount(), flags.kind());
    let (rate, popularity, pace) = (flags.rate(), flags.popularity(), flags.pace());
    let page_size = flags.size_or("page-size", |case| case.host.machine.page_size.as_f64());
    let ram = flags.ram();
    let reserved = flags.quantity("reserved").or(server.map(|server| server.case.host.machine.reserved));
    let reserved = reserved.or_else(|| flags::default_quantity("reserved"));
    let compresses = flags.word("rdbcompression").as_deref() != Some("no");
    let operation = flags.operation();
    if let (Some(layout), Some(Amount::Keys(keys)), Some(kind)) = (&layout, amount, kind) {
        flags.check_size(keys * layout.key_bytes(allocator, kind) as f64);
    }
    let (problems, assumed) = flags.finish();
    let (Some(layout), Some(amount), Some(kind), Some(rate), Some(page_size), Some(reserved), true) =
        (layout, amount, kind, rate, page_size, reserved, problems.is_empty())
    else {
        return Err(Report::new(problems));
    };
    let save = OneSave {
        layout,
        allocator,
        page_size: Bytes::from_f64(page_size),
        kind,
        amount,
        resident: resident(server),
        write: operation.write(kind.has_ttl),
        popularity,
        writes_per_second: rate,
        pace,
        compresses,
    };
    Ok(Question { save, operation: operation.command, ram, reserved, assumed })
}

/// As measured, or by the default ratio.
fn resident(server: Option<&MeasuredServer>) -> Resident {
    match server {
        Some(server) => Resident::Bytes(server.resident.as_f64()),
        None => Resident::Ratio(flags::default_of("server", "fragmentation-ratio")),
    }
}

/// What a word of `--operation` stands for.
#[derive(Clone, Copy, Debug)]
struct Operation {
    /// The word.
    word: &'static str,
    /// The type of key that it is for, where it is for one.
    on: Option<&'static str>,
    /// In the server's words.
    command: &'static str,
}

/// `delset` counts DEL and SET one by one, as the server does.
const OPERATIONS: [Operation; 7] = [
    Operation { word: "set", on: None, command: "SET" },
    Operation { word: "incr", on: Some("counter"), command: "INCR" },
    Operation { word: "hset", on: Some("hash"), command: "HSET" },
    Operation { word: "insert", on: None, command: "inserts" },
    Operation { word: "delete", on: None, command: "DEL" },
    Operation { word: "delset", on: None, command: "DEL+SET" },
    Operation { word: "get", on: None, command: "GET" },
];

impl Operation {
    /// What one of them does. Where keys have a TTL, one expires for each that is added.
    fn write(self, has_ttl: bool) -> Exposure {
        let nothing = Exposure::default();
        match self.word {
            "incr" => Exposure { incr: 1.0, ..nothing },
            "hset" => Exposure { hset: 1.0, ..nothing },
            "insert" => Exposure { insert: 1.0, random_delete: if has_ttl { 1.0 } else { 0.0 }, ..nothing },
            "delete" => Exposure { delete: 1.0, ..nothing },
            "delset" => Exposure { delete: 0.5, insert: 0.5, ..nothing },
            "get" => nothing,
            _ => Exposure { set: 1.0, ..nothing },
        }
    }
}

impl Flags<'_> {
    fn keyspace(&self) -> Option<&Keyspace> {
        self.server?.case.host.dataset.keyspaces.first()
    }

    fn layout(&mut self) -> Option<crate::memory::LayoutProfile> {
        let named = self.word("engine");
        if self.is_given("engine") {
            return profile::find(&named?).cloned();
        }
        if let Some(server) = self.server {
            return Some(server.case.host.server.layout.clone());
        }
        let layout = flags::default_word("server", "engine").and_then(profile::find)?;
        self.assume(format!("{} (--engine)", layout.engine));
        Some(layout.clone())
    }

    fn allocator(&mut self) -> Allocator {
        match (self.word("allocator").as_deref(), self.server) {
            (Some("jemalloc-system"), _) => Allocator::System,
            (Some(_), _) => Allocator::Bundled,
            (None, Some(server)) => server.case.host.server.allocator,
            (None, None) => {
                self.assume("the jemalloc that came with it (--allocator)");
                Allocator::Bundled
            }
        }
    }

    /// Keys of other sizes than the server's fill the same memory.
    fn amount(&mut self) -> Option<Amount> {
        let keys = self.quantity("keys").map(|keys| Amount::Keys(keys.likely));
        let memory = self.quantity("memory").map(|bytes| Amount::UsedMemory(bytes.likely));
        let measured = self.server.map(|server| Amount::UsedMemory(server.data.as_f64()));
        if !["keys", "memory"].iter().any(|flag| self.is_given(flag)) && measured.is_none() {
            self.missing(
                "keys",
                "how many keys there are",
                "--keys 40000000, or --memory \"24 GiB\" of used_memory",
            );
        }
        keys.or(memory).or(measured)
    }

    fn operation(&mut self) -> Operation {
        let word = self.word("operation");
        let word = word.as_deref().unwrap_or(match self.word("type").as_deref() {
            Some("counter") => "incr",
            Some("hash") => "hset",
            _ => "set",
        });
        OPERATIONS.into_iter().find(|operation| operation.word == word).unwrap_or(OPERATIONS[0])
    }

    fn kind(&mut self) -> Option<KeyKind> {
        let key_size = match (self.size_or_none("key-size"), self.keyspace()) {
            (Some(size), _) => size,
            (None, Some(keyspace)) => keyspace.key_size as f64,
            (None, None) => {
                self.assume("keys of 24 B (--key-size)");
                KEY_SIZE
            }
        };
        let has_ttl = match self.setting("ttl") {
            Some(Setting::Word(_)) => false,
            Some(_) => true,
            None => self.keyspace().is_some_and(|keyspace| keyspace.has_ttl),
        };
        let value = self.contents()?;
        Some(KeyKind { key_size: Bytes::from_f64(key_size).0, value, has_ttl })
    }

    /// What a key holds: by `--type`, or by what is done to it.
    fn contents(&mut self) -> Option<Value> {
        let (operation, given) = (self.operation(), self.word("type"));
        let holds = given.as_deref().or(operation.on).unwrap_or("string").to_owned();
        if holds != "hash" {
            self.only_for_hashes();
        }
        // A string that is counted is an integer.
        let is_counted = holds == "counter" || (holds == "string" && operation.word == "incr");
        match holds.as_str() {
            "hash" if matches!(operation.word, "set" | "incr") => {
                let word = operation.word.to_uppercase();
                self.conflict("operation", "type", &format!("{word} is not for hashes"), "--operation hset");
                None
            }
            "hash" => self.listpack(),
            _ if operation.word == "hset" => {
                self.conflict("operation", "type", "HSET is for hashes", "--type hash --fields 10");
                None
            }
            _ if is_counted => self.integer(),
            _ => self.string(),
        }
    }

    /// The longest integer that a server keeps inside an object header has 20 bytes, sign included.
    fn integer(&mut self) -> Option<Value> {
        let size = self.size_or_none("value-size").unwrap_or_default();
        if size > 20.0 {
            let other = if self.is_given("operation") { "operation" } else { "type" };
            self.conflict("value-size", other, "no integer is that long", "at most --value-size 20B");
            return None;
        }
        Some(Value::Integer)
    }

    fn string(&mut self) -> Option<Value> {
        let measured = self.keyspace().and_then(|keyspace| match keyspace.content {
            Content::Strings(bytes) => Some(bytes as f64),
            Content::Integers | Content::Hashes { .. } => None,
        });
        let is_given = self.is_given("value-size");
        let size = self.size_or_none("value-size").or(measured);
        if size.is_none() && !is_given {
            self.missing("value-size", "the length of a value", "--value-size 512B, or --type counter");
        }
        Some(Value::Bytes(Bytes::from_f64(size?).0))
    }

    fn listpack(&mut self) -> Option<Value> {
        let (fields, size) = (self.quantity("fields"), self.size_or_none("value-size"));
        if !self.is_given("fields") {
            self.missing("fields", "the number of fields of a hash", "--fields 10");
        }
        if !self.is_given("value-size") {
            self.missing("value-size", "the length of a field's value", "--value-size 20B");
        } else if size.is_some_and(|size| size > flags::LONGEST_IN_LISTPACK) {
            self.not_in_listpack();
            return None;
        }
        let name = self.size_or_none("field-size").unwrap_or_else(|| {
            self.assume("names of fields of 8 B (--field-size)");
            FIELD_SIZE
        });
        let [fields, name, size] = [fields?.likely, name, size?].map(|number| Bytes::from_f64(number).0);
        Some(Value::Listpack(listpack_bytes(fields, name, size)))
    }

    fn rate(&mut self) -> Option<Uncertain> {
        let measured = self.server.map(|server| server.writes);
        let rate = self.quantity("writes-per-second").or(measured);
        if rate.is_none() && !self.is_given("writes-per-second") {
            self.missing("writes-per-second", "how often keys are written", "--writes-per-second 12000");
        }
        rate
    }

    /// No server tells which keys are written, so whatever copies most stands for it.
    fn popularity(&mut self) -> UncertainPopularity {
        if let Some(Setting::Popularity(popularity)) = self.setting("popularity") {
            return popularity;
        }
        if !self.is_given("popularity") {
            self.assume("writes to all keys alike, which copy most (--popularity)");
        }
        UncertainPopularity { likely: Popularity::Uniform, high: Popularity::Uniform }
    }

    fn pace(&mut self) -> Pace {
        if let Some(seconds) = self.quantity("save-duration") {
            return Pace::Duration(seconds);
        }
        if let Some(rate) = self.quantity("save-throughput") {
            return Pace::Throughput(rate);
        }
        let compressed_to = flags::default_of("keyspace", "compressed-to");
        if let Some(server) = self.server {
            return match server.case.host.save.speed {
                SaveSpeed::Throughput(rate) => Pace::Throughput(rate),
                SaveSpeed::Parts { seconds_per_key, disk } => {
                    Pace::Parts { seconds_per_key, disk, compressed_to }
                }
            };
        }
        let micros = flags::default_of("save", "microseconds-per-key");
        let disk = flags::default_of("save", "disk-throughput");
        let [low, likely, high] = [disk.low, disk.likely, disk.high].map(ByteRate);
        self.assume(format!(
            "a disk of {likely}, {low} to {high}, and {} µs a key, {} to {} (--save-duration)",
            micros.likely, micros.low, micros.high
        ));
        Pace::Parts { seconds_per_key: micros.scaled(1e-6), disk, compressed_to }
    }

    fn ram(&mut self) -> Option<Bytes> {
        let given = self.quantity("ram").map(|ram| Bytes::from_f64(ram.likely));
        given.or(self.server.map(|server| server.case.ram))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(given: &[(&'static str, &str)]) -> Result<Question, String> {
        read(given, None).map_err(|report| report.to_string())
    }

    const STRINGS: [(&str, &str); 4] =
        [("keys", "1000000"), ("key-size", "16B"), ("value-size", "1KiB"), ("writes-per-second", "5000")];

    fn with(more: &[(&'static str, &'static str)]) -> Result<Question, String> {
        question(&[&STRINGS[..], more].concat())
    }

    #[test]
    fn flags_are_read_as_settings_are() {
        let question = with(&[("popularity", "zipf:0.99"), ("save-duration", "60s")]).unwrap();
        assert_eq!(question.save.kind, KeyKind { key_size: 16, value: Value::Bytes(1024), has_ttl: false });
        assert_eq!(question.save.amount, Amount::Keys(1e6));
        assert_eq!(question.save.popularity.high, Popularity::Zipf { theta: 0.99 });
        assert_eq!(question.save.pace, Pace::Duration(Uncertain::certain(60.0)));
        assert_eq!((question.operation, question.ram), ("SET", None));
    }

    #[test]
    fn what_is_left_out_is_listed_as_assumed() {
        let question = with(&[]).unwrap();
        insta::assert_snapshot!(question.assumed.join("\n"), @r"
        valkey-8.0 (--engine)
        the jemalloc that came with it (--allocator)
        writes to all keys alike, which copy most (--popularity)
        a disk of 120 MiB/s, 30 MiB/s to 270 MiB/s, and 1.25 µs a key, 0.7 to 2.3 (--save-duration)
        ");
    }

    #[test]
    fn a_type_follows_from_what_is_done_to_it() {
        let value = |more: &[(&'static str, &'static str)]| {
            let given = [("keys", "1e6"), ("writes-per-second", "5000"), ("value-size", "20B")];
            question(&[&given[..], more].concat()).unwrap().save.kind.value
        };
        assert_eq!(value(&[("operation", "incr")]), Value::Integer);
        assert_eq!(value(&[("type", "counter")]), Value::Integer);
        assert_eq!(value(&[("type", "string"), ("operation", "incr")]), Value::Integer);
        let hash = Value::Listpack(listpack_bytes(10, 8, 20));
        assert_eq!(value(&[("operation", "hset"), ("fields", "10")]), hash);
        assert_eq!(value(&[("type", "hash"), ("fields", "10")]), hash);
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let wrong =
            [("keys", "-3"), ("value-size", "1 GB"), ("popularity", "zipf"), ("engine", "valkey-8.O")];
        let report = read(&wrong, None).unwrap_err();
        assert_eq!(report.errors(), 5, "{report}");
        assert!(report.to_string().contains("--value-size:1:1"), "{report}");
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        for (more, words) in [
            (&[("type", "hash")][..], "--fields 10"),
            (&[("type", "hash"), ("fields", "10")], "a table of its own"),
            (&[("type", "counter")], "no integer is that long"),
            (&[("type", "string"), ("operation", "hset")], "HSET is for hashes"),
            (&[("type", "hash"), ("operation", "incr")], "INCR is not for hashes"),
            (&[("fields", "10")], "only hashes have fields"),
            (&[("value-size", "512MiB")], "no host has"),
        ] {
            // The first of two is the one that counts: what is tried stands before.
            let report = question(&[more, &STRINGS[..]].concat()).unwrap_err();
            assert!(report.contains(words), "{more:?}: {report}");
        }
    }
}
