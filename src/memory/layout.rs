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

/// Where the key string is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPlacement {
    /// A table entry points to a key string allocated on its own.
    Separate,
    /// The key string lies inside the table entry's allocation.
    EmbeddedInEntry,
    /// There is no entry: the table points to the object, and the key string lies inside it.
    EmbeddedInObject,
}

/// How the main hash table finds its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableShape {
    /// One pointer a bucket and chained entries (`dict`).
    Chained,
    /// Buckets of seven slots of one cache line, chained when they are full (`hashtable`, Valkey from 8.1).
    Bucketed,
}

/// What a saving child does with a string it has written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildRelease {
    /// Tells the kernel to drop the whole pages inside its allocation (`dismissObject`, Redis from 7.0).
    Dismissed,
    /// Frees it, so that the allocator gives pages back when it purges (Valkey from 8.1).
    Freed,
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
    /// How the hash table is built.
    pub table: TableShape,
    /// Fixed bytes of a table entry, without an embedded key; 0 where there is none \[bytes\].
    pub entry_bytes: u64,
    /// Where the key string lies.
    pub key_placement: KeyPlacement,
    /// Bytes of an object header (`robj`) \[bytes\].
    pub object_bytes: u64,
    /// Bytes of the header of an object that holds key and value: without the pointer where that is dropped \[bytes\].
    pub embedded_object_bytes: u64,
    /// The longest value kept in one allocation with its object header (`embstr`), where the key is elsewhere; a value
    /// of at most this length comes as such an object from the client in every version \[bytes\].
    pub embstr_max: u64,
    /// The largest object that holds key and value, where the key lies in the object \[bytes\].
    pub embedded_max: u64,
    /// Bytes of one bucket of the hash table; the table has a power of two of them \[bytes\].
    pub bucket_bytes: u64,
    /// What a key with a TTL takes besides its slot in the table of expiry times: an entry of that table, or room
    /// in the object where the key lies there \[bytes\].
    pub expires_bytes: u64,
    /// What a saving child does with strings it has written.
    pub child_release: ChildRelease,
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
    /// A small collection in one listpack of so many bytes, see [`listpack_bytes`].
    Listpack(u64),
}

/// What an allocation is to its key; which operations write it follows from this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The table entry, with the key string and the entry of the expiry table where they lie beside it.
    Entry,
    /// The object header, with the key and a short value inside it where the version puts them there.
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

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Entry => "table entry",
            Self::Object => "object",
            Self::Value => "value",
            Self::Key => "key",
            Self::Expires => "expiry entry",
        }
    }
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
    /// The bytes a write reaches, from the start of the first slot: what is used of it \[bytes\].
    pub written: u64,
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

/// Bytes of a listpack that holds a hash of `fields` fields with names and values of the given lengths \[bytes\].
///
/// A header of 6 bytes, for each string its length in 1 byte up to 63, 2 up to 4095 and 5 above, its text, and the
/// length of both in 1 byte up to 127 and 2 above, and an end of 1 byte. Source: `listpack.c`, Redis from 7.0 and
/// Valkey. Small integers take less.
pub fn listpack_bytes(fields: u64, name: u64, value: u64) -> u64 {
    let string = |length: u64| {
        let entry = length
            + match length {
                0..=63 => 1,
                64..=4095 => 2,
                _ => 5,
            };
        entry + if entry < 128 { 1 } else { 2 }
    };
    6 + fields * (string(name) + string(value)) + 1
}

/// An allocation of a key: what it is, how many bytes are asked for and how many a write reaches.
struct Allocation {
    role: Role,
    bytes: u64,
    written: u64,
}

impl Allocation {
    fn whole(role: Role, bytes: u64) -> Self {
        Self { role, bytes, written: bytes }
    }
}

