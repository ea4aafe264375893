//! What this proves: the dirty-page law against a simulation of every page, in which every write is drawn.
//!
//! The judge shares nothing with the law but the layout of a key: it lays slots out one after the other, marks
//! bytes, and counts pages. Means are compared within five standard errors and a tenth of a per cent, which
//! covers the law's own approximations (independent pages, a random mixture of kinds on each page).

use std::collections::BTreeMap;

use forkcast::memory::layout::{Place, Role};
use forkcast::memory::{
    Allocator, Exposure, Heap, KeyKind, LayoutProfile, Popularity, Population, Spread, Value,
};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_distr::weighted::WeightedAliasIndex;
use rand_xoshiro::Xoshiro256PlusPlus;

const PAGE: u64 = 4096;
const REPEATS: u64 = 12;

/// Keys of one kind, how they are written and how often.
#[derive(Clone, Copy)]
struct Kind {
    keys: usize,
    value: Value,
    popularity: Popularity,
    sets: usize,
    increments: usize,
}

impl Kind {
    fn strings(keys: usize, value: u64, popularity: Popularity, sets: usize) -> Self {
        Self { keys, value: Value::Bytes(value), popularity, sets, increments: 0 }
    }

    fn key_kind(&self) -> KeyKind {
        KeyKind { key_size: 16, value: self.value, has_ttl: false }
    }
}

/// First byte and length of every place of every key, by kind, role and key.
struct Addresses(BTreeMap<(usize, Role), Vec<(u64, u64)>>);

impl Addresses {
    /// Lays the places of all kinds out in one random order in each class: the keys of a server that has lived.
    fn lay_out(
        layout: &LayoutProfile,
        allocator: Allocator,
        kinds: &[Kind],
        rng: &mut Xoshiro256PlusPlus,
    ) -> Self {
        let mut classes: BTreeMap<u64, Vec<(usize, Role, usize, u64)>> = BTreeMap::new();
        for (number, kind) in kinds.iter().enumerate() {
            for Place { role, class, slots } in layout.places(allocator, kind.key_kind()) {
                let members = (0..kind.keys).map(|key| (number, role, key, class * slots));
                classes.entry(class).or_default().extend(members);
            }
        }
        let mut addresses: BTreeMap<(usize, Role), Vec<(u64, u64)>> = BTreeMap::new();
        let mut start = 0;
        for members in classes.values_mut() {
            members.shuffle(rng);
            for &(number, role, key, length) in members.iter() {
                let places =
                    addresses.entry((number, role)).or_insert_with(|| vec![(0, 0); kinds[number].keys]);
                places[key] = (start, length);
                start += length;
            }
            start = start.next_multiple_of(PAGE);
        }
        Self(addresses)
    }

    fn write(&self, kind: usize, role: Role, key: usize, dirty: &mut [bool]) {
        if let Some(places) = self.0.get(&(kind, role)) {
            let (start, length) = places[key];
            for page in start / PAGE..=(start + length - 1) / PAGE {
                dirty[usize::try_from(page).unwrap()] = true;
            }
        }
    }

    fn pages(&self) -> usize {
        let ends = self.0.values().flatten().map(|(start, length)| start + length);
        usize::try_from(ends.max().unwrap() / PAGE + 1).unwrap()
    }
}

fn weights(kind: &Kind) -> Vec<f64> {
    let hot = |share: f64| share * kind.keys as f64;
    (0..kind.keys)
        .map(|key| match kind.popularity {
            Popularity::Uniform => 1.0,
            Popularity::Zipf { theta } => ((key + 1) as f64).powf(-theta),
            Popularity::Hotspot { keys, writes } if (key as f64) < hot(keys) => writes / keys,
            Popularity::Hotspot { keys, writes } => (1.0 - writes) / (1.0 - keys),
        })
        .collect()
}

