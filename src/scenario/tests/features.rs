//! Diagnostics of what is not modelled, of traces, axes and overrides.

use super::*;
use crate::model::host::Burst;
use crate::units::SimDuration;

#[test]
fn what_is_not_modelled_is_said_and_not_ignored() {
    let text = edited("[server]", "kernel = \"3.10\"\n[server]\nallocator = \"libc\"");
    insta::assert_snapshot!(said(&text), @r#"
    error[E0019]: not modelled yet: kernels before 4.4
     --> demo.toml:4:10
      |
    4 | kernel = "3.10"
      |          ^^^^^^ older than any that was looked at
      |
      = note: 4.4, of 2016, is the oldest that these engines still meet on supported systems
      = help: expected a kernel version such as "6.1", from 4.4

    error[E0019]: not modelled yet: `allocator = "libc"`
     --> demo.toml:6:13
      |
    6 | allocator = "libc"
      |             ^^^^^^ exists, but is not simulated
      |
      = help: modelled: "jemalloc-bundled" or "jemalloc-system"
    "#);
}

#[test]
fn data_that_is_not_modelled_is_said_so() {
    insta::assert_snapshot!(said(&edited("\"512 B\"", "\"512 B\"\ntype = \"list\"\noperations = { insert = 0.4, delete = 0.6 }")), @r#"
    error[E0019]: not modelled yet: `type = "list"`
      --> demo.toml:11:8
       |
    11 | type = "list"
       |        ^^^^^^ exists, but is not simulated
       |
       = help: modelled: "string" or "hash"

    error[E0019]: not modelled yet: a shrinking data set
      --> demo.toml:12:14
       |
    12 | operations = { insert = 0.4, delete = 0.6 }
       |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ deletes more than it inserts
       |
       = help: insert at least as much as is deleted
    "#);
}

#[test]
fn engines_and_distributions_that_are_not_modelled_are_said_so() {
    insta::assert_snapshot!(said(&edited("= 75", "= 75\nengine = \"valkey-9.3\"")), @r#"
    error[E0019]: not modelled yet: the layout of valkey-9.3
     --> demo.toml:6:10
      |
    6 | engine = "valkey-9.3"
      |          ^^^^^^^^^^^^ no profile of this version
      |
      = help: the nearest profile may do: `redis-7.0`, `redis-7.2`, `redis-7.4`, `redis-8.0`, `valkey-8.0`, `valkey-8.1`, `valkey-9.0`, `valkey-9.1`, `valkey-9.2`
    "#);
    insta::assert_snapshot!(said(&edited("\"512 B\"", "{ median = \"400 B\", sigma = 1.2 }")), @r#"
    error[E0019]: not modelled yet: a distribution of value sizes
      --> demo.toml:10:14
       |
    10 | value-size = { median = "400 B", sigma = 1.2 }
       |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ more than one size
       |
       = help: give the mean size, or a keyspace for each size
    "#);
}

#[test]
fn hashes_are_held_to_one_listpack_and_to_their_commands() {
    let hash =
        "\"65 B\"\ntype = \"hash\"\nfields = 513\nfield-name-size = \"80 B\"\noperations = { set = 1.0 }";
    insta::assert_snapshot!(said(&edited("\"512 B\"", hash)), @r#"
    error[E0019]: not modelled yet: hashes with a `value-size` above 64 B
      --> demo.toml:10:14
       |
    10 | value-size = "65 B"
       |              ^^^^^^ 65 B in a field
       |
       = note: beyond `hash-max-listpack-value` a hash is a hash table, with an entry for each field
       = help: give at most 64 B

    error[E0019]: not modelled yet: hashes of more than 512 fields
      --> demo.toml:12:10
       |
    12 | fields = 513
       |          ^^^ too many
       |
       = note: beyond `hash-max-listpack-entries` a hash is a hash table, with an entry for each field
       = help: give at most 512 fields

    error[E0019]: not modelled yet: hashes with a `field-name-size` above 64 B
      --> demo.toml:13:19
       |
    13 | field-name-size = "80 B"
       |                   ^^^^^^ 80 B in a field
       |
       = note: beyond `hash-max-listpack-value` a hash is a hash table, with an entry for each field
       = help: give at most 64 B

    error[E0011]: `set` does not write hashes
      --> demo.toml:14:14
       |
    11 | type = "hash"
       |        ------ the keys are hashes
    ...
    14 | operations = { set = 1.0 }
       |              ^^^^^^^^^^^^^ writes another type
       |
       = help: write hashes by `hset`, or give the strings a keyspace of their own
    "#);
}

#[test]
fn strings_have_no_fields_and_hashes_must_say_theirs() {
    let strings = "\"512 B\"\nfields = 10\noperations = { hset = 1.0 }";
    insta::assert_snapshot!(said(&edited("\"512 B\"", strings)), @r#"
    error[E0011]: `fields` is a setting of hashes
      --> demo.toml:11:10
       |
    11 | fields = 10
       |          ^^ not of strings
       |
       = help: leave it out, or add `type = "hash"`

    error[E0011]: `hset` does not write strings
      --> demo.toml:12:14
       |
     7 | [[keyspace]]
       | ------------ the keys are strings
    ...
    12 | operations = { hset = 1.0 }
       |              ^^^^^^^^^^^^^^ writes another type
       |
       = help: add `type = "hash"` and `fields`, or write strings by `set`
    "#);
    insta::assert_snapshot!(said(&edited("\"512 B\"", "\"32 B\"\ntype = \"hash\"")), @r#"
    error[E0010]: a hash without fields
      --> demo.toml:11:8
       |
    11 | type = "hash"
       |        ^^^^^^ `fields` is missing
       |
       = help: add for example `fields = 10`
    "#);
}

#[test]
fn a_layout_that_was_only_read_is_said_to_be() {
    insta::assert_snapshot!(said(&edited("= 75", "= 75\nengine = \"valkey-9.0\"")), @r#"
    warning[W0004]: the layout of valkey-9.0 is read, not measured
     --> demo.toml:6:10
      |
    6 | engine = "valkey-9.0"
      |          ^^^^^^^^^^^^ no save of this version was measured
      |
      = help: hold `used_memory` a key of a real server against the forecast's
    "#);
    assert_eq!(said(&edited("= 75", "= 75\nengine = \"valkey-8.1\"")), "");
}

#[test]
fn no_value_is_longer_than_a_server_takes_in() {
    insta::assert_snapshot!(said(&edited("\"512 B\"", "\"1 GiB\"")), @r#"
    error[E0005]: no value is 1 GiB long
      --> demo.toml:10:14
       |
    10 | value-size = "1 GiB"
       |              ^^^^^^^ longer than a server takes in
       |
       = note: `proto-max-bulk-len` is 512 MiB
       = help: give at most 512 MiB
    "#);
    assert!(read(&edited("\"512 B\"", "\"512 MiB\"")).is_ok());
}

#[test]
fn a_trace_that_cannot_be_used_says_why() {
    let shown = said(&format!("{MINIMAL}\n[traffic]\ntrace = \"traffic/LICENSE-NAB.txt\"\n"));
    insta::assert_snapshot!(shown.replace(env!("CARGO_MANIFEST_DIR"), "REPO"), @r#"
    error[E0018]: `REPO/scenarios/traffic/LICENSE-NAB.txt` has no columns `timestamp` and `value`
      --> demo.toml:14:9
       |
    14 | trace = "traffic/LICENSE-NAB.txt"
       |         ^^^^^^^^^^^^^^^^^^^^^^^^^ cannot be used
       |
       = help: the first line names the columns: timestamp,value
    "#);
}

/// Bursts are added to a profile, not to a recording that has them, unless it is asked for.
#[test]
fn a_trace_has_its_bursts_in_it() {
    let burst = |text: &str| {
        let scenario = read(&format!("{MINIMAL}\n{text}")).unwrap();
        let resolved = scenario.resolved_toml(scenario.as_written());
        assert_eq!(read(&resolved).unwrap().as_written().host, scenario.as_written().host);
        scenario.as_written().host.traffic.burst
    };
    let hour = SimDuration::HOUR;
    let trace = "[traffic]\ntrace = \"traffic/elb_request_count_8c0756.csv\"\n";
    assert_eq!(burst(""), Some(Burst { per_year: 4.0, factor: 5.0, duration: hour }));
    assert_eq!(burst(trace), None);
    let asked_for = burst(&format!("{trace}burst = {{ per-year = 12, factor = 3 }}\n"));
    assert_eq!(asked_for, Some(Burst { per_year: 12.0, factor: 3.0, duration: hour }));
    assert_eq!(burst("[traffic.burst]\nper-year = 0\n"), None);
    assert_eq!(burst("[traffic.burst]\nfactor = 1\n"), None);
}

#[test]
fn what_cannot_be_of_bursts_noise_and_slow_disks_says_so() {
    let shown = said(&format!(
        "{MINIMAL}\n[traffic]\nnoise = {{ hour-correlation = 1 }}\nburst = {{ per-year = 400, duration = \"2d\" }}\n\
         [save]\nslow = {{ lasts = \"0s\" }}\n"
    ));
    for what in ["`hour-correlation` cannot be 1", "`per-year` cannot be 400", "`duration`", "`lasts`"] {
        assert!(shown.contains(what), "{what}\n{shown}");
    }
    assert_eq!(shown.matches("error[E0005]").count(), 4, "{shown}");
}

#[test]
fn gaps_of_a_trace_are_told() {
    let shown = said(&format!("{MINIMAL}\n[traffic]\ntrace = \"traffic/elb_request_count_8c0756.csv\"\n"));
    insta::assert_snapshot!(shown, @r#"
    warning[W0007]: the trace has 8 gaps of 40 min in all, 0.2 % of its days
      --> demo.toml:14:9
       |
    14 | trace = "traffic/elb_request_count_8c0756.csv"
       |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ filled with the same minutes of the nearest day that has them
       |
       = note: a value holds until the next one, and longer than the usual step none does
       = help: record without a break, or leave the days with gaps out
    "#);
}

#[test]
fn a_bad_row_of_a_trace_is_shown_in_the_trace() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("t.csv"),
        "timestamp,value\n2020-01-01 00:00:00,5\n2020-01-01 01:00:00,-5\n",
    )
    .unwrap();
    let origin = Origin { name: "demo.toml".into(), folder: folder.path().into() };
    let report =
        Scenario::read(&format!("{MINIMAL}\n[traffic]\ntrace = \"t.csv\"\n"), &origin, &[]).unwrap_err();
    let shown = report.render(Colour::Never).replace(&folder.path().display().to_string(), "FOLDER");
    insta::assert_snapshot!(shown, @r#"
    error[E0018]: a row of the trace cannot be used
      --> FOLDER/t.csv:3:1
       |
     3 | 2020-01-01 01:00:00,-5
       | ^^^^^^^^^^^^^^^^^^^^^^ a load of -5
       |
      ::: demo.toml:14:9
       |
    14 | trace = "t.csv"
       |         ------- the trace is named here
       |
       = help: rows are a time and a load of zero or more, in order of time: 2014-04-10 00:04:00,94.0
    "#);
}

#[test]
fn axes_are_checked_at_every_value() {
    insta::assert_snapshot!(said(&format!("{MINIMAL}\n[sweep]\n\"host.class\" = []\n\"server.maxmemory-percent\" = \"50..75\"\n\"dataset.fill\" = [0.5, 2.0]\n\"simulation.seed\" = [1, 2]\n\"server.maxmemory-percnt\" = [50]\n")), @r#"
    error[E0020]: this is no axis
      --> demo.toml:14:16
       |
    14 | "host.class" = []
       |                ^^ no value
       |
       = help: write a list [50, 60, 70], or a range with a step "50..75:5"

    error[E0020]: this is no axis
      --> demo.toml:15:30
       |
    15 | "server.maxmemory-percent" = "50..75"
       |                              ^^^^^^^^ a range without a step
       |
       = help: write a list [50, 60, 70], or a range with a step "50..75:5"

    error[E0005]: `fill` cannot be 2
      --> demo.toml:16:24
       |
    16 | "dataset.fill" = [0.5, 2.0]
       |                        ^^^ not within 0.001 to 1
       |
       = note: `fill`: How full of maxmemory the server is at the start, or "keys": the data set is what the keyspaces say.
       = help: give a value within 0.001 to 1

    error[E0020]: `simulation.seed` is the same in every cell
      --> demo.toml:17:1
       |
    17 | "simulation.seed" = [1, 2]
       | ^^^^^^^^^^^^^^^^^ cannot be an axis
       |
       = help: set it once, outside [sweep]

    error[E0002]: unknown key `maxmemory-percnt` in [server]
      --> demo.toml:18:1
       |
    18 | "server.maxmemory-percnt" = [50]
       | ^^^^^^^^^^^^^^^^^^^^^^^^^ unknown
       |
       = help: did you mean `maxmemory-percent`?
    "#);
}

#[test]
fn paths_enter_keyspaces_by_name() {
    insta::assert_snapshot!(said(&format!("{MINIMAL}\n[sweep]\n\"keyspace.session.keys\" = [1, 2]\n[[traffic.job]]\nat = \"02:00\"\nduration = \"40m\"\nwrites-per-second = 1\nkeyspace = \"session\"\n")), @r#"
    error[E0021]: there is no keyspace `session`
      --> demo.toml:14:1
       |
    14 | "keyspace.session.keys" = [1, 2]
       | ^^^^^^^^^^^^^^^^^^^^^^^ no such name or number
       |
       = help: did you mean `sessions`?

    error[E0021]: there is no keyspace `session`
      --> demo.toml:19:12
       |
    19 | keyspace = "session"
       |            ^^^^^^^^^ no such keyspace
       |
       = help: did you mean `sessions`?
    "#);
}

#[test]
fn overrides_are_shown_as_they_were_given() {
    let overrides = [
        Assignment::set("server.maxmemory-percent=140").unwrap(),
        Assignment::set("keyspace.tokens.keys=5").unwrap(),
        Assignment::axis("host.class=yandex.hm3-c4-m16,yandex.m32").unwrap(),
    ];
    let report = read_with(MINIMAL, &overrides).unwrap_err();
    insta::assert_snapshot!(report.render(Colour::Never), @r#"
    error[E0008]: unknown host class `yandex.m32`
     --> --axis:1:30
      |
    1 | host.class=yandex.hm3-c4-m16,yandex.m32
      |                              ^^^^^^^^^^ not in the catalogue
      |
      = help: did you mean `yandex.hm3-c2-m8`, `yandex.hm3-c2-m12`, `yandex.hm3-c4-m24`? `forkcast classes` lists all

    error[E0021]: there is no keyspace `tokens`
     --> --set:1:1
      |
    1 | keyspace.tokens.keys=5
      | ^^^^^^^^^^^^^^^^^^^^ no such name or number
      |
      = help: known here: `sessions`

    error[E0005]: `maxmemory-percent` cannot be 140
     --> --set:1:26
      |
    1 | server.maxmemory-percent=140
      |                          ^^^ not within 1 to 100
      |
      = note: `maxmemory-percent`: maxmemory in per cent of the RAM, or of the container's limit.
      = help: give a value within 1 to 100
    "#);
}
