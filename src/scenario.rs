//! The scenario: what the user wrote, checked and resolved.
//!
//! Owns the scenario language: its settings and defaults, diagnostics with places, the host-class
//! catalogue, layout profiles, recorded traffic and the JSON Schema. A [`Scenario`] cannot be invalid:
//! every problem of a text is found by [`Scenario::read`], all at once, and nothing downstream checks again.
//! Leaves simulation to `model` and the crossing of axes to `sweep`.
//!
//! ```text
//! text ─► tree ─► reading ─► check ─► case ─► model::Host
//!         places   values    between   one cell
//!                  by table  settings
//! ```
//!
//! Read `settings` first: every setting stands in that table, and what it means in `defaults.toml`.
//!
//! ```
//! use forkcast::scenario::{Origin, Report, Scenario, init_text};
//!
//! let origin = Origin { name: "my-host.toml".into(), folder: ".".into() };
//! let scenario = Scenario::read(init_text(), &origin, &[])?;
//! let case = scenario.at(&[("server.maxmemory-percent", "60")])?;
//! assert_eq!(case.maxmemory.unwrap().to_string(), "19.2 GiB");
//!
//! let report = Scenario::read("[host]\nram = \"64 GB\"", &origin, &[]).unwrap_err();
//! assert!(report.to_string().contains("`GB` means 10^9 on a price list and 2^30 in valkey.conf"));
//! # Ok::<(), Report>(())
//! ```

mod assignment;
mod axis;
mod case;
mod check;
pub mod classes;
pub mod code;
pub(crate) mod defaults;
pub mod diagnostic;
mod explain;
pub mod fleet;
mod kind;
mod nearest;
pub mod one_save;
mod profile;
mod reading;
mod resolved;
mod schema;
mod settings;
mod sheet;
pub mod source;
mod trace;
mod tree;
mod value;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use assignment::{Assignment, MalformedAssignment, Target};
pub use axis::Axis;
pub use case::Case;
pub use classes::HostClass;
pub use code::Code;
pub use diagnostic::{Colour, Diagnostic, Label, Report, Severity};
pub use explain::{explain, explained};
pub use profile::find as layout;
pub use schema::json_schema;
pub use settings::MAXMEMORY_POLICIES;
pub use sheet::Sheet;
pub use source::{Place, Source};

use crate::units::SimDuration;
use reading::{Readings, SWEEP};
use trace::Traces;
use tree::Node;

/// Where a scenario comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// What to call the text in diagnostics: the path of the file, or `<stdin>`.
    pub name: String,
    /// The folder that relative paths in it start from.
    pub folder: PathBuf,
}

/// The budget that a verdict is held against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Risk {
    /// Incidents that are accepted [1/year], per host.
    pub incidents_per_year: f64,
    /// Confidence of the intervals, in (0.5, 1).
    pub confidence: f64,
    /// The share of the hosts that the inputs may describe which are to hold the budget, each by itself, in [0.5, 1);
    /// `None` where their average is to hold it.
    pub assurance: Option<f64>,
}

/// How many replications a cell gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replications {
    /// As many as the verdict needs.
    Auto,
    /// This many.
    Fixed(u64),
}

/// A checked scenario with its axes.
#[derive(Clone, Debug)]
pub struct Scenario {
    text: String,
    origin: Origin,
    overrides: Vec<Assignment>,
    tree: Node,
    axes: Vec<Axis>,
    traces: Traces,
    as_written: Case,
    warnings: Vec<Diagnostic>,
}

/// A commented scenario to start from.
pub const fn init_text() -> &'static str {
    include_str!("scenario/init.toml")
}

