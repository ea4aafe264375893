//! Shapes and text in one measure on any plotters backend.
//!
//! Lengths are in CSS pixels. Both backends count in whole pixels of their own, several to a CSS pixel: see
//! [`Medium`].

use plotters::coord::Shift;
use plotters::prelude::{
    Color, DrawingArea, DrawingBackend, PathElement, Polygon, RGBColor, Rectangle, ShapeStyle, Text,
};
use plotters::style::TextStyle;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::font::{LINE_HEIGHT, Weight};

/// What the drawing library could not do.
#[derive(Debug)]
pub(super) struct DrawError(pub(super) String);

/// How a drawing step ends.
pub(super) type Drawn = Result<(), DrawError>;

/// How a backend counts pixels, and where it places text below the anchor that it is given. plotters leaves
/// the text to the backend, and they differ by a tenth of a line; with these numbers it stands alike in both.
#[derive(Clone, Copy, Debug)]
pub(super) struct Medium {
    /// Pixels of the backend in a CSS pixel.
    pub(super) scale: u32,
    /// Size in plotters' measure of a font of one em.
    size: f64,
    /// From the top anchor to the baseline (em).
    baseline: f64,
}

impl Medium {
    /// plotters-svg 0.3.7 writes `font-size` = size / 1.24 and `dy` = 0.76em.
    pub(super) const SVG: Self = Self { scale: 2, size: 1.24, baseline: 0.76 };
    /// plotters 0.3.7 with `ab_glyph` takes the size for the height of a line, and sets the baseline half of
    /// it below the anchor. It places letters on whole pixels and cuts edges hard: the fine scale is for
    /// averaging pixels down afterwards.
    pub(super) const BITMAP: Self = Self { scale: 4, size: LINE_HEIGHT, baseline: LINE_HEIGHT / 2.0 };
}

/// Where a text ends up beside its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Centre,
    Right,
}

/// How a text looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ink {
    /// Size of an em (px).
    pub(super) em: f64,
    pub(super) weight: Weight,
    pub(super) colour: RGBColor,
    pub(super) align: Align,
}

impl Ink {
    /// Regular text from its left end.
    pub(super) const fn new(em: f64, colour: RGBColor) -> Self {
        Self { em, weight: Weight::Regular, colour, align: Align::Left }
    }

    /// The same in bold.
    pub(super) const fn bold(self) -> Self {
        Self { weight: Weight::Bold, ..self }
    }

    /// The same, aligned otherwise.
    pub(super) const fn aligned(self, align: Align) -> Self {
        Self { align, ..self }
    }

    /// Width of `text` (px).
    pub(super) fn width(self, text: &str) -> f64 {
        self.weight.width(text, self.em)
    }
}

/// A rectangle (px).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Frame {
    pub(super) fn width(self) -> f64 {
        self.right - self.left
    }

    pub(super) fn height(self) -> f64 {
        self.bottom - self.top
    }

    pub(super) fn centre(self) -> (f64, f64) {
        (f64::midpoint(self.left, self.right), f64::midpoint(self.top, self.bottom))
    }

    /// Smaller by `margin` on every side.
    pub(super) fn inset(self, margin: f64) -> Self {
        Self {
            left: self.left + margin,
            top: self.top + margin,
            right: self.right - margin,
            bottom: self.bottom - margin,
        }
    }
}

/// A picture being drawn.
pub(super) struct Canvas<DB: DrawingBackend> {
    area: DrawingArea<DB, Shift>,
    medium: Medium,
}

impl<DB: DrawingBackend> Canvas<DB> {
    /// A white picture.
    pub(super) fn new(area: DrawingArea<DB, Shift>, medium: Medium) -> Result<Self, DrawError> {
        area.fill(&plotters::style::WHITE).map_err(failed)?;
        Ok(Self { area, medium })
    }

    /// Fills `frame`; an `opacity` of 1 hides what is below.
    pub(super) fn fill(&self, frame: Frame, colour: RGBColor, opacity: f64) -> Drawn {
        let corners = [self.pixel((frame.left, frame.top)), self.pixel((frame.right, frame.bottom))];
        self.area.draw(&Rectangle::new(corners, colour.mix(opacity).filled())).map_err(failed)
    }

