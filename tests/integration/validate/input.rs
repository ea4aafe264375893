//! What cannot be read is refused with its place, its reason and a remedy.

use std::fs;
use std::path::Path;

use super::{document, validated};

const HEADER: &str = "run_id,server,version,series,op,dist,value_bytes,nkeys,writes_during_save,save_s,rss_bytes,anon_growth_peak_bytes\n";
const ROW: &str = "a,redis,7.0.15,main,set,uniform,1024,100000,10000,5,140000000,60000000\n";

/// The command on a file of a folder of its own, with a timeline of `a` beside it.
fn refused(text: &str, timeline: Option<(&str, &[u8])>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), text, timeline);
    let output = validated(&[&path]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(3), true), "{stderr}");
    stderr.replace(folder.path().to_str().unwrap(), "")
}

fn write(folder: &Path, text: &str, timeline: Option<(&str, &[u8])>) -> String {
    let path = folder.join("runs.csv");
    fs::write(&path, text).unwrap();
    if let Some((name, content)) = timeline {
        fs::create_dir(folder.join("timelines")).unwrap();
        fs::write(folder.join("timelines").join(name), content).unwrap();
    }
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_file_that_is_not_there_is_invalid_input() {
    let output = validated(&["nowhere.csv"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot read `nowhere.csv`"));
}

#[test]
fn a_file_without_its_columns_is_refused() {
    insta::assert_snapshot!(refused("name,version\na,7.0.15\n", None), @r"
    error[E0023]: a measurements file without the column `run_id`
     --> /runs.csv:1:1
      |
    1 | name,version
      | ^^^^^^^^^^^^ no `run_id` among them
      |
      = note: the first line names the columns, and run_id, server, version, op must be there
      = help: tests/data/measurements/README.md describes every column

    error[E0023]: a measurements file without the column `server`
     --> /runs.csv:1:1
      |
    1 | name,version
      | ^^^^^^^^^^^^ no `server` among them
      |
      = note: the first line names the columns, and run_id, server, version, op must be there
      = help: tests/data/measurements/README.md describes every column

    error[E0023]: a measurements file without the column `op`
     --> /runs.csv:1:1
      |
    1 | name,version
      | ^^^^^^^^^^^^ no `op` among them
      |
      = note: the first line names the columns, and run_id, server, version, op must be there
      = help: tests/data/measurements/README.md describes every column

    3 problems found; nothing was run
    ");
}

#[test]
fn a_long_line_is_shown_around_the_cell_to_blame() {
    let text = format!("{HEADER}{ROW}{}", ROW.replace("a,redis", "b,redis").replace("100000,", "100k,"));
    insta::assert_snapshot!(refused(&text, None), @r"
    error[E0024]: a cell of `nkeys` that cannot be read
     --> /runs.csv:3:38
      |
    3 | b,redis,7.0.15,main,set,uniform,1024,100k,10000,5,140000000,60000000
      |                                      ^^^^ no number
      |
      = help: leave a cell empty where nothing was measured

    1 problem found; nothing was run
    ");
}

#[test]
fn a_broken_timeline_is_named_and_not_passed_over() {
    let text = format!("{HEADER}{ROW}");
    insta::assert_snapshot!(refused(&text, Some(("a.csv", b"t_s,writes_since_fork\n0,0\n1,soon\n"))), @r"
    error[E0026]: a cell of `writes_since_fork` that cannot be read
     --> /timelines/a.csv:3:3
      |
    3 | 1,soon
      |   ^^^^ no number
      |
      = help: leave a cell empty where nothing was measured

    1 problem found; nothing was run
    ");
    let cut_short = refused(&text, Some(("a.csv.gz", b"\x1f\x8b\x08")));
    assert!(cut_short.contains("E0026") && cut_short.contains("timelines/a.csv.gz"), "{cut_short}");
}

#[test]
fn a_name_that_leads_elsewhere_has_no_timeline() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("{HEADER}{}", ROW.replace("a,redis", "../timelines/a,redis"));
    let path = write(folder.path(), &text, Some(("a.csv", b"no timeline")));
    assert_eq!(document(&[&path])["predicted"], 1);
}

#[test]
fn a_row_that_no_law_covers_is_skipped_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("{HEADER}{ROW}{}", ROW.replace("a,redis,7.0.15", "b,redis,6.2.1"));
    let document = document(&[&write(folder.path(), &text, None)]);
    assert_eq!((&document["runs"], &document["predicted"]), (&2.into(), &1.into()));
    assert_eq!(document["skipped"][0]["run_id"], "b");
    assert_eq!(document["skipped"][0]["reason"], "there is no layout profile of redis-6.2");
}

#[test]
fn a_header_without_rows_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), HEADER, None);
    let out = folder.path().join("out");
    assert_eq!(document(&[&path, "--out", out.to_str().unwrap()])["runs"], 0);
    let chart = fs::read_to_string(out.join("charts/predicted-against-measured.svg")).unwrap();
    assert!(chart.contains("No save was both measured and predicted"), "{chart}");
}
