//! How writes spread over the keys, and how many keys they leave unwritten.
//!
//! ```text
//! φ(w) = (1/N) Σ_k exp(−w p_k)        N [keys], w [writes], p_k the chance that a write goes to key k
//! ```
//!
//! is the mean over keys of "not yet written"; all of the dirty-page law rests on it.

use std::sync::{Arc, OnceLock};

/// Which keys a stream of writes goes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Popularity {
    /// Every key alike: the safe assumption, as it copies most.
    Uniform,
    /// The key of rank k is written with a weight of k^-θ.
    Zipf {
        /// The exponent θ ≥ 0.
        theta: f64,
    },
    /// A share of the writes goes to a share of the keys, evenly on either side.
    Hotspot {
        /// The hot share of the keys, in (0, 1).
        keys: f64,
        /// The share of the writes that goes to them, in [0, 1].
        writes: f64,
    },
}

/// A popularity over a number of keys, or a mixture of some: what is needed to evaluate φ.
#[derive(Clone, Debug)]
pub struct Spread {
    /// Curves and their weights, which add up to 1.
    parts: Vec<(f64, Arc<Curve>)>,
}

/// φ of one popularity.
#[derive(Debug)]
struct Curve {
    classes: Vec<RateClass>,
    table: Option<Table>,
}

/// Keys written at one rate.
#[derive(Clone, Copy, Debug, PartialEq)]
struct RateClass {
    /// Their share of all keys.
    share: f64,
    /// Their rate relative to the mean over all keys.
    rate: f64,
}

/// Ranks that are classes of their own, before ranks are taken together.
const SINGLE_RANKS: u64 = 16;

/// Groups of ranks above those, evenly spaced in the logarithm; each is split in two. Measured error of φ over
/// the whole curve at θ = 0.99: below 1e-4 with 48 groups at a million and at 16 million keys.
const RANK_GROUPS: u32 = 48;

impl Spread {
    /// `popularity` over `keys` keys.
    pub fn new(popularity: Popularity, keys: f64) -> Self {
        Self { parts: vec![(1.0, Arc::new(Curve::new(popularity, keys)))] }
    }

    /// A mixture: φ is `1 − weight` of this one's and `weight` of `other`'s.
    #[must_use]
    pub fn mixed_with(&self, other: &Self, weight: f64) -> Self {
        let scaled = |spread: &Self, factor: f64| {
            let parts = spread.parts.iter();
            parts.map(|(weight, curve)| (weight * factor, Arc::clone(curve))).collect::<Vec<_>>()
        };
        Self { parts: [scaled(self, 1.0 - weight), scaled(other, weight)].concat() }
    }

    /// φ: the share of the keys that no write has reached, after `writes_per_key` = w/N writes a key on average.
    pub fn unwritten(&self, writes_per_key: f64) -> f64 {
        if writes_per_key <= 0.0 {
            // Exactly: the shares of many classes add up to 1 but for the last bits, which would copy a byte.
            return 1.0;
        }
        self.parts.iter().map(|(weight, curve)| weight * curve.unwritten(writes_per_key)).sum()
    }
}

impl Curve {
    fn new(popularity: Popularity, keys: f64) -> Self {
        let classes = match popularity {
            Popularity::Uniform => vec![RateClass { share: 1.0, rate: 1.0 }],
            Popularity::Hotspot { keys: hot, writes } => vec![
                RateClass { share: hot, rate: writes / hot },
                RateClass { share: 1.0 - hot, rate: (1.0 - writes) / (1.0 - hot) },
            ],
            Popularity::Zipf { theta } => zipf_classes(theta, keys.max(1.0).round()),
        };
        let table = (classes.len() > FEW_CLASSES).then(Table::new);
        Self { classes, table }
    }

    fn unwritten(&self, writes_per_key: f64) -> f64 {
        let looked_up = self.table.as_ref().and_then(|table| table.unwritten(writes_per_key, &self.classes));
        looked_up.unwrap_or_else(|| sum_over(&self.classes, writes_per_key))
    }
}

fn sum_over(classes: &[RateClass], writes_per_key: f64) -> f64 {
    classes.iter().map(|class| class.share * (-class.rate * writes_per_key).exp()).sum()
}

/// Up to this many classes are summed each time, more are tabulated.
const FEW_CLASSES: usize = 4;

