//! Shares in per cent.

use std::fmt;

/// A share [%], 75 for three quarters.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Percent(pub f64);

impl Percent {
    /// The share as a factor: 0.75 for 75 %.
    #[must_use]
    pub fn fraction(self) -> f64 {
        self.0 / 100.0
    }
}

impl fmt::Display for Percent {
    /// At most one decimal: `75 %`, `62.5 %`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = format!("{:.1}", self.0);
        f.pad(&format!("{} %", number.trim_end_matches(".0")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_show_at_most_one_decimal() {
        assert_eq!(Percent(75.0).to_string(), "75 %");
        assert_eq!(Percent(62.5).to_string(), "62.5 %");
        assert!((Percent(75.0).fraction() - 0.75).abs() < f64::EPSILON);
    }
}
