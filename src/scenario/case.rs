//! One cell: the scenario with its axes at given values, as the model wants it.

mod machine;
mod replication;
mod server;

use super::classes;
use super::diagnostic::Diagnostic;
use super::reading::{Derived, Group, Readings};
use super::trace::Days;
use super::value::Value;
use crate::memory::Popularity;
use crate::model::Uncertain;
use crate::model::host::{
    AofRewrite, Backup, BackupMethod, BackupSource, Burst, Content, Dataset, Fill, Host, Job, Keyspace,
    KeyspaceSize, LawErrors, Operation, OperationMix, Persistence, RecordedDay, SavePace, SaveSpeed, Shape,
    Traffic, UncertainPopularity, WriteRate,
};
use crate::units::Bytes;

/// Length of the name of a hash's field, where it is not given: a short word \[bytes\].
const FIELD_NAME: f64 = 8.0;

/// A scenario resolved at one combination of axis values.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The class of the host, `None` where the scenario gives its RAM.
    pub host_class: Option<String>,
    /// The largest percentage that the provider lets one set [%].
    pub percent_cap: Option<f64>,
    /// RAM of the host.
    pub ram: Bytes,
    /// What the servers may take, of which the percentage is taken: the container's limit, or the RAM.
    pub memory: Bytes,
    /// `maxmemory` of all servers together in per cent of `memory` [%]; `None` where it is given otherwise.
    pub maxmemory_percent: Option<f64>,
    /// `maxmemory` of each server; `None` for no limit.
    pub maxmemory: Option<Bytes>,
    /// What the model simulates.
    pub host: Host,
    /// What should be known of it.
    pub warnings: Vec<Diagnostic>,
    pub(super) readings: Readings,
}

impl Case {
    /// The kernel's page structures, where they come on top of `host.reserved`.
    pub(super) fn page_structures(&self) -> Option<Bytes> {
        machine::page_structures(self.readings.once("host"))
    }
}

/// Adds what follows from other settings.
pub fn derive(readings: &mut Readings) {
    machine::derive_reserved(readings);
    replication::derive_backlog(readings);
    derive_bursts(readings);
    for keyspace in readings.each_mut("keyspace").iter_mut().filter(|keyspace| is_hash(keyspace)) {
        hash(keyspace);
    }
}

/// A recorded load has its bursts in it.
fn derive_bursts(readings: &mut Readings) {
    let is_recorded = readings.once("traffic").text("trace").is_some();
    let Some(burst) = readings.once_mut("traffic.burst") else { return };
    if is_recorded && !burst.mentions("per-year") {
        let derived = Derived {
            value: Value::Quantity(Uncertain::certain(0.0)),
            text: "0".to_owned(),
            how: "the trace has its bursts in it".to_owned(),
        };
        burst.derive("per-year", derived);
    }
}

/// Whether the keys of a keyspace are hashes.
pub fn is_hash(keyspace: &Group) -> bool {
    keyspace.text("type") == Some("hash")
}

/// What the hashes of a keyspace are where it does not say.
fn hash(keyspace: &mut Group) {
    if !keyspace.mentions("operations") {
        let mix = OperationMix { set: 0.0, incr: 0.0, hset: 1.0, insert: 0.0, delete: 0.0 };
        let derived = Derived {
            value: Value::Operations(mix),
            text: "{ hset = 1.0 }".to_owned(),
            how: "hashes are written field by field".to_owned(),
        };
        keyspace.derive("operations", derived);
    }
    if !keyspace.mentions("field-name-size") {
        let derived = Derived {
            value: Value::Quantity(Uncertain::certain(FIELD_NAME)),
            text: format!("\"{}\"", Bytes::from_f64(FIELD_NAME)),
            how: "a short word".to_owned(),
        };
        keyspace.derive("field-name-size", derived);
    }
}

