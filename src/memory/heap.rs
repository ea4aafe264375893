//! The dirty-page law: which pages of the heap a load writes.
//!
//! Keys lie at random in memory, so the pages of a [pool](crate::memory) are exchangeable, and a page with `n` places
//! on it is dirty once one of them is written:
//!
//! ```text
//! E[dirty pages] = Σ pools Σ page positions  slabs · (1 − φ̄^n)
//! φ̄ = Σ counts · φ_place / Σ counts            over the key kinds and roles that share the pool
//! ```
//!
//! `φ_place` is the chance that no write has reached the place: φ of its keyspace at the writes that touch its
//! role, see [`popularity`](crate::memory::popularity). The law has no fitted constant; `forkcast validate` holds it
//! against measured saves.
//!
//! Left out: the order in which keys were loaded. Keys that are neighbours in time and in heat lie together, and a
//! load on them copies less.

use smallvec::SmallVec;

use crate::memory::exposure::{Exposure, Unwritten};
use crate::memory::keys::Keys;
use crate::memory::layout::{ChildRelease, KeyKind, Place, Role, TableShape};
use crate::memory::pool::{FreedPages, KindState, Member, Pool};
use crate::memory::release::{self, Released};
use crate::memory::slab::Slab;
use crate::memory::table::Table;
use crate::memory::{Allocator, LayoutProfile, Spread};

/// The allocator's pools as a set of key kinds fills them.
#[derive(Clone, Debug)]
pub struct Heap {
    page_size: u64,
    table: TableShape,
    bucket_bytes: u64,
    release: ChildRelease,
    kinds: Vec<KindLayout>,
    pools: Vec<Pool>,
}

#[derive(Clone, Debug)]
struct KindLayout {
    key_bytes: f64,
    has_ttl: bool,
    /// The share of the overwrites that put a new object into the table.
    moved_share: f64,
}

/// How many keys there are.
#[derive(Clone, Debug, PartialEq)]
pub struct Population {
    /// Keys of each kind, in the order given to [`Heap::new`]; most servers hold one or two kinds.
    pub keys: SmallVec<[f64; 2]>,
    /// Keys beside them that no operation reaches, on pages of their own: they count in the hash table alone.
    pub untouched: f64,
}

impl Population {
    /// So many keys of each kind and no others.
    pub fn of(keys: impl IntoIterator<Item = f64>) -> Self {
        Self { keys: keys.into_iter().collect(), untouched: 0.0 }
    }
}

/// What a load has copied of one pool.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolCopies {
    /// What is kept in it, "table entry, key".
    pub name: String,
    /// Its size class; for the hash tables the size of a bucket \[bytes\].
    pub class_bytes: u64,
    /// Objects in it.
    pub objects: f64,
    /// Its pages.
    pub pages: f64,
    /// Those copied, and not given back by the child.
    pub copied_pages: f64,
}

/// A pool under a load.
#[derive(Clone, Copy, Debug)]
pub(super) struct PoolLoad {
    /// Its size \[bytes\].
    pub(super) bytes: f64,
    /// Places in it.
    pub(super) places: f64,
    /// Size of a place \[bytes\].
    pub(super) place_bytes: f64,
    /// The logarithm of the chance that a place is clean.
    pub(super) log_clean: f64,
}

/// The hash tables under a load.
#[derive(Clone, Copy, Debug)]
pub(super) struct TablesLoad {
    /// Their size \[bytes\].
    pub(super) bytes: f64,
    /// Their pages that are written \[bytes\].
    pub(super) written: f64,
}

impl Heap {
    /// The pools of `kinds` under one engine version and allocator, on pages of `page_size` bytes.
    pub fn new(layout: &LayoutProfile, allocator: Allocator, page_size: u64, kinds: &[Keys]) -> Self {
        let mut heap = Self {
            page_size,
            table: layout.table,
            bucket_bytes: layout.bucket_bytes,
            release: layout.child_release,
            kinds: Vec::new(),
            pools: Vec::new(),
        };
        for (index, keys) in kinds.iter().enumerate() {
            heap.add(index, keys, layout, allocator);
        }
        heap.pools.iter_mut().for_each(Pool::join_alike_pages);
        heap
    }

