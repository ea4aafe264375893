//! Where the random numbers of one replication come from, and which of them belong to the host.

use rand::RngExt;
use statrs::distribution::{ContinuousCDF, Normal};

use crate::model::host::{Host, WriteRate};
use crate::model::law_error::has_law_error;
use crate::model::tilt::Tilt;
use crate::rng::{Purpose, Stream};

/// The random numbers of one replication: those of the host's inputs, and those of everything that then happens.
///
/// By default both are the replication's own. The first may come from another replication, so that several share one
/// host and differ in weather, saves and links alone; or they may be tilted towards trouble.
#[derive(Clone, Copy, Debug)]
pub struct Draws<'a> {
    seed: u64,
    replication: u64,
    host: Stream,
    tilt: Option<&'a Tilt>,
}

impl<'a> Draws<'a> {
    /// The numbers of `replication` under `seed`.
    #[must_use]
    pub fn new(seed: u64, replication: u64) -> Self {
        Self { seed, replication, host: Stream::new(seed, replication), tilt: None }
    }

    /// The same, with the host's inputs of `replication` instead.
    #[must_use]
    pub fn on_host_of(self, replication: u64) -> Self {
        Self { host: Stream::new(self.seed, replication), ..self }
    }

    /// The same under `tilt`, which is for a replication with a host of its own; untouched where the tilt leaves this
    /// one alone.
    #[must_use]
    pub fn tilted(self, tilt: &'a Tilt) -> Self {
        Self { tilt: Tilt::applies_to(self.stream()).then_some(tilt), ..self }
    }

    /// The seed.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The replication.
    #[must_use]
    pub fn replication(&self) -> u64 {
        self.replication
    }

    /// The tilt, where it applies.
    pub(super) fn tilt(&self) -> Option<&'a Tilt> {
        self.tilt
    }

    /// The numbers of everything that happens.
    pub(super) fn stream(&self) -> Stream {
        Stream::new(self.seed, self.replication)
    }

    /// Which quantile of an input this replication takes, in [0, 1): that of keyspace or job `number` for what each of
    /// them has, 0 for what the host has once.
    pub(super) fn quantile(&self, purpose: Purpose, number: usize) -> f64 {
        let u: f64 = self.host.at(purpose, number as u64).random();
        let shift = self.tilt.and_then(|tilt| tilt.shift_of(Unknown { purpose, number }));
        shift.map_or(u, |shift| Normal::standard().cdf(normal(u) + shift))
    }
}

/// The standard normal number at the quantile `u`.
pub(super) fn normal(u: f64) -> f64 {
    // The numbers of a generator are multiples of 2^-53, and one of them is 0.
    Normal::standard().inverse_cdf(u.max(f64::EPSILON / 4.0))
}

/// An input of the host that is known only as an interval, and drawn once a replication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown {
    pub(super) purpose: Purpose,
    pub(super) number: usize,
}

impl Unknown {
    /// The inputs of `host` that memory depends on and that are not known exactly.
    #[must_use]
    pub fn of(host: &Host) -> Vec<Self> {
        let (server, replication) = (&host.server, &host.replication);
        let syncs = replication.replicas > 0;
        let machine = [
            (Purpose::Reserved, host.machine.reserved, true),
            (Purpose::Fragmentation, server.fragmentation_ratio, true),
            (Purpose::ClientMemory, server.client_memory, true),
        ];
        let data = [
            (Purpose::LoadThroughput, server.load_throughput, syncs),
            (Purpose::LinkThroughput, replication.throughput, syncs),
            (Purpose::Growth, host.dataset.growth_per_day, true),
        ];
        let speed = host.save.speed.intervals().map(|(purpose, value)| (purpose, value, true));
        let once = machine.into_iter().chain(speed).chain(data);
        let unknown = once.filter(|(_, value, matters)| *matters && !value.is_certain());
        let mut all: Vec<Self> = unknown.map(|(purpose, ..)| Self { purpose, number: 0 }).collect();
        if has_law_error(host) {
            all.push(Self { purpose: Purpose::LawError, number: 0 });
        }
        for (number, keyspace) in host.dataset.keyspaces.iter().enumerate() {
            let (WriteRate::Total(rate) | WriteRate::PerKey(rate)) = keyspace.write_rate;
            if !rate.is_certain() {
                all.push(Self { purpose: Purpose::WriteRate, number });
            }
            if !keyspace.compressed_to.is_certain() && host.file_size_matters(keyspace) {
                all.push(Self { purpose: Purpose::CompressedTo, number });
            }
            if keyspace.popularity.likely != keyspace.popularity.high {
                all.push(Self { purpose: Purpose::Popularity, number });
            }
        }
        let jobs = host.traffic.jobs.iter().enumerate();
        let uncertain = jobs.filter(|(_, job)| !job.writes_per_second.is_certain());
        all.extend(uncertain.map(|(number, _)| Self { purpose: Purpose::JobRate, number }));
        all
    }

    /// Its path in a scenario, with the keyspace's name or the job's number in it.
    #[must_use]
    pub fn path(self, host: &Host) -> String {
        let keyspace = |field: &str| {
            let name = host.dataset.keyspaces.get(self.number).map_or("", |keyspace| &keyspace.name);
            format!("keyspace.{name}.{field}")
        };
        match self.purpose {
            Purpose::Reserved => "host.reserved".to_owned(),
            Purpose::Fragmentation => "server.fragmentation-ratio".to_owned(),
            Purpose::ClientMemory => "server.client-memory".to_owned(),
            Purpose::SaveThroughput => "save.throughput".to_owned(),
            Purpose::SaveKeyTime => "save.microseconds-per-key".to_owned(),
            Purpose::DiskThroughput => "save.disk-throughput".to_owned(),
            Purpose::CompressedTo => keyspace("compressed-to"),
            Purpose::LoadThroughput => "server.load-throughput".to_owned(),
            Purpose::LinkThroughput => "replication.throughput".to_owned(),
            Purpose::Growth => "dataset.growth-per-day".to_owned(),
            Purpose::LawError => "save.law-error".to_owned(),
            Purpose::WriteRate => keyspace("writes-per-second"),
            Purpose::Popularity => keyspace("popularity"),
            _ => format!("traffic.job.{}.writes-per-second", self.number + 1),
        }
    }
}
