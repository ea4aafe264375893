//! Past saves: what each copied, of how much, in what time.

use std::cmp::Ordering;

use super::exposure;
use crate::observe::info::{FieldError, Info, InfoError};
use crate::observe::record::Identity;
use crate::units::Bytes;

/// Which size of a save a history tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// The growth of the anonymous memory of server and child: what the host lost.
    Growth,
    /// `rdb_last_cow_size`: what the child reported at its end.
    Reported,
}

impl Measure {
    /// Its column in a measurements file.
    pub const fn column(self) -> &'static str {
        match self {
            Self::Growth => "anon_growth_peak_bytes",
            Self::Reported => "cow_last_reported_bytes",
        }
    }
}

/// One save that ended well.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PastSave {
    /// `used_memory` at its fork; in an INFO series that of the record, taken after the save.
    pub used_memory: Bytes,
    /// What it copied, above 0 \[bytes\].
    pub copied: f64,
    /// What it took \[s\].
    pub seconds: Option<f64>,
}

impl PastSave {
    /// Its effective exposure.
    pub fn exposure(&self) -> f64 {
        exposure::of_share(self.copied / self.used_memory.as_f64())
    }

    /// The effective exposure had it lasted so long with so much data, at the same rate of writes. Less than a second
    /// counts as half of one: INFO has whole seconds.
    pub fn exposure_in(&self, seconds: f64, used_memory: Bytes) -> f64 {
        let own = self.seconds.unwrap_or(seconds);
        let own = if own > 0.0 { own } else { 0.5 };
        self.exposure() * seconds / own * self.used_memory.as_f64() / used_memory.as_f64()
    }
}

/// The saves of one server in order of time.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// The saves, each once.
    pub saves: Vec<PastSave>,
    /// Which size they tell of.
    pub measure: Measure,
    /// `used_memory` when last seen.
    pub used_memory: Bytes,
}

/// Why a series of INFO texts is no history.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum HistoryError {
    /// A text is not INFO, or a field in it cannot be read.
    #[error("{error}")]
    Input {
        /// Which of the texts, from 0.
        index: usize,
        /// What is wrong with it.
        error: InfoError,
    },
    /// Two texts are of processes that ran at the same time.
    #[error("these are of two servers, which ran at the same time: forecast each by itself")]
    SeveralServers {
        /// Which of the texts, from 0.
        inputs: [usize; 2],
    },
}

impl HistoryError {
    /// The texts that it is about, from 0.
    pub fn inputs(&self) -> &[usize] {
        match self {
            Self::Input { index, .. } => std::slice::from_ref(index),
            Self::SeveralServers { inputs } => inputs,
        }
    }
}

/// Which way exposures have gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    /// Later saves were more exposed.
    Rising,
    /// Later saves were less exposed.
    Falling,
}

/// Below this the normal approximation of Kendall's statistic is taken as not good enough: a custom.
const FEWEST_FOR_A_TREND: usize = 10;

/// Standard deviations of Kendall's statistic that one history in a hundred without a trend exceeds, either way.
const ONE_IN_A_HUNDRED: f64 = 2.576;

