//! The command line: arguments, terminal, progress and exit codes. The only place that prints or exits.
//!
//! Each command has a file that reads what it needs, asks the library, and writes what came out. Standard output
//! holds the answer, standard error the conversation.

mod accuracy;
mod answer;
mod args;
mod cell;
mod check;
mod classes;
mod cow;
mod diff;
mod exit;
mod explain;
mod fleet;
mod forecast;
mod import;
mod init;
mod input;
mod merge;
mod plan;
mod progress;
mod record;
mod redraw;
mod run;
mod shard;
mod shell;
mod table;
mod terminal;
mod trace;
mod validate;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use exit::Exit;
use terminal::Terminal;

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let terminal = Terminal::new(cli.color, cli.quiet, cli.verbose);
    let exit = match dispatch(cli.command, &terminal) {
        Ok(exit) => exit,
        Err(error) if terminal::is_broken_pipe(&error) => Exit::Done,
        Err(error) => {
            terminal.error(&error);
            Exit::of(&error)
        }
    };
    exit.into()
}

fn dispatch(command: Command, terminal: &Terminal) -> anyhow::Result<Exit> {
    match command {
        Command::Run(args) => run::run(&args, terminal),
        Command::Plan(args) => plan::plan(&args, terminal),
        Command::Merge(args) => merge::merge(&args, terminal),
        Command::Diff(args) => diff::diff(&args, terminal),
        Command::Cell(args) => cell::cell(&args, terminal),
        Command::Trace(args) => trace::trace(&args, terminal),
        Command::Cow(args) => cow::cow(&args, terminal),
        Command::Forecast(args) => forecast::forecast(&args, terminal),
        Command::Import(args) => import::import(&args, terminal),
        Command::Validate(args) => validate::validate(&args, terminal),
        Command::Check(args) => check::check(&args, terminal),
        Command::Init(args) => init::init(&args, terminal),
        Command::Classes(args) => classes::classes(&args, terminal),
        Command::Report(args) => redraw::redraw(&args, terminal),
        Command::Explain(args) => explain::explain(&args, terminal),
        Command::Schema => shell::schema(terminal),
        Command::Completions { shell } => shell::completions(shell, terminal),
        Command::Man => shell::man(terminal),
    }
}