fn dirty_pages(layout: &LayoutProfile, allocator: Allocator, kinds: &[Kind], seed: u64) -> f64 {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let addresses = Addresses::lay_out(layout, allocator, kinds, &mut rng);
    let mut dirty = vec![false; addresses.pages()];
    for (number, kind) in kinds.iter().enumerate() {
        let choice = WeightedAliasIndex::new(weights(kind)).unwrap();
        for _ in 0..kind.sets {
            let key = rng.sample(&choice);
            for role in [Role::Entry, Role::Object, Role::Value] {
                addresses.write(number, role, key, &mut dirty);
            }
        }
        for _ in 0..kind.increments {
            addresses.write(number, Role::Object, rng.sample(&choice), &mut dirty);
        }
    }
    dirty.into_iter().filter(|&page| page).count() as f64
}

fn judge(layout: &LayoutProfile, allocator: Allocator, kinds: &[Kind]) {
    let key_kinds: Vec<KeyKind> = kinds.iter().map(Kind::key_kind).collect();
    let heap = Heap::new(layout, allocator, PAGE, &key_kinds);
    let population = Population { keys: kinds.iter().map(|kind| kind.keys as f64).collect() };
    let exposures: Vec<Exposure> = kinds
        .iter()
        .map(|kind| Exposure { set: kind.sets as f64, incr: kind.increments as f64, ..Exposure::default() })
        .collect();
    let spreads: Vec<Spread> =
        kinds.iter().map(|kind| Spread::new(kind.popularity, kind.keys as f64)).collect();
    let law = heap.dirty_pages(&population, &exposures, &spreads);
    let drawn: Vec<f64> = (0..REPEATS).map(|seed| dirty_pages(layout, allocator, kinds, seed)).collect();
    let mean = drawn.iter().sum::<f64>() / REPEATS as f64;
    let variance = drawn.iter().map(|pages| (pages - mean).powi(2)).sum::<f64>() / (REPEATS - 1) as f64;
    // The last slab of each class is cut short, by less than a page each.
    let allowed = 5.0 * (variance / REPEATS as f64).sqrt() + 0.001 * mean + 4.0;
    assert!((law - mean).abs() < allowed, "law {law}, drawn {mean} ± {allowed}");
}

const UNIFORM: Popularity = Popularity::Uniform;
const ZIPF: Popularity = Popularity::Zipf { theta: 0.99 };
const HOTSPOT: Popularity = Popularity::Hotspot { keys: 0.2, writes: 0.8 };

#[test]
fn overwrites_of_one_kind_meet_the_law_from_few_to_many() {
    for (layout, allocator) in
        [(super::redis_7_0(), Allocator::System), (super::valkey_8_0(), Allocator::Bundled)]
    {
        for value in [20, 64, 256, 1024] {
            for popularity in [UNIFORM, ZIPF, HOTSPOT] {
                for sets in [300, 5_000, 80_000] {
                    judge(&layout, allocator, &[Kind::strings(40_000, value, popularity, sets)]);
                }
            }
        }
    }
}

#[test]
fn counters_touch_the_object_alone() {
    let counters =
        Kind { keys: 200_000, value: Value::Integer, popularity: ZIPF, sets: 0, increments: 50_000 };
    judge(&super::redis_7_0(), Allocator::System, &[counters]);
    judge(&super::redis_7_0(), Allocator::Bundled, &[counters]);
}

#[test]
fn kinds_that_share_a_class_share_its_pages() {
    let hot = Kind::strings(60_000, 64, UNIFORM, 30_000);
    let cold = Kind::strings(140_000, 70, UNIFORM, 0);
    let counters = Kind { keys: 50_000, value: Value::Integer, popularity: ZIPF, sets: 0, increments: 5_000 };
    judge(&super::redis_7_0(), Allocator::System, &[hot, cold, counters]);
    judge(&super::valkey_8_0(), Allocator::Bundled, &[hot, cold, counters]);
}
