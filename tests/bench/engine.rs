//! Events a second: the engine beside a plain `BinaryHeap` loop, in one run.
//!
//! The hold model: take the earliest of n pending events and schedule it again at a random later time. Both loops
//! draw from the same generator and end at the same simulated time; compare their medians as a ratio.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use divan::Bencher;
use divan::counter::ItemsCount;
use forkcast::engine::{self, Event, Process, Schedule};
use forkcast::units::{SimDuration, SimTime};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

const EVENTS: u64 = 100_000;

fn main() {
    divan::main();
}

fn generator() -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(1)
}

fn pause(generator: &mut Xoshiro256PlusPlus) -> SimDuration {
    SimDuration(generator.random_range(1..2_000_000))
}

/// An event that owns the timer slot of its number.
#[derive(Clone, Copy)]
struct Timer(usize);

impl Event for Timer {
    const SLOTS: usize = 16;

    fn slot(self) -> Option<usize> {
        Some(self.0)
    }

    fn name(self) -> &'static str {
        "timer"
    }
}

/// An event that may be pending any number of times.
#[derive(Clone, Copy)]
struct Message;

impl Event for Message {
    const SLOTS: usize = 0;

    fn slot(self) -> Option<usize> {
        None
    }

    fn name(self) -> &'static str {
        "message"
    }
}

struct Hold<E> {
    generator: Xoshiro256PlusPlus,
    events: std::marker::PhantomData<E>,
}

impl<E: Event> Process for Hold<E> {
    type Event = E;

    fn handle(&mut self, event: E, schedule: &mut Schedule<E>) {
        schedule.schedule(schedule.now() + pause(&mut self.generator), event);
    }
}

fn hold<E: Event>(pending: usize, event: impl Fn(usize) -> E) -> SimTime {
    let mut schedule = Schedule::default();
    let mut process = Hold { generator: generator(), events: std::marker::PhantomData };
    for number in 0..pending {
        schedule.schedule(SimTime(number as u64), event(number));
    }
    engine::run(&mut process, &mut schedule, SimTime::NEVER, EVENTS);
    schedule.now()
}

#[divan::bench(args = [4, 8, 16])]
fn timer_slots(bencher: Bencher, pending: usize) {
    bencher.counter(ItemsCount::new(EVENTS)).bench(|| hold(pending, Timer));
}

#[divan::bench(args = [4, 8, 16])]
fn small_heap(bencher: Bencher, pending: usize) {
    bencher.counter(ItemsCount::new(EVENTS)).bench(|| hold(pending, |_| Message));
}

/// The peer: what anyone writes first, with the sequence number that makes equal times come in order.
#[divan::bench(args = [4, 8, 16])]
fn std_binary_heap(bencher: Bencher, pending: usize) {
    bencher.counter(ItemsCount::new(EVENTS)).bench(|| {
        let mut generator = generator();
        let mut heap: BinaryHeap<Reverse<(u64, u64, usize)>> =
            (0..pending).map(|number| Reverse((number as u64, number as u64, number))).collect();
        let (mut now, mut sequence) = (0, pending as u64);
        for _ in 0..EVENTS {
            let Some(Reverse((at, _, event))) = heap.pop() else { break };
            now = at;
            heap.push(Reverse((now + pause(&mut generator).0, sequence, event)));
            sequence += 1;
        }
        now
    });
}
