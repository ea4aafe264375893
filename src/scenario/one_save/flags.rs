//! Flags read one by one: a source of its own for each, so that a diagnostic shows the flag and what was typed.

use std::sync::Arc;

use super::MeasuredServer;
use crate::model::Uncertain;
use crate::scenario::case::Case;
use crate::scenario::code::Code;
use crate::scenario::defaults::{self, Entry};
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::kind::{Kind, Quantity, Unit};
use crate::scenario::settings::{self, DAY, LARGEST_RAM, MOST_WRITES, Setting, choice, quantity};
use crate::scenario::source::{Place, Source};
use crate::scenario::tree::Node;
use crate::scenario::value::{self, Value};
use crate::units::Bytes;

/// The longest field or value in a listpack \[bytes\], and the most fields.
///
/// Source: `hash-max-listpack-value` and `hash-max-listpack-entries`, defaults of Redis from 7.0 and Valkey.
pub(super) const LONGEST_IN_LISTPACK: f64 = 64.0;
const MOST_IN_LISTPACK: f64 = 512.0;

/// The longest string. Source: `proto-max-bulk-len`, the default \[bytes\].
const LONGEST_STRING: f64 = 512.0 * 1024.0 * 1024.0;

const SHORTEST_SAVE: f64 = 0.001;

/// A flag, and what it may be.
enum Flag {
    /// As a setting of scenarios.
    As(&'static str, &'static str, &'static str),
    /// No scenario has it: its name, kind, an example and what it means.
    Own(Setting, &'static str, &'static str),
}

const fn own(name: &'static str, kind: Kind, example: &'static str, meaning: &'static str) -> Flag {
    Flag::Own(Setting::new(name, kind), example, meaning)
}

const fn between(unit: Unit, low: f64, high: f64) -> Quantity {
    quantity(unit, low, high)
}

const FLAGS: [Flag; 19] = [
    Flag::As("engine", "server", "engine"),
    Flag::As("allocator", "server", "allocator"),
    Flag::As("keys", "keyspace", "keys"),
    own(
        "memory",
        Kind::Quantity(between(Unit::Size, 1024.0, LARGEST_RAM)),
        "\"24 GiB\"",
        "used_memory of the keys.",
    ),
    Flag::As("key-size", "keyspace", "key-size"),
    own(
        "value-size",
        Kind::Quantity(between(Unit::Size, 0.0, LONGEST_STRING)),
        "\"512 B\"",
        "Length of a value, in a hash of a field's value.",
    ),
    own(
        "type",
        choice(&["string", "hash", "counter"], &["list", "set", "zset", "stream"]),
        "\"string\"",
        "What a key holds.",
    ),
    own(
        "fields",
        Kind::Quantity(between(Unit::Whole, 1.0, MOST_IN_LISTPACK)),
        "10",
        "Fields of a hash; with more it is no listpack.",
    ),
    own(
        "field-size",
        Kind::Quantity(between(Unit::Size, 1.0, LONGEST_IN_LISTPACK)),
        "\"8 B\"",
        "Length of the name of a field; with a longer one a hash is no listpack.",
    ),
    own(
        "operation",
        choice(&["set", "incr", "hset", "insert", "delete", "delset", "get"], &["append", "lpush", "zadd"]),
        "\"set\"",
        "What the writes are.",
    ),
    own(
        "writes-per-second",
        Kind::Quantity(between(Unit::Number, 0.0, MOST_WRITES).interval()),
        "12000",
        "Writes a second while the child lives.",
    ),
    Flag::As("popularity", "keyspace", "popularity"),
    Flag::As("ttl", "keyspace", "ttl"),
    own(
        "save-duration",
        Kind::Quantity(between(Unit::Duration, SHORTEST_SAVE, 30.0 * DAY).interval()),
        "\"60s\"",
        "From the fork to the child's exit.",
    ),
    Flag::As("save-throughput", "save", "throughput"),
    own("rdbcompression", choice(&["yes", "no"], &[]), "\"yes\"", "As in valkey.conf."),
    Flag::As("page-size", "host", "page-size"),
    Flag::As("ram", "host", "ram"),
    Flag::As("reserved", "host", "reserved"),
];

impl Flag {
    fn name(&self) -> &'static str {
        match self {
            Self::As(name, ..) | Self::Own(Setting { key: name, .. }, ..) => name,
        }
    }

