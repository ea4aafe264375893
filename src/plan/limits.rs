//! How much more the plan takes: of writes, and of growth.

use super::Trouble;
use super::ask::Ask;
use super::room::Room;
use crate::model::Simulation;
use crate::model::host::{Host, WriteRate};
use crate::scenario::Case;
use crate::sweep::Ladder;
use crate::units::{Bytes, SimDuration};

/// Steps of the write rate: a factor of 1.05 each, from a sixteenth of the rate to some sixtyfold.
const FACTOR: f64 = 1.05;
const STEPS: usize = 140;
const BELOW: f64 = 57.0;

/// Replications, in incidents that the budget would allow in them: enough for the rate, which moves little where the
/// risk moves much.
const ALLOWED: f64 = 3.0;

/// The largest mean write rate of the load, all keyspaces together, at which `case` is estimated to stay within the
/// budget \[1/s\]: its likely rates scaled alike. `None` where not even a sixteenth does, or where nothing is written.
pub fn writes_per_second(ask: &Ask<'_>, case: &Case) -> Result<Option<f64>, Trouble> {
    let likely = likely_writes(&case.host);
    if likely <= 0.0 {
        return Ok(None);
    }
    let host_at = |step: usize| scaled(&case.host, factor(step));
    let budget = ask.by(ask.replications_for(ALLOWED));
    let steps = ask.estimates(&[Ladder::new(STEPS, host_at)], &budget)?;
    Ok(steps.into_iter().flatten().next().map(|step| likely * factor(step)))
}

fn factor(step: usize) -> f64 {
    FACTOR.powf(step as f64 - BELOW)
}

/// Mean writes a second of all keyspaces at the likely rates.
fn likely_writes(host: &Host) -> f64 {
    let keys = Simulation::new(host.clone()).population(host.server.client_memory.likely).keys;
    let rates = host.dataset.keyspaces.iter().zip(keys).map(|(keyspace, keys)| match keyspace.write_rate {
        WriteRate::Total(rate) => rate.likely,
        WriteRate::PerKey(rate) => rate.likely * keys,
    });
    rates.sum()
}

fn scaled(host: &Host, factor: f64) -> Host {
    let mut host = host.clone();
    for keyspace in &mut host.dataset.keyspaces {
        let (WriteRate::Total(rate) | WriteRate::PerKey(rate)) = &mut keyspace.write_rate;
        *rate = rate.times(factor);
    }
    // A cap on the load is a limit of the client, which is what is turned up here.
    host.traffic.max_writes_per_second *= factor.max(1.0);
    host
}

/// Days until the data of the scenario as written, growing at the upper end of what it says, is more than `case`
/// survives; `None` where it does not grow.
///
/// Data as given that survives in some RAM is taken to survive in proportion in more: cautious, as what others use of a
/// host does not grow with the data.
pub fn safe_days(as_written: &Host, case: &Case, survivable: Room) -> Option<f64> {
    let simulation = Simulation::new(as_written.clone());
    let servers = f64::from(as_written.tenancy.servers);
    let [now, later] =
        [simulation.used_memory(), simulation.used_memory_at_horizon()].map(|data| data.scaled(servers));
    let days = as_written.horizon.as_secs_f64() / SimDuration::DAY.as_secs_f64();
    let a_day = later.saturating_sub(now).as_f64() / days;
    let most = match survivable {
        Room::Percent(percent) => case.memory.scaled(percent / 100.0),
        Room::Ram(ram) if ram <= case.memory => later.scaled(case.memory.as_f64() / ram.as_f64()),
        Room::Ram(_) => Bytes::ZERO,
    };
    let room = most.saturating_sub(now);
    (a_day > 0.0).then(|| if room == Bytes::ZERO { 0.0 } else { room.as_f64() / a_day })
}
