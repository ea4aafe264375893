//! A full sync: how long the stream of writes waits for the replica, what that takes, and whether it completes.
//!
//! From the fork on every write is kept until the replica has loaded the snapshot and reads the stream. A replica
//! whose buffer passes the limit before is dropped and comes back to a new fork, at the same rate to the same end: a
//! sync that is cut once never completes. On a second channel the replica keeps the stream itself, up to the same
//! limit of its own, before any waits on the primary; a cut there ends only the stream, and the link still comes up
//! once with the snapshot (seen on Valkey 8.0.1: the replica loads it, is found to have lost its place and syncs
//! anew).

use super::duration;
use super::row::Row;
use super::subject::Subject;
use crate::memory::replication::{self, BufferLimit};
use crate::memory::save::{self, Cost};
use crate::memory::{loading, rdb};
use crate::units::Bytes;

/// How fast the primary sends a snapshot from its disk's cache to a replica on the same host \[bytes/s\].
///
/// Measured: 585 MiB in 0.7 s, Redis 7.0.15 over the loopback, in the time between the child's exit and the last
/// byte.
const LOCAL_TRANSFER: f64 = 870e6;

/// What the kernel holds of the stream for a replica that is online and does not read, as one that loads a snapshot
/// sent from disk \[bytes\].
///
/// Source: the largest receive buffer of a socket, `tcp_rmem` 6 MiB by default; measured 6 to 8 MB.
const SOCKET_BUFFERS: f64 = 6.0 * 1024.0 * 1024.0;

/// Size of the backlog where nothing is said of it \[bytes\]. Source: `config.c`, Redis to 7.4 and Valkey 7.2: 1 MiB;
/// Valkey from 8.0: 10 MiB.
const BACKLOG: (f64, f64) = (1024.0 * 1024.0, 10.0 * 1024.0 * 1024.0);

/// How the snapshot travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Disk,
    Diskless,
    DualChannel,
}

/// What the laws say of a full sync.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct FullSync {
    /// The most that `mem_clients_slaves` shows \[bytes\].
    pub(super) buffers: f64,
    /// The largest growth of the primary's anonymous memory: copies and buffers \[bytes\].
    pub(super) anonymous: f64,
    /// Whether the replica's link ever comes up.
    pub(super) completes: bool,
}

/// The stream that waits on the primary.
struct Stream {
    kind: Kind,
    /// As it is accounted \[bytes/s\].
    rate: f64,
    /// What the replica keeps for itself first \[bytes\].
    at_replica: f64,
    /// Taken in by the kernel once the replica is online \[bytes\].
    in_sockets: f64,
    /// When the child exits, and when the replica reads the stream \[s\].
    saved: f64,
    linked: f64,
}

impl FullSync {
    /// Of a row that is one; `None` for others.
    pub(super) fn of(row: &Row, subject: &Subject, course: &[Cost]) -> Option<Self> {
        if row.series != "fullsync" {
            return None;
        }
        let stream = Stream::of(row, subject);
        let limit = limit(row.replica_output_buffer_limit.as_deref());
        let backlog = backlog(row);
        let cut = limit.dropped_at(backlog, |bytes| stream.reaches(bytes));
        let cut = cut.filter(|&seconds| seconds < stream.linked);
        let end = cut.unwrap_or(stream.linked);
        let page_size = row.page_bytes.unwrap_or(4096);
        let resident = |bytes: f64| replication::resident(subject.allocator, bytes, page_size);
        // Copies go with the child, while the stream goes on waiting.
        let saved = end.min(stream.saved);
        let with_child = copies_until(course, saved) + resident(stream.held(saved, backlog));
        let highest = with_child.max(resident(stream.held(end, backlog)));
        let buffers = stream.waiting(end);
        let repeats = cut.is_some() && stream.kind != Kind::DualChannel;
        let left = if repeats { replication::LEFT_AFTER_DROP * resident(buffers) } else { 0.0 };
        Some(Self {
            buffers,
            anonymous: highest + left,
            completes: cut.is_none() || stream.kind == Kind::DualChannel,
        })
    }
}

