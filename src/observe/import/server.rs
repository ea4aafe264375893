//! `[server]`: version, limit and what the allocator makes of the data.

use super::page::{Entry, Origin, Section, entry, exact_size, interval, quoted, section};
use super::{HostMemory, Sources, engine};
use crate::memory::Allocator;
use crate::observe::record::Maxmemory;
use crate::observe::words::{grouped, rounded};
use crate::scenario::MAXMEMORY_POLICIES;
use crate::units::Bytes;

/// The table.
pub(super) fn server(sources: &Sources) -> Section {
    let mut entries = vec![engine(sources), allocator(sources)];
    entries.push(limit(sources).entry);
    entries.push(policy(sources));
    entries.extend([oom_score_adj(sources), fragmentation(sources), client_memory(sources)]);
    section("[server]", entries)
}

fn engine(sources: &Sources) -> Entry {
    let server = &sources.record.server;
    let profile = sources.engine.profile;
    let (origin, why) = match sources.engine.assumed {
        None => (Origin::Measured, format!("{} {}", server.product, server.version)),
        Some(why) => (
            Origin::Assumed,
            format!("{} {} has no layout of its own; {why}", server.product, server.version),
        ),
    };
    entry("engine", quoted(profile), origin, why)
}

fn allocator(sources: &Sources) -> Entry {
    let (allocator, why, is_known) = engine::allocator_of(&sources.record.server, sources.engine);
    let name = match allocator {
        Allocator::Bundled => "jemalloc-bundled",
        Allocator::System => "jemalloc-system",
    };
    entry("allocator", quoted(name), if is_known { Origin::Derived } else { Origin::Assumed }, why)
}

/// `maxmemory` as the scenario says it.
pub(super) struct Limit {
    entry: Entry,
    /// What that comes to; `None` for no limit.
    pub(super) bytes: Option<Bytes>,
}

/// The limit in bytes, not as a share of RAM: the data is a share of it, and no other host changes the data.
pub(super) fn limit(sources: &Sources) -> Limit {
    let configured = || sources.config?.get("maxmemory")?.parse().ok();
    let (maxmemory, field) = match (sources.record.memory.maxmemory, configured()) {
        (Maxmemory::Unknown, Some(0)) => (Maxmemory::Unlimited, "CONFIG GET maxmemory"),
        (Maxmemory::Unknown, Some(limit)) => (Maxmemory::Limited(Bytes(limit)), "CONFIG GET maxmemory"),
        (told, _) => (told, "maxmemory"),
    };
    let none =
        |origin, why: String| Limit { entry: entry("maxmemory", quoted("none"), origin, why), bytes: None };
    match maxmemory {
        Maxmemory::Unknown => none(
            Origin::Assumed,
            format!(
                "no maxmemory in INFO (redis_memory_max_bytes of redis_exporter): the server's default, {UNKNOWN}"
            ),
        ),
        Maxmemory::Unlimited => none(
            Origin::Measured,
            format!("{field} = 0, no limit: only RAM bounds this server. Try a limit with --set"),
        ),
        Maxmemory::Limited(maxmemory) => {
            let of = match sources.memory {
                HostMemory::Limit(_) => "the limit",
                _ => "RAM",
            };
            let percent = rounded(maxmemory.as_f64() / sources.ram.as_f64() * 100.0, 4);
            let why = format!("{field} = {}, {percent} % of {} of {of}", grouped(maxmemory.0), sources.ram);
            let entry = entry("maxmemory", exact_size(maxmemory), Origin::Measured, why);
            Limit { entry, bytes: Some(maxmemory) }
        }
    }
}

/// What to do where `maxmemory` is not told.
const UNKNOWN: &str = "no limit. `CONFIG GET maxmemory` tells; give it with --set server.maxmemory=…";

