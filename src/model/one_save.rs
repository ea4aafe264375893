//! One save by itself: what it copies of a keyspace under a steady load, from the fork to the child's exit.
//!
//! The same laws as in a host's life, without one: a constant write rate, a child that goes through the keys
//! evenly. What is uncertain is taken at one end of its interval, nothing is drawn. Leaves the RAM to hold it
//! against to `decision`.

use crate::memory::heap::PoolCopies;
use crate::memory::save::{self, Cost, Moment, Save};
use crate::memory::{
    Allocator, Exposure, Heap, KeyKind, Keys, LayoutProfile, Population, Released, Spread, child, fork, rdb,
    writing,
};
use crate::model::Uncertain;
use crate::model::host::UncertainPopularity;
use crate::units::Bytes;

/// A keyspace, its load and the pace of a save.
#[derive(Clone, Debug, PartialEq)]
pub struct OneSave {
    /// What the server allocates for a key.
    pub layout: LayoutProfile,
    /// How its allocator was built.
    pub allocator: Allocator,
    /// Size of a base page.
    pub page_size: Bytes,
    /// The keys.
    pub kind: KeyKind,
    /// How many there are.
    pub amount: Amount,
    /// What the server takes of RAM.
    pub resident: Resident,
    /// What one write does, on average.
    pub write: Exposure,
    /// Which keys are written: at the likely end, and at the far end.
    pub popularity: UncertainPopularity,
    /// Writes a second.
    pub writes_per_second: Uncertain,
    /// How long the child lives.
    pub pace: Pace,
    /// Whether the child compresses strings (`rdbcompression`).
    pub compresses: bool,
}

/// How many keys there are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amount {
    /// So many keys.
    Keys(f64),
    /// As many as take so many bytes of `used_memory`.
    UsedMemory(f64),
}

/// What the server takes of RAM at the fork.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Resident {
    /// As measured \[bytes\].
    Bytes(f64),
    /// In terms of `used_memory` (`mem_fragmentation_ratio`).
    Ratio(Uncertain),
}

/// How long a child lives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// So long \[s\].
    Duration(Uncertain),
    /// As long as `used_memory` takes at a throughput [bytes/s].
    Throughput(Uncertain),
    /// As long as the slower of the child's processor and the disk takes.
    Parts {
        /// Processor time that a bare key takes \[s\].
        seconds_per_key: Uncertain,
        /// What the disk takes of the file a second [bytes/s].
        disk: Uncertain,
        /// Bytes of a value in the file over its bytes in memory, where the child compresses it.
        compressed_to: Uncertain,
    },
}

/// At which end of their intervals uncertain inputs are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The likely values.
    Likely,
    /// Whatever copies most: the highest write rate, the slowest save, the far end of the popularity.
    Worst,
}

/// The course of a save and what led to it: expected values.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// Keys at the fork.
    pub keys: f64,
    /// `used_memory` of them and their tables \[bytes\].
    pub used_memory: f64,
    /// What the server takes of RAM at the fork \[bytes\].
    pub resident: f64,
    /// Writes a second.
    pub writes_per_second: f64,
    /// Life of the child \[s\].
    pub seconds: f64,
    /// Size of a base page.
    pub page_size: Bytes,
    /// What the host loses, from the fork to the child's exit.
    pub curve: Vec<Cost>,
    /// The moment at which that is most.
    pub peak: Cost,
    /// What the server reports afterwards as `rdb_last_cow_size` \[bytes\].
    pub reported: f64,
    /// The allocator's pools at the peak, the hash tables last.
    pub pools: Vec<PoolCopies>,
    /// Pages that one write copies, right after the fork and right before the exit.
    pub pages_per_write: (f64, f64),
    /// Page tables of the server, and the same again of its child \[bytes\].
    pub page_tables: f64,
    /// The pause of the fork: an interval \[s\].
    pub fork_pause: (f64, f64),
}

impl Forecast {
    /// Pages of keys and tables.
    pub fn pages(&self) -> f64 {
        self.pools.iter().map(|pool| pool.pages).sum()
    }

    /// What the host has lost when the child exits.
    pub fn end(&self) -> Cost {
        self.curve.last().copied().unwrap_or_default()
    }
}

/// Moments of the curve after the fork. They lie denser at the start, where copies rise steeply: at the squares
/// of equal steps.
const MOMENTS: u32 = 120;