    fn add(&mut self, index: usize, keys: &Keys, layout: &LayoutProfile, allocator: Allocator) {
        let mut fill = |share: f64, kind: KeyKind, count: fn(&mut Member, f64)| {
            for place in layout.places(allocator, kind) {
                let member = self.member(index, place, allocator);
                member.is_freed |= place.role == Role::Value && layout.child_frees(kind);
                member.is_written_when_left |=
                    place.role == Role::Object && layout.overwrite_writes_left_object();
                count(member, share);
            }
        };
        for (share, kind) in keys.at_fork() {
            fill(share, kind, |member, share| member.at_fork += share);
        }
        for (share, kind) in keys.overwritten_as() {
            fill(share, kind, |member, share| member.overwritten += share);
        }
        for (share, moved_to) in keys.vacated_by() {
            fill(share, keys.kind, |member, share| member.vacant += share);
            fill(share, moved_to, |member, share| member.vacant -= share);
        }
        self.pools.iter_mut().for_each(|pool| pool.forget_empty_slabs(index));
        let moved = keys.overwritten_as().filter(|&(_, kind)| layout.overwrite_moves_object(kind));
        self.kinds.push(KindLayout {
            key_bytes: keys
                .at_fork()
                .map(|(share, kind)| share * layout.key_bytes(allocator, kind) as f64)
                .sum(),
            has_ttl: keys.kind.has_ttl,
            moved_share: moved.map(|(share, _)| share).sum(),
        });
    }

    fn member(&mut self, kind: usize, place: Place, allocator: Allocator) -> &mut Member {
        let known = self.pools.iter().position(|pool| pool.class == place.class);
        let index = known.unwrap_or_else(|| {
            let slab = Slab::of_class(allocator, place.class, self.page_size);
            self.pools.push(Pool::new(place.class, slab));
            self.pools.len() - 1
        });
        self.pools[index].member(kind, place)
    }

    /// Bytes of one key of `kind`, without its buckets.
    pub fn key_bytes(&self, kind: usize) -> f64 {
        self.kinds[kind].key_bytes
    }

    /// `used_memory` of a population: its keys and its hash tables \[bytes\]. Untouched keys count in the tables alone.
    pub fn used_memory(&self, population: &Population) -> f64 {
        let keys = population.keys.iter().zip(&self.kinds).map(|(count, kind)| count * kind.key_bytes);
        keys.sum::<f64>() + self.tables(population).into_iter().map(|table| table.bytes).sum::<f64>()
    }

    /// The population that fills `bytes` of `used_memory`, its kinds in the given shares of the bytes of keys.
    ///
    /// Hash tables double at powers of two, so some sizes cannot be met exactly: just below a doubling
    /// the population stays at the power of two, and its size a table short of `bytes`.
    pub fn population_of(&self, bytes: f64, shares: &[f64]) -> Population {
        const ROUNDS: usize = 3;
        const DIGITS_LOST: f64 = 1e-14;
        let scaled = |scale: f64| {
            let keys = shares.iter().zip(&self.kinds).map(|(share, kind)| scale * share / kind.key_bytes);
            Population::of(keys)
        };
        let tables =
            |scale: f64| self.tables(&scaled(scale)).into_iter().map(|table| table.bytes).sum::<f64>();
        // Tables grow with the scale, by jumps at the doublings: what fits leaves no less for them than they take at a
        // smaller scale, and need not leave more than they take at a larger one.
        let (mut fits, mut exceeds) = (0.0, bytes.max(0.0));
        for _ in 0..ROUNDS {
            fits = (bytes - tables(exceeds)).max(fits);
            exceeds = (bytes - tables(fits)).min(exceeds);
        }
        // The last digits are those of the sum: bisect to the largest scale that fits.
        fits -= fits * DIGITS_LOST;
        exceeds += exceeds * DIGITS_LOST;
        loop {
            let middle = f64::midpoint(fits, exceeds);
            if middle <= fits || middle >= exceeds {
                break;
            }
            if self.used_memory(&scaled(middle)) <= bytes {
                fits = middle;
            } else {
                exceeds = middle;
            }
        }
        scaled(fits)
    }

    /// Expected bytes copied by `exposures` on `population`, both by key kind, for a child that has given back
    /// `released`; `spreads` are the kinds' popularities \[bytes\].
    pub fn copied_bytes(
        &self,
        population: &Population,
        exposures: &[Exposure],
        spreads: &[Spread],
        released: Released,
    ) -> f64 {
        let tables = self.tables(population);
        let kinds = states(population, exposures, spreads, &tables);
        let pools: f64 =
            self.pools.iter().map(|pool| pool.copied(&kinds, self.release, released).copied).sum();
        let page_size = self.page_size as f64;
        page_size * (pools + self.dirty_table_pages(&tables, &kinds, page_size))
    }

