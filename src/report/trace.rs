//! `trace/timeline.csv` and `trace/events.csv`: one replication in full.

use std::path::Path;

use super::ReportError;
use super::columns::{EVENTS, TIMELINE};
use super::field::Field;
use super::table::{self, Row, Table};
use crate::model::Ledger;
use crate::units::Bytes;

/// The names of events.
pub mod event {
    /// A child was forked; the cause says why.
    pub const FORK: &str = "fork";
    /// The child finished its file.
    pub const SAVE_DONE: &str = "save-done";
    /// The child ended without a file.
    pub const SAVE_FAILED: &str = "save-failed";
    /// The OOM killer took the server.
    pub const SERVER_KILLED: &str = "server-killed";
    /// The server is killed whenever it is started, and stays down until an operator arrives.
    pub const CRASH_LOOP: &str = "crash-loop";
    /// The OOM killer took the saving child.
    pub const CHILD_KILLED: &str = "child-killed";
    /// The server process started again and reads its data.
    pub const RESTART: &str = "restart";
    /// The same, started by an operator after a crash loop.
    pub const OPERATOR_RESTART: &str = "operator-restart";
    /// The data is loaded: the server serves.
    pub const LOADED: &str = "loaded";
    /// `vm.overcommit_memory` refused a fork.
    pub const FORK_REFUSED: &str = "fork-refused";
    /// A save without a fork began.
    pub const FORKLESS_BEGAN: &str = "forkless-began";
    /// It ended.
    pub const FORKLESS_ENDED: &str = "forkless-ended";
    /// Memory ran out and nobody got on.
    pub const STALL_BEGAN: &str = "stall-began";
    /// The stall ended without a kill.
    pub const STALL_ENDED: &str = "stall-ended";
    /// The kernel began to swap the server out.
    pub const SWAP_BEGAN: &str = "swap-began";
    /// The link to a replica broke.
    pub const LINK_LOST: &str = "link-lost";
    /// The link is back and the backlog covered the gap.
    pub const PARTIAL_RESYNC: &str = "partial-resync";
    /// A replica asks for a full sync.
    pub const FULL_SYNC_WANTED: &str = "full-sync-wanted";
    /// A replica was dropped in the middle of its full sync.
    pub const REPLICA_DROPPED: &str = "replica-dropped";
    /// A backup that poses as a replica was dropped.
    pub const BACKUP_DROPPED: &str = "backup-dropped";
    /// A replica loads the snapshot.
    pub const REPLICA_LOADING: &str = "replica-loading";
    /// A replica is in sync.
    pub const REPLICA_ONLINE: &str = "replica-online";
    /// A replica aborted after a failed save.
    pub const REPLICA_PANICKED: &str = "replica-panicked";
    /// The supervisor stopped the server.
    pub const STOPPED: &str = "stopped";
    /// A replica was promoted.
    pub const PROMOTED: &str = "promoted";
    /// A backup waits for another child.
    pub const BACKUP_WAITS: &str = "backup-waits";
    /// A backup was due while the server was down.
    pub const BACKUP_MISSED: &str = "backup-missed";
    /// The server refuses writes (`-MISCONF`).
    pub const WRITES_REFUSED: &str = "writes-refused";
    /// Writes are accepted again.
    pub const WRITES_ACCEPTED: &str = "writes-accepted";
    /// A child whose server was killed exited.
    pub const ORPHAN_EXITED: &str = "orphan-exited";
}

/// A host at one moment. Between two rows the lines of the ledger run straight; a step is two rows of one time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TimelineRow {
    /// Time since the start of the replication, Monday 00:00 UTC (s).
    pub seconds: f64,
    /// Where the memory was.
    pub ledger: Ledger,
    /// Write rate (1/s).
    pub writes_per_second: f64,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRow {
    /// Time since the start of the replication (s).
    pub seconds: f64,
    /// What happened: see [`event`].
    pub event: String,
    /// The cause of the fork concerned; empty where there is none.
    pub cause: String,
    /// The figures of the moment, in words.
    pub detail: String,
    /// Number of the host, from 1: the first primary's, then the replicas'.
    pub host: usize,
    /// Number of the server on its host, from 1.
    pub server: usize,
}

/// Writes `timeline.csv`.
///
/// # Errors
///
/// [`ReportError::Write`].
pub fn write_timeline(path: &Path, rows: &[TimelineRow]) -> Result<(), ReportError> {
    table::write(path, TIMELINE.iter().map(|column| column.name), rows.iter().map(timeline_fields))
}

/// Writes `events.csv`.
///
/// # Errors
///
/// [`ReportError::Write`].
pub fn write_events(path: &Path, rows: &[EventRow]) -> Result<(), ReportError> {
    table::write(path, EVENTS.iter().map(|column| column.name), rows.iter().map(event_fields))
}

