//! The figures of both sides beside each other, and how far apart they may be.

use std::fmt::{self, Display};

use forkcast::model::{Cause, Outcome};

use super::life::Figures;

/// What the interval of a relative difference must lie within.
const WITHIN: f64 = 0.10;
/// Figures that happen less often in a replication than this are compared by their difference, which must be as small.
const RARE: f64 = 0.05;
/// The quantile of the standard normal that leaves 2.5 %.
const Z: f64 = 1.96;

/// A figure of one replication: its name and value, and whether it counts what happens.
pub(super) struct Figure {
    name: String,
    value: f64,
    is_count: bool,
}

/// Everything that is compared, of one replication.
pub(super) fn figures(of: &Figures) -> Vec<Figure> {
    let kills: f64 = of.kills.iter().sum();
    let figure = |name: &str, value| Figure { name: name.to_owned(), value, is_count: false };
    let count = |name: String, value| Figure { name, value, is_count: true };
    let mut all = vec![count("P(a kill)".to_owned(), f64::from(u8::from(kills > 0.0)))];
    let causes = || Cause::ALL.into_iter().filter(|&cause| cause != Cause::FullSync);
    all.extend(causes().map(|cause| count(format!("kills, {}", cause.name()), of.kills[cause as usize])));
    all.extend(causes().map(|cause| count(format!("forks, {}", cause.name()), of.forks[cause as usize])));
    all.push(count("incidents".to_owned(), of.incidents));
    all.push(figure("cow peak [MiB]", of.cow_peak / f64::from(1 << 20)));
    all.push(figure("downtime [s]", of.downtime));
    all.push(figure("served [h]", of.served / 3600.0));
    all
}

/// An outcome of forkcast in the same words.
pub(super) fn of_outcome(outcome: &Outcome) -> Figures {
    let by_cause = |count: &dyn Fn(Cause) -> u32| Cause::ALL.map(|cause| f64::from(count(cause)));
    Figures {
        kills: by_cause(&|cause| outcome.server_kills[cause] + outcome.child_kills[cause]),
        forks: by_cause(&|cause| outcome.forks[cause]),
        incidents: f64::from(outcome.incidents()),
        cow_peak: outcome.cow_peak.as_f64(),
        downtime: outcome.downtime.as_secs_f64(),
        served: outcome.served.as_secs_f64(),
    }
}

/// A mean over replications, and its variance.
#[derive(Clone, Copy)]
struct Mean {
    value: f64,
    variance: f64,
}

impl Mean {
    fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let value = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|x| (x - value) * (x - value)).sum();
        Self { value, variance: squares / (n - 1.0) / n }
    }
}

/// One figure on both sides.
struct Row {
    name: String,
    forkcast: Mean,
    independent: Mean,
    is_count: bool,
}

impl Row {
    fn half_width(&self) -> f64 {
        Z * (self.forkcast.variance + self.independent.variance).sqrt()
    }

    fn is_rare(&self) -> bool {
        self.is_count && self.forkcast.value.max(self.independent.value) < RARE
    }

    /// The interval of the difference: relative, or absolute where the figure is rare.
    fn interval(&self) -> (f64, f64) {
        let scale = if self.is_rare() { 1.0 } else { self.independent.value.abs().max(f64::MIN_POSITIVE) };
        let (difference, half) = (self.forkcast.value - self.independent.value, self.half_width());
        ((difference - half) / scale, (difference + half) / scale)
    }

    fn holds(&self) -> bool {
        let (low, high) = self.interval();
        let most = if self.is_rare() { RARE } else { WITHIN };
        -most <= low && high <= most
    }
}

impl Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, forkcast, independent, .. } = self;
        let (low, high) = self.interval();
        let (verdict, unit) =
            (if self.holds() { "" } else { "  <- too far apart" }, if self.is_rare() { "" } else { " %" });
        let (low, high) = if self.is_rare() { (low, high) } else { (low * 100.0, high * 100.0) };
        let ratio = forkcast.value / independent.value;
        write!(
            f,
            "{name:20} {:12.4} {:12.4} {ratio:8.4}  [{low:+.2}, {high:+.2}]{unit}{verdict}",
            forkcast.value, independent.value
        )
    }
}

/// All figures of one scenario.
pub(super) struct Comparison {
    name: &'static str,
    rows: Vec<Row>,
}

impl Comparison {
    /// Of replications on both sides; what never happens on either is left out.
    pub(super) fn new(name: &'static str, forkcast: &[Figures], independent: &[Figures]) -> Self {
        let columns = |side: &[Figures]| side.iter().map(figures).collect::<Vec<_>>();
        let (forkcast, independent) = (columns(forkcast), columns(independent));
        let column = |side: &[Vec<Figure>], index: usize| {
            Mean::of(&side.iter().map(|row| row[index].value).collect::<Vec<_>>())
        };
        let rows = forkcast[0].iter().enumerate().map(|(index, figure)| Row {
            name: figure.name.clone(),
            forkcast: column(&forkcast, index),
            independent: column(&independent, index),
            is_count: figure.is_count,
        });
        let happens = |row: &Row| row.forkcast.value != 0.0 || row.independent.value != 0.0;
        Self { name, rows: rows.filter(happens).collect() }
    }

    /// The chance of a kill.
    pub(super) fn risk(&self) -> f64 {
        self.rows[0].independent.value
    }

    pub(super) fn holds(&self) -> bool {
        self.rows.iter().all(Row::holds)
    }
}

impl Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heading = ["forkcast", "independent", "ratio", "95 % interval of the difference"];
        writeln!(
            f,
            "{:20} {:>12} {:>12} {:>8}  {}",
            self.name, heading[0], heading[1], heading[2], heading[3]
        )?;
        self.rows.iter().try_for_each(|row| writeln!(f, "{row}"))
    }
}
