//! What the load is: operations, popularity, save points, hourly profiles.

use super::super::code::Code;
use super::super::diagnostic::Diagnostic;
use super::super::kind::{Quantity, Unit};
use super::super::tree::{Content, Node};
use super::{Field, Value};
use crate::memory::Popularity;
use crate::model::host::{OperationMix, SavePoint, UncertainPopularity};

/// How far shares may miss 1: what decimal fractions lose in binary, and nothing more.
pub const SUM_TOLERANCE: f64 = 1e-6;

const SHARE: Quantity = Quantity { unit: Unit::Number, low: 0.0, high: 1.0, is_interval: false, word: None };
const FACTOR: Quantity =
    Quantity { unit: Unit::Number, low: 0.0, high: 1e12, is_interval: false, word: None };

impl Field<'_> {
    pub fn operations(&self, problems: &mut Vec<Diagnostic>) -> Option<Value> {
        if !matches!(self.node.content, Content::Table(_)) {
            self.wrong_type(problems);
            return None;
        }
        let before = problems.len();
        let mut mix = OperationMix { set: 0.0, incr: 0.0, hset: 0.0, insert: 0.0, delete: 0.0 };
        for entry in self.node.entries() {
            let share = match entry.key.as_str() {
                "set" => &mut mix.set,
                "incr" => &mut mix.incr,
                "insert" => &mut mix.insert,
                "delete" => &mut mix.delete,
                "hset" => &mut mix.hset,
                other => {
                    let known = ["set", "incr", "hset", "insert", "delete"];
                    problems.push(self.unknown_part(other, &entry.key_place, &known));
                    continue;
                }
            };
            if let Some(given) = self.part(&entry.node).uncertain(&SHARE, problems) {
                *share = given.likely;
            }
        }
        if problems.len() > before {
            return None;
        }
        self.whole(mix, problems).map(Value::Operations)
    }

    fn whole(&self, mix: OperationMix, problems: &mut Vec<Diagnostic>) -> Option<OperationMix> {
        let sum = mix.set + mix.incr + mix.hset + mix.insert + mix.delete;
        if (sum - 1.0).abs() > SUM_TOLERANCE {
            let message = format!("the shares of `{}` do not add up to 1", self.key);
            let problem = self.problem(Code::WrongSum, message, format!("these add up to {}", rounded(sum)));
            problems.push(problem.help("make them add up to 1"));
            return None;
        }
        if mix.delete > mix.insert {
            let problem = self
                .not_modelled("a shrinking data set", "deletes more than it inserts")
                .help("insert at least as much as is deleted");
            problems.push(problem);
            return None;
        }
        Some(mix)
    }

    pub fn popularity(&self, problems: &mut Vec<Diagnostic>) -> Option<Value> {
        let (likely, high) = match &self.node.content {
            Content::Table(entries) => {
                let known = ["likely", "high"];
                for entry in entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
                    problems.push(self.unknown_part(&entry.key, &entry.key_place, &known));
                }
                let Some(likely) = self.node.get("likely") else {
                    let message = format!("`{}` has no likely value", self.key);
                    let problem = self.problem(Code::InvalidInterval, message, "an interval");
                    problems.push(problem.help("write { likely = \"zipf:0.8\", high = \"uniform\" }"));
                    return None;
                };
                (likely, self.node.get("high").unwrap_or(likely))
            }
            _ => (self.node, self.node),
        };
        let likely = self.part(likely).one_popularity(problems);
        let high = if std::ptr::eq(high, self.node) || self.node.get("high").is_none() {
            likely
        } else {
            self.part(high).one_popularity(problems)
        };
        Some(Value::Popularity(UncertainPopularity { likely: likely?, high: high? }))
    }

    fn one_popularity(&self, problems: &mut Vec<Diagnostic>) -> Option<Popularity> {
        let text = self.text(problems)?;
        let popularity = parse_popularity(&text);
        if popularity.is_none() {
            let problem = self
                .problem(Code::InvalidPopularity, format!("`{text}` is no popularity"), "cannot be read")
                .help(format!("expected {}", super::Kind::Popularity.describe()));
            problems.push(problem);
        }
        popularity
    }

    pub fn save_points(&self, problems: &mut Vec<Diagnostic>) -> Option<Value> {
        let Content::List(items) = &self.node.content else {
            self.wrong_type(problems);
            return None;
        };
        let points: Option<Vec<SavePoint>> =
            items.iter().map(|item| self.part(item).save_point(problems)).collect();
        points.map(Value::SavePoints)
    }

    fn save_point(&self, problems: &mut Vec<Diagnostic>) -> Option<SavePoint> {
        let text = self.text(problems)?;
        let words: Vec<&str> = text.split_whitespace().collect();
        if let [seconds, changes] = words.as_slice()
            && let (Ok(seconds @ 1..), Ok(changes @ 1..)) = (seconds.parse(), changes.parse())
        {
            return Some(SavePoint { seconds, changes });
        }
        let problem = self
            .problem(Code::InvalidSavePoint, format!("`{text}` is no save point"), "not seconds and changes")
            .help("write seconds and changes, as in valkey.conf: \"3600 1\"");
        problems.push(problem);
        None
    }

    pub fn hourly(&self, problems: &mut Vec<Diagnostic>) -> Option<Value> {
        match &self.node.content {
            Content::Text(text) if text == "flat" => Some(Value::Hourly(vec![1.0; 168])),
            Content::List(items) => self.profile(items, problems).map(Value::Hourly),
            _ => {
                self.wrong_type(problems);
                None
            }
        }
    }

    fn profile(&self, items: &[Node], problems: &mut Vec<Diagnostic>) -> Option<Vec<f64>> {
        let factors: Option<Vec<f64>> =
            items.iter().map(|item| Some(self.part(item).uncertain(&FACTOR, problems)?.likely)).collect();
        let factors = factors?;
        let sum: f64 = factors.iter().sum();
        let problem = match factors.len() {
            24 | 168 if sum > 0.0 => {
                let mean = sum / factors.len() as f64;
                return Some(factors.iter().map(|factor| factor / mean).cycle().take(168).collect());
            }
            24 | 168 => self.problem(Code::InvalidProfile, "`hourly` holds no load", "all zero"),
            count => {
                let message = format!("`hourly` has {count} factors");
                self.problem(Code::InvalidProfile, message, "neither a day nor a week")
            }
        };
        problems.push(problem.help(format!("expected {}", self.kind.describe())));
        None
    }
}

