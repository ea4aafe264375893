//! Parts of one run put together: that they belong to it, that each is whole, and that none is missing.

use std::fs;
use std::path::{Path, PathBuf};

use super::journal::of_ends;
use super::replications;
use super::run_folder::{CELLS_CSV, FULL_CELLS_CSV, REPLICATIONS_CSV, RESOLVED_TOML, RUN_JSON};
use super::run_json::{FileEntry, Manifest, PartOf, Seal, WrittenBy, sha256};
use super::{CellTable, ReplicationRow, ReportError};
use crate::sweep::{CellRow, RequiredRam, Shard};

/// A finished part of a run, as its folder tells it.
#[derive(Debug)]
struct Part {
    dir: PathBuf,
    manifest: Manifest,
    of: PartOf,
    tool: WrittenBy,
    cells: CellTable,
    full: Vec<CellRow>,
    replications: Option<Vec<ReplicationRow>>,
}

/// What every part of a run says alike, and all of its cells.
#[derive(Debug)]
pub struct Whole {
    /// The manifest of a part; its answers are missing.
    pub manifest: Manifest,
    /// Where the scenario came from, and how many cells there are.
    pub of: PartOf,
    /// The cells, in order.
    pub cells: CellTable,
    /// The cells of a server full to `maxmemory`, in order.
    pub full: Vec<CellRow>,
    /// The replications, in order, where they were kept.
    pub replications: Option<Vec<ReplicationRow>>,
    /// The RAM required, where the data as given asks for it.
    pub required_ram: Option<RequiredRam>,
    /// `resolved.toml`.
    pub resolved: String,
}

impl Whole {
    /// Reads the parts in `dirs`, in whatever order, and puts them together.
    ///
    /// # Errors
    ///
    /// [`ReportError::OtherPart`] where they are not of one run, or overlap; [`ReportError::Unfinished`] where a part
    /// has not ended; [`ReportError::Missing`] where shards are missing; [`ReportError`] where files cannot be read or
    /// are not as their `run.json` says.
    pub fn read(dirs: &[PathBuf]) -> Result<Self, ReportError> {
        let mut parts: Vec<Part> = dirs.iter().map(|dir| Part::read(dir)).collect::<Result<_, _>>()?;
        let Some((first, others)) = parts.split_first() else {
            return Err(ReportError::Unfinished {
                path: PathBuf::new(),
                problem: "no part is named".to_owned(),
            });
        };
        others.iter().try_for_each(|part| part.belongs_with(first))?;
        parts.sort_by_key(|part| part.of.index);
        none_twice(&parts)?;
        none_missing(&parts)?;
        let resolved = parts[0].text(RESOLVED_TOML)?;
        let (manifest, of) = (parts[0].manifest.clone(), parts[0].of.clone());
        let axes = parts[0].cells.axes.clone();
        let required_ram = parts.iter().find_map(|part| part.of.required_ram_bytes).map(of_ends);
        let keeps = parts[0].replications.is_some();
        let mut whole = Self {
            manifest: Manifest { shard: None, ..manifest },
            of,
            cells: CellTable { axes, rows: Vec::new() },
            full: Vec::new(),
            replications: keeps.then(Vec::new),
            required_ram,
            resolved,
        };
        for part in parts {
            whole.add(part);
        }
        whole.cells.rows.sort_by_key(|row| row.cell);
        whole.full.sort_by_key(|row| row.cell);
        if let Some(rows) = &mut whole.replications {
            rows.sort_by_key(|row| (row.cell, row.replication));
        }
        Ok(whole)
    }

    fn add(&mut self, part: Part) {
        self.cells.rows.extend(part.cells.rows);
        self.full.extend(part.full);
        if let Some(rows) = &mut self.replications {
            rows.extend(part.replications.unwrap_or_default());
        }
    }
}

impl Part {
    fn read(dir: &Path) -> Result<Self, ReportError> {
        let dir = dir.to_owned();
        let unfinished =
            |problem: &str| ReportError::Unfinished { path: dir.clone(), problem: problem.to_owned() };
        let run_json = dir.join(RUN_JSON);
        if !run_json.exists() {
            return Err(unfinished("it has no run.json"));
        }
        let manifest = Manifest::read(&run_json)?;
        if manifest.incomplete {
            return Err(unfinished("cells are missing in it"));
        }
        let Some(of) = manifest.shard.clone() else {
            let problem = "it is a whole run, not a part of one".to_owned();
            return Err(ReportError::OtherPart { path: dir, problem });
        };
        let seal = Seal::read(&run_json)?;
        seal.files.iter().try_for_each(|file| file.verify(&dir))?;
        let has = |file: &str| seal.files.iter().any(|entry| entry.path == file);
        let full =
            if has(FULL_CELLS_CSV) { CellTable::read(&dir.join(FULL_CELLS_CSV))?.rows } else { Vec::new() };
        let kept = has(REPLICATIONS_CSV).then(|| replications::read(&dir.join(REPLICATIONS_CSV)));
        let cells = CellTable::read(&dir.join(CELLS_CSV))?;
        let part = Self { tool: seal.tool, manifest, of, cells, full, replications: kept.transpose()?, dir };
        part.has_its_cells()?;
        Ok(part)
    }

