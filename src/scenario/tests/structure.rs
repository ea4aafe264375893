//! Diagnostics of a scenario as a whole: its keys, what is missing, what must hold between settings.

use super::*;
use crate::scenario::code::pages;

const TWIN: &str = r#"
[[keyspace]]
name = "tokens"
share-of-bytes = 0.4
key-size = "24 B"
value-size = "512 B"
writes-per-second = 10
"#;

#[test]
fn a_text_that_is_not_toml_is_shown_where_it_breaks() {
    insta::assert_snapshot!(said(&edited("= 75", "= 75 %")), @r#"
    error[E0001]: this is not TOML
     --> demo.toml:5:21
      |
    5 | maxmemory-percent = 75 %
      |                     ^^^^ string values must be quoted, expected literal string
      |
      = help: strings need quotes, a table starts with `[name]`, a repeated one with `[[name]]`
    "#);
}

#[test]
fn a_broken_table_is_not_reported_as_missing_too() {
    insta::assert_snapshot!(said(&edited("[host]", "[[host]]")), @r#"
    error[E0003]: `host` is a table
     --> demo.toml:1:3
      |
    1 | [[host]]
      |   ^^^^ one table belongs here
      |
      = help: write a header `[host]`, and its settings below it
    "#);
}

#[test]
fn unknown_keys_and_tables_name_the_nearest_known_one() {
    insta::assert_snapshot!(said(&edited("maxmemory-percent", "maxmemory-precent")), @r#"
    error[E0002]: unknown key `maxmemory-precent` in [server]
     --> demo.toml:5:1
      |
    5 | maxmemory-precent = 75
      | ^^^^^^^^^^^^^^^^^ unknown
      |
      = help: did you mean `maxmemory-percent`?
    "#);
    insta::assert_snapshot!(said(&edited("[server]", "[serve]")), @r#"
    error[E0002]: unknown table `serve` in a scenario
     --> demo.toml:4:2
      |
    4 | [serve]
      |  ^^^^^ unknown
      |
      = help: did you mean `server`?
    "#);
    insta::assert_snapshot!(said(&edited("class =", "maxmemory = \"1 GiB\"\nclass =")), @r#"
    error[E0002]: unknown key `maxmemory` in [host]
     --> demo.toml:2:1
      |
    2 | maxmemory = "1 GiB"
      | ^^^^^^^^^ unknown
      |
      = help: `maxmemory` belongs in [server]
    "#);
}

#[test]
fn what_has_no_default_must_be_given() {
    insta::assert_snapshot!(said(&edited("class = \"yandex.hm3-c4-m32\"", "")), @r#"
    error[E0010]: the host has no memory
     --> demo.toml:1:1
      |
    1 | [host]
      | ^^^^^^ `class` or `ram` is missing
      |
      = help: add [host] with class = "yandex.hm3-c4-m32" (see `forkcast classes`) or ram = "31.36 GiB"
    "#);
    insta::assert_snapshot!(said(&edited("value-size = \"512 B\"\nwrites-per-second = 12000", "")), @r#"
    error[E0010]: [[keyspace]] has no `value-size`
     --> demo.toml:7:1
      |
    7 | [[keyspace]]
      | ^^^^^^^^^^^^ `value-size` is missing
      |
      = help: add for example `value-size = "512 B"`

    error[E0010]: [[keyspace]] has no `writes-per-second`
     --> demo.toml:7:1
      |
    7 | [[keyspace]]
      | ^^^^^^^^^^^^ `writes-per-second` is missing
      |
      = help: add for example `writes-per-second = 12000`
    "#);
    insta::assert_snapshot!(said(""), @r#"
    error[E0010]: the host has no memory
     --> demo.toml:1:1
      |
    1 |
      | ^ `class` or `ram` is missing
      |
      = help: add [host] with class = "yandex.hm3-c4-m32" (see `forkcast classes`) or ram = "31.36 GiB"

    error[E0010]: there is no keyspace
     --> demo.toml:1:1
      |
    1 |
      | ^ a `[[keyspace]]` is missing
      |
      = help: add [[keyspace]] with name, key-size, value-size and writes-per-second
    "#);
}

#[test]
fn settings_that_exclude_each_other_are_shown_together() {
    insta::assert_snapshot!(said(&edited("= 75", "= 75\nmaxmemory = \"24 GiB\"")), @r#"
    error[E0011]: `maxmemory` and `maxmemory-percent` exclude each other
     --> demo.toml:6:1
      |
    5 | maxmemory-percent = 75
      | ----------------- ... and this
    6 | maxmemory = "24 GiB"
      | ^^^^^^^^^ this ...
      |
      = help: keep the one that is meant
    "#);
    let save = "[save]\nthroughput = \"150 MiB/s\"\ndisk-throughput = \"100 MiB/s\"\n";
    insta::assert_snapshot!(said(&format!("{MINIMAL}\n{save}")), @r#"
    error[E0011]: `throughput` and `disk-throughput` exclude each other
      --> demo.toml:14:1
       |
    14 | throughput = "150 MiB/s"
       | ^^^^^^^^^^ this ...
    15 | disk-throughput = "100 MiB/s"
       | --------------- ... and this
       |
       = help: keep the one that is meant
    "#);
    insta::assert_snapshot!(said(&edited("\"24 B\"", "\"24 B\"\noperations = { incr = 1 }")), @r#"
    error[E0011]: values of 512 B are no counters
      --> demo.toml:11:14
       |
    10 | operations = { incr = 1 }
       |              ------------ INCR needs integers
    11 | value-size = "512 B"
       |              ^^^^^^^ no integer is that long
       |
       = help: give at most 20 B, or keep the counters in a keyspace of their own
    "#);
}

#[test]
fn shares_add_up_to_one() {
    insta::assert_snapshot!(said(&edited("12000", "12000\noperations = { set = 0.9, insert = 0.2 }")), @r#"
    error[E0012]: the shares of `operations` do not add up to 1
      --> demo.toml:12:14
       |
    12 | operations = { set = 0.9, insert = 0.2 }
       |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^ these add up to 1.1
       |
       = help: make them add up to 1
    "#);
    insta::assert_snapshot!(said(&format!("{MINIMAL}share-of-bytes = 0.5\n{TWIN}")), @r#"
    error[E0012]: the shares of the keyspaces do not add up to 1
      --> demo.toml:16:18
       |
    16 | share-of-bytes = 0.4
       |                  ^^^ with this one they add up to 0.9
       |
       = help: make them add up to 1
    "#);
}

#[test]
fn names_of_keyspaces_are_their_own() {
    insta::assert_snapshot!(said(&format!("{MINIMAL}keys = 1\n{TWIN}").replace("share-of-bytes = 0.4", "keys = 1").replace("tokens", "sessions")), @r#"
    error[E0013]: there are two keyspaces `sessions`
      --> demo.toml:15:8
       |
     8 | name = "sessions"
       |        ---------- the first one
    ...
    15 | name = "sessions"
       |        ^^^^^^^^^^ the second one
       |
       = help: give each a name of its own
    "#);
}

#[test]
fn the_amount_of_data_must_follow() {
    insta::assert_snapshot!(said(&edited("[[keyspace]]", "[dataset]\nfill = \"keys\"\n[[keyspace]]")), @r#"
    error[E0014]: a keyspace without a number of keys
     --> demo.toml:9:1
      |
    8 | fill = "keys"
      |        ------ the data is what the keyspaces say
    9 | [[keyspace]]
      | ^^^^^^^^^^^^ `keys` is missing
      |
      = help: add `keys`, or give [dataset] fill as a share of maxmemory
    "#);
    insta::assert_snapshot!(said(&edited("maxmemory-percent = 75", "maxmemory = \"none\"")), @r#"
    error[E0014]: there is no maxmemory to fill
     --> demo.toml:5:13
      |
    5 | maxmemory = "none"
      |             ^^^^^^ no limit
      |
      = help: give a maxmemory, or [dataset] fill = "keys" and the keys of every keyspace
    "#);
    insta::assert_snapshot!(said(&format!("{MINIMAL}{TWIN}")), @r#"
    error[E0014]: a keyspace without its share of the data
     --> demo.toml:7:1
      |
    7 | [[keyspace]]
      | ^^^^^^^^^^^^ `share-of-bytes` is missing
      |
      = help: give every keyspace a `share-of-bytes`, or every one its `keys`
    "#);
}

#[test]
fn warnings_leave_a_scenario_valid() {
    insta::assert_snapshot!(said(&edited("= 75", "= 80")), @r#"
    warning[W0001]: Yandex Managed Valkey lets one set at most 75 %
     --> demo.toml:5:21
      |
    5 | maxmemory-percent = 80
      |                     ^^ above the provider's cap
      |
      = note: it is simulated, and never recommended
      = help: see https://yandex.cloud/en/docs/managed-valkey/concepts/instance-types
    "#);
    insta::assert_snapshot!(said(&edited("yandex.hm3-c4-m32", "elasticache.cache-r5-4xlarge")), @r#"
    warning[W0002]: the RAM of `elasticache.cache-r5-4xlarge` is not published
     --> demo.toml:2:9
      |
    2 | class = "elasticache.cache-r5-4xlarge"
      |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ the memory of the node is taken for it
      |
      = note: see https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ParameterGroups.Engine.html
    "#);
    insta::assert_snapshot!(said(&edited("12000", "200000")), @r#"
    warning[W0003]: the keyspaces write 200000 times a second, and the server takes in 100000
      --> demo.toml:11:21
       |
    11 | writes-per-second = 200000
       |                     ^^^^^^ the load is cut off
       |
       = help: raise `traffic.max-writes-per-second` if the server can take in more
    "#);
}

#[test]
fn all_problems_of_a_file_are_reported_at_once() {
    insta::assert_snapshot!(said("nam = 1\n[host]\nram = \"32 GB\"\n[server]\nmaxmemory-percent = 140\n[[keyspace]]\nname = \"a\"\nkey-size = \"24 B\"\nvalue-size = \"512 B\"\nwrites-per-second = -5\n"), @r#"
    error[E0002]: unknown key `nam` in a scenario
     --> demo.toml:1:1
      |
    1 | nam = 1
      | ^^^ unknown
      |
      = help: did you mean `name`?

    error[E0004]: `ram` is not a size
     --> demo.toml:3:7
      |
    3 | ram = "32 GB"
      |       ^^^^^^^ `GB` means 10^9 on a price list and 2^30 in valkey.conf
      |
      = note: `ram`: RAM of the host, instead of a class: what the kernel calls MemTotal (INFO: total_system_memory).
      = help: write KiB, MiB, GiB or TiB, for example `ram = "31.36 GiB"`

    error[E0005]: `maxmemory-percent` cannot be 140
     --> demo.toml:5:21
      |
    5 | maxmemory-percent = 140
      |                     ^^^ not within 1 to 100
      |
      = note: `maxmemory-percent`: maxmemory in per cent of the RAM, or of the container's limit.
      = help: give a value within 1 to 100

    error[E0005]: `writes-per-second` cannot be -5
      --> demo.toml:10:21
       |
    10 | writes-per-second = -5
       |                     ^^ not within 0 to 1000000000
       |
       = note: `writes-per-second`: Mean write rate over the week [1/s], however much data there is; or { per-key = 0.002 }.
       = help: give a value within 0 to 1000000000
    "#);
}

#[test]
fn a_file_that_is_not_there_is_reported_without_a_place() {
    let report = Scenario::open(std::path::Path::new("no/such.toml"), &[]).unwrap_err();
    insta::assert_snapshot!(report.render(Colour::Never), @r#"
    error[E0022]: cannot read `no/such.toml`: No such file or directory (os error 2)
    --> no/such.toml
     = help: `forkcast init > scenario.toml` writes a scenario to start from
    "#);
}

#[test]
fn every_code_is_shown_here() {
    let shown = [
        include_str!("structure.rs"),
        include_str!("values.rs"),
        include_str!("features.rs"),
        include_str!("machine.rs"),
        include_str!("replication.rs"),
        include_str!("../../observe/measured/reading.rs"),
    ]
    .concat();
    for page in pages() {
        assert!(shown.contains(&format!("[{}]:", page.id)), "{} is raised by no test", page.id);
    }
}

#[test]
fn colours_are_only_written_where_they_are_wanted() {
    let report = read(&edited("= 75", "= 140")).unwrap_err();
    assert!(!report.to_string().contains('\u{1b}'));
    assert!(report.render(Colour::Always).contains('\u{1b}'));
}
