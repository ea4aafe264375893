//! What a run writes down while it goes on, and what of it a resumed run need not do again.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::args::RunArgs;
use super::progress::Progress;
use super::terminal::Terminal;
use crate::report::journal::{Fingerprint, Journal, JournalCell};
use crate::report::{ReplicationRow, ReportError};
use crate::sweep::{Finished, Grid, Sweep, Watch};

/// The journal of a run, with what it held when the run began.
pub struct Record {
    journal: Journal,
    finished: Vec<JournalCell>,
    keeps_replications: bool,
}

impl Record {
    /// Begins a journal in `dir`, or goes on with the one that is there. `axes` are the scenario's further axes.
    ///
    /// # Errors
    ///
    /// [`ReportError`]: a journal of another run, or a folder that cannot be read or written.
    pub fn open(
        dir: &Path,
        fingerprint: &Fingerprint,
        axes: &[String],
        args: &RunArgs,
        terminal: &Terminal,
    ) -> Result<Self, ReportError> {
        let keeps_replications = args.keep_replications;
        if args.resume {
            let (journal, finished) = Journal::resume(dir, fingerprint, axes)?;
            if !finished.is_empty() {
                terminal.say(format!(
                    "{} finished before, not simulated again",
                    super::answer::cells(finished.len())
                ));
            }
            return Ok(Self { journal, finished, keeps_replications });
        }
        if let Some(cells) = Journal::found(dir).filter(|&cells| cells > 0) {
            let cells = super::answer::cells(cells);
            terminal.say(format!(
                "`{}` held {cells} of a run that did not end; begun afresh, as --resume is not given",
                dir.display()
            ));
        }
        let journal = Journal::begin(dir, fingerprint)?;
        Ok(Self { journal, finished: Vec::new(), keeps_replications })
    }

    /// What of `grid` is left to do.
    pub fn left(&self, grid: &Grid) -> Grid {
        let finished: BTreeSet<(usize, bool)> =
            self.finished.iter().map(|cell| (cell.row.cell, cell.is_full)).collect();
        let mut left = grid.without(|number, is_full| finished.contains(&(number, is_full)));
        if self.finished.iter().any(|cell| cell.required_ram.is_some()) {
            left.as_given = None;
        }
        left
    }

    /// Watches the sweep, writes down each cell, and ends the sweep where that fails.
    pub fn watch<'a>(&'a self, progress: &'a Progress, cancelled: &'a AtomicBool) -> Recording<'a> {
        Recording { record: self, progress, cancelled }
    }

    /// The sweep with the cells that were finished before in their places, its replications, and the journal.
    pub fn complete(self, mut sweep: Sweep) -> (Sweep, Vec<ReplicationRow>, Journal) {
        let mut replications = Vec::new();
        for cell in std::mem::take(&mut sweep.outcomes) {
            let numbered = cell.outcomes.iter().zip(0..);
            replications.extend(numbered.map(|(outcome, n)| ReplicationRow::new(cell.cell, n, outcome)));
        }
        for cell in self.finished {
            sweep.required_ram = cell.required_ram.or(sweep.required_ram);
            replications.extend(cell.replications);
            if cell.is_full { sweep.full.push(cell.row) } else { sweep.rows.push(cell.row) }
        }
        sweep.rows.sort_by_key(|row| row.cell);
        sweep.full.sort_by_key(|row| row.cell);
        replications.sort_by_key(|row| (row.cell, row.replication));
        (sweep, replications, self.journal)
    }
}

/// Writes down what is finished.
pub struct Recording<'a> {
    record: &'a Record,
    progress: &'a Progress,
    cancelled: &'a AtomicBool,
}

impl Watch for Recording<'_> {
    fn finished(&self, cell: Finished<'_>) {
        if !self.record.journal.append(&JournalCell::new(&cell, self.record.keeps_replications)) {
            self.cancelled.store(true, Ordering::SeqCst);
        }
        self.progress.finished(cell);
    }
}
