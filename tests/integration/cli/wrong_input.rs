//! What this proves: wrong input of every kind ends with the exit code of the contract and says what to do.

use super::{Scratch, run};

/// `args` end with `code`, nothing on standard output, and all of `words` on standard error.
fn refused(args: &[&str], code: i32, words: &[&str]) {
    let ended = run(args);
    assert_eq!(ended.code, Some(code), "{args:?}: {}", ended.stderr);
    assert_eq!(ended.stdout, "", "{args:?}");
    for word in words {
        assert!(ended.stderr.contains(word), "{args:?} does not say `{word}`: {}", ended.stderr);
    }
}

/// The quickstart with this setting is refused.
fn refused_with(setting: &str, words: &[&str]) {
    refused(&["run", "scenarios/quickstart.toml", "--set", setting], 3, words);
}

#[test]
fn arguments_that_make_no_command_are_usage() {
    refused(&[], 2, &["Usage"]);
    refused(&["frobnicate"], 2, &["unrecognized subcommand"]);
    refused(&["run"], 2, &["<SCENARIO>"]);
    refused(&["run", "scenarios/quickstart.toml", "--frobnicate"], 2, &["--frobnicate"]);
    refused(&["run", "scenarios/quickstart.toml", "--threads", "0"], 2, &["--threads"]);
    refused(&["run", "scenarios/quickstart.toml", "--format", "xml"], 2, &["human", "json", "csv"]);
}

#[test]
fn a_malformed_assignment_is_usage_and_shows_a_good_one() {
    for flag in ["--set", "--axis"] {
        for text in ["server", "=5", "server..ram=5"] {
            let words = [text, "key=value", "server.maxmemory-percent=60"];
            refused(&["run", "scenarios/quickstart.toml", flag, text], 2, &words);
        }
    }
}

#[test]
fn a_missing_scenario_says_how_to_get_one() {
    refused(&["run", "nowhere.toml"], 3, &["E0022", "nowhere.toml", "forkcast init"]);
    refused(&["check", "nowhere.toml"], 3, &["E0022"]);
    refused(&["trace", "scenarios"], 3, &["E0022"]);
}

#[test]
fn bad_toml_is_shown_with_its_place() {
    let scratch = Scratch::new();
    let path = scratch.write("bad.toml", "name = \"x\"\n[host\nram = 1\n");
    refused(&["run", &path], 3, &["E0001", "bad.toml:2:6", "1 problem found; nothing was run"]);
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let scratch = Scratch::new();
    let path = scratch.path("binary.toml");
    std::fs::write(&path, [0xff, 0xfe, 0x00]).unwrap();
    refused(&["run", &path], 3, &["E0022", "UTF-8"]);
    let from_stdin = super::forkcast(&["run", "-"]).write_stdin([0xff, 0xfe]).output().unwrap();
    assert_eq!(super::ended(from_stdin).code, Some(3));
}

#[test]
fn an_unknown_key_names_the_nearest_one() {
    let scratch = Scratch::new();
    let text = super::SMALL.replace("fragmentation-ratio", "fragmentaton-ratio");
    let path = scratch.write("small.toml", &text);
    refused(&["run", &path], 3, &["E0002", "small.toml:8:1", "did you mean `fragmentation-ratio`?"]);
}

#[test]
fn every_problem_of_a_file_is_reported_at_once() {
    let scratch = Scratch::new();
    let text = super::SMALL.replace("\"8 GiB\"", "\"-8 GiB\"").replace("2000", "\"many\"");
    let path = scratch.write("small.toml", &text);
    refused(&["check", &path], 3, &["small.toml:4:7", "is negative", "small.toml:15:", "2 problems found"]);
}

#[test]
fn values_that_cannot_be_are_refused_with_the_range() {
    refused_with("host.reserved=-1GiB", &["E0004", "negative"]);
    refused_with("host.reserved=1 GB", &["E0004", "2^30"]);
    refused_with("server.maxmemory-percent=140", &["E0005", "1 to 100"]);
    refused_with("server.maxmemory-percent=nan", &["maxmemory-percent"]);
    refused_with("keyspace.sessions.writes-per-second=-3", &["E0005"]);
    refused_with("server.allocator=libc", &["E0019", "not modelled yet"]);
    let run = ["run", "scenarios/quickstart.toml"];
    for (flag, value) in
        [("--replications", "0"), ("--replications", "-4"), ("--max-incidents-per-year", "-3")]
    {
        refused(&[run[0], run[1], flag, value], 3, &[value, "give a value within"]);
    }
}

