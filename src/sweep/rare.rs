//! Risks too small to count: the random numbers tilted towards trouble by the cross-entropy method.
//!
//! Level by level of the least memory free, the tenth of the replications that came nearest to an incident says where
//! the random numbers must lie for one; when a tenth has incidents, one large sample under the tilt found gives the
//! risk, each replication counted by its weight. What is found is the tail of the *inputs as assumed*: below
//! [`DECIDED_BY_INPUTS`] it is to be reported as that, with the inputs of the largest tilt.
//!
//! Tilted are the host's unknown inputs, and the duration of one save. A risk that lies in something else, in links or
//! in the weather and its bursts, is met no more often than by chance, and then refused.

use std::sync::atomic::AtomicBool;

use statrs::distribution::{ContinuousCDF, Normal};

use super::budget::YEAR_DAYS;
use super::replicate::{Run, Stop, batch};
use super::{Estimate, Unwatched};
use crate::model::tilt::{Save, SaveTilt, Taken, mean_ratio, odds};
use crate::model::{Cause, Draws, Host, Outcome, PerCause, Simulation, StepLimit, Tilt, Unknown, Unobserved};
use crate::stats::importance::{Refusal, WeightedSample, next_level, weighted_mean};
use crate::units::{Bytes, SimDuration};

/// A chance of an incident a month below which the answer is the assumed tail of the inputs, and no figure of the host.
pub const DECIDED_BY_INPUTS: f64 = 1e-4;

/// How many replications a rare risk may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Replications of each level.
    pub pilot: u64,
    /// The most levels on the way to an incident.
    pub levels: u32,
    /// Replications of the sample that is judged.
    pub sample: u64,
}

impl Default for Effort {
    /// Risks down to 1e-8 to a tenth where memory decides them. Measured on a model of 24 inputs: 18,000 replications
    /// for a tenth of 8e-7, while 5,000 were off by half.
    fn default() -> Self {
        Self { pilot: 1_000, levels: 12, sample: 10_000 }
    }
}

/// A risk found by tilting.
#[derive(Clone, Debug, PartialEq)]
pub struct RareRisk {
    /// The chance of an incident within the horizon.
    pub probability: Estimate,
    /// Incidents a year and host.
    pub incidents_per_year: Estimate,
    /// Equally weighted replications with an incident that would say as much.
    pub effective_sample: f64,
    /// Share of the weightiest replication in the risk.
    pub largest_weight_share: f64,
    /// Replications simulated, those on the way included.
    pub replications: u64,
    /// The inputs that must be unlucky for an incident, by how much, the most unlucky first.
    pub decided_by: Vec<DecidedBy>,
}

impl RareRisk {
    /// Whether the risk, its upper end included, is the assumed tail of the inputs: below [`DECIDED_BY_INPUTS`] a
    /// month.
    #[must_use]
    pub fn is_decided_by_inputs(&self, horizon: SimDuration) -> bool {
        self.probability.high * 30.0 * SimDuration::DAY.as_secs_f64() / horizon.as_secs_f64()
            < DECIDED_BY_INPUTS
    }
}

/// An input that must be unlucky for an incident.
#[derive(Clone, Debug, PartialEq)]
pub struct DecidedBy {
    /// Its path in a scenario.
    pub input: String,
    /// By how many standard deviations of a normal number it is shifted from what is likely: upwards above 0.
    pub tilt: f64,
}

