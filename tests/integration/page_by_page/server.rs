//! A server that performs operations on its keys, down to the bytes each of them writes.
//!
//! From the source of Redis 7.0 and Valkey 8.0 and 8.1 (`db.c`, `t_string.c`, `t_hash.c`): the arguments of a command
//! are allocated before the command frees anything, an overwrite frees the old value last, and a free writes nothing.
//! `hashtable` versions count a reference to the object that an overwrite leaves, and so write it once more.

use std::collections::{BTreeMap, VecDeque};

use forkcast::memory::layout::Role;
use forkcast::memory::{LayoutProfile, TableShape};
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::allocator::Allocator;
use super::key::{Form, HEADER, POINTER, entry_offsets};
use super::memory::Memory;
use super::table::Table;

/// The order in which a new key's parts are allocated: the value comes with the command.
const ALLOCATED: [Role; 5] = [Role::Object, Role::Value, Role::Key, Role::Entry, Role::Expires];

/// The order in which a deleted key's parts are freed.
const FREED: [Role; 5] = [Role::Expires, Role::Key, Role::Value, Role::Object, Role::Entry];

pub struct Server {
    pub memory: Memory,
    pub allocator: Allocator,
    pub forms: Vec<Form>,
    pub keys: Vec<Key>,
    shape: TableShape,
    value_offset: u64,
    next_offset: u64,
    main: Table,
    expires: Table,
}

#[derive(Clone, Copy)]
pub struct Key {
    pub form: usize,
    pub parts: [u64; Role::ALL.len()],
    hash: u32,
}

impl Server {
    /// A server with a key of each of the forms listed, added in that order, that has lived: what overwrites move
    /// lies anywhere in its class.
    pub fn load(
        layout: &LayoutProfile,
        page_size: u64,
        forms: Vec<Form>,
        keys: &[usize],
        mut allocator: Allocator,
        random: &mut Xoshiro256PlusPlus,
    ) -> Self {
        let expiring = keys.iter().filter(|&&form| forms[form].kind.has_ttl).count();
        let (value_offset, next_offset) = entry_offsets(layout);
        let mut server = Self {
            memory: Memory::new(page_size),
            main: Table::new(layout.table, keys.len(), &mut allocator),
            expires: Table::new(layout.table, expiring, &mut allocator),
            shape: layout.table,
            allocator,
            forms,
            keys: Vec::new(),
            value_offset,
            next_offset,
        };
        for &form in keys {
            server.add(form, random.random());
        }
        server.move_values_about(random);
        server
    }

    /// What endless overwrites do: any object or value in any slot of its class that such a one has.
    fn move_values_about(&mut self, random: &mut Xoshiro256PlusPlus) {
        let moved = [Role::Object, Role::Value];
        let mut slots: Vec<(u64, u64)> = Vec::new();
        for key in &self.keys {
            let parts = moved.iter().filter_map(|&role| Some((role, self.forms[key.form].part(role)?)));
            slots.extend(parts.map(|(role, part)| (part.class, key.parts[role as usize])));
        }
        slots.shuffle(random);
        slots.sort_by_key(|&(class, _)| class);
        let mut next: BTreeMap<u64, VecDeque<u64>> = BTreeMap::new();
        for (class, address) in slots {
            next.entry(class).or_default().push_back(address);
        }
        for key in &mut self.keys {
            for role in moved {
                if let Some(part) = self.forms[key.form].part(role) {
                    let address = next.get_mut(&part.class).unwrap().pop_front().unwrap();
                    key.parts[role as usize] = address;
                    self.memory.write(address, part.used);
                }
            }
        }
    }

    /// A new key, with a TTL where its form has one.
    pub fn add(&mut self, form: usize, hash: u32) -> u32 {
        let key = u32::try_from(self.keys.len()).unwrap();
        self.keys.push(Key { form, parts: [0; Role::ALL.len()], hash });
        self.insert(key);
        key
    }

    fn insert(&mut self, key: u32) {
        for role in ALLOCATED {
            self.allocate(key, role);
        }
        let Key { form, hash, .. } = self.keys[key as usize];
        self.main.insert(key, hash, &mut self.allocator, &mut self.memory);
        if self.forms[form].kind.has_ttl {
            self.expires.insert(key, hash, &mut self.allocator, &mut self.memory);
        }
    }

