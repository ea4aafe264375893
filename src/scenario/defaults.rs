//! What each setting means and what it is where it is left out, read from `defaults.toml`.

use std::sync::{Arc, LazyLock};

use super::settings::{self, Setting};
use super::source::{Place, Source};
use super::tree::Node;
use super::value::{self, Value};

/// What `defaults.toml` says of a setting.
#[derive(Debug)]
pub struct Entry {
    /// The section's path.
    pub section: String,
    /// The key.
    pub key: String,
    /// What the setting means.
    pub meaning: String,
    /// Where the default comes from.
    pub provenance: String,
    /// The default or, where there is none, an example, as TOML.
    pub text: String,
    /// The default.
    pub value: Option<Value>,
}

static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| parse(include_str!("defaults.toml")));

/// What is said of the setting `key` in the section at `path`.
pub fn find(path: &str, key: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.section == path && entry.key == key)
}

/// Reads the file line by line: comments belong to the setting below them.
fn parse(text: &str) -> Vec<Entry> {
    let (mut entries, mut section, mut comment) = (Vec::new(), String::new(), Vec::new());
    for line in text.lines() {
        if let Some(words) = line.strip_prefix("# ") {
            comment.push(words);
        } else if let Some(path) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            path.clone_into(&mut section);
        } else if let Some((key, text)) = line.split_once(" = ") {
            entries.push(entry(&section, key, text, &comment));
            comment.clear();
        } else {
            comment.clear();
        }
    }
    entries
}

fn entry(section: &str, key: &str, text: &str, comment: &[&str]) -> Entry {
    let example = key.strip_prefix('#');
    let key = example.unwrap_or(key);
    let default_line = comment.iter().position(|line| line.starts_with("Default: "));
    let (meaning, provenance) = comment.split_at(default_line.unwrap_or(comment.len()));
    let setting = settings::section(section).and_then(|section| section.setting(key));
    Entry {
        section: section.to_owned(),
        key: key.to_owned(),
        meaning: meaning.join(" "),
        provenance: provenance.join(" ").trim_start_matches("Default: ").trim_end_matches('.').to_owned(),
        text: text.to_owned(),
        value: setting.filter(|_| example.is_none()).and_then(|setting| evaluate(setting, text)),
    }
}

/// The value of a setting that is written as `text`.
pub fn evaluate(setting: &Setting, text: &str) -> Option<Value> {
    let source = Arc::new(Source { name: "defaults.toml".to_owned(), text: text.to_owned() });
    let node = Node::parse_value(text, &Place::new(&source, 0..text.len()));
    value::read(&node, setting, None, &mut Vec::new())
}

/// A TOML value as JSON.
pub fn to_json(text: &str) -> serde_json::Value {
    let source = Arc::new(Source { name: "defaults.toml".to_owned(), text: text.to_owned() });
    Node::parse_value(text, &Place::new(&source, 0..text.len())).to_json()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_described_and_every_default_can_be_read() {
        for section in settings::SECTIONS {
            for setting in section.settings {
                let path = format!("{}.{}", section.path, setting.key);
                let entry =
                    find(section.path, setting.key).unwrap_or_else(|| panic!("{path} is not described"));
                assert!(entry.meaning.ends_with('.'), "{path}: {}", entry.meaning);
                assert!(evaluate(setting, &entry.text).is_some(), "{path} = {}", entry.text);
                assert_eq!(entry.provenance.is_empty(), entry.value.is_none(), "{path}");
                assert!(
                    !setting.is_required || entry.value.is_none(),
                    "{path} is required and has a default"
                );
            }
        }
    }

    #[test]
    fn everything_described_is_a_setting() {
        for entry in ENTRIES.iter() {
            let section = settings::section(&entry.section).unwrap();
            assert!(section.setting(&entry.key).is_some(), "{}.{}", entry.section, entry.key);
        }
    }
}
