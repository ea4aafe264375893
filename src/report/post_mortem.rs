//! A replication told: rows of its timelines and events, and a post-mortem in words.

mod chosen;
mod words;

use super::trace::{EventRow, TimelineRow};
use crate::model::Sample;
use crate::sweep::trace::{Happened, Trace};
use crate::units::SimTime;

/// Room for a day and a clock time before each line.
const TIME_WIDTH: usize = 18;

/// The rows of each host's timeline, the first primary's host first.
pub fn timeline_rows(trace: &Trace) -> Vec<Vec<TimelineRow>> {
    let row = |&(at, Sample { ledger, writes_per_second }): &(SimTime, Sample)| TimelineRow {
        seconds: at.as_secs_f64(),
        ledger,
        writes_per_second,
    };
    trace.hosts.iter().map(|timeline| timeline.iter().map(row).collect()).collect()
}

/// The rows of `trace/events.csv`.
pub fn event_rows(trace: &Trace) -> Vec<EventRow> {
    let row = |happened: &Happened| EventRow {
        seconds: happened.at.as_secs_f64(),
        event: words::event_name(&happened.happening).to_owned(),
        cause: words::cause_name(&happened.happening).to_owned(),
        detail: words::detail(&happened.happening, &happened.ledger),
        host: happened.place.host + 1,
        server: happened.place.tenant + 1,
    };
    trace.happenings.iter().map(row).collect()
}

/// The replication in words: what led to the first kill and what followed until the shard served again, or whatever
/// else went wrong first.
///
/// Where nothing did, what came closest is told.
pub fn tell(trace: &Trace) -> String {
    let mut lines = Vec::new();
    let mut told = 0;
    for index in chosen::chosen(trace) {
        lines.extend(left_out(index - told));
        let happened = &trace.happenings[index];
        lines.push(format!(
            "{:>TIME_WIDTH$}  {}{}",
            happened.at,
            words::whose(happened.place, trace),
            words::detail(&happened.happening, &happened.ledger)
        ));
        told = index + 1;
    }
    lines.extend(left_out(trace.happenings.len() - told));
    lines.join("\n")
}

/// The line that stands for `count` events, if there are any.
fn left_out(count: usize) -> Option<String> {
    let events = if count == 1 { "event" } else { "events" };
    (count > 0).then(|| format!("{:>TIME_WIDTH$}  … {count} more {events}, see trace/events.csv", ""))
}

#[cfg(test)]
mod tests;
