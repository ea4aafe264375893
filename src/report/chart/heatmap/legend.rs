//! What colours, lines and hatching of the heatmap mean; only what the chart really shows.

use plotters::prelude::DrawingBackend;

use super::grid::{Grid, Place};
use super::wording::{self, Scale};
use super::{dashed_outline, palette};
use crate::report::chart::canvas::{Align, Canvas, Drawn, Frame, Ink};
use crate::sweep::Verdict;

const TEXT: Ink = Ink::new(11.5, palette::INK);
const TICK: Ink = Ink::new(10.5, palette::MUTED);
const BAR_HEIGHT: f64 = 14.0;
const ROW_HEIGHT: f64 = 26.0;
const SWATCH: f64 = 26.0;
const GAP: f64 = 28.0;

/// A sign and its meaning.
#[derive(Clone, Copy)]
enum Sign {
    Frontier,
    Needed,
    NeededBeyond,
    Undecided,
    DoesNotFit,
}

impl Sign {
    fn meaning(self) -> &'static str {
        match self {
            Self::Frontier => "safe frontier: every cell left of it is safe",
            Self::Needed => "needed: percents right of it hold the data, to the end of the horizon",
            Self::NeededBeyond => "needed is off the chart on this side",
            Self::Undecided => "undecided: the interval still holds the budget",
            Self::DoesNotFit => "does not fit, even with no fork",
        }
    }
}

/// The legend of one chart.
pub(super) struct Legend {
    signs: Vec<Sign>,
    has_bar: bool,
}

impl Legend {
    pub(super) fn new(grid: &Grid) -> Self {
        let has = |verdict| {
            grid.rows.iter().flat_map(|row| row.cells.iter().flatten()).any(|cell| cell.verdict == verdict)
        };
        let mut signs = Vec::new();
        if !grid.rows.is_empty() {
            signs.push(Sign::Frontier);
        }
        let places = || grid.rows.iter().filter_map(|row| row.needed).map(|needed| grid.place(needed));
        if places().any(|place| matches!(place, Place::Columns(_))) {
            signs.push(Sign::Needed);
        }
        if places().any(|place| matches!(place, Place::Below | Place::Above)) {
            signs.push(Sign::NeededBeyond);
        }
        if has(Verdict::Undecided) {
            signs.push(Sign::Undecided);
        }
        if has(Verdict::DoesNotFit) {
            signs.push(Sign::DoesNotFit);
        }
        Self { signs, has_bar: has(Verdict::Safe) || has(Verdict::Risky) }
    }

    /// Its height at `width` (px).
    pub(super) fn height(&self, width: f64) -> f64 {
        let bar = if self.has_bar { BAR_HEIGHT + 30.0 } else { 0.0 };
        let rows = self.places(width).last().map_or(0.0, |(_, _, row)| row + 1.0);
        bar + rows * ROW_HEIGHT
    }

    /// Each sign with its distance from the left and its row.
    fn places(&self, width: f64) -> Vec<(Sign, f64, f64)> {
        let (mut left, mut row) = (0.0, 0.0);
        let mut places = Vec::new();
        for &sign in &self.signs {
            let needs = SWATCH + 8.0 + TEXT.width(sign.meaning());
            if left > 0.0 && left + needs > width {
                (left, row) = (0.0, row + 1.0);
            }
            places.push((sign, left, row));
            left += needs + GAP;
        }
        places
    }

    pub(super) fn draw<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<DB>,
        scale: &Scale,
        (left, top): (f64, f64),
        width: f64,
    ) -> Drawn {
        let mut signs_top = top;
        if self.has_bar {
            draw_bar(canvas, scale, (left, top))?;
            signs_top += BAR_HEIGHT + 30.0;
        }
        for (sign, across, row) in self.places(width) {
            let (x, middle) = (left + across, signs_top + row * ROW_HEIGHT + ROW_HEIGHT / 2.0);
            draw_sign(canvas, sign, x, middle)?;
            canvas.text_centred(sign.meaning(), (x + SWATCH + 8.0, middle), TEXT)?;
        }
        Ok(())
    }
}