/// `−ln φ(x) / x` over `ln x`, x the writes a key: smooth, 1 at the left end, and interpolated by cubics. A point is
/// worked out when it is first asked for: a host under its own load looks at few of them.
///
/// Measured error of φ against the sum over the classes: below 1e-6 of 1 − φ for θ up to 2.
#[derive(Debug)]
struct Table {
    /// `None` where fewer keys than [`NEGLIGIBLE`] are unwritten.
    points: Vec<OnceLock<Option<f64>>>,
}

/// Range and step of the table in ln x: from 1e-9 to 1e4 writes a key. Outside, φ is summed.
const TABLE_START: f64 = -20.75;
const TABLE_STEP: f64 = 0.05;
const TABLE_POINTS: usize = 600;

/// The table ends where fewer keys than this share are unwritten: no page is clean there.
const NEGLIGIBLE: f64 = 1e-250;

impl Table {
    fn new() -> Self {
        Self { points: vec![OnceLock::new(); TABLE_POINTS] }
    }

    /// The table's value at a point; `None` beyond its ends.
    fn at(&self, point: usize, classes: &[RateClass]) -> Option<f64> {
        *self.points.get(point)?.get_or_init(|| {
            let x = (TABLE_START + point as f64 * TABLE_STEP).exp();
            let written: f64 = classes.iter().map(|class| class.share * -(-class.rate * x).exp_m1()).sum();
            // Each sum loses its digits where it comes close to 1; take the other one there.
            if written < 0.5 {
                return Some(-(-written).ln_1p() / x);
            }
            let unwritten = sum_over(classes, x);
            (unwritten > NEGLIGIBLE).then(|| -unwritten.ln() / x)
        })
    }

    /// φ where it is in the table. Catmull–Rom cubics through the four points around x.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at least 1, and looked up with bounds"
    )]
    fn unwritten(&self, writes_per_key: f64, classes: &[RateClass]) -> Option<f64> {
        let place = (writes_per_key.ln() - TABLE_START) / TABLE_STEP;
        if place.is_nan() || place < 1.0 {
            return None;
        }
        let index = place as usize;
        let t = place - place.floor();
        let [before, left, right, after] =
            [index - 1, index, index + 1, index + 2].map(|point| self.at(point, classes));
        let (before, left, right, after) = (before?, left?, right?, after?);
        let slope = right - before;
        let bend = 2.0 * before - 5.0 * left + 4.0 * right - after;
        let twist = 3.0 * (left - right) + after - before;
        let cubic = left + 0.5 * t * (slope + t * (bend + t * twist));
        Some((-writes_per_key * cubic).exp())
    }
}

