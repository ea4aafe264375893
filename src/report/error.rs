//! Why a run folder could not be written or read.

use std::io;
use std::path::PathBuf;

/// A failure of the run folder. The text says what happened and where, its source why,
/// [`ReportError::remedy`] what to do.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file could not be written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The file, or the folder it would be in.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file could not be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is not what its name says.
    #[error("`{}` is not as written by forkcast: {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line where there is one.
        problem: String,
    },
    /// The folder was written by a later version.
    #[error("`{}` has format version {found}, and this forkcast reads up to {known}", path.display())]
    NewerFormat {
        /// The `run.json`.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// The newest version this program reads.
        known: u64,
    },
    /// The run that should go on is another.
    #[error("`{}` is of another run: {difference}", path.display())]
    OtherRun {
        /// Its journal, or its `run.json` where it has ended.
        path: PathBuf,
        /// What differs, in words.
        difference: String,
    },
    /// Parts of a run that do not fit together.
    #[error("`{}` does not belong with the others: {problem}", path.display())]
    OtherPart {
        /// The folder of the part.
        path: PathBuf,
        /// What is in the way.
        problem: String,
    },
    /// A run, or a part of one, that has not ended.
    #[error("`{}` is not finished: {problem}", path.display())]
    Unfinished {
        /// Its folder.
        path: PathBuf,
        /// What is missing.
        problem: String,
    },
    /// Shards of a run that no part holds.
    #[error("{problem}")]
    Missing {
        /// Which shards, and which cells with them.
        problem: String,
    },
    /// A chart could not be drawn.
    #[error("cannot draw `{}`: {problem}", path.display())]
    Drawing {
        /// The chart.
        path: PathBuf,
        /// What the drawing library said.
        problem: String,
    },
}

impl ReportError {
    /// What the user can do about it: a sentence.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        use io::ErrorKind;
        match self {
            Self::Write { source, .. } => match source.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                    "free some space on that disk, or choose a folder on another one with `--out DIR`"
                }
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                    "choose a folder that you may write to with `--out DIR`"
                }
                ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
                    "a file stands where a folder is needed: move it, or choose another folder with `--out DIR`"
                }
                _ => "check the folder, or choose another one with `--out DIR`",
            },
            Self::Read { source, .. } if source.kind() == ErrorKind::NotFound => {
                "the folder is no finished run: run the scenario again, or name the folder that `forkcast run` printed"
            }
            Self::Read { .. } => "check that you may read the folder",
            Self::Malformed { .. } => "run the scenario again: the file was edited or cut short",
            Self::NewerFormat { .. } => "read it with the forkcast that wrote it, or run the scenario again",
            Self::OtherRun { .. } => {
                "run without `--resume` to begin afresh, or choose another folder with `--out DIR`"
            }
            Self::OtherPart { .. } => {
                "merge the shards of one run: same scenario, settings, seed and forkcast"
            }
            Self::Unfinished { .. } => {
                "let it end: the same command with `--resume`; `forkcast merge` puts parts together"
            }
            Self::Missing { .. } => "run them with `--shard I/N`, and name all parts",
            Self::Drawing { .. } => "the figures are in the CSV files of the folder",
        }
    }
}
