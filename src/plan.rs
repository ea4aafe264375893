//! The answers: what percent, which class, when, how much more, and which fork is to blame.
//!
//! | file | the question |
//! |---|---|
//! | `ask` | how the sweep is asked |
//! | `classes` | the percent of each class, found to half a per cent |
//! | `causes` | which fork is to blame, and what would take its risk away |
//! | `chosen` | the host that everything else is asked of |
//! | `assurance` | how many single hosts exceed the budget, and where nine in ten hold it |
//! | `surge` | what an hour of ten times the load does |
//! | `hours` | the best hour for the backup, and whether it matters |
//! | `limits` | how many more writes, and how many more days |
//! | `room` | how much room the data has: what every search turns |
//! | `sensitivity` | what unknowns do to the answer, and what to measure next |
//! | `rules` | rules of thumb beside it |
//! | `confidence` | how sure, in kills a year |
//! | `watch` | what alerts compare with |
//! | `fleet` | the smallest safe class alone, for one cluster of many |
//!
//! Questions are asked one after another, each of the host that the last answer chose: the classes first, then
//! everything else of the smallest that is safe, or of the host as written where none is. Data that does not follow
//! `maxmemory` is asked about as it is given. Owns which cells are asked
//! for; how a cell is simulated is `sweep`'s, what rows say is `decision`'s, and nothing here prints.

mod ask;
mod assurance;
mod causes;
mod chosen;
mod classes;
mod confidence;
mod fleet;
mod hours;
mod limits;
mod room;
mod rules;
mod sensitivity;
mod surge;
mod watch;

use std::sync::atomic::AtomicBool;

pub use assurance::{Assurance, NINE_IN_TEN};
pub use causes::{CauseRisk, Remedy};
pub use chosen::{Chosen, Further};
pub use confidence::{Confidence, FLEET};
pub use fleet::{ClusterAnswer, OwnHost, cluster};
pub use hours::{BackupHour, BackupHours};
pub use room::Room;
pub use rules::RuleOfThumb;
pub use sensitivity::{MeasureNext, Sensitivities, Sensitivity};
pub use surge::{BusyHour, SURGE, Surge, busy_hour};
pub use watch::Watch;

use crate::decision::{self, ClassAnswer};
use crate::model::Simulation;
use crate::scenario::{Case, Report, Scenario};
use crate::sweep::rare::{self, RareRisk, Unresolved, rare_risk};
use crate::sweep::unknowns::{RiskOverUnknowns, Sizes, risk_over_unknowns};
use crate::sweep::{self, Budget, Effort, Failure, Grid, Settings, Stop, Unwatched, Verdict};
use ask::Ask;
use chosen::Subject;
use classes::Found;

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// A point of the scenario's axes is no valid scenario.
    #[error("the scenario is not valid")]
    Invalid(Report),
    /// It was ended from outside.
    #[error("interrupted: a plan is whole or none")]
    Interrupted,
    /// A fault of the simulator.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// No threads to simulate on.
    #[error("cannot start the threads")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

/// The answers to a scenario.
#[derive(Clone, Debug)]
pub struct Answers {
    /// One a host, in the order of the scenario.
    pub classes: Vec<ClassAnswer>,
    /// The place in `classes` of the smallest that is safe.
    pub smallest_safe: Option<usize>,
    /// What is acceptable, and by how many replications it was judged.
    pub budget: Budget,
    /// Replications that looked for each percent, and that confirmed it.
    pub effort: Effort,
    /// Of whom the budget was asked: of a share of the hosts each by itself, or where `None` of their average.
    pub assurance: Option<f64>,
    /// Settings left to their defaults that move the answer, the farthest first, and by how much.
    pub decided_by_default: Vec<MeasureNext>,
    /// Risk by cause of the scenario as written.
    pub by_cause: Vec<CauseRisk>,
    /// What would take it away.
    pub remedies: Vec<Remedy>,
    /// What not knowing the inputs of the scenario as written does to its risk; `None` where its data does not fit.
    pub unknowns: Option<RiskOverUnknowns>,
    /// The risk however small, by importance sampling; `None` where it was not asked for.
    pub rare: Option<Rare>,
    /// What was asked of the one host that the rest is about; `None` where no class holds the data.
    pub chosen: Option<Chosen>,
}

/// A risk too small for plain simulation.
#[derive(Clone, Debug)]
pub struct Rare {
    /// The place in [`Answers::classes`] of the host that it is of; `None` where it is that of the scenario as written.
    pub class: Option<usize>,
    /// The percent to set there, to which it is full; `None` where the data is as written.
    pub percent: Option<f64>,
    /// The risk, or why there is no figure; `None` where the data does not fit, so that there is nothing to simulate.
    pub risk: Option<Result<RareRisk, Unresolved>>,
}

/// What a plan tells beyond what everybody wants to know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    /// The risk by importance sampling too.
    pub rare: bool,
    /// What alerts compare with.
    pub watch: bool,
}

