//! What waits for a replica: the buffer of the replication stream, how large it grows and what ends it.
//!
//! While a replica is synchronised, every write is kept for it: from the fork until it has loaded the snapshot and
//! reads again. Since 7.0 all replicas and the backlog refer to one list of blocks, so the buffer is as long as the
//! longest of them lags; before, each replica had a copy of its own. A client that lags too far is closed, and
//! reconnects to a new full sync.
//!
//! Left out: the socket buffers of the kernel, compression by proxies, and slots that migrate.

use crate::memory::slab::{Slab, size_class};
use crate::memory::{Allocator, Exposure, KeyKind, rdb};

/// How replicas' output is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplicaBuffers {
    /// One list of blocks that backlog and replicas refer to: Redis from 7.0, and Valkey.
    Shared,
    /// A copy for each replica, and a backlog of its own: Redis up to 6.2.
    Private,
}

/// A block's header and the list node that holds it, which `mem_clients_slaves` and the limits count \[bytes\].
///
/// Source: `server.h`, `replBufBlock` (five words) and `adlist.h`, `listNode` (three), Redis from 7.0 and Valkey.
const BLOCK_OVERHEAD: u64 = BLOCK_HEADER + 24;

const BLOCK_HEADER: u64 = 40;

/// `PROTO_REPLY_CHUNK_BYTES`, the least that a block is asked for \[bytes\]. Source: `server.h`.
const CHUNK: u64 = 16 * 1024;

/// Blocks given up at a time, with each write that is propagated. Source: `server.h`,
/// `REPL_BACKLOG_TRIM_BLOCKS_PER_CALL`.
///
/// So a dropped replica's 256 MiB are gone within some two hundred writes.
pub const BLOCKS_TRIMMED_AT_A_TIME: u64 = 64;

/// Memory that replicas' lags and a backlog of `backlog` bytes take \[bytes\].
///
/// ```text
/// shared     max(backlog, longest lag)
/// private    backlog + sum of the lags
/// ```
///
/// The backlog is there from the first replica on; a shared one fills with the stream, so until it is full this is
/// what it will come to. Source: `replication.c`, `feedReplicationBuffer` and `incrementalTrimReplicationBacklog`,
/// Redis from 7.0 and Valkey; `addReplyProtoToList`, Redis 6.2.
pub fn buffered(kind: ReplicaBuffers, backlog: f64, lags: impl Iterator<Item = f64>) -> f64 {
    match kind {
        ReplicaBuffers::Shared => lags.fold(backlog, f64::max),
        ReplicaBuffers::Private => lags.fold(backlog, |sum, lag| sum + lag),
    }
}

/// What a block is asked to hold of a command of `command` bytes, with a backlog of `backlog` \[bytes\].
///
/// ```text
/// clamp(command, 16 KiB, max(backlog/16, 16 KiB))
/// ```
///
/// Source: `replication.c`, `feedReplicationBuffer`, Redis from 7.0.8 and Valkey.
pub fn block_payload(command: u64, backlog: u64) -> u64 {
    command.clamp(CHUNK, CHUNK.max(backlog / 16))
}

/// A block in memory \[bytes\]: what it was asked for, rounded up to its size class, which it fills.
fn block_class(allocator: Allocator) -> u64 {
    size_class(allocator, CHUNK + BLOCK_HEADER)
}

/// What `stream` bytes count in `mem_clients_slaves`, and against the output buffer limit \[bytes\].
///
/// The blocks' headers come on top: 0.3 %. Measured: 1,072.9 bytes for each `SET` of 1,069.
/// Source: `networking.c`, `getClientOutputBufferMemoryUsage`, Redis from 7.0 and Valkey.
pub fn accounted(allocator: Allocator, stream: f64) -> f64 {
    let payload = block_class(allocator) - BLOCK_HEADER;
    stream * (1.0 + BLOCK_OVERHEAD as f64 / payload as f64)
}

/// Resident memory that `buffered` bytes of the stream take on pages of `page_size` bytes \[bytes\].
///
/// A block fills its size class, 20,480 bytes, which a bundled jemalloc puts on 5 pages and a system one, from a
/// random cache line on, on 6. Measured: a buffered byte cost 1.21 bytes of Redis 7.0.15 (Debian) and 1.01 of Valkey
/// 8.0.1.
pub fn resident(allocator: Allocator, buffered: f64, page_size: u64) -> f64 {
    let class = block_class(allocator);
    let pages: f64 = Slab::of_class(allocator, class, page_size).pages.iter().map(|group| group.pages).sum();
    buffered * pages * page_size as f64 / class as f64
}

