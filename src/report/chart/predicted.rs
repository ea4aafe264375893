//! Predicted against measured, both on logarithms, and the errors beside: one mark a measured save.

mod marks;
mod wording;

use plotters::prelude::DrawingBackend;

use super::axis::Axis;
use super::canvas::{Align, Canvas, Drawn, Frame, Ink};
use super::heading::{Heading, MARGIN};
use super::{Chart, palette};
use crate::report::predictions::Point;

const NAME: Ink = Ink::new(13.0, palette::INK).bold();
const TICK: Ink = Ink::new(11.5, palette::MUTED);
const BAND: Ink = Ink::new(11.5, palette::INK);

const WIDTH: u32 = 1200;
const HEIGHT: u32 = 900;
/// Height of the panels, and width of the left one: a square, so that the diagonal is one \[px\].
const SIDE: f64 = 580.0;
/// The widths of the bands, the narrow one last so that it lies on top.
const BANDS: [f64; 2] = [0.10, 0.02];
/// Errors beyond are drawn at the edge.
const LARGEST_ERROR: f64 = 0.14;
const ERROR_TICKS: [f64; 7] = [-0.10, -0.05, -0.02, 0.0, 0.02, 0.05, 0.10];

/// A chart laid out and ready to draw.
pub(super) struct PredictedChart {
    points: Vec<Point>,
    finding: String,
    heading: Heading,
    /// log2 of the smallest and the largest amount.
    range: (f64, f64),
}

impl PredictedChart {
    /// Lays out `points`; without any the chart says so.
    pub(super) fn new(points: Vec<Point>) -> Self {
        let points: Vec<Point> = points.into_iter().filter(is_drawable).collect();
        let finding = wording::finding(&points);
        let width = f64::from(WIDTH) - 2.0 * MARGIN;
        Self {
            heading: Heading::new(&finding, &wording::subtitle(&points, LARGEST_ERROR), width),
            range: range(&points),
            finding,
            points,
        }
    }

    fn top(&self) -> f64 {
        MARGIN + self.heading.height() + 42.0
    }

    /// Where predicted stands over measured.
    fn square(&self) -> Frame {
        let left = MARGIN + 68.0;
        Frame { left, top: self.top(), right: left + SIDE, bottom: self.top() + SIDE }
    }

    /// Where the errors stand over measured.
    fn strip(&self) -> Frame {
        let left = self.square().right + 84.0;
        Frame { left, right: f64::from(WIDTH) - MARGIN, ..self.square() }
    }

    /// Measured amounts from left to right in `frame`.
    fn across(&self, frame: Frame) -> Axis {
        Axis { from: self.range.0, to: self.range.1, start: frame.left, end: frame.right }
    }

    fn draw_square<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Drawn {
        let frame = self.square();
        let across = self.across(frame);
        let up = Axis { start: frame.bottom, end: frame.top, ..across };
        for width in BANDS {
            canvas.polygon(&band(&across, &up, width), palette::band(width > 0.05), 1.0)?;
        }
        let step = tick_step(self.range, 8.0);
        for exponent in super::axis::multiples(self.range.0, self.range.1, step) {
            let (x, y) = (across.place(exponent), up.place(exponent));
            canvas.line(&[(x, frame.top), (x, frame.bottom)], palette::GRID, 0.75)?;
            canvas.line(&[(frame.left, y), (frame.right, y)], palette::GRID, 0.75)?;
            let label = wording::amount(exponent);
            canvas.text_centred(&label, (frame.left - 8.0, y), TICK.aligned(Align::Right))?;
            canvas.text(&label, (x, frame.bottom + 17.0), TICK.aligned(Align::Centre))?;
        }
        canvas.line(&[(frame.left, frame.bottom), (frame.right, frame.top)], palette::MUTED, 1.0)?;
        canvas.outline(frame, palette::MUTED, 1.0)?;
        canvas.text("predicted", (MARGIN, frame.top - 14.0), NAME)?;
        canvas.text("measured", (frame.right, frame.bottom + 38.0), NAME.aligned(Align::Right))?;
        self.points.iter().try_for_each(|point| {
            let at = (across.place(point.measured.log2()), up.place(point.predicted.log2()));
            marks::draw(canvas, point.load, at)
        })
    }

