//! What becomes of a save under a limit: of the control group, of the kernel's commitments, of a replica's buffer.

use super::duration;
use super::full_sync::FullSync;
use super::predict::evenly;
use super::row::Row;
use super::subject::Subject;
use crate::memory::container::{self, SnapshotFile};
use crate::memory::oom::{self, CHILD_SCORE_ADJ, Candidate, KillRule, Process, SERVER_FILE_PAGES};
use crate::memory::overcommit::{self, HeapMapping, Overcommit};
use crate::memory::save::Moment;
use crate::memory::{RdbCache, child, rdb};
use crate::units::Bytes;

/// What became of a save.
///
/// Of the outcomes in measurements files, `save_failed` and `parent_died` name what no law here leads to: a full
/// disk, a crash; `not_finished` is a time-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It succeeded.
    Ok,
    /// The OOM killer took the child.
    ChildOom,
    /// The OOM killer took the server.
    ParentOom,
    /// The fork was refused.
    ForkFailed,
    /// A full sync never came to an end.
    SyncNotCompleted,
}

impl Outcome {
    /// Its name in measurements files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::ChildOom => "child_oom",
            Self::ParentOom => "parent_oom",
            Self::ForkFailed => "fork_failed",
            Self::SyncNotCompleted => "sync_not_completed",
        }
    }
}

/// The kernel that these files were measured on.
const KERNEL: (u32, u32) = (6, 18);

/// The course of a save as if nothing were limited: at the rate asked for, over the time that it would take.
pub(super) fn unlimited_moments(row: &Row, subject: &Subject) -> Vec<Moment> {
    let seconds = duration::seconds(row, subject);
    evenly(seconds, row.target_rate_per_s.unwrap_or(0.0) * seconds, subject)
}

/// Memory asked for at the peak \[bytes\]; `None` without a limit.
///
/// ```text
/// anonymous memory at the fork + its largest growth + page tables of both + margin
/// ```
///
/// The margin is that of [`container::margin`]: kernel memory and the page cache that cannot be reclaimed. The rest
/// of the cache gives way and is not part of it.
pub(super) fn peak_memory(row: &Row, subject: &Subject, growth: Option<f64>) -> Option<f64> {
    row.cgroup_limit_bytes.filter(|&bytes| bytes > 0.0)?;
    let tables = 2.0 * page_tables(row);
    Some(row.anon_at_fork_bytes? + growth? + tables + container::margin(snapshot_file(row, subject)))
}

/// Of one process.
fn page_tables(row: &Row) -> f64 {
    let resident = row.rss_bytes.or(row.anon_at_fork_bytes).unwrap_or(0.0);
    child::page_tables(resident, row.page_bytes.unwrap_or(4096))
}

fn snapshot_file(row: &Row, subject: &Subject) -> SnapshotFile {
    let bytes = subject.keys() * rdb::record_bytes(subject.kind) as f64;
    match row.save_kind.as_deref() {
        Some(kind) if kind.contains("diskless") || kind.contains("dual") => SnapshotFile::None,
        _ if row.save_medium.as_deref() == Some("tmpfs") => SnapshotFile::InMemory(bytes),
        // The file of a disk-based sync is kept for its transfer.
        Some(kind) if kind.contains("sync") => SnapshotFile::OnDisk(bytes, RdbCache::Kept),
        _ => SnapshotFile::OnDisk(bytes, subject.layout.rdb_cache),
    }
}

/// What becomes of the save; `None` for rows that are not judged by it.
pub(super) fn outcome(row: &Row, peak_memory: Option<f64>, sync: Option<&FullSync>) -> Option<Outcome> {
    let killed = match (row.cgroup_limit_bytes, peak_memory) {
        (Some(limit), Some(need)) if limit > 0.0 && need > limit => Some(killed(row, limit)),
        _ => None,
    };
    match row.series.as_str() {
        "oom" => killed.or(peak_memory.map(|_| Outcome::Ok)),
        "overcommit" if is_fork_admitted(row) => Some(killed.unwrap_or(Outcome::Ok)),
        "overcommit" => Some(Outcome::ForkFailed),
        "fullsync" => killed.or_else(|| {
            sync.map(|sync| if sync.completes { Outcome::Ok } else { Outcome::SyncNotCompleted })
        }),
        _ => None,
    }
}

/// Who is killed of server and child, alone in a control group of `limit` bytes.
///
/// Both map the whole data set; the server has the program's text besides, and the child offers itself under
/// `oom-score-adj yes`.
fn killed(row: &Row, limit: f64) -> Outcome {
    let resident = Bytes::from_f64(row.rss_bytes.or(row.anon_at_fork_bytes).unwrap_or(0.0));
    let offers_itself = row.oom_score_adj.as_deref().is_some_and(|setting| setting != "no");
    let process = |resident: Bytes, score_adj: i64, parent: Option<usize>| Process {
        candidate: Candidate {
            resident,
            swapped: Bytes::ZERO,
            page_tables: Bytes::from_f64(page_tables(row)),
            score_adj,
        },
        parent,
    };
    let child_adj = if offers_itself { CHILD_SCORE_ADJ } else { 0 };
    let processes = [process(resident + SERVER_FILE_PAGES, 0, None), process(resident, child_adj, Some(0))];
    let page_size = Bytes(row.page_bytes.unwrap_or(4096));
    match oom::victim(KillRule::of_kernel(KERNEL), &processes, Bytes::from_f64(limit), page_size) {
        Some(1) => Outcome::ChildOom,
        _ => Outcome::ParentOom,
    }
}

