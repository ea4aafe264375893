//! What stands over a chart: the finding, and how to read it.

use plotters::prelude::DrawingBackend;

use super::canvas::{Canvas, Drawn, Ink};
use super::font::Weight;
use super::palette;

/// Space around a chart \[px\].
pub(super) const MARGIN: f64 = 32.0;

const TITLE: Ink = Ink::new(22.0, palette::INK).bold();
const SUBTITLE: Ink = Ink::new(13.0, palette::MUTED);
const TITLE_LINE: f64 = 29.0;
const SUBTITLE_LINE: f64 = 18.0;

/// A title and a subtitle, broken into lines.
pub(super) struct Heading {
    title: Vec<String>,
    subtitle: Vec<String>,
}

impl Heading {
    /// The finding over how to read it, in lines of at most `width`.
    pub(super) fn new(finding: &str, subtitle: &str, width: f64) -> Self {
        Self {
            title: Weight::Bold.wrap(finding, TITLE.em, width),
            subtitle: Weight::Regular.wrap(subtitle, SUBTITLE.em, width),
        }
    }

    /// Height of its lines.
    pub(super) fn height(&self) -> f64 {
        self.title.len() as f64 * TITLE_LINE + self.subtitle.len() as f64 * SUBTITLE_LINE
    }

    /// Draws it at the top left, within the margin.
    pub(super) fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Drawn {
        let mut baseline = MARGIN + 12.0;
        for line in &self.title {
            canvas.text(line, (MARGIN, baseline), TITLE)?;
            baseline += TITLE_LINE;
        }
        baseline -= 2.0;
        for line in &self.subtitle {
            canvas.text(line, (MARGIN, baseline), SUBTITLE)?;
            baseline += SUBTITLE_LINE;
        }
        Ok(())
    }
}
