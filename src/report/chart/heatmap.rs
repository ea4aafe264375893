//! The answer in one picture: host class × `maxmemory` percent, with the risk as colour and number, the safe
//! frontier, and what the data needs.

mod grid;
mod legend;
mod wording;

use plotters::prelude::DrawingBackend;
use plotters::style::RGBColor;

use super::canvas::{Align, Canvas, Drawn, Frame, Ink};
use super::font::Weight;
use super::heading::{Heading, MARGIN};
use super::{Chart, palette};
use crate::report::{CellTable, Manifest};
use crate::sweep::{CellRow, Verdict};
use crate::units::Percent;
use grid::{Grid, GridRow, Place};
use legend::Legend;
use wording::Scale;

const HEADER: Ink = Ink::new(13.0, palette::INK);
const NAME: Ink = Ink::new(13.0, palette::INK).bold();
const NOTE: Ink = Ink::new(11.0, palette::MUTED);
/// Longer names lose their middle.
const WIDEST_NAME: f64 = 330.0;
/// The narrowest chart, so that its title has room.
const LEAST_WIDTH: f64 = 900.0;

/// A heatmap laid out and ready to draw.
pub(super) struct Heatmap<'a> {
    grid: Grid<'a>,
    scale: Scale,
    finding: String,
    heading: Heading,
    footer: Vec<String>,
    legend: Legend,
    cell: (f64, f64),
    names: f64,
    width: f64,
}

impl<'a> Heatmap<'a> {
    /// Lays out `cells`; an empty table gives an empty chart that says so.
    pub(super) fn new(cells: &'a CellTable, manifest: &Manifest) -> Self {
        let grid = Grid::new(cells, manifest);
        let scale = Scale::new(cells, manifest);
        let finding = wording::title(&grid);
        let names = names_width(&grid);
        let cell = cell_size(&grid);
        let width = (MARGIN + names + cell.0 * grid.columns.len() as f64 + MARGIN).max(LEAST_WIDTH).ceil();
        // Longer lines are hard to read.
        let text_width = (width - 2.0 * MARGIN).min(1_000.0);
        Self {
            heading: Heading::new(&finding, &wording::subtitle(&grid, &scale), text_width),
            footer: Weight::Regular.wrap(&wording::footer(&grid, cells, manifest), NOTE.em, text_width),
            legend: Legend::new(&grid),
            grid,
            scale,
            finding,
            cell,
            names,
            width,
        }
    }

    /// Where the cells lie.
    fn body(&self) -> Frame {
        let heading = self.heading.height();
        let (left, top) = (MARGIN + self.names, MARGIN + heading + 52.0);
        let right = left + self.cell.0 * self.grid.columns.len() as f64;
        Frame { left, top, right, bottom: top + self.cell.1 * self.grid.rows.len() as f64 }
    }

    fn cell_frame(&self, row: usize, column: usize) -> Frame {
        let (body, (width, height)) = (self.body(), self.cell);
        let (left, top) = (body.left + column as f64 * width, body.top + row as f64 * height);
        Frame { left, top, right: left + width, bottom: top + height }
    }

    fn draw_column_names<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Drawn {
        let body = self.body();
        if self.grid.columns.is_empty() {
            return Ok(());
        }
        let is_share = self.grid.columns.iter().any(Option::is_some);
        let what = if is_share { "maxmemory, share of RAM" } else { "maxmemory" };
        canvas.text(what, (body.left, body.top - 28.0), NOTE)?;
        for (column, percent) in self.grid.columns.iter().enumerate() {
            let name = percent.map_or_else(|| "as given".to_owned(), |percent| Percent(percent).to_string());
            let place = (self.cell_frame(0, column).centre().0, body.top - 9.0);
            canvas.text(&name, place, HEADER.aligned(Align::Centre))?;
        }
        Ok(())
    }

    fn draw_row_name<DB: DrawingBackend>(&self, canvas: &Canvas<DB>, row: usize) -> Drawn {
        let GridRow { name, note, .. } = &self.grid.rows[row];
        let middle = self.cell_frame(row, 0).centre().1;
        canvas.text(&NAME.weight.shorten(name, NAME.em, WIDEST_NAME), (MARGIN, middle - 2.0), NAME)?;
        canvas.text(&NOTE.weight.shorten(note, NOTE.em, WIDEST_NAME), (MARGIN, middle + 13.0), NOTE)
    }

