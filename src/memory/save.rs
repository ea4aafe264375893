//! One save from the fork to the child's exit: what it costs the host, and what the server says it cost.
//!
//! The law knows no clock: it takes the writes so far and how far the child has come, from whoever knows them.

use crate::memory::exposure::Exposure;
use crate::memory::heap::{Heap, Population};
use crate::memory::popularity::Spread;
use crate::memory::release::Released;

/// What a save is of.
#[derive(Clone, Debug)]
pub struct Save<'a> {
    /// The pools.
    pub heap: &'a Heap,
    /// The keys at the fork.
    pub population: &'a Population,
    /// Their popularities, by kind.
    pub spreads: &'a [Spread],
    /// The child's own memory, see [`child::own_memory`](crate::memory::child::own_memory) \[bytes\].
    pub own_memory: f64,
    /// Whether the child can give pages back: not where huge pages are in force.
    pub gives_back: bool,
}

/// A moment of a save, as it is given.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// Since the fork \[s\].
    pub seconds: f64,
    /// What the load has done since the fork, by kind.
    pub exposures: Vec<Exposure>,
    /// The share of the keys that the child has written out, in \[0, 1\].
    pub progress: f64,
}

/// What the host has lost to a save at a moment of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Since the fork \[s\].
    pub seconds: f64,
    /// Pages copied and not given back, and the child's own memory \[bytes\].
    pub copied: f64,
    /// New pages of the parent: what the load added \[bytes\].
    pub grown: f64,
}

impl Cost {
    /// The growth of anonymous memory of parent and child \[bytes\].
    pub fn anonymous(&self) -> f64 {
        self.copied + self.grown
    }
}

impl Save<'_> {
    /// The course of the save over `moments`, in their order.
    pub fn course(&self, moments: &[Moment]) -> Vec<Cost> {
        self.course_with(moments, &self.released(moments))
    }

    /// The course of the save for a child that has given back `released` at each of the `moments`, where that is
    /// known already: working it out is most of the cost of a course.
    pub fn course_with(&self, moments: &[Moment], released: &[Released]) -> Vec<Cost> {
        let cost = |(moment, &released): (&Moment, &Released)| {
            let Moment { seconds, exposures, progress } = moment;
            let copied = self.heap.copied_bytes(self.population, exposures, self.spreads, released);
            let own = self.own_memory + self.heap.freeing_costs(self.population, *progress);
            let grown = self.heap.grown_bytes(self.population, exposures, self.spreads);
            Cost { seconds: *seconds, copied: copied + own, grown }
        };
        moments.iter().zip(released).map(cost).collect()
    }

    /// What the child has given back at each moment.
    pub fn released(&self, moments: &[Moment]) -> Vec<Released> {
        if !self.gives_back {
            return vec![Released::default(); moments.len()];
        }
        let seconds: Vec<f64> = moments.iter().map(|moment| moment.seconds).collect();
        let progress: Vec<f64> = moments.iter().map(|moment| moment.progress).collect();
        let purged = self.heap.purged(self.population, &seconds, &progress);
        progress.into_iter().zip(purged).map(|(progress, purged)| Released { progress, purged }).collect()
    }
}

/// The moment at which a save costs most.
pub fn peak(course: &[Cost]) -> Cost {
    let most = course.iter().copied().max_by(|a, b| a.anonymous().total_cmp(&b.anonymous()));
    most.unwrap_or_default()
}

/// Between two messages of the child to the parent \[s\]. Source: `rdb.c`, `rdbSaveDb`, Redis from 6.2 and Valkey.
const MESSAGE_PERIOD: f64 = 1.0;

/// The child looks at its pages again only after this many times what the last look took.
///
/// Source: `server.h`, `CHILD_COW_DUTY_CYCLE`.
const DUTY_CYCLE: f64 = 100.0;

/// What a look takes a byte of resident memory: 50 ms a GiB \[s/byte\].
///
/// Measured: reading `smaps` took 25 ms of CPU a GiB, kernel 6.18; in saves of 0.53 GiB on two busy cores the second
/// look came more than 2.4 s after the first, so each took 45 ms a GiB or more.
const LOOK_SECONDS_PER_BYTE: f64 = 0.05 / (1u64 << 30) as f64;

/// `rdb_last_cow_size`: the most that the child sees of its own pages on its few looks, the last at its end \[bytes\].
///
/// It looks at its first key, then with a message when a hundred times the last look has passed: a peak inside a short
/// save is missed. It sees
/// copies and its own memory, not what the parent added. Source: `childinfo.c`, Redis from 7.0 and Valkey.
pub fn last_cow_size(course: &[Cost], resident: f64) -> f64 {
    let Some(end) = course.last() else { return 0.0 };
    let pause =
        (DUTY_CYCLE * LOOK_SECONDS_PER_BYTE * resident / MESSAGE_PERIOD).ceil().max(1.0) * MESSAGE_PERIOD;
    let mut most = end.copied;
    let mut look = 0.0;
    while look < end.seconds {
        most = most.max(copied_at(course, look));
        look += pause;
    }
    most
}

