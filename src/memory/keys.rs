//! Keys of one kind: the sizes they have at the fork, and those that overwrites bring.
//!
//! Where an overwrite changes the size class of a value, the new value goes to another pool, and the slot of the old
//! one waits for a value of its own class. So the load copies less than a load of one size, and grows the heap.

use crate::memory::layout::KeyKind;

/// Keys of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Keys {
    /// What the keys were loaded as.
    pub kind: KeyKind,
    /// What overwrites bring, with the share of each; empty where they keep the size.
    pub written: Vec<(f64, KeyKind)>,
    /// The share of the keys that overwrites have already given one of those sizes, in \[0, 1\]. The slots that they
    /// left are vacant.
    pub resized: f64,
    /// Whether the overwrites during the save bring those sizes, or the loaded one again.
    pub is_resizing: bool,
}

impl Keys {
    /// Keys whose overwrites keep the size.
    pub fn alike(kind: KeyKind) -> Self {
        Self { kind, written: Vec::new(), resized: 0.0, is_resizing: false }
    }

    /// The sizes at the fork, with the share of the keys that have each.
    pub(super) fn at_fork(&self) -> impl Iterator<Item = (f64, KeyKind)> {
        let resized = self.written.iter().map(|&(share, kind)| (share * self.resized, kind));
        std::iter::once((1.0 - self.resized, self.kind)).chain(resized)
    }

    /// The sizes that overwrites during the save bring, with the share of each.
    pub(super) fn overwritten_as(&self) -> impl Iterator<Item = (f64, KeyKind)> {
        let changed = self.is_resizing.then_some(self.written.iter().copied());
        let kept = (!self.is_resizing).then_some((1.0, self.kind));
        kept.into_iter().chain(changed.into_iter().flatten())
    }

    /// The slots that stand vacant: the loaded kind, and the sizes that have moved out of them.
    pub(super) fn vacated_by(&self) -> impl Iterator<Item = (f64, KeyKind)> {
        self.written.iter().map(|&(share, kind)| (share * self.resized, kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::layout::profiles::redis_7_0;
    use crate::memory::{Allocator, Exposure, Heap, Popularity, Population, Released, Spread, Value};

    const KEYS: f64 = 1e6;

    fn string(bytes: u64) -> KeyKind {
        KeyKind { key_size: 16, value: Value::Bytes(bytes), has_ttl: false }
    }

    fn heap(keys: Keys) -> Heap {
        Heap::new(&redis_7_0(), Allocator::System, 4096, &[keys])
    }

    /// Bytes copied and grown by `sets` overwrites.
    fn costs(heap: &Heap, sets: f64) -> (f64, f64) {
        let population = Population::of(vec![KEYS]);
        let exposures = [Exposure { set: sets, ..Exposure::default() }];
        let spreads = [Spread::new(Popularity::Uniform, KEYS)];
        let copied = heap.copied_bytes(&population, &exposures, &spreads, Released::default());
        (copied, heap.grown_bytes(&population, &exposures, &spreads))
    }

    /// Half of the overwrites keep the class of 1280 bytes, half bring one of 640.
    fn halved() -> Keys {
        let written = vec![(0.5, string(1024)), (0.5, string(600))];
        Keys { kind: string(1024), written, resized: 0.0, is_resizing: true }
    }

    #[test]
    fn sizes_of_one_class_cost_what_one_size_costs() {
        let written = vec![(0.5, string(1024)), (0.5, string(1023))];
        let changing = heap(Keys { kind: string(1024), written, resized: 0.3, is_resizing: true });
        for sets in [1e3, 1e5, 1e7] {
            let (alike, changing) = (costs(&heap(Keys::alike(string(1024))), sets), costs(&changing, sets));
            assert!((alike.0 / changing.0 - 1.0).abs() < 1e-9, "{alike:?} {changing:?}");
            assert!(changing.1.abs() < 1e-3);
        }
    }

    #[test]
    fn the_first_values_of_a_new_class_are_put_on_new_pages() {
        let (copied, grown) = costs(&heap(halved()), 100.0);
        assert!((grown / (50.0 * 640.0) - 1.0).abs() < 1e-3, "{grown}");
        // An entry and an object a write, and a value of 1.25 pages every other time.
        assert!((copied / 4096.0 / 100.0 - 2.625).abs() < 0.02, "{copied}");
    }

    #[test]
    fn vacant_slots_are_filled_before_the_heap_grows() {
        let mixed = Keys { resized: 1.0, is_resizing: false, ..halved() };
        // Half of the keys have left 1280 bytes: so many slots of that class stand vacant, but for slabs all empty.
        let (_, grown) = costs(&heap(mixed.clone()), 0.3 * KEYS);
        assert!(grown.abs() < 1.0, "{grown}");
        let (_, grown) = costs(&heap(mixed), 40.0 * KEYS);
        assert!((0.0..0.01 * KEYS * 1280.0).contains(&grown), "{grown}");
    }

    #[test]
    fn key_bytes_follow_the_sizes_at_the_fork() {
        let all = heap(Keys { resized: 1.0, ..halved() }).key_bytes(0);
        assert!((all - (64.0 + 16.0 + 0.5 * (1280.0 + 640.0))).abs() < 1e-9, "{all}");
    }
}
