//! Numbers with units, and intervals of them.

use super::super::code::Code;
use super::super::diagnostic::Diagnostic;
use super::super::kind::{Quantity, Unit};
use super::super::nearest::did_you_mean;
use super::super::tree::{Content, Node};
use super::{Field, Value};
use crate::model::Uncertain;
use crate::model::host::WriteRate;
use crate::units::{ByteRate, Bytes, SimDuration};

/// The longest string that a server takes in. Source: `proto-max-bulk-len`, 512 MiB by default.
const LARGEST_VALUE: f64 = 512.0 * 1024.0 * 1024.0;

const ENDS: [&str; 3] = ["low", "likely", "high"];

impl<'a> Field<'a> {
    /// The same setting, looking at a part of its value.
    pub fn part(&self, node: &'a Node) -> Self {
        Self { node, ..*self }
    }

    pub fn quantity(&self, quantity: &Quantity, problems: &mut Vec<Diagnostic>) -> Option<Value> {
        if let (Content::Text(text), Some(word)) = (&self.node.content, quantity.word)
            && text == word
        {
            return Some(Value::Word(word));
        }
        self.uncertain(quantity, problems).map(Value::Quantity)
    }

    pub fn uncertain(&self, quantity: &Quantity, problems: &mut Vec<Diagnostic>) -> Option<Uncertain> {
        match &self.node.content {
            Content::Table(_) if quantity.is_interval => self.interval(quantity, problems),
            _ => self.number(quantity, problems).map(Uncertain::certain),
        }
    }

    fn interval(&self, quantity: &Quantity, problems: &mut Vec<Diagnostic>) -> Option<Uncertain> {
        let before = problems.len();
        let mut ends = [None; 3];
        for entry in self.node.entries() {
            match ENDS.iter().position(|end| *end == entry.key) {
                Some(end) => ends[end] = self.part(&entry.node).number(quantity, problems),
                None => {
                    problems.push(self.unknown_part(&entry.key, &entry.key_place, &ENDS));
                }
            }
        }
        if problems.len() > before {
            return None;
        }
        let [low, likely, high] = ends;
        let Some(likely) = likely else {
            let problem = self
                .problem(Code::InvalidInterval, format!("`{}` has no likely value", self.key), "an interval")
                .help("write { low = …, likely = …, high = … }; a missing end is the likely value");
            problems.push(problem);
            return None;
        };
        let interval = Uncertain { low: low.unwrap_or(likely), likely, high: high.unwrap_or(likely) };
        self.ordered(interval, quantity.unit, problems)
    }

    fn ordered(&self, interval: Uncertain, unit: Unit, problems: &mut Vec<Diagnostic>) -> Option<Uncertain> {
        let Uncertain { low, likely, high } = interval;
        let (lower, upper, names) = match () {
            () if low > likely => (low, likely, ("low", "likely")),
            () if likely > high => (likely, high, ("likely", "high")),
            () => return Some(interval),
        };
        let label = format!("{} {} is above {} {}", names.0, unit.show(lower), names.1, unit.show(upper));
        let message = format!("the ends of `{}` are out of order", self.key);
        problems.push(
            self.problem(Code::InvalidInterval, message, label).help("order them: low <= likely <= high"),
        );
        None
    }

    pub fn unknown_part(&self, part: &str, place: &super::Place, known: &[&str]) -> Diagnostic {
        let message = format!("unknown key `{part}` in `{}`", self.key);
        Diagnostic::new(Code::UnknownKey, message, place, "unknown key")
            .help(did_you_mean(part, known.iter().copied()))
    }

    fn number(&self, quantity: &Quantity, problems: &mut Vec<Diagnostic>) -> Option<f64> {
        let value = self.raw(quantity.unit, problems)?;
        if (quantity.low..=quantity.high).contains(&value) {
            return Some(value);
        }
        let shown = if value.is_finite() { quantity.unit.show(value) } else { value.to_string() };
        let message = format!("`{}` cannot be {shown}", self.key);
        let problem = self.problem(Code::OutOfRange, message, format!("not within {}", quantity.range()));
        let problem = problem.help(format!("give a value within {}", quantity.range()));
        problems.push(self.explained(problem));
        None
    }

