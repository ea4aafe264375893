//! `forkcast validate`: measured saves held against the laws.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use flate2::read::MultiGzDecoder;

use super::accuracy;
use super::args::{Format, ValidateArgs};
use super::exit::Exit;
use super::input;
use super::terminal::Terminal;
use crate::observe::measured::{self, Row, Timeline, Validation};
use crate::report::{self, PREDICTIONS_CSV};
use crate::scenario::{Code, Diagnostic, Place, Report, Source};

/// The longest timeline that is read, unpacked \[bytes\]: a thousand times one of a minute, sampled every 50 ms.
const LONGEST_TIMELINE: u64 = 256 << 20;

/// Predicts every row, says how far off, and writes the figures and the chart where they are wanted.
pub fn validate(args: &ValidateArgs, terminal: &Terminal) -> anyhow::Result<Exit> {
    let name =
        if input::is_stdin(&args.file) { "<stdin>".to_owned() } else { args.file.display().to_string() };
    let source = Arc::new(Source { name, text: input::read(&args.file)? });
    let rows = match measured::rows(&source) {
        Ok(rows) => rows,
        Err(report) => return Ok(input::invalid(&report, terminal)),
    };
    let timelines = match args.file.parent() {
        // Beside standard input lies nothing.
        Some(folder) if !args.without_timelines && !input::is_stdin(&args.file) => {
            match timelines(&folder.join("timelines"), &rows) {
                Ok(timelines) => timelines,
                Err(report) => return Ok(input::invalid(&report, terminal)),
            }
        }
        _ => BTreeMap::new(),
    };
    let validation = Validation::new(&rows, &timelines);
    let predictions = validation.predictions();
    if let Some(dir) = &args.out {
        report::write_predictions(dir, &predictions)?;
        for chart in report::draw_predictions(dir)? {
            terminal.say(format!("wrote {}", chart.display()));
        }
        terminal.say(format!("wrote {}", dir.join(PREDICTIONS_CSV).display()));
    }
    terminal.answer(&match args.format {
        Format::Human => accuracy::human(&validation),
        Format::Json => serde_json::to_string_pretty(&validation.to_json())?,
        Format::Csv => report::predictions_csv(&predictions)?,
    })?;
    Ok(Exit::Done)
}

/// The timelines of `rows` in `folder`, by `run_id`.
fn timelines(folder: &Path, rows: &[Row]) -> Result<BTreeMap<String, Timeline>, Report> {
    let (mut timelines, mut problems) = (BTreeMap::new(), Vec::new());
    for row in rows.iter().filter(|row| names_a_file(&row.run_id)) {
        match timeline(folder, row) {
            Ok(Some(timeline)) => drop(timelines.insert(row.run_id.clone(), timeline)),
            Ok(None) => {}
            Err(report) => problems.extend(report.diagnostics().iter().cloned()),
        }
    }
    if problems.is_empty() { Ok(timelines) } else { Err(Report::new(problems)) }
}

/// Whether a `run_id` is the name of a file, and leads to no other folder.
fn names_a_file(run_id: &str) -> bool {
    Path::new(run_id).file_name().is_some_and(|name| name == run_id)
}

fn timeline(folder: &Path, row: &Row) -> Result<Option<Timeline>, Report> {
    let (packed, plain) =
        (folder.join(format!("{}.csv.gz", row.run_id)), folder.join(format!("{}.csv", row.run_id)));
    let (path, text) = if packed.exists() {
        let text = File::open(&packed).and_then(|file| bounded(MultiGzDecoder::new(file)));
        (packed, text)
    } else if plain.exists() {
        let text = File::open(&plain).and_then(bounded);
        (plain, text)
    } else {
        return Ok(None);
    };
    let name = path.display().to_string();
    match text {
        Ok(text) => measured::timeline(&Arc::new(Source { name, text }), row),
        Err(error) => Err(unreadable(name, &error)),
    }
}

fn bounded(file: impl Read) -> io::Result<String> {
    let mut text = String::new();
    let read = file.take(LONGEST_TIMELINE + 1).read_to_string(&mut text)?;
    if read as u64 > LONGEST_TIMELINE { Err(io::Error::other("longer than 256 MiB")) } else { Ok(text) }
}

fn unreadable(name: String, error: &io::Error) -> Report {
    let message = format!("cannot read the timeline `{name}`: {error}");
    let place = Place::new(&Arc::new(Source { name, text: String::new() }), 0..0);
    let problem = Diagnostic::new(Code::InvalidTimeline, message, &place, "");
    Report::new(vec![problem.help("mend the file or move it away: its row is then predicted from totals")])
}