impl Scenario {
    /// Reads the file at `path`.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, or that it cannot be read.
    pub fn open(path: &Path, overrides: &[Assignment]) -> Result<Self, Report> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(&name, &error))?;
        let folder = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
        Self::read(&text, &Origin { name, folder }, overrides)
    }

    /// Reads a text. `overrides` take effect in their order; an axis among them replaces the one of its path.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, in the text, the overrides and at every value of every axis.
    pub fn read(text: &str, origin: &Origin, overrides: &[Assignment]) -> Result<Self, Report> {
        let source = Arc::new(Source { name: origin.name.clone(), text: text.to_owned() });
        let mut tree = Node::parse(&source).map_err(|problem| Report::new(vec![*problem]))?;
        let mut problems = Vec::new();
        for assignment in overrides {
            problems.extend(assign(&mut tree, assignment));
        }
        let axes = axis::read(tree.get(SWEEP), &mut problems);
        for axis in &axes {
            problems.extend(start(&mut tree, axis));
        }
        let mut traces = Traces::default();
        let folder = &origin.folder;
        let as_written = resolve(&tree, traces.loaded_for(&tree, folder), folder);
        for cell in axes.iter().flat_map(|axis| cells(&tree, axis)) {
            let case = match cell {
                Ok(cell) => resolve(&cell, traces.loaded_for(&cell, folder), folder),
                Err(problem) => Err(vec![*problem]),
            };
            problems.extend(case.map_or_else(|more| more, |case| case.warnings));
        }
        let as_written = match as_written {
            Ok(case) if problems.iter().all(|problem| problem.severity() == Severity::Warning) => case,
            Ok(_) => return Err(Report::new(problems)),
            Err(more) => {
                problems.extend(more);
                return Err(Report::new(problems));
            }
        };
        problems.extend(as_written.warnings.iter().cloned());
        let warnings = Report::new(problems).diagnostics().to_vec();
        let (text, origin, overrides) = (text.to_owned(), origin.clone(), overrides.to_vec());
        Ok(Self { text, origin, overrides, tree, axes, traces, as_written, warnings })
    }

    /// The scenario at the given values of axes or other settings, as [`Axis`] gives them; what is not
    /// named is as written. An override of one of two settings that exclude each other replaces the other.
    ///
    /// # Errors
    ///
    /// What is wrong with this combination.
    pub fn at(&self, overrides: &[(&str, &str)]) -> Result<Case, Report> {
        let mut tree = self.tree.clone();
        for (path, value) in overrides {
            let known = self.axes.iter().find(|axis| axis.path == *path).and_then(|axis| {
                let position = axis.values.iter().position(|known| known == value)?;
                Some((axis, axis.nodes[position].clone()))
            });
            let moved = match known {
                Some((axis, node)) => put(&mut tree, &axis.keys, node, &axis.key_place),
                None => put_text(&mut tree, path, value),
            };
            moved.map_err(|problem| Report::new(vec![*problem]))?;
        }
        resolve(&tree, &self.traces, &self.origin.folder).map_err(Report::new)
    }

    /// Its name: as given, or that of its file where it can name a folder.
    pub fn name(&self) -> &str {
        let file = Path::new(&self.origin.name).file_stem().and_then(|stem| stem.to_str());
        let file = file.filter(|stem| kind::is_name(stem));
        self.as_written.readings.once("").text("name").or(file).unwrap_or("scenario")
    }

    /// The text as it was read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where it comes from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// What the command line changed.
    pub fn overrides(&self) -> &[Assignment] {
        &self.overrides
    }

    /// What should be known of it, over all values of the axes.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// The scenario as written: the same as [`Scenario::at`] no axis value.
    pub fn as_written(&self) -> &Case {
        &self.as_written
    }

    /// The budget.
    pub fn risk(&self) -> Risk {
        let risk = self.as_written.readings.once("risk");
        Risk {
            incidents_per_year: risk.number("incidents-per-year"),
            confidence: risk.number("confidence"),
            assurance: (!risk.is_word("assurance")).then(|| risk.number("assurance")),
        }
    }

    /// Whether the setting at a dotted path is left to its default in the scenario as written; a keyspace is entered by
    /// its name, a job by its number.
    pub fn is_default(&self, path: &str) -> bool {
        let Some((section, key)) = path.rsplit_once('.') else { return false };
        let readings = &self.as_written.readings;
        let is_left_out = |group: &reading::Group| group.given(key).is_none() && group.derived(key).is_none();
        if let Some(name) = section.strip_prefix("keyspace.") {
            let named = readings.each("keyspace").iter().find(|group| group.text("name") == Some(name));
            return named.is_some_and(is_left_out);
        }
        settings::section(section).is_some_and(|section| !section.is_repeated)
            && is_left_out(readings.once(section))
    }

    /// The root of all random numbers.
    pub fn seed(&self) -> u64 {
        self.as_written.readings.once("simulation").whole("seed")
    }

    /// How many replications a cell gets.
    pub fn replications(&self) -> Replications {
        let simulation = self.as_written.readings.once("simulation");
        if simulation.is_word("replications") {
            Replications::Auto
        } else {
            Replications::Fixed(simulation.whole("replications"))
        }
    }

    /// How long a replication lasts, as written.
    pub fn horizon(&self) -> SimDuration {
        self.as_written.host.horizon
    }

    /// The axes: `host.class` first, then `server.maxmemory-percent`, then the others in order of writing.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// Whether it names a host of its own although axes of hosts take its place in every cell.
    pub fn has_host_beside_axes(&self) -> bool {
        let hosts: Vec<&Axis> =
            self.axes.iter().filter(|axis| axis::HOSTS.contains(&axis.path.as_str())).collect();
        let host = self.as_written.readings.once("host");
        let of_axis =
            |place: &Place| hosts.iter().flat_map(|axis| &axis.nodes).any(|node| node.place == *place);
        let given = ["class", "ram"].into_iter().filter_map(|key| host.given(key));
        !hosts.is_empty() && given.map(|given| &given.place).any(|place| !of_axis(place))
    }

    /// `case` as a scenario in TOML that spells out every setting and says where it comes from.
    pub fn resolved_toml(&self, case: &Case) -> String {
        resolved::to_toml(self.name(), &self.origin.name, None, case)
    }

    /// The same as a scenario to be read from any folder: the path of recorded traffic in it is absolute.
    pub fn standalone_toml(&self, case: &Case) -> String {
        resolved::to_toml(self.name(), &self.origin.name, Some(&self.origin.folder), case)
    }
}

