//! What happened, read from the events: forks with their ends, kills, restarts, and the moment that decided.

use std::collections::BTreeMap;

use plotters::style::RGBColor;

use crate::model::Cause;
use crate::report::chart::palette;
use crate::report::trace::event;
use crate::report::{EventRow, TimelineRow};
use crate::units::Bytes;

/// The cause of a full sync's fork, by its name in the events.
const FULL_SYNC: &str = Cause::FullSync.name();

/// A stretch of time (s).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct View {
    pub(super) from: f64,
    pub(super) to: f64,
}

impl View {
    pub(super) fn span(self) -> f64 {
        self.to - self.from
    }

    fn holds(self, seconds: f64) -> bool {
        (self.from..=self.to).contains(&seconds)
    }
}

/// The life of a child.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Save {
    pub(super) cause: String,
    pub(super) life: View,
    /// Number of its host, from 0.
    pub(super) host: usize,
}

/// What is worth a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    ServerKilled,
    ChildKilled,
    Promoted,
    Stalled,
    ReplicaAborted,
    Restart,
    OperatorRestart,
    Loaded,
    ReplicaDropped,
    BackupDropped,
    ForkRefused,
}

impl Mark {
    fn of(event: &str) -> Option<Self> {
        match event {
            event::SERVER_KILLED => Some(Self::ServerKilled),
            event::CHILD_KILLED => Some(Self::ChildKilled),
            event::PROMOTED => Some(Self::Promoted),
            event::STALL_BEGAN => Some(Self::Stalled),
            event::REPLICA_PANICKED => Some(Self::ReplicaAborted),
            event::RESTART => Some(Self::Restart),
            event::OPERATOR_RESTART => Some(Self::OperatorRestart),
            event::LOADED => Some(Self::Loaded),
            event::REPLICA_DROPPED => Some(Self::ReplicaDropped),
            event::BACKUP_DROPPED => Some(Self::BackupDropped),
            event::FORK_REFUSED => Some(Self::ForkRefused),
            _ => None,
        }
    }

    pub(super) const fn is_kill(self) -> bool {
        matches!(self, Self::ServerKilled | Self::ChildKilled)
    }

    /// Whether it may come so often that a line through the memory would hide it.
    pub(super) const fn is_minor(self) -> bool {
        matches!(self, Self::ReplicaDropped | Self::BackupDropped | Self::ForkRefused)
    }

    /// Whether something has gone wrong.
    pub(super) const fn is_trouble(self) -> bool {
        self.is_kill() || self.is_minor() || matches!(self, Self::Stalled | Self::ReplicaAborted)
    }

    /// What stands beside the line.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::ServerKilled => "OOM kill: server",
            Self::ChildKilled => "OOM kill: child",
            Self::Promoted => "promoted",
            Self::Stalled => "stall",
            Self::ReplicaAborted => "replica aborts",
            Self::Restart => "restart",
            Self::OperatorRestart => "operator restarts",
            Self::Loaded => "loaded",
            Self::ReplicaDropped => "replica dropped",
            Self::BackupDropped => "backup dropped",
            Self::ForkRefused => "fork refused",
        }
    }

    pub(super) const fn colour(self) -> RGBColor {
        if self.is_trouble() { palette::KILL } else { palette::INK }
    }
}

/// A mark, when and where.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Moment {
    pub(super) seconds: f64,
    pub(super) mark: Mark,
    /// Number of its host, from 0.
    pub(super) host: usize,
}

/// The least free memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tightest {
    pub(super) seconds: f64,
    /// Free or droppable.
    pub(super) available: Bytes,
    /// Number of its host, from 0.
    pub(super) host: usize,
}

/// A replication's events, put in order.
pub(super) struct Story {
    /// How many hosts it is of.
    pub(super) hosts: usize,
    pub(super) whole: View,
    /// What the second panel shows.
    pub(super) decisive: View,
    pub(super) saves: Vec<Save>,
    pub(super) moments: Vec<Moment>,
    pub(super) tightest: Option<Tightest>,
}

impl Story {
    /// The story of `hosts`, a timeline each.
    pub(super) fn new(hosts: &[Vec<TimelineRow>], events: &[EventRow]) -> Self {
        let rows = hosts.iter().flatten().map(|row| row.seconds);
        let times = rows.chain(events.iter().map(|event| event.seconds));
        let whole = View { from: 0.0, to: times.fold(0.0, f64::max) };
        let moment = |event: &EventRow| {
            Some(Moment { seconds: event.seconds, mark: Mark::of(&event.event)?, host: host_of(event) })
        };
        let mut story = Self {
            hosts: hosts.len(),
            whole,
            decisive: whole,
            saves: saves(events, whole.to),
            moments: events.iter().filter_map(moment).collect(),
            tightest: tightest(hosts),
        };
        story.decisive = story.decisive_view();
        story
    }

