//! What happened, in words with the figures of the moment.

use crate::model::{Cause, Dropped, Happening, Ledger, Place, Starter, Victim};
use crate::report::trace::event;
use crate::sweep::trace::Trace;
use crate::sweep::words::rate;
use crate::units::{Bytes, SimDuration};

/// A line of the ledger with at least this share of the memory is told where memory runs out.
const LARGE: f64 = 0.01;

/// Its name in `trace/events.csv`.
pub(super) fn event_name(happening: &Happening) -> &'static str {
    match happening {
        Happening::Forked { .. } => event::FORK,
        Happening::Saved { .. } => event::SAVE_DONE,
        Happening::SaveFailed { .. } => event::SAVE_FAILED,
        Happening::ForkRefused { .. } => event::FORK_REFUSED,
        Happening::ForklessBegan { .. } => event::FORKLESS_BEGAN,
        Happening::ForklessEnded => event::FORKLESS_ENDED,
        Happening::StallBegan { .. } => event::STALL_BEGAN,
        Happening::StallEnded { .. } => event::STALL_ENDED,
        Happening::SwapBegan { .. } => event::SWAP_BEGAN,
        Happening::LinkLost => event::LINK_LOST,
        Happening::PartialResync { .. } => event::PARTIAL_RESYNC,
        Happening::FullSyncWanted { .. } => event::FULL_SYNC_WANTED,
        Happening::ReplicaDropped { .. } => event::REPLICA_DROPPED,
        Happening::BackupDropped { .. } => event::BACKUP_DROPPED,
        Happening::ReplicaLoading { .. } => event::REPLICA_LOADING,
        Happening::ReplicaOnline { .. } => event::REPLICA_ONLINE,
        Happening::ReplicaPanicked => event::REPLICA_PANICKED,
        Happening::Stopped => event::STOPPED,
        Happening::Promoted { .. } => event::PROMOTED,
        Happening::BackupWaits => event::BACKUP_WAITS,
        Happening::BackupMissed => event::BACKUP_MISSED,
        Happening::WritesRefused => event::WRITES_REFUSED,
        Happening::WritesAccepted => event::WRITES_ACCEPTED,
        Happening::Killed { victim: Victim::Server, .. } | Happening::KilledLoading { .. } => {
            event::SERVER_KILLED
        }
        Happening::Killed { victim: Victim::Child, .. } => event::CHILD_KILLED,
        Happening::OrphanExited { .. } => event::ORPHAN_EXITED,
        Happening::Starting { by: Starter::Supervisor { .. }, .. } => event::RESTART,
        Happening::Starting { by: Starter::Operator { .. }, .. } => event::OPERATOR_RESTART,
        Happening::Loaded { .. } => event::LOADED,
        Happening::CrashLoop { .. } => event::CRASH_LOOP,
    }
}

/// What had forked, in the words of `trace/events.csv`; empty where nothing had.
pub(super) fn cause_name(happening: &Happening) -> &'static str {
    match happening {
        Happening::Forked { cause, .. }
        | Happening::Saved { cause, .. }
        | Happening::SaveFailed { cause }
        | Happening::ForkRefused { cause }
        | Happening::StallBegan { cause }
        | Happening::Killed { cause, .. }
        | Happening::CrashLoop { cause, .. } => cause.name(),
        Happening::BackupWaits | Happening::BackupMissed | Happening::BackupDropped { .. } => {
            Cause::Backup.name()
        }
        Happening::KilledLoading { .. } => Cause::Growth.name(),
        Happening::ReplicaDropped { .. } | Happening::FullSyncWanted { .. } => Cause::FullSync.name(),
        _ => "",
    }
}

/// Whom it happened to, as far as there is a choice: `host 2 (replica): `.
pub(super) fn whose(place: Place, trace: &Trace) -> String {
    let mut names = Vec::new();
    if trace.hosts.len() > 1 {
        let role = if place.is_primary { "primary" } else { "replica" };
        names.push(format!("host {} ({role})", place.host + 1));
    }
    if trace.happenings.iter().any(|happened| happened.place.tenant > 0) {
        names.push(format!("server {}", place.tenant + 1));
    }
    if names.is_empty() { String::new() } else { format!("{}: ", names.join(", ")) }
}

