//! One stretch of time: events above, memory, write rate and clock below.

use plotters::prelude::DrawingBackend;
use plotters::style::RGBColor;

use super::stack::{self, LAYERS, Sample};
use super::story::{Mark, Moment, Save, Story, View, cause_colour};
use super::wording;
use crate::report::chart::axis::{self, Axis};
use crate::report::chart::canvas::{Align, Canvas, Drawn, Frame, Ink};
use crate::report::chart::palette;
use crate::units::Bytes;

const GIB: f64 = (1u64 << 30) as f64;
const TICK: Ink = Ink::new(11.0, palette::MUTED);
const RATE: RGBColor = RGBColor(0x9a, 0xa4, 0xaf);
const LABEL: Ink = Ink::new(11.0, palette::INK);
/// Height of a row of names, and of the strip of forks.
const LABEL_ROW: f64 = 15.0;
const STRIP: f64 = 16.0;
const RATE_HEIGHT: f64 = 54.0;
const RATE_GAP: f64 = 26.0;

/// A limit drawn as a line across the memory.
pub(super) struct Limit {
    pub(super) name: String,
    pub(super) bytes: Bytes,
    pub(super) colour: RGBColor,
}

/// A panel and what it looks at.
pub(super) struct Panel<'a> {
    pub(super) view: View,
    /// Number of its host, from 0.
    pub(super) host: usize,
    pub(super) frame: Frame,
    pub(super) limits: &'a [Limit],
    /// Rows of names above the memory.
    pub(super) label_rows: usize,
    /// The part that the next panel enlarges.
    pub(super) enlarged: Option<View>,
}

