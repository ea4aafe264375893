//! A published row as a case of the laws: what is given, what is missing, and one draw of it.

use std::collections::BTreeMap;

use rand::{Rng, RngExt};

use super::range::Range;
use super::row::Figure;
use crate::memory::save::{self, Cost, Moment, Save};
use crate::memory::{
    Allocator, Exposure, Heap, KeyKind, Keys, LayoutProfile, Popularity, Population, Spread, Value, child,
    fork, huge_pages, rdb, reclaim,
};
use crate::units::Bytes;

/// What a row gives and what it leaves open. Every write overwrites a key with a value as long as the old one.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Layouts of the versions that it may have been; one of them is drawn.
    pub layouts: Vec<LayoutProfile>,
    /// What the layout is nearest to, where there is none of the version.
    pub layout_note: &'static str,
    /// Whether the child gives back what it has written.
    pub gives_back: bool,
    /// Its keys.
    pub keys: KeyCount,
    /// Length of a key \[bytes\].
    pub key_size: Range,
    /// Length of a value \[bytes\].
    pub value_size: Range,
    /// Whether the keys have a TTL.
    pub has_ttl: bool,
    /// Resident memory that no write reaches \[bytes\].
    pub beside: Range,
    /// Writes \[1/s\].
    pub writes: Range,
    /// How far from uniform to Zipf 0.99 the popularity is, as the weight of a mixture, in \[0, 1\].
    pub skew: Range,
    /// Pages that may have been in force, each with a prediction of its own.
    pub pages: Vec<Pages>,
    /// How long the child lives.
    pub time: Time,
    /// When the child last looked at its pages, where that was before its end \[s\].
    pub looked_at: Option<f64>,
    /// Resident set over `used_memory`, or the resident set itself where it is given \[bytes\].
    pub resident: Resident,
    /// What the parent keeps of each write for the child or replicas.
    pub backlog: Backlog,
    /// Memory of the kernel and other processes \[bytes\].
    pub reserved: Range,
    /// RAM of the host \[bytes\].
    pub ram: f64,
}

/// How many keys there are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum KeyCount {
    /// So many.
    Given(f64),
    /// As many as fill so much `used_memory` \[bytes\].
    Filling(Range),
    /// As many as an RDB file of so many bytes holds, and how much longer they were before compression.
    InFile(f64, Range),
}

/// The pages of the heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pages {
    /// Base pages of so many bytes.
    Base(u64),
    /// Huge pages over base pages of 4 KiB, which a kernel before 5.8 copies whole.
    HugeCopied,
}

impl Pages {
    /// Their size \[bytes\].
    pub fn size(self) -> u64 {
        match self {
            Self::Base(bytes) => bytes,
            Self::HugeCopied => huge_pages::size(self.base()),
        }
    }

    const fn base(self) -> u64 {
        match self {
            Self::Base(bytes) => bytes,
            Self::HugeCopied => 4096,
        }
    }
}

/// How long a save takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Time {
    /// So long \[s\].
    Seconds(Range),
    /// As long as so much `used_memory` a second takes \[bytes/s\].
    Speed(Range),
}

/// The resident set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Resident {
    /// So many bytes.
    Given(f64),
    /// So many times `used_memory`.
    Fragmented(Range),
}

/// What the parent keeps of each write while a child lives or a replica is not there yet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Backlog {
    /// Nothing.
    None,
    /// The record once: the AOF rewrite buffer of Redis before 7.0, kept in the parent or handed to the child.
    /// Source: `aof.c`, `aofRewriteBufferAppend` and `aofReadDiffFromParent`.
    Rewrite,
    /// The record once for each replica, up to a limit each.
    Replicas {
        /// How many sync.
        count: f64,
        /// The hard limit of an output buffer \[bytes\].
        limit: f64,
        /// How long a sync takes, in times of its save.
        sync_over_save: Range,
    },
}

/// One draw of a case: the missing inputs chosen, the figures computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Draw {
    copied: f64,
    fork_us: f64,
    memory: f64,
    buffered: f64,
    used: f64,
}

impl Draw {
    /// The drawn value of `figure`, in bytes or µs.
    pub fn figure(&self, figure: Figure) -> f64 {
        match figure {
            Figure::Copied => self.copied,
            Figure::ForkPause => self.fork_us,
            Figure::Memory => self.memory,
            Figure::ReplicaBuffer => self.buffered,
            Figure::PeakUsed => self.used + self.buffered,
        }
    }
}

/// Popularities for the numbers of keys met so far, rounded to powers of two: φ of as many writes a key hardly
/// depends on how many keys there are.
#[derive(Debug, Default)]
pub struct Spreads(BTreeMap<u32, [Spread; 2]>);

