//! `cells.partial`: the cells of a run that has not ended, so that it can go on after whatever ended it.
//!
//! A line is the sha256 of the rest of it, a space, and JSON: first the [`Fingerprint`] of the run, then one
//! [`JournalCell`] a finished cell, in the order in which they came to be. A line that was torn, and all behind it, is
//! cut off when the run goes on. Each line is handed to the kernel at once, which is enough for a process that is
//! killed; it is forced to the disk once a second, which is what a machine that loses power loses.
//! The file goes away when the run is complete.

use std::fmt::{self, Write as _};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::run_folder::RUN_JSON;
use super::run_json::{Manifest, Seal, TOOL, hex, sha256};
use super::{CellTable, ReplicationRow, ReportError};
use crate::sweep::{CellRow, Finished, Grid, RequiredRam, Shard};
use crate::units::Bytes;

/// Path of the journal within a run folder.
pub const JOURNAL: &str = "cells.partial";

/// At most so much is lost where the machine loses power.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// Everything on which the cells of a run depend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    version: String,
    commit: String,
    scenario_sha256: String,
    overrides: Vec<String>,
    seed: u64,
    cells_sha256: String,
    shard: Option<String>,
    keeps_replications: bool,
}

impl Fingerprint {
    /// The fingerprint of a run of `grid`, or of a shard of it.
    #[must_use]
    pub fn new(manifest: &Manifest, grid: &Grid, shard: Option<Shard>, keeps_replications: bool) -> Self {
        Self {
            version: TOOL.version.to_owned(),
            commit: TOOL.commit.to_owned(),
            scenario_sha256: manifest.scenario.sha256.clone(),
            overrides: manifest.overrides.clone(),
            seed: manifest.seed,
            cells_sha256: Self::cells_sha256(grid),
            shard: shard.map(|shard| shard.to_string()),
            keeps_replications,
        }
    }

    /// The sha256 of every cell as it was resolved: the scenario's text does not hold the traffic that it refers to.
    #[must_use]
    pub fn cells_sha256(grid: &Grid) -> String {
        let mut digest = Digested(Sha256::new());
        // Writing to a digest cannot fail.
        let _ = write!(digest, "{:?} {:?}", grid.cells, grid.full);
        hex(&digest.0.finalize())
    }

    /// What differs from `other`, in words.
    fn differences(&self, other: &Self) -> String {
        if self.seed != other.seed {
            return format!("the seed is {} there and {} here", self.seed, other.seed);
        }
        let differs = [
            ("version of forkcast", (&self.version, &self.commit) != (&other.version, &other.commit)),
            ("scenario", self.scenario_sha256 != other.scenario_sha256),
            ("--set or --axis", self.overrides != other.overrides),
            ("shard", self.shard != other.shard),
            ("--keep-replications", self.keeps_replications != other.keeps_replications),
            ("file that the scenario refers to", self.cells_sha256 != other.cells_sha256),
        ];
        let mut names = differs.iter().filter(|(_, differs)| *differs).map(|&(name, _)| name);
        format!("the {} differs", names.next().unwrap_or("form"))
    }

    /// Refuses a folder whose run has ended and was another: resumed, it would be overwritten.
    fn is_of_the_run_in(&self, dir: &Path) -> Result<(), ReportError> {
        let path = dir.join(RUN_JSON);
        if !path.exists() {
            return Ok(());
        }
        let (manifest, seal) = (Manifest::read(&path)?, Seal::read(&path)?);
        let ended = Self {
            version: seal.tool.version,
            commit: seal.tool.commit,
            scenario_sha256: manifest.scenario.sha256,
            overrides: manifest.overrides,
            seed: manifest.seed,
            cells_sha256: self.cells_sha256.clone(),
            shard: manifest.shard.map(|part| format!("{}/{}", part.index, part.count)),
            keeps_replications: self.keeps_replications,
        };
        if ended == *self {
            return Ok(());
        }
        Err(ReportError::OtherRun { path, difference: ended.differences(self) })
    }
}

struct Digested(Sha256);

impl fmt::Write for Digested {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text);
        Ok(())
    }
}

/// A cell that was finished.
#[derive(Clone, Debug, PartialEq)]
pub struct JournalCell {
    /// Whether it is a cell of a server full to `maxmemory`.
    pub is_full: bool,
    /// Its row.
    pub row: CellRow,
    /// Its replications, where they are kept.
    pub replications: Vec<ReplicationRow>,
    /// The RAM required, where this cell tells it.
    pub required_ram: Option<RequiredRam>,
}

/// The same as text.
#[derive(Serialize, Deserialize)]
struct Entry {
    full: bool,
    row: Vec<String>,
    replications: Vec<Vec<String>>,
    required_ram: Option<[Option<u64>; 2]>,
}

