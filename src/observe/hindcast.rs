//! The record of a server held against what the model says of the same span.
//!
//! A pure function of the two. It never contradicts the record silently: where the model's range excludes
//! what happened, it says so and names the input that would explain it. Leaves out the simulation itself
//! but for one function that asks it.

mod backlog;
mod compare;
mod says;

use std::fmt;

use crate::observe::record::Record;
use crate::observe::words::wrapped;

pub use backlog::LargerBacklog;
use compare::{forks, full_syncs, last_save, survival};
pub use says::{ModelSays, Quantiles};

/// Whether the record and the model can both be true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// What happened is among what the model expects nine times in ten.
    Agrees,
    /// It is not.
    Contradicts,
    /// One of the two says nothing.
    Silent,
}

/// One thing that both speak of.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// What, as a heading of a word or two.
    pub subject: &'static str,
    /// Whether they agree.
    pub agreement: Agreement,
    /// What each says, and what explains a difference.
    pub sentences: Vec<String>,
}

/// A measurement that would make the forecast surer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measurement {
    /// What to measure, and how.
    pub what: String,
    /// What it settles.
    pub why: String,
}

/// The comparison of record and model.
#[derive(Clone, Debug, PartialEq)]
pub struct Hindcast {
    /// Survival, forks, full syncs and copies.
    pub comparisons: Vec<Comparison>,
    /// What to measure next, the most useful first.
    pub measure_next: Vec<Measurement>,
}

impl Hindcast {
    /// Holds `record` against `says`, the model's word on the same span.
    pub fn of(record: &Record, says: &ModelSays) -> Self {
        let comparisons = vec![
            survival(record, says),
            forks(record, says),
            full_syncs(record, says),
            last_save(record, says),
        ];
        let measure_next = measure_next(record, &comparisons);
        Self { comparisons, measure_next }
    }

    /// Whether any comparison contradicts the record.
    pub fn contradicts(&self) -> bool {
        self.comparisons.iter().any(|comparison| comparison.agreement == Agreement::Contradicts)
    }
}

impl fmt::Display for Hindcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Comparison { subject, agreement, sentences } in &self.comparisons {
            let verdict = match agreement {
                Agreement::Agrees => "agree",
                Agreement::Contradicts => "CONTRADICT EACH OTHER",
                Agreement::Silent => "cannot be compared",
            };
            writeln!(f, "{subject}: record and model {verdict}.")?;
            for sentence in sentences {
                f.write_str(&wrapped("  ", "  ", sentence))?;
            }
        }
        writeln!(f, "Measure next:")?;
        for (number, Measurement { what, why }) in (1..).zip(&self.measure_next) {
            f.write_str(&wrapped(&format!("  {number}. "), "     ", &format!("{what}: {why}.")))?;
        }
        Ok(())
    }
}