impl OneSave {
    /// What the save does to the host, expected.
    pub fn forecast(&self, end: End) -> Forecast {
        let heap = Heap::new(&self.layout, self.allocator, self.page_size.0, &[Keys::alike(self.kind)]);
        let population = match self.amount {
            Amount::Keys(keys) => Population::of(vec![keys]),
            Amount::UsedMemory(bytes) => heap.population_of(bytes, &[1.0]),
        };
        let used_memory = heap.used_memory(&population);
        let spreads = [self.spread(population.keys[0], end)];
        let save = Save {
            heap: &heap,
            population: &population,
            spreads: &spreads,
            own_memory: child::own_memory(self.compresses && child::compresses(self.kind.value)),
            gives_back: true,
        };
        let (rate, seconds) =
            (end.highest(self.writes_per_second), self.seconds(used_memory, population.keys[0], end));
        let moments = self.moments(rate, seconds);
        let released = save.released(&moments);
        let curve = save.course_with(&moments, &released);
        let peak = save::peak(&curve);
        let at_peak = curve.iter().position(|cost| *cost == peak).unwrap_or_default();
        let resident = match self.resident {
            Resident::Bytes(bytes) => bytes,
            Resident::Ratio(ratio) => used_memory * end.highest(ratio),
        };
        let pause = fork::pause(resident, self.page_size.0);
        Forecast {
            keys: population.keys[0],
            used_memory,
            resident,
            writes_per_second: rate,
            seconds,
            page_size: self.page_size,
            peak,
            reported: save::last_cow_size(&curve, resident),
            pools: heap.pools(&population, &moments[at_peak].exposures, &spreads, released[at_peak]),
            pages_per_write: self.pages_per_write(&save, rate * seconds),
            page_tables: child::page_tables(resident, self.page_size.0),
            fork_pause: (pause.0 / 1e6, pause.1 / 1e6),
            curve,
        }
    }

    fn spread(&self, keys: f64, end: End) -> Spread {
        Spread::new(
            match end {
                End::Likely => self.popularity.likely,
                End::Worst => self.popularity.high,
            },
            keys,
        )
    }

    fn seconds(&self, used_memory: f64, keys: f64, end: End) -> f64 {
        match self.pace {
            Pace::Duration(seconds) => end.highest(seconds),
            Pace::Throughput(rate) => used_memory / end.lowest(rate),
            Pace::Parts { seconds_per_key, disk, compressed_to } => {
                let to = if self.compresses { end.highest(compressed_to) } else { 1.0 };
                let record = rdb::compressed_record_bytes(self.kind, to);
                let bare_keys = keys * writing::bare_keys(self.kind, record, self.compresses);
                (bare_keys * end.highest(seconds_per_key)).max(keys * record / end.lowest(disk))
            }
        }
    }

    fn moments(&self, rate: f64, seconds: f64) -> Vec<Moment> {
        let moment = |step: u32| {
            let progress = (f64::from(step) / f64::from(MOMENTS)).powi(2);
            let exposures = vec![self.write.times(rate * seconds * progress)];
            Moment { seconds: seconds * progress, exposures, progress }
        };
        (0..=MOMENTS).map(moment).collect()
    }

    /// Pages that one more write copies, with none and with all `writes` of the save before it; what the child
    /// gives back is left aside.
    fn pages_per_write(&self, save: &Save, writes: f64) -> (f64, f64) {
        let pages = |writes: f64| {
            let exposures = [self.write.times(writes)];
            let copied =
                save.heap.copied_bytes(save.population, &exposures, save.spreads, Released::default());
            copied / self.page_size.as_f64()
        };
        // Wide enough that the difference keeps its digits.
        let step = (writes / 1000.0).max(1.0);
        (pages(1.0), (pages(writes + step) - pages(writes)) / step)
    }
}

impl End {
    fn highest(self, value: Uncertain) -> f64 {
        match self {
            Self::Likely => value.likely,
            Self::Worst => value.high,
        }
    }

