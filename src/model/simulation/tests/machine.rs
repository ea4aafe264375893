//! The machine under the servers: containers, swap, neighbours, kernels and supervisors.

use super::*;
use crate::memory::child;
use crate::memory::container::{self, SnapshotFile};
use crate::memory::oom::{KillRule, OomPolicy};
use crate::memory::overcommit::Overcommit;
use crate::model::host::{Container, Fill, KeyspaceSize, MaxmemoryPolicy, Stagger, Tenancy, WriteRate};
use crate::model::outcome::STALL_INCIDENT;

/// A host whose daily save copies 1.2 GiB of 6 GiB.
fn gentle() -> Host {
    let mut host = host(4_000.0);
    host.dataset.fill = Fill::Maxmemory(0.5);
    host
}

fn contained(limit: Bytes) -> Host {
    let mut host = gentle();
    host.machine.reserved = Uncertain::certain(0.0);
    host.machine.container = Some(Container { limit, high: None, kills_group: false });
    host
}

fn need(host: &Host) -> Bytes {
    need_of(host.clone())
}

#[test]
fn a_container_is_judged_by_its_limit_and_not_by_the_ram() {
    let need = need(&contained(Bytes::gib(16)));
    let outcome = run(contained(need));
    assert_eq!((outcome.oom_kills(), outcome.free_min), (0, Bytes::ZERO));
    let outcome = run(contained(need - Bytes::mib(1)));
    assert_eq!(outcome.server_kills[Cause::Backup], 7);
    // It charges what the kernel needs for processes and for the cached file, keeps no watermark, and what is being
    // written out is part of its margin.
    let mut bare = contained(Bytes::gib(16));
    bare.machine.container = None;
    let simulation = Simulation::new(bare.clone());
    let index = container::index_bytes(simulation.file_bytes(&simulation.population(0.0)));
    let more = container::margin(SnapshotFile::None) + index - child::UNWRITTEN_CACHE;
    let difference = need.as_f64() - need_of(bare).as_f64();
    assert!((difference - more).abs() < 3.0, "{difference} {more}");
}

#[test]
fn memory_high_slows_the_server_until_the_child_is_gone_and_kills_nobody() {
    let need = need(&contained(Bytes::gib(16)));
    let mut host = contained(need);
    let high = need.scaled(1.0 / 1.3);
    host.machine.container = Some(Container { limit: need, high: Some(high), kills_group: false });
    let outcome = run(host);
    assert_eq!((outcome.oom_kills(), outcome.saves), (0, 7));
    assert!(outcome.longest_stall > STALL_INCIDENT && outcome.stalls[Cause::Backup] == 7, "{outcome:?}");
    assert!(outcome.downtime > SimDuration::ZERO && outcome.peak_memory < need);
}

#[test]
fn a_group_is_killed_as_one_and_leaves_no_orphan() {
    let mut host = contained(need(&contained(Bytes::gib(16))) - Bytes::mib(64));
    host.server.oom_score_adj = true;
    let alone = run(host.clone());
    host.machine.container = host.machine.container.map(|c| Container { kills_group: true, ..c });
    let group = run(host);
    assert_eq!((alone.child_kills[Cause::Backup], alone.server_kills[Cause::Backup]), (7, 0));
    assert_eq!((group.child_kills[Cause::Backup], group.server_kills[Cause::Backup]), (0, 7));
}

#[test]
fn systemd_takes_the_server_with_its_child_unless_told_to_go_on() {
    let kills = |policy: OomPolicy| {
        let mut host = host(TOO_MUCH);
        host.server.oom_score_adj = true;
        host.server.oom_policy = policy;
        run(host)
    };
    assert_eq!(kills(OomPolicy::Continue).server_kills[Cause::Backup], 0);
    let stopped = kills(OomPolicy::Stop);
    assert_eq!((stopped.child_kills[Cause::Backup], stopped.server_kills[Cause::Backup]), (7, 7));
    assert!(stopped.downtime.as_secs_f64() > 7.0 * 122.8);
}

#[test]
fn kernels_up_to_5_0_take_the_child_for_its_parent() {
    let mut old = host(TOO_MUCH);
    old.machine.kill_rule = KillRule::of_kernel((5, 0));
    let outcome = run(old);
    assert_eq!((outcome.child_kills[Cause::Backup], outcome.server_kills[Cause::Backup]), (7, 0));
    assert_eq!(run(host(TOO_MUCH)).server_kills[Cause::Backup], 7);
}

