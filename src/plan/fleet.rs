//! One cluster of many: the smallest class that is safe for it, asked as cheaply as that can be.

use super::Trouble;
use super::ask::Ask;
use super::classes::{self, find};
use crate::decision::ClassAnswer;
use crate::scenario::{Case, Replications, Scenario};
use crate::sweep::{self, Budget, CellRow, Grid, Settings, Verdict, full_to};
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
    let ask = Ask { budget: grid.budget.fixed(), seed: grid.seed, settings, cancelled };
    let follows_maxmemory = grid.as_given.is_none();
    let mut last = None;
    for case in &hosts {
        let Some(row) = at_need(&ask, case, grid.needed, follows_maxmemory)? else {
            last = Some(rejected(&ask, case, grid.needed));
            continue;
        };
        if row.verdict != Verdict::Safe {
            last = Some(with_row(rejected(&ask, case, grid.needed), &row));
            continue;
        }
        if !follows_maxmemory {
            let class = with_row(rejected(&ask, case, grid.needed), &row);
            let most = row.figures.as_ref().map(|figures| figures.incidents_per_year.high);
            let percent = case.maxmemory_percent;
            return Ok(ClusterAnswer { needed: grid.needed, class, percent, incidents_per_year_high: most });
        }
        let Some(found) = find(&ask, std::slice::from_ref(case), grid.needed)?.pop() else { continue };
        let to_set = found.to_set.filter(|_| found.answer.verdict == Verdict::Safe);
        if let Some(to_set) = to_set {
            let most = to_set.row.figures.as_ref().map(|figures| figures.incidents_per_year.high);
            return Ok(ClusterAnswer {
                needed: grid.needed,
                class: found.answer,
                percent: Some(to_set.percent),
                incidents_per_year_high: most,
            });
        }
        last = Some(found.answer);
    }
    let class = last.ok_or(Trouble::Interrupted)?;
    Ok(ClusterAnswer { needed: grid.needed, class, percent: None, incidents_per_year_high: None })
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
    let open = Budget { replications: Replications::Auto, ..ask.budget };
    Ok(ask.cells(vec![case], &open)?.into_iter().next().map(|(row, _)| row))
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
