//! What `forkcast run` says on standard output.

use std::path::Path;

use super::table;
use crate::decision::{ClassAnswer, StepAbove};
use crate::model::Unknown;
use crate::plan::{BusyHour, Room, SURGE, Surge};
use crate::report::{CellTable, Manifest};
use crate::scenario::Scenario;
use crate::sweep::words::rate;
use crate::sweep::{Cell, Figures, Grid, RequiredRam, Sweep, Verdict};
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
pub fn human(
    scenario: &Scenario,
    grid: &Grid,
    sweep: &Sweep,
    answers: &[ClassAnswer],
    busy: Option<BusyHour>,
    dir: &Path,
) -> String {
    let mut parts = vec![question(scenario, grid)];
    if let Some(required) = sweep.required_ram {
        parts.push(required_ram(required, grid, answers));
    }
    parts.extend(headline(answers));
    parts.push(table_of(answers));
    parts.extend(beside_kills(sweep));
    parts.extend(answers.iter().map(paragraph));
    parts.extend(busy.map(|busy| busy_hour(busy.percent, &busy.surge)));
    parts.extend(beside_the_answer(scenario, sweep));
    parts.push(how_to_read(scenario, grid));
    parts.push(format!("Files: {} (charts/heatmap.png, cells.csv, run.json)", dir.display()));
    parts.join("\n\n")
}

fn question(scenario: &Scenario, grid: &Grid) -> String {
    let risk = scenario.risk();
    format!(
        "{}: {} of {} each. Acceptable: {} incidents a year and host, at {} confidence.{}",
        scenario.name(),
        cells(grid.len()),
        scenario.horizon(),
        risk.incidents_per_year,
        Percent(risk.confidence * 100.0),
        defaults(scenario) + average(scenario),
    )
}

/// Said where single hosts were asked for, which a sweep does not answer.
fn average(scenario: &Scenario) -> &'static str {
    if scenario.risk().assurance.is_none() {
        return "";
    }
    " Judged on the average: risk.assurance is asked by `forkcast plan`."
}

