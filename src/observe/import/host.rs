//! `[host]`: the machine.

use super::page::{Entry, Origin, Section, entry, exact_size, interval, quoted, section};
use super::{HostMemory, Sources};
use crate::observe::words::grouped;
use crate::units::Bytes;

/// The table.
pub(super) fn host(sources: &Sources) -> Section {
    let mut entries = vec![memory(sources)];
    entries.extend(limit(sources));
    entries.push(reserved(sources));
    entries.extend(sources.record.server.os.as_deref().and_then(kernel));
    let page_size = "pages of 4 KiB, as on x86-64; `getconf PAGESIZE` tells, and an ARM host may have 64 KiB";
    entries.push(entry("page-size", quoted("4 KiB"), Origin::Assumed, page_size));
    section("[host]", entries)
}

fn memory(sources: &Sources) -> Entry {
    let ram = sources.ram;
    match sources.memory {
        HostMemory::Reported => {
            let why = format!(
                "total_system_memory = {}. In a container this is the node's memory, not the container's, \
                 and INFO cannot tell: if there is a limit, import again with --limit",
                grouped(ram.0)
            );
            entry("ram", quoted(ram), Origin::Measured, why)
        }
        HostMemory::Ram(_) => {
            let said = sources
                .record
                .memory
                .total_system
                .map_or_else(String::new, |total| format!("; total_system_memory says {total}"));
            entry("ram", quoted(ram), Origin::Given, format!("with --ram{said}"))
        }
        HostMemory::Limit(limit) => match sources.record.memory.total_system {
            Some(total) => {
                let why = "total_system_memory: of the node that the container is on";
                entry("ram", quoted(total.max(*limit)), Origin::Measured, why)
            }
            None => entry("ram", quoted(limit), Origin::Assumed, "the container has its node to itself"),
        },
        HostMemory::Class { name, ram } => {
            entry("class", quoted(name), Origin::Given, format!("with --class: {ram} of RAM"))
        }
    }
}

fn limit(sources: &Sources) -> Option<Entry> {
    let HostMemory::Limit(limit) = sources.memory else { return None };
    let why = "with --limit: it takes the place of the RAM, and the page cache of the save counts against it as well";
    Some(entry("limit", exact_size(*limit), Origin::Given, why))
}

fn reserved(sources: &Sources) -> Entry {
    if let HostMemory::Limit(_) = sources.memory {
        let why = "a container holds the server and little else";
        return entry(
            "reserved",
            interval(&quoted("0 B"), &quoted("16 MiB"), &quoted("64 MiB")),
            Origin::Assumed,
            why,
        );
    }
    // A small machine runs a small system: from 8 GiB down in proportion.
    let scale = (sources.ram.as_f64() / Bytes::gib(8).as_f64()).min(1.0);
    let [low, likely, high] =
        [400, 700, 1_536].map(|mib| quoted(Bytes::mib(Bytes::mib(mib).scaled(scale).0 >> 20)));
    let why = "INFO does not see the kernel and the other processes. On the host, while no save runs: \
               MemTotal - MemAvailable of /proc/meminfo, less used_memory_rss";
    entry("reserved", interval(&low, &likely, &high), Origin::Assumed, why)
}

/// The oldest kernel that a scenario may have.
const OLDEST_KERNEL: (u32, u32) = (4, 4);

/// The kernel's version, `5.10` of `Linux 5.10.0-32-cloud-amd64 x86_64`.
fn kernel(os: &str) -> Option<Entry> {
    let mut parts = os.strip_prefix("Linux ")?.split(['.', '-', ' ']);
    let version: (u32, u32) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let (major, minor) = version.max(OLDEST_KERNEL);
    let (origin, why) = if version < OLDEST_KERNEL {
        (Origin::Assumed, format!("os: {os}. Kernels before {major}.{minor} are not modelled"))
    } else {
        (Origin::Measured, format!("os: {os}"))
    };
    Some(entry("kernel", quoted(format!("{major}.{minor}")), origin, why))
}

/// What to know of the host before trusting the scenario.
pub(super) fn remarks(sources: &Sources) -> Vec<String> {
    let memory = &sources.record.memory;
    let mut remarks = Vec::new();
    let swapped = memory.swapped();
    // A difference of a per cent is bookkeeping between two samples.
    if swapped > memory.used.scaled(0.01) {
        remarks.push(format!(
            "{swapped} of the server are not in RAM: used_memory_rss ({}) is below allocator_resident \
             ({}). That is swap (or pages given back to the kernel), not a fragmentation below 1. INFO does \
             not tell how much swap the host has, so the scenario has none and its host runs out of memory \
             where the real one would swap first: give it as `swap` in [host] (`free`).",
            memory.rss,
            memory.resident(),
        ));
    }
    if matches!(sources.memory, HostMemory::Reported) && memory.resident() > sources.ram {
        remarks.push(
            "The server is larger than the memory INFO reports: the scenario will not fit its own host. \
             Give the real one with --ram."
                .into(),
        );
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::import::page::{page, section};

    fn kernel_line(os: &str) -> Option<String> {
        let text = page("", &[], "x", &[section("[host]", vec![kernel(os)?])]);
        text.lines().last().map(str::to_owned)
    }

    #[test]
    fn the_kernel_is_its_first_two_numbers_and_none_that_is_not_modelled() {
        let line = |os| kernel_line(os).unwrap();
        assert_eq!(line("Linux 5.10.0-32-cloud-amd64 x86_64"), "kernel = \"5.10\"");
        assert_eq!(line("Linux 6.18.44-fc-v657 x86_64"), "kernel = \"6.18\"");
        assert_eq!(line("Linux 4.19.0 x86_64"), "kernel = \"4.19\"");
        assert_eq!(line("Linux 3.10.0 x86_64"), "kernel = \"4.4\"");
        assert_eq!(kernel_line("Darwin 23.1.0 arm64"), None);
    }
}
