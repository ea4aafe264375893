//! A run folder: where its files lie, and the order in which they come to be.
//!
//! `run.json` is written last, with the sha256 of each other file, and removed first: a folder without it is
//! incomplete.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::run_json::{FileEntry, Manifest, sha256};
use super::trace::{self, EventRow, TimelineRow};
use super::{CellTable, ReplicationRow, ReportError, atomic, chart, replications};

/// Path of the manifest within a run folder.
pub const RUN_JSON: &str = "run.json";
/// Path of the cells within a run folder.
pub const CELLS_CSV: &str = "cells.csv";
/// Path of the timeline of the first host within a run folder; the others are numbered from 2.
pub const TIMELINE_CSV: &str = "trace/timeline.csv";
/// Path of the events within a run folder.
pub const EVENTS_CSV: &str = "trace/events.csv";
/// Path of the predictions within the folder of a validation.
pub const PREDICTIONS_CSV: &str = "predictions.csv";

/// Path of the replications within a run folder.
pub const REPLICATIONS_CSV: &str = "replications.csv";
/// Path of the resolved scenario within a run folder.
pub const RESOLVED_TOML: &str = "resolved.toml";
/// Path of the cells of a server full to `maxmemory`, where they are others than those of `cells.csv`.
pub const FULL_CELLS_CSV: &str = "full-cells.csv";

/// Path of the timeline of the host `number`, from 1, within a run folder.
pub fn timeline_csv(number: usize) -> String {
    if number == 1 { TIMELINE_CSV.to_owned() } else { format!("trace/timeline-{number}.csv") }
}

/// The timelines in `dir` of the hosts after the first.
fn further_timelines(dir: &Path) -> impl Iterator<Item = String> + use<'_> {
    (2..).map(timeline_csv).take_while(|file| dir.join(file).exists())
}

/// Every file of a fixed name that a run leaves beside `run.json`, in the order in which `run.json` lists them.
const FILES: [&str; 11] = [
    CELLS_CSV,
    FULL_CELLS_CSV,
    REPLICATIONS_CSV,
    RESOLVED_TOML,
    TIMELINE_CSV,
    EVENTS_CSV,
    "charts/heatmap.svg",
    "charts/heatmap.png",
    "charts/timeline.svg",
    "charts/timeline.png",
    "report.html",
];

/// A run folder being written.
#[derive(Debug)]
pub struct RunFolder {
    dir: PathBuf,
}

impl RunFolder {
    /// Opens `dir` for a new run, creating it where needed. The files of an earlier run are removed, files of
    /// other names are left alone.
    ///
    /// # Errors
    ///
    /// [`ReportError::Write`] where the folder cannot be written.
    pub fn create(dir: impl Into<PathBuf>) -> Result<Self, ReportError> {
        let folder = Self::extend(dir)?;
        for file in FILES {
            remove(&folder.dir.join(file))?;
        }
        folder.remove_further_timelines()?;
        for part in ["", "charts", "trace"] {
            atomic::remove_drafts(&folder.dir.join(part))?;
        }
        Ok(folder)
    }

    /// Opens `dir` to add files to what is there: a trace beside a sweep. The folder is incomplete until it is
    /// sealed.
    ///
    /// # Errors
    ///
    /// [`ReportError::Write`] where the folder cannot be written.
    pub fn extend(dir: impl Into<PathBuf>) -> Result<Self, ReportError> {
        let dir = dir.into();
        fs::create_dir_all(&dir).map_err(|source| ReportError::Write { path: dir.clone(), source })?;
        remove(&dir.join(RUN_JSON))?;
        Ok(Self { dir })
    }

    /// Where it lies.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Writes `cells.csv`.
    ///
    /// # Errors
    ///
    /// [`ReportError::Write`].
    pub fn write_cells(&self, cells: &CellTable) -> Result<(), ReportError> {
        cells.write(&self.dir.join(CELLS_CSV))
    }

    /// Writes `full-cells.csv`: the same columns for a server full to `maxmemory`, from which *survivable* follows.
    ///
    /// # Errors
    ///
    /// [`ReportError::Write`].
    pub fn write_full_cells(&self, cells: &CellTable) -> Result<(), ReportError> {
        cells.write(&self.dir.join(FULL_CELLS_CSV))
    }

