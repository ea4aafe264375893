//! What this proves: a run that is divided, interrupted, killed or out of disk ends in the bytes of the run in one piece,
//! and nothing looks complete that is not.

mod differences;
mod full_disk;
mod killed;
mod parts;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::forkcast;

/// Twelve cells and six of a full server, some thirty milliseconds each.
const SCENARIO: &str = r#"name = "lasting"

[host]
ram = "4 GiB"
reserved = "300 MiB"

[dataset]
fill = 0.9

[[keyspace]]
name = "sessions"
key-size = "24 B"
value-size = "512 B"
writes-per-second = { low = 300, likely = 900, high = 3000 }

[persistence]
save = ["3600 1"]

[simulation]
horizon = "3d"
replications = 12

[sweep]
"server.maxmemory-percent" = [45, 55, 65, 75, 85, 97]
"backup.every" = ["12h", "24h"]
"#;

/// Data in keys: the RAM required is asked for too.
const IN_KEYS: &str = r#"name = "in-keys"

[host]
ram = "16 GiB"
reserved = "300 MiB"

[server]
maxmemory = "none"

[dataset]
fill = "keys"

[[keyspace]]
name = "sessions"
keys = 4_000_000
key-size = "24 B"
value-size = "512 B"
writes-per-second = 900

[simulation]
horizon = "3d"
replications = 40

[risk]
incidents-per-year = 2.0

[sweep]
"backup.every" = ["24h", "12h", "8h"]
"#;

/// A folder of its own, with the scenario in it.
struct Ground(TempDir);

/// A folder's files by their paths.
type Files = BTreeMap<String, Vec<u8>>;

impl Ground {
    fn new(scenario: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("scenario.toml"), scenario).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// The arguments of a run of the scenario into the folder `out`.
    fn run_into(&self, out: &str, more: &[&str]) -> Vec<String> {
        let fixed = ["run", &self.path("scenario.toml"), "--out", &self.path(out), "--keep-replications"];
        fixed.iter().chain(more).map(|&text| text.to_owned()).collect()
    }

    /// Runs to the end; returns exit code and standard error.
    fn run(&self, out: &str, more: &[&str]) -> (i32, String) {
        said(&self.run_into(out, more).iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn merge(&self, parts: &[&str], out: &str) -> (i32, String) {
        let parts: Vec<String> = parts.iter().map(|part| self.path(part)).collect();
        let out = self.path(out);
        let parts = parts.iter().map(String::as_str);
        said(&["merge"].into_iter().chain(parts).chain(["-o", &out]).collect::<Vec<_>>())
    }

    fn files(&self, out: &str) -> Files {
        let mut files = Files::new();
        collect(Path::new(&self.path(out)), "", &mut files);
        files
    }

    fn has(&self, name: &str) -> bool {
        Path::new(&self.path(name)).exists()
    }
}

fn collect(folder: &Path, prefix: &str, files: &mut Files) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            collect(&path, &format!("{name}/"), files);
        } else {
            files.insert(name, fs::read(&path).unwrap());
        }
    }
}

fn said(args: &[&str]) -> (i32, String) {
    let output = forkcast(args).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!stderr.contains("panicked"), "{stderr}");
    (output.status.code().unwrap(), stderr)
}

/// Fails with the names of the files that differ.
fn assert_same(expected: &Files, found: &Files, what: &str) {
    let names: Vec<&String> = expected.keys().chain(found.keys()).collect();
    let differ: Vec<&&String> =
        names.iter().filter(|name| expected.get(**name) != found.get(**name)).collect();
    assert!(differ.is_empty(), "{what}: {differ:?}");
}
