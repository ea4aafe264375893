//! What this proves: `cow` answers without a file, in figures that follow from the law, and tells a cron job whether
//! to save.

use serde_json::Value;

use super::{Scratch, answer, ended, run};

const PRODUCTION: &str = "tests/data/info/production-27gb.txt";
const VALKEY: &str = "tests/data/info/valkey-8.0.after-save.txt";

/// A million counters under 1,000 INCR/s for 10 s: 10,000 writes to 3,906.25 pages of object headers.
const COUNTERS: [&str; 10] = [
    "cow",
    "--keys=1000000",
    "--key-size=16B",
    "--operation=incr",
    "--writes-per-second=1000",
    "--save-duration=10s",
    "--engine=redis-7.0",
    "--allocator=jemalloc-bundled",
    "--popularity=uniform",
    "--page-size=4KiB",
];

fn with(more: &[&'static str]) -> Vec<&'static str> {
    [&COUNTERS[..], more].concat()
}

fn json(args: &[&str]) -> Value {
    serde_json::from_str(&answer(args)).unwrap()
}

fn number(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap_or_else(|| panic!("{key} in {value}"))
}

#[test]
fn the_document_has_the_keys_of_the_contract() {
    let document = json(&with(&["--format=json"]));
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(", ");
    let expected = "peak_bytes, peak_at_seconds, end_bytes, reported_bytes, pages, pools, curve";
    assert_eq!(keys(&document), expected);
    assert_eq!(keys(&document["pools"][0]), "name, class_bytes, objects, pages, copied_pages");
    assert_eq!(keys(&document["curve"][0]), "seconds, bytes");
    assert!((60..=200).contains(&document["curve"].as_array().unwrap().len()));
}

/// 256 headers of 16 bytes a page: `pages (1 − e^(−writes/pages))` of them are copied, and the child has memory of its own.
#[test]
fn counters_meet_the_closed_form() {
    let document = json(&with(&["--format=json"]));
    let pages = 1e6 / 256.0;
    let copied = |writes: f64| pages * -(-writes / pages).exp_m1();
    let own = number(&document["curve"][0], "bytes");
    assert!((0.0..2e6).contains(&own));
    for point in document["curve"].as_array().unwrap() {
        let expected = own + 4096.0 * copied(1000.0 * number(point, "seconds"));
        assert!((number(point, "bytes") - expected).abs() < 2000.0, "{point} {expected}");
    }
    let objects = document["pools"].as_array().unwrap().iter().find(|pool| pool["name"] == "object").unwrap();
    assert!((number(objects, "copied_pages") - copied(10_000.0)).abs() < 0.01, "{objects}");
    assert_eq!((number(objects, "class_bytes"), number(objects, "pages")), (16.0, 3906.25));
    assert_eq!(document["peak_bytes"], document["end_bytes"]);
    assert_eq!(document["peak_at_seconds"], 10.0);
    let reported = number(&document, "reported_bytes") / number(&document, "peak_bytes");
    assert!((reported - 1.0).abs() < 1e-9);
}

#[test]
fn reads_copy_nothing() {
    let idle = json(&[
        "cow",
        "--keys=1e6",
        "--value-size=1KiB",
        "--operation=get",
        "--writes-per-second=1e5",
        "--format=json",
    ]);
    for pool in idle["pools"].as_array().unwrap() {
        assert_eq!(pool["copied_pages"], 0.0, "{pool}");
    }
}

#[test]
fn large_pages_copy_more() {
    let peak = |size: &'static str| {
        let mut args = with(&["--format=json", size]);
        args.remove(9);
        number(&json(&args), "peak_bytes")
    };
    assert!(peak("--page-size=64KiB") > peak("--page-size=16KiB"));
    assert!(peak("--page-size=16KiB") > peak("--page-size=4KiB"));
}

#[test]
fn the_answer_reads_as_reviewed() {
    insta::assert_snapshot!(answer(&with(&["--explain", "--ram=2GiB", "--reserved=512MiB"])), @r#"
    The save costs 14.58 MiB at its peak, 21.1 % of the data, when the child exits after 10 s.
    1 million keys in 69.04 MiB of used_memory, under 1,000 INCR/s.

    The save fits: at worst it needs 680.25 MiB of 2 GiB, 1.34 GiB to spare.
    93.2 MiB resident, 14.58 MiB copied, 549.52 KiB of page tables,
    520 MiB of the system, 51.93 MiB that the kernel keeps.
    At worst: 1,000 INCR/s, a save of 10 s, 1.35 times used_memory resident.

    copied since the fork
       16 MiB ┤
              │                                                 ▁▁▂▂▃▃▄▄▄▅▅▅▆▆▆▇▇▇
              │                                     ▁▂▂▃▄▅▅▆▆▇████████████████████
       12 MiB ┤                             ▁▂▃▄▅▆▇███████████████████████████████
              │                       ▁▃▄▅▇███████████████████████████████████████
              │                  ▁▃▅▆█████████████████████████████████████████████
        8 MiB ┤              ▂▄▆██████████████████████████████████████████████████
              │          ▁▄▆██████████████████████████████████████████████████████
              │       ▂▄▇█████████████████████████████████████████████████████████
        4 MiB ┤    ▁▄▇████████████████████████████████████████████████████████████
              │  ▃▆███████████████████████████████████████████████████████████████
              │▅██████████████████████████████████████████████████████████████████
            0 └────────────┴─────────────┴────────────┴─────────────┴────────────┴
              0 s         2 s           4 s          6 s           8 s         10 s

    INFO will say rdb_last_cow_size 14.58 MiB: not the peak, but what the child
    saw of itself on a few looks, without what the server grew.
    fork() stops the server for 2 ms to 6 ms, depending on the machine.
    The child's page tables take another 233.26 KiB.

     pool         slot  objects       a page  pages   copied  share
     table entry  24 B  1 million     85.3    11,719  0       0 %
     object       16 B  1 million     256     3,906   3,604   92.3 %
     hash tables  8 B   1.05 million  512     2,048   0       0 %

    No pool is saturated: in those that are written, more writes copy more.
    Pages copied a write: 1 right after the fork, 0.0772 right before the exit.
    "#);
}

#[test]
fn a_cron_job_is_told_by_the_exit_code() {
    let fits = run(&["cow", "--from", PRODUCTION, "--fail-on-risk"]);
    assert_eq!(fits.code, Some(0), "{}", fits.stderr);
    assert!(fits.stdout.contains("The save fits"), "{}", fits.stdout);
    let tight = ["cow", "--from", PRODUCTION, "--ram", "28 GiB"];
    let risky = run(&[&tight[..], &["--fail-on-risk"]].concat());
    assert_eq!(risky.code, Some(4), "{}", risky.stderr);
    assert!(risky.stdout.contains("The save does not fit"), "{}", risky.stdout);
    assert!(answer(&tight).contains("The save does not fit"), "without the flag it is an answer");
}

/// The answer holds at the upper ends: the write rate doubled, the save as slow as the record allows.
#[test]
fn risk_is_judged_at_the_upper_ends() {
    let stdout = answer(&["cow", "--from", PRODUCTION]);
    assert!(stdout.contains("At worst: 160 SET/s, a save of 6m 37s"), "{stdout}");
    let need = |more: &[&str]| {
        let base =
            ["cow", "--keys=1e6", "--value-size=512B", "--ram=16GiB", "--reserved=1GiB", "--format=json"];
        number(&json(&[&base[..], more].concat()), "need_bytes")
    };
    let known = need(&["--writes-per-second=5000", "--save-duration=10s"]);
    let unknown = need(&["--writes-per-second={ likely = 5000, high = 20000 }", "--save-duration=10s"]);
    let slow = need(&["--writes-per-second=5000", "--save-duration={ likely = \"10s\", high = \"30s\" }"]);
    assert!(unknown > known && slow > known);
}

#[test]
fn info_comes_by_a_pipe_and_flags_go_before_it() {
    let text = std::fs::read_to_string(super::repository(VALKEY)).unwrap();
    let ask = |more: &[&str]| {
        let args = [&["cow", "--from", "-", "--format", "json"], more].concat();
        let ended = ended(super::forkcast(&args).write_stdin(text.clone()).output().unwrap());
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        serde_json::from_str::<Value>(&ended.stdout).unwrap()
    };
    let idle = ask(&["--writes-per-second", "0"]);
    assert!(number(&idle, "peak_bytes") < 2e6, "{}", idle["peak_bytes"]);
    let slower = ask(&["--save-duration", "100s"]);
    assert_eq!(slower["peak_at_seconds"], 100.0);
    assert!(number(&ask(&[]), "peak_bytes") > number(&idle, "peak_bytes"));
}

#[test]
fn every_info_of_this_repository_is_answered() {
    for entry in std::fs::read_dir(super::repository("tests/data/info")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        if text.contains("used_memory:") {
            let stdout = answer(&["cow", "--from", path.to_str().unwrap(), "--quiet"]);
            assert!(stdout.contains("The save costs") && stdout.contains("The save fits"), "{stdout}");
        }
    }
}

#[test]
fn the_plot_fits_eighty_columns_and_has_no_colours() {
    for args in [with(&["--explain"]), vec!["cow", "--from", PRODUCTION]] {
        let stdout = answer(&[&args[..], &["--color=always"]].concat());
        assert!(!stdout.contains('\x1b'));
        let plot = stdout.lines().filter(|line| line.contains(['│', '┤', '└']));
        assert!(plot.inspect(|line| assert!(line.chars().count() <= 80, "{line}")).count() > 10);
    }
}

#[test]
fn the_picture_goes_to_standard_output_or_to_a_file() {
    let scratch = Scratch::new();
    let svg = answer(&with(&["--format=svg"]));
    assert!(svg.starts_with("<svg width=\"900\"") && svg.contains("The save costs"), "{}", &svg[..200]);
    let path = scratch.path("curve.svg");
    let stdout = answer(&[&COUNTERS[..], &["-o", &path]].concat());
    assert!(stdout.starts_with("The save costs"), "the answer is there all the same");
    assert_eq!(scratch.read("curve.svg").trim_end(), svg.trim_end());
}

#[test]
fn everything_wrong_is_said_at_once() {
    let ended = run(&["cow", "--keys=-3", "--value-size=1 GB", "--type=lists", "--popularity=zipf"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(3), ""));
    insta::assert_snapshot!(ended.stderr, @r#"
    error[E0005]: `keys` cannot be -3
     --> --keys:1:1
      |
    1 | -3
      | ^^ not within 1 to 1000000000000
      |
      = note: `keys`: How many keys there are; where fill is a number, only the proportions of the keyspaces count.
      = help: give a value within 1 to 1000000000000

    error[E0015]: `zipf` is no popularity
     --> --popularity:1:1
      |
    1 | zipf
      | ^^^^ cannot be read
      |
      = help: expected "uniform", "zipf:0.99", "hotspot:0.2/0.8", or { likely, high } of these

    error[E0007]: `type` cannot be "lists"
     --> --type:1:1
      |
    1 | lists
      | ^^^^^ not one of the possible words
      |
      = note: `type`: What a key holds.
      = help: did you mean `list`?

    error[E0004]: `value-size` is not a size
     --> --value-size:1:1
      |
    1 | 1 GB
      | ^^^^ `GB` means 10^9 on a price list and 2^30 in valkey.conf
      |
      = note: `value-size`: Length of a value, in a hash of a field's value.
      = help: write KiB, MiB, GiB or TiB, for example `value-size = "512 B"`

    error[E0010]: nothing says how often keys are written
    --> --writes-per-second
     = help: add --writes-per-second 12000

    5 problems found; nothing was run
    "#);
}

#[test]
fn flags_that_make_no_question_are_usage() {
    for args in [
        &["cow"][..],
        &["cow", "--keys=5", "--memory=1GiB"],
        &["cow", "--save-duration=5s", "--save-throughput=5 MiB/s"],
        &["cow", "--format=csv"],
        &["cow", "--keys=5", "--value-size=5B", "--writes-per-second=5", "--fail-on-risk"],
    ] {
        assert_eq!(run(args).code, Some(2), "{args:?}");
    }
    assert_eq!(run(&["cow", "--from", "nowhere.txt"]).code, Some(3));
    assert_eq!(run(&["cow", "--from", "README.md"]).code, Some(3));
}