    fn find(name: &str) -> Option<&'static Self> {
        static ALL: [Flag; 19] = FLAGS;
        ALL.iter().find(|flag| flag.name() == name)
    }

    fn read(&self, node: &Node, problems: &mut Vec<Diagnostic>) -> Option<Value> {
        match self {
            Self::As(_, section, key) => {
                let setting = settings::section(section)?.setting(key)?;
                value::read(node, setting, defaults::find(section, key), problems)
            }
            Self::Own(setting, example, meaning) => {
                let about = Entry {
                    section: String::new(),
                    key: setting.key.to_owned(),
                    meaning: (*meaning).to_owned(),
                    provenance: String::new(),
                    text: (*example).to_owned(),
                    value: None,
                };
                value::read(node, setting, Some(&about), problems)
            }
        }
    }
}

/// The default quantity of a setting that has one.
pub(super) fn default_of(section: &str, key: &str) -> Uncertain {
    match defaults::find(section, key).and_then(|entry| entry.value.as_ref()) {
        Some(Value::Quantity(quantity)) => *quantity,
        _ => Uncertain::certain(0.0),
    }
}

/// The default of the setting that a flag stands for.
pub(super) fn default_quantity(flag: &str) -> Option<Uncertain> {
    match Flag::find(flag)? {
        Flag::As(_, section, key) => Some(default_of(section, key)),
        Flag::Own(..) => None,
    }
}

/// The default word of a setting that has one.
pub(super) fn default_word(section: &str, key: &str) -> Option<&'static str> {
    match defaults::find(section, key)?.value.as_ref()? {
        Value::Text(word) => Some(word),
        _ => None,
    }
}

/// The flags that were given, and what is wrong with them so far.
pub(super) struct Flags<'a> {
    pub(super) server: Option<MeasuredServer<'a>>,
    given: Vec<(&'static str, Place, Option<Value>)>,
    problems: Vec<Diagnostic>,
    assumed: Vec<String>,
}

