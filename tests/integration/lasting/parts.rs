//! What this proves: shards merged are the run in one piece, for any number of them and of threads, and parts that do not
//! belong together are refused by name.

use std::fs;

use super::{Ground, IN_KEYS, SCENARIO, assert_same};

#[test]
fn merged_shards_are_the_run_in_one_piece_whatever_the_threads() {
    for scenario in [SCENARIO, IN_KEYS] {
        let ground = Ground::new(scenario);
        assert_eq!(ground.run("whole", &["--threads", "1"]).0, 0);
        let whole = ground.files("whole");
        assert!(whole.contains_key("replications.csv") && !whole.contains_key("cells.partial"));
        for (count, threads) in [(1, "2"), (2, "1"), (3, "7"), (14, "2")] {
            let parts: Vec<String> = (1..=count).map(|index| format!("{index}-of-{count}")).collect();
            for (part, index) in parts.iter().zip(1..) {
                let shard = format!("{index}/{count}");
                let (code, stderr) = ground.run(part, &["--threads", threads, "--shard", &shard]);
                assert_eq!(code, 0, "{stderr}");
            }
            // In whatever order they are named.
            let parts: Vec<&str> = parts.iter().rev().map(String::as_str).collect();
            let (code, stderr) = ground.merge(&parts, "merged");
            assert_eq!(code, 0, "{stderr}");
            assert_same(&whole, &ground.files("merged"), &format!("{count} shards"));
        }
    }
}

#[test]
fn a_pipeline_that_merges_is_told_of_risk() {
    let ground = Ground::new(SCENARIO);
    for (part, percent) in [("safe", "45"), ("risky", "97")] {
        let set = format!("server.maxmemory-percent={percent}");
        let budget = ["--max-incidents-per-year", "60"];
        let args = [&["--shard", "1/1", "--set", &set][..], &budget].concat();
        assert_eq!(ground.run(part, &args).0, 0);
        let merge = ["merge", &ground.path(part), "-o", &ground.path("merged")].map(str::to_owned);
        let args: Vec<&str> = merge.iter().map(String::as_str).collect();
        super::forkcast(&args).assert().code(0);
        let told = if part == "safe" { 0 } else { 4 };
        super::forkcast(&args).arg("--fail-on-risk").assert().code(told);
    }
}

#[test]
fn the_scheduler_may_name_the_shard() {
    let ground = Ground::new(SCENARIO);
    let args = ground.run_into("part", &["--shard", "auto/4"]);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut command = super::forkcast(&args);
    command.env_remove("SLURM_ARRAY_TASK_ID").env("JOB_COMPLETION_INDEX", "3").assert().success();
    let cells = fs::read_to_string(ground.path("part/cells.csv")).unwrap();
    let numbers: Vec<&str> = cells.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert_eq!(numbers, ["4", "8", "12"]);
    let manifest = fs::read(ground.path("part/run.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!((&manifest["shard"]["index"], &manifest["shard"]["count"]), (&4.into(), &4.into()));
    assert_eq!(manifest["classes"], serde_json::json!([]));
}

#[test]
fn what_is_missing_is_named() {
    let ground = Ground::new(SCENARIO);
    for part in ["1/4", "3/4"] {
        assert_eq!(ground.run(&part[..1], &["--shard", part]).0, 0);
    }
    let (code, stderr) = ground.merge(&["1", "3"], "merged");
    assert_eq!(code, 5, "{stderr}");
    let missing =
        "of 4 shards, 2, 4 are missing: cells 2, 4, 6, 8, 10, 12, and of a full server cells 2, 4, 6";
    assert!(stderr.contains(missing), "{stderr}");
    assert!(!ground.has("merged"));
    fs::remove_file(ground.path("3/run.json")).unwrap();
    let (code, stderr) = ground.merge(&["1", "3"], "merged");
    assert!(code == 5 && stderr.contains("it has no run.json"), "{stderr}");
}

#[test]
fn parts_that_do_not_belong_together_are_refused() {
    let ground = Ground::new(SCENARIO);
    let parts: [(&str, &[&str]); 5] = [
        ("one", &["--shard", "1/2"]),
        ("seed", &["--shard", "2/2", "--seed", "7"]),
        ("set", &["--shard", "2/2", "--set", "dataset.fill=0.8"]),
        ("thirds", &["--shard", "2/3"]),
        ("again", &["--shard", "1/2", "--threads", "1"]),
    ];
    for (part, more) in parts {
        assert_eq!(ground.run(part, more).0, 0);
    }
    for (part, problem) in [
        ("seed", "another seed"),
        ("set", "other --set or --axis"),
        ("thirds", "another number of shards"),
        ("again", "shard 1/2 is in"),
    ] {
        let (code, stderr) = ground.merge(&["one", part], "merged");
        assert!(code == 3 && stderr.contains(problem), "{part}: {code} {stderr}");
    }
    assert_eq!(ground.run("two", &["--shard", "2/2"]).0, 0);
    fs::write(ground.path("two/cells.csv"), "cell\n").unwrap();
    let (code, stderr) = ground.merge(&["one", "two"], "merged");
    assert!(code == 3 && stderr.contains("its sha256 is not the one in run.json"), "{stderr}");
    assert!(!ground.has("merged"));
}
