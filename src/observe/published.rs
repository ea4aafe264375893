//! Figures that others have published, held against what the laws say without their missing inputs.
//!
//! The laws meet a measured save within a percent *given* its writes, its duration and the popularity of its keys. A
//! forecast does not know these three, and the table below shows how wide it then is: no published row gives
//! everything that copy-on-write depends on, so each missing input runs through the range that a careful reader would
//! have set before seeing the figure, and the prediction is an interval of a thousand draws, evenly in the logarithm.
//! Where nothing is said of the writes it spans two orders of magnitude, and a hit says little.
//!
//! The interval of a fork's pause is that of one virtual machine ([`fork`](crate::memory::fork)); published hosts are
//! others, and on bare metal forks are expected to be faster. Pages are of 4 KiB and keys are strings that are
//! overwritten, unless a row says otherwise. Redis before 7.0 has no layout profile: that of 7.0 stands for it, with
//! a child that gives nothing back. Left out: deletions, collections and the buffers of clients.
//!
#![doc = include_str!("published/table.md")]

mod case;
mod cases;
mod misses;
mod range;
mod row;
mod table;

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

pub use case::{Backlog, Case, Draw, KeyCount, Pages, Resident, Spreads, Time};
pub use range::{Interval, Range};
pub use row::{Figure, Published, Row};
pub use table::table;

/// Draws of the missing inputs a row: between the 5 % and the 95 % quantile there are 900 of them.
const DRAWS: usize = 1000;

/// Every row meets the same random numbers.
const SEED: u64 = 1;

/// How precisely the sources print their figures: log lines in whole MiB, prose with two or three digits.
const PRECISION: f64 = 0.01;

/// What the laws say of a published row.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// What was given and what was assumed.
    pub case: Case,
    /// Its figures.
    pub comparisons: Vec<Comparison>,
}

/// A published figure and its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// Which figure.
    pub figure: Figure,
    /// On which pages it was predicted.
    pub pages: Pages,
    /// What was published.
    pub published: Published,
    /// What was predicted, in bytes or µs.
    pub interval: Interval,
    /// The share of the draws above what was published.
    pub exceeding: f64,
    /// How they compare.
    pub verdict: Verdict,
}

/// Where a published figure lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// Between the 5 % and the 95 % quantile; of a bound or a yes or no, on the side that the draws leave possible.
    Inside,
    /// Above the 95 % quantile, so many times it.
    Above(f64),
    /// Below the 5 % quantile, so many times it.
    Below(f64),
}

/// Why a row is not predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unpredicted(pub &'static str);

/// What the laws say of `row`.
///
/// # Errors
///
/// Where the laws do not cover what it publishes.
pub fn predict(row: &Row) -> Result<Prediction, Unpredicted> {
    let case = Case::of(row)?;
    // A running save is a row for what it has copied so far; its fork and its memory stand in the row of a whole one.
    let is_running = case.looked_at.is_some();
    let figures = row.published().into_iter().filter(|(figure, _)| !is_running || *figure == Figure::Copied);
    let figures: Vec<_> = figures.collect();
    let mut spreads = Spreads::default();
    let mut comparisons = Vec::new();
    for &pages in &case.pages {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(SEED);
        let draws: Vec<Draw> = (0..DRAWS).map(|_| case.draw(pages, &mut random, &mut spreads)).collect();
        comparisons.extend(figures.iter().filter_map(|figure| compare(&draws, pages, *figure)));
    }
    Ok(Prediction { case, comparisons })
}

fn compare(draws: &[Draw], pages: Pages, (figure, published): (Figure, Published)) -> Option<Comparison> {
    let values = || draws.iter().map(|draw| draw.figure(figure));
    let interval = Interval::of(values())?;
    let (Published::Exactly(at)
    | Published::AtMost(at)
    | Published::KilledAt(at)
    | Published::FittedInto(at)) = published;
    let exceeding = values().filter(|&value| value > at).count() as f64 / draws.len() as f64;
    Some(Comparison {
        figure,
        pages,
        published,
        interval,
        exceeding,
        verdict: Verdict::of(published, interval),
    })
}

