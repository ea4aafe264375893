//! The hash tables, bucket by bucket.
//!
//! `dict`: an array of pointers, new entries at the head of a chain. `hashtable`: buckets of seven slots on a cache
//! line; a full one gives its last slot up for a pointer to a further bucket, and a hole in a chain is filled from its
//! end.

use std::collections::BTreeMap;

use forkcast::memory::TableShape;

use super::allocator::Allocator;
use super::memory::Memory;

const SLOTS: usize = 7;
const BUCKET: u64 = 64;
const POINTER: u64 = 8;

pub struct Table {
    shape: TableShape,
    start: u64,
    /// Keys by bucket: the head of a chain last, slots in their order.
    buckets: Vec<Vec<u32>>,
    /// Further buckets of those that overflowed.
    further: BTreeMap<usize, Vec<u64>>,
}

impl Table {
    /// The table that a server has grown to for so many keys.
    pub fn new(shape: TableShape, keys: usize, allocator: &mut Allocator) -> Self {
        let (slots, bytes) = match shape {
            TableShape::Chained => (1, POINTER),
            TableShape::Bucketed => (SLOTS, BUCKET),
        };
        let buckets = keys.div_ceil(slots).next_power_of_two();
        let start = allocator.map(buckets as u64 * bytes);
        Self { shape, start, buckets: vec![Vec::new(); buckets], further: BTreeMap::new() }
    }

    pub fn insert(&mut self, key: u32, hash: u32, allocator: &mut Allocator, memory: &mut Memory) {
        let bucket = self.bucket(hash);
        self.buckets[bucket].push(key);
        let last = self.buckets[bucket].len() - 1;
        if self.shape == TableShape::Bucketed && last == SLOTS + self.further_of(bucket).len() * (SLOTS - 1) {
            let address = allocator.allocate(BUCKET);
            memory.write(self.line(bucket, last - 1), BUCKET);
            self.further.entry(bucket).or_default().push(address);
        }
        self.write_slot(bucket, last, memory);
    }

    /// Takes a key out; where an entry is chained before it, says which, as that is written instead of the table.
    pub fn remove(
        &mut self,
        key: u32,
        hash: u32,
        allocator: &mut Allocator,
        memory: &mut Memory,
    ) -> Option<u32> {
        let bucket = self.bucket(hash);
        let position = self.position(bucket, key);
        if self.shape == TableShape::Chained {
            self.buckets[bucket].remove(position);
            let before = self.buckets[bucket].get(position).copied();
            if before.is_none() {
                memory.write(self.start + bucket as u64 * POINTER, POINTER);
            }
            return before;
        }
        self.write_slot(bucket, position, memory);
        let last = self.buckets[bucket].len() - 1;
        self.write_slot(bucket, last, memory);
        self.buckets[bucket].swap_remove(position);
        if let Some(further) = self.further.get_mut(&bucket)
            && last <= further.len() * (SLOTS - 1) + 1
            && let Some(address) = further.pop()
        {
            allocator.free(BUCKET, address);
        }
        None
    }

    /// The key's object has moved.
    pub fn replace(&self, key: u32, hash: u32, memory: &mut Memory) {
        let bucket = self.bucket(hash);
        self.write_slot(bucket, self.position(bucket, key), memory);
    }

    fn bucket(&self, hash: u32) -> usize {
        hash as usize & (self.buckets.len() - 1)
    }

    fn position(&self, bucket: usize, key: u32) -> usize {
        self.buckets[bucket].iter().position(|&other| other == key).unwrap()
    }

    fn further_of(&self, bucket: usize) -> &[u64] {
        self.further.get(&bucket).map_or(&[], Vec::as_slice)
    }

    /// The bucket of the chain in which the key at `position` lies.
    fn line(&self, bucket: usize, position: usize) -> u64 {
        let further = self.further_of(bucket);
        match (position / (SLOTS - 1)).min(further.len()) {
            0 => self.start + bucket as u64 * BUCKET,
            link => further[link - 1],
        }
    }

    fn write_slot(&self, bucket: usize, position: usize, memory: &mut Memory) {
        match self.shape {
            TableShape::Chained => memory.write(self.start + bucket as u64 * POINTER, POINTER),
            TableShape::Bucketed => memory.write(self.line(bucket, position), BUCKET),
        }
    }
}
