//! What a measured row was a save of: engine, keys, their sizes and the operations on them.

use smallvec::smallvec;

use super::Unpredicted;
use super::row::Row;
use crate::memory::layout::listpack_bytes;
use crate::memory::{
    Allocator, Exposure, Heap, KeyKind, Keys, LayoutProfile, Popularity, Population, Spread, Value, child,
    expiry,
};
use crate::scenario;

/// `value_bytes` of rows whose values are integers.
const INTEGER: u64 = 8;

/// Fields of the hashes in these files, and the length of their names: `f0` to `f9`.
const HASH_FIELDS: (u64, u64) = (10, 2);

/// `used_memory` of a server beside its keys and tables: itself, its clients and their buffers \[bytes\].
///
/// Measured: 0.5 to 3 MiB on Redis 7.0.15 and Valkey 8.0.1.
const SERVER_ITSELF: f64 = 1024.0 * 1024.0;

/// The server, its keys and the load of one row.
#[derive(Clone, Debug)]
pub struct Subject {
    /// What the engine allocates.
    pub layout: LayoutProfile,
    /// How its allocator was built.
    pub allocator: Allocator,
    /// The pools.
    pub heap: Heap,
    /// The keys that the load goes to, and those beside them.
    pub population: Population,
    /// Their popularity.
    pub spreads: Vec<Spread>,
    /// The kind of the keys as they were loaded.
    pub kind: KeyKind,
    /// The child's own memory \[bytes\].
    pub own_memory: f64,
    operation: Operation,
}

/// What the load does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Nothing,
    Set,
    Incr,
    Hset,
    Insert,
    InsertAndEvict { oldest: bool },
    Replace,
    InsertAndExpire,
}

impl Subject {
    /// The subject of `row`.
    ///
    /// # Errors
    ///
    /// Where the engine has no layout profile, or a column that the prediction needs is missing.
    pub fn of(row: &Row) -> Result<Self, Unpredicted> {
        let layout = layout(row)?;
        let allocator = match row.allocator.as_deref() {
            Some("jemalloc-bundled") => Allocator::Bundled,
            Some("jemalloc-system") | None => Allocator::System,
            Some(other) => return Err(Unpredicted(format!("no size classes are known of {other}"))),
        };
        let kind = kind(row)?;
        let operation = operation(row)?;
        let all_keys = row.nkeys.ok_or_else(|| Unpredicted("nkeys is missing".into()))?;
        let reached = match operation {
            Operation::InsertAndExpire => live_keys(row)?.min(all_keys),
            _ => row.loaded_keys.filter(|&keys| keys > 0.0).unwrap_or(all_keys).min(all_keys),
        };
        let population = Population { keys: smallvec![reached], untouched: all_keys - reached };
        let page_size = row.page_bytes.unwrap_or(4096);
        let heap_of = |keys: Keys| Heap::new(&layout, allocator, page_size, &[keys]);
        let keys = resized(row, kind, &population, &heap_of);
        let compresses = row.rdb_compression.as_deref() != Some("no") && child::compresses(kind.value);
        Ok(Self {
            heap: heap_of(keys),
            spreads: vec![Spread::new(popularity(row)?, reached)],
            own_memory: child::own_memory(compresses),
            layout,
            allocator,
            population,
            kind,
            operation,
        })
    }

    /// All of its keys.
    pub fn keys(&self) -> f64 {
        self.population.keys.iter().sum::<f64>() + self.population.untouched
    }

    /// What `writes` writes of the load have done.
    pub fn exposure(&self, writes: f64) -> Exposure {
        let nothing = Exposure::default();
        match self.operation {
            Operation::Nothing => nothing,
            Operation::Set => Exposure { set: writes, ..nothing },
            Operation::Incr => Exposure { incr: writes, ..nothing },
            Operation::Hset => Exposure { hset: writes, ..nothing },
            Operation::Insert => Exposure { insert: writes, ..nothing },
            Operation::InsertAndEvict { oldest: false } => {
                Exposure { insert: writes, random_delete: writes, ..nothing }
            }
            Operation::InsertAndEvict { oldest: true } | Operation::InsertAndExpire => {
                Exposure { insert: writes, oldest_delete: writes, ..nothing }
            }
            // DEL and SET of the same key are counted one by one.
            Operation::Replace => Exposure { replace: writes / 2.0, ..nothing },
        }
    }
}

fn layout(row: &Row) -> Result<LayoutProfile, Unpredicted> {
    let mut parts = row.version.split('.');
    let release = [parts.next().unwrap_or_default(), parts.next().unwrap_or_default()].join(".");
    let engine = format!("{}-{release}", row.server);
    let unknown = || Unpredicted(format!("there is no layout profile of {engine}"));
    scenario::layout(&engine).cloned().ok_or_else(unknown)
}

