//! A scenario for the tests: a host of 16 GiB with one keyspace, without noise of its own.

use std::path::PathBuf;

use crate::scenario::{Assignment, Origin, Scenario};

const TEXT: &str = r#"
[host]
ram = "16 GiB"
reserved = "1 GiB"

[server]
engine = "redis-7.0"
allocator = "jemalloc-system"
fragmentation-ratio = 1.0
client-memory = "0 B"

[[keyspace]]
name = "sessions"
share-of-bytes = 1.0
key-size = "16 B"
value-size = "512 B"
writes-per-second = 15_000

[persistence]
save = []

[save]
throughput = "100 MiB/s"
sigma = 0.3
law-error = "none"

[simulation]
horizon = "3d"
replications = 40
"#;

/// The sample with these settings (`path=value`) and axes (`path=v1,v2`).
pub(crate) fn scenario(settings: &[&str], axes: &[&str]) -> Scenario {
    let settings = settings.iter().map(|text| Assignment::set(text).unwrap());
    let axes = axes.iter().map(|text| Assignment::axis(text).unwrap());
    let overrides: Vec<Assignment> = settings.chain(axes).collect();
    let origin = Origin { name: "sample.toml".to_owned(), folder: PathBuf::new() };
    let read = Scenario::read(TEXT, &origin, &overrides);
    read.unwrap_or_else(|report| panic!("{}", report.render(crate::scenario::Colour::Never)))
}
