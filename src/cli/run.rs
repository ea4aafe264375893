//! `forkcast run`: the sweep, its run folder and its answer.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::Context;

use super::args::{Format, RunArgs};
use super::exit::Exit;
use super::progress::Progress;
use super::record::Record;
use super::shard::ShardArg;
use super::terminal::Terminal;
use super::{answer, input};
use crate::decision::{self, ClassAnswer};
use crate::plan::{self, BusyHour, Trouble};
use crate::report::journal::{self, Fingerprint};
use crate::report::{
    CellTable, ClassSummary, Manifest, PartOf, ReplicationRow, ReportError, RunFolder, ScenarioText,
};
use crate::scenario::{Scenario, Target};
use crate::sweep::{self, Budget, Grid, Settings, Shard, Sweep, Verdict};
use crate::units::Percent;

/// Runs the sweep of a scenario.
pub fn run(args: &RunArgs, terminal: &Terminal) -> anyhow::Result<Exit> {
    let scenario = match input::scenario(&args.scenario, &args.axis, terminal)? {
        Ok(scenario) => scenario,
        Err(exit) => return Ok(exit),
    };
    let grid = match Grid::new(&scenario) {
        Ok(grid) => grid,
        Err(report) => return Ok(input::invalid(&report, terminal)),
    };
    let shard = args.shard.map(ShardArg::shard).transpose()?;
    let text = ScenarioText::new(scenario.name(), scenario.text());
    let dir = args.out.clone().unwrap_or_else(|| default_folder(&text, shard));
    let mut manifest = manifest(&scenario, text);
    let fingerprint = Fingerprint::new(&manifest, &grid, shard, args.keep_replications);
    // A folder that cannot be written, or is of another run, is found before the sweep, not after it.
    let record = Record::open(&dir, &fingerprint, &answer::further_axes(&scenario), args, terminal)?;
    let folder = RunFolder::create(&dir)?;

    let cancelled = cancelled_by_ctrl_c()?;
    let started = Instant::now();
    let part = shard.map_or_else(|| grid.clone(), |shard| grid.shard(shard));
    let sweep = simulate(&record.left(&part), &record, args, terminal, &cancelled)?;
    let (sweep, replications, journal) = record.complete(sweep);
    let journal = journal.close()?;
    manifest.incomplete = !sweep.complete;
    manifest.shard = shard.map(|shard| part_of(shard, &scenario, &grid, &sweep));
    let answers = if shard.is_none() { decision::answers(&grid, &sweep) } else { Vec::new() };
    manifest.classes = answers.iter().map(ClassSummary::from).collect();
    write(
        folder,
        &Written { scenario: &scenario, grid: &grid, sweep: &sweep, replications, manifest: &manifest },
        args,
    )?;
    if sweep.complete {
        journal.remove()?;
    }
    terminal.say(summary(&part, &sweep, started));

    terminal.answer(&match args.format {
        Format::Human => {
            if let Some(shard) = shard {
                of_shard(shard, &part, &grid, &dir)
            } else {
                let busy = busy_hour(&scenario, &answers, args.threads, &cancelled)?;
                answer::human(&scenario, &grid, &sweep, &answers, busy, &dir)
            }
        }
        Format::Json => answer::json(&scenario, &sweep, &manifest, &dir)?,
        Format::Csv => std::fs::read_to_string(dir.join(crate::report::CELLS_CSV))
            .context("cannot read the cells back")?,
    })?;
    exit(args, &scenario, &grid, &sweep, &cancelled, terminal)
}

/// `outputs/<name>-<first 8 of the sha256>`, with the shard behind it.
fn default_folder(text: &ScenarioText, shard: Option<Shard>) -> PathBuf {
    let suffix = shard.map(|shard| format!("-{}-of-{}", shard.index(), shard.count()));
    PathBuf::from("outputs").join(text.folder_name() + &suffix.unwrap_or_default())
}

/// What `forkcast merge` needs to know of a part.
fn part_of(shard: Shard, scenario: &Scenario, grid: &Grid, sweep: &Sweep) -> PartOf {
    let origin = scenario.origin();
    PartOf {
        index: shard.index(),
        count: shard.count(),
        cells: grid.cells.len(),
        full_cells: grid.full.len(),
        cells_sha256: Fingerprint::cells_sha256(grid),
        origin: origin.name.clone(),
        folder: std::path::absolute(origin.folder.join(".")).unwrap_or_else(|_| origin.folder.clone()),
        required_ram_bytes: sweep.required_ram.map(journal::ends),
    }
}

/// A part answers nothing: what it holds, and how the answer comes about.
fn of_shard(shard: Shard, part: &Grid, grid: &Grid, dir: &Path) -> String {
    format!(
        "Shard {shard}: {} of {}, in {}. `forkcast merge PART… -o DIR` answers when all {} are there.",
        part.len(),
        answer::cells(grid.len()),
        dir.display(),
        shard.count(),
    )
}

/// A flag that Ctrl-C sets. A second Ctrl-C ends the process at once.
pub(super) fn cancelled_by_ctrl_c() -> anyhow::Result<Arc<AtomicBool>> {
    let cancelled = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&cancelled);
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::SeqCst) {
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
    })
    .context("cannot listen to Ctrl-C")?;
    Ok(cancelled)
}

