//! What a load has done to the keys since the fork, and which parts of a key that leaves unwritten.

use smallvec::SmallVec;

use crate::memory::layout::Role;
use crate::memory::popularity::Spread;
use crate::memory::table::Table;

/// The exposure of each kind of keys; most servers hold one or two, and the law is asked for millions of times.
pub type Exposures = SmallVec<[Exposure; 2]>;

/// Operations on one key kind since the fork, in numbers of keys hit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Exposure {
    /// Overwrites (`SET`).
    pub set: f64,
    /// Steps of a counter in place (`INCR`).
    pub incr: f64,
    /// Fields set in a small collection (`HSET`).
    pub hset: f64,
    /// New keys.
    pub insert: f64,
    /// Deletions that follow the keyspace's popularity.
    pub delete: f64,
    /// Keys deleted and written anew at once (`DEL` and `SET` of one key).
    pub replace: f64,
    /// Deletions of any key alike: expiry and random eviction.
    pub random_delete: f64,
    /// Deletions of the oldest keys, each once: least recently used ones, and keys that expire in the order they came.
    pub oldest_delete: f64,
}

impl Exposure {
    /// Deletions that leave fewer keys.
    pub fn deletions(&self) -> f64 {
        self.delete + self.random_delete + self.oldest_delete
    }

    /// Keys added beyond those that go.
    pub fn net_keys(&self) -> f64 {
        (self.insert - self.deletions()).max(0.0)
    }

    /// The exposure of `factor` times as much.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self {
            set: self.set * factor,
            incr: self.incr * factor,
            hset: self.hset * factor,
            insert: self.insert * factor,
            delete: self.delete * factor,
            replace: self.replace * factor,
            random_delete: self.random_delete * factor,
            oldest_delete: self.oldest_delete * factor,
        }
    }

    /// Both exposures together.
    #[must_use]
    pub fn plus(self, other: &Self) -> Self {
        Self {
            set: self.set + other.set,
            incr: self.incr + other.incr,
            hset: self.hset + other.hset,
            insert: self.insert + other.insert,
            delete: self.delete + other.delete,
            replace: self.replace + other.replace,
            random_delete: self.random_delete + other.random_delete,
            oldest_delete: self.oldest_delete + other.oldest_delete,
        }
    }
}

/// For one key kind: the chance that no write has reached a part of a key, by role.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unwritten {
    by_role: [f64; Role::ALL.len()],
    /// The chance that no deletion has freed the key's slots.
    pub(super) spared: f64,
}

impl Unwritten {
    /// `keys` keys under `exposure`, written as `spread` says, in the main table and the table of expiry times.
    pub(super) fn new(keys: f64, exposure: &Exposure, spread: &Spread, tables: &[Table; 2]) -> Self {
        if keys <= 0.0 {
            return Self { by_role: [1.0; Role::ALL.len()], spared: 1.0 };
        }
        let Exposure { set, incr, hset, random_delete, oldest_delete, .. } = *exposure;
        let delete = exposure.delete + exposure.replace;
        let spared = (-random_delete / keys).exp() * (1.0 - oldest_delete / keys).max(0.0);
        let unwritten = |writes: f64| spread.unwritten(writes / keys) * spared;
        let overwritten = unwritten(set + delete);
        let value = if hset > 0.0 { unwritten(set + hset + delete) } else { overwritten };
        let header = if incr > 0.0 { unwritten(set + incr + hset + delete) } else { value };
        let removed = if delete > 0.0 { unwritten(delete) } else { spared };
        // Unlinking an entry that is not the first of its chain writes the entry before it: any entry alike.
        let unlinks = exposure.deletions() + exposure.replace;
        let unlinked = |table: &Table, times: f64| (-times * table.chained_before() / keys).exp();
        let [main, expires] = tables;
        // An overwrite takes the old TTL away and sets the new one.
        let by_role = Role::ALL.map(|role| match role {
            Role::Entry => overwritten * unlinked(main, unlinks),
            Role::Object => header,
            Role::Value => value,
            Role::Expires => overwritten * unlinked(expires, set + unlinks),
            Role::Key => removed,
        });
        Self { by_role, spared: removed }
    }

    pub(super) fn of(&self, role: Role) -> f64 {
        self.by_role[role as usize]
    }
}
