//! What must hold between settings.

mod backup;
mod hash;
mod limits;
mod replication;

use std::path::Path;

use super::case::is_hash;
use super::classes;
use super::code::Code;
use super::diagnostic::Diagnostic;
use super::nearest::did_you_mean;
use super::profile;
use super::reading::{Given, Group, Readings};
use super::trace::Traces;
use super::value::{SUM_TOLERANCE, Value, rounded};
use crate::model::host::WriteRate;
use crate::units::{Bytes, Percent};

/// The longest integer that a server keeps inside an object header, sign included.
const LONGEST_INTEGER: f64 = 20.0;

/// Finds everything wrong, or worth a warning, between the settings of `readings`.
pub fn check(readings: &Readings, traces: &Traces, folder: &Path, problems: &mut Vec<Diagnostic>) {
    if readings.is_readable("host") {
        memory(readings.once("host"), problems);
    }
    limits::check(readings, problems);
    class(readings.once("host"), readings.once("server"), problems);
    engine(readings.once("server"), problems);
    fill(readings, problems);
    keyspaces(readings, problems);
    jobs(readings, problems);
    load_cap(readings, problems);
    backup::check(readings, problems);
    replication::check(readings, problems);
    trace(readings.once("traffic"), traces, folder, problems);
}

fn memory(host: &Group, problems: &mut Vec<Diagnostic>) {
    if !host.mentions("class") && !host.mentions("ram") {
        let problem = Diagnostic::new(
            Code::Missing,
            "the host has no memory",
            &host.place,
            "`class` or `ram` is missing",
        );
        let help =
            "add [host] with class = \"yandex.hm3-c4-m32\" (see `forkcast classes`) or ram = \"31.36 GiB\"";
        problems.push(problem.help(help));
    }
}

fn class(host: &Group, server: &Group, problems: &mut Vec<Diagnostic>) {
    let Some(class) = host.text("class").and_then(classes::find) else { return };
    if class.is_node_memory {
        let message = format!("the RAM of `{}` is not published", class.name);
        let label = "the memory of the node is taken for it";
        let problem = Diagnostic::new(Code::RamNotPublished, message, host.place_of("class"), label);
        problems.push(problem.because(format!("see {}", class.source_url)));
    }
    let percent = server.given("maxmemory-percent").and(server.quantity("maxmemory-percent"));
    if let (Some(percent), Some(cap)) = (percent, class.percent_cap)
        && percent.likely > cap
    {
        let message = format!("{} lets one set at most {}", class.provider, Percent(cap));
        let place = server.place_of("maxmemory-percent");
        let problem = Diagnostic::new(Code::AboveProviderCap, message, place, "above the provider's cap");
        problems.push(
            problem
                .because("it is simulated, and never recommended")
                .help(format!("see {}", class.source_url)),
        );
    }
}

/// An engine whose layout nobody has held against a real save.
fn engine(server: &Group, problems: &mut Vec<Diagnostic>) {
    let Some(layout) = server.text("engine").and_then(profile::find) else { return };
    if !layout.measured {
        let message = format!("the layout of {} is read, not measured", layout.engine);
        let label = "no save of this version was measured";
        let problem = Diagnostic::new(Code::LayoutNotMeasured, message, server.place_of("engine"), label);
        problems.push(problem.help("hold `used_memory` a key of a real server against the forecast's"));
    }
}

fn fill(readings: &Readings, problems: &mut Vec<Diagnostic>) {
    let (dataset, server) = (readings.once("dataset"), readings.once("server"));
    let is_by_keys = dataset.is_word("fill");
    if !is_by_keys && dataset.value("fill").is_some() && server.is_word("maxmemory") {
        let place = server.place_of("maxmemory");
        let mut problem =
            Diagnostic::new(Code::UndefinedFill, "there is no maxmemory to fill", place, "no limit");
        if let Some(fill) = dataset.given("fill") {
            problem = problem.beside(&fill.place, "a share of maxmemory");
        }
        problems.push(
            problem.help("give a maxmemory, or [dataset] fill = \"keys\" and the keys of every keyspace"),
        );
    }
    let keyspaces = readings.each("keyspace");
    if is_by_keys {
        for keyspace in keyspaces.iter().filter(|keyspace| !keyspace.mentions("keys")) {
            let place = keyspace.given("share-of-bytes").map_or(&keyspace.place, |share| &share.place);
            let problem = Diagnostic::new(
                Code::UndefinedFill,
                "a keyspace without a number of keys",
                place,
                "`keys` is missing",
            )
            .beside(dataset.place_of("fill"), "the data is what the keyspaces say");
            problems.push(problem.help("add `keys`, or give [dataset] fill as a share of maxmemory"));
        }
    } else {
        shares(keyspaces, problems);
    }
}

