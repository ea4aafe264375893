//! What a save costs once the host swaps.
//!
//! Swap puts off the OOM killer and takes the speed instead: the child reads every page in key order, so it brings
//! the cold set back in and pushes hot pages out, and each page that the server's one thread faults back in stops all
//! of its clients. So what is modelled is a capacity and two factors, not faults.
//!
//! Left out: compression (zswap, zram), swappiness, and which pages are out.

/// How many times longer a save takes while the host swaps: 9.
///
/// Measured: the RDB was written at 5 to 6 MB/s where about 50 were written without swap. Redis 7.0.15 with 0.5 GiB
/// of 1 KiB values in a control group of 1.02 times that, a swap file of 2 GiB, kernel 6.18; one run, and one of
/// Valkey 8.0.1 like it. Take it as an order of magnitude: a disk with slower reads has a larger one.
pub const SAVE_SLOWDOWN: f64 = 50.0 / 5.5;

/// The share of the writes asked for that is still served while the host swaps.
///
/// Measured in the same runs: 11 of 16.6 thousand a second.
pub const WRITES_SERVED: f64 = 11.0 / 16.6;

/// Where anonymous memory lies that does not fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Swapped {
    /// Swapped out \[bytes\].
    pub out: f64,
    /// Neither in memory nor in swap: what the OOM killer is called for \[bytes\].
    pub beyond: f64,
}

/// What becomes of `need` bytes of anonymous memory with `memory` and `swap` bytes to hold them.
///
/// A page that server and child share takes one slot, as it takes one page. Page cache goes first and is not part of
/// the need. Source: Linux 6.12 `mm/swapfile.c` (slots are counted references) and `mm/vmscan.c`, `get_scan_count`.
pub fn swapped(need: f64, memory: f64, swap: f64) -> Swapped {
    let excess = (need - memory).max(0.0);
    let out = excess.min(swap.max(0.0));
    Swapped { out, beyond: excess - out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_swapped_and_what_is_left_is_beyond() {
        assert_eq!(swapped(9.0, 10.0, 4.0), Swapped { out: 0.0, beyond: 0.0 });
        assert_eq!(swapped(12.0, 10.0, 4.0), Swapped { out: 2.0, beyond: 0.0 });
        assert_eq!(swapped(15.0, 10.0, 4.0), Swapped { out: 4.0, beyond: 1.0 });
        assert_eq!(swapped(15.0, 10.0, 0.0), Swapped { out: 0.0, beyond: 5.0 });
    }

    #[test]
    fn a_save_that_swaps_takes_an_order_of_magnitude_longer() {
        assert!((8.0..11.0).contains(&SAVE_SLOWDOWN) && (0.6..0.7).contains(&WRITES_SERVED));
    }
}
