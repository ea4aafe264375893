//! Random numbers tilted towards trouble, and the weight that makes up for it.
//!
//! ```text
//! w = 1 / (δ + (1 − δ) Π_i e^(μ_i z_i − μ_i²/2) · (1/n) Σ_j e^(ν y_j − ν²/2) s_j)
//! s_j = q/p where the number of save j says slow, (1 − q)/(1 − p) where it does not
//! ```
//!
//! z are the normal numbers of the host's unknown inputs, shifted by μ; y are those of the durations of n saves, of
//! which one, any with equal chance, is shifted by ν and slow with the chance q instead of p; with the chance δ
//! nothing is tilted at all. A month goes wrong by one bad save among many: to tilt all of them would leave weights
//! that no sample could average. Weights are at most 1/δ, and average to 1 whatever the tilt.
//!
//! A disk is slow for hours and all saves that begin meanwhile are (`disk`), but it is one save's number that says so:
//! that of the first save in the window. So numbers are tilted where they lie, with the saves, before anybody knows
//! when these will be; a replication is a function of its numbers, and w is the ratio of their likelihoods whether or
//! not it comes to use them all. A save that is not the first in its window does not use that number, as one that never
//! comes to be uses none.
//!
//! Sources: the defensive part δ: T. Hesterberg, "Weighted average importance sampling and defensive mixture
//! distributions", Technometrics 37 (1995); one of many: A. B. Owen, Y. Maximov and M. Chertkov, "Importance sampling
//! the union of rare events with an application to power systems analysis", Electronic Journal of Statistics 13
//! (2019). Leaves out how a tilt is found; that is `sweep`'s.

use rand::RngExt;
use rand_distr::StandardNormal;

use crate::model::draws::{Unknown, normal};
use crate::model::life::occasion;
use crate::model::outcome::Cause;
use crate::rng::{Purpose, Stream};

/// The chance δ that a replication is left as it is. Source: Hesterberg (1995) takes 0.1 to 0.5; with 0.1 a risk that
/// the tilt misses is still met a tenth as often as without any.
pub const DEFENSIVE: f64 = 0.1;

/// A tilt of the random numbers of replications.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tilt {
    /// The host's unknown inputs, and by how many standard deviations of a normal number μ each is shifted.
    pub shifts: Vec<(Unknown, f64)>,
    /// The saves of which one is tilted; `None` where none is.
    pub save: Option<SaveTilt>,
}

/// One save among many is tilted.
#[derive(Clone, Debug, PartialEq)]
pub struct SaveTilt {
    /// The saves, at least one.
    pub saves: Vec<Save>,
    /// By how many standard deviations ν the logarithm of its duration is shifted.
    pub shift: f64,
    /// The chance q that its number says slow.
    pub slow_probability: f64,
    /// The chance p that the number of any save says so.
    pub usual: f64,
}

/// The random numbers that a replication takes under a tilt, as they come out.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// The normal number z of each input in [`Tilt::shifts`].
    pub unknowns: Vec<f64>,
    /// The normal number y of each save in [`SaveTilt::saves`], and whether its other number says slow.
    pub saves: Vec<(f64, bool)>,
    /// The weight w.
    pub weight: f64,
}

impl Tilt {
    /// What `replication` under `seed` takes.
    #[must_use]
    pub fn taken(&self, seed: u64, replication: u64) -> Taken {
        let stream = Stream::new(seed, replication);
        let applies = Self::applies_to(stream);
        let unknown = |&(unknown, shift): &(Unknown, f64)| {
            let u: f64 = stream.at(unknown.purpose, unknown.number as u64).random();
            normal(u) + if applies { shift } else { 0.0 }
        };
        let bad = self.bad_save(stream).filter(|_| applies);
        let save = |save: &Save| {
            let (z, slowed) = save.numbers(stream, bad);
            (z, self.save.as_ref().is_some_and(|tilt| slowed < tilt.usual))
        };
        let unknowns: Vec<f64> = self.shifts.iter().map(unknown).collect();
        let saves: Vec<(f64, bool)> = self.save.iter().flat_map(|tilt| &tilt.saves).map(save).collect();
        let of_unknowns: f64 = self.shifts.iter().zip(&unknowns).map(|((_, m), z)| m * z - m * m / 2.0).sum();
        let of_saves = self.save.as_ref().map_or(1.0, |tilt| mean_ratio(&saves, tilt.shift, tilt.odds()));
        let weight = 1.0 / (DEFENSIVE + (1.0 - DEFENSIVE) * of_unknowns.exp() * of_saves);
        Taken { unknowns, saves, weight }
    }

