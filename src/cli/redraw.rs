//! `forkcast report`: the charts of a run folder again.

use super::args::ReportArgs;
use super::exit::Exit;
use super::terminal::Terminal;
use crate::report;

/// Draws the charts from the folder's files.
pub fn redraw(args: &ReportArgs, terminal: &Terminal) -> anyhow::Result<Exit> {
    for chart in report::redraw(&args.run_dir)? {
        terminal.answer(&chart.display().to_string())?;
    }
    Ok(Exit::Done)
}
