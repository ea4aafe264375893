//! The rows of a fleet: a file that grows, and is whole when it has its name.
//!
//! Rows go to a file beside the one asked for, `FILE.partial`, which takes its name when the last row is there; what is
//! left of an earlier attempt is taken up with `--resume`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::clusters::Cluster;
use crate::cli::args::PlanArgs;
use crate::plan::{ClusterAnswer, OwnHost};

const HEADER: [&str; 13] = [
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
    "own_host",
    "own_verdict",
    "reason",
];

/// Rows that are not of this fleet.
#[derive(Debug, thiserror::Error)]
#[error("the rows in `{}` are of another fleet, scenario or setting; leave out --resume to begin anew", .0.display())]
pub struct AnotherFleet(PathBuf);

/// The answers of a cluster. What is said of its own host is empty where the row is of that host.
fn row(name: &str, answer: &ClusterAnswer) -> [String; 13] {
    let class = &answer.class;
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let own = |tell: fn(&OwnHost) -> String| answer.as_written.as_ref().map(tell).unwrap_or_default();
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
        own(|host| host.class.clone().unwrap_or_else(|| host.ram.to_string())),
        own(|host| host.verdict.name().to_owned()),
        class.reason.clone(),
    ]
}

/// Where the rows go.
pub struct Rows {
    out: Option<(PathBuf, File)>,
    /// Clusters whose rows are there already.
    done: Vec<String>,
}

impl Rows {
    /// Opens where `args` want the rows, of which those that follow from `fingerprint` are taken up.
    ///
    /// # Errors
    ///
    /// [`AnotherFleet`], or a file that cannot be written.
    pub fn open(args: &PlanArgs, fingerprint: &str, has_header: bool) -> anyhow::Result<Self> {
        let Some(path) = &args.out else {
            let mut rows = Self { out: None, done: Vec::new() };
            rows.begin(has_header)?;
            return Ok(rows);
        };
        if fs::metadata(path).is_ok_and(|target| !target.is_file()) {
            bail!(
                "`{}` is no file that could be replaced; without -o rows go to standard output",
                path.display()
            );
        }
        let partial = beside(path);
        let cannot = || format!("cannot write `{}`", partial.display());
        let done = if args.resume { whole_rows(&partial, has_header).with_context(cannot)? } else { None };
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
            rows.begin(has_header)?;
        }
        Ok(rows)
    }

    fn begin(&mut self, has_header: bool) -> anyhow::Result<()> {
        if has_header { self.put(&line(HEADER)?) } else { Ok(()) }
    }

    /// The clusters without a row.
    ///
    /// # Errors
    ///
    /// [`AnotherFleet`] where the rows are not those of the first clusters.
    pub fn left<'a>(&self, fleet: &'a [Cluster]) -> Result<&'a [Cluster], AnotherFleet> {
        let same = fleet.iter().zip(&self.done).all(|(cluster, done)| cluster.name == *done);
        let partial = || self.out.as_ref().map(|(path, _)| beside(path)).unwrap_or_default();
        fleet.get(self.done.len()..).filter(|_| same).ok_or_else(|| AnotherFleet(partial()))
    }

    /// Writes the row of a cluster.
    ///
    /// # Errors
    ///
    /// Where it cannot be written.
    pub fn write(&mut self, name: &str, answer: &ClusterAnswer) -> anyhow::Result<()> {
        let row = row(name, answer);
        self.put(&line(row.iter().map(String::as_str))?)
    }

    /// Writes the row of a cluster that cannot be read, with the problem in one line.
    ///
    /// # Errors
    ///
    /// Where it cannot be written.
    pub fn write_unread(&mut self, name: &str, problem: &str) -> anyhow::Result<()> {
        let problem = problem.split_whitespace().collect::<Vec<_>>().join(" ");
        let field = |column: &str| match column {
            "cluster" => name.to_owned(),
            "verdict" => "invalid".to_owned(),
            "reason" => problem.clone(),
            _ => String::new(),
        };
        let row = HEADER.map(field);
        self.put(&line(row.iter().map(String::as_str))?)
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
    ///
    /// # Errors
    ///
    /// Where it cannot be renamed.
    pub fn finish(self) -> anyhow::Result<()> {
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

fn line<'a>(fields: impl IntoIterator<Item = &'a str>) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(fields)?;
    Ok(String::from_utf8(writer.into_inner()?)?)
}

/// Names of the clusters whose rows are whole, and cuts off what is not; `None` where there is no such file.
fn whole_rows(partial: &Path, has_header: bool) -> io::Result<Option<Vec<String>>> {
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
    let mut reader = csv::ReaderBuilder::new().has_headers(has_header).from_reader(whole.as_bytes());
    let names = reader.records().filter_map(|record| record.ok()?.get(0).map(str::to_owned));
    Ok(Some(names.collect()))
}