impl LayoutProfile {
    /// The places of one key of `kind`.
    ///
    /// The key string, the table entry and the expiry entry are allocated one after the other when a key is
    /// added, so those of them that share a class lie side by side and count as one place; the object and its value
    /// are allocated anew by every overwrite and drift away from them.
    pub fn places(&self, allocator: Allocator, kind: KeyKind) -> Vec<Place> {
        let key = sds_bytes(kind.key_size, true);
        let mut allocations = match self.key_placement {
            KeyPlacement::EmbeddedInEntry => vec![Allocation::whole(Role::Entry, self.entry_bytes + key)],
            KeyPlacement::Separate => {
                vec![Allocation::whole(Role::Entry, self.entry_bytes), Allocation::whole(Role::Key, key)]
            }
            KeyPlacement::EmbeddedInObject => Vec::new(),
        };
        if kind.has_ttl && self.key_placement != KeyPlacement::EmbeddedInObject {
            allocations.push(Allocation::whole(Role::Expires, self.expires_bytes));
        }
        allocations.extend(self.object_and_value(kind));
        beside_each_other(allocations.into_iter().map(|Allocation { role, bytes, written }| Place {
            role,
            class: size_class(allocator, bytes),
            slots: 1,
            written,
        }))
    }

    fn object_and_value(&self, kind: KeyKind) -> Vec<Allocation> {
        // A header in place is written in its first bytes alone: type, encoding and pointer.
        let header = Allocation {
            role: Role::Object,
            bytes: self.object_bytes + self.embedded_key_bytes(kind),
            written: self.object_bytes,
        };
        match kind.value {
            Value::Integer => vec![header],
            Value::Listpack(bytes) => vec![header, Allocation::whole(Role::Value, bytes)],
            Value::Bytes(value) => match self.embedded_bytes(kind) {
                Some(bytes) => vec![Allocation::whole(Role::Object, bytes)],
                None => vec![header, Allocation::whole(Role::Value, sds_bytes(value, false))],
            },
        }
    }

    /// Bytes that the key takes inside its object: one for the length of its header, the string, and the expiry time.
    fn embedded_key_bytes(&self, kind: KeyKind) -> u64 {
        match self.key_placement {
            KeyPlacement::EmbeddedInObject => {
                1 + sds_bytes(kind.key_size, true) + if kind.has_ttl { self.expires_bytes } else { 0 }
            }
            KeyPlacement::Separate | KeyPlacement::EmbeddedInEntry => 0,
        }
    }

    /// The size of the object that holds the value too, where it is short enough \[bytes\].
    fn embedded_bytes(&self, kind: KeyKind) -> Option<u64> {
        let Value::Bytes(value) = kind.value else { return None };
        let bytes = match self.key_placement {
            KeyPlacement::EmbeddedInObject => self.embedded_object_bytes,
            KeyPlacement::Separate | KeyPlacement::EmbeddedInEntry => self.object_bytes,
        } + self.embedded_key_bytes(kind)
            + sds_bytes(value, false);
        let fits = match self.key_placement {
            KeyPlacement::EmbeddedInObject => bytes <= self.embedded_max,
            KeyPlacement::Separate | KeyPlacement::EmbeddedInEntry => value <= self.embstr_max,
        };
        fits.then_some(bytes)
    }

    /// Whether an overwrite puts a new object in the place of the old one, and so writes the table where that
    /// points to objects.
    ///
    /// An object that holds its value, or a new value that comes as such an object, cannot be written in place.
    /// Source: `db.c`, `dbSetValue`, Valkey 8.1; measured on 8.1.1 and 9.1.2.
    pub fn overwrite_moves_object(&self, kind: KeyKind) -> bool {
        let comes_embedded = matches!(kind.value, Value::Bytes(value) if value <= self.embstr_max);
        self.key_placement == KeyPlacement::EmbeddedInObject
            && (comes_embedded || self.embedded_bytes(kind).is_some())
    }

    /// Whether an overwrite writes the object that it takes out of the table, before it frees it.
    ///
    /// `dbSetValue` holds a reference to it in between, so its count changes in place. Source: `db.c`, Valkey 8.1;
    /// measured on 9.1.2: overwrites of changing size with values inside their objects copy 1.9 times what new
    /// objects alone would.
    pub fn overwrite_writes_left_object(&self) -> bool {
        self.key_placement == KeyPlacement::EmbeddedInObject
    }

    /// Whether the child frees the values of `kind` once they are written out.
    pub fn child_frees(&self, kind: KeyKind) -> bool {
        self.child_release == ChildRelease::Freed
            && matches!(kind.value, Value::Bytes(_))
            && self.embedded_bytes(kind).is_none()
    }

