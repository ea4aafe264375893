//! Each of the other operations, on one kind of key.

use forkcast::memory::layout::listpack_bytes;
use forkcast::memory::{Allocator, KeyKind, Popularity, Value};
use forkcast::scenario::layout;

use super::overwrites::POPULARITIES;
use super::trial::{Case, Kind, Operation, Point};
use super::verdict::{Tolerance, compare, judge};

/// The layouts that differ, each with both builds.
pub const DISTINCT: [&str; 4] = ["redis-7.0", "valkey-8.0", "valkey-8.1", "valkey-9.1"];

const BUILDS: [Allocator; 2] = [Allocator::System, Allocator::Bundled];

/// As for overwrites; deletions add the entries before them, which the law takes to be any key's each time.
const TOLERANCE: Tolerance = Tolerance { share: 0.005, of_sum: 0.002, draws: 3 };

const KEYS: usize = 30_000;

fn case(engine: &str, build: Allocator, kinds: Vec<Kind>) -> Case {
    let words: Vec<String> = kinds
        .iter()
        .map(|kind| format!("{:?} {:?} {:?}", kind.keys.kind, kind.popularity, kind.load))
        .collect();
    Case {
        name: format!("{engine}, {build:?}, {}", words.join(" + ")),
        layout: layout(engine).unwrap().clone(),
        build,
        page_size: 4096,
        kinds,
        points: [0.02, 0.2, 1.0].map(Point::of_load).to_vec(),
    }
}

/// One kind on every layout and build, with so many operations in all.
fn everywhere(kind: KeyKind, popularity: Popularity, operation: Operation, count: usize) -> Vec<Case> {
    let kinds = || vec![Kind::new(KEYS, kind, popularity, &[(operation, count)])];
    let layouts = DISTINCT.iter().flat_map(|engine| BUILDS.map(|build| (*engine, build)));
    layouts.map(|(engine, build)| case(engine, build, kinds())).collect()
}

fn value(value: Value) -> KeyKind {
    KeyKind { key_size: 16, value, has_ttl: false }
}

#[test]
fn counters_write_their_object_alone() {
    let cases: Vec<Case> = POPULARITIES
        .into_iter()
        .flat_map(|popularity| everywhere(value(Value::Integer), popularity, Operation::Incr, 40_000))
        .collect();
    compare(&cases, TOLERANCE);
}

#[test]
fn a_field_writes_the_listpack_and_the_pointer_to_it() {
    let cases: Vec<Case> = [(4, POPULARITIES[0]), (32, POPULARITIES[1]), (60, POPULARITIES[2])]
        .into_iter()
        .flat_map(|(field, popularity)| {
            let listpack = value(Value::Listpack(listpack_bytes(10, 2, field)));
            everywhere(listpack, popularity, Operation::Hset, 40_000)
        })
        .collect();
    compare(&cases, TOLERANCE);
}

/// What is deleted and set again takes the slots that were just freed, so that a pair writes all of a key's slots.
#[test]
fn keys_deleted_and_set_again_write_all_their_slots() {
    let cases: Vec<Case> =
        [(20, POPULARITIES[0]), (64, POPULARITIES[1]), (256, POPULARITIES[2]), (1024, POPULARITIES[0])]
            .into_iter()
            .flat_map(|(bytes, popularity)| {
                everywhere(value(Value::Bytes(bytes)), popularity, Operation::DelSet, 30_000)
            })
            .collect();
    compare(&cases, TOLERANCE);
}

/// A deletion writes no more than the count of references in the object and what led to the key; the law takes it to
/// write all slots, as it does once new keys fill them. So it is above, and never below.
#[test]
fn deletions_alone_write_no_more_than_the_law_says() {
    for case in everywhere(value(Value::Bytes(256)), POPULARITIES[0], Operation::Del, 10_000) {
        for pages in case.draw(1) {
            assert!(pages.copied <= 1.02 * pages.law_copied, "{}: {pages:?}", case.name);
        }
    }
}

#[test]
fn evictions_write_as_pairs_do() {
    let cases: Vec<Case> = [
        (64, Operation::EvictRandom),
        (1024, Operation::EvictRandom),
        (64, Operation::EvictOldest),
        (1024, Operation::EvictOldest),
    ]
    .into_iter()
    .flat_map(|(bytes, operation)| everywhere(value(Value::Bytes(bytes)), POPULARITIES[0], operation, 30_000))
    .collect();
    compare(&cases, TOLERANCE);
}

#[test]
fn new_keys_write_the_table_and_grow_the_heap() {
    let cases = everywhere(value(Value::Bytes(256)), POPULARITIES[0], Operation::Insert, 20_000);
    // Few pages: the ends of the pools' last slabs weigh more.
    let tolerance = Tolerance { share: 0.02, of_sum: 0.02, draws: 3 };
    compare(&cases, tolerance);
    judge(&cases, tolerance, |pages| (pages.law_grown, pages.grown));
}

#[test]
fn keys_with_a_ttl_write_the_table_of_expiry_times_too() {
    let kind = |key_size, bytes| KeyKind { key_size, value: Value::Bytes(bytes), has_ttl: true };
    let mut cases = everywhere(kind(16, 64), POPULARITIES[0], Operation::Set, 40_000);
    cases.extend(everywhere(kind(40, 256), POPULARITIES[1], Operation::Set, 40_000));
    cases.extend(everywhere(kind(16, 20), POPULARITIES[0], Operation::DelSet, 30_000));
    cases.extend(everywhere(kind(16, 1024), POPULARITIES[0], Operation::EvictOldest, 30_000));
    // Where the entries of both tables share a class, the law leaves out the entry before in the table of expiry times.
    compare(&cases, Tolerance { share: 0.03, of_sum: 0.006, draws: 3 });
}
