//! One host is not a fleet: how many of the hosts that the inputs may describe exceed the budget each by itself.
//!
//! Whoever has a thousand hosts cares for their average. Whoever has one cares whether it is among those that carry the
//! risk. Both are said; which one decides is the scenario's `risk.assurance`.

use super::Trouble;
use super::ask::Ask;
use super::room::{Room, Rooms};
use crate::stats::Estimate;

/// The share of hosts that the percent for "nine in ten" is about.
pub const NINE_IN_TEN: f64 = 0.9;

/// The hosts of the answer: none of those that chose a percent.
const OF_THE_ANSWER: u64 = 0;

/// Tries of a percent at which a share of the hosts is to hold the budget.
const TRIES: u64 = 6;

/// How many single hosts exceed the budget.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Assurance {
    /// The share of them in the room that the plan gives the data.
    pub beyond: Estimate,
    /// The least room in which nine in ten are estimated to hold it; `None` where none of those looked at is enough.
    pub nine_in_ten: Option<Room>,
    /// Whether less room than any that was looked at might do.
    pub is_open: bool,
}

/// How many hosts exceed the budget with so much `room`; `None` where it would take too long.
pub fn assurance(ask: &Ask<'_>, rooms: Rooms<'_>, room: Room) -> Result<Option<Assurance>, Trouble> {
    let (ladder, step) = (rooms.ladder(|_| {}), room.step());
    let found = ask.beyond(&ladder, step, ask.budget.confidence, OF_THE_ANSWER)?;
    Ok(found.and_then(|found| {
        let most = 1.0 - NINE_IN_TEN;
        let nine_in_ten = found.last_within(most).map(|step| rooms.room(step));
        Some(Assurance { beyond: found.at(step)?, nine_in_ten, is_open: found.is_open_above(most) })
    }))
}

/// The last step up to `step` at which a `share` of the hosts hold the budget each by itself, confirmed at the plan's
/// confidence by hosts that had no part in choosing it; `None` where none was, or where it would take too long.
///
/// As with the budget itself, every try has hosts of its own and half the error of the one before.
pub fn assured(ask: &Ask<'_>, rooms: Rooms<'_>, step: usize, share: f64) -> Result<Option<usize>, Trouble> {
    let ladder = rooms.ladder(|_| {});
    let (mut step, mut error) = (step, 1.0 - ask.budget.confidence);
    for number in 1..=TRIES {
        error /= 2.0;
        // Only the upper end decides.
        let found = ask.beyond(&ladder, step, 1.0 - 2.0 * error, OF_THE_ANSWER + number)?;
        let Some(found) = found else { return Ok(None) };
        if found.at(step).is_some_and(|beyond| beyond.high <= 1.0 - share) {
            return Ok(Some(step));
        }
        // Where the upper end would have been low enough, on the hosts that were seen.
        let within =
            (0..step).rev().find(|&step| found.at(step).is_some_and(|beyond| beyond.high <= 1.0 - share));
        let Some(lower) = within else { return Ok(None) };
        step = lower;
    }
    Ok(None)
}
