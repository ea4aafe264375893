//! What becomes of a save under a limit: of the control group, of the kernel's commitments, of a replica's buffer.

use super::predict::evenly;
use super::row::Row;
use super::subject::Subject;
use crate::memory::child;
use crate::memory::save::Moment;
use crate::units::Bytes;

/// What became of a save.
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

/// Memory of the kernel's own for a server and its child, beside page tables: stacks, slab, charges held back
/// \[bytes\].
///
/// Measured: the kill came with 2.4 to 6.9 MiB of the limit not anonymous, of which 2.2 are page tables at 0.5 GiB;
/// Linux 6.18, cgroup v1.
const KERNEL_MEMORY: f64 = 2.0 * 1024.0 * 1024.0;

/// What a child takes a key at least: it walks, encodes and writes \[s\]. Measured: 500 to 725 thousand keys of 64
/// bytes a second; Redis 7.0.15 and Valkey 8.0.1.
const SECONDS_PER_KEY: f64 = 1.4e-6;

/// What it takes a byte with compression tried in vain, and without \[s/byte\]. Measured: 118 and 275 MB/s of 1 KiB
/// values.
const SECONDS_PER_BYTE: (f64, f64) = (7.5e-9, 3.0e-9);

/// The course of a save as if nothing were limited: at the rate asked for, over the time that it would take.
pub(super) fn unlimited_moments(row: &Row, subject: &Subject) -> Vec<Moment> {
    let seconds = duration(row, subject);
    evenly(seconds, row.target_rate_per_s.unwrap_or(0.0) * seconds, subject)
}

fn duration(row: &Row, subject: &Subject) -> f64 {
    let keys = subject.population.keys.iter().sum::<f64>() + subject.population.untouched;
    let delay = match row.key_save_delay.unwrap_or(0.0) {
        micros if micros >= 0.0 => micros * 1e-6,
        // One key in so many sleeps for the shortest time that the kernel knows.
        one_in => SHORTEST_SLEEP / -one_in,
    };
    let compresses = row.rdb_compression.as_deref() != Some("no");
    let a_byte = if compresses { SECONDS_PER_BYTE.0 } else { SECONDS_PER_BYTE.1 };
    let bytes = row.used_memory_bytes.unwrap_or(0.0);
    keys * (SECONDS_PER_KEY + delay) + bytes * a_byte
}

/// A sleep of 1 µs with the default timer slack of 50 µs, and waking up \[s\].
const SHORTEST_SLEEP: f64 = 60e-6;

/// Memory asked for at the peak: anonymous memory, the page tables of both and the kernel's own \[bytes\]; `None`
/// without a limit. Page cache gives way and is not part of it.
pub(super) fn peak_memory(row: &Row, peak: Option<f64>) -> Option<f64> {
    row.cgroup_limit_bytes.filter(|&bytes| bytes > 0.0)?;
    let resident = row.rss_bytes.unwrap_or(0.0);
    let tables = 2.0 * child::page_tables(resident, row.page_bytes.unwrap_or(4096));
    Some(row.anon_at_fork_bytes? + peak? + tables + KERNEL_MEMORY)
}

/// Bytes that wait for a replica while a full sync runs: the stream of the writes, up to the limit that ends it;
/// `None` for rows that are no full sync.
pub(super) fn replica_buffers(row: &Row, command_bytes: f64) -> Option<f64> {
    (row.series == "fullsync").then(|| {
        let stream = row.writes_during_save.unwrap_or(0.0) * command_bytes;
        let Some(limit) = hard_limit(row) else { return stream };
        // On a second channel the replica buffers for itself, up to the same limit of its own, before the primary does.
        let at_replica = if is_dual_channel(row) { limit } else { 0.0 };
        (stream - at_replica).clamp(0.0, limit)
    })
}

fn is_dual_channel(row: &Row) -> bool {
    row.save_kind.as_deref().is_some_and(|kind| kind.contains("dual"))
}

