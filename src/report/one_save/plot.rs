//! The curve as text: an area of block characters over axes with units, for a terminal of 80 columns.
//!
//! Drawn here because the crates that plot to a terminal label no axis with units. Plain text: nothing to
//! switch off where colours are not wanted.

use crate::model::one_save::Forecast;
use crate::report::chart::axis;
use crate::units::Bytes;

const GIB: f64 = (1u64 << 30) as f64;
const COLUMNS: usize = 80;
/// Room for `1023.99 GiB ┤`.
const LABEL: usize = 9;
const ROWS: usize = 12;

/// A cell filled from below by eighths.
const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What the host loses over the life of the child.
pub fn curve(forecast: &Forecast) -> String {
    let width = COLUMNS - LABEL - 4;
    let (peak, end) = (forecast.peak.anonymous() / GIB, forecast.seconds);
    let step = axis::binary_step(peak, 4.0);
    let steps = whole((peak / step).ceil().clamp(1.0, 4.0));
    let (rows_a_step, top) = (ROWS / steps, step * steps as f64 * GIB);
    let heights: Vec<usize> = (0..width)
        .map(|column| {
            let seconds = (column as f64 + 0.5) / width as f64 * end;
            whole((at(forecast, seconds) / top * (steps * rows_a_step * 8) as f64).round())
        })
        .collect();
    let mut lines = vec!["copied since the fork".to_owned()];
    for row in (0..steps * rows_a_step).rev() {
        let tick = (row + 1) % rows_a_step == 0;
        let value = ((row + 1) / rows_a_step) as f64 * step * GIB;
        let label = if tick { Bytes::from_f64(value).to_string() } else { String::new() };
        let cells: String =
            heights.iter().map(|height| EIGHTHS[height.saturating_sub(row * 8).min(8)]).collect();
        lines.push(format!("{label:>LABEL$} {}{cells}", if tick { '┤' } else { '│' }).trim_end().to_owned());
    }
    lines.extend(clock(end, width));
    lines.join("\n")
}

/// The time axis and its labels.
fn clock(end: f64, width: usize) -> [String; 2] {
    let step = axis::elapsed_step(end, 6.0);
    let (mut line, mut labels) = (vec!['─'; width + 1], vec![' '; width + 8]);
    for tick in axis::multiples(0.0, end, step) {
        let column = whole((tick / end * width as f64).round());
        line[column] = '┴';
        let label: Vec<char> = axis::elapsed(tick, step).chars().collect();
        let start = column.saturating_sub(label.len() / 2);
        for (place, letter) in labels.iter_mut().skip(start).zip(label) {
            *place = letter;
        }
    }
    line[0] = '└';
    let (line, labels): (String, String) = (line.into_iter().collect(), labels.into_iter().collect());
    [format!("{:>LABEL$} {line}", "0"), format!("{:LABEL$} {}", "", labels.trim_end())]
}

/// The curve at `seconds`, between its moments.
fn at(forecast: &Forecast, seconds: f64) -> f64 {
    let curve = &forecast.curve;
    let after = curve.partition_point(|cost| cost.seconds < seconds).min(curve.len().saturating_sub(1));
    let (Some(before), Some(after)) = (curve.get(after.saturating_sub(1)), curve.get(after)) else {
        return 0.0;
    };
    let span = after.seconds - before.seconds;
    let share = if span > 0.0 { ((seconds - before.seconds) / span).clamp(0.0, 1.0) } else { 1.0 };
    before.anonymous() + share * (after.anonymous() - before.anonymous())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few hundred cells at most")]
fn whole(number: f64) -> usize {
    number as usize
}