impl Stream {
    fn of(row: &Row, subject: &Subject) -> Self {
        let kind = match row.save_kind.as_deref() {
            Some(kind) if kind.contains("dual") => Kind::DualChannel,
            Some(kind) if kind.contains("diskless") => Kind::Diskless,
            _ => Kind::Disk,
        };
        let hset = rdb::hset_bytes(subject.kind, 2, row.value_bytes.unwrap_or(0)) as f64;
        let a_write = replication::stream_bytes(subject.kind, &subject.exposure(1.0), hset);
        let asked = row.target_rate_per_s.unwrap_or(0.0);
        let (saved, writes) = match (row.save_s, row.writes_during_save) {
            // How long a save under a limit took, and what was written, may not be looked at.
            _ if row.cgroup_limit_bytes.is_some_and(|limit| limit > 0.0) => {
                (duration::seconds(row, subject), asked)
            }
            (Some(seconds), Some(writes)) if seconds > 0.0 => (seconds, writes / seconds),
            (seconds, _) => (seconds.unwrap_or(0.0), asked),
        };
        let keys = subject.keys();
        let file = keys * rdb::record_bytes(subject.kind) as f64;
        let sent = if kind == Kind::Disk { file / LOCAL_TRANSFER } else { 0.0 };
        // The replica's own limit: what is set in the row is set on the primary.
        let at_replica = if kind == Kind::DualChannel { BufferLimit::default().hard } else { 0.0 };
        Self {
            kind,
            rate: writes * replication::accounted(subject.allocator, a_write),
            at_replica,
            in_sockets: if kind == Kind::Disk { SOCKET_BUFFERS } else { 0.0 },
            saved,
            linked: saved + sent + loading::load_seconds(keys, file),
        }
    }

    /// What waits on the primary after so many seconds \[bytes\].
    fn waiting(&self, seconds: f64) -> f64 {
        let in_sockets = if seconds > self.saved { self.in_sockets } else { 0.0 };
        (self.rate * seconds - self.at_replica - in_sockets).max(0.0)
    }

    /// What it holds then, with the backlog, which fills with the stream \[bytes\].
    fn held(&self, seconds: f64, backlog: f64) -> f64 {
        self.waiting(seconds).max(backlog.min(self.rate * seconds))
    }

    /// When `bytes` wait \[s\].
    fn reaches(&self, bytes: f64) -> Option<f64> {
        let at = |in_sockets: f64| (bytes + self.at_replica + in_sockets) / self.rate;
        let seconds = if at(0.0) <= self.saved { at(0.0) } else { at(self.in_sockets).max(self.saved) };
        (self.rate > 0.0).then_some(seconds)
    }
}

/// The most that was copied up to a moment \[bytes\].
fn copies_until(course: &[Cost], seconds: f64) -> f64 {
    let until = course.partition_point(|cost| cost.seconds <= seconds);
    save::peak(&course[..until]).anonymous()
}

fn backlog(row: &Row) -> f64 {
    let major = row.version.split('.').next().and_then(|word| word.parse::<u32>().ok());
    if row.server == "valkey" && major >= Some(8) { BACKLOG.1 } else { BACKLOG.0 }
}

/// The limit in the words of the configuration, "default 256mb 64mb 60"; what is missing is as by default.
fn limit(words: Option<&str>) -> BufferLimit {
    let default = BufferLimit::default();
    let mut sizes = words.unwrap_or_default().split_whitespace().filter_map(size);
    BufferLimit {
        hard: sizes.next().unwrap_or(default.hard),
        soft: sizes.next().unwrap_or(default.soft),
        soft_seconds: sizes.next().unwrap_or(default.soft_seconds),
    }
}

