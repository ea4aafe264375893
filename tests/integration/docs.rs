//! What this proves: the commands that the README shows are commands of this program, on files of this repository.

use std::fs;

use super::{forkcast, repository};

/// Lines of the `sh` blocks, block by block, without comments.
fn shell_blocks() -> Vec<Vec<String>> {
    let readme = fs::read_to_string(repository("README.md")).unwrap();
    let mut blocks = Vec::new();
    let mut rest = readme.as_str();
    while let Some((_, after)) = rest.split_once("```sh\n") {
        let (block, after) = after.split_once("```").unwrap();
        let commands = block.lines().map(|line| line.split(" #").next().unwrap_or_default().trim());
        blocks.push(commands.filter(|line| !line.is_empty()).map(str::to_owned).collect());
        rest = after;
    }
    blocks
}

/// The arguments of a `forkcast` command, also where cargo builds it first.
fn arguments(command: &str) -> Option<Vec<String>> {
    let arguments = match command.split_once(" -- ") {
        Some((cargo, arguments)) if cargo.starts_with("cargo run") => arguments,
        _ => command
            .strip_prefix("forkcast ")
            .or_else(|| command.strip_prefix("./target/release/forkcast "))?,
    };
    let until = arguments.find(['|', '>', '&', ';']).unwrap_or(arguments.len());
    Some(
        arguments[..until].split_whitespace().map(|word| word.trim_matches(['"', '\'']).to_owned()).collect(),
    )
}

#[test]
fn the_first_block_builds_runs_and_tests() {
    let blocks = shell_blocks();
    let first = ["cargo run --release -- run scenarios/quickstart.toml", "cargo test --release"];
    assert_eq!(blocks.first().map(Vec::as_slice), Some(&first.map(str::to_owned)[..]));
}

/// `--help` at the end of a command makes it parse what stands before, and nothing else.
#[test]
fn every_command_is_one_of_this_program() {
    for command in shell_blocks().concat() {
        let Some(arguments) = arguments(&command) else { continue };
        let mut args: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let missing = args.iter().find(|word| word.starts_with("scenarios/") && !repository(word).exists());
        assert_eq!(missing, None, "`{command}`");
        args.push("--help");
        let output = forkcast(&args).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "`{command}`: {stderr}");
    }
}

/// The answer that stands below a `cow` command is the one that it gives.
#[test]
fn the_save_of_the_readme_is_fresh() {
    let readme = fs::read_to_string(repository("README.md")).unwrap();
    let (_, after) = readme.split_once("```sh\nforkcast cow").unwrap();
    let (command, after) = after.split_once("\n```\n\n```text\n").unwrap();
    let (shown, _) = after.split_once("\n```").unwrap();
    let output =
        forkcast(&[&["cow"], &command.split_whitespace().collect::<Vec<_>>()[..]].concat()).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim_end(), shown);
}

/// Every line that is shown of what a command says is one that it says.
fn assert_is_fresh(shown_of: &str, says: &[&str]) {
    let readme = fs::read_to_string(repository("README.md")).unwrap();
    let marker = format!("<!-- lines of what `{shown_of}` says -->\n```text\n");
    let (_, after) = readme.split_once(&marker).unwrap();
    let (shown, _) = after.split_once("\n```").unwrap();
    let output = forkcast(says).output().unwrap();
    let says = String::from_utf8(output.stdout).unwrap();
    let missing = shown.lines().filter(|line| line.trim() != "…" && !says.lines().any(|said| said == *line));
    let missing: Vec<&str> = missing.collect();
    assert!(missing.is_empty(), "{}\n\nare not what it says:\n\n{says}", missing.join("\n"));
}

#[test]
fn the_plan_of_the_readme_is_fresh() {
    assert_is_fresh("forkcast plan scenarios/quickstart.toml", &["plan", "scenarios/quickstart.toml", "-q"]);
}

#[test]
fn the_first_screen_of_the_readme_is_fresh() {
    let out = tempfile::tempdir().unwrap();
    let folder = out.path().join("quickstart").display().to_string();
    assert_is_fresh(
        "forkcast run scenarios/quickstart.toml",
        &["run", "scenarios/quickstart.toml", "-q", "--out", &folder],
    );
}
