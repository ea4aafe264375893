//! What this proves: what a newcomer reads first is what was reviewed.

use super::{forkcast, repository};

/// The help of a command on a terminal of 100 columns.
fn help(name: &str, args: &[&str]) {
    let output = forkcast(args).env("COLUMNS", "100").output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    insta::with_settings!({
        snapshot_path => repository("tests/golden/help"),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn the_command_says_what_it_does() {
    help("forkcast", &["--help"]);
}

#[test]
fn run_says_what_it_takes() {
    help("run", &["run", "--help"]);
}

#[test]
fn plan_says_what_it_takes() {
    help("plan", &["plan", "--help"]);
}

#[test]
fn cell_says_what_it_takes() {
    help("cell", &["cell", "--help"]);
}

#[test]
fn merge_says_what_it_takes() {
    help("merge", &["merge", "--help"]);
}

#[test]
fn diff_says_what_it_takes() {
    help("diff", &["diff", "--help"]);
}

#[test]
fn import_says_what_it_takes() {
    help("import", &["import", "--help"]);
}

#[test]
fn validate_says_what_it_takes() {
    help("validate", &["validate", "--help"]);
}

#[test]
fn cow_says_what_it_takes() {
    help("cow", &["cow", "--help"]);
}

#[test]
fn forecast_says_what_it_takes() {
    help("forecast", &["forecast", "--help"]);
}
