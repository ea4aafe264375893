//! Random numbers by address: every one is keyed by (seed, replication, purpose, occasion).
//!
//! Nothing is drawn in sequence, so one more fork in one cell does not shift the weather of all that
//! follows, and every cell of a sweep meets the same weather (common random numbers). The host class and
//! the percentage are never part of a key. Leaves out shared and time-seeded generators.

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

/// What a random number decides. A number's purpose keeps one input's draws in place when another changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u64)]
pub enum Purpose {
    /// Day-to-day noise of the write rate; the occasion is the calendar day.
    TrafficDay = 1,
    /// Hour-to-hour noise of the write rate; the occasion is the hour since time 0.
    TrafficHour,
    /// Minute-to-minute noise of the write rate; the occasion is the hour since time 0.
    TrafficMinute,
    /// Which recorded day a simulated day repeats; the occasion is the calendar day.
    TraceDay,
    /// When a job starts; the occasion is the calendar day with the job's number.
    JobStart,
    /// When a backup starts; the occasion is the backup's ordinal.
    BackupStart,
    /// How long a backup's child lives; the occasion is the ordinal of the fork.
    BackupDuration,
    /// How long a save point's child lives; the occasion is the ordinal of the fork.
    SavePointDuration,
    /// How long an AOF rewrite's child lives; the occasion is the ordinal of the fork.
    AofRewriteDuration,
    /// Where in its cycle the AOF file is at time 0.
    AofPhase,
    /// Where in its cycle each save point is at time 0.
    SavePointPhase,
    /// How long a child outlives its killed parent; the occasion is the ordinal of the kill.
    OrphanLifetime,
    /// Memory of the kernel and other processes, drawn once a replication.
    Reserved,
    /// The fragmentation ratio, drawn once a replication.
    Fragmentation,
    /// Client buffers, drawn once a replication.
    ClientMemory,
    /// `used_memory` that a child saves a second, drawn once a replication.
    SaveThroughput,
    /// The speed of a reload, drawn once a replication.
    LoadThroughput,
    /// Growth of the data set, drawn once a replication.
    Growth,
    /// The popularity's place between likely and high; the occasion is the keyspace's number.
    Popularity,
    /// The write rate of a keyspace; the occasion is the keyspace's number.
    WriteRate,
    /// The write rate of a job; the occasion is the job's number.
    JobRate,
    /// How long a fork holds the server, between the shortest and the longest pause a page, drawn once a replication.
    ForkPause,
    /// How long the child of a full sync lives; the occasion is the ordinal of the fork.
    FullSyncDuration,
    /// What a replica's link carries, drawn once a replication.
    LinkThroughput,
    /// When a link breaks next; the occasion is the ordinal of the loss.
    LinkLoss,
    /// How long a link stays broken; the occasion is the ordinal of the loss.
    LinkOutage,
    /// How long a host stalls before the OOM killer; the occasion is the ordinal of the stall.
    Stall,
    /// Whether, and which save of, a replication is tilted towards trouble; the occasion tells the two apart.
    Tilt,
    /// How long a server in a crash loop waits for an operator; the occasion is the ordinal of the crash loop.
    OperatorArrival,
    /// Whether and when a burst of the load begins; the occasion is the calendar day from that before time 0 on.
    TrafficBurst,
    /// Where time 0 lies between two changes of a disk; the occasion is the host's number.
    SlowDiskPhase,
    /// What the disk takes of a child's file a second, drawn once a replication.
    DiskThroughput,
    /// Processor time of a child for a key, drawn once a replication.
    SaveKeyTime,
    /// How far the values of a keyspace compress; the occasion is the keyspace's number.
    CompressedTo,
    /// How fast the append-only file is replayed, drawn once a replication.
    AofReplayRate,
    /// How far off the law of copies is, drawn once a replication.
    LawError,
}

/// The random numbers of one replication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    root: u64,
}

impl Stream {
    /// The numbers of `replication` under `seed`.
    #[must_use]
    pub fn new(seed: u64, replication: u64) -> Self {
        Self { root: mix(mix(seed) ^ replication.wrapping_mul(GOLDEN)) }
    }

    /// A generator for one occasion of one purpose. The same key gives the same numbers, always.
    #[must_use]
    pub fn at(self, purpose: Purpose, occasion: u64) -> Xoshiro256PlusPlus {
        let purpose = mix(self.root ^ (purpose as u64).wrapping_mul(GOLDEN));
        Xoshiro256PlusPlus::seed_from_u64(mix(purpose ^ occasion.wrapping_mul(GOLDEN)))
    }
}

/// 2^64 over the golden ratio: spreads small integers over all bits before they are mixed.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A bijection of 64 bits in which every input bit moves half of the output bits.
///
/// Source: the finaliser of `SplitMix64`, variant 13 of D. Stafford, "Better Bit Mixing" (2011).
const fn mix(mut bits: u64) -> u64 {
    bits = bits.wrapping_add(GOLDEN);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    fn first(seed: u64, replication: u64, purpose: Purpose, occasion: u64) -> f64 {
        Stream::new(seed, replication).at(purpose, occasion).random()
    }

    #[test]
    fn the_same_key_gives_the_same_number() {
        let draw = || first(1, 2, Purpose::TrafficHour, 3);
        assert!((draw() - draw()).abs() < f64::MIN_POSITIVE);
    }

    /// Neighbouring keys must not be correlated: for 4,000 pairs of independent uniforms the sample
    /// correlation has standard deviation 1/√4000 = 0.0158; five of them are exceeded once in 1.7 million.
    #[test]
    fn neighbouring_keys_are_independent() {
        let correlation = |pair: &dyn Fn(u64) -> (f64, f64)| {
            let products: f64 = (0..4_000).map(pair).map(|(a, b)| (a - 0.5) * (b - 0.5)).sum();
            products / 4_000.0 * 12.0
        };
        let draw = |seed, replication, occasion| first(seed, replication, Purpose::TrafficHour, occasion);
        let by_occasion = correlation(&|i| (draw(1, 0, i), draw(1, 0, i + 1)));
        let by_replication = correlation(&|i| (draw(1, i, 0), draw(1, i + 1, 0)));
        let by_seed = correlation(&|i| (draw(i, 0, 0), draw(i + 1, 0, 0)));
        let by_purpose = correlation(&|i| (draw(1, 0, i), first(1, 0, Purpose::TrafficMinute, i)));
        for value in [by_occasion, by_replication, by_seed, by_purpose] {
            assert!(value.abs() < 5.0 * 0.0158, "{value}");
        }
    }

    /// Known answers: a change of generator or mixing moves every published number and must be noticed.
    #[test]
    fn known_answers() {
        let bits: u64 = Stream::new(1, 0).at(Purpose::TrafficDay, 0).random();
        let later: u64 = Stream::new(42, 7).at(Purpose::BackupStart, 365).random();
        assert_eq!((bits, later), (13_676_421_972_814_129_923, 3_038_216_775_298_264_549));
    }
}
