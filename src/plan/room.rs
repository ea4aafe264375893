//! How much room the data has on a host, and the hosts that differ in nothing else: the ladder of every search.
//!
//! Where the data follows `maxmemory`, the question is how full a server may be; where it is as given, how little RAM
//! holds it. Either way a step further up the ladder leaves less room.

use std::fmt;

use super::ask::{percent_at, percent_steps, percents_up_to};
use crate::model::Host;
use crate::scenario::Case;
use crate::sweep::{Ladder, full_to};
use crate::units::{Bytes, Percent};

/// The room that the data has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Room {
    /// The server is full to so many per cent of RAM, or of the container's limit.
    Percent(f64),
    /// The data is as given, in so much RAM, or under such a limit.
    Ram(Bytes),
}

impl Room {
    /// The same moved as far as `to` lies from `from`: by points of a percentage, by a factor of RAM.
    #[must_use]
    pub fn moved(self, from: Self, to: Self) -> Self {
        match (self, from, to) {
            (Self::Percent(own), Self::Percent(from), Self::Percent(to)) => {
                Self::Percent((own + to - from).clamp(0.0, 100.0))
            }
            (Self::Ram(own), Self::Ram(from), Self::Ram(to)) => {
                Self::Ram(own.scaled(to.as_f64() / from.as_f64()))
            }
            _ => self,
        }
    }

    /// Its step on a ladder: that of a percent, or that of a host's own RAM, which any RAM is taken to be.
    pub fn step(self) -> usize {
        match self {
            Self::Percent(percent) => percents_up_to(percent) - 1,
            Self::Ram(_) => OWN_RAM,
        }
    }

    /// As a number to order rooms of one kind by: per cent, or bytes.
    pub(super) fn size(self) -> f64 {
        match self {
            Self::Percent(percent) => percent,
            Self::Ram(ram) => ram.as_f64(),
        }
    }

    /// How far another lies from it: points of a percentage, or per cent of RAM.
    #[must_use]
    pub fn distance(self, other: Self) -> f64 {
        match (self, other) {
            (Self::Percent(one), Self::Percent(other)) => (other - one).abs(),
            (Self::Ram(one), Self::Ram(other)) => 100.0 * (other.as_f64() / one.as_f64() - 1.0).abs(),
            _ => 0.0,
        }
    }
}

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percent(percent) => Percent(*percent).fmt(f),
            Self::Ram(ram) => ram.fmt(f),
        }
    }
}

/// Steps of RAM: 1 % less each, from eight times the host's to an eighth of it; one of them is its own.
const RAM_FACTOR: f64 = 0.99;
const RAM_STEPS: usize = 415;
const OWN_RAM: usize = 207;

/// A host with its data in less and less room.
#[derive(Clone, Copy, Debug)]
pub struct Rooms<'a> {
    case: &'a Case,
    /// What the data as given needs; `None` where it follows `maxmemory`.
    as_given: Option<Bytes>,
}

impl<'a> Rooms<'a> {
    /// The host of `case`, its server full to more and more.
    pub fn full(case: &'a Case) -> Self {
        Self { case, as_given: None }
    }

    /// The host of `case` with its data as given, of which there are `needed` bytes, in less and less RAM.
    pub fn as_given(case: &'a Case, needed: Bytes) -> Self {
        Self { case, as_given: Some(needed) }
    }

    /// How many steps there are.
    fn steps(self) -> usize {
        if self.as_given.is_some() { RAM_STEPS } else { percent_steps() }
    }

    /// The ladder of all rooms, with `change` made to each host.
    pub fn ladder(self, change: impl Fn(&mut Host) + Sync + 'a) -> Ladder<'a> {
        Ladder::new(self.steps(), move |step| {
            let mut host = self.case(self.room(step)).host;
            change(&mut host);
            host
        })
    }

    /// The same, up to the last room that a provider lets one set.
    pub fn ladder_to_set(self) -> Ladder<'a> {
        let most = self.case.percent_cap.map_or(usize::MAX, percents_up_to);
        Ladder::new(self.steps().min(most), move |step| self.case(self.room(step)).host)
    }

    /// The room at a step.
    pub fn room(self, step: usize) -> Room {
        match self.as_given {
            None => Room::Percent(percent_at(step)),
            Some(_) => Room::Ram(self.case.memory.scaled(RAM_FACTOR.powf(step as f64 - OWN_RAM as f64))),
        }
    }

