//! The codes of diagnostics, each with a title and a page for `forkcast explain CODE`.
//!
//! The pages stand in `codes.md`.

use std::sync::LazyLock;

use super::diagnostic::Severity;

/// What kind of problem. Errors are `E…`, warnings `W…`; a code is never given a second meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// The text is not TOML.
    InvalidToml,
    /// A key or table that the scenario does not have.
    UnknownKey,
    /// A string where a number belongs, and the like.
    WrongType,
    /// A size, rate, duration or time that cannot be read.
    InvalidQuantity,
    /// A value that cannot be.
    OutOfRange,
    /// An interval whose ends are out of order, or without a likely value.
    InvalidInterval,
    /// A word that is not one of those possible.
    UnknownChoice,
    /// A host class that is not in the catalogue.
    UnknownClass,
    /// A host class whose provider publishes no memory.
    ClassWithoutMemory,
    /// Something that has no default is not there.
    Missing,
    /// Two settings that exclude each other.
    Conflict,
    /// Shares that do not add up to 1.
    WrongSum,
    /// Two keyspaces of one name.
    DuplicateName,
    /// The amount of data does not follow from what is given.
    UndefinedFill,
    /// A popularity that cannot be read.
    InvalidPopularity,
    /// A save point that cannot be read.
    InvalidSavePoint,
    /// An hourly profile with too few, negative or no writes.
    InvalidProfile,
    /// A recorded trace that cannot be used.
    InvalidTrace,
    /// A feature that is not built.
    NotModelled,
    /// An axis that cannot be swept.
    InvalidAxis,
    /// A path or name that nothing answers to.
    NoSuchTarget,
    /// The scenario file cannot be read.
    Unreadable,
    /// A measurements file lacks a column.
    MissingColumn,
    /// A cell of a measurements file that cannot be read.
    InvalidCell,
    /// Two measured saves of one name.
    DuplicateRun,
    /// A timeline that cannot be used.
    InvalidTimeline,
    /// A percentage above what the provider lets one set.
    AboveProviderCap,
    /// The provider publishes the node's memory, not the RAM of the host.
    RamNotPublished,
    /// The keyspaces write more than the server can take in.
    LoadAboveCap,
    /// The layout of the engine was read in its source, and no save of it was measured.
    LayoutNotMeasured,
    /// A policy that evicts keys with a TTL, where none has one.
    NothingToEvict,
    /// A limit beyond another one.
    LimitNeverReached,
    /// A recorded trace with stretches that are not recorded.
    GapInTrace,
}

/// What `forkcast explain` says of a code.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// Its name in output.
    pub id: &'static str,
    /// The problem in a few words.
    pub title: &'static str,
    /// Why it is one and what to do, in paragraphs.
    pub text: &'static str,
}

impl Code {
    /// The page of this code.
    pub fn page(self) -> &'static Page {
        &PAGES[self as usize]
    }

    /// Its name in output: `E0012`.
    pub fn id(self) -> &'static str {
        self.page().id
    }

    /// How bad it is.
    pub fn severity(self) -> Severity {
        if self.id().starts_with('W') { Severity::Warning } else { Severity::Error }
    }
}

static PAGES: LazyLock<Vec<Page>> = LazyLock::new(|| parse(include_str!("codes.md")));

/// All pages, in the order of [`Code`].
pub fn pages() -> &'static [Page] {
    &PAGES
}

/// Cuts a text into its pages: `# E0001 title`, then paragraphs.
fn parse(text: &'static str) -> Vec<Page> {
    let sections = text.split("\n# ").skip(1);
    sections
        .filter_map(|section| {
            let (heading, text) = section.split_once('\n')?;
            let (id, title) = heading.split_once(' ')?;
            Some(Page { id, title, text: text.trim() })
        })
        .collect()
}

/// The page of the code named `id`, in any case.
pub fn find(id: &str) -> Option<&'static Page> {
    pages().iter().find(|page| page.id.eq_ignore_ascii_case(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_page_in_its_place() {
        assert_eq!(pages().len(), Code::GapInTrace as usize + 1);
        assert!(pages().is_sorted_by(|a, b| a.id < b.id));
        for (code, id) in
            [(Code::InvalidToml, "E0001"), (Code::WrongSum, "E0012"), (Code::Unreadable, "E0022")]
        {
            assert_eq!(code.id(), id);
        }
        assert_eq!(Code::AboveProviderCap.id(), "W0001");
        assert_eq!(find("e0012").map(|page| page.title), Some("shares that do not add up to 1"));
    }
}
