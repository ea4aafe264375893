//! What each thing that nobody knows exactly does to the answer, and which would be worth measuring first.

use super::Trouble;
use super::ask::{Ask, percent_at};
use crate::memory::Popularity;
use crate::model::Uncertain;
use crate::model::host::{Host, UncertainPopularity, WriteRate};
use crate::scenario::Case;
use crate::sweep::Budget;
use crate::units::Bytes;

/// Replications of each search here.
const REPLICATIONS: u64 = 400;

/// The share of replications with an incident at which percents are compared. Far above what a budget allows, so that
/// few replications tell two searches apart; the shift of the percent is what counts, and it is much the same.
const AFFECTED: f64 = 0.02;

/// What a change of one input does to the survivable percent.
#[derive(Clone, Debug, PartialEq)]
pub struct Sensitivity {
    /// The setting, by its dotted path.
    pub input: String,
    /// What it is taken to be, where the scenario leaves it open.
    pub change: String,
    /// The survivable percent then.
    pub survivable_percent: f64,
}

/// An input whose true value would settle much.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasureNext {
    /// The setting, by its dotted path.
    pub input: String,
    /// What knowing it could change.
    pub why: String,
    /// How far the survivable percent moves between its ends.
    pub spread: f64,
}

/// The sensitivities of `case`, whose survivable percent is `survivable`, ordered by effect.
pub fn sensitivities(ask: &Ask<'_>, case: &Case, survivable: f64) -> Result<Vec<Sensitivity>, Trouble> {
    let budget = common(ask);
    let none = percent_at(0);
    let percent = |limit: crate::sweep::Limit| limit.value.map_or(none, percent_at);
    let base = percent(ask.limiting_percent(case, &|_| {}, &budget)?);
    let mut found = Vec::new();
    for end in ends(&case.host) {
        let moved = percent(ask.limiting_percent(case, &*end.apply, &budget)?) - base;
        let survivable_percent = (survivable + moved).clamp(0.0, 100.0);
        found.push(Sensitivity { input: end.input, change: end.change, survivable_percent });
    }
    found.sort_by(|a, b| {
        let effect = |one: &Sensitivity| (one.survivable_percent - survivable).abs();
        effect(b).total_cmp(&effect(a))
    });
    Ok(found)
}

/// The budget at which searches are compared.
fn common(ask: &Ask<'_>) -> Budget {
    let budget = ask.by(REPLICATIONS);
    Budget { incidents_per_year: AFFECTED / budget.years(), ..budget }
}

/// The percent of `case` at which one replication in some ten has an incident: where a difference can be seen.
pub fn telling_percent(ask: &Ask<'_>, case: &Case) -> Result<f64, Trouble> {
    let budget = common(ask);
    let often = Budget { incidents_per_year: 0.2 / budget.years(), ..budget };
    let limit = ask.limiting_percent(case, &|_| {}, &often)?;
    Ok(percent_at(limit.value.unwrap_or(0)))
}

/// The inputs by how far the answer moves between their ends: those that move it at all.
pub fn measure_next(sensitivities: &[Sensitivity], survivable: f64) -> Vec<MeasureNext> {
    let mut inputs: Vec<&str> = sensitivities.iter().map(|one| one.input.as_str()).collect();
    inputs.sort_unstable();
    inputs.dedup();
    let of = |input: &str| {
        let percents =
            sensitivities.iter().filter(|one| one.input == input).map(|one| one.survivable_percent);
        percents.fold((survivable, survivable), |(low, high), percent| (low.min(percent), high.max(percent)))
    };
    let worth = |input: &str| {
        let (low, high) = of(input);
        MeasureNext {
            input: input.to_owned(),
            why: format!("between its ends the survivable percent goes from {low} % to {high} %"),
            spread: high - low,
        }
    };
    let mut next: Vec<MeasureNext> = inputs.into_iter().map(worth).filter(|next| next.spread > 0.0).collect();
    next.sort_by(|a, b| b.spread.total_cmp(&a.spread));
    next
}

type Apply = Box<dyn Fn(&mut Host) + Sync>;

/// One end of what an input may be.
struct End {
    input: String,
    change: String,
    apply: Apply,
}

/// Both ends of everything that the host leaves open.
fn ends(host: &Host) -> Vec<End> {
    let mut ends = Vec::new();
    let bytes = |value: f64| Bytes::from_f64(value).to_string();
    let speed = |value: f64| format!("{}/s", Bytes::from_f64(value));
    let plain = |value: f64| format!("{value}");
    between(&mut ends, "host.reserved", host.machine.reserved, bytes, |host, x| {
        host.machine.reserved = x;
    });
    between(&mut ends, "server.fragmentation-ratio", host.server.fragmentation_ratio, plain, |host, x| {
        host.server.fragmentation_ratio = x;
    });
    between(&mut ends, "server.client-memory", host.server.client_memory, bytes, |host, x| {
        host.server.client_memory = x;
    });
    between(&mut ends, "save.throughput", host.save.throughput, speed, |host, x| host.save.throughput = x);
    if host.replication.replicas > 0 {
        between(&mut ends, "replication.throughput", host.replication.throughput, speed, |host, x| {
            host.replication.throughput = x;
        });
    }
    if host.save.slow_probability > 0.0 {
        let never = |host: &mut Host| host.save.slow_probability = 0.0;
        let twice = |host: &mut Host| host.save.slow_probability *= 2.0;
        let input = "save.slow.probability".to_owned();
        ends.push(End { input: input.clone(), change: "0".to_owned(), apply: Box::new(never) });
        let doubled = format!("{}", host.save.slow_probability * 2.0);
        ends.push(End { input, change: doubled, apply: Box::new(twice) });
    }
    for (number, keyspace) in host.dataset.keyspaces.iter().enumerate() {
        let path = |setting: &str| format!("keyspace.{}.{setting}", keyspace.name);
        let rate = match keyspace.write_rate {
            WriteRate::Total(rate) | WriteRate::PerKey(rate) => rate,
        };
        between(&mut ends, &path("writes-per-second"), rate, plain, move |host, x| {
            let rate = &mut host.dataset.keyspaces[number].write_rate;
            *rate = match rate {
                WriteRate::Total(_) => WriteRate::Total(x),
                WriteRate::PerKey(_) => WriteRate::PerKey(x),
            };
        });
        let UncertainPopularity { likely, high } = keyspace.popularity;
        for popularity in [likely, high].into_iter().filter(|_| likely != high) {
            let apply = move |host: &mut Host| {
                host.dataset.keyspaces[number].popularity =
                    UncertainPopularity { likely: popularity, high: popularity };
            };
            let change = words(popularity);
            ends.push(End { input: path("popularity"), change, apply: Box::new(apply) });
        }
    }
    ends
}

/// Adds both ends of an interval; none where the value is known.
fn between(
    ends: &mut Vec<End>,
    input: &str,
    value: Uncertain,
    words: impl Fn(f64) -> String,
    set: impl Fn(&mut Host, Uncertain) + Copy + Sync + 'static,
) {
    if value.is_certain() {
        return;
    }
    for end in [value.low, value.high] {
        let apply: Apply = Box::new(move |host| set(host, Uncertain::certain(end)));
        ends.push(End { input: input.to_owned(), change: words(end), apply });
    }
}

fn words(popularity: Popularity) -> String {
    match popularity {
        Popularity::Uniform => "uniform".to_owned(),
        Popularity::Zipf { theta } => format!("zipf:{theta}"),
        Popularity::Hotspot { keys, writes } => format!("hotspot:{keys}/{writes}"),
    }
}
