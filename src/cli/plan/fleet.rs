//! `forkcast plan --fleet`: a row of answers a cluster, in the order of the file, written as they come.
//!
//! Rows go to a file beside the one asked for, `FILE.partial`, which takes its name when the last row is there; what is
//! left of an earlier attempt is taken up with `--resume`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use anyhow::{Context, bail};
use rayon::prelude::*;

use super::clusters::{self, Cluster};
use crate::cli::args::{Format, PlanArgs};
use crate::cli::exit::Exit;
use crate::cli::terminal::Terminal;
use crate::cli::{input, run};
use crate::plan::{self, ClusterAnswer, Trouble};
use crate::report::sha256;
use crate::scenario::Assignment;
use crate::sweep::Settings;

const HEADER: [&str; 11] = [
    "cluster",
    "needed_bytes",
    "host_class",
    "ram_bytes",
    "set_percent",
    "survivable_percent_high",
    "incidents_per_year_high",
    "free_min_p01_bytes",
    "main_cause",
    "verdict",
    "reason",
];

/// Clusters that are planned at a time, for each thread: what is lost where it is killed.
const AT_A_TIME: usize = 4;

/// Plans for every cluster of the fleet in `path`.
pub fn plan(path: &Path, args: &PlanArgs, terminal: &Terminal) -> anyhow::Result<Exit> {
    let overrides = input::overrides(&args.scenario, &args.axis)?;
    let fleet = match clusters::read(path, args, &overrides)? {
        Ok(fleet) => fleet,
        Err(reports) => return Ok(clusters::invalid(&reports, terminal)),
    };
    if args.format == Format::Json {
        bail!("a fleet is rows as they come: CSV, not one JSON document");
    }
    let cancelled = run::cancelled_by_ctrl_c()?;
    let mut rows = Rows::open(args, &fingerprint(&fleet, &overrides))?;
    let Some(left) = rows.left(&fleet) else {
        return Err(AnotherFleet(rows.partial()).into());
    };
    let threads = args.threads.map_or(0, std::num::NonZeroUsize::get);
    let pool =
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("cannot start the threads")?;
    for clusters in left.chunks(AT_A_TIME * pool.current_num_threads()) {
        // The sweeps of a cluster share the pool: neither many small clusters nor one large one leave a thread idle.
        let answer = |cluster: &Cluster| {
            let scenario = cluster.scenario.as_ref().map_err(Clone::clone)?;
            Ok(plan::cluster(scenario, ALONE, &cancelled))
        };
        let answers: Vec<Result<Result<ClusterAnswer, Trouble>, String>> =
            pool.install(|| clusters.par_iter().map(answer).collect());
        for (Cluster { name, .. }, answer) in clusters.iter().zip(answers) {
            let answer = match answer {
                Ok(answer) => answer,
                Err(problem) => {
                    rows.write(&unread(name, &problem))?;
                    continue;
                }
            };
            match answer {
                Ok(answer) => rows.write(&row(name, &answer))?,
                Err(Trouble::Interrupted) if cancelled.load(Ordering::SeqCst) => {
                    terminal.say("interrupted: the rows so far were kept, go on with --resume");
                    return Ok(Exit::Interrupted);
                }
                Err(trouble) => return Err(anyhow::Error::from(trouble).context(format!("cluster `{name}`"))),
            }
        }
    }
    rows.finish()?;
    Ok(if fleet.iter().all(|cluster| cluster.scenario.is_ok()) { Exit::Done } else { Exit::Incomplete })
}

/// Rows that are not of this fleet.
#[derive(Debug, thiserror::Error)]
#[error("the rows in `{}` are of another fleet, scenario or setting; leave out --resume to begin anew", .0.display())]
pub struct AnotherFleet(PathBuf);

/// What the rows follow from: the version, the clusters and all that is set.
fn fingerprint(fleet: &[Cluster], overrides: &[Assignment]) -> String {
    let settings =
        |settings: &[Assignment]| settings.iter().map(Assignment::text).collect::<Vec<_>>().join("\n");
    let mut text = env!("CARGO_PKG_VERSION").to_owned() + &settings(overrides);
    for Cluster { name, scenario } in fleet {
        let (scenario, settings) = match scenario {
            Ok(scenario) => (scenario.text(), settings(scenario.overrides())),
            Err(problem) => (problem.as_str(), String::new()),
        };
        for part in ["\n", name, "\n", scenario, &settings] {
            text += part;
        }
    }
    sha256(text.as_bytes())
}

/// A cluster's own sweeps run on one thread: the clusters are what runs in parallel.
const ALONE: Settings = Settings { threads: std::num::NonZeroUsize::new(1), keep_outcomes: false };

/// The row of a cluster that cannot be read, in one line.
fn unread(name: &str, problem: &str) -> [String; 11] {
    let mut row: [String; 11] = Default::default();
    name.clone_into(&mut row[0]);
    "invalid".clone_into(&mut row[9]);
    row[10] = problem.split_whitespace().collect::<Vec<_>>().join(" ");
    row
}

