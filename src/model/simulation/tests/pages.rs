//! What the pages of a host decide: large values that the child gives back, larger pages, huge pages.

use super::*;
use crate::memory::layout::profiles::{valkey_8_0, valkey_8_1};
use crate::memory::{Allocator, HugePages};
use crate::model::host::SaveSpeed;
use crate::model::{Place, Sample};

/// Values of 16 KiB: with an sds header and an end 16,390 bytes, a run of five pages that lie inside the value.
fn large_values(rate: f64) -> Host {
    let mut large = host(rate);
    large.server.allocator = Allocator::Bundled;
    large.dataset.keyspaces[0].content = Content::Strings(16_384);
    large.machine.ram = Bytes::gib(32);
    large
}

/// Everything that an observer is told.
#[derive(Default)]
struct Diary {
    samples: Vec<(SimTime, Sample)>,
    pauses: Vec<SimDuration>,
    copied: Vec<Bytes>,
}

impl Observer for Diary {
    fn span(&mut self, _host: usize, from: SimTime, to: SimTime, sample: &dyn Fn(SimTime) -> Sample) {
        self.samples.extend([from, to].map(|at| (at, sample(at))));
    }

    fn happened(&mut self, _at: SimTime, _place: Place, happening: Happening, _ledger: &Ledger) {
        match happening {
            Happening::Forked { pause, .. } => self.pauses.push(pause),
            Happening::Saved { copied, .. } => self.copied.push(copied),
            _ => {}
        }
    }
}

fn watched(host: Host) -> (Outcome, Diary) {
    let mut diary = Diary::default();
    let outcome = Simulation::new(host).run(1, 0, &mut diary).unwrap();
    (outcome, diary)
}

/// max over p of (1 − e^(−ap)) (1 − p), where its derivative a e^(−ap) (1 − p) − (1 − e^(−ap)) is zero.
fn highest_share(a: f64) -> (f64, f64) {
    let slope = |p: f64| a * (-a * p).exp() * (1.0 - p) - (1.0 - (-a * p).exp());
    let (mut up, mut down) = (0.0, 1.0);
    for _ in 0..80 {
        let middle = f64::midpoint(up, down);
        if slope(middle) > 0.0 { up = middle } else { down = middle }
    }
    ((1.0 - (-a * up).exp()) * (1.0 - up), up)
}

#[test]
fn the_peak_of_large_values_is_inside_the_save_and_meets_the_closed_form() {
    for rate in [500.0, 5_000.0, 50_000.0] {
        let simulation = Simulation::new(large_values(rate));
        let population = simulation.population(0.0);
        let keys = population.keys[0];
        let seconds = simulation.heap().used_memory(&population) / Bytes::mib(100).as_f64();
        let (share, place) = highest_share(rate * seconds / keys);
        let values = 5.0 * 4096.0 * keys * share;
        // Entries, keys and objects, which stay: 64 bytes a key, and their pages that straddle.
        let others = keys * 64.0 * 1.01;
        let (outcome, diary) = watched(large_values(rate));
        let peak = outcome.cow_peak.as_f64();
        assert!(peak > values && peak < values + others, "{rate}: {peak}, {values}");
        let top = diary.samples.iter().max_by_key(|(_, sample)| sample.ledger.cow).unwrap();
        let since_fork = (top.0.as_secs_f64() % 86_400.0 - 3_600.0) / seconds;
        assert!((since_fork - place).abs() < 0.02, "{since_fork} {place}");
        assert_eq!(top.1.ledger.cow, outcome.cow_peak);
        assert_eq!(diary.copied[0], outcome.cow_peak);
    }
}

#[test]
fn copies_fall_as_the_child_gives_pages_back_and_end_at_what_it_keeps() {
    let (outcome, diary) = watched(large_values(20_000.0));
    let smallest_while_saving = diary.samples.iter().filter(|(_, sample)| sample.ledger.cow > Bytes::ZERO);
    let at_exit = smallest_while_saving.map(|(_, sample)| sample.ledger.cow).min().unwrap();
    assert!(at_exit < outcome.cow_peak.scaled(0.02), "{at_exit} of {}", outcome.cow_peak);
}

#[test]
fn a_host_that_holds_the_end_of_a_save_and_not_its_peak_is_killed_on_the_way_up() {
    let roomy = watched(large_values(50_000.0)).0;
    let mut tight = large_values(50_000.0);
    tight.machine.ram = roomy.peak_memory - Bytes::mib(200);
    let outcome = run(tight.clone());
    assert_eq!(outcome.server_kills[Cause::Backup], 7);
    tight.machine.ram = roomy.peak_memory + Bytes::mib(200);
    assert_eq!(run(tight).oom_kills(), 0);
}

