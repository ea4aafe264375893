//! The law of `lowmem_reserve` against what kernels print of their zones, `tests/data/zones`.

use super::*;
use crate::memory::reclaim;

const LAZY: &str = include_str!("../../../tests/data/zones/zoneinfo-12gib.txt");
const SMALL: &str = include_str!("../../../tests/data/zones/oom-4gib.txt");
const MIDDLE: &str = include_str!("../../../tests/data/zones/oom-32gib.txt");
const LARGE: &str = include_str!("../../../tests/data/zones/oom-128gib.txt");

/// A zone as the kernel prints it \[pages of 4 KiB\].
#[derive(Debug, Default)]
struct Printed {
    free: u64,
    min: u64,
    managed: u64,
    reserve: u64,
}

/// DMA, DMA32 and Normal of a text of `/proc/zoneinfo`, which counts pages, or of a kill's log, which counts kB.
fn printed(text: &str) -> [Printed; 3] {
    let mut zones: [Printed; 3] = Default::default();
    let mut zone = 0;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let names = ["DMA", "DMA32", "Normal"].map(|name| format!(" {name} "));
        let line = format!("{line} ").replace("DMA: ", "DMA ");
        zone = names.iter().position(|name| line.contains(name.as_str())).unwrap_or(zone);
        let after = |label: &str| {
            let rest = line.split_once(label)?.1.trim_start();
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            let number: u64 = digits.parse().ok()?;
            Some(if rest[digits.len()..].starts_with("kB") { number / 4 } else { number })
        };
        // The last entry is for pages that may come from any zone, as those of processes.
        let last =
            line.rsplit([' ', ',']).map(|word| word.trim_end_matches(')')).find(|word| !word.is_empty());
        let of = &mut zones[zone];
        if line.contains("lowmem_reserve[]") || line.contains("protection:") {
            of.reserve = last.and_then(|last| last.parse().ok()).unwrap();
        } else {
            of.free = after(" free:").or_else(|| after("pages free ")).unwrap_or(of.free);
            of.min = after(" min:").or_else(|| after("   min ")).unwrap_or(of.min);
            let managed = after("managed:").or_else(|| after("managed ")).or_else(|| after(" = "));
            of.managed = managed.unwrap_or(of.managed);
        }
    }
    zones
}

fn zones(printed: &[Printed; 3]) -> Zones {
    Zones::new(Bytes::kib(4), [0, 1, 2].map(|zone: usize| printed[zone].managed))
}

/// A log that prints no more of a zone than what is free of it says nothing of its marks.
fn is_told(zone: &Printed) -> bool {
    zone.min > 0
}

/// Kernels work it out before they have freed the memory of their start, a few MiB: up to 0.25 % more is managed then.
#[test]
fn the_reserves_are_those_that_kernels_print() {
    for (text, within) in [(LAZY, 0.0), (SMALL, 0.0025), (MIDDLE, 0.0), (LARGE, 0.0001)] {
        let printed = printed(text);
        let pairs = zones(&printed).lowmem_reserve().into_iter().zip(&printed);
        for (reserve, printed) in pairs.filter(|(_, zone)| is_told(zone)) {
            let off = reserve.abs_diff(printed.reserve) as f64;
            assert!(off <= within * printed.reserve as f64, "{reserve} {printed:?}");
        }
    }
}

/// To a page or two, which are lost in rounding to kB, and to 1 % for the memory of the start.
#[test]
fn the_watermarks_are_those_that_kernels_print() {
    for text in [LAZY, SMALL, MIDDLE, LARGE] {
        let printed = printed(text);
        let zones = zones(&printed);
        let ram = Bytes(zones.managed.iter().sum::<u64>() * 4096);
        let marks = zones.min_watermarks(reclaim::min_free(ram, &zones));
        for (mark, printed) in marks.into_iter().zip(&printed).filter(|(_, zone)| is_told(zone)) {
            assert!(mark.abs_diff(printed.min) <= 2 + printed.min / 100, "{mark} {printed:?}");
        }
    }
}

/// A kill on a host of 4 GiB: every zone was at what it withholds, or less than a hundredth below it, and 64 MiB of it
/// would still have been free by the min watermarks of DMA and DMA32 alone.
#[test]
fn the_killer_came_when_no_more_was_free_than_the_zones_withhold() {
    let printed = printed(SMALL);
    let free = printed.iter().map(|zone| zone.free * 4096).sum::<u64>() as f64;
    let zones = zones(&printed);
    let ram = Bytes(zones.managed.iter().sum::<u64>() * 4096);
    let withheld = zones.withheld(reclaim::min_free(ram, &zones)).as_f64();
    let marks: u64 = printed.iter().map(|zone| zone.min * 4096).sum();
    assert!((free / withheld - 1.0).abs() < 0.01, "{free} {withheld}");
    assert!(free > 1.25 * marks as f64, "above the watermarks by a quarter: {free} {marks}");
}

/// From nothing but the RAM.
#[test]
fn the_zones_of_a_host_follow_from_its_ram() {
    for (text, within) in [(LAZY, 0.02), (SMALL, 0.02), (MIDDLE, 0.01), (LARGE, 0.01)] {
        let zones = zones(&printed(text));
        let ram = Bytes(zones.managed.iter().sum::<u64>() * 4096);
        let exact = zones.withheld(reclaim::min_free(ram, &zones)).as_f64();
        let kept = reclaim::kept_back(ram, Bytes::kib(4)).as_f64();
        assert!((kept / exact - 1.0).abs() < within, "{kept} {exact}");
    }
}
