//! The next save, forecast from past ones alone: what it will copy, with an interval, the load unknown.
//!
//! The laws are conditional: they hold given the writes, the duration and the popularity, and nobody knows those of the
//! next save. What is known is a history, and the next save is taken to be one more of its kind:
//!
//! ```text
//! past saves ──► exposure of each (the law inverted) ──► predictive distribution ──► the law at today's used_memory
//! ```
//!
//! | module | owns |
//! |---|---|
//! | [`mod@history`] | past saves, from INFO texts |
//! | `reading` | past saves, from a CSV |
//! | [`exposure`] | the law of one page and its inverse |
//! | [`predictive`] | what a sample says of the next draw |
//! | `words`, `document` | the forecast for people, and for programs |
//!
//! Leaves out what the load is: where that is known, [`predict()`](crate::observe::measured::predict) is the law's
//! word.

mod document;
pub mod exposure;
pub mod history;
pub mod predictive;
mod reading;
mod words;

use crate::units::Bytes;

pub use history::{History, HistoryError, Measure, PastSave};
pub use predictive::{Method, Predictive};
pub use reading::history;

/// Fewer past saves have no spread to speak of.
pub const FEWEST_SAVES: usize = 3;

/// What is known of the next save.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Next {
    /// `used_memory` at its fork; that of the last record where nothing is said.
    pub used_memory: Option<Bytes>,
    /// How long it will take \[s\]; as long as the history says where nothing is said.
    pub seconds: Option<f64>,
    /// Memory that is free for copies when it forks.
    pub headroom: Option<Bytes>,
}

/// Why there is no forecast.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ForecastError {
    /// Too few past saves.
    #[error(
        "{0} past saves with a measured size: {FEWEST_SAVES} at least, and {needed} for an interval that assumes no \
         distribution; add INFO texts from after other saves",
        needed = predictive::enough(0.9)
    )]
    TooFewSaves(usize),
    /// A duration is asked about, and the history has none.
    #[error(
        "the past saves have no duration (`save_s`, `rdb_last_bgsave_time_sec`): leave --save-duration out"
    )]
    NoDurations,
}

/// A figure of the next save: where half of all lie below, and the interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// As likely exceeded as not.
    pub median: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// The next save.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// What it copies \[bytes\].
    pub copied: Range,
    /// How long it takes \[s\]; `None` where the history does not tell, or it was given.
    pub seconds: Option<Range>,
    /// The chance that the interval holds the save.
    pub confidence: f64,
    /// How the interval was made.
    pub method: Method,
    /// Past saves behind it.
    pub saves: usize,
    /// `used_memory` at the fork.
    pub used_memory: Bytes,
    /// Which size of a save it is.
    pub measure: Measure,
    /// Memory free for copies, and the chance that the save needs more.
    pub overflow: Option<(Bytes, f64)>,
    /// Whether exposures have been rising or falling: then the next one is not of the same kind.
    pub trend: Option<history::Trend>,
}

impl Forecast {
    /// The forecast from a history.
    ///
    /// An absolute rate of writes dirties r bytes of pages a second and a save of M bytes at a throughput of v takes
    /// M/v: the exposure u = r (M/v) / M = r/v does not depend on M. So past exposures stand for the next one as they
    /// are, and today's `used_memory` turns them to bytes. Where the next duration S is given, each is first made that
    /// of such a save: uᵢ (S/Sᵢ) (Mᵢ/M).
    ///
    /// # Errors
    ///
    /// See [`ForecastError`].
    pub fn new(history: &History, next: &Next, confidence: f64) -> Result<Self, ForecastError> {
        let saves = &history.saves;
        if saves.len() < FEWEST_SAVES {
            return Err(ForecastError::TooFewSaves(saves.len()));
        }
        let used_memory = next.used_memory.unwrap_or(history.used_memory);
        let exposures: Option<Vec<f64>> = match next.seconds {
            None => Some(saves.iter().map(PastSave::exposure).collect()),
            Some(seconds) => {
                let scaled = saves.iter().filter(|save| save.seconds.is_some());
                let scaled: Vec<_> = scaled.map(|save| save.exposure_in(seconds, used_memory)).collect();
                (scaled.len() >= FEWEST_SAVES).then_some(scaled)
            }
        };
        let exposures = exposures.ok_or(ForecastError::NoDurations)?;
        let predictive =
            Predictive::new(exposures.iter().map(|exposure| exposure.ln()).collect(), confidence);
        let bytes = |log_exposure: f64| exposure::share(log_exposure.exp()) * used_memory.as_f64();
        let overflow = next.headroom.map(|headroom| {
            let exposure = exposure::of_share(headroom.as_f64() / used_memory.as_f64());
            (headroom, predictive.above(exposure.ln()))
        });
        Ok(Self {
            copied: predictive.range(confidence, bytes),
            seconds: next.seconds.is_none().then(|| seconds(saves, used_memory, confidence)).flatten(),
            confidence,
            method: predictive.method,
            saves: exposures.len(),
            used_memory,
            measure: history.measure,
            overflow,
            trend: history.trend(),
        })
    }
}

