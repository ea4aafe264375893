//! The clusters of `--fleet`: rows of a CSV over one scenario, or a folder of INFO texts and scenarios.

use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context, bail};
use rayon::prelude::*;

use crate::cli::args::PlanArgs;
use crate::cli::exit::Exit;
use crate::cli::input;
use crate::cli::terminal::Terminal;
use crate::observe::{self, HostMemory};
use crate::scenario::fleet::FleetError;
use crate::scenario::{Assignment, Diagnostic, Origin, Report, Scenario, fleet, layout};

/// Problems that are shown of a fleet before the rest is only counted.
const MOST_SHOWN: usize = 20;

/// A cluster to be planned for.
pub struct Cluster {
    /// Its name in the CSV, or that of its file.
    pub name: String,
    /// What it is, or why its file says nothing of that.
    pub scenario: Result<Scenario, String>,
}

/// The clusters of the fleet in `path`, or what is wrong with its rows, all at once.
///
/// # Errors
///
/// Where the fleet cannot be read, or an override is no `key=value`.
pub fn read(
    path: &Path,
    args: &PlanArgs,
    overrides: &[Assignment],
) -> anyhow::Result<Result<Vec<Cluster>, Vec<Report>>> {
    if path.is_dir() {
        return of_folder(path, args, overrides);
    }
    let clusters = match fleet::read(path) {
        Err(FleetError::Invalid(report)) => return Ok(Err(vec![report])),
        read => read?,
    };
    let read: Vec<anyhow::Result<Result<Cluster, Report>>> = clusters
        .into_par_iter()
        .map(|fleet::Cluster { name, settings }| {
            let settings: Vec<Assignment> = overrides.iter().chain(&settings).cloned().collect();
            let read = input::open(&args.scenario.scenario, &settings)?;
            Ok(read.map(|scenario| Cluster { name, scenario: Ok(scenario) }))
        })
        .collect();
    let (mut clusters, mut reports) = (Vec::new(), Vec::new());
    for cluster in read {
        match cluster? {
            Ok(cluster) => clusters.push(cluster),
            Err(report) => reports.push(report),
        }
    }
    Ok(if reports.is_empty() { Ok(clusters) } else { Err(reports) })
}

/// The scenarios in a folder, and those that its INFO texts make, each named by its file. The scenario file gives
/// the risk budget and the axes; what the servers are, they say themselves. A file that says nothing of a server is a
/// cluster with a problem: the others are answered all the same.
fn of_folder(
    folder: &Path,
    args: &PlanArgs,
    overrides: &[Assignment],
) -> anyhow::Result<Result<Vec<Cluster>, Vec<Report>>> {
    let base = match input::open(&args.scenario.scenario, overrides)? {
        Ok(base) => base,
        Err(report) => return Ok(Err(vec![report])),
    };
    let mut settings = vec![
        Assignment::set(&format!("risk.incidents-per-year={}", base.risk().incidents_per_year))?,
        Assignment::set(&format!("risk.confidence={}", base.risk().confidence))?,
    ];
    for axis in base.axes() {
        settings.push(Assignment::axis(&format!("{}={}", axis.path, axis.values.join(",")))?);
    }
    settings.extend_from_slice(overrides);
    let files = files(folder)?;
    let name = |file: &Path| file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    for pair in files.windows(2) {
        if let [first, second] = pair
            && name(first) == name(second)
        {
            let (first, second) = (first.display(), second.display());
            bail!("`{first}` and `{second}` are two clusters of one name; rename or remove one");
        }
    }
    let cluster = |file: &PathBuf| Cluster { name: name(file), scenario: of_file(file, &settings) };
    Ok(Ok(files.par_iter().map(cluster).collect()))
}

/// INFO texts and scenarios, by name.
fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read `{}`", folder.display()))?;
    let mut files: Vec<PathBuf> =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
    files.retain(|file| is_scenario(file) || file.extension().is_some_and(|extension| extension == "txt"));
    files.sort_by(|a, b| (a.file_stem(), a).cmp(&(b.file_stem(), b)));
    if files.is_empty() {
        bail!("`{}` holds neither INFO texts (*.txt) nor scenarios (*.toml)", folder.display());
    }
    Ok(files)
}

fn is_scenario(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "toml")
}

fn of_file(file: &Path, settings: &[Assignment]) -> Result<Scenario, String> {
    let first = |report: Report| {
        let place = |problem: &Diagnostic| format!("{:?}: {}", problem.primary.place, problem.message);
        report.diagnostics().first().map_or_else(|| report.to_string(), place)
    };
    if is_scenario(file) {
        return Scenario::open(file, settings).map_err(first);
    }
    let named = |problem: &dyn std::fmt::Display| format!("{}: {problem}", file.display());
    let text = fs::read_to_string(file).map_err(|error| named(&error))?;
    let imported = observe::import(&[&text], &HostMemory::Reported, |engine| layout(engine).cloned());
    let imported = imported.map_err(|error| named(&error))?;
    let origin = Origin { name: file.display().to_string(), folder: PathBuf::new() };
    Scenario::read(&imported.text, &origin, settings).map_err(first)
}

/// Says what is wrong with the clusters, as far as anyone would read.
pub fn invalid(reports: &[Report], terminal: &Terminal) -> Exit {
    for report in reports.iter().take(MOST_SHOWN) {
        input::invalid(report, terminal);
    }
    if reports.len() > MOST_SHOWN {
        terminal.insist(format!("and {} more clusters with problems", reports.len() - MOST_SHOWN));
    }
    Exit::Invalid
}
