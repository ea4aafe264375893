//! What the kernel takes of a host's memory: page tables, watermarks, reserves.

const KIB: f64 = 1024.0;
const MIB: f64 = 1024.0 * KIB;
const GIB: f64 = 1024.0 * MIB;

/// Page tables of a process: 8 bytes a page, in tables that are mapped by tables, and 88 KiB for scattered regions.
pub(super) fn page_tables(resident: f64, page: f64) -> f64 {
    resident * 8.0 / page * (1.0 + 8.0 / page) + 88.0 * KIB
}

/// What a host with three zones of 4 KiB pages never hands out. The min watermarks are `√(16 · RAM)` in KiB in all, and
/// at least what khugepaged asks for, each zone by its size. A lower zone keeps back 1/256 of those above it too, and of
/// neither more than it has.
pub(super) fn kept_back(ram: f64) -> f64 {
    let marks = (16.0 * ram / KIB).sqrt().clamp(128.0, 262_144.0).max(67_584f64.min(ram / KIB / 20.0)) * KIB;
    let (dma, dma32, normal) = (15.0 * MIB, 3.0 * GIB - 16.0 * MIB, ram - 3.0 * GIB);
    let zones = [(dma, (dma32 + normal) / 256.0), (dma32, normal / 256.0), (normal, 0.0)];
    let managed = dma + dma32 + normal;
    zones.iter().map(|(size, reserve)| (marks * size / managed + reserve).min(*size)).sum()
}
