//! Why a published figure lies outside its interval, for those that do.

use super::row::Figure;

/// One sentence on the miss of a row's figure; `None` for figures that lie inside.
pub fn explanation(id: &str, figure: Figure) -> Option<&'static str> {
    let explained = MISSES.iter().find(|(ids, missed, _)| ids.contains(&id) && *missed == figure);
    explained.map(|(_, _, why)| *why)
}

/// Rows, the figure that they miss, and why.
pub(super) const MISSES: [(&[&str], Figure, &str); 11] = [
    (
        &["C-exporter-last"],
        Figure::Copied,
        "every write was taken for an overwrite of a key by its popularity; of the row's `commandstats` half are `RESTORE` and `SETEX`, \
         much of it new keys, and the rest deletions and steps of lists, sets and counters in place, which copy fewer pages.",
    ),
    (
        &["C-exporter-live"],
        Figure::Copied,
        "the child looked one second after the fork, when keys are the lesser part: the buffers of 536 clients and two replicas, \
         which the parent writes too, are in no law here.",
    ),
    (
        &["C-thp-on"],
        Figure::Copied,
        "the heap was taken to lie on huge pages whole, and a few thousand writes reach nearly all of them; some of it may have \
         lain on base pages.",
    ),
    (
        &["C-8829-before"],
        Figure::Copied,
        "the child allocated a buffer for each string that it compressed, all over its heap, and the law counts one buffer in one \
         place; the change published with it takes just these allocations away, and the row after it is met.",
    ),
    (
        &["C-8829-before", "C-8829-after", "C-1211-first", "C-11558-b", "C-11558-c"],
        Figure::ForkPause,
        "the interval is that of a busy virtual machine, and this host, of which nothing is said, forked faster: bare metal, or \
         huge pages.",
    ),
    (
        &["C-11558-c"],
        Figure::Copied,
        "the report speaks of a burst of traffic: writes beyond what was assumed, as the output buffer beside it shows; the extreme \
         of the draws holds it.",
    ),
    (
        &["C-11558-c"],
        Figure::ReplicaBuffer,
        "64 GiB while a replica syncs for five minutes are 230 MB/s of writes: a burst of values longer than assumed; what holds \
         is the bound, its limit.",
    ),
    (
        &["O-9341"],
        Figure::ForkPause,
        "19 ms for 8.2 GiB are 2.3 ms a GiB, the pace of huge pages (measured: 2.0 to 4.1), of which the row says nothing.",
    ),
    (
        &["O-4005"],
        Figure::PeakUsed,
        "more than 13 GiB waited for each replica, so its writes were longer, or its syncs slower, than assumed; what holds is the \
         bound, 54.7 GiB with three limits of 16 GiB.",
    ),
    (
        &["C-3609-idle"],
        Figure::Copied,
        "with no writes all of it is the allocator's bookkeeping for the strings that the child frees, for which no constant was \
         fitted: on pages of 4 KiB it misses by 4 % of a data set printed as about 300 GB, and pages of 64 KiB are ruled out.",
    ),
    (
        &["C-3609-idle"],
        Figure::ForkPause,
        "15 ms a GiB is faster than the virtual machine of the interval on pages of 4 KiB, and slower than it on pages of 64 KiB.",
    ),
];