impl<'a> Flags<'a> {
    pub(super) fn new(given: &[(&'static str, &str)], server: Option<MeasuredServer<'a>>) -> Self {
        let mut problems = Vec::new();
        let read = |&(name, text): &(&'static str, &str)| {
            let source = Arc::new(Source { name: format!("--{name}"), text: text.to_owned() });
            let place = Place::new(&source, 0..text.len());
            let node = Node::parse_value(text, &place);
            let value = Flag::find(name).and_then(|flag| flag.read(&node, &mut problems));
            (name, place, value)
        };
        let given = given.iter().map(read).collect();
        Self { server, given, problems, assumed: Vec::new() }
    }

    /// The problems, and what was assumed.
    pub(super) fn finish(self) -> (Vec<Diagnostic>, Vec<String>) {
        (self.problems, self.assumed)
    }

    /// Whether a flag was typed, readable or not.
    pub(super) fn is_given(&self, name: &str) -> bool {
        self.given.iter().any(|(given, ..)| *given == name)
    }

    pub(super) fn setting(&self, name: &str) -> Option<Value> {
        self.given.iter().find(|(given, ..)| *given == name)?.2.clone()
    }

    pub(super) fn quantity(&self, name: &str) -> Option<Uncertain> {
        match self.setting(name)? {
            Value::Quantity(quantity) => Some(quantity),
            _ => None,
        }
    }

    pub(super) fn word(&self, name: &str) -> Option<String> {
        match self.setting(name)? {
            Value::Text(word) => Some(word),
            _ => None,
        }
    }

    pub(super) fn size_or_none(&self, name: &str) -> Option<f64> {
        self.quantity(name).map(|size| size.likely)
    }

    /// A size as typed, as measured, or the default of its setting.
    pub(super) fn size_or(&self, name: &str, measured: fn(&Case) -> f64) -> Option<f64> {
        let measured = || self.server.map(|server| measured(server.case));
        let default = || default_quantity(name).map(|size| size.likely);
        self.size_or_none(name).or_else(measured).or_else(default)
    }

    pub(super) fn assume(&mut self, what: impl Into<String>) {
        self.assumed.push(what.into());
    }

    /// Nothing says `what`, as `flag` would; `remedy` does.
    pub(super) fn missing(&mut self, flag: &str, what: &str, remedy: &str) {
        let source = Arc::new(Source { name: format!("--{flag}"), text: String::new() });
        let message = format!("nothing says {what}");
        let problem = Diagnostic::new(Code::Missing, message, &Place::new(&source, 0..0), "");
        self.problems.push(problem.help(format!("add {remedy}")));
    }

    /// What `flag` says and what `other` says exclude each other.
    pub(super) fn conflict(&mut self, flag: &str, other: &str, message: &str, remedy: &str) {
        let place =
            |name: &str| self.given.iter().find(|(given, ..)| *given == name).map(|(_, place, _)| place);
        let (Some(here), there) = (place(flag).or_else(|| place(other)), place(other)) else { return };
        let mut problem = Diagnostic::new(Code::Conflict, message, here, "this ...");
        if let Some(there) = there.filter(|there| *there != here) {
            problem = problem.beside(there, "... and this");
        }
        self.problems.push(problem.help(format!("write {remedy}")));
    }

    /// So many bytes of keys must find room somewhere.
    pub(super) fn check_size(&mut self, bytes: f64) {
        let Some((_, place, _)) = self.given.iter().find(|(name, ..)| *name == "keys") else { return };
        if bytes > LARGEST_RAM {
            let message = format!("no host has room for {} of keys", Bytes::from_f64(bytes));
            let problem = Diagnostic::new(Code::OutOfRange, message, place, "too many of this size");
            let most = Bytes::from_f64(LARGEST_RAM);
            self.problems.push(problem.help(format!("give fewer keys or shorter values, {most} at most")));
        }
    }

    pub(super) fn only_for_hashes(&mut self) {
        for flag in ["fields", "field-size"] {
            if self.is_given(flag) {
                self.conflict(flag, "type", "only hashes have fields", "--type hash");
            }
        }
    }

    pub(super) fn not_in_listpack(&mut self) {
        let Some((_, place, _)) = self.given.iter().find(|(name, ..)| *name == "value-size") else { return };
        let longest = Bytes::from_f64(LONGEST_IN_LISTPACK);
        let message = format!("not modelled yet: hashes with values over {longest}");
        let problem = Diagnostic::new(Code::NotModelled, message, place, "no listpack holds it");
        self.problems.push(
            problem
                .because("such a hash is a table of its own, with an entry for each field")
                .help(format!("give at most {longest}")),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_has_a_kind_and_its_example_can_be_read() {
        for flag in FLAGS {
            let (text, setting) = match &flag {
                Flag::As(_, section, key) => (defaults::find(section, key).unwrap().text.clone(), None),
                Flag::Own(setting, example, _) => ((*example).to_owned(), Some(setting)),
            };
            let source = Arc::new(Source { name: "--flag".into(), text: text.clone() });
            let node = Node::parse_value(&text, &Place::new(&source, 0..text.len()));
            let mut problems = Vec::new();
            assert!(flag.read(&node, &mut problems).is_some(), "{} {problems:?}", flag.name());
            assert!(setting.is_none_or(|setting| !setting.is_required));
        }
    }
}
