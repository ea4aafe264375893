//! `--set` and `--axis`: settings from the command line.

use std::sync::Arc;

use super::source::{Place, Source};
use super::tree::{Content, Node, parse_path};

/// What an assignment does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Sets a value (`--set`).
    Setting,
    /// Sets the values of an axis (`--axis`).
    Axis,
}

/// `path=value`, as given on the command line.
///
/// The path is dotted and enters a keyspace by its name and a job by its number from 0:
/// `keyspace.sessions.writes-per-second`. The value is TOML, or a string without its quotes.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    pub(super) target: Target,
    pub(super) path: Vec<String>,
    pub(super) path_text: String,
    pub(super) key_place: Place,
    pub(super) value: Node,
    text: String,
}

/// An assignment that is no `path=value`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not `key=value`, such as `server.maxmemory-percent=60`")]
pub struct MalformedAssignment(String);

impl Assignment {
    /// Reads the argument of `--set`.
    ///
    /// # Errors
    ///
    /// [`MalformedAssignment`] where there is no `key=`. What is wrong with key or value is left to
    /// [`Scenario::read`](super::Scenario::read).
    pub fn set(text: &str) -> Result<Self, MalformedAssignment> {
        Self::parse(Target::Setting, "--set", text)
    }

    /// Reads the argument of `--axis`: values with commas between them, or a range `from..to:step`.
    ///
    /// # Errors
    ///
    /// As for [`Assignment::set`].
    pub fn axis(text: &str) -> Result<Self, MalformedAssignment> {
        let mut axis = Self::parse(Target::Axis, "--axis", text)?;
        if let Content::Text(values) = &axis.value.content {
            let place = axis.value.place.clone();
            let mut start = place.span.end - values.len();
            let mut nodes = Vec::new();
            for value in values.split(',') {
                nodes.push(Node::parse_value(value, &Place::new(&place.source, start..start + value.len())));
                start += value.len() + 1;
            }
            if nodes.len() > 1 {
                axis.value = Node { content: Content::List(nodes), place };
            }
        }
        Ok(axis)
    }

    /// The argument as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it does.
    pub fn target(&self) -> Target {
        self.target
    }

    /// The value of a table's cell at `place`, in the column of the setting `column`.
    ///
    /// # Errors
    ///
    /// Where `column` is no dotted path.
    pub(super) fn of_cell(column: &str, value: &str, place: &Place) -> Result<Self, MalformedAssignment> {
        let text = format!("{column}={value}");
        let path = parse_path(column).ok_or_else(|| MalformedAssignment(text.clone()))?;
        let value = Node::parse_value(value, place);
        let (path_text, key_place) = (column.to_owned(), place.clone());
        Ok(Self { target: Target::Setting, path, path_text, key_place, value, text })
    }

    /// `text` as an assignment, in a source of its own called `name`.
    pub(super) fn parse(target: Target, name: &str, text: &str) -> Result<Self, MalformedAssignment> {
        let malformed = || MalformedAssignment(text.to_owned());
        let (path_text, value) = text.split_once('=').ok_or_else(malformed)?;
        let path = parse_path(path_text.trim()).ok_or_else(malformed)?;
        let source = Arc::new(Source { name: name.to_owned(), text: text.to_owned() });
        let key_place = Place::new(&source, 0..path_text.len());
        let value_place = Place::new(&source, path_text.len() + 1..text.len());
        let value = Node::parse_value(value, &value_place);
        let path_text = path_text.trim().to_owned();
        Ok(Self { target, path, path_text, key_place, value, text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_toml_or_bare_strings() {
        let content = |text: &str| Assignment::set(text).unwrap().value.content;
        assert_eq!(content("server.maxmemory-percent=60"), Content::Integer(60));
        assert_eq!(content("host.ram=24 GiB"), Content::Text("24 GiB".into()));
        assert_eq!(content("backup.at=22:00"), Content::Text("22:00".into()));
        assert_eq!(content("server.maxmemory=none"), Content::Text("none".into()));
        assert_eq!(content("persistence.appendonly=true"), Content::Flag(true));
        assert!(Assignment::set("server.maxmemory-percent").is_err());
        assert!(Assignment::set("=5").is_err());
    }

    #[test]
    fn an_axis_is_a_list_with_commas() {
        let axis = Assignment::axis("host.class=yandex.hm3-c4-m16,yandex.hm3-c4-m32").unwrap();
        assert!(matches!(axis.value.content, Content::List(values) if values.len() == 2));
        let axis = Assignment::axis("server.maxmemory-percent=50,60.5").unwrap();
        assert!(
            matches!(axis.value.content, Content::List(values) if values[0].content == Content::Integer(50))
        );
    }
}
