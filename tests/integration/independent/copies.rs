//! Keys in memory, and the pages of theirs that writes dirty: the dirty-page law, written out pool by pool.
//!
//! How the allocator lays out a key, which pages a slab has and φ are forkcast's own: others judge them. Only engines
//! with chained tables whose child dismisses what it has written, without expiry times, are known here.

use forkcast::memory::layout::{Place, Role};
use forkcast::memory::slab::Slab;
use forkcast::memory::{ChildRelease, KeyKind, Spread, TableShape, Value};
use forkcast::model::Host;
use forkcast::model::host::{Content, Fill, Keyspace, KeyspaceSize};

/// Bytes of a bucket of a chained table: a pointer.
const BUCKET: f64 = 8.0;

/// Operations on one keyspace, in numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Writes {
    pub(super) set: f64,
    pub(super) incr: f64,
    pub(super) hset: f64,
    pub(super) insert: f64,
    pub(super) delete: f64,
}

impl Writes {
    pub(super) fn add(&mut self, other: Self, times: f64) {
        self.set += other.set * times;
        self.incr += other.incr * times;
        self.hset += other.hset * times;
        self.insert += other.insert * times;
        self.delete += other.delete * times;
    }

    pub(super) fn all(self) -> f64 {
        self.set + self.incr + self.hset + self.insert + self.delete
    }
}

/// The objects of one size class, whoever they belong to.
struct Pool {
    slab: Slab,
    /// The keyspace of each kind of object in it, and the object.
    objects: Vec<(usize, Place)>,
}

/// The allocator's pools under the keyspaces of a host.
pub(super) struct Heap {
    page: f64,
    pools: Vec<Pool>,
    key_bytes: Vec<f64>,
}

/// What the keys of a keyspace are made of.
pub(super) fn kind(keyspace: &Keyspace) -> KeyKind {
    assert!(!keyspace.has_ttl, "no scenario here has keys that expire");
    let value = match keyspace.content {
        Content::Strings(bytes) => Value::Bytes(bytes),
        Content::Integers => Value::Integer,
        Content::Hashes { .. } => panic!("no scenario here has hashes"),
    };
    KeyKind { key_size: keyspace.key_size, value, has_ttl: false }
}

/// Bytes of a hash table: as many buckets as the next power of two of its keys.
fn table_bytes(keys: f64) -> f64 {
    if keys < 1.0 { 0.0 } else { keys.log2().ceil().exp2() * BUCKET }
}

impl Heap {
    pub(super) fn of(host: &Host) -> Self {
        let layout = &host.server.layout;
        assert_eq!((layout.table, layout.child_release), (TableShape::Chained, ChildRelease::Dismissed));
        let page = host.machine.page_size.0;
        let mut heap = Self { page: page as f64, pools: Vec::new(), key_bytes: Vec::new() };
        let mut classes: Vec<u64> = Vec::new();
        for (index, keyspace) in host.dataset.keyspaces.iter().enumerate() {
            let places = layout.places(host.server.allocator, kind(keyspace));
            heap.key_bytes.push(places.iter().map(|place| (place.class * place.slots) as f64).sum());
            for place in places {
                let pool = classes.iter().position(|&class| class == place.class).unwrap_or_else(|| {
                    classes.push(place.class);
                    let slab = Slab::of_class(host.server.allocator, place.class, page);
                    heap.pools.push(Pool { slab, objects: Vec::new() });
                    classes.len() - 1
                });
                heap.pools[pool].objects.push((index, place));
            }
        }
        heap
    }

    /// Bytes of so many keys of each keyspace.
    pub(super) fn bytes_of_keys(&self, counts: &[f64]) -> f64 {
        counts.iter().zip(&self.key_bytes).map(|(count, bytes)| count * bytes).sum()
    }

    /// `used_memory` of so many keys of each keyspace, with their table.
    pub(super) fn used(&self, counts: &[f64]) -> f64 {
        self.bytes_of_keys(counts) + table_bytes(counts.iter().sum())
    }

