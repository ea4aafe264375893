//! What a child costs the host besides the pages copied for it.

/// Memory of a child's own while it saves: stacks, allocator bookkeeping and buffers, and a buffer for
/// compressed strings \[bytes\].
///
/// Measured: a save with no writes cost 0.5 MiB, and 0.55 MiB more where the child compresses strings over 20 bytes
/// that do not compress (`rdbcompression yes`, the default); Redis 7.0.15 and Valkey 8.0.1, kernel 6.18.
pub const OWN_MEMORY: f64 = 1.05 * 1024.0 * 1024.0;

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
