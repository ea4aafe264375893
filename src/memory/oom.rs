//! Whom the OOM killer takes.

use crate::units::Bytes;

/// `oom_score_adj` of a saving child under `oom-score-adj yes`: the third of `oom-score-adj-values 0 200 800`.
///
/// Source: `config.c`, Redis from 6.0 and Valkey. A primary gets 0.
pub const CHILD_SCORE_ADJ: i64 = 800;

/// File-backed resident memory that the server holds and its child mostly does not: program text and libraries.
///
/// The kernel's kill lines showed about 5 MiB more in the parent, enough for it to be taken in 13 of 13 kills
/// with `oom-score-adj no`; Redis 7.0.15 and Valkey 8.0.1, kernel 6.18.
pub const SERVER_FILE_PAGES: Bytes = Bytes::mib(5);

/// A process as the OOM killer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Resident memory; pages shared with a parent or child count in full in both.
    pub resident: Bytes,
    /// Memory swapped out.
    pub swapped: Bytes,
    /// Its page tables.
    pub page_tables: Bytes,
    /// `oom_score_adj`, in thousandths of the memory, from -1000 to 1000.
    pub score_adj: i64,
}

/// The badness of a process \[pages\]; the worst one is killed.
///
/// ```text
/// points = rss + swap + page tables + oom_score_adj · total / 1000        [pages]
/// ```
///
/// `total` is RAM and swap, or a container's limit. `None` at `oom_score_adj` -1000: never killed.
/// Source: Linux 6.12 `mm/oom_kill.c`, `oom_badness`; unchanged since 4.17.
pub fn oom_badness(candidate: Candidate, total: Bytes, page_size: Bytes) -> Option<i64> {
    if candidate.score_adj == -1000 {
        return None;
    }
    let pages = |bytes: Bytes| i64::try_from(bytes.0 / page_size.0).unwrap_or(i64::MAX);
    let memory = pages(candidate.resident) + pages(candidate.swapped) + pages(candidate.page_tables);
    Some(memory + candidate.score_adj * (pages(total) / 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: Bytes = Bytes::kib(4);

    fn process(resident: Bytes, score_adj: i64) -> Candidate {
        Candidate { resident, swapped: Bytes::ZERO, page_tables: Bytes::mib(2), score_adj }
    }

    #[test]
    fn badness_counts_resident_pages_and_page_tables() {
        assert_eq!(oom_badness(process(Bytes::gib(1), 0), Bytes::gib(4), PAGE), Some(262_144 + 512));
    }

    #[test]
    fn a_child_that_offers_itself_outweighs_any_server() {
        let server = oom_badness(process(Bytes::gib(3), 0), Bytes::gib(4), PAGE);
        let child = oom_badness(process(Bytes::gib(2), CHILD_SCORE_ADJ), Bytes::gib(4), PAGE);
        assert!(child > server);
    }

    #[test]
    fn a_protected_process_is_never_taken() {
        assert_eq!(oom_badness(process(Bytes::gib(3), -1000), Bytes::gib(4), PAGE), None);
    }
}