/// The classes of a Zipf popularity over `keys` ranks.
///
/// The first ranks stand alone; the others are taken together in groups evenly spaced in the logarithm, and each
/// group is replaced by two halves at its mean rate ± its standard deviation. A group at its mean alone would
/// always overstate the pages (Jensen); two points match its first two moments.
fn zipf_classes(theta: f64, keys: f64) -> Vec<RateClass> {
    let singles = keys.min(SINGLE_RANKS as f64);
    let mut edges = vec![singles + 1.0];
    let ratio = ((keys + 1.0) / edges[0]).max(1.0);
    for group in 1..=RANK_GROUPS {
        let edge = (edges[0] * ratio.powf(f64::from(group) / f64::from(RANK_GROUPS))).round();
        if edge > edges[edges.len() - 1] {
            edges.push(edge.min(keys + 1.0));
        }
    }
    let single_rates: Vec<f64> = (1..=SINGLE_RANKS).map(|rank| (rank as f64).powf(-theta)).collect();
    let single_rates = &single_rates[..single_count(singles)];
    let groups: Vec<Group> = edges.windows(2).map(|edge| Group::of_ranks(edge[0], edge[1], theta)).collect();
    let total = single_rates.iter().sum::<f64>() + groups.iter().map(|g| g.keys * g.mean).sum::<f64>();
    let mean = total / keys;
    let singles = single_rates.iter().map(|&rate| RateClass { share: 1.0 / keys, rate: rate / mean });
    let halves = groups.iter().flat_map(|group| {
        let share = group.keys / keys / 2.0;
        [group.mean - group.deviation, group.mean + group.deviation]
            .map(|rate| RateClass { share, rate: rate.max(0.0) / mean })
    });
    singles.chain(halves).collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and SINGLE_RANKS")]
fn single_count(singles: f64) -> usize {
    singles as usize
}

/// Neighbouring ranks taken together.
struct Group {
    keys: f64,
    mean: f64,
    deviation: f64,
}

impl Group {
    /// The ranks from `first` up to, not including, `end`.
    fn of_ranks(first: f64, end: f64, theta: f64) -> Self {
        let keys = end - first;
        let mean = power_sum(first, end, theta) / keys;
        let square = power_sum(first, end, 2.0 * theta) / keys;
        Self { keys, mean, deviation: (square - mean * mean).max(0.0).sqrt() }
    }
}

/// `Σ k^-s` for k from `first` up to, not including, `end`.
///
/// ```text
/// Σ = ∫ x^-s dx + (a^-s − b^-s)/2 + s (a^-(s+1) − b^-(s+1))/12 − s(s+1)(s+2) (a^-(s+3) − b^-(s+3))/720
/// ```
///
/// Source: the Euler–Maclaurin formula, e.g. Graham, Knuth and Patashnik, "Concrete Mathematics", 9.5. Its error
/// is below 1e-10 of the sum from rank 17 on.
fn power_sum(first: f64, end: f64, s: f64) -> f64 {
    let (a, b) = (first, end);
    let integral =
        if (s - 1.0).abs() < 1e-9 { (b / a).ln() } else { (b.powf(1.0 - s) - a.powf(1.0 - s)) / (1.0 - s) };
    let difference = |power: f64| a.powf(-power) - b.powf(-power);
    integral + difference(s) / 2.0 + s * difference(s + 1.0) / 12.0
        - s * (s + 1.0) * (s + 2.0) * difference(s + 3.0) / 720.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_summing(theta: f64, keys: u32, writes_per_key: f64) -> f64 {
        let weights: Vec<f64> = (1..=keys).map(|rank| f64::from(rank).powf(-theta)).collect();
        let mean = weights.iter().sum::<f64>() / f64::from(keys);
        weights.iter().map(|weight| (-weight / mean * writes_per_key).exp()).sum::<f64>() / f64::from(keys)
    }

    #[test]
    fn zipf_classes_meet_the_sum_over_every_rank() {
        for theta in [0.0, 0.5, 0.8, 0.99, 1.0, 1.3, 2.0] {
            for keys in [1, 2, 17, 1_000, 200_000] {
                let spread = Spread::new(Popularity::Zipf { theta }, f64::from(keys));
                for writes in [1e-4, 0.01, 0.3, 1.0, 5.0, 40.0] {
                    let error = spread.unwritten(writes) - by_summing(theta, keys, writes);
                    assert!(error.abs() < 2e-4, "θ {theta}, {keys} keys, {writes} writes a key: {error}");
                }
            }
        }
    }

    #[test]
    fn zipf_of_zero_is_uniform() {
        let (zipf, uniform) = (Popularity::Zipf { theta: 0.0 }, Popularity::Uniform);
        for writes in [0.1, 1.0, 3.0] {
            let error =
                Spread::new(zipf, 1e6).unwritten(writes) - Spread::new(uniform, 1e6).unwritten(writes);
            assert!(error.abs() < 1e-9, "{error}");
        }
    }

    #[test]
    fn a_hotspot_is_two_uniform_halves() {
        let spread = Spread::new(Popularity::Hotspot { keys: 0.2, writes: 0.8 }, 1e6);
        let expected = 0.2 * (-4.0f64).exp() + 0.8 * (-0.25f64).exp();
        assert!((spread.unwritten(1.0) - expected).abs() < 1e-12);
    }

    #[test]
    fn nothing_written_leaves_every_key_unwritten() {
        for popularity in [Popularity::Uniform, Popularity::Zipf { theta: 0.99 }] {
            assert!((Spread::new(popularity, 1e7).unwritten(0.0) - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn a_mixture_is_the_weighted_mean() {
        let (skewed, uniform) = (Popularity::Zipf { theta: 0.9 }, Popularity::Uniform);
        let (a, b) = (Spread::new(skewed, 1e5), Spread::new(uniform, 1e5));
        let expected = 0.7 * a.unwritten(0.5) + 0.3 * b.unwritten(0.5);
        assert!((a.mixed_with(&b, 0.3).unwritten(0.5) - expected).abs() < 1e-12);
    }

    #[test]
    fn the_table_meets_the_sum_over_the_classes() {
        for theta in [0.3, 0.8, 0.99, 1.3, 2.0] {
            let curve = Curve::new(Popularity::Zipf { theta }, 1e8);
            for step in 0..2_000 {
                let x = (-22.0 + f64::from(step) * 0.017).exp();
                let error = curve.unwritten(x) - sum_over(&curve.classes, x);
                let written = 1.0 - sum_over(&curve.classes, x);
                assert!(error.abs() <= 1e-6 * written + 1e-12, "θ {theta}, {x} writes a key: {error}");
            }
        }
    }
}