    /// Writes `replications.csv`, in the order given.
    ///
    /// # Errors
    ///
    /// [`ReportError::Write`].
    pub fn write_replications<'a>(
        &self,
        rows: impl IntoIterator<Item = &'a ReplicationRow>,
    ) -> Result<(), ReportError> {
        replications::write(&self.dir.join(REPLICATIONS_CSV), rows)
    }

    /// Writes `resolved.toml`: the scenario with every default filled in, and where each value is from.
    ///
    /// # Errors
    ///
    /// [`ReportError::Write`].
    pub fn write_resolved(&self, text: &str) -> Result<(), ReportError> {
        atomic::write(&self.dir.join(RESOLVED_TOML), |out| out.write_all(text.as_bytes()))
    }

    /// Writes the files of a trace: a timeline a host, and the events.
    ///
    /// # Errors
    ///
    /// [`ReportError::Write`].
    pub fn write_trace(&self, hosts: &[Vec<TimelineRow>], events: &[EventRow]) -> Result<(), ReportError> {
        self.remove_further_timelines()?;
        for (timeline, number) in hosts.iter().zip(1..) {
            trace::write_timeline(&self.dir.join(timeline_csv(number)), timeline)?;
        }
        trace::write_events(&self.dir.join(EVENTS_CSV), events)
    }

    fn remove_further_timelines(&self) -> Result<(), ReportError> {
        let files: Vec<String> = further_timelines(&self.dir).collect();
        files.iter().try_for_each(|file| remove(&self.dir.join(file)))
    }

    /// Draws the charts of the tables that are there, and names the files.
    ///
    /// # Errors
    ///
    /// [`ReportError`]: a table that cannot be read, a chart that cannot be drawn or written.
    pub fn draw(&self, manifest: &Manifest) -> Result<Vec<PathBuf>, ReportError> {
        let mut charts = Vec::new();
        if self.dir.join(CELLS_CSV).exists() {
            charts.extend(chart::draw_heatmap(&self.dir, manifest)?);
        }
        if let Some(subject) = manifest.trace.as_ref().filter(|_| self.dir.join(TIMELINE_CSV).exists()) {
            charts.extend(chart::draw_timeline(&self.dir, manifest, subject)?);
        }
        Ok(charts)
    }

    /// Writes `run.json`, with the sha256 of each file: the run is complete.
    ///
    /// # Errors
    ///
    /// [`ReportError`]: a file that cannot be read back, or `run.json` not written.
    pub fn seal(self, manifest: &Manifest) -> Result<(), ReportError> {
        let further: Vec<String> = further_timelines(&self.dir).collect();
        let files = FILES.into_iter().chain(further.iter().map(String::as_str));
        let files = files.filter_map(|file| entry(&self.dir, file).transpose());
        let files: Vec<FileEntry> = files.collect::<Result<_, _>>()?;
        manifest.write(&self.dir.join(RUN_JSON), &files)
    }
}

/// Draws the charts of the complete run in `dir` again, and names the files.
///
/// # Errors
///
/// [`ReportError`]: no finished run, files that cannot be read, charts that cannot be written.
pub fn redraw(dir: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let manifest = Manifest::read(&dir.join(RUN_JSON))?;
    // Nothing is removed first: where a table turns out unreadable, the manifest must survive.
    let folder = RunFolder { dir: dir.to_owned() };
    let charts = folder.draw(&manifest)?;
    folder.seal(&manifest)?;
    Ok(charts)
}

/// The entry of `file`, `None` where the run has no such file.
fn entry(dir: &Path, file: &str) -> Result<Option<FileEntry>, ReportError> {
    let path = dir.join(file);
    match fs::read(&path) {
        Ok(content) => {
            let bytes = content.len() as u64;
            Ok(Some(FileEntry { path: file.to_owned(), bytes, sha256: sha256(&content) }))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ReportError::Read { path, source }),
    }
}