    /// Whether it holds the cells of its shard, all of them and no others.
    fn has_its_cells(&self) -> Result<(), ReportError> {
        let PartOf { index, count, cells, full_cells, .. } = self.of;
        let shard = Shard::new(index, count).ok_or_else(|| self.stranger("its shard is none"))?;
        let is_whole = |rows: &[CellRow], all: usize| {
            rows.iter().map(|row| row.cell).eq((1..=all).filter(|&cell| shard.has(cell)))
        };
        if is_whole(&self.cells.rows, cells) && is_whole(&self.full, full_cells) {
            return Ok(());
        }
        Err(ReportError::Unfinished {
            path: self.dir.clone(),
            problem: format!("it has other cells than those of shard {shard}"),
        })
    }

    fn stranger(&self, problem: &str) -> ReportError {
        ReportError::OtherPart { path: self.dir.clone(), problem: problem.to_owned() }
    }

    fn belongs_with(&self, first: &Self) -> Result<(), ReportError> {
        let (own, other) = (&self.manifest, &first.manifest);
        let differs = [
            ("another version of forkcast wrote it", self.tool != first.tool),
            ("it is of another scenario", own.scenario != other.scenario),
            ("it has another seed", own.seed != other.seed),
            ("it has other --set or --axis", own.overrides != other.overrides),
            ("it is of another number of shards", self.of.count != first.of.count),
            ("a file that the scenario refers to differs", self.of.cells_sha256 != first.of.cells_sha256),
            (
                "only one of them has kept its replications",
                self.replications.is_some() != first.replications.is_some(),
            ),
        ];
        let problem = differs.iter().find(|(_, differs)| *differs);
        problem.map_or(Ok(()), |(problem, _)| {
            Err(self.stranger(&format!("{problem}, unlike `{}`", first.dir.display())))
        })
    }

    fn text(&self, file: &str) -> Result<String, ReportError> {
        let path = self.dir.join(file);
        fs::read_to_string(&path).map_err(|source| ReportError::Read { path, source })
    }
}

impl FileEntry {
    /// Whether the file in `dir` is the one that was sealed.
    fn verify(&self, dir: &Path) -> Result<(), ReportError> {
        let path = dir.join(&self.path);
        let content = fs::read(&path).map_err(|source| ReportError::Read { path: path.clone(), source })?;
        if sha256(&content) == self.sha256 {
            return Ok(());
        }
        Err(ReportError::Malformed { path, problem: "its sha256 is not the one in run.json".to_owned() })
    }
}

/// `parts` are in the order of their shards.
fn none_twice(parts: &[Part]) -> Result<(), ReportError> {
    let twice = parts.windows(2).find(|pair| pair[0].of.index == pair[1].of.index);
    twice.map_or(Ok(()), |pair| {
        let of = &pair[1].of;
        let problem = format!("shard {}/{} is in `{}` already", of.index, of.count, pair[0].dir.display());
        Err(pair[1].stranger(&problem))
    })
}

fn none_missing(parts: &[Part]) -> Result<(), ReportError> {
    let of = &parts[0].of;
    let is_there = |index: &usize| parts.iter().any(|part| part.of.index == *index);
    let missing: Vec<usize> = (1..=of.count).filter(|index| !is_there(index)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let cells_of = |all: usize| {
        let shards: Vec<Shard> = missing.iter().filter_map(|&index| Shard::new(index, of.count)).collect();
        let lost: Vec<usize> = (1..=all).filter(|&cell| shards.iter().any(|shard| shard.has(cell))).collect();
        numbers(&lost)
    };
    let full = if of.full_cells > 0 {
        format!(", and of a full server cells {}", cells_of(of.full_cells))
    } else {
        String::new()
    };
    let problem = format!(
        "of {} shards, {} missing: cells {}{full}",
        of.count,
        if missing.len() == 1 { format!("{} is", missing[0]) } else { format!("{} are", numbers(&missing)) },
        cells_of(of.cells),
    );
    Err(ReportError::Missing { problem })
}

fn numbers(numbers: &[usize]) -> String {
    if numbers.is_empty() {
        return "none".to_owned();
    }
    numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}
