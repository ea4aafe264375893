//! The whole days of a recorded load, minute by minute, scaled to a mean of 1.
//!
//! A recorded value is a rate, or a count over its step: either way it holds from its timestamp to the next one. A
//! minute has the mean over its time, so that no peak is flattened by its neighbours, and a load recorded every minute
//! or every five gives the same days.

use std::collections::BTreeMap;

use super::{Point, TraceProblem};

/// Minutes of a day. Finer than a minute a trace is not looked at: the noise of the minute covers the rest.
pub const MINUTES_A_DAY: usize = 1440;
const MINUTE: f64 = 60.0;
const DAY: f64 = 86_400.0;

/// How many usual steps a value may hold, as clocks and recorders are late at times; where the next comes later, it
/// holds for one, and the rest is a gap.
const LATE: f64 = 1.5;

/// The whole days of a trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Days {
    /// For each day the factors of its minutes.
    pub factors: Vec<Vec<f64>>,
    /// What of them was not recorded.
    pub gaps: Gaps,
}

/// Stretches of a trace longer than its usual step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    /// How many begin within the days.
    pub count: usize,
    /// Minutes that are not recorded at all.
    pub minutes: usize,
    /// Those of them that no other day has either.
    pub held: usize,
}

/// What is recorded of a minute.
#[derive(Clone, Copy, Debug, Default)]
struct Minute {
    /// Value times time.
    sum: f64,
    /// Time recorded \[s\].
    seconds: f64,
}

/// Every day of which something is recorded, by its number since 1970.
type Recorded = BTreeMap<u64, Vec<Minute>>;

impl Days {
    /// The whole days of `points`, which are in order of time.
    ///
    /// A day is whole if the recording reaches to within one usual step of its ends. What is not recorded of one is
    /// taken from the same minutes of the nearest one that has them; a day without any record is left out.
    pub fn of(points: &[Point]) -> Result<Self, TraceProblem> {
        let too_short =
            || TraceProblem::new("the trace holds no whole day", "record at least from 00:00 to 24:00 UTC");
        let (Some(first), Some(last)) = (points.first(), points.last()) else {
            return Err(TraceProblem::new("the trace is empty", "add rows: 2014-04-10 00:04:00,94.0"));
        };
        let step = usual_step(points).ok_or_else(too_short)?;
        if step > DAY {
            let message = "the values of the trace are more than a day apart";
            return Err(TraceProblem::new(
                message,
                "record at least once an hour: the shape of a day is used",
            ));
        }
        let mut recorded = recorded(points, step);
        let whole = ((first.0 - step) / DAY).ceil()..((last.0 + step) / DAY).floor();
        recorded.retain(|&day, _| whole.contains(&(day as f64)));
        if recorded.is_empty() {
            return Err(too_short());
        }
        let days = filled(&recorded);
        let mean = days.factors.iter().flatten().sum::<f64>() / (days.factors.len() * MINUTES_A_DAY) as f64;
        if mean <= 0.0 {
            let message = "the trace holds no load";
            return Err(TraceProblem::new(message, "all values of its whole days are zero"));
        }
        Ok(days.scaled(1.0 / mean))
    }

    fn scaled(mut self, by: f64) -> Self {
        self.factors.iter_mut().flatten().for_each(|factor| *factor *= by);
        self
    }
}

/// The median of the times between rows.
fn usual_step(points: &[Point]) -> Option<f64> {
    let mut steps: Vec<f64> = points.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    steps.sort_by(f64::total_cmp);
    steps.get(steps.len() / 2).copied()
}

/// Spreads every value over the minutes in which it holds.
fn recorded(points: &[Point], step: f64) -> Recorded {
    let mut days = Recorded::new();
    for (row, &(from, value)) in points.iter().enumerate() {
        let next = points.get(row + 1).map_or(f64::INFINITY, |(at, _)| *at);
        let until = if next - from > LATE * step { from + step } else { next };
        let mut at = from;
        while at < until {
            let minute = (at / MINUTE).floor();
            let end = ((minute + 1.0) * MINUTE).min(until);
            let (day, of_day) = place(minute);
            let minutes = days.entry(day).or_insert_with(|| vec![Minute::default(); MINUTES_A_DAY]);
            minutes[of_day].sum += value * (end - at);
            minutes[of_day].seconds += end - at;
            at = end;
        }
    }
    days
}

