//! What this proves: what the command prints about itself is there, complete and usable: the catalogue, the schema,
//! a first scenario, explanations, completions and the manual.

use std::fs;

use super::{Scratch, answer, repository, run, shipped_scenarios};

#[test]
fn shipped_scenarios_pass_check() {
    let scenarios = shipped_scenarios();
    assert!(scenarios.len() >= 3, "{scenarios:?}");
    let mut args = vec!["check"];
    args.extend(scenarios.iter().map(String::as_str));
    let ended = run(&args);
    assert_eq!(ended.code, Some(0));
    // The one recorded load that ships has gaps, which is said.
    assert_eq!(ended.stderr.matches("warning[").count(), 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("warning[W0007]: the trace has 8 gaps of 40 min"), "{}", ended.stderr);
    assert_eq!(ended.stdout.matches(": valid, ").count(), scenarios.len(), "{}", ended.stdout);
}

#[test]
fn init_writes_a_scenario_that_passes_check_and_overwrites_nothing() {
    let scratch = Scratch::new();
    let path = scratch.path("mine.toml");
    assert_eq!(answer(&["init", "--out", &path, "--quiet"]), "");
    assert!(answer(&["check", &path]).contains("valid"));
    assert_eq!(answer(&["init"]), scratch.read("mine.toml"));
    scratch.write("mine.toml", "mine");
    assert_eq!(run(&["init", "--out", &path]).code, Some(1));
    assert_eq!(scratch.read("mine.toml"), "mine");
}

#[test]
fn classes_lists_what_matches_with_its_source() {
    let table = answer(&["classes", "m32"]);
    let row = table.lines().find(|line| line.contains("yandex.hm3-c4-m32 ")).unwrap();
    assert!(row.contains("32 GiB") && row.contains("1-75"), "{row}");
    assert!(table.contains("https://"), "{table}");
    assert!(!table.contains("elasticache"), "{table}");
    let rows = answer(&["classes", "--format", "csv"]).lines().count();
    assert_eq!(rows, 1 + 246);
    let json: serde_json::Value =
        serde_json::from_str(&answer(&["classes", "hm3-c4-m32", "--format", "json"])).unwrap();
    assert_eq!(json[0]["ram_bytes"], 32u64 << 30);
}

#[test]
fn every_code_column_and_setting_is_explained() {
    let topics = answer(&["explain"]);
    let codes: Vec<&str> = topics.split_whitespace().filter(|word| is_code(word)).collect();
    assert!(codes.len() > 20, "{topics}");
    for code in codes {
        assert!(answer(&["explain", code]).starts_with(&format!("{code}: ")), "{code}");
    }
    assert!(answer(&["explain", "oom_probability"]).contains("cells.csv: oom_probability [probability]"));
    assert!(answer(&["explain", "server.maxmemory-percent"]).contains("range      1 to 100"));
}

fn is_code(word: &str) -> bool {
    word.len() == 5 && word.starts_with(['E', 'W']) && word[1..].chars().all(|c| c.is_ascii_digit())
}

#[test]
fn schema_is_the_file_beside_the_scenarios() {
    let file = fs::read_to_string(repository("scenarios/schema.json")).unwrap();
    assert_eq!(answer(&["schema"]).trim_end(), file.trim_end());
}

#[test]
fn shells_and_manuals_are_served() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(answer(&["completions", shell]).contains("forkcast"), "{shell}");
    }
    let manual = answer(&["man"]);
    assert!(manual.starts_with(".ie") && manual.contains(".SH SUBCOMMANDS"), "{manual}");
}