/// Reads what [`write_timeline`] wrote.
///
/// # Errors
///
/// [`ReportError::Read`], or [`ReportError::Malformed`] with the line.
pub fn read_timeline(path: &Path) -> Result<Vec<TimelineRow>, ReportError> {
    Table::read(path)?.rows(path, parse_timeline)
}

/// Reads what [`write_events`] wrote.
///
/// # Errors
///
/// [`ReportError::Read`], or [`ReportError::Malformed`] with the line.
pub fn read_events(path: &Path) -> Result<Vec<EventRow>, ReportError> {
    Table::read(path)?.rows(path, parse_event)
}

fn timeline_fields(row: &TimelineRow) -> Vec<Field> {
    let Ledger {
        reserved,
        resident,
        cow,
        page_tables,
        buffers,
        backlog,
        aof_buffer,
        pinned_cache,
        cache,
        swap,
        free,
    } = row.ledger;
    let lines =
        [reserved, resident, cow, page_tables, buffers, backlog, aof_buffer, pinned_cache, cache, swap, free];
    let (at, load) = (Field::from(row.seconds), Field::from(row.writes_per_second));
    [at].into_iter().chain(lines.map(Field::from)).chain([load]).collect()
}

fn parse_timeline(row: &Row) -> Result<TimelineRow, String> {
    let bytes = |column| row.value(column).map(Bytes);
    let ledger = Ledger {
        reserved: bytes("reserved_bytes")?,
        resident: bytes("resident_bytes")?,
        cow: bytes("cow_bytes")?,
        page_tables: bytes("page_tables_bytes")?,
        buffers: bytes("buffers_bytes")?,
        backlog: bytes("backlog_bytes")?,
        aof_buffer: bytes("aof_buffer_bytes")?,
        pinned_cache: bytes("pinned_cache_bytes")?,
        cache: bytes("cache_bytes")?,
        swap: bytes("swap_bytes")?,
        free: bytes("free_bytes")?,
    };
    Ok(TimelineRow {
        seconds: row.value("seconds")?,
        ledger,
        writes_per_second: row.value("writes_per_second")?,
    })
}

fn event_fields(row: &EventRow) -> Vec<Field> {
    let texts = [&row.event, &row.cause, &row.detail].map(|text| Field::from(text.as_str()));
    let place = [Field::from(row.host), row.server.into()];
    [Field::from(row.seconds)].into_iter().chain(texts).chain(place).collect()
}

fn parse_event(row: &Row) -> Result<EventRow, String> {
    Ok(EventRow {
        seconds: row.value("seconds")?,
        event: row.text("event")?.to_owned(),
        cause: row.text("cause")?.to_owned(),
        detail: row.text("detail")?.to_owned(),
        // Older traces have one host with one server.
        host: row.later("host")?.unwrap_or(1),
        server: row.later("server")?.unwrap_or(1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_survives_the_way_through_its_files_line_by_line() {
        let ledger = Ledger {
            reserved: Bytes(1),
            resident: Bytes(2),
            cow: Bytes(u64::MAX),
            page_tables: Bytes(8),
            buffers: Bytes(16),
            backlog: Bytes(32),
            aof_buffer: Bytes(64),
            pinned_cache: Bytes(128),
            cache: Bytes(256),
            swap: Bytes(512),
            free: Bytes(1_024),
        };
        let folder = tempfile::tempdir().unwrap();
        let (timeline, events) = (folder.path().join("timeline.csv"), folder.path().join("events.csv"));
        let rows =
            [TimelineRow::default(), TimelineRow { seconds: 0.1 + 0.2, ledger, writes_per_second: 1e-9 }];
        let kill = EventRow {
            seconds: 79_200.5,
            event: event::SERVER_KILLED.into(),
            cause: "backup".into(),
            detail: "27 GiB resident, \"badness\" 911,\n0 B free".into(),
            host: 2,
            server: 3,
        };
        write_timeline(&timeline, &rows).unwrap();
        write_events(&events, std::slice::from_ref(&kill)).unwrap();
        assert_eq!(read_timeline(&timeline).unwrap(), rows);
        assert_eq!(read_events(&events).unwrap(), [kill]);
    }

    #[test]
    fn a_trace_from_before_there_were_several_hosts_is_of_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.csv");
        std::fs::write(&path, "seconds,event,cause,detail\n1,fork,backup,\n").unwrap();
        let event = read_events(&path).unwrap().remove(0);
        assert_eq!((event.host, event.server), (1, 1));
    }

    #[test]
    fn an_edited_trace_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.csv");
        std::fs::write(&path, "seconds,event,cause,detail\n1,fork,backup,\nsoon,fork,backup,\n").unwrap();
        let error = read_events(&path).unwrap_err().to_string();
        assert!(error.contains("line 3: `soon` in column `seconds`"), "{error}");
    }
}
