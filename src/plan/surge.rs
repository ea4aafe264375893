//! What an hour of ten times the load does, whatever the noise of the scenario makes of its chance.
//!
//! Published kills came in bulk loads, and the busiest hour of the one recorded load that ships with this project has
//! ten times its mean. How often such an hour comes nobody knows who has not seen one; what it does can be said.

use std::sync::atomic::AtomicBool;

use super::Trouble;
use super::ask::Ask;
use super::room::{Room, Rooms};
use crate::decision::ClassAnswer;
use crate::model::Host;
use crate::model::host::Shape;
use crate::scenario::Scenario;
use crate::stats::Estimate;
use crate::sweep::{self, Budget, Grid, Ladder, Settings, Verdict};
use crate::units::SimDuration;

/// Times the mean load.
pub const SURGE: f64 = 10.0;

/// The share of such hours that may go wrong in the room that is said to come through.
const MAY_FAIL: f64 = 0.05;

/// Hours that are simulated.
const HOURS: u64 = 400;

/// Long enough for a save of the hour to end.
const HORIZON: SimDuration = SimDuration(4 * SimDuration::HOUR.0);

/// An hour of [`SURGE`] times the load, which a backup begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Surge {
    /// The share of such hours with an incident in the room that the plan gives the data.
    pub fails: Estimate,
    /// The least room in which no more than one in twenty of them is estimated to have one; `None` where none of those
    /// looked at is enough.
    pub holds: Option<Room>,
}

/// Such an hour on the host that a sweep answers with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BusyHour {
    /// The percent to which its server is full; `None` for data as given.
    pub percent: Option<f64>,
    /// What it does.
    pub surge: Surge,
}

/// What such an hour does to the smallest class of `answers` that is safe, at the percent to set there; where none
/// is, to the scenario as written. `None` where that does not fit.
///
/// # Errors
///
/// [`Trouble`].
pub fn busy_hour(
    scenario: &Scenario,
    answers: &[ClassAnswer],
    settings: Settings,
    cancelled: &AtomicBool,
) -> Result<Option<BusyHour>, Trouble> {
    let grid = Grid::new(scenario).map_err(Trouble::Invalid)?;
    let hosts = sweep::hosts(scenario).map_err(Trouble::Invalid)?;
    let ask = Ask::new(scenario, &grid, settings, cancelled);
    let safe =
        answers.iter().filter(|answer| answer.verdict == Verdict::Safe).min_by_key(|answer| answer.ram);
    let own = scenario.as_written();
    let of_answer = |answer: &ClassAnswer| {
        hosts.iter().find(|case| case.host_class == answer.host_class && case.memory == answer.ram)
    };
    // Of several hosts none of which is safe, nobody would know which one is meant.
    if safe.is_none() && answers.len() > 1 {
        return Ok(None);
    }
    let case = safe.and_then(of_answer).unwrap_or(own);
    if grid.as_given.is_some() {
        let found = surge(&ask, Rooms::as_given(case, grid.needed), Room::Ram(case.memory))?;
        return Ok(found.map(|surge| BusyHour { percent: None, surge }));
    }
    let cap = case.percent_cap.unwrap_or(f64::INFINITY);
    let to_set = safe.and_then(|answer| answer.survivable_percent).or(own.maxmemory_percent);
    let Some(percent) = to_set.map(|percent| percent.min(cap)) else { return Ok(None) };
    let found = surge(&ask, Rooms::full(case), Room::Percent(percent))?;
    Ok(found.map(|surge| BusyHour { percent: Some(percent), surge }))
}

/// What such an hour does to data with so much `room`; `None` where it does not fit.
pub fn surge(ask: &Ask<'_>, rooms: Rooms<'_>, room: Room) -> Result<Option<Surge>, Trouble> {
    let years = Budget { horizon: HORIZON, ..ask.budget }.years();
    let budget = Budget { horizon: HORIZON, incidents_per_year: MAY_FAIL / years, ..ask.budget }.by(HOURS);
    let mut case = rooms.case(room);
    case.host = surging(&case.host);
    let Some((row, _)) = ask.cells(vec![case], &budget)?.into_iter().next() else { return Ok(None) };
    let Some(figures) = row.figures else { return Ok(None) };
    let ladder: Ladder<'_> = rooms.ladder(|host| *host = surging(host));
    let holds = ask.estimates(&[ladder], &budget)?.into_iter().next().flatten();
    let of_hours = |rate: f64| rate * years;
    let rate = figures.affected_per_year;
    Ok(Some(Surge {
        fails: Estimate { value: of_hours(rate.value), low: of_hours(rate.low), high: of_hours(rate.high) },
        holds: holds.map(|step| rooms.room(step)),
    }))
}

/// The host in such an hour, its mean load after it, and its backup at the start.
fn surging(host: &Host) -> Host {
    let mut host = host.clone();
    let mut week = vec![1.0; 168];
    week[0] = SURGE;
    host.traffic.shape = Shape::Hourly(week);
    (host.traffic.noise_day, host.traffic.noise_hour) = (0.0, 0.0);
    host.traffic.burst = None;
    host.traffic.jobs.clear();
    if let Some(backup) = &mut host.backup {
        (backup.at, backup.jitter) = (SimDuration::ZERO, SimDuration::ZERO);
    }
    host.horizon = HORIZON;
    host
}
