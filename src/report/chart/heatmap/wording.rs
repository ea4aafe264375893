//! What the heatmap says in words, and its scale of risk.

use super::grid::{Grid, GridRow};
use crate::report::chart::axis;
use crate::report::{CellTable, Manifest};
use crate::sweep::{Estimate, Verdict};
use crate::units::Percent;

const YEAR: f64 = 365.0 * 86_400.0;
/// Safe cells get no deeper in colour beyond a hundredth of the budget.
const DEEPEST_SAFE: f64 = 0.01;

/// From a chance of an OOM kill within the horizon to a depth of colour, with the budget as the middle.
pub(super) struct Scale {
    /// The budget: incidents a year and host.
    pub(super) incidents_per_year: f64,
    /// Length of a replication (s).
    pub(super) horizon: f64,
    confidence: f64,
}

impl Scale {
    pub(super) fn new(cells: &CellTable, manifest: &Manifest) -> Self {
        let horizon = cells.rows.first().map_or(0.0, |cell| cell.horizon_seconds);
        Self { incidents_per_year: manifest.incidents_per_year, horizon, confidence: manifest.confidence }
    }

    /// The chance of at least one incident within the horizon at the budget's rate.
    pub(super) fn budget(&self) -> f64 {
        (-(-self.incidents_per_year * self.horizon / YEAR).exp_m1()).clamp(1e-9, 0.999)
    }

    /// 0 at the budget, 1 at a hundredth of it.
    pub(super) fn safe_depth(&self, chance: &Estimate) -> f64 {
        (shown(chance) / self.budget()).ln() / DEEPEST_SAFE.ln()
    }

    /// 0 at the budget, 1 for certain.
    pub(super) fn risky_depth(&self, chance: &Estimate) -> f64 {
        1.0 - shown(chance).ln() / self.budget().ln()
    }
}

/// The chance that a cell shows: the estimate, or the bound where the estimate is a plain "never" or "always".
fn shown(chance: &Estimate) -> f64 {
    if chance.value <= 0.0 {
        chance.high
    } else if chance.value >= 1.0 {
        chance.low
    } else {
        chance.value
    }
}

/// A chance as a cell writes it: never 0 and never 100 %, but the bound that the simulation leaves.
pub(super) fn risk(chance: &Estimate) -> String {
    if chance.value <= 0.0 {
        return format!("< {}", rounded(chance.high, f64::ceil));
    }
    if chance.value >= 1.0 {
        return format!("> {}", rounded(chance.low, f64::floor));
    }
    percent(chance.value)
}

/// A chance in per cent with two digits that matter, never 0 and never 100 %.
pub(super) fn percent(chance: f64) -> String {
    if chance < 1e-5 {
        "< 0.001 %".to_owned()
    } else if chance > 0.999 {
        "> 99.9 %".to_owned()
    } else {
        rounded(chance, f64::round)
    }
}

/// A chance in per cent with two digits that matter, however small.
pub(super) fn plain_percent(chance: f64) -> String {
    rounded(chance, f64::round)
}

fn rounded(chance: f64, round: fn(f64) -> f64) -> String {
    let percent = chance * 100.0;
    let decimals: i32 = match percent {
        large if large > 99.0 => 1,
        large if large >= 10.0 => 0,
        large if large >= 1.0 => 1,
        large if large >= 0.1 => 2,
        large if large >= 0.01 => 3,
        large if large >= 0.001 => 4,
        _ => 5,
    };
    let power = 10_f64.powi(decimals);
    // The small term keeps what a binary float cannot say exactly from being rounded a digit up.
    let digits = round(percent * power - 1e-9) / power;
    format!("{digits} %")
}

/// The finding.
pub(super) fn title(grid: &Grid) -> String {
    let has_percents = grid.columns.iter().any(Option::is_some);
    match (grid.rows.as_slice(), has_percents) {
        ([], _) => "No cell was run".to_owned(),
        ([row], true) if grid.columns.len() > 1 => title_of_one(row),
        ([row], _) => title_of_cell(row),
        (rows, true) if rows.iter().any(|row| row.needed.is_some()) => title_of_need(rows),
        (rows, true) => title_of_safety(rows),
        (rows, false) => match rows.iter().find(|row| row.safe_columns() > 0) {
            Some(row) => format!("{} is the smallest host that is safe", row.name),
            None => "None of the hosts is shown to be safe".to_owned(),
        },
    }
}

