//! Whether the kernel lets a server fork: `vm.overcommit_memory`.
//!
//! The kernel counts the memory that processes were promised, not what they touched, and a fork promises a server's
//! counted memory once more. jemalloc 5 maps its heap `MAP_NORESERVE` unless it was started under mode 2, and such a
//! heap is never counted; so in modes 0 and 1 a fork of Redis from 5.0 and Valkey is never refused for its size.
//!
//! Left out: refusals that have nothing to do with promises (`RLIMIT_NPROC`, the pids limit, page tables that a full
//! control group does not grant).

/// `vm.overcommit_memory`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Overcommit {
    /// 0, the kernel's default: a request is refused if it is plainly too large.
    Heuristic,
    /// 1: nothing is refused.
    Always,
    /// 2: promises are bounded.
    Never {
        /// `vm.overcommit_ratio`: the share of RAM that may be promised \[%\].
        ratio: f64,
    },
}

/// The allocator that maps a server's heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeapMapping {
    /// libc's `malloc`: `MALLOC=libc`, and many static builds.
    Libc,
    /// jemalloc 4, bundled with Redis up to 4.0.
    Jemalloc4,
    /// jemalloc 5, bundled with Redis from 5.0 and every Valkey, and the one of today's distributions.
    Jemalloc5,
}

impl HeapMapping {
    /// Whether the kernel counts the heap of a server that was started under `mode`; the mode at the start decides.
    ///
    /// Source: jemalloc 5.3 `pages.c`, `os_overcommits` and `MAP_NORESERVE`; jemalloc 4.0.3 has no such flag. The
    /// kernel ignores the flag under mode 2. Measured on Valkey 8.0.1: heap regions carry `nr` and no `ac`, and
    /// `Committed_AS` did not move with 13 GiB loaded; started under mode 2 it rose by the data set.
    pub fn is_counted(self, started_under: Overcommit) -> bool {
        self != Self::Jemalloc5 || matches!(started_under, Overcommit::Never { .. })
    }
}

/// A fork that is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ForkRequest {
    /// Linux, major and minor.
    pub kernel: (u32, u32),
    /// Memory of the server that the kernel counts: its heap, or nothing (see [`HeapMapping::is_counted`]) \[bytes\].
    pub counted: f64,
    /// Promised to everyone else: `Committed_AS` without the server \[bytes\].
    pub committed_elsewhere: f64,
    /// RAM of the host \[bytes\].
    pub ram: f64,
    /// Swap of the host \[bytes\].
    pub swap: f64,
    /// Free memory, page cache, free swap and reclaimable slab, without what the kernel keeps back \[bytes\].
    pub free: f64,
}

/// The first kernel whose heuristic looks at the host's size and not at what is free.
///
/// Source: commit 8c7829b04c52; read as absent in Linux 5.0 and present in 5.2.
const COARSE_HEURISTIC: (u32, u32) = (5, 2);

/// Whether the kernel grants the fork.
///
/// | mode | up to 5.1 | since 5.2 |
/// |---|---|---|
/// | 0 | counted memory < free memory and cache | counted memory ≤ RAM + swap |
/// | 1 | always | always |
/// | 2 | committed + counted < [`commit_limit`] | the same |
///
/// The counted memory is taken as one region, as a heap of libc's is; the kernel looks at regions one by one.
/// Source: `mm/util.c`, `__vm_enough_memory`, and `kernel/fork.c`, `dup_mmap`, in Linux 5.0, 5.2, 6.1 and 6.12.
pub fn fork_is_admitted(mode: Overcommit, request: &ForkRequest) -> bool {
    let &ForkRequest { kernel, counted, committed_elsewhere, ram, swap, free } = request;
    match mode {
        Overcommit::Always => true,
        // Regions that are not counted are not looked at.
        _ if counted <= 0.0 => true,
        Overcommit::Heuristic if kernel < COARSE_HEURISTIC => counted < free,
        Overcommit::Heuristic => counted <= ram + swap,
        Overcommit::Never { ratio } => {
            fits_commitments(counted, commit_limit(ratio, ram, swap, counted) - committed_elsewhere)
        }
    }
}

