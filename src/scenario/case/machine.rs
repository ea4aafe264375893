//! The machine: memory, kernel, the container around the servers, and how many share it.

use super::super::classes;
use super::super::reading::{Derived, Group, Readings};
use super::super::value::{Value, parse_version};
use crate::memory::HugePages;
use crate::memory::oom::KillRule;
use crate::memory::overcommit::Overcommit;
use crate::model::Uncertain;
use crate::model::host::{Container, Machine, Stagger, Tenancy};
use crate::units::Bytes;

/// The kernel's bookkeeping for each base page (`struct page`, 64 bytes on 64-bit Linux) \[bytes\].
///
/// Source: Linux 6.1, `include/linux/mm_types.h`.
const PAGE_STRUCTURE: f64 = 64.0;

/// What is reserved where it is not given and the servers are in a container: nothing.
pub fn derive_reserved(readings: &mut Readings) {
    let Some(host) = readings.once_mut("host") else { return };
    if host.mentions("reserved") || host.is_word("limit") {
        return;
    }
    let derived = Derived {
        value: Value::Quantity(Uncertain::certain(0.0)),
        text: format!("\"{}\"", Bytes::ZERO),
        how: "the processes of the host are not in the container".to_owned(),
    };
    host.derive("reserved", derived);
}

/// The kernel's page structures, which it takes from the RAM of the machine that a class names before it counts
/// `MemTotal`. None where `ram` is given, which is that; nor in a container, whose limit they do not count against.
pub fn page_structures(host: &Group) -> Option<Bytes> {
    let ram = host.text("class").and_then(classes::find)?.ram?;
    host.is_word("limit").then(|| ram.scaled(PAGE_STRUCTURE / host.bytes("page-size").as_f64()))
}

/// What the kernel and other processes use: as given, and the page structures.
fn reserved(host: &Group) -> Uncertain {
    let structures = page_structures(host).unwrap_or_default().as_f64();
    let Uncertain { low, likely, high } = host.uncertain("reserved");
    Uncertain { low: low + structures, likely: likely + structures, high: high + structures }
}

/// The machine of a scenario in which nothing is wrong.
pub fn machine_of(host: &Group, server: &Group) -> Machine {
    let class = host.text("class").and_then(classes::find);
    let kernel = host.text("kernel").and_then(parse_version);
    let kernel = kernel.expect("a checked kernel is a version");
    Machine {
        ram: class.and_then(|class| class.ram).unwrap_or_else(|| host.bytes("ram")),
        reserved: reserved(host),
        page_size: host.bytes("page-size"),
        huge_pages: huge_pages(host, server, kernel),
        container: (!host.is_word("limit")).then(|| Container {
            limit: host.bytes("limit"),
            high: (!host.is_word("memory-high")).then(|| host.bytes("memory-high")),
            kills_group: host.flag("oom-group"),
        }),
        overcommit: match host.whole("overcommit-memory") {
            0 => Overcommit::Heuristic,
            1 => Overcommit::Always,
            _ => Overcommit::Never { ratio: host.number("overcommit-ratio") },
        },
        kernel,
        kill_rule: KillRule::of_kernel(kernel),
        swap: host.bytes("swap"),
    }
}

/// What becomes of the server's huge pages: it lies on them where the kernel gives them to everybody and the server
/// does not refuse.
fn huge_pages(host: &Group, server: &Group, kernel: (u32, u32)) -> Option<HugePages> {
    let is_always = host.text("transparent-huge-pages") == Some("always");
    (is_always && !server.flag("disable-thp")).then(|| HugePages::of_kernel(kernel))
}

/// How many servers share the machine, and how their backups lie to each other.
pub fn tenancy_of(host: &Group, backup: &Group) -> Tenancy {
    Tenancy {
        servers: u32::try_from(host.whole("servers")).unwrap_or(u32::MAX),
        backups: match backup.text("order") {
            Some("staggered") => Stagger::Staggered,
            Some("serialised") => Stagger::Serialised,
            _ => Stagger::Simultaneous,
        },
    }
}