/// With a fill every keyspace says its share or, all of them, their keys; a single one may say nothing.
fn shares(keyspaces: &[Group], problems: &mut Vec<Diagnostic>) {
    let by_keys = keyspaces.iter().filter(|keyspace| keyspace.mentions("keys")).count();
    let given: Vec<&Given> =
        keyspaces.iter().filter_map(|keyspace| keyspace.given("share-of-bytes")).collect();
    if by_keys == keyspaces.len() || (keyspaces.len() == 1 && given.is_empty()) {
        return;
    }
    for keyspace in keyspaces.iter().filter(|keyspace| !keyspace.mentions("share-of-bytes")) {
        let message = "a keyspace without its share of the data";
        let label =
            if by_keys > 0 { "the others have a share, or none has" } else { "`share-of-bytes` is missing" };
        let place = keyspace.given("keys").map_or(&keyspace.place, |keys| &keys.place);
        let problem = Diagnostic::new(Code::UndefinedFill, message, place, label);
        problems.push(problem.help("give every keyspace a `share-of-bytes`, or every one its `keys`"));
    }
    let values: Option<Vec<f64>> =
        keyspaces.iter().map(|keyspace| Some(keyspace.quantity("share-of-bytes")?.likely)).collect();
    let (Some(values), Some(last)) = (values, given.last()) else { return };
    let sum: f64 = values.iter().sum();
    if (sum - 1.0).abs() > SUM_TOLERANCE {
        let message = "the shares of the keyspaces do not add up to 1";
        let label = format!("with this one they add up to {}", rounded(sum));
        problems
            .push(Diagnostic::new(Code::WrongSum, message, &last.place, label).help("make them add up to 1"));
    }
}

fn keyspaces(readings: &Readings, problems: &mut Vec<Diagnostic>) {
    let keyspaces = readings.each("keyspace");
    if keyspaces.is_empty() && readings.is_readable("keyspace") {
        let place = &readings.once("").place;
        let problem =
            Diagnostic::new(Code::Missing, "there is no keyspace", place, "a `[[keyspace]]` is missing");
        problems.push(problem.help("add [[keyspace]] with name, key-size, value-size and writes-per-second"));
    }
    for (position, keyspace) in keyspaces.iter().enumerate() {
        let name = keyspace.text("name");
        let earlier = keyspaces[..position].iter().find(|other| name.is_some() && other.text("name") == name);
        if let (Some(earlier), Some(name)) = (earlier, name) {
            let message = format!("there are two keyspaces `{name}`");
            let problem =
                Diagnostic::new(Code::DuplicateName, message, keyspace.place_of("name"), "the second one")
                    .beside(earlier.place_of("name"), "the first one");
            problems.push(problem.help("give each a name of its own"));
        }
        hash::check(keyspace, problems);
        if let Some(Value::Operations(mix)) = keyspace.value("operations")
            && mix.incr > 0.0
            && !is_hash(keyspace)
        {
            integers(keyspace, keyspace.place_of("operations"), problems);
        }
    }
}

/// Counters hold integers, which are short.
fn integers(keyspace: &Group, counted_at: &super::source::Place, problems: &mut Vec<Diagnostic>) {
    let Some(size) = keyspace.quantity("value-size") else { return };
    if size.likely > LONGEST_INTEGER {
        let message = format!("values of {} are no counters", Bytes::from_f64(size.likely));
        let place = keyspace.place_of("value-size");
        let problem = Diagnostic::new(Code::Conflict, message, place, "no integer is that long")
            .beside(counted_at, "INCR needs integers");
        problems.push(problem.help("give at most 20 B, or keep the counters in a keyspace of their own"));
    }
}

fn jobs(readings: &Readings, problems: &mut Vec<Diagnostic>) {
    let keyspaces = readings.each("keyspace");
    for job in readings.each("traffic.job") {
        let target = match job.text("keyspace") {
            None => keyspaces.first(),
            Some(name) => keyspaces.iter().find(|keyspace| keyspace.text("name") == Some(name)),
        };
        if let (None, Some(name)) = (target, job.text("keyspace")) {
            let names: Vec<&str> = keyspaces.iter().filter_map(|keyspace| keyspace.text("name")).collect();
            let message = format!("there is no keyspace `{name}`");
            let problem =
                Diagnostic::new(Code::NoSuchTarget, message, job.place_of("keyspace"), "no such keyspace");
            problems.push(problem.help(did_you_mean(name, names)));
        }
        let Some(keyspace) = target else { continue };
        let Some(operation) = job.text("operation") else { continue };
        hash::check_job(keyspace, operation, job.place_of("operation"), problems);
        if operation == "incr" && !is_hash(keyspace) {
            integers(keyspace, job.place_of("operation"), problems);
        }
    }
}

fn load_cap(readings: &Readings, problems: &mut Vec<Diagnostic>) {
    let traffic = readings.once("traffic");
    let rates = readings.each("keyspace").iter().map(|keyspace| match keyspace.value("writes-per-second") {
        Some(Value::WriteRate(WriteRate::Total(rate))) => rate.likely,
        _ => 0.0,
    });
    let (total, Some(cap)) = (rates.sum::<f64>(), traffic.quantity("max-writes-per-second")) else { return };
    if total > cap.likely {
        let last = readings.each("keyspace").last();
        let place = last.map_or(&traffic.place, |keyspace| keyspace.place_of("writes-per-second"));
        let message =
            format!("the keyspaces write {total} times a second, and the server takes in {}", cap.likely);
        let problem = Diagnostic::new(Code::LoadAboveCap, message, place, "the load is cut off");
        problems.push(problem.help("raise `traffic.max-writes-per-second` if the server can take in more"));
    }
}

fn trace(traffic: &Group, traces: &Traces, folder: &Path, problems: &mut Vec<Diagnostic>) {
    let Some(name) = traffic.text("trace") else { return };
    let place = traffic.place_of("trace");
    match traces.get(folder, name).as_ref() {
        Ok(days) => problems.extend(days.gaps_diagnostic(place)),
        Err(problem) => problems.push(problem.diagnostic(place)),
    }
}
