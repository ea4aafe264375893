//! The machine, the container and the servers in it: what they resolve to, and what is wrong with them.

use super::*;
use crate::memory::oom::{KillRule, OomPolicy};
use crate::memory::overcommit::Overcommit;
use crate::model::Uncertain;
use crate::model::host::{Container, Host, MaxmemoryPolicy, Stagger, Tenancy};
use crate::units::Bytes;

/// [`MINIMAL`] with these lines in `[host]`, and others in `[server]`.
fn with(host: &str, server: &str) -> String {
    edited("[server]", &format!("{host}\n[server]\n{server}"))
}

fn host(text: &str) -> Host {
    read(text).unwrap_or_else(|report| panic!("{report}")).as_written().host.clone()
}

#[test]
fn a_container_takes_the_place_of_the_ram_but_not_in_overcommit() {
    let text = with("limit = \"8 GiB\"\nmemory-high = \"7 GiB\"\noom-group = true", "");
    let scenario = read(&text).unwrap();
    let case = scenario.as_written();
    let container = Container { limit: Bytes::gib(8), high: Some(Bytes::gib(7)), kills_group: true };
    assert_eq!(case.host.machine.container, Some(container));
    assert_eq!((case.ram, case.host.machine.ram), (Bytes::gib(32), Bytes::gib(32)));
    assert_eq!((case.memory, case.maxmemory), (Bytes::gib(8), Some(Bytes::gib(6))));
    assert_eq!(case.maxmemory_at(50.0), Bytes::gib(4));
    assert_eq!(case.host.machine.reserved, Uncertain::certain(0.0));
    let resolved = scenario.resolved_toml(case);
    assert!(resolved.contains("# maxmemory 6442450944 is derived: 75 % of 8 GiB"), "{resolved}");
    assert_eq!(read(&resolved).unwrap().as_written().host, case.host);
    let given = host(&with("limit = \"8 GiB\"\nreserved = \"64 MiB\"", ""));
    assert_eq!(given.machine.reserved, Uncertain::certain(Bytes::mib(64).as_f64()));
}

#[test]
fn a_limit_can_be_an_axis() {
    let scenario = read(&format!("{MINIMAL}\n[sweep]\n\"host.limit\" = [\"none\", \"16 GiB\"]\n")).unwrap();
    let maxmemory = |limit| scenario.at(&[("host.limit", limit)]).unwrap().maxmemory;
    assert_eq!((maxmemory("none"), maxmemory("16 GiB")), (Some(Bytes::gib(24)), Some(Bytes::gib(12))));
}

#[test]
fn servers_share_the_percentage() {
    let scenario = read(&(with("servers = 6", "") + "\n[backup]\norder = \"staggered\"\n")).unwrap();
    let case = scenario.as_written();
    assert_eq!(case.host.tenancy, Tenancy { servers: 6, backups: Stagger::Staggered });
    assert_eq!((case.maxmemory, case.maxmemory_at(75.0)), (Some(Bytes::gib(4)), Bytes::gib(4)));
    assert!(scenario.resolved_toml(case).contains("is derived: 75 % of 32 GiB for 6 servers"));
    assert_eq!(host(MINIMAL).tenancy, Tenancy::ALONE);
}

#[test]
fn the_kernel_decides_whom_the_oom_killer_takes() {
    let rule = |version: &str| host(&with(&format!("kernel = \"{version}\""), "")).machine.kill_rule;
    assert_eq!((rule("4.4"), rule("5.0.1")), (KillRule::ChildSacrificed, KillRule::ChildSacrificed));
    assert_eq!((rule("5.4"), rule("6.1.0-13-amd64")), (KillRule::LargestProcess, KillRule::LargestProcess));
}

#[test]
fn overcommit_and_swap_are_the_kernels() {
    let overcommit = |mode: &str| host(&with(&format!("overcommit-memory = {mode}"), "")).machine.overcommit;
    assert_eq!((overcommit("0"), overcommit("1")), (Overcommit::Heuristic, Overcommit::Always));
    assert_eq!(overcommit("2"), Overcommit::Never { ratio: 50.0 });
    assert_eq!(overcommit("2\novercommit-ratio = 95"), Overcommit::Never { ratio: 95.0 });
    assert_eq!(host(&with("swap = \"4 GiB\"", "")).machine.swap, Bytes::gib(4));
}

