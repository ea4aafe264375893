//! The percent of each host class: what its data needs, and what it survives, found to half a per cent.

use super::Trouble;
use super::ask::{Ask, percent_at};
use crate::decision::{self, ClassAnswer, Question};
use crate::model::Outcome;
use crate::scenario::{Case, Replications};
use crate::sweep::{Budget, CellRow, Verdict, full_to};
use crate::units::Bytes;

/// How far above the survivable percent is looked at what breaks \[% of RAM\].
const STEP_ABOVE: f64 = 5.0;

/// Percents that are tried, from the one found downwards, until simulating one in full confirms it.
const TRIES: usize = 8;

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
///
/// The search's counts rest on an incident at one percent meaning one at all larger ones, which a rewrite that falls
/// elsewhere may belie. So its percent is simulated in full, and where that shows more than the search did, the next
/// ones below.
pub fn find(ask: &Ask<'_>, case: &Case, needed: Bytes) -> Result<Found, Trouble> {
    let question = question(ask, case, needed);
    // No percent helps a host that is too small for its data.
    if needed > case.memory {
        return Ok(Found { answer: decision::answer(&question), to_set: None });
    }
    let limit = ask.limiting_percent(case, &|_| {}, &ask.budget)?;
    let (mut rows, mut to_set) = (Vec::new(), None);
    let from = limit.low.or(limit.high).unwrap_or(0);
    for step in (0..=from).rev().take(TRIES) {
        let percent = percent_at(step);
        let (row, outcomes) = cell(ask, full_to(percent, case.clone()), &ask.budget)?;
        let is_safe = row.verdict == Verdict::Safe;
        rows.insert(0, row.clone());
        to_set = is_safe.then_some(ToSet { percent, row, outcomes });
        if is_safe || limit.low.is_none() {
            break;
        }
    }
    if let Some((cap, _)) = case.percent_cap.zip(to_set.as_ref()).filter(|(cap, found)| *cap < found.percent)
    {
        let (row, outcomes) = cell(ask, full_to(cap, case.clone()), &ask.budget)?;
        rows.insert(0, row.clone());
        to_set = (row.verdict == Verdict::Safe).then_some(ToSet { percent: cap, row, outcomes });
    }
    let above = percent_at(from) + STEP_ABOVE;
    if above < 100.0 {
        let open = Budget { replications: Replications::Auto, ..ask.budget };
        rows.push(cell(ask, full_to(above, case.clone()), &open)?.0);
    }
    let answer = decision::answer(&Question { full: rows.iter().collect(), ..question });
    Ok(Found { answer: with_high(answer, limit.high.map(percent_at)), to_set })
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

/// The answer with the ends that a search found.
fn with_high(mut answer: ClassAnswer, high: Option<f64>) -> ClassAnswer {
    answer.survivable_percent_low = answer.survivable_percent;
    answer.survivable_percent_high = [high, answer.survivable_percent].into_iter().flatten().reduce(f64::max);
    answer
}

fn cell(ask: &Ask<'_>, case: Case, budget: &Budget) -> Result<(CellRow, Vec<Outcome>), Trouble> {
    ask.cells(vec![case], budget)?.into_iter().next().ok_or(Trouble::Interrupted)
}
