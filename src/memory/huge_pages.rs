//! Transparent huge pages: what a fork costs where the heap lies on them.
//!
//! They are in force with `/sys/kernel/mm/transparent_hugepage/enabled` on `always` and `disable-thp no`; by default
//! Redis (from 6.2) and Valkey switch them off for themselves, and on `madvise` jemalloc asks for none. What a write
//! to a huge page that a child shares then costs is a matter of the kernel:
//!
//! | kernel | a write copies | once the child is gone |
//! |---|---|---|
//! | up to 5.7 | the huge page | the page is as huge as before |
//! | from 5.8 | a base page; the writer's huge page is split | the old halves stay until memory is short |
//!
//! Source: `mm/huge_memory.c`, `do_huge_pmd_wp_page` in Linux 5.2, 6.1 and 6.12 (commit 3917c80280c9, which names
//! Redis as its reason); the newer one measured on 6.18. Either way the child gives nothing back: the server does not
//! dismiss on huge pages.
//!
//! Left out: khugepaged, which in time makes huge pages of split ones again, and huge pages that the kernel cannot
//! find.

use crate::memory::exposure::Exposure;
use crate::memory::heap::{Heap, PoolLoad, Population};
use crate::memory::popularity::Spread;

/// What a write to a shared huge page does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HugePages {
    /// It copies the huge page: Linux up to 5.7.
    Copied,
    /// It splits the huge page and copies a base page: Linux from 5.8.
    Split,
}

impl HugePages {
    /// What the kernel of a version, major and minor, does.
    pub fn of_kernel(version: (u32, u32)) -> Self {
        if version < (5, 8) { Self::Copied } else { Self::Split }
    }
}

/// Size of a huge page over base pages of `page_size` \[bytes\]: what one page of the lowest page table maps.
///
/// ```text
/// page_size · page_size / 8           2 MiB at 4 KiB, 32 MiB at 16 KiB, 512 MiB at 64 KiB
/// ```
///
/// Source: x86-64 and arm64 page tables, entries of eight bytes.
pub fn size(page_size: u64) -> u64 {
    page_size * page_size / 8
}

/// The shortest and longest pause of a fork a GiB of huge pages \[µs/GiB\].
///
/// Measured: 2.0 to 4.1 ms a GiB, Redis 7.0.15 and Valkey 8.0.1 with 0.5 GiB, kernel 6.18: 1.1 to 2.2 ms a fork.
const PAUSE_PER_GIB: (f64, f64) = (2_000.0, 4_100.0);

const GIB: f64 = (1u64 << 30) as f64;

/// The pause of a fork of `resident` bytes that all lie on huge pages: an interval \[µs\].
pub fn pause(resident: f64) -> (f64, f64) {
    (resident / GIB * PAUSE_PER_GIB.0, resident / GIB * PAUSE_PER_GIB.1)
}

/// The heap on huge pages under a load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HugeHeap {
    /// Its size \[bytes\].
    pub bytes: f64,
    /// What lies on huge pages that have been written \[bytes\].
    pub written: f64,
}

/// How much of the heap lies on huge pages of `size` bytes that `exposures` have written.
///
/// ```text
/// E[written] = H · (1 − Π pools  φ̄^(n (1 + c/size) / H))       H huge pages, n places of c bytes in the pool
/// ```
///
/// Slabs of all pools lie mixed on huge pages, so that one is clean only if no place of any pool on it was written; a
/// place lies on `1 + c/size` huge pages on average. The hash tables are runs of pages of their own.
pub fn written(
    heap: &Heap,
    population: &Population,
    exposures: &[Exposure],
    spreads: &[Spread],
    size: f64,
) -> HugeHeap {
    let pools = heap.pool_loads(population, exposures, spreads);
    let bytes: f64 = pools.iter().map(|pool| pool.bytes).sum();
    let huge_pages = (bytes / size).max(1.0);
    let log_clean =
        |pool: &PoolLoad| pool.places * (1.0 + pool.place_bytes / size) / huge_pages * pool.log_clean;
    let share = -pools.iter().map(log_clean).sum::<f64>().exp_m1();
    let tables = heap.tables_on_pages_of(population, exposures, spreads, size);
    HugeHeap { bytes: bytes + tables.bytes, written: bytes * share + tables.written }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::layout::profiles::redis_7_0;
    use crate::memory::{Allocator, KeyKind, Keys, Popularity, Released, Value};

    fn heap(value: u64) -> Heap {
        let kind = KeyKind { key_size: 16, value: Value::Bytes(value), has_ttl: false };
        Heap::new(&redis_7_0(), Allocator::System, 4096, &[Keys::alike(kind)])
    }

    fn at(value: u64, keys: f64, sets: f64) -> HugeHeap {
        let exposure = Exposure { set: sets, ..Exposure::default() };
        let spread = Spread::new(Popularity::Uniform, keys);
        written(&heap(value), &Population::of(vec![keys]), &[exposure], &[spread], 2_097_152.0)
    }

    #[test]
    fn kernels_from_5_8_split() {
        assert_eq!(HugePages::of_kernel((5, 7)), HugePages::Copied);
        assert_eq!(HugePages::of_kernel((5, 8)), HugePages::Split);
        assert_eq!(HugePages::of_kernel((6, 1)), HugePages::Split);
    }

    #[test]
    fn a_huge_page_is_what_a_page_of_the_lowest_table_maps() {
        assert_eq!([4096, 16_384, 65_536].map(size), [2 << 20, 32 << 20, 512 << 20]);
    }

    #[test]
    fn nothing_written_is_nothing_copied_and_everything_is_the_heap() {
        assert!(at(1024, 1e6, 0.0).written.abs() < 1e-6);
        let all = at(1024, 1e6, 1e8);
        let tables = f64::from(1 << 20) * 8.0;
        assert!(((all.bytes - tables) / all.written - 1.0).abs() < 1e-9, "{all:?}");
    }

    /// Four places a key (entry and key are one), each on a huge page of its own as long as few are written.
    #[test]
    fn the_first_overwrites_reach_three_huge_pages_each() {
        let HugeHeap { written, .. } = at(1024, 1e8, 1.0);
        let pages = written / 2_097_152.0;
        assert!((3.0..3.01).contains(&pages), "{pages}");
    }

    #[test]
    fn huge_pages_cost_more_than_base_pages_and_no_more_than_all() {
        let (keys, spread) = (1e6, Spread::new(Popularity::Uniform, 1e6));
        let mut last = 0.0;
        for sets in [1.0, 10.0, 1e3, 1e5, 1e7] {
            let exposure = Exposure { set: sets, ..Exposure::default() };
            let population = Population::of(vec![keys]);
            let released = Released::default();
            let base =
                heap(1024).copied_bytes(&population, &[exposure], std::slice::from_ref(&spread), released);
            let huge = at(1024, keys, sets);
            assert!(
                huge.written >= base * (1.0 - 1e-9) && huge.written <= huge.bytes && huge.written >= last
            );
            last = huge.written;
        }
    }
}