impl JournalCell {
    /// What is kept of a finished cell.
    #[must_use]
    pub fn new(cell: &Finished<'_>, keeps_replications: bool) -> Self {
        let keeps = keeps_replications && !cell.is_full;
        let kept = if keeps { cell.outcomes } else { &[] };
        let number = cell.row.cell;
        Self {
            is_full: cell.is_full,
            row: cell.row.clone(),
            replications: kept.iter().zip(0..).map(|(o, n)| ReplicationRow::new(number, n, o)).collect(),
            required_ram: cell.required_ram,
        }
    }

    fn entry(&self) -> Entry {
        Entry {
            full: self.is_full,
            row: CellTable::record(&self.row),
            replications: self.replications.iter().map(ReplicationRow::record).collect(),
            required_ram: self.required_ram.map(ends),
        }
    }

    /// The cell of an entry, of a scenario with these further axes.
    fn of(entry: Entry, axes: &[String]) -> Result<Self, String> {
        let replications = entry.replications.into_iter().map(ReplicationRow::of_record);
        Ok(Self {
            is_full: entry.full,
            row: CellTable::of_record(if entry.full { &[] } else { axes }, entry.row)?,
            replications: replications.collect::<Result<_, _>>()?,
            required_ram: entry.required_ram.map(of_ends),
        })
    }
}

/// The ends of the RAM required (bytes).
#[must_use]
pub fn ends(ram: RequiredRam) -> [Option<u64>; 2] {
    [ram.low, ram.high].map(|end| end.map(|bytes| bytes.0))
}

/// The RAM required between these ends (bytes).
#[must_use]
pub fn of_ends([low, high]: [Option<u64>; 2]) -> RequiredRam {
    RequiredRam { low: low.map(Bytes), high: high.map(Bytes) }
}

/// The journal of a run that goes on.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    end: Mutex<End>,
}

#[derive(Debug)]
struct End {
    file: File,
    synced: Instant,
    failure: Option<io::Error>,
}

impl Journal {
    /// How many finished cells the journal in `dir` holds; `None` where there is none.
    #[must_use]
    pub fn found(dir: &Path) -> Option<usize> {
        let text = fs::read(dir.join(JOURNAL)).ok()?;
        Some(whole_lines(&text).0.len().saturating_sub(1))
    }

    /// Begins the journal of a run in `dir`; an earlier one is lost.
    ///
    /// # Errors
    ///
    /// [`ReportError::Write`].
    pub fn begin(dir: &Path, fingerprint: &Fingerprint) -> Result<Self, ReportError> {
        fs::create_dir_all(dir).map_err(|source| ReportError::Write { path: dir.to_owned(), source })?;
        let path = dir.join(JOURNAL);
        let begun = File::create(&path).and_then(|mut file| {
            file.write_all(line(fingerprint)?.as_bytes())?;
            file.sync_all()?;
            Ok(file)
        });
        match begun {
            Ok(file) => Ok(Self::open(path, file)),
            Err(source) => Err(ReportError::Write { path, source }),
        }
    }

    /// Goes on with the journal in `dir`, if there is one, and returns the cells it holds. `axes` are the further axes
    /// of the scenario.
    ///
    /// # Errors
    ///
    /// [`ReportError::OtherRun`] where it, or the run that has ended there, is another; [`ReportError`] where it cannot
    /// be read or written.
    pub fn resume(
        dir: &Path,
        fingerprint: &Fingerprint,
        axes: &[String],
    ) -> Result<(Self, Vec<JournalCell>), ReportError> {
        let path = dir.join(JOURNAL);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(ReportError::Read { path, source }),
        };
        let (lines, length) = whole_lines(&text);
        let Some((head, entries)) = lines.split_first() else {
            fingerprint.is_of_the_run_in(dir)?;
            return Ok((Self::begin(dir, fingerprint)?, Vec::new()));
        };
        let malformed = |problem: String| ReportError::Malformed { path: path.clone(), problem };
        let found: Fingerprint = serde_json::from_str(head).map_err(|error| malformed(error.to_string()))?;
        if found != *fingerprint {
            return Err(ReportError::OtherRun { path, difference: found.differences(fingerprint) });
        }
        let cell = |text: &&str| {
            let entry = serde_json::from_str(text).map_err(|error| error.to_string())?;
            JournalCell::of(entry, axes)
        };
        let cells = entries.iter().map(cell).collect::<Result<Vec<_>, String>>().map_err(malformed)?;
        let opened = OpenOptions::new().append(true).open(&path).and_then(|file| {
            file.set_len(length as u64)?;
            Ok(file)
        });
        let file = opened.map_err(|source| ReportError::Write { path: path.clone(), source })?;
        Ok((Self::open(path, file), cells))
    }

    fn open(path: PathBuf, file: File) -> Self {
        Self { path, end: Mutex::new(End { file, synced: Instant::now(), failure: None }) }
    }

    /// Adds a finished cell. Returns whether it was written: after a failure nothing more is, and
    /// [`Journal::close`] tells why.
    pub fn append(&self, cell: &JournalCell) -> bool {
        let line = line(&cell.entry());
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        if end.failure.is_none()
            && let Err(error) = line.and_then(|line| end.put(&line))
        {
            end.failure = Some(error);
        }
        end.failure.is_none()
    }

    /// Ends the writing. The file stays.
    ///
    /// # Errors
    ///
    /// [`ReportError::Write`] where a cell could not be written.
    pub fn close(self) -> Result<ClosedJournal, ReportError> {
        let end = self.end.into_inner().unwrap_or_else(PoisonError::into_inner);
        match end.failure.map_or_else(|| end.file.sync_all(), Err) {
            Ok(()) => Ok(ClosedJournal { path: self.path }),
            Err(source) => Err(ReportError::Write { path: self.path, source }),
        }
    }
}

