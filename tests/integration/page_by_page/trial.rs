//! One case put to both: the judge draws it page by page, the law says what it expects.

use std::collections::BTreeSet;

use forkcast::memory::{
    Allocator as Build, Exposure, Heap, KeyKind, Keys, LayoutProfile, Popularity, Population, Released,
    Spread,
};
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use rand_distr::weighted::WeightedAliasIndex;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::allocator::Allocator;
use super::child::Child;
use super::key::Form;
use super::server::Server;

/// What is done to one key, and how often in the whole save.
#[derive(Clone, Copy, Debug)]
pub enum Operation {
    Set,
    Incr,
    Hset,
    /// `DEL` and `SET` of the same key.
    DelSet,
    Del,
    /// A new key.
    Insert,
    /// A new key, and any other one deleted.
    EvictRandom,
    /// A new key, and the oldest one deleted.
    EvictOldest,
}

/// Keys of one kind and what is done to them.
#[derive(Clone, Debug)]
pub struct Kind {
    pub count: usize,
    pub keys: Keys,
    pub popularity: Popularity,
    pub load: Vec<(Operation, usize)>,
}

impl Kind {
    pub fn new(count: usize, kind: KeyKind, popularity: Popularity, load: &[(Operation, usize)]) -> Self {
        Self { count, keys: Keys::alike(kind), popularity, load: load.to_vec() }
    }
}

/// A point of the save: the share of its load that has come by then, and what the child has given back.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    pub load: f64,
    pub released: Released,
}

impl Point {
    pub fn of_load(load: f64) -> Self {
        Self { load, released: Released::default() }
    }
}

#[derive(Clone, Debug)]
pub struct Case {
    pub name: String,
    pub layout: LayoutProfile,
    pub build: Build,
    pub page_size: u64,
    pub kinds: Vec<Kind>,
    pub points: Vec<Point>,
}

/// Pages copied and new ones at a point, as the law has them and as they were drawn.
#[derive(Clone, Copy, Debug)]
pub struct Pages {
    /// Shared at the fork.
    pub shared: f64,
    pub law_copied: f64,
    pub copied: f64,
    pub law_grown: f64,
    pub grown: f64,
}

impl Case {
    /// Draws a save: the pages at each point.
    pub fn draw(&self, seed: u64) -> Vec<Pages> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let law = Law::new(self);
        let mut clients = Clients::new(self, &mut random);
        let mut child = Child::fork(&mut clients.server, random.clone(), self.layout.child_release);
        random.jump();
        let mut commands = self.commands(&mut random).into_iter();
        let total = commands.len() as f64;
        let mut exposures = vec![Exposure::default(); self.kinds.len()];
        let mut pages = Vec::new();
        for point in &self.points {
            while total - (commands.len() as f64) < point.load * total
                && let Some((kind, operation)) = commands.next()
            {
                clients.perform(kind, operation, &mut random);
                count(&mut exposures[kind], operation);
            }
            child.advance(point.released.progress, point.released.purged, &mut clients.server.memory);
            pages.push(Pages {
                shared: clients.server.memory.shared() as f64,
                law_copied: law.copied(&exposures, point.released),
                copied: clients.server.memory.copied() as f64,
                law_grown: law.grown(&exposures),
                grown: clients.server.memory.grown() as f64,
            });
        }
        pages
    }

    /// The commands of the save in the order they come.
    fn commands(&self, random: &mut Xoshiro256PlusPlus) -> Vec<(usize, Operation)> {
        let mut commands = Vec::new();
        for (number, kind) in self.kinds.iter().enumerate() {
            for &(operation, count) in &kind.load {
                commands.extend(std::iter::repeat_n((number, operation), count));
            }
        }
        commands.shuffle(random);
        commands
    }
}

fn count(exposure: &mut Exposure, operation: Operation) {
    let one = match operation {
        Operation::Set => Exposure { set: 1.0, ..Exposure::default() },
        Operation::Incr => Exposure { incr: 1.0, ..Exposure::default() },
        Operation::Hset => Exposure { hset: 1.0, ..Exposure::default() },
        Operation::DelSet => Exposure { replace: 1.0, ..Exposure::default() },
        Operation::Del => Exposure { delete: 1.0, ..Exposure::default() },
        Operation::Insert => Exposure { insert: 1.0, ..Exposure::default() },
        Operation::EvictRandom => Exposure { random_delete: 1.0, insert: 1.0, ..Exposure::default() },
        Operation::EvictOldest => Exposure { oldest_delete: 1.0, insert: 1.0, ..Exposure::default() },
    };
    *exposure = exposure.plus(&one);
}

struct Law {
    heap: Heap,
    page_size: f64,
    population: Population,
    spreads: Vec<Spread>,
}

impl Law {
    fn new(case: &Case) -> Self {
        let keys: Vec<Keys> = case.kinds.iter().map(|kind| kind.keys.clone()).collect();
        let spread = |kind: &Kind| Spread::new(kind.popularity, kind.count as f64);
        Self {
            heap: Heap::new(&case.layout, case.build, case.page_size, &keys),
            page_size: case.page_size as f64,
            population: Population::of(case.kinds.iter().map(|kind| kind.count as f64)),
            spreads: case.kinds.iter().map(spread).collect(),
        }
    }

