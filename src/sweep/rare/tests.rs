//! A risk with a closed form, and small ones that can still be counted.

use super::*;
use crate::model::Uncertain;
use crate::model::host::SaveSpeed;
use crate::model::sample;
use crate::stats::{Share, exact};
use crate::units::Bytes;

static NEVER: AtomicBool = AtomicBool::new(false);

/// A daily backup for three days on a host whose needs vary.
fn host(writes_per_second: f64) -> Host {
    let mut host = sample::host(writes_per_second);
    host.horizon = SimDuration(3 * SimDuration::DAY.0);
    host.machine.reserved = Uncertain { low: 4e8, likely: 7e8, high: 1.5e9 };
    host.server.fragmentation_ratio = Uncertain { low: 1.02, likely: 1.05, high: 1.2 };
    host.save.speed = SaveSpeed::Throughput(Uncertain { low: 60e6, likely: 150e6, high: 200e6 });
    (host.save.sigma, host.save.slow_probability, host.save.slow_factor) = (0.2, 0.01, 4.0);
    host
}

/// A host that fails where the mean of three inputs and the longest of ten saves, of which one in a hundred is longer
/// by two, exceed `threshold` together.
fn toy(seed: u64, threshold: f64) -> RareResult {
    let unknowns: Vec<(Unknown, f64)> =
        Unknown::of(&host(0.0)).into_iter().map(|unknown| (unknown, 0.0)).collect();
    let simulate = |tilt: &Tilt, replication| {
        // The first level knows of no saves yet.
        let tilt = Tilt { save: tilt.save.clone().or_else(|| Some(ten_saves())), ..tilt.clone() };
        let taken = tilt.taken(seed, replication);
        let inputs = taken.unknowns.iter().sum::<f64>() / (taken.unknowns.len() as f64).sqrt();
        let longest = |&(y, is_slow): &(f64, bool)| y + if is_slow { SLOWER } else { 0.0 };
        let longest = taken.saves.iter().map(longest).fold(f64::NEG_INFINITY, f64::max);
        let margin = threshold - inputs - longest;
        let mut outcome = Outcome { free_min: Bytes::from_f64(margin.max(0.0) * 1e9), ..Outcome::default() };
        outcome.server_kills[Cause::Backup] = u32::from(margin <= 0.0);
        Ok(outcome)
    };
    let run = Run { watch: &Unwatched, cancelled: &NEVER };
    let search = Search {
        seed,
        effort: Effort { pilot: 400, levels: 12, sample: 3_000 },
        kept_back: Bytes::ZERO,
        run,
        simulate,
    };
    let (tilt, _) = search.tilt(unknowns, |_| Some(ten_saves()))?;
    Ok(search.sample(&tilt)?.0.mean(0.95)?)
}

type RareResult = Result<Estimate, Unresolved>;

const SLOWER: f64 = 2.0;

fn ten_saves() -> SaveTilt {
    let saves = (0..10).map(|ordinal| Save::of(Cause::Backup, 0, ordinal)).collect();
    SaveTilt { saves, shift: 0.0, slow_probability: 0.01, usual: 0.01 }
}

