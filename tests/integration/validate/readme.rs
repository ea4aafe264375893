//! The README shows the table and the chart that the command makes. Both are made again by
//! `UPDATE_README=1 cargo test readme`.

use std::path::Path;
use std::{env, fs};

use super::super::repository;
use super::{RUNS, validated};

/// Where the chart of the README lies.
const FOLDER: &str = "outputs/accuracy";
const FILES: [&str; 2] = ["predictions.csv", "charts/predicted-against-measured.svg"];
const OPENING: &str =
    "<!-- what `forkcast validate tests/data/measurements/runs.csv -o outputs/accuracy` says -->\n```text\n";

/// What the command says up to its table by group, and leaves in `folder`.
fn said(folder: &Path) -> String {
    let output = validated(&[RUNS, "--quiet", "--out", folder.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let before_groups = text.split("\n\n series/op").next().unwrap();
    format!("{before_groups}\n")
}

#[test]
fn the_readme_shows_what_the_command_says() {
    let readme = fs::read_to_string(repository("README.md")).unwrap();
    let (before, rest) = readme.split_once(OPENING).expect("the README has the block");
    let (shown, after) = rest.split_once("```").unwrap();
    if env::var_os("UPDATE_README").is_some() {
        let said = said(&repository(FOLDER));
        fs::write(repository("README.md"), [before, OPENING, &said, "```", after].concat()).unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(shown, said(folder.path()), "make it again with `UPDATE_README=1 cargo test readme`");
    for file in FILES {
        let kept = fs::read_to_string(repository(FOLDER).join(file)).unwrap();
        let drawn = fs::read_to_string(folder.path().join(file)).unwrap();
        assert!(
            kept == drawn,
            "{FOLDER}/{file} is stale: make it again with `UPDATE_README=1 cargo test readme`"
        );
    }
}