fn parse_popularity(text: &str) -> Option<Popularity> {
    let (kind, parameters) = text.split_once(':').unwrap_or((text, ""));
    match kind {
        "uniform" if parameters.is_empty() => Some(Popularity::Uniform),
        "zipf" => {
            let theta: f64 = parameters.parse().ok()?;
            (0.0..=10.0).contains(&theta).then_some(Popularity::Zipf { theta })
        }
        "hotspot" => {
            let (keys, writes) = parameters.split_once('/')?;
            let (keys, writes): (f64, f64) = (keys.parse().ok()?, writes.parse().ok()?);
            let is_possible = keys > 0.0 && keys < 1.0 && (0.0..=1.0).contains(&writes);
            is_possible.then_some(Popularity::Hotspot { keys, writes })
        }
        _ => None,
    }
}

/// A sum as people write it.
pub fn rounded(sum: f64) -> f64 {
    (sum * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn popularities_are_read_and_impossible_ones_are_not() {
        assert_eq!(parse_popularity("uniform"), Some(Popularity::Uniform));
        assert_eq!(parse_popularity("zipf:0.99"), Some(Popularity::Zipf { theta: 0.99 }));
        assert_eq!(parse_popularity("hotspot:0.2/0.8"), Some(Popularity::Hotspot { keys: 0.2, writes: 0.8 }));
        for text in
            ["", "zipf", "zipf:-1", "zipf:nan", "hotspot:0/1", "hotspot:0.2", "uniform:1", "hotspot:1/0.5"]
        {
            assert_eq!(parse_popularity(text), None, "{text}");
        }
    }
}
