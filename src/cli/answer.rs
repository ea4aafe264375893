//! What `forkcast run` says on standard output.

use std::path::Path;

use super::table;
use crate::decision::ClassAnswer;
use crate::report::{CellTable, Manifest};
use crate::scenario::Scenario;
use crate::sweep::{Plan, RequiredRam, Sweep, Verdict};
use crate::units::{Bytes, Percent};

/// Dotted paths of the axes beside host class and percent.
pub fn further_axes(scenario: &Scenario) -> Vec<String> {
    let hosts = ["host.class", "host.ram", "server.maxmemory-percent"];
    let further = scenario.axes().iter().filter(|axis| !hosts.contains(&axis.path.as_str()));
    further.map(|axis| axis.path.clone()).collect()
}

/// The answer as one JSON document.
///
/// # Errors
///
/// Where it cannot be serialised.
pub fn json(scenario: &Scenario, sweep: &Sweep, manifest: &Manifest, dir: &Path) -> anyhow::Result<String> {
    let cells = CellTable { axes: further_axes(scenario), rows: sweep.rows.clone() };
    let document = serde_json::json!({
        "cells": cells.to_json(),
        "classes": manifest.classes,
        "run_dir": dir.display().to_string(),
    });
    Ok(serde_json::to_string_pretty(&document)?)
}

/// The answer in words: what was asked, a table with a row a class, a sentence a class, and where the files are.
pub fn human(scenario: &Scenario, plan: &Plan, sweep: &Sweep, answers: &[ClassAnswer], dir: &Path) -> String {
    let mut parts = vec![question(scenario, plan)];
    if let Some(required) = sweep.required_ram {
        parts.push(required_ram(required, plan));
    }
    parts.extend(headline(answers));
    parts.push(table_of(answers));
    parts.extend(answers.iter().map(paragraph));
    parts.push(how_to_read(scenario, plan));
    parts.push(format!("Files: {} (charts/heatmap.png, cells.csv, run.json)", dir.display()));
    parts.join("\n\n")
}

fn question(scenario: &Scenario, plan: &Plan) -> String {
    let risk = scenario.risk();
    format!(
        "{}: {} of {} each. Acceptable: {} incidents a year and host, at {} confidence.",
        scenario.name(),
        cells(plan.len()),
        scenario.horizon(),
        risk.incidents_per_year,
        Percent(risk.confidence * 100.0),
    )
}

/// The smallest class that is safe, and what to set on it; that none is, where several were asked for.
fn headline(answers: &[ClassAnswer]) -> Option<String> {
    let safe =
        answers.iter().filter(|answer| answer.verdict == Verdict::Safe).min_by_key(|answer| answer.ram);
    match (safe, answers.len()) {
        (_, 0 | 1) => None,
        (None, _) => Some("No class is shown to be safe for this data: the reasons are below.".to_owned()),
        (Some(answer), _) => {
            let needed = Percent(answer.needed_percent?);
            Some(format!(
                "Smallest safe class: {}, {} of RAM; the data needs {needed} of it.",
                name(answer),
                answer.ram
            ))
        }
    }
}

/// So many cells.
pub fn cells(count: usize) -> String {
    if count == 1 { "one cell".to_owned() } else { format!("{count} cells") }
}

fn required_ram(required: RequiredRam, plan: &Plan) -> String {
    let needed = plan.needed;
    match (required.low, required.high) {
        (_, Some(high)) => {
            format!("RAM required: {high} hold the data as given ({needed} at the end) within the budget.")
        }
        (Some(low), None) => {
            format!("RAM required: more than {low}; the replications do not bound it from above.")
        }
        (None, None) => "RAM required: undecided, too few replications.".to_owned(),
    }
}

const HEADER: [&str; 7] = ["class", "memory", "needed", "survivable", "free at worst", "blame", "verdict"];

fn table_of(answers: &[ClassAnswer]) -> String {
    table::render(&HEADER, answers.iter().map(row))
}

fn row(answer: &ClassAnswer) -> [String; 7] {
    let percent =
        |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| Percent(value).to_string());
    [
        name(answer),
        answer.ram.to_string(),
        percent(answer.needed_percent),
        survivable(answer),
        answer.free_min_p01.map_or_else(|| "–".to_owned(), |free: Bytes| free.to_string()),
        answer.main_cause.map_or_else(|| "–".to_owned(), |cause| cause.name().to_owned()),
        answer.verdict.name().to_owned(),
    ]
}

/// The percent with the interval that the simulation leaves.
fn survivable(answer: &ClassAnswer) -> String {
    let Some(value) = answer.survivable_percent else {
        let was_asked = answer.required_ram.is_none();
        return if was_asked { "none" } else { "–" }.to_owned();
    };
    match (answer.survivable_percent_low, answer.survivable_percent_high) {
        (Some(low), Some(high)) if high > low => format!("{} ({low} to {high})", Percent(value)),
        _ => Percent(value).to_string(),
    }
}

fn name(answer: &ClassAnswer) -> String {
    answer.host_class.clone().unwrap_or_else(|| format!("{} host", answer.ram))
}

fn paragraph(answer: &ClassAnswer) -> String {
    let mut lines = vec![format!("{}: {}", name(answer), answer.reason)];
    let tells_more = answer.verdict != Verdict::DoesNotFit;
    if let Some(above) = answer.one_step_above.as_ref().filter(|_| tells_more) {
        let place =
            if answer.survivable_percent.is_some() { "One step above" } else { "At the smallest percent" };
        lines.push(format!("  {place}, {}: {}", Percent(above.percent), above.reason));
    }
    if let Some(paste) = &answer.paste {
        lines.extend(paste.lines().map(|line| format!("  {line}")));
    }
    lines.join("\n")
}

fn how_to_read(scenario: &Scenario, plan: &Plan) -> String {
    let confidence = Percent(scenario.risk().confidence * 100.0);
    let asks_for_percent = plan.as_given.is_none() || !plan.full.is_empty();
    let survivable = if asks_for_percent {
        "survivable: the largest percent at which a server full to maxmemory stays within the budget; what to set lies \
         between. free at worst: what 99 in 100 replications never went below, at that percent."
    } else {
        "survivable: not asked, as the data is what the scenario says, whatever the percent; sweep \
         server.maxmemory-percent to ask. free at worst: what 99 in 100 replications never went below."
    };
    format!(
        "needed: the data at the end, of RAM. {survivable} Bounds are of the simulation alone, at {confidence}: what the \
         inputs assume is marked in resolved.toml, and worth measuring first."
    )
}
