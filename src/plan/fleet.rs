//! One cluster of many: the smallest class that is safe for it, asked as cheaply as that can be.

use super::Trouble;
use super::ask::Ask;
use super::classes::{self, ToSet, find};
use crate::decision::ClassAnswer;
use crate::scenario::{Case, Scenario};
use crate::sweep::{self, CellRow, Grid, Settings, Verdict, full_to};
use crate::units::Bytes;
use std::sync::atomic::AtomicBool;

/// The answer for a cluster.
#[derive(Clone, Debug)]
pub struct ClusterAnswer {
    /// `used_memory` that its data needs at the horizon, all servers of a host together.
    pub needed: Bytes,
    /// The smallest class that is safe, or the largest considered where none is.
    pub class: ClassAnswer,
    /// The largest percent to set there; `None` where none is safe.
    pub percent: Option<f64>,
    /// Incidents a year, at most, at that percent.
    pub incidents_per_year_high: Option<f64>,
    /// The cluster as it is, where axes of hosts take the place of its own.
    pub as_written: Option<OwnHost>,
}

/// A cluster on the host that it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnHost {
    /// `provider.class`, or `None` where the RAM itself is given.
    pub class: Option<String>,
    /// RAM, or the limit in its place.
    pub ram: Bytes,
    /// What the budget makes of the cluster as written.
    pub verdict: Verdict,
}

/// The smallest safe class of `scenario`: its hosts in the order of their memory, each first at the percent that the
/// data needs alone, and only the first that is safe there searched for what it survives.
///
/// # Errors
///
/// [`Trouble`].
pub fn cluster(
    scenario: &Scenario,
    settings: Settings,
    cancelled: &AtomicBool,
) -> Result<ClusterAnswer, Trouble> {
    let grid = Grid::new(scenario).map_err(Trouble::Invalid)?;
    let mut hosts = sweep::hosts(scenario).map_err(Trouble::Invalid)?;
    hosts.sort_by_key(|case| case.memory);
    let ask = Ask::new(scenario, &grid, settings, cancelled);
    let as_written = own_host(&ask, scenario)?;
    let answer = |class: ClassAnswer, percent: Option<f64>, row: Option<&CellRow>| {
        let figures = row.and_then(|row| row.figures.as_ref());
        ClusterAnswer {
            needed: grid.needed,
            class,
            percent,
            incidents_per_year_high: figures.map(|figures| figures.incidents_per_year.high),
            as_written: as_written.clone(),
        }
    };
    let follows_maxmemory = grid.as_given.is_none();
    let mut last = None;
    for case in &hosts {
        let Some(row) = at_need(&ask, case, grid.needed, follows_maxmemory)? else {
            last = Some(rejected(&ask, case, grid.needed));
            continue;
        };
        let of_row = with_row(rejected(&ask, case, grid.needed), &row);
        if row.verdict != Verdict::Safe {
            last = Some(of_row);
            continue;
        }
        if !follows_maxmemory {
            return Ok(answer(of_row, case.maxmemory_percent, Some(&row)));
        }
        let Some(found) = find(&ask, std::slice::from_ref(case), grid.needed)?.pop() else { continue };
        let to_set = found.to_set.filter(|_| found.answer.verdict == Verdict::Safe);
        if let Some(ToSet { percent, row, .. }) = to_set {
            return Ok(answer(found.answer, Some(percent), Some(&row)));
        }
        last = Some(found.answer);
    }
    Ok(answer(last.ok_or(Trouble::Interrupted)?, None, None))
}

/// The verdict on the cluster as it is; `None` where no axis takes the place of its host.
fn own_host(ask: &Ask<'_>, scenario: &Scenario) -> Result<Option<OwnHost>, Trouble> {
    if !scenario.has_host_beside_axes() {
        return Ok(None);
    }
    let case = scenario.as_written().clone();
    let (class, ram) = (case.host_class.clone(), case.memory);
    let row = ask.cells(vec![case], &ask.open())?.into_iter().next();
    Ok(row.map(|(row, _)| OwnHost { class, ram, verdict: row.verdict }))
}

/// The row of a host with the data alone; `None` where it does not fit or the provider does not allow it.
fn at_need(
    ask: &Ask<'_>,
    case: &Case,
    needed: Bytes,
    follows_maxmemory: bool,
) -> Result<Option<CellRow>, Trouble> {
    let percent = needed.as_f64() / case.memory.as_f64() * 100.0;
    if percent > case.percent_cap.unwrap_or(100.0) {
        return Ok(None);
    }
    let case = if follows_maxmemory { full_to(percent, case.clone()) } else { case.clone() };
    Ok(ask.cells(vec![case], &ask.open())?.into_iter().next().map(|(row, _)| row))
}

/// What is said of a host that was not searched.
fn rejected(ask: &Ask<'_>, case: &Case, needed: Bytes) -> ClassAnswer {
    crate::decision::answer(&classes::question(ask, case, needed))
}

/// The same with the verdict, the reason and the cause of a row.
fn with_row(answer: ClassAnswer, row: &CellRow) -> ClassAnswer {
    let figures = row.figures.as_ref();
    ClassAnswer {
        verdict: row.verdict,
        reason: row.reason.clone(),
        main_cause: figures.and_then(|figures| figures.main_cause),
        free_min_p01: figures.map(|figures| figures.free_min_p01),
        ..answer
    }
}
