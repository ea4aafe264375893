//! The fork itself: how long it holds the server.

/// The shortest and longest pause a resident page of the base size \[µs/page\].
///
/// Measured: 28 to 84 ms a GiB of 4 KiB pages hold 97 % of 286 forks of Redis 7.0.15, Valkey 8.0.1 and 8.1.1 from
/// 0.26 to 12.8 GiB on a virtual machine of two cores, kernel 6.18, the cores shared with other work. It is a
/// property of the machine: published figures run from 9 to 43 ms a GB, and a server's own `latest_fork_usec` is
/// better than both.
const PAUSE_PER_PAGE: (f64, f64) = (28_000.0 / PAGES_PER_GIB, 84_000.0 / PAGES_PER_GIB);

const PAGES_PER_GIB: f64 = 262_144.0;

/// The pause of a fork of `resident` bytes on pages of `page_size` bytes: an interval \[µs\].
///
/// The kernel copies one page table entry for each resident page, so the pause grows with pages, not with keys. On
/// huge pages it is a tenth or less: 1.1 to 2.2 ms measured for 0.5 GiB.
pub fn pause(resident: f64, page_size: u64) -> (f64, f64) {
    let pages = resident / page_size as f64;
    (pages * PAUSE_PER_PAGE.0, pages * PAUSE_PER_PAGE.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_upper_end_is_at_most_three_times_the_lower_one() {
        let (low, high) = pause(1e9, 4096);
        assert!(low < high && high <= 3.0 * low * (1.0 + 1e-12));
    }

    #[test]
    fn larger_pages_are_fewer_entries() {
        assert!((pause(1e9, 65_536).1 * 16.0 - pause(1e9, 4096).1).abs() < 1e-6);
    }
}
