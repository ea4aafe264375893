//! What the law says of a measured save: the one place of these tests that asks it, as `forkcast validate` does.

use forkcast::memory::Allocator;
use forkcast::observe::measured::{Row, predict};

use crate::load::{KEY_BYTES, Load};

/// What the law is told of a server: the build and its keys, never a figure of memory.
#[derive(Clone)]
pub struct Subject {
    /// `redis` or `valkey`.
    pub engine: String,
    /// Its version, `7.0.15`.
    pub version: String,
    /// The jemalloc it runs on.
    pub allocator: Allocator,
    /// Size of a page \[bytes\].
    pub page_bytes: u64,
    /// Keys of the first fill, to which the load goes.
    pub keys: u64,
}

impl Subject {
    /// The growth of anonymous memory once so many writes of a load have passed since the fork \[bytes\]; nothing where
    /// the law does not know the version or the operation.
    pub fn growth(&self, load: Load, writes: f64) -> Option<f64> {
        let allocator = match self.allocator {
            Allocator::System => "jemalloc-system",
            Allocator::Bundled => "jemalloc-bundled",
        };
        let row = Row {
            server: self.engine.clone(),
            version: self.version.clone(),
            allocator: Some(allocator.into()),
            series: "main".into(),
            op: load.op.name().into(),
            dist: Some(load.dist.name().into()),
            value_bytes: Some(load.value_bytes as u64),
            key_bytes: Some(KEY_BYTES),
            page_bytes: Some(self.page_bytes),
            nkeys: Some(self.keys as f64),
            rdb_compression: Some("yes".into()),
            writes_during_save: Some(writes),
            save_s: Some(1.0),
            ..Row::default()
        };
        predict(&row, None).ok()?.anonymous_peak
    }
}
