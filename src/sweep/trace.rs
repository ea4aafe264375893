//! One replication in full: the ledger over time and everything that happened.

use crate::model::{Happening, Ledger, Observer, Outcome, Sample, Simulation, StepLimit};
use crate::units::{SimDuration, SimTime};

/// A replication as it was watched.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// How it was, in order of time: close together while a child lives or the server loads, hourly otherwise; of
    /// very many forks the later ones only at their ends, or not at all.
    pub timeline: Vec<(SimTime, Sample)>,
    /// What happened, with the memory just after it.
    pub happenings: Vec<(SimTime, Happening, Ledger)>,
    /// The figures.
    pub outcome: Outcome,
}

/// Runs one replication and keeps everything.
///
/// # Errors
///
/// See [`Simulation::run`].
pub fn trace(simulation: &Simulation, seed: u64, replication: u64) -> Result<Trace, StepLimit> {
    let mut recorder = Recorder::default();
    let outcome = simulation.run(seed, replication, &mut recorder)?;
    let Recorder { timeline, happenings, .. } = recorder;
    Ok(Trace { timeline, happenings, outcome })
}

/// Samples in the life of a child, a reload or an orphan.
const SAMPLES_A_CHANGE: u64 = 12;

/// Samples after which only the ends of each span are kept: about 30 MB of timeline, a month of many thousand forks.
const DENSE_SAMPLES: usize = 100_000;

/// Samples after which nothing more is kept.
const MOST_SAMPLES: usize = 400_000;

/// The longest pause between samples while nothing changes.
const QUIET_PAUSE: SimDuration = SimDuration::HOUR;

#[derive(Debug, Default)]
struct Recorder {
    timeline: Vec<(SimTime, Sample)>,
    happenings: Vec<(SimTime, Happening, Ledger)>,
    is_changing: bool,
}

impl Observer for Recorder {
    fn span(&mut self, from: SimTime, to: SimTime, sample: &dyn Fn(SimTime) -> Sample) {
        let length = to.since(from).0;
        let quiet = length.div_ceil(QUIET_PAUSE.0);
        let samples = match self.timeline.len() {
            0..DENSE_SAMPLES if self.is_changing => quiet.max(SAMPLES_A_CHANGE),
            0..DENSE_SAMPLES => quiet.max(1),
            DENSE_SAMPLES..MOST_SAMPLES => 1,
            _ => return,
        };
        // The step keeps an instant before and after each change, so that a drop shows as a drop.
        for step in 0..=samples {
            let at = from + SimDuration(length / samples * step + length % samples * step / samples);
            self.timeline.push((at, sample(at)));
        }
    }

    fn happened(&mut self, at: SimTime, happening: Happening, ledger: &Ledger) {
        self.is_changing = match happening {
            Happening::Forked { .. } | Happening::Killed { .. } | Happening::Starting { .. } => true,
            Happening::Saved { .. } | Happening::Loaded { .. } | Happening::CrashLoop { .. } => false,
            _ => self.is_changing,
        };
        self.happenings.push((at, happening, *ledger));
    }
}
