//! How much memory the kernel keeps back before it calls the OOM killer.

use crate::units::Bytes;

/// The sum of the zones' min watermarks: user memory is never handed out below it.
///
/// ```text
/// min_free_kbytes = clamp(√(16 · ram_kB), 128, 262144)
/// ```
///
/// raised by khugepaged to 67,584 kB (at most 5 % of RAM) where transparent huge pages are enabled, as they are by
/// default in every distribution. Source: Linux 6.12 `mm/page_alloc.c`, `calculate_min_free_kbytes`, and
/// `mm/khugepaged.c`, `set_recommended_min_free_kbytes` with 3 zones; measured on a 24 GiB host: 67,584 kB.
/// Free memory is taken as one zone.
pub fn min_watermark(ram: Bytes) -> Bytes {
    let ram_kb = ram.as_f64() / 1024.0;
    let by_size = (16.0 * ram_kb).sqrt().clamp(128.0, 262_144.0);
    let for_huge_pages = 67_584f64.min(0.05 * ram_kb);
    Bytes::from_f64(by_size.max(for_huge_pages).floor() * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_keep_back_what_khugepaged_asks_until_the_root_law_asks_more() {
        assert_eq!(min_watermark(Bytes::gib(24)), Bytes(67_584 * 1024));
        assert_eq!(min_watermark(Bytes::gib(1024)), Bytes(131_072 * 1024));
        assert_eq!(min_watermark(Bytes::gib(1 << 14)), Bytes(262_144 * 1024));
        assert_eq!(min_watermark(Bytes::mib(512)), Bytes(26_214 * 1024));
    }
}
