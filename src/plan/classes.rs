//! The percent of each host class: what its data needs, and what it survives, found to half a per cent.

use super::Trouble;
use super::ask::{Ask, percent_at};
use super::room::Rooms;
use crate::decision::{self, ClassAnswer, Question};
use crate::model::Outcome;
use crate::scenario::Case;
use crate::sweep::{self, Budget, CellRow, Ladder, Limit, Verdict, full_to};
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

/// The answers for the hosts of `cases`, of which the data needs `needed` bytes.
pub fn find(ask: &Ask<'_>, cases: &[Case], needed: Bytes) -> Result<Vec<Found>, Trouble> {
    // No percent helps a host that is too small for its data.
    let is_searched = |case: &&Case| needed <= case.memory;
    let searched: Vec<&Case> = cases.iter().filter(is_searched).collect();
    let ladders: Vec<Ladder<'_>> = searched.iter().map(|case| Rooms::full(case).ladder(|_| {})).collect();
    let limits = ask.limits(&ladders, &ask.budget)?;
    let classes = searched.into_iter().zip(limits).map(|(case, found)| Class::new(ask, case, found));
    let mut classes: Vec<Class<'_>> = classes.collect();
    simulate(ask, &mut classes, &ask.budget, |class| class.percents().to_vec())?;
    simulate(ask, &mut classes, &ask.open(), |class| class.above().into_iter().collect())?;
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

/// A host class whose limit was searched for, and the percents of it that were simulated in full.
struct Class<'a> {
    case: &'a Case,
    limit: Limit,
    cells: Vec<ToSet>,
}

impl<'a> Class<'a> {
    /// The class with the percent that the search found, which is simulated already.
    fn new(ask: &Ask<'_>, case: &'a Case, found: sweep::Found) -> Self {
        let safe = found.limit.safe.map(|step| {
            let percent = percent_at(step);
            let row = sweep::row(full_to(percent, case.clone()), &found.outcomes, &ask.budget);
            ToSet { percent, row, outcomes: found.outcomes }
        });
        Self { case, limit: found.limit, cells: safe.into_iter().collect() }
    }

    /// The percent that may be set, and the one that is survived, which may be above a provider's cap.
    fn percents(&self) -> [f64; 2] {
        let survivable = percent_at(self.limit.safe.or(self.limit.high).unwrap_or(0));
        [survivable.min(self.case.percent_cap.unwrap_or(survivable)), survivable]
    }

    /// A percent at which something is likely to break; `None` where there is none.
    fn above(&self) -> Option<f64> {
        let [_, survivable] = self.percents();
        let within = self.limit.value.or(self.limit.high).map_or(survivable, percent_at);
        Some(within.max(survivable) + STEP_ABOVE).filter(|&percent| percent < 100.0)
    }

    fn has(&self, percent: f64) -> bool {
        self.cells.iter().any(|cell| cell.percent.total_cmp(&percent).is_eq())
    }

    /// Its answer, once all its percents are simulated.
    fn found(self, question: Question<'_>) -> Found {
        let [may_be_set, _] = self.percents();
        let rows = self.cells.iter().map(|cell| &cell.row).collect();
        let mut answer = decision::answer(&Question { full: rows, ..question });
        answer.survivable_percent_low = self.limit.low.map(percent_at);
        answer.survivable_percent_high = self.limit.high.map(percent_at);
        let is_safe = |cell: &ToSet| cell.row.verdict == Verdict::Safe && cell.percent <= may_be_set;
        let safe = self.cells.into_iter().filter(is_safe);
        Found { answer, to_set: safe.max_by(|a, b| a.percent.total_cmp(&b.percent)) }
    }
}

/// Simulates what is not yet known of the percents that each class is asked for, all of them side by side.
fn simulate(
    ask: &Ask<'_>,
    classes: &mut [Class<'_>],
    budget: &Budget,
    percents: impl Fn(&Class<'_>) -> Vec<f64>,
) -> Result<(), Trouble> {
    let mut missing: Vec<(usize, f64)> = Vec::new();
    for (place, class) in classes.iter().enumerate() {
        missing
            .extend(percents(class).into_iter().filter(|&percent| !class.has(percent)).map(|p| (place, p)));
    }
    missing.dedup();
    let cases = missing.iter().map(|&(place, percent)| full_to(percent, classes[place].case.clone()));
    for (&(place, percent), (row, outcomes)) in missing.iter().zip(ask.cells(cases.collect(), budget)?) {
        classes[place].cells.push(ToSet { percent, row, outcomes });
    }
    Ok(())
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