    /// The first kill, if there is one; or else whatever went wrong first.
    pub(super) fn first_trouble(&self) -> Option<Moment> {
        let first = |is_such: fn(Mark) -> bool| self.moments.iter().copied().find(|m| is_such(m.mark));
        first(Mark::is_kill).or_else(|| first(Mark::is_trouble))
    }

    /// Whether the host has a moment to mark in `view`.
    pub(super) fn has_moments(&self, host: usize, view: View) -> bool {
        self.moments.iter().any(|moment| moment.host == host && view.holds(moment.seconds))
    }

    /// The save of the host whose child lived at `seconds`; the later one where two touch.
    pub(super) fn save_at(&self, seconds: f64, host: usize) -> Option<&Save> {
        self.saves.iter().rev().find(|save| save.host == host && save.life.holds(seconds))
    }

    /// Causes of forks, each once, in order of appearance.
    pub(super) fn causes(&self) -> Vec<&str> {
        let mut causes: Vec<&str> = Vec::new();
        for save in &self.saves {
            if !causes.contains(&save.cause.as_str()) {
                causes.push(&save.cause);
            }
        }
        causes
    }

    /// The save of the decisive moment, with as much on both sides as shows how it came and went: for a kill,
    /// until the server serves again, and the full syncs that this takes are done, if that is soon.
    fn decisive_view(&self) -> View {
        let trouble = self.first_trouble().map(|moment| (moment.seconds, moment.host));
        let tightest = self.tightest.map(|tightest| (tightest.seconds, tightest.host));
        let Some((moment, host)) = trouble.or(tightest) else { return self.whole };
        let core = self.save_at(moment, host).map_or(View { from: moment, to: moment }, |save| save.life);
        // Never so near that a sampled minute fills the picture.
        let length = core.span().max(300.0);
        let is_recovered = |m: &&Moment| m.seconds > moment && m.mark == Mark::Loaded && m.host == host;
        let recovered = self.moments.iter().find(is_recovered);
        let recovered = recovered.map_or(core.to, |recovered| recovered.seconds);
        let is_resync =
            |save: &&Save| save.cause == FULL_SYNC && (moment..recovered + length).contains(&save.life.from);
        let resyncs = self.saves.iter().filter(is_resync).map(|save| save.life.to);
        let end = resyncs.fold(recovered, f64::max).min(core.to + 3.0 * length);
        let view = View { from: core.from - 0.35 * length, to: end.max(core.to) + 0.35 * length };
        View { from: view.from.max(self.whole.from), to: view.to.min(self.whole.to) }
    }
}

/// The number of the event's host, from 0.
fn host_of(event: &EventRow) -> usize {
    event.host.saturating_sub(1)
}

fn tightest(hosts: &[Vec<TimelineRow>]) -> Option<Tightest> {
    let numbered = hosts.iter().zip(0..).flat_map(|(rows, host)| rows.iter().map(move |row| (row, host)));
    let (row, host) = numbered.min_by_key(|(row, _)| row.ledger.available())?;
    Some(Tightest { seconds: row.seconds, available: row.ledger.available(), host })
}

/// The lives of the children, each server's one after the other, in the order of their ends.
fn saves(events: &[EventRow], horizon: f64) -> Vec<Save> {
    let mut saves: Vec<Save> = Vec::new();
    let mut open: BTreeMap<(usize, usize), Save> = BTreeMap::new();
    for event in events {
        let ends = [event::SAVE_DONE, event::SAVE_FAILED, event::SERVER_KILLED, event::CHILD_KILLED];
        let forks = event.event == event::FORK;
        let server = (host_of(event), event.server);
        if forks || ends.contains(&event.event.as_str()) {
            saves.extend(open.remove(&server).map(|save| ended(save, event.seconds)));
        }
        if forks {
            let life = View { from: event.seconds, to: horizon };
            open.insert(server, Save { cause: event.cause.clone(), life, host: host_of(event) });
        }
    }
    saves.extend(open.into_values());
    saves
}

fn ended(save: Save, to: f64) -> Save {
    Save { life: View { to, ..save.life }, ..save }
}

