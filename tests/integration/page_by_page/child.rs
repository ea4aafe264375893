//! The child: it walks the keys of the fork in the order of their hashes and gives memory back behind itself.

use std::collections::BTreeMap;

use forkcast::memory::ChildRelease;
use forkcast::memory::layout::Role;
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::memory::Memory;
use super::server::Server;

/// A value as it lay at the fork.
struct Value {
    address: u64,
    class: u64,
    is_freed: bool,
    /// Start and bytes of its slab.
    slab: (u64, u64),
}

pub struct Child {
    values: Vec<Value>,
    /// What is left on the slabs, by their start: the slots in use.
    in_use: BTreeMap<u64, u64>,
    written_out: usize,
    /// The slabs that have become free.
    free: Vec<(u64, u64)>,
    random: Xoshiro256PlusPlus,
}

impl Child {
    pub fn fork(server: &mut Server, mut random: Xoshiro256PlusPlus, release: ChildRelease) -> Self {
        server.memory.fork();
        let mut in_use = BTreeMap::new();
        let mut values = Vec::new();
        for key in &server.keys {
            let form = &server.forms[key.form];
            for role in Role::ALL {
                let Some(part) = form.part(role) else { continue };
                let address = key.parts[role as usize];
                let (start, bytes) = server.allocator.slab_of(part.class, address);
                if release == ChildRelease::Freed {
                    *in_use.entry(start).or_insert(0) += 1;
                }
                if role == Role::Value {
                    let is_freed = form.is_freed_by_child;
                    values.push(Value { address, class: part.class, is_freed, slab: (start, bytes) });
                }
            }
        }
        values.shuffle(&mut random);
        Self { values, in_use, written_out: 0, free: Vec::new(), random }
    }

    /// The child comes as far as `progress`, and its allocator purges a share of the slabs that are free by then:
    /// for one call, as slabs purged stay so.
    pub fn advance(&mut self, progress: f64, purged: f64, memory: &mut Memory) {
        while (self.written_out as f64) < progress * self.values.len() as f64 {
            let &Value { address, class, is_freed, slab } = &self.values[self.written_out];
            self.written_out += 1;
            if is_freed {
                let left = self.in_use.get_mut(&slab.0).unwrap();
                *left -= 1;
                if *left == 0 {
                    self.free.push(slab);
                }
            } else {
                memory.drop_whole_pages(address, address + class);
            }
        }
        for &(start, bytes) in &self.free {
            if self.random.random::<f64>() < purged {
                memory.drop_whole_pages(start, start + bytes);
            }
        }
    }
}