/// Whether server and child fit under a commit limit that leaves `headroom` beyond what others were promised
/// \[bytes\].
pub fn fits_commitments(counted: f64, headroom: f64) -> bool {
    2.0 * counted < headroom
}

/// `vm.admin_reserve_kbytes` at most, kept from processes without `CAP_SYS_ADMIN` \[bytes\]. Source: `mm/mmap.c`,
/// `init_admin_reserve`.
const ADMIN_RESERVE: f64 = 8.0 * 1024.0 * 1024.0;

/// `vm.user_reserve_kbytes` at most \[bytes\]. Source: `mm/mmap.c`, `init_user_reserve`.
const USER_RESERVE: f64 = 128.0 * 1024.0 * 1024.0;

/// What may be promised under mode 2 to a process that holds `own` bytes \[bytes\].
///
/// ```text
/// ratio/100 · RAM + swap − 8 MiB − min(own/32, 128 MiB)
/// ```
///
/// Source: Linux 6.12 `mm/util.c`, `vm_commit_limit` and `__vm_enough_memory`. Huge pages set aside are taken as
/// none.
pub fn commit_limit(ratio: f64, ram: f64, swap: f64, own: f64) -> f64 {
    ratio / 100.0 * ram + swap - ADMIN_RESERVE - (own / 32.0).min(USER_RESERVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: f64 = (1u64 << 30) as f64;
    const NEVER: Overcommit = Overcommit::Never { ratio: 50.0 };

    fn request(kernel: (u32, u32), counted: f64) -> ForkRequest {
        ForkRequest {
            kernel,
            counted,
            committed_elsewhere: GIB,
            ram: 24.0 * GIB,
            swap: 0.0,
            free: 10.0 * GIB,
        }
    }

    #[test]
    fn only_jemalloc_5_started_outside_mode_2_goes_uncounted() {
        assert!(!HeapMapping::Jemalloc5.is_counted(Overcommit::Heuristic));
        assert!(!HeapMapping::Jemalloc5.is_counted(Overcommit::Always));
        assert!(HeapMapping::Jemalloc5.is_counted(NEVER));
        assert!(HeapMapping::Jemalloc4.is_counted(Overcommit::Always));
        assert!(HeapMapping::Libc.is_counted(Overcommit::Heuristic));
    }

    #[test]
    fn the_old_heuristic_refuses_a_server_larger_than_what_is_free_and_the_new_one_does_not() {
        let admitted =
            |kernel, counted| fork_is_admitted(Overcommit::Heuristic, &request(kernel, counted * GIB));
        assert!(admitted((5, 1), 9.0) && !admitted((5, 1), 13.0));
        assert!(admitted((5, 2), 13.0) && !admitted((5, 2), 25.0));
    }

    /// Measured: 13 GiB of 24 forked under modes 0 and 1, Redis 7.0.15 and Valkey 8.0.1.
    #[test]
    fn a_heap_that_is_not_counted_is_never_refused() {
        for mode in [Overcommit::Heuristic, Overcommit::Always, NEVER] {
            for kernel in [(4, 19), (6, 18)] {
                assert!(fork_is_admitted(mode, &ForkRequest { free: 0.0, ..request(kernel, 0.0) }));
            }
        }
    }

    #[test]
    fn under_mode_2_server_and_child_share_the_limit() {
        // 12 GiB may be promised; 1 GiB is, and the reserves take 136 MiB at most.
        assert!(fork_is_admitted(NEVER, &request((6, 1), 5.4 * GIB)));
        assert!(!fork_is_admitted(NEVER, &request((6, 1), 5.5 * GIB)));
    }

    /// Measured: 4.1 GiB started under mode 2 with 7 GiB left was refused its fork.
    #[test]
    fn a_server_started_under_mode_2_needs_twice_its_size() {
        assert!(!fits_commitments(4.1 * GIB, 7.0 * GIB));
        assert!(fits_commitments(3.4 * GIB, 7.0 * GIB));
    }
}