/// What to measure: what explains a contradiction first, then what the import had to assume.
fn measure_next(record: &Record, comparisons: &[Comparison]) -> Vec<Measurement> {
    let measurement = |what: &str, why: &str| Measurement { what: what.into(), why: why.into() };
    let contradicted = comparisons.iter().filter(|comparison| comparison.agreement == Agreement::Contradicts);
    let subjects: Vec<&str> = contradicted.map(|comparison| comparison.subject).collect();
    let suspect = match subjects.as_slice() {
        [] => String::new(),
        subjects => {
            format!(", and the first suspect where record and model disagree ({})", subjects.join(", "))
        }
    };
    let by_difference = format!(
        "the write rate and the growth of the data by difference; both are guessed from one moment{suspect}"
    );
    let mut list = vec![
        measurement("INFO again in a week, and `forkcast import` of both", &by_difference),
        measurement(
            "MemAvailable and SwapFree of /proc/meminfo every second through one save",
            "what the kernel and other processes need, and what a save really takes from the host",
        ),
        measurement(
            "CONFIG GET save, oom-score-adj",
            "which save points fork, and whether the OOM killer would take the server or the child",
        ),
        measurement(
            "which keys are written (--hotkeys, or MONITOR for some seconds)",
            "the popularity: writes to few keys copy few pages, uniform ones the most",
        ),
    ];
    if record.server.replicas > 0 || record.forks.full_syncs > 0 {
        list.push(measurement(
            "why replicas lose the stream (the server's log, client_output_buffer_limit_disconnections)",
            "every full sync is one more fork with a buffer besides; a larger backlog mends lost links, not restarts",
        ));
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Info;
    use crate::stats::Estimate;
    use crate::units::{Bytes, SimDuration};

    fn record(text: &str) -> Record {
        Record::of(&Info::parse(text).unwrap()).unwrap()
    }

    fn production() -> Record {
        record(include_str!("../../tests/data/info/production-27gb.txt"))
    }

    fn says(forks: [u64; 3], syncs: [u64; 3], cow_mib: [u64; 3], kill: [f64; 3]) -> ModelSays {
        let counts = |[p05, p50, p95]: [u64; 3]| Quantiles { p05, p50, p95 };
        let [low, value, high] = kill;
        let [cow_p05, cow_p50, cow_p95] = cow_mib.map(Bytes::mib);
        let free = Bytes::mib(2_560);
        ModelSays {
            replications: 1_000,
            span: SimDuration::from_secs(3_503_939),
            forks: counts(forks),
            full_syncs: counts(syncs),
            larger_backlog: None,
            last_cow: Some(Quantiles { p05: cow_p05, p50: cow_p50, p95: cow_p95 }),
            free_min: Quantiles { p05: free, p50: free, p95: free },
            kill_probability: Estimate { value, low, high },
        }
    }

    #[test]
    fn agreement_reads_as_reviewed() {
        let says = says([6_900, 9_000, 12_000], [690, 730, 770], [60, 180, 360], [0.0, 0.0, 0.0037]);
        insta::assert_snapshot!(Hindcast::of(&production(), &says), @r#"
        Survival: record and model agree.
          Record: the server has run for 40 days and survived 8,441 forks (7,695 saves, 766 full syncs, 20
          of them one fork). Of killed children INFO keeps no count.
          Model: in 1,000 replications of such a span the OOM killer struck in none, a chance below 0.4 %
          (95 %); the worst moment leaves 2.5 GiB free, in one replication of twenty less than 2.5 GiB.
          By itself the record bounds the chance of a kill to 0.035 % a fork (95 %). That is little: as
          many forks again could still bring three kills, so what the forecast rests on is the memory left
          free, not the past.
        Forks: record and model agree.
          Record: 8,441 forks, one every 415 s: 7,695 saves and rewrites, 746 for full syncs alone.
          Model: 9,000 forks in 40 days, from 6,900 to 12,000 in nine replications of ten.
        Full syncs: record and model agree.
          Record: 766 full syncs, 19 a day, in 746 forks of their own; no lost link was mended from the
          backlog.
          Model: 730 forks for full syncs in 40 days, from 690 to 770 in nine replications of ten.
        Copies of a save: record and model agree.
          Record: the last save, which took 220 s, copied 154.85 MiB (162 MB, rdb_last_cow_size). That is
          what its child counted at its last look; the host lost a little more.
          Model: 180 MiB for the last save of such a span, from 60 MiB to 360 MiB in nine replications of
          ten.
          At 79/s its 220 s saw about 17,300 writes; 39,600 pages of 4 KiB are 2.3 a write, somewhat below
          the 2.7 to 3.3 that overwrites of scattered keys copy: consistent, with some hot keys or commands
          that touch less.
        Measure next:
          1. INFO again in a week, and `forkcast import` of both: the write rate and the growth of the data
             by difference; both are guessed from one moment.
          2. MemAvailable and SwapFree of /proc/meminfo every second through one save: what the kernel and
             other processes need, and what a save really takes from the host.
          3. CONFIG GET save, oom-score-adj: which save points fork, and whether the OOM killer would take
             the server or the child.
          4. which keys are written (--hotkeys, or MONITOR for some seconds): the popularity: writes to few
             keys copy few pages, uniform ones the most.
          5. why replicas lose the stream (the server's log, client_output_buffer_limit_disconnections):
             every full sync is one more fork with a buffer besides; a larger backlog mends lost links, not
             restarts.
        "#);
    }

    #[test]
    fn contradictions_are_loud_and_name_what_would_explain_them() {
        let says = says([12_000, 12_400, 12_500], [0, 10, 20], [400, 500, 600], [0.97, 0.99, 1.0]);
        let hindcast = Hindcast::of(&production(), &says);
        assert!(hindcast.contradicts());
        insta::assert_snapshot!(hindcast, @r#"
        Survival: record and model CONTRADICT EACH OTHER.
          Record: the server has run for 40 days and survived 8,441 forks (7,695 saves, 766 full syncs, 20
          of them one fork). Of killed children INFO keeps no count.
          Model: in 1,000 replications of such a span the OOM killer strikes with a chance of 99 % (95 %:
          97 % to 100 %); the worst moment leaves 2.5 GiB free, in one replication of twenty less than 2.5
          GiB.
          By the model it should not be alive: the scenario is too harsh. The first suspects are what it
          assumes: the memory reserved for others, uniform popularity, the growth, and swap, which the host
          may have and INFO does not tell.
          By itself the record bounds the chance of a kill to 0.035 % a fork (95 %). That is little: as
          many forks again could still bring three kills, so what the forecast rests on is the memory left
          free, not the past.
        Forks: record and model CONTRADICT EACH OTHER.
          Record: 8,441 forks, one every 415 s: 7,695 saves and rewrites, 746 for full syncs alone.
          Model: 12,400 forks in 40 days, from 12,000 to 12,500 in nine replications of ten.
          The model forks more often than the server did. Either the load of the whole record was lower
          than that of the moment of INFO (the default save points fire every 455 s at a steady 22/s), or
          its saves took longer than the last one, or its save points are others. The forecast errs to the
          safe side.
        Full syncs: record and model CONTRADICT EACH OTHER.
          Record: 766 full syncs, 19 a day, in 746 forks of their own; no lost link was mended from the
          backlog.
          Model: 10 forks for full syncs in 40 days, from 0 to 20 in nine replications of ten.
          The model syncs in full less often than the server did, so it understates the risk: links stay
          lost for longer than assumed (link-outage), replicas were restarted, which no backlog mends, or
          syncs were cut short and began again. The server's log tells which.
        Copies of a save: record and model CONTRADICT EACH OTHER.
          Record: the last save, which took 220 s, copied 154.85 MiB (162 MB, rdb_last_cow_size). That is
          what its child counted at its last look; the host lost a little more.
          Model: 500 MiB for the last save of such a span, from 400 MiB to 600 MiB in nine replications of
          ten.
          The model copies more than the server did: the writes go to fewer keys than assumed (popularity),
          touch fewer places than a SET, or were fewer in that save than the window says. The forecast errs
          to the safe side.
          At 79/s its 220 s saw about 17,300 writes; 39,600 pages of 4 KiB are 2.3 a write, somewhat below
          the 2.7 to 3.3 that overwrites of scattered keys copy: consistent, with some hot keys or commands
          that touch less.
        Measure next:
          1. INFO again in a week, and `forkcast import` of both: the write rate and the growth of the data
             by difference; both are guessed from one moment, and the first suspect where record and model
             disagree (Survival, Forks, Full syncs, Copies of a save).
          2. MemAvailable and SwapFree of /proc/meminfo every second through one save: what the kernel and
             other processes need, and what a save really takes from the host.
          3. CONFIG GET save, oom-score-adj: which save points fork, and whether the OOM killer would take
             the server or the child.
          4. which keys are written (--hotkeys, or MONITOR for some seconds): the popularity: writes to few
             keys copy few pages, uniform ones the most.
          5. why replicas lose the stream (the server's log, client_output_buffer_limit_disconnections):
             every full sync is one more fork with a buffer besides; a larger backlog mends lost links, not
             restarts.
        "#);
    }

    #[test]
    fn a_model_that_copies_or_forks_less_understates_the_risk() {
        let says = says([100, 200, 300], [1_000, 1_100, 1_200], [1, 2, 3], [0.0, 0.0, 0.0037]);
        let text = Hindcast::of(&production(), &says).to_string();
        assert_eq!(text.matches("understates the risk").count(), 2, "{text}");
    }

    #[test]
    fn a_server_that_never_saved_is_not_compared() {
        let young = record("redis_version:7.0.15\nuptime_in_seconds:60\nused_memory:9\nused_memory_rss:9\n");
        let hindcast = Hindcast::of(&young, &says([0, 0, 0], [0, 0, 0], [1, 2, 3], [0.0, 0.0, 0.0037]));
        let silent = |subject: &Comparison| subject.agreement == Agreement::Silent;
        assert_eq!(hindcast.comparisons.iter().filter(|comparison| silent(comparison)).count(), 3);
        assert!(!hindcast.contradicts());
    }
}