impl Spreads {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the logarithm of at least 1"
    )]
    fn of(&mut self, keys: f64, skew: f64) -> Spread {
        let doublings = keys.max(1.0).log2().round() as u32;
        let [uniform, zipf] = self.0.entry(doublings).or_insert_with(|| {
            [Popularity::Uniform, Popularity::Zipf { theta: 0.99 }]
                .map(|popularity| Spread::new(popularity, f64::from(doublings).exp2()))
        });
        uniform.mixed_with(zipf, skew)
    }
}

/// Moments of a save whose child gives back; without that the end says all.
const STEPS: u32 = 100;

/// The data set as drawn.
struct DataSet {
    heap: Heap,
    population: Population,
    pages: Pages,
    kind: KeyKind,
    used: f64,
    resident: f64,
}

impl Case {
    /// One draw of the missing inputs on such pages, always in the same order.
    pub fn draw(&self, pages: Pages, random: &mut impl Rng, spreads: &mut Spreads) -> Draw {
        let data = self.data_set(pages, random);
        let seconds = match self.time {
            Time::Seconds(range) => range.draw(random),
            Time::Speed(range) => data.used / range.draw(random),
        };
        let rate = self.writes.draw(random);
        let spread = spreads.of(data.population.keys[0], self.skew.draw(random));
        let course = self.course(&data, seconds, rate, spread);
        let pause = fork::pause(data.resident, data.pages.base());
        let fork_us = Range::assumed(pause.0, pause.1, "").draw(random);
        let buffered = self.buffered(random, rate * seconds, rdb::set_bytes(data.kind) as f64);
        let tables = 2.0 * child::page_tables(data.resident, data.pages.base());
        let kept_back = reclaim::kept_back(Bytes::from_f64(self.ram), Bytes(pages.base())).as_f64();
        let save = save::peak(&course).anonymous() + tables;
        Draw {
            copied: save::last_cow_size(&course, data.resident),
            fork_us,
            memory: data.resident + save + buffered + self.reserved.draw(random) + kept_back,
            buffered,
            used: data.used,
        }
    }

    fn data_set(&self, pages: Pages, random: &mut impl Rng) -> DataSet {
        let layout = &self.layouts[random.random_range(0..self.layouts.len())];
        let kind = KeyKind {
            key_size: whole(self.key_size.draw(random)),
            value: Value::Bytes(whole(self.value_size.draw(random))),
            has_ttl: self.has_ttl,
        };
        let heap = Heap::new(layout, Allocator::Bundled, pages.base(), &[Keys::alike(kind)]);
        let population = match self.keys {
            KeyCount::Given(keys) => Population::of(vec![keys]),
            KeyCount::Filling(bytes) => heap.population_of(bytes.draw(random), &[1.0]),
            KeyCount::InFile(bytes, compression) => {
                Population::of(vec![bytes * compression.draw(random) / rdb::record_bytes(kind) as f64])
            }
        };
        let beside = self.beside.draw(random);
        let used = heap.used_memory(&population) + beside;
        let resident = match self.resident {
            Resident::Given(bytes) => bytes,
            Resident::Fragmented(times) => used * times.draw(random),
        };
        DataSet { heap, population, pages, kind, used, resident }
    }

    fn course(&self, data: &DataSet, seconds: f64, rate: f64, spread: Spread) -> Vec<Cost> {
        let end = self.looked_at.unwrap_or(seconds);
        let moment = |share: f64| {
            let seconds_in = share * end;
            let exposure = Exposure { set: rate * seconds_in, ..Exposure::default() };
            Moment { seconds: seconds_in, exposures: vec![exposure], progress: seconds_in / seconds }
        };
        let spreads = [spread];
        if data.pages == Pages::HugeCopied {
            let size = data.pages.size() as f64;
            let exposures = moment(1.0).exposures;
            let heap = huge_pages::written(&data.heap, &data.population, &exposures, &spreads, size);
            return vec![Cost { seconds: end, copied: heap.written + child::OWN_MEMORY, grown: 0.0 }];
        }
        let steps = if self.gives_back { STEPS } else { 1 };
        let moments: Vec<Moment> =
            (0..=steps).map(|step| moment(f64::from(step) / f64::from(steps))).collect();
        let save = Save {
            heap: &data.heap,
            population: &data.population,
            spreads: &spreads,
            own_memory: child::OWN_MEMORY,
            gives_back: self.gives_back,
        };
        save.course(&moments)
    }

    /// What has been kept of `writes` writes during the save, each a record of so many bytes.
    fn buffered(&self, random: &mut impl Rng, writes: f64, record: f64) -> f64 {
        match self.backlog {
            Backlog::None => 0.0,
            Backlog::Rewrite => writes * record,
            Backlog::Replicas { count, limit, sync_over_save } => {
                count * (writes * record * sync_over_save.draw(random)).min(limit)
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a length, at least 1")]
fn whole(length: f64) -> u64 {
    length.round() as u64
}
