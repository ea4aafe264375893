//! Memory is conserved, and the figures fit each other and what was told.

use forkcast::model::{Cause, Happening, Outcome, Simulation, Unobserved, Victim};
use forkcast::sweep::trace::{Happened, Trace, trace};
use proptest::prelude::*;

use super::auditor::Auditor;
use super::{File, JUMPS, ROUNDING, Tally, for_all, scenarios};

/// Events that a server causes at most in a day.
///
/// One a second. `save` points come once a minute, a full sync that is cut short and a fork that is refused are tried
/// thirty times and then once an hour; what is left is a server with hardly any data under gigabytes of writes, which
/// rewrites its file every few seconds.
const EVENTS_A_DAY: u64 = 86_400;

fn sum(of: impl Fn(Cause) -> u32) -> u32 {
    Cause::ALL.into_iter().map(of).sum()
}

/// The figures are finite and fit each other.
fn is_consistent(simulation: &Simulation, outcome: &Outcome) -> Result<(), TestCaseError> {
    let horizon = simulation.host().horizon;
    prop_assert!(outcome.peak_memory <= simulation.capacity());
    prop_assert_eq!(outcome.peak_memory + outcome.free_min, simulation.memory());
    prop_assert!(outcome.cow_peak <= outcome.peak_memory);
    prop_assert!(outcome.swap_peak <= simulation.host().machine.swap);
    prop_assert!(
        outcome.downtime.0 <= horizon.0 * simulation.shards() as u64,
        "down for {}",
        outcome.downtime
    );
    let down = outcome.downtime.0 / simulation.shards() as u64;
    prop_assert_eq!(outcome.served.0 + down, horizon.0);
    prop_assert!(outcome.longest_stall <= horizon);
    prop_assert_eq!(outcome.first_kill.is_some(), outcome.oom_kills() > 0);
    let server_kills = sum(|cause| outcome.server_kills[cause]);
    prop_assert_eq!(outcome.first_server_kill.is_some(), server_kills > 0);
    prop_assert!(sum(|cause| outcome.stalls[cause]) == 0 || outcome.longest_stall.as_secs_f64() > 10.0);
    prop_assert!(outcome.sync_loops <= outcome.syncs_cut / 3);
    prop_assert!(outcome.failovers == 0 || outcome.oom_kills() + outcome.replica_panics > 0);
    for amount in [outcome.rejected_writes, outcome.evicted_keys, outcome.lost_writes] {
        prop_assert!(amount.is_finite() && amount >= 0.0, "{}", amount);
    }
    Ok(())
}

/// What was told and what was counted is the same.
fn is_told(outcome: &Outcome, seen: &Auditor) -> Result<(), TestCaseError> {
    let forks = seen.times(|what| matches!(what, Happening::Forked { .. }));
    prop_assert_eq!(forks, sum(|cause| outcome.forks[cause]));
    let saved = seen.times(|what| matches!(what, Happening::Saved { .. } | Happening::ForklessEnded));
    prop_assert_eq!(saved, outcome.saves);
    let refused = seen.times(|what| matches!(what, Happening::ForkRefused { .. }));
    prop_assert_eq!(refused, sum(|cause| outcome.forks_refused[cause]));
    let killed = seen.times(|what| {
        matches!(what, Happening::Killed { .. } | Happening::KilledLoading { .. } | Happening::Stopped)
    });
    prop_assert_eq!(killed, outcome.oom_kills());
    prop_assert_eq!(seen.times(|what| matches!(what, Happening::Promoted { .. })), outcome.failovers);
    prop_assert_eq!(seen.times(|what| matches!(what, Happening::ReplicaPanicked)), outcome.replica_panics);
    let mended = seen.times(|what| matches!(what, Happening::PartialResync { .. }));
    prop_assert_eq!(mended, outcome.partial_resyncs);
    let dropped = seen.times(|what| matches!(what, Happening::ReplicaDropped { .. }));
    prop_assert!(dropped <= outcome.syncs_cut, "{} of {}", dropped, outcome.syncs_cut);
    let looped = seen.times(|what| matches!(what, Happening::ReplicaDropped { in_a_row: 3, .. }));
    prop_assert!(looped <= outcome.sync_loops, "{} of {}", looped, outcome.sync_loops);
    Ok(())
}

/// What the generated shards must have come through between them, for the properties to mean something.
#[derive(Default)]
struct Coverage {
    server_killed: Tally,
    child_killed: Tally,
    evicting: Tally,
    cut: Tally,
    looping: Tally,
    mended: Tally,
    promoted: Tally,
    panicked: Tally,
    refused: Tally,
    swapping: Tally,
    stalled: Tally,
    crash_looping: Tally,
    backup_dropped: Tally,
}

