//! What each thing that nobody knows exactly does to the answer, and which would be worth measuring first.

use super::Trouble;
use super::ask::Ask;
use super::room::{Room, Rooms};
use crate::memory::Popularity;
use crate::model::Uncertain;
use crate::model::host::{Burst, Host, LawErrors, SaveSpeed, UncertainPopularity, WriteRate};
use crate::sweep::{Budget, Ladder};
use crate::units::Bytes;

/// Replications of each search here.
const REPLICATIONS: u64 = 400;

/// Replications of the search for a room where many have an incident: roughly is enough.
const TELLING: u64 = 100;

/// The share of replications with an incident at which percents are compared. Far above what a budget allows, so that
/// few replications tell two searches apart; the shift of the percent is what counts, and it is much the same.
const AFFECTED: f64 = 0.02;

/// The law's own error, which nothing that one measures on a host settles.
const LAW_ERROR: &str = "save.law-error";

/// What a change of one input does to the room that the data needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Sensitivity {
    /// The setting, by its dotted path.
    pub input: String,
    /// What it is taken to be, where the scenario leaves it open.
    pub change: String,
    /// The least room that survives then: the largest percent, or the RAM that data as given requires; `None` where no
    /// RAM that was looked at is enough.
    pub survivable: Option<Room>,
}

/// An input whose true value would settle much.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasureNext {
    /// The setting, by its dotted path.
    pub input: String,
    /// What knowing it could change.
    pub why: String,
    /// How far the room moves between its ends, as [`Room::distance`] measures.
    pub spread: f64,
    /// Whether the room is a percentage: then `spread` is in points, else in per cent of RAM.
    pub is_percent: bool,
}

impl MeasureNext {
    /// How far it moves the answer: `9.5 points`, or `30 % of RAM`.
    #[must_use]
    pub fn words(&self) -> String {
        match (self.is_percent, self.spread) {
            (true, points) => format!("{points:.1} points"),
            (false, share) if share.is_finite() => format!("{share:.0} % of RAM"),
            (false, _) => "beyond any RAM that was looked at".to_owned(),
        }
    }
}

/// What each unknown does to the least room that survives, ordered by effect. `survivable` is that room where it was
/// found with the budget itself; where it was not, the sensitivities' own takes its place. `None` where no RAM at all
/// is enough: then it is not memory that is short.
pub fn sensitivities(
    ask: &Ask<'_>,
    rooms: Rooms<'_>,
    host: &Host,
    survivable: Option<Room>,
) -> Result<Option<Sensitivities>, Trouble> {
    let budget = common(ask);
    let ends = ends(host);
    let of_ends = ends.iter().map(|end| rooms.ladder(&*end.apply));
    let ladders: Vec<Ladder<'_>> = std::iter::once(rooms.ladder(|_| {})).chain(of_ends).collect();
    let steps = ask.estimates(&ladders, &budget)?;
    let mut found_rooms = steps.into_iter().map(|step| rooms.found(step));
    let Some(base) = found_rooms.next().flatten() else { return Ok(None) };
    let survivable = survivable.unwrap_or(base);
    let moved = |(end, room): (&End, Option<Room>)| Sensitivity {
        input: end.input.clone(),
        change: end.change.clone(),
        survivable: room.map(|room| survivable.moved(base, room)),
    };
    let mut found: Vec<Sensitivity> = ends.iter().zip(found_rooms).map(moved).collect();
    let effect = |one: &Sensitivity| one.survivable.map_or(f64::INFINITY, |room| survivable.distance(room));
    found.sort_by(|a, b| effect(b).total_cmp(&effect(a)));
    Ok(Some(Sensitivities { survivable, measure_next: measure_next(&found, survivable), by_effect: found }))
}

/// What the unknowns do, and which of them to measure.
#[derive(Clone, Debug)]
pub struct Sensitivities {
    /// The least room that survives, with the inputs as open as they are.
    pub survivable: Room,
    /// Each end of each unknown, by effect.
    pub by_effect: Vec<Sensitivity>,
    /// The inputs by how far the answer moves between their ends.
    pub measure_next: Vec<MeasureNext>,
}