/// The copies at `seconds`, between the moments of the course.
fn copied_at(course: &[Cost], seconds: f64) -> f64 {
    let after = course.partition_point(|cost| cost.seconds < seconds).min(course.len() - 1);
    let (before, after) = (course[after.saturating_sub(1)], course[after]);
    let span = after.seconds - before.seconds;
    let share = if span > 0.0 { ((seconds - before.seconds) / span).clamp(0.0, 1.0) } else { 1.0 };
    before.copied + share * (after.copied - before.copied)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::layout::profiles::{redis_7_0, valkey_8_0, valkey_8_1};
    use crate::memory::{Allocator, KeyKind, Keys, LayoutProfile, Popularity, Value};

    const KEYS: f64 = 26_000.0;

    fn course_of(layout: &LayoutProfile, allocator: Allocator, sets: f64, seconds: f64) -> Vec<Cost> {
        let kind = KeyKind { key_size: 16, value: Value::Bytes(16_384), has_ttl: false };
        let heap = Heap::new(layout, allocator, 4096, &[Keys::alike(kind)]);
        let spreads = [Spread::new(Popularity::Uniform, KEYS)];
        let population = Population::of(vec![KEYS]);
        let save = Save {
            heap: &heap,
            population: &population,
            spreads: &spreads,
            own_memory: 0.0,
            gives_back: true,
        };
        let moment = |step: u32| {
            let progress = f64::from(step) / 500.0;
            let exposures = vec![Exposure { set: progress * sets, ..Exposure::default() }];
            Moment { seconds: progress * seconds, exposures, progress }
        };
        save.course(&(0..=500).map(moment).collect::<Vec<_>>())
    }

    /// Large values on whole pages: `(1 − e^(−af)) (1 − f)` of them are copied and not dropped at progress `f`, with
    /// `a` writes a key; at the end nothing but entries and objects.
    #[test]
    fn the_peak_of_dismissed_values_lies_inside_the_save() {
        let course = course_of(&valkey_8_0(), Allocator::Bundled, 3.0 * KEYS, 10.0);
        let values = |f: f64| KEYS * 20_480.0 * (1.0 - (-3.0 * f).exp()) * (1.0 - f);
        let highest = (0..=500).map(|step| values(f64::from(step) / 500.0)).fold(0.0, f64::max);
        let small = course.last().unwrap().copied;
        assert!(small < 0.01 * highest, "{small}");
        let peak = peak(&course);
        assert!((peak.copied / highest - 1.0).abs() < 0.01, "{} {highest}", peak.copied);
        assert!((3.0..5.0).contains(&peak.seconds));
    }

    #[test]
    fn a_system_allocator_leaves_a_page_in_five_undropped() {
        let end = *course_of(&redis_7_0(), Allocator::System, 50.0 * KEYS, 10.0).last().unwrap();
        let expected = KEYS * 4096.0;
        assert!((0.95..1.1).contains(&(end.copied / expected)), "{}", end.copied / expected);
    }

    #[test]
    fn freed_values_stay_through_a_short_save_and_go_in_a_long_one() {
        let end = |seconds| {
            course_of(&valkey_8_1(), Allocator::System, 50.0 * KEYS, seconds).last().unwrap().copied
        };
        let all = KEYS * 20_480.0;
        assert!(end(1.0) > 0.97 * all && end(60.0) < 0.3 * all, "{} {}", end(1.0) / all, end(60.0) / all);
    }

    /// Measured: saves of 0.5 GiB without a write cost Valkey 8.1.1 between 5 and 7 MiB, of which 1.05 are as
    /// everywhere.
    #[test]
    fn freeing_costs_bookkeeping() {
        let end =
            course_of(&valkey_8_1(), Allocator::System, 0.0, 3.0).last().unwrap().copied / f64::from(1 << 20);
        assert!((3.5..6.0).contains(&end), "{end}");
    }

    #[test]
    fn a_peak_between_two_looks_is_not_reported() {
        let at = |seconds: f64, copied: f64| Cost { seconds, copied, grown: 7.0 };
        let course = [at(0.0, 0.0), at(0.5, 100.0), at(0.9, 10.0), at(3.0, 20.0)];
        assert!((last_cow_size(&course, 0.0) - 20.0).abs() < 1e-9);
        let course = [at(0.0, 0.0), at(1.0, 100.0), at(3.5, 20.0)];
        assert!((last_cow_size(&course, 0.0) - 100.0).abs() < 1e-9);
        assert!(last_cow_size(&[], 1e9).abs() < f64::EPSILON);
    }
}
