//! What scenarios resolve to.

use proptest::prelude::*;

use super::*;
use crate::memory::{Allocator, HugePages, Popularity};
use crate::model::Uncertain;
use crate::model::host::{Content, Fill, KeyspaceSize, MaxmemoryPolicy, SaveSpeed, Shape};
use crate::scenario::{Replications, classes, init_text};
use crate::units::{Bytes, SimDuration};

const SHIPPED: [&str; 2] = ["quickstart", "managed-valkey"];

fn shipped(name: &str) -> Scenario {
    let path = format!("{}/scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    Scenario::open(path.as_ref(), &[]).unwrap_or_else(|report| panic!("{report}"))
}

#[test]
fn a_class_and_a_keyspace_are_enough() {
    let scenario = read(MINIMAL).unwrap();
    let case = scenario.at(&[]).unwrap();
    assert_eq!(&case, scenario.as_written());
    assert_eq!(scenario.name(), "demo");
    assert_eq!((scenario.seed(), scenario.replications()), (1, Replications::Auto));
    assert_eq!(scenario.horizon(), SimDuration(30 * SimDuration::DAY.0));
    assert_eq!((case.ram, case.maxmemory), (Bytes::gib(32), Some(Bytes::gib(24))));
    assert_eq!((case.maxmemory_percent, case.percent_cap), (Some(75.0), Some(75.0)));
    assert_eq!(case.host.server.allocator, Allocator::Bundled);
    assert_eq!(case.host.server.maxmemory_policy, MaxmemoryPolicy::NoEviction);
    assert_eq!(case.host.dataset.fill, Fill::Maxmemory(1.0));
    assert_eq!(case.host.dataset.keyspaces[0].size, KeyspaceSize::ShareOfBytes(1.0));
    assert_eq!(case.host.dataset.keyspaces[0].popularity.high, Popularity::Uniform);
    assert_eq!(case.host.persistence.save_points.len(), 3);
    assert!(case.host.persistence.aof.is_none() && case.host.backup.is_some());
    assert!(scenario.axes().is_empty() && scenario.warnings().is_empty());
}

#[test]
fn a_class_gives_the_kernel_its_page_structures_and_a_measured_ram_does_not() {
    let class = read(MINIMAL).unwrap().at(&[]).unwrap();
    let ram = read(MINIMAL).unwrap().at(&[("host.ram", "32 GiB")]).unwrap();
    assert_eq!(ram.host_class, None);
    let surplus = class.host.machine.reserved.likely - ram.host.machine.reserved.likely;
    assert!((surplus - Bytes::mib(512).as_f64()).abs() < 1.0);
    let given = read(&edited("[server]", "reserved = \"1 GiB\"\n[server]")).unwrap();
    let with_structures = Uncertain::certain(Bytes::mib(1536).as_f64());
    assert_eq!(given.as_written().host.machine.reserved, with_structures);
    let of_ram = given.at(&[("host.ram", "32 GiB")]).unwrap();
    assert_eq!(of_ram.host.machine.reserved, Uncertain::certain(Bytes::gib(1).as_f64()));
    let of_large_pages = given.at(&[("host.page-size", "64 KiB")]).unwrap();
    assert_eq!(of_large_pages.host.machine.reserved, Uncertain::certain(Bytes::mib(1056).as_f64()));
}

/// What is written out names what was given, or the default, and the structures come on top when it is read again.
#[test]
fn a_default_that_is_given_changes_nothing_and_what_is_written_out_neither() {
    let default = read(MINIMAL).unwrap();
    let reserved = "reserved = { low = \"400 MiB\", likely = \"700 MiB\", high = \"1.5 GiB\" }";
    let given = read(&edited("[server]", &format!("{reserved}\n[server]"))).unwrap();
    for class in ["yandex.hm3-c4-m16", "yandex.hm3-c4-m32"] {
        let [default, case] =
            [&default, &given].map(|scenario| scenario.at(&[("host.class", class)]).unwrap());
        assert_eq!(case.host, default.host);
        let written = given.standalone_toml(&case);
        assert!(written.contains("# reserved is without the kernel's page structures of"), "{written}");
        let again = read(&written).unwrap();
        assert_eq!(again.as_written().host, case.host);
        assert_eq!(read(&again.standalone_toml(again.as_written())).unwrap().as_written().host, case.host);
    }
    let of_ram = given.at(&[("host.ram", "32 GiB")]).unwrap();
    assert!(!given.standalone_toml(&of_ram).contains("page structures"));
}

#[test]
fn huge_pages_are_in_force_where_the_kernel_gives_and_the_server_takes_them() {
    let at = |kernel: &str, enabled: &str, disabled: &str| {
        let settings = [
            ("host.kernel", kernel),
            ("host.transparent-huge-pages", enabled),
            ("server.disable-thp", disabled),
        ];
        read(MINIMAL).unwrap().at(&settings).unwrap().host.machine.huge_pages
    };
    assert_eq!(at("'6.1'", "always", "false"), Some(HugePages::Split));
    assert_eq!(at("'5.4'", "always", "false"), Some(HugePages::Copied));
    assert_eq!(at("'6.1'", "always", "true"), None);
    assert_eq!(at("'6.1'", "madvise", "false"), None);
}

#[test]
fn hashes_are_written_by_hset_and_have_short_names_where_nothing_is_said() {
    let text = edited("\"512 B\"", "\"32 B\"\ntype = \"hash\"\nfields = 12");
    let scenario = read(&text).unwrap();
    let keyspace = &scenario.as_written().host.dataset.keyspaces[0];
    assert_eq!(keyspace.content, Content::Hashes { fields: 12, name: 8, value: 32 });
    assert!((keyspace.operations.hset - 1.0).abs() < f64::EPSILON);
    let resolved = scenario.resolved_toml(scenario.as_written());
    assert_eq!(read(&resolved).unwrap().as_written().host, scenario.as_written().host);
}

#[test]
fn cells_take_axis_values_and_replace_what_they_exclude() {
    let scenario = shipped("quickstart");
    let paths: Vec<&str> = scenario.axes().iter().map(|axis| axis.path.as_str()).collect();
    assert_eq!(paths, ["host.class", "server.maxmemory-percent"]);
    for class in &scenario.axes()[0].values {
        for percent in &scenario.axes()[1].values {
            let case = scenario.at(&[("host.class", class), ("server.maxmemory-percent", percent)]).unwrap();
            assert_eq!(case.host_class.as_deref(), Some(class.as_str()));
            let expected = case.ram.as_f64() * percent.parse::<f64>().unwrap() / 100.0;
            assert!((case.maxmemory.unwrap().as_f64() - expected).abs() <= 1.0);
            assert_eq!(case.warnings.is_empty(), percent.parse::<f64>().unwrap() <= 75.0);
        }
    }
    let absolute = scenario.at(&[("server.maxmemory", "1 GiB")]).unwrap();
    assert_eq!((absolute.maxmemory, absolute.maxmemory_percent), (Some(Bytes::gib(1)), None));
    let error = scenario.at(&[("server.maxmemory-percent", "140")]).unwrap_err();
    assert_eq!(error.errors(), 1);
}

#[test]
fn a_data_set_by_keys_can_be_asked_as_a_share_of_maxmemory() {
    let text = edited("name =", "keys = 40_000_000\nname =")
        + "\n[dataset]\nfill = \"keys\"\ngrowth-per-day = \"1 GiB\"\n";
    let scenario = read(&text.replace("maxmemory-percent = 75", "maxmemory = \"none\"")).unwrap();
    let written = scenario.as_written();
    assert_eq!((written.maxmemory, written.host.dataset.fill), (None, Fill::Keys));
    let full = scenario
        .at(&[("server.maxmemory-percent", "60"), ("dataset.fill", "1.0"), ("dataset.growth-per-day", "0 B")])
        .unwrap();
    assert_eq!(full.host.dataset.fill, Fill::Maxmemory(1.0));
    assert_eq!(full.host.dataset.keyspaces[0].size, KeyspaceSize::Keys(40_000_000));
    assert_eq!(full.host.dataset.growth_per_day, Uncertain::certain(0.0));
}

#[test]
fn overrides_reach_keyspaces_jobs_and_absent_tables() {
    let text = format!(
        "{MINIMAL}\n[[traffic.job]]\nat = \"02:00\"\nduration = \"40m\"\nwrites-per-second = 5\noperation = \"set\"\n"
    );
    let overrides = [
        "keyspace.sessions.writes-per-second={ per-key = 0.002 }",
        "traffic.job.0.duration=1h",
        "traffic.noise.day=0",
        "server.fragmentation-ratio.high=1.5",
        "server.fragmentation-ratio.likely=1.1",
    ];
    let overrides: Vec<Assignment> = overrides.iter().map(|text| Assignment::set(text).unwrap()).collect();
    let host = read_with(&text, &overrides).unwrap().as_written().host.clone();
    assert_eq!(host.traffic.jobs[0].duration, SimDuration::HOUR);
    assert!(host.traffic.noise_day.abs() < f64::EPSILON);
    assert_eq!(host.server.fragmentation_ratio, Uncertain { low: 1.1, likely: 1.1, high: 1.5 });
}

#[test]
fn an_axis_on_the_command_line_replaces_the_one_in_the_file() {
    let text = format!("{MINIMAL}\n[sweep]\n\"server.maxmemory-percent\" = [10]\n");
    let axis = Assignment::axis("server.maxmemory-percent=50..60:5").unwrap();
    let scenario = read_with(&text, &[axis]).unwrap();
    assert_eq!(scenario.axes()[0].values, ["50", "55", "60"]);
}

#[test]
fn an_axis_stands_in_for_what_the_file_leaves_out() {
    let text = edited("class = \"yandex.hm3-c4-m32\"", "")
        + "\n[sweep]\n\"host.class\" = [\"yandex.hm3-c4-m16\", \"yandex.hm3-c4-m32\"]\n";
    assert_eq!(read(&text).unwrap().as_written().ram, Bytes::gib(16));
}

#[test]
fn every_class_with_memory_resolves() {
    let scenario = read(MINIMAL).unwrap();
    for class in classes::all() {
        let case = scenario.at(&[("host.class", &class.name)]);
        assert_eq!(case.ok().map(|case| case.ram), class.ram, "{}", class.name);
    }
}

#[test]
fn the_recorded_traffic_has_fourteen_whole_days_of_mean_one() {
    let case = shipped("managed-valkey").at(&[]).unwrap();
    let Shape::Trace(days) = &case.host.traffic.shape else { panic!("{:?}", case.host.traffic.shape) };
    assert_eq!(days.len(), 14);
    let mean =
        days.iter().map(|day| (0..24).map(|hour| day.hourly(hour)).sum::<f64>() / 24.0).sum::<f64>() / 14.0;
    assert!((mean - 1.0).abs() < 1e-9);
}

#[test]
fn the_resolved_scenario_reads_back_to_the_same_host() {
    for scenario in
        SHIPPED.map(shipped).into_iter().chain([read(MINIMAL).unwrap(), read(init_text()).unwrap()])
    {
        let case = scenario.as_written();
        let text = scenario.resolved_toml(case);
        let again =
            Scenario::read(&text, scenario.origin(), &[]).unwrap_or_else(|report| panic!("{report}\n{text}"));
        assert_eq!(again.as_written().host, case.host);
        assert_eq!(again.risk(), scenario.risk());
    }
}

#[test]
fn the_resolved_scenario_says_where_values_come_from() {
    let scenario = read(MINIMAL).unwrap();
    let text = scenario.resolved_toml(scenario.as_written());
    let start: Vec<&str> = text.lines().take(38).collect();
    insta::assert_snapshot!(start.join("\n"), @r#"
    # Every setting of the scenario, and where its value comes from.
    name = "demo"

    [host]
    class = "yandex.hm3-c4-m32"                      # given
    limit = "none"                                   # default: no container
    memory-high = "none"                             # default: Linux
    oom-group = false                                # default: Linux; Kubernetes sets it from 1.28 on where the nodes have cgroup v2
    servers = 1                                      # default: a host of its own
    reserved = { low = "400 MiB", likely = "700 MiB", high = "1.5 GiB" } # default: assumed; a Linux with monitoring and backup agents
    kernel = "6.1"                                   # default: assumed; Debian 12
    page-size = "4 KiB"                              # default: x86-64 Linux
    transparent-huge-pages = "madvise"               # default: upstream Linux; with `disable-thp` it does not matter
    overcommit-memory = 0                            # default: Linux
    overcommit-ratio = 50                            # default: Linux
    swap = "0 B"                                     # default: none, as on managed hosts
    # reserved is without the kernel's page structures of 32 GiB: 512 MiB more

    [server]
    engine = "valkey-8.0"                            # default: assumed; the latest engine whose saves were measured for this project
    allocator = "jemalloc-bundled"                   # default: assumed; official builds. Debian's redis-server has jemalloc-system
    maxmemory-percent = 75                           # given
    maxmemory-policy = "noeviction"                  # default: valkey.conf
    disable-thp = true                               # default: valkey.conf
    oom-score-adj = "no"                             # default: valkey.conf
    oom-policy = "continue"                          # default: assumed; containers and most supervisors do nothing
    fragmentation-ratio = { low = 0.98, likely = 1.05, high = 1.35 } # default: measured 1.01 to 1.07 on data just loaded, 1.16 to 1.35 after writes that change sizes; published 0.98 to 1.09
    client-memory = { low = "16 MiB", likely = "64 MiB", high = "512 MiB" } # default: assumed; hundreds of connections, at the high end some slow ones
    load-throughput = { low = "50 MiB/s", likely = "100 MiB/s", high = "250 MiB/s" } # default: assumed; published loads run from 30 MiB/s on old machines to 250 MiB/s
    aof-replay-rate = { low = 150_000, likely = 600_000, high = 1_200_000 } # default: measured on Redis 7.0.15: 150,000 SET of 4 KiB, 700,000 of 512 B, 860,000 of 64 B, 1,200,000 INCR
    restart-delay = "10s"                            # default: assumed; systemd and an agent that notices
    restart-delay-max = "5m"                         # default: Kubernetes; MaxContainerBackOff, with a first delay of 10s too
    operator-arrives-after = { low = "1h", likely = "4h", high = "24h" } # default: assumed; from somebody on call to the next working day
    # maxmemory 25769803776 is derived: 75 % of 32 GiB

    [dataset]
    fill = 1.0                                       # default: maxmemory is a guard, so judge it full
    growth-per-day = "0 B"                           # default: none
    "#);
}

/// Resolved, a throughput stands alone, and so do processor and disk; either drops the other when it is set.
#[test]
fn a_pace_is_a_throughput_or_the_slower_of_processor_and_disk() {
    let parts = SaveSpeed::Parts {
        seconds_per_key: Uncertain { low: 0.7, likely: 1.25, high: 2.3 }.scaled(1e-6),
        disk: Uncertain { low: 30.0, likely: 120.0, high: 270.0 }.scaled(Bytes::mib(1).as_f64()),
    };
    let given = SaveSpeed::Throughput(Uncertain::certain(Bytes::mib(150).as_f64()));
    let by_default = read(MINIMAL).unwrap();
    let by_throughput = read(&format!("{MINIMAL}\n[save]\nthroughput = \"150 MiB/s\"\n")).unwrap();
    for (scenario, speed, absent) in
        [(&by_default, parts, "\nthroughput"), (&by_throughput, given, "disk-throughput")]
    {
        assert_eq!(scenario.as_written().host.save.speed, speed);
        let text = scenario.resolved_toml(scenario.as_written());
        let save = text.split("[save]").nth(1).and_then(|rest| rest.split('[').next()).unwrap();
        assert!(!save.contains(absent), "{save}");
        assert_eq!(read(&text).unwrap().as_written().host, scenario.as_written().host);
    }
    let set = Assignment::set("save.throughput=150 MiB/s").unwrap();
    let text = format!("{MINIMAL}\n[save]\nmicroseconds-per-key = 2\ndisk-throughput = \"50 MiB/s\"\n");
    assert_eq!(read_with(&text, &[set]).unwrap().as_written().host.save.speed, given);
    let case = by_throughput.at(&[("save.disk-throughput", "\"120 MiB/s\"")]).unwrap();
    assert!(matches!(case.host.save.speed, SaveSpeed::Parts { .. }));
}

#[test]
fn what_init_writes_passes_the_check() {
    let scenario = read(init_text()).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!((scenario.name(), scenario.warnings().len()), ("my-host", 0));
}

/// The example of the scenario language.
const CONTRACT: &str = r#"
name = "session-store"
[host]
class = "yandex.hm3-c4-m32"
limit = "none"
reserved = "1 GiB"
kernel = "6.1"
page-size = "4 KiB"
overcommit-memory = 0
swap = "0 B"
[server]
engine = "valkey-8.0"
allocator = "jemalloc-bundled"
maxmemory-percent = 75
maxmemory-policy = "noeviction"
oom-score-adj = "no"
fragmentation-ratio = { low = 1.02, likely = 1.05, high = 1.2 }
client-memory = { likely = "64 MiB", high = "1 GiB" }
[dataset]
fill = 1.0
growth-per-day = "0 B"
[[keyspace]]
name = "sessions"
share-of-bytes = 1.0
key-size = "24 B"
value-size = "512 B"
type = "string"
ttl = "none"
writes-per-second = 12000
operations = { set = 0.96, insert = 0.02, delete = 0.02 }
popularity = "uniform"
[traffic]
hourly = "flat"
noise = { day = 0.15, hour = 0.2, minute = 0.3 }
max-writes-per-second = 80000
[[traffic.job]]
at = "02:00"
jitter = "10m"
duration = "40m"
writes-per-second = 40000
operation = "set"
[persistence]
appendonly = true
auto-aof-rewrite-percentage = 100
auto-aof-rewrite-min-size = "64 MiB"
save = []
[save]
throughput = { low = "60 MiB/s", likely = "150 MiB/s", high = "200 MiB/s" }
sigma = 0.2
slow = { probability = 0.01, factor = 4 }
[backup]
at = "22:00"
jitter = "30m"
every = "24h"
method = "bgsave"
host = "primary"
[replication]
replicas = 2
repl-backlog-size = "10 MiB"
client-output-buffer-limit-replica = "256mb 64mb 60"
sync = "diskless"
link-losses-per-day = 0.1
[risk]
incidents-per-year = 0.01
confidence = 0.95
[simulation]
horizon = "30d"
replications = "auto"
seed = 1
[sweep]
"host.class" = ["yandex.hm3-c4-m16", "yandex.hm3-c4-m32"]
"server.maxmemory-percent" = "50..75:5"
"#;

#[test]
fn a_scenario_with_every_setting_of_the_contract_passes() {
    let scenario = read(CONTRACT).unwrap();
    assert_eq!((scenario.name(), scenario.axes().len()), ("session-store", 2));
    let host = &scenario.as_written().host;
    assert_eq!((host.traffic.jobs.len(), host.replication.replicas), (1, 2));
    let resolved = scenario.resolved_toml(scenario.as_written());
    assert_eq!(&read(&resolved).unwrap().as_written().host, host);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in "\\PC{0,200}") {
        said(&text);
    }

    #[test]
    fn no_toml_like_text_panics(text in "([\\[\\]a-z.\"= \n{}0-9-]|keyspace|host|class|sweep|\\[\\[){0,60}") {
        said(&text);
    }

    #[test]
    fn no_mutation_of_a_scenario_panics(
        scenario in prop::sample::select(vec![MINIMAL, init_text(), include_str!("../../../scenarios/quickstart.toml")]),
        cut in any::<prop::sample::Index>(),
        length in 0usize..30,
        insert in "(\\PC{0,8}|0|-1|nan|1e300|\"|\\[\\]|\\{ low = 5, likely = 1 \\}|\"none\"|\"keys\"|true|\n|9999999999999999)",
    ) {
        let start = scenario.floor_char_boundary(cut.index(scenario.len()));
        let end = scenario.floor_char_boundary((start + length).min(scenario.len())).max(start);
        said(&format!("{}{insert}{}", &scenario[..start], &scenario[end..]));
    }

    #[test]
    fn no_override_panics(path in "(host|server|keyspace|traffic|sweep|[a-z.\"]{0,9})(\\.[a-z0-9-]{0,12}){0,3}", value in "\\PC{0,20}") {
        let assignments = [Assignment::set(&format!("{path}={value}")), Assignment::axis(&format!("{path}={value}"))];
        for assignment in assignments.into_iter().flatten() {
            let _ = read_with(MINIMAL, &[assignment]);
        }
        if let Ok(scenario) = read(MINIMAL) {
            let _ = scenario.at(&[(&path, &value)]);
        }
    }
}
