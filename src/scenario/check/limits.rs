//! What must hold between the limits on memory: RAM, container, `maxmemory` and its policy.

use super::super::classes;
use super::super::code::Code;
use super::super::diagnostic::Diagnostic;
use super::super::reading::{Group, Readings};
use crate::units::Bytes;

/// Finds what is wrong, or worth a warning, with the limits.
pub fn check(readings: &Readings, problems: &mut Vec<Diagnostic>) {
    let host = readings.once("host");
    above_ram(host, problems);
    inside_container(host, problems);
    volatile(readings, problems);
}

fn above_ram(host: &Group, problems: &mut Vec<Diagnostic>) {
    if let (Some(ram), Some(limit)) = (ram(host), size(host, "limit"))
        && limit > ram
    {
        let message = format!("a limit of {limit} on a host of {ram}");
        let place = host.place_of("limit");
        let of_host = if host.mentions("class") { "class" } else { "ram" };
        let problem = Diagnostic::new(Code::LimitNeverReached, message, place, "the host runs out first")
            .beside(host.place_of(of_host), "the RAM");
        problems.push(problem.help("give a limit within the RAM"));
    }
}

fn ram(host: &Group) -> Option<Bytes> {
    let class = host.text("class").and_then(classes::find);
    class.map_or_else(|| size(host, "ram"), |class| class.ram)
}

fn size(group: &Group, key: &str) -> Option<Bytes> {
    Some(Bytes::from_f64(group.quantity(key)?.likely))
}

/// `maxmemory` of each server, where there is one.
pub fn maxmemory(readings: &Readings) -> Option<Bytes> {
    let (host, server) = (readings.once("host"), readings.once("server"));
    if server.mentions("maxmemory") {
        return size(server, "maxmemory");
    }
    let memory = size(host, "limit").or_else(|| ram(host))?;
    let (percent, servers) = (server.quantity("maxmemory-percent")?, host.quantity("servers")?);
    Some(memory.scaled(percent.likely / 100.0 / servers.likely))
}

/// `memory-high` and `oom-group` are settings of a container.
fn inside_container(host: &Group, problems: &mut Vec<Diagnostic>) {
    let high = host.given("memory-high").and(host.quantity("memory-high"));
    if host.is_word("limit") {
        let group = host.flag("oom-group").then_some("oom-group");
        for key in high.map(|_| "memory-high").into_iter().chain(group) {
            let message = format!("`{key}` without a container");
            let problem = Diagnostic::new(Code::Conflict, message, host.place_of(key), "needs a `limit`");
            problems.push(problem.help("give the container's `limit`; the RAM, where it has none"));
        }
        return;
    }
    if let (Some(high), Some(limit)) = (high, host.quantity("limit"))
        && high.likely >= limit.likely
    {
        let place = host.place_of("memory-high");
        let message = "`memory-high` is not below the limit";
        let problem = Diagnostic::new(Code::LimitNeverReached, message, place, "never reached")
            .beside(host.place_of("limit"), "reached first");
        problems.push(problem.help("give less than the `limit`, or leave it out"));
    }
}

/// A volatile policy evicts keys with a TTL.
fn volatile(readings: &Readings, problems: &mut Vec<Diagnostic>) {
    let server = readings.once("server");
    let Some(policy) = server.text("maxmemory-policy").filter(|policy| policy.starts_with("volatile-"))
    else {
        return;
    };
    let keyspaces = readings.each("keyspace");
    let has_ttl = |keyspace: &Group| !keyspace.is_word("ttl");
    if !keyspaces.is_empty() && !keyspaces.iter().any(has_ttl) {
        let message = format!("`{policy}` finds nothing to evict");
        let place = server.place_of("maxmemory-policy");
        let problem = Diagnostic::new(Code::NothingToEvict, message, place, "no keyspace has a `ttl`");
        problems.push(
            problem
                .because("the server refuses writes at maxmemory, as with \"noeviction\"")
                .help("give the `ttl` of the keys that have one, or an \"allkeys-*\" policy"),
        );
    }
}
