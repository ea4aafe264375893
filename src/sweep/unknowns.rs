//! What not knowing the inputs does to a risk: over all that they may be, at the likely values, and from host to host.
//!
//! An input of the host is drawn once a replication and then holds for all of it, weather and saves vary within. So
//! there is one risk over both, which the verdict is about; one at the likely values, which hides the inputs' tails;
//! and one for each host that may turn out to be the real one, which spread as much as the inputs decide.

use std::sync::atomic::AtomicBool;

use super::replicate::{Run, Stop, batch};
use super::{Estimate, Unwatched};
use crate::model::{Draws, Host, Simulation, Sky, StepLimit, Unobserved};
use crate::stats::{Groups, Share, exact};

/// How many replications the spread of a risk takes: `hosts` · `each`, and as many again for each of the two other
/// risks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Hosts, each with inputs drawn once; at least 2.
    pub hosts: u64,
    /// Replications of each host; at least 2.
    pub each: u64,
}

impl Default for Sizes {
    /// Forty hosts bound the 10 % and 90 % quantiles by ranks of their own; 25 months each tell a host that fails
    /// from one that does not.
    fn default() -> Self {
        Self { hosts: 40, each: 25 }
    }
}

/// The chance of an incident within the horizon, and what the unknown inputs do to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RiskOverUnknowns {
    /// Over all that the inputs may be: the predictive risk, which verdicts are about.
    pub predictive: Estimate,
    /// With every input of the host at its likely value.
    pub at_likely: Estimate,
    /// Its 10 %, 50 % and 90 % quantiles over the hosts that the inputs may describe.
    pub spread: [f64; 3],
    /// How much less uncertain the fate of a host would be if its inputs were known, from 0 to 1.
    pub share_of_variance: f64,
}

/// The risk of `host` over its unknown inputs, with intervals at `confidence`. The same for any number of threads.
///
/// # Errors
///
/// [`Stop`] where it is cancelled or a replication does not end.
pub fn risk_over_unknowns(
    host: &Host,
    seed: u64,
    confidence: f64,
    sizes: Sizes,
    cancelled: &AtomicBool,
) -> Result<RiskOverUnknowns, Stop> {
    let run = Run { watch: &Unwatched, cancelled };
    let count = sizes.hosts * sizes.each;
    let (simulation, likely) = (Simulation::new(host.clone()), Simulation::new(host.at_likely()));
    // One weather three times, the last time on a host that several share.
    let affected = batch(0..count, run, |n| -> Result<[bool; 3], StepLimit> {
        let (mut sky, own) = (Sky::default(), Draws::new(seed, n));
        let shared = own.on_host_of(count + n / sizes.each);
        let mut is_affected = |simulation, draws| is_affected(simulation, &mut sky, draws);
        Ok([is_affected(&simulation, &own)?, is_affected(&likely, &own)?, is_affected(&simulation, &shared)?])
    })?;
    let [predictive, at_likely, on_hosts] =
        [0, 1, 2].map(|which| affected.iter().map(|affected| affected[which]).collect::<Vec<bool>>());
    let size = usize::try_from(sizes.each).unwrap_or(usize::MAX);
    let groups = Groups::new(&on_hosts.chunks(size).map(share).collect::<Vec<_>>());
    Ok(RiskOverUnknowns {
        predictive: exact(share(&predictive), confidence),
        at_likely: exact(share(&at_likely), confidence),
        spread: groups.quantiles([0.1, 0.5, 0.9]),
        share_of_variance: groups.share_of_variance(),
    })
}

fn is_affected<'a>(
    simulation: &'a Simulation,
    sky: &mut Sky<'a>,
    draws: &Draws<'_>,
) -> Result<bool, StepLimit> {
    Ok(simulation.run_under(sky, draws, &mut Unobserved)?.incidents() > 0)
}

fn share(affected: &[bool]) -> Share {
    let hits = affected.iter().filter(|&&is_affected| is_affected).count();
    Share { hits: hits as u64, trials: affected.len() as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::host::SaveSpeed;
    use crate::model::{Uncertain, sample};
    use crate::units::SimDuration;

    static NEVER: AtomicBool = AtomicBool::new(false);

    fn risk(host: &Host) -> RiskOverUnknowns {
        risk_over_unknowns(host, 1, 0.95, Sizes::default(), &NEVER).unwrap()
    }

    fn day(writes_per_second: f64) -> Host {
        let mut host = sample::host(writes_per_second);
        host.horizon = SimDuration::DAY;
        host
    }

    /// Whether a save copies too much depends on the disk alone: a host fails always or never.
    #[test]
    fn what_the_inputs_decide_lies_between_hosts() {
        let mut host = day(4_000.0);
        host.save.speed = SaveSpeed::Throughput(Uncertain { low: 3e7, likely: 1e8, high: 3e8 });
        let risk = risk(&host);
        assert!((risk.share_of_variance - 1.0).abs() < 1e-12, "{risk:?}");
        assert!(risk.spread[0].abs() < 1e-12 && (risk.spread[2] - 1.0).abs() < 1e-12, "{risk:?}");
        assert!(risk.at_likely.high < 0.01 || risk.at_likely.low > 0.99);
        assert!(risk.predictive.low > 0.02 && risk.predictive.high < 0.98);
    }

    /// Whether a save is slow is drawn at each: hosts are all alike.
    #[test]
    fn what_chance_decides_lies_within_hosts() {
        let mut host = day(1_500.0);
        (host.save.slow_probability, host.save.slow_factor) = (0.3, 10.0);
        let risk = risk(&host);
        assert!(risk.share_of_variance < 0.02, "{risk:?}");
        assert!(risk.spread.iter().all(|chance| (chance - 0.3).abs() < 0.1), "{risk:?}");
        assert_eq!(risk.predictive, risk.at_likely, "there is nothing unknown");
        assert!(risk.predictive.low < 0.3 && 0.3 < risk.predictive.high);
    }

    #[test]
    fn a_host_at_its_likely_values_has_nothing_unknown() {
        let mut host = day(1_000.0);
        host.server.client_memory = Uncertain { low: 1.0, likely: 2.0, high: 3.0 };
        host.dataset.growth_per_day = Uncertain { low: 0.0, likely: 5.0, high: 7.0 };
        host.dataset.keyspaces[0].popularity.high = crate::memory::Popularity::Zipf { theta: 0.8 };
        assert_eq!(crate::model::Unknown::of(&host).len(), 3);
        let likely = host.at_likely();
        assert_eq!(crate::model::Unknown::of(&likely), []);
        assert_eq!(likely.dataset.growth_per_day, Uncertain::certain(5.0));
        assert_eq!(likely.at_likely(), likely);
    }
}