    /// The same, pool by pool, the hash tables last.
    pub fn pools(
        &self,
        population: &Population,
        exposures: &[Exposure],
        spreads: &[Spread],
        released: Released,
    ) -> Vec<PoolCopies> {
        let tables = self.tables(population);
        let kinds = states(population, exposures, spreads, &tables);
        let pool = |pool: &Pool| {
            let pages = pool.copied(&kinds, self.release, released);
            PoolCopies {
                name: name_of(pool),
                class_bytes: pool.class,
                objects: pages.objects,
                pages: pages.pages,
                copied_pages: pages.copied,
            }
        };
        let buckets = PoolCopies {
            name: "hash tables".into(),
            class_bytes: self.bucket_bytes,
            objects: tables.iter().map(|table| table.bytes).sum::<f64>() / self.bucket_bytes as f64,
            pages: tables.iter().map(|table| table.bytes).sum::<f64>() / self.page_size as f64,
            copied_pages: self.dirty_table_pages(&tables, &kinds, self.page_size as f64),
        };
        self.pools.iter().map(pool).chain([buckets]).collect()
    }

    /// The pools under a load, for the law of [huge pages](crate::memory::huge_pages).
    pub(super) fn pool_loads(
        &self,
        population: &Population,
        exposures: &[Exposure],
        spreads: &[Spread],
    ) -> Vec<PoolLoad> {
        let tables = self.tables(population);
        let kinds = states(population, exposures, spreads, &tables);
        self.pools.iter().filter_map(|pool| pool.load(&kinds)).collect()
    }

    /// The hash tables under a load, on pages of `page_size` bytes.
    pub(super) fn tables_on_pages_of(
        &self,
        population: &Population,
        exposures: &[Exposure],
        spreads: &[Spread],
        page_size: f64,
    ) -> TablesLoad {
        let tables = self.tables(population);
        let kinds = states(population, exposures, spreads, &tables);
        let bytes: f64 = tables.iter().map(|table| table.bytes).sum();
        let written = self.dirty_table_pages(&tables, &kinds, page_size) * page_size;
        TablesLoad { bytes, written: written.min(bytes) }
    }

    /// Whether a child can give pages of this heap back while it saves, long enough before its end to matter.
    pub fn can_give_back(&self) -> bool {
        self.pools.iter().any(Pool::can_give_back)
    }

    /// Bytes that `exposures` put on new pages: keys added beyond those that went, and values that found no vacant
    /// slot of their size.
    pub fn grown_bytes(&self, population: &Population, exposures: &[Exposure], spreads: &[Spread]) -> f64 {
        let tables = self.tables(population);
        let kinds = states(population, exposures, spreads, &tables);
        let resized: f64 = self.pools.iter().map(|pool| pool.grown(&kinds)).sum();
        let added = exposures.iter().zip(&self.kinds).map(|(e, kind)| e.net_keys() * kind.key_bytes);
        resized + added.sum::<f64>()
    }

    /// The child's bookkeeping for what it frees, once it has come so far \[bytes\].
    ///
    /// ```text
    /// Σ = M (1 − exp(−frees/M))        M the pages of jemalloc's extents (128 bytes each) and of its page map
    /// ```
    ///
    /// A free writes the extent of the object's slab; extents of all pools lie mixed on their pages. Slabs that become
    /// free write the page map, 8 bytes a page. Source: jemalloc 5.3, `edata.h`, `rtree.h`. Measured on Valkey 8.1.1:
    /// saves without a write cost 5 to 7 MiB at 0.5 GiB, of which this is 3.5 to 4.5.
    pub fn freeing_costs(&self, population: &Population, progress: f64) -> f64 {
        let freed: Vec<_> = self.pools.iter().filter_map(|pool| pool.freed(&population.keys)).collect();
        if freed.is_empty() {
            return 0.0;
        }
        let slabs: f64 = self.pools.iter().map(|pool| pool.slabs(&population.keys)).sum();
        let page_size = self.page_size as f64;
        let heap_pages = self.used_memory(population) / page_size;
        let pages = (slabs * EXTENT_BYTES + heap_pages * PAGE_MAP_BYTES) / page_size;
        let objects: f64 = freed.iter().map(|pool| pool.objects).sum();
        page_size * pages * -(-progress * objects / pages).exp_m1()
    }

