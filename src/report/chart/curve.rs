//! One save over time: what the host loses, from the fork to the child's exit, against the size of the data.

use plotters::prelude::DrawingBackend;

use super::axis::{self, Axis};
use super::canvas::{Align, Canvas, Drawn, Frame, Ink};
use super::heading::{Heading, MARGIN};
use super::{Chart, palette};
use crate::model::one_save::Forecast;
use crate::report::one_save;
use crate::units::{Bytes, SimDuration};

const GIB: f64 = (1u64 << 30) as f64;
const WIDTH: f64 = 900.0;
const PLOT_HEIGHT: f64 = 320.0;
/// Room for the labels of the memory axis.
const AXIS_WIDTH: f64 = 76.0;
const TICK: Ink = Ink::new(12.0, palette::MUTED);
const LABEL: Ink = Ink::new(12.0, palette::INK).bold();
const NOTE: Ink = Ink::new(11.0, palette::MUTED);

/// A curve laid out and ready to draw.
pub(super) struct Curve<'a> {
    forecast: &'a Forecast,
    finding: String,
    heading: Heading,
}

impl<'a> Curve<'a> {
    /// Lays out a save under `operation`.
    pub(super) fn new(forecast: &'a Forecast, operation: &str) -> Self {
        let finding = one_save::title(forecast);
        let subject = one_save::subject(forecast, operation).join(" ");
        let heading = Heading::new(&finding, &subject, WIDTH - 2.0 * MARGIN);
        Self { forecast, finding, heading }
    }

    fn frame(&self) -> Frame {
        let top = MARGIN + self.heading.height() + 24.0;
        Frame { left: MARGIN + AXIS_WIDTH, top, right: WIDTH - MARGIN, bottom: top + PLOT_HEIGHT }
    }

    fn axes(&self) -> (Axis, Axis) {
        let frame = self.frame();
        let time = Axis { from: 0.0, to: self.forecast.seconds, start: frame.left, end: frame.right };
        let highest = self.forecast.peak.anonymous().max(1.0) * 1.15;
        (time, Axis { from: 0.0, to: highest, start: frame.bottom, end: frame.top })
    }

    fn draw_axes<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Drawn {
        let (frame, (time, memory)) = (self.frame(), self.axes());
        let span = memory.to / GIB;
        for gib in axis::multiples(0.0, span, axis::binary_step(span, 5.0)) {
            let y = memory.place(gib * GIB);
            canvas.line(&[(frame.left, y), (frame.right, y)], palette::GRID, 1.0)?;
            let label = if gib > 0.0 { Bytes::from_f64(gib * GIB).to_string() } else { "0".to_owned() };
            canvas.text_centred(&label, (frame.left - 8.0, y), TICK.aligned(Align::Right))?;
        }
        let step = axis::elapsed_step(time.to, 8.0);
        for tick in axis::multiples(0.0, time.to, step) {
            let x = time.place(tick);
            canvas.line(&[(x, frame.bottom), (x, frame.bottom + 5.0)], palette::MUTED, 1.0)?;
            let label = axis::elapsed(tick, step);
            canvas.text(&label, (x, frame.bottom + 19.0), TICK.aligned(Align::Centre))?;
        }
        let middle = f64::midpoint(frame.left, frame.right);
        canvas.text("since the fork", (middle, frame.bottom + 38.0), TICK.aligned(Align::Centre))?;
        canvas.text("copied", (frame.left, frame.top - 8.0), TICK.aligned(Align::Right))?;
        canvas.line(&[(frame.left, frame.bottom), (frame.right, frame.bottom)], palette::MUTED, 1.0)
    }

    fn draw_curve<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Drawn {
        let (time, memory) = self.axes();
        let points = self.forecast.curve.iter();
        let edge: Vec<(f64, f64)> =
            points.map(|cost| (time.place(cost.seconds), memory.place(cost.anonymous()))).collect();
        let mut area = edge.clone();
        area.extend([(time.end, memory.start), (time.start, memory.start)]);
        canvas.polygon(&area, palette::safe(0.5), 0.6)?;
        canvas.line(&edge, palette::INK, 2.0)
    }

    /// The peak, named on the side where there is room.
    fn draw_peak<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Drawn {
        let (time, memory) = self.axes();
        let peak = self.forecast.peak;
        let (x, y) = (time.place(peak.seconds), memory.place(peak.anonymous()));
        let dot = Frame { left: x - 4.0, top: y - 4.0, right: x + 4.0, bottom: y + 4.0 };
        canvas.fill(dot, palette::KILL, 1.0)?;
        let after = SimDuration::from_secs_f64(peak.seconds);
        let label = format!("peak {} after {after}", Bytes::from_f64(peak.anonymous()));
        let align = if peak.seconds > 0.5 * self.forecast.seconds { Align::Right } else { Align::Left };
        canvas.text(&label, (x, y - 12.0), LABEL.aligned(align))
    }
}

impl Chart for Curve<'_> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few hundred pixels")]
    fn size(&self) -> (u32, u32) {
        (WIDTH as u32, (self.frame().bottom + 84.0).ceil() as u32)
    }

    fn finding(&self) -> &str {
        &self.finding
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Drawn {
        self.heading.draw(canvas)?;
        self.draw_axes(canvas)?;
        self.draw_curve(canvas)?;
        self.draw_peak(canvas)?;
        let (_, height) = self.size();
        let footer = format!("Expected values. forkcast {}", env!("CARGO_PKG_VERSION"));
        canvas.text(&footer, (MARGIN, f64::from(height) - 20.0), NOTE)
    }
}
