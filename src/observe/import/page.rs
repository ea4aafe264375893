//! The scenario text: sections of settings, each with a comment on where its value comes from.

use std::fmt::{self, Write as _};

use crate::observe::words::wrapped;
use crate::units::Bytes;

/// How much a value is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A field of INFO or a setting of CONFIG GET.
    Measured,
    /// Computed from such.
    Derived,
    /// Given with the command.
    Given,
    /// Not known from here: a stated guess.
    Assumed,
}

impl Origin {
    const fn name(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Derived => "derived",
            Self::Given => "given",
            Self::Assumed => "assumed",
        }
    }
}

/// A setting.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    key: &'static str,
    value: String,
    origin: Origin,
    why: String,
}

/// `key = value`, both as TOML, and where the value comes from: a sentence without its first capital.
pub(super) fn entry(
    key: &'static str,
    value: impl fmt::Display,
    origin: Origin,
    why: impl Into<String>,
) -> Entry {
    Entry { key, value: value.to_string(), origin, why: why.into() }
}

/// A table of the scenario.
#[derive(Clone, Debug)]
pub(super) struct Section {
    header: &'static str,
    entries: Vec<Entry>,
}

/// The table `header`, with its brackets.
pub(super) fn section(header: &'static str, entries: Vec<Entry>) -> Section {
    Section { header, entries }
}

/// The text of a scenario called `name`: an introduction, remarks to read before trusting it, and the tables.
pub(super) fn page(introduction: &str, remarks: &[String], name: &str, sections: &[Section]) -> String {
    let mut text = comment("", introduction);
    if !remarks.is_empty() {
        text += "#\n# Read this first:\n";
        text.extend(remarks.iter().map(|remark| comment("- ", remark)));
    }
    // Writing to a string cannot fail.
    let _ = writeln!(text, "\nname = {}", quoted(name));
    for Section { header, entries } in sections {
        let _ = writeln!(text, "\n{header}");
        for Entry { key, value, origin, why } in entries {
            text += &comment("", &format!("{}: {why}", origin.name()));
            let _ = writeln!(text, "{key} = {value}");
        }
    }
    text
}

/// Comment lines, wrapped, each line of `text` on lines of its own; the first with `bullet` and the others
/// indented by its width. TOML allows no control characters in comments, and INFO may bring some.
fn comment(bullet: &str, text: &str) -> String {
    let (first, rest) = (format!("# {bullet}"), format!("# {}", " ".repeat(bullet.len())));
    let text: String = text.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
    let lines = text.lines().enumerate();
    lines.map(|(number, line)| wrapped(if number == 0 { &first } else { &rest }, &rest, line)).collect()
}

/// A TOML basic string. What INFO says goes into it, so it is escaped.
pub(super) fn quoted(text: impl fmt::Display) -> String {
    toml_edit::Value::from(text.to_string()).to_string()
}

/// A size without rounding: `64 MiB`, `419430401 B`.
pub(super) fn exact_size(size: Bytes) -> String {
    let shown = size.to_string();
    if shown.parse() == Ok(size) { quoted(shown) } else { quoted(format!("{} B", size.0)) }
}

/// An interval as an inline table; the single value where all three show alike.
pub(super) fn interval(low: &str, likely: &str, high: &str) -> String {
    if low == likely && likely == high {
        return likely.to_owned();
    }
    format!("{{ low = {low}, likely = {likely}, high = {high} }}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_keeps_its_lines_and_its_indent() {
        assert_eq!(comment("- ", "one\ntwo\u{1}"), "# - one\n#   two\n");
    }

    #[test]
    fn sizes_are_not_rounded_where_it_matters() {
        assert_eq!(exact_size(Bytes::mib(64)), "\"64 MiB\"");
        assert_eq!(exact_size(Bytes((64 << 20) + 1)), "\"67108865 B\"");
    }

    #[test]
    fn a_page_is_toml() {
        let entries = vec![entry("engine", quoted("a\"b\nc"), Origin::Assumed, "no reason")];
        let text = page("Intro.", &["Mind.".into()], "x", &[section("[server]", entries)]);
        let document: toml_edit::DocumentMut = text.parse().unwrap();
        assert_eq!(document["server"]["engine"].as_str(), Some("a\"b\nc"));
    }
}
