//! Axes: from a quantity to a place on the paper, and the ticks between.

const MINUTE: f64 = 60.0;
const HOUR: f64 = 3_600.0;
const DAY: f64 = 86_400.0;

/// A straight map from a quantity to pixels; the pixels may run either way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    /// The quantities at both ends.
    pub(super) from: f64,
    pub(super) to: f64,
    /// Where they lie (px).
    pub(super) start: f64,
    pub(super) end: f64,
}

impl Axis {
    /// Where `value` lies (px); beyond the ends it stays at the end.
    pub(super) fn place(&self, value: f64) -> f64 {
        let span = self.to - self.from;
        let share = if span > 0.0 { ((value - self.from) / span).clamp(0.0, 1.0) } else { 0.0 };
        self.start + (self.end - self.start) * share
    }

    /// Whether `value` lies between the ends.
    pub(super) fn holds(&self, value: f64) -> bool {
        (self.from..=self.to).contains(&value)
    }
}

/// Multiples of `step` in `from..=to`.
pub(in crate::report) fn multiples(from: f64, to: f64, step: f64) -> Vec<f64> {
    let mut tick = (from / step).ceil();
    let mut ticks = Vec::new();
    while tick * step <= to && ticks.len() < 1_000 {
        ticks.push(tick * step);
        tick += 1.0;
    }
    ticks
}

/// A step of 1, 2 or 5 times a power of ten with at most `most` steps up to `span`.
pub(super) fn decimal_step(span: f64, most: f64) -> f64 {
    let least = span / most;
    if least <= 0.0 || !least.is_finite() {
        return 1.0;
    }
    let power = 10_f64.powf(least.log10().floor());
    let fits = |factor: &f64| factor * power >= least;
    [1.0, 2.0, 5.0].into_iter().find(fits).unwrap_or(10.0) * power
}

/// A step of 1, 2, 4, 8 … GiB with at most `most` steps up to `span` (GiB).
pub(in crate::report) fn binary_step(span: f64, most: f64) -> f64 {
    let mut step: f64 = 1.0 / 1024.0;
    while span / step > most && step < 1e9 {
        step *= 2.0;
    }
    step
}

/// A step of a clock or calendar (s) with at most `most` steps in `span`.
pub(super) fn time_step(span: f64, most: f64) -> f64 {
    let seconds = [1.0, 2.0, 5.0, 10.0, 20.0, 30.0];
    let minutes = [1.0, 2.0, 5.0, 10.0, 20.0, 30.0].map(|n| n * MINUTE);
    let hours = [1.0, 2.0, 4.0, 6.0, 12.0].map(|n| n * HOUR);
    let days = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0].map(|n| n * DAY);
    let mut steps = seconds.into_iter().chain(minutes).chain(hours).chain(days);
    steps.find(|step| span / step <= most).unwrap_or_else(|| decimal_step(span / DAY, most) * DAY)
}

/// A step of elapsed time (s) with at most `most` steps in `span`, also of fractions of a second.
pub(in crate::report) fn elapsed_step(span: f64, most: f64) -> f64 {
    if span < most { decimal_step(span, most) } else { time_step(span, most) }
}

/// What a tick of elapsed time says where ticks are `step` apart: `0.5 s`, `40 s`, `5 min`, `36 h`.
pub(in crate::report) fn elapsed(seconds: f64, step: f64) -> String {
    let (unit, name) = match step {
        HOUR.. => (HOUR, "h"),
        MINUTE.. => (MINUTE, "min"),
        _ => (1.0, "s"),
    };
    // Ticks are multiples of a step; the last bits of the product are no part of them.
    format!("{} {name}", (seconds / unit * 1e6).round() / 1e6)
}

/// What a tick of time says where ticks are `step` apart: the day, the clock to the minute or to the second.
pub(super) fn time_label(seconds: f64, step: f64) -> String {
    let (day, clock) = ((seconds / DAY).floor(), seconds.rem_euclid(DAY));
    if step >= DAY || (clock < 0.5 && step >= HOUR) {
        return format!("day {}", day + 1.0);
    }
    let (hours, minutes) = ((clock / HOUR).floor(), (clock % HOUR / MINUTE).floor());
    if step >= MINUTE {
        format!("{hours:02}:{minutes:02}")
    } else {
        format!("{hours:02}:{minutes:02}:{:02}", (clock % MINUTE).floor())
    }
}

/// A moment in words: `day 3, 22:14`.
pub(super) fn moment(seconds: f64) -> String {
    format!("day {}, {}", (seconds / DAY).floor() + 1.0, time_label(seconds.rem_euclid(DAY), MINUTE))
}

/// A span in words: `30 days`, `36 hours`, `20 minutes`.
pub(super) fn span(seconds: f64) -> String {
    let units = [(DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (1.0, "second")];
    let whole = |&(unit, _): &(f64, &str)| seconds >= unit && (seconds / unit).fract() < 1e-9;
    let roomy = |&(unit, _): &(f64, &str)| seconds >= 2.0 * unit;
    let (unit, name) = units.into_iter().find(|unit| whole(unit) || roomy(unit)).unwrap_or((1.0, "second"));
    let number = format!("{:.1}", seconds / unit);
    let number = number.trim_end_matches(".0");
    format!("{number} {name}{}", if number == "1" { "" } else { "s" })
}

/// A span to the minute, or to the second below two of them: `14 minutes`.
pub(super) fn rough_span(seconds: f64) -> String {
    let grain = if seconds < 2.0 * MINUTE { 1.0 } else { MINUTE };
    span((seconds / grain).floor() * grain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_people_say_them() {
        let texts = [30.0 * DAY, DAY, 36.0 * HOUR, 90.0 * MINUTE, 30.0, 0.5, 0.0].map(span);
        assert_eq!(
            texts,
            ["30 days", "1 day", "36 hours", "90 minutes", "30 seconds", "0.5 seconds", "0 seconds"]
        );
    }

    #[test]
    fn ticks_are_few_and_round() {
        for span in [0.5, 3.0, 90.0, 600.0, 5.0 * HOUR, 3.0 * DAY, 30.0 * DAY, 4_000.0 * DAY] {
            let step = time_step(span, 10.0);
            assert!(multiples(0.0, span, step).len() <= 11, "{span}: {step}");
        }
        assert_eq!(time_label(2.0 * DAY + 22.5 * HOUR, 600.0), "22:30");
        assert_eq!(time_label(2.0 * DAY, 6.0 * HOUR), "day 3");
        assert_eq!(moment(2.0 * DAY + 22.5 * HOUR), "day 3, 22:30");
        assert!((decimal_step(37_000.0, 3.0) - 20_000.0).abs() < 1e-6);
        assert!((binary_step(32.0, 5.0) - 8.0).abs() < 1e-12);
        assert!((decimal_step(0.0, 3.0) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn elapsed_time_has_the_unit_of_its_ticks() {
        let label = |seconds, span| elapsed(seconds, elapsed_step(span, 6.0));
        assert_eq!(
            [label(0.3, 0.9), label(40.0, 60.0), label(600.0, 900.0), label(7_200.0, 30_000.0)],
            ["0.3 s", "40 s", "10 min", "2 h"]
        );
    }

    #[test]
    fn a_place_stays_on_the_paper() {
        let axis = Axis { from: 0.0, to: 10.0, start: 100.0, end: 0.0 };
        assert!((axis.place(5.0) - 50.0).abs() < 1e-12);
        assert!((axis.place(99.0)).abs() < 1e-12);
        let point = Axis { from: 1.0, to: 1.0, start: 0.0, end: 9.0 };
        assert!(point.place(1.0).is_finite());
    }
}