fn unreadable(name: &str, error: &std::io::Error) -> Report {
    let source = Arc::new(Source { name: name.to_owned(), text: String::new() });
    let message = format!("cannot read `{name}`: {error}");
    let problem = Diagnostic::new(Code::Unreadable, message, &Place::new(&source, 0..0), "");
    Report::new(vec![problem.help("`forkcast init > scenario.toml` writes a scenario to start from")])
}

/// A tree as a case, or everything wrong with it, warnings included.
fn resolve(tree: &Node, traces: &Traces, folder: &Path) -> Result<Case, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut readings = Readings::of(tree, &mut problems);
    check::check(&readings, traces, folder, &mut problems);
    if problems.iter().any(|problem| problem.severity() == Severity::Error) {
        return Err(problems);
    }
    case::derive(&mut readings);
    let trace = readings.once("traffic").text("trace").map(|name| traces.get(folder, name));
    let days = trace.as_deref().and_then(|trace| trace.as_ref().ok());
    Ok(Case::build(readings, days, problems))
}

/// The tree at each value of an axis, everything else as written.
fn cells<'a>(tree: &'a Node, axis: &'a Axis) -> impl Iterator<Item = Result<Node, Box<Diagnostic>>> + 'a {
    axis.nodes.iter().map(|node| {
        let mut cell = tree.clone();
        put(&mut cell, &axis.keys, node.clone(), &axis.key_place)?;
        Ok(cell)
    })
}

/// Puts an assignment into the tree.
fn assign(tree: &mut Node, assignment: &Assignment) -> Option<Diagnostic> {
    let Assignment { target, path, path_text, key_place, value, .. } = assignment;
    let moved = match target {
        Target::Setting => put(tree, path, value.clone(), key_place),
        Target::Axis => {
            let path = [SWEEP.to_owned(), path_text.clone()];
            tree.set(&path, value.clone(), key_place)
        }
    };
    moved.err().map(|problem| *problem)
}

/// An axis over a setting that is neither written nor has a default starts at its first value.
fn start(tree: &mut Node, axis: &Axis) -> Option<Diagnostic> {
    let (key, parent) = axis.keys.split_last()?;
    let section = settings::section_at(parent)?;
    let has_default = defaults::find(section.path, key).is_some_and(|entry| entry.value.is_some());
    let mut others = settings::alternatives(parent, key).into_iter();
    let is_written = |key: &str| tree.at(parent).is_some_and(|table| table.get(key).is_some());
    if has_default || is_written(key) || others.any(is_written) {
        return None;
    }
    put(tree, &axis.keys, axis.nodes.first()?.clone(), &axis.key_place).err().map(|problem| *problem)
}

/// Sets a value, and drops the settings that it excludes.
fn put(tree: &mut Node, path: &[String], value: Node, key_place: &Place) -> Result<(), Box<Diagnostic>> {
    tree.set(path, value, key_place)?;
    if let Some((key, parent)) = path.split_last()
        && let Some(table) = tree.at_mut(parent)
    {
        for other in settings::alternatives(parent, key) {
            table.remove(other);
        }
    }
    Ok(())
}

fn put_text(tree: &mut Node, path: &str, value: &str) -> Result<(), Box<Diagnostic>> {
    let text = format!("{path}={value}");
    match Assignment::parse(Target::Setting, "<cell>", &text) {
        Ok(Assignment { path, value, key_place, .. }) => put(tree, &path, value, &key_place),
        Err(error) => {
            let source = Arc::new(Source { name: "<cell>".to_owned(), text: text.clone() });
            let place = Place::new(&source, 0..text.len());
            Err(Box::new(Diagnostic::new(Code::NoSuchTarget, error.to_string(), &place, "no path")))
        }
    }
}

#[cfg(test)]
mod tests;
