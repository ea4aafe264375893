//! How far off the law of copies may be on a host: the errors measured of its engine, by what its load is made of.

use crate::memory::law_error::Load;
use crate::memory::{KeyKind, LawError};
use crate::model::host::{Host, Keyspace, LawErrors, Operation, WriteRate};
use crate::units::SimDuration;

/// Whether a host has any: not where the law is taken to be exact, or nothing is written.
pub(super) fn has_law_error(host: &Host) -> bool {
    let is_written = |keyspace: &Keyspace| {
        let (WriteRate::Total(rate) | WriteRate::PerKey(rate)) = keyspace.write_rate;
        rate.high > 0.0
    };
    let is_written = host.dataset.keyspaces.iter().any(is_written)
        || host.traffic.jobs.iter().any(|job| job.writes_per_second.high > 0.0);
    host.law_error == LawErrors::Measured && is_written
}

/// The errors of `host`, whose keyspaces are of these kinds and have so many keys: its loads at the upper ends of their
/// rates, where it matters.
pub(super) fn law_error(host: &Host, kinds: &[KeyKind], keys: &[f64]) -> Option<LawError> {
    if !has_law_error(host) {
        return None;
    }
    let of_keyspace = |(number, keyspace): (usize, &Keyspace)| {
        let rate = match keyspace.write_rate {
            WriteRate::Total(rate) => rate.high,
            WriteRate::PerKey(rate) => rate.high * keys[number],
        };
        let moving = keyspace.operations.insert + keyspace.operations.delete;
        [(Load::Moving, rate * moving), (Load::overwriting(kinds[number].value), rate * (1.0 - moving))]
    };
    let mut shares: Vec<(Load, f64)> =
        host.dataset.keyspaces.iter().enumerate().flat_map(of_keyspace).collect();
    shares.extend(host.traffic.jobs.iter().map(|job| {
        let of_day = job.duration.as_secs_f64() / SimDuration::DAY.as_secs_f64();
        let load = match job.operation {
            Operation::Insert => Load::Moving,
            Operation::Set | Operation::Incr | Operation::Hset => {
                Load::overwriting(kinds[job.keyspace].value)
            }
        };
        (load, job.writes_per_second.high * of_day)
    }));
    LawError::of(&host.server.layout, host.server.allocator, &shares)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Allocator;
    use crate::memory::law_error::MEASURED;
    use crate::model::host::{Fill, OperationMix};
    use crate::model::{Draws, Simulation, Unknown, Unobserved, sample};
    use crate::units::Bytes;

    fn measured(writes_per_second: f64) -> Host {
        Host { law_error: LawErrors::Measured, ..sample::host(writes_per_second) }
    }

    fn copied(host: Host, replication: u64) -> f64 {
        Simulation::new(host).run(1, replication, &mut Unobserved).unwrap().cow_peak.as_f64()
    }

    /// Every save of a host is off by the same ratio, and hosts by those of the measured saves.
    #[test]
    fn copies_are_those_of_the_law_times_what_the_host_has_drawn() {
        let expected = copied(sample::host(1_000.0), 0);
        let ratios: Vec<f64> = (0..200).map(|rep| copied(measured(1_000.0), rep) / expected).collect();
        let [first, last] = [0, 8].map(|octile| MEASURED[0].octiles[octile]);
        assert!(ratios.iter().all(|ratio| (first - 1e-6..=last + 1e-6).contains(ratio)), "{ratios:?}");
        let below_median = ratios.iter().filter(|&&ratio| ratio < MEASURED[0].octiles[4]).count();
        assert!((70..130).contains(&below_median), "{below_median} of 200 below the median");
        // Seven saves a host, alike as this one has no weather: the largest is as far off as the host is.
        let host = Simulation::new(measured(1_000.0));
        let drawn = host.law_error_of(&Draws::new(1, 3));
        assert!((ratios[3] / drawn - 1.0).abs() < 1e-6, "{} {drawn}", ratios[3]);
    }

    #[test]
    fn it_is_an_input_of_the_host_that_has_a_likely_value() {
        let paths = |host: &Host| -> Vec<String> {
            Unknown::of(host).into_iter().map(|unknown| unknown.path(host)).collect()
        };
        assert_eq!(paths(&measured(1_000.0)), ["save.law-error"]);
        assert!(paths(&measured(0.0)).is_empty() && paths(&sample::host(1_000.0)).is_empty());
        let likely = measured(1_000.0).at_likely();
        assert!((copied(likely, 5) - copied(sample::host(1_000.0), 5)).abs() < 1.0);
    }

    /// Where all is copied there is no more to copy.
    #[test]
    fn no_more_is_copied_than_there_was() {
        let mut host = measured(1e6);
        host.machine.ram = Bytes::gib(64);
        // Not measured with this engine: up to 4.7 % more.
        host.server.allocator = Allocator::Bundled;
        let resident = Simulation::new(host.clone()).used_memory().as_f64();
        let most = (0..100).map(|replication| copied(host.clone(), replication)).fold(0.0, f64::max);
        assert!((most / resident - 1.0).abs() < 1e-3, "{most} {resident}");
    }

    #[test]
    fn loads_count_by_their_writes() {
        let mut host = measured(1_000.0);
        host.dataset.fill = Fill::Keys;
        host.dataset.keyspaces[0].operations =
            OperationMix { set: 0.5, incr: 0.0, hset: 0.0, insert: 0.25, delete: 0.25 };
        let simulation = Simulation::new(host.clone());
        let kinds = simulation.kinds();
        let error = law_error(&host, kinds, &[1e6]).unwrap();
        let [small, moving] = [0, 3].map(|group| MEASURED[group].octiles[8]);
        assert!((error.quantile(1.0) - f64::midpoint(small, moving)).abs() < 1e-9);
    }
}