    fn draw_cell<DB: DrawingBackend>(&self, canvas: &Canvas<DB>, row: usize, column: usize) -> Drawn {
        let frame = self.cell_frame(row, column).inset(1.0);
        let Some(cell) = self.grid.rows[row].cells[column] else {
            canvas.outline(frame, palette::GRID, 1.0)?;
            return write_lines(canvas, frame, &["not run"], palette::PAPER);
        };
        let ground = self.ground(cell);
        canvas.fill(frame, ground, 1.0)?;
        match cell.verdict {
            Verdict::DoesNotFit => canvas.hatch(frame, palette::HATCH, 1.5)?,
            Verdict::Undecided => dashed_outline(canvas, frame.inset(2.0))?,
            Verdict::Safe | Verdict::Risky => {}
        }
        Ok(())
    }

    fn write_cell<DB: DrawingBackend>(&self, canvas: &Canvas<DB>, row: usize, column: usize) -> Drawn {
        let Some(cell) = self.grid.rows[row].cells[column] else { return Ok(()) };
        let frame = self.cell_frame(row, column).inset(5.0);
        let Some(figures) = &cell.figures else {
            return write_lines(canvas, frame, &["does", "not fit"], self.ground(cell));
        };
        let risk = wording::risk(&figures.oom_probability);
        let second = match (cell.verdict, figures.main_cause) {
            (Verdict::Undecided, _) => "undecided",
            (Verdict::Risky, Some(cause)) => cause.name(),
            _ => "",
        };
        write_figure(canvas, frame, &risk, second, self.ground(cell))
    }

    fn ground(&self, cell: &CellRow) -> RGBColor {
        match (cell.verdict, &cell.figures) {
            (Verdict::DoesNotFit, _) | (_, None) => palette::DOES_NOT_FIT,
            (Verdict::Undecided, _) => palette::UNDECIDED,
            (Verdict::Safe, Some(figures)) => palette::safe(self.scale.safe_depth(&figures.oom_probability)),
            (Verdict::Risky, Some(figures)) => {
                palette::risky(self.scale.risky_depth(&figures.oom_probability))
            }
        }
    }

    fn draw_needed<DB: DrawingBackend>(&self, canvas: &Canvas<DB>, row: usize) -> Drawn {
        let Some(needed) = self.grid.rows[row].needed else { return Ok(()) };
        let (body, frame) = (self.body(), self.cell_frame(row, 0).inset(1.0));
        match self.grid.place(needed) {
            Place::Unknown => Ok(()),
            Place::Below => legend::draw_needed_beyond(canvas, (body.left - 2.0, frame.centre().1), -1.0),
            Place::Above => legend::draw_needed_beyond(canvas, (body.right + 3.0, frame.centre().1), 1.0),
            Place::Columns(columns) => {
                legend::draw_needed(canvas, body.left + columns * self.cell.0, frame.top, frame.bottom)
            }
        }
    }

    /// The heads of the mark of what a row needs, above the text.
    fn draw_needed_heads<DB: DrawingBackend>(&self, canvas: &Canvas<DB>, row: usize) -> Drawn {
        let Some(Place::Columns(columns)) = self.grid.rows[row].needed.map(|needed| self.grid.place(needed))
        else {
            return Ok(());
        };
        let (body, frame) = (self.body(), self.cell_frame(row, 0).inset(1.0));
        legend::draw_needed_heads(canvas, body.left + columns * self.cell.0, frame.top, frame.bottom)
    }

    /// The line between what is safe from the left and what is not.
    fn draw_frontier<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Drawn {
        let mut points = Vec::new();
        for (row, cells) in self.grid.rows.iter().enumerate() {
            let frame = self.cell_frame(row, cells.safe_columns());
            points.extend([(frame.left, frame.top), (frame.left, frame.bottom)]);
        }
        if points.is_empty() {
            return Ok(());
        }
        canvas.line(&points, palette::PAPER, 8.0)?;
        canvas.line(&points, palette::INK, 4.0)
    }

    fn draw_foot<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Drawn {
        let top = self.body().bottom + 26.0;
        self.legend.draw(canvas, &self.scale, (MARGIN, top), self.width - 2.0 * MARGIN)?;
        let mut baseline = top + self.legend.height(self.width - 2.0 * MARGIN) + 16.0;
        for line in &self.footer {
            canvas.text(line, (MARGIN, baseline), NOTE)?;
            baseline += 15.0;
        }
        Ok(())
    }
}

