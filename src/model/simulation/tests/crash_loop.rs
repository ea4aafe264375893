//! Servers that are killed again soon after a restart: when that is a loop, who ends it, and what it costs.

use super::shard::{Diary, lived};
use super::*;
use crate::memory::oom::OomPolicy;
use crate::memory::replication::BufferLimit;
use crate::model::Starter;
use crate::model::host::{Container, Stagger, Tenancy};

const HOURS_4: SimDuration = SimDuration(4 * SimDuration::HOUR.0);

/// A save of two minutes every quarter of an hour, of which about every fifth copies more than the host has left.
fn in_danger(days: u64) -> Host {
    let mut host = host(2_800.0);
    host.backup = None;
    host.persistence.save_points = vec![SavePoint { seconds: 900, changes: 1 }];
    host.save.sigma = 0.4;
    host.server.restart_delay = SimDuration::from_secs(10);
    host.horizon = SimDuration(days * SimDuration::DAY.0);
    host
}

/// The same, with a load under which every save kills the server, a minute after its reload.
fn doomed() -> Host {
    let mut host = in_danger(7);
    host.dataset.keyspaces[0].write_rate = WriteRate::Total(Uncertain::certain(TOO_MUCH));
    host.persistence.save_points = vec![SavePoint { seconds: 60, changes: 1 }];
    host.save.sigma = 0.0;
    host
}

/// Data in an append-only file that outgrows the host after two days.
fn growing() -> Host {
    let mut growing = host(0.0);
    growing.server.maxmemory = None;
    growing.dataset.fill = Fill::Keys;
    growing.dataset.keyspaces[0].size = KeyspaceSize::Keys(15_000_000);
    growing.dataset.growth_per_day = Uncertain::certain(Bytes::gib(2).as_f64());
    growing.persistence.aof = Some(AofRewrite { percentage: 0.0, min_size: Bytes::ZERO });
    growing.backup = None;
    growing
}

fn is_kill(what: &Happening) -> bool {
    matches!(what, Happening::Killed { victim: Victim::Server, .. } | Happening::KilledLoading { .. })
}

fn is_loop(what: &Happening) -> bool {
    matches!(what, Happening::CrashLoop { .. })
}

/// How long an operator had been waited for, of each of their starts.
fn operators(diary: &Diary) -> Vec<SimDuration> {
    let after = |what: &Happening| match *what {
        Happening::Starting { by: Starter::Operator { after }, .. } => Some(after),
        _ => None,
    };
    diary.0.iter().filter_map(|(_, _, what, _)| after(what)).collect()
}

fn kills(outcome: &Outcome) -> usize {
    Cause::ALL.into_iter().map(|cause| outcome.server_kills[cause] as usize).sum()
}

#[test]
fn a_data_set_that_outgrows_the_host_is_started_again_by_every_operator_who_comes() {
    let (outcome, diary) = lived(&growing());
    let loops = diary.times(is_loop);
    assert_eq!(outcome.server_kills[Cause::Growth] as usize, kills(&outcome));
    // Three kills of some minutes and four hours, from the third day to the seventh.
    assert!((20..=30).contains(&loops.len()), "{loops:?}");
    assert!((3 * loops.len()..3 * loops.len() + 3).contains(&kills(&outcome)), "{outcome:?}");
    assert!(loops.windows(2).all(|pair| (4.0..4.5).contains(&((pair[1] - pair[0]) / 3_600.0))), "{loops:?}");
    assert_eq!(outcome.served + outcome.downtime, SimDuration(7 * SimDuration::DAY.0));
    assert!(outcome.served > SimDuration(2 * SimDuration::DAY.0), "{}", outcome.served);
}