/// The day of a minute since 1970, and the minute within it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "timestamps are from 0 to 1e11 s"
)]
fn place(minute: f64) -> (u64, usize) {
    let minute = minute as u64;
    (minute / MINUTES_A_DAY as u64, (minute % MINUTES_A_DAY as u64) as usize)
}

/// The mean over what is recorded of a minute.
fn mean(minute: &Minute) -> Option<f64> {
    (minute.seconds > 0.0).then(|| minute.sum / minute.seconds)
}

/// The days as they are recorded, and what is missing of them from the nearest day that has it; where none has, the
/// value before holds on.
fn filled(recorded: &Recorded) -> Days {
    let minutes = || {
        let of_day = |(&day, minutes): (&u64, &Vec<Minute>)| {
            let each = minutes.iter().map(mean).enumerate();
            each.map(move |(number, mean)| (day, number, mean)).collect::<Vec<_>>()
        };
        recorded.iter().flat_map(of_day)
    };
    let place_of = |(day, number, mean): (u64, usize, Option<f64>)| mean.map(|_| (day, number));
    let (begin, end) = (minutes().find_map(place_of), minutes().rev().find_map(place_of));
    let mut before = minutes().find_map(|(_, _, mean)| mean).unwrap_or_default();
    let (mut gaps, mut factors, mut was_missing) = (Gaps::default(), Vec::new(), false);
    for (day, number, mean) in minutes() {
        let factor = mean.or_else(|| nearest(recorded, day, number));
        // What the first and the last day lack at the ends of the recording is less than a step: no gap.
        let is_gap = mean.is_none() && Some((day, number)) > begin && Some((day, number)) < end;
        gaps.count += usize::from(is_gap && !was_missing);
        gaps.minutes += usize::from(is_gap);
        gaps.held += usize::from(is_gap && factor.is_none());
        was_missing = is_gap;
        before = factor.unwrap_or(before);
        factors.push(before);
    }
    Days { factors: factors.chunks(MINUTES_A_DAY).map(<[f64]>::to_vec).collect(), gaps }
}

