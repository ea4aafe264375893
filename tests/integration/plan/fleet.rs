//! A fleet: a row a cluster, in the order of the file, complete or not there.

use std::fs;

use super::Scratch;
use crate::forkcast;

const FLEET: &str = "cluster,keyspace.sessions.writes-per-second,dataset.fill
quiet,200,0.5
busy,9000,1
\"with, comma\",3000,
";

fn rows(scratch: &Scratch, args: &[&str]) -> assert_cmd::assert::Assert {
    let (scenario, fleet) = (scratch.path("small.toml"), scratch.path("fleet.csv"));
    forkcast(&["plan", &scenario, "--fleet", &fleet, "-q"]).args(args).assert()
}

fn scratch() -> Scratch {
    let scratch = Scratch::new();
    fs::write(scratch.path("fleet.csv"), FLEET).unwrap();
    scratch
}

#[test]
fn each_cluster_has_its_row_whatever_the_threads_and_however_often_it_was_killed() {
    let scratch = scratch();
    let (out, partial) = (scratch.path("out.csv"), scratch.path("out.csv.partial"));
    rows(&scratch, &["-o", &out, "--threads", "1"]).code(0);
    let whole = fs::read_to_string(&out).unwrap();
    let names: Vec<&str> = whole.lines().map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(names, ["cluster", "quiet", "busy", "\"with"]);
    assert!(!fs::exists(&partial).unwrap());
    let printed = rows(&scratch, &["--threads", "3"]).code(0).get_output().stdout.clone();
    assert_eq!(String::from_utf8(printed).unwrap(), whole);
    // Killed in the middle of the second row, of which nothing is to be kept.
    let until = whole.lines().take(2).map(|line| line.len() + 1).sum::<usize>() + 9;
    for torn in [until, until - 9, 3, 0] {
        fs::remove_file(&out).unwrap();
        fs::write(&partial, &whole[..torn]).unwrap();
        rows(&scratch, &["-o", &out, "--resume"]).code(0);
        assert_eq!(fs::read_to_string(&out).unwrap(), whole, "torn at {torn}");
    }
}

#[test]
fn the_files_of_all_shards_one_after_another_are_that_of_the_fleet() {
    let scratch = scratch();
    let (out, part) = (scratch.path("out.csv"), scratch.path("part.csv"));
    rows(&scratch, &["-o", &out]).code(0);
    let whole = fs::read_to_string(&out).unwrap();
    for count in [1, 2, 3, 5] {
        let mut parts = String::new();
        for index in 1..=count {
            let shard = format!("{index}/{count}");
            rows(&scratch, &["-o", &part, "--shard", &shard]).code(0);
            parts += &fs::read_to_string(&part).unwrap();
        }
        assert_eq!(parts, whole, "{count} shards");
    }
    // A shard that goes on, killed in the middle of the second of its rows: it has no header.
    rows(&scratch, &["-o", &part, "--shard", "2/2"]).code(0);
    let last = fs::read_to_string(&part).unwrap();
    let torn = last.lines().next().unwrap().len() + 5;
    fs::write(scratch.path("part.csv.partial"), &last[..torn]).unwrap();
    rows(&scratch, &["-o", &part, "--shard", "2/2", "--resume"]).code(0);
    assert_eq!(fs::read_to_string(&part).unwrap(), last);
}

#[test]
fn where_axes_of_hosts_replace_it_a_row_tells_of_the_clusters_own_host_too() {
    let scratch = scratch();
    let fleet = "cluster,host.ram,server.maxmemory-percent\nfine,24 GiB,40\ntight,8 GiB,72\n";
    fs::write(scratch.path("fleet.csv"), fleet).unwrap();
    let own = |args: &[&str]| -> Vec<(String, String)> {
        let printed = rows(&scratch, args).code(0).get_output().stdout.clone();
        let mut reader = csv::Reader::from_reader(&printed[..]);
        let header = reader.headers().unwrap().clone();
        let column = |name: &str| header.iter().position(|column| column == name).unwrap();
        let (host, verdict) = (column("own_host"), column("own_verdict"));
        let records = reader.records().map(Result::unwrap);
        records.map(|record| (record[host].to_owned(), record[verdict].to_owned())).collect()
    };
    let text = |host: &str, verdict: &str| (host.to_owned(), verdict.to_owned());
    assert_eq!(own(&[]), [text("24 GiB", "safe"), text("8 GiB", "risky")]);
    let scenario = fs::read_to_string(scratch.path("small.toml")).unwrap();
    fs::write(scratch.path("small.toml"), scenario.split("[sweep]").next().unwrap()).unwrap();
    assert_eq!(own(&[]), [text("", ""), text("", "")]);
}