/// The colours from far below the budget to certain, with the budget where they change sides.
fn draw_bar<DB: DrawingBackend>(canvas: &Canvas<DB>, scale: &Scale, (left, top): (f64, f64)) -> Drawn {
    const HALF: f64 = 240.0;
    const STEPS: u32 = 48;
    let left = left + TEXT.width("safe") + 10.0;
    let (middle, bottom) = (left + HALF, top + BAR_HEIGHT);
    for step in 0..STEPS {
        let (from, to) = (f64::from(step) / f64::from(STEPS), f64::from(step + 1) / f64::from(STEPS));
        let safe = Frame { left: middle - to * HALF, top, right: middle - from * HALF, bottom };
        canvas.fill(safe, palette::safe(from), 1.0)?;
        let risky = Frame { left: middle + from * HALF, top, right: middle + to * HALF, bottom };
        canvas.fill(risky, palette::risky(from), 1.0)?;
    }
    let tick = |x: f64, text: &str, align: Align| {
        canvas.line(&[(x, bottom), (x, bottom + 4.0)], palette::MUTED, 1.0)?;
        canvas.text(text, (x, bottom + 16.0), TICK.aligned(align))
    };
    canvas.text_centred("risky", (middle + HALF + 10.0, top + BAR_HEIGHT / 2.0), TEXT)?;
    canvas.text_centred("safe", (left - 10.0, top + BAR_HEIGHT / 2.0), TEXT.aligned(Align::Right))?;
    canvas.line(&[(middle, top - 4.0), (middle, bottom + 4.0)], palette::INK, 2.0)?;
    let budget = scale.budget();
    tick(left, &format!("{} or less", wording::plain_percent(budget / 100.0)), Align::Left)?;
    let budget_text = format!("budget {}", wording::percent(budget));
    tick(middle, &budget_text, Align::Centre)?;
    // The next tick keeps clear of the budget's text.
    let clear = TICK.width(&budget_text) / 2.0 + 24.0;
    for chance in [0.001, 0.01, 0.1] {
        let x = middle + (1.0 - f64::ln(chance) / budget.ln()) * HALF;
        if x > middle + clear && x < middle + HALF - 44.0 {
            tick(x, &wording::percent(chance), Align::Centre)?;
        }
    }
    tick(middle + HALF, "certain", Align::Centre)
}

fn draw_sign<DB: DrawingBackend>(canvas: &Canvas<DB>, sign: Sign, x: f64, middle: f64) -> Drawn {
    let swatch = Frame { left: x, top: middle - 8.0, right: x + SWATCH, bottom: middle + 8.0 };
    match sign {
        Sign::Frontier => {
            let (low, high) = (swatch.bottom, swatch.top);
            let step = [(x + 4.0, high), (x + 4.0, middle), (x + 22.0, middle), (x + 22.0, low)];
            canvas.line(&step, palette::INK, 4.0)
        }
        Sign::Needed => draw_needed(canvas, x + SWATCH / 2.0, swatch.top, swatch.bottom),
        Sign::NeededBeyond => draw_needed_beyond(canvas, (x + SWATCH / 2.0 - 4.0, middle), 1.0),
        Sign::Undecided => {
            canvas.fill(swatch, palette::UNDECIDED, 1.0)?;
            dashed_outline(canvas, swatch.inset(1.0))
        }
        Sign::DoesNotFit => {
            canvas.fill(swatch, palette::DOES_NOT_FIT, 1.0)?;
            canvas.hatch(swatch, palette::HATCH, 1.5)
        }
    }
}

/// The mark of a need that lies beyond the first or last column: an arrow head from `at` to the left
/// (`direction` -1) or right (+1).
pub(super) fn draw_needed_beyond<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    (x, middle): (f64, f64),
    direction: f64,
) -> Drawn {
    let head = [(x, middle - 7.0), (x, middle + 7.0), (x + direction * 9.0, middle)];
    canvas.polygon(&head, palette::NEEDED, 1.0)
}

/// The mark of what a host needs: a thin line with a head at both ends.
pub(super) fn draw_needed<DB: DrawingBackend>(canvas: &Canvas<DB>, x: f64, top: f64, bottom: f64) -> Drawn {
    canvas.line(&[(x, top), (x, bottom)], palette::PAPER, 5.0)?;
    canvas.line(&[(x, top), (x, bottom)], palette::NEEDED, 2.5)?;
    draw_needed_heads(canvas, x, top, bottom)
}

/// The heads alone, which stay visible where the text of a cell hides the line.
pub(super) fn draw_needed_heads<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    x: f64,
    top: f64,
    bottom: f64,
) -> Drawn {
    // The wider white shape below keeps the mark apart from the darkest cells.
    for (colour, head) in [(palette::PAPER, 8.0), (palette::NEEDED, 5.5)] {
        canvas.polygon(&[(x - head, top), (x + head, top), (x, top + 1.4 * head)], colour, 1.0)?;
        canvas.polygon(&[(x - head, bottom), (x + head, bottom), (x, bottom - 1.4 * head)], colour, 1.0)?;
    }
    Ok(())
}
