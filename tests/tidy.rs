//! What this proves: rules of the house that a reader would otherwise have to check: the order of the layers, the
//! size of files and functions, and calls that have no place below the command line.
#![expect(clippy::unwrap_used, reason = "a test stops where its ground is missing")]

use std::fs;
use std::path::{Path, PathBuf};

/// Bottom to top: a module imports only from those before it.
const LAYERS: [&str; 14] = [
    "units", "rng", "engine", "memory", "model", "stats", "scenario", "sweep", "decision", "plan", "report",
    "observe", "cli", "main",
];

const LINES_A_FILE: usize = 500;
const LINES_A_FUNCTION: usize = 70;
const COLUMNS: usize = 120;

const BELOW_CLI: &[&str] = LAYERS.split_at(12).0;

/// Text that must not stand in a module, and what to do instead.
const BANNED: [(&[&str], &str, &str); 6] = [
    (&["engine", "memory", "model", "stats"], "std::fs", "does no I/O: take values, return values"),
    (&["engine", "memory", "model", "stats"], "std::env", "reads no environment: take values"),
    (&["engine", "memory", "model", "stats"], "std::time", "reads no clock: use SimTime"),
    (BELOW_CLI, "println!", "print in `cli`"),
    (
        &["units", "rng", "engine", "memory", "model", "stats", "sweep", "decision"],
        "rand::rng()",
        "key every draw",
    ),
    (BELOW_CLI, "process::exit", "return an error: only `cli` ends the process"),
];

struct Source {
    path: PathBuf,
    layer: String,
    text: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    collect(&root, &mut paths);
    paths.sort();
    let source = |path: PathBuf| {
        let inside = path.strip_prefix(&root).unwrap();
        let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
        let layer = first.trim_end_matches(".rs").to_owned();
        Source { text: fs::read_to_string(&path).unwrap(), layer, path: inside.to_owned() }
    };
    paths.into_iter().map(source).filter(|source| source.layer != "lib").collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// Fails with one `file:line: message` for each problem.
fn report(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

fn each_line(check: impl Fn(&Source, usize, &str) -> Option<String>) -> Vec<String> {
    let mut problems = Vec::new();
    for source in sources() {
        for (index, line) in source.text.lines().enumerate() {
            if let Some(message) = check(&source, index + 1, line) {
                problems.push(format!("src/{}:{}: {message}", source.path.display(), index + 1));
            }
        }
    }
    problems
}

#[test]
fn every_module_is_a_layer_and_imports_only_from_those_below_it() {
    report(&each_line(|source, _, line| {
        let Some(own) = LAYERS.iter().position(|layer| *layer == source.layer) else {
            return Some(format!("`{}` is no layer: add it to LAYERS in its place", source.layer));
        };
        let code = line.split("//").next().unwrap_or_default();
        let above = LAYERS[own + 1..].iter().find(|layer| {
            let path = format!("crate::{layer}");
            code.match_indices(&path)
                .any(|(at, _)| !code[at + path.len()..].starts_with(char::is_alphanumeric))
        });
        above.map(|layer| format!("`{}` must not import `{layer}`", source.layer))
    }));
}

#[test]
fn nothing_banned_is_called() {
    report(&each_line(|source, _, line| {
        let code = line.split("//").next().unwrap_or_default();
        let hit = BANNED
            .iter()
            .find(|(layers, text, _)| layers.contains(&source.layer.as_str()) && code.contains(text));
        hit.map(|(_, text, instead)| format!("`{text}` in `{}`: {instead}", source.layer))
    }));
}

/// Lines that rustfmt can break: those of code and comments. Texts in quotes are as long as they are.
#[test]
fn lines_fit_a_screen() {
    report(&each_line(|source, number, line| {
        let columns = line.chars().count();
        let is_code = number <= code_of(source).lines().count() && !line.contains('"');
        (is_code && columns > COLUMNS).then(|| format!("{columns} columns, {COLUMNS} at most"))
    }));
}

/// A source without its tests; nothing of a file of tests.
fn code_of(source: &Source) -> &str {
    let is_test = source.path.iter().any(|part| part == "tests" || part == "tests.rs");
    if is_test { "" } else { source.text.split("mod tests {").next().unwrap_or_default() }
}

#[test]
fn files_and_functions_fit_a_reader() {
    let mut problems = Vec::new();
    for source in sources() {
        let lines = code_of(&source).lines().count();
        if lines > LINES_A_FILE {
            problems.push(format!("src/{}: {lines} lines, {LINES_A_FILE} at most", source.path.display()));
        }
        problems.extend(long_functions(&source));
    }
    report(&problems);
}

/// Functions as rustfmt lays them out: from a line with `fn ` to the closing brace of the same indentation.
fn long_functions(source: &Source) -> Vec<String> {
    let lines: Vec<&str> = source.text.lines().collect();
    let mut problems = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let is_function =
            ["fn ", "pub fn ", "pub(super) fn ", "pub(crate) fn ", "const fn ", "pub const fn "]
                .iter()
                .any(|opening| code.starts_with(opening));
        if !is_function || code.ends_with([';', '}']) {
            continue;
        }
        let closing = format!("{}}}", &line[..line.len() - code.len()]);
        let length = lines[start..].iter().position(|line| **line == closing).map_or(0, |end| end + 1);
        if length > LINES_A_FUNCTION {
            let path = source.path.display();
            problems.push(format!("src/{path}:{}: {length} lines, {LINES_A_FUNCTION} at most", start + 1));
        }
    }
    problems
}

#[test]
fn every_module_says_what_it_owns() {
    let silent = sources().into_iter().filter(|source| !source.text.starts_with("//!"));
    report(
        &silent
            .map(|source| format!("src/{}:1: no module documentation", source.path.display()))
            .collect::<Vec<_>>(),
    );
}