fn simulate(
    grid: &Grid,
    record: &Record,
    args: &RunArgs,
    terminal: &Terminal,
    cancelled: &AtomicBool,
) -> anyhow::Result<Sweep> {
    let settings = Settings { threads: args.threads, keep_outcomes: args.keep_replications };
    let progress = Progress::new(grid.len(), terminal);
    let watch = record.watch(&progress, cancelled);
    let sweep = sweep::run(grid, settings, &watch, cancelled).context("cannot start the threads")?;
    progress.finish();
    for row in sweep.rows.iter().chain(&sweep.full) {
        let host = row.host_class.clone().unwrap_or_else(|| row.ram.to_string());
        let percent =
            row.maxmemory_percent.map_or_else(String::new, |percent| format!(" at {}", Percent(percent)));
        terminal.say_more(format!("{host}{percent}: {}, {}", row.verdict.name(), row.reason));
    }
    for failure in &sweep.failures {
        terminal.insist(format!("error: {failure}"));
    }
    Ok(sweep)
}

/// What a busy hour does to the host of the answer; nothing where the run was ended.
pub(super) fn busy_hour(
    scenario: &Scenario,
    answers: &[ClassAnswer],
    threads: Option<NonZeroUsize>,
    cancelled: &AtomicBool,
) -> anyhow::Result<Option<BusyHour>> {
    let settings = Settings { threads, keep_outcomes: false };
    match plan::busy_hour(scenario, answers, settings, cancelled) {
        Err(Trouble::Interrupted) => Ok(None),
        found => Ok(found?),
    }
}

/// What `run.json` says of `scenario` before there are answers.
pub(super) fn manifest(scenario: &Scenario, text: ScenarioText) -> Manifest {
    let risk = scenario.risk();
    let overrides = scenario.overrides().iter().map(|assignment| match assignment.target() {
        Target::Setting => format!("--set {}", assignment.text()),
        Target::Axis => format!("--axis {}", assignment.text()),
    });
    Manifest {
        scenario: text,
        overrides: overrides.collect(),
        seed: scenario.seed(),
        confidence: risk.confidence,
        incidents_per_year: risk.incidents_per_year,
        classes: Vec::new(),
        trace: None,
        shard: None,
        incomplete: false,
    }
}

/// What goes into the folder.
struct Written<'a> {
    scenario: &'a Scenario,
    grid: &'a Grid,
    sweep: &'a Sweep,
    replications: Vec<ReplicationRow>,
    manifest: &'a Manifest,
}

fn write(folder: RunFolder, written: &Written<'_>, args: &RunArgs) -> Result<(), ReportError> {
    let Written { scenario, grid, sweep, replications, manifest } = written;
    folder.write_cells(&CellTable { axes: answer::further_axes(scenario), rows: sweep.rows.clone() })?;
    if !grid.full.is_empty() {
        folder.write_full_cells(&CellTable { axes: Vec::new(), rows: sweep.full.clone() })?;
    }
    if args.keep_replications {
        folder.write_replications(replications)?;
    }
    folder.write_resolved(&scenario.resolved_toml(scenario.as_written()))?;
    if manifest.shard.is_none() {
        folder.draw(manifest)?;
    }
    folder.seal(manifest)
}

/// What it took, for the conversation.
fn summary(grid: &Grid, sweep: &Sweep, started: Instant) -> String {
    let rows = sweep.rows.iter().chain(&sweep.full);
    let replications: u64 = rows.map(|row| row.replications).sum();
    let done = sweep.rows.len() + sweep.full.len();
    let seconds = started.elapsed().as_secs_f64();
    let all = answer::cells(grid.len());
    format!("{done} of {all}, {replications} replications in {seconds:.1} s, seed {}", grid.seed)
}

fn exit(
    args: &RunArgs,
    scenario: &Scenario,
    grid: &Grid,
    sweep: &Sweep,
    cancelled: &AtomicBool,
    terminal: &Terminal,
) -> anyhow::Result<Exit> {
    if !sweep.failures.is_empty() {
        return Ok(Exit::Failed);
    }
    if cancelled.load(Ordering::SeqCst) {
        terminal.say("interrupted: the cells finished so far were kept, and --resume goes on");
        return Ok(Exit::Interrupted);
    }
    if !sweep.complete {
        return Ok(Exit::Incomplete);
    }
    let settings = Settings { threads: args.threads, keep_outcomes: false };
    if args.fail_on_risk && verdict_as_written(scenario, grid, sweep, settings, cancelled)? != Verdict::Safe {
        return Ok(Exit::Risky);
    }
    Ok(Exit::Done)
}

/// The verdict of the scenario as written: that of its cell, simulated now where the axes pass it by.
pub(super) fn verdict_as_written(
    scenario: &Scenario,
    grid: &Grid,
    sweep: &Sweep,
    settings: Settings,
    cancelled: &AtomicBool,
) -> anyhow::Result<Verdict> {
    let as_written = scenario.as_written();
    let own = grid.cells.iter().zip(&sweep.rows).find(|(cell, _)| cell.case.host == as_written.host);
    if let Some((_, row)) = own {
        return Ok(row.verdict);
    }
    verdict_alone(scenario, grid.budget, settings, cancelled)
}

/// The verdict of the scenario as written, simulated for its own sake.
pub(super) fn verdict_alone(
    scenario: &Scenario,
    budget: Budget,
    settings: Settings,
    cancelled: &AtomicBool,
) -> anyhow::Result<Verdict> {
    let grid = Grid::of([scenario.as_written().clone()], budget, scenario.seed());
    let sweep =
        sweep::run(&grid, settings, &sweep::Unwatched, cancelled).context("cannot start the threads")?;
    Ok(sweep.rows.first().map_or(Verdict::Undecided, |row| row.verdict))
}
