//! jemalloc, slot by slot: slabs, runs of pages, and the thread cache in front of them.
//!
//! Written from jemalloc 5.3 (`sc.c`, `arena.c`, `cache_bin.h`, `tcache.c`), not from the law's slabs: a slab grows
//! page by page until its objects fill it exactly; a bin hands out the lowest free slot of the oldest slab that has
//! one; the thread cache is a stack that takes what was freed last and is refilled and flushed by halves.
//!
//! Left out: arenas beside the first, the garbage collection of the cache, slabs that become empty (they stay in their
//! class).

use std::collections::{BTreeMap, BTreeSet};

use forkcast::memory::Allocator as Build;
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

/// The largest class that the thread cache keeps \[bytes\].
const CACHED_CLASS_MAX: u64 = 32 * 1024;

/// Slots of a large class that the thread cache keeps.
const CACHED_LARGE: usize = 20;

const CACHE_LINE: u64 = 64;

pub struct Allocator {
    build: Build,
    page_size: u64,
    next_page: u64,
    bins: BTreeMap<u64, Bin>,
    runs: BTreeMap<u64, Runs>,
    random: Xoshiro256PlusPlus,
}

/// The slabs of one small class.
struct Bin {
    class: u64,
    slab_bytes: u64,
    slabs: Vec<Slab>,
    /// The slab that starts at an address.
    by_start: BTreeMap<u64, usize>,
    with_free_slots: BTreeSet<usize>,
    cache: Vec<u64>,
    cache_limit: usize,
}

struct Slab {
    start: u64,
    /// Its free slots, the lowest last.
    free: Vec<u64>,
}

/// The page runs of one large class.
#[derive(Default)]
struct Runs {
    cache: Vec<u64>,
    free: Vec<u64>,
}

impl Allocator {
    pub fn new(build: Build, page_size: u64, random: Xoshiro256PlusPlus) -> Self {
        Self { build, page_size, next_page: 0, bins: BTreeMap::new(), runs: BTreeMap::new(), random }
    }

    /// Pages of their own, from a page edge on: the start of `bytes` bytes.
    pub fn map(&mut self, bytes: u64) -> u64 {
        map(&mut self.next_page, self.page_size, bytes)
    }

    pub fn allocate(&mut self, class: u64) -> u64 {
        if self.is_large(class) {
            return self.allocate_run(class);
        }
        let bin = self.bins.entry(class).or_insert_with(|| Bin::new(class, self.page_size));
        if bin.cache.is_empty() {
            bin.fill(&mut self.next_page, self.page_size);
        }
        bin.cache.pop().unwrap()
    }

    pub fn free(&mut self, class: u64, address: u64) {
        if self.is_large(class) {
            let runs = self.runs.get_mut(&class).unwrap();
            if class <= CACHED_CLASS_MAX && runs.cache.len() < CACHED_LARGE {
                runs.cache.push(address);
            } else {
                runs.free.push(address - address % self.page_size);
            }
            return;
        }
        self.bins.get_mut(&class).unwrap().put(address);
    }

    /// Start and bytes of the slab or run in which the slot of `class` at `address` lies.
    pub fn slab_of(&self, class: u64, address: u64) -> (u64, u64) {
        if self.is_large(class) {
            let start = address - address % self.page_size;
            return (start, class + if start == address { 0 } else { self.page_size });
        }
        let bin = &self.bins[&class];
        (bin.slabs[bin.slab_at(address)].start, bin.slab_bytes)
    }

    fn is_large(&self, class: u64) -> bool {
        class >= 4 * self.page_size
    }

    /// A run of pages for one object; a system build lets it start at any cache line of the first page, drawn anew
    /// each time it leaves the arena.
    fn allocate_run(&mut self, class: u64) -> u64 {
        let runs = self.runs.entry(class).or_default();
        if let Some(address) = runs.cache.pop() {
            return address;
        }
        let (padding, lines) = match self.build {
            Build::Bundled => (0, 1),
            Build::System => (self.page_size, self.page_size / CACHE_LINE),
        };
        let start =
            runs.free.pop().unwrap_or_else(|| map(&mut self.next_page, self.page_size, class + padding));
        start + CACHE_LINE * self.random.random_range(0..lines)
    }
}

fn map(next_page: &mut u64, page_size: u64, bytes: u64) -> u64 {
    let start = *next_page * page_size;
    *next_page += bytes.div_ceil(page_size);
    start
}

impl Bin {
    fn new(class: u64, page_size: u64) -> Self {
        let slab_bytes = (1..=class).map(|pages| pages * page_size).find(|bytes| bytes % class == 0).unwrap();
        let slots = usize::try_from(slab_bytes / class).unwrap();
        let cache_limit = if class > CACHED_CLASS_MAX { 0 } else { (2 * slots).clamp(20, 200) };
        Self {
            class,
            slab_bytes,
            slabs: Vec::new(),
            by_start: BTreeMap::new(),
            with_free_slots: BTreeSet::new(),
            cache: Vec::new(),
            cache_limit,
        }
    }

    /// Half a cache of slots, the lowest on top.
    fn fill(&mut self, next_page: &mut u64, page_size: u64) {
        for _ in 0..(self.cache_limit / 2).max(1) {
            let slab = self.with_free_slots.first().copied();
            let slab = slab.unwrap_or_else(|| self.add_slab(map(next_page, page_size, self.slab_bytes)));
            self.cache.push(self.slabs[slab].free.pop().unwrap());
            if self.slabs[slab].free.is_empty() {
                self.with_free_slots.remove(&slab);
            }
        }
        self.cache.reverse();
    }

    fn add_slab(&mut self, start: u64) -> usize {
        let free = (0..self.slab_bytes / self.class).rev().map(|slot| start + slot * self.class).collect();
        self.slabs.push(Slab { start, free });
        let slab = self.slabs.len() - 1;
        self.by_start.insert(start, slab);
        self.with_free_slots.insert(slab);
        slab
    }

    fn put(&mut self, address: u64) {
        self.cache.push(address);
        if self.cache.len() > self.cache_limit {
            let flushed = self.cache.len() - self.cache_limit / 2;
            for address in self.cache.drain(..flushed).collect::<Vec<_>>() {
                let slab = self.slab_at(address);
                let free = &mut self.slabs[slab].free;
                free.insert(free.partition_point(|&other| other > address), address);
                self.with_free_slots.insert(slab);
            }
        }
    }

    fn slab_at(&self, address: u64) -> usize {
        *self.by_start.range(..=address).next_back().unwrap().1
    }
}