    /// The room that a search found; `None` where no step holds the data as given. The smallest percent stands for
    /// none.
    pub fn found(self, step: Option<usize>) -> Option<Room> {
        match self.as_given {
            None => Some(self.room(step.unwrap_or(0))),
            Some(_) => step.map(|step| self.room(step)),
        }
    }

    /// The host with so much room.
    pub fn case(self, room: Room) -> Case {
        match room {
            Room::Percent(percent) => full_to(percent, self.case.clone()),
            Room::Ram(ram) => with_memory(self.case.clone(), ram),
        }
    }

    /// The room that is `percent` per cent full.
    pub fn filled_to(self, percent: f64) -> Room {
        match self.as_given {
            None => Room::Percent(percent),
            Some(needed) => Room::Ram(needed.scaled(100.0 / percent)),
        }
    }

    /// What a host with `room` has more than one with `least`.
    pub fn waste(self, room: Room, least: Room) -> Bytes {
        match (room, least) {
            (Room::Percent(percent), Room::Percent(most)) => {
                self.case.memory.scaled((most - percent).max(0.0) / 100.0)
            }
            (Room::Ram(ram), Room::Ram(least)) => ram.saturating_sub(least),
            _ => Bytes::ZERO,
        }
    }
}

/// The same host with so much RAM, or under such a limit.
fn with_memory(mut case: Case, memory: Bytes) -> Case {
    let machine = &mut case.host.machine;
    if let Some(container) = &mut machine.container {
        let factor = memory.as_f64() / case.memory.as_f64();
        container.high = container.high.map(|high| high.scaled(factor));
        container.limit = memory;
    } else {
        machine.ram = memory;
        case.ram = memory;
    }
    case.memory = memory;
    case
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::sample::scenario;

    #[test]
    fn a_step_up_leaves_less_room_and_changes_nothing_else() {
        let case = scenario(&[], &[]).as_written().clone();
        let full = Rooms::full(&case);
        assert_eq!((full.room(0), full.room(full.steps() - 1)), (Room::Percent(10.0), Room::Percent(95.0)));
        let given = Rooms::as_given(&case, Bytes::gib(12));
        let Room::Ram(least) = given.room(given.steps() - 1) else { panic!() };
        assert_eq!(given.room(Room::Ram(case.memory).step()), Room::Ram(case.memory));
        assert_eq!(full.room(Room::Percent(62.5).step()), Room::Percent(62.5));
        assert!((least.as_f64() * 8.0 / case.memory.as_f64() - 1.0).abs() < 0.01);
        let small = given.case(Room::Ram(Bytes::gib(14)));
        assert_eq!((small.memory, small.host.machine.ram), (Bytes::gib(14), Bytes::gib(14)));
        assert_eq!(small.host.dataset, case.host.dataset);
    }

    #[test]
    fn a_rule_of_thumb_is_a_percent_of_a_server_or_the_ram_for_the_data() {
        let case = scenario(&[], &[]).as_written().clone();
        assert_eq!(Rooms::full(&case).filled_to(75.0), Room::Percent(75.0));
        let given = Rooms::as_given(&case, Bytes::gib(12));
        assert_eq!(given.filled_to(75.0), Room::Ram(Bytes::gib(16)));
        assert_eq!(given.waste(Room::Ram(Bytes::gib(16)), Room::Ram(Bytes::gib(14))), Bytes::gib(2));
        let half = case.memory.scaled(0.1);
        assert_eq!(Rooms::full(&case).waste(Room::Percent(60.0), Room::Percent(70.0)), half);
    }

    #[test]
    fn rooms_move_by_points_or_by_factors() {
        let percent = Room::Percent(60.0).moved(Room::Percent(70.0), Room::Percent(75.0));
        assert_eq!((percent, Room::Percent(60.0).distance(percent)), (Room::Percent(65.0), 5.0));
        let [four, five, eight] = [4, 5, 8].map(|gib| Room::Ram(Bytes::gib(gib)));
        assert_eq!(eight.moved(four, five), Room::Ram(Bytes::gib(10)));
        assert!((four.distance(five) - 25.0).abs() < 1e-12);
    }
}
