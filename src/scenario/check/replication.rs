//! What must hold of replication: what the engine can, and what its limits leave.

use super::super::code::Code;
use super::super::diagnostic::Diagnostic;
use super::super::reading::{Group, Readings};
use super::super::value::Value;
use super::backup::is_valkey_from;
use super::limits::maxmemory;
use crate::units::Bytes;

/// The first Valkey with `dual-channel-replication-enabled`.
const FIRST_DUAL_CHANNEL: (u32, u32) = (8, 0);

/// Finds what is wrong, or worth a warning, with replication.
pub fn check(readings: &Readings, problems: &mut Vec<Diagnostic>) {
    let (replication, server) = (readings.once("replication"), readings.once("server"));
    dual_channel(replication, server, problems);
    soft_limit(replication, problems);
    backlog(readings, problems);
}

fn dual_channel(replication: &Group, server: &Group, problems: &mut Vec<Diagnostic>) {
    let Some(engine) = server.text("engine") else { return };
    if replication.text("sync") == Some("dual-channel") && !is_valkey_from(engine, FIRST_DUAL_CHANNEL) {
        let message = format!("{engine} has no dual-channel replication");
        let place = replication.place_of("sync");
        let problem = Diagnostic::new(Code::Conflict, message, place, "Valkey from 8.0 on has it")
            .beside(server.place_of("engine"), "the engine");
        problems.push(problem.help("give sync = \"diskless\", or a Valkey from 8.0 on"));
    }
}

fn soft_limit(replication: &Group, problems: &mut Vec<Diagnostic>) {
    let key = "client-output-buffer-limit-replica";
    let Some(Value::BufferLimit(limit)) = replication.value(key) else { return };
    if limit.soft > limit.hard && limit.soft.is_finite() {
        let place = replication.place_of(key);
        let message = "the soft limit is above the hard one";
        let problem = Diagnostic::new(Code::LimitNeverReached, message, place, "hard, soft, seconds");
        problems.push(problem.help("give a soft limit below the hard one, or 0 for none"));
    }
}

/// The backlog counts in `used_memory`, so it must leave something for the data.
fn backlog(readings: &Readings, problems: &mut Vec<Diagnostic>) {
    let (replication, server) = (readings.once("replication"), readings.once("server"));
    let backlog = replication.given("repl-backlog-size").and(replication.quantity("repl-backlog-size"));
    let has_replicas = replication.quantity("replicas").is_some_and(|replicas| replicas.likely > 0.0);
    let (Some(backlog), Some(maxmemory), true) = (backlog, maxmemory(readings), has_replicas) else { return };
    if backlog.likely >= maxmemory.as_f64() {
        let message = format!("a backlog of {} leaves nothing of maxmemory", Bytes::from_f64(backlog.likely));
        let place = replication.place_of("repl-backlog-size");
        let setting = if server.mentions("maxmemory") { "maxmemory" } else { "maxmemory-percent" };
        let problem = Diagnostic::new(Code::Conflict, message, place, "counts in used_memory")
            .beside(server.place_of(setting), format!("{maxmemory} for each server"));
        problems.push(problem.help("give a smaller backlog, or a larger maxmemory"));
    }
}
