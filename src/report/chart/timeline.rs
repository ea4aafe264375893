//! One replication over time: the memory of the first primary's host, stacked, against RAM and `maxmemory`, with every
//! fork, kill and restart; the whole horizon above, the decisive moment enlarged below, and under that the other hosts
//! of the shard at the same time.

mod panel;
mod stack;
mod story;
mod wording;

use plotters::prelude::DrawingBackend;
use plotters::style::RGBColor;

use super::canvas::{Canvas, Drawn, Frame, Ink};
use super::heading::{Heading, MARGIN};
use super::{Chart, axis, palette};
use crate::report::{EventRow, Manifest, TimelineRow, TraceSubject};
use panel::{Limit, Panel};
use stack::{LAYERS, Sample};
use story::{Story, View};

const WIDTH: f64 = 1200.0;
/// Room for the labels of the memory axis, and for the names of the limits.
const AXIS_WIDTH: f64 = 64.0;
const LIMIT_WIDTH: f64 = 150.0;
const PANEL_TITLE: Ink = Ink::new(13.0, palette::INK).bold();
const LEGEND: Ink = Ink::new(11.5, palette::INK);
const NOTE: Ink = Ink::new(11.0, palette::MUTED);
const LEGEND_LINE: f64 = 22.0;

/// A timeline laid out and ready to draw.
pub(super) struct Timeline {
    /// The samples of each host.
    hosts: Vec<Vec<Sample>>,
    story: Story,
    finding: String,
    heading: Heading,
    legend: Vec<(String, RGBColor)>,
    limits: Vec<Limit>,
    footer: String,
    panels: Vec<Plan>,
}

/// A panel to be drawn.
struct Plan {
    heading: String,
    /// Number of its host, from 0.
    host: usize,
    view: View,
    height: f64,
    /// What the next panel enlarges of this one.
    enlarged: Option<View>,
}

impl Timeline {
    /// Lays out a trace with a timeline a host; an empty one gives an empty chart that says so.
    pub(super) fn new(
        hosts: Vec<Vec<TimelineRow>>,
        events: &[EventRow],
        manifest: &Manifest,
        subject: &TraceSubject,
    ) -> Self {
        let story = Story::new(&hosts, events);
        let samples = |rows: Vec<TimelineRow>| rows.into_iter().map(Sample::from).collect();
        let hosts: Vec<Vec<Sample>> = hosts.into_iter().map(samples).collect();
        let finding = wording::title(&story, subject);
        let text_width = WIDTH - 2.0 * MARGIN;
        let has_swap = hosts.iter().flatten().any(Sample::is_swapping);
        let subtitle = wording::subtitle(manifest, subject, has_swap);
        Self {
            heading: Heading::new(&finding, &subtitle, text_width),
            legend: legend(&hosts, &story),
            limits: limits(subject),
            footer: wording::footer(manifest, story.hosts),
            panels: panels(&story),
            hosts,
            story,
            finding,
        }
    }

    fn legend_places(&self) -> Vec<(usize, f64, f64)> {
        let (mut left, mut row) = (0.0, 0.0);
        let mut places = Vec::new();
        for (number, (name, _)) in self.legend.iter().enumerate() {
            let needs = 22.0 + LEGEND.width(name);
            if left > 0.0 && left + needs > WIDTH - 2.0 * MARGIN {
                (left, row) = (0.0, row + 1.0);
            }
            places.push((number, left, row));
            left += needs + 22.0;
        }
        places
    }

    fn legend_top(&self) -> f64 {
        MARGIN + self.heading.height() + 4.0
    }

    fn panels_top(&self) -> f64 {
        let rows = self.legend_places().last().map_or(0.0, |(_, _, row)| row + 1.0);
        self.legend_top() + rows * LEGEND_LINE + 24.0
    }

    fn draw_legend<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Drawn {
        for (number, left, row) in self.legend_places() {
            let (name, colour) = &self.legend[number];
            let (x, middle) = (MARGIN + left, self.legend_top() + (row + 0.5) * LEGEND_LINE);
            let swatch = Frame { left: x, top: middle - 7.0, right: x + 14.0, bottom: middle + 7.0 };
            canvas.fill(swatch, *colour, 1.0)?;
            canvas.outline(swatch, palette::MUTED, 0.5)?;
            canvas.text_centred(name, (x + 22.0, middle), LEGEND)?;
        }
        Ok(())
    }

