//! May I save now: what a save may need, at its worst, against the RAM of the host.

use crate::memory::{child, reclaim};
use crate::model::one_save::Forecast;
use crate::units::Bytes;

/// What a save needs of a host's RAM while its child lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Headroom {
    /// RAM of the host, or the limit that stands for it.
    pub ram: Bytes,
    /// The server at the fork.
    pub resident: Bytes,
    /// What the save costs at its peak: pages copied, new ones, and the child's own memory.
    pub copied: Bytes,
    /// Page tables of server and child.
    pub page_tables: Bytes,
    /// The kernel, other processes, and what of the file's page cache cannot be dropped at once.
    pub others: Bytes,
    /// What the kernel never hands out to processes.
    pub kept_back: Bytes,
}

impl Headroom {
    /// The save of `worst` on a host of `ram`, where other processes use `reserved` bytes.
    ///
    /// Every part is at the highest it may be, although they need not be so at once: whoever asks whether to save wants
    /// no surprise.
    pub fn of(worst: &Forecast, ram: Bytes, reserved: f64) -> Self {
        Self {
            ram,
            resident: Bytes::from_f64(worst.resident),
            copied: Bytes::from_f64(worst.peak.anonymous()),
            page_tables: Bytes::from_f64(2.0 * worst.page_tables),
            others: Bytes::from_f64(reserved + child::UNWRITTEN_CACHE),
            kept_back: reclaim::kept_back(ram, worst.page_size),
        }
    }

    /// All of it.
    pub fn need(&self) -> Bytes {
        self.resident + self.copied + self.page_tables + self.others + self.kept_back
    }

    /// Whether it fits.
    pub fn fits(&self) -> bool {
        self.need() <= self.ram
    }

    /// What is left over, or missing.
    pub fn margin(&self) -> Bytes {
        Bytes(self.ram.0.abs_diff(self.need().0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::save::Cost;

    fn forecast(resident: f64, copied: f64) -> Forecast {
        let peak = Cost { seconds: 1.0, copied, grown: 0.0 };
        Forecast {
            keys: 1.0,
            used_memory: resident,
            resident,
            writes_per_second: 0.0,
            seconds: 1.0,
            page_size: Bytes::kib(4),
            curve: vec![peak],
            peak,
            reported: copied,
            pools: Vec::new(),
            pages_per_write: (0.0, 0.0),
            page_tables: f64::from(16 << 20),
            fork_pause: (0.0, 0.0),
        }
    }

    const GIB: f64 = (1u64 << 30) as f64;

    /// By hand: 8 + 2 GiB, 2 · 16 MiB of page tables, 512 + 8 MiB, and 113 MiB never handed out: watermarks of 66 MiB,
    /// of which 92 KiB in zone DMA, all of whose 15 MiB are withheld, and 8 GiB / 256 of DMA32.
    #[test]
    fn the_need_is_the_sum_of_its_parts() {
        let headroom = Headroom::of(&forecast(8.0 * GIB, 2.0 * GIB), Bytes::gib(11), 0.5 * GIB);
        let kept_back = Bytes::mib(113) - Bytes::kib(92);
        assert!(headroom.kept_back.0.abs_diff(kept_back.0) < Bytes::kib(8).0, "{}", headroom.kept_back.0);
        assert_eq!(headroom.need(), Bytes::gib(10) + Bytes::mib(32 + 512 + 8) + headroom.kept_back);
        assert!(headroom.fits());
        assert_eq!(headroom.margin(), Bytes::mib(1024 - 552) - headroom.kept_back);
    }

    #[test]
    fn a_byte_too_much_does_not_fit() {
        let ram = Bytes::gib(11);
        let spare = Headroom::of(&forecast(8.0 * GIB, 2.0 * GIB), ram, 0.0).margin().as_f64();
        assert!(Headroom::of(&forecast(8.0 * GIB, 2.0 * GIB), ram, spare).fits());
        assert!(!Headroom::of(&forecast(8.0 * GIB, 2.0 * GIB), ram, spare + 1.0).fits());
    }
}
