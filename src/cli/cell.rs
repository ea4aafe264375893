//! `forkcast cell`: one cell of a run as a scenario of its own, to be run, traced or changed alone.

use std::fs;

use anyhow::Context;

use super::args::CellArgs;
use super::exit::Exit;
use super::input;
use super::terminal::Terminal;
use crate::report::{CELLS_CSV, FULL_CELLS_CSV, Manifest, RUN_JSON};
use crate::scenario::{Assignment, Origin, Report, Scenario};
use crate::sweep::{Cell, Grid};

/// Prints the resolved scenario of a cell, or writes it.
pub fn cell(args: &CellArgs, terminal: &Terminal) -> anyhow::Result<Exit> {
    let manifest = Manifest::read(&args.run_dir.join(RUN_JSON))?;
    let scenario = match input::of_run(&manifest, manifest.shard.as_ref(), args.scenario.as_deref())? {
        Ok(scenario) => scenario,
        Err(report) => return Ok(input::invalid(&report, terminal)),
    };
    let grid = match Grid::new(&scenario) {
        Ok(grid) => grid,
        Err(report) => return Ok(input::invalid(&report, terminal)),
    };
    let (cells, file) = if args.full { (&grid.full, FULL_CELLS_CSV) } else { (&grid.cells, CELLS_CSV) };
    let Some(cell) = cells.iter().find(|cell| cell.number == args.cell) else {
        terminal.insist(match cells.len() {
            0 => format!("error: the run has no {file}: {CELLS_CSV} holds its cells"),
            count => format!("error: {file} has cells 1 to {count}, and no {}", args.cell),
        });
        return Ok(Exit::Usage);
    };
    let resolved = scenario.standalone_toml(&cell.case);
    let text = if args.full { full(&resolved, &scenario, cell)? } else { Ok(resolved) };
    let text = match text {
        Ok(text) => format!("# {}, {} of {file}.\n{text}", scenario.name(), point(&scenario, cell)),
        Err(report) => return Ok(input::invalid(&report, terminal)),
    };
    match &args.out {
        Some(path) => fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))?,
        None => terminal.answer(text.trim_end())?,
    }
    Ok(Exit::Done)
}

/// Where the cell lies: its name, and the values of the further axes.
fn point(scenario: &Scenario, cell: &Cell) -> String {
    let axes = super::answer::further_axes(scenario);
    let values = axes.iter().zip(&cell.axes).map(|(path, value)| format!(", {path} {value}"));
    cell.name() + &values.collect::<String>()
}

/// The cell of a server full to its percent: `resolved` is its host, with the data as written.
fn full(resolved: &str, scenario: &Scenario, cell: &Cell) -> anyhow::Result<Result<String, Report>> {
    let percent = cell.case.maxmemory_percent.unwrap_or_default();
    let settings =
        [&format!("server.maxmemory-percent={percent}"), "dataset.fill=1.0", "dataset.growth-per-day=0 B"];
    let settings = settings.map(Assignment::set).into_iter().collect::<Result<Vec<_>, _>>()?;
    let origin = Origin { name: format!("{}.toml", scenario.name()), ..scenario.origin().clone() };
    let full = Scenario::read(resolved, &origin, &settings);
    Ok(full.map(|full| full.standalone_toml(full.as_written())))
}
