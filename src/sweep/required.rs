//! How much RAM a data set needs that does not follow `maxmemory`.

use super::budget::Budget;
use super::replicate::{Run, Stop, batch};
use crate::memory::reclaim::kept_back;
use crate::model::{Host, Outcome, Simulation, Unobserved};
use crate::scenario::Replications;
use crate::stats::rank_interval;
use crate::units::Bytes;

/// RAM over the need with no child alive at which memory never runs out: a child can at most double the resident set
/// of each server, and the rest is room for buffers and growth.
const AMPLE: f64 = 16.0;

/// The RAM at which a host with this data would just meet the budget, with the interval of its simulation.
///
/// One pass answers for every host class: the host is simulated with RAM so ample that nothing is killed, and
/// the most memory it ever had in use in a replication is what it would have needed then. In a container it is the
/// limit that is asked for, and given amply.
/// A replication that needs more than there is counts as one incident. That is cautious with `oom-score-adj yes`,
/// where the child may die for the server, and bold where one kill leads to the next. Full syncs that loop do so in
/// any RAM: no RAM is enough for a replication with such an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequiredRam {
    /// With less than this the budget is certainly exceeded; `None` where the replications do not say. Each end holds
    /// at the budget's confidence by itself.
    pub low: Option<Bytes>,
    /// With this much it is certainly met; `None` where the replications are too few.
    pub high: Option<Bytes>,
}

/// Simulates `host` with ample RAM and returns what it would have needed.
pub(super) fn required(host: &Host, seed: u64, budget: &Budget, run: Run<'_>) -> Result<RequiredRam, Stop> {
    let simulation = Simulation::new(with_ample_ram(host));
    let simulate = |replication| simulation.run(seed, replication, &mut Unobserved);
    let outcomes = batch(0..enough(budget), run, simulate)?;
    Ok(from_peaks(host, &outcomes, budget))
}

fn with_ample_ram(host: &Host) -> Host {
    let simulation = Simulation::new(host.clone());
    let need = simulation.fit().need.max(simulation.used_memory_at_horizon());
    let mut host = host.clone();
    host.machine.ram = need.scaled(AMPLE);
    if let Some(container) = &mut host.machine.container {
        container.limit = host.machine.ram;
        container.high = None;
    }
    host
}

/// Under `auto`, twice the replications of which the largest peak would just bound the need: a bound a few
/// ranks below the largest is much closer to the need itself.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "float casts saturate")]
fn enough(budget: &Budget) -> u64 {
    let Replications::Auto = budget.replications else { return budget.most() };
    let least = (1.0 - budget.confidence).ln() / (-budget.affected()).ln_1p();
    ((2.0 * least) as u64).clamp(1, budget.most())
}

/// RAM, or limit, from the most memory in use in each replication of `host`, in none of which it ran out.
pub(super) fn from_peaks(host: &Host, outcomes: &[Outcome], budget: &Budget) -> RequiredRam {
    let mut peaks: Vec<Bytes> = outcomes.iter().map(peak).collect();
    peaks.sort_unstable();
    let ranks = rank_interval(peaks.len() as u64, 1.0 - budget.affected(), budget.of_each_end());
    // A container hands out its limit to the last byte, a kernel keeps some of its RAM back.
    let page = host.machine.page_size;
    let room_for = |peak| if host.machine.container.is_some() { peak } else { ram_for(peak, page) };
    let ram_at = |rank: u64| {
        let place = usize::try_from(rank.saturating_sub(1)).ok()?;
        peaks.get(place).copied().filter(|&peak| peak < NO_RAM).map(room_for)
    };
    RequiredRam { low: ranks.low.and_then(ram_at), high: ranks.high.and_then(ram_at) }
}

/// More than any RAM.
const NO_RAM: Bytes = Bytes(u64::MAX);

/// The most memory that a replication would have needed to be without an incident.
fn peak(outcome: &Outcome) -> Bytes {
    if outcome.incidents() == 0 { outcome.peak_memory } else { NO_RAM }
}

