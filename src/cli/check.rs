//! `forkcast check`: every problem of scenarios, nothing run.

use super::args::{CheckArgs, ScenarioArgs};
use super::exit::Exit;
use super::input;
use super::terminal::Terminal;
use crate::sweep::Grid;

/// Checks each scenario at every value of its axes.
pub fn check(args: &CheckArgs, terminal: &Terminal) -> anyhow::Result<Exit> {
    let mut exit = Exit::Done;
    for path in &args.scenarios {
        let one = ScenarioArgs {
            scenario: path.clone(),
            set: Vec::new(),
            replications: None,
            seed: None,
            max_incidents_per_year: None,
        };
        match input::scenario(&one, &[], terminal)? {
            Err(invalid) => exit = invalid,
            Ok(scenario) => match Grid::new(&scenario) {
                Err(report) => exit = input::invalid(&report, terminal),
                Ok(grid) => {
                    let cells = grid.cells.len();
                    let plural = if cells == 1 { "" } else { "s" };
                    terminal.answer(&format!("{}: valid, {cells} cell{plural}", path.display()))?;
                }
            },
        }
    }
    Ok(exit)
}