/// The share of a dropped replica's buffer that is still resident when the next fork comes, where tries follow each
/// other.
///
/// jemalloc purges large runs of free pages at once and lets the others age. A child forked meanwhile holds them
/// until it exits, whatever the server does with its own, so they come on top of copies and buffer of the next try.
/// Measured on Redis 7.0.15: 0.29 to 0.34 after the first of a row of tries and 0.43 to 0.53 after later ones, eight
/// drops; each next peak was higher by just that.
pub const LEFT_AFTER_DROP: f64 = 0.5;

/// What `maxmemory` does not count of `buffered` bytes of replica buffers \[bytes\].
///
/// ```text
/// shared     max(0, buffered − (backlog + (backlog/16 KiB + 1) · 64))
/// private    buffered − backlog
/// ```
///
/// So the backlog counts and takes room from the data. Source: `evict.c`, `freeMemoryGetNotCountedMemory`, Redis 6.2
/// and 7.0, Valkey 8.0; `mem_not_counted_for_evict`, to which the AOF buffer comes.
pub fn not_counted(kind: ReplicaBuffers, buffered: f64, backlog: f64) -> f64 {
    let counted = match kind {
        ReplicaBuffers::Shared => backlog + ((backlog / CHUNK as f64).floor() + 1.0) * BLOCK_OVERHEAD as f64,
        ReplicaBuffers::Private => backlog,
    };
    (buffered - counted).max(0.0)
}

/// `client-output-buffer-limit replica`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BufferLimit {
    /// A replica that lags by as much is closed; 0: never \[bytes\].
    pub hard: f64,
    /// So is one that lags by as much for [`soft_seconds`](Self::soft_seconds) without a break; 0: never \[bytes\].
    pub soft: f64,
    /// See [`soft`](Self::soft) \[s\].
    pub soft_seconds: f64,
}

/// `client-output-buffer-limit replica 256mb 64mb 60`, the default of every version.
impl Default for BufferLimit {
    fn default() -> Self {
        let mib = f64::from(1 << 20);
        Self { hard: 256.0 * mib, soft: 64.0 * mib, soft_seconds: 60.0 }
    }
}

impl BufferLimit {
    /// The hard limit in force with a backlog of `backlog` bytes, where there is one \[bytes\]: the larger of both.
    ///
    /// Source: `networking.c`, `checkClientOutputBufferLimits`, Redis from 7.0 and Valkey.
    pub fn effective_hard(&self, backlog: f64) -> Option<f64> {
        (self.hard > 0.0).then(|| self.hard.max(backlog))
    }

    /// When a replica is closed whose lag never falls: the sooner of reaching the hard limit and having been above
    /// the soft one for too long; `reached` says when the lag comes to so many bytes, if it does \[s\].
    ///
    /// The server's clock counts whole seconds, so the soft limit acts up to a second later. With a lag that falls in
    /// between, ask again from then on.
    pub fn dropped_at(&self, backlog: f64, reached: impl Fn(f64) -> Option<f64>) -> Option<f64> {
        let hard = self.effective_hard(backlog).and_then(&reached);
        let soft = (self.soft > 0.0).then(|| reached(self.soft)).flatten();
        let soft = soft.map(|since| since + self.soft_seconds);
        hard.into_iter().chain(soft).min_by(f64::total_cmp)
    }
}