/// Removes `path` if it is there.
fn remove(path: &Path) -> Result<(), ReportError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(ReportError::Write { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    /// A sealed sweep with one cell, and a trace.
    fn sealed(dir: &Path) -> Manifest {
        let mut manifest = samples::manifest(&["yandex.hm3-c4-m32"]);
        manifest.trace = Some(samples::subject());
        let folder = RunFolder::create(dir).unwrap();
        folder.write_cells(&samples::cells(&["yandex.hm3-c4-m32"], &[50.0])).unwrap();
        folder.write_resolved("name = \"session-store\"\n").unwrap();
        let (timeline, events) = samples::trace();
        folder.write_trace(&[timeline], &events).unwrap();
        folder.seal(&manifest).unwrap();
        manifest
    }

    #[test]
    fn a_sealed_folder_lists_every_file_with_its_sha256() {
        let dir = tempfile::tempdir().unwrap();
        let manifest = sealed(dir.path());
        assert_eq!(Manifest::read(&dir.path().join(RUN_JSON)).unwrap(), manifest);
        let text = fs::read_to_string(dir.path().join(RUN_JSON)).unwrap();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let files = document["files"].as_array().unwrap();
        let paths: Vec<_> = files.iter().map(|file| file["path"].as_str().unwrap()).collect();
        assert_eq!(paths, [CELLS_CSV, RESOLVED_TOML, TIMELINE_CSV, EVENTS_CSV]);
        for file in files {
            let content = fs::read(dir.path().join(file["path"].as_str().unwrap())).unwrap();
            assert_eq!(file["sha256"], sha256(&content));
        }
        assert_eq!(document["columns"]["cells.csv"][0]["name"], "cell");
        assert_eq!(document["columns"].get("replications.csv"), None);
    }

    #[test]
    fn each_host_of_a_trace_has_a_file_that_the_next_trace_takes_away() {
        let dir = tempfile::tempdir().unwrap();
        let manifest = sealed(dir.path());
        let folder = RunFolder::extend(dir.path()).unwrap();
        let (timeline, events) = samples::trace();
        let hosts = vec![timeline; 3];
        folder.write_trace(&hosts, &events).unwrap();
        assert_eq!(timelines(dir.path()), ["trace/timeline-2.csv", "trace/timeline-3.csv"]);
        folder.seal(&manifest).unwrap();
        let text = fs::read_to_string(dir.path().join(RUN_JSON)).unwrap();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["columns"]["trace/timeline-3.csv"][0]["name"], "seconds");
        let folder = RunFolder::extend(dir.path()).unwrap();
        folder.write_trace(&hosts[..2], &events).unwrap();
        assert_eq!(timelines(dir.path()), ["trace/timeline-2.csv"]);
        RunFolder::create(dir.path()).unwrap();
        assert_eq!(timelines(dir.path()), [""; 0]);
    }

    fn timelines(dir: &Path) -> Vec<String> {
        further_timelines(dir).collect()
    }

    #[test]
    fn the_same_run_gives_the_same_bytes() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        sealed(one.path());
        sealed(other.path());
        let read = |dir: &tempfile::TempDir| fs::read(dir.path().join(RUN_JSON)).unwrap();
        assert_eq!(read(&one), read(&other));
    }

    #[test]
    fn a_folder_being_written_again_is_incomplete_and_keeps_what_is_not_its_own() {
        let dir = tempfile::tempdir().unwrap();
        sealed(dir.path());
        fs::write(dir.path().join("notes.txt"), "mine").unwrap();
        RunFolder::create(dir.path()).unwrap();
        let error = redraw(dir.path()).unwrap_err();
        assert!(error.remedy().contains("no finished run"), "{error}");
        assert!(!dir.path().join(CELLS_CSV).exists());
        assert_eq!(fs::read(dir.path().join("notes.txt")).unwrap(), b"mine");
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_an_error_and_not_a_panic() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("taken");
        fs::write(&file, "").unwrap();
        let error = RunFolder::create(&file).unwrap_err();
        assert!(matches!(error, ReportError::Write { .. }));
        assert!(error.remedy().contains("--out"));
    }

    #[test]
    fn charts_drawn_again_are_the_same_and_keep_the_seal() {
        let dir = tempfile::tempdir().unwrap();
        let manifest = Manifest { trace: None, ..sealed(dir.path()) };
        let folder = RunFolder::extend(dir.path()).unwrap();
        let charts = folder.draw(&manifest).unwrap();
        folder.seal(&manifest).unwrap();
        let read = || charts.iter().map(|path| fs::read(path).unwrap()).collect::<Vec<_>>();
        let (first, run_json) = (read(), fs::read(dir.path().join(RUN_JSON)).unwrap());
        assert_eq!(redraw(dir.path()).unwrap(), charts);
        assert_eq!((read(), fs::read(dir.path().join(RUN_JSON)).unwrap()), (first, run_json));
    }
}
