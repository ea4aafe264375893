//! Where in a save something is highest, and when it first exceeds a limit.
//!
//! What a child gives back makes the cost of a save rise and fall, so its peak lies inside the save and is looked
//! for: on a grid first, since the load has a weather, then around the best point of it.

use crate::model::load::first_instant;
use crate::units::{SimDuration, SimTime};

/// Instants of the grid, beside the start: what lies within a twentieth of a save is one hill.
const LOOKS: u64 = 20;

/// Cuts of the golden section: the top is found to a thousandth of a save, its height to a millionth
/// (a few thousandths where a child's allocator purges by jumps).
const CUTS: u32 = 10;

/// 1/φ: what is left of an interval after a cut.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

/// Evenly spaced instants from `from` to `until`, both included.
pub(super) fn looks(from: SimTime, until: SimTime) -> impl Iterator<Item = SimTime> {
    let length = until.since(from).0;
    (0..=LOOKS).map(move |look| from + SimDuration(length / LOOKS * look + length % LOOKS * look / LOOKS))
}

/// When `value` is highest, of which so much is `seen` at the instants looked at; the last such where several are.
pub(super) fn highest(seen: &[(SimTime, f64)], value: impl Fn(SimTime) -> f64) -> SimTime {
    let top = seen.iter().enumerate().max_by(|(_, a), (_, b)| a.1.total_cmp(&b.1));
    let Some((index, &(at, height))) = top else { return SimTime::ZERO };
    let (before, after) = (seen[index.saturating_sub(1)].0, seen[(index + 1).min(seen.len() - 1)].0);
    let (refined, refined_height) = golden_section(before, after, &value);
    if refined_height > height { refined } else { at }
}

/// The top of a single hill between two instants, and its height.
fn golden_section(from: SimTime, until: SimTime, value: impl Fn(SimTime) -> f64) -> (SimTime, f64) {
    let width = until.since(from).as_secs_f64();
    let at = |share: f64| from + SimDuration::from_secs_f64(share * width);
    let (mut low, mut high) = (0.0, 1.0);
    let (mut left, mut right) = (1.0 - GOLDEN, GOLDEN);
    let (mut at_left, mut at_right) = (value(at(left)), value(at(right)));
    for _ in 0..CUTS {
        if at_left < at_right {
            (low, left, at_left) = (left, right, at_right);
            right = low + GOLDEN * (high - low);
            at_right = value(at(right));
        } else {
            (high, right, at_right) = (right, left, at_left);
            left = high - GOLDEN * (high - low);
            at_left = value(at(left));
        }
    }
    if at_left < at_right { (at(right), at_right) } else { (at(left), at_left) }
}

/// The first instant at which `reached` holds, to a millisecond, on a course that may rise and fall and is highest at
/// `peak`.
pub(super) fn first_crossing(
    from: SimTime,
    until: SimTime,
    peak: SimTime,
    reached: impl Fn(SimTime) -> bool,
) -> Option<SimTime> {
    if !reached(peak) {
        return None;
    }
    let mut before = from;
    let after_peak = std::iter::once(peak);
    let to_peak = looks(from, until).take_while(|&at| at < peak);
    for at in to_peak.chain(after_peak) {
        if reached(at) {
            return first_instant(before, at, reached);
        }
        before = at;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(value: f64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs_f64(value)
    }

    fn found(until: f64, value: impl Fn(SimTime) -> f64) -> SimTime {
        let seen: Vec<_> = looks(seconds(0.0), seconds(until)).map(|at| (at, value(at))).collect();
        highest(&seen, value)
    }

    fn hill(top: f64) -> impl Fn(SimTime) -> f64 {
        move |at| -(at.as_secs_f64() - top).powi(2)
    }

    #[test]
    fn the_top_is_found_wherever_it_lies() {
        for top in [0.0, 3.0, 57.7, 99.99, 100.0] {
            let found = found(100.0, hill(top)).as_secs_f64();
            assert!((found - top).abs() < 0.1, "{found} for {top}");
        }
    }

    #[test]
    fn the_higher_of_two_hills_is_taken() {
        let value = |at: SimTime| hill(20.0)(at).max(hill(80.0)(at) + 1.0);
        let found = found(100.0, value).as_secs_f64();
        assert!((found - 80.0).abs() < 0.1, "{found}");
    }

    #[test]
    fn a_flat_course_ends_where_it_ends() {
        assert_eq!(found(2.0, |_| 0.0), seconds(2.0));
    }

    #[test]
    fn the_first_crossing_is_on_the_way_up() {
        let value = hill(50.0);
        let reached = |at| value(at) > -100.0;
        let first = first_crossing(seconds(0.0), seconds(100.0), seconds(50.0), reached).unwrap();
        assert!((first.as_secs_f64() - 40.0).abs() < 0.002, "{first}");
        assert_eq!(first_crossing(seconds(0.0), seconds(100.0), seconds(50.0), |_| false), None);
    }
}
