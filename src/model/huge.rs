//! How much of the heap still lies on huge pages, and the halves that splitting them leaves behind.
//!
//! A heap that was just loaded lies on huge pages. From Linux 5.8 a write during a save splits the huge page: what was
//! written moves to base pages, and its old half stays charged to nobody until the kernel is short of memory.

use crate::memory::huge_pages::HugeHeap;
use crate::memory::{HugePages, fork, huge_pages};
use crate::units::SimDuration;

/// The heap's huge pages, as of the last child.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct HugeShare {
    /// Of the heap, the share that lies on huge pages that were never split.
    pub intact: f64,
    /// Old halves that the kernel can have back \[bytes\].
    pub halves: f64,
}

impl HugeShare {
    /// A heap just loaded.
    pub const LOADED: Self = Self { intact: 1.0, halves: 0.0 };

    /// After a child for which `copied` bytes of `resident` were copied, on the huge pages of `heap`.
    ///
    /// A half stays only where the page copied still lay with its huge page. Measured on 6.18: a save left as many
    /// bytes as it had copied, and 506 of 512 MiB of huge pages became 24 in a save that wrote a page in 200.
    pub fn after(self, copied: f64, resident: f64, heap: HugeHeap) -> Self {
        if resident <= 0.0 || heap.bytes <= 0.0 {
            return self;
        }
        let left = copied * (1.0 - self.halves / resident).max(0.0);
        Self {
            intact: self.intact * (1.0 - heap.written / heap.bytes).max(0.0),
            halves: (self.halves + left).min(resident),
        }
    }
}

/// How long a fork of `resident` bytes holds the server, at the place `u` in [0, 1] between the shortest and the
/// longest pause, evenly in the logarithm.
///
/// Which place is a matter of the machine, so it is one for all forks of a host.
pub(super) fn pause(
    resident: f64,
    page_size: u64,
    on_huge_pages: Option<(HugePages, HugeShare)>,
    u: f64,
) -> SimDuration {
    let huge_share = match on_huge_pages {
        None => 0.0,
        Some((HugePages::Copied, _)) => 1.0,
        Some((HugePages::Split, share)) => share.intact,
    };
    let between = |(low, high): (f64, f64)| if low > 0.0 { low * (high / low).powf(u) } else { 0.0 };
    let base = between(fork::pause(resident * (1.0 - huge_share), page_size));
    let huge = between(huge_pages::pause(resident * huge_share));
    SimDuration::from_secs_f64((base + huge) * 1e-6)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: f64 = (1u64 << 30) as f64;

    #[test]
    fn a_fork_on_huge_pages_is_at_least_ten_times_as_short() {
        for u in [0.0, 0.5, 1.0] {
            let base = pause(GIB, 4096, None, u).as_secs_f64();
            let huge = pause(GIB, 4096, Some((HugePages::Split, HugeShare::LOADED)), u).as_secs_f64();
            assert!(huge > 0.0 && huge < base / 10.0, "{huge} {base}");
        }
    }

    #[test]
    fn once_they_are_split_a_fork_takes_as_long_as_on_base_pages() {
        let split = HugeShare { intact: 0.0, halves: 0.0 };
        let after = pause(GIB, 4096, Some((HugePages::Split, split)), 0.3);
        assert_eq!(after, pause(GIB, 4096, None, 0.3));
        let kept = pause(GIB, 4096, Some((HugePages::Copied, split)), 0.3);
        assert_eq!(kept, pause(GIB, 4096, Some((HugePages::Split, HugeShare::LOADED)), 0.3));
    }

    /// Two saves of 512 MiB: 194 MiB held after the first, 373 after the second, of which the second copied more.
    #[test]
    fn halves_add_up_to_no_more_than_the_heap() {
        let mib = |amount: f64| amount * 1_048_576.0;
        let heap = HugeHeap { bytes: mib(512.0), written: mib(488.0) };
        let first = HugeShare::LOADED.after(mib(194.0), mib(538.0), heap);
        assert!((first.halves - mib(194.0)).abs() < 1.0 && first.intact < 0.05);
        let mut share = first;
        for _ in 0..50 {
            share = share.after(mib(300.0), mib(538.0), heap);
        }
        assert!(share.halves <= mib(538.0) && share.halves > mib(500.0));
    }
}
