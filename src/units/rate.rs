//! Rates of memory over time.

use std::fmt;
use std::str::FromStr;

use super::{Bytes, ParseBytesError, SimDuration};

/// A throughput [bytes/s].
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct ByteRate(pub f64);

impl ByteRate {
    /// How long `amount` takes at this rate.
    #[must_use]
    pub fn time_for(self, amount: Bytes) -> SimDuration {
        SimDuration::from_secs_f64(amount.as_f64() / self.0)
    }
}

impl FromStr for ByteRate {
    type Err = ParseBytesError;

    /// Reads `150 MiB/s`: a size and `/s`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let size =
            text.trim().strip_suffix("/s").ok_or_else(|| ParseBytesError::UnknownUnit(text.to_owned()))?;
        size.parse::<Bytes>().map(|bytes| Self(bytes.as_f64()))
    }
}

impl fmt::Display for ByteRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/s", Bytes::from_f64(self.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_size_per_second() {
        let rate: ByteRate = "150 MiB/s".parse().unwrap();
        assert_eq!(rate, ByteRate(157_286_400.0));
        assert_eq!(rate.to_string(), "150 MiB/s");
        assert_eq!(rate.time_for(Bytes::mib(300)), SimDuration::from_secs(2));
        assert!("150 MiB".parse::<ByteRate>().is_err());
        assert!("150 MB/s".parse::<ByteRate>().is_err());
    }
}
