//! Colours that readers with any colour vision tell apart, in print and on a slide.

use plotters::style::RGBColor;

/// Text and lines that carry the finding.
pub(super) const INK: RGBColor = RGBColor(0x1b, 0x1f, 0x24);
/// Text that explains.
pub(super) const MUTED: RGBColor = RGBColor(0x57, 0x60, 0x6a);
/// Lines of a grid or axis.
pub(super) const GRID: RGBColor = RGBColor(0xd8, 0xde, 0xe4);
/// Paper.
pub(super) const PAPER: RGBColor = RGBColor(0xff, 0xff, 0xff);
/// A kill.
pub(super) const KILL: RGBColor = RGBColor(0xa4, 0x0e, 0x26);

/// What a class needs: a purple that is neither side of the risk scale.
pub(super) const NEEDED: RGBColor = RGBColor(0x7a, 0x1f, 0x8a);
/// A cell whose interval still holds the budget.
pub(super) const UNDECIDED: RGBColor = RGBColor(0xf6, 0xf3, 0xe4);
/// A cell that does not fit.
pub(super) const DOES_NOT_FIT: RGBColor = RGBColor(0xdd, 0xdf, 0xe2);
/// The hatching over it.
pub(super) const HATCH: RGBColor = RGBColor(0xb4, 0xb9, 0xc0);

/// Kinds of load, in the order of `Load::ALL`. Source: Okabe and Ito, "Color Universal Design" (2008), with a grey and a darker purple.
pub(super) const LOADS: [RGBColor; 7] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0x6e, 0x77, 0x81),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0xaa, 0x4a, 0x88),
    RGBColor(0x1b, 0x1f, 0x24),
];

/// The ground of a band of errors, the wide one or the narrow one.
pub(super) const fn band(is_wide: bool) -> RGBColor {
    if is_wide { RGBColor(0xf1, 0xf4, 0xf7) } else { RGBColor(0xd3, 0xe3, 0xf2) }
}

/// Safe cells, from the budget downwards. `ColorBrewer` Blues.
const SAFE: [RGBColor; 3] =
    [RGBColor(0xde, 0xeb, 0xf7), RGBColor(0x9e, 0xca, 0xe1), RGBColor(0x6b, 0xae, 0xd6)];
/// Risky cells, from the budget upwards. `ColorBrewer` Oranges.
const RISKY: [RGBColor; 5] = [
    RGBColor(0xfd, 0xd9, 0xb0),
    RGBColor(0xfd, 0xae, 0x6b),
    RGBColor(0xf1, 0x69, 0x13),
    RGBColor(0xb8, 0x40, 0x05),
    RGBColor(0x6b, 0x22, 0x03),
];

/// The colour of a safe cell, `depth` from 0 at the budget to 1 far below it.
pub(super) fn safe(depth: f64) -> RGBColor {
    ramp(&SAFE, depth)
}

/// The colour of a risky cell, `depth` from 0 at the budget to 1 for certain death.
pub(super) fn risky(depth: f64) -> RGBColor {
    ramp(&RISKY, depth)
}

/// Black or white, whichever is read better on `ground`: the contrast is at least 4.5 on any colour.
pub(super) fn ink_on(ground: RGBColor) -> RGBColor {
    // The luminance at which both contrasts are equal: √(1.05 · 0.05) − 0.05.
    const EVEN: f64 = 0.179;
    if luminance(ground) > EVEN { RGBColor(0, 0, 0) } else { PAPER }
}

/// Relative luminance, 0 for black and 1 for white. Source: WCAG 2.2, "relative luminance".
fn luminance(colour: RGBColor) -> f64 {
    let linear = |channel: u8| match f64::from(channel) / 255.0 {
        low if low <= 0.040_45 => low / 12.92,
        high => ((high + 0.055) / 1.055).powf(2.4),
    };
    0.2126 * linear(colour.0) + 0.7152 * linear(colour.1) + 0.0722 * linear(colour.2)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a depth of 0 to 1 on few stops")]
fn ramp(stops: &[RGBColor], depth: f64) -> RGBColor {
    let place = depth.clamp(0.0, 1.0) * (stops.len() - 1) as f64;
    let below = (place.floor() as usize).min(stops.len() - 2);
    let (low, high, share) = (stops[below], stops[below + 1], place - below as f64);
    let mix = |low: u8, high: u8| (f64::from(low) + (f64::from(high) - f64::from(low)) * share).round() as u8;
    RGBColor(mix(low.0, high.0), mix(low.1, high.1), mix(low.2, high.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ramps_reach_their_ends_and_stay_there() {
        assert_eq!(safe(0.0), SAFE[0]);
        assert_eq!(risky(1.0), RISKY[4]);
        assert_eq!(risky(7.0), RISKY[4]);
        assert_eq!(risky(f64::NEG_INFINITY), RISKY[0]);
    }

    #[test]
    fn text_stands_out_on_every_cell() {
        for step in 0..=100 {
            for ground in [safe(f64::from(step) / 100.0), risky(f64::from(step) / 100.0)] {
                assert!(contrast(ground, ink_on(ground)) >= 4.5, "{ground:?}");
            }
        }
    }

    /// Source: WCAG 2.2, "contrast ratio".
    fn contrast(a: RGBColor, b: RGBColor) -> f64 {
        let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
        a.max(b) / a.min(b)
    }
}
