//! How far off the laws are, in words and tables.

use super::table;
use crate::observe::measured::{Curves, Figures, Line, Target, Validation};

const HOW_TO_READ: &str = "\
Errors are relative and by size; in rows that grew by less than 16 MiB, 2.5 MiB count as 2.5 %.
p95: the 95th percentile, by linear interpolation.
The laws are given writes, duration and popularity; a forecast does not know them exactly.";

/// The headline, then tables by line, target and group, then outcomes, curves and what could not be judged.
pub fn human(validation: &Validation) -> String {
    let mut parts = vec![headline(validation), lines(validation), targets(validation)];
    parts.extend(curves(validation));
    parts.extend(outcomes(validation));
    parts.push(groups(validation));
    parts.extend(skipped(validation));
    parts.extend(layouts(validation));
    parts.push(HOW_TO_READ.to_owned());
    parts.join("\n\n")
}

fn headline(validation: &Validation) -> String {
    let rows = validation.rows.len();
    let counted = format!("{rows} measured saves, {} predicted", validation.predicted());
    match validation.target(Target::Growth) {
        None => format!("{counted}."),
        Some(figures) => format!(
            "{counted}.\nWhat the host lost is {} off at the median, {} at the 95th percentile, {} at worst.",
            percent(figures.median),
            percent(figures.p95),
            percent(figures.max)
        ),
    }
}

/// An error as people read it: two decimals of a per cent.
fn percent(error: f64) -> String {
    format!("{:.2} %", error * 100.0)
}

fn cells(figures: Option<Figures>) -> [String; 4] {
    let figure =
        |pick: fn(Figures) -> f64| figures.map_or_else(|| "–".to_owned(), |found| percent(pick(found)));
    let runs = figures.map_or(0, |found| found.runs);
    [runs.to_string(), figure(|f| f.median), figure(|f| f.p95), figure(|f| f.max)]
}

fn lines(validation: &Validation) -> String {
    let row = |line: Line| {
        let [runs, median, p95, max] = cells(validation.line(line, Target::Growth));
        [line.name().to_owned(), runs, median, p95, max, validation.unpredicted(line).to_string()]
    };
    let header = ["what the host lost", "saves", "median", "p95", "worst", "not predicted"];
    table::render(&header, Line::ALL.into_iter().map(row))
}

fn targets(validation: &Validation) -> String {
    let row = |target: Target| {
        let [runs, median, p95, max] = cells(validation.target(target));
        let remark = match (target, validation.pauses_inside()) {
            (Target::Growth, _) => "what the host lost".to_owned(),
            (Target::Reported, _) => "what the server reported".to_owned(),
            (Target::ReplicaBuffers, _) => "replica buffers of full syncs".to_owned(),
            (Target::ForkPause, None) => "beyond the predicted interval".to_owned(),
            (Target::ForkPause, Some(inside)) => {
                format!("beyond the predicted interval, which holds {:.0} %", inside * 100.0)
            }
        };
        [target.column().to_owned(), runs, median, p95, max, remark]
    };
    table::render(&["target", "saves", "median", "p95", "worst", ""], Target::ALL.into_iter().map(row))
}

fn curves(validation: &Validation) -> Option<String> {
    let sentence = |Curves { runs, median_rms }: Curves| {
        format!(
            "{runs} curves of growth over time lie {} off (root mean square, median)",
            percent(median_rms)
        )
    };
    let all = sentence(validation.curves(|_| true)?);
    let small = validation.curves(|judged| judged.line == Line::Small && judged.row.op == "set");
    let small =
        small.map(|Curves { runs, median_rms }| format!("; {runs} of SET to 1 KiB: {}", percent(median_rms)));
    Some(format!("{all}{}.", small.unwrap_or_default()))
}

fn outcomes(validation: &Validation) -> Option<String> {
    let outcomes = validation.outcomes();
    let wrong = outcomes.wrong.iter().map(|wrong| {
        format!("\n  {}: measured {}, predicted {}", wrong.run_id, wrong.measured, wrong.predicted)
    });
    (outcomes.runs > 0).then(|| {
        format!("{} of {} outcomes are right.{}", outcomes.right, outcomes.runs, wrong.collect::<String>())
    })
}

fn groups(validation: &Validation) -> String {
    let row = |(name, figures): (String, Figures)| {
        let [runs, median, p95, max] = cells(Some(figures));
        [name, runs, median, p95, max]
    };
    let header = ["series/op/value_bytes", "saves", "median", "p95", "worst"];
    table::render(&header, validation.groups().into_iter().map(row))
}

fn skipped(validation: &Validation) -> Option<String> {
    let skipped = validation.skipped();
    let rows = skipped.iter().map(|(run_id, reason)| format!("\n  {run_id}: {reason}"));
    (!skipped.is_empty()).then(|| format!("Not predicted:{}", rows.collect::<String>()))
}

fn layouts(validation: &Validation) -> Option<String> {
    let engines: Vec<String> = validation.layouts_read().into_iter().collect();
    (!engines.is_empty()).then(|| format!("Read, not measured: the layouts of {}..", engines.join(", ")))
}