impl Verdict {
    fn of(published: Published, interval: Interval) -> Self {
        let (low, high) = (interval.low as f64, interval.high as f64);
        let (least, most) = match published {
            Published::Exactly(figure) => (figure, figure),
            Published::AtMost(bound) | Published::FittedInto(bound) => (0.0, bound),
            Published::KilledAt(ram) => (ram, f64::INFINITY),
        };
        if least > high * (1.0 + PRECISION) {
            Self::Above(least / high)
        } else if most < low * (1.0 - PRECISION) {
            Self::Below(most / low)
        } else {
            Self::Inside
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::sync::LazyLock;

    type Predicted = Vec<(Row, Result<Prediction, Unpredicted>)>;

    static PREDICTED: LazyLock<Predicted> = LazyLock::new(|| {
        let rows = Row::read(include_str!("../../tests/data/published-measurements.csv")).unwrap();
        let with_prediction = |row: Row| {
            let prediction = predict(&row);
            (row, prediction)
        };
        rows.into_iter().map(with_prediction).collect()
    });

    fn comparisons() -> impl Iterator<Item = (&'static Row, &'static Comparison)> {
        let rows = PREDICTED.iter();
        rows.flat_map(|(row, prediction)| {
            prediction.iter().flat_map(|p| &p.comparisons).map(move |comparison| (row, comparison))
        })
    }

    #[test]
    fn the_table_in_the_repository_is_fresh() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/observe/published/table.md");
        let expected = table(&PREDICTED);
        if std::env::var_os("UPDATE_PUBLISHED").is_some() {
            std::fs::write(path, &expected).unwrap();
        }
        let found = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            found == expected,
            "src/observe/published/table.md is stale; refresh it with\n\
             UPDATE_PUBLISHED=1 cargo test --lib the_table_in_the_repository_is_fresh"
        );
    }

    #[test]
    fn so_many_figures_lie_inside() {
        let count = |figure: Figure| {
            let of_it = || comparisons().filter(|(_, comparison)| comparison.figure == figure);
            (of_it().filter(|(_, comparison)| comparison.verdict == Verdict::Inside).count(), of_it().count())
        };
        let [copied, pauses, memory, buffers, peaks] =
            [Figure::Copied, Figure::ForkPause, Figure::Memory, Figure::ReplicaBuffer, Figure::PeakUsed]
                .map(count);
        assert_eq!(copied, (10, 17));
        assert_eq!(pauses, (1, 9));
        assert_eq!(memory, (6, 6));
        assert_eq!((buffers, peaks), ((1, 2), (0, 1)));
    }

    #[test]
    fn every_miss_is_explained_and_nothing_else() {
        let missed: BTreeSet<_> = comparisons()
            .filter(|(_, comparison)| comparison.verdict != Verdict::Inside)
            .map(|(row, comparison)| (row.id.as_str(), comparison.figure.name()))
            .collect();
        let explained =
            misses::MISSES.iter().flat_map(|(ids, figure, _)| ids.iter().map(|id| (*id, figure.name())));
        assert_eq!(explained.collect::<BTreeSet<_>>(), missed);
    }

    #[test]
    fn a_row_without_ranges_is_not_predicted() {
        assert!(predict(&Row { id: "C-7".into(), cow_bytes: Some(1.0), ..Row::default() }).is_err());
    }

    #[test]
    fn a_verdict_tells_the_nearer_end() {
        let interval = Interval { least: 1, low: 100, high: 200, most: 500 };
        let verdict = |published| Verdict::of(published, interval);
        assert_eq!(verdict(Published::Exactly(150.0)), Verdict::Inside);
        assert_eq!(verdict(Published::Exactly(400.0)), Verdict::Above(2.0));
        assert_eq!(verdict(Published::Exactly(50.0)), Verdict::Below(0.5));
        assert_eq!(verdict(Published::AtMost(300.0)), Verdict::Inside);
        assert_eq!(verdict(Published::AtMost(50.0)), Verdict::Below(0.5));
        assert_eq!(verdict(Published::KilledAt(400.0)), Verdict::Above(2.0));
        assert_eq!(verdict(Published::KilledAt(50.0)), Verdict::Inside);
        assert_eq!(verdict(Published::FittedInto(50.0)), Verdict::Below(0.5));
    }
}
