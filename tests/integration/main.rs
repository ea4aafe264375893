//! forkcast seen from outside: one binary, one module for each thing it proves.
#![expect(clippy::unwrap_used, reason = "a test stops where its ground is missing")]

mod cli;
mod determinism;
mod docs;
mod golden;
mod help;
mod import;
mod measured;
mod page_by_page;
mod properties;

use std::path::{Path, PathBuf};

use forkcast::memory::{KeyPlacement, LayoutProfile, RdbCache};

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

fn redis_7_0() -> LayoutProfile {
    LayoutProfile {
        engine: "redis-7.0".into(),
        entry_bytes: 24,
        key_placement: KeyPlacement::Separate,
        object_bytes: 16,
        embstr_max: 44,
        bucket_bytes: 8,
        expires_entry_bytes: 24,
        rdb_cache: RdbCache::Kept,
        measured: true,
    }
}

fn valkey_8_0() -> LayoutProfile {
    LayoutProfile {
        engine: "valkey-8.0".into(),
        entry_bytes: 17,
        key_placement: KeyPlacement::EmbeddedInEntry,
        rdb_cache: RdbCache::Dropped,
        ..redis_7_0()
    }
}
