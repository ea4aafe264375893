//! Kinds of key that share size classes, and operations that meet on one kind.

use forkcast::memory::layout::listpack_bytes;
use forkcast::memory::{Allocator, KeyKind, Value};
use forkcast::scenario::layout;

use super::key::string;
use super::operations::DISTINCT;
use super::overwrites::POPULARITIES;
use super::trial::{Case, Kind, Operation, Point};
use super::verdict::{Tolerance, compare};

fn on_every_layout(name: &str, kinds: &[Kind]) -> Vec<Case> {
    let builds = [Allocator::System, Allocator::Bundled];
    let layouts = DISTINCT.iter().flat_map(|engine| builds.map(|build| (*engine, build)));
    let case = |(engine, build)| Case {
        name: format!("{name}, {engine}, {build:?}"),
        layout: layout(engine).unwrap().clone(),
        build,
        page_size: 4096,
        kinds: kinds.to_vec(),
        points: [0.02, 0.2, 1.0].map(Point::of_load).to_vec(),
    };
    layouts.map(case).collect()
}

/// Twice that of one kind alone: how many slots of each kind lie on a page is drawn too.
const TOLERANCE: Tolerance = Tolerance { share: 0.005, of_sum: 0.002, draws: 3 };

fn integers() -> KeyKind {
    KeyKind { value: Value::Integer, ..string(0) }
}

#[test]
fn kinds_that_share_a_class_share_its_pages() {
    let [uniform, zipf, hotspot] = POPULARITIES;
    let hot_and_cold = [
        Kind::new(30_000, string(64), uniform, &[(Operation::Set, 30_000)]),
        Kind::new(70_000, string(70), uniform, &[]),
        Kind::new(25_000, integers(), zipf, &[(Operation::Incr, 5_000)]),
    ];
    let listpacks_and_strings = [
        Kind::new(20_000, string(400), zipf, &[(Operation::Set, 20_000)]),
        Kind::new(
            20_000,
            KeyKind { value: Value::Listpack(listpack_bytes(10, 2, 32)), ..string(0) },
            hotspot,
            &[(Operation::Hset, 10_000)],
        ),
    ];
    let lengths_in_one_class = [
        Kind::new(10_000, string(1030), uniform, &[(Operation::Set, 5_000)]),
        Kind::new(10_000, string(1270), uniform, &[(Operation::Set, 20_000)]),
    ];
    let mut cases = on_every_layout("hot, cold and counters", &hot_and_cold);
    cases.extend(on_every_layout("listpacks and strings", &listpacks_and_strings));
    cases.extend(on_every_layout("lengths in one class", &lengths_in_one_class));
    compare(&cases, TOLERANCE);
}

#[test]
fn operations_on_one_kind_add_up() {
    let [uniform, zipf, _] = POPULARITIES;
    let counters =
        [Kind::new(60_000, integers(), zipf, &[(Operation::Incr, 30_000), (Operation::Set, 10_000)])];
    let all = [Kind::new(
        60_000,
        string(100),
        uniform,
        &[(Operation::Set, 15_000), (Operation::DelSet, 10_000), (Operation::EvictRandom, 5_000)],
    )];
    let mut cases = on_every_layout("counters set and counted", &counters);
    cases.extend(on_every_layout("set, replaced and evicted", &all));
    compare(&cases, TOLERANCE);
}

/// The entry before a deleted one in its chain is any key's.
#[test]
fn deletions_write_entries_of_other_kinds() {
    let kinds = [
        Kind::new(20_000, string(100), POPULARITIES[0], &[(Operation::DelSet, 20_000)]),
        Kind::new(80_000, string(300), POPULARITIES[0], &[]),
    ];
    // The law has those of the deleted kind for them.
    let tolerance = Tolerance { share: 0.01, of_sum: 0.005, draws: 3 };
    compare(&on_every_layout("deleted among others", &kinds), tolerance);
}