    /// Over the course of a save, what of the child's free pages its allocator has purged: one share for each of the
    /// `seconds`, at which it has come `progress` far.
    pub fn purged(&self, population: &Population, seconds: &[f64], progress: &[f64]) -> Vec<f64> {
        let freed: Vec<_> = self.pools.iter().filter_map(|pool| pool.freed(&population.keys)).collect();
        if freed.is_empty() {
            return vec![0.0; seconds.len()];
        }
        let objects: f64 = freed.iter().map(|pool| pool.objects).sum();
        let pages_at = |progress: f64| -> f64 {
            let pages =
                |pool: &FreedPages| pool.pages * (progress * pool.freed_share).powf(pool.objects_per_slab);
            freed.iter().map(pages).sum()
        };
        let pages: Vec<f64> = progress.iter().map(|&share| pages_at(share)).collect();
        let objects: Vec<f64> = progress.iter().map(|share| share * objects).collect();
        release::purged(seconds, &pages, &objects)
    }

    /// The main hash table and the table of expiry times.
    fn tables(&self, population: &Population) -> [Table; 2] {
        let counts = population.keys.iter().zip(&self.kinds);
        let all = population.keys.iter().sum::<f64>() + population.untouched;
        let expiring: f64 = counts.filter(|(_, kind)| kind.has_ttl).map(|(count, _)| count).sum();
        [all, expiring].map(|keys| Table::new(self.table, keys, self.bucket_bytes as f64))
    }

    /// Pages of the tables that are written: a new key writes the head of its bucket, a deleted one its slot where no
    /// entry is chained before it, and an overwrite where it moves the object that the table points to. An overwrite
    /// that sets a TTL takes the key out of the table of expiry times and puts it back.
    fn dirty_table_pages(&self, tables: &[Table; 2], kinds: &[KindState], page_size: f64) -> f64 {
        let kinds = || kinds.iter().zip(&self.kinds);
        let [main, expires] = tables;
        let main_hits: f64 = kinds().map(|(state, kind)| bucket_writes(state, kind.moved_share, main)).sum();
        let expiring = kinds().filter(|(_, kind)| kind.has_ttl);
        let expires_hits: f64 = expiring.map(|(state, _)| bucket_writes(state, 1.0, expires)).sum();
        main.dirty_pages(main_hits, page_size) + expires.dirty_pages(expires_hits, page_size)
    }
}

/// Writes to buckets at random that leave as many of them clean as those to one kind of key do, where a share `moved`
/// of its overwrites changes the table.
///
/// A key stays in its bucket: `w` writes that follow the popularity count as `-N ln φ(w)`.
fn bucket_writes(kind: &KindState, moved: f64, table: &Table) -> f64 {
    let Exposure { set, insert, delete, replace, random_delete, oldest_delete, .. } = *kind.exposure;
    if kind.count <= 0.0 {
        return insert;
    }
    let unlinked = 1.0 - table.chained_before();
    let unwritten = kind.spread.unwritten((set * moved + replace + delete * unlinked) / kind.count);
    let of_its_keys = -kind.count * unwritten.max(f64::MIN_POSITIVE).ln();
    of_its_keys + insert + (random_delete + oldest_delete) * unlinked
}

/// Bytes of an extent's description, and of a page's entry in the page map. Source: jemalloc 5.3, `edata_t` (aligned to
/// 128) and `rtree_leaf_elm_t` on 64-bit machines with 48-bit addresses.
const EXTENT_BYTES: f64 = 128.0;
const PAGE_MAP_BYTES: f64 = 8.0;

fn states<'a>(
    population: &Population,
    exposures: &'a [Exposure],
    spreads: &'a [Spread],
    tables: &[Table; 2],
) -> SmallVec<[KindState<'a>; 2]> {
    let kinds = population.keys.iter().zip(exposures.iter().zip(spreads));
    kinds
        .map(|(&count, (exposure, spread))| KindState {
            count,
            exposure,
            spread,
            unwritten: Unwritten::new(count, exposure, spread, tables),
        })
        .collect()
}

