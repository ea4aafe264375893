//! How long a server stands still at a limit before anything is killed.
//!
//! Every page of cache that reclaim gets hold of counts as progress, so the kernel evicts the snapshot's cache and
//! the server's own program text, reads them back and evicts them again, and calls the OOM killer only when a round
//! finds nothing. Meanwhile the server serves a hundredth to a fifth of its writes: an outage of its own. Under
//! `memory.high` there is no kill at all, only sleeps.
//!
//! Left out: `min_ttl_ms` of the multi-generational LRU, systemd-oomd and earlyoom, which end a stall sooner.

use crate::memory::child::UNWRITTEN_CACHE;

/// A lognormal time: the median \[s\] and the standard deviation of its logarithm.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Lognormal {
    median: f64,
    sigma: f64,
}

/// With next to no cache to evict: it is over at once, or drags on for a minute on program text alone.
///
/// Measured: 27 stalls of 0.02 to over 75 s, of which 6 were still going on when the watch ended (45 to 75 s), fitted
/// by maximum likelihood with those as lower bounds: 7 kills of Redis 7.0.15 at limits of 1.01 and 1.03 times its
/// memory, 10 idle saves of Redis 7.0.15 and Valkey 8.0.1 at limits 4 to 5.5 MiB above it, 10 saves of Valkey 8.0.1
/// that wrote. Kernel 6.18, control group v1, two shared cores. The three sets have medians of 0.4, 3.3 and 51 s: one
/// median is uncertain by more than a factor of five.
const LITTLE_CACHE: Lognormal = Lognormal { median: 4.7, sigma: 2.9 };

/// With a snapshot's file in the cache, tens of MiB and more.
///
/// Measured: 6 kills of Redis 7.0.15, whose saves leave the file in the cache, at limits of 1.1 to 1.75 times its
/// memory: 16, 24, 36, 42, 59 and 73 s from within 8 MiB of the limit to the kill. Kernel 6.18, control group v1. The
/// median is uncertain by a quarter; nothing is known of caches beyond 100 MiB.
const FILE_IN_CACHE: Lognormal = Lognormal { median: 36.6, sigma: 0.57 };

/// The longest stall \[s\]: an assumption. No run was watched for longer than 75 s, so the tail beyond is that of the
/// lognormal and not of the kernel; by then somebody's health check or earlyoom acts.
const LONGEST: f64 = 600.0;

/// From the limit to the kill, by a standard normal `z` and the cache that could be dropped when the limit was
/// reached: \[s\].
///
/// Cache beyond [`UNWRITTEN_CACHE`] is that of a file that the engine leaves behind (Redis up to 7.0, a disk-based
/// full sync, a log without incremental fsync); engines that drop it as they go never have more.
pub fn stall_seconds(z: f64, droppable_cache: f64) -> f64 {
    let Lognormal { median, sigma } =
        if droppable_cache > UNWRITTEN_CACHE { FILE_IN_CACHE } else { LITTLE_CACHE };
    (median * (sigma * z).exp()).min(LONGEST)
}

/// The share of the writes asked for that a stalled server serves: the middle of what was measured on a scale of
/// ratios.
///
/// Measured: 160 to 8,100 of 40 thousand a second, Redis 7.0.15 in the runs above. Valkey 8.0.1 served 2 to 57
/// thousand.
pub const WRITES_SERVED: f64 = 0.03;

/// Pages charged in one go. Source: Linux 6.12 `MEMCG_CHARGE_BATCH`.
const CHARGE_BATCH: f64 = 64.0;

/// The longest that a task sleeps for one batch \[s\]. Source: Linux 6.12 `mm/memcontrol.c`,
/// `MEMCG_MAX_HIGH_DELAY_JIFFIES`.
const LONGEST_SLEEP: f64 = 2.0;

/// The sleep for each 64 pages charged above `memory.high` \[s\].
///
/// ```text
/// min(64 · f², 2),    f = usage/high − 1
/// ```
///
/// 6.4 ms at 1 %, 160 ms at 5 %. Source: Linux 6.12 `mm/memcontrol.c`, `calculate_high_delay`; 5.x from 5.8 alike.
pub fn high_sleep(usage: f64, high: f64) -> f64 {
    let excess = (usage / high - 1.0).max(0.0);
    (64.0 * excess * excess).min(LONGEST_SLEEP)
}

/// How fast a process can still take memory above `memory.high`, on pages of `page_size` bytes \[bytes/s\]; infinite
/// below it.
pub fn high_charge_rate(usage: f64, high: f64, page_size: u64) -> f64 {
    CHARGE_BATCH * page_size as f64 / high_sleep(usage, high)
}

/// The excess over `memory.high` at which every batch of pages costs the longest sleep: `√(2/64)`.
///
/// From here on a server copies 128 KiB a second at 4 KiB pages: it stands still.
pub const STALLED_EXCESS: f64 = 0.176_776_695_296_636_9;

/// The excess over `memory.high` at which a process that takes `rate` bytes a second is held to just that: usage
/// grows no further.
///
/// ```text
/// f = √(batch / (64 · rate)),  at most STALLED_EXCESS
/// ```
pub fn high_balance(rate: f64, page_size: u64) -> f64 {
    (CHARGE_BATCH * page_size as f64 / (64.0 * rate)).sqrt().min(STALLED_EXCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: f64 = 1024.0 * 1024.0;

    #[test]
    fn a_file_in_the_cache_drags_the_stall_out() {
        assert!((stall_seconds(0.0, 80.0 * MIB) - 36.6).abs() < 1e-9);
        assert!((stall_seconds(0.0, 0.0) - 4.7).abs() < 1e-9);
        assert!((stall_seconds(6.0, 0.0) - 600.0).abs() < 1e-9);
        assert!(stall_seconds(-1.0, 80.0 * MIB) > stall_seconds(0.0, 0.0));
    }

    #[test]
    fn two_sigma_hold_what_was_measured() {
        assert!(stall_seconds(-2.0, 80.0 * MIB) < 15.6 && stall_seconds(2.0, 80.0 * MIB) > 72.5);
        assert!(stall_seconds(-2.0, 0.0) < 0.02 && stall_seconds(1.0, 0.0) > 75.0);
    }

    #[test]
    fn the_sleep_grows_with_the_square_of_the_excess_up_to_two_seconds() {
        assert!((high_sleep(1.01, 1.0) - 0.0064).abs() < 1e-9);
        assert!((high_sleep(1.05, 1.0) - 0.16).abs() < 1e-9);
        assert!((high_sleep(1.0 + STALLED_EXCESS, 1.0) - 2.0).abs() < 1e-9);
        assert!((high_sleep(3.0, 1.0) - 2.0).abs() < 1e-9 && high_sleep(0.9, 1.0) <= 0.0);
    }

    #[test]
    fn a_stalled_server_copies_128_kib_a_second() {
        assert!((high_charge_rate(1.2, 1.0, 4096) - 131_072.0).abs() < 1e-6);
        assert!(high_charge_rate(0.99, 1.0, 4096).is_infinite());
    }

    #[test]
    fn usage_settles_where_the_sleep_leaves_just_the_rate() {
        let rate = 20.0 * MIB;
        let excess = high_balance(rate, 4096);
        assert!((high_charge_rate(1.0 + excess, 1.0, 4096) / rate - 1.0).abs() < 1e-9);
        assert!((high_balance(1.0, 4096) - STALLED_EXCESS).abs() < 1e-12);
    }
}