    /// `used_memory` that the allocations of one key take, without its buckets \[bytes\].
    pub fn key_bytes(&self, allocator: Allocator, kind: KeyKind) -> u64 {
        self.places(allocator, kind).iter().map(|place| place.class * place.slots).sum()
    }
}

/// Joins the key string and the expiry entry to the table entry where they are of its class.
fn beside_each_other(places: impl Iterator<Item = Place>) -> Vec<Place> {
    let mut joined: Vec<Place> = Vec::new();
    for place in places {
        let entry = joined.iter_mut().find(|other| other.role == Role::Entry && other.class == place.class);
        match entry {
            Some(entry) if matches!(place.role, Role::Key | Role::Expires) => {
                entry.written = entry.class * entry.slots + place.written;
                entry.slots += 1;
            }
            _ => joined.push(place),
        }
    }
    joined
}

/// Measured layouts for the tests of the laws above this one.
#[cfg(test)]
pub(crate) mod profiles {
    use super::*;

    pub(crate) fn redis_7_0() -> LayoutProfile {
        LayoutProfile {
            engine: "redis-7.0".into(),
            table: TableShape::Chained,
            entry_bytes: 24,
            key_placement: KeyPlacement::Separate,
            object_bytes: 16,
            embedded_object_bytes: 16,
            embstr_max: 44,
            embedded_max: 0,
            bucket_bytes: 8,
            expires_bytes: 24,
            child_release: ChildRelease::Dismissed,
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

    pub(crate) fn valkey_8_1() -> LayoutProfile {
        LayoutProfile {
            engine: "valkey-8.1".into(),
            table: TableShape::Bucketed,
            entry_bytes: 0,
            key_placement: KeyPlacement::EmbeddedInObject,
            bucket_bytes: 64,
            embedded_max: 64,
            expires_bytes: 8,
            child_release: ChildRelease::Freed,
            ..valkey_8_0()
        }
    }

    pub(crate) fn valkey_9_1() -> LayoutProfile {
        LayoutProfile {
            engine: "valkey-9.1".into(),
            embedded_object_bytes: 8,
            embedded_max: 128,
            ..valkey_8_1()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::profiles::{redis_7_0, valkey_8_0, valkey_8_1, valkey_9_1};
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
        let expected = [(Role::Entry, 32, 2, 50), (Role::Object, 16, 1, 16), (Role::Value, 80, 1, 68)];
        assert_eq!(
            places,
            expected.map(|(role, class, slots, written)| Place { role, class, slots, written })
        );
    }

    #[test]
    fn a_long_key_lies_on_pages_of_its_own() {
        let kind = KeyKind { key_size: 60, ..string(64) };
        let places = redis_7_0().places(Allocator::System, kind);
        let key = Place { role: Role::Key, class: 64, slots: 1, written: 64 };
        assert!(places.contains(&key), "{places:?}");
    }

    /// A million keys of Valkey 8.1.1 and 9.1.2 (Debian, system jemalloc), `used_memory` a key less 17.5 bytes of
    /// buckets.
    #[test]
    fn bytes_a_key_are_those_measured_where_the_key_lies_in_the_object() {
        let bytes = |layout: &LayoutProfile, value| layout.key_bytes(Allocator::System, string(value));
        for (value, expected) in
            [(3, 48), (20, 64), (40, 96), (64, 128), (100, 160), (128, 208), (1024, 1328)]
        {
            assert_eq!(bytes(&valkey_8_1(), value), expected, "{value}");
        }
        for (value, expected) in [(3, 48), (20, 64), (40, 80), (64, 96), (100, 160), (128, 208), (1024, 1328)]
        {
            assert_eq!(bytes(&valkey_9_1(), value), expected, "{value}");
        }
        for (value, expected) in [(3, 160), (8, 208), (32, 496), (60, 816)] {
            let hash = KeyKind { value: Value::Listpack(listpack_bytes(10, 2, value)), ..string(0) };
            assert_eq!(valkey_8_1().key_bytes(Allocator::System, hash), expected, "{value}");
        }
    }

    #[test]
    fn only_embedded_values_move_their_object() {
        assert!(valkey_8_1().overwrite_moves_object(string(44)));
        assert!(!valkey_8_1().overwrite_moves_object(string(64)));
        assert!(valkey_9_1().overwrite_moves_object(string(64)));
        assert!(!redis_7_0().overwrite_moves_object(string(3)));
    }
}