/// What the operations of `load` put on the stream, `hset` bytes for each field set \[bytes\].
///
/// They travel as they stand in the append-only file: a deletion by expiry or eviction as a `DEL`; `UNLINK`, where
/// lazy freeing is on, is three bytes longer. Source: `server.c`, `propagateNow`, Redis from 7.0 and Valkey.
pub fn stream_bytes(kind: KeyKind, load: &Exposure, hset: f64) -> f64 {
    let set = rdb::set_bytes(kind) as f64;
    let delete = rdb::key_command_bytes(kind, 3) as f64;
    let incr = rdb::key_command_bytes(kind, 4) as f64;
    (load.set + load.insert) * set
        + load.incr * incr
        + load.hset * hset
        + load.deletions() * delete
        + load.replace * (delete + set)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Value;

    const MIB: f64 = 1024.0 * 1024.0;

    #[test]
    fn a_buffered_byte_costs_what_was_measured() {
        assert!((resident(Allocator::System, 1.0, 4096) - 1.21).abs() < 0.015);
        assert!((resident(Allocator::Bundled, 1.0, 4096) - 1.01).abs() < 0.015);
    }

    #[test]
    fn a_set_is_accounted_as_measured() {
        let kind = KeyKind { key_size: 16, value: Value::Bytes(1024), has_ttl: false };
        let set = stream_bytes(kind, &Exposure { set: 1.0, ..Exposure::default() }, 0.0);
        assert!((accounted(Allocator::System, set) - 1072.9).abs() < 1.0);
    }

    #[test]
    fn each_operation_travels_as_its_command() {
        let kind = KeyKind { key_size: 16, value: Value::Bytes(64), has_ttl: false };
        let none = Exposure::default();
        let bytes = |load: Exposure| stream_bytes(kind, &load, 70.0);
        let (set, delete) = (bytes(Exposure { set: 1.0, ..none }), bytes(Exposure { delete: 1.0, ..none }));
        assert!((set - 107.0).abs() < 1e-9 && (delete - 36.0).abs() < 1e-9);
        assert!((bytes(Exposure { incr: 1.0, ..none }) - 37.0).abs() < 1e-9);
        assert!((bytes(Exposure { hset: 2.0, ..none }) - 140.0).abs() < 1e-9);
        assert!((bytes(Exposure { replace: 1.0, ..none }) - set - delete).abs() < 1e-9);
    }

    #[test]
    fn a_shared_buffer_is_as_long_as_the_longest_lag_and_private_ones_add_up() {
        let lags = [3.0, 20.0, 5.0];
        assert!((buffered(ReplicaBuffers::Shared, 10.0, lags.into_iter()) - 20.0).abs() < 1e-9);
        assert!((buffered(ReplicaBuffers::Shared, 30.0, lags.into_iter()) - 30.0).abs() < 1e-9);
        assert!((buffered(ReplicaBuffers::Private, 10.0, lags.into_iter()) - 38.0).abs() < 1e-9);
    }

    #[test]
    fn long_commands_get_blocks_of_their_own_up_to_a_sixteenth_of_the_backlog() {
        assert_eq!(block_payload(100, 1 << 20), 16_384);
        assert_eq!(block_payload(50_000, 1 << 20), 50_000);
        assert_eq!(block_payload(1 << 20, 10 << 20), 655_360);
        assert_eq!(block_payload(1 << 20, 16_384), 16_384);
    }

    #[test]
    fn the_backlog_counts_under_maxmemory_and_what_is_beyond_does_not() {
        let counted = |buffered: f64| buffered - not_counted(ReplicaBuffers::Shared, buffered, 10.0 * MIB);
        assert!((counted(5.0 * MIB) - 5.0 * MIB).abs() < 1e-6);
        assert!((counted(100.0 * MIB) / MIB - 10.04).abs() < 0.001);
        assert!((not_counted(ReplicaBuffers::Private, 30.0, 10.0) - 20.0).abs() < 1e-9);
    }

    #[test]
    fn a_replica_is_dropped_at_the_hard_limit_or_after_the_soft_ones_time() {
        let limit = BufferLimit::default();
        let at_rate = |rate: f64| move |bytes: f64| Some(bytes / (rate * MIB));
        assert_eq!(limit.dropped_at(0.0, at_rate(25.6)), Some(10.0));
        assert_eq!(limit.dropped_at(0.0, at_rate(2.0)), Some(32.0 + 60.0));
        assert_eq!(limit.dropped_at(512.0 * MIB, at_rate(25.6)), Some(20.0));
        let never = |bytes: f64| (bytes <= 50.0 * MIB).then_some(1.0);
        assert_eq!(limit.dropped_at(0.0, never), None);
        let unlimited = BufferLimit { hard: 0.0, soft: 0.0, soft_seconds: 0.0 };
        assert_eq!(unlimited.dropped_at(0.0, at_rate(25.6)), None);
    }
}
