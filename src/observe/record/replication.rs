//! Who follows the server, and how often the links broke.

use super::Record;
use crate::observe::info::{FieldError, Info};
use crate::units::Bytes;

/// The server's side of replication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replication {
    /// Replicas that came back within the backlog, since the start.
    pub partial_syncs: u64,
    /// Size of the backlog; `None` where INFO does not say.
    pub backlog: Option<Bytes>,
    /// Bytes of the stream so far, those of the primaries before it included; `None` where INFO does not say.
    pub offset: Option<u64>,
    /// Where in the stream it was promoted; `None` where it never was.
    pub promoted_at: Option<u64>,
    /// What waits for replicas now, beyond the backlog.
    pub waiting: Bytes,
    /// Clients that were dropped for their output buffer, replicas or not; `None` before Redis 7.2.
    pub dropped_clients: Option<u64>,
    /// Whether the server is a node of a cluster, which promotes by itself.
    pub is_cluster: bool,
    /// Whether somebody has reconfigured it as Sentinel does: `SLAVEOF` and `CONFIG REWRITE`.
    pub is_reconfigured: bool,
}

impl Replication {
    pub(super) fn of(info: &Info) -> Result<Self, FieldError> {
        let is_called =
            |names: &[&str]| info.command_calls().any(|(name, calls)| calls > 0 && names.contains(&name));
        Ok(Self {
            partial_syncs: info.count("sync_partial_ok")?.unwrap_or(0),
            backlog: info.count("repl_backlog_size")?.filter(|&size| size > 0).map(Bytes),
            offset: info.count("master_repl_offset")?.filter(|&offset| offset > 0),
            promoted_at: info.count("second_repl_offset")?,
            waiting: info.count("mem_clients_slaves")?.map_or(Bytes::ZERO, Bytes),
            dropped_clients: info.count("client_output_buffer_limit_disconnections")?,
            is_cluster: info.count("cluster_enabled")?.unwrap_or(0) > 0,
            is_reconfigured: is_called(&["slaveof", "replicaof"]) && is_called(&["config|rewrite"]),
        })
    }
}

impl Record {
    /// Links to replicas that broke and came back: each is a full sync or a partial one.
    ///
    /// The first sync of a replica counts as well, and so does a backup that poses as one.
    pub fn lost_links(&self) -> u64 {
        self.forks.full_syncs.saturating_add(self.replication.partial_syncs)
    }

    /// Forks for full syncs alone.
    ///
    /// A fork serves several replicas, or one and a save. Where every full sync seems to have shared its fork with a
    /// save, the version counts disk-based ones among `rdb_saves`: then as many as there were full syncs.
    pub fn sync_forks(&self) -> u64 {
        let alone = self.forks.full_syncs.saturating_sub(self.shared_forks().unwrap_or(0));
        if alone > 0 { alone } else { self.forks.full_syncs }
    }

    /// Bytes of the stream a second: by difference to an earlier record, else since the promotion or the start.
    ///
    /// By itself a record bounds the rate from above: a server takes up the offset that its file remembers, so what it
    /// wrote before its start may be among it.
    pub fn stream_per_second(&self, earlier: Option<&Self>) -> Option<f64> {
        let (offset, seconds) = (self.replication.offset?, self.server.uptime_seconds);
        let (start, seconds) = match earlier.and_then(|earlier| Some((earlier, earlier.replication.offset?)))
        {
            Some((earlier, start)) => (start, seconds.saturating_sub(earlier.server.uptime_seconds)),
            None => (self.replication.promoted_at.unwrap_or(0), seconds),
        };
        let written = offset.checked_sub(start).filter(|&written| written > 0)?;
        (seconds > 0).then(|| written as f64 / seconds as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRODUCTION: &str = include_str!("../../../tests/data/info/production-27gb.txt");

    fn record(text: &str) -> Record {
        Record::of(&Info::parse(text).unwrap()).unwrap()
    }

    /// By hand: (127,763,635,259 − 9,051,173,903) bytes in 3,503,939 s.
    #[test]
    fn the_stream_counts_from_the_promotion() {
        let rate = record(PRODUCTION).stream_per_second(None).unwrap();
        assert!((rate - 33_879.7).abs() < 0.1, "{rate}");
        let never = record(&PRODUCTION.replace("second_repl_offset:9051173903", "second_repl_offset:-1"));
        assert!((never.stream_per_second(None).unwrap() - 36_462.9).abs() < 0.1);
    }

    #[test]
    fn two_records_tell_the_stream_by_difference() {
        let later = PRODUCTION
            .replace("uptime_in_seconds:3503939", "uptime_in_seconds:3504939")
            .replace("master_repl_offset:127763635259", "master_repl_offset:127783635259");
        let rate = record(&later).stream_per_second(Some(&record(PRODUCTION))).unwrap();
        assert!((rate - 20_000.0).abs() < 1e-9, "{rate}");
    }

    #[test]
    fn full_syncs_that_shared_a_fork_are_one_fork() {
        let production = record(PRODUCTION);
        assert_eq!((production.lost_links(), production.sync_forks()), (766, 746));
        let disk_based = record(&PRODUCTION.replace("total_forks:8441", "total_forks:7695"));
        assert_eq!(disk_based.sync_forks(), 766);
    }

    #[test]
    fn sentinel_is_known_by_what_it_calls() {
        let replication = record(PRODUCTION).replication;
        assert!(replication.is_reconfigured && !replication.is_cluster);
        let untouched =
            record(include_str!("../../../tests/data/info/valkey-8.0.after-save.txt")).replication;
        assert!(!untouched.is_reconfigured && untouched.promoted_at.is_none());
    }
}