/// `∫ φ(z) (1 − F(t − z)^10) dz` by the trapezoidal rule, which is exact to all digits for such an integrand.
fn toy_truth(threshold: f64) -> f64 {
    let normal = Normal::standard();
    // 1 − F, and 1 − F^10 from it without loss.
    let above = |x: f64| 0.99 * normal.sf(x) + 0.01 * normal.sf(x - SLOWER);
    let any = |x: f64| -(10.0 * (-above(x)).ln_1p()).exp_m1();
    let density = |z: f64| (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let step = 0.01;
    (-1_200..=1_200).map(|n| f64::from(n) * step).map(|z| density(z) * any(threshold - z) * step).sum()
}

/// 200 seeds for each of two risks, 9e-5 and 6e-9. At 95 % at most 10 misses are expected; more than 24 under that
/// chance have a probability of 2e-5. The estimates average to the truth within four standard errors.
#[test]
fn a_risk_with_a_closed_form_is_covered() {
    for threshold in [6.5, 9.5] {
        let truth = toy_truth(threshold);
        let estimates: Vec<Estimate> = (0..200).filter_map(|seed| toy(seed, threshold).ok()).collect();
        let misses = estimates.iter().filter(|e| truth < e.low || e.high < truth).count();
        let mean = estimates.iter().map(|e| e.value / truth).sum::<f64>() / estimates.len() as f64;
        assert!(estimates.len() >= 196, "{truth:e}: {} refused", 200 - estimates.len());
        assert!(misses <= 24, "{truth:e}: {misses} of 200");
        assert!((mean - 1.0).abs() < 0.02, "{truth:e}: {mean}");
    }
}

/// A risk of 3e-3 in three days, counted in 20,000 replications of the same host.
#[test]
fn a_risk_that_can_be_counted_agrees() {
    let host = host(300.0);
    let simulation = Simulation::new(host.clone());
    let run = Run { watch: &Unwatched, cancelled: &NEVER };
    let outcomes = batch(0..20_000, run, |n| simulation.run(9, n, &mut Unobserved)).unwrap();
    let hits = outcomes.iter().filter(|outcome| outcome.incidents() > 0).count() as u64;
    let counted = exact(Share { hits, trials: 20_000 }, 0.95);
    let rare = rare_risk(&host, 1, 0.95, Effort::default(), &NEVER).unwrap();
    let found = rare.probability;
    assert!((40..90).contains(&hits), "{hits}");
    assert!(counted.low < found.value && found.value < counted.high, "{counted:?} {found:?}");
    assert!(found.high - found.low < 0.3 * (counted.high - counted.low), "{counted:?} {found:?}");
    let yearly = rare.incidents_per_year;
    assert!(yearly.low > found.low * 121.0, "each affected replication has an incident or more: {yearly:?}");
}

#[test]
fn a_risk_of_one_in_a_million_names_what_decides_it() {
    let host = host(50.0);
    let rare = rare_risk(&host, 1, 0.95, Effort::default(), &NEVER).unwrap();
    assert!(rare.is_decided_by_inputs(host.horizon));
    assert!(rare.probability.low > 1e-7 && rare.probability.high < 1e-5, "{rare:?}");
    assert!(rare.effective_sample > 400.0 && rare.largest_weight_share < 0.02, "{rare:?}");
    let names: Vec<&str> = rare.decided_by.iter().map(|decided| decided.input.as_str()).collect();
    assert_eq!(names[..3], ["save.slow.probability", "server.fragmentation-ratio", "host.reserved"]);
    let throughput = rare.decided_by.iter().find(|decided| decided.input == "save.throughput").unwrap();
    assert!(throughput.tilt < -0.5, "a slow disk, not a fast one");
}

#[test]
fn the_risk_is_the_same_for_any_number_of_threads() {
    let effort = Effort { pilot: 400, levels: 12, sample: 5_000 };
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| rare_risk(&host(100.0), 1, 0.95, effort, &NEVER).unwrap())
    };
    let one = on(1);
    assert_eq!(one, on(2));
    assert_eq!(one, on(7));
}

#[test]
fn a_sample_too_small_is_refused() {
    let refused = rare_risk(&host(50.0), 1, 0.95, Effort { sample: 200, ..Effort::default() }, &NEVER);
    let refusal = Unresolved::Refused(Refusal::SmallSample(0.0));
    assert_eq!(std::mem::discriminant(&refused.unwrap_err()), std::mem::discriminant(&refusal));
}

/// Links break a few times in ten thousand days, which no tilt makes likelier: nothing else can bring memory to its
/// end.
#[test]
fn a_risk_that_lies_in_what_is_not_tilted_is_refused() {
    let mut host = host(20_000.0);
    host.backup = None;
    host.replication.replicas = 1;
    host.replication.link_losses_per_day = 3e-4;
    host.replication.outage = Uncertain::certain(3_600.0);
    let effort = Effort { pilot: 300, levels: 12, sample: 2_000 };
    let refused = rare_risk(&host, 1, 0.95, effort, &NEVER).unwrap_err();
    assert!(matches!(refused, Unresolved::Refused(_)), "{refused}");
    // Yet the risk is there.
    host.replication.link_losses_per_day = 1.0;
    let simulation = Simulation::new(host);
    assert!((0..20).any(|n| simulation.run(1, n, &mut Unobserved).unwrap().incidents() > 0));
}

/// A fork at most doubles what a server holds: at a quarter of the memory there is nothing to find, and no long search.
#[test]
fn where_memory_cannot_run_out_the_search_ends_early() {
    let mut host = host(1_000.0);
    host.server.maxmemory = Some(Bytes::gib(4));
    let refused = rare_risk(&host, 1, 0.95, Effort::default(), &NEVER);
    assert_eq!(refused, Err(Unresolved::Refused(Refusal::NoIncident)));
}

#[test]
fn a_cancelled_search_says_so() {
    let cancelled = rare_risk(&host(50.0), 1, 0.95, Effort::default(), &AtomicBool::new(true));
    assert_eq!(cancelled, Err(Unresolved::Stopped(Stop::Cancelled)));
}