/// What happened; `ledger` is the memory of its host just after it.
pub(super) fn detail(happening: &Happening, ledger: &Ledger) -> String {
    let available = ledger.available();
    match *happening {
        Happening::Forked { cause, duration, pause } => {
            format!("{} forks in {pause}; its child needs {duration}; {available} available", told(cause))
        }
        Happening::Saved { cause, duration, copied } => {
            format!("{} done after {duration}; {copied} copied", told(cause))
        }
        Happening::SaveFailed { cause } => format!("{} failed", told(cause)),
        Happening::ForkRefused { cause } => format!(
            "the fork for {} is refused (vm.overcommit_memory), with {available} available",
            told(cause)
        ),
        Happening::ForklessBegan { duration } => format!("a save without a fork begins; it takes {duration}"),
        Happening::ForklessEnded => "the save without a fork is done".into(),
        Happening::StallBegan { cause } => stall_began(cause, ledger),
        Happening::StallEnded { duration } => {
            format!("the stall ends after {duration}, and nobody is killed; {available} available")
        }
        Happening::SwapBegan { slowed } => swap_began(slowed, ledger),
        Happening::BackupWaits => "the backup is due and waits for the child that is alive".into(),
        Happening::BackupMissed => "the backup is due and the server is down: no backup".into(),
        Happening::WritesRefused => "the last save failed: writes are refused with MISCONF".into(),
        Happening::WritesAccepted => "a save succeeded: writes are accepted again".into(),
        Happening::Killed { .. } => killed(happening),
        Happening::OrphanExited { freed } => format!("the orphaned child exits; {freed} freed"),
        Happening::Stopped => "the supervisor stops the server, whose child was killed (OOMPolicy)".into(),
        Happening::Starting { by, duration, lost } => starting(by, duration, lost),
        Happening::Loaded { downtime } => format!("loaded: the server serves again after {downtime}"),
        Happening::KilledLoading { needed, capacity } => {
            format!("OOM kills the server while it loads: {needed} needed once loaded, {capacity} to be had")
        }
        Happening::CrashLoop { in_a_row, operator_after, .. } => crash_loop(in_a_row, operator_after),
        Happening::LinkLost
        | Happening::PartialResync { .. }
        | Happening::FullSyncWanted { .. }
        | Happening::ReplicaDropped { .. }
        | Happening::BackupDropped { .. }
        | Happening::ReplicaLoading { .. }
        | Happening::ReplicaOnline { .. }
        | Happening::ReplicaPanicked
        | Happening::Promoted { .. } => of_replica(happening, available),
    }
}

/// What happened to a replica, or to a backup that poses as one.
fn of_replica(happening: &Happening, available: Bytes) -> String {
    match *happening {
        Happening::LinkLost => "the link between the replica and its source breaks".into(),
        Happening::PartialResync { gap } => {
            format!("the link is back and the backlog covers the gap of {gap}: a partial resync")
        }
        Happening::FullSyncWanted { gap: None } => {
            "the replica has nothing to go on from: it asks for a full sync".into()
        }
        Happening::FullSyncWanted { gap: Some(gap) } => {
            format!("the replica has missed {gap}, more than the backlog holds: it asks for a full sync")
        }
        Happening::ReplicaDropped { buffered, reason, in_a_row } => {
            format!("the full sync is cut short: {}{}", dropped(buffered, reason), repeated(in_a_row))
        }
        Happening::BackupDropped { buffered, reason } => {
            format!("the backup, which poses as a replica, is cut short: {}", dropped(buffered, reason))
        }
        Happening::ReplicaLoading { duration } => {
            format!("the replica has the snapshot; loading takes {duration}; {available} available")
        }
        Happening::ReplicaOnline { took, buffered } => {
            format!("the replica is in sync {took} after it asked; {buffered} waited for it at the end")
        }
        Happening::ReplicaPanicked => "a save failed on the replica, which aborts at the next write \
             (replica-ignore-disk-write-errors no)"
            .into(),
        Happening::Promoted { after } => format!("promoted {after} after the death of the primary"),
        _ => String::new(),
    }
}

