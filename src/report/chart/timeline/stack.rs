//! The ledger as layers of a stacked area, and its thinning to what a picture can show.

use plotters::style::RGBColor;

use super::story::View;
use crate::model::Ledger;
use crate::report::TimelineRow;
use crate::units::Bytes;

/// A layer of the stack.
pub(super) struct Layer {
    pub(super) name: &'static str,
    pub(super) colour: RGBColor,
    bytes: fn(&Ledger) -> Bytes,
}

/// The layers from the bottom: what is steady lies low, so that copies are seen to eat into what is free. Swap lies
/// above the RAM, of which it is no part.
/// Colours after Okabe and Ito, told apart with any colour vision.
pub(super) const LAYERS: [Layer; 11] = [
    Layer {
        name: "server's resident set",
        colour: RGBColor(0x7f, 0xb8, 0xdf),
        bytes: |ledger| ledger.resident,
    },
    Layer {
        name: "kernel and other processes",
        colour: RGBColor(0xa3, 0xab, 0xb4),
        bytes: |ledger| ledger.reserved,
    },
    Layer { name: "page tables", colour: RGBColor(0x00, 0x8f, 0x68), bytes: |ledger| ledger.page_tables },
    Layer { name: "replication backlog", colour: RGBColor(0xea, 0xc8, 0xdb), bytes: |ledger| ledger.backlog },
    Layer {
        name: "buffers of clients and replicas",
        colour: RGBColor(0xcc, 0x79, 0xa7),
        bytes: |ledger| ledger.buffers,
    },
    Layer { name: "AOF buffer", colour: RGBColor(0x8c, 0x56, 0x4b), bytes: |ledger| ledger.aof_buffer },
    Layer { name: "copies of the fork", colour: RGBColor(0xd5, 0x5e, 0x00), bytes: |ledger| ledger.cow },
    Layer {
        name: "page cache being written",
        colour: RGBColor(0xb8, 0x9b, 0x1d),
        bytes: |ledger| ledger.pinned_cache,
    },
    Layer { name: "page cache, droppable", colour: RGBColor(0xf2, 0xe6, 0xa0), bytes: |ledger| ledger.cache },
    Layer { name: "free", colour: RGBColor(0xf3, 0xf6, 0xf9), bytes: |ledger| ledger.free },
    Layer { name: "swapped out", colour: RGBColor(0x5b, 0x64, 0x70), bytes: |ledger| ledger.swap },
];

/// Layers that the kernel can still hand out: droppable cache and free memory.
const AVAILABLE: std::ops::Range<usize> = 8..10;

/// The ledger at one moment, as the picture needs it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) seconds: f64,
    /// Bytes of each of [`LAYERS`].
    pub(super) layers: [f64; LAYERS.len()],
    pub(super) writes_per_second: f64,
}

impl From<TimelineRow> for Sample {
    fn from(row: TimelineRow) -> Self {
        let layers = LAYERS.map(|layer| (layer.bytes)(&row.ledger).as_f64());
        Self { seconds: row.seconds, layers, writes_per_second: row.writes_per_second }
    }
}

impl Sample {
    /// Free and droppable memory (bytes).
    pub(super) fn available(&self) -> f64 {
        self.layers[AVAILABLE].iter().sum()
    }

    /// Whether anything is swapped out.
    pub(super) fn is_swapping(&self) -> bool {
        self.layers[LAYERS.len() - 1] > 0.0
    }

    /// Upper edge of the layer `number` (bytes).
    pub(super) fn up_to(&self, number: usize) -> f64 {
        self.layers[..=number].iter().sum()
    }

    /// The straight way between two samples, at `seconds`.
    fn between(before: &Self, after: &Self, seconds: f64) -> Self {
        let span = after.seconds - before.seconds;
        let share = if span > 0.0 { (seconds - before.seconds) / span } else { 1.0 };
        let mix = |from: f64, to: f64| from + (to - from) * share;
        let layers = std::array::from_fn(|layer| mix(before.layers[layer], after.layers[layer]));
        let writes_per_second = mix(before.writes_per_second, after.writes_per_second);
        Self { seconds, layers, writes_per_second }
    }
}

