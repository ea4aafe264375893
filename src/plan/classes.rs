//! The percent of each host class: what its data needs, and what it survives, found to half a per cent.

use super::Trouble;
use super::ask::{Ask, percent_at};
use crate::decision::{self, ClassAnswer, Question};
use crate::model::Outcome;
use crate::scenario::{Case, Replications};
use crate::sweep::{Budget, CellRow, Verdict, full_to};
use crate::units::Bytes;

/// How far above the percent that is estimated to be within the budget is looked at what breaks \[% of RAM\].
const STEP_ABOVE: f64 = 5.0;

/// The answer for a host, and what is behind it.
#[derive(Debug)]
pub struct Found {
    /// The answer.
    pub answer: ClassAnswer,
    /// The largest safe percent that may be set; `None` where there is none.
    pub to_set: Option<ToSet>,
}

/// A percent whose verdict was simulated in full.
#[derive(Debug)]
pub struct ToSet {
    /// The percent.
    pub percent: f64,
    /// Its row.
    pub row: CellRow,
    /// The outcomes behind the row.
    pub outcomes: Vec<Outcome>,
}

/// The answer for the host of `case`, of which the data needs `needed` bytes.
pub fn find(ask: &Ask<'_>, case: &Case, needed: Bytes) -> Result<Found, Trouble> {
    let question = question(ask, case, needed);
    // No percent helps a host that is too small for its data.
    if needed > case.memory {
        return Ok(Found { answer: decision::answer(&question), to_set: None });
    }
    let limit = ask.limiting_percent(case, &|_| {}, &ask.budget)?;
    let at = |percent: f64, budget: &Budget| cell(ask, full_to(percent, case.clone()), budget);
    let (mut rows, mut to_set) = (Vec::new(), None);
    let survivable = percent_at(limit.safe.or(limit.high).unwrap_or(0));
    let may_be_set = survivable.min(case.percent_cap.unwrap_or(survivable));
    for percent in [may_be_set, survivable] {
        if rows.iter().all(|row: &CellRow| row.maxmemory_percent != Some(percent)) {
            let (row, outcomes) = at(percent, &ask.budget)?;
            rows.push(row.clone());
            let is_safe = row.verdict == Verdict::Safe && percent <= may_be_set;
            to_set = to_set.or(is_safe.then_some(ToSet { percent, row, outcomes }));
        }
    }
    let above = limit.value.or(limit.high).map_or(survivable, percent_at).max(survivable) + STEP_ABOVE;
    if above < 100.0 {
        let open = Budget { replications: Replications::Auto, ..ask.budget };
        rows.push(at(above, &open)?.0);
    }
    let mut answer = decision::answer(&Question { full: rows.iter().collect(), ..question });
    answer.survivable_percent_low = limit.low.map(percent_at);
    answer.survivable_percent_high = limit.high.map(percent_at);
    Ok(Found { answer, to_set })
}

pub fn question(ask: &Ask<'_>, case: &Case, needed: Bytes) -> Question<'static> {
    Question {
        host_class: case.host_class.clone(),
        ram: case.memory,
        is_limited: case.host.machine.container.is_some(),
        servers: case.host.tenancy.servers,
        percent_cap: case.percent_cap,
        needed,
        incidents_per_year: ask.budget.incidents_per_year,
        required_ram: None,
        as_given: Vec::new(),
        full: Vec::new(),
    }
}

fn cell(ask: &Ask<'_>, case: Case, budget: &Budget) -> Result<(CellRow, Vec<Outcome>), Trouble> {
    ask.cells(vec![case], budget)?.into_iter().next().ok_or(Trouble::Interrupted)
}