#[test]
fn policies_differ_by_what_they_may_evict() {
    let policy = |name: &str| {
        let text = with("", &format!("maxmemory-policy = \"{name}\"")) + "ttl = \"1h\"\n";
        host(&text).server.maxmemory_policy
    };
    assert_eq!(policy("noeviction"), MaxmemoryPolicy::NoEviction);
    for name in ["lru", "lfu", "random"] {
        assert_eq!(policy(&format!("allkeys-{name}")), MaxmemoryPolicy::AllKeys);
        assert_eq!(policy(&format!("volatile-{name}")), MaxmemoryPolicy::Volatile);
    }
    assert_eq!(policy("volatile-ttl"), MaxmemoryPolicy::Volatile);
}

#[test]
fn the_supervisor_and_the_child_have_their_settings() {
    let server = |lines| host(&with("", lines)).server;
    assert_eq!(server("").oom_policy, OomPolicy::Continue);
    assert_eq!(server("oom-policy = \"stop\"").oom_policy, OomPolicy::Stop);
    assert_eq!(server("oom-policy = \"kill\"").oom_policy, OomPolicy::Kill);
    assert!(server("oom-score-adj = \"absolute\"").oom_score_adj && !server("").oom_score_adj);
}

#[test]
fn settings_of_a_container_need_one() {
    let text = with("memory-high = \"7 GiB\"\noom-group = true\novercommit-memory = 3\nservers = 17", "");
    insta::assert_snapshot!(said(&text), @r#"
    error[E0011]: `memory-high` without a container
     --> demo.toml:4:15
      |
    4 | memory-high = "7 GiB"
      |               ^^^^^^^ needs a `limit`
      |
      = help: give the container's `limit`; the RAM, where it has none

    error[E0011]: `oom-group` without a container
     --> demo.toml:5:13
      |
    5 | oom-group = true
      |             ^^^^ needs a `limit`
      |
      = help: give the container's `limit`; the RAM, where it has none

    error[E0005]: `overcommit-memory` is 0, 1 or 2
     --> demo.toml:6:21
      |
    6 | overcommit-memory = 3
      |                     ^ no such mode
      |
      = help: see `vm.overcommit_memory` in proc(5)

    error[E0005]: `servers` cannot be 17
     --> demo.toml:7:11
      |
    7 | servers = 17
      |           ^^ not within 1 to 16
      |
      = note: `servers`: How many servers share the host, all alike and each with data and load of its own. maxmemory-percent is that of all of them together: each gets its part of it.
      = help: give a value within 1 to 16
    "#);
}

#[test]
fn limits_that_are_never_reached_are_warned_of() {
    let text = with("limit = \"64 GiB\"\nmemory-high = \"64 GiB\"", "maxmemory-policy = \"volatile-lru\"");
    let text = text + "[replication]\nclient-output-buffer-limit-replica = \"64mb 256mb 60\"\n";
    insta::assert_snapshot!(said(&text), @r#"
    warning[W0006]: a limit of 64 GiB on a host of 32 GiB
     --> demo.toml:4:9
      |
    2 | class = "yandex.hm3-c4-m32"
      |         ------------------- the RAM
    3 |
    4 | limit = "64 GiB"
      |         ^^^^^^^^ the host runs out first
      |
      = help: give a limit within the RAM

    warning[W0006]: `memory-high` is not below the limit
     --> demo.toml:5:15
      |
    4 | limit = "64 GiB"
      |         -------- reached first
    5 | memory-high = "64 GiB"
      |               ^^^^^^^^ never reached
      |
      = help: give less than the `limit`, or leave it out

    warning[W0005]: `volatile-lru` finds nothing to evict
     --> demo.toml:7:20
      |
    7 | maxmemory-policy = "volatile-lru"
      |                    ^^^^^^^^^^^^^^ no keyspace has a `ttl`
      |
      = note: the server refuses writes at maxmemory, as with "noeviction"
      = help: give the `ttl` of the keys that have one, or an "allkeys-*" policy

    warning[W0006]: the soft limit is above the hard one
      --> demo.toml:16:38
       |
    16 | client-output-buffer-limit-replica = "64mb 256mb 60"
       |                                      ^^^^^^^^^^^^^^^ hard, soft, seconds
       |
       = help: give a soft limit below the hard one, or 0 for none
    "#);
}
