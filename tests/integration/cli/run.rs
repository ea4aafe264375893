//! What this proves: a run answers people on standard output and scripts in its files, and says by its exit code
//! whether the scenario is safe.

use std::process::Command;

use super::{Scratch, answer, repository, run};

#[test]
fn a_run_answers_in_words_and_leaves_a_complete_folder() {
    let scratch = Scratch::with_small();
    let ended = run(&["run", &scratch.path("small.toml"), "--out", &scratch.path("run")]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    for words in ["8 GiB host", "needed", "survivable", "free at worst", "Files: "] {
        assert!(ended.stdout.contains(words), "`{words}` is missing: {}", ended.stdout);
    }
    assert!(ended.stderr.contains("2 of 2 cells, 20 replications in"), "{}", ended.stderr);
    for file in ["run.json", "cells.csv", "resolved.toml", "charts/heatmap.svg", "charts/heatmap.png"] {
        assert!(scratch.has(&format!("run/{file}")), "{file}");
    }
    assert!(!scratch.has("run/replications.csv"));
    let resolved = answer(&["check", &scratch.path("run/resolved.toml")]);
    assert!(resolved.contains("valid"), "{resolved}");
}

#[test]
fn json_is_one_document_with_the_fields_of_the_contract() {
    let scratch = Scratch::with_small();
    let out = scratch.path("run");
    let text = answer(&["run", &scratch.path("small.toml"), "--out", &out, "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let names = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&document), ["cells", "classes", "run_dir"]);
    assert_eq!(document["run_dir"], out.as_str());
    let header = scratch.read("run/cells.csv").lines().next().unwrap().to_owned();
    assert_eq!(names(&document["cells"][1]).join(","), header);
    let fields = [
        "host_class",
        "needed_percent",
        "survivable_percent",
        "survivable_percent_low",
        "survivable_percent_high",
        "required_ram_bytes",
        "verdict",
        "reason",
    ];
    assert_eq!(names(&document["classes"][0]), fields);
}

/// The header of the contract, word for word.
#[test]
fn csv_is_the_file_of_the_run_with_the_columns_of_the_contract() {
    let scratch = Scratch::with_small();
    let (small, out) = (scratch.path("small.toml"), scratch.path("run"));
    let args = ["run", &small, "--out", &out, "--format", "csv", "--axis", "backup.every=12h,24h"];
    assert_eq!(answer(&args), scratch.read("run/cells.csv"));
    let header = "cell,host_class,ram_bytes,maxmemory_percent,maxmemory_bytes,data_bytes,backup.every,replications,\
                  horizon_seconds,oom_probability,oom_probability_low,oom_probability_high,incidents_per_year,\
                  incidents_per_year_low,incidents_per_year_high,server_kills_per_year,child_kills_per_year,\
                  stalls_per_year,save_failures_per_year,forks_per_year,main_cause,fits,peak_memory_p50_bytes,\
                  peak_memory_p99_bytes,free_min_p50_bytes,free_min_p01_bytes,cow_peak_p50_bytes,cow_peak_p99_bytes,\
                  fork_pause_p99_seconds,downtime_seconds_per_year,rejected_writes_mean,evicted_keys_mean,verdict,reason,\
                  main_incident,full_syncs_per_year,syncs_cut_per_year,sync_loops_per_year,failovers_per_year,\
                  forks_refused_per_year,replica_buffer_peak_p99_bytes,swap_peak_p99_bytes,lost_writes_mean,\
                  affected_per_year,affected_per_year_low,affected_per_year_high,\
                  incidents_per_up_year";
    assert_eq!(scratch.read("run/cells.csv").lines().next().unwrap(), header);
}

#[test]
fn replications_are_kept_on_request() {
    let scratch = Scratch::with_small();
    answer(&["run", &scratch.path("small.toml"), "--out", &scratch.path("run"), "--keep-replications"]);
    let text = scratch.read("run/replications.csv");
    let header = "cell,replication,oom_kills,incidents,first_incident_seconds,cause,victim,peak_memory_bytes,\
                  free_min_bytes,cow_peak_bytes,saves,save_failures,downtime_seconds";
    assert_eq!(text.lines().next().unwrap(), header);
    assert_eq!(text.lines().count(), 1 + 2 * 10);
}

/// Ten replications of two days without an incident bound the year at 67.
#[test]
fn fail_on_risk_tells_a_safe_scenario_from_another() {
    let scratch = Scratch::with_small();
    let verdict = |percent: &str, writes: &str| {
        let percent = format!("server.maxmemory-percent={percent}");
        let writes = format!("keyspace.sessions.writes-per-second={writes}");
        let settings = ["--set", &percent, "--set", &writes, "--max-incidents-per-year", "100"];
        let (small, out) = (scratch.path("small.toml"), scratch.path("run"));
        let args = [&["run", &small, "--fail-on-risk", "--out", &out], &settings[..]].concat();
        run(&args).code
    };
    assert_eq!(verdict("30", "100"), Some(0));
    assert_eq!(verdict("75", "50000"), Some(4));
    assert_eq!(verdict("99", "100"), Some(4));
    // Between the percentages that are swept: simulated for the verdict.
    assert_eq!(verdict("35", "100"), Some(0));
    assert_eq!(verdict("76", "50000"), Some(4));
}

#[test]
fn standard_input_is_a_scenario_too() {
    let scratch = Scratch::new();
    let args = ["run", "-", "--out", &scratch.path("run"), "--format", "csv", "--quiet"];
    let output = super::forkcast(&args).write_stdin(super::SMALL).output().unwrap();
    let ended = super::ended(output);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert_eq!(ended.stdout.lines().count(), 3);
}

#[test]
fn colours_are_as_asked_for() {
    let bad = ["check", "nowhere.toml", "--color"];
    let escapes = |color| run(&[bad[0], bad[1], bad[2], color]).stderr.contains('\x1b');
    assert_eq!([escapes("always"), escapes("never"), escapes("auto")], [true, false, false]);
    let no_color = super::forkcast(&["check", "nowhere.toml"]).env("NO_COLOR", "1").output().unwrap();
    assert!(!super::ended(no_color).stderr.contains('\x1b'));
}

/// The reader is gone before the first byte is written.
#[test]
fn a_closed_pipe_is_success() {
    let script = "(sleep 0.2; \"$0\" classes; echo \"exit $?\" >&2) | true";
    let shell = ["-c", script, env!("CARGO_BIN_EXE_forkcast")];
    let output = Command::new("sh").args(shell).current_dir(repository("")).output().unwrap();
    assert_eq!(super::ended(output).stderr, "exit 0\n");
}

#[test]
fn a_trace_tells_one_replication_in_full() {
    let scratch = Scratch::with_small();
    let (small, out) = (scratch.path("small.toml"), scratch.path("trace"));
    let story = answer(&["trace", &small, "--replication", "3", "--out", &out]);
    for words in ["small: 8 GiB of RAM", "replication 3", "the backup forks", "In all: "] {
        assert!(story.contains(words), "`{words}` is missing: {story}");
    }
    let first_line = |file: &str| scratch.read(file).lines().next().unwrap().to_owned();
    assert_eq!(first_line("trace/trace/events.csv"), "seconds,event,cause,detail,host,server");
    let ledger = "seconds,reserved_bytes,resident_bytes,cow_bytes,page_tables_bytes,buffers_bytes,backlog_bytes,\
                  aof_buffer_bytes,pinned_cache_bytes,cache_bytes,swap_bytes,free_bytes,writes_per_second";
    assert_eq!(first_line("trace/trace/timeline.csv"), ledger);
    for file in ["run.json", "resolved.toml", "charts/timeline.svg", "charts/timeline.png"] {
        assert!(scratch.has(&format!("trace/{file}")), "{file}");
    }
}

#[test]
fn report_draws_the_same_charts_again() {
    let scratch = Scratch::with_small();
    let (small, out) = (scratch.path("small.toml"), scratch.path("run"));
    answer(&["run", &small, "--out", &out]);
    let drawn = scratch.read("run/charts/heatmap.svg");
    scratch.write("run/charts/heatmap.svg", "");
    let files = answer(&["report", &out]);
    assert!(files.contains("heatmap.svg") && files.contains("heatmap.png"), "{files}");
    assert_eq!(scratch.read("run/charts/heatmap.svg"), drawn);
}

#[test]
fn a_table_that_was_cut_short_is_told_and_costs_nothing_else() {
    let scratch = Scratch::with_small();
    let out = scratch.path("run");
    answer(&["run", &scratch.path("small.toml"), "--out", &out]);
    let (cells, manifest) = (scratch.read("run/cells.csv"), scratch.read("run/run.json"));
    scratch.write("run/cells.csv", &cells[..cells.len() - 200]);
    let ended = run(&["report", &out]);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(ended.stderr.contains("edited or cut short"), "{}", ended.stderr);
    assert_eq!(scratch.read("run/run.json"), manifest);
}
