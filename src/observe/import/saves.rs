//! The saves that a series of records tells of, each once: when they came, what they copied, how fast they were.

use crate::observe::record::Record;
use crate::stats::interpolated_quantile;
use crate::units::Bytes;

/// Records of fewer saves show no spread.
const FEWEST_SAVES: usize = 3;

/// A save that ended well.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SeenSave {
    /// When it forked \[s since 1970\].
    pub(super) began: f64,
    /// When it ended \[s since 1970\].
    pub(super) ended: f64,
    /// `used_memory` of the record that first shows it.
    used_memory: Bytes,
    /// What it copied; `None` where that is not told, or nothing.
    copied: Option<Bytes>,
    /// What it took \[s\]; `None` where that is not told.
    seconds: Option<u64>,
}

impl SeenSave {
    /// The last save before a record. A server that has not saved yet counts from its start, which is none.
    fn last_of(record: &Record) -> Option<Self> {
        let forks = &record.forks;
        let (now, since) = (record.moment()?, forks.since_last_save_seconds?);
        let has_saved = forks.last_save_seconds.is_some() || forks.last_cow.is_some();
        let ended = (now - since as f64).floor();
        let is_start = since.abs_diff(record.server.uptime_seconds) <= 1;
        let took = forks.last_save_seconds.unwrap_or(0) as f64;
        (has_saved && !is_start).then_some(Self {
            began: ended - took,
            ended,
            used_memory: record.memory.used,
            copied: forks.last_cow,
            seconds: forks.last_save_seconds,
        })
    }
}

/// The saves that records in order of time tell of, each once. One that another followed before the next record is not
/// among them.
pub(super) fn saves(records: &[Record]) -> Vec<SeenSave> {
    let mut saves: Vec<SeenSave> = Vec::new();
    for save in records.iter().filter_map(SeenSave::last_of) {
        // The moment of an INFO and of the save are of whole seconds: one apart is the same save.
        if saves.last().is_none_or(|last| save.ended > last.ended + 1.0) {
            saves.push(save);
        }
    }
    saves
}

/// The slowest, the median and the fastest pace of the saves on record \[B/s\], and how many they are.
pub(super) fn paces(records: &[Record]) -> Option<([f64; 3], usize)> {
    let saves = saves(records);
    let timed = saves.iter().filter_map(|save| Some((save.used_memory, save.seconds.filter(|&s| s > 0)?)));
    let mut paces: Vec<f64> = timed.map(|(used, seconds)| used.as_f64() / seconds as f64).collect();
    paces.sort_by(f64::total_cmp);
    let ends = [paces.first().copied()?, interpolated_quantile(&paces, 0.5)?, paces.last().copied()?];
    (paces.len() >= FEWEST_SAVES).then_some((ends, paces.len()))
}

/// What the saves copied, in words.
pub(super) fn remarks(records: &[Record]) -> Vec<String> {
    let mut copied: Vec<f64> = saves(records).iter().filter_map(|save| Some(save.copied?.as_f64())).collect();
    copied.sort_by(f64::total_cmp);
    let ends = copied.first().zip(copied.last()).zip(interpolated_quantile(&copied, 0.5));
    let Some(((&low, &high), median)) = ends.filter(|_| copied.len() >= FEWEST_SAVES) else {
        return Vec::new();
    };
    let [low, median, high] = [low, median, high].map(Bytes::from_f64);
    vec![format!(
        "{} saves on record copied {low} to {high}, {median} in the middle (rdb_last_cow_size). `forkcast forecast` on \
         INFO texts says what the next one copies.",
        copied.len()
    )]
}

#[cfg(test)]
mod tests {
    use super::super::pattern::tests::observed;
    use super::*;

    #[test]
    fn each_save_is_counted_once() {
        let daily: Vec<_> = (0..10).map(|day| (day * 86_400, 100 + day)).collect();
        let records = observed(&daily, 500, 3_600, 10);
        assert_eq!(saves(&records).len(), 10);
        assert_eq!(paces(&records).unwrap().1, 10);
        assert!(remarks(&records)[0].starts_with("10 saves on record copied 100 MiB to 109 MiB"));
        assert!(paces(&records[..30]).is_none());
    }

    #[test]
    fn a_start_is_no_save() {
        let mut record = observed(&[(0, 10)], 500, 3_600, 1).remove(5);
        assert_eq!(saves(std::slice::from_ref(&record)).len(), 1);
        record.forks.since_last_save_seconds = Some(record.server.uptime_seconds);
        assert_eq!(saves(&[record]), []);
    }
}
