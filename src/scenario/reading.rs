//! A tree held against the table of settings: what was given, as values, and everything wrong with it.

use std::collections::BTreeMap;

use super::code::Code;
use super::defaults;
use super::diagnostic::Diagnostic;
use super::nearest::{did_you_mean, nearest};
use super::settings::{self, SECTIONS, Section, Setting};
use super::source::Place;
use super::tree::{Content, Entry, Node};
use super::value::{self, Value};
use crate::model::Uncertain;
use crate::units::{Bytes, SimDuration};

/// The table that names the axes; its keys are paths.
pub const SWEEP: &str = "sweep";

/// Everything that a scenario gives, section by section.
#[derive(Clone, Debug, PartialEq)]
pub struct Readings {
    groups: BTreeMap<&'static str, Vec<Group>>,
    /// Sections that are written in a way that cannot be read.
    unreadable: Vec<&'static str>,
}

/// What is given in one table.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    section: &'static str,
    /// Where the table begins.
    pub place: Place,
    given: BTreeMap<&'static str, Given>,
    derived: BTreeMap<&'static str, Derived>,
}

/// A key that is written in the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    /// Where the key is.
    pub key_place: Place,
    /// Where the value is.
    pub place: Place,
    /// The value as TOML.
    pub text: String,
    /// The value, where it can be read.
    pub value: Option<Value>,
}

/// A value that follows from others.
#[derive(Clone, Debug, PartialEq)]
pub struct Derived {
    /// The value.
    pub value: Value,
    /// The value as TOML.
    pub text: String,
    /// From what it follows.
    pub how: String,
}

impl Readings {
    /// Reads a whole tree; what is wrong goes to `problems`.
    pub fn of(root: &Node, problems: &mut Vec<Diagnostic>) -> Self {
        let mut readings = Self { groups: BTreeMap::new(), unreadable: Vec::new() };
        if let Some(top) = settings::section("") {
            readings.read(top, root, problems);
        }
        for section in SECTIONS.iter().filter(|section| !section.is_repeated) {
            let groups = readings.groups.entry(section.path).or_default();
            if groups.is_empty() {
                groups.push(Group::new(section.path, &root.place));
            }
        }
        readings
    }

    /// The table at `path`, which may hold nothing.
    ///
    /// # Panics
    ///
    /// Where `path` is no section, or a repeated one.
    pub fn once(&self, path: &str) -> &Group {
        &self.groups[path][0]
    }

    /// The table at `path`, to derive values in.
    pub fn once_mut(&mut self, path: &str) -> Option<&mut Group> {
        self.groups.get_mut(path)?.first_mut()
    }

    /// The tables of a repeated section.
    pub fn each(&self, path: &str) -> &[Group] {
        self.groups.get(path).map_or(&[], Vec::as_slice)
    }

    /// The tables of a repeated section, to derive values in.
    pub fn each_mut(&mut self, path: &str) -> &mut [Group] {
        self.groups.get_mut(path).map_or(&mut [], Vec::as_mut_slice)
    }

    /// Whether the section at `path` is written, if at all, in a way that can be read.
    pub fn is_readable(&self, path: &str) -> bool {
        !self.unreadable.contains(&path)
    }

    fn read(&mut self, section: &'static Section, table: &Node, problems: &mut Vec<Diagnostic>) {
        let mut group = Group::new(section.path, &table.place);
        for entry in table.entries() {
            if let Some(setting) = section.setting(&entry.key) {
                group.given.insert(setting.key, given(section, setting, entry, problems));
            } else if let Some((_, child)) = section.children().find(|(key, _)| *key == entry.key) {
                self.descend(child, entry, problems);
            } else if !(section.path.is_empty() && entry.key == SWEEP) {
                problems.push(unknown_key(section, entry));
            }
        }
        for setting in section.settings {
            group.check_presence(setting, problems);
        }
        self.groups.entry(section.path).or_default().push(group);
    }

    fn descend(&mut self, section: &'static Section, entry: &Entry, problems: &mut Vec<Diagnostic>) {
        match (&entry.node.content, section.is_repeated) {
            (Content::Table(_), false) => self.read(section, &entry.node, problems),
            (Content::List(tables), true)
                if tables.iter().all(|table| matches!(table.content, Content::Table(_))) =>
            {
                for table in tables {
                    self.read(section, table, problems);
                }
            }
            _ => {
                self.unreadable.push(section.path);
                problems.push(not_a_table(section, entry));
            }
        }
    }
}

fn not_a_table(section: &Section, entry: &Entry) -> Diagnostic {
    let path = section.path;
    let (what, label, remedy) = if section.is_repeated {
        (
            "a repeated table",
            "there may be several of these",
            format!("write `[[{path}]]`, with two brackets"),
        )
    } else {
        ("a table", "one table belongs here", format!("write a header `[{path}]`, and its settings below it"))
    };
    Diagnostic::new(Code::WrongType, format!("`{path}` is {what}"), &entry.key_place, label).help(remedy)
}

fn given(
    section: &Section,
    setting: &'static Setting,
    entry: &Entry,
    problems: &mut Vec<Diagnostic>,
) -> Given {
    let Entry { node, key_place, .. } = entry;
    let value = value::read(node, setting, defaults::find(section.path, setting.key), problems);
    Given { key_place: key_place.clone(), place: node.place.clone(), text: node.to_toml(), value }
}