#[test]
fn a_server_that_does_not_get_through_its_reload_dies_once_for_each_operator() {
    let mut crowded = growing();
    crowded.tenancy = Tenancy { servers: 2, ..Tenancy::ALONE };
    crowded.dataset.keyspaces[0].size = KeyspaceSize::Keys(8_000_000);
    let (outcome, diary) = lived(&crowded);
    let (loading, all) =
        (diary.times(|what| matches!(what, Happening::KilledLoading { .. })), diary.times(is_kill));
    assert!(loading.len() > 5, "its neighbour has grown meanwhile: {loading:?}");
    assert_eq!(all.len(), kills(&outcome));
    let pauses = loading.windows(2).map(|pair| pair[1] - pair[0]);
    assert!(pauses.clone().all(|pause| pause > HOURS_4.as_secs_f64()), "{loading:?}");
}

/// 3 kills a loop, the delays before the second and the third twice as long each time, and then the operator.
#[test]
fn a_crash_loop_ends_when_the_operator_arrives_and_then_begins_anew() {
    let (outcome, diary) = lived(&doomed());
    let starts: Vec<(SimDuration, bool)> = diary
        .0
        .iter()
        .filter_map(|(_, _, what, _)| match *what {
            Happening::Starting { by: Starter::Supervisor { delay, .. }, .. } => Some((delay, false)),
            Happening::Starting { by: Starter::Operator { after }, .. } => Some((after, true)),
            _ => None,
        })
        .collect();
    let seconds = SimDuration::from_secs;
    let round = [(seconds(10), false), (seconds(20), false), (HOURS_4, true)];
    assert!(starts.len() > 60 && starts.iter().eq(round.iter().cycle().take(starts.len())), "{starts:?}");
    let loops = diary.times(is_loop).len();
    assert!((3 * loops..3 * loops + 3).contains(&kills(&outcome)), "{outcome:?}");
    assert_eq!(diary.times(is_kill).len(), kills(&outcome));
}

#[test]
fn an_operator_is_drawn_anew_for_each_crash_loop() {
    let mut doomed = doomed();
    let hours = |n: f64| n * SimDuration::HOUR.as_secs_f64();
    doomed.server.operator_arrives_after =
        Uncertain { low: hours(1.0), likely: hours(4.0), high: hours(24.0) };
    let (_, diary) = lived(&doomed);
    let mut arrivals = operators(&diary);
    assert!(arrivals.len() > 10, "{arrivals:?}");
    let interval = SimDuration::HOUR..SimDuration(24 * SimDuration::HOUR.0);
    assert!(arrivals.iter().all(|after| interval.contains(after)), "{arrivals:?}");
    let drawn = arrivals.len();
    arrivals.sort_unstable();
    arrivals.dedup();
    assert_eq!(arrivals.len(), drawn);
}

/// A control group that takes server and child alike loops as one does of which the server alone is taken.
#[test]
fn every_way_of_being_killed_counts_towards_a_crash_loop() {
    let mut grouped = doomed();
    grouped.machine.container = Some(Container { limit: Bytes::gib(15), high: None, kills_group: true });
    let mut stopped = doomed();
    stopped.server.oom_score_adj = true;
    stopped.server.oom_policy = OomPolicy::Stop;
    for host in [grouped, stopped] {
        let (outcome, diary) = lived(&host);
        let loops = diary.times(is_loop).len();
        assert!(loops > 20 && (3 * loops..3 * loops + 3).contains(&kills(&outcome)), "{loops} {outcome:?}");
    }
}

