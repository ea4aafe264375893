//! One value of the text, read as its setting's kind demands.

mod load;
mod quantity;
mod word;

pub use load::{SUM_TOLERANCE, rounded};
pub use word::parse_version;

use super::code::Code;
use super::defaults::Entry;
use super::diagnostic::Diagnostic;
use super::kind::Kind;
use super::settings::Setting;
use super::source::Place;
use super::tree::{Content, Node};
use crate::memory::replication::BufferLimit;
use crate::model::Uncertain;
use crate::model::host::{OperationMix, SavePoint, UncertainPopularity, WriteRate};
use crate::units::SimDuration;

/// A value that its setting may have.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A string: a name, a choice, a class, a file.
    Text(String),
    /// The word that stands for a quantity: `none`, `keys`, `auto`.
    Word(&'static str),
    /// A switch.
    Flag(bool),
    /// A number in its base unit, known or not.
    Quantity(Uncertain),
    /// A time of day.
    TimeOfDay(SimDuration),
    /// A write rate.
    WriteRate(WriteRate),
    /// Shares of operations.
    Operations(OperationMix),
    /// A popularity.
    Popularity(UncertainPopularity),
    /// Save points.
    SavePoints(Vec<SavePoint>),
    /// 168 hourly factors with a mean of 1.
    Hourly(Vec<f64>),
    /// A client output buffer limit.
    BufferLimit(BufferLimit),
}

/// Reads `node` as a value of `setting`; what is wrong goes to `problems`, with what is said `about` it.
pub fn read(
    node: &Node,
    setting: &Setting,
    about: Option<&Entry>,
    problems: &mut Vec<Diagnostic>,
) -> Option<Value> {
    let kind = &setting.kind;
    let field = Field { node, key: setting.key, kind, about };
    match kind {
        Kind::Text => field.text(problems).map(Value::Text),
        Kind::Name => field.name(problems),
        Kind::Flag => field.flag(problems),
        Kind::Choice { modelled, later } => field.choice(modelled, later, problems),
        Kind::Quantity(quantity) => field.quantity(quantity, problems),
        Kind::TimeOfDay => field.time_of_day(problems),
        Kind::Class => field.class(problems),
        Kind::Engine => field.engine(problems),
        Kind::Kernel => field.kernel(problems),
        Kind::PageSize => field.page_size(problems),
        Kind::Overcommit => field.overcommit(problems),
        Kind::ValueSize => field.value_size(problems),
        Kind::WriteRate(quantity) => field.write_rate(quantity, problems),
        Kind::Operations => field.operations(problems),
        Kind::Popularity => field.popularity(problems),
        Kind::SavePoints => field.save_points(problems),
        Kind::Hourly => field.hourly(problems),
        Kind::BufferLimit => field.buffer_limit(problems),
    }
}

/// A setting's value in the text, with what it should be.
#[derive(Clone, Copy)]
struct Field<'a> {
    node: &'a Node,
    key: &'a str,
    kind: &'a Kind,
    about: Option<&'a Entry>,
}

impl Field<'_> {
    fn place(&self) -> &Place {
        &self.node.place
    }

    fn problem(&self, code: Code, message: impl Into<String>, label: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, message, self.place(), label)
    }

    fn wrong_type(&self, problems: &mut Vec<Diagnostic>) {
        let found = describe(&self.node.content);
        let expected = self.kind.describe();
        let problem = self
            .problem(Code::WrongType, format!("`{}` cannot be {found}", self.key), format!("this is {found}"))
            .help(format!("expected {expected}"));
        problems.push(self.explained(problem));
    }

    /// With what the setting means, for whoever mistook it.
    fn explained(&self, problem: Diagnostic) -> Diagnostic {
        match self.about {
            Some(entry) => problem.because(format!("`{}`: {}", self.key, entry.meaning)),
            None => problem,
        }
    }

    /// `key = value`, as it may be written.
    fn example(&self) -> String {
        let example = self.about.map_or("…", |entry| entry.text.as_str());
        format!("`{} = {example}`", self.key)
    }

    fn not_modelled(&self, feature: &str, label: impl Into<String>) -> Diagnostic {
        self.problem(Code::NotModelled, format!("not modelled yet: {feature}"), label)
    }

    fn text(&self, problems: &mut Vec<Diagnostic>) -> Option<String> {
        if let Content::Text(text) = &self.node.content {
            return Some(text.clone());
        }
        self.wrong_type(problems);
        None
    }

    fn flag(&self, problems: &mut Vec<Diagnostic>) -> Option<Value> {
        if let Content::Flag(flag) = self.node.content {
            return Some(Value::Flag(flag));
        }
        self.wrong_type(problems);
        None
    }
}

/// What a value is, in words.
fn describe(content: &Content) -> &'static str {
    match content {
        Content::Text(_) => "a string",
        Content::Integer(_) | Content::Float(_) => "a number",
        Content::Flag(_) => "true or false",
        Content::Datetime(_) => "a date or a time without quotes",
        Content::List(_) => "a list",
        Content::Table(_) => "a table",
    }
}