    /// The keys of each keyspace that fill `bytes` together.
    pub(super) fn filling(&self, host: &Host, bytes: f64) -> Vec<f64> {
        let proportion = |(keyspace, key_bytes): (&Keyspace, &f64)| match (keyspace.size, host.dataset.fill) {
            (KeyspaceSize::Keys(keys), Fill::Maxmemory(_)) => keys as f64,
            (KeyspaceSize::ShareOfBytes(share), Fill::Maxmemory(_)) => share / key_bytes,
            (_, Fill::Keys) => panic!("every scenario here fills its maxmemory"),
        };
        let proportions: Vec<f64> =
            host.dataset.keyspaces.iter().zip(&self.key_bytes).map(proportion).collect();
        let scaled = |scale: f64| proportions.iter().map(|part| part * scale).collect::<Vec<f64>>();
        let (mut fits, mut exceeds) = (0.0, 1.0);
        while self.used(&scaled(exceeds)) <= bytes {
            exceeds *= 2.0;
        }
        for _ in 0..100 {
            let middle = f64::midpoint(fits, exceeds);
            if self.used(&scaled(middle)) <= bytes { fits = middle } else { exceeds = middle }
        }
        scaled(fits)
    }

    /// Bytes copied of `counts` keys by `writes` since the fork, where the child has written out a share `progress` of
    /// them and dropped what pages lie wholly inside a value.
    pub(super) fn copied(&self, counts: &[f64], writes: &[Writes], spreads: &[Spread], progress: f64) -> f64 {
        let mut pages = self.dirty_table_pages(counts, writes, spreads);
        for pool in &self.pools {
            let unwritten = |keyspace: usize, role: Role| {
                let (keys, writes) = (counts[keyspace], writes[keyspace]);
                unwritten(role, keys, writes, &spreads[keyspace], counts.iter().sum())
            };
            pages += pool.dirty_pages(counts, unwritten, progress);
        }
        pages * self.page
    }

    /// A new key writes its bucket; a deleted one does where it is the first of its chain.
    fn dirty_table_pages(&self, counts: &[f64], writes: &[Writes], spreads: &[Spread]) -> f64 {
        let keys: f64 = counts.iter().sum();
        let pages = table_bytes(keys) / self.page;
        if pages <= 0.0 {
            return 0.0;
        }
        let mut log_clean = 0.0;
        for ((&count, writes), spread) in counts.iter().zip(writes).zip(spreads) {
            let first_of_chain = 1.0 - behind_another(keys);
            log_clean += count / pages * spread.unwritten(writes.delete * first_of_chain / count).ln();
            log_clean -= writes.insert / pages;
        }
        pages * (1.0 - log_clean.exp())
    }
}

/// The share of keys that have another one before them in their chain: half the load factor.
fn behind_another(keys: f64) -> f64 {
    keys / keys.log2().ceil().exp2() / 2.0
}

/// The chance that no write has reached a part of a key, of which there are `keys` in its keyspace and `all` in its
/// table.
fn unwritten(role: Role, keys: f64, writes: Writes, spread: &Spread, all: f64) -> f64 {
    let Writes { set, incr, hset, delete, .. } = writes;
    let phi = |writes: f64| spread.unwritten(writes / keys);
    match role {
        Role::Entry => phi(set + delete) * (-delete * behind_another(all) / keys).exp(),
        Role::Object => phi(set + incr + hset + delete),
        Role::Value => phi(set + hset + delete),
        Role::Key => phi(delete),
        Role::Expires => panic!("no scenario here has keys that expire"),
    }
}

impl Pool {
    fn dirty_pages(&self, counts: &[f64], unwritten: impl Fn(usize, Role) -> f64, progress: f64) -> f64 {
        // How many places there are of each kind of object, how many bytes of one a write reaches, its chance to be
        // clean.
        let mut parts: Vec<(f64, u64, f64)> = Vec::new();
        let (mut places, mut slots, mut values) = (0.0, 0.0, 0.0);
        for &(keyspace, place) in &self.objects {
            let count = counts[keyspace];
            places += count;
            slots += count * place.slots as f64;
            values += if place.role == Role::Value { count } else { 0.0 };
            parts.push((count, place.written, unwritten(keyspace, place.role)));
        }
        let clean = |before: u64| {
            let reached = |&(count, written, clean): &(f64, u64, f64)| {
                count * if written > before { clean } else { 1.0 }
            };
            parts.iter().map(reached).sum::<f64>() / places
        };
        let mut dirty = 0.0;
        for group in &self.slab.pages {
            // Slots that lie side by side are one place.
            let whole = clean(0).powf(group.starts * places / slots);
            let reaching_over = group.reaching_over.map_or(1.0, |before| clean(before).powf(places / slots));
            let kept = if group.is_inside_object { 1.0 - progress * values / places } else { 1.0 };
            dirty += group.pages * (1.0 - whole * reaching_over) * kept;
        }
        slots / self.slab.objects * dirty
    }
}