/// What has taken the memory, and that nobody gets on.
fn stall_began(cause: Cause, ledger: &Ledger) -> String {
    let lines = [
        ("copies", ledger.cow),
        ("buffers", ledger.buffers),
        ("the AOF buffer", ledger.aof_buffer),
        ("page cache under writeback", ledger.pinned_cache),
        ("swap", ledger.swap),
    ];
    let least = ledger.total().scaled(LARGE);
    let large = lines.into_iter().filter(|&(_, amount)| amount >= least && amount > Bytes::ZERO);
    let mut parts: Vec<String> = large.map(|(name, amount)| format!("{name} reach {amount}")).collect();
    // The verb stands once, and the lines that are singular come after it.
    for part in parts.iter_mut().skip(1) {
        *part = part.replace(" reach", "");
    }
    if parts.is_empty() {
        parts.push(format!("{} in use", ledger.in_use()));
    }
    let when = if cause == Cause::Growth { String::new() } else { format!(" during {}", told(cause)) };
    format!("{}, {} free: the host stalls{when}", parts.join(", "), ledger.free)
}

fn swap_began(slowed: f64, ledger: &Ledger) -> String {
    let so_far =
        if ledger.swap > Bytes::ZERO { format!(", {} out so far", ledger.swap) } else { String::new() };
    format!(
        "the kernel begins to swap{so_far}; what is left of the save takes {} times as long",
        rate(slowed)
    )
}

fn killed(happening: &Happening) -> String {
    let Happening::Killed { victim, badness, other_badness, cause, freed, stalled } = *happening else {
        return String::new();
    };
    let other = other_badness.map(|other| match victim {
        Victim::Server => format!(", its child {other}"),
        Victim::Child => format!(", the server {other}"),
    });
    let during = if other_badness.is_some() { format!(" during {}", told(cause)) } else { String::new() };
    let after =
        if stalled > SimDuration::ZERO { format!(" after a stall of {stalled}") } else { String::new() };
    format!(
        "OOM kills the {}{during}{after} (badness {badness} pages{}); {freed} freed",
        victim.name(),
        other.unwrap_or_default()
    )
}

fn starting(by: Starter, duration: SimDuration, lost: f64) -> String {
    let lost = if lost >= 0.5 {
        format!("; {} acknowledged writes are lost", rate(lost.round()))
    } else {
        String::new()
    };
    let started = match by {
        Starter::Supervisor { in_a_row: 0 | 1, .. } => "the server is started again".to_owned(),
        Starter::Supervisor { delay, in_a_row } => {
            format!(
                "the server is started again, for the {} time in a row, {delay} after its death",
                nth(in_a_row)
            )
        }
        Starter::Operator { after } => {
            format!("an operator arrives, {after} after the crash loop began, and starts the server again")
        }
    };
    format!("{started}; loading takes {duration}{lost}")
}

fn crash_loop(in_a_row: u32, operator_after: SimDuration) -> String {
    let why = match in_a_row {
        0 | 1 => "and would be whenever it is started".to_owned(),
        n => format!("for the {} time in a row, each soon after a reload", nth(n)),
    };
    format!(
        "the server is killed {why}: a crash loop; it stays down until an operator arrives, in {operator_after}"
    )
}

/// An ordinal in words, as far as people say it so.
fn nth(n: u32) -> String {
    match n {
        2 => "second".to_owned(),
        3 => "third".to_owned(),
        n => format!("{n}th"),
    }
}

/// Why a sync was cut short.
fn dropped(buffered: Bytes, reason: Dropped) -> String {
    match reason {
        Dropped::HardLimit => format!("{buffered} wait for the replica, over the hard limit of its buffer"),
        Dropped::SoftLimit => {
            format!("{buffered} wait for the replica, over the soft limit of its buffer for too long")
        }
        Dropped::LinkLost => format!("the link broke, {buffered} waited for the replica"),
        Dropped::ChildFailed => "the child that saved for it failed".to_owned(),
        Dropped::SourceDied => "its source died".to_owned(),
    }
}

/// Which time in a row it is, where it is not the first.
fn repeated(in_a_row: u32) -> String {
    match in_a_row {
        0 | 1 => String::new(),
        2 => "; the second time in a row".to_owned(),
        n => format!("; {n} times in a row: it loops"),
    }
}

/// A cause as people call it.
pub(super) fn told(cause: Cause) -> &'static str {
    match cause {
        Cause::Backup => "the backup",
        Cause::SavePoint => "the save point",
        Cause::AofRewrite => "the AOF rewrite",
        Cause::FullSync => "the full sync",
        Cause::Growth => "growth",
    }
}
