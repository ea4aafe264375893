//! What a child writes and how long it takes: the slower of its processor and the disk, on a disk that is slow now and
//! then.

use forkcast::memory::rdb::record_bytes;
use forkcast::memory::{KeyKind, Value};
use forkcast::model::Host;
use forkcast::model::host::{SavePace, SaveSpeed};

use super::copies::kind;
use super::dice::Dice;

/// Strings up to this length are never compressed.
const NEVER_COMPRESSED: u64 = 20;

/// Processor time of a child on the machine that was measured \[s\]: for a key by itself, for a byte of its file, for an
/// attempt to compress a string, and for each byte of that.
const PER_KEY: f64 = 1.25e-6;
const PER_BYTE: f64 = 2.3e-9;
const PER_TRY: f64 = 0.28e-6;
const PER_BYTE_TRIED: f64 = 5.1e-9;

/// The saves of one replication.
pub(super) struct Saving {
    pace: SavePace,
    speed: Speed,
    /// Bytes of a key of each keyspace in a file, and the processor time that it takes.
    keys: Vec<(f64, f64)>,
    disk: Disk,
}

enum Speed {
    Throughput(f64),
    /// Of the disk.
    SlowerOf(f64),
}

/// Whether the disk is slow, and until when that is so.
struct Disk {
    is_slow: bool,
    until: f64,
}

impl Saving {
    pub(super) fn draw(host: &Host, dice: &mut Dice) -> Self {
        let (pace, compresses) = (host.save, host.persistence.rdb_compression);
        let (speed, key_seconds) = match pace.speed {
            SaveSpeed::Throughput(rate) => (Speed::Throughput(dice.of_interval(rate)), PER_KEY),
            SaveSpeed::Parts { seconds_per_key, disk } => {
                (Speed::SlowerOf(dice.of_interval(disk)), dice.of_interval(seconds_per_key))
            }
        };
        let key = |keyspace: &forkcast::model::host::Keyspace| {
            let kind = kind(keyspace);
            let value = length(kind.value);
            let is_tried = compresses && value > NEVER_COMPRESSED;
            let saved = if is_tried { 1.0 - dice.of_interval(keyspace.compressed_to) } else { 0.0 };
            let bytes = record_bytes(kind) as f64 - value as f64 * saved;
            (bytes, processor_seconds(kind, bytes, compresses) * key_seconds / PER_KEY)
        };
        let keys = host.dataset.keyspaces.iter().map(key).collect();
        let disk = Disk {
            is_slow: dice.uniform() < pace.slow_probability,
            until: pace.slow_lasts.as_secs_f64() * dice.uniform(),
        };
        Self { pace, speed, keys, disk }
    }

    /// Size of a file with so many keys of each keyspace.
    pub(super) fn file_bytes(&self, counts: &[f64]) -> f64 {
        counts.iter().zip(&self.keys).map(|(count, (bytes, _))| count * bytes).sum()
    }

    /// How long a child takes that is forked at `now`, for so many keys that are `data` bytes of `used_memory`.
    pub(super) fn seconds(&mut self, counts: &[f64], data: f64, now: f64, dice: &mut Dice) -> f64 {
        let usual = match self.speed {
            Speed::Throughput(rate) => data / rate,
            Speed::SlowerOf(disk) => {
                let processor: f64 = counts.iter().zip(&self.keys).map(|(n, (_, seconds))| n * seconds).sum();
                processor.max(self.file_bytes(counts) / disk)
            }
        };
        let slowed = if self.disk_is_slow(now, dice) { self.pace.slow_factor } else { 1.0 };
        usual * slowed * (self.pace.sigma * dice.normal()).exp()
    }

    /// Each time that the disk may be slow is drawn anew, one after the other.
    fn disk_is_slow(&mut self, now: f64, dice: &mut Dice) -> bool {
        while now >= self.disk.until {
            self.disk.until += self.pace.slow_lasts.as_secs_f64();
            self.disk.is_slow = dice.uniform() < self.pace.slow_probability;
        }
        self.disk.is_slow
    }
}

fn length(value: Value) -> u64 {
    match value {
        Value::Integer => 0,
        Value::Bytes(length) | Value::Listpack(length) => length,
    }
}

/// Whether a child tries to compress any value of the host.
pub(super) fn compresses_values(host: &Host) -> bool {
    let is_tried = |keyspace| length(kind(keyspace).value) > NEVER_COMPRESSED;
    host.persistence.rdb_compression && host.dataset.keyspaces.iter().any(is_tried)
}

/// What the measured machine takes for a key that is `bytes` long in the file.
fn processor_seconds(kind: KeyKind, bytes: f64, compresses: bool) -> f64 {
    let mut seconds = PER_KEY + PER_BYTE * bytes;
    for string in [kind.key_size, length(kind.value)] {
        if compresses && string > NEVER_COMPRESSED {
            seconds += PER_TRY + PER_BYTE_TRIED * string as f64;
        }
    }
    seconds
}
