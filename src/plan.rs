//! The answers: what percent, which class, when, how much more, and which fork is to blame.
//!
//! | file | the question |
//! |---|---|
//! | `ask` | how the sweep is asked |
//! | `classes` | the percent of each class, found to half a per cent |
//! | `causes` | which fork is to blame, and what would take its risk away |
//! | `hours` | the best hour for the backup, and whether it matters |
//! | `limits` | how many more writes, and how many more days |
//! | `sensitivity` | what unknowns do to the answer, and what to measure next |
//! | `rules` | rules of thumb beside it |
//! | `confidence` | how sure, in kills a year |
//! | `fleet` | the smallest safe class alone, for one cluster of many |
//!
//! Questions are asked one after another, each of the host that the last answer chose: the classes first, then
//! everything else of the smallest that is safe, or of the host as written where none is. Owns which cells are asked
//! for; how a cell is simulated is `sweep`'s, what rows say is `decision`'s, and nothing here prints.

mod ask;
mod causes;
mod classes;
mod confidence;
mod fleet;
mod hours;
mod limits;
mod rules;
mod sensitivity;

use std::sync::atomic::AtomicBool;

pub use causes::{CauseRisk, Remedy};
pub use confidence::{Confidence, FLEET};
pub use fleet::{ClusterAnswer, cluster};
pub use hours::{BackupHour, BackupHours};
pub use rules::RuleOfThumb;
pub use sensitivity::{MeasureNext, Sensitivity};

use crate::decision::{self, ClassAnswer};
use crate::scenario::{Case, Report, Scenario};
use crate::sweep::rare::{Effort, RareRisk, Unresolved, rare_risk};
use crate::sweep::unknowns::{RiskOverUnknowns, Sizes, risk_over_unknowns};
use crate::sweep::{self, Budget, Failure, Grid, Settings, Stop, Unwatched, Verdict};
use ask::Ask;
use classes::{Found, ToSet};

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
    /// Risk by cause of the scenario as written.
    pub by_cause: Vec<CauseRisk>,
    /// What would take it away.
    pub remedies: Vec<Remedy>,
    /// What not knowing the inputs of the scenario as written does to its risk; `None` where its data does not fit.
    pub unknowns: Option<RiskOverUnknowns>,
    /// What was asked of the one host that the rest is about; `None` where no class holds the data.
    pub chosen: Option<Chosen>,
}

/// The further answers, of one host.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The place of its class in [`Answers::classes`].
    pub class: usize,
    /// The percent to set there: the survivable one, or the provider's cap below it.
    pub percent: f64,
    /// How sure.
    pub confidence: Option<Confidence>,
    /// The risk there however small, by importance sampling, or why there is no figure; `None` where it was not asked.
    pub rare: Option<Result<RareRisk, Unresolved>>,
    /// The hours of the backup compared; `None` without one.
    pub hours: Option<BackupHours>,
    /// The largest mean write rate within the budget \[1/s\].
    pub limiting_writes_per_second: Option<f64>,
    /// Days until growth makes the plan unsafe; `None` where nothing grows.
    pub safe_days: Option<f64>,
    /// What unknowns do, by effect.
    pub sensitivity: Vec<Sensitivity>,
    /// Rules of thumb.
    pub rules: Vec<RuleOfThumb>,
    /// What to measure next, by what it would settle.
    pub measure_next: Vec<MeasureNext>,
}

/// Answers everything about `scenario`; with `rare` also a risk too small for plain simulation.
///
/// # Errors
///
/// [`Trouble`]: a point of its axes that is not valid, an end from outside, or a fault of the simulator.
pub fn plan(
    scenario: &Scenario,
    rare: bool,
    settings: Settings,
    cancelled: &AtomicBool,
) -> Result<Answers, Trouble> {
    let grid = Grid::new(scenario).map_err(Trouble::Invalid)?;
    let hosts = sweep::hosts(scenario).map_err(Trouble::Invalid)?;
    let ask = Ask { budget: grid.budget.fixed(), seed: grid.seed, settings, cancelled };
    let mut found = if grid.as_given.is_some() && grid.full.is_empty() {
        as_given(&ask, &grid)?
    } else {
        classes::find(&ask, &hosts, grid.needed)?
    };
    let safe = found.iter().enumerate().filter(|(_, found)| found.answer.verdict == Verdict::Safe);
    let smallest_safe = safe.min_by_key(|(_, found)| found.answer.ram).map(|(place, _)| place);
    let place = smallest_safe.or_else(|| own_class(&found, scenario));
    let to_set = place.and_then(|class| Some((class, found[class].to_set.take()?)));
    let chosen = match to_set {
        Some((class, to_set)) => {
            let chosen = chosen(&ask, scenario, &hosts[class], class, &to_set)?;
            let rare = if rare { Some(rare_at(&ask, &hosts[class], chosen.percent)?) } else { None };
            Some(Chosen { rare, ..chosen })
        }
        None => None,
    };
    let (by_cause, remedies) = causes::blame(&ask, scenario.as_written())?;
    let unknowns = if by_cause.is_empty() { None } else { Some(over_unknowns(&ask, scenario.as_written())?) };
    let classes = found.into_iter().map(|found| found.answer).collect();
    Ok(Answers { classes, smallest_safe, budget: ask.budget, by_cause, remedies, unknowns, chosen })
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

/// The risk of the host at `percent`, however small.
fn rare_at(ask: &Ask<'_>, case: &Case, percent: f64) -> Result<Result<RareRisk, Unresolved>, Trouble> {
    let host = sweep::full_to(percent, case.clone()).host;
    let pool = ask.settings.pool()?;
    let found =
        pool.install(|| rare_risk(&host, ask.seed, ask.budget.confidence, Effort::default(), ask.cancelled));
    match found {
        Err(Unresolved::Stopped(stop)) => Err(stop.into()),
        found => Ok(found),
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

fn chosen(
    ask: &Ask<'_>,
    scenario: &Scenario,
    case: &Case,
    class: usize,
    to_set: &ToSet,
) -> Result<Chosen, Trouble> {
    let &ToSet { percent, ref row, ref outcomes } = to_set;
    let full = sweep::full_to(percent, case.clone());
    let sensitivity = sensitivity::sensitivities(ask, case, percent)?;
    let telling = sensitivity::telling_percent(ask, case)?;
    let sure =
        row.figures.as_ref().map(|figures| confidence::confidence(percent, figures, outcomes, &ask.budget));
    Ok(Chosen {
        class,
        percent,
        confidence: sure,
        rare: None,
        hours: hours::compare(ask, case, telling)?,
        limiting_writes_per_second: limits::writes_per_second(ask, &full)?,
        safe_days: limits::safe_days(&scenario.as_written().host, case, percent),
        measure_next: sensitivity::measure_next(&sensitivity, percent),
        sensitivity,
        rules: rules::judge(ask, case, percent)?,
    })
}
