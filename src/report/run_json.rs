//! `run.json`: what was asked, what came out, and the sha256 of every other file of the folder.
//!
//! Holds neither wall-clock times nor numbers of threads: the same scenario, seed and version give the same
//! bytes.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{ReportError, atomic, columns};
use crate::decision::ClassAnswer;
use crate::units::Bytes;

/// The layout of `run.json` written here. A reader refuses a later one.
pub const FORMAT_VERSION: u64 = 1;

/// What a run was, as far as its tables do not say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The scenario as the user wrote it.
    pub scenario: ScenarioText,
    /// `--set` and `--axis`, as given.
    pub overrides: Vec<String>,
    /// Root of every random number.
    pub seed: u64,
    /// Confidence of the intervals, below 1.
    pub confidence: f64,
    /// The risk budget: incidents a year and host.
    pub incidents_per_year: f64,
    /// The answers, in the order of the classes; empty for a trace.
    pub classes: Vec<ClassSummary>,
    /// Whose life `trace/` tells; absent where nothing was traced.
    pub trace: Option<TraceSubject>,
    /// Which share of the cells the folder holds; absent where it holds all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<PartOf>,
    /// Whether cells are missing that the run was to have: it was interrupted, or they failed. Absent where none are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub incomplete: bool,
}

/// What a part of a run must tell for the whole to be put together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartOf {
    /// Which shard, from 1.
    pub index: usize,
    /// Of how many.
    pub count: usize,
    /// The scenario's cells, of all shards.
    pub cells: usize,
    /// Cells of a server full to `maxmemory`, of all shards.
    pub full_cells: usize,
    /// [`Fingerprint::cells_sha256`](super::journal::Fingerprint::cells_sha256) of all shards' cells.
    pub cells_sha256: String,
    /// What the scenario was called when it was read.
    pub origin: String,
    /// The folder that relative paths in it start from.
    pub folder: PathBuf,
    /// Lower and upper end of the RAM required (bytes), of the shard that answers it.
    pub required_ram_bytes: Option<[Option<u64>; 2]>,
}

/// A scenario's text and its fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScenarioText {
    /// Its `name`.
    pub name: String,
    /// sha256 of the text, as `sha256sum` prints it.
    pub sha256: String,
    /// The file, byte by byte.
    pub text: String,
}

impl ScenarioText {
    /// The scenario `name` with its `text`.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { name: name.into(), sha256: sha256(text.as_bytes()), text }
    }

    /// `<name>-<first 8 of the sha256>`: the name of the run's folder where none is given. What a path would
    /// read as more than a name becomes `-`.
    #[must_use]
    pub fn folder_name(&self) -> String {
        let plain = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' };
        let name: String = self.name.chars().map(plain).collect();
        format!("{}-{}", name.trim_start_matches('.'), &self.sha256[..8])
    }
}

/// The answer for a class in the words of `run --format json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassSummary {
    /// See [`ClassAnswer::host_class`].
    pub host_class: Option<String>,
    /// See [`ClassAnswer::needed_percent`].
    pub needed_percent: Option<f64>,
    /// See [`ClassAnswer::survivable_percent`].
    pub survivable_percent: Option<f64>,
    /// See [`ClassAnswer::survivable_percent_low`].
    pub survivable_percent_low: Option<f64>,
    /// See [`ClassAnswer::survivable_percent_high`].
    pub survivable_percent_high: Option<f64>,
    /// See [`ClassAnswer::required_ram`] (bytes).
    pub required_ram_bytes: Option<u64>,
    /// The name of the verdict, as in `cells.csv`.
    pub verdict: String,
    /// The verdict's reason, in words.
    pub reason: String,
}

impl From<&ClassAnswer> for ClassSummary {
    fn from(answer: &ClassAnswer) -> Self {
        Self {
            host_class: answer.host_class.clone(),
            needed_percent: answer.needed_percent,
            survivable_percent: answer.survivable_percent,
            survivable_percent_low: answer.survivable_percent_low,
            survivable_percent_high: answer.survivable_percent_high,
            required_ram_bytes: answer.required_ram.map(|ram| ram.0),
            verdict: answer.verdict.name().to_owned(),
            reason: answer.reason.clone(),
        }
    }
}

/// The cell and replication of a trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TraceSubject {
    /// `provider.class`, or absent where the scenario gives the RAM itself.
    pub host_class: Option<String>,
    /// RAM of the host, or the limit of the container in its place (bytes).
    pub ram_bytes: u64,
    /// Whether that is the limit of a container.
    #[serde(default)]
    pub is_limited: bool,
    /// `maxmemory` (bytes); absent for no limit.
    pub maxmemory_bytes: Option<u64>,
    /// `maxmemory` of all servers of the host in per cent of that, where it is given so.
    pub maxmemory_percent: Option<f64>,
    /// Which replication.
    pub replication: u64,
    /// `--set` as given for the trace; it may differ from the sweep's beside it.
    pub overrides: Vec<String>,
}

