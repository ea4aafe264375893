//! `forkcast diff`: what changed from one run to another.

use super::args::{DiffArgs, Format};
use super::exit::Exit;
use super::terminal::Terminal;
use super::{answer, table};
use crate::report::difference::{CellDifference, Difference, difference};
use crate::sweep::CellRow;
use crate::sweep::words::rate;
use crate::units::Percent;

/// Compares two run folders.
pub fn diff(args: &DiffArgs, terminal: &Terminal) -> anyhow::Result<Exit> {
    let found = difference(&args.first, &args.second)?;
    terminal.answer(&match args.format {
        Format::Human => human(&found),
        Format::Json => serde_json::to_string_pretty(&json(&found))?,
        Format::Csv => table::csv(&found.cells.iter().map(object).collect::<Vec<_>>())?,
    })?;
    Ok(Exit::Done)
}

const HEADER: [&str; 6] =
    ["cell", "verdict", "incidents a year", "affected, paired", "peak, paired", "pairs"];

fn human(found: &Difference) -> String {
    let changed = found.cells.iter().filter(|cell| cell.is_decisive()).count();
    let mut lines = vec![format!("{changed} of {} changed their verdict.", answer::cells(found.cells.len()))];
    for (only, which) in [(found.only_first, "first"), (found.only_second, "second")] {
        if only > 0 {
            lines.push(format!("Only in the {which} run: {}.", answer::cells(only)));
        }
    }
    if !found.apart.is_empty() {
        lines.push(format!("What sets the runs apart: {}.", found.apart.join("; ")));
    }
    if let Some(why) = found.unpaired {
        lines.push(format!("Not paired, rows alone are compared: {why}."));
    }
    lines.push(String::new());
    lines.push(table::render(&HEADER, found.cells.iter().map(row)));
    lines.join("\n")
}

fn row(cell: &CellDifference) -> [String; 6] {
    let (first, second) = (&cell.first, &cell.second);
    let from_to = |one: String, other: String| if one == other { one } else { format!("{one} → {other}") };
    let incidents = |row: &CellRow| {
        row.figures.as_ref().map_or_else(|| "–".to_owned(), |figures| rate(figures.incidents_per_year.value))
    };
    let percent = first.maxmemory_percent.map(|percent| format!(" at {}", Percent(percent)));
    let host = first.host_class.clone().unwrap_or_else(|| first.ram.to_string());
    let axes = [&[String::new()], first.axes.as_slice()].concat().join(" ");
    let none = || "–".to_owned();
    let affected = cell.paired.map(|paired| paired.affected);
    let peak = cell.paired.and_then(|paired| paired.peak_bytes);
    let mebibytes = |bytes: f64| format!("{:+.1}", bytes / 1_048_576.0);
    let points = |share: f64| format!("{:+.2}", share * 100.0);
    [
        format!("{host}{}{axes}", percent.unwrap_or_default()),
        from_to(first.verdict.name().to_owned(), second.verdict.name().to_owned()),
        from_to(incidents(first), incidents(second)),
        affected.map_or_else(none, |a| {
            format!("{} % ({} to {})", points(a.value), points(a.low), points(a.high))
        }),
        peak.map_or_else(none, |p| {
            format!("{} MiB ({} to {})", mebibytes(p.value), mebibytes(p.low), mebibytes(p.high))
        }),
        cell.paired.map_or_else(none, |paired| paired.pairs.to_string()),
    ]
}

fn json(found: &Difference) -> serde_json::Value {
    serde_json::json!({
        "changed": found.cells.iter().filter(|cell| cell.is_decisive()).count(),
        "only_first": found.only_first,
        "only_second": found.only_second,
        "apart": found.apart,
        "unpaired": found.unpaired,
        "cells": found.cells.iter().map(object).collect::<Vec<_>>(),
    })
}

fn object(cell: &CellDifference) -> serde_json::Value {
    let incidents = |row: &CellRow| row.figures.as_ref().map(|figures| figures.incidents_per_year.value);
    let affected = cell.paired.map(|paired| paired.affected);
    let peak = cell.paired.and_then(|paired| paired.peak_bytes);
    serde_json::json!({
        "host_class": cell.first.host_class,
        "ram_bytes": cell.first.ram.0,
        "maxmemory_percent": cell.first.maxmemory_percent,
        "axes": cell.first.axes.join(" "),
        "cell_first": cell.first.cell,
        "cell_second": cell.second.cell,
        "verdict_first": cell.first.verdict.name(),
        "verdict_second": cell.second.verdict.name(),
        "incidents_per_year_first": incidents(&cell.first),
        "incidents_per_year_second": incidents(&cell.second),
        "pairs": cell.paired.map(|paired| paired.pairs),
        "affected_difference": affected.map(|estimate| estimate.value),
        "affected_difference_low": affected.map(|estimate| estimate.low),
        "affected_difference_high": affected.map(|estimate| estimate.high),
        "peak_difference_bytes": peak.map(|estimate| estimate.value),
        "peak_difference_low_bytes": peak.map(|estimate| estimate.low),
        "peak_difference_high_bytes": peak.map(|estimate| estimate.high),
    })
}
