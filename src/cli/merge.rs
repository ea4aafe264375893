//! `forkcast merge`: the shards of a run to the run in one piece.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use anyhow::Context;

use super::args::{Format, MergeArgs};
use super::exit::Exit;
use super::run::busy_hour;
use super::terminal::Terminal;
use super::{answer, input, run};
use crate::decision;
use crate::report::journal::Fingerprint;
use crate::report::parts::Whole;
use crate::report::{CellTable, ClassSummary, Manifest, ReportError, RunFolder};
use crate::sweep::{Grid, Settings, Sweep, Verdict};

/// Puts the parts together, answers, and writes the run folder.
pub fn merge(args: &MergeArgs, terminal: &Terminal) -> anyhow::Result<Exit> {
    let whole = Whole::read(&args.parts)?;
    let scenario = match input::of_run(&whole.manifest, Some(&whole.of), args.scenario.as_deref())? {
        Ok(scenario) => scenario,
        Err(report) => return Ok(input::invalid(&report, terminal)),
    };
    let grid = match Grid::new(&scenario) {
        Ok(grid) => grid,
        Err(report) => return Ok(input::invalid(&report, terminal)),
    };
    if Fingerprint::cells_sha256(&grid) != whole.of.cells_sha256 {
        terminal.insist(
            "error: a file that the scenario refers to is not as it was when the parts were simulated",
        );
        return Ok(Exit::Invalid);
    }
    let sweep = Sweep {
        rows: whole.cells.rows.clone(),
        full: whole.full.clone(),
        required_ram: whole.required_ram,
        complete: true,
        ..Sweep::default()
    };
    let answers = decision::answers(&grid, &sweep);
    let classes = answers.iter().map(ClassSummary::from).collect();
    let manifest = Manifest { classes, ..whole.manifest.clone() };
    write(&args.out, &whole, &grid, &manifest)?;
    let merged = args.parts.len();
    terminal.say(format!("{} of {merged} parts, seed {}", answer::cells(grid.len()), grid.seed));
    terminal.answer(&match args.format {
        Format::Human => {
            let busy = busy_hour(&scenario, &answers, None, &AtomicBool::new(false))?;
            answer::human(&scenario, &grid, &sweep, &answers, busy, &args.out)
        }
        Format::Json => answer::json(&scenario, &sweep, &manifest, &args.out)?,
        Format::Csv => std::fs::read_to_string(args.out.join(crate::report::CELLS_CSV))
            .context("cannot read the cells back")?,
    })?;
    if args.fail_on_risk {
        let never = AtomicBool::new(false);
        let verdict = run::verdict_as_written(&scenario, &grid, &sweep, Settings::default(), &never)?;
        if verdict != Verdict::Safe {
            return Ok(Exit::Risky);
        }
    }
    Ok(Exit::Done)
}

fn write(dir: &Path, whole: &Whole, grid: &Grid, manifest: &Manifest) -> Result<(), ReportError> {
    let folder = RunFolder::create(dir)?;
    folder.write_cells(&whole.cells)?;
    if !grid.full.is_empty() {
        folder.write_full_cells(&CellTable { axes: Vec::new(), rows: whole.full.clone() })?;
    }
    if let Some(replications) = &whole.replications {
        folder.write_replications(replications)?;
    }
    folder.write_resolved(&whole.resolved)?;
    folder.draw(manifest)?;
    folder.seal(manifest)
}
