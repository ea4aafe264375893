//! Charts, pure functions of a run folder or a save: the same drawing as SVG and as PNG.
//!
//! `canvas`, `font` and `palette` know shapes, text and colours; `curve`, `heatmap`, `timeline` and `predicted` know
//! what to say.

pub(super) mod axis;
mod canvas;
mod curve;
mod font;
mod heading;
mod heatmap;
mod palette;
mod predicted;
mod timeline;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use plotters::prelude::{BitMapBackend, DrawingBackend, IntoDrawingArea, SVGBackend};

use super::run_folder::{CELLS_CSV, EVENTS_CSV, FULL_CELLS_CSV, timeline_csv};
use super::{CellTable, Manifest, ReportError, TraceSubject, atomic, predictions, trace};
use crate::model::one_save::Forecast;
use canvas::{Canvas, DrawError, Drawn, Medium};

/// Pixels of a PNG file in a CSS pixel: sharp on a slide.
const PNG_SCALE: u32 = 2;

/// A picture that knows its size and what it shows.
trait Chart {
    /// Width and height (CSS px).
    fn size(&self) -> (u32, u32);
    /// The finding, in a sentence: the title, and what a screen reader says.
    fn finding(&self) -> &str;
    /// Draws itself.
    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Drawn;
}

/// Draws `charts/heatmap.svg` and `.png`, host class × `maxmemory` percent, from the cells of the run folder `dir`
/// and its manifest: those of a server full to `maxmemory`, where they are others than the scenario's own.
///
/// # Errors
///
/// [`ReportError`]: `cells.csv` cannot be read, or a chart not drawn or written.
pub fn draw_heatmap(dir: &Path, manifest: &Manifest) -> Result<Vec<PathBuf>, ReportError> {
    let full = dir.join(FULL_CELLS_CSV);
    let cells = CellTable::read(&if full.exists() { full } else { dir.join(CELLS_CSV) })?;
    save(dir, "heatmap", &heatmap::Heatmap::new(&cells, manifest))
}

/// Draws `charts/timeline.svg` and `.png`, the ledger of each host over time, from the `trace/` of the run folder
/// `dir` and its manifest.
///
/// # Errors
///
/// [`ReportError`]: a file of the trace cannot be read, or a chart not drawn or written.
pub fn draw_timeline(
    dir: &Path,
    manifest: &Manifest,
    subject: &TraceSubject,
) -> Result<Vec<PathBuf>, ReportError> {
    let files = (1..).map(timeline_csv).map(|file| dir.join(file));
    let hosts = files.take_while(|file| file.exists()).map(|file| trace::read_timeline(&file));
    let hosts = hosts.collect::<Result<Vec<_>, _>>()?;
    let events = trace::read_events(&dir.join(EVENTS_CSV))?;
    save(dir, "timeline", &timeline::Timeline::new(hosts, &events, manifest, subject))
}

/// Draws `charts/predicted-against-measured.svg` and `.png` from the `predictions.csv` in `dir`.
///
/// # Errors
///
/// [`ReportError`]: `predictions.csv` cannot be read, or a chart not drawn or written.
pub fn draw_predictions(dir: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let points = predictions::points(dir)?;
    save(dir, "predicted-against-measured", &predicted::PredictedChart::new(points))
}

/// The curve of one save as SVG; `operation` is what the writes are.
///
/// # Errors
///
/// What the drawing library could not do, in words.
pub fn curve_svg(forecast: &Forecast, operation: &str) -> Result<String, String> {
    svg(&curve::Curve::new(forecast, operation)).map_err(|DrawError(problem)| problem)
}

/// Writes the curve of one save to the file `path`, as [`curve_svg`].
///
/// # Errors
///
/// [`ReportError`]: the chart cannot be drawn or written.
pub fn draw_curve(path: &Path, forecast: &Forecast, operation: &str) -> Result<(), ReportError> {
    let text = curve_svg(forecast, operation)
        .map_err(|problem| ReportError::Drawing { path: path.to_owned(), problem })?;
    atomic::write(path, |out| out.write_all(text.as_bytes()))
}