/// What the nearest other day has for a minute, the earlier of two as near.
fn nearest(recorded: &Recorded, day: u64, number: usize) -> Option<f64> {
    let of_day = |(&other, minutes): (&u64, &Vec<Minute>)| Some((other, mean(&minutes[number])?));
    let earlier = recorded.range(..day).rev().find_map(of_day);
    let later = recorded.range(day + 1..).find_map(of_day);
    let by_distance = |&(other, _): &(u64, f64)| other.abs_diff(day);
    earlier.into_iter().chain(later).min_by_key(by_distance).map(|(_, mean)| mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows every `step` seconds for so many days, of a value by time.
    fn rows(step: u64, days: u64, value: impl Fn(u64) -> f64) -> Vec<Point> {
        (0..days * 86_400).step_by(usize::try_from(step).unwrap()).map(|at| (at as f64, value(at))).collect()
    }

    /// A load that jumps every five minutes.
    fn jumps(at: u64) -> f64 {
        (at / 300 * 7_919 % 101) as f64
    }

    #[test]
    fn whole_days_are_kept_and_scaled_and_cut_off_ones_dropped() {
        let hours = (7..80u32).map(|hour| (f64::from(hour) * 3_600.0, f64::from(1 + hour / 24)));
        let days = Days::of(&hours.collect::<Vec<_>>()).unwrap();
        // Days 1 and 2 are whole; 0 begins at 07:00 and 3 ends at 08:00.
        assert_eq!((days.factors.len(), days.gaps), (2, Gaps::default()));
        assert!(days.factors.iter().all(|day| day.len() == MINUTES_A_DAY));
        assert!((days.factors[0][720] - 0.8).abs() < 1e-12 && (days.factors[1][720] - 1.2).abs() < 1e-12);
    }

    #[test]
    fn every_minute_or_every_five_is_the_same_load() {
        let (one, five) = (rows(60, 3, jumps), rows(300, 3, jumps));
        assert_eq!(Days::of(&one).unwrap().factors.len(), 3);
        assert_close(&Days::of(&one).unwrap(), &Days::of(&five).unwrap());
        // Counts of a minute are a fifth of those of five minutes, and only the shape counts.
        let counts: Vec<Point> = one.iter().map(|(at, value)| (*at, value / 5.0)).collect();
        assert_close(&Days::of(&counts).unwrap(), &Days::of(&five).unwrap());
    }

    fn assert_close(one: &Days, other: &Days) {
        assert_eq!((one.factors.len(), one.gaps), (other.factors.len(), other.gaps));
        let pairs = one.factors.iter().flatten().zip(other.factors.iter().flatten());
        assert!(pairs.into_iter().all(|(one, other)| (one - other).abs() < 1e-9));
    }

    /// A step of 90 s: minute 1 is half of one value and half of the next; nothing is lost of the mean.
    #[test]
    fn a_minute_of_two_values_has_their_mean_by_time() {
        let days = Days::of(&rows(90, 1, |at| (at / 90 % 2 * 2) as f64)).unwrap();
        let first = days.factors[0].iter().zip([0.0, 1.0, 2.0, 0.0]);
        assert!(first.into_iter().all(|(factor, expected)| (factor - expected).abs() < 1e-12));
        let seconds = Days::of(&rows(7, 2, |at| (at % 5) as f64)).unwrap();
        let mean = seconds.factors.iter().flatten().sum::<f64>() / 2_880.0;
        assert!((mean - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_late_row_is_no_gap() {
        let mut late = rows(300, 2, jumps);
        late[100].0 += 100.0;
        let days = Days::of(&late).unwrap();
        assert_eq!(days.gaps, Gaps::default());
        assert!(
            (days.factors[0][500] / days.factors[0][499] - 1.0).abs() < 1e-12,
            "the row before holds until it"
        );
    }

    /// Days of the loads 1, 2, 4 and 8 with the same jumps: the hours that the second and the third lack.
    #[test]
    fn a_gap_has_the_same_minutes_of_the_nearest_day() {
        let load = |at: u64| f64::from(1u32 << (at / 86_400)) * (1.0 + jumps(at % 86_400));
        let mut points = rows(300, 4, load);
        let hours = |day: u64, hours: std::ops::Range<u64>| {
            (day * 24 + hours.start) as f64 * 3_600.0..(day * 24 + hours.end) as f64 * 3_600.0
        };
        let off = [hours(1, 10..14), hours(2, 12..16)];
        points.retain(|(at, _)| !off.iter().any(|off| off.contains(at)));
        let days = Days::of(&points).unwrap();
        assert_eq!(days.gaps, Gaps { count: 2, minutes: 8 * 60, held: 0 });
        let scale = days.factors[0][0] / load(0);
        let is_of = |day: usize, hour: usize, from: u64| {
            let at = from * 86_400 + hour as u64 * 3_600;
            (days.factors[day][hour * 60] / scale / load(at) - 1.0).abs() < 1e-9
        };
        assert!(is_of(1, 10, 0) && is_of(1, 13, 0), "the earlier of two as near");
        assert!(is_of(2, 15, 1) && is_of(2, 13, 3), "and the next one where that has a gap itself");
        assert!(is_of(1, 9, 1) && is_of(1, 14, 1) && is_of(2, 11, 2) && is_of(2, 16, 2), "as recorded");
    }

    #[test]
    fn where_no_other_day_helps_the_value_before_holds_on() {
        let mut points = rows(3_600, 1, |at| (at / 3_600) as f64);
        points.retain(|(at, _)| !(36_000.0..50_400.0).contains(at));
        let days = Days::of(&points).unwrap();
        assert_eq!(days.gaps, Gaps { count: 1, minutes: 240, held: 240 });
        assert!((days.factors[0][13 * 60] / days.factors[0][9 * 60] - 1.0).abs() < 1e-12);
        assert!((days.factors[0][14 * 60] / days.factors[0][9 * 60] - 14.0 / 9.0).abs() < 1e-12);
    }

    #[test]
    fn days_without_any_record_are_left_out() {
        let mut points = rows(600, 6, jumps);
        points.retain(|(at, _)| !(1.25..4.5).contains(&(at / DAY)));
        let days = Days::of(&points).unwrap();
        // Days 1 and 4 are recorded in part, 2 and 3 not at all.
        assert_eq!((days.factors.len(), days.gaps.count, days.gaps.minutes), (4, 1, 1_080 + 720));
    }
}
