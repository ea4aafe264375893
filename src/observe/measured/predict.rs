//! What the laws say of a measured save, from what was set and what describes its load and pace.

use super::full_sync::FullSync;
use super::limits::{self, Outcome};
use super::row::{Row, Timeline};
use super::subject::Subject;
use crate::memory::fork;
use crate::memory::save::{self, Cost, Moment, Save};

/// What the laws say of one row. A target that they do not cover is `None`.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The course of the save: copies and growth; empty where the row has no save that ended.
    pub course: Vec<Cost>,
    /// The largest growth of anonymous memory \[bytes\].
    pub anonymous_peak: Option<f64>,
    /// What the server would report as its last copy-on-write size \[bytes\].
    pub reported: Option<f64>,
    /// The pause of the fork: an interval \[µs\].
    pub fork_us: Option<(f64, f64)>,
    /// What becomes of it, for the series that are judged by it.
    pub outcome: Option<Outcome>,
    /// Memory asked for at the peak, where there is a limit \[bytes\].
    pub peak_memory: Option<f64>,
    /// Replica buffers at the peak, for full syncs \[bytes\].
    pub replica_buffers: Option<f64>,
    /// Whether saves of the engine were measured for its layout profile, or the layout was only read.
    pub is_layout_measured: bool,
}

/// Why a row cannot be predicted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unpredicted(pub String);

/// Moments of a save whose load and progress are known by their ends alone.
const STEPS: u32 = 100;

/// What the laws say of `row`, given the load and the progress of `timeline` where there is one.
///
/// # Errors
///
/// Where the row's server or load is not covered, or a column is missing without which nothing can be said.
pub fn predict(row: &Row, timeline: Option<&Timeline>) -> Result<Prediction, Unpredicted> {
    let subject = Subject::of(row)?;
    let limit = row.cgroup_limit_bytes.filter(|&bytes| bytes > 0.0);
    let moments = match (limit, timeline) {
        (Some(_), _) => limits::unlimited_moments(row, &subject),
        (None, Some(timeline)) => of_timeline(row, timeline, &subject),
        (None, None) => of_totals(row, &subject),
    };
    let resident = row.rss_bytes.or(row.used_memory_bytes);
    let save = Save {
        heap: &subject.heap,
        population: &subject.population,
        spreads: &subject.spreads,
        own_memory: subject.own_memory,
        gives_back: !has_huge_pages(row),
    };
    let course = save.course(&moments);
    let sync = FullSync::of(row, &subject, &course);
    let page_size = row.page_bytes.unwrap_or(4096);
    let peak = (!course.is_empty())
        .then(|| sync.map_or_else(|| save::peak(&course).anonymous(), |sync| sync.anonymous));
    // Swapped pages are in no process, and no law of ours says which are swapped.
    let peak = peak.filter(|_| row.swap_bytes.is_none_or(|bytes| bytes <= 0.0));
    let peak_memory = limits::peak_memory(row, &subject, peak);
    Ok(Prediction {
        anonymous_peak: peak,
        reported: peak.map(|_| save::last_cow_size(&course, resident.unwrap_or(0.0))),
        fork_us: resident.map(|bytes| fork::pause(bytes, page_size)),
        outcome: limits::outcome(row, peak_memory, sync.as_ref()),
        peak_memory,
        replica_buffers: sync.map(|sync| sync.buffers),
        is_layout_measured: subject.layout.measured,
        course,
    })
}

/// Whether the server ran on huge pages, so that its child could give nothing back.
fn has_huge_pages(row: &Row) -> bool {
    row.thp.as_deref() == Some("always") && row.thp_disabled_by_server == Some(0.0)
}

fn of_timeline(row: &Row, timeline: &Timeline, subject: &Subject) -> Vec<Moment> {
    let end = row.save_s.filter(|&seconds| seconds > 0.0).or(timeline.seconds.last().copied()).unwrap_or(1.0);
    let samples = timeline.seconds.iter().zip(&timeline.writes).enumerate();
    samples
        .map(|(index, (&seconds, &writes))| Moment {
            seconds,
            exposures: vec![subject.exposure(writes)],
            progress: timeline.progress.get(index).copied().unwrap_or((seconds / end).min(1.0)),
        })
        .collect()
}

/// The writes and the progress spread evenly over the save; empty where the row does not say how long it took.
fn of_totals(row: &Row, subject: &Subject) -> Vec<Moment> {
    let (Some(end), writes) = (row.save_s, row.writes_during_save.unwrap_or(0.0)) else { return Vec::new() };
    evenly(end, writes, subject)
}

/// A save of `seconds` with `writes` writes, both evenly.
pub(super) fn evenly(seconds: f64, writes: f64, subject: &Subject) -> Vec<Moment> {
    let moment = |step: u32| {
        let progress = f64::from(step) / f64::from(STEPS);
        Moment { seconds: progress * seconds, exposures: vec![subject.exposure(progress * writes)], progress }
    };
    (0..=STEPS).map(moment).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row {
            run_id: "a".into(),
            server: "redis".into(),
            version: "7.0.15".into(),
            series: "main".into(),
            op: "set".into(),
            value_bytes: Some(1024),
            nkeys: Some(400_000.0),
            rss_bytes: Some(5.5e8),
            writes_during_save: Some(50_000.0),
            save_s: Some(5.0),
            ..Row::default()
        }
    }

    #[test]
    fn what_was_measured_is_never_looked_at() {
        let measured = Row {
            anon_growth_peak_bytes: Some(1.0),
            cow_last_reported_bytes: Some(1.0),
            fork_us: Some(1.0),
            outcome: Some("parent_oom".into()),
            mem_clients_slaves_peak_bytes: Some(1.0),
            rdb_file_bytes: Some(1.0),
            ..row()
        };
        assert_eq!(predict(&row(), None), predict(&measured, None));
    }

    #[test]
    fn an_even_timeline_says_what_the_totals_say() {
        let steps = || (0..=100).map(|step| f64::from(step) / 100.0);
        let timeline = Timeline {
            seconds: steps().map(|share| share * 5.0).collect(),
            writes: steps().map(|share| share * 50_000.0).collect(),
            progress: steps().collect(),
            anonymous: Vec::new(),
        };
        let (even, totals) = (predict(&row(), Some(&timeline)).unwrap(), predict(&row(), None).unwrap());
        assert!((even.anonymous_peak.unwrap() / totals.anonymous_peak.unwrap() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn what_is_not_covered_is_said() {
        let reason = |row: Row| predict(&row, None).unwrap_err().to_string();
        assert_eq!(
            reason(Row { version: "6.2.1".into(), ..row() }),
            "there is no layout profile of redis-6.2"
        );
        assert_eq!(reason(Row { op: "lpush".into(), ..row() }), "a load of lpush is not modelled");
        assert_eq!(reason(Row { nkeys: None, ..row() }), "nkeys is missing");
    }

    #[test]
    fn keys_that_expire_are_copied_as_a_set_of_their_own() {
        let expiring =
            Row { op: "setex".into(), ttl_s: Some(4.0), target_rate_per_s: Some(5_000.0), ..row() };
        let peak = predict(&expiring, None).unwrap().anonymous_peak.unwrap();
        // About 24 thousand keys of 1.4 kB live at a time, and the hash table's 4 MiB.
        assert!((35e6..42e6).contains(&peak), "{peak}");
    }
}