impl Coverage {
    fn count(&self, outcome: &Outcome, seen: &Auditor) {
        let told = |is_of_kind: fn(&Happening) -> bool| seen.times(is_of_kind) > 0;
        self.server_killed.count(outcome.first_server_kill.is_some());
        self.child_killed.count(outcome.first_kill.is_some_and(|kill| kill.victim == Victim::Child));
        self.evicting.count(outcome.evicted_keys > 0.0);
        self.cut.count(outcome.syncs_cut > 0);
        self.looping.count(outcome.sync_loops > 0);
        self.mended.count(outcome.partial_resyncs > 0);
        self.promoted.count(outcome.failovers > 0);
        self.panicked.count(outcome.replica_panics > 0);
        self.refused.count(sum(|cause| outcome.forks_refused[cause]) > 0);
        self.swapping.count(outcome.swap_peak.0 > 0);
        self.stalled.count(told(|what| matches!(what, Happening::StallEnded { .. })));
        self.crash_looping.count(told(|what| matches!(what, Happening::CrashLoop { .. })));
        self.backup_dropped.count(told(|what| matches!(what, Happening::BackupDropped { .. })));
    }

    fn is_wide(&self) {
        let all = [
            ("killed servers", &self.server_killed),
            ("killed children", &self.child_killed),
            ("evictions", &self.evicting),
            ("syncs cut", &self.cut),
            ("sync loops", &self.looping),
            ("partial resyncs", &self.mended),
            ("failovers", &self.promoted),
            ("replica panics", &self.panicked),
            ("refused forks", &self.refused),
            ("swap", &self.swapping),
            ("stalls that ended", &self.stalled),
            ("crash loops", &self.crash_looping),
            ("backups dropped", &self.backup_dropped),
        ];
        for (name, tally) in all {
            tally.at_least(1, name);
        }
    }
}

#[test]
fn memory_is_conserved_on_every_host_with_everything_on_at_once() {
    let coverage = Coverage::default();
    for_all(CASES, scenarios::anything(), |file| audit(&file, &coverage));
    coverage.is_wide();
}

/// Some seconds of a release build.
const CASES: u32 = 90;

/// Everything that holds of a replication, whatever the host.
fn audit(file: &File, coverage: &Coverage) -> Result<(), TestCaseError> {
    let simulation = file.with(&[]);
    let (outcome, seen) = Auditor::watch(&simulation, 0);
    is_consistent(&simulation, &outcome)?;
    is_told(&outcome, &seen)?;
    let servers = (simulation.shards() * simulation.members()) as f64;
    let days = simulation.host().horizon.as_secs_f64() / 86_400.0;
    let most = servers * days * EVENTS_A_DAY as f64;
    prop_assert!((seen.events as f64) < most, "{} events, {} expected at most", seen.events, most);
    coverage.count(&outcome, &seen);
    let unwatched = simulation.run(1, 0, &mut Unobserved).unwrap();
    prop_assert_eq!(&outcome, &unwatched, "the same seed is the same outcome, watched or not");
    Ok(())
}

#[test]
fn a_trace_shows_what_the_figures_say() {
    for_all(20, scenarios::anything(), |file| {
        let simulation = file.with(&[]);
        let memory = simulation.memory();
        let Trace { hosts, happenings, outcome } = trace(&simulation, 1, 0).unwrap();
        prop_assert_eq!(&outcome, &file.outcome(&[]));
        for (at, sample) in hosts.iter().flatten() {
            prop_assert_eq!(sample.ledger.total(), memory, "at {}", at);
        }
        prop_assert!(hosts.iter().all(|timeline| timeline.is_sorted_by_key(|(at, _)| *at)));
        prop_assert!(happenings.is_sorted_by_key(|happened: &Happened| happened.at));
        let lowest = hosts.iter().flatten().map(|(_, sample)| sample.ledger.available()).min().unwrap();
        let slack = memory.scaled(ROUNDING) + outcome.cow_peak.scaled(JUMPS);
        prop_assert!(lowest + slack >= outcome.free_min, "{} is below {}", lowest, outcome.free_min);
        Ok(())
    });
}

#[test]
fn no_writes_no_copies() {
    let forked = Tally::default();
    for_all(40, scenarios::anything(), |file| {
        let outcome = idle(&file).run(1, 0, &mut Unobserved).unwrap();
        prop_assert_eq!(outcome.cow_peak.0, 0);
        forked.count(outcome.saves > 0);
        Ok(())
    });
    forked.at_least(20, "saves");
}

/// The host without any load on it.
fn idle(file: &File) -> Simulation {
    let jobs = file.0.matches("[[traffic.job]]").count();
    let keyspaces = file.0.matches("[[keyspace]]").count();
    let mut settings = vec!["dataset.growth-per-day=0 B".to_owned()];
    settings.extend((0..keyspaces).map(|number| format!("keyspace.k{number}.writes-per-second=0")));
    settings.extend((0..jobs).map(|number| format!("traffic.job.{number}.writes-per-second=0")));
    file.with(&settings)
}