    /// Fills the polygon through `points`.
    pub(super) fn polygon(&self, points: &[(f64, f64)], colour: RGBColor, opacity: f64) -> Drawn {
        let points: Vec<_> = points.iter().copied().map(|point| self.pixel(point)).collect();
        self.area.draw(&Polygon::new(points, colour.mix(opacity).filled())).map_err(failed)
    }

    /// Draws a line of `width` through `points`.
    pub(super) fn line(&self, points: &[(f64, f64)], colour: RGBColor, width: f64) -> Drawn {
        let mut points: Vec<_> = points.iter().copied().map(|point| self.pixel(point)).collect();
        points.dedup();
        let style = ShapeStyle { color: colour.to_rgba(), filled: false, stroke_width: self.stroke(width) };
        self.area.draw(&PathElement::new(points, style)).map_err(failed)
    }

    /// Draws a dashed straight line.
    pub(super) fn dashes(&self, from: (f64, f64), to: (f64, f64), colour: RGBColor, width: f64) -> Drawn {
        const DASH: f64 = 6.0;
        const GAP: f64 = 4.0;
        let length = (to.0 - from.0).hypot(to.1 - from.1);
        let at = |distance: f64| {
            let share = (distance / length).min(1.0);
            (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share)
        };
        let mut start = 0.0;
        while start < length {
            self.line(&[at(start), at(start + DASH)], colour, width)?;
            start += DASH + GAP;
        }
        Ok(())
    }

    /// Draws the outline of `frame`.
    pub(super) fn outline(&self, frame: Frame, colour: RGBColor, width: f64) -> Drawn {
        let Frame { left, top, right, bottom } = frame;
        self.line(&[(left, top), (right, top), (right, bottom), (left, bottom), (left, top)], colour, width)
    }

    /// Hatches `frame` from lower left to upper right.
    pub(super) fn hatch(&self, frame: Frame, colour: RGBColor, width: f64) -> Drawn {
        const DISTANCE: f64 = 9.0;
        let mut start = frame.left - frame.height() + DISTANCE / 2.0;
        while start < frame.right {
            let (from, to) = (start.max(frame.left), (start + frame.height()).min(frame.right));
            let at = |x: f64| (x, frame.bottom - (x - start));
            self.line(&[at(from), at(to)], colour, width)?;
            start += DISTANCE;
        }
        Ok(())
    }

    /// Writes `text` with its baseline at `at`.
    pub(super) fn text(&self, text: &str, at: (f64, f64), ink: Ink) -> Drawn {
        let size = ink.em * self.medium.size * f64::from(self.medium.scale);
        let horizontal = match ink.align {
            Align::Left => HPos::Left,
            Align::Centre => HPos::Center,
            Align::Right => HPos::Right,
        };
        let style =
            TextStyle::from(ink.weight.font(size)).color(&ink.colour).pos(Pos::new(horizontal, VPos::Top));
        let anchor = self.pixel((at.0, at.1 - self.medium.baseline * ink.em));
        self.area.draw(&Text::new(text, anchor, style)).map_err(failed)
    }

    /// Writes `text` so that its capitals are centred on the height `at.1`.
    pub(super) fn text_centred(&self, text: &str, at: (f64, f64), ink: Ink) -> Drawn {
        // Capitals of DejaVu Sans are 0.729 em high.
        self.text(text, (at.0, at.1 + 0.729 / 2.0 * ink.em), ink)
    }

    /// Hands the picture to the backend.
    pub(super) fn finish(self) -> Drawn {
        self.area.present().map_err(failed)
    }

    /// The backend's pixel nearest to a point.
    #[expect(clippy::cast_possible_truncation, reason = "float casts saturate")]
    fn pixel(&self, (x, y): (f64, f64)) -> (i32, i32) {
        let scale = f64::from(self.medium.scale);
        ((x * scale).round() as i32, (y * scale).round() as i32)
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "float casts saturate")]
    fn stroke(&self, width: f64) -> u32 {
        ((width * f64::from(self.medium.scale)).round() as u32).max(1)
    }
}

fn failed(error: impl std::error::Error) -> DrawError {
    DrawError(error.to_string())
}
