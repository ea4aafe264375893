//! `forkcast init`: a scenario to start from.

use super::args::InitArgs;
use super::exit::Exit;
use super::input;
use super::terminal::Terminal;
use crate::scenario;

/// Prints or writes a commented scenario that passes check.
pub fn init(args: &InitArgs, terminal: &Terminal) -> anyhow::Result<Exit> {
    match &args.out {
        None => terminal.answer(scenario::init_text())?,
        Some(path) => {
            input::write_new(path, scenario::init_text())?;
            terminal.say(format!("wrote {}; next: forkcast run {0}", path.display()));
        }
    }
    Ok(Exit::Done)
}
