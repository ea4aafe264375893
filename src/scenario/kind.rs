//! What a setting may be: kinds of values, their units and bounds, and how to speak of them.

use crate::units::{ByteRate, Bytes, SimDuration};

/// What a setting may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Any string.
    Text,
    /// A string that can be part of a file name.
    Name,
    /// `true` or `false`.
    Flag,
    /// One of a few words.
    Choice {
        /// Those that can be simulated.
        modelled: &'static [&'static str],
        /// Those that exist and cannot.
        later: &'static [&'static str],
    },
    /// A number with a unit.
    Quantity(Quantity),
    /// `HH:MM`, UTC.
    TimeOfDay,
    /// A host class.
    Class,
    /// A layout profile.
    Engine,
    /// A kernel version.
    Kernel,
    /// Size of a base page.
    PageSize,
    /// `vm.overcommit_memory`.
    Overcommit,
    /// A size of values, or a distribution of sizes.
    ValueSize,
    /// A write rate, in all or by key.
    WriteRate(Quantity),
    /// Shares of the operations.
    Operations,
    /// A popularity, or an interval of two.
    Popularity,
    /// A list of save points.
    SavePoints,
    /// An hourly profile.
    Hourly,
    /// A client output buffer limit, as in `valkey.conf`.
    BufferLimit,
}

/// A number with a unit and bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantity {
    /// What it measures.
    pub unit: Unit,
    /// The smallest value that can be, in the base unit.
    pub low: f64,
    /// The largest.
    pub high: f64,
    /// Whether `{ low, likely, high }` may stand for it.
    pub is_interval: bool,
    /// A word that may stand for it.
    pub word: Option<&'static str>,
}

/// What a quantity measures, and so how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A plain number.
    Number,
    /// A whole number.
    Whole,
    /// Memory \[bytes\].
    Size,
    /// Memory over time [bytes/s].
    Rate,
    /// Time \[s\].
    Duration,
}

impl Quantity {
    /// The same, where an interval may stand for it.
    pub const fn interval(mut self) -> Self {
        self.is_interval = true;
        self
    }

    /// The same, where `word` may stand for it.
    pub const fn or(mut self, word: &'static str) -> Self {
        self.word = Some(word);
        self
    }

    /// `a size such as "24 GiB", or "none"`.
    pub fn describe(&self) -> String {
        let mut text = self.unit.describe().to_owned();
        if self.is_interval {
            text.push_str(", or an interval { low, likely, high }");
        }
        if let Some(word) = self.word {
            text.push_str(", or \"");
            text.push_str(word);
            text.push('"');
        }
        text
    }

    /// `1 to 100`.
    pub fn range(&self) -> String {
        format!("{} to {}", self.unit.show(self.low), self.unit.show(self.high))
    }
}

impl Unit {
    /// How it is written.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Whole => "a whole number",
            Self::Size => "a size such as \"24 GiB\"",
            Self::Rate => "a rate such as \"150 MiB/s\"",
            Self::Duration => "a duration such as \"30m\"",
        }
    }

    /// A value in its usual form.
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Number | Self::Whole => value.to_string(),
            Self::Size => Bytes::from_f64(value).to_string(),
            Self::Rate => ByteRate(value).to_string(),
            Self::Duration => SimDuration::from_secs_f64(value).to_string(),
        }
    }
}

/// Whether `text` can be part of a file name everywhere.
pub fn is_name(text: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    !text.is_empty() && !text.starts_with('.') && text.chars().all(is_plain) && text.len() <= 100
}

impl Kind {
    /// What it is, to follow "expected" or "a setting that takes".
    pub fn describe(&self) -> String {
        match self {
            Self::Text => "a string".into(),
            Self::Name => "a name of letters, digits, `-`, `_` and `.`".into(),
            Self::Flag => "true or false".into(),
            Self::Choice { modelled, .. } => {
                let words: Vec<String> = modelled.iter().map(|word| format!("\"{word}\"")).collect();
                words.join(" or ")
            }
            Self::Quantity(quantity) => quantity.describe(),
            Self::TimeOfDay => "a time of day such as \"22:00\" (UTC)".into(),
            Self::Class => "a host class such as \"yandex.hm3-c4-m32\"".into(),
            Self::Engine => "an engine such as \"valkey-8.0\"".into(),
            Self::Kernel => "a kernel version such as \"6.1\"".into(),
            Self::PageSize => "\"4 KiB\", \"16 KiB\" or \"64 KiB\"".into(),
            Self::Overcommit => "0, 1 or 2".into(),
            Self::ValueSize => "a size such as \"512 B\"".into(),
            Self::WriteRate(_) => "a number, an interval { low, likely, high }, or { per-key = … }".into(),
            Self::Operations => "a table of shares such as { set = 0.9, insert = 0.1 }".into(),
            Self::Popularity => {
                "\"uniform\", \"zipf:0.99\", \"hotspot:0.2/0.8\", or { likely, high } of these".into()
            }
            Self::SavePoints => "a list of save points such as [\"3600 1\"]".into(),
            Self::Hourly => "\"flat\", or a list of 24 or 168 numbers".into(),
            Self::BufferLimit => "a limit as in valkey.conf, such as \"256mb 64mb 60\"".into(),
        }
    }
}