/// Why there is no figure of a rare risk.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unresolved {
    /// The sample is not fit to be judged.
    #[error("no estimate of the rare risk: {0}")]
    Refused(#[from] Refusal),
    /// It was cancelled, or a replication does not end.
    #[error(transparent)]
    Stopped(#[from] Stop),
}

/// The share of the replications of a level that lead to the next. Source: de Boer, Kroese, Mannor and Rubinstein, "A
/// tutorial on the cross-entropy method" (2005), take 0.01 to 0.1; the largest needs the fewest replications a level.
const ELITE: f64 = 0.1;

/// How far a tilt moves to the mean of the elite at each level, the rest being the tilt before. Source: the same,
/// section 3.3: 0.7 to 0.9.
const SMOOTHING: f64 = 0.7;

/// The part of the way left after a level beyond which there is no end to it: a twentieth a level leads nowhere
/// within any number of levels allowed, and where memory cannot run out at all every level stalls.
const STALLED: f64 = 0.95;

/// Replications with numbers of their own for each level, and for the sample: none is used twice.
const LEVEL: u64 = 1 << 40;

/// The most saves of which one is tilted: beyond, one more costs more than it can bring.
const MOST_SAVES: usize = 1_024;

/// Shifts of a save's duration that are tried.
const SAVE_SHIFTS: [f64; 9] = [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0];

/// Chances of a slow save that are tried beside the usual one.
const SLOW_PROBABILITIES: [f64; 4] = [0.25, 0.5, 0.75, 0.95];

/// The least tilt of an input that is said to decide.
const DECIDING: f64 = 0.5;

/// The risk of `host`, however small, with intervals at `confidence`. The same for any number of threads.
///
/// # Errors
///
/// [`Unresolved::Refused`] where no incident was reached or the weights are too uneven: there is no figure then, and a
/// bound from ordinary replications is all that can be said.
pub fn rare_risk(
    host: &Host,
    seed: u64,
    confidence: f64,
    effort: Effort,
    cancelled: &AtomicBool,
) -> Result<RareRisk, Unresolved> {
    let simulation = Simulation::new(host.clone());
    let simulate = |tilt: &Tilt, replication| {
        simulation.run_with(&Draws::new(seed, replication).tilted(tilt), &mut Unobserved)
    };
    // What is left when memory runs out.
    let kept_back = simulation.memory().saturating_sub(simulation.capacity());
    let search = Search { seed, effort, kept_back, run: Run { watch: &Unwatched, cancelled }, simulate };
    let untilted = Unknown::of(host).into_iter().map(|unknown| (unknown, 0.0)).collect();
    let years = host.horizon.as_secs_f64() / (YEAR_DAYS * SimDuration::DAY.as_secs_f64());
    let (tilt, levels) = search.tilt(untilted, |shots| saves(&simulation, shots))?;
    let (probability, incidents) = search.sample(&tilt)?;
    let per_replication = incidents.mean(confidence)?;
    Ok(RareRisk {
        probability: probability.mean(confidence)?,
        incidents_per_year: Estimate {
            value: per_replication.value / years,
            low: per_replication.low / years,
            high: per_replication.high / years,
        },
        effective_sample: probability.effective(),
        largest_weight_share: probability.largest_share(),
        replications: u64::from(levels) * effort.pilot + effort.sample,
        decided_by: decided_by(host, &tilt),
    })
}

/// One replication under a tilt.
#[derive(Clone, Debug)]
struct Shot {
    replication: u64,
    /// How near it came: the least memory free \[bytes\], 0 with an incident.
    score: f64,
    incidents: u32,
    forks: PerCause<u32>,
    taken: Taken,
}

/// The way to a rare event. `simulate` runs one replication by its number under a tilt.
struct Search<'a, F> {
    seed: u64,
    effort: Effort,
    /// Free memory that nobody gets.
    kept_back: Bytes,
    run: Run<'a>,
    simulate: F,
}

impl<F: Fn(&Tilt, u64) -> Result<Outcome, StepLimit> + Sync> Search<'_, F> {
    /// The tilt under which incidents are common, and the number of levels it took; refused where the levels do not
    /// lead there. `saves` names the saves of which one is tilted, from what happened without any tilt.
    fn tilt(
        &self,
        untilted: Vec<(Unknown, f64)>,
        saves: impl Fn(&[Shot]) -> Option<SaveTilt>,
    ) -> Result<(Tilt, u32), Unresolved> {
        let mut tilt = Tilt { shifts: untilted, save: None };
        let (mut is_reached, mut before) = (false, f64::INFINITY);
        for level in 1..=self.effort.levels {
            let mut shots = self.shots(&tilt, u64::from(level), self.effort.pilot)?;
            if level == 1 {
                tilt.save = saves(&shots);
                // The same numbers as before, now with those of the saves.
                for shot in &mut shots {
                    shot.taken = tilt.taken(self.seed, shot.replication);
                }
            }
            let mut scores: Vec<f64> = shots.iter().map(|shot| shot.score).collect();
            scores.sort_by(f64::total_cmp);
            let least = next_level(&scores, ELITE);
            let elite: Vec<&Taken> =
                shots.iter().filter(|shot| shot.score <= least).map(|shot| &shot.taken).collect();
            tilt = towards(&tilt, &elite);
            if is_reached {
                return Ok((tilt, level));
            }
            // Once more with incidents alone.
            is_reached = least <= 0.0;
            if least > STALLED * before {
                break;
            }
            before = least;
        }
        Err(Refusal::NoIncident.into())
    }

    /// The sample that is judged: replications with an incident, and incidents.
    fn sample(&self, tilt: &Tilt) -> Result<(WeightedSample, WeightedSample), Stop> {
        let shots = self.shots(tilt, u64::from(self.effort.levels) + 1, self.effort.sample)?;
        let affected = |shot: &Shot| if shot.incidents > 0 { shot.taken.weight } else { 0.0 };
        let incidents = |shot: &Shot| shot.taken.weight * f64::from(shot.incidents);
        Ok((shots.iter().map(affected).collect(), shots.iter().map(incidents).collect()))
    }

    fn shots(&self, tilt: &Tilt, level: u64, count: u64) -> Result<Vec<Shot>, Stop> {
        let first = level * LEVEL;
        batch(first..first + count, self.run, |replication| {
            let outcome = (self.simulate)(tilt, replication)?;
            let incidents = outcome.incidents();
            let free = outcome.free_min.saturating_sub(self.kept_back);
            let score = if incidents > 0 { 0.0 } else { 1.0 + free.as_f64() };
            let taken = tilt.taken(self.seed, replication);
            Ok(Shot { replication, score, incidents, forks: outcome.forks, taken })
        })
    }
}