fn unknown_key(section: &Section, entry: &Entry) -> Diagnostic {
    let key = entry.key.as_str();
    let is_table = matches!(entry.node.content, Content::Table(_));
    let home = if section.path.is_empty() { "a scenario".into() } else { format!("[{}]", section.path) };
    let what = if is_table { "table" } else { "key" };
    let problem = Diagnostic::new(
        Code::UnknownKey,
        format!("unknown {what} `{key}` in {home}"),
        &entry.key_place,
        "unknown",
    );
    let mut known: Vec<&str> = section.settings.iter().map(|setting| setting.key).collect();
    known.extend(section.children().map(|(key, _)| key));
    if section.path.is_empty() {
        known.push(SWEEP);
    }
    let elsewhere = SECTIONS.iter().find(|other| other.setting(key).is_some());
    problem.help(match (nearest(key, known.iter().copied()), elsewhere) {
        (None, Some(other)) => format!("`{key}` belongs in [{}]", other.path),
        _ => did_you_mean(key, known),
    })
}

impl Group {
    fn new(section: &'static str, place: &Place) -> Self {
        Self { section, place: place.clone(), given: BTreeMap::new(), derived: BTreeMap::new() }
    }

    fn check_presence(&self, setting: &Setting, problems: &mut Vec<Diagnostic>) {
        if setting.is_required && !self.given.contains_key(setting.key) {
            let example = defaults::find(self.section, setting.key).map_or("", |entry| entry.text.as_str());
            let message = format!("[[{}]] has no `{}`", self.section, setting.key);
            let label = format!("`{}` is missing", setting.key);
            let problem = Diagnostic::new(Code::Missing, message, &self.place, label);
            problems.push(problem.help(format!("add for example `{} = {example}`", setting.key)));
        }
        let others = setting.instead_of.iter().filter_map(|other| Some((other, self.given.get(other)?)));
        let Some(here) = self.given.get(setting.key) else { return };
        for (other, there) in others {
            let message = format!("`{}` and `{other}` exclude each other", setting.key);
            let problem = Diagnostic::new(Code::Conflict, message, &here.key_place, "this ...")
                .beside(&there.key_place, "... and this");
            problems.push(problem.help("keep the one that is meant"));
        }
    }

    /// Whether `key` is written, readable or not.
    pub fn mentions(&self, key: &str) -> bool {
        self.given.contains_key(key)
    }

    /// What is written of `key`.
    pub fn given(&self, key: &str) -> Option<&Given> {
        self.given.get(key)
    }

    /// How `key` was derived, if it was.
    pub fn derived(&self, key: &str) -> Option<&Derived> {
        self.derived.get(key)
    }

    /// Records a value that follows from others.
    pub fn derive(&mut self, key: &'static str, derived: Derived) {
        self.derived.insert(key, derived);
    }

    /// Where `key` is written, or else the table.
    pub fn place_of(&self, key: &str) -> &Place {
        self.given.get(key).map_or(&self.place, |given| &given.place)
    }

    /// The value of `key`: as given, as derived or the default; none where it cannot be read or has none.
    pub fn value(&self, key: &str) -> Option<&Value> {
        if let Some(given) = self.given.get(key) {
            return given.value.as_ref();
        }
        if let Some(derived) = self.derived.get(key) {
            return Some(&derived.value);
        }
        defaults::find(self.section, key)?.value.as_ref()
    }

    /// The string of `key`, where it has one.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.value(key)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The quantity of `key`, where it has one.
    pub fn quantity(&self, key: &str) -> Option<Uncertain> {
        match self.value(key)? {
            Value::Quantity(quantity) => Some(*quantity),
            _ => None,
        }
    }

    /// The quantity of a setting with a default.
    ///
    /// # Panics
    ///
    /// Where a checked scenario has none, which the test of the defaults rules out.
    pub fn uncertain(&self, key: &str) -> Uncertain {
        self.quantity(key).unwrap_or_else(|| panic!("`{}.{key}` has a value once checked", self.section))
    }

    /// The likely value of [`Group::uncertain`].
    pub fn number(&self, key: &str) -> f64 {
        self.uncertain(key).likely
    }

    /// The same as a whole number, which is exact below 2^53 and so for every setting.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be a whole number"
    )]
    pub fn whole(&self, key: &str) -> u64 {
        self.number(key) as u64
    }

    /// The same as memory.
    pub fn bytes(&self, key: &str) -> Bytes {
        Bytes::from_f64(self.number(key))
    }

    /// The same as a span of time.
    pub fn duration(&self, key: &str) -> SimDuration {
        SimDuration::from_secs_f64(self.number(key))
    }

    /// A time of day; midnight where there is none.
    pub fn time_of_day(&self, key: &str) -> SimDuration {
        match self.value(key) {
            Some(Value::TimeOfDay(time)) => *time,
            _ => SimDuration::ZERO,
        }
    }

    /// A switch; off where there is none.
    pub fn flag(&self, key: &str) -> bool {
        self.value(key) == Some(&Value::Flag(true))
    }

    /// Whether `key` stands on a word instead of a quantity.
    pub fn is_word(&self, key: &str) -> bool {
        matches!(self.value(key), Some(Value::Word(_)))
    }
}
