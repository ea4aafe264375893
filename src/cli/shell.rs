//! What shells, editors and manuals want of the command itself.

use clap::CommandFactory;
use clap_complete::Shell;

use super::args::Cli;
use super::exit::Exit;
use super::terminal::Terminal;
use crate::scenario;

/// `forkcast completions`.
pub fn completions(shell: Shell, terminal: &Terminal) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "forkcast", &mut script);
    terminal.answer(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}

/// `forkcast man`.
pub fn man(terminal: &Terminal) -> anyhow::Result<Exit> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page)?;
    terminal.answer(&String::from_utf8_lossy(&page))?;
    Ok(Exit::Done)
}

/// `forkcast schema`.
pub fn schema(terminal: &Terminal) -> anyhow::Result<Exit> {
    terminal.answer(&serde_json::to_string_pretty(&scenario::json_schema())?)?;
    Ok(Exit::Done)
}