impl Panel<'_> {
    pub(super) fn draw<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<DB>,
        samples: &[Sample],
        story: &Story,
    ) -> Drawn {
        let places = self.frame.width();
        let memory = stack::thinned(samples, self.view, places, Sample::available);
        let rate = stack::thinned(samples, self.view, places, |sample| -sample.writes_per_second);
        self.draw_memory(canvas, &memory)?;
        self.draw_rate(canvas, &rate)?;
        self.draw_saves(canvas, story)?;
        self.draw_clock(canvas)?;
        self.draw_limits(canvas, &memory)?;
        self.draw_enlarged(canvas)?;
        self.draw_marks(canvas, story)
    }

    fn memory_frame(&self) -> Frame {
        let top = self.frame.top + LABEL_ROW * self.label_rows as f64 + STRIP;
        Frame { top, bottom: self.frame.bottom - RATE_HEIGHT - RATE_GAP, ..self.frame }
    }

    fn strip_frame(&self) -> Frame {
        let memory = self.memory_frame();
        Frame { top: memory.top - STRIP, bottom: memory.top, ..memory }
    }

    fn rate_frame(&self) -> Frame {
        Frame { top: self.frame.bottom - RATE_HEIGHT, ..self.frame }
    }

    fn time(&self) -> Axis {
        Axis { from: self.view.from, to: self.view.to, start: self.frame.left, end: self.frame.right }
    }

    fn memory_axis(&self, samples: &[Sample]) -> Axis {
        let frame = self.memory_frame();
        let highest = samples.iter().map(|sample| sample.up_to(LAYERS.len() - 1)).fold(0.0, f64::max);
        let limits = self.limits.iter().map(|limit| limit.bytes.as_f64());
        let to = limits.fold(highest, f64::max).max(1.0) * 1.03;
        Axis { from: 0.0, to, start: frame.bottom, end: frame.top }
    }

    fn draw_memory<DB: DrawingBackend>(&self, canvas: &Canvas<DB>, samples: &[Sample]) -> Drawn {
        let (frame, time, memory) = (self.memory_frame(), self.time(), self.memory_axis(samples));
        let step = axis::binary_step(memory.to / GIB, 6.0);
        for (number, layer) in LAYERS.iter().enumerate().rev() {
            // Each layer is drawn down to the floor and covered by those below it: no gaps between edges.
            let edge =
                samples.iter().map(|s| (time.place(s.seconds), memory.place(s.up_to(number)))).collect();
            area_below(canvas, edge, frame.bottom, layer.colour)?;
        }
        for gib in axis::multiples(0.0, memory.to / GIB, step) {
            let y = memory.place(gib * GIB);
            canvas.line(&[(frame.left - 4.0, y), (frame.left, y)], palette::MUTED, 1.0)?;
            canvas.text_centred(&wording::tick(gib), (frame.left - 8.0, y), TICK.aligned(Align::Right))?;
        }
        canvas.line(&[(frame.left, frame.top), (frame.left, frame.bottom)], palette::MUTED, 1.0)?;
        canvas.line(&[(frame.left, frame.bottom), (frame.right, frame.bottom)], palette::MUTED, 1.0)
    }

    fn draw_limits<DB: DrawingBackend>(&self, canvas: &Canvas<DB>, samples: &[Sample]) -> Drawn {
        let (frame, memory) = (self.memory_frame(), self.memory_axis(samples));
        let mut lowest_free = f64::NEG_INFINITY;
        for limit in self.limits {
            let y = memory.place(limit.bytes.as_f64());
            canvas.line(&[(frame.left, y), (frame.right, y)], palette::PAPER, 3.5)?;
            canvas.line(&[(frame.left, y), (frame.right, y)], limit.colour, 1.5)?;
            // Limits come from the highest; a label too near the one above moves down.
            let label = y.max(lowest_free);
            lowest_free = label + 30.0;
            let ink = Ink { colour: limit.colour, ..LABEL };
            canvas.text_centred(&limit.name, (frame.right + 8.0, label - 1.0), ink.bold())?;
            canvas.text_centred(&limit.bytes.to_string(), (frame.right + 8.0, label + 13.0), ink)?;
        }
        Ok(())
    }

    fn draw_rate<DB: DrawingBackend>(&self, canvas: &Canvas<DB>, samples: &[Sample]) -> Drawn {
        let (frame, time) = (self.rate_frame(), self.time());
        let highest = samples.iter().map(|sample| sample.writes_per_second).fold(0.0, f64::max);
        let to = if highest > 0.0 { highest * 1.1 } else { 1.0 };
        let rate = Axis { from: 0.0, to, start: frame.bottom, end: frame.top };
        canvas.text("writes a second", (frame.left, frame.top - 6.0), TICK)?;
        for writes in axis::multiples(0.0, to, axis::decimal_step(to, 3.0)) {
            let y = rate.place(writes);
            canvas.line(&[(frame.left, y), (frame.right, y)], palette::GRID, 1.0)?;
            canvas.text_centred(&thousands(writes), (frame.left - 8.0, y), TICK.aligned(Align::Right))?;
        }
        let edge = samples.iter().map(|s| (time.place(s.seconds), rate.place(s.writes_per_second))).collect();
        area_below(canvas, edge, frame.bottom, RATE)?;
        canvas.line(&[(frame.left, frame.bottom), (frame.right, frame.bottom)], palette::MUTED, 1.0)
    }

    fn draw_clock<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Drawn {
        let (frame, time) = (self.rate_frame(), self.time());
        let step = axis::time_step(self.view.span(), self.frame.width() / 60.0);
        for tick in axis::multiples(self.view.from, self.view.to, step) {
            let x = time.place(tick);
            canvas.line(&[(x, frame.bottom), (x, frame.bottom + 4.0)], palette::MUTED, 1.0)?;
            let label = axis::time_label(tick, step);
            canvas.text(&label, (x, frame.bottom + 17.0), TICK.aligned(Align::Centre))?;
        }
        Ok(())
    }

    /// Forks in the strip above the memory; long ones with their name, and shaded down through both plots.
    fn draw_saves<DB: DrawingBackend>(&self, canvas: &Canvas<DB>, story: &Story) -> Drawn {
        let (time, strip) = (self.time(), self.strip_frame());
        let visible = |save: &&Save| {
            save.host == self.host && save.life.to >= self.view.from && save.life.from <= self.view.to
        };
        for save in story.saves.iter().filter(visible) {
            let (left, right) = (time.place(save.life.from), time.place(save.life.to));
            let bar = Frame {
                left,
                top: strip.top + 3.0,
                right: right.max(left + 1.5),
                bottom: strip.bottom - 1.0,
            };
            let colour = cause_colour(&save.cause);
            canvas.fill(bar, colour, 1.0)?;
            if right - left > LABEL.width(&save.cause) + 8.0 {
                let ink = Ink::new(10.5, palette::PAPER).bold().aligned(Align::Centre);
                canvas.text_centred(&save.cause, bar.centre(), ink)?;
            }
            if right - left > 6.0 {
                self.shade(canvas, (left, right), colour)?;
            }
        }
        Ok(())
    }

    fn shade<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<DB>,
        (left, right): (f64, f64),
        colour: RGBColor,
    ) -> Drawn {
        let memory = self.memory_frame();
        for frame in [memory, self.rate_frame()] {
            canvas.fill(Frame { left, right, ..frame }, colour, 0.08)?;
            for x in [left, right] {
                canvas.dashes((x, frame.top), (x, frame.bottom), colour, 1.0)?;
            }
        }
        Ok(())
    }

    fn draw_enlarged<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Drawn {
        let Some(view) = self.enlarged else { return Ok(()) };
        let (time, memory) = (self.time(), self.memory_frame());
        let (left, right) = (time.place(view.from), time.place(view.to));
        let middle = f64::midpoint(left, right);
        let (left, right) = (left.min(middle - 4.0), right.max(middle + 4.0));
        let frame = Frame { left, right, top: memory.top - STRIP, bottom: self.rate_frame().bottom };
        canvas.outline(frame, palette::INK, 1.0)?;
        // The label stands right of the box, and of the name of the plot.
        let to_right = right + 130.0 < self.frame.right;
        let (x, align) = if to_right {
            (right.max(self.frame.left + 110.0) + 5.0, Align::Left)
        } else {
            (left - 5.0, Align::Right)
        };
        canvas.text("enlarged below", (x, self.rate_frame().top - 6.0), LABEL.aligned(align))
    }

    /// Kills, restarts and so on: a line through the memory, a name above it where there is room. What may come very
    /// often has a tick in the strip of forks.
    fn draw_marks<DB: DrawingBackend>(&self, canvas: &Canvas<DB>, story: &Story) -> Drawn {
        let (strip, bottom) = (self.strip_frame(), self.rate_frame().bottom);
        let top = strip.top;
        let mut taken = vec![f64::NEG_INFINITY; self.label_rows];
        for (x, mark) in self.distinct_marks(story) {
            if mark.is_kill() {
                canvas.line(&[(x, top), (x, bottom)], mark.colour(), 2.5)?;
            } else if mark.is_minor() {
                canvas.line(&[(x, top), (x, strip.bottom)], mark.colour(), 2.0)?;
            } else {
                canvas.dashes((x, top), (x, bottom), mark.colour(), 1.0)?;
            }
            self.name_mark(canvas, x, mark, &mut taken)?;
        }
        Ok(())
    }

    /// The marks in view with their places, the weightiest first; what would lie on another's line is left out.
    fn distinct_marks(&self, story: &Story) -> Vec<(f64, Mark)> {
        let time = self.time();
        let visible = |moment: &&Moment| moment.host == self.host && time.holds(moment.seconds);
        let mut visible: Vec<&Moment> = story.moments.iter().filter(visible).collect();
        visible.sort_by_key(|moment| (!moment.mark.is_kill(), moment.mark.is_minor()));
        let mut distinct: Vec<(f64, Mark)> = Vec::new();
        for moment in visible {
            let x = time.place(moment.seconds);
            if distinct.iter().all(|(other, _)| (x - other).abs() > 2.0) {
                distinct.push((x, moment.mark));
            }
        }
        distinct
    }

    /// Writes a mark's name in the first row from the bottom with room; `taken` is how far each row is used.
    fn name_mark<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<DB>,
        x: f64,
        mark: Mark,
        taken: &mut [f64],
    ) -> Drawn {
        let ink = Ink { colour: mark.colour(), ..LABEL }.bold();
        let width = ink.width(mark.name());
        let left = (x - width / 2.0).clamp(self.frame.left, self.frame.right - width);
        let Some(row) = taken.iter().position(|&end| end + 10.0 < left) else { return Ok(()) };
        taken[row] = left + width;
        let baseline = self.strip_frame().top - 4.0 - row as f64 * LABEL_ROW;
        canvas.text(mark.name(), (left, baseline), ink)
    }
}

/// Fills from `edge` down to `floor`; a single moment has no area.
fn area_below<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    mut edge: Vec<(f64, f64)>,
    floor: f64,
    colour: RGBColor,
) -> Drawn {
    let (Some(&(first, _)), Some(&(last, _))) = (edge.first(), edge.last()) else { return Ok(()) };
    if last - first < 0.5 {
        return Ok(());
    }
    edge.extend([(last, floor), (first, floor)]);
    canvas.polygon(&edge, colour, 1.0)
}

/// A count with its thousands apart: `12 000`.
fn thousands(count: f64) -> String {
    if count < 10.0 && count.fract() != 0.0 {
        return format!("{count:.3}").trim_end_matches(['0', '.']).to_owned();
    }
    let digits = format!("{count:.0}");
    let groups = digits.as_bytes().rchunks(3).rev();
    groups.map(|group| String::from_utf8_lossy(group).into_owned()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_by_thousands() {
        assert_eq!(
            [0.0, 0.2 * 3.0, 4.0, 999.0, 12_000.0, 1_234_567.0].map(thousands),
            ["0", "0.6", "4", "999", "12 000", "1 234 567"]
        );
    }
}
