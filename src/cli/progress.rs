//! Progress on standard error: cells done, replications a second, time left.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::terminal::Terminal;
use crate::sweep::{Finished, Watch};

/// A bar that a sweep fills, hidden where nobody looks.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar for so many cells.
    pub fn new(cells: usize, terminal: &Terminal) -> Self {
        let target = if terminal.shows_progress() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(cells as u64), target);
        let template = "{bar:30} {pos}/{len} cells, {elapsed} so far, {eta} left  {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(std::time::Duration::from_millis(250));
        Self { bar }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Watch for Progress {
    fn finished(&self, cell: Finished<'_>) {
        let row = cell.row;
        let host = row.host_class.clone().unwrap_or_else(|| row.ram.to_string());
        self.bar.set_message(format!("{host}: {}", row.verdict.name()));
        self.bar.inc(1);
    }
}
