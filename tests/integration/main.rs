//! forkcast seen from outside: one binary, one module for each thing it proves.
#![expect(clippy::unwrap_used, reason = "a test stops where its ground is missing")]

mod measured;
mod page_by_page;

use forkcast::memory::{KeyPlacement, LayoutProfile, RdbCache};

fn redis_7_0() -> LayoutProfile {
    LayoutProfile {
        engine: "redis-7.0".into(),
        entry_bytes: 24,
        key_placement: KeyPlacement::Separate,
        object_bytes: 16,
        embstr_max: 44,
        bucket_bytes: 8,
        expires_entry_bytes: 24,
        rdb_cache: RdbCache::Kept,
        measured: true,
    }
}

fn valkey_8_0() -> LayoutProfile {
    LayoutProfile {
        engine: "valkey-8.0".into(),
        entry_bytes: 17,
        key_placement: KeyPlacement::EmbeddedInEntry,
        rdb_cache: RdbCache::Dropped,
        ..redis_7_0()
    }
}
