//! jemalloc's size classes and slabs.
//!
//! The allocator rounds every request up to a size class and keeps the objects of one class together on
//! slabs, whatever they are. So a keyspace is a handful of pools, and two kinds of object of one class
//! share pages.

use crate::memory::Allocator;

/// Classes in each doubling of the size. Source: jemalloc 5.3, `SC_LG_NGROUP` = 2.
const CLASSES_PER_DOUBLING: u64 = 4;

/// The size class of a request \[bytes\].
///
/// Multiples of the quantum up to four of them beyond a power of two, then four classes a doubling:
/// …, 128, 160, 192, 224, 256, 320, …. A bundled jemalloc (`--with-lg-quantum=3`) has 8, 16, 24, 32, 40, 48,
/// 56 and 64 first, a system one 16, 32, 48 and 64: a 24-byte entry takes 24 bytes in one and 32 in the other.
///
/// Source: jemalloc 5.3 `sc.h`; Redis and Valkey `deps/Makefile`; both confirmed by `used_memory` a key.
pub fn size_class(allocator: Allocator, bytes: u64) -> u64 {
    let quantum = match allocator {
        Allocator::Bundled => 8,
        Allocator::System => 16,
    };
    let bytes = bytes.max(1);
    // The tiny classes of a bundled jemalloc are multiples of 8; of a system one, 8 exists below its quantum.
    if bytes <= 8 {
        return 8;
    }
    let doubling = (bytes - 1).checked_ilog2().map_or(0, |log| 1u64 << log);
    let spacing = (doubling / CLASSES_PER_DOUBLING).max(quantum);
    bytes.div_ceil(spacing) * spacing
}

/// A slab: a run of pages filled with objects of one class.
#[derive(Clone, Debug, PartialEq)]
pub struct Slab {
    /// Objects on it.
    pub objects: f64,
    /// Its pages, grouped by what lies on them.
    pub pages: Vec<PageGroup>,
}

/// Pages of a slab that are alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PageGroup {
    /// How many such pages the slab has.
    pub pages: f64,
    /// Objects that start on each of them.
    pub starts: f64,
    /// Bytes of one more object that lie before the page, where one reaches over from the page before: a write of
    /// more bytes than this reaches the page.
    pub reaching_over: Option<u64>,
    /// Whether one object covers the whole page.
    pub is_inside_object: bool,
}

impl PageGroup {
    /// Whether the pages of `other` could as well be in this group.
    pub fn is_like(&self, other: &Self) -> bool {
        Self { pages: other.pages, ..*self } == *other
    }
}

/// Offsets at which a system jemalloc lets a large object start: the cache lines of a page \[bytes\].
///
/// Source: jemalloc 5.3, `large_palloc` under `--enable-cache-oblivious` (the default; the bundled build disables it).
const CACHE_LINE: u64 = 64;

/// Pages of an object beyond which where it starts in its first page decides next to nothing: one page of all, for one
/// start in 64.
const MANY_PAGES: u64 = 64;

/// Groups in which the pages of a longer object are told apart: what a write reaches is known to a part in as many.
const GROUPS: u64 = 256;

impl Slab {
    /// The slab of `class` on pages of `page_size`, both in bytes.
    ///
    /// A slab has `lcm(class, page)/page` pages, so that objects fill it exactly, and objects straddle the page
    /// edges inside it: 16 objects of 1280 bytes on 5 pages. Classes of four pages and more are runs of pages with
    /// one object, which under a system jemalloc starts at a random cache line of the first page.
    pub fn of_class(allocator: Allocator, class: u64, page_size: u64) -> Self {
        if !is_large(class, page_size) {
            return Self::of_objects(class, lcm(class, page_size), 0, page_size);
        }
        let starts: Vec<u64> = match allocator {
            Allocator::Bundled => vec![0],
            Allocator::System if class > MANY_PAGES * page_size => vec![page_size / 2],
            Allocator::System => (0..page_size / CACHE_LINE).map(|line| line * CACHE_LINE).collect(),
        };
        let mut slab = Self { objects: 1.0, pages: Vec::new() };
        for &start in &starts {
            let run = Self::of_objects(class, (start + class).next_multiple_of(page_size), start, page_size);
            let pages = run.pages.into_iter();
            slab.pages.extend(pages.map(|g| PageGroup { pages: g.pages / starts.len() as f64, ..g }));
        }
        slab
    }

    /// Objects of `class` one after the other from `start`, as many as fit into `bytes`.
    fn of_objects(class: u64, bytes: u64, start: u64, page_size: u64) -> Self {
        let objects = (bytes - start) / class;
        let mut pages: Vec<PageGroup> = Vec::new();
        for page in 0..bytes / page_size {
            let group = page_at(page * page_size, page_size, start, class, objects);
            match pages.iter_mut().rev().find(|other| other.is_like(&group)) {
                Some(other) => other.pages += 1.0,
                None => pages.push(group),
            }
        }
        Self { objects: objects as f64, pages }
    }
}