impl Case {
    /// Builds the case of readings in which nothing is wrong.
    pub(super) fn build(readings: Readings, days: Option<&Days>, warnings: Vec<Diagnostic>) -> Self {
        let (host, server) = (readings.once("host"), readings.once("server"));
        let class = host.text("class").and_then(classes::find);
        let machine = machine::machine_of(host, server);
        let tenancy = machine::tenancy_of(host, readings.once("backup"));
        let (ram, memory) = (machine.ram, machine.container.map_or(machine.ram, |container| container.limit));
        let percent = (!server.mentions("maxmemory")).then(|| server.number("maxmemory-percent"));
        let maxmemory = match percent {
            Some(percent) => Some(share(memory, percent, tenancy.servers)),
            None => (!server.is_word("maxmemory")).then(|| server.bytes("maxmemory")),
        };
        Self {
            host_class: class.map(|class| class.name.clone()),
            percent_cap: class.and_then(|class| class.percent_cap),
            ram,
            memory,
            maxmemory_percent: percent,
            maxmemory,
            host: Host {
                machine,
                server: server::server_of(server, readings.once("backup"), maxmemory),
                tenancy,
                replication: replication::replication_of(readings.once("replication")),
                dataset: dataset_of(&readings),
                traffic: traffic_of(&readings, days),
                persistence: persistence_of(readings.once("persistence")),
                save: save_of(&readings),
                law_error: match readings.once("save").text("law-error") {
                    Some("none") => LawErrors::None,
                    _ => LawErrors::Measured,
                },
                backup: backup_of(readings.once("backup")),
                horizon: readings.once("simulation").duration("horizon"),
            },
            warnings,
            readings,
        }
    }

    /// `maxmemory` of each server at `percent` per cent of the memory.
    pub fn maxmemory_at(&self, percent: f64) -> Bytes {
        share(self.memory, percent, self.host.tenancy.servers)
    }
}

/// What each of `servers` gets of `percent` per cent of `memory`.
fn share(memory: Bytes, percent: f64, servers: u32) -> Bytes {
    memory.scaled(percent / 100.0 / f64::from(servers))
}

fn dataset_of(readings: &Readings) -> Dataset {
    let dataset = readings.once("dataset");
    let keyspaces = readings.each("keyspace");
    let counted = |index: usize| {
        let jobs = readings.each("traffic.job").iter();
        jobs.filter(|job| target_of(job, keyspaces) == index).any(|job| job.text("operation") == Some("incr"))
    };
    Dataset {
        fill: if dataset.is_word("fill") { Fill::Keys } else { Fill::Maxmemory(dataset.number("fill")) },
        growth_per_day: dataset.uncertain("growth-per-day"),
        keyspaces: keyspaces
            .iter()
            .enumerate()
            .map(|(index, keyspace)| keyspace_of(keyspace, counted(index)))
            .collect(),
    }
}

fn keyspace_of(keyspace: &Group, is_counted: bool) -> Keyspace {
    let operations = match keyspace.value("operations") {
        Some(Value::Operations(mix)) => *mix,
        _ => OperationMix { set: 1.0, incr: 0.0, hset: 0.0, insert: 0.0, delete: 0.0 },
    };
    let everywhere = UncertainPopularity { likely: Popularity::Uniform, high: Popularity::Uniform };
    Keyspace {
        name: keyspace.text("name").unwrap_or_default().to_owned(),
        size: match keyspace.given("keys") {
            Some(_) => KeyspaceSize::Keys(keyspace.whole("keys")),
            None => KeyspaceSize::ShareOfBytes(
                keyspace.quantity("share-of-bytes").map_or(1.0, |share| share.likely),
            ),
        },
        key_size: keyspace.bytes("key-size").0,
        content: content_of(keyspace, is_counted || operations.incr > 0.0),
        compressed_to: keyspace.uncertain("compressed-to"),
        has_ttl: keyspace.quantity("ttl").is_some(),
        write_rate: match keyspace.value("writes-per-second") {
            Some(Value::WriteRate(rate)) => *rate,
            _ => WriteRate::Total(Uncertain::certain(0.0)),
        },
        operations,
        popularity: match keyspace.value("popularity") {
            Some(Value::Popularity(popularity)) => *popularity,
            _ => everywhere,
        },
    }
}

fn content_of(keyspace: &Group, is_counter: bool) -> Content {
    let value = keyspace.bytes("value-size").0;
    if is_hash(keyspace) {
        let (fields, name) = (keyspace.whole("fields"), keyspace.bytes("field-name-size").0);
        return Content::Hashes { fields, name, value };
    }
    if is_counter { Content::Integers } else { Content::Strings(value) }
}

