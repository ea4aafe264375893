//! `forkcast trace`: one replication in full.

use std::path::{Path, PathBuf};

use super::args::TraceArgs;
use super::exit::Exit;
use super::input;
use super::terminal::Terminal;
use crate::model::{Cause, Outcome, PerCause, Simulation, Unobserved};
use crate::report::{Manifest, RUN_JSON, ReportError, RunFolder, ScenarioText, TraceSubject, post_mortem};
use crate::scenario::{Case, Scenario};
use crate::sweep::trace as watched;
use crate::sweep::words::rate;
use crate::units::{Bytes, Percent};

/// Replications looked through for one in which something goes wrong, where the user names none.
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
        None => worth_telling(&simulation, scenario.seed(), terminal)?,
    };
    let trace = watched::trace(&simulation, scenario.seed(), replication)?;

    let text = ScenarioText::new(scenario.name(), scenario.text());
    let dir = args.out.clone().unwrap_or_else(|| PathBuf::from("outputs").join(text.folder_name()));
    let own = super::run::manifest(&scenario, text);
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

/// The first replication with an OOM kill, or else with anything that went wrong, or else replication 0.
fn worth_telling(simulation: &Simulation, seed: u64, terminal: &Terminal) -> anyhow::Result<u64> {
    let mut troubled = None;
    for replication in 0..LOOKED_THROUGH {
        let outcome = simulation.run(seed, replication, &mut Unobserved)?;
        if outcome.oom_kills() > 0 {
            terminal.say(format!("replication {replication} is the first with an OOM kill"));
            return Ok(replication);
        }
        if troubled.is_none() && (outcome.incidents() > 0 || outcome.save_failures > 0) {
            troubled = Some(replication);
        }
    }
    let found = match troubled {
        Some(replication) => format!("replication {replication} is the first in which anything went wrong"),
        None => "this is replication 0".to_owned(),
    };
    terminal.say(format!("no OOM kill in {LOOKED_THROUGH} replications; {found}"));
    Ok(troubled.unwrap_or(0))
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
        ram_bytes: case.memory.0,
        is_limited: case.host.machine.container.is_some(),
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
    let size = case.memory;
    let kind = if case.host.machine.container.is_some() { "for the container" } else { "of RAM" };
    let servers = match case.host.tenancy.servers {
        0 | 1 => String::new(),
        n => format!("{n} servers with "),
    };
    format!(
        "{}: {host}{size} {kind}, {servers}{limit}; seed {}, replication {replication}",
        scenario.name(),
        scenario.seed()
    )
}

/// The figures of the replication.
fn figures(outcome: &Outcome) -> String {
    let parts = [
        what_went_wrong(outcome),
        format!("{} saves and rewrites done, {} failed", outcome.saves, outcome.save_failures),
        format!("at most {} copied in one fork and {} in use", outcome.cow_peak, outcome.peak_memory),
        format!("at least {} free or droppable", outcome.free_min),
        format!("{} without service", outcome.downtime),
    ];
    let swapped =
        (outcome.swap_peak > Bytes::ZERO).then(|| format!("at most {} swapped out", outcome.swap_peak));
    let waited = (outcome.replica_buffer_peak > Bytes::ZERO)
        .then(|| format!("at most {} waited for replicas beyond the backlog", outcome.replica_buffer_peak));
    let lost = (outcome.lost_writes >= 0.5)
        .then(|| format!("{} acknowledged writes lost", rate(outcome.lost_writes)));
    let all: Vec<String> = parts.into_iter().chain(swapped).chain(waited).chain(lost).collect();
    format!("In all: {}.", all.join("; "))
}

/// Everything that went wrong, with how often.
fn what_went_wrong(outcome: &Outcome) -> String {
    let sum = |counts: &PerCause<u32>| Cause::ALL.into_iter().map(|cause| counts[cause]).sum::<u32>();
    let counts = [
        ("a server was killed", sum(&outcome.server_kills)),
        ("a child was killed", sum(&outcome.child_kills)),
        ("a host stalled for over 10 s", sum(&outcome.stalls)),
        ("a fork was refused", sum(&outcome.forks_refused)),
        ("a full sync was cut short", outcome.syncs_cut),
        ("full syncs looped", outcome.sync_loops),
        ("a replica aborted", outcome.replica_panics),
        ("a replica was promoted", outcome.failovers),
    ];
    let happened = counts.into_iter().filter(|&(_, count)| count > 0);
    let texts: Vec<String> = happened.map(|(what, count)| format!("{what} {}", times(count))).collect();
    if texts.is_empty() { "nothing was killed".to_owned() } else { texts.join(", ") }
}

fn times(count: u32) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_name_what_went_wrong_and_only_that() {
        let quiet = Outcome { saves: 30, peak_memory: Bytes::gib(9), ..Outcome::default() };
        let mut troubled = Outcome {
            syncs_cut: 7,
            sync_loops: 2,
            failovers: 1,
            replica_buffer_peak: Bytes::mib(256),
            lost_writes: 12_345.0,
            ..quiet.clone()
        };
        troubled.server_kills[Cause::Backup] = 1;
        troubled.stalls[Cause::FullSync] = 1;
        insta::assert_snapshot!([figures(&quiet), figures(&troubled)].join("\n"), @"
        In all: nothing was killed; 30 saves and rewrites done, 0 failed; at most 0 B copied in one fork and 9 GiB in use; at least 0 B free or droppable; 0 ms without service.
        In all: a server was killed once, a host stalled for over 10 s once, a full sync was cut short 7 times, full syncs looped 2 times, a replica was promoted once; 30 saves and rewrites done, 0 failed; at most 0 B copied in one fork and 9 GiB in use; at least 0 B free or droppable; 0 ms without service; at most 256 MiB waited for replicas beyond the backlog; 12,345 acknowledged writes lost.
        ");
    }
}
