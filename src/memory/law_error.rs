//! How far off the law of copies is: measured over predicted, as real saves had it.
//!
//! ```text
//! copies of every save of a host = expected copies · r        r drawn once a host from the ratios measured / predicted
//! ```
//!
//! The ratios are those of the measured saves in `tests/data/measurements/runs.csv` of which the growth of anonymous
//! memory is predicted, each with the writes and the time that it had: what is left is the law's own error. Rows that
//! grew by less than 16 MiB say more of the sampling and are left out, and full syncs, whose growth is not copies
//! alone. They are grouped by engine and allocator, and by what is written: the lines of `forkcast validate`
//! ([`Load`]). A group with less than `ENOUGH` rows, and an engine that was not measured, take the widest group of
//! the same load, whatever its engine.
//!
//! A group is kept as its octiles, from the least to the greatest ratio measured: nothing beyond what was seen is
//! drawn, and between octiles the ratios lie evenly. Several loads on one host each count by their share of the
//! writes, at the same quantile. The table is made from the validation: `cargo test --test integration law_error`
//! holds it against that and prints what it should be. The error of a save against others of the same host is not told
//! apart from that of the host: all of it is the host's, which leaves no save to average it out.

use crate::memory::layout::{Allocator, LayoutProfile, Value};

/// What is written, as the law's errors are pooled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Load {
    /// Values up to 1 KiB overwritten in place: strings, counters, fields of small hashes.
    Small,
    /// Values up to 4 KiB, of which a child can give whole pages back.
    Page,
    /// Larger values.
    Large,
    /// Whatever moves keys: insertions, deletions, eviction, expiry, changing sizes.
    Moving,
}

impl Load {
    /// Every load.
    pub const ALL: [Self; 4] = [Self::Small, Self::Page, Self::Large, Self::Moving];

    /// Overwrites in place of keys that hold `value`.
    pub fn overwriting(value: Value) -> Self {
        match value {
            Value::Bytes(bytes) | Value::Listpack(bytes) if bytes > 4_096 => Self::Large,
            Value::Bytes(bytes) | Value::Listpack(bytes) if bytes > 1_024 => Self::Page,
            _ => Self::Small,
        }
    }
}

/// The measured errors of an engine under a load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// The layout profile.
    pub engine: &'static str,
    /// The allocator.
    pub allocator: Allocator,
    /// What was written.
    pub load: Load,
    /// How many saves.
    pub saves: usize,
    /// Measured over predicted: the least, seven octiles, the greatest.
    pub octiles: [f64; 9],
}

impl Measured {
    fn width(&self) -> f64 {
        self.octiles[8] - self.octiles[0]
    }
}

/// A group of fewer saves says too little of its ends.
const ENOUGH: usize = 5;

/// Every group. See the module for where it comes from.
#[rustfmt::skip]
pub const MEASURED: [Measured; 10] = [
    Measured { engine: "redis-7.0", allocator: Allocator::System, load: Load::Small, saves: 43,
        octiles: [0.977, 0.993, 0.995, 0.997, 0.999, 1.001, 1.002, 1.003, 1.015] },
    Measured { engine: "redis-7.0", allocator: Allocator::System, load: Load::Page, saves: 13,
        octiles: [0.977, 0.986, 0.993, 0.994, 0.995, 0.998, 1.000, 1.001, 1.002] },
    Measured { engine: "redis-7.0", allocator: Allocator::System, load: Load::Large, saves: 2,
        octiles: [0.977, 0.980, 0.984, 0.987, 0.991, 0.994, 0.998, 1.001, 1.005] },
    Measured { engine: "redis-7.0", allocator: Allocator::System, load: Load::Moving, saves: 18,
        octiles: [0.926, 0.976, 0.991, 0.997, 1.000, 1.012, 1.026, 1.064, 1.126] },
    Measured { engine: "valkey-8.0", allocator: Allocator::Bundled, load: Load::Small, saves: 20,
        octiles: [0.986, 0.991, 0.992, 0.995, 0.997, 1.000, 1.004, 1.004, 1.009] },
    Measured { engine: "valkey-8.0", allocator: Allocator::Bundled, load: Load::Large, saves: 13,
        octiles: [0.982, 0.996, 0.997, 0.998, 1.000, 1.002, 1.005, 1.010, 1.025] },
    Measured { engine: "valkey-8.0", allocator: Allocator::Bundled, load: Load::Moving, saves: 10,
        octiles: [0.948, 0.984, 0.997, 1.008, 1.010, 1.013, 1.023, 1.030, 1.041] },
    Measured { engine: "valkey-8.1", allocator: Allocator::System, load: Load::Small, saves: 37,
        octiles: [0.905, 0.985, 0.992, 0.994, 0.999, 1.001, 1.007, 1.014, 1.047] },
    Measured { engine: "valkey-8.1", allocator: Allocator::System, load: Load::Large, saves: 9,
        octiles: [0.992, 1.004, 1.006, 1.014, 1.017, 1.023, 1.023, 1.050, 1.071] },
    Measured { engine: "valkey-8.1", allocator: Allocator::System, load: Load::Moving, saves: 20,
        octiles: [0.913, 0.991, 0.996, 1.002, 1.007, 1.009, 1.046, 1.074, 1.171] },
];

