//! All rows judged, and the errors pooled: by target, by group, by line.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::comparison::{Comparison, Figures, ForkPause};
use super::judge::Judged;
use super::line::Line;
use super::row::{Row, Timeline};

/// What is held against a measurement, by the column that it is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// What the host lost: the headline.
    Growth,
    /// What the server reported.
    Reported,
    /// Replica buffers.
    ReplicaBuffers,
    /// The pause of the fork.
    ForkPause,
}

impl Target {
    /// Every target that has figures, the headline first.
    pub const ALL: [Self; 4] = [Self::Growth, Self::Reported, Self::ReplicaBuffers, Self::ForkPause];

    /// Its column.
    pub const fn column(self) -> &'static str {
        match self {
            Self::Growth => "anon_growth_peak_bytes",
            Self::Reported => "cow_last_reported_bytes",
            Self::ReplicaBuffers => "mem_clients_slaves_peak_bytes",
            Self::ForkPause => "fork_us",
        }
    }

    /// How far off a row is.
    fn error(self, judged: &Judged) -> Option<f64> {
        let error = |comparison: &Comparison| comparison.error;
        match self {
            Self::Growth => judged.growth.as_ref().map(error),
            Self::Reported => judged.reported.as_ref().map(error),
            Self::ReplicaBuffers => judged.replica_buffers.as_ref().map(error),
            Self::ForkPause => judged.fork_pause.as_ref().map(ForkPause::error),
        }
    }
}

/// An outcome that was predicted wrongly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongOutcome {
    /// The row.
    pub run_id: String,
    /// What most repetitions of it came to.
    pub measured: String,
    /// What was said.
    pub predicted: &'static str,
}

/// The outcomes of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Rows judged by outcome.
    pub runs: usize,
    /// How many were predicted rightly.
    pub right: usize,
    /// The others.
    pub wrong: Vec<WrongOutcome>,
}

/// How far off predicted curves are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curves {
    /// How many.
    pub runs: usize,
    /// The median of their root mean square distances, relative to their maxima.
    pub median_rms: f64,
}

/// A measurements file held against the laws.
#[derive(Clone, Debug, PartialEq)]
pub struct Validation {
    /// Every row, in the order of the file.
    pub rows: Vec<Judged>,
}

impl Validation {
    /// Predicts `rows`, each with its timeline where `timelines` has one by its `run_id`, and judges them.
    pub fn new(rows: &[Row], timelines: &BTreeMap<String, Timeline>) -> Self {
        Self { rows: rows.par_iter().map(|row| Judged::new(row, timelines.get(&row.run_id))).collect() }
    }

    /// Rows of which at least one target is predicted.
    pub fn predicted(&self) -> usize {
        self.rows.len() - self.skipped().len()
    }

    /// Rows that cannot be judged, with the reason.
    pub fn skipped(&self) -> Vec<(&str, String)> {
        self.rows.iter().filter_map(|row| Some((row.row.run_id.as_str(), row.skipped()?))).collect()
    }

    /// Figures of a target over all rows.
    pub fn target(&self, target: Target) -> Option<Figures> {
        Figures::of(self.rows.iter().filter_map(|row| target.error(row)))
    }

    /// Figures of a target over the rows of a line.
    pub fn line(&self, line: Line, target: Target) -> Option<Figures> {
        Figures::of(self.rows_of(line).filter_map(|row| target.error(row)))
    }

    /// Rows of a line that have the headline target and no prediction of it.
    pub fn unpredicted(&self, line: Line) -> usize {
        self.rows_of(line).filter(|row| row.has_growth() && row.growth.is_none()).count()
    }

    fn rows_of(&self, line: Line) -> impl Iterator<Item = &Judged> {
        self.rows.iter().filter(move |row| row.line == line)
    }

    /// Figures of the headline by group, `<series>/<op>/<value_bytes>`, in the order of the file.
    pub fn groups(&self) -> Vec<(String, Figures)> {
        let mut names: Vec<String> = Vec::new();
        let mut errors: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for row in &self.rows {
            let Some(growth) = row.growth else { continue };
            let group = row.group();
            if !errors.contains_key(&group) {
                names.push(group.clone());
            }
            errors.entry(group).or_default().push(growth.error);
        }
        let figures = |name: String| {
            let figures = Figures::of(errors.get(&name)?.iter().copied())?;
            Some((name, figures))
        };
        names.into_iter().filter_map(figures).collect()
    }

    /// Measured fork pauses inside the predicted interval, as a share of those that have one.
    pub fn pauses_inside(&self) -> Option<f64> {
        let pauses: Vec<&ForkPause> = self.rows.iter().filter_map(|row| row.fork_pause.as_ref()).collect();
        let inside = pauses.iter().filter(|pause| pause.is_inside()).count();
        (!pauses.is_empty()).then(|| inside as f64 / pauses.len() as f64)
    }