    /// `DEL`, and a key of the same form in its place: the same again, or a new one of another hash.
    pub fn replace(&mut self, key: u32, hash: Option<u32>) {
        self.delete(key);
        if let Some(hash) = hash {
            self.keys[key as usize].hash = hash;
        }
        self.insert(key);
    }

    /// `DEL`: the reference count goes up and down, the key leaves its chains, and its parts are freed.
    pub fn delete(&mut self, key: u32) {
        let Key { form, parts, hash } = self.keys[key as usize];
        self.memory.write(parts[Role::Object as usize], HEADER);
        self.unlink(key, hash);
        for role in FREED {
            if let Some(part) = self.forms[form].part(role) {
                self.allocator.free(part.class, parts[role as usize]);
            }
        }
    }

    fn unlink(&mut self, key: u32, hash: u32) {
        if self.forms[self.keys[key as usize].form].kind.has_ttl {
            self.leave_expires(key, hash);
        }
        if let Some(before) = self.main.remove(key, hash, &mut self.allocator, &mut self.memory) {
            self.memory
                .write(self.keys[before as usize].parts[Role::Entry as usize] + self.next_offset, POINTER);
        }
    }

    fn leave_expires(&mut self, key: u32, hash: u32) {
        if let Some(before) = self.expires.remove(key, hash, &mut self.allocator, &mut self.memory) {
            let entry = self.keys[before as usize].parts[Role::Expires as usize];
            self.memory.write(entry + self.next_offset, POINTER);
        }
    }

    /// `SET`, with a new TTL where the key has one, of a value of `form`.
    pub fn set(&mut self, key: u32, form: usize) {
        let Key { form: old_form, parts: old, hash } = self.keys[key as usize];
        let (before, after) = (&self.forms[old_form], &self.forms[form]);
        let has_ttl = after.kind.has_ttl;
        let keeps_object = self.shape == TableShape::Bucketed && !before.is_embedded && !after.moves_object;
        let freed: Vec<(Role, u64)> = [Role::Object, Role::Value]
            .into_iter()
            .filter(|&role| role != Role::Object || !keeps_object)
            .filter_map(|role| Some((role, before.part(role)?.class)))
            .collect();
        self.keys[key as usize].form = form;
        if keeps_object {
            self.memory.write(old[Role::Object as usize], HEADER);
        } else {
            self.allocate(key, Role::Object);
        }
        self.allocate(key, Role::Value);
        match self.shape {
            TableShape::Chained => {
                self.memory.write(old[Role::Entry as usize] + self.value_offset, POINTER);
            }
            TableShape::Bucketed if keeps_object => {}
            TableShape::Bucketed => {
                self.memory.write(old[Role::Object as usize], HEADER);
                self.main.replace(key, hash, &mut self.memory);
            }
        }
        for (role, class) in freed {
            self.allocator.free(class, old[role as usize]);
        }
        if has_ttl {
            self.refresh_ttl(key, hash);
        }
    }

    /// `SET` takes the old TTL away and sets the new one.
    fn refresh_ttl(&mut self, key: u32, hash: u32) {
        self.leave_expires(key, hash);
        self.expires.insert(key, hash, &mut self.allocator, &mut self.memory);
        let Key { form, parts, .. } = self.keys[key as usize];
        if let Some(part) = self.forms[form].part(Role::Expires) {
            self.memory.write(parts[Role::Expires as usize], part.used);
        }
    }

    /// `INCR`: the integer in the object.
    pub fn incr(&mut self, key: u32) {
        self.memory.write(self.keys[key as usize].parts[Role::Object as usize], HEADER);
    }

    /// `HSET` on a listpack: all of it, and the pointer to it.
    pub fn hset(&mut self, key: u32) {
        let Key { form, parts, .. } = self.keys[key as usize];
        let listpack = self.forms[form].part(Role::Value).unwrap();
        self.memory.write(parts[Role::Value as usize], listpack.used);
        self.memory.write(parts[Role::Object as usize], HEADER);
    }

    fn allocate(&mut self, key: u32, role: Role) {
        let place = &mut self.keys[key as usize];
        if let Some(part) = self.forms[place.form].part(role) {
            let address = self.allocator.allocate(part.class);
            self.memory.write(address, part.used);
            place.parts[role as usize] = address;
        }
    }
}
