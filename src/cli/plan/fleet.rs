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

use crate::cli::args::{Format, PlanArgs};
use crate::cli::exit::Exit;
use crate::cli::terminal::Terminal;
use crate::cli::{input, run};
use crate::observe::{self, HostMemory};
use crate::plan::{self, ClusterAnswer, Trouble};
use crate::report::sha256;
use crate::scenario::fleet::{self, Cluster};
use crate::scenario::{Assignment, Origin, Report, Scenario, layout};
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

/// Problems that are shown of a fleet before the rest is only counted.
const MOST_SHOWN: usize = 20;

/// Plans for every cluster of the fleet in `path`.
pub fn plan(path: &Path, args: &PlanArgs, terminal: &Terminal) -> anyhow::Result<Exit> {
    let overrides = input::overrides(&args.scenario, &args.axis)?;
    let fleet = match scenarios(path, args, &overrides)? {
        Ok(fleet) => fleet,
        Err(reports) => return Ok(invalid(&reports, terminal)),
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
        let answers: Vec<Result<ClusterAnswer, Trouble>> = pool.install(|| {
            clusters.par_iter().map(|(_, scenario)| plan::cluster(scenario, ALONE, &cancelled)).collect()
        });
        for ((name, _), answer) in clusters.iter().zip(answers) {
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
    Ok(Exit::Done)
}

/// Rows that are not of this fleet.
#[derive(Debug, thiserror::Error)]
#[error("the rows in `{}` are of another fleet, scenario or setting; leave out --resume to begin anew", .0.display())]
pub struct AnotherFleet(PathBuf);

/// What the rows follow from: the version, the clusters and all that is set.
fn fingerprint(fleet: &Fleet, overrides: &[Assignment]) -> String {
    let settings =
        |settings: &[Assignment]| settings.iter().map(Assignment::text).collect::<Vec<_>>().join("\n");
    let mut text = env!("CARGO_PKG_VERSION").to_owned() + &settings(overrides);
    for (name, scenario) in fleet {
        for part in ["\n", name, "\n", scenario.text(), &settings(scenario.overrides())] {
            text += part;
        }
    }
    sha256(text.as_bytes())
}

/// A cluster's own sweeps run on one thread: the clusters are what runs in parallel.
const ALONE: Settings = Settings { threads: std::num::NonZeroUsize::new(1), keep_outcomes: false };

type Fleet = Vec<(String, Scenario)>;

/// The scenario of each cluster, or what is wrong with them.
fn scenarios(
    path: &Path,
    args: &PlanArgs,
    overrides: &[Assignment],
) -> anyhow::Result<Result<Fleet, Vec<Report>>> {
    if path.is_dir() {
        return of_infos(path, args, overrides);
    }
    let clusters: Vec<Cluster> = fleet::read(path)?;
    let read: Vec<anyhow::Result<Result<(String, Scenario), Report>>> = clusters
        .into_par_iter()
        .map(|cluster| {
            let settings: Vec<Assignment> = overrides.iter().chain(&cluster.settings).cloned().collect();
            let read = input::open(&args.scenario.scenario, &settings)?;
            Ok(read.map(|scenario| (cluster.name, scenario)))
        })
        .collect();
    let read = read.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    Ok(all_or_reports(read))
}

/// The scenarios in a folder, and those that its INFO texts make, each named by its file. The scenario file gives
/// the risk budget and the axes; what the servers are, they say themselves.
fn of_infos(
    folder: &Path,
    args: &PlanArgs,
    overrides: &[Assignment],
) -> anyhow::Result<Result<Fleet, Vec<Report>>> {
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
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read `{}`", folder.display()))?;
    let mut files: Vec<PathBuf> =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
    let is_scenario = |file: &Path| file.extension().is_some_and(|extension| extension == "toml");
    files.retain(|file| is_scenario(file) || file.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    if files.is_empty() {
        bail!("`{}` holds neither INFO texts (*.txt) nor scenarios (*.toml)", folder.display());
    }
    let read = files.iter().map(|file| {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if is_scenario(file) {
            return Ok(input::open(file, &settings)?.map(|scenario| (name, scenario)));
        }
        let text = input::read(file)?;
        let imported = observe::import(&[&text], &HostMemory::Reported, |engine| layout(engine).cloned());
        let imported = imported.with_context(|| file.display().to_string())?;
        let origin = Origin { name: file.display().to_string(), folder: PathBuf::new() };
        Ok(Scenario::read(&imported.text, &origin, &settings).map(|scenario| (name, scenario)))
    });
    Ok(all_or_reports(read.collect::<anyhow::Result<Vec<_>>>()?))
}

fn all_or_reports(read: Vec<Result<(String, Scenario), Report>>) -> Result<Fleet, Vec<Report>> {
    let (mut fleet, mut reports) = (Vec::new(), Vec::new());
    for cluster in read {
        match cluster {
            Ok(cluster) => fleet.push(cluster),
            Err(report) => reports.push(report),
        }
    }
    if reports.is_empty() { Ok(fleet) } else { Err(reports) }
}

/// Says what is wrong with the clusters, as far as anyone would read.
fn invalid(reports: &[Report], terminal: &Terminal) -> Exit {
    for report in reports.iter().take(MOST_SHOWN) {
        input::invalid(report, terminal);
    }
    if reports.len() > MOST_SHOWN {
        terminal.insist(format!("and {} more clusters with problems", reports.len() - MOST_SHOWN));
    }
    Exit::Invalid
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
    fn left<'a>(&self, fleet: &'a [(String, Scenario)]) -> Option<&'a [(String, Scenario)]> {
        let same = fleet.iter().zip(&self.done).all(|((name, _), done)| name == done);
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
