//! A validation as one JSON document. Its names are a contract with scripts outside this repository.

use serde_json::{Map, Value, json};

use super::comparison::{Comparison, Figures};
use super::judge::Judged;
use super::line::Line;
use super::validation::{Target, Validation};

impl Validation {
    /// The document: figures by target, group and line, outcomes, curves, and every row that is not skipped.
    pub fn to_json(&self) -> Value {
        let outcomes = self.outcomes();
        let wrong = outcomes.wrong.iter().map(
            |wrong| json!({"run_id": wrong.run_id, "measured": wrong.measured, "predicted": wrong.predicted}),
        );
        let skipped =
            self.skipped().into_iter().map(|(run_id, reason)| json!({"run_id": run_id, "reason": reason}));
        let groups = self.groups().into_iter().map(|(group, found)| (group, figures(Some(found))));
        let curves = self.curves(|_| true);
        let rows = self.rows.iter().filter(|row| row.skipped().is_none());
        json!({
            "runs": self.rows.len(),
            "predicted": self.predicted(),
            "skipped": skipped.collect::<Vec<_>>(),
            "targets": self.targets(),
            "groups": groups.collect::<Map<_, _>>(),
            "lines": self.lines(),
            "outcomes": {
                "runs": outcomes.runs,
                "right": outcomes.right,
                "wrong": wrong.collect::<Vec<_>>(),
            },
            "curves": {
                "runs": curves.map_or(0, |curves| curves.runs),
                "median_rms": curves.map(|curves| curves.median_rms),
            },
            "read_not_measured": self.layouts_read(),
            "rows": rows.map(row).collect::<Vec<_>>(),
        })
    }

    fn targets(&self) -> Map<String, Value> {
        let mut targets: Map<String, Value> = Target::ALL
            .into_iter()
            .map(|target| (target.column().to_owned(), figures(self.target(target))))
            .collect();
        targets[Target::ForkPause.column()]["inside"] = self.pauses_inside().into();
        targets
    }

    fn lines(&self) -> Map<String, Value> {
        let line = |line: Line| {
            let mut found = figures(self.line(line, Target::Growth));
            found["not_predicted"] = self.unpredicted(line).into();
            (line.name().to_owned(), found)
        };
        Line::ALL.into_iter().map(line).collect()
    }
}

fn figures(figures: Option<Figures>) -> Value {
    json!({
        "runs": figures.map_or(0, |figures| figures.runs),
        "median_abs_error": figures.map(|figures| figures.median),
        "p95_abs_error": figures.map(|figures| figures.p95),
        "max_abs_error": figures.map(|figures| figures.max),
    })
}

fn row(judged: &Judged) -> Value {
    let Judged { row, prediction, growth, reported, .. } = judged;
    let said = prediction.as_ref().ok();
    let measured = |comparison: &Option<Comparison>| comparison.map(|comparison| comparison.measured);
    let fork_us = said.and_then(|said| said.fork_us);
    json!({
        "run_id": row.run_id,
        "measured_bytes": measured(growth),
        "predicted_bytes": said.and_then(|said| said.anonymous_peak),
        "error": growth.map(|growth| growth.error),
        "reported_measured_bytes": measured(reported),
        "reported_predicted_bytes": said.and_then(|said| said.reported),
        "peak_memory_bytes": said.and_then(|said| said.peak_memory),
        "limit_bytes": row.cgroup_limit_bytes,
        "fork_us_low": fork_us.map(|(low, _)| low),
        "fork_us_high": fork_us.map(|(_, high)| high),
    })
}