    /// The curves of the rows for which `is_meant` holds.
    pub fn curves(&self, is_meant: impl Fn(&Judged) -> bool) -> Option<Curves> {
        let rms = self.rows.iter().filter(|row| is_meant(row)).filter_map(|row| row.curve);
        Figures::of(rms).map(|Figures { runs, median, .. }| Curves { runs, median_rms: median })
    }

    /// Outcomes: rows that repeat each other are judged by what most of them came to.
    pub fn outcomes(&self) -> Outcomes {
        let mut outcomes = Outcomes::default();
        for row in &self.rows {
            let (Some(measured), Some(predicted)) = (row.measured_outcome(), row.predicted_outcome()) else {
                continue;
            };
            outcomes.runs += 1;
            let measured = self.majority(row).unwrap_or(measured);
            if measured == predicted {
                outcomes.right += 1;
            } else {
                let run_id = row.row.run_id.clone();
                outcomes.wrong.push(WrongOutcome { run_id, measured: measured.to_owned(), predicted });
            }
        }
        outcomes
    }

    /// What most repetitions of `row` came to; `None` where no outcome is more frequent than every other.
    fn majority(&self, row: &Judged) -> Option<&str> {
        let repeated = repeated_name(&row.row.run_id);
        let alike = self.rows.iter().filter(|other| repeated_name(&other.row.run_id) == repeated);
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for outcome in alike.filter_map(Judged::measured_outcome) {
            *counts.entry(outcome).or_default() += 1;
        }
        let most = *counts.values().max()?;
        let mut most_frequent = counts.into_iter().filter(|(_, count)| *count == most).map(|(name, _)| name);
        most_frequent.next().filter(|_| most_frequent.next().is_none())
    }

    /// Engines whose layout was read and not measured, as far as rows were predicted by it.
    pub fn layouts_read(&self) -> BTreeSet<String> {
        let read = self.rows.iter().filter(|row| row.is_layout_read());
        read.map(|row| format!("{} {}", row.row.server, row.row.version)).collect()
    }
}

/// A name without the number of its repetition: rows whose names differ only in it were set up alike.
fn repeated_name(run_id: &str) -> &str {
    match run_id.rsplit_once('_') {
        Some((name, number)) if number.chars().all(|c| c.is_ascii_digit()) => name,
        _ => run_id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overcommitted(run_id: &str, outcome: &str) -> Row {
        Row {
            run_id: run_id.into(),
            server: "redis".into(),
            version: "7.0.15".into(),
            series: "overcommit".into(),
            op: "idle".into(),
            value_bytes: Some(64),
            nkeys: Some(1e6),
            outcome: Some(outcome.into()),
            ..Row::default()
        }
    }

    fn validation(rows: &[Row]) -> Validation {
        Validation::new(rows, &BTreeMap::new())
    }

    #[test]
    fn repetitions_are_judged_by_their_majority() {
        let rows = [("a_0", "ok"), ("a_1", "fork_failed"), ("a_2", "ok"), ("b_0", "fork_failed")];
        let outcomes = validation(&rows.map(|(name, outcome)| overcommitted(name, outcome))).outcomes();
        assert_eq!((outcomes.runs, outcomes.right), (4, 3));
        assert_eq!(outcomes.wrong[0].run_id, "b_0");
    }

    #[test]
    fn without_a_majority_each_row_is_judged_by_its_own_outcome() {
        let rows = [("a_0", "ok"), ("a_1", "fork_failed"), ("slow_x", "fork_failed"), ("slow_y", "ok")];
        let outcomes = validation(&rows.map(|(name, outcome)| overcommitted(name, outcome))).outcomes();
        let wrong: Vec<&str> = outcomes.wrong.iter().map(|wrong| wrong.run_id.as_str()).collect();
        assert_eq!((outcomes.runs, outcomes.right, wrong), (4, 2, vec!["a_1", "slow_x"]));
    }

    #[test]
    fn a_time_out_is_no_outcome() {
        assert_eq!(validation(&[overcommitted("a_0", "not_finished")]).outcomes().runs, 0);
    }

    #[test]
    fn an_unknown_engine_is_skipped_with_the_reason() {
        let row = Row { version: "6.2".into(), ..overcommitted("a", "ok") };
        let skipped = validation(&[row]);
        assert_eq!(skipped.skipped(), [("a", "there is no layout profile of redis-6.2".to_owned())]);
        assert_eq!((skipped.predicted(), skipped.target(Target::Growth)), (0, None));
    }

    #[test]
    fn a_killed_save_is_judged_by_its_outcome_alone() {
        let killed = Row {
            series: "oom".into(),
            anon_growth_peak_bytes: Some(1e9),
            fork_us: Some(1e4),
            rss_bytes: Some(5e8),
            used_memory_bytes: Some(5e8),
            anon_at_fork_bytes: Some(5e8),
            cgroup_limit_bytes: Some(4e8),
            ..overcommitted("a", "parent_oom")
        };
        let validation = validation(&[killed]);
        assert_eq!(validation.outcomes().right, 1);
        assert!(Target::ALL.iter().all(|&target| validation.target(target).is_none()));
    }
}
