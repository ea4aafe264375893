//! What the timeline says in words.

use super::story::{Mark, Story, View};
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
    let Some((at, mark)) = story.first_kill() else {
        let during = story
            .save_at(tightest.seconds)
            .map_or(String::new(), |save| format!(", during {}", the_save(&save.cause)));
        return format!(
            "The host survives {}: at its tightest, on {}, {} of {} are free or droppable{during}",
            axis::rough_span(story.whole.span()),
            axis::moment(tightest.seconds),
            tightest.available,
            subject.ram(),
        );
    };
    let victim = if mark == Mark::ChildKilled { "saving child" } else { "server" };
    let context = match story.save_at(at) {
        Some(save) => format!("{} into {}", axis::rough_span(at - save.life.from), the_save(&save.cause)),
        None => "with no child alive: the data no longer fits".to_owned(),
    };
    let kills = story.marks.iter().filter(|(_, mark)| mark.is_kill()).count();
    let count = if kills > 1 { format!(", the first of {kills} kills") } else { String::new() };
    format!("The OOM killer ends the {victim} on {}, {context}{count}", axis::moment(at))
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
pub(super) fn subtitle(manifest: &Manifest, subject: &TraceSubject) -> String {
    let class = subject.host_class.as_deref().unwrap_or("This host");
    let limit = match (subject.maxmemory(), subject.maxmemory_percent) {
        (Some(bytes), Some(percent)) => format!("maxmemory {} of RAM ({bytes})", Percent(percent)),
        (Some(bytes), None) => format!("maxmemory {bytes}"),
        (None, _) => "no maxmemory".to_owned(),
    };
    let (replication, seed) = (subject.replication, manifest.seed);
    let mut text =
        format!("{class}, {limit}, replication {replication} of seed {seed}. The layers add up to the RAM");
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
pub(super) fn footer(manifest: &Manifest) -> String {
    let (name, version) = (&manifest.scenario.name, env!("CARGO_PKG_VERSION"));
    format!(
        "{name}, forkcast {version}. Every event is in trace/events.csv, the ledger in trace/timeline.csv."
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
