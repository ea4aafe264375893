//! Simulated time.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::str::FromStr;

const SECOND: u64 = 1_000_000_000;

/// An instant of the simulation \[ns\]. Zero is Monday 00:00 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimTime(pub u64);

/// A span of simulated time \[ns\].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimDuration(pub u64);

impl SimTime {
    /// Monday 00:00 UTC, where every simulation starts.
    pub const ZERO: Self = Self(0);
    /// An instant that never comes.
    pub const NEVER: Self = Self(u64::MAX);

    /// Seconds since the start.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        SimDuration(self.0).as_secs_f64()
    }

    /// The span from `earlier` to this instant, zero where `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> SimDuration {
        SimDuration(self.0.saturating_sub(earlier.0))
    }
}

impl SimDuration {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// One second.
    pub const SECOND: Self = Self(SECOND);
    /// One minute.
    pub const MINUTE: Self = Self(60 * SECOND);
    /// One hour.
    pub const HOUR: Self = Self(3_600 * SECOND);
    /// One day.
    pub const DAY: Self = Self(86_400 * SECOND);

    /// `n` whole seconds.
    #[must_use]
    pub const fn from_secs(n: u64) -> Self {
        Self(n.saturating_mul(SECOND))
    }

    /// `n` milliseconds.
    #[must_use]
    pub const fn from_millis(n: u64) -> Self {
        Self(n.saturating_mul(SECOND / 1_000))
    }

    /// The nearest span to `seconds`: the one place where a sampled or computed time becomes an integer.
    ///
    /// Negative values and NaN become zero, values beyond 584 years saturate.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "float casts saturate")]
    pub fn from_secs_f64(seconds: f64) -> Self {
        let nanoseconds = seconds * SECOND as f64;
        // As `round`, which is a call on processors before SSE 4.1, and this is asked for at every fork.
        let whole = nanoseconds as u64;
        Self(whole.saturating_add(u64::from(nanoseconds - whole as f64 >= 0.5)))
    }

    /// This span in seconds.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "exact to a nanosecond up to 104 days, to a microsecond for ages"
    )]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / SECOND as f64
    }
}

impl Add<SimDuration> for SimTime {
    type Output = Self;

    /// Saturates at [`SimTime::NEVER`].
    fn add(self, span: SimDuration) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Add for SimDuration {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for SimDuration {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for SimTime {
    type Output = SimDuration;

    /// # Panics
    ///
    /// Where `earlier` is later: simulated time never runs backwards. Use [`SimTime::since`] where it may be.
    fn sub(self, earlier: Self) -> SimDuration {
        SimDuration(self.0.checked_sub(earlier.0).expect("simulated time never runs backwards"))
    }
}

impl fmt::Display for SimTime {
    /// Day of the simulation (from 1) and clock: `day 3 22:03:17`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / SECOND;
        let (day, clock) = (seconds / 86_400 + 1, seconds % 86_400);
        f.pad(&format!("day {day} {:02}:{:02}:{:02}", clock / 3_600, clock / 60 % 60, clock % 60))
    }
}

impl fmt::Display for SimDuration {
    /// The two largest units that matter: `3d 4h`, `12m 5s`, `1.5 s`, `20 ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pair = |large: u64, small: u64, names: (&str, &str)| match self.0 % large / small {
            0 => format!("{}{}", self.0 / large, names.0),
            rest => format!("{}{} {}{}", self.0 / large, names.0, rest, names.1),
        };
        let text = match *self {
            span if span >= Self::DAY => pair(Self::DAY.0, Self::HOUR.0, ("d", "h")),
            span if span >= Self::HOUR => pair(Self::HOUR.0, Self::MINUTE.0, ("h", "m")),
            span if span >= Self::MINUTE => pair(Self::MINUTE.0, SECOND, ("m", "s")),
            span if span >= Self::SECOND => {
                let seconds = format!("{:.1}", span.as_secs_f64());
                format!("{} s", seconds.trim_end_matches(".0"))
            }
            span => format!("{:.0} ms", span.as_secs_f64() * 1e3),
        };
        f.pad(&text)
    }
}

/// Why a duration was not understood. The text is a fragment that fits after "invalid duration: ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseDurationError {
    /// Not a number with a unit of time.
    #[error("`{0}` is not a duration; write for example `90s`, `30m`, `24h` or `30d`")]
    NotADuration(String),
    /// Below zero.
    #[error("`{0}` is negative")]
    Negative(String),
}

impl FromStr for SimDuration {
    type Err = ParseDurationError;

    /// Reads `90s`, `1h 30m`, `30d`, `250ms` and ISO 8601 (`PT15M`). A day is 24 hours.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let not_a_duration = || ParseDurationError::NotADuration(text.to_owned());
        let span: jiff::Span = text.trim().parse().map_err(|_| not_a_duration())?;
        let relative = jiff::SpanRelativeTo::days_are_24_hours();
        let duration = span.to_duration(relative).map_err(|_| not_a_duration())?;
        if duration.is_negative() {
            return Err(ParseDurationError::Negative(text.to_owned()));
        }
        u64::try_from(duration.as_nanos()).map(Self).map_err(|_| not_a_duration())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_friendly_and_iso_form() {
        for (text, span) in [
            ("90s", SimDuration::from_secs(90)),
            ("30m", SimDuration::from_secs(1_800)),
            ("1h 30m", SimDuration::from_secs(5_400)),
            ("30d", SimDuration::from_secs(30 * 86_400)),
            ("250ms", SimDuration::from_millis(250)),
            ("PT15M", SimDuration::from_secs(900)),
        ] {
            assert_eq!(text.parse::<SimDuration>().unwrap(), span, "{text}");
        }
        assert!(matches!("-5m".parse::<SimDuration>(), Err(ParseDurationError::Negative(_))));
        assert!(matches!("soon".parse::<SimDuration>(), Err(ParseDurationError::NotADuration(_))));
        assert!(matches!("2 months".parse::<SimDuration>(), Err(ParseDurationError::NotADuration(_))));
    }

    #[test]
    fn times_read_as_day_and_clock() {
        let time = SimTime::ZERO + SimDuration::from_secs(2 * 86_400 + 22 * 3_600 + 3 * 60 + 17);
        assert_eq!(time.to_string(), "day 3 22:03:17");
    }

    #[test]
    fn durations_display_their_two_largest_units() {
        for (seconds, text) in
            [(0.02, "20 ms"), (1.5, "1.5 s"), (725.0, "12m 5s"), (7_200.0, "2h"), (273_600.0, "3d 4h")]
        {
            assert_eq!(SimDuration::from_secs_f64(seconds).to_string(), text);
        }
    }

    #[test]
    fn time_saturates_instead_of_wrapping() {
        assert_eq!(SimTime::NEVER + SimDuration::DAY, SimTime::NEVER);
        assert_eq!(SimDuration::from_secs_f64(-1.0), SimDuration::ZERO);
    }
}
