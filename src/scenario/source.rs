//! Places in what the user wrote: a file, a flag, a recorded trace.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A text that diagnostics point into.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// What to call it: the path of a file, or the flag that carried it.
    pub name: String,
    /// The whole text.
    pub text: String,
}

/// A stretch of a source.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    /// The text.
    pub source: Arc<Source>,
    /// From which byte to which byte of it, on character boundaries.
    pub span: Range<usize>,
}

impl Place {
    /// The stretch `span` of `source`, cut back to what the source holds.
    pub fn new(source: &Arc<Source>, span: Range<usize>) -> Self {
        let text = &source.text;
        let floor = |at: usize| text.floor_char_boundary(at.min(text.len()));
        let start = floor(span.start);
        Self { source: Arc::clone(source), span: start..floor(span.end).max(start) }
    }

    /// Line and column of its start, both from 1; the column counts characters.
    pub fn line_column(&self) -> (usize, usize) {
        let before = &self.source.text[..self.span.start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// The text it covers.
    pub fn text(&self) -> &str {
        &self.source.text[self.span.clone()]
    }
}

impl fmt::Debug for Place {
    /// `file:line:column`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.line_column();
        write!(f, "{}:{line}:{column}", self.source.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let source = Arc::new(Source { name: "a.toml".into(), text: "é = 1\nüb = 2\n".into() });
        let place = Place::new(&source, 13..14);
        assert_eq!((format!("{place:?}").as_str(), place.text()), ("a.toml:2:6", "2"));
    }

    #[test]
    fn a_span_outside_the_text_or_inside_a_character_is_cut_back() {
        let source = Arc::new(Source { name: "a.toml".into(), text: "é".into() });
        assert_eq!(Place::new(&source, 1..90).span, 0..2);
        assert_eq!(Place::new(&source, 90..91).span, 2..2);
    }
}