/// A number of bytes, or of seconds, which has no unit.
fn size(word: &str) -> Option<f64> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match word[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" => 1e3,
        "kb" => Bytes::kib(1).as_f64(),
        "m" => 1e6,
        "mb" => Bytes::mib(1).as_f64(),
        "g" => 1e9,
        "gb" => Bytes::gib(1).as_f64(),
        _ => return None,
    };
    Some(digits.parse::<f64>().ok()? * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: f64 = 1024.0 * 1024.0;

    fn sync(kind: &str, limit: &str, writes_per_second: f64, seconds: f64) -> FullSync {
        let row = Row {
            server: "valkey".into(),
            version: "8.0.1".into(),
            allocator: Some("jemalloc-bundled".into()),
            series: "fullsync".into(),
            op: "set".into(),
            value_bytes: Some(1024),
            nkeys: Some(587_264.0),
            save_kind: Some(kind.into()),
            replica_output_buffer_limit: Some(limit.into()),
            writes_during_save: Some(writes_per_second * seconds),
            save_s: Some(seconds),
            ..Row::default()
        };
        let course = [
            Cost { seconds: 0.0, copied: 0.0, grown: 0.0 },
            Cost { seconds: 5.0, copied: 100.0 * MIB, grown: 0.0 },
            Cost { seconds: 20.0, copied: 400.0 * MIB, grown: 0.0 },
            Cost { seconds: 40.0, copied: 700.0 * MIB, grown: 0.0 },
        ];
        FullSync::of(&row, &Subject::of(&row).unwrap(), &course).unwrap()
    }

    const DEFAULT: &str = "default 256mb 64mb 60";

    #[test]
    fn the_stream_waits_until_the_replica_has_loaded() {
        let FullSync { buffers, completes, anonymous } = sync("sync_diskless", DEFAULT, 10_000.0, 6.0);
        let seconds = buffers / (10_000.0 * 1072.4);
        assert!(completes && (7.0..8.0).contains(&seconds), "{seconds}");
        let at_exit = 10_000.0 * 1072.4 * 6.0 * 1.01;
        assert!((anonymous - 100.0 * MIB - at_exit).abs() < MIB, "{}", anonymous / MIB);
    }

    #[test]
    fn a_sync_that_the_hard_limit_cuts_never_completes_and_holds_what_the_last_try_left() {
        let FullSync { buffers, completes, anonymous } = sync("sync_disk", DEFAULT, 25_000.0, 41.0);
        assert!(!completes && (buffers / MIB - 256.0).abs() < 1e-6);
        let expected = 100.0 + 1.5 * 256.0 * 1.01;
        assert!((anonymous / MIB - expected).abs() < 4.0, "{}", anonymous / MIB);
    }

    #[test]
    fn the_soft_limit_cuts_a_slow_stream_in_a_long_save() {
        assert!(sync("sync_diskless", DEFAULT, 2_000.0, 80.0).completes);
        let cut = sync("sync_diskless", DEFAULT, 2_000.0, 100.0);
        assert!(!cut.completes && (180.0..190.0).contains(&(cut.buffers / MIB)), "{}", cut.buffers / MIB);
        assert!(!sync("sync_diskless", "512mb 128mb 30", 10_000.0, 60.0).completes);
        assert!(sync("sync_diskless", "512mb 128mb 30", 10_000.0, 30.0).completes);
    }

    #[test]
    fn a_second_channel_fills_the_replica_first_and_brings_the_link_up_even_if_cut() {
        let kept = sync("sync_dual", DEFAULT, 10_000.0, 6.0);
        assert!(kept.completes && kept.buffers <= 0.0);
        let cut = sync("sync_dual", DEFAULT, 25_000.0, 36.0);
        assert!(cut.completes && (cut.buffers / MIB - 256.0).abs() < 1e-6);
        let long = sync("sync_dual", "replica 2gb 2gb 60", 25_000.0, 34.5);
        assert!((650.0..720.0).contains(&(long.buffers / MIB)), "{}", long.buffers / MIB);
    }

    #[test]
    fn limits_are_read_as_the_server_reads_them() {
        let read = limit(Some("replica 512mb 128mb 30"));
        assert_eq!(read, BufferLimit { hard: 512.0 * MIB, soft: 128.0 * MIB, soft_seconds: 30.0 });
        assert_eq!(limit(Some("1000 0 0")), BufferLimit { hard: 1000.0, soft: 0.0, soft_seconds: 0.0 });
        assert_eq!(limit(None), BufferLimit::default());
    }
}
