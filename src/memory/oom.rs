//! Whom the OOM killer takes, and what else dies with it.

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

/// How a kernel goes from the worst process to the one that it kills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KillRule {
    /// The worst process's child of the highest badness dies in its place, if it has one that may: up to 5.0. A
    /// save's child dies, the server lives.
    ChildSacrificed,
    /// The worst process itself dies: from 5.1. Mostly the server, which has the larger resident set.
    LargestProcess,
}

impl KillRule {
    /// The rule of a kernel, major and minor.
    ///
    /// Source: `mm/oom_kill.c`, `oom_kill_process`, read in Linux 5.0, 5.2 and 6.12; commit bbbe48029720, 5.1-rc1.
    pub fn of_kernel(version: (u32, u32)) -> Self {
        if version < (5, 1) { Self::ChildSacrificed } else { Self::LargestProcess }
    }

    /// Whether of two processes that are as bad as each other the newer one is chosen.
    ///
    /// Source: `oom_evaluate_task`: the older one stays chosen in Linux 5.0 and 5.2, the newer one replaces it in
    /// 6.12; taken for the whole of either era.
    fn takes_newer_on_tie(self) -> bool {
        self == Self::LargestProcess
    }
}

/// One of the processes that an OOM killer chooses from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// What it weighs.
    pub candidate: Candidate,
    /// Its parent among the processes, by index.
    pub parent: Option<usize>,
}

/// Which of `processes`, oldest first, is killed; `None` if none may be.
///
/// `total` is as in [`oom_badness`]. The candidates are those of the host, or of the control group that is full.
pub fn victim(rule: KillRule, processes: &[Process], total: Bytes, page_size: Bytes) -> Option<usize> {
    let worst = worst(rule, processes, total, page_size, |_| true)?;
    match rule {
        KillRule::LargestProcess => Some(worst),
        KillRule::ChildSacrificed => {
            let is_child = |process: &Process| process.parent == Some(worst);
            Some(self::worst(rule, processes, total, page_size, is_child).unwrap_or(worst))
        }
    }
}

fn worst(
    rule: KillRule,
    processes: &[Process],
    total: Bytes,
    page_size: Bytes,
    is_meant: impl Fn(&Process) -> bool,
) -> Option<usize> {
    let meant = processes.iter().enumerate().filter(|(_, process)| is_meant(process));
    let judged =
        meant.filter_map(|(index, process)| Some((index, oom_badness(process.candidate, total, page_size)?)));
    judged
        .reduce(|chosen, next| {
            let replaces = next.1 > chosen.1 || next.1 == chosen.1 && rule.takes_newer_on_tie();
            if replaces { next } else { chosen }
        })
        .map(|(index, _)| index)
}

/// systemd's `OOMPolicy` of a server's unit, or `memory.oom.group` of its control group: what follows the kill of any
/// of its processes, be it only a save's child.
///
/// Source: systemd.service(5), from 243; Linux 6.12 `mm/memcontrol.c`, `mem_cgroup_get_oom_group`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OomPolicy {
    /// Nothing: the rest goes on.
    Continue,
    /// The unit is stopped in good order, with SIGTERM, and started again if `Restart=` says so: systemd's default.
    /// So `oom-score-adj yes` saves the data set from the kernel, and systemd ends the server none the less.
    #[default]
    Stop,
    /// All of its processes are killed at once: also `memory.oom.group` 1.
    Kill,
}

impl OomPolicy {
    /// Whether the server goes down once its saving child has been killed.
    pub fn ends_server(self) -> bool {
        self != Self::Continue
    }

    /// Whether the server can still write a last snapshot: it does on SIGTERM where save points are configured.
    pub fn lets_server_save(self) -> bool {
        self != Self::Kill
    }
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

    const HOST: Bytes = Bytes::gib(8);

    fn taken(rule: KillRule, processes: &[(u64, i64, Option<usize>)]) -> Option<usize> {
        let processes: Vec<Process> = processes
            .iter()
            .map(|&(mib, adj, parent)| Process { candidate: process(Bytes::mib(mib), adj), parent })
            .collect();
        victim(rule, &processes, HOST, PAGE)
    }

    #[test]
    fn kernels_up_to_5_0_sacrifice_the_child_and_later_ones_take_the_larger() {
        assert_eq!(KillRule::of_kernel((5, 0)), KillRule::ChildSacrificed);
        assert_eq!(KillRule::of_kernel((5, 1)), KillRule::LargestProcess);
        let saving = [(2053, 0, None), (2048, 0, Some(0))];
        assert_eq!(taken(KillRule::ChildSacrificed, &saving), Some(1));
        assert_eq!(taken(KillRule::LargestProcess, &saving), Some(0));
    }

    #[test]
    fn a_child_that_offers_itself_is_taken_under_either_rule() {
        let saving = [(2053, 0, None), (2048, CHILD_SCORE_ADJ, Some(0))];
        assert_eq!(taken(KillRule::ChildSacrificed, &saving), Some(1));
        assert_eq!(taken(KillRule::LargestProcess, &saving), Some(1));
    }

    /// Measured: an idle server of 2.1 GiB was killed in the place of one of 1.1 GiB that took the memory.
    #[test]
    fn a_larger_neighbour_dies_first_and_its_children_before_it_where_they_are_sacrificed() {
        let host = [(2150, 0, None), (1100, 0, None), (1100, 0, Some(1))];
        assert_eq!(taken(KillRule::LargestProcess, &host), Some(0));
        assert_eq!(taken(KillRule::ChildSacrificed, &host), Some(0));
    }

    #[test]
    fn equals_are_told_apart_by_age() {
        let equals = [(100, 0, None), (100, 0, None)];
        assert_eq!(taken(KillRule::LargestProcess, &equals), Some(1));
        assert_eq!(taken(KillRule::ChildSacrificed, &equals), Some(0));
    }

    #[test]
    fn where_all_are_protected_nobody_is_killed() {
        assert_eq!(taken(KillRule::LargestProcess, &[(100, -1000, None)]), None);
        let protected_child = [(100, 0, None), (100, -1000, Some(0))];
        assert_eq!(taken(KillRule::ChildSacrificed, &protected_child), Some(0));
    }

    #[test]
    fn only_the_policy_continue_spares_a_server_whose_child_was_killed() {
        assert!(!OomPolicy::Continue.ends_server() && OomPolicy::default().ends_server());
        assert!(OomPolicy::Stop.lets_server_save() && !OomPolicy::Kill.lets_server_save());
    }
}