/// The colour of forks of one cause.
pub(super) fn cause_colour(cause: &str) -> RGBColor {
    match cause {
        "backup" => RGBColor(0x00, 0x56, 0x8f),
        "save-point" => RGBColor(0x00, 0x7d, 0x5a),
        "aof-rewrite" => RGBColor(0xc9, 0x8a, 0x00),
        "full-sync" => RGBColor(0xa3, 0x4e, 0x82),
        _ => palette::MUTED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Ledger;

    fn event(seconds: f64, event: &str) -> EventRow {
        EventRow {
            seconds,
            event: event.into(),
            cause: "backup".into(),
            detail: String::new(),
            host: 1,
            server: 1,
        }
    }

    fn row(seconds: f64, free: u64) -> TimelineRow {
        let ledger = Ledger { free: Bytes(free), ..Ledger::default() };
        TimelineRow { seconds, ledger, writes_per_second: 0.0 }
    }

    #[test]
    fn a_kill_ends_its_save_and_decides() {
        let rows = [row(0.0, 9), row(90_000.0, 0), row(900_000.0, 9)];
        let events = [
            event(10.0, "fork"),
            event(400.0, "save-done"),
            event(89_000.0, "fork"),
            event(90_000.0, "server-killed"),
            event(90_010.0, "restart"),
            event(90_500.0, "loaded"),
        ];
        let story = Story::new(&[rows.to_vec()], &events);
        assert_eq!(story.saves.len(), 2);
        assert_eq!(story.saves[1].life, View { from: 89_000.0, to: 90_000.0 });
        let kill = Moment { seconds: 90_000.0, mark: Mark::ServerKilled, host: 0 };
        assert_eq!(story.first_trouble(), Some(kill));
        assert_eq!(story.decisive, View { from: 88_650.0, to: 90_850.0 });
    }

    #[test]
    fn without_a_kill_the_tightest_moment_decides() {
        let rows = [row(0.0, 9), row(5_000.0, 1), row(900_000.0, 9)];
        let story = Story::new(&[rows.to_vec()], &[event(4_500.0, "fork"), event(5_100.0, "save-done")]);
        assert_eq!(story.tightest, Some(Tightest { seconds: 5_000.0, available: Bytes(1), host: 0 }));
        assert_eq!(story.decisive, View { from: 4_290.0, to: 5_310.0 });
    }

    #[test]
    fn a_child_alive_at_the_end_lives_to_the_end() {
        let story = Story::new(&[vec![row(100.0, 1)]], &[event(60.0, "fork")]);
        assert_eq!(story.saves[0].life, View { from: 60.0, to: 100.0 });
        assert!(Story::new(&[], &[]).tightest.is_none());
    }

    #[test]
    fn the_full_syncs_after_a_kill_belong_to_its_moment() {
        let on_the_replica = |event: EventRow| EventRow { host: 2, cause: "full-sync".into(), ..event };
        let events = [
            event(89_000.0, "fork"),
            event(90_000.0, "server-killed"),
            event(90_500.0, "loaded"),
            on_the_replica(event(90_600.0, "fork")),
            on_the_replica(event(91_400.0, "save-done")),
        ];
        let rows = vec![row(0.0, 9), row(900_000.0, 9)];
        let story = Story::new(&[rows.clone(), rows], &events);
        assert_eq!(story.decisive, View { from: 88_650.0, to: 91_750.0 });
        assert!(story.has_moments(0, story.decisive) && !story.has_moments(1, story.decisive));
    }

    #[test]
    fn what_happens_on_one_host_ends_no_child_of_another() {
        let on = |host, server, event: EventRow| EventRow { host, server, ..event };
        let events = [
            on(1, 1, event(10.0, "fork")),
            on(2, 1, event(20.0, "fork")),
            on(2, 2, event(30.0, "fork")),
            on(2, 1, event(40.0, "stall-began")),
            on(2, 1, event(50.0, "save-done")),
            on(1, 1, event(60.0, "save-done")),
        ];
        let story = Story::new(&[vec![row(0.0, 9)], vec![row(100.0, 1)]], &events);
        let lives: Vec<_> =
            story.saves.iter().map(|save| (save.host, save.life.from, save.life.to)).collect();
        assert_eq!(lives, [(1, 20.0, 50.0), (0, 10.0, 60.0), (1, 30.0, 100.0)]);
        assert_eq!(story.first_trouble().map(|moment| (moment.host, moment.mark)), Some((1, Mark::Stalled)));
        assert_eq!(story.tightest.map(|tightest| tightest.host), Some(1));
    }
}
