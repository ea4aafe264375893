//! When to back up: the risk of each hour, and whether the hour makes a difference at all.

use super::Trouble;
use super::ask::Ask;
use super::room::{Room, Rooms};
use crate::model::Outcome;
use crate::model::host::Backup;
use crate::stats::{Estimate, mean_difference};
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
    /// The room at which they are: where incidents are frequent enough to tell hours apart.
    pub room: Room,
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

/// Compares the hours for data with so much `room`; `None` without a scheduled backup.
pub fn compare(ask: &Ask<'_>, rooms: Rooms<'_>, room: Room) -> Result<Option<BackupHours>, Trouble> {
    let case = rooms.case(room);
    let Some(backup) = case.host.backup else { return Ok(None) };
    let at_hour = |hour: u64| {
        let mut case = case.clone();
        case.host.backup = Some(Backup { at: SimDuration(hour * SimDuration::HOUR.0), ..backup });
        case
    };
    let budget = ask.by(REPLICATIONS);
    let cells = ask.cells((0..HOURS).map(at_hour).collect(), &budget)?;
    let incidents: Vec<Vec<u32>> =
        cells.iter().map(|(_, outcomes)| outcomes.iter().map(Outcome::incidents).collect()).collect();
    let rate_at = |(hour, counts): (u64, &Vec<u32>)| BackupHour {
        hour,
        incidents_per_year: budget.rate_of(counts.iter().copied()),
    };
    let totals = || (0..).zip(&incidents).map(|(hour, counts)| (counts.iter().sum::<u32>(), hour, counts));
    let (Some(best), Some(worst)) = (totals().min_by_key(|(n, ..)| *n), totals().max_by_key(|(n, ..)| *n))
    else {
        return Ok(None);
    };
    let differences: Vec<f64> =
        worst.2.iter().zip(best.2).map(|(&more, &less)| f64::from(more) - f64::from(less)).collect();
    let pairs = (HOURS * (HOURS - 1) / 2) as f64;
    let confidence = 1.0 - (1.0 - budget.confidence) / pairs;
    // None where the data does not fit.
    let Some(mean) = mean_difference(&differences, confidence) else { return Ok(None) };
    let years = budget.years();
    Ok(Some(BackupHours {
        room,
        hours: (0..HOURS).zip(&incidents).map(rate_at).collect(),
        best: best.1,
        worst: worst.1,
        difference: Estimate { value: mean.value / years, low: mean.low / years, high: mean.high / years },
    }))
}
