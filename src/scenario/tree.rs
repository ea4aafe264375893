//! TOML as a tree in which every value and key knows its place.
//!
//! Owns parsing, writing back, and setting a value by its dotted path. Knows no settings.

use std::ops::Range;
use std::sync::Arc;

use super::code::Code;
use super::diagnostic::Diagnostic;
use super::nearest::did_you_mean;
use super::source::{Place, Source};

/// A value with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it is.
    pub content: Content,
    /// Where it is.
    pub place: Place,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A string.
    Text(String),
    /// An integer.
    Integer(i64),
    /// A float.
    Float(f64),
    /// `true` or `false`.
    Flag(bool),
    /// A date or a time, as written.
    Datetime(String),
    /// An array, or an array of tables.
    List(Vec<Node>),
    /// A table.
    Table(Vec<Entry>),
}

/// A key of a table and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key is.
    pub key_place: Place,
    /// The value.
    pub node: Node,
}

impl Node {
    /// Parses a document.
    ///
    /// # Errors
    ///
    /// The first place at which it is no TOML.
    pub fn parse(source: &Arc<Source>) -> Result<Self, Box<Diagnostic>> {
        match toml_edit::Document::parse(source.text.as_str()) {
            Ok(document) => Ok(Grower { source }.table(document.as_table(), 0..0)),
            Err(error) => {
                let place = Place::new(source, error.span().unwrap_or(0..0));
                let message = error.message().trim_end().replace('\n', ", ");
                let help = match message.as_str() {
                    "duplicate key" => "keep one of the two",
                    _ => "strings need quotes, a table starts with `[name]`, a repeated one with `[[name]]`",
                };
                let problem = Diagnostic::new(Code::InvalidToml, "this is not TOML", &place, message);
                Err(Box::new(problem.help(help)))
            }
        }
    }

    /// Parses a single value, as it stands right of an equals sign; what is no TOML value is a string.
    pub fn parse_value(text: &str, place: &Place) -> Self {
        let text = text.trim();
        let content = match text.parse::<toml_edit::Value>() {
            Ok(toml_edit::Value::Datetime(_)) | Err(_) => Content::Text(text.to_owned()),
            Ok(value) => Grower { source: &place.source }.value(&value, place.span.clone()).content,
        };
        let mut node = Self { content, place: place.clone() };
        node.move_to(place);
        node
    }

    fn move_to(&mut self, place: &Place) {
        self.place = place.clone();
        match &mut self.content {
            Content::List(items) => items.iter_mut().for_each(|item| item.move_to(place)),
            Content::Table(entries) => entries.iter_mut().for_each(|entry| {
                entry.key_place = place.clone();
                entry.node.move_to(place);
            }),
            _ => {}
        }
    }

    /// The entries of a table; of anything else none.
    pub fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Table(entries) => entries,
            _ => &[],
        }
    }

    /// The value of `key` in a table.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// The value at a dotted path; a repeated table is entered by its `name` or its number from 0.
    pub fn at(&self, path: &[String]) -> Option<&Self> {
        let Some((key, rest)) = path.split_first() else { return Some(self) };
        match &self.content {
            Content::List(items) => items[position(items, key)?].at(rest),
            _ => self.get(key)?.at(rest),
        }
    }

    /// The same, to change it.
    pub fn at_mut(&mut self, path: &[String]) -> Option<&mut Self> {
        let Some((key, rest)) = path.split_first() else { return Some(self) };
        match &mut self.content {
            Content::List(items) => {
                let index = position(items, key)?;
                items[index].at_mut(rest)
            }
            Content::Table(entries) => entries.iter_mut().find(|entry| entry.key == *key)?.node.at_mut(rest),
            _ => None,
        }
    }

    /// Drops `key` from a table.
    pub fn remove(&mut self, key: &str) {
        if let Content::Table(entries) = &mut self.content {
            entries.retain(|entry| entry.key != key);
        }
    }

    /// Sets the value at a dotted path, making the tables on the way; `key_place` is where the path was
    /// written.
    ///
    /// # Errors
    ///
    /// A path that enters a repeated table by a name it does not have.
    pub fn set(&mut self, path: &[String], value: Self, key_place: &Place) -> Result<(), Box<Diagnostic>> {
        self.set_below("", path, value, key_place)
    }

    /// [`Node::set`] in the value of the key `above`.
    fn set_below(
        &mut self,
        above: &str,
        path: &[String],
        value: Self,
        key_place: &Place,
    ) -> Result<(), Box<Diagnostic>> {
        let Some((key, rest)) = path.split_first() else {
            *self = value;
            return Ok(());
        };
        if let Content::List(items) = &mut self.content {
            let Some(index) = position(items, key) else {
                return Err(no_such_item(items, above, key, key_place));
            };
            return items[index].set_below(key, rest, value, key_place);
        }
        if !matches!(self.content, Content::Table(_)) {
            *self = Self { content: Content::Table(Vec::new()), place: key_place.clone() };
        }
        let Content::Table(entries) = &mut self.content else { return Ok(()) };
        let known = entries.iter().position(|entry| entry.key == *key);
        let index = known.unwrap_or_else(|| {
            let node = Self { content: Content::Table(Vec::new()), place: key_place.clone() };
            entries.push(Entry { key: key.clone(), key_place: key_place.clone(), node });
            entries.len() - 1
        });
        entries[index].node.set_below(key, rest, value, key_place)
    }

    /// The value as TOML on one line.
    pub fn to_toml(&self) -> String {
        match &self.content {
            Content::Text(text) => toml_edit::Value::from(text.as_str()).to_string(),
            Content::Integer(number) => number.to_string(),
            Content::Float(number) => toml_edit::Value::from(*number).to_string(),
            Content::Flag(flag) => flag.to_string(),
            Content::Datetime(text) => text.clone(),
            Content::List(items) => {
                let items: Vec<String> = items.iter().map(Self::to_toml).collect();
                format!("[{}]", items.join(", "))
            }
            Content::Table(entries) => {
                let entries: Vec<String> = entries.iter().map(Entry::to_toml).collect();
                format!("{{ {} }}", entries.join(", "))
            }
        }
    }

    /// The value as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.content {
            Content::Text(text) | Content::Datetime(text) => text.as_str().into(),
            Content::Integer(number) => (*number).into(),
            Content::Float(number) => (*number).into(),
            Content::Flag(flag) => (*flag).into(),
            Content::List(items) => items.iter().map(Self::to_json).collect(),
            Content::Table(entries) => {
                entries.iter().map(|entry| (entry.key.clone(), entry.node.to_json())).collect()
            }
        }
    }

    /// The value as on a command line: TOML, but a string without its quotes.
    pub fn to_plain(&self) -> String {
        match &self.content {
            Content::Text(text) => text.clone(),
            _ => self.to_toml(),
        }
    }
}

