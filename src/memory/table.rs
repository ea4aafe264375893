//! The hash tables: how large they are, and which of their pages a load writes.

use crate::memory::layout::TableShape;

/// A hash table at its size for a number of keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table {
    shape: TableShape,
    keys: f64,
    buckets: f64,
    /// Its size \[bytes\].
    pub(super) bytes: f64,
}

/// Slots of a bucket. Source: `hashtable.c`, `ENTRIES_PER_BUCKET` on 64-bit machines, Valkey 8.1 to 9.1.
const SLOTS_PER_BUCKET: f64 = 7.0;

impl Table {
    /// The table for `keys` keys: a power of two of buckets, with at least a slot a key.
    ///
    /// Buckets with slots that overflow take a further bucket from the allocator; with keys spread at random their
    /// number is the chance that more than seven fall into one. No table is resized while a child lives, below a fill
    /// of four to five.
    pub(super) fn new(shape: TableShape, keys: f64, bucket_bytes: f64) -> Self {
        let slots = match shape {
            TableShape::Chained => 1.0,
            TableShape::Bucketed => SLOTS_PER_BUCKET,
        };
        let buckets = if keys < 1.0 { 0.0 } else { (keys / slots).log2().ceil().exp2().max(1.0) };
        let overflowing = match shape {
            TableShape::Chained => 0.0,
            TableShape::Bucketed => more_than_seven(keys / buckets.max(1.0)),
        };
        Self { shape, keys, buckets, bytes: buckets * (1.0 + overflowing) * bucket_bytes }
    }

    /// The chance that an entry has another one before it in its chain: new entries go to the head, so it is
    /// the chance that at least one of the keys added later fell into the same bucket. Slots have no chains.
    ///
    /// ```text
    /// p = 1 − ∫₀¹ e^(−Lu) du = 1 − (1 − e^−L)/L           L the load factor [keys/bucket]
    /// ```
    pub(super) fn chained_before(&self) -> f64 {
        let load = self.keys / self.buckets.max(1.0);
        if self.shape == TableShape::Bucketed || load < 1e-9 { 0.0 } else { 1.0 + (-load).exp_m1() / load }
    }

    /// Pages on which so many writes to buckets at random fall \[pages\].
    pub(super) fn dirty_pages(&self, hits: f64, page_size: f64) -> f64 {
        if self.buckets < 1.0 {
            return 0.0;
        }
        let pages = (self.bytes / page_size).max(1.0);
        pages * -(-hits / pages).exp_m1()
    }
}

/// The chance that a Poisson variable of the given mean is above seven.
fn more_than_seven(mean: f64) -> f64 {
    let mut term = (-mean).exp();
    let mut at_most = term;
    for count in 1..=7 {
        term *= mean / f64::from(count);
        at_most += term;
    }
    (1.0 - at_most).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Valkey 8.1.1, `used_memory` a key less the objects: 16.1 bytes at 399,593 keys, of which the server itself
    /// takes 2.6; 14.8 at 1,405,049 keys, of which 0.75; 16.5 at 8,702,018 keys.
    #[test]
    fn buckets_with_slots_take_the_bytes_measured() {
        for (keys, bytes) in [(399_593.0, 13.5), (1_405_049.0, 14.0), (8_702_018.0, 16.4)] {
            let table = Table::new(TableShape::Bucketed, keys, 64.0);
            assert!((table.bytes / keys - bytes).abs() < 0.4, "{keys}: {}", table.bytes / keys);
        }
    }

    #[test]
    fn chained_buckets_are_a_power_of_two_of_pointers() {
        assert!((Table::new(TableShape::Chained, 1e6, 8.0).bytes - f64::from(1 << 23)).abs() < 1e-6);
    }
}