/// The RAM of which `peak` is all that the kernel hands out: the fixed point of `ram = peak + kept back(ram)`.
fn ram_for(peak: Bytes, page: Bytes) -> Bytes {
    // What it keeps back grows by a twentieth of the RAM at most: each step shrinks the error as much.
    (0..32).fold(peak, |ram, _| peak + kept_back(ram, page))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::host::{Container, Fill, KeyspaceSize};
    use crate::model::sample;
    use crate::sweep::Unwatched;
    use crate::sweep::budget::tests::monthly;
    use std::sync::atomic::AtomicBool;

    fn given(writes_per_second: f64) -> Host {
        let mut host = sample::host(writes_per_second);
        host.server.maxmemory = None;
        host.dataset.fill = Fill::Keys;
        host.dataset.keyspaces[0].size = KeyspaceSize::Keys(10_000_000);
        host.save.sigma = 0.3;
        host
    }

    #[test]
    fn the_ram_is_its_peak_and_what_the_kernel_keeps_back() {
        for (peak, page) in [(30, 4), (1_500, 4), (30, 16), (30, 64)] {
            let (peak, page) = (Bytes::gib(peak), Bytes::kib(page));
            let ram = ram_for(peak, page);
            assert_eq!(ram, peak + kept_back(ram, page));
        }
    }

    #[test]
    fn auto_takes_enough_replications_to_bound_the_peak_by_one_that_occurred() {
        let budget = monthly(Replications::Auto);
        let n = enough(&budget);
        assert_eq!(n, 7_291);
        assert!(rank_interval(n, 1.0 - budget.affected(), budget.of_each_end()).high.is_some());
    }

    /// With as much RAM as required nothing is killed that the budget does not allow; with less than the lower
    /// end something is.
    #[test]
    fn the_ram_required_is_where_kills_begin() {
        let never = AtomicBool::new(false);
        let run = Run { watch: &Unwatched, cancelled: &never };
        let budget = Budget { incidents_per_year: 0.25, ..monthly(Replications::Fixed(600)) };
        let host = given(5_000.0);
        let ram = required(&host, 1, &budget, run).unwrap();
        let (low, high) = (ram.low.unwrap(), ram.high.unwrap());
        let killed = |ram: Bytes| {
            let mut host = host.clone();
            host.machine.ram = ram;
            let simulation = Simulation::new(host);
            let outcomes = batch(0..600, run, |n| simulation.run(1, n, &mut Unobserved)).unwrap();
            outcomes.iter().filter(|outcome| outcome.incidents() > 0).count() as f64 / 600.0
        };
        assert!(low < high && high < Bytes::gib(16), "{low} {high}");
        assert!(killed(high) <= budget.affected());
        assert!(killed(low.saturating_sub(Bytes::mib(64))) >= budget.affected());
    }

    #[test]
    fn too_few_replications_name_no_ram() {
        let outcomes = vec![Outcome::default(); 100];
        assert_eq!(from_peaks(&given(0.0), &outcomes, &monthly(Replications::Fixed(100))).high, None);
    }

    #[test]
    fn no_ram_helps_against_full_syncs_that_loop() {
        let budget = Budget { incidents_per_year: 1.0, ..monthly(Replications::Fixed(400)) };
        let mut outcomes = vec![Outcome { peak_memory: Bytes::gib(8), ..Outcome::default() }; 400];
        let high = |outcomes: &[Outcome]| from_peaks(&given(0.0), outcomes, &budget).high;
        assert_eq!(high(&outcomes), Some(ram_for(Bytes::gib(8), Bytes::kib(4))));
        outcomes[..200].iter_mut().for_each(|outcome| outcome.sync_loops = 1);
        assert_eq!(high(&outcomes), None);
    }

    #[test]
    fn a_container_is_asked_for_its_limit() {
        let mut host = given(0.0);
        host.machine.container =
            Some(Container { limit: Bytes::gib(1), high: Some(Bytes::mib(900)), kills_group: false });
        let container = with_ample_ram(&host).machine.container.unwrap();
        assert!(container.limit > Bytes::gib(8) && container.high.is_none());
        let outcomes = vec![Outcome { peak_memory: Bytes::gib(8), ..Outcome::default() }; 400];
        let budget = Budget { incidents_per_year: 1.0, ..monthly(Replications::Fixed(400)) };
        assert_eq!(from_peaks(&host, &outcomes, &budget).high, Some(Bytes::gib(8)));
    }
}