fn save(dir: &Path, name: &str, chart: &impl Chart) -> Result<Vec<PathBuf>, ReportError> {
    let path = |extension| dir.join("charts").join(format!("{name}.{extension}"));
    let (svg_path, png_path) = (path("svg"), path("png"));
    let drawing = |path: &Path| {
        let path = path.to_owned();
        move |DrawError(problem)| ReportError::Drawing { path, problem }
    };
    let text = svg(chart).map_err(drawing(&svg_path))?;
    atomic::write(&svg_path, |out| out.write_all(text.as_bytes()))?;
    let pixels = bitmap(chart).map_err(drawing(&png_path))?;
    atomic::write(&png_path, |out| write_png(out, pixel_size(chart, PNG_SCALE), &pixels))?;
    Ok(vec![svg_path, png_path])
}

fn pixel_size(chart: &impl Chart, scale: u32) -> (u32, u32) {
    let (width, height) = chart.size();
    (width * scale, height * scale)
}

fn svg(chart: &impl Chart) -> Result<String, DrawError> {
    let mut text = String::new();
    let backend = SVGBackend::with_string(&mut text, pixel_size(chart, Medium::SVG.scale));
    let canvas = Canvas::new(backend.into_drawing_area(), Medium::SVG)?;
    chart.draw(&canvas)?;
    canvas.finish()?;
    Ok(described(&text, chart))
}

/// Gives plotters' SVG its size on a page and a name for screen readers.
fn described(svg: &str, chart: &impl Chart) -> String {
    let ((width, height), (across, down)) = (chart.size(), pixel_size(chart, Medium::SVG.scale));
    let finding = chart.finding().replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    let body = svg.split_once('\n').map_or(svg, |(_, body)| body);
    format!(
        "<svg width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {across} {down}\" role=\"img\" \
         aria-label=\"{finding}\" xmlns=\"http://www.w3.org/2000/svg\">\n<title>{finding}</title>\n{body}"
    )
}

/// The chart in red, green and blue, at [`PNG_SCALE`].
fn bitmap(chart: &impl Chart) -> Result<Vec<u8>, DrawError> {
    let (width, height) = pixel_size(chart, Medium::BITMAP.scale);
    let mut pixels = vec![0; width as usize * height as usize * 3];
    {
        let backend = BitMapBackend::with_buffer(&mut pixels, (width, height));
        let canvas = Canvas::new(backend.into_drawing_area(), Medium::BITMAP)?;
        chart.draw(&canvas)?;
        canvas.finish()?;
    }
    Ok(averaged(&pixels, width as usize, (Medium::BITMAP.scale / PNG_SCALE) as usize))
}

/// The picture smaller by `factor`: each pixel is the mean of a square of `factor` × `factor`.
fn averaged(pixels: &[u8], width: usize, factor: usize) -> Vec<u8> {
    let mut small = Vec::with_capacity(pixels.len() / (factor * factor));
    let mut sums = vec![0_usize; width / factor * 3];
    for rows in pixels.chunks_exact(width * 3 * factor) {
        sums.fill(0);
        for row in rows.chunks_exact(width * 3) {
            for (sums, square) in sums.chunks_exact_mut(3).zip(row.chunks_exact(3 * factor)) {
                for (place, &value) in square.iter().enumerate() {
                    sums[place % 3] += usize::from(value);
                }
            }
        }
        small.extend(sums.iter().map(|sum| u8::try_from(sum / (factor * factor)).unwrap_or(u8::MAX)));
    }
    small
}

