//! The `forkcast` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    forkcast::cli::main()
}