/// The inputs that are open and that nobody gave: a default stands in for them.
fn defaults(scenario: &Scenario) -> String {
    let host = &scenario.as_written().host;
    let paths = Unknown::of(host).into_iter().map(|unknown| unknown.path(host));
    let left: Vec<String> = paths.filter(|path| scenario.is_default(path)).collect();
    if left.is_empty() {
        return String::new();
    }
    format!(" Left to defaults, any of which may decide: {}.", left.join(", "))
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
            let room = if answer.is_limited { "limit" } else { "RAM" };
            Some(format!(
                "Smallest safe class: {}, {} of {room}; the data needs {needed} of it.",
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

fn required_ram(required: RequiredRam, grid: &Grid, answers: &[ClassAnswer]) -> String {
    let needed = grid.needed;
    let what = if answers.iter().any(|answer| answer.is_limited) { "Limit" } else { "RAM" };
    match (required.low, required.high) {
        (_, Some(high)) => {
            format!("{what} required: {high} hold the data as given ({needed} at the end) within the budget.")
        }
        (Some(low), None) => {
            format!("{what} required: more than {low}; the replications do not bound it from above.")
        }
        (None, None) => format!(
            "{what} required: undecided, too few replications, or full syncs loop that no memory would mend."
        ),
    }
}

/// What goes wrong beside kills in the scenario's own cells, at the worst of them; nothing where nothing does.
fn beside_kills(sweep: &Sweep) -> Option<String> {
    let figures = || sweep.rows.iter().filter_map(|row| row.figures.as_ref());
    let most = |rate: fn(&Figures) -> f64| figures().map(rate).fold(0.0, f64::max);
    let worst = [
        ("stalls over 10 s", most(|figures| figures.stalls_per_year)),
        ("full syncs", most(|figures| figures.full_syncs_per_year)),
        ("full syncs cut short", most(|figures| figures.syncs_cut_per_year)),
        ("full syncs that loop", most(|figures| figures.sync_loops_per_year)),
        ("forks refused", most(|figures| figures.forks_refused_per_year)),
    ];
    let texts = worst.into_iter().filter(|&(_, most)| most > 0.0);
    let texts: Vec<String> = texts.map(|(name, most)| format!("{} {name}", rate(most))).collect();
    let cells = if sweep.rows.len() > 1 { "In the worst cell of each" } else { "Beside kills" };
    (!texts.is_empty()).then(|| format!("{cells}, a year: {}.", texts.join(", ")))
}

const HEADER: [&str; 7] = ["class", "memory", "needed", "survivable", "free at worst", "blame", "verdict"];

pub fn table_of(answers: &[ClassAnswer]) -> String {
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

pub fn name(answer: &ClassAnswer) -> String {
    let size = || format!("{} {}", answer.ram, if answer.is_limited { "container" } else { "host" });
    answer.host_class.clone().unwrap_or_else(size)
}

pub fn paragraph(answer: &ClassAnswer) -> String {
    let mut lines = vec![format!("{}: {}", name(answer), answer.reason)];
    let tells_more =
        |above: &&StepAbove| answer.verdict != Verdict::DoesNotFit && !answer.reason.contains(&above.reason);
    if let Some(above) = answer.one_step_above.as_ref().filter(tells_more) {
        let step = if answer.survivable_percent.is_some() { "One step above," } else { "At" };
        lines.push(format!("  {step} {}: {}", Percent(above.percent), above.reason));
    }
    if let Some(paste) = &answer.paste {
        lines.extend(paste.lines().map(|line| format!("  {line}")));
    }
    lines.join("\n")
}

/// What an hour of ten times the load would do to a server full to `percent`, or to data as given.
pub fn busy_hour(percent: Option<f64>, surge: &Surge) -> String {
    let Surge { fails, holds } = surge;
    let share = |value: f64| Percent(100.0 * value).to_string();
    let at = match percent {
        Some(percent) => format!("at {}", Percent(percent)),
        None => "as given".to_owned(),
    };
    let fails = if fails.value > 0.0 {
        let [value, low, high] = [fails.value, fails.low, fails.high].map(share);
        format!("{value} of the hosts ({low} to {high}) have an incident {at}")
    } else {
        format!("none of the hosts was seen to have an incident {at}, at most {} do", share(fails.high))
    };
    let holds = match holds {
        Some(Room::Percent(percent)) => {
            format!("nineteen in twenty come through up to {}", Percent(*percent))
        }
        Some(Room::Ram(ram)) => format!("nineteen in twenty come through in {ram} of memory"),
        None => "no room that was looked at brings nineteen in twenty through".to_owned(),
    };
    format!("Under an hour of {SURGE} times the load that a backup begins, {fails}; {holds}.")
}

/// What the answers leave aside: the values of axes other than host and percent.
fn beside_the_answer(scenario: &Scenario, sweep: &Sweep) -> Option<String> {
    let axes = further_axes(scenario);
    let risky = sweep.rows.iter().filter(|row| row.verdict == Verdict::Risky).count();
    (!axes.is_empty()).then(|| {
        format!(
            "The answers are of {} as written. What its other values do is in cells.csv: {risky} of {} are risky.",
            axes.join(", "),
            cells(sweep.rows.len()),
        )
    })
}

fn how_to_read(scenario: &Scenario, grid: &Grid) -> String {
    let confidence = Percent(scenario.risk().confidence * 100.0);
    let room = if grid.cells.iter().any(Cell::is_limited) { "the limit" } else { "RAM" };
    let asks_for_percent = grid.as_given.is_none() || !grid.full.is_empty();
    let survivable = if asks_for_percent {
        "survivable: the largest percent at which a server full to maxmemory stays within the budget, which counts \
         replications with an incident; what to set lies between. free at worst: what 99 in 100 replications never went below, at that percent."
    } else {
        "survivable: not asked, as the data is what the scenario says, whatever the percent; sweep \
         server.maxmemory-percent to ask. free at worst: what 99 in 100 replications never went below."
    };
    format!(
        "needed: the data at the end, of {room}. {survivable} Bounds are of the simulation alone, at {confidence}: what the \
         inputs assume is marked in resolved.toml, and worth measuring first."
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::CellRow;
    use crate::units::Bytes;

    fn sweep(figures: &[Figures]) -> Sweep {
        let row = |figures: &Figures| CellRow {
            cell: 1,
            host_class: None,
            ram: Bytes::gib(16),
            maxmemory_percent: None,
            maxmemory: None,
            data: Bytes::gib(8),
            axes: Vec::new(),
            replications: 1,
            horizon_seconds: 1.0,
            figures: Some(figures.clone()),
            verdict: Verdict::Safe,
            reason: String::new(),
        };
        Sweep { rows: figures.iter().map(row).collect(), ..Sweep::default() }
    }

    #[test]
    fn what_goes_wrong_beside_kills_is_told_where_it_does() {
        let figures = Figures { full_syncs_per_year: 6_935.0, stalls_per_year: 0.25, ..Figures::default() };
        assert_eq!(beside_kills(&sweep(&[Figures::default()])), None);
        assert_eq!(
            beside_kills(&sweep(&[figures])).unwrap(),
            "Beside kills, a year: 0.25 stalls over 10 s, 6,935 full syncs."
        );
    }
}
