//! A replication told: rows of its timeline and events, and a post-mortem in words.

use super::trace::{EventRow, TimelineRow, event};
use crate::model::{Cause, Happening, Ledger, Sample, Victim};
use crate::sweep::trace::Trace;
use crate::units::SimTime;

/// Ordinary forks told in words before and after what went wrong; the rest stay in `trace/events.csv`.
const FORKS_TOLD: usize = 3;

/// The rows of `trace/timeline.csv`. Lines that are not modelled are zero.
pub fn timeline_rows(trace: &Trace) -> Vec<TimelineRow> {
    trace.timeline.iter().map(|(at, sample)| timeline_row(*at, sample)).collect()
}

fn timeline_row(at: SimTime, sample: &Sample) -> TimelineRow {
    let Ledger { reserved, resident, cow, page_tables, buffers, pinned_cache, cache, free } = sample.ledger;
    TimelineRow {
        seconds: at.as_secs_f64(),
        reserved,
        resident,
        cow,
        page_tables,
        buffers,
        pinned_cache,
        cache,
        free,
        writes_per_second: sample.writes_per_second,
        ..TimelineRow::default()
    }
}

/// The rows of `trace/events.csv`.
pub fn event_rows(trace: &Trace) -> Vec<EventRow> {
    let rows = trace.happenings.iter().map(|(at, happening, ledger)| EventRow {
        seconds: at.as_secs_f64(),
        event: event_name(happening).to_owned(),
        cause: cause_name(happening).to_owned(),
        detail: detail(happening, ledger),
    });
    rows.collect()
}

fn event_name(happening: &Happening) -> &'static str {
    match happening {
        Happening::Forked { .. } => event::FORK,
        Happening::Saved { .. } => event::SAVE_DONE,
        Happening::SaveFailed { .. } => event::SAVE_FAILED,
        Happening::BackupWaits => "backup-waits",
        Happening::BackupMissed => "backup-missed",
        Happening::WritesRefused => "writes-refused",
        Happening::WritesAccepted => "writes-accepted",
        Happening::Killed { victim: Victim::Server, .. } => event::SERVER_KILLED,
        Happening::Killed { victim: Victim::Child, .. } => event::CHILD_KILLED,
        Happening::OrphanExited { .. } => "orphan-exited",
        Happening::Starting { .. } => event::RESTART,
        Happening::Loaded { .. } => event::LOADED,
        Happening::CrashLoop { .. } => event::CRASH_LOOP,
    }
}

fn cause_name(happening: &Happening) -> &'static str {
    match happening {
        Happening::Forked { cause, .. }
        | Happening::Saved { cause, .. }
        | Happening::SaveFailed { cause }
        | Happening::Killed { cause, .. }
        | Happening::CrashLoop { cause, .. } => cause.name(),
        Happening::BackupWaits | Happening::BackupMissed => "backup",
        _ => "",
    }
}

/// What happened, with the figures of the moment.
fn detail(happening: &Happening, ledger: &Ledger) -> String {
    let available = ledger.available();
    match *happening {
        Happening::Forked { cause, duration, pause } => {
            format!("{} forks in {pause}; its child needs {duration}; {available} available", told(cause))
        }
        Happening::Saved { cause, duration, copied } => {
            format!("{} done after {duration}; {copied} copied", told(cause))
        }
        Happening::SaveFailed { cause } => format!("{} failed", told(cause)),
        Happening::BackupWaits => "the backup is due and waits for the child that is alive".into(),
        Happening::BackupMissed => "the backup is due and the server is down: no backup".into(),
        Happening::WritesRefused => "the last save failed: writes are refused with MISCONF".into(),
        Happening::WritesAccepted => "a save succeeded: writes are accepted again".into(),
        Happening::Killed { victim, badness, other_badness, cause, freed } => {
            let other = other_badness.map(|other| match victim {
                Victim::Server => format!(", its child {other}"),
                Victim::Child => format!(", the server {other}"),
            });
            let during =
                if other_badness.is_some() { format!(" during {}", told(cause)) } else { String::new() };
            format!(
                "OOM kills the {}{during} (badness {badness} pages{}); {freed} freed",
                victim.name(),
                other.unwrap_or_default()
            )
        }
        Happening::OrphanExited { freed } => format!("the orphaned child exits; {freed} freed"),
        Happening::Starting { duration } => format!("the server is started again; loading takes {duration}"),
        Happening::Loaded { downtime } => format!("loaded: the server serves again after {downtime}"),
        Happening::CrashLoop { needed_to_load: Some(need), capacity, .. } => format!(
            "OOM kills the server while it loads: {need} needed once loaded, {capacity} to be had; it stays down until \
             somebody intervenes"
        ),
        Happening::CrashLoop { needed_to_load: None, cause, .. } => format!(
            "OOM kills the server during {}, the third time in a row soon after a reload: a crash loop; it stays \
             down until somebody intervenes",
            told(cause)
        ),
    }
}

/// A cause as people call it.
fn told(cause: Cause) -> &'static str {
    match cause {
        Cause::Backup => "the backup",
        Cause::SavePoint => "the save point",
        Cause::AofRewrite => "the AOF rewrite",
        Cause::Growth => "growth",
    }
}

/// The replication in words: what led to each kill, what followed, and the forks that went well in between.
///
/// Without a kill, the fork that came closest is told.
pub fn tell(trace: &Trace) -> String {
    let told = chosen(trace);
    let mut lines = Vec::new();
    let mut last = None;
    for index in told {
        let skipped = last.map_or(index, |last: usize| index - last - 1);
        if skipped > 0 {
            lines.push(format!("{:>18}  … {skipped} more events, see trace/events.csv", ""));
        }
        let (at, happening, ledger) = &trace.happenings[index];
        lines.push(format!("{at:>18}  {}", detail(happening, ledger)));
        last = Some(index);
    }
    let rest = trace.happenings.len() - last.map_or(0, |last| last + 1);
    if rest > 0 {
        lines.push(format!("{:>18}  … {rest} more events, see trace/events.csv", ""));
    }
    lines.join("\n")
}

/// Which happenings are told, in order: the first kill with what stands around it, or the closest call.
fn chosen(trace: &Trace) -> Vec<usize> {
    let is_kill = |h: &Happening| matches!(h, Happening::Killed { .. } | Happening::CrashLoop { .. });
    let first_kill = trace.happenings.iter().position(|(_, happening, _)| is_kill(happening));
    let centre = first_kill.unwrap_or_else(|| closest_call(trace));
    let after = if first_kill.is_some() { 2 * FORKS_TOLD + 2 } else { FORKS_TOLD };
    let end = (centre + after).min(trace.happenings.len());
    (centre.saturating_sub(FORKS_TOLD)..end).collect()
}

/// What happened at the tightest moment, or first after it.
fn closest_call(trace: &Trace) -> usize {
    let tightest = trace.timeline.iter().min_by_key(|(_, sample)| sample.ledger.available());
    let at = tightest.map_or(SimTime::ZERO, |(at, _)| *at);
    let after = trace.happenings.iter().position(|(happened, _, _)| *happened >= at);
    after.unwrap_or_else(|| trace.happenings.len().saturating_sub(1))
}