/// The hard limit in `client-output-buffer-limit` words, "default 256mb 64mb 60" \[bytes\].
fn hard_limit(row: &Row) -> Option<f64> {
    let words = row.replica_output_buffer_limit.as_deref()?;
    let size = |word: &str| -> Option<f64> {
        let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = match word[digits.len()..].to_ascii_lowercase().as_str() {
            "" => 1.0,
            "kb" => Bytes::kib(1).as_f64(),
            "mb" => Bytes::mib(1).as_f64(),
            "gb" => Bytes::gib(1).as_f64(),
            _ => return None,
        };
        Some(digits.parse::<f64>().ok()? * unit)
    };
    words.split_whitespace().find_map(size).filter(|&limit| limit > 0.0)
}

/// What becomes of the save; `None` for rows that are not judged by it.
pub(super) fn outcome(row: &Row, peak_memory: Option<f64>, buffers: Option<f64>) -> Option<Outcome> {
    match row.series.as_str() {
        "oom" => Some(under_limit(row, peak_memory?)),
        "overcommit" => Some(fork_admitted(row)),
        "fullsync" => Some(match (hard_limit(row), buffers) {
            (Some(limit), Some(bytes)) if bytes >= limit => Outcome::SyncNotCompleted,
            _ => Outcome::Ok,
        }),
        _ => None,
    }
}

/// Who is killed: the child where it offers itself, else the server, which has the larger resident set by its program
/// text.
fn under_limit(row: &Row, peak_memory: f64) -> Outcome {
    match row.cgroup_limit_bytes {
        Some(limit) if peak_memory <= limit => Outcome::Ok,
        _ if row.oom_score_adj.as_deref() == Some("yes") => Outcome::ChildOom,
        _ => Outcome::ParentOom,
    }
}

/// A server started under `vm.overcommit_memory` 2 has all of its memory committed, and so would its child; one
/// started in another mode has its heap mapped `MAP_NORESERVE`, which is never counted.
fn fork_admitted(row: &Row) -> Outcome {
    let committed = 2.0 * row.rss_bytes.unwrap_or(0.0);
    let is_counted = row.overcommit_at_start == Some(2.0) && row.overcommit_memory == Some(2.0);
    let is_refused = row.commit_headroom_bytes.is_some_and(|headroom| committed > headroom);
    if is_counted && is_refused { Outcome::ForkFailed } else { Outcome::Ok }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sync(limit: &str, writes: f64) -> Row {
        Row {
            series: "fullsync".into(),
            replica_output_buffer_limit: Some(limit.into()),
            writes_during_save: Some(writes),
            ..Row::default()
        }
    }

    #[test]
    fn a_stream_beyond_the_hard_limit_never_completes() {
        let becomes = |row: &Row| outcome(row, None, replica_buffers(row, 1071.0));
        assert_eq!(becomes(&sync("default 256mb 64mb 60", 60_000.0)), Some(Outcome::Ok));
        assert_eq!(becomes(&sync("default 256mb 64mb 60", 1e6)), Some(Outcome::SyncNotCompleted));
        assert_eq!(becomes(&sync("replica 2gb 2gb 60", 1e6)), Some(Outcome::Ok));
    }

    #[test]
    fn the_replica_buffers_first_on_a_second_channel() {
        let row = Row { save_kind: Some("sync_dual".into()), ..sync("default 256mb 64mb 60", 3e5) };
        let beyond = 3e5 * 1071.0 - Bytes::mib(256).as_f64();
        assert!((replica_buffers(&row, 1071.0).unwrap() - beyond).abs() < 1.0);
    }

    fn under(limit: f64, oom_score_adj: &str) -> Option<Outcome> {
        let row = Row {
            series: "oom".into(),
            cgroup_limit_bytes: Some(limit),
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
    fn only_a_server_started_under_mode_2_is_refused_its_fork() {
        let row = |at_start| Row {
            series: "overcommit".into(),
            rss_bytes: Some(4e9),
            overcommit_memory: Some(2.0),
            overcommit_at_start: Some(at_start),
            commit_headroom_bytes: Some(7e9),
            ..Row::default()
        };
        assert_eq!(outcome(&row(2.0), None, None), Some(Outcome::ForkFailed));
        assert_eq!(outcome(&row(0.0), None, None), Some(Outcome::Ok));
    }
}