#[test]
fn a_child_that_frees_costs_less_the_longer_it_saves_and_never_more_than_one_that_keeps() {
    let peak_share = |throughput: f64, huge_pages| {
        let mut freeing = large_values(0.0);
        freeing.server.layout = valkey_8_1();
        freeing.machine.huge_pages = huge_pages;
        freeing.save.speed = SaveSpeed::Throughput(Uncertain::certain(Bytes::mib(1).as_f64() * throughput));
        // As many writes in each save.
        freeing.dataset.keyspaces[0].write_rate = WriteRate::Total(Uncertain::certain(30.0 * throughput));
        run(freeing).cow_peak.as_f64()
    };
    let kept = peak_share(1_000.0, Some(HugePages::Split));
    let peaks = [4_000.0, 1_000.0, 100.0].map(|throughput| peak_share(throughput, None));
    assert!(peaks[0] <= kept * (1.0 + 1e-6) && peaks.is_sorted_by(|a, b| a > b), "{peaks:?} {kept}");
}

#[test]
fn larger_pages_never_copy_less() {
    let peak = |kib: u64| {
        let mut paged = host(1_000.0);
        // Of large pages the kernel keeps more back, too.
        (paged.machine.page_size, paged.machine.ram) = (Bytes::kib(kib), Bytes::gib(32));
        run(paged).cow_peak
    };
    let peaks = [4, 16, 64].map(peak);
    assert!(peaks.is_sorted_by(|a, b| a < b), "{peaks:?}");
}

fn on_huge_pages(huge_pages: Option<HugePages>) -> Host {
    let mut huge = host(500.0);
    huge.server.layout = valkey_8_0();
    huge.machine.huge_pages = huge_pages;
    huge
}

#[test]
fn split_huge_pages_copy_what_base_pages_copy_and_leave_as_much_behind() {
    let (base, _) = watched(on_huge_pages(None));
    let (split, diary) = watched(on_huge_pages(Some(HugePages::Split)));
    assert_eq!(split.cow_peak, base.cow_peak);
    assert_eq!(split.peak_memory, base.peak_memory);
    let held: Vec<Bytes> = diary.samples.iter().map(|(_, sample)| sample.ledger.cache).collect();
    let first = held.iter().find(|cache| **cache > Bytes::ZERO).unwrap();
    assert!((first.as_f64() / diary.copied[0].as_f64() - 1.0).abs() < 1e-6, "{first}");
    assert!(held.last() > Some(first));
}

#[test]
fn a_fork_is_short_until_the_first_save_has_split_the_huge_pages() {
    let pauses = |huge_pages| watched(on_huge_pages(huge_pages)).1.pauses;
    let (base, split) = (pauses(None), pauses(Some(HugePages::Split)));
    assert!(split[0].as_secs_f64() < base[0].as_secs_f64() / 10.0);
    assert!((split[1].as_secs_f64() / base[1].as_secs_f64() - 1.0).abs() < 0.03, "{split:?} {base:?}");
    // 12 GiB of base pages at 28 to 84 ms a GiB.
    assert!((0.336..1.01).contains(&base[0].as_secs_f64()), "{base:?}");
    let copied = pauses(Some(HugePages::Copied));
    assert!(copied.iter().all(|pause| *pause == split[0]));
}

#[test]
fn kernels_that_copy_huge_pages_copy_most_of_the_heap_for_a_few_writes() {
    let mut few = on_huge_pages(Some(HugePages::Copied));
    few.dataset.keyspaces[0] = crate::model::sample::keyspace(20.0);
    let copied = run(few.clone()).cow_peak;
    few.machine.huge_pages = Some(HugePages::Split);
    let split = run(few).cow_peak;
    assert!(copied > Bytes::gib(2) && copied > split.scaled(50.0), "{copied} {split}");
}

#[test]
fn hashes_copy_their_listpacks_and_objects_alone() {
    let mut hashes = host(1_000.0);
    let keyspace = &mut hashes.dataset.keyspaces[0];
    keyspace.content = Content::Hashes { fields: 10, name: 2, value: 60 };
    keyspace.operations.set = 0.0;
    keyspace.operations.hset = 1.0;
    let simulation = Simulation::new(hashes.clone());
    let pools = simulation.heap().pools(
        &simulation.population(0.0),
        &[crate::memory::Exposure { hset: 1e9, ..Default::default() }],
        &simulation.spreads.iter().map(|(likely, _)| likely.clone()).collect::<Vec<_>>(),
        Released::default(),
    );
    let copied: Vec<&str> =
        pools.iter().filter(|pool| pool.copied_pages > 1.0).map(|pool| pool.name.as_str()).collect();
    assert_eq!(copied, ["object", "value"]);
    assert!(run(hashes).cow_peak > Bytes::mib(100));
}
