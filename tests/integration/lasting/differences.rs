//! What this proves: two runs are compared cell by cell, changed verdicts first, and paired where their weather is the same.

use super::{Ground, SCENARIO, forkcast};

fn diff(ground: &Ground, runs: [&str; 2], format: &str) -> String {
    let [first, second] = runs.map(|run| ground.path(run));
    let output = forkcast(&["diff", &first, &second, "--format", format]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn document(ground: &Ground, runs: [&str; 2]) -> serde_json::Value {
    serde_json::from_str(&diff(ground, runs, "json")).unwrap()
}

#[test]
fn runs_are_compared_cell_by_cell_and_paired_under_one_seed() {
    let ground = Ground::new(SCENARIO);
    let runs: [(&str, &[&str]); 3] = [
        ("one", &[]),
        ("busier", &["--set", "keyspace.sessions.writes-per-second=9000", "--axis", "backup.every=24h,12h"]),
        ("seed", &["--seed", "9"]),
    ];
    for (run, more) in runs {
        assert_eq!(ground.run(run, more).0, 0);
    }
    let same = document(&ground, ["one", "one"]);
    assert_eq!((&same["changed"], same["cells"].as_array().unwrap().len()), (&0.into(), 12));
    assert_eq!(same["cells"][0]["peak_difference_bytes"], 0.0);
    let busier = document(&ground, ["one", "busier"]);
    let cells = busier["cells"].as_array().unwrap();
    let changed: Vec<bool> =
        cells.iter().map(|cell| cell["verdict_first"] != cell["verdict_second"]).collect();
    assert!(changed.is_sorted_by(|one, other| one >= other) && cells.len() == 12, "{changed:?}");
    // Matched by what the cell is, not by its number: the further axis is in another order.
    assert!(cells.iter().any(|cell| cell["cell_first"] != cell["cell_second"]));
    assert!(cells[0]["affected_difference_low"].as_f64() < cells[0]["affected_difference_high"].as_f64());
    let seed = document(&ground, ["one", "seed"]);
    assert_eq!(seed["unpaired"], "the seeds differ, and with them the weather");
    assert!(seed["cells"][0]["pairs"].is_null());
    assert_eq!(diff(&ground, ["one", "busier"], "csv").lines().count(), 13);
    let words = diff(&ground, ["one", "seed"], "human");
    assert!(words.contains("Not paired, rows alone are compared: the seeds differ"), "{words}");
    assert!(words.contains("nothing overridden and --set simulation.seed=9; seed 1 and 9."), "{words}");
}

#[test]
fn what_is_not_a_whole_run_is_not_compared() {
    let ground = Ground::new(SCENARIO);
    assert_eq!(ground.run("whole", &[]).0, 0);
    assert_eq!(ground.run("part", &["--shard", "1/2"]).0, 0);
    let whole = ground.path("whole");
    let refused = |run: &str| {
        let assert = forkcast(&["diff", &whole, &ground.path(run)]).assert().code(5);
        String::from_utf8_lossy(&assert.get_output().stderr).into_owned()
    };
    let said = refused("part");
    assert!(
        said.contains("is not finished: it holds shard 1/2 alone") && said.contains("forkcast merge"),
        "{said}"
    );
    let manifest = std::fs::read_to_string(ground.path("part/run.json")).unwrap();
    std::fs::write(ground.path("part/run.json"), manifest.replacen('{', "{\n\"incomplete\": true,", 1))
        .unwrap();
    assert!(refused("part").contains("cells are missing in it"));
}
