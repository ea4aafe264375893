//! How long a child lives.

use crate::model::Uncertain;
use crate::rng::Purpose;
use crate::units::SimDuration;

/// How long a child lives, whatever forked it: what its speed says, times a lognormal factor of median 1, at times
/// slowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SavePace {
    /// How fast it writes.
    pub speed: SaveSpeed,
    /// Standard deviation of the logarithm of the duration, drawn once a fork.
    pub sigma: f64,
    /// The share of the time in which the disk of a host is slow.
    pub slow_probability: f64,
    /// How many times longer a save takes that begins then.
    pub slow_factor: f64,
    /// How long the disk is slow at a time, above zero.
    pub slow_lasts: SimDuration,
}

/// How fast a child writes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SaveSpeed {
    /// `used_memory` saved a second [bytes/s], drawn once a replication.
    Throughput(Uncertain),
    /// As fast as the slower of its processor and the disk. Sockets are as fast as the link.
    Parts {
        /// Processor time that a bare key takes \[s\], drawn once a replication.
        seconds_per_key: Uncertain,
        /// What the disk takes of the file a second [bytes/s], drawn once a replication.
        disk: Uncertain,
    },
}

impl SaveSpeed {
    /// What is drawn of it once a replication, and for what.
    pub fn intervals(self) -> impl Iterator<Item = (Purpose, Uncertain)> {
        let [first, second] = match self {
            Self::Throughput(rate) => [Some((Purpose::SaveThroughput, rate)), None],
            Self::Parts { seconds_per_key, disk } => {
                [Some((Purpose::SaveKeyTime, seconds_per_key)), Some((Purpose::DiskThroughput, disk))]
            }
        };
        first.into_iter().chain(second)
    }

    /// The same, to change.
    pub(super) fn intervals_mut(&mut self) -> impl Iterator<Item = &mut Uncertain> {
        let (first, second) = match self {
            Self::Throughput(rate) => (rate, None),
            Self::Parts { seconds_per_key, disk } => (seconds_per_key, Some(disk)),
        };
        std::iter::once(first).chain(second)
    }
}
