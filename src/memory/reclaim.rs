//! How much memory the kernel keeps back before it calls the OOM killer.

use super::zones::Zones;
use crate::units::Bytes;

/// What a host of `ram` bytes, with pages of so many bytes, never hands out to processes: the zones' min watermarks,
/// and what the lower zones reserve.
pub fn kept_back(ram: Bytes, page: Bytes) -> Bytes {
    let zones = Zones::of(ram, page);
    zones.withheld(min_free(ram, &zones))
}

/// The sum of the zones' min watermarks: user memory is never handed out below it.
///
/// ```text
/// min_free_kbytes = clamp(√(16 · ram_kB), 128, 262144)
/// ```
///
/// raised by khugepaged to 11 page blocks a zone (at most 5 % of RAM) where transparent huge pages are enabled, as
/// they are by default in every distribution: 67,584 kB with the 2 MiB blocks of 4 KiB pages and three zones, 45,056
/// kB with two; 11 GiB with the 512 MiB blocks of 64 KiB pages. Source: Linux 6.12 `mm/page_alloc.c`,
/// `calculate_min_free_kbytes`, and `mm/khugepaged.c`, `set_recommended_min_free_kbytes`; measured on a 24 GiB host:
/// 67,584 kB.
pub fn min_free(ram: Bytes, zones: &Zones) -> Bytes {
    let ram_kb = ram.as_f64() / 1024.0;
    let by_size = (16.0 * ram_kb).sqrt().clamp(128.0, 262_144.0);
    let blocks = page_block(zones.page()).as_f64() / 1024.0 * 11.0 * zones.count() as f64;
    Bytes::from_f64(by_size.max(blocks.min(0.05 * ram_kb)).floor() * 1024.0)
}

/// A page block: what a page table of `page` bytes maps, 8 bytes an entry. Source: Linux 6.12
/// `include/linux/pageblock-flags.h`, `pageblock_order` with `CONFIG_HUGETLB_PAGE`.
fn page_block(page: Bytes) -> Bytes {
    Bytes(page.0 / 8 * page.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn min_free_of(ram: Bytes, page: Bytes) -> Bytes {
        min_free(ram, &Zones::of(ram, page))
    }

    #[test]
    fn hosts_keep_back_what_khugepaged_asks_until_the_root_law_asks_more() {
        let min_free = |ram| min_free_of(ram, Bytes::kib(4));
        assert_eq!(min_free(Bytes::gib(24)), Bytes(67_584 * 1024));
        assert_eq!(min_free(Bytes::gib(1024)), Bytes(131_072 * 1024));
        assert_eq!(min_free(Bytes::gib(1 << 14)), Bytes(262_144 * 1024));
        assert_eq!(min_free(Bytes::mib(512)), Bytes(26_214 * 1024));
        assert_eq!(min_free(Bytes::gib(2)), Bytes(45_056 * 1024), "no zone Normal");
    }

    /// "On a server with 480G of memory" and 64 KiB pages "the min watermark evaluates to 11.2G": Usama Arif, "mm:
    /// khugepaged: use largest enabled hugepage order for `min_free_kbytes`", linux-mm, June 2025.
    #[test]
    fn large_pages_keep_back_large_blocks() {
        assert_eq!(min_free_of(Bytes::gib(480), Bytes::kib(64)), Bytes::gib(11));
        assert_eq!(min_free_of(Bytes::gib(64), Bytes::kib(16)), Bytes::mib(704));
        assert_eq!(
            min_free_of(Bytes::gib(32), Bytes::kib(64)).0,
            (32 << 30) / 20 / 1024 * 1024,
            "5 % of RAM"
        );
    }

    /// By hand, 24 GiB: the watermarks of 66 MiB, of which 42 KiB lie in DMA, all of whose 15 MiB are withheld; and 21
    /// GiB / 256 in DMA32.
    #[test]
    fn a_host_keeps_back_its_watermarks_and_the_reserves_of_its_lower_zones() {
        let kept = kept_back(Bytes::gib(24), Bytes::kib(4)).as_f64() / Bytes::mib(1).as_f64();
        assert!((kept - (66.0 - 0.042 + 15.0 + 84.0)).abs() < 0.02, "{kept}");
        // From 771 GiB on 1/256 of Normal is more than DMA32 has.
        let [one, two] = [2_048, 4_096].map(|gib| kept_back(Bytes::gib(gib), Bytes::kib(4)).as_gib());
        assert!((3.0..3.3).contains(&one) && two - one < 0.1, "{one} {two}");
        assert!(kept_back(Bytes::mib(64), Bytes::kib(4)) < Bytes::mib(20));
    }
}
