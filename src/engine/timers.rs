//! Timers: a slot for each event that can be pending only once.

use crate::units::SimTime;

/// When an event happens, and its place among those at that time: `time · 2^64 + sequence`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(u128);

impl Key {
    pub fn new(at: SimTime, sequence: u64) -> Self {
        Self(u128::from(at.0) << 64 | u128::from(sequence))
    }

    pub fn at(self) -> SimTime {
        SimTime((self.0 >> 64) as u64)
    }

    #[expect(clippy::cast_possible_truncation, reason = "takes the lower half")]
    pub fn sequence(self) -> u64 {
        self.0 as u64
    }
}

/// Slots, of which few are taken at a time.
#[derive(Clone, Debug)]
pub(super) struct Timers<E> {
    /// Keys and events, apart, so that the scan for the earliest reads nothing else; those of a free slot mean nothing.
    keys: Vec<Key>,
    events: Vec<Option<E>>,
    /// A bit for each slot, set where it is taken.
    taken: Vec<u64>,
}

const BITS: usize = u64::BITS as usize;

impl<E: Copy> Timers<E> {
    /// So many free slots.
    pub fn new(slots: usize) -> Self {
        let never = Key::new(SimTime::NEVER, 0);
        Self { keys: vec![never; slots], events: vec![None; slots], taken: vec![0; slots.div_ceil(BITS)] }
    }

    /// Lets `event` be pending in a slot, in place of what was.
    pub fn set(&mut self, slot: usize, key: Key, event: E) {
        self.taken[slot / BITS] |= 1 << (slot % BITS);
        (self.keys[slot], self.events[slot]) = (key, Some(event));
    }

    /// Frees a slot.
    pub fn clear(&mut self, slot: usize) {
        self.taken[slot / BITS] &= !(1 << (slot % BITS));
    }

    /// Frees a slot for what is pending there to happen.
    pub fn take(&mut self, slot: usize) -> Option<E> {
        self.clear(slot);
        self.events[slot]
    }

    /// The key of what is pending in a slot.
    pub fn key(&self, slot: usize) -> Option<Key> {
        let is_taken = self.taken[slot / BITS] >> (slot % BITS) & 1 == 1;
        is_taken.then(|| self.keys[slot])
    }

    /// The slot of what comes first, and its key.
    pub fn earliest(&self) -> Option<(usize, Key)> {
        let mut earliest: Option<(usize, Key)> = None;
        for (word, &taken) in self.taken.iter().enumerate() {
            let mut taken = taken;
            while taken != 0 {
                let slot = word * BITS + taken.trailing_zeros() as usize;
                let key = self.keys[slot];
                if earliest.is_none_or(|earliest| key < earliest.1) {
                    earliest = Some((slot, key));
                }
                taken &= taken - 1;
            }
        }
        earliest
    }
}
