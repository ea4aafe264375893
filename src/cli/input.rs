//! Reading what the user names: files, standard input, settings on the command line.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context, bail};

use super::args::ScenarioArgs;
use super::exit::Exit;
use super::terminal::Terminal;
use crate::report::{Manifest, PartOf};
use crate::scenario::{Assignment, Colour, MalformedAssignment, Origin, Report, Scenario};

/// An input that is not there, may not be read, or is not UTF-8.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {name}")]
pub struct Unreadable {
    /// The file, or standard input.
    name: String,
    /// What the system said.
    source: io::Error,
}

/// Whether a path stands for standard input.
pub fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// The text of a file or of standard input.
///
/// # Errors
///
/// [`Unreadable`].
pub fn read(path: &Path) -> Result<String, Unreadable> {
    if is_stdin(path) {
        let mut text = String::new();
        let read = io::stdin().read_to_string(&mut text);
        let name = "standard input".to_owned();
        return read.map(|_| text).map_err(|source| Unreadable { name, source });
    }
    fs::read_to_string(path).map_err(|source| Unreadable { name: format!("`{}`", path.display()), source })
}

/// The files that a problem is about, by their numbers from 0, as the beginning of its message.
pub fn names(numbers: &[usize], files: &[PathBuf]) -> String {
    let names = numbers.iter().filter_map(|&number| files.get(number));
    let names: Vec<String> = names.map(|file| file.display().to_string()).collect();
    if names.is_empty() { String::new() } else { format!("{}: ", names.join(", ")) }
}

/// Reads a scenario, or says everything that is wrong with it: then the exit code is the error.
///
/// # Errors
///
/// Where a `--set` or `--axis` is not `key=value`.
pub fn scenario(
    args: &ScenarioArgs,
    axes: &[String],
    terminal: &Terminal,
) -> anyhow::Result<Result<Scenario, Exit>> {
    let overrides = overrides(args, axes)?;
    let read = open(&args.scenario, &overrides)?;
    Ok(match read {
        Ok(scenario) => {
            warn(&scenario, terminal);
            Ok(scenario)
        }
        Err(report) => Err(invalid(&report, terminal)),
    })
}

/// What the command line overrides, in the order in which it takes effect.
///
/// # Errors
///
/// Where a `--set` or `--axis` is not `key=value`.
pub fn overrides(args: &ScenarioArgs, axes: &[String]) -> Result<Vec<Assignment>, MalformedAssignment> {
    let mut overrides = Vec::new();
    for text in &args.set {
        overrides.push(Assignment::set(text)?);
    }
    for (key, value) in [
        ("simulation.replications", args.replications.clone()),
        ("simulation.seed", args.seed.map(|seed| seed.to_string())),
        ("risk.incidents-per-year", args.max_incidents_per_year.map(|budget| budget.to_string())),
    ] {
        if let Some(value) = value {
            overrides.push(Assignment::set(&format!("{key}={value}"))?);
        }
    }
    for text in axes {
        overrides.push(Assignment::axis(text)?);
    }
    Ok(overrides)
}

/// Reads the scenario at `path`, or standard input for `-`.
///
/// # Errors
///
/// Where it cannot be read; what is wrong with it is the inner result.
pub fn open(path: &Path, overrides: &[Assignment]) -> anyhow::Result<Result<Scenario, Report>> {
    if is_stdin(path) {
        let origin = Origin { name: "<stdin>".to_owned(), folder: PathBuf::new() };
        return Ok(Scenario::read(&read(path)?, &origin, overrides));
    }
    Ok(Scenario::open(path, overrides))
}

/// The scenario of a run, as `run.json` keeps it. What it refers to is looked for beside `moved`, the scenario's file,
/// or where `part`, the part of a run, has found it, or else in the current folder.
///
/// # Errors
///
/// Where an override is not `key=value`; what is wrong with the scenario is the inner result.
pub fn of_run(
    manifest: &Manifest,
    part: Option<&PartOf>,
    moved: Option<&Path>,
) -> Result<Result<Scenario, Report>, MalformedAssignment> {
    let overrides = manifest.overrides.iter().map(|text| match text.split_once(' ') {
        Some(("--axis", text)) => Assignment::axis(text),
        Some((_, text)) => Assignment::set(text),
        None => Assignment::set(text),
    });
    let overrides: Vec<Assignment> = overrides.collect::<Result<_, _>>()?;
    let beside = moved.map(|file| file.parent().unwrap_or(Path::new("")).to_owned());
    let folder = beside.or_else(|| part.map(|part| part.folder.clone())).unwrap_or_default();
    let name = part.map_or_else(|| format!("{}.toml", manifest.scenario.name), |part| part.origin.clone());
    Ok(Scenario::read(&manifest.scenario.text, &Origin { name, folder }, &overrides))
}

/// Says the diagnostics, and that the input is invalid.
pub fn invalid(report: &Report, terminal: &Terminal) -> Exit {
    terminal.insist(report.render(colour(terminal)));
    let plural = if report.errors() == 1 { "" } else { "s" };
    terminal.insist(format!("\n{} problem{plural} found; nothing was run", report.errors()));
    Exit::Invalid
}

/// Says what should be known of a valid scenario.
pub fn warn(scenario: &Scenario, terminal: &Terminal) {
    for warning in scenario.warnings() {
        terminal.say(warning.render(colour(terminal)));
    }
}

/// Colours of text on standard error.
fn colour(terminal: &Terminal) -> Colour {
    if terminal.colors_err { Colour::Always } else { Colour::Never }
}

/// Writes a new file and leaves an existing one alone.
///
/// # Errors
///
/// Where it exists already or cannot be written.
pub fn write_new(path: &Path, text: &str) -> anyhow::Result<()> {
    if path.exists() {
        bail!("`{}` exists already; name another file with -o", path.display());
    }
    fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))
}
