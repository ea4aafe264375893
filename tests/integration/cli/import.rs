//! What this proves: `import` makes a scenario that runs, where INFO says enough and where the user adds the memory,
//! and holds the model against the server's own record.

use super::{Scratch, answer, run};

const PRODUCTION: &str = "tests/data/info/production-27gb.txt";
const VALKEY: &str = "tests/data/info/valkey-8.0.after-save.txt";

#[test]
fn without_out_the_scenario_is_standard_output_and_the_comparison_is_conversation() {
    let scratch = Scratch::new();
    let ended = run(&["import", PRODUCTION]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("766 full syncs") && ended.stderr.contains("Record: "), "{}", ended.stderr);
    let path = scratch.write("imported.toml", &ended.stdout);
    assert!(answer(&["check", &path]).contains("valid, 1 cell"));
}

#[test]
fn with_out_the_comparison_is_the_answer_and_no_file_is_overwritten() {
    let scratch = Scratch::new();
    let path = scratch.path("imported.toml");
    let comparison = answer(&["import", VALKEY, "--ram", "2 GiB", "--out", &path]);
    assert!(comparison.contains("Record: ") && comparison.contains("Measure next"), "{comparison}");
    let out = scratch.path("run");
    let ran = answer(&["run", &path, "--replications", "2", "--out", &out, "--format", "csv"]);
    assert_eq!(ran.lines().count(), 2);
    let again = run(&["import", VALKEY, "--ram", "2 GiB", "--out", &path]);
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.contains("exists already"), "{}", again.stderr);
}

#[test]
fn the_memory_is_what_the_user_says() {
    let given = |flag: &str, value: &str| answer(&["import", VALKEY, flag, value, "--quiet"]);
    assert!(given("--ram", "3 GiB").contains("ram = \"3 GiB\""));
    assert!(given("--limit", "700 MiB").contains("700 MiB"));
    assert!(given("--class", "yandex.hm3-c4-m32").contains("class = \"yandex.hm3-c4-m32\""));
}

#[test]
fn a_second_info_and_the_configuration_may_be_added() {
    let earlier = "tests/data/info/redis-7.0.during-save.txt";
    let (later, config) =
        ("tests/data/info/redis-7.0.after-save.txt", "tests/data/info/redis-7.0.config.txt");
    let text = answer(&["import", earlier, later, config, "--quiet"]);
    assert!(text.contains("CONFIG GET") || text.contains("configuration"), "{text}");
    let twice = run(&["import", later, earlier, later]);
    assert_eq!(twice.code, Some(3));
    assert!(twice.stderr.contains("after-save.txt: the same INFO twice"), "{}", twice.stderr);
    assert_eq!(run(&["import"]).code, Some(2));
}
