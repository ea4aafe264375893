//! The schedule: what is still to happen, and when.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::timers::{Key, Timers};
use crate::units::SimTime;

/// A typed event.
pub trait Event: Copy {
    /// How many kinds of event own a timer slot.
    const SLOTS: usize;

    /// The timer slot of a kind that can be pending only once, below [`Event::SLOTS`]; `None` for a kind that can
    /// be pending several times. Where several alike have timers of their own ([`Schedule::for_many`]), the slots of
    /// the n-th follow those of the one before.
    fn slot(self) -> Option<usize>;

    /// The name, for messages and traces.
    fn name(self) -> &'static str;
}

/// A scheduled event, to cancel it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    slot: Option<usize>,
    sequence: u64,
}

/// Pending events and the clock.
#[derive(Clone, Debug)]
pub struct Schedule<E> {
    now: SimTime,
    next_sequence: u64,
    timers: Timers<E>,
    heap: BinaryHeap<Entry<E>>,
}

#[derive(Clone, Copy, Debug)]
struct Entry<E> {
    key: Key,
    event: E,
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl<E> Eq for Entry<E> {}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Entry<E> {
    /// The earliest is the greatest, as `BinaryHeap` gives out the greatest first.
    fn cmp(&self, other: &Self) -> Ordering {
        other.key.cmp(&self.key)
    }
}

impl<E: Event> Default for Schedule<E> {
    fn default() -> Self {
        Self::for_many(1)
    }
}

impl<E: Event> Schedule<E> {
    /// A schedule for so many alike, each with timers of its own.
    pub fn for_many(number: usize) -> Self {
        Self {
            now: SimTime::ZERO,
            next_sequence: 0,
            timers: Timers::new(E::SLOTS * number),
            heap: BinaryHeap::new(),
        }
    }

    /// The clock: the time of the event being handled.
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// Whether nothing is pending.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty() && self.timers.earliest().is_none()
    }

    /// Lets `event` happen at `at`, after everything already scheduled for that time. An event whose kind owns
    /// a timer slot replaces the one pending there.
    ///
    /// # Panics
    ///
    /// Where `at` is before the clock: an event cannot happen in the past.
    pub fn schedule(&mut self, at: SimTime, event: E) -> Ticket {
        assert!(at >= self.now, "event `{}` scheduled in the past: {at} before {}", event.name(), self.now);
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        let key = Key::new(at, sequence);
        let slot = event.slot();
        match slot {
            Some(slot) => self.timers.set(slot, key, event),
            None => self.heap.push(Entry { key, event }),
        }
        Ticket { slot, sequence }
    }

    /// Takes a scheduled event back; false where it has happened, was moved or was cancelled before.
    pub fn cancel(&mut self, ticket: Ticket) -> bool {
        let Some(slot) = ticket.slot else {
            let before = self.heap.len();
            self.heap.retain(|entry| entry.key.sequence() != ticket.sequence);
            return self.heap.len() < before;
        };
        let is_pending = self.timers.key(slot).is_some_and(|key| key.sequence() == ticket.sequence);
        if is_pending {
            self.timers.clear(slot);
        }
        is_pending
    }

    /// Takes back whatever is pending in the timer slot of `event`.
    pub fn clear(&mut self, event: E) {
        if let Some(slot) = event.slot() {
            self.timers.clear(slot);
        }
    }

    /// The next event due up to and including `horizon`, with the clock moved to it; at the end the clock moves
    /// to the horizon.
    pub fn pop_until(&mut self, horizon: SimTime) -> Option<E> {
        let timer = self.timers.earliest();
        let heap = self.heap.peek().map(|entry| entry.key);
        let slot = timer.filter(|&(_, key)| heap.is_none_or(|heap| key < heap)).map(|(slot, _)| slot);
        let next = timer.map(|(_, key)| key).into_iter().chain(heap).min();
        let Some(next) = next.filter(|key| key.at() <= horizon) else {
            self.now = self.now.max(horizon);
            return None;
        };
        self.now = next.at();
        match slot {
            Some(slot) => self.timers.take(slot),
            None => self.heap.pop().map(|entry| entry.event),
        }
    }
}
