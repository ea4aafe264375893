//! Cells sorted into rows of hosts and columns of percentages.

use crate::report::{CellTable, Manifest};
use crate::sweep::{CellRow, Verdict};
use crate::units::Percent;

/// More rows than a picture holds are left out; the chart says so.
const MOST_ROWS: usize = 40;
/// More columns are thinned out evenly.
const MOST_COLUMNS: usize = 24;

/// The cells as they are drawn.
pub(super) struct Grid<'a> {
    /// Percent of each column, ascending; `None` where `maxmemory` is given otherwise.
    pub(super) columns: Vec<Option<f64>>,
    /// One row a host, and a combination of the further axes; smallest RAM first.
    pub(super) rows: Vec<GridRow<'a>>,
    /// Rows and columns that found no room.
    pub(super) left_out: (usize, usize),
}

/// Where a percent lies among the columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Place {
    /// The columns are no percentages.
    Unknown,
    /// Left of the first.
    Below,
    /// So many columns from the left, in whole and parts.
    Columns(f64),
    /// Right of the last.
    Above,
}

/// A host and its cells.
pub(super) struct GridRow<'a> {
    /// Its class.
    pub(super) name: String,
    /// Its RAM, what the data needs on it, and the further axes.
    pub(super) note: String,
    /// Percent that the data needs at the end of the horizon, where known.
    pub(super) needed: Option<f64>,
    /// The cells, column by column; `None` where one was not run.
    pub(super) cells: Vec<Option<&'a CellRow>>,
}

impl<'a> Grid<'a> {
    pub(super) fn new(cells: &'a CellTable, manifest: &Manifest) -> Self {
        let all_columns = columns(cells);
        let columns = thinned(&all_columns);
        let mut hosts: Vec<&CellRow> = Vec::new();
        for cell in &cells.rows {
            if !hosts.iter().any(|host| is_same_host(host, cell)) {
                hosts.push(cell);
            }
        }
        hosts.sort_by(|a, b| (a.ram, &a.host_class).cmp(&(b.ram, &b.host_class)));
        let left_out = (hosts.len().saturating_sub(MOST_ROWS), all_columns.len() - columns.len());
        hosts.truncate(MOST_ROWS);
        let rows = hosts.into_iter().map(|host| GridRow::new(host, cells, &columns, manifest)).collect();
        Self { columns, rows, left_out }
    }

    /// Where a need of `percent` lies: at the left edge of the first column that suffices for it.
    pub(super) fn place(&self, percent: f64) -> Place {
        let known: Vec<f64> = self.columns.iter().copied().flatten().collect();
        let Some(&first) = known.first() else { return Place::Unknown };
        let step = known.get(1).map_or(5.0, |second| second - first);
        if percent <= first - step {
            return Place::Below;
        }
        let suffices = known.iter().position(|column| percent <= *column);
        suffices.map_or(Place::Above, |column| Place::Columns(column as f64))
    }
}

impl<'a> GridRow<'a> {
    fn new(host: &'a CellRow, cells: &'a CellTable, columns: &[Option<f64>], manifest: &Manifest) -> Self {
        let needed = needed_percent(host, manifest);
        let at = |percent: &Option<f64>| {
            cells.rows.iter().find(|cell| is_same_host(cell, host) && cell.maxmemory_percent == *percent)
        };
        Self {
            name: host.host_class.clone().unwrap_or_else(|| "This host".to_owned()),
            note: note(host, cells, needed),
            needed,
            cells: columns.iter().map(at).collect(),
        }
    }

    /// How many columns from the left are safe without a gap.
    pub(super) fn safe_columns(&self) -> usize {
        let is_safe = |cell: &CellRow| cell.verdict == Verdict::Safe;
        self.cells.iter().take_while(|cell| cell.is_some_and(is_safe)).count()
    }

    /// The largest percent up to which every one is safe; `None` where not even the first is.
    pub(super) fn safe_percent(&self) -> Option<f64> {
        let last = self.safe_columns().checked_sub(1)?;
        self.cells[last]?.maxmemory_percent
    }

    /// The cell beyond the safe ones.
    pub(super) fn first_unsafe(&self) -> Option<&'a CellRow> {
        self.cells.get(self.safe_columns()).copied().flatten()
    }
}

fn is_same_host(a: &CellRow, b: &CellRow) -> bool {
    a.ram == b.ram && a.host_class == b.host_class && a.axes == b.axes
}

fn columns(cells: &CellTable) -> Vec<Option<f64>> {
    let mut columns: Vec<Option<f64>> = cells.rows.iter().map(|cell| cell.maxmemory_percent).collect();
    // A cell without a percent comes last.
    columns.sort_by(|a, b| a.unwrap_or(f64::INFINITY).total_cmp(&b.unwrap_or(f64::INFINITY)));
    columns.dedup();
    columns
}

fn thinned(columns: &[Option<f64>]) -> Vec<Option<f64>> {
    let last = columns.len().saturating_sub(1);
    let every = columns.len().div_ceil(MOST_COLUMNS).max(1);
    let kept = columns.iter().enumerate().filter(|(column, _)| (last - column).is_multiple_of(every));
    kept.map(|(_, &percent)| percent).collect()
}

/// What the class's answer says it needs; unknown where further axes give a class several answers.
fn needed_percent(host: &CellRow, manifest: &Manifest) -> Option<f64> {
    let mut answers = manifest.classes.iter().filter(|answer| answer.host_class == host.host_class);
    let answer = answers.next().filter(|_| answers.next().is_none())?;
    answer.needed_percent.filter(|percent| percent.is_finite())
}

fn note(host: &CellRow, cells: &CellTable, needed: Option<f64>) -> String {
    let mut parts = vec![format!("{} RAM", host.ram)];
    parts.extend(needed.map(|needed| match needed {
        beyond if beyond > 100.0 => "needs more than it has".to_owned(),
        percent => format!("needs {}", Percent(percent)),
    }));
    for (axis, value) in cells.axes.iter().zip(&host.axes) {
        let short = axis.rsplit('.').next().unwrap_or(axis);
        parts.push(format!("{short} {value}"));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(percents: &[f64]) -> Grid<'static> {
        Grid { columns: percents.iter().copied().map(Some).collect(), rows: Vec::new(), left_out: (0, 0) }
    }

    #[test]
    fn a_need_stands_left_of_every_percent_that_suffices() {
        let grid = grid(&[50.0, 60.0, 75.0]);
        for (needed, columns) in [(45.0, 0.0), (50.0, 0.0), (55.0, 1.0), (75.0, 2.0)] {
            assert_eq!(grid.place(needed), Place::Columns(columns), "{needed}");
        }
        assert_eq!([grid.place(10.0), grid.place(90.0)], [Place::Below, Place::Above]);
    }

    #[test]
    fn many_columns_are_thinned_and_keep_the_last() {
        let columns: Vec<_> = (1..=100).map(|percent| Some(f64::from(percent))).collect();
        let kept = thinned(&columns);
        assert!(kept.len() <= MOST_COLUMNS);
        assert_eq!(kept.last(), Some(&Some(100.0)));
        assert!(thinned(&[]).is_empty());
    }
}
