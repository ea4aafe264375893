//! One replication in full: the ledger of each host over time and everything that happened.

use std::collections::BTreeSet;

use crate::model::{Happening, Ledger, Observer, Outcome, Place, Sample, Simulation, StepLimit};
use crate::units::{SimDuration, SimTime};

/// A replication as it was watched.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// How each host was, the first primary's first; see [`Timeline`].
    pub hosts: Vec<Timeline>,
    /// What happened, in order of time.
    pub happenings: Vec<Happened>,
    /// The figures.
    pub outcome: Outcome,
}

/// How a host was, in order of time: close together while a child lives or a server loads, hourly otherwise; of very
/// many forks the later ones only at their ends, or not at all.
pub type Timeline = Vec<(SimTime, Sample)>;

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Happened {
    /// When.
    pub at: SimTime,
    /// To whom.
    pub place: Place,
    /// What.
    pub happening: Happening,
    /// The memory of its host just after it.
    pub ledger: Ledger,
}

/// Runs one replication and keeps everything.
///
/// # Errors
///
/// See [`Simulation::run`].
pub fn trace(simulation: &Simulation, seed: u64, replication: u64) -> Result<Trace, StepLimit> {
    let mut recorder = Recorder::default();
    let outcome = simulation.run(seed, replication, &mut recorder)?;
    let Recorder { hosts, happenings, .. } = recorder;
    Ok(Trace { hosts: hosts.into_iter().map(|host| host.timeline).collect(), happenings, outcome })
}

/// Samples in the life of a child, a reload or an orphan.
const SAMPLES_A_CHANGE: u64 = 12;

/// Samples of all hosts after which only the ends of each span are kept: about 30 MB of timeline, a month of many
/// thousand forks.
const DENSE_SAMPLES: usize = 100_000;

/// Samples after which nothing more is kept.
const MOST_SAMPLES: usize = 400_000;

/// The longest pause between samples while nothing changes.
const QUIET_PAUSE: SimDuration = SimDuration::HOUR;

#[derive(Debug, Default)]
struct Recorder {
    hosts: Vec<HostRecord>,
    happenings: Vec<Happened>,
    /// Samples kept so far, of all hosts.
    samples: usize,
}

#[derive(Debug, Default)]
struct HostRecord {
    timeline: Timeline,
    /// The servers of the host whose memory is changing fast.
    changing: BTreeSet<usize>,
}

impl Recorder {
    fn host(&mut self, number: usize) -> &mut HostRecord {
        if self.hosts.len() <= number {
            self.hosts.resize_with(number + 1, HostRecord::default);
        }
        &mut self.hosts[number]
    }
}

impl Observer for Recorder {
    fn span(&mut self, host: usize, from: SimTime, to: SimTime, sample: &dyn Fn(SimTime) -> Sample) {
        let kept = self.samples;
        let record = self.host(host);
        let length = to.since(from).0;
        let quiet = length.div_ceil(QUIET_PAUSE.0);
        let samples = match kept {
            0..DENSE_SAMPLES if !record.changing.is_empty() => quiet.max(SAMPLES_A_CHANGE),
            0..DENSE_SAMPLES => quiet.max(1),
            DENSE_SAMPLES..MOST_SAMPLES => 1,
            _ => return,
        };
        // The step keeps an instant before and after each change, so that a drop shows as a drop.
        for step in 0..=samples {
            let at = from + SimDuration(length / samples * step + length % samples * step / samples);
            record.timeline.push((at, sample(at)));
        }
        self.samples = self.hosts.iter().map(|host| host.timeline.len()).sum();
    }

    fn happened(&mut self, at: SimTime, place: Place, happening: Happening, ledger: &Ledger) {
        let changing = &mut self.host(place.host).changing;
        match changes_fast(&happening) {
            Some(true) => _ = changing.insert(place.tenant),
            Some(false) => _ = changing.remove(&place.tenant),
            None => {}
        }
        self.happenings.push(Happened { at, place, happening, ledger: *ledger });
    }
}

/// Whether a server's memory changes fast from now on; `None` where that is as it was.
fn changes_fast(happening: &Happening) -> Option<bool> {
    match happening {
        Happening::Forked { .. }
        | Happening::ForklessBegan { .. }
        | Happening::Killed { .. }
        | Happening::KilledLoading { .. }
        | Happening::Starting { .. }
        | Happening::ReplicaLoading { .. } => Some(true),
        Happening::Saved { .. }
        | Happening::ForklessEnded
        | Happening::Loaded { .. }
        | Happening::ReplicaOnline { .. }
        | Happening::CrashLoop { .. } => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Cause;

    const FORKED: Happening =
        Happening::Forked { cause: Cause::Backup, duration: SimDuration::MINUTE, pause: SimDuration::ZERO };
    const SAVED: Happening = Happening::Saved {
        cause: Cause::Backup,
        duration: SimDuration::MINUTE,
        copied: crate::units::Bytes::ZERO,
    };

    fn sample(_: SimTime) -> Sample {
        Sample { ledger: Ledger::default(), writes_per_second: 0.0 }
    }

    fn watch(recorder: &mut Recorder, host: usize) -> usize {
        let before = recorder.host(host).timeline.len();
        recorder.span(host, SimTime::ZERO, SimTime::ZERO + SimDuration::MINUTE, &sample);
        recorder.host(host).timeline.len() - before
    }

    #[test]
    fn each_host_has_a_timeline_of_its_own_dense_while_one_of_its_servers_changes() {
        let mut recorder = Recorder::default();
        let happen = |recorder: &mut Recorder, host, tenant, happening| {
            let place = Place { host, tenant, is_primary: host == 0 };
            recorder.happened(SimTime::ZERO, place, happening, &Ledger::default());
        };
        happen(&mut recorder, 1, 0, FORKED);
        happen(&mut recorder, 1, 2, FORKED);
        assert_eq!((watch(&mut recorder, 0), watch(&mut recorder, 1)), (2, 13));
        happen(&mut recorder, 1, 0, SAVED);
        assert_eq!(watch(&mut recorder, 1), 13);
        happen(&mut recorder, 1, 2, SAVED);
        assert_eq!((watch(&mut recorder, 0), watch(&mut recorder, 1)), (2, 2));
        assert_eq!(recorder.samples, 2 + 13 + 13 + 2 + 2);
    }
}