#[test]
fn swap_takes_what_ram_does_not_hold_and_slows_the_save() {
    let mut host = contained(need(&contained(Bytes::gib(16))));
    let whole = host.machine.container.unwrap().limit;
    let missing = Bytes::mib(300);
    host.machine.container = Some(Container { limit: whole - missing, high: None, kills_group: false });
    assert!(run(host.clone()).oom_kills() > 0);
    host.machine.swap = Bytes::gib(4);
    let swapping = run(host.clone());
    assert_eq!((swapping.oom_kills(), swapping.saves), (0, 7));
    // The longer save copies more than was missing at first.
    assert!(swapping.swap_peak > missing, "{}", swapping.swap_peak);
    host.machine.swap = Bytes::mib(64);
    assert!(run(host).oom_kills() > 0, "a little swap only puts it off");
}

fn tenants(servers: u32, backups: Stagger) -> Host {
    let mut host = gentle();
    host.machine.ram = Bytes::gib(32);
    host.server.maxmemory = Some(Bytes::gib(4));
    host.tenancy = Tenancy { servers, backups };
    host
}

#[test]
fn servers_that_save_at_once_need_what_all_copy_and_one_after_the_other_only_one() {
    let copied = |servers: u32, backups: Stagger| run(tenants(servers, backups)).cow_peak.as_f64();
    let one = copied(1, Stagger::Simultaneous);
    let ratio = |backups: Stagger| copied(6, backups) / one;
    assert!((ratio(Stagger::Simultaneous) - 6.0).abs() < 1e-6, "{}", ratio(Stagger::Simultaneous));
    assert!((ratio(Stagger::Staggered) - 1.0).abs() < 1e-6, "{}", ratio(Stagger::Staggered));
    assert!((ratio(Stagger::Serialised) - 1.0).abs() < 1e-6, "{}", ratio(Stagger::Serialised));
    let serialised = run(tenants(6, Stagger::Serialised));
    assert_eq!(serialised.saves, 6 * 7);
}

#[test]
fn one_of_six_servers_dies_and_the_others_go_on() {
    let mut host = tenants(6, Stagger::Simultaneous);
    let need = run(host.clone()).peak_memory;
    host.machine.ram = need - Bytes::gib(1);
    let outcome = run(host);
    assert!((1..=6 * 7).contains(&outcome.server_kills[Cause::Backup]), "{outcome:?}");
    assert!(outcome.saves > 0, "a kill frees what the others need: {outcome:?}");
}

#[test]
fn a_volatile_policy_evicts_only_what_has_a_ttl() {
    let run_with = |policy: MaxmemoryPolicy, has_ttl: bool| {
        let mut host = gentle();
        host.dataset.fill = Fill::Maxmemory(1.0);
        host.server.maxmemory_policy = policy;
        let keyspace = &mut host.dataset.keyspaces[0];
        keyspace.operations.set = 0.0;
        keyspace.operations.insert = 1.0;
        let mut kept = keyspace.clone();
        kept.name = "kept".into();
        kept.size = KeyspaceSize::ShareOfBytes(0.5);
        keyspace.size = KeyspaceSize::ShareOfBytes(0.5);
        host.dataset.keyspaces.push(kept);
        host.dataset.keyspaces[0].has_ttl = has_ttl;
        host.dataset.keyspaces[1].write_rate = WriteRate::Total(Uncertain::certain(0.0));
        host.horizon = SimDuration(6 * SimDuration::HOUR.0);
        run(host)
    };
    let refused = run_with(MaxmemoryPolicy::Volatile, false);
    assert!(refused.evicted_keys <= 0.0 && refused.rejected_writes > 0.0, "{refused:?}");
    let all = run_with(MaxmemoryPolicy::AllKeys, false);
    assert!(all.evicted_keys > 0.0 && all.rejected_writes <= 0.0, "{all:?}");
}

#[test]
fn mode_2_refuses_the_fork_of_a_server_over_half_of_what_may_be_promised() {
    let with = |ratio: f64| {
        let mut host = gentle();
        host.machine.overcommit = Overcommit::Never { ratio };
        host.persistence.save_points = vec![SavePoint { seconds: 1_000_000, changes: u64::MAX }];
        run(host)
    };
    // Server and child are 12 GiB of 16, and a GiB of others.
    let (refused, admitted) = (with(60.0), with(90.0));
    assert_eq!((refused.forks[Cause::Backup], refused.forks[Cause::SavePoint]), (0, 0));
    assert_eq!(refused.forks_refused[Cause::Backup], 7);
    assert!(refused.rejected_writes > 4_000.0 * 86_400.0 * 6.0, "MISCONF: {refused:?}");
    assert_eq!((admitted.forks[Cause::Backup], admitted.forks_refused[Cause::Backup]), (7, 0));
    let mut heuristic = gentle();
    heuristic.machine.ram = Bytes::gib(9);
    heuristic.machine.overcommit = Overcommit::Heuristic;
    assert!(run(heuristic).forks[Cause::Backup] > 0, "mode 0 lets a server of two thirds of the RAM fork");
}
