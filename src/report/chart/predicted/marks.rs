//! The marks of saves, told apart by colour and by shape, and their legend.

use std::f64::consts::TAU;

use plotters::prelude::DrawingBackend;

use crate::report::chart::canvas::{Canvas, Drawn, Ink};
use crate::report::chart::palette;
use crate::report::predictions::{Load, Point};

const TEXT: Ink = Ink::new(12.5, palette::INK);
/// Half the width of a mark \[px\].
const RADIUS: f64 = 4.4;
const ROW_HEIGHT: f64 = 24.0;
const GAP: f64 = 30.0;

/// Draws the mark of a save of that load, with a rim of paper so that marks in a cloud stay apart.
pub(super) fn draw<DB: DrawingBackend>(canvas: &Canvas<DB>, load: Load, at: (f64, f64)) -> Drawn {
    canvas.polygon(&outline(load, at, RADIUS + 0.8), palette::PAPER, 0.8)?;
    canvas.polygon(&outline(load, at, RADIUS), palette::LOADS[load as usize], 0.85)
}

fn outline(load: Load, at: (f64, f64), radius: f64) -> Vec<(f64, f64)> {
    // Corners, the turn of the first one, and the radius that makes the shapes look alike in size.
    let (corners, turn, size) = match load {
        Load::Overwriting => (16_u32, 0.0, 1.0),
        Load::InPlace => (4, 0.125, 1.2),
        Load::Reading => (6, 0.0, 1.0),
        Load::Page => (4, 0.0, 1.3),
        Load::Large => (3, 0.75, 1.35),
        Load::Moving => (3, 0.25, 1.35),
        Load::FullSync => (5, 0.75, 1.15),
    };
    let corner = |number: u32| {
        let angle = (f64::from(number) / f64::from(corners) + turn) * TAU;
        (at.0 + angle.cos() * radius * size, at.1 + angle.sin() * radius * size)
    };
    (0..corners).map(corner).collect()
}

fn meaning(load: Load) -> &'static str {
    match load {
        Load::Overwriting => "SET to 1 KiB",
        Load::InPlace => "INCR, HSET",
        Load::Reading => "GET, idle",
        Load::Page => "values to 4 KiB",
        Load::Large => "values to 16 KiB and beyond",
        Load::Moving => "changing sizes, insert, DEL+SET, evict, TTL, fragmented",
        Load::FullSync => "full syncs",
    }
}

/// The loads that `points` have, with how many, from `left` and `top` in lines of at most `width`.
pub(super) fn draw_legend<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    points: &[Point],
    (left, top): (f64, f64),
    width: f64,
) -> Drawn {
    let (mut across, mut middle) = (0.0, top);
    for load in Load::ALL {
        let count = points.iter().filter(|point| point.load == load).count();
        if count == 0 {
            continue;
        }
        let text = format!("{} ({count})", meaning(load));
        let needs = 18.0 + TEXT.width(&text);
        if across > 0.0 && across + needs > width {
            (across, middle) = (0.0, middle + ROW_HEIGHT);
        }
        draw(canvas, load, (left + across + RADIUS + 1.0, middle))?;
        canvas.text_centred(&text, (left + across + 18.0, middle), TEXT)?;
        across += needs + GAP;
    }
    Ok(())
}
