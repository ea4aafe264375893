//! What must hold of the backup: that its hour can be kept, its host is there, and its engine can make it.

use super::super::code::Code;
use super::super::diagnostic::Diagnostic;
use super::super::reading::{Group, Readings};
use super::super::value::parse_version;
use crate::units::SimDuration;

/// The first Valkey that saves without a fork. Source: valkey-io/valkey#4218.
const FIRST_FORKLESS: (u32, u32) = (9, 2);

/// Finds what is wrong with the backup.
pub fn check(readings: &Readings, problems: &mut Vec<Diagnostic>) {
    let backup = readings.once("backup");
    delay(backup, problems);
    host(backup, readings.once("replication"), problems);
    method(backup, readings.once("server"), problems);
}

fn delay(backup: &Group, problems: &mut Vec<Diagnostic>) {
    let (Some(jitter), Some(every)) = (backup.quantity("jitter"), backup.quantity("every")) else { return };
    if jitter.likely > every.likely {
        let shown = |seconds: f64| SimDuration::from_secs_f64(seconds).to_string();
        let message = format!(
            "a backup cannot start {} late and come every {}",
            shown(jitter.likely),
            shown(every.likely)
        );
        let (place, label) = if backup.mentions("jitter") {
            ("jitter", "longer than the interval")
        } else {
            ("every", "shorter than the default jitter")
        };
        let problem = Diagnostic::new(Code::OutOfRange, message, backup.place_of(place), label);
        problems.push(problem.help("give a `jitter` of at most `every`"));
    }
}

/// A backup on a replica needs one.
fn host(backup: &Group, replication: &Group, problems: &mut Vec<Diagnostic>) {
    let replicas = replication.quantity("replicas").map(|replicas| replicas.likely);
    if backup.text("host") == Some("replica") && replicas == Some(0.0) {
        let place = backup.place_of("host");
        let mut problem =
            Diagnostic::new(Code::Conflict, "there is no replica to back up", place, "needs a replica");
        if let Some(given) = replication.given("replicas") {
            problem = problem.beside(&given.place, "a lone server");
        }
        problems.push(problem.help("give [replication] replicas = 1 or more, or host = \"primary\""));
    }
}

/// Only Valkey from 9.2 on saves without a fork.
fn method(backup: &Group, server: &Group, problems: &mut Vec<Diagnostic>) {
    let Some(engine) = server.text("engine") else { return };
    if backup.text("method") == Some("forkless") && !is_valkey_from(engine, FIRST_FORKLESS) {
        let message = format!("{engine} cannot save without a fork");
        let place = backup.place_of("method");
        let problem = Diagnostic::new(Code::Conflict, message, place, "Valkey from 9.2 on can")
            .beside(server.place_of("engine"), "the engine");
        problems.push(problem.help("give [server] engine = \"valkey-9.2\", or method = \"bgsave\""));
    }
}

/// Whether `engine` is Valkey of a version or a later one.
pub fn is_valkey_from(engine: &str, version: (u32, u32)) -> bool {
    engine.strip_prefix("valkey-").and_then(parse_version).is_some_and(|found| found >= version)
}
