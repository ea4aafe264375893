//! Words: choices, host classes, engines, kernel versions, times of day, names.

use super::super::code::Code;
use super::super::diagnostic::Diagnostic;
use super::super::kind::is_name;
use super::super::nearest::{did_you_mean, nearest_few, quoted};
use super::super::{classes, profile};
use super::{Content, Field, Value};
use crate::memory::replication::BufferLimit;
use crate::units::SimDuration;

/// The oldest kernel that a host may have.
const OLDEST_KERNEL: (u32, u32) = (4, 4);

impl Field<'_> {
    pub fn choice(&self, modelled: &[&str], later: &[&str], problems: &mut Vec<Diagnostic>) -> Option<Value> {
        let word = self.text(problems)?;
        if modelled.contains(&word.as_str()) {
            return Some(Value::Text(word));
        }
        if later.contains(&word.as_str()) {
            let problem =
                self.not_modelled(&format!("`{} = \"{word}\"`", self.key), "exists, but is not simulated");
            problems.push(problem.help(format!("modelled: {}", self.kind.describe())));
            return None;
        }
        let problem = self.problem(
            Code::UnknownChoice,
            format!("`{}` cannot be \"{word}\"", self.key),
            "not one of the possible words",
        );
        let words: Vec<&str> = modelled.iter().chain(later).copied().collect();
        problems.push(self.explained(problem.help(did_you_mean(&word, words))));
        None
    }

    pub fn name(&self, problems: &mut Vec<Diagnostic>) -> Option<Value> {
        let name = self.text(problems)?;
        if is_name(&name) {
            return Some(Value::Text(name));
        }
        let problem = self
            .problem(Code::OutOfRange, "this name cannot name a folder", "part of the run folder's name")
            .help(format!("expected {}, not first a dot", self.kind.describe()));
        problems.push(problem);
        None
    }

    pub fn class(&self, problems: &mut Vec<Diagnostic>) -> Option<Value> {
        let name = self.text(problems)?;
        let Some(class) = classes::find(&name) else {
            problems.push(self.unknown_class(&name));
            return None;
        };
        if class.ram.is_some() {
            return Some(Value::Text(name));
        }
        let problem = self
            .problem(
                Code::ClassWithoutMemory,
                format!("{} publishes no memory for `{name}`", class.provider),
                "a class without RAM or maxmemory",
            )
            .because(format!("{} says: {}", class.source_url, class.note))
            .help("give the memory of the host instead, as `ram = \"…\"`");
        problems.push(problem);
        None
    }

    fn unknown_class(&self, name: &str) -> Diagnostic {
        let near = nearest_few(name, classes::all().iter().map(|class| class.name.as_str()), 3);
        let help = match near.as_slice() {
            [] => "`forkcast classes` lists them; or give the memory of the host as `ram = \"…\"`".to_owned(),
            near => format!("did you mean {}? `forkcast classes` lists all", quoted(near.iter().copied())),
        };
        self.problem(Code::UnknownClass, format!("unknown host class `{name}`"), "not in the catalogue")
            .help(help)
    }

    pub fn engine(&self, problems: &mut Vec<Diagnostic>) -> Option<Value> {
        let name = self.text(problems)?;
        let names = profile::names();
        if names.contains(&name.as_str()) {
            return Some(Value::Text(name));
        }
        let version = name.strip_prefix("redis-").or_else(|| name.strip_prefix("valkey-"));
        let problem = if version.is_some_and(|version| parse_version(version).is_some()) {
            self.not_modelled(&format!("the layout of {name}"), "no profile of this version")
                .help(format!("the nearest profile may do: {}", quoted(names.iter().copied())))
        } else {
            self.problem(Code::UnknownChoice, format!("unknown engine `{name}`"), "no such profile")
                .help(did_you_mean(&name, names))
        };
        problems.push(problem);
        None
    }

    pub fn kernel(&self, problems: &mut Vec<Diagnostic>) -> Option<Value> {
        let version = self.text(problems)?;
        let problem = match parse_version(&version) {
            Some(parsed) if parsed >= OLDEST_KERNEL => return Some(Value::Text(version)),
            Some(_) => self
                .not_modelled("kernels before 4.4", "older than any that was looked at")
                .because("4.4, of 2016, is the oldest that these engines still meet on supported systems"),
            None => self.problem(Code::InvalidQuantity, "this is not a kernel version", "not a version"),
        };
        problems.push(problem.help(format!("expected {}, from 4.4", self.kind.describe())));
        None
    }

    pub fn time_of_day(&self, problems: &mut Vec<Diagnostic>) -> Option<Value> {
        if matches!(self.node.content, Content::Datetime(_)) {
            let problem = self
                .problem(Code::WrongType, format!("`{}` has no quotes", self.key), "a time without quotes")
                .help("write it as a string: \"22:00\"");
            problems.push(problem);
            return None;
        }
        let text = self.text(problems)?;
        if let Some(time) = parse_time_of_day(&text) {
            return Some(Value::TimeOfDay(time));
        }
        let message = format!("`{}` is not a time of day", self.key);
        let problem = self.problem(Code::InvalidQuantity, message, "not within 00:00 to 23:59");
        problems.push(problem.help("write hours and minutes in UTC: \"22:00\""));
        None
    }

    pub fn buffer_limit(&self, problems: &mut Vec<Diagnostic>) -> Option<Value> {
        let text = self.text(problems)?;
        let limit = parse_buffer_limit(&text);
        if limit.is_none() {
            let message = format!("`{}` is not a buffer limit", self.key);
            let problem = self.problem(Code::InvalidQuantity, message, "not hard, soft, seconds");
            problems.push(problem.help(format!("expected {}", self.kind.describe())));
        }
        limit.map(Value::BufferLimit)
    }
}

/// `256mb 64mb 60`: the hard limit, the soft one and its seconds; a limit of 0 is none.
fn parse_buffer_limit(text: &str) -> Option<BufferLimit> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [hard, soft, seconds] = words.as_slice() else { return None };
    let limit = |text| valkey_size(text).map(|bytes| if bytes > 0.0 { bytes } else { f64::INFINITY });
    Some(BufferLimit {
        hard: limit(hard)?,
        soft: limit(soft)?,
        soft_seconds: seconds.parse::<u32>().ok()?.into(),
    })
}

/// A size as `valkey.conf` writes it, `256mb`, `1g` or `0` \[bytes\]: with a `b` a power of two, without one of ten.
///
/// Source: `memtoull` in `util.c`, Redis and Valkey.
fn valkey_size(text: &str) -> Option<f64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" => 1e3,
        "kb" => 1024.0,
        "m" => 1e6,
        "mb" => 1024.0 * 1024.0,
        "g" => 1e9,
        "gb" => 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    Some(digits.parse::<u64>().ok()? as f64 * unit)
}

/// `6.1`, `6.1.0-13-amd64`: major and minor.
pub fn parse_version(text: &str) -> Option<(u32, u32)> {
    let (major, rest) = text.split_once('.')?;
    let minor = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn parse_time_of_day(text: &str) -> Option<SimDuration> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let is_short =
        |digits: &str| (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if !is_short(hours) || !is_short(minutes) {
        return None;
    }
    let (hours, minutes): (u64, u64) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then(|| SimDuration::from_secs(hours * 3600 + minutes * 60))
}
