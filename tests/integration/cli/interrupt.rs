//! What this proves: Ctrl-C ends a run with 130 and keeps the cells that were finished, in a folder that can be read.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use super::{Scratch, answer, ended};

/// One cell of an hour, which is done at once, and others that take minutes.
#[test]
fn an_interrupted_run_keeps_what_is_finished() {
    let scratch = Scratch::with_small();
    let (small, out) = (scratch.path("small.toml"), scratch.path("run"));
    let axes = ["--axis", "simulation.horizon=1h,3000d", "--axis", "server.maxmemory-percent=30"];
    let child = Command::new(env!("CARGO_BIN_EXE_forkcast"))
        .args(
            [&["run", &small, "--out", &out, "--threads", "1", "--replications", "500"], &axes[..]].concat(),
        )
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    sleep(Duration::from_secs(2));
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let ended = ended(child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert!(ended.stderr.contains("the cells finished so far were kept"), "{}", ended.stderr);
    let cells = scratch.read("run/cells.csv");
    assert_eq!(cells.lines().count(), 2, "{cells}");
    assert!(cells.lines().nth(1).unwrap().contains(",1h,500,"), "{cells}");
    let manifest: serde_json::Value = serde_json::from_str(&scratch.read("run/run.json")).unwrap();
    assert_eq!(manifest["files"][0]["path"], "cells.csv");
    assert!(answer(&["report", &out]).contains("heatmap.svg"));
}
