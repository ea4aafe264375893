//! Two run folders, cell by cell: matched by host, percent and further axes, and paired by replication where both have
//! the same seed, and so the same weather, and have kept their replications.

use std::collections::BTreeMap;
use std::path::Path;

use super::replications;
use super::run_folder::{CELLS_CSV, REPLICATIONS_CSV, RUN_JSON};
use super::run_json::{Seal, WrittenBy};
use super::{CellTable, Manifest, ReplicationRow, ReportError, ScenarioText};
use crate::stats::{Estimate, Pairs, mean_difference};
use crate::sweep::CellRow;

/// What changed from one run to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The cells that both have, those whose verdict changed first.
    pub cells: Vec<CellDifference>,
    /// Cells that only the first run has.
    pub only_first: usize,
    /// Cells that only the second has.
    pub only_second: usize,
    /// What sets the runs themselves apart: versions, scenarios, settings, seeds; each in words.
    pub apart: Vec<String>,
    /// Why the pairs are not known, and only the rows compared; `None` where they are.
    pub unpaired: Option<&'static str>,
}

/// A cell in both runs.
#[derive(Clone, Debug, PartialEq)]
pub struct CellDifference {
    /// The cell in the first run.
    pub first: CellRow,
    /// The cell in the second.
    pub second: CellRow,
    /// What the pairs of replications say; `None` where they are not known.
    pub paired: Option<Paired>,
}

/// The second less the first, paired by replication.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paired {
    /// Pairs of replications.
    pub pairs: u64,
    /// Chance of a replication with an incident.
    pub affected: Estimate,
    /// The most memory in use \[bytes\]; `None` for a single pair.
    pub peak_bytes: Option<Estimate>,
}

impl CellDifference {
    /// Whether the verdict is another.
    #[must_use]
    pub fn is_decisive(&self) -> bool {
        self.first.verdict != self.second.verdict
    }
}

/// A run folder as far as it is compared.
struct Run {
    manifest: Manifest,
    tool: WrittenBy,
    cells: CellTable,
    replications: Option<BTreeMap<usize, Vec<ReplicationRow>>>,
}

impl Run {
    fn read(dir: &Path) -> Result<Self, ReportError> {
        let path = dir.join(RUN_JSON);
        let (manifest, tool) = (Manifest::read(&path)?, Seal::read(&path)?.tool);
        let unfinished = |problem: String| Err(ReportError::Unfinished { path: dir.to_owned(), problem });
        if manifest.incomplete {
            return unfinished("cells are missing in it".to_owned());
        }
        if let Some(part) = &manifest.shard {
            return unfinished(format!("it holds shard {}/{} alone", part.index, part.count));
        }
        let cells = CellTable::read(&dir.join(CELLS_CSV))?;
        let path = dir.join(REPLICATIONS_CSV);
        let rows = path.exists().then(|| replications::read(&path)).transpose()?;
        let by_cell = rows.map(|rows| {
            let mut cells = BTreeMap::<usize, Vec<ReplicationRow>>::new();
            for row in rows {
                cells.entry(row.cell).or_default().push(row);
            }
            cells
        });
        Ok(Self { manifest, tool, cells, replications: by_cell })
    }

    fn replications(&self, cell: &CellRow) -> Option<&[ReplicationRow]> {
        self.replications.as_ref()?.get(&cell.cell).map(Vec::as_slice)
    }

    /// What sets it apart from the run `other`, in words.
    fn apart_from(&self, other: &Self) -> Vec<String> {
        let (one, second) = (&self.manifest, &other.manifest);
        let list = |overrides: &[String]| match overrides {
            [] => "nothing overridden".to_owned(),
            some => some.join(" "),
        };
        let mut apart = Vec::new();
        if self.tool != other.tool {
            apart.push(format!("forkcast {} and {}", self.tool, other.tool));
        }
        if one.scenario.sha256 != second.scenario.sha256 {
            let name = |text: &ScenarioText| format!("{} {}", text.name, &text.sha256[..8]);
            apart.push(format!("scenario {} and {}", name(&one.scenario), name(&second.scenario)));
        }
        if one.overrides != second.overrides {
            apart.push(format!("{} and {}", list(&one.overrides), list(&second.overrides)));
        }
        if one.seed != second.seed {
            apart.push(format!("seed {} and {}", one.seed, second.seed));
        }
        apart
    }

    /// Where a cell stands: what two runs must share for it to be the same.
    fn place(&self, row: &CellRow) -> Vec<String> {
        let percent = row.maxmemory_percent.map_or_else(String::new, |percent| percent.to_string());
        let host = row.host_class.clone().unwrap_or_else(|| row.ram.0.to_string());
        let mut axes: Vec<String> =
            self.cells.axes.iter().zip(&row.axes).map(|(axis, value)| format!("{axis}={value}")).collect();
        axes.sort();
        [host, percent].into_iter().chain(axes).collect()
    }
}

/// Compares the runs in two folders.
///
/// # Errors
///
/// [`ReportError::Unfinished`] where a run has not ended or is a part of one; [`ReportError`] where files cannot be
/// read.
pub fn difference(first: &Path, second: &Path) -> Result<Difference, ReportError> {
    let (first, second) = (Run::read(first)?, Run::read(second)?);
    let unpaired = if first.manifest.seed != second.manifest.seed {
        Some("the seeds differ, and with them the weather")
    } else if first.replications.is_none() || second.replications.is_none() {
        Some("a run has no replications.csv: keep it with --keep-replications")
    } else {
        None
    };
    let places: BTreeMap<Vec<String>, &CellRow> =
        second.cells.rows.iter().map(|row| (second.place(row), row)).collect();
    let mut cells = Vec::new();
    for row in &first.cells.rows {
        let Some(&other) = places.get(&first.place(row)) else { continue };
        let both = first.replications(row).zip(second.replications(other)).filter(|_| unpaired.is_none());
        let paired = both.and_then(|(one, other)| paired(one, other, first.manifest.confidence));
        cells.push(CellDifference { first: row.clone(), second: other.clone(), paired });
    }
    let only = |run: &Run| run.cells.rows.len() - cells.len();
    let (only_first, only_second) = (only(&first), only(&second));
    cells.sort_by_key(|cell| !cell.is_decisive());
    Ok(Difference { cells, only_first, only_second, apart: first.apart_from(&second), unpaired })
}

/// What the pairs say, of as many replications as both have; `None` where that is none.
fn paired(first: &[ReplicationRow], second: &[ReplicationRow], confidence: f64) -> Option<Paired> {
    let pairs: Vec<(&ReplicationRow, &ReplicationRow)> = first.iter().zip(second).collect();
    let counted: Pairs = pairs.iter().map(|(one, other)| (one.incidents > 0, other.incidents > 0)).collect();
    let peaks: Vec<f64> =
        pairs.iter().map(|(one, other)| other.peak_memory.as_f64() - one.peak_memory.as_f64()).collect();
    (counted.all > 0).then(|| Paired {
        pairs: counted.all,
        affected: counted.difference(confidence),
        peak_bytes: mean_difference(&peaks, confidence),
    })
}
