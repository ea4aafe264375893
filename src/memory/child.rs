//! What a child costs the host besides the pages copied for it.

use crate::memory::Value;

/// Memory of a child's own while it saves: stacks, allocator bookkeeping and buffers \[bytes\].
///
/// Measured: what a save of integers with no writes cost; Redis 7.0.15 and Valkey 8.1.1, kernel 6.18.
const STACKS_AND_BUFFERS: f64 = 0.5 * 1024.0 * 1024.0;

/// A buffer for compressed strings, and what it touches of the compressor's table \[bytes\].
///
/// Measured: what a save of strings over 20 bytes that do not compress cost more under `rdbcompression yes`, the
/// default.
const COMPRESSION: f64 = 0.55 * 1024.0 * 1024.0;

/// Memory of a child's own while it saves with `rdbcompression yes`, the default \[bytes\].
pub const OWN_MEMORY: f64 = STACKS_AND_BUFFERS + COMPRESSION;

/// Strings up to this length are never compressed. Source: `rdb.c`, `rdbSaveRawString`, Redis 7.0 and Valkey 8.0.
const UNCOMPRESSED_MAX: u64 = 20;

/// Whether a child tries to compress what keys of such a value hold, under `rdbcompression yes`.
pub fn compresses(value: Value) -> bool {
    matches!(value, Value::Bytes(length) | Value::Listpack(length) if length > UNCOMPRESSED_MAX)
}

/// Memory of a child's own while it saves, by whether it compresses strings \[bytes\].
pub fn own_memory(compresses: bool) -> f64 {
    if compresses { OWN_MEMORY } else { STACKS_AND_BUFFERS }
}

/// Page cache that a save keeps dirty or under writeback, which reclaim cannot drop at once \[bytes\].
///
/// Two windows of 4 MiB: with `rdb-save-incremental-fsync yes` (the default) the child flushes each 4 MiB and waits
/// for the one before. Source: `rio.c`, Redis from 7.0 and Valkey; measured: at most 8 MiB.
pub const UNWRITTEN_CACHE: f64 = 8.0 * 1024.0 * 1024.0;

/// Page tables that map `resident` bytes with pages of `page_size` bytes \[bytes\].
///
/// Eight bytes a page, in the parent and again in the child: 2 MiB a GiB at 4 KiB. Source: x86-64 and arm64
/// page tables; measured 2.06 to 2.1 MiB a GiB, upper levels and allocator slack included.
pub fn page_tables(resident: f64, page_size: u64) -> f64 {
    resident / page_size as f64 * 8.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gib_takes_two_mib_of_page_tables_at_4_kib() {
        let gib = f64::from(1 << 30);
        assert!((page_tables(gib, 4096) - f64::from(2 << 20)).abs() < 1e-6);
        assert!((page_tables(gib, 65_536) - f64::from(1 << 17)).abs() < 1e-6);
    }
}
