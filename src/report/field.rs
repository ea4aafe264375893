//! One value of a table, written alike to CSV and JSON.

use std::fmt;

use serde_json::Value;

use crate::units::Bytes;

/// A value in base units.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Field {
    /// Not known, not modelled or not applicable: an empty cell, `null` in JSON.
    Empty,
    /// A name or a sentence.
    Text(String),
    /// A count, or an amount of memory (bytes).
    Integer(u64),
    /// Anything else. Written with the fewest digits that read back as the same number.
    Float(f64),
    /// A claim that holds or not.
    Claim(bool),
}

impl Field {
    /// What JSON makes of it. JSON knows no infinity: `null`.
    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::Empty => Value::Null,
            Self::Text(text) => text.as_str().into(),
            Self::Integer(number) => (*number).into(),
            Self::Float(number) => (*number).into(),
            Self::Claim(claim) => (*claim).into(),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => Ok(()),
            Self::Text(text) => f.write_str(text),
            Self::Integer(number) => number.fmt(f),
            Self::Float(number) => number.fmt(f),
            Self::Claim(claim) => claim.fmt(f),
        }
    }
}

impl From<&str> for Field {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<u64> for Field {
    fn from(number: u64) -> Self {
        Self::Integer(number)
    }
}

impl From<u32> for Field {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<usize> for Field {
    fn from(number: usize) -> Self {
        Self::Integer(number as u64)
    }
}

impl From<f64> for Field {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<bool> for Field {
    fn from(claim: bool) -> Self {
        Self::Claim(claim)
    }
}

impl From<Bytes> for Field {
    fn from(bytes: Bytes) -> Self {
        Self::Integer(bytes.0)
    }
}

impl<T: Into<Self>> From<Option<T>> for Field {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Empty, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_keep_every_bit_through_text() {
        for number in [0.1 + 0.2, 1e-17, 1.0 / 3.0, f64::MAX, f64::MIN_POSITIVE] {
            let text = Field::from(number).to_string();
            assert_eq!(text.parse::<f64>().unwrap().to_bits(), number.to_bits(), "{text}");
        }
        assert_eq!(Field::from(75.0).to_string(), "75");
    }

    #[test]
    fn what_is_not_known_is_empty_or_null() {
        assert_eq!(Field::from(None::<f64>).to_string(), "");
        assert_eq!(Field::from(None::<f64>).to_json(), Value::Null);
        assert_eq!(Field::from(f64::INFINITY).to_json(), Value::Null);
    }
}