fn row(name: &str, answer: &ClusterAnswer) -> [String; 11] {
    let class = &answer.class;
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    [
        name.to_owned(),
        answer.needed.0.to_string(),
        class.host_class.clone().unwrap_or_default(),
        class.ram.0.to_string(),
        number(answer.percent),
        number(class.survivable_percent_high),
        number(answer.incidents_per_year_high),
        class.free_min_p01.map(|free| free.0.to_string()).unwrap_or_default(),
        class.main_cause.map(|cause| cause.name().to_owned()).unwrap_or_default(),
        class.verdict.name().to_owned(),
        class.reason.clone(),
    ]
}

/// Where the rows go.
struct Rows {
    out: Option<(PathBuf, File)>,
    /// Clusters whose rows are there already.
    done: Vec<String>,
}

impl Rows {
    fn open(args: &PlanArgs, fingerprint: &str) -> anyhow::Result<Self> {
        let Some(path) = &args.out else {
            io::stdout().write_all(line(&HEADER.map(str::to_owned))?.as_bytes())?;
            return Ok(Self { out: None, done: Vec::new() });
        };
        if fs::metadata(path).is_ok_and(|target| !target.is_file()) {
            bail!(
                "`{}` is no file that could be replaced; without -o rows go to standard output",
                path.display()
            );
        }
        let partial = beside(path);
        let cannot = || format!("cannot write `{}`", partial.display());
        let done = if args.resume { whole_rows(&partial).with_context(cannot)? } else { None };
        let is_new = done.is_none();
        let of = fingerprint_file(path);
        if !is_new && fs::read_to_string(&of).is_ok_and(|known| known != fingerprint) {
            return Err(AnotherFleet(partial).into());
        }
        fs::write(&of, fingerprint).with_context(cannot)?;
        let options = OpenOptions::new().create(true).append(true).clone();
        if is_new && partial.exists() {
            fs::remove_file(&partial).with_context(cannot)?;
        }
        let file = options.open(&partial).with_context(cannot)?;
        let mut rows = Self { out: Some((path.clone(), file)), done: done.unwrap_or_default() };
        if is_new {
            rows.put(&line(&HEADER.map(str::to_owned))?)?;
        }
        Ok(rows)
    }

    fn partial(&self) -> PathBuf {
        self.out.as_ref().map(|(path, _)| beside(path)).unwrap_or_default()
    }

    /// The clusters without a row; `None` where the rows are not those of the first clusters.
    fn left<'a>(&self, fleet: &'a [Cluster]) -> Option<&'a [Cluster]> {
        let same = fleet.iter().zip(&self.done).all(|(cluster, done)| cluster.name == *done);
        fleet.get(self.done.len()..).filter(|_| same)
    }

    fn write(&mut self, row: &[String; 11]) -> anyhow::Result<()> {
        let line = line(row)?;
        self.put(&line)
    }

    fn put(&mut self, line: &str) -> anyhow::Result<()> {
        match &mut self.out {
            None => {
                let mut out = io::stdout().lock();
                out.write_all(line.as_bytes())?;
                out.flush()?;
            }
            Some((path, file)) => {
                let cannot = || format!("cannot write `{}`", beside(path).display());
                file.write_all(line.as_bytes()).and_then(|()| file.sync_data()).with_context(cannot)?;
            }
        }
        Ok(())
    }

    /// The file is whole: it gets its name.
    fn finish(self) -> anyhow::Result<()> {
        if let Some((path, file)) = self.out {
            drop(file);
            fs::rename(beside(&path), &path).with_context(|| format!("cannot write `{}`", path.display()))?;
            fs::remove_file(fingerprint_file(&path)).context("cannot remove the fingerprint of the rows")?;
        }
        Ok(())
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

/// Where it is written down what the rows so far follow from.
fn fingerprint_file(path: &Path) -> PathBuf {
    let mut name = beside(path).into_os_string();
    name.push(".of");
    PathBuf::from(name)
}

fn line(fields: &[String; 11]) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(fields)?;
    Ok(String::from_utf8(writer.into_inner()?)?)
}

/// Names of the clusters whose rows are whole, and cuts off what is not; `None` where there is no such file.
fn whole_rows(partial: &Path) -> io::Result<Option<Vec<String>>> {
    let text = match fs::read_to_string(partial) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // No field holds a line break: a row is whole where its line has an end.
    let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
    if whole.is_empty() {
        return Ok(None);
    }
    OpenOptions::new().write(true).open(partial)?.set_len(whole.len() as u64)?;
    let mut reader = csv::Reader::from_reader(whole.as_bytes());
    let names = reader.records().filter_map(|record| record.ok()?.get(0).map(str::to_owned));
    Ok(Some(names.collect()))
}
