//! The table of published figures against predicted intervals, as Markdown.

use std::fmt::Write as _;

use super::case::{Backlog, Case, KeyCount, Resident, Time};
use super::range::Range;
use super::row::{Published, Row};
use super::{Comparison, Prediction, Unpredicted, Verdict, misses};

/// The table over rows and their predictions, why its misses missed, and why its ranges are as they are.
pub fn table(predictions: &[(Row, Result<Prediction, Unpredicted>)]) -> String {
    let mut text = String::from(HEADING);
    for (row, prediction) in predictions {
        match prediction {
            Ok(prediction) => lines(&mut text, row, prediction),
            Err(Unpredicted(why)) => {
                line(&mut text, [&linked(row), "", "", "", "", &format!("not predicted: {why}")]);
            }
        }
    }
    told_misses(&mut text, predictions);
    let _ = writeln!(text, "\nWhy the ranges are as they are:\n");
    for (what, range) in reasons(predictions) {
        let _ = writeln!(text, "- {what}: {}.", range.why);
    }
    text
}

/// How many figures lie inside, and a sentence on each of the others.
fn told_misses(text: &mut String, predictions: &[(Row, Result<Prediction, Unpredicted>)]) {
    let (mut inside, mut all) = (0, 0);
    let mut sentences: Vec<String> = Vec::new();
    for (row, prediction) in predictions {
        for comparison in prediction.iter().flat_map(|prediction| &prediction.comparisons) {
            all += 1;
            if comparison.verdict == Verdict::Inside {
                inside += 1;
                continue;
            }
            let why = misses::explanation(&row.id, comparison.figure).unwrap_or("not explained.");
            let sentence = format!("- {}, {}: {why}", row.id, comparison.figure.name());
            if !sentences.contains(&sentence) {
                sentences.push(sentence);
            }
        }
    }
    let _ = writeln!(text, "\n{inside} of {all} figures lie inside. The others:\n\n{}", sentences.join("\n"));
}

const HEADING: &str = "| row | figure | published | predicted, 5 % to 95 % | inside | assumed |\n\
                       |---|---|---|---|---|---|\n";

