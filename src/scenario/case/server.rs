//! The server: its layout, its limit, and what happens to it.

use super::super::profile;
use super::super::reading::Group;
use crate::memory::oom::OomPolicy;
use crate::memory::{Allocator, LayoutProfile};
use crate::model::host::{MaxmemoryPolicy, Server};
use crate::units::Bytes;

/// What a save without a fork needs in every object: the epoch in which it was last saved \[bytes\].
///
/// Source: valkey-io/valkey#2878, "+4 bytes/key on average" with `forkless-infrastructure-enabled`, Valkey 9.2.
const FORKLESS_EPOCH: u64 = 4;

/// The server of a scenario in which nothing is wrong.
pub fn server_of(server: &Group, backup: &Group, maxmemory: Option<Bytes>) -> Server {
    Server {
        layout: layout_of(server, backup),
        allocator: match server.text("allocator") {
            Some("jemalloc-system") => Allocator::System,
            _ => Allocator::Bundled,
        },
        maxmemory,
        maxmemory_policy: match server.text("maxmemory-policy") {
            Some(policy) if policy.starts_with("allkeys-") => MaxmemoryPolicy::AllKeys,
            Some(policy) if policy.starts_with("volatile-") => MaxmemoryPolicy::Volatile,
            _ => MaxmemoryPolicy::NoEviction,
        },
        oom_score_adj: server.text("oom-score-adj") != Some("no"),
        fragmentation_ratio: server.uncertain("fragmentation-ratio"),
        client_memory: server.uncertain("client-memory"),
        load_throughput: server.uncertain("load-throughput"),
        aof_replay_rate: server.uncertain("aof-replay-rate"),
        restart_delay: server.duration("restart-delay"),
        restart_delay_max: server.duration("restart-delay-max"),
        operator_arrives_after: server.uncertain("operator-arrives-after"),
        oom_policy: match server.text("oom-policy") {
            Some("stop") => OomPolicy::Stop,
            Some("kill") => OomPolicy::Kill,
            _ => OomPolicy::Continue,
        },
    }
}

/// The layout of the engine, with the epochs of forkless saves where the backup is one.
fn layout_of(server: &Group, backup: &Group) -> LayoutProfile {
    let engine = server.text("engine").and_then(profile::find);
    let layout = engine.expect("a checked engine has a profile").clone();
    if backup.text("method") != Some("forkless") {
        return layout;
    }
    LayoutProfile {
        object_bytes: layout.object_bytes + FORKLESS_EPOCH,
        embedded_object_bytes: layout.embedded_object_bytes + FORKLESS_EPOCH,
        ..layout
    }
}