/// How long a save of so much takes, at the throughputs of the past.
fn seconds(saves: &[PastSave], used_memory: Bytes, confidence: f64) -> Option<Range> {
    let paces = saves.iter().filter_map(|save| Some(save.seconds? / save.used_memory.as_f64()));
    // A duration of 0 is one of less than a second, in INFO.
    let logs: Vec<f64> = paces.filter(|&pace| pace > 0.0).map(f64::ln).collect();
    let predictive = (logs.len() >= FEWEST_SAVES).then(|| Predictive::new(logs, confidence))?;
    Some(predictive.range(confidence, |log_pace| log_pace.exp() * used_memory.as_f64()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(saves: impl IntoIterator<Item = (u64, f64, f64)>) -> History {
        let save = |(mib, share, seconds): (u64, f64, f64)| PastSave {
            used_memory: Bytes::mib(mib),
            copied: Bytes::mib(mib).as_f64() * share,
            seconds: Some(seconds),
        };
        let saves: Vec<_> = saves.into_iter().map(save).collect();
        History { used_memory: saves.last().unwrap().used_memory, saves, measure: Measure::Growth }
    }

    fn steady(saves: u32) -> History {
        history((0..saves).map(|save| (100, 0.3 + 0.001 * f64::from(save * 7 % saves), 10.0)))
    }

    #[test]
    fn data_that_grew_twofold_copy_the_same_share() {
        let (history, now) = (steady(30), Bytes::mib(100));
        let then = Next { used_memory: Some(Bytes::mib(200)), ..Next::default() };
        let small =
            Forecast::new(&history, &Next { used_memory: Some(now), ..Next::default() }, 0.9).unwrap();
        let large = Forecast::new(&history, &then, 0.9).unwrap();
        assert!((large.copied.high / small.copied.high - 2.0).abs() < 1e-9);
        assert!((large.seconds.unwrap().median - 20.0).abs() < 1e-6);
    }

    /// Twice the time for the same data is twice the exposure: 1 − (1 − φ)².
    #[test]
    fn a_save_that_lasts_twice_as_long_saturates_as_the_law_says() {
        let history = history((0..30).map(|_| (100, 0.3, 10.0)));
        let next = Next { seconds: Some(20.0), ..Next::default() };
        let forecast = Forecast::new(&history, &next, 0.9).unwrap();
        assert!((forecast.copied.median / Bytes::mib(100).as_f64() - 0.51).abs() < 1e-9);
        assert_eq!(forecast.seconds, None);
    }

    #[test]
    fn the_chance_to_overflow_is_half_at_the_median() {
        let history = steady(31);
        let median = Forecast::new(&history, &Next::default(), 0.9).unwrap().copied.median;
        let chance = |bytes: f64| {
            let headroom = Some(Bytes::from_f64(bytes));
            let next = Next { headroom, ..Next::default() };
            Forecast::new(&history, &next, 0.9).unwrap().overflow.unwrap().1
        };
        assert!((chance(median) - 0.5).abs() < 0.01);
        assert!(chance(median / 2.0) > 0.95 && chance(median * 2.0) < 0.05);
    }

    #[test]
    fn two_saves_are_too_few() {
        assert_eq!(Forecast::new(&steady(2), &Next::default(), 0.9), Err(ForecastError::TooFewSaves(2)));
    }
}
