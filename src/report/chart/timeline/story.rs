//! What happened, read from the events: forks with their ends, kills, restarts, and the moment that decided.

use plotters::style::RGBColor;

use crate::report::chart::palette;
use crate::report::trace::event;
use crate::report::{EventRow, TimelineRow};
use crate::units::Bytes;

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
}

/// A moment worth a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    ServerKilled,
    ChildKilled,
    Restart,
    Loaded,
}

impl Mark {
    fn of(event: &str) -> Option<Self> {
        match event {
            event::SERVER_KILLED | event::CRASH_LOOP => Some(Self::ServerKilled),
            event::CHILD_KILLED => Some(Self::ChildKilled),
            event::RESTART => Some(Self::Restart),
            event::LOADED => Some(Self::Loaded),
            _ => None,
        }
    }

    pub(super) const fn is_kill(self) -> bool {
        matches!(self, Self::ServerKilled | Self::ChildKilled)
    }

    /// What stands beside the line.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::ServerKilled => "OOM kill: server",
            Self::ChildKilled => "OOM kill: child",
            Self::Restart => "restart",
            Self::Loaded => "loaded",
        }
    }

    pub(super) const fn colour(self) -> RGBColor {
        if self.is_kill() { palette::KILL } else { palette::INK }
    }
}

/// The least free memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tightest {
    pub(super) seconds: f64,
    /// Free or droppable.
    pub(super) available: Bytes,
}

/// A replication's events, put in order.
pub(super) struct Story {
    pub(super) whole: View,
    /// What the second panel shows.
    pub(super) decisive: View,
    pub(super) saves: Vec<Save>,
    /// Each with its time (s).
    pub(super) marks: Vec<(f64, Mark)>,
    pub(super) tightest: Option<Tightest>,
}

impl Story {
    pub(super) fn new(rows: &[TimelineRow], events: &[EventRow]) -> Self {
        let times = || rows.iter().map(|row| row.seconds).chain(events.iter().map(|event| event.seconds));
        let whole = View { from: 0.0, to: times().fold(0.0, f64::max) };
        let tightest = tightest(rows);
        let marks: Vec<_> =
            events.iter().filter_map(|event| Some((event.seconds, Mark::of(&event.event)?))).collect();
        let mut story = Self { whole, decisive: whole, saves: saves(events, whole.to), marks, tightest };
        story.decisive = story.decisive_view();
        story
    }

    /// The first kill, if there is one.
    pub(super) fn first_kill(&self) -> Option<(f64, Mark)> {
        self.marks.iter().copied().find(|(_, mark)| mark.is_kill())
    }

    /// The save whose child lived at `seconds`; the later one where two touch.
    pub(super) fn save_at(&self, seconds: f64) -> Option<&Save> {
        self.saves.iter().rev().find(|save| save.life.holds(seconds))
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
    /// until the server serves again if that is soon.
    fn decisive_view(&self) -> View {
        let Some(moment) = self.first_kill().map(|kill| kill.0).or(self.tightest.map(|t| t.seconds)) else {
            return self.whole;
        };
        let core = self.save_at(moment).map_or(View { from: moment, to: moment }, |save| save.life);
        // Never so near that a sampled minute fills the picture.
        let length = core.span().max(300.0);
        let recovered = self.marks.iter().find(|(at, mark)| *at > moment && *mark == Mark::Loaded);
        let end = recovered.map_or(core.to, |(at, _)| at.min(core.to + 3.0 * length));
        let view = View { from: core.from - 0.35 * length, to: end.max(core.to) + 0.35 * length };
        View { from: view.from.max(self.whole.from), to: view.to.min(self.whole.to) }
    }
}

fn tightest(rows: &[TimelineRow]) -> Option<Tightest> {
    let available = |row: &&TimelineRow| row.free + row.cache;
    let row = rows.iter().min_by_key(available)?;
    Some(Tightest { seconds: row.seconds, available: row.free + row.cache })
}

fn saves(events: &[EventRow], horizon: f64) -> Vec<Save> {
    let mut saves: Vec<Save> = Vec::new();
    let mut open: Option<(f64, &str)> = None;
    for event in events {
        let ends = [event::SAVE_DONE, event::SAVE_FAILED, event::SERVER_KILLED, event::CHILD_KILLED];
        let forks = event.event == event::FORK;
        if forks || ends.contains(&event.event.as_str()) {
            saves.extend(open.take().map(|(from, cause)| ended(from, event.seconds, cause)));
        }
        if forks {
            open = Some((event.seconds, &event.cause));
        }
    }
    saves.extend(open.map(|(from, cause)| ended(from, horizon, cause)));
    saves
}

fn ended(from: f64, to: f64, cause: &str) -> Save {
    Save { cause: cause.to_owned(), life: View { from, to } }
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

    fn event(seconds: f64, event: &str) -> EventRow {
        EventRow { seconds, event: event.into(), cause: "backup".into(), detail: String::new() }
    }

    fn row(seconds: f64, free: u64) -> TimelineRow {
        TimelineRow { seconds, free: Bytes(free), ..Default::default() }
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
        let story = Story::new(&rows, &events);
        assert_eq!(story.saves.len(), 2);
        assert_eq!(story.saves[1].life, View { from: 89_000.0, to: 90_000.0 });
        assert_eq!(story.first_kill(), Some((90_000.0, Mark::ServerKilled)));
        assert_eq!(story.decisive, View { from: 88_650.0, to: 90_850.0 });
    }

    #[test]
    fn without_a_kill_the_tightest_moment_decides() {
        let rows = [row(0.0, 9), row(5_000.0, 1), row(900_000.0, 9)];
        let story = Story::new(&rows, &[event(4_500.0, "fork"), event(5_100.0, "save-done")]);
        assert_eq!(story.tightest, Some(Tightest { seconds: 5_000.0, available: Bytes(1) }));
        assert_eq!(story.decisive, View { from: 4_290.0, to: 5_310.0 });
    }

    #[test]
    fn a_child_alive_at_the_end_lives_to_the_end() {
        let story = Story::new(&[row(100.0, 1)], &[event(60.0, "fork")]);
        assert_eq!(story.saves[0].life, View { from: 60.0, to: 100.0 });
        assert!(Story::new(&[], &[]).tightest.is_none());
    }
}
