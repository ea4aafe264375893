//! The percent of each host class: what its data needs, and what it survives, found to half a per cent.

use super::Trouble;
use super::ask::{Ask, PERCENT_STEP, percent_at};
use crate::decision::{self, ClassAnswer, Question};
use crate::model::Outcome;
use crate::scenario::{Case, Replications};
use crate::sweep::{Budget, CellRow, Verdict, full_to};
use crate::units::Bytes;

/// How far above the survivable percent is looked at what breaks \[% of RAM\].
const STEP_ABOVE: f64 = 5.0;

/// Percents that are tried, from the one found downwards, until simulating one in full confirms it.
const TRIES: usize = 8;

/// Replications that tell how it is at a percent whose verdict the search has given already.
const LOOK: u64 = 400;

/// The answer for the host of `case`, of which the data needs `needed` bytes: from a search alone, whose counts rest on
/// an incident at one percent meaning one at all larger ones.
pub fn find(ask: &Ask<'_>, case: &Case, needed: Bytes) -> Result<ClassAnswer, Trouble> {
    let question = question(ask, case, needed);
    // No percent helps a host that is too small for its data.
    if needed > case.memory {
        return Ok(decision::answer(&question));
    }
    let limit = ask.limiting_percent(case, &|_| {}, &ask.budget)?;
    let at = |percent: f64, budget: &Budget| cell(ask, full_to(percent, case.clone()), budget);
    let open = Budget { replications: Replications::Auto, ..ask.budget };
    let mut rows = Vec::new();
    if let (Some(low), Some(rate)) = (limit.low, limit.at_low) {
        let (mut row, _) = at(percent_at(low), &ask.by(LOOK))?;
        row.verdict = Verdict::Safe;
        row.replications = limit.replications;
        if let Some(figures) = &mut row.figures {
            figures.incidents_per_year = rate;
        }
        rows.push(row);
    }
    let above = limit.low.or(limit.high).map_or(percent_at(0), |step| percent_at(step) + STEP_ABOVE);
    if above < 100.0 {
        rows.push(at(above, &open)?.0);
    }
    let answer = decision::answer(&Question { full: rows.iter().collect(), ..question });
    Ok(with_high(answer, limit.high.map(percent_at)))
}

/// A percent that simulating it in full confirms.
pub struct Confirmed {
    /// The answer with it.
    pub answer: ClassAnswer,
    /// The percent, within the provider's cap.
    pub percent: f64,
    /// Its row.
    pub row: CellRow,
    /// The outcomes behind the row.
    pub outcomes: Vec<Outcome>,
}

/// Simulates the survivable percent of `answer` in full, all replications at that percent, and goes down by half a per
/// cent where that shows more than the search did; `None` where nothing within reach is shown to be safe.
pub fn confirm(
    ask: &Ask<'_>,
    case: &Case,
    needed: Bytes,
    answer: &ClassAnswer,
) -> Result<Option<Confirmed>, Trouble> {
    let Some(survivable) = answer.survivable_percent else { return Ok(None) };
    let from = case.percent_cap.map_or(survivable, |cap| survivable.min(cap));
    let mut rows: Vec<CellRow> = Vec::new();
    for back in 0..TRIES {
        let percent = from - PERCENT_STEP * back as f64;
        let (row, outcomes) = cell(ask, full_to(percent, case.clone()), &ask.budget)?;
        rows.insert(0, row.clone());
        if row.verdict != Verdict::Safe {
            continue;
        }
        if let Some(above) = &answer.one_step_above {
            let open = Budget { replications: Replications::Auto, ..ask.budget };
            rows.push(cell(ask, full_to(above.percent, case.clone()), &open)?.0);
        }
        let confirmed =
            decision::answer(&Question { full: rows.iter().collect(), ..question(ask, case, needed) });
        let high = answer.survivable_percent_high;
        // A percent above the provider's cap was found, but is not for this plan to confirm.
        let confirmed = ClassAnswer {
            survivable_percent: confirmed
                .survivable_percent
                .filter(|_| from >= survivable)
                .or(Some(survivable)),
            ..confirmed
        };
        return Ok(Some(Confirmed { answer: with_high(confirmed, high), percent, row, outcomes }));
    }
    Ok(None)
}

fn question(ask: &Ask<'_>, case: &Case, needed: Bytes) -> Question<'static> {
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
