//! The typeface of the charts, carried in the program: no chart depends on the fonts of a machine.

use std::sync::LazyLock;

use plotters::style::{FontDesc, FontFamily, FontStyle, register_font};

/// The family, and what a browser takes in its place: SVG files name the typeface, they do not carry it.
/// Verdana has nearly the same widths.
pub(super) const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";

/// Height of a line of `DejaVu` Sans over its em: `hhea` ascent 0.928 + descent 0.236.
pub(super) const LINE_HEIGHT: f64 = 1.164;

static REGISTERED: LazyLock<bool> = LazyLock::new(|| {
    let regular = include_bytes!("../assets/DejaVuSans.ttf");
    let bold = include_bytes!("../assets/DejaVuSans-Bold.ttf");
    register_font(FAMILY, FontStyle::Normal, regular).is_ok()
        && register_font(FAMILY, FontStyle::Bold, bold).is_ok()
});

/// Weight of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Bold,
}

impl Weight {
    /// The font at a size in plotters' measure, registered on the first call.
    pub(super) fn font(self, size: f64) -> FontDesc<'static> {
        debug_assert!(*REGISTERED, "the embedded fonts are fonts");
        LazyLock::force(&REGISTERED);
        let style = match self {
            Self::Regular => FontStyle::Normal,
            Self::Bold => FontStyle::Bold,
        };
        FontDesc::new(FontFamily::Name(FAMILY), size, style)
    }

    /// Width of `text` at `em` (px).
    pub(super) fn width(self, text: &str, em: f64) -> f64 {
        // Measured large, because plotters rounds widths down to whole pixels.
        const FINENESS: f64 = 16.0;
        let font = self.font(em * LINE_HEIGHT * FINENESS);
        font.box_size(text).map_or(0.0, |(width, _)| f64::from(width) / FINENESS)
    }

    /// `text` broken at spaces into lines no wider than `width` (px); a longer word stands alone, and a per cent
    /// sign stays with its number.
    pub(super) fn wrap(self, text: &str, em: f64, width: f64) -> Vec<String> {
        const UNBROKEN: &str = "\u{a0}%";
        let mut lines: Vec<String> = Vec::new();
        for word in text.replace(" %", UNBROKEN).split(' ').map(|word| word.replace(UNBROKEN, " %")) {
            match lines.last_mut() {
                Some(line) if self.width(&format!("{line} {word}"), em) <= width => {
                    line.push(' ');
                    line.push_str(&word);
                }
                _ => lines.push(word),
            }
        }
        lines
    }

    /// `text`, with its middle left out where it is wider than `width` (px).
    pub(super) fn shorten(self, text: &str, em: f64, width: f64) -> String {
        let characters: Vec<char> = text.chars().collect();
        let shortened = |kept: usize| -> String {
            let head = &characters[..kept.div_ceil(2)];
            let tail = &characters[characters.len() - kept / 2..];
            head.iter().chain(&['…']).chain(tail).collect()
        };
        if self.width(text, em) <= width {
            return text.to_owned();
        }
        let fits = |kept: &usize| self.width(&shortened(*kept), em) <= width;
        shortened((0..characters.len()).rev().find(fits).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_fonts_measure_text() {
        let (narrow, wide) = (Weight::Regular.width("iii", 12.0), Weight::Regular.width("WWW", 12.0));
        assert!(narrow > 5.0 && narrow < wide / 2.0, "{narrow} {wide}");
        assert!(Weight::Bold.width("iii", 12.0) > narrow);
    }

    #[test]
    fn long_texts_are_broken_or_shortened_to_their_width() {
        let text = "yandex.hm3-c4-m32-with-a-name-of-many-letters is a long name";
        for line in Weight::Regular.wrap(text, 12.0, 120.0).iter().skip(1) {
            assert!(Weight::Regular.width(line, 12.0) <= 120.0, "{line}");
        }
        assert_eq!(Weight::Regular.wrap("up to 55 % of RAM", 12.0, 1.0), ["up", "to", "55 %", "of", "RAM"]);
        let short = Weight::Regular.shorten(text, 12.0, 120.0);
        assert!(Weight::Regular.width(&short, 12.0) <= 120.0);
        assert!(short.starts_with("yande") && short.ends_with("name") && short.contains('…'), "{short}");
        assert_eq!(Weight::Regular.shorten("", 12.0, 0.0), "");
    }
}