    /// Whether a tilt applies to a replication: to all but a share [`DEFENSIVE`] of them.
    pub(super) fn applies_to(stream: Stream) -> bool {
        stream.at(Purpose::Tilt, 0).random::<f64>() >= DEFENSIVE
    }

    /// By how much an input is shifted.
    pub(super) fn shift_of(&self, unknown: Unknown) -> Option<f64> {
        self.shifts.iter().find(|(shifted, _)| *shifted == unknown).map(|&(_, shift)| shift)
    }

    /// The save that is tilted in a replication to which the tilt applies.
    pub(super) fn bad_save(&self, stream: Stream) -> Option<BadSave> {
        let tilt = self.save.as_ref()?;
        let which = stream.at(Purpose::Tilt, 1).random_range(0..tilt.saves.len());
        let SaveTilt { shift, slow_probability, usual, .. } = *tilt;
        Some(BadSave { save: tilt.saves[which], shift, slow_probability, usual })
    }
}

impl SaveTilt {
    /// Likelihood ratios of a save that is slow, and of one that is not.
    #[must_use]
    pub fn odds(&self) -> (f64, f64) {
        odds(self.usual, self.slow_probability)
    }
}

/// Likelihood ratios of a save that is slow, and of one that is not, where it is with the chance `q` instead of `p`.
#[must_use]
pub fn odds(p: f64, q: f64) -> (f64, f64) {
    let ratio = |tilted: f64, usual: f64| if usual > 0.0 { tilted / usual } else { 0.0 };
    (ratio(q, p), ratio(1.0 - q, 1.0 - p))
}

/// The mean over saves of the likelihood ratio of each: shifted by ν, with these ratios of slow saves and others.
#[must_use]
pub fn mean_ratio(saves: &[(f64, bool)], shift: f64, (slow, other): (f64, f64)) -> f64 {
    let ratio = |&(z, is_slow): &(f64, bool)| {
        (shift * z - shift * shift / 2.0).exp() * if is_slow { slow } else { other }
    };
    saves.iter().map(ratio).sum::<f64>() / saves.len() as f64
}

/// A save: the `ordinal`-th fork of a cause by a server, whether or not it comes to that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Save {
    purpose: Purpose,
    occasion: u64,
}

impl Save {
    /// The `ordinal`-th fork of `cause` by `server`, both from 0.
    #[must_use]
    pub fn of(cause: Cause, server: usize, ordinal: u32) -> Self {
        let purpose = match cause {
            Cause::Backup | Cause::Growth => Purpose::BackupDuration,
            Cause::SavePoint => Purpose::SavePointDuration,
            Cause::AofRewrite => Purpose::AofRewriteDuration,
            Cause::FullSync => Purpose::FullSyncDuration,
        };
        Self { purpose, occasion: occasion(server, u64::from(ordinal)) }
    }

    /// The numbers that decide its duration: a normal one for the noise, and a uniform one that says, where it is below
    /// the chance of it, that the disk is slow if the save is the first to find out.
    pub(super) fn numbers(self, stream: Stream, bad: Option<BadSave>) -> (f64, f64) {
        let mut generator = stream.at(self.purpose, self.occasion);
        let (z, slowed): (f64, f64) = (generator.sample(StandardNormal), generator.random());
        match bad.filter(|bad| bad.save == self) {
            None => (z, slowed),
            // Below the usual chance exactly with the tilted one.
            Some(bad) => (z + bad.shift, if slowed < bad.slow_probability { 0.0 } else { 1.0 }),
        }
    }
}

