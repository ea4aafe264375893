//! Memory sizes.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};
use std::str::FromStr;

/// An amount of memory \[bytes\].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

const SUFFIXES: [(&str, u32); 5] = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10), ("B", 0)];

impl Bytes {
    /// No memory at all.
    pub const ZERO: Self = Self(0);

    /// `n` KiB (2^10 bytes each).
    #[must_use]
    pub const fn kib(n: u64) -> Self {
        Self(n << 10)
    }

    /// `n` MiB (2^20 bytes each).
    #[must_use]
    pub const fn mib(n: u64) -> Self {
        Self(n << 20)
    }

    /// `n` GiB (2^30 bytes each).
    #[must_use]
    pub const fn gib(n: u64) -> Self {
        Self(n << 30)
    }

    /// The whole number of bytes that holds `bytes`: the one place where a law's result becomes an integer.
    ///
    /// Rounds up, so that a demand is never understated; negative values and NaN become zero and
    /// values beyond 2^64 saturate.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "float casts saturate")]
    pub fn from_f64(bytes: f64) -> Self {
        // As `ceil`, which is a call on processors before SSE 4.1, and this is asked for at every look at a host.
        let whole = bytes as u64;
        Self(whole.saturating_add(u64::from(bytes > whole as f64)))
    }

    /// This amount as a float, exact up to 2^53 bytes (8 PiB).
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "exact up to 8 PiB, beyond any host")]
    pub fn as_f64(self) -> f64 {
        self.0 as f64
    }

    /// This amount in GiB.
    #[must_use]
    pub fn as_gib(self) -> f64 {
        self.as_f64() / (1u64 << 30) as f64
    }

    /// The difference, or zero where `other` is larger.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The difference, or `None` where `other` is larger.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// `factor` times this amount, rounded up. See [`Bytes::from_f64`].
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self::from_f64(self.as_f64() * factor)
    }
}

impl Add for Bytes {
    type Output = Self;

    /// Saturates: an overflow is a demand that no host can meet.
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Bytes {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Bytes {
    type Output = Self;

    /// # Panics
    ///
    /// Where `other` is larger: memory is never negative. Use [`Bytes::saturating_sub`] where it may be.
    fn sub(self, other: Self) -> Self {
        self.checked_sub(other).expect("memory is never negative")
    }
}

impl Sum for Bytes {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Bytes {
    /// The largest binary unit that keeps the number at 1 or above, with at most two decimals: `31.36 GiB`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (suffix, shift) =
            SUFFIXES.into_iter().find(|&(_, shift)| self.0 >> shift > 0).unwrap_or(("B", 0));
        let amount = self.as_f64() / (1u64 << shift) as f64;
        let decimals = format!("{amount:.2}");
        let number = decimals.trim_end_matches('0').trim_end_matches('.');
        f.pad(&format!("{number} {suffix}"))
    }
}

/// Why a size was not understood. The text is a fragment that fits after "invalid size: ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseBytesError {
    /// A decimal or bare unit that means two things in this field.
    #[error("`{0}` means 10^9 on a price list and 2^30 in valkey.conf; write KiB, MiB, GiB or TiB")]
    Ambiguous(String),
    /// A unit that is no unit of memory.
    #[error("`{0}` is not a unit of memory; write B, KiB, MiB, GiB or TiB")]
    UnknownUnit(String),
    /// No number before the unit.
    #[error("`{0}` does not start with a number")]
    NotANumber(String),
    /// A number without a unit.
    #[error("`{0}` has no unit; write B, KiB, MiB, GiB or TiB")]
    NoUnit(String),
    /// Below zero.
    #[error("`{0}` is negative")]
    Negative(String),
    /// 2^64 bytes or more.
    #[error("`{0}` is more than 16 EiB")]
    TooLarge(String),
}

impl FromStr for Bytes {
    type Err = ParseBytesError;

    /// Reads `31.36 GiB`, `512 B`, `4KiB`. Units are KiB, MiB, GiB, TiB and B, as written.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let split = text.find(|c: char| !(c.is_ascii_digit() || ".-+_".contains(c))).unwrap_or(text.len());
        let (number, unit) = (text[..split].replace('_', ""), text[split..].trim());
        let amount: f64 = number.parse().map_err(|_| ParseBytesError::NotANumber(text.to_owned()))?;
        let shift = unit_shift(unit, text)?;
        if amount < 0.0 {
            return Err(ParseBytesError::Negative(text.to_owned()));
        }
        let bytes = amount * (1u64 << shift) as f64;
        if bytes >= u64::MAX as f64 {
            return Err(ParseBytesError::TooLarge(text.to_owned()));
        }
        Ok(Self::from_f64(bytes))
    }
}

fn unit_shift(unit: &str, text: &str) -> Result<u32, ParseBytesError> {
    if let Some(&(_, shift)) = SUFFIXES.iter().find(|(suffix, _)| *suffix == unit) {
        return Ok(shift);
    }
    let ambiguous = ["kb", "mb", "gb", "tb", "k", "m", "g", "t"];
    match unit.to_ascii_lowercase() {
        lower if lower.is_empty() => Err(ParseBytesError::NoUnit(text.to_owned())),
        lower if ambiguous.contains(&lower.as_str()) => Err(ParseBytesError::Ambiguous(unit.to_owned())),
        _ => Err(ParseBytesError::UnknownUnit(unit.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_round_trip_through_text() {
        for (text, bytes) in [
            ("0 B", 0),
            ("512 B", 512),
            ("1 KiB", 1024),
            ("1.5 KiB", 1536),
            ("64 MiB", 64 << 20),
            ("31.36 GiB", 33_672_543_601),
        ] {
            assert_eq!(text.parse::<Bytes>().unwrap(), Bytes(bytes));
            assert_eq!(Bytes(bytes).to_string(), text);
        }
        assert_eq!("4KiB".parse::<Bytes>().unwrap(), Bytes::kib(4));
    }

    #[test]
    fn decimal_and_bare_units_are_refused() {
        for text in ["64 GB", "1gb", "1g"] {
            assert!(matches!(text.parse::<Bytes>(), Err(ParseBytesError::Ambiguous(_))), "{text}");
        }
        assert!(matches!("64".parse::<Bytes>(), Err(ParseBytesError::NoUnit(_))));
        assert!(matches!("-1 GiB".parse::<Bytes>(), Err(ParseBytesError::Negative(_))));
        assert!(matches!("GiB".parse::<Bytes>(), Err(ParseBytesError::NotANumber(_))));
        assert!(matches!("3 furlongs".parse::<Bytes>(), Err(ParseBytesError::UnknownUnit(_))));
        assert!(matches!("99999999 TiB".parse::<Bytes>(), Err(ParseBytesError::TooLarge(_))));
    }

    #[test]
    fn floats_round_up_and_saturate() {
        assert_eq!(Bytes::from_f64(0.1), Bytes(1));
        assert_eq!(Bytes::from_f64(-3.0), Bytes::ZERO);
        assert_eq!(Bytes::from_f64(f64::NAN), Bytes::ZERO);
        assert_eq!(Bytes::from_f64(f64::INFINITY), Bytes(u64::MAX));
        assert_eq!(Bytes(u64::MAX) + Bytes(1), Bytes(u64::MAX));
    }
}
