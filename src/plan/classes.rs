//! The percent of each host class: what its data needs, and what it survives, found to half a per cent.

use super::Trouble;
use super::ask::{Ask, percent_at};
use super::assurance::assured;
use super::room::Rooms;
use crate::decision::{self, ClassAnswer, Question, TriedPercent};
use crate::model::Outcome;
use crate::scenario::Case;
use crate::sweep::Verdict;
use crate::sweep::words::count;
use crate::sweep::{self, CellRow, Ladder, Limit, full_to};
use crate::units::{Bytes, Percent};

/// How far above the percent that is estimated to be within the budget is looked at what breaks \[% of RAM\].
const STEP_ABOVE: f64 = 5.0;

/// The answer for a host, and what is behind it.
#[derive(Debug)]
pub struct Found {
    /// The answer.
    pub answer: ClassAnswer,
    /// The percent that was confirmed; `None` where there is none.
    pub to_set: Option<ToSet>,
}

/// A percent and its replications.
#[derive(Debug)]
pub struct ToSet {
    /// The percent.
    pub percent: f64,
    /// Its row.
    pub row: CellRow,
    /// The outcomes behind the row.
    pub outcomes: Vec<Outcome>,
}

/// The answers for the hosts of `cases`, of which the data needs `needed` bytes.
pub fn find(ask: &Ask<'_>, cases: &[Case], needed: Bytes) -> Result<Vec<Found>, Trouble> {
    // No percent helps a host that is too small for its data.
    let is_searched = |case: &&Case| needed <= case.memory;
    let searched: Vec<&Case> = cases.iter().filter(is_searched).collect();
    let ladders: Vec<Ladder<'_>> = searched.iter().map(|case| Rooms::full(case).ladder_to_set()).collect();
    let limits = refined(ask, &searched, &ladders, needed)?;
    let classes = searched.into_iter().zip(limits).map(|(case, limit)| Class::new(ask, case, limit));
    let mut classes: Vec<Class<'_>> = classes.collect();
    if let Some(share) = ask.assurance {
        classes.iter_mut().try_for_each(|class| class.assure(ask, share))?;
    }
    simulate(ask, &mut classes)?;
    let mut classes = classes.into_iter();
    let found = cases.iter().map(|case| {
        let question = question(ask, case, needed);
        match Some(case).filter(is_searched).and_then(|_| classes.next()) {
            Some(class) => class.found(question),
            None => Found { answer: decision::answer(&question), to_set: None },
        }
    });
    Ok(found.collect())
}

/// Where the budget ends on each of `ladders`, that of the smallest class which holds `needed` bytes with more
/// replications: it is what will be recommended. A class that nearly holds them may do so then.
fn refined(
    ask: &Ask<'_>,
    cases: &[&Case],
    ladders: &[Ladder<'_>],
    needed: Bytes,
) -> Result<Vec<Limit>, Trouble> {
    let mut limits = ask.limits(ladders)?;
    let mut by_memory: Vec<usize> = (0..cases.len()).collect();
    by_memory.sort_by_key(|&place| cases[place].memory);
    for place in by_memory {
        let holds = |step: Option<usize>| {
            step.is_some_and(|step| needed <= cases[place].memory.scaled(percent_at(step) / 100.0))
        };
        if holds(limits[place].high) {
            limits[place] = ask.refine(&ladders[place], limits[place].clone())?;
        }
        if holds(limits[place].confirmed) {
            break;
        }
    }
    Ok(limits)
}

/// A host class whose limit was searched for, and the percents of it that were simulated: the one that was confirmed,
/// and one above.
struct Class<'a> {
    case: &'a Case,
    limit: Limit,
    cells: Vec<ToSet>,
}