/// The ratios that a host's copies may have to what the law says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LawError {
    octiles: [f64; 9],
}

impl LawError {
    /// Of a server with this layout and allocator, whose writes are `shares` of each load, in any unit. `None` where
    /// nothing is written.
    pub fn of(layout: &LayoutProfile, allocator: Allocator, shares: &[(Load, f64)]) -> Option<Self> {
        let all: f64 = shares.iter().map(|(_, share)| share).sum();
        if all <= 0.0 {
            return None;
        }
        let mut octiles = [0.0; 9];
        for (load, share) in shares {
            let group = group(&layout.engine, allocator, *load);
            octiles.iter_mut().zip(group.octiles).for_each(|(sum, octile)| *sum += octile * share / all);
        }
        Some(Self { octiles })
    }

    /// The ratio below which a share `u` of them lies.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 7")]
    pub fn quantile(&self, u: f64) -> f64 {
        let place = u.clamp(0.0, 1.0) * 8.0;
        let below = (place as usize).min(7);
        let (low, high) = (self.octiles[below], self.octiles[below + 1]);
        low + (high - low) * (place - below as f64)
    }
}

/// The errors of an engine under a load: its own, or the widest where it has too few.
fn group(engine: &str, allocator: Allocator, load: Load) -> &'static Measured {
    let of_load = || MEASURED.iter().filter(move |group| group.load == load && group.saves >= ENOUGH);
    let own = of_load().find(|group| group.engine == engine && group.allocator == allocator);
    let widest = of_load().max_by(|a, b| a.width().total_cmp(&b.width()));
    own.or(widest).unwrap_or(&MEASURED[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::layout::profiles::{redis_7_0, valkey_8_0, valkey_8_1};

    /// The least, the median and the greatest ratio, in millionths.
    fn ends(layout: &LayoutProfile, allocator: Allocator, shares: &[(Load, f64)]) -> [i64; 3] {
        let error = LawError::of(layout, allocator, shares).unwrap();
        [0.0, 0.5, 1.0].map(|u| millionths(error.quantile(u)))
    }

    #[expect(clippy::cast_possible_truncation, reason = "ratios near 1")]
    fn millionths(ratio: f64) -> i64 {
        (ratio * 1e6).round() as i64
    }

    #[test]
    fn an_engine_has_its_own_errors_and_the_widest_where_it_has_none() {
        let small = [(Load::Small, 1.0)];
        assert_eq!(ends(&redis_7_0(), Allocator::System, &small), [977_000, 999_000, 1_015_000]);
        assert_eq!(ends(&valkey_8_0(), Allocator::Bundled, &small), [986_000, 997_000, 1_009_000]);
        let widest = ends(&valkey_8_1(), Allocator::System, &small);
        assert_eq!(
            ends(&redis_7_0(), Allocator::Bundled, &small),
            widest,
            "not measured with this allocator"
        );
        // Two saves of large values are too few.
        let large = [(Load::Large, 1.0)];
        assert_eq!(
            ends(&redis_7_0(), Allocator::System, &large),
            ends(&valkey_8_1(), Allocator::System, &large)
        );
        for load in Load::ALL {
            assert!(MEASURED.iter().any(|group| group.load == load && group.saves >= ENOUGH), "{load:?}");
        }
    }

    #[test]
    fn loads_count_by_their_share_of_the_writes() {
        let mixed = [(Load::Small, 30.0), (Load::Moving, 10.0)];
        let [low, _, high] = ends(&redis_7_0(), Allocator::System, &mixed);
        assert_eq!(low, millionths(0.75 * 0.977 + 0.25 * 0.926));
        assert_eq!(high, millionths(0.75 * 1.015 + 0.25 * 1.126));
        assert_eq!(LawError::of(&redis_7_0(), Allocator::System, &[(Load::Small, 0.0)]), None);
    }

    #[test]
    fn quantiles_lie_evenly_between_octiles() {
        let error = LawError::of(&redis_7_0(), Allocator::System, &[(Load::Small, 1.0)]).unwrap();
        assert!((error.quantile(1.0 / 16.0) - f64::midpoint(0.977, 0.993)).abs() < 1e-12);
        assert!((error.quantile(0.125) - 0.993).abs() < 1e-12);
        let steps: Vec<f64> = (0..=100).map(|percent| error.quantile(f64::from(percent) / 100.0)).collect();
        assert!(steps.is_sorted());
    }
}
