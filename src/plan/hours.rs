//! When to back up: the risk of each hour, and whether the hour makes a difference at all.

use super::Trouble;
use super::ask::Ask;
use crate::model::Outcome;
use crate::scenario::Case;
use crate::stats::{Estimate, mean_difference};
use crate::sweep::full_to;
use crate::units::SimDuration;

const HOURS: u64 = 24;

/// Replications of each hour, all hours under the same weather.
const REPLICATIONS: u64 = 250;

/// The backup at one hour of the day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BackupHour {
    /// Hour of the day at which it is due, UTC.
    pub hour: u64,
    /// Incidents a year then, of all causes.
    pub incidents_per_year: Estimate,
}

/// The hours compared.
#[derive(Clone, Debug, PartialEq)]
pub struct BackupHours {
    /// The percent at which they are: where incidents are frequent enough to tell hours apart.
    pub percent: f64,
    /// Each hour, from 0.
    pub hours: Vec<BackupHour>,
    /// The hour with the fewest incidents.
    pub best: u64,
    /// The hour with the most.
    pub worst: u64,
    /// Incidents a year that the worst has more than the best, pair by pair under the same weather; the interval allows
    /// for having picked the two out of all pairs.
    pub difference: Estimate,
}

impl BackupHours {
    /// Whether the hour makes a difference.
    pub fn matters(&self) -> bool {
        self.difference.low > 0.0
    }
}

/// Compares the hours for a server of `case` full to `percent`; `None` without a scheduled backup.
pub fn compare(ask: &Ask<'_>, case: &Case, percent: f64) -> Result<Option<BackupHours>, Trouble> {
    if case.host.backup.is_none() {
        return Ok(None);
    }
    let at_hour = |hour: u64| {
        let mut case = full_to(percent, case.clone());
        if let Some(backup) = &mut case.host.backup {
            backup.at = SimDuration(hour * SimDuration::HOUR.0);
        }
        case
    };
    let budget = ask.by(REPLICATIONS);
    let cells = ask.cells((0..HOURS).map(at_hour).collect(), &budget)?;
    if cells.iter().any(|(_, outcomes)| outcomes.is_empty()) {
        return Ok(None);
    }
    let counts = |outcomes: &[Outcome]| outcomes.iter().map(Outcome::incidents).collect::<Vec<u32>>();
    let counts: Vec<Vec<u32>> = cells.iter().map(|(_, outcomes)| counts(outcomes)).collect();
    let hours: Vec<BackupHour> = (0..HOURS)
        .zip(&counts)
        .map(|(hour, counts)| BackupHour { hour, incidents_per_year: budget.rate_of(counts.iter().copied()) })
        .collect();
    let total = |hour: &u64| usize::try_from(*hour).map_or(0, |hour| counts[hour].iter().sum());
    let best = (0..HOURS).min_by_key(total).unwrap_or(0);
    let worst = (0..HOURS).max_by_key(total).unwrap_or(0);
    let of = |hour: u64| counts.iter().zip(0..).find(|(_, at)| *at == hour).map(|(counts, _)| counts);
    let differences: Vec<f64> = match (of(worst), of(best)) {
        (Some(worst), Some(best)) => {
            worst.iter().zip(best).map(|(&a, &b)| f64::from(a) - f64::from(b)).collect()
        }
        _ => Vec::new(),
    };
    let pairs = (HOURS * (HOURS - 1) / 2) as f64;
    let confidence = 1.0 - (1.0 - budget.confidence) / pairs;
    let Some(mean) = mean_difference(&differences, confidence) else { return Ok(None) };
    let years = budget.years();
    let difference = Estimate { value: mean.value / years, low: mean.low / years, high: mean.high / years };
    Ok(Some(BackupHours { percent, hours, best, worst, difference }))
}