fn policy(sources: &Sources) -> Entry {
    let key = "maxmemory-policy";
    let told = sources.record.memory.maxmemory_policy.as_deref().map(|policy| (policy, "maxmemory_policy"));
    let configured = || Some((sources.config?.get("maxmemory-policy")?, "CONFIG GET"));
    let Some((policy, field)) = told.or_else(configured) else {
        let why = "the server's default; INFO without maxmemory_policy does not tell, CONFIG GET does";
        return entry(key, quoted("noeviction"), Origin::Assumed, why);
    };
    if MAXMEMORY_POLICIES.contains(&policy) {
        return entry(key, quoted(policy), Origin::Measured, field);
    }
    let modelled = if policy.starts_with("volatile-") { "volatile-lru" } else { "allkeys-lru" };
    let why = format!("{field} is {policy}, which is not modelled; this one evicts as well");
    entry(key, quoted(modelled), Origin::Assumed, why)
}

fn oom_score_adj(sources: &Sources) -> Entry {
    match sources.config.and_then(|config| config.get("oom-score-adj")) {
        Some("no") => entry("oom-score-adj", quoted("no"), Origin::Measured, "CONFIG GET"),
        Some(value) => {
            let why = format!("CONFIG GET says {value}: the child offers itself to the OOM killer");
            entry("oom-score-adj", quoted("yes"), Origin::Measured, why)
        }
        None => {
            let why = "the default; INFO does not tell, `CONFIG GET oom-score-adj` does. With \"no\" the \
                       OOM killer takes the server, not the child that saves";
            entry("oom-score-adj", quoted("no"), Origin::Assumed, why)
        }
    }
}

/// Resident set over `used_memory`: of one moment, so the ends are further from 1 and closer to it. A ratio below 1 is
/// taken as it is for the low end.
fn fragmentation(sources: &Sources) -> Entry {
    let memory = &sources.record.memory;
    let ratio = (memory.resident().as_f64() / memory.used.as_f64().max(1.0)).clamp(0.5, 20.0);
    let surplus = ratio - 1.0;
    let [low, likely, high] = [(surplus / 2.0).min(surplus), surplus, (surplus * 2.0).max(0.05)]
        .map(|surplus| format!("{:.3}", (1.0 + surplus).min(20.0)));
    let field = if memory.swapped() > Bytes::ZERO { "allocator_resident" } else { "used_memory_rss" };
    let swap = if memory.swapped() > memory.used.scaled(0.01) {
        format!(
            " (not used_memory_rss / used_memory = {:.2}: pages in swap are missing there)",
            memory.rss.as_f64() / memory.used.as_f64().max(1.0)
        )
    } else {
        String::new()
    };
    let why = format!(
        "{field} / used_memory = {} / {}{swap}; one moment, so from half that surplus to twice (1.05 at \
         least)",
        grouped(memory.resident().0),
        grouped(memory.used.0)
    );
    entry("fragmentation-ratio", interval(&low, &likely, &high), Origin::Derived, why)
}

/// Buffers of clients now; how far they grow under load nobody knows from one moment.
fn client_memory(sources: &Sources) -> Entry {
    let clients = sources.record.memory.clients.max(Bytes::kib(64));
    let high = clients.scaled(4.0).max(Bytes::mib(64).min(sources.ram.scaled(0.02)));
    let text = |bytes: Bytes| quoted(Bytes::kib(bytes.0 >> 10));
    let why = "mem_clients_normal; the high end is assumed: slow readers and large replies come at times";
    let value = interval(&text(clients), &text(clients), &text(high));
    entry("client-memory", value, Origin::Measured, why)
}

/// What to know of the server before trusting the scenario.
pub(super) fn remarks(sources: &Sources) -> Vec<String> {
    let server = &sources.record.server;
    let mut remarks = Vec::new();
    if sources.engine.assumed.is_some() {
        remarks.push(format!(
            "The memory layout of {} {} is assumed to be that of {}.",
            server.product, server.version, sources.engine.profile
        ));
    }
    if sources.record.memory.maxmemory == Maxmemory::Unknown && limit(sources).bytes.is_none() {
        remarks.push(format!(
            "maxmemory is not known, and assumed to be {UNKNOWN}, and [dataset] fill with it."
        ));
    }
    if server.is_replica {
        remarks.push(
            "This server is a replica: its writes are its primary's, and it may ignore maxmemory. Import the primary's \
             INFO for the full syncs, the links and what happens after a kill."
                .into(),
        );
    }
    remarks
}
