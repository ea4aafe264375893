//! forkcast seen from outside: one binary, one module for each thing it proves.
#![expect(clippy::unwrap_used, reason = "a test stops where its ground is missing")]

mod behaviours;
mod cells;
mod cli;
mod clusters;
mod determinism;
mod docs;
mod forecast;
mod golden;
mod help;
mod import;
mod independent;
mod lasting;
mod page_by_page;
mod plan;
mod problems;
mod prometheus;
mod properties;
mod validate;

use std::path::{Path, PathBuf};

/// The command as a user starts it from the root of the repository, with nothing to read on standard input.
fn forkcast(args: &[&str]) -> assert_cmd::Command {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_forkcast"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("NO_COLOR").write_stdin("").args(args);
    command
}

/// A file of the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The scenarios that the repository ships.
fn shipped_scenarios() -> Vec<String> {
    let files = std::fs::read_dir(repository("scenarios")).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    let scenarios = paths.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    let mut paths: Vec<String> =
        scenarios.map(|path| format!("scenarios/{}", path.file_name().unwrap().display())).collect();
    paths.sort();
    paths
}
