//! What a child writes: how large its file is, and how long that takes.
//!
//! ```text
//! seconds = used_memory / throughput                                     where the throughput is given
//!         = max( Σ keys · bare_keys · seconds_per_key, file / disk )     else; to sockets without the disk
//! ```
//!
//! Leaves out noise and slow saves, which are drawn once a fork, and how fast a link carries the file.

use crate::memory::{KeyKind, Population, child, rdb, writing};
use crate::model::Uncertain;
use crate::model::host::{Host, SaveSpeed};
use crate::rng::Purpose;

/// What the children of a host write, in one replication.
#[derive(Clone, Debug)]
pub struct Writing {
    /// For each keyspace, bytes of a key in a file.
    record_bytes: Vec<f64>,
    /// For each keyspace, processor time of a key over that of a bare key.
    bare_keys: Vec<f64>,
    speed: Speed,
}

/// [`SaveSpeed`] as it turned out.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Speed {
    Throughput(f64),
    Parts { seconds_per_key: f64, disk: f64 },
}

/// Where a child writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// A file on a disk.
    Disk,
    /// The sockets of replicas.
    Sockets,
}

impl Writing {
    /// With every unknown as `draw` takes it; `kinds` are the layouts of the keyspaces.
    pub fn new(host: &Host, kinds: &[KeyKind], draw: impl Fn(Uncertain, Purpose, usize) -> f64) -> Self {
        let compresses = host.persistence.rdb_compression;
        let record = |(number, &kind): (usize, &KeyKind)| {
            if !compresses || !child::compresses(kind.value) {
                return rdb::record_bytes(kind) as f64;
            }
            let to = draw(host.dataset.keyspaces[number].compressed_to, Purpose::CompressedTo, number);
            rdb::compressed_record_bytes(kind, to)
        };
        let record_bytes: Vec<f64> = kinds.iter().enumerate().map(record).collect();
        let records = kinds.iter().zip(&record_bytes);
        let bare_keys =
            records.map(|(&kind, &record)| writing::bare_keys(kind, record, compresses)).collect();
        let speed = match host.save.speed {
            SaveSpeed::Throughput(rate) => Speed::Throughput(draw(rate, Purpose::SaveThroughput, 0)),
            SaveSpeed::Parts { seconds_per_key, disk } => Speed::Parts {
                seconds_per_key: draw(seconds_per_key, Purpose::SaveKeyTime, 0),
                disk: draw(disk, Purpose::DiskThroughput, 0),
            },
        };
        Self { record_bytes, bare_keys, speed }
    }

    /// Size of a file with `population` \[bytes\].
    pub fn file_bytes(&self, population: &Population) -> f64 {
        population.keys.iter().zip(&self.record_bytes).map(|(keys, bytes)| keys * bytes).sum()
    }

    /// How long a child takes to write `population`, which is so many bytes of `used_memory` \[s\].
    pub fn seconds(&self, used_memory: f64, population: &Population, medium: Medium) -> f64 {
        match self.speed {
            Speed::Throughput(rate) => used_memory / rate,
            Speed::Parts { seconds_per_key, disk } => {
                let bare_keys = population.keys.iter().zip(&self.bare_keys);
                let processor = bare_keys.map(|(keys, worth)| keys * worth).sum::<f64>() * seconds_per_key;
                match medium {
                    Medium::Disk => processor.max(self.file_bytes(population) / disk),
                    Medium::Sockets => processor,
                }
            }
        }
    }
}
