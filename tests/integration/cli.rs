//! What this proves: the command keeps its promises to people and scripts: exit codes, what goes to standard output
//! and what to standard error, the files of a run, and that no input makes it panic.

mod cow;
mod documents;
mod import;
mod interrupt;
mod run;
mod wrong_input;

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{forkcast, repository, shipped_scenarios};

/// A host that is simulated quickly: two days, ten replications.
const SMALL: &str = r#"name = "small"

[host]
ram = "8 GiB"
reserved = "500 MiB"

[server]
fragmentation-ratio = 1.05
client-memory = "16 MiB"

[[keyspace]]
name = "sessions"
key-size = "24 B"
value-size = "512 B"
writes-per-second = 2000

[persistence]
save = []

[simulation]
horizon = "2d"
replications = 10

[sweep]
"server.maxmemory-percent" = [30, 75]
"#;

/// A folder of its own for a test, gone afterwards.
struct Scratch(TempDir);

impl Scratch {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With [`SMALL`] in it as `small.toml`.
    fn with_small() -> Self {
        let scratch = Self::new();
        scratch.write("small.toml", SMALL);
        scratch
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn has(&self, name: &str) -> bool {
        Path::new(&self.path(name)).exists()
    }
}

/// What a command left behind.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn ended(output: std::process::Output) -> Ended {
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!stderr.contains("panicked"), "{stderr}");
    Ended { code: output.status.code(), stdout: String::from_utf8(output.stdout).unwrap(), stderr }
}

/// Runs the command to its end; it never panics.
fn run(args: &[&str]) -> Ended {
    ended(forkcast(args).output().unwrap())
}

/// Runs a command that succeeds, and returns what it says on standard output.
fn answer(args: &[&str]) -> String {
    let ended = run(args);
    assert_eq!(ended.code, Some(0), "{args:?}: {}", ended.stderr);
    ended.stdout
}