/// The samples of `view`, with its ends filled in, at most three in each of `places`: the one with the least `rank` at
/// both edges, and the last.
pub(super) fn thinned(samples: &[Sample], view: View, places: f64, rank: fn(&Sample) -> f64) -> Vec<Sample> {
    let mut kept: Vec<Sample> = Vec::new();
    let within = cut(samples, view);
    let place = |sample: &Sample| ((sample.seconds - view.from) / view.span() * places).floor();
    for group in within.chunk_by(|a, b| place(a).total_cmp(&place(b)).is_eq()) {
        let Some(least) = group.iter().min_by(|a, b| rank(a).total_cmp(&rank(b))) else { continue };
        if group.len() == 1 {
            kept.push(*least);
            continue;
        }
        // A moment may be narrower than its place, and would not be seen: it stands for all of it.
        let edge = |place: f64| (view.from + place / places * view.span()).clamp(view.from, view.to);
        let start = place(least);
        let (left, right) = (edge(start), edge(start + 1.0));
        kept.extend([left, right].map(|seconds| Sample { seconds, ..*least }));
        // So a step stays a step, however far the next sample is.
        kept.extend(group.last().map(|last| Sample { seconds: right, ..*last }));
    }
    kept
}

/// The samples within `view`, and one at each of its ends.
fn cut(samples: &[Sample], view: View) -> Vec<Sample> {
    let first = samples.partition_point(|sample| sample.seconds < view.from);
    let last = samples.partition_point(|sample| sample.seconds <= view.to);
    let at = |after: usize, seconds: f64| {
        let (before, after) = (samples.get(after.wrapping_sub(1))?, samples.get(after)?);
        Some(Sample::between(before, after, seconds))
    };
    let within = samples.get(first..last).unwrap_or_default().iter().copied();
    at(first, view.from).into_iter().chain(within).chain(at(last, view.to)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(seconds: f64, free: f64) -> Sample {
        let mut layers = [0.0; LAYERS.len()];
        layers[9] = free;
        Sample { seconds, layers, writes_per_second: seconds }
    }

    #[test]
    fn thinning_keeps_the_tightest_moment_and_fills_in_the_ends() {
        let samples: Vec<_> =
            (0..=10_000).map(|n| sample(f64::from(n), if n == 4_321 { 1.0 } else { 9.0 })).collect();
        let view = View { from: 0.5, to: 9_999.5 };
        let kept = thinned(&samples, view, 100.0, Sample::available);
        assert!(kept.len() <= 303, "{}", kept.len());
        assert!(kept.iter().any(|sample| sample.available() < 2.0));
        assert!(kept.is_sorted_by(|a, b| a.seconds <= b.seconds));
        let ends = [kept[0].seconds, kept[kept.len() - 1].seconds];
        assert!((ends[0] - 0.5).abs() < 1e-9 && (ends[1] - 9_999.5).abs() < 1e-9, "{ends:?}");
    }

    #[test]
    fn a_step_stays_a_step() {
        let samples = [sample(0.0, 5.0), sample(50.0, 1.0), sample(50.0, 5.0), sample(100.0, 5.0)];
        let kept = thinned(&samples, View { from: 0.0, to: 100.0 }, 100.0, Sample::available);
        let after = kept.iter().filter(|sample| sample.seconds > 51.5);
        assert!(
            after.clone().count() > 0 && after.clone().all(|sample| sample.available() > 4.0),
            "{kept:?}"
        );
        let step = kept.iter().filter(|sample| (sample.seconds - 51.0).abs() < 1e-9).map(Sample::available);
        assert_eq!(step.map(|free| free.to_string()).collect::<Vec<_>>(), ["1", "5"]);
    }

    #[test]
    fn nothing_to_thin_is_nothing() {
        let view = View { from: 0.0, to: 1.0 };
        assert!(thinned(&[], view, 10.0, Sample::available).is_empty());
        assert_eq!(thinned(&[sample(0.5, 1.0)], view, 10.0, Sample::available).len(), 1);
    }
}
