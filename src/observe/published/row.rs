//! A published row as it stands in its file, and the figures that it publishes.

use serde::Deserialize;

use super::table::{duration, size};

/// A row of `published-measurements.csv`. A column that is empty, or that no prediction reads, is left out.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Row {
    /// Its unique name.
    pub id: String,
    /// `used_memory`, or what `dataset_what` says \[bytes\].
    pub dataset_bytes: Option<f64>,
    /// The server's resident set \[bytes\].
    pub rss_bytes: Option<f64>,
    /// RAM of the host \[bytes\].
    pub system_ram_bytes: Option<f64>,
    /// Length of a value \[bytes\].
    pub value_bytes: Option<f64>,
    /// Writes \[1/s\].
    pub write_rate_per_s: Option<f64>,
    /// How long the save or rewrite took \[s\].
    pub save_seconds: Option<f64>,
    /// Published: what the fork took \[ms\].
    pub fork_ms: Option<f64>,
    /// Whether that was measured, or is a gap between two log lines.
    pub fork_kind: String,
    /// Published: what the child reported as copied \[bytes\].
    pub cow_bytes: Option<f64>,
    /// Published: another cost \[bytes\].
    pub other_extra_bytes: Option<f64>,
    /// Which cost that is.
    pub other_extra_what: String,
    /// Published: what became of it.
    pub outcome: String,
    /// Where it was published.
    pub url: String,
}

/// What a row may publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// `rdb_last_cow_size`, or what the child's log line says.
    Copied,
    /// The pause of the fork.
    ForkPause,
    /// Memory asked for, held against the host's RAM.
    Memory,
    /// The output buffer of a replica.
    ReplicaBuffer,
    /// `used_memory_peak`.
    PeakUsed,
}

impl Figure {
    /// What the table calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Copied => "copy-on-write",
            Self::ForkPause => "fork pause",
            Self::Memory => "memory asked for",
            Self::ReplicaBuffer => "output buffer",
            Self::PeakUsed => "`used_memory_peak`",
        }
    }

    /// `amount` of it, in bytes or µs, in the unit of people.
    pub fn amount(self, amount: f64) -> String {
        if self == Self::ForkPause { duration(amount) } else { size(amount) }
    }
}

/// What a row publishes of a figure, in bytes or µs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Published {
    /// The figure.
    Exactly(f64),
    /// A bound of it: the gap between two log lines.
    AtMost(f64),
    /// More than the RAM, since the OOM killer came.
    KilledAt(f64),
    /// No more than the RAM, since it did not come.
    FittedInto(f64),
}

impl Row {
    /// The rows of the text of such a file.
    ///
    /// # Errors
    ///
    /// Where the text is no CSV, or a column of numbers has something else.
    pub fn read(text: &str) -> Result<Vec<Self>, csv::Error> {
        csv::Reader::from_reader(text.as_bytes()).deserialize().collect()
    }

    /// The figures that it publishes and that a law could say something of.
    pub fn published(&self) -> Vec<(Figure, Published)> {
        let copied = self.cow_bytes.map(|bytes| (Figure::Copied, Published::Exactly(bytes)));
        let pause = self.fork_ms.map(|ms| {
            let is_bound = self.fork_kind.starts_with("upper bound");
            let published = if is_bound { Published::AtMost } else { Published::Exactly };
            (Figure::ForkPause, published(ms * 1000.0))
        });
        let was_killed = self.outcome.contains("OOM") || self.outcome.contains("signal 9");
        let memory = self.system_ram_bytes.map(|ram| {
            let published = if was_killed { Published::KilledAt } else { Published::FittedInto };
            (Figure::Memory, published(ram))
        });
        let other = self.other_extra_bytes.and_then(|bytes| {
            let what = self.other_extra_what.as_str();
            let figure = match what {
                _ if what.contains("omem") => Figure::ReplicaBuffer,
                _ if what.starts_with("used_memory_peak") => Figure::PeakUsed,
                _ => return None,
            };
            Some((figure, Published::Exactly(bytes)))
        });
        [copied, pause, memory, other].into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_publishes_its_figures() {
        let text = "id,fork_ms,fork_kind,cow_bytes,system_ram_bytes,outcome,other_extra_bytes,other_extra_what\n\
                    a,115,upper bound from log timestamps,4096,8192,\"dropped; later, OOM\",,\n\
                    b,2,measured,,,ok,7,child RSS 7 B\n";
        let rows = Row::read(text).unwrap();
        let expected = [
            (Figure::Copied, Published::Exactly(4096.0)),
            (Figure::ForkPause, Published::AtMost(115_000.0)),
            (Figure::Memory, Published::KilledAt(8192.0)),
        ];
        assert_eq!(rows[0].published(), expected);
        assert_eq!(rows[1].published(), [(Figure::ForkPause, Published::Exactly(2000.0))]);
    }

    #[test]
    fn a_word_in_a_column_of_numbers_is_an_error() {
        assert!(Row::read("id,cow_bytes\na,many\n").is_err());
    }
}
