//! The host that everything else is asked of, once its class is known: at the percent to set or, where the data does
//! not follow `maxmemory`, with the data as given.

use super::ask::Ask;
use super::assurance::{Assurance, assurance};
use super::classes::{Found, ToSet};
use super::confidence::{Confidence, confidence};
use super::hours::{self, BackupHours};
use super::room::{Room, Rooms};
use super::rules::{self, RuleOfThumb};
use super::sensitivity::{Sensitivities, sensitivities, telling_room};
use super::surge::{Surge, surge};
use super::watch::{Watch, watch};
use super::{Extras, Trouble, limits};
use crate::decision::ClassAnswer;
use crate::model::Outcome;
use crate::scenario::{Case, Scenario};
use crate::sweep::{CellRow, Grid};

/// The further answers, of one host.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The place of its class in [`Answers::classes`](super::Answers::classes).
    pub class: usize,
    /// The percent to set there: the survivable one, or the provider's cap below it; `None` for data as given.
    pub percent: Option<f64>,
    /// Servers on the host, which share it.
    pub servers: u32,
    /// How sure.
    pub confidence: Option<Confidence>,
    /// How many single hosts exceed the budget; `None` where a replication forks so often that it would take minutes.
    pub assurance: Option<Assurance>,
    /// What an hour of ten times the load does.
    pub surge: Option<Surge>,
    /// What else was asked; `None` where a replication forks so often that the answers would take many minutes.
    pub further: Option<Further>,
    /// What alerts compare with; `None` where it was not asked for.
    pub watch: Option<Watch>,
}

/// What is asked about a host beyond how sure its answer is.
#[derive(Clone, Debug)]
pub struct Further {
    /// The hours of the backup compared; `None` without one.
    pub hours: Option<BackupHours>,
    /// The largest mean write rate within the budget \[1/s\].
    pub limiting_writes_per_second: Option<f64>,
    /// Days until growth makes the plan unsafe; `None` where nothing grows, or where more memory would not help.
    pub safe_days: Option<f64>,
    /// What unknowns do, by effect, and what to measure next; `None` where memory is not what is short.
    pub unknowns: Option<Sensitivities>,
    /// Rules of thumb.
    pub rules: Vec<RuleOfThumb>,
}

/// Forks in a replication from which nothing further is asked. The answers take thousands of replications.
const MOST_FORKS: f64 = 10_000.0;

/// The host that the further questions are asked of, with the room that its data has.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The place of its class.
    pub class: usize,
    /// The same host with more room and with less.
    rooms: Rooms<'a>,
    /// The host with that room.
    pub case: Case,
    /// The percent to set, or the RAM that there is.
    room: Room,
    /// The least room that survives; `None` where it is not known.
    survivable: Option<Room>,
    /// What the data takes of the host [%].
    share: f64,
    /// Its row, and the outcomes behind it.
    row: CellRow,
    outcomes: Vec<Outcome>,
}

impl<'a> Subject<'a> {
    /// The host of a class at its percent to set; `None` where it has none.
    pub fn full(hosts: &'a [Case], class: usize, found: &mut Found) -> Option<Self> {
        let ToSet { percent, row, outcomes } = found.to_set.take()?;
        let (rooms, room) = (Rooms::full(&hosts[class]), Room::Percent(percent));
        let survivable = found.answer.survivable_percent.map(Room::Percent);
        Some(Self { class, rooms, case: rooms.case(room), room, survivable, share: percent, row, outcomes })
    }

    /// The host of a class with its data as given; `None` where that does not fit.
    pub fn as_given(
        ask: &Ask<'_>,
        hosts: &'a [Case],
        class: usize,
        answer: &ClassAnswer,
        grid: &Grid,
    ) -> Result<Option<Self>, Trouble> {
        let of_class = |case: &&Case| case.host_class == answer.host_class && case.memory == answer.ram;
        let Some(case) = hosts.iter().find(of_class) else { return Ok(None) };
        let cell = ask.cells(vec![case.clone()], &ask.budget)?.into_iter().next();
        let Some((row, outcomes)) = cell.filter(|(row, _)| row.figures.is_some()) else { return Ok(None) };
        let (rooms, room) = (Rooms::as_given(case, grid.needed), Room::Ram(case.memory));
        let survivable = answer.required_ram.map(Room::Ram);
        let share = answer.needed_percent.unwrap_or_default();
        Ok(Some(Self { class, rooms, case: case.clone(), room, survivable, share, row, outcomes }))
    }

    /// The percent to set.
    pub fn percent(&self) -> Option<f64> {
        match self.room {
            Room::Percent(percent) => Some(percent),
            Room::Ram(_) => None,
        }
    }

    /// What is asked of it.
    pub fn answers(&self, ask: &Ask<'_>, scenario: &Scenario, extras: Extras) -> Result<Chosen, Trouble> {
        let figures = self.row.figures.as_ref();
        let sure = |figures| confidence(self.share, figures, &self.outcomes, &ask.budget);
        let forks = figures.map_or(0.0, |figures| figures.forks_per_year) * ask.budget.years();
        let is_asked = forks <= MOST_FORKS;
        Ok(Chosen {
            class: self.class,
            percent: self.percent(),
            servers: self.case.host.tenancy.servers,
            confidence: figures.map(sure),
            assurance: assurance(ask, self.rooms, self.room)?,
            surge: surge(ask, self.rooms, self.room)?,
            further: if is_asked { Some(self.further(ask, scenario)?) } else { None },
            watch: if extras.watch { Some(watch(ask, &self.case.host)?) } else { None },
        })
    }

    fn further(&self, ask: &Ask<'_>, scenario: &Scenario) -> Result<Further, Trouble> {
        let (rooms, case) = (self.rooms, &self.case);
        let unknowns = sensitivities(ask, rooms, &case.host, self.survivable)?;
        // A percent above a provider's cap may not be set: what is left below it is no waste.
        let usable = self.percent().map(Room::Percent).or(unknowns.as_ref().map(|known| known.survivable));
        let telling = telling_room(ask, rooms)?;
        Ok(Further {
            hours: telling.map(|room| hours::compare(ask, rooms, room)).transpose()?.flatten(),
            limiting_writes_per_second: limits::writes_per_second(ask, case)?,
            safe_days: usable.and_then(|usable| limits::safe_days(&scenario.as_written().host, case, usable)),
            unknowns,
            rules: rules::judge(ask, rooms, usable)?,
        })
    }
}