/// The save that is tilted in a replication.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BadSave {
    save: Save,
    shift: f64,
    slow_probability: f64,
    usual: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::draws::Draws;
    use crate::model::host::SaveSpeed;
    use crate::model::{Host, Simulation, Uncertain, Unobserved, sample};

    fn host() -> Host {
        let mut host = sample::host(500.0);
        host.machine.reserved = Uncertain { low: 4e8, likely: 7e8, high: 1.5e9 };
        host.save.speed = SaveSpeed::Throughput(Uncertain { low: 60e6, likely: 150e6, high: 200e6 });
        (host.save.sigma, host.save.slow_probability, host.save.slow_factor) = (0.2, 0.01, 4.0);
        host
    }

    /// The first input by 2, the second by -1, one of seven backups by 3 and slow every other time.
    fn tilt(host: &Host) -> Tilt {
        let saves = (0..7).map(|ordinal| Save::of(Cause::Backup, 0, ordinal)).collect();
        let save = SaveTilt { saves, shift: 3.0, slow_probability: 0.5, usual: 0.01 };
        Tilt { shifts: Unknown::of(host).into_iter().zip([2.0, -1.0]).collect(), save: Some(save) }
    }

    #[test]
    fn no_tilt_changes_nothing_and_weighs_one() {
        let host = host();
        let none = Tilt { shifts: Unknown::of(&host).into_iter().map(|u| (u, 0.0)).collect(), save: None };
        let simulation = Simulation::new(host);
        for replication in 0..5 {
            let tilted = Draws::new(1, replication).tilted(&none);
            let peaks = [tilted, Draws::new(1, replication)]
                .map(|draws| simulation.run_with(&draws, &mut Unobserved).unwrap().peak_memory.as_f64());
            assert!((peaks[0] - peaks[1]).abs() < 1e-6 * peaks[1], "{peaks:?}");
            assert!((none.taken(1, replication).weight - 1.0).abs() < 1e-12);
        }
    }

    /// Over 20,000 replications the weights, of variance below 9, have a standard error below 0.02; the numbers
    /// weighted with them average to those without any tilt.
    #[test]
    fn weights_average_to_one_and_undo_the_tilt() {
        let tilt = tilt(&host());
        let taken: Vec<Taken> = (0..20_000).map(|replication| tilt.taken(1, replication)).collect();
        let mean = |value: &dyn Fn(&Taken) -> f64| taken.iter().map(value).sum::<f64>() / taken.len() as f64;
        assert!((mean(&|t| t.weight) - 1.0).abs() < 0.06, "{}", mean(&|t| t.weight));
        assert!(mean(&|t| t.weight * t.unknowns[0]).abs() < 0.08);
        assert!((mean(&|t| t.unknowns[0]) - 0.9 * 2.0).abs() < 0.04);
        let slow = mean(&|t| t.weight * f64::from(u8::from(t.saves[3].1)));
        assert!((slow - 0.01).abs() < 0.005, "{slow}");
        assert!(taken.iter().all(|t| t.weight <= 1.0 / DEFENSIVE));
    }

    #[test]
    fn a_replication_takes_what_its_weight_is_for() {
        let host = host();
        let tilt = tilt(&host);
        for replication in 0..20 {
            let draws = Draws::new(1, replication).tilted(&tilt);
            let taken = tilt.taken(1, replication);
            for (&(unknown, _), z) in tilt.shifts.iter().zip(&taken.unknowns) {
                let quantile = draws.quantile(unknown.purpose, unknown.number);
                assert!((normal(quantile) - z).abs() < 1e-6, "{quantile} {z}");
            }
            let bad = draws.tilt().and_then(|tilt| tilt.bad_save(Stream::new(1, replication)));
            let (z, slowed) = Save::of(Cause::Backup, 0, 2).numbers(Stream::new(1, replication), bad);
            assert!((z - taken.saves[2].0).abs() < f64::EPSILON);
            assert_eq!(slowed < 0.01, taken.saves[2].1);
        }
    }

    #[test]
    fn replications_share_a_host_and_differ_in_the_rest() {
        let simulation = Simulation::new(host());
        let (a, b) = (Draws::new(1, 0).on_host_of(9), Draws::new(1, 1).on_host_of(9));
        let reserved = |draws: &Draws<'_>| draws.quantile(Purpose::Reserved, 0);
        assert!((reserved(&a) - reserved(&b)).abs() < f64::MIN_POSITIVE);
        assert!((reserved(&a) - reserved(&Draws::new(1, 0))).abs() > 1e-6);
        let peak = |draws| simulation.run_with(draws, &mut Unobserved).unwrap().cow_peak;
        assert_ne!(peak(&a), peak(&b));
    }
}