impl History {
    /// The saves that a series of INFO texts tells of: one a text, known by its `rdb_last_save_time`, in the order of
    /// those. Texts without a `rdb_last_cow_size` tell of none.
    ///
    /// # Errors
    ///
    /// See [`HistoryError`].
    pub fn of_infos(texts: &[&str]) -> Result<Self, HistoryError> {
        let mut seen: Vec<(u64, Option<PastSave>, Bytes)> = Vec::new();
        let mut processes: Vec<Identity> = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            let of = |error| HistoryError::Input { index, error };
            let info = Info::parse(text).map_err(of)?;
            let process = Identity::of(&info).map_err(|error| of(error.into()))?;
            if let Some(other) = processes.iter().position(|other| other.ran_beside(&process)) {
                return Err(HistoryError::SeveralServers { inputs: [other, index] });
            }
            processes.push(process);
            seen.push(last_save(&info).map_err(|error| of(error.into()))?);
        }
        seen.sort_by_key(|(ended, ..)| *ended);
        let used_memory = seen.last().map_or(Bytes::ZERO, |(.., used)| *used);
        // Of two records after one save the first is the nearer to it.
        seen.dedup_by_key(|(ended, ..)| *ended);
        let saves = seen.into_iter().filter_map(|(_, save, _)| save).collect();
        Ok(Self { saves, measure: Measure::Reported, used_memory })
    }

    /// Whether exposures rise or fall with time, by the test of Mann and Kendall at 1 %; `None` where they do not, or
    /// the history is too short to say.
    ///
    /// Source: H. B. Mann, "Nonparametric tests against trend", Econometrica 13 (1945).
    pub fn trend(&self) -> Option<Trend> {
        let exposures: Vec<f64> = self.saves.iter().map(PastSave::exposure).collect();
        let n = exposures.len();
        if n < FEWEST_FOR_A_TREND {
            return None;
        }
        let sign = |earlier: f64, later: f64| match later.total_cmp(&earlier) {
            Ordering::Less => -1.0,
            Ordering::Equal => 0.0,
            Ordering::Greater => 1.0,
        };
        let pairs = exposures
            .iter()
            .enumerate()
            .flat_map(|(at, &earlier)| exposures[at + 1..].iter().map(move |&later| sign(earlier, later)));
        let (score, n): (f64, f64) = (pairs.sum(), n as f64);
        let deviation = (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
        let standard = (score.abs() - 1.0).max(0.0) / deviation;
        let trend = if score > 0.0 { Trend::Rising } else { Trend::Falling };
        (standard > ONE_IN_A_HUNDRED).then_some(trend)
    }
}

/// When the last save of an INFO ended \[s since 1970\], what it was, and `used_memory`.
fn last_save(info: &Info) -> Result<(u64, Option<PastSave>, Bytes), FieldError> {
    let used_memory = Bytes(info.required("used_memory")?);
    let ended = info.required("rdb_last_save_time")?;
    let seconds = info.count("rdb_last_bgsave_time_sec")?.map(|seconds| seconds as f64);
    let copied = info.count("rdb_last_cow_size")?.filter(|&bytes| bytes > 0);
    let save = copied.map(|bytes| PastSave { used_memory, copied: bytes as f64, seconds });
    Ok((ended, save, used_memory))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(ended: u64, cow: u64, used: u64) -> String {
        format!(
            "redis_version:7.0.15\nuptime_in_seconds:9000\nused_memory:{used}\nrdb_last_save_time:{ended}\n\
             rdb_last_bgsave_time_sec:4\nrdb_last_cow_size:{cow}\n"
        )
    }

    fn of(infos: &[String]) -> History {
        History::of_infos(&infos.iter().map(String::as_str).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn each_save_of_a_series_counts_once_and_in_its_order() {
        let texts = [info(300, 30, 1000), info(100, 10, 900), info(300, 30, 1100), info(200, 0, 950)];
        let history = of(&texts);
        let copied: Vec<f64> = history.saves.iter().map(|save| save.copied).collect();
        assert_eq!((copied, history.used_memory), (vec![10.0, 30.0], Bytes(1100)));
        assert_eq!(history.saves[1].used_memory, Bytes(1000));
    }

    #[test]
    fn a_text_that_is_no_info_is_named() {
        let error = History::of_infos(&[&info(1, 1, 1), "hello"]).unwrap_err();
        assert_eq!(error.inputs(), [1]);
        assert!(error.to_string().contains("not the INFO text"));
    }

    #[test]
    fn servers_that_ran_at_the_same_time_are_not_pooled() {
        let of = |run_id: &str, at: u64| {
            format!("{}run_id:{run_id}\nserver_time_usec:{}\n", info(at, 10, 900), at * 1_000_000)
        };
        let (first, beside, after) = (of("a", 20_000), of("b", 25_000), of("b", 40_000));
        let error = History::of_infos(&[&first, &beside]).unwrap_err();
        assert_eq!(error, HistoryError::SeveralServers { inputs: [0, 1] });
        assert_eq!(History::of_infos(&[&first, &after]).unwrap().saves.len(), 2);
    }

    #[test]
    fn a_trend_is_told_from_chance() {
        let history = |copied: &dyn Fn(u64) -> u64| {
            of(&(0..30).map(|save| info(save, copied(save), 1000)).collect::<Vec<_>>())
        };
        assert_eq!(history(&|save| 100 + save * 5 + save * 7 % 11).trend(), Some(Trend::Rising));
        assert_eq!(history(&|save| 300 - save * 5 + save * 7 % 11).trend(), Some(Trend::Falling));
        assert_eq!(history(&|save| 100 + save * 7 % 11).trend(), None);
    }
}
