//! What this proves: a run that is killed at any moment goes on to the same bytes.

use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{Ground, SCENARIO, assert_same};

/// Moments are drawn from this seed.
const MOMENTS: u64 = 20;

/// Starts the run and kills it after `life`, unless it has ended by then.
fn kill_after(ground: &Ground, more: &[&str], life: Duration) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_forkcast"))
        .args(ground.run_into("killed", more))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    sleep(life);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Kills `times` runs, each at a random moment of its life, and lets each go on. Returns in how many cells were saved.
fn survives(times: usize) -> usize {
    let ground = Ground::new(SCENARIO);
    let began = Instant::now();
    assert_eq!(ground.run("whole", &["--threads", "1"]).0, 0);
    let length = began.elapsed();
    let whole = ground.files("whole");
    let mut moments = Xoshiro256PlusPlus::seed_from_u64(MOMENTS);
    let mut saved = 0;
    for time in 0..times {
        let _ = fs::remove_dir_all(ground.path("killed"));
        let threads = ["1", "2", "5"][time % 3];
        // Twice: a run that goes on may be killed too.
        for more in [&["--threads", "1"][..], &["--threads", "1", "--resume"]] {
            kill_after(&ground, more, length.mul_f64(moments.random_range(0.0..0.7)));
            assert!(ground.has("killed/run.json") <= ground.has("killed/cells.csv"));
        }
        let (code, stderr) = ground.run("killed", &["--threads", threads, "--resume"]);
        assert_eq!(code, 0, "{stderr}");
        saved += usize::from(stderr.contains("finished before, not simulated again"));
        assert_same(&whole, &ground.files("killed"), &format!("kill {time}"));
    }
    saved
}

#[test]
fn a_run_that_has_ended_is_not_overwritten_by_resuming_another() {
    let ground = Ground::new(SCENARIO);
    assert_eq!(ground.run("out", &[]).0, 0);
    let whole = ground.files("out");
    for (more, differs) in [
        (["--seed", "9"], "the seed is 1 there and 9 here"),
        (["--set", "dataset.fill=0.8"], "the --set or --axis differs"),
    ] {
        let (code, stderr) = ground.run("out", &[&more[..], &["--resume"]].concat());
        assert!(code == 3 && stderr.contains(differs) && stderr.contains("--out DIR"), "{code} {stderr}");
        assert_same(&whole, &ground.files("out"), differs);
    }
    assert_eq!(ground.run("out", &["--resume"]).0, 0);
    assert_same(&whole, &ground.files("out"), "the same run");
}

#[test]
fn runs_killed_at_random_moments_go_on_to_the_same_bytes() {
    assert!(survives(6) > 0);
}

/// `cargo test --release --test integration -- --ignored --nocapture fifty_runs`
#[test]
#[ignore = "takes minutes"]
fn fifty_runs_killed_at_random_moments_go_on_to_the_same_bytes() {
    let saved = survives(50);
    eprintln!("50 runs killed twice each; {saved} went on from saved cells");
    assert!(saved > 25);
}

#[test]
fn a_journal_of_another_run_is_refused_and_without_resume_begun_afresh() {
    let ground = Ground::new(SCENARIO);
    assert_eq!(ground.run("whole", &[]).0, 0);
    let began = Instant::now();
    while !fs::read_to_string(ground.path("killed/cells.partial")).is_ok_and(|text| text.lines().count() > 2)
    {
        assert!(began.elapsed() < Duration::from_mins(1), "no cell was ever written down");
        kill_after(&ground, &["--threads", "1"], began.elapsed() / 2 + Duration::from_millis(50));
    }
    let (code, stderr) = ground.run("killed", &["--resume", "--seed", "5"]);
    assert!(code == 3 && stderr.contains("is of another run: the seed is 1 there and 5 here"), "{stderr}");
    let (code, stderr) = ground.run("killed", &[]);
    assert!(code == 0 && stderr.contains("begun afresh, as --resume is not given"), "{stderr}");
    assert_same(&ground.files("whole"), &ground.files("killed"), "afresh");
}

#[test]
fn a_shard_goes_on_too() {
    let ground = Ground::new(SCENARIO);
    let shard = ["--threads", "1", "--shard", "2/2"];
    assert_eq!(ground.run("whole", &shard).0, 0);
    kill_after(&ground, &shard, Duration::from_millis(150));
    assert_eq!(ground.run("killed", &["--resume", "--shard", "2/2"]).0, 0);
    assert_same(&ground.files("whole"), &ground.files("killed"), "shard 2/2");
}
