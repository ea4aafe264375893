//! Problems as data: what is wrong, where, why it matters and what to do.
//!
//! Owns their shape and their rendering. Leaves the pages of the codes to `code`.

use std::collections::BTreeSet;
use std::fmt;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::code::Code;
use super::source::Place;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// There is no scenario.
    Error,
    /// There is one, and something about it should be known.
    Warning,
}

/// A place and what to say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub place: Place,
    /// What, in a few words; empty where no place in the text is to blame.
    pub text: String,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of problem, with a page of its own.
    pub code: Code,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Where it is.
    pub primary: Label,
    /// Another place that has to do with it.
    pub secondary: Option<Label>,
    /// Why it is a problem.
    pub reason: Option<String>,
    /// What to do.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A problem of kind `code` at `place`, where the label says `label`.
    pub fn new(code: Code, message: impl Into<String>, place: &Place, label: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            primary: Label { place: place.clone(), text: label.into() },
            secondary: None,
            reason: None,
            help: None,
        }
    }

    /// Adds a second place.
    #[must_use]
    pub fn beside(mut self, place: &Place, label: impl Into<String>) -> Self {
        self.secondary = Some(Label { place: place.clone(), text: label.into() });
        self
    }

    /// Adds why it is a problem.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// How bad it is, which follows from the code.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }

    /// As text: the sentence, `file:line:column`, the line with carets, reason and remedy.
    pub fn render(&self, colour: Colour) -> String {
        let renderer = match colour {
            Colour::Never => Renderer::plain(),
            Colour::Always => Renderer::styled(),
        };
        renderer.render(&[self.group()])
    }

    fn group(&self) -> Group<'_> {
        let level = match self.severity() {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level.primary_title(self.message.as_str()).id(self.code.id());
        let mut group = if self.primary.text.is_empty() {
            title.element(Origin::path(self.primary.place.source.name.as_str()))
        } else {
            title.element(self.snippet())
        };
        if let Some(Label { place, text }) = self.elsewhere() {
            let annotation = AnnotationKind::Context.span(place.span.clone()).label(text.as_str());
            let source = &place.source;
            group = group.element(
                Snippet::source(source.text.as_str()).path(source.name.as_str()).annotation(annotation),
            );
        }
        let reason = self.reason.iter().map(|reason| Level::NOTE.message(reason.as_str()));
        let help = self.help.iter().map(|help| Level::HELP.message(help.as_str()));
        group.elements(reason).elements(help)
    }

    fn snippet(&self) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
        let Label { place, text } = &self.primary;
        let here = self.secondary.iter().filter(|label| label.place.source == place.source);
        let context = here
            .map(|label| AnnotationKind::Context.span(label.place.span.clone()).label(label.text.as_str()));
        Snippet::source(place.source.text.as_str())
            .path(place.source.name.as_str())
            .annotation(AnnotationKind::Primary.span(place.span.clone()).label(text.as_str()))
            .annotations(context)
    }

    /// The secondary label, where it lies in another source.
    fn elsewhere(&self) -> Option<&Label> {
        self.secondary.as_ref().filter(|label| label.place.source != self.primary.place.source)
    }
}

/// Whether rendered text carries terminal colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    Never,
    /// ANSI escapes.
    Always,
}

/// All problems found, errors first, each kind in the order of the places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    diagnostics: Vec<Diagnostic>,
}

impl Report {
    /// Sorts the problems and drops repetitions, the same label at the same place: several values of an axis
    /// may break the same thing.
    pub fn new(mut diagnostics: Vec<Diagnostic>) -> Self {
        let place = |d: &Diagnostic| {
            let Place { source, span } = &d.primary.place;
            (source.name.clone(), span.start, span.end)
        };
        diagnostics.sort_by_cached_key(|d| (d.severity(), place(d)));
        let mut seen = BTreeSet::new();
        diagnostics.retain(|d| seen.insert((d.code, place(d), d.primary.text.clone())));
        Self { diagnostics }
    }

    /// The problems.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// How many of them are errors.
    pub fn errors(&self) -> usize {
        self.diagnostics.iter().filter(|d| d.severity() == Severity::Error).count()
    }

    /// All of them as text, a blank line between two.
    pub fn render(&self, colour: Colour) -> String {
        let texts: Vec<String> = self.diagnostics.iter().map(|d| d.render(colour)).collect();
        texts.join("\n\n")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Colour::Never))
    }
}

impl std::error::Error for Report {}
