//! Where a key lives: the allocations an engine version makes for one key.

use crate::memory::slab::size_class;

/// How the server's jemalloc was built. It decides the size classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allocator {
    /// The jemalloc shipped with Redis and Valkey: quantum 8, no cache-oblivious offsets.
    Bundled,
    /// A distribution's jemalloc (Debian): quantum 16, large allocations at a random cache-line offset.
    System,
}

/// Where the key string of a table entry is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPlacement {
    /// The entry points to a key string allocated on its own.
    Separate,
    /// The key string lies inside the entry's allocation.
    EmbeddedInEntry,
}

/// What becomes of the page cache of the RDB file that a save writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RdbCache {
    /// The whole file stays in the cache, droppable (Redis up to 7.0).
    Kept,
    /// The child drops it as it goes (Redis from 7.2, Valkey).
    Dropped,
}

/// What one engine version allocates for a key: data read from a profile file, not code branches.
#[derive(Clone, Debug, PartialEq)]
pub struct LayoutProfile {
    /// The profile's name, `redis-7.0`.
    pub engine: String,
    /// Fixed bytes of a table entry, without an embedded key \[bytes\].
    pub entry_bytes: u64,
    /// Where the key string lies.
    pub key_placement: KeyPlacement,
    /// Bytes of an object header (`robj`) \[bytes\].
    pub object_bytes: u64,
    /// The longest value kept in one allocation with its object header (`embstr`) \[bytes\].
    pub embstr_max: u64,
    /// Bytes of one bucket of the hash table; the table has a power of two of them \[bytes\].
    pub bucket_bytes: u64,
    /// Bytes of an entry in the table of expiry times, for a key with a TTL \[bytes\].
    pub expires_entry_bytes: u64,
    /// What becomes of the RDB file's page cache.
    pub rdb_cache: RdbCache,
    /// Whether saves of this layout were measured for this project, or the layout was only read in source.
    pub measured: bool,
}

/// Keys that are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyKind {
    /// Length of a key \[bytes\].
    pub key_size: u64,
    /// What the keys hold.
    pub value: Value,
    /// Whether they have a TTL, and so an entry in the table of expiry times.
    pub has_ttl: bool,
}

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// A string of so many bytes.
    Bytes(u64),
    /// An integer, kept inside the object header.
    Integer,
}

/// What an allocation is to its key; which operations write it follows from this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The table entry, with the key string and the entry of the expiry table where they lie beside it.
    Entry,
    /// The object header, with a short value inside it.
    Object,
    /// A longer value.
    Value,
    /// The key string on pages of its own: written only when the key comes or goes.
    Key,
    /// The entry in the table of expiry times on pages of its own.
    Expires,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [Self::Entry, Self::Object, Self::Value, Self::Key, Self::Expires];
}

/// Neighbouring slots of one key in one pool: dirty as soon as one of them is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// What it is to its key.
    pub role: Role,
    /// The size class of its slots \[bytes\].
    pub class: u64,
    /// How many slots lie side by side.
    pub slots: u64,
}

/// Bytes of an sds string \[bytes\]: its header, the text and a terminating zero.
///
/// Headers are 1 byte up to 31 bytes of text where the string will not grow (`short`: keys), else 3 up to 255, 5 up
/// to 65,535 and 9 above. Source: `sds.h`, Redis 7.0 and Valkey 8.0.
fn sds_bytes(text: u64, short: bool) -> u64 {
    let header = match text {
        0..=31 if short => 1,
        0..=255 => 3,
        256..=65_535 => 5,
        _ => 9,
    };
    header + text + 1
}

