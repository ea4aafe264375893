//! Rules of thumb beside the answer: the risk and the waste that each means for this load.

use super::Trouble;
use super::ask::Ask;
use super::room::{Room, Rooms};
use crate::stats::Estimate;
use crate::sweep::{CellRow, Verdict};
use crate::units::Bytes;

/// Replications of each rule.
const REPLICATIONS: u64 = 1_000;

/// What a provider or a saying tells everyone to leave free.
///
/// Sources: AWS, "Managing reserved memory for Valkey and Redis OSS" (`reserved-memory-percent` 25); Azure, "Memory
/// management for Azure Cache for Redis" (`maxmemory-reserved` and `maxfragmentationmemory-reserved`, 10 % each);
/// Google, "Memory management best practices" (`maxmemory-gb` at 80 % of the instance); Aiven for Caching, "Memory usage"
/// (70 % for data); Yandex Managed Valkey, "Settings" (75 %); Redis administration, "if you use Redis with disk
/// persistence … may use up to twice the memory".
const RULES: [(&str, f64); 6] = [
    ("AWS: 25 % reserved", 75.0),
    ("Azure: 10 % + 10 % reserved", 80.0),
    ("Google: 20 % free", 80.0),
    ("Aiven: 30 % for the system", 70.0),
    ("Yandex: 25 % reserved", 75.0),
    ("double it", 50.0),
];

/// A rule of thumb on one host.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleOfThumb {
    /// Who says so, and what.
    pub rule: &'static str,
    /// `maxmemory` in per cent; of data as given, its share of RAM.
    pub percent: f64,
    /// Incidents a year of a server full to it, or in so much RAM; `None` where that does not fit at all.
    pub incidents_per_year: Option<Estimate>,
    /// Whether it is shown to be within the budget, or beyond it.
    pub verdict: Verdict,
    /// Memory that it leaves unused though the host would survive its use; zero where it leaves too little.
    pub waste: Bytes,
}

/// The rules on a host whose data survives with `least` room; with none that is known where that is `None`.
pub fn judge(ask: &Ask<'_>, rooms: Rooms<'_>, least: Option<Room>) -> Result<Vec<RuleOfThumb>, Trouble> {
    let mut percents: Vec<f64> = RULES.iter().map(|&(_, percent)| percent).collect();
    percents.sort_by(f64::total_cmp);
    percents.dedup();
    let cases = percents.iter().map(|&percent| rooms.case(rooms.filled_to(percent))).collect();
    let rows: Vec<CellRow> =
        ask.cells(cases, &ask.by(REPLICATIONS))?.into_iter().map(|(row, _)| row).collect();
    let judged = |&(rule, percent): &(&'static str, f64)| {
        let at = percents.iter().position(|known| known.total_cmp(&percent).is_eq());
        let row = at.and_then(|at| rows.get(at));
        RuleOfThumb {
            rule,
            percent,
            incidents_per_year: row.and_then(|row| row.figures.as_ref()).map(|f| f.incidents_per_year),
            verdict: row.map_or(Verdict::Undecided, |row| row.verdict),
            waste: least.map_or(Bytes::ZERO, |least| rooms.waste(rooms.filled_to(percent), least)),
        }
    };
    Ok(RULES.iter().map(judged).collect())
}