fn kind(row: &Row) -> Result<KeyKind, Unpredicted> {
    let bytes = row.value_bytes.ok_or_else(|| Unpredicted("value_bytes is missing".into()))?;
    let value = match bytes {
        _ if is_hash(row) => {
            let (fields, name) = HASH_FIELDS;
            Value::Listpack(listpack_bytes(fields, name, bytes))
        }
        INTEGER => Value::Integer,
        _ => Value::Bytes(bytes),
    };
    Ok(KeyKind { key_size: row.key_bytes.unwrap_or(16), value, has_ttl: row.op == "setex" })
}

/// Whether the keys are hashes: the load says so, and an idle save of them only by its name.
fn is_hash(row: &Row) -> bool {
    row.op == "hset" || row.run_id.contains("_hash_")
}

fn operation(row: &Row) -> Result<Operation, Unpredicted> {
    let limited = row.maxmemory_bytes.is_some_and(|bytes| bytes > 0.0);
    let policy = row.maxmemory_policy.as_deref().unwrap_or("noeviction");
    Ok(match row.op.as_str() {
        "idle" | "get" => Operation::Nothing,
        "set" | "setvary" => Operation::Set,
        "incr" => Operation::Incr,
        "hset" => Operation::Hset,
        "insert" if limited && policy == "allkeys-random" => Operation::InsertAndEvict { oldest: false },
        "insert" if limited && policy == "allkeys-lru" => Operation::InsertAndEvict { oldest: true },
        "insert" if limited && policy != "noeviction" => {
            return Err(Unpredicted(format!("eviction by {policy} is not modelled")));
        }
        "insert" => Operation::Insert,
        "delset" => Operation::Replace,
        "setex" => Operation::InsertAndExpire,
        other => return Err(Unpredicted(format!("a load of {other} is not modelled"))),
    })
}

fn popularity(row: &Row) -> Result<Popularity, Unpredicted> {
    Ok(match row.dist.as_deref() {
        None | Some("" | "uniform") => Popularity::Uniform,
        Some("zipf") => Popularity::Zipf { theta: 0.99 },
        Some("hotspot") => Popularity::Hotspot { keys: 0.2, writes: 0.8 },
        Some(other) => return Err(Unpredicted(format!("no popularity is called {other}"))),
    })
}

/// Keys that are there because they have not expired, or not been found to have.
fn live_keys(row: &Row) -> Result<f64, Unpredicted> {
    let missing = |column| Unpredicted(format!("{column} is missing"));
    let ttl = row.ttl_s.ok_or_else(|| missing("ttl_s"))?;
    let rate = row.target_rate_per_s.ok_or_else(|| missing("target_rate_per_s"))?;
    Ok(expiry::keys_with_ttl(rate, ttl))
}

/// The keys with the sizes that `setvary` gave them, before the fork and during the save.
///
/// How many keys had changed their size by the fork was not written down; it follows from `used_memory`, which would be
/// that of the loaded size if none had.
fn resized(row: &Row, kind: KeyKind, population: &Population, heap_of: &dyn Fn(Keys) -> Heap) -> Keys {
    let was_resized = row.notes.as_deref().is_some_and(|notes| notes.contains("after setvary"));
    let is_resizing = row.op == "setvary";
    let (Value::Bytes(nominal), true) = (kind.value, was_resized || is_resizing) else {
        return Keys::alike(kind);
    };
    let sizes = nominal / 2..=nominal * 3 / 2;
    let share = 1.0 / (nominal * 3 / 2 - nominal / 2 + 1) as f64;
    let written = sizes.map(|bytes| (share, KeyKind { value: Value::Bytes(bytes), ..kind })).collect();
    let as_loaded = Keys { kind, written, resized: 0.0, is_resizing };
    let all_resized = Keys { resized: 1.0, ..as_loaded.clone() };
    let (loaded, mixed) = (heap_of(as_loaded.clone()), heap_of(all_resized));
    let everything =
        loaded.used_memory(population) + population.untouched * loaded.key_bytes(0) + SERVER_ITSELF;
    let saved = everything - row.used_memory_bytes.unwrap_or(everything);
    let at_most = population.keys[0] * (loaded.key_bytes(0) - mixed.key_bytes(0));
    let resized = if at_most.abs() < 1.0 { 0.0 } else { (saved / at_most).clamp(0.0, 1.0) };
    Keys { resized, ..as_loaded }
}