impl LayoutProfile {
    /// The places of one key of `kind`.
    ///
    /// The key string, the table entry and the expiry entry are allocated one after the other when a key is
    /// added, so those of them that share a class lie side by side and count as one place; the object and its value
    /// are allocated anew by every overwrite and drift away from them.
    pub fn places(&self, allocator: Allocator, kind: KeyKind) -> Vec<Place> {
        let key = sds_bytes(kind.key_size, true);
        let mut places = match self.key_placement {
            KeyPlacement::EmbeddedInEntry => vec![(Role::Entry, self.entry_bytes + key)],
            KeyPlacement::Separate => vec![(Role::Entry, self.entry_bytes), (Role::Key, key)],
        };
        if kind.has_ttl {
            places.push((Role::Expires, self.expires_entry_bytes));
        }
        match kind.value {
            Value::Integer => places.push((Role::Object, self.object_bytes)),
            Value::Bytes(value) if value <= self.embstr_max => {
                places.push((Role::Object, self.object_bytes + sds_bytes(value, false)));
            }
            Value::Bytes(value) => {
                places.extend([(Role::Object, self.object_bytes), (Role::Value, sds_bytes(value, false))]);
            }
        }
        beside_each_other(places.into_iter().map(|(role, bytes)| (role, size_class(allocator, bytes))))
    }

    /// `used_memory` that the allocations of one key take, without its buckets \[bytes\].
    pub fn key_bytes(&self, allocator: Allocator, kind: KeyKind) -> u64 {
        self.places(allocator, kind).iter().map(|place| place.class * place.slots).sum()
    }
}

/// Joins the key string and the expiry entry to the table entry where they are of its class.
fn beside_each_other(objects: impl Iterator<Item = (Role, u64)>) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for (role, class) in objects {
        match places.iter_mut().find(|place| place.role == Role::Entry && place.class == class) {
            Some(entry) if matches!(role, Role::Key | Role::Expires) => entry.slots += 1,
            _ => places.push(Place { role, class, slots: 1 }),
        }
    }
    places
}

/// Measured layouts for the tests of the laws above this one.
#[cfg(test)]
pub(crate) mod profiles {
    use super::*;

    pub(crate) fn redis_7_0() -> LayoutProfile {
        LayoutProfile {
            engine: "redis-7.0".into(),
            entry_bytes: 24,
            key_placement: KeyPlacement::Separate,
            object_bytes: 16,
            embstr_max: 44,
            bucket_bytes: 8,
            expires_entry_bytes: 24,
            rdb_cache: RdbCache::Kept,
            measured: true,
        }
    }

    pub(crate) fn valkey_8_0() -> LayoutProfile {
        LayoutProfile {
            engine: "valkey-8.0".into(),
            entry_bytes: 17,
            key_placement: KeyPlacement::EmbeddedInEntry,
            rdb_cache: RdbCache::Dropped,
            ..redis_7_0()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::profiles::{redis_7_0, valkey_8_0};
    use super::*;

    fn string(value: u64) -> KeyKind {
        KeyKind { key_size: 16, value: Value::Bytes(value), has_ttl: false }
    }

    /// Bytes a key of Valkey 8.0.1 with 16-byte keys, a million of them, measured as `used_memory` a key less
    /// 8.4 bytes of buckets: 72.5, 80.5, 112.5, 144.5, 176.5, 704.5 and 1344.5 in all.
    #[test]
    fn bytes_a_key_are_those_measured_on_valkey() {
        for (value, bytes) in [(3, 64), (10, 72), (44, 104), (64, 136), (100, 168), (512, 696), (1024, 1336)]
        {
            assert_eq!(valkey_8_0().key_bytes(Allocator::Bundled, string(value)), bytes, "{value}");
        }
        let integer = KeyKind { value: Value::Integer, ..string(0) };
        assert_eq!(valkey_8_0().key_bytes(Allocator::Bundled, integer), 56);
        let expiring = KeyKind { has_ttl: true, ..string(100) };
        assert_eq!(valkey_8_0().key_bytes(Allocator::Bundled, expiring), 168 + 24);
    }

    #[test]
    fn entry_and_key_share_a_place_under_a_quantum_of_16() {
        let places = redis_7_0().places(Allocator::System, string(64));
        let expected = [(Role::Entry, 32, 2), (Role::Object, 16, 1), (Role::Value, 80, 1)];
        assert_eq!(places, expected.map(|(role, class, slots)| Place { role, class, slots }));
    }

    #[test]
    fn a_long_key_lies_on_pages_of_its_own() {
        let kind = KeyKind { key_size: 60, ..string(64) };
        let places = redis_7_0().places(Allocator::System, kind);
        assert!(places.contains(&Place { role: Role::Key, class: 64, slots: 1 }), "{places:?}");
    }
}