/// The tilt nearest in cross-entropy to where the elite lies, smoothed.
fn towards(tilt: &Tilt, elite: &[&Taken]) -> Tilt {
    let points: Vec<(f64, &[f64])> =
        elite.iter().map(|taken| (taken.weight, taken.unknowns.as_slice())).collect();
    let means = weighted_mean(&points);
    let smoothed = |(&(unknown, old), mean): (&(Unknown, f64), f64)| {
        (unknown, SMOOTHING * mean + (1.0 - SMOOTHING) * old)
    };
    Tilt {
        shifts: tilt.shifts.iter().zip(means).map(smoothed).collect(),
        save: tilt.save.as_ref().map(|save| save_towards(save, elite)),
    }
}

/// The same for one save among many, whose law has no closed form: of the shifts and chances that are tried, those
/// under which the elite is likeliest.
fn save_towards(save: &SaveTilt, elite: &[&Taken]) -> SaveTilt {
    let is_slow_at_times = save.usual > 0.0 && save.usual < 1.0;
    let tried = if is_slow_at_times { &SLOW_PROBABILITIES[..] } else { &[] };
    let mut best = (f64::NEG_INFINITY, 0.0, save.usual);
    for &slow_probability in [save.usual].iter().chain(tried) {
        let odds = odds(save.usual, slow_probability);
        for shift in SAVE_SHIFTS {
            let ln_likelihood = |taken: &&Taken| {
                taken.weight * mean_ratio(&taken.saves, shift, odds).max(f64::MIN_POSITIVE).ln()
            };
            let fit = elite.iter().map(ln_likelihood).sum::<f64>();
            if fit > best.0 {
                best = (fit, shift, slow_probability);
            }
        }
    }
    SaveTilt { shift: best.1, slow_probability: best.2, ..save.clone() }
}

/// The saves that there can be, as many of each cause as any replication had; `None` where all last the same. A cause
/// with more forks than are worth it is left out.
fn saves(simulation: &Simulation, shots: &[Shot]) -> Option<SaveTilt> {
    let pace = &simulation.host().save;
    let varies = pace.sigma > 0.0 || pace.slow_probability > 0.0 && pace.slow_factor > 1.0;
    let servers = simulation.shards() * simulation.members();
    let mut saves = Vec::new();
    for cause in Cause::ALL {
        let most = shots.iter().map(|shot| shot.forks[cause]).max().unwrap_or(0);
        let of_server = most.div_ceil(u32::try_from(simulation.shards()).unwrap_or(u32::MAX));
        if saves.len() + of_server as usize * servers <= MOST_SAVES {
            let of = |server| (0..of_server).map(move |ordinal| Save::of(cause, server, ordinal));
            saves.extend((0..servers).flat_map(of));
        }
    }
    let usual = pace.slow_probability;
    (varies && !saves.is_empty()).then_some(SaveTilt { saves, shift: 0.0, slow_probability: usual, usual })
}

/// The inputs whose tilt is not small, the largest first.
fn decided_by(host: &Host, tilt: &Tilt) -> Vec<DecidedBy> {
    let mut inputs: Vec<DecidedBy> =
        tilt.shifts.iter().map(|&(unknown, tilt)| DecidedBy { input: unknown.path(host), tilt }).collect();
    if let Some(save) = &tilt.save {
        inputs.push(DecidedBy { input: "save.sigma".to_owned(), tilt: save.shift });
        if save.slow_probability > save.usual {
            let normal = |p| Normal::standard().inverse_cdf(p);
            let tilt = normal(save.slow_probability) - normal(save.usual);
            inputs.push(DecidedBy { input: "save.slow.probability".to_owned(), tilt });
        }
    }
    inputs.retain(|decided| decided.tilt.abs() >= DECIDING);
    inputs.sort_by(|a, b| b.tilt.abs().total_cmp(&a.tilt.abs()));
    inputs
}

#[cfg(test)]
mod tests;