    fn copied(&self, exposures: &[Exposure], released: Released) -> f64 {
        self.heap.copied_bytes(&self.population, exposures, &self.spreads, released) / self.page_size
    }

    fn grown(&self, exposures: &[Exposure]) -> f64 {
        self.heap.grown_bytes(&self.population, exposures, &self.spreads) / self.page_size
    }
}

/// The server and those who write to it.
struct Clients {
    server: Server,
    kinds: Vec<Writers>,
}

/// Who writes to one kind of keys.
struct Writers {
    /// The kind's keys by rank, the hottest first.
    ranked: Vec<u32>,
    /// How many of them have been evicted as the oldest.
    evicted: usize,
    choice: WeightedAliasIndex<f64>,
    /// The form the keys were loaded as, and those that overwrites bring with their weights.
    loaded: usize,
    written: Vec<(usize, f64)>,
    is_resizing: bool,
    deleted: BTreeSet<u32>,
}

impl Writers {
    /// One of the sizes that overwrites bring.
    fn resized(&self, random: &mut Xoshiro256PlusPlus) -> usize {
        self.written.choose_weighted(random, |&(_, share)| share).unwrap().0
    }
}

impl Clients {
    fn new(case: &Case, random: &mut Xoshiro256PlusPlus) -> Self {
        let form = |kind: KeyKind| Form::new(&case.layout, case.build, kind);
        let (mut forms, mut kinds, mut load) = (Vec::new(), Vec::new(), Vec::new());
        for (number, kind) in case.kinds.iter().enumerate() {
            let loaded = forms.len();
            forms.push(form(kind.keys.kind));
            let written = kind.keys.written.iter().map(|&(share, _)| share).enumerate();
            let written = written.map(|(size, share)| (loaded + 1 + size, share)).collect();
            forms.extend(kind.keys.written.iter().map(|&(_, kind)| form(kind)));
            load.extend(std::iter::repeat_n((number, loaded), kind.count));
            let choice = WeightedAliasIndex::new(weights(kind)).unwrap();
            kinds.push(Writers {
                ranked: Vec::new(),
                evicted: 0,
                choice,
                loaded,
                written,
                is_resizing: kind.keys.is_resizing,
                deleted: BTreeSet::new(),
            });
        }
        load.shuffle(random);
        for (key, &(kind, _)) in load.iter().enumerate() {
            kinds[kind].ranked.push(u32::try_from(key).unwrap());
        }
        for writers in &mut kinds {
            writers.ranked.shuffle(random);
        }
        let allocator = Allocator::new(case.build, case.page_size, random.clone());
        random.jump();
        let load: Vec<usize> = load.into_iter().map(|(_, form)| form).collect();
        let server = Server::load(&case.layout, case.page_size, forms, &load, allocator, random);
        let mut clients = Self { server, kinds };
        clients.resize_before_the_fork(case, random);
        clients
    }

    fn resize_before_the_fork(&mut self, case: &Case, random: &mut Xoshiro256PlusPlus) {
        for (writers, kind) in self.kinds.iter().zip(&case.kinds) {
            for &key in &writers.ranked {
                if random.random_bool(kind.keys.resized) {
                    self.server.set(key, writers.resized(random));
                }
            }
        }
    }

    fn perform(&mut self, kind: usize, operation: Operation, random: &mut Xoshiro256PlusPlus) {
        let Self { server, kinds } = self;
        let writers = &mut kinds[kind];
        let key = writers.ranked[random.sample(&writers.choice)];
        match operation {
            Operation::Set => {
                server.set(key, if writers.is_resizing { writers.resized(random) } else { writers.loaded });
            }
            Operation::Incr => server.incr(key),
            Operation::Hset => server.hset(key),
            Operation::DelSet => server.replace(key, None),
            Operation::Del => {
                if writers.deleted.insert(key) {
                    server.delete(key);
                }
            }
            Operation::Insert => {
                server.add(writers.loaded, random.random());
            }
            Operation::EvictRandom => {
                let any = *writers.ranked.choose(random).unwrap();
                server.replace(any, Some(random.random()));
            }
            Operation::EvictOldest => {
                let oldest = writers.ranked[writers.evicted % writers.ranked.len()];
                writers.evicted += 1;
                server.replace(oldest, Some(random.random()));
            }
        }
    }
}

fn weights(kind: &Kind) -> Vec<f64> {
    let hot = |share: f64| share * kind.count as f64;
    let weight = |rank: usize| match kind.popularity {
        Popularity::Uniform => 1.0,
        Popularity::Zipf { theta } => ((rank + 1) as f64).powf(-theta),
        Popularity::Hotspot { keys, writes } if (rank as f64) < hot(keys) => writes / keys,
        Popularity::Hotspot { keys, writes } => (1.0 - writes) / (1.0 - keys),
    };
    (0..kind.count).map(weight).collect()
}