#[test]
fn unknown_names_are_refused_with_what_there_is() {
    refused_with("host.class=yandex.hm3-c4-m33", &["E0008", "did you mean", "yandex.hm3-c4-m32"]);
    refused_with("server.engine=valkey-8.O", &["did you mean `valkey-8."]);
    refused_with("keyspace.visitors.key-size=3 B", &["E0021", "sessions"]);
    refused(&["classes", "nothing-like-it"], 3, &["forkcast classes"]);
    refused(&["explain", "nothing-like-it"], 3, &["forkcast explain"]);
}

#[test]
fn a_trace_without_a_day_is_refused() {
    let scratch = Scratch::new();
    let text = super::SMALL.replace("[persistence]", "[traffic]\ntrace = \"load.csv\"\n\n[persistence]");
    let path = scratch.write("small.toml", &text);
    refused(&["check", &path], 3, &["E0018", "load.csv"]);
    for csv in ["", "timestamp,value\n", "timestamp,value\nyesterday,1\n", "a,b\n1,2\n"] {
        scratch.write("load.csv", csv);
        refused(&["check", &path], 3, &["E0018", "small.toml:18:9"]);
    }
}

#[test]
fn an_axis_that_cannot_be_swept_is_refused() {
    let run = ["run", "scenarios/quickstart.toml", "--axis"];
    for axis in ["server.maxmemory-percent=50..75", "simulation.seed=1,2", "backup.every=24h,24h"] {
        refused(&[run[0], run[1], run[2], axis], 3, &["E0020", "--axis:1:"]);
    }
    refused(&[run[0], run[1], run[2], "server.maxmemory-percent=50,140"], 3, &["E0005"]);
}

/// A file in the way, and a file system that takes no folders, stop even a superuser, and do so before the sweep.
#[test]
fn a_folder_that_cannot_be_written_fails_before_the_sweep() {
    let scratch = Scratch::with_small();
    let (small, taken) = (scratch.path("small.toml"), scratch.write("taken", ""));
    let endless = ["--replications", "100000000", "--out"];
    for (folder, why) in [
        (taken.clone(), "File exists"),
        (format!("{taken}/below"), "Not a directory"),
        ("/proc/run".into(), ""),
    ] {
        for command in ["run", "trace"] {
            let arguments: &[&str] =
                if command == "run" { &endless } else { &["--replication", "0", "--out"] };
            let args: Vec<&str> = [&[command, &small], arguments, &[&folder]].concat();
            refused(&args, 1, &["cannot write", &folder, why, "help:", "--out"]);
        }
    }
    refused(&["init", "--out", &taken], 1, &["exists already"]);
}

#[test]
fn a_cause_is_told_once() {
    let scratch = Scratch::with_small();
    let taken = scratch.write("taken", "");
    let stderr = run(&["run", &scratch.path("small.toml"), "--out", &taken]).stderr;
    assert_eq!(stderr.matches("File exists").count(), 1, "{stderr}");
}

#[test]
fn what_is_no_run_folder_cannot_be_drawn_again() {
    let scratch = Scratch::new();
    refused(&["report", &scratch.path("nowhere")], 3, &["cannot read", "run.json", "no finished run"]);
    scratch.write("run.json", "{}");
    refused(&["report", &scratch.path("")], 3, &["not as written by forkcast"]);
}

#[test]
fn what_is_no_info_cannot_be_imported() {
    const PRODUCTION: &str = "tests/data/info/production-27gb.txt";
    let scratch = Scratch::new();
    refused(&["import", "nowhere.txt"], 3, &["cannot read `nowhere.txt`"]);
    refused(&["import", "Cargo.toml"], 3, &["Cargo.toml", "not the INFO text", "INFO everything"]);
    refused(&["import", &scratch.write("empty.txt", "")], 3, &["empty.txt", "not the INFO text"]);
    refused(&["import", PRODUCTION, "--ram=-3 GiB"], 3, &["--ram", "negative"]);
    refused(&["import", PRODUCTION, "--ram", "3 GB"], 3, &["--ram", "GiB"]);
    refused(&["import", PRODUCTION, "--class", "yandex.none"], 3, &["--class", "forkcast classes"]);
    refused(&["import", PRODUCTION, "--ram", "32 GiB", "--limit", "3 GiB"], 2, &["--limit"]);
    refused(&["import"], 2, &["<FILE>"]);
}
