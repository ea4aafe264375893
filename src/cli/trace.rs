//! `forkcast trace`: one replication in full.

use std::path::{Path, PathBuf};

use super::args::TraceArgs;
use super::exit::Exit;
use super::input;
use super::terminal::Terminal;
use crate::model::{Outcome, Simulation, Unobserved};
use crate::report::{Manifest, RUN_JSON, ReportError, RunFolder, ScenarioText, TraceSubject, post_mortem};
use crate::scenario::{Case, Scenario};
use crate::sweep::trace as watched;
use crate::units::{Bytes, Percent};

/// Replications looked through for one that is killed, where the user names none.
const LOOKED_THROUGH: u64 = 200;

/// Runs one replication of the scenario as written and tells it.
pub fn trace(args: &TraceArgs, terminal: &Terminal) -> anyhow::Result<Exit> {
    let scenario = match input::scenario(&args.scenario, &[], terminal)? {
        Ok(scenario) => scenario,
        Err(exit) => return Ok(exit),
    };
    let case = scenario.as_written();
    let simulation = Simulation::new(case.host.clone());
    let replication = match args.replication {
        Some(replication) => replication,
        None => first_killed(&simulation, scenario.seed(), terminal)?,
    };
    let trace = watched::trace(&simulation, scenario.seed(), replication)?;

    let text = ScenarioText::new(scenario.name(), scenario.text());
    let dir = args.out.clone().unwrap_or_else(|| PathBuf::from("outputs").join(text.folder_name()));
    let own = super::run::manifest(&scenario, text, &[]);
    let subject = subject(case, replication, own.overrides.clone());
    let (folder, manifest) = beside_a_sweep(&dir, own, subject)?;
    folder.write_trace(&post_mortem::timeline_rows(&trace), &post_mortem::event_rows(&trace))?;
    folder.write_resolved(&scenario.resolved_toml(case))?;
    folder.draw(&manifest)?;
    folder.seal(&manifest)?;

    let heading = heading(&scenario, case, replication);
    let story = post_mortem::tell(&trace);
    let figures = figures(&trace.outcome);
    let files =
        format!("Files: {} (charts/timeline.png, trace/events.csv, trace/timeline.csv)", dir.display());
    terminal.answer(&[heading, story, figures, files].join("\n\n"))?;
    Ok(Exit::Done)
}

/// The first replication in which something is killed, or else replication 0.
fn first_killed(simulation: &Simulation, seed: u64, terminal: &Terminal) -> anyhow::Result<u64> {
    for replication in 0..LOOKED_THROUGH {
        if simulation.run(seed, replication, &mut Unobserved)?.oom_kills() > 0 {
            terminal.say(format!("replication {replication} is the first with an OOM kill"));
            return Ok(replication);
        }
    }
    terminal.say(format!("no OOM kill in {LOOKED_THROUGH} replications; this is replication 0"));
    Ok(0)
}

/// The folder to write to: the trace joins a sweep of the same scenario, and takes the place of anything else.
fn beside_a_sweep(
    dir: &Path,
    own: Manifest,
    subject: TraceSubject,
) -> Result<(RunFolder, Manifest), ReportError> {
    let sweep = Manifest::read(&dir.join(RUN_JSON)).ok();
    let same = sweep.filter(|sweep| sweep.scenario == own.scenario);
    let trace = Some(subject);
    match same {
        Some(sweep) => Ok((RunFolder::extend(dir)?, Manifest { trace, ..sweep })),
        None => Ok((RunFolder::create(dir)?, Manifest { trace, ..own })),
    }
}

fn subject(case: &Case, replication: u64, overrides: Vec<String>) -> TraceSubject {
    TraceSubject {
        host_class: case.host_class.clone(),
        ram_bytes: case.ram.0,
        maxmemory_bytes: case.maxmemory.map(|limit| limit.0),
        maxmemory_percent: case.maxmemory_percent,
        replication,
        overrides,
    }
}

fn heading(scenario: &Scenario, case: &Case, replication: u64) -> String {
    let host = case.host_class.as_ref().map_or_else(String::new, |class| format!("{class}, "));
    let limit = match (case.maxmemory, case.maxmemory_percent) {
        (Some(limit), Some(percent)) => format!("maxmemory {limit} ({})", Percent(percent)),
        (Some(limit), None) => format!("maxmemory {limit}"),
        (None, _) => "no maxmemory".to_owned(),
    };
    let ram: Bytes = case.ram;
    format!(
        "{}: {host}{ram} of RAM, {limit}; seed {}, replication {replication}",
        scenario.name(),
        scenario.seed()
    )
}

fn figures(outcome: &Outcome) -> String {
    let kills = match (outcome.incidents(), outcome.oom_kills() - outcome.incidents()) {
        (0, 0) => "nothing was killed".to_owned(),
        (server, 0) => format!("the server was killed {}", times(server)),
        (0, child) => format!("a child was killed {}", times(child)),
        (server, child) => format!("the server was killed {}, a child {}", times(server), times(child)),
    };
    format!(
        "In all: {kills}; {} saves and rewrites done, {} failed; at most {} copied in one fork and {} in use; at least {} \
         free or droppable; {} without service.",
        outcome.saves,
        outcome.save_failures,
        outcome.cow_peak,
        outcome.peak_memory,
        outcome.free_min,
        outcome.downtime,
    )
}

fn times(count: u32) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}