    fn lowest(self, value: Uncertain) -> f64 {
        match self {
            Self::Likely => value.likely,
            Self::Worst => value.low,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::layout::profiles::{valkey_8_0, valkey_8_1};
    use crate::memory::{Popularity, Value};

    fn counters() -> OneSave {
        OneSave {
            layout: valkey_8_0(),
            allocator: Allocator::Bundled,
            page_size: Bytes::kib(4),
            kind: KeyKind { key_size: 16, value: Value::Integer, has_ttl: false },
            amount: Amount::Keys(1e8),
            resident: Resident::Ratio(Uncertain { low: 1.0, likely: 1.1, high: 1.5 }),
            write: Exposure { incr: 1.0, ..Exposure::default() },
            popularity: UncertainPopularity { likely: Popularity::Uniform, high: Popularity::Uniform },
            writes_per_second: Uncertain { low: 1e3, likely: 1e4, high: 2e4 },
            pace: Pace::Duration(Uncertain { low: 20.0, likely: 30.0, high: 60.0 }),
            compresses: true,
        }
    }

    /// 256 object headers a page; nothing else is written.
    fn copied(writes: f64) -> f64 {
        let pages = 1e8 / 256.0;
        4096.0 * pages * -(-writes / pages).exp_m1()
    }

    #[test]
    fn counters_meet_the_closed_form_at_every_moment() {
        let forecast = counters().forecast(End::Likely);
        let own = child::own_memory(false);
        for cost in &forecast.curve {
            assert!((cost.anonymous() - own - copied(1e4 * cost.seconds)).abs() < 1.0, "{cost:?}");
        }
        assert_eq!(forecast.peak, forecast.end());
        assert!((forecast.seconds - 30.0).abs() < 1e-12);
    }

    #[test]
    fn the_worst_end_is_the_highest_rate_and_the_slowest_save() {
        let forecast = counters().forecast(End::Worst);
        assert!((forecast.peak.copied - child::own_memory(false) - copied(1.2e6)).abs() < 1.0);
        assert!((forecast.resident / forecast.used_memory - 1.5).abs() < 1e-12);
        let by_throughput =
            OneSave { pace: Pace::Throughput(Uncertain { low: 1e8, likely: 2e8, high: 3e8 }), ..counters() };
        let forecast = by_throughput.forecast(End::Worst);
        assert!((forecast.seconds - forecast.used_memory / 1e8).abs() < 1e-9);
    }

    /// A key takes a type, a length and 16 bytes; a value a length of two bytes and 1,024, or 0.6 of them; a bare key
    /// 1.25 µs where it takes 2.
    #[test]
    fn a_save_is_as_slow_as_the_slower_of_processor_and_disk() {
        let pace = |disk: f64| Pace::Parts {
            seconds_per_key: Uncertain { low: 1e-6, likely: 1.25e-6, high: 2e-6 },
            disk: Uncertain { low: disk / 4.0, likely: disk, high: 2.0 * disk },
            compressed_to: Uncertain { low: 0.3, likely: 0.6, high: 1.0 },
        };
        let seconds = |disk, compresses, end| {
            let kind = KeyKind { key_size: 16, value: Value::Bytes(1024), has_ttl: false };
            let save =
                OneSave { kind, pace: pace(disk), compresses, amount: Amount::Keys(1e6), ..counters() };
            save.forecast(end).seconds
        };
        let [full, short] = [20.0 + 1024.0, 20.0 + 1024.0 * 0.6];
        let processor = |record: f64, tried: f64| 1.25 + 2.3e-3 * record + tried;
        let tried = 0.28 + 5.1e-3 * 1024.0;
        for (said, expected) in [
            (seconds(1e9, true, End::Likely), processor(short, tried)),
            (seconds(1e7, true, End::Likely), short / 10.0),
            (seconds(1e9, true, End::Worst), processor(full, tried) * 1.6),
            (seconds(1e7, true, End::Worst), full / 2.5),
            (seconds(1e9, false, End::Likely), processor(full, 0.0)),
            (seconds(1e7, false, End::Likely), full / 10.0),
        ] {
            assert!((said / expected - 1.0).abs() < 1e-9, "{said} {expected}");
        }
    }

    #[test]
    fn pools_add_up_to_the_peak() {
        let large = KeyKind { key_size: 16, value: Value::Bytes(16_384), has_ttl: false };
        let write = Exposure { set: 1.0, ..Exposure::default() };
        let save = OneSave {
            layout: valkey_8_1(),
            kind: large,
            write,
            amount: Amount::UsedMemory(2e9),
            ..counters()
        };
        let forecast = save.forecast(End::Likely);
        assert!(forecast.peak.seconds < forecast.seconds, "the child gives large values back");
        let pages: f64 = forecast.pools.iter().map(|pool| pool.copied_pages).sum();
        let rest = forecast.peak.copied - pages * 4096.0;
        // The child's own memory, and what its freeing writes of the allocator's books.
        assert!((1.0..20.0).contains(&(rest / f64::from(1 << 20))), "{rest}");
    }

    #[test]
    fn a_write_copies_less_the_more_is_copied() {
        let (first, last) = counters().forecast(End::Likely).pages_per_write;
        assert!((first - 1.0).abs() < 1e-5, "{first}");
        let expected = (-3e5 / (1e8 / 256.0f64)).exp();
        assert!((last / expected - 1.0).abs() < 1e-3, "{last} {expected}");
    }

    #[test]
    fn nothing_written_copies_nothing() {
        let idle = OneSave { writes_per_second: Uncertain::certain(0.0), ..counters() };
        let forecast = idle.forecast(End::Worst);
        assert!((forecast.peak.anonymous() - child::own_memory(false)).abs() < 1e-9);
    }
}