/// The budget at which searches are compared.
fn common(ask: &Ask<'_>) -> Budget {
    let budget = ask.by(REPLICATIONS);
    Budget { incidents_per_year: AFFECTED / budget.years(), ..budget }
}

/// The room in which one replication in some ten has an incident: where a difference can be seen. `None` where they
/// have more in any RAM.
pub fn telling_room(ask: &Ask<'_>, rooms: Rooms<'_>) -> Result<Option<Room>, Trouble> {
    let budget = ask.by(TELLING);
    let often = Budget { incidents_per_year: 0.2 / budget.years(), ..budget };
    let steps = ask.estimates(&[rooms.ladder(|_| {})], &often)?;
    Ok(steps.into_iter().next().and_then(|step| rooms.found(step)))
}

/// The inputs by how far the answer moves between their ends: those that move it at all.
fn measure_next(sensitivities: &[Sensitivity], survivable: Room) -> Vec<MeasureNext> {
    let mut inputs: Vec<&str> = sensitivities.iter().map(|one| one.input.as_str()).collect();
    inputs.retain(|input| *input != LAW_ERROR);
    inputs.sort_unstable();
    inputs.dedup();
    let worth = |input: &str| {
        let of_input = sensitivities.iter().filter(|one| one.input == input).map(|one| one.survivable);
        let is_open = of_input.clone().any(|room| room.is_none());
        let mut rooms: Vec<Room> = of_input.flatten().chain([survivable]).collect();
        rooms.sort_by(|a, b| a.size().total_cmp(&b.size()));
        let (low, high) = (rooms[0], rooms[rooms.len() - 1]);
        let what = match survivable {
            Room::Percent(_) => "the survivable percent goes",
            Room::Ram(_) => "the RAM required goes",
        };
        let high_words =
            if is_open { "more than any that was looked at".to_owned() } else { high.to_string() };
        MeasureNext {
            input: input.to_owned(),
            why: format!("between its ends {what} from {low} to {high_words}"),
            spread: if is_open { f64::INFINITY } else { low.distance(high) },
            is_percent: matches!(survivable, Room::Percent(_)),
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
    speed_of_saves(&mut ends, host.save.speed);
    if host.replication.replicas > 0 {
        between(&mut ends, "replication.throughput", host.replication.throughput, a_second, |host, x| {
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
    if let Some(burst) = host.traffic.burst {
        let never = |host: &mut Host| host.traffic.burst = None;
        let twice = move |host: &mut Host| {
            host.traffic.burst = Some(Burst { per_year: 2.0 * burst.per_year, ..burst });
        };
        let input = "traffic.burst.per-year".to_owned();
        ends.push(End { input: input.clone(), change: "0".to_owned(), apply: Box::new(never) });
        ends.push(End { input, change: format!("{}", 2.0 * burst.per_year), apply: Box::new(twice) });
    }
    if host.law_error == LawErrors::Measured {
        let exact = |host: &mut Host| host.law_error = LawErrors::None;
        let input = LAW_ERROR.to_owned();
        ends.push(End { input, change: "none".to_owned(), apply: Box::new(exact) });
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
        if host.file_size_matters(keyspace) {
            between(&mut ends, &path("compressed-to"), keyspace.compressed_to, plain, move |host, x| {
                host.dataset.keyspaces[number].compressed_to = x;
            });
        }
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

/// The ends of what says how fast a child writes.
fn speed_of_saves(ends: &mut Vec<End>, speed: SaveSpeed) {
    match speed {
        SaveSpeed::Throughput(rate) => between(ends, "save.throughput", rate, a_second, |host, x| {
            host.save.speed = SaveSpeed::Throughput(x);
        }),
        SaveSpeed::Parts { seconds_per_key, disk } => {
            let micros = |value: f64| format!("{:.2}", value * 1e6);
            between(ends, "save.microseconds-per-key", seconds_per_key, micros, move |host, x| {
                host.save.speed = SaveSpeed::Parts { seconds_per_key: x, disk };
            });
            between(ends, "save.disk-throughput", disk, a_second, move |host, x| {
                host.save.speed = SaveSpeed::Parts { seconds_per_key, disk: x };
            });
        }
    }
}

fn a_second(bytes: f64) -> String {
    format!("{}/s", Bytes::from_f64(bytes))
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
