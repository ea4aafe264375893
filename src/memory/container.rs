//! What a control group's limit must hold beside a server's anonymous memory.
//!
//! Copies, page tables, kernel memory and page cache of server and child are charged to the one group that both are
//! in. Cache gives way, all but a rest. Versions 1 and 2 charge alike (`memory.kmem` is part of the usage in both);
//! version 2 adds `memory.high`, see [`stall`](crate::memory::stall), and `memory.oom.group`, see
//! [`oom`](crate::memory::oom). Source: Linux 6.12 `mm/memcontrol.c`, `try_charge_memcg`.
//!
//! Left out: socket buffers, which are charged too and reach some MiB with many clients; charges held back by each
//! processor, which are given up before a kill.

use crate::memory::layout::RdbCache;

/// Kernel memory of a server and its child beside page tables: stacks, descriptors, slabs \[bytes\].
///
/// Measured: 0.22 to 0.30 MiB in kills of Redis 7.0.15 and Valkey 8.0.1 before a file was cached, kernel 6.18.
pub const KERNEL_MEMORY: f64 = 0.25 * 1024.0 * 1024.0;

/// Page cache that stays: pages under writeback, and program text that is read back as fast as it is dropped
/// \[bytes\].
///
/// Measured with idle saves of 0.5 GiB at limits from 4 to 6 MiB above the anonymous memory, Redis 7.0.15 and Valkey
/// 8.0.1, eight each, kernel 6.18: all with less than 1.35 MiB for it were killed or stood still, all with more than
/// 1.6 came through.
pub const UNRECLAIMABLE_CACHE: f64 = 1.5 * 1024.0 * 1024.0;

/// Nodes of the page cache's index a byte of a cached file: 576 bytes for 64 pages of 4 KiB. They outlive the pages,
/// as shadow entries, so that a file that was cached once costs them even where reclaim took the pages.
///
/// Source: Linux 6.12 `include/linux/xarray.h`, `struct xa_node`, and `mm/workingset.c`; measured 0.9 MiB for a file
/// of 390 MiB.
const INDEX_SHARE: f64 = 576.0 / (64.0 * 4096.0);

/// What the index of so many cached bytes of a file takes \[bytes\].
pub fn index_bytes(cached: f64) -> f64 {
    cached * INDEX_SHARE
}

/// How the file of a save weighs on a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SnapshotFile {
    /// There is none: the snapshot goes to a socket, or nothing is saved.
    None,
    /// On a disk: its cache gives way \[bytes\].
    OnDisk(f64, RdbCache),
    /// On a tmpfs: it is memory itself and cannot be dropped \[bytes\].
    InMemory(f64),
}

impl SnapshotFile {
    /// What cannot be reclaimed of it \[bytes\].
    fn held(self) -> f64 {
        match self {
            Self::None | Self::OnDisk(_, RdbCache::Dropped) => 0.0,
            Self::OnDisk(bytes, RdbCache::Kept) => index_bytes(bytes),
            Self::InMemory(bytes) => bytes + index_bytes(bytes),
        }
    }
}

/// What a group holds beside anonymous memory and page tables when nothing more can be reclaimed: the margin to its
/// limit \[bytes\].
///
/// ```text
/// kernel memory + cache that stays + what the file holds
/// ```
///
/// About 1.75 MiB, known to a few tenths: a save that comes as close to its limit may end either way.
pub fn margin(file: SnapshotFile) -> f64 {
    KERNEL_MEMORY + UNRECLAIMABLE_CACHE + file.held()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::child::page_tables;

    const MIB: f64 = 1024.0 * 1024.0;

    /// Whether an idle save fits `headroom` above the anonymous memory of `server`, with what its child was measured
    /// to take.
    fn fits(server: f64, own: f64, headroom: f64, cache: RdbCache) -> bool {
        let file = SnapshotFile::OnDisk(390.0 * MIB, cache);
        own + 2.0 * page_tables(server * MIB, 4096) / MIB + margin(file) / MIB <= headroom
    }

    #[test]
    fn idle_saves_near_the_limit_end_as_measured() {
        use RdbCache::{Dropped, Kept};
        for headroom in [5.0, 5.25, 6.0] {
            assert!(fits(511.0, 0.95, headroom, Dropped), "{headroom}");
        }
        for headroom in [4.0, 4.5, 4.75] {
            assert!(!fits(511.0, 0.95, headroom, Dropped), "{headroom}");
        }
        for headroom in [4.5, 4.75, 5.0, 5.25, 5.5] {
            assert!(!fits(518.0, 0.93, headroom, Kept), "{headroom}");
        }
        assert!(fits(518.0, 0.93, 6.0, Kept));
    }

    #[test]
    fn a_file_on_a_tmpfs_is_memory() {
        assert!(margin(SnapshotFile::InMemory(100.0 * MIB)) > 100.0 * MIB);
        assert!(margin(SnapshotFile::None) < 2.0 * MIB);
    }
}