/// By the clock: a death lasts as long as the delay and the reload, and nothing else but stalls is downtime.
#[test]
fn where_saves_succeed_between_kills_the_downtime_is_that_of_restarts_and_reloads() {
    let (outcome, diary) = lived(&in_danger(2));
    let horizon = SimTime::ZERO + SimDuration(2 * SimDuration::DAY.0);
    let (mut downtime, mut died, mut loaded) = (SimDuration::ZERO, None, None);
    let (mut soon, mut most_soon) = (0, 0);
    let mut takes = SimDuration::ZERO;
    for &(at, _, what, _) in &diary.0 {
        match what {
            Happening::Killed { stalled, .. } => {
                downtime += stalled;
                died = Some(at);
                let is_soon = loaded.is_some_and(|loaded| at.since(loaded) <= SimDuration::HOUR);
                soon = if is_soon { soon + 1 } else { 1 };
                most_soon = most_soon.max(soon);
            }
            Happening::Starting { by, duration, .. } => takes = by.delay() + duration,
            Happening::Loaded { downtime: told } => {
                assert_eq!((told, Some(at)), (takes, died.take().map(|died: SimTime| died + takes)));
                downtime += takes;
                loaded = Some(at);
            }
            _ => {}
        }
    }
    downtime += died.map_or(SimDuration::ZERO, |died| horizon.since(died));
    assert_eq!((outcome.downtime, outcome.served + downtime), (downtime, horizon.since(SimTime::ZERO)));
    assert!(kills(&outcome) > 10 && most_soon > 6, "{} kills, {most_soon} in a row", kills(&outcome));
    assert!(diary.times(is_loop).len() < kills(&outcome) / 6, "of {} kills", kills(&outcome));
}

/// Incidents a day over the same 240 days, in replications of five, thirty and 120 days: the three agree within four
/// standard errors of a difference, as the spread of the shortest has it.
#[test]
fn the_rate_of_incidents_does_not_depend_on_the_horizon() {
    let a_day = |days: u64| -> Vec<f64> {
        let simulation = Simulation::new(in_danger(days));
        let of = |replication| simulation.run(2, replication, &mut Unobserved).unwrap().incidents();
        (0..240 / days).map(|replication| f64::from(of(replication)) / days as f64).collect()
    };
    let mean = |rates: &[f64]| rates.iter().sum::<f64>() / rates.len() as f64;
    let short = a_day(5);
    let rate = mean(&short);
    let variance = short.iter().map(|each| (each - rate).powi(2)).sum::<f64>() / (short.len() - 1) as f64;
    let error = (variance / short.len() as f64).sqrt();
    assert!(rate > 3.0 && error < 0.1 * rate, "{rate} ± {error} a day");
    for days in [30, 120] {
        let other = mean(&a_day(days));
        assert!((other - rate).abs() < 4.0 * 2.0f64.sqrt() * error, "{other} {rate} ± {error}, {days} days");
    }
}

/// A promoted replica that cannot send its data to the old primary loops in its turn, and with it the shard is down.
#[test]
fn a_shard_in_a_crash_loop_is_promoted_out_of_it_or_waits_for_an_operator() {
    for failover in [None, Some(SimDuration::from_secs(15))] {
        let mut host = host(TOO_MUCH);
        host.replication.replicas = 1;
        host.replication.limit = BufferLimit { hard: 0.0, soft: 0.0, soft_seconds: 0.0 };
        host.replication.failover = failover;
        let (outcome, diary) = lived(&host);
        let loops = diary.times(is_loop).len();
        assert_eq!(outcome.failovers > 0, failover.is_some(), "{outcome:?}");
        assert!(loops > 5 && operators(&diary).len() + 2 >= loops, "{loops}");
        assert_eq!(outcome.served + outcome.downtime, host.horizon);
        assert!(outcome.downtime > HOURS_4 && outcome.served > SimDuration::HOUR, "{outcome:?}");
    }
}

#[test]
fn a_killed_server_makes_room_for_the_next_backup_of_a_series() {
    let mut serial = host(TOO_MUCH);
    serial.server.maxmemory = Some(Bytes::gib(4));
    serial.tenancy = Tenancy { servers: 3, backups: Stagger::Serialised };
    let (outcome, diary) = lived(&serial);
    let missed = diary.times(|what| matches!(what, Happening::BackupMissed)).len();
    assert!(kills(&outcome) >= 7, "{outcome:?}");
    assert_eq!(outcome.forks[Cause::Backup] as usize + missed, 3 * 7);
}