impl TraceSubject {
    /// RAM of the host, or the limit of the container.
    #[must_use]
    pub const fn ram(&self) -> Bytes {
        Bytes(self.ram_bytes)
    }

    /// `maxmemory`; `None` for no limit.
    #[must_use]
    pub fn maxmemory(&self) -> Option<Bytes> {
        self.maxmemory_bytes.map(Bytes)
    }
}

/// A file of the folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its path within the folder, with `/`.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// Its sha256, as `sha256sum` prints it.
    pub sha256: String,
}

#[derive(Serialize)]
struct Document<'a> {
    format_version: u64,
    tool: Tool,
    #[serde(flatten)]
    manifest: &'a Manifest,
    columns: Map<String, Value>,
    files: &'a [FileEntry],
}

#[derive(Serialize)]
pub(super) struct Tool {
    name: &'static str,
    pub(super) version: &'static str,
    pub(super) commit: &'static str,
}

/// Version and commit of this program, as `run.json` names them.
pub(super) const TOOL: Tool = Tool {
    name: env!("CARGO_PKG_NAME"),
    version: env!("CARGO_PKG_VERSION"),
    commit: match option_env!("FORKCAST_COMMIT") {
        Some(commit) => commit,
        None => "unknown",
    },
};

impl Manifest {
    /// Reads the `run.json` at `path`.
    ///
    /// # Errors
    ///
    /// [`ReportError::Read`], [`ReportError::NewerFormat`], or [`ReportError::Malformed`].
    pub fn read(path: &Path) -> Result<Self, ReportError> {
        let text =
            std::fs::read(path).map_err(|source| ReportError::Read { path: path.to_owned(), source })?;
        let malformed = |error: serde_json::Error| ReportError::Malformed {
            path: path.to_owned(),
            problem: error.to_string(),
        };
        let document: Value = serde_json::from_slice(&text).map_err(malformed)?;
        let found = document["format_version"].as_u64().unwrap_or(0);
        if found > FORMAT_VERSION {
            return Err(ReportError::NewerFormat { path: path.to_owned(), found, known: FORMAT_VERSION });
        }
        serde_json::from_value(document).map_err(malformed)
    }

    /// Writes `run.json` to `path`, with `files` as what belongs to the run.
    pub(super) fn write(&self, path: &Path, files: &[FileEntry]) -> Result<(), ReportError> {
        let columns = files.iter().filter_map(|entry| Some((&entry.path, columns::of_file(&entry.path)?)));
        let document = Document {
            format_version: FORMAT_VERSION,
            tool: TOOL,
            manifest: self,
            columns: columns.map(|(file, table)| (file.clone(), serde_json::json!(table))).collect(),
            files,
        };
        atomic::write(path, |out| {
            serde_json::to_writer_pretty(&mut *out, &document)?;
            out.write_all(b"\n")
        })
    }
}

/// What `run.json` says of the program that wrote it, and of the files beside it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Seal {
    /// The program.
    pub tool: WrittenBy,
    /// The files.
    pub files: Vec<FileEntry>,
}

/// A forkcast, as it names itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct WrittenBy {
    /// Its version.
    pub version: String,
    /// The commit that it was built from.
    pub commit: String,
}

impl Seal {
    /// Reads what is sealed by the `run.json` at `path`.
    pub(super) fn read(path: &Path) -> Result<Self, ReportError> {
        let text =
            std::fs::read(path).map_err(|source| ReportError::Read { path: path.to_owned(), source })?;
        serde_json::from_slice(&text)
            .map_err(|error| ReportError::Malformed { path: path.to_owned(), problem: error.to_string() })
    }
}

impl std::fmt::Display for WrittenBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.version, self.commit)
    }
}

/// The sha256 of `bytes` in lower-case hexadecimal, as `sha256sum` prints it.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// `bytes` in lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sha256_is_the_one_of_sha256sum() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256(b""), empty);
        assert_eq!(ScenarioText::new("quickstart", "").folder_name(), "quickstart-e3b0c442");
        assert_eq!(ScenarioText::new("../a b", "").folder_name(), "-a-b-e3b0c442");
    }

    #[test]
    fn a_later_format_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.json");
        std::fs::write(&path, r#"{"format_version": 99}"#).unwrap();
        let error = Manifest::read(&path).unwrap_err();
        assert!(matches!(error, ReportError::NewerFormat { found: 99, .. }), "{error}");
    }
}
