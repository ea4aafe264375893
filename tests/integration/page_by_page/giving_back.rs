//! What the child gives back in mid-save: whole pages inside values, and slabs whose values it has all freed.

use forkcast::memory::{Allocator, KeyKind, Released, Value};

use super::key::string;
use super::operations::DISTINCT;
use super::overwrites::{POPULARITIES, alike};
use super::trial::{Case, Kind, Operation, Point};
use super::verdict::{Tolerance, compare};

/// A save whose child has come to 0.3 and 0.7 with a load to match, and to its end.
fn saved(mut case: Case, purged: f64) -> Case {
    case.points = [0.3, 0.7, 1.0]
        .map(|progress| Point { load: progress, released: Released { progress, purged } })
        .to_vec();
    case
}

fn cases(purged: f64) -> Vec<Case> {
    let mut cases = Vec::new();
    for (turn, engine) in DISTINCT.iter().enumerate() {
        for build in [Allocator::System, Allocator::Bundled] {
            for (number, bytes) in [1024, 3000, 4096, 6000, 12_000, 16_384, 40_000].into_iter().enumerate() {
                let popularity = POPULARITIES[(turn + number) % POPULARITIES.len()];
                cases
                    .push(saved(alike(engine, build, 4096, string(bytes), popularity, (2500, 1250)), purged));
            }
        }
    }
    cases
}

/// Pages are as those of overwrites, or not there.
const TOLERANCE: Tolerance = Tolerance { share: 0.003, of_sum: 0.002, draws: 3 };

#[test]
fn pages_given_back_in_mid_save_cost_nothing() {
    compare(&cases(0.0), TOLERANCE);
}

#[test]
fn purged_slabs_cost_nothing() {
    compare(&cases(1.0), TOLERANCE);
}

/// Written alike: where one kind is written more than the other, the law is off by some per cent, as it takes what is
/// given back and what is written to be independent within a class.
#[test]
fn values_that_share_slabs_with_others_are_given_back_alone() {
    let listpacks = KeyKind { value: Value::Listpack(5000), ..string(0) };
    let kinds = vec![
        Kind::new(2000, string(5000), POPULARITIES[0], &[(Operation::Set, 2000)]),
        Kind::new(2000, listpacks, POPULARITIES[0], &[(Operation::Hset, 2000)]),
    ];
    let mut cases = Vec::new();
    for engine in DISTINCT {
        let one = alike(engine, Allocator::System, 4096, string(64), POPULARITIES[0], (1, 1));
        cases.push(saved(Case { name: format!("mixed, {engine}"), kinds: kinds.clone(), ..one }, 1.0));
    }
    compare(&cases, TOLERANCE);
}