impl End {
    fn put(&mut self, line: &str) -> io::Result<()> {
        self.file.write_all(line.as_bytes())?;
        if self.synced.elapsed() >= SYNC_EVERY {
            self.file.sync_data()?;
            self.synced = Instant::now();
        }
        Ok(())
    }
}

/// A journal that nothing is added to any more.
#[derive(Debug)]
pub struct ClosedJournal {
    path: PathBuf,
}

impl ClosedJournal {
    /// Removes it: the run is complete.
    ///
    /// # Errors
    ///
    /// [`ReportError::Write`].
    pub fn remove(self) -> Result<(), ReportError> {
        fs::remove_file(&self.path).map_err(|source| ReportError::Write { path: self.path, source })
    }
}

fn line(content: &impl Serialize) -> io::Result<String> {
    let text = serde_json::to_string(content)?;
    Ok(format!("{} {text}\n", sha256(text.as_bytes())))
}

/// The contents of the lines up to the first that is torn, and the length of these lines with their checksums.
fn whole_lines(text: &[u8]) -> (Vec<&str>, usize) {
    let mut lines = Vec::new();
    let mut length = 0;
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        let content = line.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok());
        let Some((sum, content)) = content.and_then(|line| line.split_once(' ')) else { break };
        if sum != sha256(content.as_bytes()) {
            break;
        }
        lines.push(content);
        length += line.len();
    }
    (lines, length)
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use crate::model::Outcome;

    fn fingerprint(seed: u64) -> Fingerprint {
        Fingerprint {
            version: "1".to_owned(),
            commit: "c".to_owned(),
            scenario_sha256: "s".to_owned(),
            overrides: Vec::new(),
            seed,
            cells_sha256: "h".to_owned(),
            shard: None,
            keeps_replications: true,
        }
    }

    fn cells() -> Vec<JournalCell> {
        let rows = samples::cells(&["yandex.hm3-c4-m32"], &[50.0, 62.5, 95.0]).rows;
        let cell = |row: &CellRow| {
            let outcomes = vec![Outcome::default(); 3];
            let required_ram = Some(RequiredRam { low: None, high: Some(Bytes::gib(3)) });
            JournalCell::new(&Finished { row, outcomes: &outcomes, is_full: false, required_ram }, true)
        };
        rows.iter().map(cell).collect()
    }

    fn written(dir: &Path) -> Vec<JournalCell> {
        let journal = Journal::begin(dir, &fingerprint(1)).unwrap();
        let cells = cells();
        assert!(cells.iter().all(|cell| journal.append(cell)));
        journal.close().unwrap();
        cells
    }

    #[test]
    fn cells_come_back_as_they_were() {
        let dir = tempfile::tempdir().unwrap();
        let cells = written(dir.path());
        assert_eq!(Journal::found(dir.path()), Some(3));
        let (journal, found) = Journal::resume(dir.path(), &fingerprint(1), &[]).unwrap();
        assert_eq!(found, cells);
        journal.close().unwrap().remove().unwrap();
        assert_eq!(Journal::found(dir.path()), None);
        assert!(Journal::resume(dir.path(), &fingerprint(1), &[]).unwrap().1.is_empty());
    }

    /// Torn at every byte: what comes back is a beginning of what was written, and the run can go on from there.
    #[test]
    fn a_torn_line_is_dropped_wherever_it_is_torn() {
        let dir = tempfile::tempdir().unwrap();
        let cells = written(dir.path());
        let path = dir.path().join(JOURNAL);
        let text = fs::read(&path).unwrap();
        for length in (0..text.len()).step_by(37) {
            fs::write(&path, &text[..length]).unwrap();
            let (journal, found) = Journal::resume(dir.path(), &fingerprint(1), &[]).unwrap();
            assert_eq!(found, cells[..found.len()], "{length}");
            assert!(cells[found.len()..].iter().all(|cell| journal.append(cell)));
            journal.close().unwrap();
            assert_eq!(fs::read(&path).unwrap(), text, "{length}");
        }
    }

    #[test]
    fn the_journal_of_another_run_is_refused_by_what_differs() {
        let dir = tempfile::tempdir().unwrap();
        written(dir.path());
        let error = Journal::resume(dir.path(), &fingerprint(2), &[]).unwrap_err();
        assert!(error.to_string().ends_with("is of another run: the seed is 1 there and 2 here"), "{error}");
        assert_eq!(Journal::found(dir.path()), Some(3));
    }
}
