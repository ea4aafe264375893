//! What the kernel says of the memory of two processes: `/proc/PID/smaps_rollup`, and who is whose child.

use std::fs;

/// Sums over all mappings of a process \[bytes\].
#[derive(Clone, Copy, Default)]
pub struct Rollup {
    /// Resident.
    pub rss: f64,
    /// Anonymous pages, each counted whole.
    pub anonymous: f64,
    /// Anonymous pages, each divided by the number of processes that map it.
    pub shared_out_anonymous: f64,
    /// Dirty pages that no other process maps.
    pub private_dirty: f64,
    /// In huge pages.
    pub huge: f64,
}

impl Rollup {
    /// Nothing for a process whose memory is gone, as that of a child that tears down.
    pub fn of(pid: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
            Some(kib * 1024.0)
        };
        Some(Self {
            rss: field("Rss")?,
            anonymous: field("Anonymous")?,
            shared_out_anonymous: field("Pss_Anon")?,
            private_dirty: field("Private_Dirty")?,
            huge: field("AnonHugePages")?,
        })
    }
}

/// State and parent of a process: nothing once it is gone.
fn state(pid: u32) -> Option<(char, u32)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold anything, brackets and spaces too.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// The only living child of a process.
pub fn child(parent: u32) -> Option<u32> {
    let processes = fs::read_dir("/proc").ok()?;
    let mut pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    pids.find(|pid| state(*pid).is_some_and(|(state, of)| of == parent && state != 'Z'))
}

/// Whether a process still runs: a dead one that was not yet waited for does not.
pub fn lives(pid: u32) -> bool {
    state(pid).is_some_and(|(state, _)| state != 'Z' && state != 'X')
}

/// Size of a page \[bytes\].
pub fn page_bytes() -> u64 {
    rustix::param::page_size() as u64
}

/// Whether a process uses the system's jemalloc rather than one that was built in.
pub fn maps_the_systems_jemalloc(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/maps")).is_ok_and(|maps| maps.contains("libjemalloc"))
}