fn name_of(pool: &Pool) -> String {
    let mut names: Vec<&str> = pool.roles().map(Role::name).collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::layout::profiles::{redis_7_0, valkey_8_0};
    use crate::memory::{Popularity, Value};

    fn strings(value: u64) -> KeyKind {
        KeyKind { key_size: 16, value: Value::Bytes(value), has_ttl: false }
    }

    fn heap_of(layout: &LayoutProfile, allocator: Allocator, kinds: &[KeyKind]) -> Heap {
        let keys: Vec<Keys> = kinds.iter().map(|&kind| Keys::alike(kind)).collect();
        Heap::new(layout, allocator, 4096, &keys)
    }

    fn uniform() -> Spread {
        Spread::new(Popularity::Uniform, 1e6)
    }

    fn dirty(heap: &Heap, keys: f64, exposure: Exposure) -> f64 {
        let population = Population::of(vec![keys]);
        heap.copied_bytes(&population, &[exposure], &[uniform()], Released::default()) / 4096.0
    }

    #[test]
    fn no_writes_dirty_nothing() {
        let heap = heap_of(&redis_7_0(), Allocator::System, &[strings(64)]);
        assert!(dirty(&heap, 1e6, Exposure::default()).abs() < f64::EPSILON);
    }

    /// Integer counters live in the object header: 256 of them a page, and nothing else is written.
    #[test]
    fn uniform_increments_meet_the_closed_form() {
        let kind = KeyKind { value: Value::Integer, ..strings(0) };
        let heap = heap_of(&valkey_8_0(), Allocator::Bundled, &[kind]);
        let (keys, writes) = (1e6, 50_000.0);
        let expected = keys / 256.0 * (1.0 - (-writes / keys * 256.0f64).exp());
        let pages = dirty(&heap, keys, Exposure { incr: writes, ..Exposure::default() });
        assert!((pages / expected - 1.0).abs() < 1e-12, "{pages} {expected}");
    }

    /// Pages copied a SET as the number of writes goes to zero, measured: 3.0 at 64 B, 3.06 at 256 B and 3.25 at
    /// 1 KiB, on both servers.
    #[test]
    fn the_first_overwrites_copy_as_many_pages_as_measured() {
        for (layout, allocator) in [(redis_7_0(), Allocator::System), (valkey_8_0(), Allocator::Bundled)] {
            for (value, measured) in [(64, 3.0), (256, 3.06), (1024, 3.25)] {
                let heap = heap_of(&layout, allocator, &[strings(value)]);
                let pages = dirty(&heap, 1e8, Exposure { set: 1.0, ..Exposure::default() });
                assert!((pages - measured).abs() < 0.07, "{} {value}: {pages}", layout.engine);
            }
        }
    }

    #[test]
    fn inserts_copy_the_bucket_array_and_no_more() {
        let heap = heap_of(&redis_7_0(), Allocator::System, &[strings(64)]);
        let pages = dirty(&heap, 4e6, Exposure { insert: 1e9, ..Exposure::default() });
        assert!((pages - f64::from(1 << 22) * 8.0 / 4096.0).abs() < 1e-6, "{pages}");
    }

    #[test]
    fn all_written_is_all_copied_and_no_more_than_the_heap() {
        let heap = heap_of(&redis_7_0(), Allocator::System, &[strings(1024)]);
        let population = Population::of(vec![1e6]);
        let exposure = Exposure { set: 1e9, ..Exposure::default() };
        let bytes = heap.copied_bytes(&population, &[exposure], &[uniform()], Released::default());
        let tables = f64::from(1 << 20) * 8.0;
        assert!((bytes / (heap.used_memory(&population) - tables) - 1.0).abs() < 1e-9, "{bytes}");
    }

    #[test]
    fn a_population_fills_its_bytes_up_to_one_table_doubling() {
        let kinds = [strings(64), KeyKind { has_ttl: true, ..strings(500) }];
        let heap = heap_of(&valkey_8_0(), Allocator::Bundled, &kinds);
        for bytes in [1e6, 3.3e8, 1.1e9, 27.5e9] {
            let population = heap.population_of(bytes, &[0.3, 0.7]);
            let used = heap.used_memory(&population);
            assert!(used <= bytes && used > 0.9 * bytes, "{used} of {bytes}");
            let ratio = population.keys[0] * heap.key_bytes(0) / (population.keys[1] * heap.key_bytes(1));
            assert!((ratio - 3.0 / 7.0).abs() < 1e-9);
        }
    }

    #[test]
    fn more_writes_never_dirty_fewer_pages() {
        let heap = heap_of(&redis_7_0(), Allocator::System, &[strings(100)]);
        let mut last = 0.0;
        for step in 0..40 {
            let writes = 10f64.powf(f64::from(step) / 5.0);
            let (set, delete) = (writes, writes / 3.0);
            let pages = dirty(&heap, 1e6, Exposure { set, delete, insert: delete, ..Exposure::default() });
            assert!(pages >= last);
            last = pages;
        }
    }
}
