//! Saves that an earlier one outdid, which most are on a server whose data stays as it is.
//!
//! What a save takes grows with what is written while it runs and with what waits meanwhile for the append-only file,
//! and with nothing else as long as the data does. So where an earlier save met at least as much of both and had room,
//! a later one has room too, leaves every extreme of the outcome where it is, and need not be looked at.
//!
//! Owns which saves those are. Holds for a lone server alone, whose data does not grow and whose child gives nothing
//! back, and only where nobody watches: an observer is shown every save.

use smallvec::SmallVec;

use crate::memory::HugePages;
use crate::model::life::Life;
use crate::model::load::Span;
use crate::model::observer::Observer;
use crate::model::server::Phase;
use crate::model::state::{HostState, State};
use crate::units::SimTime;

/// What a save meets from its fork to the exit of its child.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Extent {
    /// The load that passes.
    pub load: Span,
    /// What waits for the append-only file \[bytes\].
    pub aof_buffer: f64,
}

impl Extent {
    fn is_within(&self, other: &Self) -> bool {
        self.load.is_within(&other.load) && self.aof_buffer <= other.aof_buffer
    }
}

/// The saves so far that had room, of which none is within another.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Precedents(SmallVec<[Extent; 4]>);

impl Precedents {
    /// Whether one of them met at least as much.
    pub fn outdo(&self, extent: &Extent) -> bool {
        self.0.iter().any(|earlier| extent.is_within(earlier))
    }

    /// Adds a save that had room.
    pub fn add(&mut self, extent: Extent) {
        self.0.retain(|earlier| !earlier.is_within(&extent));
        self.0.push(extent);
    }
}

impl State<'_> {
    /// Whether the memory of a shard depends on its saves alone, and that of a save on its extent.
    pub(super) fn has_precedents(&self) -> bool {
        let (simulation, machine) = (self.simulation, &self.host().machine);
        let is_alone = self.servers.len() == 1 && !simulation.has_backlog();
        is_alone && !self.grows && !simulation.gives_back() && machine.huge_pages != Some(HugePages::Split)
    }
}

impl<O: Observer> Life<'_, O> {
    /// From now on precedents are gathered where they hold. The first is the host itself, as it is without a child.
    pub(super) fn begin_precedents(&mut self, now: SimTime) {
        let may_hold = !O::IS_WATCHING && self.state.has_precedents();
        self.precedents = (may_hold && !self.state.is_exhausted(0, now)).then(Precedents::default);
    }

    /// Whether a host is known to ask for no more than it has been granted before: it is as ever, and so is the save
    /// that may be running on it.
    pub(super) fn is_outdone(&self, host: usize) -> bool {
        let server = &self.state.servers[host];
        self.precedents.is_some()
            && server.phase == Phase::Serving
            && self.state.hosts[host] == HostState::default()
            && server.child.as_ref().is_none_or(|child| child.is_outdone)
    }

    /// What a save met of which the child exits now is a precedent for later ones: it had room.
    pub(super) fn set_precedent(&mut self, extent: Option<Extent>) {
        if let (Some(precedents), Some(extent)) = (&mut self.precedents, extent) {
            precedents.add(extent);
        }
    }

    /// The data is no longer what it was: earlier saves tell nothing any more.
    pub(super) fn forget_precedents(&mut self) {
        if let Some(precedents) = &mut self.precedents {
            *precedents = Precedents::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::host::{AofRewrite, Job, LawErrors, Operation, SavePoint};
    use crate::model::{Simulation, Uncertain, Unobserved, sample};
    use crate::units::{Bytes, SimDuration};

    /// Looks at every save.
    struct Everything;

    impl Observer for Everything {}

    /// Saves by every cause under a load with weather and a job, in RAM for half of them or so.
    fn busy(percent: f64) -> Simulation {
        let mut host = sample::host(900.0);
        host.server.maxmemory = Some(Bytes::gib(16).scaled(percent / 100.0));
        host.persistence.aof = Some(AofRewrite { percentage: 100.0, min_size: Bytes::mib(64) });
        host.persistence.save_points = vec![SavePoint { seconds: 3_600, changes: 5_000_000 }];
        host.traffic.noise_hour = 0.5;
        host.traffic.noise_minute = 0.5;
        host.save.sigma = 0.4;
        host.law_error = LawErrors::Measured;
        let [low, high] = [Bytes::mib(300), Bytes::gib(2)].map(Bytes::as_f64);
        host.machine.reserved = Uncertain { low, likely: Bytes::gib(1).as_f64(), high };
        host.traffic.jobs = vec![Job {
            at: SimDuration(2 * SimDuration::HOUR.0),
            jitter: SimDuration::HOUR,
            duration: SimDuration(5 * SimDuration::HOUR.0),
            writes_per_second: Uncertain::certain(1_500.0),
            operation: Operation::Set,
            keyspace: 0,
        }];
        Simulation::new(host)
    }

    #[test]
    fn a_replication_fares_the_same_whether_every_save_is_looked_at_or_not() {
        let (mut quiet, mut hurt) = (0, 0);
        for percent in [60.0, 66.0, 72.0, 78.0, 90.0] {
            let simulation = busy(percent);
            for replication in 0..40 {
                let looked_at = simulation.run(3, replication, &mut Everything).unwrap();
                let outcome = simulation.run(3, replication, &mut Unobserved).unwrap();
                assert_eq!(outcome, looked_at, "{percent} %, replication {replication}");
                *(if outcome.incidents() > 0 { &mut hurt } else { &mut quiet }) += 1;
            }
        }
        assert!(quiet > 20 && hurt > 20, "{quiet} {hurt}");
    }
}