/// Whether the kernel grants the fork, under the mode in force then, to a heap mapped under the mode at the start.
fn is_fork_admitted(row: &Row) -> bool {
    let mode = |column: Option<f64>| match column {
        Some(2.0) => Overcommit::Never { ratio: 0.0 },
        Some(1.0) => Overcommit::Always,
        _ => Overcommit::Heuristic,
    };
    let (at_start, now) = (mode(row.overcommit_at_start), mode(row.overcommit_memory));
    let is_counted = HeapMapping::Jemalloc5.is_counted(at_start);
    let counted = if is_counted { row.rss_bytes.unwrap_or(0.0) } else { 0.0 };
    match now {
        // The file says what is left of the limit, not what the limit is made of.
        Overcommit::Never { .. } => {
            row.commit_headroom_bytes.is_none_or(|headroom| overcommit::fits_commitments(counted, headroom))
        }
        Overcommit::Always | Overcommit::Heuristic => {
            let (ram, swap) = (row.ram_bytes.unwrap_or(f64::INFINITY), row.swap_bytes.unwrap_or(0.0));
            let request = overcommit::ForkRequest {
                kernel: KERNEL,
                counted,
                committed_elsewhere: 0.0,
                ram,
                swap,
                free: ram + swap - counted,
            };
            overcommit::fork_is_admitted(now, &request)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn under(limit: f64, oom_score_adj: &str) -> Option<Outcome> {
        let row = Row {
            series: "oom".into(),
            cgroup_limit_bytes: Some(limit),
            rss_bytes: Some(5e8),
            oom_score_adj: Some(oom_score_adj.into()),
            ..Row::default()
        };
        outcome(&row, Some(1e9), None)
    }

    #[test]
    fn the_server_is_killed_unless_its_child_offers_itself() {
        assert_eq!(under(1.1e9, "no"), Some(Outcome::Ok));
        assert_eq!(under(0.9e9, "no"), Some(Outcome::ParentOom));
        assert_eq!(under(0.9e9, "yes"), Some(Outcome::ChildOom));
    }

    #[test]
    fn a_limit_counts_in_a_full_sync_too() {
        let sync = FullSync { buffers: 0.0, anonymous: 0.0, completes: true };
        let row = Row {
            series: "fullsync".into(),
            cgroup_limit_bytes: Some(1e9),
            rss_bytes: Some(5e8),
            ..Row::default()
        };
        assert_eq!(outcome(&row, Some(1.1e9), Some(&sync)), Some(Outcome::ParentOom));
        assert_eq!(outcome(&row, Some(0.9e9), Some(&sync)), Some(Outcome::Ok));
        let cut = FullSync { completes: false, ..sync };
        assert_eq!(outcome(&row, None, Some(&cut)), Some(Outcome::SyncNotCompleted));
    }

    #[test]
    fn only_a_server_started_under_mode_2_is_refused_its_fork() {
        let row = |at_start, now| Row {
            series: "overcommit".into(),
            rss_bytes: Some(4e9),
            ram_bytes: Some(24e9),
            overcommit_memory: Some(now),
            overcommit_at_start: Some(at_start),
            commit_headroom_bytes: Some(7e9),
            ..Row::default()
        };
        assert_eq!(outcome(&row(2.0, 2.0), None, None), Some(Outcome::ForkFailed));
        for (at_start, now) in [(0.0, 0.0), (0.0, 1.0), (0.0, 2.0), (2.0, 1.0), (2.0, 0.0)] {
            assert_eq!(outcome(&row(at_start, now), None, None), Some(Outcome::Ok), "{at_start} {now}");
        }
    }

    fn idle(server: &str, version: &str, medium: &str) -> f64 {
        let row = Row {
            server: server.into(),
            version: version.into(),
            op: "idle".into(),
            value_bytes: Some(1024),
            nkeys: Some(391_275.0),
            rss_bytes: Some(5.562e8),
            anon_at_fork_bytes: Some(5.465e8),
            cgroup_limit_bytes: Some(5.52e8),
            save_medium: Some(medium.into()),
            ..Row::default()
        };
        peak_memory(&row, &Subject::of(&row).unwrap(), Some(0.0)).unwrap() - 5.465e8
    }

    #[test]
    fn a_file_that_stays_in_the_cache_leaves_its_index_and_one_on_a_tmpfs_is_memory() {
        let (kept, dropped) = (idle("redis", "7.0.15", "disk"), idle("valkey", "8.0.1", "disk"));
        assert!((3.8e6..4.4e6).contains(&dropped), "{dropped}");
        assert!((0.7e6..1.1e6).contains(&(kept - dropped)), "{}", kept - dropped);
        assert!(idle("valkey", "8.0.1", "tmpfs") > dropped + 4e8);
    }
}