impl Chart for Heatmap<'_> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few thousand pixels")]
    fn size(&self) -> (u32, u32) {
        let legend = self.legend.height(self.width - 2.0 * MARGIN);
        let height = self.body().bottom + 26.0 + legend + self.footer.len() as f64 * 15.0 + MARGIN;
        (self.width as u32, height.ceil() as u32)
    }

    fn finding(&self) -> &str {
        &self.finding
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Drawn {
        let cells =
            || (0..self.grid.rows.len()).flat_map(|row| (0..self.grid.columns.len()).map(move |c| (row, c)));
        self.heading.draw(canvas)?;
        self.draw_column_names(canvas)?;
        cells().try_for_each(|(row, column)| self.draw_cell(canvas, row, column))?;
        (0..self.grid.rows.len()).try_for_each(|row| self.draw_row_name(canvas, row))?;
        self.draw_frontier(canvas)?;
        (0..self.grid.rows.len()).try_for_each(|row| self.draw_needed(canvas, row))?;
        cells().try_for_each(|(row, column)| self.write_cell(canvas, row, column))?;
        (0..self.grid.rows.len()).try_for_each(|row| self.draw_needed_heads(canvas, row))?;
        self.draw_foot(canvas)
    }
}

fn names_width(grid: &Grid) -> f64 {
    let widths = grid.rows.iter().map(|row| NAME.width(&row.name).max(NOTE.width(&row.note)));
    widths.fold(0.0, f64::max).min(WIDEST_NAME) + 18.0
}

/// Width and height of a cell: roomy for few, never too small for its text.
fn cell_size(grid: &Grid) -> (f64, f64) {
    let (columns, rows) = (grid.columns.len().max(1) as f64, grid.rows.len().max(1) as f64);
    ((800.0 / columns).clamp(78.0, 130.0).floor(), (440.0 / rows).clamp(42.0, 64.0).floor())
}

fn dashed_outline<DB: DrawingBackend>(canvas: &Canvas<DB>, frame: Frame) -> Drawn {
    let Frame { left, top, right, bottom } = frame;
    let corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)];
    corners.windows(2).try_for_each(|side| canvas.dashes(side[0], side[1], palette::MUTED, 1.0))
}

/// The risk in bold, with a word below it where there is one, kept apart from lines that cross the cell.
fn write_figure<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    frame: Frame,
    risk: &str,
    second: &str,
    ground: RGBColor,
) -> Drawn {
    let (x, middle) = frame.centre();
    let lift = if second.is_empty() { 0.0 } else { 7.0 };
    let number = fitted(Ink::new(14.0, palette::ink_on(ground)).bold(), risk, frame.width());
    backed_text(canvas, risk, (x, middle - lift), number, ground)?;
    if second.is_empty() {
        return Ok(());
    }
    let word = fitted(Ink::new(10.5, palette::ink_on(ground)), second, frame.width());
    backed_text(canvas, second, (x, middle + 10.0), word, ground)
}

fn write_lines<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    frame: Frame,
    lines: &[&str],
    ground: RGBColor,
) -> Drawn {
    let (x, middle) = frame.centre();
    let first = middle - (lines.len() - 1) as f64 * 6.5;
    for (number, line) in lines.iter().enumerate() {
        let ink = fitted(Ink::new(11.0, palette::MUTED), line, frame.width());
        backed_text(canvas, line, (x, first + number as f64 * 13.0), ink, ground)?;
    }
    Ok(())
}

fn backed_text<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    text: &str,
    at: (f64, f64),
    ink: Ink,
    ground: RGBColor,
) -> Drawn {
    let (across, down) = (ink.width(text) / 2.0 + 2.0, ink.em * 0.5 + 1.0);
    let ground_frame =
        Frame { left: at.0 - across, top: at.1 - down, right: at.0 + across, bottom: at.1 + down };
    canvas.fill(ground_frame, ground, 1.0)?;
    canvas.text_centred(text, at, ink.aligned(Align::Centre))
}

/// `ink`, smaller where `text` would be wider than `width`.
fn fitted(ink: Ink, text: &str, width: f64) -> Ink {
    Ink { em: ink.em * (width / ink.width(text).max(1.0)).min(1.0), ..ink }
}
