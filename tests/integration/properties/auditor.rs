//! Watches a replication and checks the books of every host at every event, and between events.

use forkcast::model::{Cause, Happening, Ledger, Observer, Outcome, Place, Sample, Simulation};
use forkcast::units::{Bytes, SimDuration, SimTime};

/// Copies are whole pages. A resident set that is given as a ratio of `used_memory`, here down to 1, knows nothing of
/// what lies at the edges of slabs: on pages of 16 and 64 KiB several per cent.
const EDGES: f64 = 1.15;

/// Its assertions are the properties; what happened is kept.
pub(super) struct Auditor {
    memory: Bytes,
    capacity: Bytes,
    swap: Bytes,
    end: SimTime,
    /// How far the books of each host are closed.
    closed: Vec<SimTime>,
    /// Resident sets at the last fork, by host and tenant.
    forked: Vec<(Place, Bytes)>,
    pub happenings: Vec<(SimTime, Happening)>,
    /// Closings of the books of the first host: one for each event, and one more for each peak inside a save.
    pub events: u64,
}

impl Auditor {
    /// Watches one replication and checks its figures.
    pub(super) fn watch(simulation: &Simulation, replication: u64) -> (Outcome, Self) {
        let mut auditor = Self {
            memory: simulation.memory(),
            capacity: simulation.capacity(),
            swap: simulation.host().machine.swap,
            end: SimTime::ZERO + simulation.host().horizon,
            closed: vec![SimTime::ZERO; simulation.members()],
            forked: Vec::new(),
            happenings: Vec::new(),
            events: 0,
        };
        let outcome = simulation.run(1, replication, &mut auditor).expect("no step limit is reached");
        auditor.closed.iter().for_each(|&closed| assert_eq!(closed, auditor.end, "closed at the horizon"));
        (outcome, auditor)
    }

    fn check(&self, ledger: &Ledger) {
        assert_eq!(ledger.total(), self.memory);
        assert!(ledger.in_use() <= self.capacity, "{} of {}", ledger.in_use(), self.capacity);
        assert!(ledger.swap <= self.swap, "{} of {} swap", ledger.swap, self.swap);
        let is_full = ledger.in_use() == self.capacity;
        assert!(is_full || ledger.swap == Bytes::ZERO, "swaps with memory left");
    }

    /// How often something of a kind happened.
    pub(super) fn times(&self, is_of_kind: impl Fn(&Happening) -> bool) -> u32 {
        self.happenings.iter().map(|(_, happening)| u32::from(is_of_kind(happening))).sum()
    }
}

impl Observer for Auditor {
    fn span(&mut self, host: usize, from: SimTime, to: SimTime, sample: &dyn Fn(SimTime) -> Sample) {
        assert_eq!(from, self.closed[host], "every instant belongs to one span");
        assert!(from <= to && to <= self.end, "{from} to {to}");
        self.closed[host] = to;
        self.events += u64::from(host == 0);
        // The model itself looks at both ends.
        let middle = from + SimDuration(to.since(from).0 / 2);
        let Sample { ledger, writes_per_second } = sample(middle);
        self.check(&ledger);
        assert!(writes_per_second.is_finite() && writes_per_second >= 0.0, "{writes_per_second} at {middle}");
    }

    fn happened(&mut self, at: SimTime, place: Place, happening: Happening, ledger: &Ledger) {
        self.check(ledger);
        assert_eq!(at, self.closed[place.host], "{happening:?} at {at} on open books");
        let is_here = |(other, _): &(Place, Bytes)| (other.host, other.tenant) == (place.host, place.tenant);
        match happening {
            Happening::Forked { cause, .. } => {
                assert_ne!(cause, Cause::Growth);
                self.forked.retain(|forked| !is_here(forked));
                self.forked.push((place, ledger.resident + ledger.swap));
            }
            Happening::Saved { copied, .. } => {
                let forked = self.forked.iter().find(|forked| is_here(forked));
                let (_, resident) = forked.expect("what saves has forked");
                assert!(copied <= resident.scaled(EDGES), "copied {copied} of {resident}");
            }
            _ => {}
        }
        self.happenings.push((at, happening));
    }
}