/// Whether objects of `class` are page runs of their own.
///
/// Source: jemalloc 5.3, `SC_LARGE_MINCLASS`, four pages.
pub fn is_large(class: u64, page_size: u64) -> bool {
    class >= 4 * page_size
}

/// The page from byte `page` on, where `objects` of `class` lie one after the other from byte `start` on.
fn page_at(page: u64, page_size: u64, start: u64, class: u64, objects: u64) -> PageGroup {
    let (mut starts, mut reaching_over, mut is_inside_object) = (0.0, None, false);
    let end = page + page_size;
    let grain = (class / (GROUPS * page_size) * page_size).max(1);
    let first = page.saturating_sub(start) / class;
    for object in first..objects {
        let (from, to) = (start + object * class, start + (object + 1) * class);
        if from >= end {
            break;
        }
        if from >= page {
            starts += 1.0;
        } else if to > page {
            reaching_over = Some((page - from) / grain * grain);
        }
        is_inside_object |= from <= page && to >= end;
    }
    PageGroup { pages: 1.0, starts, reaching_over, is_inside_object }
}

fn lcm(a: u64, b: u64) -> u64 {
    let (mut x, mut y) = (a, b);
    while y > 0 {
        (x, y) = (y, x % y);
    }
    a / x * b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_those_of_jemalloc() {
        let bundled =
            [(1, 8), (17, 24), (24, 24), (35, 40), (64, 64), (65, 80), (104, 112), (129, 160), (1030, 1280)];
        for (bytes, class) in bundled {
            assert_eq!(size_class(Allocator::Bundled, bytes), class, "{bytes}");
        }
        let system =
            [(1, 8), (9, 16), (17, 32), (24, 32), (33, 48), (65, 80), (260, 320), (1030, 1280), (4102, 5120)];
        for (bytes, class) in system {
            assert_eq!(size_class(Allocator::System, bytes), class, "{bytes}");
        }
        assert_eq!(size_class(Allocator::System, 14_337), 16_384);
        assert_eq!(size_class(Allocator::System, 16_391), 20_480);
    }

    #[test]
    fn a_class_holds_its_request_and_wastes_less_than_a_fifth_of_itself_above_the_quanta() {
        for allocator in [Allocator::Bundled, Allocator::System] {
            for bytes in 1..20_000 {
                let class = size_class(allocator, bytes);
                assert!(class >= bytes, "{bytes}");
                assert!(bytes < 64 || (class - bytes) * 5 <= class, "{bytes} in {class}");
            }
        }
    }

    #[test]
    fn a_1280_byte_class_has_sixteen_objects_on_five_pages() {
        let slab = Slab::of_class(Allocator::System, 1280, 4096);
        assert!((slab.objects - 16.0).abs() < f64::EPSILON);
        // Each of the 4 page edges inside the slab cuts an object.
        let starts: f64 = slab.pages.iter().map(|group| group.pages * group.starts).sum();
        let pages: f64 = slab.pages.iter().map(|group| group.pages).sum();
        let cut = slab.pages.iter().filter(|group| group.reaching_over.is_some());
        assert!((pages - 5.0).abs() < f64::EPSILON && (starts - 16.0).abs() < f64::EPSILON);
        assert!((cut.map(|group| group.pages).sum::<f64>() - 4.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_40_byte_class_has_512_objects_on_five_pages() {
        let slab = Slab::of_class(Allocator::Bundled, 40, 4096);
        assert!((slab.objects - 512.0).abs() < f64::EPSILON);
    }

    fn pages_inside_objects(allocator: Allocator, class: u64) -> f64 {
        let slab = Slab::of_class(allocator, class, 4096);
        slab.pages.iter().filter(|group| group.is_inside_object).map(|group| group.pages).sum()
    }

    /// Pages that a child can drop: 2 of 5 in a slab of 5120-byte objects, 5 of 5 of a large one that starts on a
    /// page, and 4 for 63 of the 64 cache lines at which it can start otherwise.
    #[test]
    fn whole_pages_inside_objects_are_those_measured() {
        assert!((pages_inside_objects(Allocator::System, 5120) - 2.0).abs() < f64::EPSILON);
        assert!((pages_inside_objects(Allocator::Bundled, 20_480) - 5.0).abs() < f64::EPSILON);
        let expected = 4.0 + 1.0 / 64.0;
        assert!((pages_inside_objects(Allocator::System, 20_480) - expected).abs() < 1e-12);
        assert!(pages_inside_objects(Allocator::System, 1280).abs() < f64::EPSILON);
    }
}
