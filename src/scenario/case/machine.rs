//! The machine: memory, kernel, the container around the servers, and how many share it.

use super::super::classes;
use super::super::reading::{Derived, Group, Readings};
use super::super::value::{Value, parse_version};
use super::exact;
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

/// What is reserved where it is not given: in a container nothing, on a host of a class the kernel's page structures
/// besides the default.
pub fn derive_reserved(readings: &mut Readings) {
    let host = readings.once("host");
    let class = host.text("class").and_then(classes::find);
    if host.mentions("reserved") {
        return;
    }
    if !host.is_word("limit") {
        let derived = Derived {
            value: Value::Quantity(Uncertain::certain(0.0)),
            text: format!("\"{}\"", Bytes::ZERO),
            how: "the processes of the host are not in the container".to_owned(),
        };
        return derive(readings, derived);
    }
    let (Some(ram), Some(page), Some(reserved)) =
        (class.and_then(|class| class.ram), host.quantity("page-size"), host.quantity("reserved"))
    else {
        return;
    };
    let structures = ram.scaled(PAGE_STRUCTURE / page.likely);
    let with = |bytes: f64| Bytes::from_f64(bytes) + structures;
    let ends = [with(reserved.low), with(reserved.likely), with(reserved.high)];
    let derived = Derived {
        value: Value::Quantity(Uncertain {
            low: ends[0].as_f64(),
            likely: ends[1].as_f64(),
            high: ends[2].as_f64(),
        }),
        text: format!(
            "{{ low = \"{}\", likely = \"{}\", high = \"{}\" }}",
            exact(ends[0]),
            exact(ends[1]),
            exact(ends[2])
        ),
        how: format!("the default and the kernel's page structures of {ram}, {structures}"),
    };
    derive(readings, derived);
}

fn derive(readings: &mut Readings, reserved: Derived) {
    if let Some(host) = readings.once_mut("host") {
        host.derive("reserved", reserved);
    }
}

/// The machine of a scenario in which nothing is wrong.
pub fn machine_of(host: &Group, server: &Group) -> Machine {
    let class = host.text("class").and_then(classes::find);
    let kernel = host.text("kernel").and_then(parse_version);
    let kernel = kernel.expect("a checked kernel is a version");
    Machine {
        ram: class.and_then(|class| class.ram).unwrap_or_else(|| host.bytes("ram")),
        reserved: host.uncertain("reserved"),
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
