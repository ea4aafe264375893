//! What the zones of a host withhold from processes: `lowmem_reserve`.
//!
//! The kernel cuts the memory of a node into zones by what devices can address. A page for a process may come from any
//! of them, and one that only a lower zone can serve from that alone; so that processes do not use up the lower zones,
//! each of them withholds from whoever may go to a higher one
//!
//! ```text
//! reserve(zone) = ⌊ managed pages of all higher zones / 256 ⌋                                  [pages]
//! ```
//!
//! on top of its min watermark, and at most all it has: 1/256 of zone Normal in DMA32, all of DMA. From 771 GiB on all
//! of DMA32 is withheld. Source: Linux 6.12 `mm/page_alloc.c`, `setup_per_zone_lowmem_reserve` with the default
//! `lowmem_reserve_ratio`, and `__zone_watermark_ok`, by which both an allocation and the OOM killer decide.
//!
//! One node is assumed: with several, the zones of the first are what counts, and its Normal is smaller. Ratios and
//! zones are the kernel's defaults; memory made movable at boot is not modelled. A container's limit has no zones.

use crate::units::Bytes;

/// `lowmem_reserve_ratio` of zones DMA and DMA32. Source: Linux 6.12 `mm/page_alloc.c`, `sysctl_lowmem_reserve_ratio`.
const RATIO: u64 = 256;

/// Zone DMA of x86-64 ends at 16 MiB, of which the kernel keeps the first, with its trampoline. Source: Linux 6.12
/// `arch/x86/include/asm/dma.h`, `MAX_DMA_PFN`; 15,360 kB managed on every host of `tests/data/zones` from 5.18 on.
const DMA: Bytes = Bytes::mib(15);
const DMA_END: Bytes = Bytes::mib(16);

/// RAM that lies below 4 GiB, the rest of which is for devices. Source: QEMU 8.2 `hw/i386/pc_piix.c` (3 GiB where a
/// guest has 3.5 GiB or more) and `hw/arm/virt.c` (from 1 GiB on), Firecracker 1.7
/// `src/vmm/src/arch/x86_64/layout.rs`. Mainboards leave 1.9 to 3.2 GiB there.
const BELOW_4_GIB: Bytes = Bytes::gib(3);

/// The zones of a host that processes get pages from, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zones {
    /// Size of a page.
    page: Bytes,
    /// Pages of each that the kernel manages; none where the host has no such zone.
    managed: [u64; 3],
}

impl Zones {
    /// The zones of a host of `ram` bytes with pages of so many bytes.
    ///
    /// With pages of 4 KiB those of x86-64: DMA, DMA32 and Normal. Larger pages are ARM64's, which has zone DMA up to
    /// 4 GiB and DMA32 empty: Linux 6.12 `arch/arm64/mm/init.c`, `zone_sizes_init`. ARM64 with pages of 4 KiB is taken
    /// as x86-64, which overstates what it withholds by 15 MiB.
    pub fn of(ram: Bytes, page: Bytes) -> Self {
        let is_x86 = page <= Bytes::kib(4);
        let dma = if is_x86 { ram.min(DMA) } else { Bytes::ZERO };
        let dma_end = if is_x86 { DMA_END } else { Bytes::ZERO };
        let low = ram.min(BELOW_4_GIB).saturating_sub(dma_end);
        let normal = ram.saturating_sub(BELOW_4_GIB);
        Self { page, managed: [dma, low, normal].map(|zone| zone.0 / page.0) }
    }

    /// Zones of known sizes \[pages\], lowest first.
    pub fn new(page: Bytes, managed: [u64; 3]) -> Self {
        Self { page, managed }
    }

    /// How many of them there are.
    pub fn count(&self) -> usize {
        self.managed.iter().filter(|&&managed| managed > 0).count()
    }

    /// Size of a page.
    pub fn page(&self) -> Bytes {
        self.page
    }

    /// What each withholds from processes, besides its min watermark \[pages\].
    pub fn lowmem_reserve(&self) -> [u64; 3] {
        let [dma, low, normal] = self.managed;
        let of = |zone: u64, above: u64| if zone > 0 { above / RATIO } else { 0 };
        [of(dma, low + normal), of(low, normal), 0]
    }

    /// The min watermark of each, where all of them together keep `min_free` \[pages\].
    ///
    /// In proportion to what they manage: Linux 6.12 `mm/page_alloc.c`, `__setup_per_zone_wmarks`.
    pub fn min_watermarks(&self, min_free: Bytes) -> [u64; 3] {
        let all = self.managed.iter().sum::<u64>().max(1);
        self.managed.map(|managed| min_free.0 / self.page.0 * managed / all)
    }

    /// What processes never get of it all, where the min watermarks together are `min_free`.
    pub fn withheld(&self, min_free: Bytes) -> Bytes {
        let (marks, reserves) = (self.min_watermarks(min_free), self.lowmem_reserve());
        let each = self.managed.iter().zip(marks.iter().zip(reserves));
        Bytes(
            each.map(|(managed, (mark, reserve))| (mark + reserve).min(*managed)).sum::<u64>() * self.page.0,
        )
    }
}

#[cfg(test)]
mod tests;