#[test]
fn rows_of_another_fleet_are_not_taken_up() {
    let scratch = scratch();
    let out = scratch.path("out.csv");
    fs::write(scratch.path("out.csv.partial"), "cluster,needed_bytes\nother,1\n").unwrap();
    let assert = rows(&scratch, &["-o", &out, "--resume"]).code(3);
    let said = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert!(said.contains("another fleet"), "{said}");
}

#[test]
fn rows_of_another_seed_are_not_taken_up_either() {
    let scratch = scratch();
    let out = scratch.path("out.csv");
    rows(&scratch, &["-o", &out]).code(0);
    let whole = fs::read_to_string(&out).unwrap();
    // What a run that was killed after its first row leaves, of other settings.
    let first = whole.lines().take(2).collect::<Vec<_>>().join("\n") + "\n";
    fs::write(scratch.path("out.csv.partial"), first).unwrap();
    fs::write(scratch.path("out.csv.partial.of"), "another").unwrap();
    rows(&scratch, &["-o", &out, "--resume"]).code(3);
    assert_eq!(fs::read_to_string(&out).unwrap(), whole);
}

#[test]
fn problems_of_clusters_are_named_by_line_all_at_once() {
    let scratch = scratch();
    fs::write(scratch.path("fleet.csv"), "cluster,host.rom,dataset.fill\na,1,\nb,,7\n").unwrap();
    let assert = rows(&scratch, &[]).code(3);
    let said = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert!(said.contains("fleet.csv:2:3") && said.contains("did you mean `ram`"), "{said}");
    assert!(said.contains("fleet.csv:3:4"), "{said}");
}

#[test]
fn a_fleet_without_clusters_is_refused() {
    let scratch = scratch();
    fs::write(scratch.path("fleet.csv"), "cluster,dataset.fill\n").unwrap();
    let assert = rows(&scratch, &[]).code(3);
    let said = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert!(said.contains("a fleet without clusters") && said.contains("fleet.csv:1:1"), "{said}");
}

#[test]
fn a_folder_of_info_texts_is_a_fleet() {
    let scratch = Scratch::new();
    let infos = scratch.path("infos");
    fs::create_dir(&infos).unwrap();
    for name in ["one", "two"] {
        fs::copy(crate::repository("tests/data/info/production-27gb.txt"), format!("{infos}/{name}.txt"))
            .unwrap();
    }
    fs::write(format!("{infos}/broken.txt"), "redis_version:7.0.15\nNOAUTH, it said\n").unwrap();
    let scenario = scratch.path("small.toml");
    let args =
        ["plan", &scenario, "--fleet", &infos, "-q", "--axis", "host.ram=64 GiB", "--replications", "20"];
    let assert = forkcast(&args).args(["--set", "simulation.horizon=1d"]).assert().code(5);
    let printed = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    let names: Vec<&str> = printed.lines().map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(names, ["cluster", "broken", "one", "two"]);
    let broken = printed.lines().nth(1).unwrap();
    assert!(
        broken.contains(",invalid,") && broken.contains("broken.txt: this is not the INFO text"),
        "{broken}"
    );
    fs::write(format!("{infos}/one.toml"), "").unwrap();
    let assert = forkcast(&args).assert().code(1);
    let said = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert!(said.contains("are two clusters of one name"), "{said}");
}