    fn draw_panels<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Drawn {
        let mut top = self.panels_top();
        for plan in &self.panels {
            canvas.text(&plan.heading, (MARGIN, top), PANEL_TITLE)?;
            let frame = Frame {
                left: MARGIN + AXIS_WIDTH,
                top: top + 16.0,
                right: WIDTH - MARGIN - LIMIT_WIDTH,
                bottom: top + plan.height,
            };
            let panel = Panel {
                view: plan.view,
                host: plan.host,
                frame,
                limits: &self.limits,
                label_rows: if self.story.has_moments(plan.host, plan.view) { 2 } else { 0 },
                enlarged: plan.enlarged,
            };
            let samples = self.hosts.get(plan.host).map(Vec::as_slice).unwrap_or_default();
            panel.draw(canvas, samples, &self.story)?;
            top += plan.height + 54.0;
        }
        Ok(())
    }
}

impl Chart for Timeline {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few thousand pixels")]
    fn size(&self) -> (u32, u32) {
        let panels: f64 = self.panels.iter().map(|plan| plan.height + 54.0).sum();
        (WIDTH as u32, (self.panels_top() + panels + 24.0).ceil() as u32)
    }

    fn finding(&self) -> &str {
        &self.finding
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Drawn {
        self.heading.draw(canvas)?;
        self.draw_legend(canvas)?;
        self.draw_panels(canvas)?;
        let (_, height) = self.size();
        canvas.text(&self.footer, (MARGIN, f64::from(height) - 22.0), NOTE)
    }
}

/// The whole horizon, and the decisive moment where the whole shows too little of it; then the other hosts.
fn panels(story: &Story) -> Vec<Plan> {
    let whole = story.whole;
    if whole.to <= whole.from {
        return Vec::new();
    }
    let plan = |heading: String, host: usize, view: View, height: f64| Plan {
        heading,
        host,
        view,
        height,
        enlarged: None,
    };
    let is_alone = story.hosts <= 1;
    let is_enlarged = story.decisive.span() <= 0.4 * whole.span();
    let view = if is_enlarged { story.decisive } else { whole };
    let when = wording::view(view);
    let mut panels = Vec::new();
    if is_enlarged {
        let name = if is_alone { "The horizon" } else { "Host 1 over the horizon" };
        let about =
            format!("{name} of {}, each point at its tightest moment", axis::rough_span(whole.span()));
        panels.push(Plan { enlarged: Some(view), ..plan(about, 0, whole, 300.0) });
    }
    let first = match (is_alone, is_enlarged) {
        (true, true) => format!("Enlarged: {when}"),
        (true, false) => format!("Memory: {when}"),
        (false, true) => format!("Host 1, enlarged: {when}"),
        (false, false) => format!("Host 1: {when}"),
    };
    panels.push(plan(first, 0, view, if is_enlarged { 390.0 } else { 460.0 }));
    panels.extend((1..story.hosts).map(|host| plan(format!("Host {}: {when}", host + 1), host, view, 280.0)));
    panels
}

/// The layers that hold something at some time, and the causes of forks.
fn legend(hosts: &[Vec<Sample>], story: &Story) -> Vec<(String, RGBColor)> {
    let mut legend = Vec::new();
    for (number, layer) in LAYERS.iter().enumerate() {
        if hosts.iter().flatten().any(|sample| sample.layers[number] > 0.0) {
            legend.push((layer.name.to_owned(), layer.colour));
        }
    }
    for cause in story.causes() {
        legend.push((format!("fork: {cause}"), story::cause_colour(cause)));
    }
    legend
}

fn limits(subject: &TraceSubject) -> Vec<Limit> {
    let room = if subject.is_limited { "limit" } else { "RAM" };
    let ram = Limit { name: room.to_owned(), bytes: subject.ram(), colour: palette::INK };
    let maxmemory = subject.maxmemory();
    let maxmemory =
        maxmemory.map(|bytes| Limit { name: "maxmemory".to_owned(), bytes, colour: palette::NEEDED });
    let mut limits: Vec<Limit> = [Some(ram), maxmemory].into_iter().flatten().collect();
    limits.sort_by_key(|limit| std::cmp::Reverse(limit.bytes));
    limits
}
