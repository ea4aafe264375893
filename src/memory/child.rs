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
    matches!(value, Value::Bytes(length) | Value::Listpack(length) if is_compressed(length))
}

/// Whether a child tries to compress a string of `length` bytes, under `rdbcompression yes`.
pub fn is_compressed(length: u64) -> bool {
    length > UNCOMPRESSED_MAX
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

/// Page tables of a process beside those of its heap: for its stacks, its libraries and the ends of its regions, each
/// in a table of its own on every level \[bytes\].
///
/// Measured: 60 to 110 KiB in 484 of 558 processes, 91 at the median: Redis 7.0.15, Valkey 8.0.1 and 8.1.1 and their
/// children from 0.26 to 3 GiB (`VmPTE`), kernel 6.18, 4 KiB pages. A few Valkey 8.1.1 had up to 1 MiB.
const SCATTERED_TABLES: f64 = 88.0 * 1024.0;

/// Page tables of a process that maps `resident` bytes with pages of `page_size` bytes \[bytes\].
///
/// ```text
/// resident / page · 8 · (1 + 1/n + 1/n² + …) + 88 KiB          n = page/8 entries a table
/// ```
///
/// Eight bytes a page in tables that are mapped by tables in turn, in the parent and again in the child: 2.004 MiB a
/// GiB at 4 KiB, and what is scattered. Source: x86-64 and arm64 page tables; measured 2.05 to 2.1 MiB at 1 GiB.
pub fn page_tables(resident: f64, page_size: u64) -> f64 {
    if resident <= 0.0 {
        return 0.0;
    }
    let page = page_size as f64;
    resident / page * 8.0 / (1.0 - 8.0 / page) + SCATTERED_TABLES
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Measured `VmPTE` of servers with 530, 2,059 and 3,140 MiB: 1,156, 4,208 and 6,412 kB, to a few tables.
    #[test]
    fn page_tables_are_what_the_kernel_shows() {
        for (resident, shown) in [(530.4, 1156.0), (2059.0, 4208.0), (3140.0, 6412.0)] {
            let tables = page_tables(resident * 1024.0 * 1024.0, 4096) / 1024.0;
            assert!((tables - shown).abs() < 40.0, "{tables} {shown}");
        }
    }

    #[test]
    fn larger_pages_need_fewer_tables_and_a_process_without_memory_none() {
        assert!(page_tables(1e9, 65_536) < page_tables(1e9, 4096) / 8.0);
        assert!(page_tables(0.0, 4096) <= 0.0);
    }
}
