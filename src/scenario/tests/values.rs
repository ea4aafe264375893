//! Diagnostics of single values: types, units, ranges, words.

use super::*;

#[test]
fn a_wrong_type_names_the_right_one() {
    insta::assert_snapshot!(said(&edited("= 75", "= \"75\"")), @r#"
    error[E0003]: `maxmemory-percent` cannot be a string
     --> demo.toml:5:21
      |
    5 | maxmemory-percent = "75"
      |                     ^^^^ this is a string
      |
      = note: `maxmemory-percent`: maxmemory in per cent of the RAM, or of the container's limit.
      = help: expected a number
    "#);
    insta::assert_snapshot!(said(&edited("[[keyspace]]", "[keyspace]")), @r#"
    error[E0003]: `keyspace` is a repeated table
     --> demo.toml:7:2
      |
    7 | [keyspace]
      |  ^^^^^^^^ there may be several of these
      |
      = help: write `[[keyspace]]`, with two brackets
    "#);
    insta::assert_snapshot!(said(&format!("{MINIMAL}\n[backup]\nat = 22:00:00\n")), @r#"
    error[E0003]: `at` has no quotes
      --> demo.toml:14:6
       |
    14 | at = 22:00:00
       |      ^^^^^^^^ a time without quotes
       |
       = help: write it as a string: "22:00"
    "#);
}

#[test]
fn a_unit_that_means_two_things_is_refused_with_the_reason() {
    insta::assert_snapshot!(said(&edited("\"512 B\"", "\"1 GB\"")), @r#"
    error[E0004]: `value-size` is not a size
      --> demo.toml:10:14
       |
    10 | value-size = "1 GB"
       |              ^^^^^^ `GB` means 10^9 on a price list and 2^30 in valkey.conf
       |
       = note: `value-size`: Length of a value, up to 512 MiB; of a hash, of the value of a field.
       = help: write KiB, MiB, GiB or TiB, for example `value-size = "512 B"`
    "#);
    insta::assert_snapshot!(said(&edited("\"24 B\"", "24")), @r#"
    error[E0004]: `key-size` has no unit
     --> demo.toml:9:12
      |
    9 | key-size = 24
      |            ^^ a number without a unit
      |
      = note: `key-size`: Length of a key.
      = help: write for example `key-size = "24 B"`
    "#);
    insta::assert_snapshot!(said(&format!("{MINIMAL}\n[save]\nthroughput = \"fast\"\n[backup]\nat = \"25:00\"\njitter = \"soon\"\n")), @r#"
    error[E0004]: `throughput` is not a rate
      --> demo.toml:14:14
       |
    14 | throughput = "fast"
       |              ^^^^^^ `fast` does not end in `/s`
       |
       = note: `throughput`: used_memory that a child saves a second, of the data in memory, not of the file. Where it is given, it decides in place of the two above; `import` derives it from rdb_last_bgsave_time_sec. Drawn once a replication.
       = help: write for example `throughput = { low = "60 MiB/s", likely = "150 MiB/s", high = "200 MiB/s" }`

    error[E0004]: `at` is not a time of day
      --> demo.toml:16:6
       |
    16 | at = "25:00"
       |      ^^^^^^^ not within 00:00 to 23:59
       |
       = help: write hours and minutes in UTC: "22:00"

    error[E0004]: `jitter` is not a duration
      --> demo.toml:17:10
       |
    17 | jitter = "soon"
       |          ^^^^^^ `soon` is not a duration
       |
       = note: `jitter`: The backup starts at a uniform time within this span.
       = help: write for example `90s`, `30m`, `24h` or `30d`
    "#);
}

#[test]
fn values_that_cannot_be_are_out_of_range() {
    insta::assert_snapshot!(said(&edited("= 75", "= 140")), @r#"
    error[E0005]: `maxmemory-percent` cannot be 140
     --> demo.toml:5:21
      |
    5 | maxmemory-percent = 140
      |                     ^^^ not within 1 to 100
      |
      = note: `maxmemory-percent`: maxmemory in per cent of the RAM, or of the container's limit.
      = help: give a value within 1 to 100
    "#);
    insta::assert_snapshot!(said(&edited("\"24 B\"", "\"-24 B\"")), @r#"
    error[E0004]: `key-size` is not a size
     --> demo.toml:9:12
      |
    9 | key-size = "-24 B"
      |            ^^^^^^^ `-24 B` is negative
      |
      = note: `key-size`: Length of a key.
      = help: write for example `key-size = "24 B"`
    "#);
    insta::assert_snapshot!(said(&edited("12000", "nan")), @r#"
    error[E0005]: `writes-per-second` cannot be NaN
      --> demo.toml:11:21
       |
    11 | writes-per-second = nan
       |                     ^^^ not within 0 to 1000000000
       |
       = note: `writes-per-second`: Mean write rate over the week [1/s], however much data there is; or { per-key = 0.002 }.
       = help: give a value within 0 to 1000000000
    "#);
}

#[test]
fn intervals_run_from_low_to_high() {
    insta::assert_snapshot!(said(&edited("12000", "{ low = 9, likely = 5 }")), @r#"
    error[E0006]: the ends of `writes-per-second` are out of order
      --> demo.toml:11:21
       |
    11 | writes-per-second = { low = 9, likely = 5 }
       |                     ^^^^^^^^^^^^^^^^^^^^^^^ low 9 is above likely 5
       |
       = help: order them: low <= likely <= high
    "#);
    insta::assert_snapshot!(said(&edited("12000", "{ low = 9 }")), @r#"
    error[E0006]: `writes-per-second` has no likely value
      --> demo.toml:11:21
       |
    11 | writes-per-second = { low = 9 }
       |                     ^^^^^^^^^^^ an interval
       |
       = help: write { low = …, likely = …, high = … }; a missing end is the likely value
    "#);
}

#[test]
fn words_that_are_not_possible_name_the_nearest() {
    insta::assert_snapshot!(said(&edited("= 75", "= 75\nmaxmemory-policy = \"no-eviction\"\nengine = \"memcached\"")), @r#"
    error[E0007]: `maxmemory-policy` cannot be "no-eviction"
     --> demo.toml:6:20
      |
    6 | maxmemory-policy = "no-eviction"
      |                    ^^^^^^^^^^^^^ not one of the possible words
      |
      = note: `maxmemory-policy`: What the server does with a write at maxmemory. The volatile-* policies evict keys with a TTL only, and without such keys they refuse the write as noeviction does.
      = help: did you mean `noeviction`?

    error[E0007]: unknown engine `memcached`
     --> demo.toml:7:10
      |
    7 | engine = "memcached"
      |          ^^^^^^^^^^^ no such profile
      |
      = help: known here: `redis-7.0`, `redis-7.2`, `redis-7.4`, `redis-8.0`, `valkey-8.0`, `valkey-8.1`, `valkey-9.0`, `valkey-9.1`, `valkey-9.2`
    "#);
    insta::assert_snapshot!(said(&edited("[server]", "page-size = \"8 KiB\"\n[server]")), @r#"
    error[E0007]: no Linux has base pages of 8 KiB
     --> demo.toml:4:13
      |
    4 | page-size = "8 KiB"
      |             ^^^^^^^ not a page size
      |
      = help: expected "4 KiB", "16 KiB" or "64 KiB"
    "#);
}

#[test]
fn unknown_classes_name_the_nearest() {
    insta::assert_snapshot!(said(&edited("hm3-c4-m32", "hm3-c4-m23")), @r#"
    error[E0008]: unknown host class `yandex.hm3-c4-m23`
     --> demo.toml:2:9
      |
    2 | class = "yandex.hm3-c4-m23"
      |         ^^^^^^^^^^^^^^^^^^^ not in the catalogue
      |
      = help: did you mean `yandex.hm3-c4-m24`, `yandex.hm3-c4-m32`, `yandex.hm3-c4-m16`? `forkcast classes` lists all
    "#);
    insta::assert_snapshot!(said(&edited("yandex.hm3-c4-m32", "my laptop")), @r#"
    error[E0008]: unknown host class `my laptop`
     --> demo.toml:2:9
      |
    2 | class = "my laptop"
      |         ^^^^^^^^^^^ not in the catalogue
      |
      = help: `forkcast classes` lists them; or give the memory of the host as `ram = "…"`
    "#);
}

#[test]
fn a_class_without_memory_cannot_be_simulated() {
    insta::assert_snapshot!(said(&edited("yandex.hm3-c4-m32", "memorydb.db-r7g-large")), @r#"
    error[E0009]: AWS MemoryDB publishes no memory for `memorydb.db-r7g-large`
     --> demo.toml:2:9
      |
    2 | class = "memorydb.db-r7g-large"
      |         ^^^^^^^^^^^^^^^^^^^^^^^ a class without RAM or maxmemory
      |
      = note: https://docs.aws.amazon.com/memorydb/latest/devguide/nodes.supportedtypes.html says: node type listed; the page gives bandwidth only, no maxmemory or RAM figure retrieved
      = help: give the memory of the host instead, as `ram = "…"`
    "#);
}

#[test]
fn popularities_are_taught() {
    insta::assert_snapshot!(said(&edited("12000", "12000\npopularity = \"zipf\"")), @r#"
    error[E0015]: `zipf` is no popularity
      --> demo.toml:12:14
       |
    12 | popularity = "zipf"
       |              ^^^^^^ cannot be read
       |
       = help: expected "uniform", "zipf:0.99", "hotspot:0.2/0.8", or { likely, high } of these
    "#);
}

#[test]
fn save_points_are_read_as_in_valkey_conf() {
    insta::assert_snapshot!(said(&format!("{MINIMAL}\n[persistence]\nsave = [\"3600\", \"60 10000\"]\n")), @r#"
    error[E0016]: `3600` is no save point
      --> demo.toml:14:9
       |
    14 | save = ["3600", "60 10000"]
       |         ^^^^^^ not seconds and changes
       |
       = help: write seconds and changes, as in valkey.conf: "3600 1"
    "#);
}

#[test]
fn profiles_are_a_day_or_a_week() {
    insta::assert_snapshot!(said(&format!("{MINIMAL}\n[traffic]\nhourly = [1, 2, 3]\n")), @r#"
    error[E0017]: `hourly` has 3 factors
      --> demo.toml:14:10
       |
    14 | hourly = [1, 2, 3]
       |          ^^^^^^^^^ neither a day nor a week
       |
       = help: expected "flat", or a list of 24 or 168 numbers
    "#);
}
