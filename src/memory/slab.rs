//! jemalloc's size classes and slabs.
//!
//! The allocator rounds every request up to a size class and keeps the objects of one class together on
//! slabs, whatever they are. So a keyspace is a handful of pools, and two kinds of object of one class
//! share pages.

use crate::memory::Allocator;

/// The largest size class kept on slabs; larger ones are page runs of their own \[bytes\].
///
/// Source: jemalloc 5.3, `SC_SMALL_MAXCLASS` with 4 KiB pages.
pub const SMALL_MAX: u64 = 14_336;

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
    /// Its pages, grouped by the number of objects that lie on them, wholly or in part.
    pub pages: Vec<PageGroup>,
}

/// Pages of a slab that are alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PageGroup {
    /// How many such pages the slab has.
    pub pages: f64,
    /// Objects that lie on each of them, those that straddle its edges included.
    pub objects: f64,
}

impl Slab {
    /// The slab of `class` on pages of `page_size`, both in bytes.
    ///
    /// A slab has `lcm(class, page)/page` pages, so that objects fill it exactly, and objects straddle the page
    /// edges inside it: 16 objects of 1280 bytes on 5 pages, 4 or 5 of them on each. Classes above
    /// [`SMALL_MAX`] are runs of whole pages with one object.
    pub fn of_class(class: u64, page_size: u64) -> Self {
        let bytes = if class > SMALL_MAX { class.next_multiple_of(page_size) } else { lcm(class, page_size) };
        let objects_on = |page: u64| {
            let (first, last) = (page * page_size / class, (page * page_size + page_size - 1) / class);
            last.min(bytes / class - 1) - first + 1
        };
        let mut pages: Vec<PageGroup> = Vec::new();
        for objects in (0..bytes / page_size).map(|page| objects_on(page) as f64) {
            match pages.iter_mut().find(|group| (group.objects - objects).abs() < 0.5) {
                Some(group) => group.pages += 1.0,
                None => pages.push(PageGroup { pages: 1.0, objects }),
            }
        }
        Self { objects: (bytes / class) as f64, pages }
    }
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
        let slab = Slab::of_class(1280, 4096);
        assert!((slab.objects - 16.0).abs() < f64::EPSILON);
        // 16 objects, and each of the 4 page edges inside the slab but those between objects cuts one.
        let overlaps: f64 = slab.pages.iter().map(|group| group.pages * group.objects).sum();
        let pages: f64 = slab.pages.iter().map(|group| group.pages).sum();
        assert!((pages - 5.0).abs() < f64::EPSILON);
        assert!((overlaps - 20.0).abs() < f64::EPSILON, "{overlaps}");
    }

    #[test]
    fn a_40_byte_class_has_512_objects_on_five_pages() {
        let slab = Slab::of_class(40, 4096);
        assert!((slab.objects - 512.0).abs() < f64::EPSILON);
    }

    #[test]
    fn large_objects_have_their_pages_to_themselves() {
        let slab = Slab::of_class(20_480, 4096);
        assert_eq!(slab.pages, vec![PageGroup { pages: 5.0, objects: 1.0 }]);
    }
}
