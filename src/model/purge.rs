//! How much of what a child frees its allocator has purged, tabulated: the law is a simulation of the allocator's
//! decay, too slow to be asked at every instant.

use std::sync::OnceLock;

use crate::memory::{Heap, Population};

/// Durations in the table, from the first on \[s\]: each √2 times the one before, up to 12 hours.
///
/// In half a second nothing is purged, and of hours all but the last seconds.
const DURATIONS: usize = 34;
const FIRST_DURATION: f64 = 0.5;

/// Steps of the progress of a child.
const STEPS: u16 = 400;

/// Shares purged, by the duration of a save and the progress of its child; a duration is worked out when it is first
/// asked for.
#[derive(Clone, Debug)]
pub(super) struct PurgeTable {
    /// The keys at time 0, taken for those at every fork.
    population: Population,
    curves: [OnceLock<Vec<f64>>; DURATIONS],
}

impl PurgeTable {
    /// The table for saves of `population`.
    pub(super) fn new(population: Population) -> Self {
        Self { population, curves: std::array::from_fn(|_| OnceLock::new()) }
    }

    /// Of the pages that the allocator of a child has got back, the share it has purged, in \[0, 1\]: `progress` of the
    /// way through a save of `seconds`. Between the durations of the table straight in the logarithm.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the table")]
    pub(super) fn share(&self, heap: &Heap, seconds: f64, progress: f64) -> f64 {
        let place = 2.0 * (seconds / FIRST_DURATION).log2();
        let place = place.clamp(0.0, (DURATIONS - 1) as f64);
        let index = (place as usize).min(DURATIONS - 2);
        let weight = place - index as f64;
        let at = |index| between(self.curve(heap, index), progress);
        at(index) * (1.0 - weight) + if weight > 0.0 { at(index + 1) * weight } else { 0.0 }
    }

    fn curve(&self, heap: &Heap, index: usize) -> &[f64] {
        self.curves[index].get_or_init(|| {
            let duration = FIRST_DURATION * (index as f64 / 2.0).exp2();
            let progress: Vec<f64> = (0..=STEPS).map(|step| f64::from(step) / f64::from(STEPS)).collect();
            let seconds: Vec<f64> = progress.iter().map(|share| share * duration).collect();
            heap.purged(&self.population, &seconds, &progress)
        })
    }
}

/// The value of an evenly spaced curve over [0, 1], straight between its points.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the curve")]
fn between(curve: &[f64], progress: f64) -> f64 {
    let place = progress.clamp(0.0, 1.0) * f64::from(STEPS);
    let index = (place as usize).min(curve.len() - 2);
    curve[index] + (place - index as f64) * (curve[index + 1] - curve[index])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::layout::profiles::valkey_8_1;
    use crate::memory::{Allocator, KeyKind, Keys, Value};

    fn heap(value: u64) -> Heap {
        let kind = KeyKind { key_size: 16, value: Value::Bytes(value), has_ttl: false };
        Heap::new(&valkey_8_1(), Allocator::System, 4096, &[Keys::alike(kind)])
    }

    /// At durations between those of the table.
    #[test]
    fn the_table_says_what_the_law_says() {
        let population = Population::of(vec![26_000.0]);
        let (heap, table) = (heap(16_384), PurgeTable::new(population.clone()));
        for duration in [0.8, 3.4, 7.0, 19.0, 70.0] {
            let progress: Vec<f64> = (0..=400).map(|step| f64::from(step) / 400.0).collect();
            let seconds: Vec<f64> = progress.iter().map(|share| share * duration).collect();
            let law = heap.purged(&population, &seconds, &progress);
            for step in [100, 200, 300, 400] {
                let share = table.share(&heap, duration, progress[step]);
                assert!((share - law[step]).abs() < 0.04, "{duration} s, step {step}: {share} {}", law[step]);
            }
        }
    }

    #[test]
    fn durations_beyond_the_table_are_its_ends() {
        let (heap, table) = (heap(16_384), PurgeTable::new(Population::of(vec![1e6])));
        assert!(table.share(&heap, 1e-3, 1.0) < 0.01);
        assert!(table.share(&heap, 1e7, 1.0) > 0.95);
    }
}