fn title_of_one(row: &GridRow) -> String {
    let finding = match (row.safe_percent(), row.first_unsafe()) {
        (Some(safe), None) => format!("{} is safe up to {}, the most tried", row.name, Percent(safe)),
        (Some(safe), Some(_)) => format!("{} is safe up to {} of RAM", row.name, Percent(safe)),
        (None, Some(cell)) if cell.verdict == Verdict::Undecided => {
            format!("{}: not yet certain to be safe at any percentage tried", row.name)
        }
        (None, _) => format!("{} is safe at none of the percentages tried", row.name),
    };
    match (row.needed, row.safe_percent()) {
        (Some(needed), Some(safe)) if needed <= safe => {
            format!("{finding}; its data needs {}", Percent(needed))
        }
        (Some(needed), _) => format!("{finding}, but its data needs {}", Percent(needed)),
        (None, _) => finding,
    }
}

fn title_of_cell(row: &GridRow) -> String {
    let Some(cell) = row.cells.first().copied().flatten() else { return format!("{} was not run", row.name) };
    let setting = cell.maxmemory_percent.map_or(String::new(), |percent| format!(" at {}", Percent(percent)));
    match (cell.verdict, &cell.figures) {
        (Verdict::Safe, _) => format!("{} is safe{setting}", row.name),
        (Verdict::Risky, Some(figures)) => {
            let chance = risk(&figures.oom_probability);
            let horizon = axis::span(cell.horizon_seconds);
            format!("{} is risky{setting}: the chance of an OOM kill within {horizon} is {chance}", row.name)
        }
        (Verdict::Undecided, _) => {
            format!("{}{setting} is undecided: more replications are needed", row.name)
        }
        (Verdict::DoesNotFit | Verdict::Risky, _) => format!("{} does not hold its data{setting}", row.name),
    }
}

fn title_of_need(rows: &[GridRow]) -> String {
    let survives =
        |row: &&GridRow| row.needed.zip(row.safe_percent()).is_some_and(|(needed, safe)| needed <= safe);
    let Some(row) = rows.iter().find(survives) else {
        return "No host tried is shown to be safe with this data: each needs more than it survives"
            .to_owned();
    };
    let [needed, safe] = [row.needed, row.safe_percent()].map(|percent| Percent(percent.unwrap_or(0.0)));
    format!(
        "{} is the smallest host that holds this data safely: it needs {needed} and survives {safe}",
        row.name
    )
}

fn title_of_safety(rows: &[GridRow]) -> String {
    // Of equals, the smallest host is named.
    let order = |a: &&GridRow, b: &&GridRow| {
        a.safe_percent().unwrap_or(0.0).total_cmp(&b.safe_percent().unwrap_or(0.0))
    };
    let (Some(least), Some(most)) = (rows.iter().min_by(order), rows.iter().rev().max_by(order)) else {
        return "No cell was run".to_owned();
    };
    match (least.safe_percent(), most.safe_percent()) {
        (_, None) => "No percentage tried is safe on any host".to_owned(),
        (Some(low), Some(high)) if low >= high => {
            format!("Up to {} of RAM is safe on every host", Percent(high))
        }
        (Some(low), Some(high)) => format!(
            "How much of RAM is safe differs: up to {} on {}, up to {} on {}",
            Percent(low),
            least.name,
            Percent(high),
            most.name
        ),
        (None, Some(high)) => {
            format!("Up to {} is safe on {}, but nothing tried on {}", Percent(high), most.name, least.name)
        }
    }
}