    fn draw_strip<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Drawn {
        let frame = self.strip();
        let across = self.across(frame);
        let up = Axis { from: -LARGEST_ERROR, to: LARGEST_ERROR, start: frame.bottom, end: frame.top };
        for width in BANDS {
            let band = Frame { top: up.place(width), bottom: up.place(-width), ..frame };
            canvas.fill(band, palette::band(width > 0.05), 1.0)?;
        }
        for error in ERROR_TICKS {
            let y = up.place(error);
            canvas.line(&[(frame.left, y), (frame.right, y)], palette::GRID, 0.75)?;
            canvas.text_centred(&wording::error(error), (frame.left - 8.0, y), TICK.aligned(Align::Right))?;
        }
        for exponent in super::axis::multiples(self.range.0, self.range.1, tick_step(self.range, 4.0)) {
            let x = across.place(exponent);
            canvas.line(&[(x, frame.top), (x, frame.bottom)], palette::GRID, 0.75)?;
            canvas.text(&wording::amount(exponent), (x, frame.bottom + 17.0), TICK.aligned(Align::Centre))?;
        }
        canvas.line(&[(frame.left, up.place(0.0)), (frame.right, up.place(0.0))], palette::MUTED, 1.0)?;
        canvas.outline(frame, palette::MUTED, 1.0)?;
        canvas.text("error", (frame.left - 46.0, frame.top - 14.0), NAME)?;
        canvas.text("measured", (frame.right, frame.bottom + 38.0), NAME.aligned(Align::Right))?;
        for width in BANDS {
            let label = format!("±{} %", width * 100.0);
            canvas.text(&label, (frame.right - 6.0, up.place(width) + 13.0), BAND.aligned(Align::Right))?;
        }
        self.points.iter().try_for_each(|point| {
            marks::draw(canvas, point.load, (across.place(point.measured.log2()), up.place(point.error)))
        })
    }
}

impl Chart for PredictedChart {
    fn size(&self) -> (u32, u32) {
        (WIDTH, HEIGHT)
    }

    fn finding(&self) -> &str {
        &self.finding
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Drawn {
        self.heading.draw(canvas)?;
        if self.points.is_empty() {
            return Ok(());
        }
        self.draw_square(canvas)?;
        self.draw_strip(canvas)?;
        marks::draw_legend(
            canvas,
            &self.points,
            (MARGIN, self.square().bottom + 70.0),
            f64::from(WIDTH) - 2.0 * MARGIN,
        )
    }
}

/// Logarithms know no zero.
fn is_drawable(point: &Point) -> bool {
    let amounts = [point.measured, point.predicted];
    amounts.iter().all(|bytes| bytes.is_finite() && *bytes >= 1.0) && point.error.is_finite()
}

/// Whole powers of two around all amounts, at least a factor of four apart.
fn range(points: &[Point]) -> (f64, f64) {
    let exponents = points.iter().flat_map(|point| [point.measured.log2(), point.predicted.log2()]);
    let (low, high) = exponents.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), exponent| {
        (low.min(exponent), high.max(exponent))
    });
    if low.is_finite() { (low.floor(), high.ceil().max(low.floor() + 2.0)) } else { (20.0, 22.0) }
}

/// A step of 1, 2, 4 … doublings with at most `most` ticks.
fn tick_step((from, to): (f64, f64), most: f64) -> f64 {
    let mut step = 1.0;
    while (to - from) / step > most {
        step *= 2.0;
    }
    step
}

/// The band of `width` around the diagonal, within the frame of the axes.
fn band(across: &Axis, up: &Axis, width: f64) -> Vec<(f64, f64)> {
    const STEPS: u32 = 200;
    let edge = |factor: f64| {
        (0..=STEPS).map(move |step| {
            let exponent = across.from + (across.to - across.from) * f64::from(step) / f64::from(STEPS);
            (across.place(exponent), up.place(exponent + factor.log2()))
        })
    };
    edge(1.0 + width).chain(edge(1.0 - width).rev()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_holds_every_amount_and_is_never_a_point() {
        let point = |measured: f64| Point {
            load: crate::report::Load::Reading,
            measured,
            predicted: measured,
            error: 0.0,
        };
        assert_eq!(range(&[point(3.0), point(1000.0)]), (1.0, 10.0));
        assert_eq!(range(&[point(1024.0)]), (10.0, 12.0));
        assert!((tick_step((20.0, 31.0), 8.0) - 2.0).abs() < 1e-12);
    }
}