impl Entry {
    fn to_toml(&self) -> String {
        format!("{} = {}", toml_edit::Key::new(&self.key), self.node.to_toml())
    }
}

/// A dotted path as keys, quoted where TOML needs it.
pub fn parse_path(path: &str) -> Option<Vec<String>> {
    let keys = toml_edit::Key::parse(path).ok()?;
    Some(keys.iter().map(|key| key.get().to_owned()).collect())
}

fn position(items: &[Node], key: &str) -> Option<usize> {
    let named = items.iter().position(|item| name_of(item) == Some(key));
    named.or_else(|| key.parse().ok().filter(|&index| index < items.len()))
}

fn name_of(item: &Node) -> Option<&str> {
    match &item.get("name")?.content {
        Content::Text(name) => Some(name),
        _ => None,
    }
}

fn no_such_item(items: &[Node], above: &str, key: &str, place: &Place) -> Box<Diagnostic> {
    let names: Vec<&str> = items.iter().filter_map(name_of).collect();
    let problem = Diagnostic::new(
        Code::NoSuchTarget,
        format!("there is no {above} `{key}`"),
        place,
        "no such name or number",
    );
    let help = match names.as_slice() {
        [] => "enter it by its number, from 0".to_owned(),
        names => did_you_mean(key, names.iter().copied()),
    };
    Box::new(problem.help(help))
}

/// Turns what `toml_edit` parsed into a tree.
struct Grower<'a> {
    source: &'a Arc<Source>,
}

impl Grower<'_> {
    fn place(&self, span: Option<Range<usize>>, otherwise: &Range<usize>) -> Place {
        Place::new(self.source, span.unwrap_or_else(|| otherwise.clone()))
    }

    fn table(&self, table: &dyn toml_edit::TableLike, span: Range<usize>) -> Node {
        let entries = table.iter().filter_map(|(key, item)| {
            let key_span = table.key(key).and_then(toml_edit::Key::span).unwrap_or_else(|| span.clone());
            let node = self.item(item, &key_span)?;
            Some(Entry { key: key.to_owned(), key_place: Place::new(self.source, key_span), node })
        });
        Node { content: Content::Table(entries.collect()), place: Place::new(self.source, span.clone()) }
    }

    fn item(&self, item: &toml_edit::Item, key_span: &Range<usize>) -> Option<Node> {
        match item {
            toml_edit::Item::None => None,
            toml_edit::Item::Value(value) => Some(self.value(value, key_span.clone())),
            // The place of a table is its header; one made by dotted keys is where its key was written.
            toml_edit::Item::Table(table) => {
                Some(self.table(table, table.span().unwrap_or_else(|| key_span.clone())))
            }
            toml_edit::Item::ArrayOfTables(tables) => {
                let one = |table: &toml_edit::Table| {
                    self.table(table, table.span().unwrap_or_else(|| key_span.clone()))
                };
                let content = Content::List(tables.iter().map(one).collect());
                Some(Node { content, place: self.place(None, key_span) })
            }
        }
    }

    fn value(&self, value: &toml_edit::Value, otherwise: Range<usize>) -> Node {
        let place = self.place(value.span(), &otherwise);
        let content = match value {
            toml_edit::Value::String(text) => Content::Text(text.value().clone()),
            toml_edit::Value::Integer(number) => Content::Integer(*number.value()),
            toml_edit::Value::Float(number) => Content::Float(*number.value()),
            toml_edit::Value::Boolean(flag) => Content::Flag(*flag.value()),
            toml_edit::Value::Datetime(moment) => Content::Datetime(moment.value().to_string()),
            toml_edit::Value::Array(items) => {
                Content::List(items.iter().map(|item| self.value(item, place.span.clone())).collect())
            }
            toml_edit::Value::InlineTable(table) => return self.table(table, place.span.clone()),
        };
        Node { content, place }
    }
}