impl<'a> Class<'a> {
    /// The class with the percent that was confirmed, whose replications are at hand.
    fn new(ask: &Ask<'_>, case: &'a Case, mut limit: Limit) -> Self {
        let outcomes = std::mem::take(&mut limit.outcomes);
        let confirmed = limit.confirmed.map(|step| {
            let percent = percent_at(step);
            let budget = ask.budget.by(outcomes.len() as u64);
            let row = sweep::row(full_to(percent, case.clone()), &outcomes, &budget);
            ToSet { percent, row, outcomes }
        });
        Self { case, limit, cells: confirmed.into_iter().collect() }
    }

    /// Steps down from the percent that holds the budget on average to one at which a `share` of the hosts hold it each
    /// by itself.
    fn assure(&mut self, ask: &Ask<'_>, share: f64) -> Result<(), Trouble> {
        let Some(confirmed) = self.limit.confirmed else { return Ok(()) };
        let assured = assured(ask, Rooms::full(self.case), confirmed, share)?;
        if assured == Some(confirmed) {
            return Ok(());
        }
        (self.limit.confirmed, self.cells) = (assured, Vec::new());
        if let Some(percent) = assured.map(percent_at) {
            let case = full_to(percent, self.case.clone());
            let budget = ask.budget.by(ask.effort.search);
            let cells = ask.cells(vec![case], &budget)?.into_iter();
            self.cells = cells.map(|(row, outcomes)| ToSet { percent, row, outcomes }).collect();
        }
        Ok(())
    }

    /// A percent at which something is likely to break; `None` where there is none.
    fn above(&self) -> Option<f64> {
        let confirmed = self.limit.confirmed.map(percent_at);
        let within = self.limit.value.or(self.limit.high).map(percent_at);
        let most = confirmed.into_iter().chain(within).fold(percent_at(0), f64::max);
        Some(most + STEP_ABOVE).filter(|&percent| percent < 100.0)
    }

    /// Why no percent is told.
    fn unconfirmed(&self, needed: f64) -> String {
        let why = match self.limit.tried.last() {
            None => {
                "so few replications confirm none: give more, or leave their number to \"auto\"".to_owned()
            }
            Some(tried) => format!(
                "of {} tried the last, {}, had an incident in {} of {} replications, or too many single hosts beyond it",
                self.limit.tried.len(),
                Percent(percent_at(tried.step)),
                count(tried.affected),
                count(tried.replications),
            ),
        };
        format!(
            "the data needs {} of RAM; no percent was confirmed within the budget: {why}",
            Percent(needed)
        )
    }

    /// Its answer, once all its percents are simulated.
    fn found(self, question: Question<'_>) -> Found {
        let rows = self.cells.iter().map(|cell| &cell.row).collect();
        let mut answer = decision::answer(&Question { full: rows, ..question });
        let confirmed = self.limit.confirmed;
        if confirmed.is_none() && answer.verdict == Verdict::Undecided {
            answer.reason = self.unconfirmed(answer.needed_percent.unwrap_or_default());
        }
        answer.survivable_percent_low = confirmed.map(percent_at);
        answer.survivable_percent_high = self.limit.high.max(confirmed).map(percent_at);
        let to_set = confirmed.and_then(|_| self.cells.into_iter().next());
        answer.tried = self.limit.tried.iter().map(tried).collect();
        Found { answer, to_set }
    }
}

/// Simulates what breaks above the percent of each class, all of them side by side.
fn simulate(ask: &Ask<'_>, classes: &mut [Class<'_>]) -> Result<(), Trouble> {
    let above: Vec<(usize, f64)> =
        classes.iter().enumerate().filter_map(|(place, class)| Some((place, class.above()?))).collect();
    let cases = above.iter().map(|&(place, percent)| full_to(percent, classes[place].case.clone()));
    let cells = ask.cells(cases.collect(), &ask.open())?;
    for ((place, percent), (row, outcomes)) in above.into_iter().zip(cells) {
        classes[place].cells.push(ToSet { percent, row, outcomes });
    }
    Ok(())
}

fn tried(tried: &sweep::Tried) -> TriedPercent {
    let &sweep::Tried { step, replications, affected, holds } = tried;
    TriedPercent { percent: percent_at(step), replications, affected, holds }
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
