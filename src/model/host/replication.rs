//! The replicas of a server: how they are kept, and how a full sync is made.

use crate::memory::replication::{BufferLimit, ReplicaBuffers};
use crate::model::Uncertain;
use crate::units::{Bytes, SimDuration};

/// The replicas of a server and how they are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Replication {
    /// How many, each on a machine of its own: up to 5.
    pub replicas: u32,
    /// `repl-backlog-size`.
    pub backlog: Bytes,
    /// `client-output-buffer-limit replica`.
    pub limit: BufferLimit,
    /// Whether replicas share one buffer.
    pub buffers: ReplicaBuffers,
    /// How a full sync is made.
    pub sync: SyncMethod,
    /// How a replica loads it (`repl-diskless-load`).
    pub load: ReplicaLoad,
    /// How long a diskless sync waits for more replicas (`repl-diskless-sync-delay`).
    pub delay: SimDuration,
    /// What a link carries [bytes/s], drawn once a replication.
    pub throughput: Uncertain,
    /// How often the link to a replica breaks, a day.
    pub link_losses_per_day: f64,
    /// How long it stays broken \[s\], drawn once a loss.
    pub outage: Uncertain,
    /// From the death of a primary to the promotion of a replica; `None` where nobody promotes.
    pub failover: Option<SimDuration>,
}

impl Replication {
    /// What may wait for a replica before it is dropped at once: the hard limit, and at least the backlog \[bytes\].
    ///
    /// Source: `networking.c`, `checkClientOutputBufferLimits`, Redis 7.0 and Valkey 8.0.
    pub fn hard_limit(&self) -> f64 {
        self.limit.effective_hard(self.backlog.as_f64()).unwrap_or(f64::INFINITY)
    }
}

/// How the source of a full sync hands over its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncMethod {
    /// The child writes a file, the server sends it.
    Disk,
    /// The child writes to the sockets.
    Diskless,
    /// The child writes to sockets of its own while the stream goes on beside it (Valkey from 8.0).
    DualChannel,
}

/// What a replica does with what arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplicaLoad {
    /// Writes it to a file, then drops its old data and loads the file.
    Disabled,
    /// Loads it as it arrives where it has no data, else as `Disabled`.
    OnEmptyDb,
    /// Loads it as it arrives, beside its old data.
    SwapDb,
}