/// How to read the chart.
pub(super) fn subtitle(grid: &Grid, scale: &Scale) -> String {
    if grid.rows.is_empty() {
        return "cells.csv holds no row.".to_owned();
    }
    let horizon = axis::span(scale.horizon);
    let full = if is_filled(grid) { ", its server full to maxmemory" } else { "" };
    let mut sentences =
        vec![format!("Each cell: the chance that the OOM killer strikes one host within {horizon}{full}.")];
    let cells = || grid.rows.iter().flat_map(|row| row.cells.iter().flatten());
    let figures = || cells().filter_map(|cell| cell.figures.as_ref());
    if figures().any(|figures| figures.main_cause.is_some()) {
        sentences.push("In risky cells, what had forked most often is below.".to_owned());
    }
    if figures().any(|figures| figures.oom_probability.value <= 0.0) {
        let confidence = Percent(scale.confidence * 100.0);
        sentences.push(format!(
            "“<”: no kill was seen; the chance is below this bound with {confidence} confidence."
        ));
    }
    let (budget, share) = (scale.incidents_per_year, percent(scale.budget()));
    sentences
        .push(format!("Safe: at most {budget} incidents a year at that confidence, {share} in {horizon}."));
    sentences.join(" ")
}

/// Whether the data grows with the percent: the server is judged full.
fn is_filled(grid: &Grid) -> bool {
    let differs = |row: &GridRow| {
        let mut data = row.cells.iter().flatten().map(|cell| cell.data);
        data.next().is_some_and(|first| data.any(|other| other != first))
    };
    grid.rows.iter().any(differs)
}

/// Where the figures are from, and what was left out.
pub(super) fn footer(grid: &Grid, cells: &CellTable, manifest: &Manifest) -> String {
    let (name, seed, version) = (&manifest.scenario.name, manifest.seed, env!("CARGO_PKG_VERSION"));
    if grid.rows.is_empty() {
        return format!("{name}, seed {seed}, forkcast {version}.");
    }
    let counts = || cells.rows.iter().map(|cell| cell.replications);
    let replications = match (counts().min().unwrap_or(0), counts().max().unwrap_or(0)) {
        (least, most) if least == most => format!("{most} replications a cell"),
        (least, most) => format!("{least} to {most} replications a cell"),
    };
    let left_out = match grid.left_out {
        (0, 0) => String::new(),
        (rows, 0) => format!(" {rows} larger hosts found no room here."),
        (0, columns) => format!(" {columns} percentages between those shown found no room here."),
        (rows, columns) => format!(" {rows} larger hosts and {columns} percentages found no room here."),
    };
    format!(
        "{name}, seed {seed}, {replications}, forkcast {version}. Bounds hold the error of the simulation alone; \
         every figure with its interval is in cells.csv.{left_out}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(value: f64, low: f64, high: f64) -> Estimate {
        Estimate { value, low, high }
    }

    #[test]
    fn never_seen_is_a_bound_and_not_zero() {
        assert_eq!(risk(&estimate(0.0, 0.0, 0.000_184)), "< 0.019 %");
        assert_eq!(risk(&estimate(0.0, 0.0, 0.003)), "< 0.3 %");
        assert_eq!(risk(&estimate(0.0, 0.0, 1.0)), "< 100 %");
        assert_eq!(risk(&estimate(1.0, 0.9971, 1.0)), "> 99.7 %");
        assert_eq!(risk(&estimate(0.123, 0.1, 0.15)), "12 %");
        assert_eq!(risk(&estimate(0.000_000_1, 0.0, 0.1)), "< 0.001 %");
        assert_eq!(risk(&estimate(0.9996, 0.9, 1.0)), "> 99.9 %");
        assert_eq!(risk(&estimate(0.0123, 0.0, 0.1)), "1.2 %");
    }

    #[test]
    fn depths_meet_at_the_budget() {
        let scale = Scale { incidents_per_year: 0.01, horizon: 30.0 * 86_400.0, confidence: 0.95 };
        let budget = scale.budget();
        assert!((budget - 0.000_821_6).abs() < 1e-6, "{budget}");
        assert!(scale.safe_depth(&estimate(budget, 0.0, 1.0)).abs() < 1e-9);
        assert!(scale.risky_depth(&estimate(budget, 0.0, 1.0)).abs() < 1e-9);
        assert!((scale.risky_depth(&estimate(1.0, 1.0, 1.0)) - 1.0).abs() < 1e-9);
        assert!((scale.safe_depth(&estimate(budget / 100.0, 0.0, 1.0)) - 1.0).abs() < 1e-9);
    }
}
