//! Overwrites of one kind of key, over every layout, build, size and popularity.

use forkcast::memory::{Allocator, KeyKind, Popularity, Value};
use forkcast::scenario::layout;

use super::trial::{Case, Kind, Operation, Point};
use super::verdict::{Tolerance, compare};

pub const LAYOUTS: [&str; 8] = [
    "redis-7.0",
    "redis-7.2",
    "redis-7.4",
    "redis-8.0",
    "valkey-8.0",
    "valkey-8.1",
    "valkey-9.0",
    "valkey-9.1",
];

pub const POPULARITIES: [Popularity; 3] =
    [Popularity::Uniform, Popularity::Zipf { theta: 0.99 }, Popularity::Hotspot { keys: 0.2, writes: 0.8 }];

const VALUES: [Value; 13] = [
    Value::Integer,
    Value::Bytes(20),
    Value::Bytes(40),
    Value::Bytes(64),
    Value::Bytes(100),
    Value::Bytes(256),
    Value::Bytes(1024),
    Value::Bytes(2000),
    Value::Bytes(3000),
    Value::Bytes(4096),
    Value::Bytes(6000),
    Value::Bytes(16_384),
    Value::Bytes(40_000),
];

const KEY_SIZES: [u64; 4] = [6, 16, 40, 100];

/// Shares of two writes a page of the heap, which reach nearly all of it: 0.02, 0.3 and 2 writes a page.
const EXPOSURES: [f64; 3] = [0.01, 0.15, 1.0];

/// Pages of the heaps that are drawn.
const PAGES: u64 = 1800;

/// A case of one kind of key on so many pages, overwritten `sets` times.
pub fn alike(
    engine: &str,
    build: Allocator,
    page_size: u64,
    kind: KeyKind,
    popularity: Popularity,
    (pages, sets): (u64, u64),
) -> Case {
    let layout = layout(engine).unwrap().clone();
    let count = usize::try_from(pages * page_size / layout.key_bytes(build, kind)).unwrap();
    let load = [(Operation::Set, usize::try_from(sets).unwrap())];
    Case {
        name: format!("{engine}, {build:?}, {page_size}, {kind:?}, {popularity:?}"),
        layout,
        build,
        page_size,
        kinds: vec![Kind::new(count, kind, popularity, &load)],
        points: EXPOSURES.map(Point::of_load).to_vec(),
    }
}

/// Every engine, build and value, with key sizes and popularities going round so that each meets each.
fn cases(engine: &str) -> Vec<Case> {
    let turn = LAYOUTS.iter().position(|&other| other == engine).unwrap();
    let mut cases = Vec::new();
    for (shift, build) in [Allocator::System, Allocator::Bundled].into_iter().enumerate() {
        for (number, &value) in VALUES.iter().enumerate() {
            let key_size = KEY_SIZES[(turn + number + 2 * shift) % KEY_SIZES.len()];
            let popularity = POPULARITIES[(turn + number + shift) % POPULARITIES.len()];
            let kind = KeyKind { key_size, value, has_ttl: false };
            cases.push(alike(engine, build, 4096, kind, popularity, (PAGES, 2 * PAGES)));
        }
    }
    cases
}

/// The law takes an overwrite to write the whole table entry, where the server writes a pointer in it; entries that
/// lie across a page edge make that 0.3 % at most.
const TOLERANCE: Tolerance = Tolerance { share: 0.003, of_sum: 0.002, draws: 3 };

#[test]
fn overwrites_meet_the_law_on_every_layout() {
    let cases: Vec<Case> = LAYOUTS.iter().flat_map(|engine| cases(engine)).collect();
    compare(&cases, TOLERANCE);
}

#[test]
fn overwrites_meet_the_law_on_larger_pages() {
    let mut cases = Vec::new();
    for (engine, build) in [("redis-7.0", Allocator::System), ("valkey-8.1", Allocator::Bundled)] {
        for (page_size, pages) in [(16_384, 1200), (65_536, 500)] {
            for (number, &value) in VALUES.iter().enumerate() {
                let kind = KeyKind { key_size: 16, value, has_ttl: false };
                let popularity = POPULARITIES[number % POPULARITIES.len()];
                cases.push(alike(engine, build, page_size, kind, popularity, (pages, 2 * pages)));
            }
        }
    }
    compare(&cases, TOLERANCE);
}

/// An overwrite that moves the object writes its bucket, and a hot key's is the same each time.
#[test]
fn moved_objects_of_hot_keys_write_their_buckets_again_and_again() {
    let kind = KeyKind { key_size: 6, value: Value::Bytes(20), has_ttl: false };
    let builds = [Allocator::System, Allocator::Bundled];
    let cases: Vec<Case> = ["valkey-8.1", "valkey-9.1"]
        .into_iter()
        .flat_map(|engine| {
            builds.map(|build| alike(engine, build, 4096, kind, POPULARITIES[1], (4000, 8000)))
        })
        .collect();
    // Buckets that overflow are written less than others, which the law does not tell apart.
    compare(&cases, Tolerance { share: 0.01, of_sum: 0.005, draws: 4 });
}
