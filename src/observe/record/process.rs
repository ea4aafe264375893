//! Which process a record is of, and when.

use super::{Identity, Record};

/// Clocks of server and scraper may differ by so much, and times are of whole seconds \[s\].
const CLOCK_SLACK: f64 = 5.0;

impl Identity {
    /// Whether the two processes ran at the same time: a server's next one starts after its last one has ended. One
    /// without a time is taken at its word.
    pub fn ran_beside(&self, other: &Self) -> bool {
        let life = |process: &Self| {
            let now = process.time_usec? as f64 / 1e6;
            Some((now - process.uptime_seconds as f64, now))
        };
        let Some(((from, to), (other_from, other_to))) = life(self).zip(life(other)) else { return false };
        let overlap = from + CLOCK_SLACK < other_to && other_from + CLOCK_SLACK < to;
        overlap && self.run_id != other.run_id
    }
}

impl Record {
    /// The moment of this record \[s since 1970\].
    pub fn moment(&self) -> Option<f64> {
        Some(self.server.time_usec? as f64 / 1e6)
    }

    /// Whether `later` is of the same process, so that its counters go on from here. Where neither names its process
    /// (`run_id`), one whose age shrank is another.
    pub fn is_continued_by(&self, later: &Self) -> bool {
        self.server.run_id == later.server.run_id && self.server.uptime_seconds <= later.server.uptime_seconds
    }

    /// Seconds from this record to `later`: by the clock, else by the age of the process.
    pub fn seconds_until(&self, later: &Self) -> Option<f64> {
        if let Some((from, to)) = self.server.time_usec.zip(later.server.time_usec) {
            return Some((to as f64 - from as f64) / 1e6);
        }
        let aged = later.server.uptime_seconds.checked_sub(self.server.uptime_seconds)?;
        self.is_continued_by(later).then_some(aged as f64)
    }

    /// Whether both are of one moment of one process.
    pub fn is_same_moment(&self, other: &Self) -> bool {
        let times = (self.server.time_usec, other.server.time_usec);
        self == other
            || (times.0.is_some() && times.0 == times.1 && self.server.run_id == other.server.run_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::info::Info;

    /// A process that is called `run_id` and was `age` old at `at`.
    fn record(run_id: &str, at: u64, age: u64) -> Record {
        let production = include_str!("../../../tests/data/info/production-27gb.txt");
        let mut record = Record::of(&Info::parse(production).unwrap()).unwrap();
        record.server.run_id = Some(run_id.to_owned());
        record.server.time_usec = Some(at * 1_000_000);
        record.server.uptime_seconds = age;
        record
    }

    #[test]
    fn a_process_that_is_younger_is_another() {
        let first = record("a", 1_000, 500);
        assert!(first.is_continued_by(&record("a", 2_000, 1_500)));
        assert!(!first.is_continued_by(&record("b", 2_000, 1_500)));
        assert!(!first.is_continued_by(&record("a", 2_000, 100)));
    }

    #[test]
    fn processes_one_after_the_other_may_be_one_server_and_two_at_once_are_not() {
        let first = record("a", 1_000, 500);
        assert!(!first.server.ran_beside(&record("b", 2_000, 900).server));
        assert!(first.server.ran_beside(&record("b", 2_000, 1_500).server));
        assert!(!first.server.ran_beside(&record("a", 2_000, 1_500).server));
    }

    #[test]
    fn a_moment_is_of_one_process() {
        assert!(record("a", 1_000, 500).is_same_moment(&record("a", 1_000, 500)));
        assert!(!record("a", 1_000, 500).is_same_moment(&record("b", 1_000, 500)));
        assert!(!record("a", 1_000, 500).is_same_moment(&record("a", 1_001, 501)));
    }

    #[test]
    fn without_a_clock_the_age_tells_the_time_between() {
        let timeless = |age| {
            let mut record = record("a", 0, age);
            record.server.time_usec = None;
            record
        };
        assert_eq!(timeless(100).seconds_until(&timeless(160)), Some(60.0));
        assert_eq!(timeless(160).seconds_until(&timeless(100)), None);
    }
}
