//! What the timeline says in words.

use super::story::{Mark, Moment, Story, Tightest, View};
use crate::report::chart::axis;
use crate::report::{Manifest, TraceSubject};
use crate::units::{Bytes, Percent};

const DAY: f64 = 86_400.0;
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// The finding.
pub(super) fn title(story: &Story, subject: &TraceSubject) -> String {
    let Some(tightest) = story.tightest.filter(|_| story.whole.span() > 0.0) else {
        return "Nothing was traced".to_owned();
    };
    match story.first_trouble() {
        Some(trouble) => trouble_title(story, trouble),
        None => survival_title(story, tightest, subject),
    }
}

/// Nothing went wrong: how close it came.
fn survival_title(story: &Story, tightest: Tightest, subject: &TraceSubject) -> String {
    let save = story.save_at(tightest.seconds, tightest.host);
    let during = save.map_or(String::new(), |save| format!(", during {}", the_save(&save.cause)));
    format!(
        "{} {}: at {} tightest, on {}, {} of {} are free or droppable{}{during}",
        if story.hosts > 1 { "The shard survives" } else { "The host survives" },
        axis::rough_span(story.whole.span()),
        if story.hosts > 1 { "the" } else { "its" },
        axis::moment(tightest.seconds),
        tightest.available,
        subject.ram(),
        if story.hosts > 1 { format!(" on host {}", tightest.host + 1) } else { String::new() },
    )
}

/// What went wrong first, when, and how often its like came.
fn trouble_title(story: &Story, trouble: Moment) -> String {
    let of = if story.hosts > 1 { format!(" of host {}", trouble.host + 1) } else { String::new() };
    let what = match trouble.mark {
        Mark::ServerKilled => format!("The OOM killer ends the server{of}"),
        Mark::ChildKilled => format!("The OOM killer ends the saving child{of}"),
        Mark::ReplicaDropped => format!("A full sync{of} is cut short"),
        Mark::BackupDropped => format!("A backup by sync{of} is cut short"),
        Mark::ForkRefused => format!("The kernel{of} refuses a fork"),
        Mark::ReplicaAborted => format!("The replica{of} aborts after a failed save"),
        _ => format!("Memory{of} runs out and the host stalls"),
    };
    let is_alike = |mark: Mark| if mark.is_kill() { trouble.mark.is_kill() } else { mark == trouble.mark };
    let count = story.moments.iter().filter(|moment| is_alike(moment.mark)).count();
    let count = match (count, trouble.mark.is_kill()) {
        (0 | 1, _) => String::new(),
        (n, true) => format!(", the first of {n} kills"),
        (n, false) => format!(", the first time of {n}"),
    };
    format!("{what} on {}{}{count}", axis::moment(trouble.seconds), context(story, trouble))
}

/// Which save was under way.
fn context(story: &Story, trouble: Moment) -> String {
    match story.save_at(trouble.seconds, trouble.host) {
        Some(save) if trouble.mark != Mark::ForkRefused => {
            format!(", {} into {}", axis::rough_span(trouble.seconds - save.life.from), the_save(&save.cause))
        }
        None if trouble.mark.is_kill() || trouble.mark == Mark::Stalled => {
            ", with no child alive: the data no longer fits".to_owned()
        }
        _ => String::new(),
    }
}

fn the_save(cause: &str) -> String {
    match cause {
        "backup" => "the backup".to_owned(),
        "save-point" => "the save of a save point".to_owned(),
        "aof-rewrite" => "a rewrite of the append-only file".to_owned(),
        "full-sync" => "a full sync".to_owned(),
        other => format!("a fork ({other})"),
    }
}

/// Whose life this is, and how to read it.
pub(super) fn subtitle(manifest: &Manifest, subject: &TraceSubject, has_swap: bool) -> String {
    let room = if subject.is_limited { "the limit" } else { "RAM" };
    let class = subject.host_class.as_deref().unwrap_or("This host");
    let limit = match (subject.maxmemory(), subject.maxmemory_percent) {
        (Some(bytes), Some(percent)) => format!("maxmemory {} of {room} ({bytes})", Percent(percent)),
        (Some(bytes), None) => format!("maxmemory {bytes}"),
        (None, _) => "no maxmemory".to_owned(),
    };
    let (replication, seed) = (subject.replication, manifest.seed);
    let whole = if subject.is_limited { "the limit of the container" } else { "the RAM" };
    let swap = if has_swap { ", with what is swapped out above it" } else { "" };
    let mut text = format!(
        "{class}, {limit}, replication {replication} of seed {seed}. The layers add up to {whole}{swap}"
    );
    text += "; memory runs out where no free or droppable layer is left.";
    if subject.maxmemory_bytes.is_some() {
        text += " maxmemory limits used_memory, which is less than the resident set by the fragmentation.";
    }
    text
}

/// What a panel shows of the time: `day 3 (Wednesday), UTC`.
pub(super) fn view(view: View) -> String {
    let (first, last) = ((view.from / DAY).floor(), ((view.to - 1e-9) / DAY).floor());
    if first >= last {
        return format!("day {} ({}), UTC", first + 1.0, weekday(first));
    }
    format!("day {} ({}) to day {} ({}), UTC", first + 1.0, weekday(first), last + 1.0, weekday(last))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 6")]
fn weekday(day: f64) -> &'static str {
    WEEKDAYS[day.rem_euclid(7.0) as usize % 7]
}

/// Where the figures are from.
pub(super) fn footer(manifest: &Manifest, hosts: usize) -> String {
    let (name, version) = (&manifest.scenario.name, env!("CARGO_PKG_VERSION"));
    let further = match hosts {
        0 | 1 => String::new(),
        2 => ", that of host 2 in trace/timeline-2.csv".to_owned(),
        n => format!(", those of the other hosts in trace/timeline-2.csv to -{n}.csv"),
    };
    format!(
        "{name}, forkcast {version}. Every event is in trace/events.csv, the ledger in trace/timeline.csv{further}."
    )
}

/// An amount on the memory axis.
pub(super) fn tick(gib: f64) -> String {
    if gib > 0.0 { Bytes::from_f64(gib * (1u64 << 30) as f64).to_string() } else { "0".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_names_its_days() {
        assert_eq!(view(View { from: 2.5 * DAY, to: 2.6 * DAY }), "day 3 (Wednesday), UTC");
        assert_eq!(view(View { from: 6.9 * DAY, to: 7.1 * DAY }), "day 7 (Sunday) to day 8 (Monday), UTC");
    }
}