    /// The number in its base unit, whatever its size.
    fn raw(&self, unit: Unit, problems: &mut Vec<Diagnostic>) -> Option<f64> {
        match (&self.node.content, unit) {
            (Content::Integer(number), Unit::Number | Unit::Whole) => return Some(*number as f64),
            (Content::Float(number), Unit::Number) => return Some(*number),
            (Content::Float(number), Unit::Whole) if number.fract() == 0.0 => return Some(*number),
            (Content::Text(text), Unit::Size) => {
                return self.parsed(text.parse::<Bytes>().map(Bytes::as_f64), "size", problems);
            }
            (Content::Text(text), Unit::Rate) => {
                let rate = text.parse::<ByteRate>().map(|rate| rate.0);
                let has_time = text.trim_end().ends_with("/s");
                let rate = rate.map_err(|error| {
                    if has_time { error.to_string() } else { format!("`{text}` does not end in `/s`") }
                });
                return self.parsed(rate, "rate", problems);
            }
            (Content::Text(text), Unit::Duration) => {
                let duration = text.parse::<SimDuration>().map(SimDuration::as_secs_f64);
                return self.parsed(duration, "duration", problems);
            }
            (Content::Integer(_) | Content::Float(_), Unit::Size | Unit::Rate | Unit::Duration) => {
                let message = format!("`{}` has no unit", self.key);
                let problem = self.problem(Code::InvalidQuantity, message, "a number without a unit");
                let problem = problem.help(format!("write for example {}", self.example()));
                problems.push(self.explained(problem));
            }
            _ => self.wrong_type(problems),
        }
        None
    }

    fn parsed<E: std::fmt::Display>(
        &self,
        parsed: Result<f64, E>,
        what: &str,
        problems: &mut Vec<Diagnostic>,
    ) -> Option<f64> {
        let error = match parsed {
            Ok(value) => return Some(value),
            Err(error) => error.to_string(),
        };
        // The texts of `units` end in what to write, after a semicolon.
        let (label, remedy) = error.split_once("; ").unwrap_or((error.as_str(), ""));
        let message = format!("`{}` is not a {what}", self.key);
        let remedy = match remedy {
            "" => format!("write for example {}", self.example()),
            remedy if remedy.contains("for example") => remedy.to_owned(),
            remedy => format!("{remedy}, for example {}", self.example()),
        };
        problems.push(self.explained(self.problem(Code::InvalidQuantity, message, label).help(remedy)));
        None
    }

    pub fn page_size(&self, problems: &mut Vec<Diagnostic>) -> Option<Value> {
        let size = self.raw(Unit::Size, problems)?;
        if [4, 16, 64].map(Bytes::kib).contains(&Bytes::from_f64(size)) {
            return Some(Value::Quantity(Uncertain::certain(size)));
        }
        let message = format!("no Linux has base pages of {}", Bytes::from_f64(size));
        let problem = self.problem(Code::UnknownChoice, message, "not a page size");
        problems.push(problem.help(format!("expected {}", self.kind.describe())));
        None
    }

    pub fn overcommit(&self, problems: &mut Vec<Diagnostic>) -> Option<Value> {
        let mode = self.raw(Unit::Whole, problems)?;
        if [0.0, 1.0, 2.0].contains(&mode) {
            return Some(Value::Quantity(Uncertain::certain(mode)));
        }
        let problem = self.problem(Code::OutOfRange, "`overcommit-memory` is 0, 1 or 2", "no such mode");
        problems.push(problem.help("see `vm.overcommit_memory` in proc(5)"));
        None
    }

    pub fn value_size(&self, problems: &mut Vec<Diagnostic>) -> Option<Value> {
        if matches!(self.node.content, Content::Table(_) | Content::List(_)) {
            let problem = self.not_modelled("a distribution of value sizes", "more than one size");
            problems.push(problem.help("give the mean size, or a keyspace for each size"));
            return None;
        }
        let size = self.raw(Unit::Size, problems)?;
        if size <= LARGEST_VALUE {
            return Some(Value::Quantity(Uncertain::certain(size)));
        }
        let message = format!("no value is {} long", Bytes::from_f64(size));
        let problem = self.problem(Code::OutOfRange, message, "longer than a server takes in");
        problems.push(problem.because("`proto-max-bulk-len` is 512 MiB").help("give at most 512 MiB"));
        None
    }

    pub fn write_rate(&self, quantity: &Quantity, problems: &mut Vec<Diagnostic>) -> Option<Value> {
        let Some(per_key) = self.node.get("per-key") else {
            return self.uncertain(quantity, problems).map(|rate| Value::WriteRate(WriteRate::Total(rate)));
        };
        for entry in self.node.entries().iter().filter(|entry| entry.key != "per-key") {
            problems.push(self.unknown_part(&entry.key, &entry.key_place, &["per-key"]));
        }
        let rate = self.part(per_key).uncertain(quantity, problems)?;
        Some(Value::WriteRate(WriteRate::PerKey(rate)))
    }
}