/// Answers everything about `scenario`, with these `extras`.
///
/// # Errors
///
/// [`Trouble`]: a point of its axes that is not valid, an end from outside, or a fault of the simulator.
pub fn plan(
    scenario: &Scenario,
    extras: Extras,
    settings: Settings,
    cancelled: &AtomicBool,
) -> Result<Answers, Trouble> {
    let grid = Grid::new(scenario).map_err(Trouble::Invalid)?;
    let hosts = sweep::hosts(scenario).map_err(Trouble::Invalid)?;
    let ask = Ask::new(scenario, &grid, settings, cancelled);
    let is_as_given = grid.as_given.is_some() && grid.full.is_empty();
    let mut found =
        if is_as_given { as_given(&ask, &grid)? } else { classes::find(&ask, &hosts, grid.needed)? };
    let safe = found.iter().enumerate().filter(|(_, found)| found.answer.verdict == Verdict::Safe);
    let smallest_safe = safe.min_by_key(|(_, found)| found.answer.ram).map(|(place, _)| place);
    let subject = match smallest_safe.or_else(|| own_class(&found, scenario)) {
        Some(class) if is_as_given => Subject::as_given(&ask, &hosts, class, &found[class].answer, &grid)?,
        Some(class) => Subject::full(&hosts, class, &mut found[class]),
        None => None,
    };
    let chosen = subject.as_ref().map(|subject| subject.answers(&ask, scenario, extras)).transpose()?;
    let rare = if extras.rare { Some(rare(&ask, scenario, subject.as_ref())?) } else { None };
    let (by_cause, remedies) = causes::blame(&ask, scenario.as_written())?;
    let unknowns = if by_cause.is_empty() { None } else { Some(over_unknowns(&ask, scenario.as_written())?) };
    let classes = found.into_iter().map(|found| found.answer).collect();
    Ok(Answers {
        classes,
        smallest_safe,
        budget: ask.budget,
        effort: ask.effort,
        assurance: ask.assurance.filter(|_| !is_as_given),
        decided_by_default: decided_by_default(scenario, chosen.as_ref()),
        by_cause,
        remedies,
        unknowns,
        rare,
        chosen,
    })
}

/// How far a default has to move the answer to be named at its head: points of a percentage, or per cent of RAM.
const MOVES: f64 = 1.0;

/// The inputs that nobody gave and that move the answer.
fn decided_by_default(scenario: &Scenario, chosen: Option<&Chosen>) -> Vec<MeasureNext> {
    let unknowns = chosen.and_then(|chosen| chosen.further.as_ref()?.unknowns.as_ref());
    let next = unknowns.into_iter().flat_map(|unknowns| &unknowns.measure_next);
    next.filter(|next| next.spread >= MOVES && scenario.is_default(&next.input)).cloned().collect()
}

/// Where the data does not follow `maxmemory`, each host is asked with the data as given, and the RAM required beside
/// it.
fn as_given(ask: &Ask<'_>, grid: &Grid) -> Result<Vec<Found>, Trouble> {
    let found = sweep::run(grid, ask.settings, &Unwatched, ask.cancelled)?;
    match found.failures.first() {
        Some(failure) => Err(Trouble::Failed(failure.clone())),
        None if !found.complete => Err(Trouble::Interrupted),
        None => {
            let answers = decision::answers(grid, &found).into_iter();
            Ok(answers.map(|answer| Found { answer, to_set: None }).collect())
        }
    }
}

/// The risk of the chosen host, or else of the scenario as written, however small.
fn rare(ask: &Ask<'_>, scenario: &Scenario, subject: Option<&Subject<'_>>) -> Result<Rare, Trouble> {
    let case = subject.map_or(scenario.as_written(), |subject| &subject.case);
    let (class, percent) = (subject.map(|subject| subject.class), subject.and_then(Subject::percent));
    if !Simulation::new(case.host.clone()).fit().holds() {
        return Ok(Rare { class, percent, risk: None });
    }
    let pool = ask.settings.pool()?;
    let confidence = ask.budget.confidence;
    let found =
        pool.install(|| rare_risk(&case.host, ask.seed, confidence, rare::Effort::default(), ask.cancelled));
    match found {
        Err(Unresolved::Stopped(stop)) => Err(stop.into()),
        risk => Ok(Rare { class, percent, risk: Some(risk) }),
    }
}

/// What not knowing the inputs of `case` does to its risk.
fn over_unknowns(ask: &Ask<'_>, case: &Case) -> Result<RiskOverUnknowns, Trouble> {
    let pool = ask.settings.pool()?;
    let sizes = Sizes::default();
    // No more replications than the rest of the plan.
    let each = (ask.budget.most() / sizes.hosts).clamp(2, sizes.each);
    let (confidence, sizes) = (ask.budget.confidence, Sizes { each, ..sizes });
    Ok(pool.install(|| risk_over_unknowns(&case.host, ask.seed, confidence, sizes, ask.cancelled))?)
}

impl From<Stop> for Trouble {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Cancelled => Self::Interrupted,
            Stop::Failed { replication, message } => {
                Self::Failed(Failure { cell: "the plan".to_owned(), replication, message })
            }
        }
    }
}

/// The place of the host as written.
fn own_class(found: &[Found], scenario: &Scenario) -> Option<usize> {
    let own = scenario.as_written();
    let is_own = |answer: &ClassAnswer| answer.host_class == own.host_class && answer.ram == own.memory;
    found.iter().position(|found| is_own(&found.answer))
}