/// The keyspace that a job writes to: an index.
fn target_of(job: &Group, keyspaces: &[Group]) -> usize {
    let name = job.text("keyspace");
    let named = keyspaces.iter().position(|keyspace| name.is_some() && keyspace.text("name") == name);
    named.unwrap_or(0)
}

fn traffic_of(readings: &Readings, days: Option<&Days>) -> Traffic {
    let (traffic, noise) = (readings.once("traffic"), readings.once("traffic.noise"));
    let keyspaces = readings.each("keyspace");
    let job = |job: &Group| Job {
        at: job.time_of_day("at"),
        jitter: job.duration("jitter"),
        duration: job.duration("duration"),
        writes_per_second: job.uncertain("writes-per-second"),
        operation: match job.text("operation") {
            Some("incr") => Operation::Incr,
            Some("hset") => Operation::Hset,
            Some("insert") => Operation::Insert,
            _ => Operation::Set,
        },
        keyspace: target_of(job, keyspaces),
    };
    Traffic {
        shape: match (days, traffic.value("hourly")) {
            (Some(days), _) => {
                Shape::Trace(days.factors.iter().map(|day| RecordedDay::new(day.clone())).collect())
            }
            (None, Some(Value::Hourly(factors))) => Shape::Hourly(factors.clone()),
            (None, _) => Shape::Hourly(vec![1.0; 168]),
        },
        noise_day: noise.number("day"),
        noise_hour: noise.number("hour"),
        noise_minute: noise.number("minute"),
        hour_correlation: noise.number("hour-correlation"),
        burst: burst_of(readings.once("traffic.burst")),
        max_writes_per_second: traffic.number("max-writes-per-second"),
        jobs: readings.each("traffic.job").iter().map(job).collect(),
    }
}

fn burst_of(burst: &Group) -> Option<Burst> {
    let (per_year, factor) = (burst.number("per-year"), burst.number("factor"));
    (per_year > 0.0 && factor > 1.0).then(|| Burst { per_year, factor, duration: burst.duration("duration") })
}

fn persistence_of(persistence: &Group) -> Persistence {
    let rewrite = AofRewrite {
        percentage: persistence.number("auto-aof-rewrite-percentage"),
        min_size: persistence.bytes("auto-aof-rewrite-min-size"),
    };
    // `auto-aof-rewrite-percentage 0` switches the rewrite off, so that nothing about the file forks.
    let rewrites = persistence.flag("appendonly") && rewrite.percentage > 0.0;
    Persistence {
        aof: rewrites.then_some(rewrite),
        save_points: match persistence.value("save") {
            Some(Value::SavePoints(points)) => points.clone(),
            _ => Vec::new(),
        },
        rdb_compression: persistence.flag("rdbcompression"),
        stop_writes_on_bgsave_error: persistence.flag("stop-writes-on-bgsave-error"),
        replica_ignore_disk_write_errors: persistence.flag("replica-ignore-disk-write-errors"),
    }
}

fn save_of(readings: &Readings) -> SavePace {
    let (save, slow) = (readings.once("save"), readings.once("save.slow"));
    SavePace {
        speed: speed_of(save),
        sigma: save.number("sigma"),
        slow_probability: slow.number("probability"),
        slow_factor: slow.number("factor"),
        slow_lasts: slow.duration("lasts"),
    }
}

fn speed_of(save: &Group) -> SaveSpeed {
    if save.mentions("throughput") {
        return SaveSpeed::Throughput(save.uncertain("throughput"));
    }
    SaveSpeed::Parts {
        seconds_per_key: save.uncertain("microseconds-per-key").scaled(1e-6),
        disk: save.uncertain("disk-throughput"),
    }
}

fn backup_of(backup: &Group) -> Option<Backup> {
    (backup.text("method") != Some("none")).then(|| Backup {
        at: backup.time_of_day("at"),
        jitter: backup.duration("jitter"),
        every: backup.duration("every"),
        method: match backup.text("method") {
            Some("sync") => BackupMethod::Sync,
            Some("forkless") => BackupMethod::Forkless,
            _ => BackupMethod::Bgsave,
        },
        source: match backup.text("host") {
            Some("replica") => BackupSource::Replica,
            _ => BackupSource::Primary,
        },
    })
}
