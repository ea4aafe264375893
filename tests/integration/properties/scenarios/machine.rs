//! Generated machines and servers: RAM or container, kernel, swap, neighbours, supervisor.

use proptest::prelude::*;
use proptest::sample::select;

/// A machine, of the smallest instances up to 24 GiB; half of them limit their servers by a container.
pub(super) fn machine() -> impl Strategy<Value = String> {
    let kernel = select(vec!["4.4", "4.19", "5.0", "5.1", "5.4", "6.1"]);
    let pages = (select(vec!["4 KiB", "16 KiB", "64 KiB"]), select(vec!["always", "madvise", "never"]));
    let promises = (0..3u32, 20..120u32, select(vec!["0 B", "64 MiB", "1 GiB", "32 GiB"]));
    let shape = (1.0..24.0f64, container(), 1..=3u32, 50..400u64);
    (shape, kernel, pages, promises).prop_map(
        |((ram, container, servers, reserved), kernel, (page_size, huge), (mode, ratio, swap))| {
            let container = container.map_or(String::new(), |container| container.lines(ram));
            format!(
                "[host]\nram = \"{ram:.3} GiB\"\n{container}servers = {servers}\nkernel = \"{kernel}\"\n\
                 page-size = \"{page_size}\"\ntransparent-huge-pages = \"{huge}\"\n\
                 overcommit-memory = {mode}\novercommit-ratio = {ratio}\nswap = \"{swap}\"\n\
                 reserved = {{ low = \"{reserved} MiB\", likely = \"{} MiB\", high = \"{} MiB\" }}\n\n",
                reserved * 5 / 4,
                reserved * 2,
            )
        },
    )
}

#[derive(Clone, Debug)]
struct Container {
    /// Its limit over the RAM.
    limit: f64,
    /// `memory.high` over the limit.
    high: Option<f64>,
    kills_group: bool,
}

impl Container {
    fn lines(&self, ram: f64) -> String {
        let limit = ram * self.limit;
        let high = self.high.map_or("none".to_owned(), |share| format!("{:.3} GiB", limit * share));
        let group = self.kills_group;
        format!("limit = \"{limit:.3} GiB\"\nmemory-high = \"{high}\"\noom-group = {group}\n")
    }
}

fn container() -> impl Strategy<Value = Option<Container>> {
    let container = (0.5..1.0f64, proptest::option::of(0.6..0.98f64), any::<bool>());
    proptest::option::of(container.prop_map(|(limit, high, kills_group)| Container {
        limit,
        high,
        kills_group,
    }))
}

/// A server of an engine, with one of `policies`.
pub(super) fn server(engine: &str, policies: &'static [&'static str]) -> impl Strategy<Value = String> {
    let engine = engine.to_owned();
    let allocator = select(vec!["jemalloc-bundled", "jemalloc-system"]);
    let adjusted = select(vec!["yes", "no"]);
    let supervisor = (select(vec!["continue", "stop", "kill"]), 0..120u32, 0..600u32, 1..90u32);
    let settings = (allocator, select(policies), adjusted, supervisor, any::<bool>());
    (settings, 30..85u32, 1.0..1.3f64, 1..100u64).prop_map(
        move |((allocator, policy, adjusted, supervisor, disabled), percent, ratio, clients)| {
            let (supervisor, delay, longest, operator) = supervisor;
            format!(
                "[server]\nengine = \"{engine}\"\nallocator = \"{allocator}\"\n\
                 maxmemory-percent = {percent}\ndisable-thp = {disabled}\n\
                 maxmemory-policy = \"{policy}\"\noom-score-adj = \"{adjusted}\"\n\
                 oom-policy = \"{supervisor}\"\nrestart-delay = \"{delay}s\"\n\
                 restart-delay-max = \"{longest}s\"\n\
                 operator-arrives-after = {{ low = \"1m\", likely = \"{operator}m\", high = \"24h\" }}\n\
                 fragmentation-ratio = {{ low = 1.0, likely = {ratio:.3}, high = 1.4 }}\n\
                 client-memory = {{ low = \"0 B\", likely = \"{clients} MiB\", high = \"120 MiB\" }}\n\n"
            )
        },
    )
}
