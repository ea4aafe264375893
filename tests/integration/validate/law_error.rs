//! The table of the law's own errors is that of the validation.

use std::fmt::Write as _;

use forkcast::memory::Allocator;
use forkcast::memory::law_error::{Load, MEASURED};
use forkcast::observe::measured::{Judged, Line};

use super::accuracy::SAMPLED;

/// Rows that grew by less are judged absolutely.
const SMALL_GROWTH: f64 = 16.0 * 1024.0 * 1024.0;

fn load(line: Line) -> Option<Load> {
    match line {
        Line::Small => Some(Load::Small),
        Line::Page => Some(Load::Page),
        Line::Large => Some(Load::Large),
        Line::Moving => Some(Load::Moving),
        Line::FullSync => None,
    }
}

/// Measured over predicted, where enough was measured.
fn ratio(judged: &Judged) -> Option<f64> {
    let growth = judged.growth.filter(|growth| growth.measured >= SMALL_GROWTH)?;
    Some(growth.measured / growth.predicted)
}

/// Nine values from the least to the greatest, to a thousandth.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "places in a short list")]
fn octiles(ratios: &mut [f64]) -> [f64; 9] {
    ratios.sort_by(f64::total_cmp);
    std::array::from_fn(|octile| {
        let place = octile as f64 / 8.0 * (ratios.len() - 1) as f64;
        let below = place.floor() as usize;
        let (low, high) = (ratios[below], ratios[(below + 1).min(ratios.len() - 1)]);
        ((low + (high - low) * place.fract()) * 1e3).round() / 1e3
    })
}

#[test]
fn the_table_of_errors_is_fresh() {
    let engines = [
        ("redis-7.0", Allocator::System, "jemalloc-system"),
        ("valkey-8.0", Allocator::Bundled, "jemalloc-bundled"),
        ("valkey-8.1", Allocator::System, "jemalloc-system"),
    ];
    let (mut table, mut groups) = (String::new(), Vec::new());
    for (engine, allocator, named) in engines {
        for of_load in Load::ALL {
            let is_meant = |judged: &&Judged| {
                let row = &judged.row;
                let is_engine = format!("{}-{}", row.server, row.version).starts_with(&format!("{engine}."));
                is_engine && row.allocator.as_deref() == Some(named) && load(judged.line) == Some(of_load)
            };
            let mut ratios: Vec<f64> = SAMPLED.rows.iter().filter(is_meant).filter_map(ratio).collect();
            if ratios.is_empty() {
                continue;
            }
            let (saves, octiles) = (ratios.len(), octiles(&mut ratios));
            groups.push((engine, allocator, of_load, saves, octiles));
            let shown = octiles.map(|octile| format!("{octile:.3}")).join(", ");
            let _ = writeln!(
                table,
                "    Measured {{ engine: {engine:?}, allocator: Allocator::{allocator:?}, load: Load::{of_load:?}, \
                 saves: {saves},\n        octiles: [{shown}] }},"
            );
        }
    }
    let shipped: Vec<_> =
        MEASURED.iter().map(|m| (m.engine, m.allocator, m.load, m.saves, m.octiles)).collect();
    assert!(groups == shipped, "src/memory/law_error.rs should say:\n{table}");
    let judged: usize = groups.iter().map(|group| group.3).sum();
    let all = SAMPLED.rows.iter().filter(|judged| load(judged.line).is_some()).filter_map(ratio).count();
    assert_eq!(judged, all, "every save that was judged is in a group");
}