fn line(text: &mut String, cells: [&str; 6]) {
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

fn linked(row: &Row) -> String {
    if row.url.starts_with("https://") { format!("[{}]({})", row.id, row.url) } else { row.id.clone() }
}

/// One line a figure; what was assumed stands in the first.
fn lines(text: &mut String, row: &Row, prediction: &Prediction) {
    let mut assumed = assumptions(&prediction.case).join(", ");
    let mut name = linked(row);
    for comparison in &prediction.comparisons {
        let Comparison { figure, pages, interval, verdict, .. } = *comparison;
        let is_one_of_some = prediction.case.pages.len() > 1;
        let on_pages =
            if is_one_of_some { format!(", pages of {}", size(pages.size() as f64)) } else { String::new() };
        let amount = |amount: u64| figure.amount(amount as f64);
        let predicted = format!(
            "{} to {} ({} to {})",
            amount(interval.low),
            amount(interval.high),
            amount(interval.least),
            amount(interval.most)
        );
        let verdict = match verdict {
            Verdict::Inside => "yes".to_owned(),
            Verdict::Above(times) => format!("{times:.2} × the upper end"),
            Verdict::Below(times) => format!("{times:.2} × the lower end"),
        };
        let figure = format!("{}{on_pages}", figure.name());
        line(text, [&name, &figure, &published(comparison), &predicted, &verdict, &assumed]);
        name.clear();
        assumed.clear();
    }
}

fn published(comparison: &Comparison) -> String {
    let amount = |amount: f64| comparison.figure.amount(amount);
    let short = 100.0 * comparison.exceeding;
    match comparison.published {
        Published::Exactly(figure) => amount(figure),
        Published::AtMost(bound) => format!("at most {}", amount(bound)),
        Published::KilledAt(ram) => {
            format!("killed at {}; predicted by {short:.0} % of the draws", amount(ram))
        }
        Published::FittedInto(ram) => {
            format!("fitted into {}; not by {short:.0} % of the draws", amount(ram))
        }
    }
}

/// The missing inputs of a case with their ranges, in the order of the columns of the file.
fn assumptions(case: &Case) -> Vec<String> {
    let named = ranges(case).into_iter().map(|(what, unit, range)| {
        format!("{what} {} to {}", unit.amount(range.low), unit.amount(range.high))
    });
    let layout = match case.layout_note {
        "" => case.layouts.iter().map(|layout| layout.engine.as_str()).collect::<Vec<_>>().join(" or "),
        note => note.to_owned(),
    };
    let pages: Vec<String> = case.pages.iter().map(|pages| size(pages.size() as f64)).collect();
    let pages = pages.join(" or ");
    named.chain([format!("pages of {pages}"), format!("layout {layout}")]).collect()
}

/// In which unit a range is told.
#[derive(Clone, Copy)]
enum Unit {
    Count,
    Times,
    Weight,
    Size,
    Speed,
}

impl Unit {
    fn amount(self, amount: f64) -> String {
        match self {
            Self::Count => format!("{amount:.0}"),
            Self::Times => format!("{amount:.1}"),
            Self::Weight => if amount > 0.5 { "Zipf 0.99" } else { "uniform" }.to_owned(),
            Self::Size => size(amount),
            Self::Speed => format!("{:.0} MB/s", amount / 1e6),
        }
    }
}

/// The ranges of a case that are not given.
fn ranges(case: &Case) -> Vec<(&'static str, Unit, Range)> {
    let keys = match case.keys {
        KeyCount::Given(_) => None,
        KeyCount::Filling(bytes) => Some(("`used_memory`", Unit::Size, bytes)),
        KeyCount::InFile(_, compression) => Some(("data a byte of the file", Unit::Times, compression)),
    };
    let time = match case.time {
        Time::Seconds(_) => None,
        Time::Speed(speed) => Some(("saved", Unit::Speed, speed)),
    };
    let resident = match case.resident {
        Resident::Given(_) => None,
        Resident::Fragmented(times) => Some(("rss over `used_memory`", Unit::Times, times)),
    };
    let sync = match case.backlog {
        Backlog::Replicas { sync_over_save, .. } => Some(("sync over save", Unit::Times, sync_over_save)),
        Backlog::None | Backlog::Rewrite => None,
    };
    let all = [
        keys,
        Some(("memory beside", Unit::Size, case.beside)),
        Some(("writes a second", Unit::Count, case.writes)),
        Some(("popularity", Unit::Weight, case.skew)),
        Some(("values", Unit::Size, case.value_size)),
        Some(("keys", Unit::Size, case.key_size)),
        time,
        sync,
        resident,
        (case.ram > 0.0).then_some(("other processes", Unit::Size, case.reserved)),
    ];
    all.into_iter().flatten().filter(|(_, _, range)| !range.why.is_empty()).collect()
}

/// Every reason once, in the order of the rows.
fn reasons(predictions: &[(Row, Result<Prediction, Unpredicted>)]) -> Vec<(String, Range)> {
    let mut reasons: Vec<(String, Range)> = Vec::new();
    for (what, unit, range) in predictions.iter().flat_map(|(_, p)| p.iter().flat_map(|p| ranges(&p.case))) {
        let named = format!("{what} {} to {}", unit.amount(range.low), unit.amount(range.high));
        if !reasons.iter().any(|(known, other)| *known == named && other.why == range.why) {
            reasons.push((named, range));
        }
    }
    reasons
}

/// Units of memory and their bytes, the largest first.
const UNITS: [(&str, f64); 3] = [("GiB", 1_073_741_824.0), ("MiB", 1_048_576.0), ("KiB", 1024.0)];

/// Bytes in the largest unit that keeps the number at 1 or above, with three digits: `31.4 GiB`.
pub fn size(bytes: f64) -> String {
    let (unit, amount) = UNITS
        .into_iter()
        .find_map(|(unit, of_it)| (bytes >= of_it).then_some((unit, bytes / of_it)))
        .unwrap_or(("B", bytes));
    let decimals = match amount {
        _ if amount.fract().abs() < 1e-9 || amount >= 99.95 => 0,
        _ if amount >= 9.995 => 1,
        _ => 2,
    };
    format!("{amount:.decimals$} {unit}")
}

/// Microseconds in milliseconds or seconds.
pub fn duration(us: f64) -> String {
    match us / 1e6 {
        seconds if seconds >= 9.995 => format!("{seconds:.1} s"),
        seconds if seconds >= 0.9995 => format!("{seconds:.2} s"),
        seconds => format!("{:.0} ms", seconds * 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_three_digits_and_no_needless_ones() {
        let sizes = [16.0, 4096.0, 2_097_152.0, 33_672_261_632.0, 109.05e9, 1.5e6, 1023.0 * 1024.0].map(size);
        assert_eq!(sizes, ["16 B", "4 KiB", "2 MiB", "31.4 GiB", "102 GiB", "1.43 MiB", "1023 KiB"]);
    }

    #[test]
    fn pauses_are_told_in_seconds_from_one_second_on() {
        assert_eq!([19_000.0, 1_027_383.0, 24_090_000.0].map(duration), ["19 ms", "1.03 s", "24.1 s"]);
    }
}