fn write_png(out: &mut dyn Write, (width, height): (u32, u32), pixels: &[u8]) -> io::Result<()> {
    let mut encoder = png::Encoder::new(out, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_filter(png::FilterType::Up);
    encoder.set_compression(png::Compression::Default);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Load, samples};
    use super::*;

    fn heatmap_svg(cells: &CellTable, manifest: &Manifest) -> String {
        svg(&heatmap::Heatmap::new(cells, manifest)).unwrap()
    }

    fn timeline_svg(rows: Vec<trace::TimelineRow>, events: &[trace::EventRow]) -> String {
        let manifest = samples::manifest(&[]);
        svg(&timeline::Timeline::new(vec![rows], events, &manifest, &samples::subject())).unwrap()
    }

    /// The texts of a chart, one a line.
    fn texts(svg: &str) -> String {
        let texts = svg.split("<text").skip(1).filter_map(|part| part.split_once(">\n")?.1.split_once('\n'));
        texts.map(|(text, _)| text).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_heatmap_says_what_it_shows() {
        let classes = ["yandex.hm3-c4-m32", "yandex.hm3-c8-m64"];
        let svg =
            heatmap_svg(&samples::cells(&classes, &[50.0, 60.0, 75.0, 90.0]), &samples::manifest(&classes));
        insta::assert_snapshot!(texts(&svg), @r"
        No host tried is shown to be safe with this data: each needs more
        than it survives
        Each cell: the chance that the OOM killer strikes one host within 30 days, its server full to maxmemory. In risky cells, what had
        forked most often is below. “&lt;”: no kill was seen; the chance is below this bound with 95 % confidence. Safe: at most 0.01
        incidents a year at that confidence, 0.082 % in 30 days.
        maxmemory, share of RAM
        50 %
        60 %
        75 %
        90 %
        yandex.hm3-c4-m32
        32 GiB RAM, needs 60 %
        yandex.hm3-c8-m64
        64 GiB RAM, needs 60 %
        &lt; 0.03 %
        0.1 %
        undecided
        25 %
        backup
        does
        not fit
        &lt; 0.03 %
        0.1 %
        undecided
        25 %
        backup
        does
        not fit
        risky
        safe
        0.00082 % or less
        budget 0.082 %
        1 %
        10 %
        certain
        safe frontier: every cell left of it is safe
        needed: percents right of it hold the data, to the end of the horizon
        undecided: the interval still holds the budget
        does not fit, even with no fork
        session-store, seed 7, 1000 replications a cell, forkcast 0.1.0. Bounds hold the error of the simulation alone; every figure with its interval is in cells.csv.
        ");
    }

    #[test]
    fn a_timeline_says_what_happened() {
        let (rows, events) = samples::trace();
        let texts = texts(&timeline_svg(rows, &events));
        let is_tick =
            |text: &&str| text.starts_with(|c: char| c.is_ascii_digit()) || text.starts_with("day ");
        let texts: Vec<&str> = texts.lines().filter(|text| !is_tick(text)).collect();
        insta::assert_snapshot!(texts.join("\n"), @r"
        The OOM killer ends the server on day 3, 22:15, 15 minutes into the backup
        yandex.hm3-c4-m32, maxmemory 75 % of RAM (24 GiB), replication 17 of seed 7. The layers add up to the RAM; memory runs out where no free or droppable layer is left.
        maxmemory limits used_memory, which is less than the resident set by the fragmentation.
        server&apos;s resident set
        kernel and other processes
        copies of the fork
        page cache, droppable
        free
        fork: backup
        The horizon of 7 days, each point at its tightest moment
        writes a second
        RAM
        maxmemory
        enlarged below
        OOM kill: server
        Enlarged: day 3 (Wednesday), UTC
        writes a second
        backup
        RAM
        maxmemory
        OOM kill: server
        restart
        loaded
        session-store, forkcast 0.1.0. Every event is in trace/events.csv, the ledger in trace/timeline.csv.
        ");
    }

    #[test]
    fn each_host_of_a_shard_has_a_panel() {
        let (hosts, events) = samples::shard();
        let mut subject = samples::subject();
        subject.is_limited = true;
        let chart = timeline::Timeline::new(hosts, &events, &samples::manifest(&[]), &subject);
        let texts = texts(&svg(&chart).unwrap());
        let is_tick =
            |text: &&str| text.starts_with(|c: char| c.is_ascii_digit()) || text.starts_with("day ");
        let texts: Vec<&str> = texts.lines().filter(|text| !is_tick(text)).collect();
        insta::assert_snapshot!(texts.join("\n"), @"
        The OOM killer ends the server of host 1 on day 1, 22:15, 15 minutes into the backup
        yandex.hm3-c4-m32, maxmemory 75 % of the limit (24 GiB), replication 17 of seed 7. The layers add up to the limit of the container, with what is swapped out above it;
        memory runs out where no free or droppable layer is left. maxmemory limits used_memory, which is less than the resident set by the fragmentation.
        server&apos;s resident set
        kernel and other processes
        replication backlog
        buffers of clients and replicas
        copies of the fork
        free
        swapped out
        fork: backup
        fork: full-sync
        Host 1 over the horizon of 1 day, each point at its tightest moment
        writes a second
        limit
        maxmemory
        enlarged below
        OOM kill: server
        loaded
        Host 1, enlarged: day 1 (Monday), UTC
        writes a second
        backup
        limit
        maxmemory
        OOM kill: server
        stall
        loaded
        Host 2: day 1 (Monday), UTC
        writes a second
        full-sync
        limit
        maxmemory
        promoted
        Host 3: day 1 (Monday), UTC
        writes a second
        limit
        maxmemory
        replica dropped
        session-store, forkcast 0.1.0. Every event is in trace/events.csv, the ledger in trace/timeline.csv, those of the other hosts in trace/timeline-2.csv to -3.csv.
        ");
    }

    fn predicted_svg(points: &[predictions::Point]) -> String {
        svg(&predicted::PredictedChart::new(points.to_vec())).unwrap()
    }

    fn point(load: Load, measured: f64, predicted: f64) -> predictions::Point {
        let mib = f64::from(1 << 20);
        let error = predicted / measured - 1.0;
        predictions::Point { load, measured: measured * mib, predicted: predicted * mib, error }
    }

    #[test]
    fn a_chart_of_predictions_says_what_it_shows() {
        let points = [point(Load::Overwriting, 100.0, 101.0), point(Load::Moving, 300.0, 200.0)];
        insta::assert_snapshot!(texts(&predicted_svg(&points)), @r"
        What 2 measured saves cost their host is predicted to 17.2 % at the median, 31.7 % at the
        95th percentile
        Each mark is one save of a real server: the largest growth of its anonymous memory, server and child. The laws get the load and the layout, and no memory figure; no
        constant is fitted. Bands: ±2 % and ±10 %. The error of a save that grew by less than 16 MiB is in per cent of 100 MiB. One save is further off than 14 % and stands at the
        edge.
        64 MiB
        64 MiB
        128 MiB
        128 MiB
        256 MiB
        256 MiB
        512 MiB
        512 MiB
        predicted
        measured
        −10 %
        −5 %
        −2 %
        0
        +2 %
        +5 %
        +10 %
        64 MiB
        128 MiB
        256 MiB
        512 MiB
        error
        measured
        ±10 %
        ±2 %
        SET to 1 KiB (1)
        changing sizes, insert, DEL+SET, evict, TTL, fragmented (1)
        ");
    }

    #[test]
    fn predictions_that_no_logarithm_has_are_left_out() {
        let points = [point(Load::Reading, 0.0, 1.0), point(Load::Page, 1.0, f64::NAN)];
        assert!(predicted_svg(&points).contains("No save was both measured and predicted"));
    }

    #[test]
    fn a_chart_has_a_name_for_screen_readers() {
        let svg = heatmap_svg(&samples::cells(&["a<b&\"c\""], &[50.0]), &samples::manifest(&[]));
        assert!(svg.starts_with("<svg width=\"900\""), "{}", &svg[..200]);
        assert!(svg.contains("<title>a&lt;b&amp;&quot;c&quot; is safe at 50 %</title>"), "{}", &svg[..400]);
        assert!(svg.trim_end().ends_with("</svg>"));
    }

    #[test]
    fn charts_of_little_or_nothing_are_drawn() {
        let empty = CellTable { axes: Vec::new(), rows: Vec::new() };
        assert!(heatmap_svg(&empty, &samples::manifest(&[])).contains("No cell was run"));
        assert!(timeline_svg(Vec::new(), &[]).contains("Nothing was traced"));
        let (rows, events) = samples::trace();
        timeline_svg(rows[..1].to_vec(), &[]);
        timeline_svg(Vec::new(), &events);
        timeline_svg(rows[..2].to_vec(), &events[3..]);
    }

    #[test]
    fn charts_of_odd_figures_are_drawn() {
        let mut cells = samples::cells(&["", "a-class-name-that-goes-on-".repeat(9).as_str()], &[0.0, 1e9]);
        cells.rows.pop();
        cells.rows[0].horizon_seconds = 0.0;
        cells.rows[1].maxmemory_percent = None;
        let mut manifest = samples::manifest(&[""]);
        manifest.incidents_per_year = f64::INFINITY;
        manifest.classes[0].needed_percent = Some(-3.0);
        heatmap_svg(&cells, &manifest);
        manifest.incidents_per_year = 0.0;
        heatmap_svg(&cells, &manifest);
        let (mut rows, events) = samples::trace();
        rows[3].writes_per_second = f64::NAN;
        rows[4].ledger.free = crate::units::Bytes(u64::MAX);
        timeline_svg(rows, &events);
    }

    #[test]
    fn averaging_halves_a_picture() {
        let pixels = [[0; 3], [4; 3], [8; 3], [8; 3]].concat();
        let two_rows = [pixels.clone(), pixels].concat();
        assert_eq!(averaged(&two_rows, 4, 2), [2, 2, 2, 8, 8, 8]);
    }
}
