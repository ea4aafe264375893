//! A recorded load: reading it from a CSV file. What the days of it are, `days` says.

mod days;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

pub use days::Days;
use days::{Gaps, MINUTES_A_DAY};

use super::code::Code;
use super::diagnostic::Diagnostic;
use super::source::{Place, Source};
use super::tree::{Content, Node};

/// Why a trace cannot be used.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceProblem {
    message: String,
    help: &'static str,
    row: Option<(Place, String)>,
}

impl TraceProblem {
    fn new(message: impl Into<String>, help: &'static str) -> Self {
        Self { message: message.into(), help, row: None }
    }

    /// As a diagnostic: at the row where one is to blame, else where the scenario names the file.
    pub fn diagnostic(&self, named_at: &Place) -> Diagnostic {
        let problem = match &self.row {
            Some((row, label)) => Diagnostic::new(Code::InvalidTrace, &self.message, row, label)
                .beside(named_at, "the trace is named here"),
            None => Diagnostic::new(Code::InvalidTrace, &self.message, named_at, "cannot be used"),
        };
        problem.help(self.help)
    }
}

impl Days {
    /// What should be known of the gaps in them, the trace being named at `named_at`; none where there is no gap.
    pub fn gaps_diagnostic(&self, named_at: &Place) -> Option<Diagnostic> {
        let Gaps { count, minutes, .. } = self.gaps;
        if count == 0 {
            return None;
        }
        let share = minutes as f64 / (self.factors.len() * MINUTES_A_DAY) as f64 * 100.0;
        let gaps = if count == 1 { "a gap".to_owned() } else { format!("{count} gaps") };
        let message = format!("the trace has {gaps} of {minutes} min in all, {share:.1} % of its days");
        let label = if self.gaps.held == 0 {
            "filled with the same minutes of the nearest day that has them".to_owned()
        } else {
            format!("{} min of it no other day has: the value before holds on", self.gaps.held)
        };
        let problem = Diagnostic::new(Code::GapInTrace, message, named_at, label);
        let because = "a value holds until the next one, and longer than the usual step none does";
        Some(problem.because(because).help("record without a break, or leave the days with gaps out"))
    }
}

/// A value, and from when on it holds [s since 1970].
type Point = (f64, f64);

/// The traces of a scenario, each read once.
#[derive(Clone, Debug, Default)]
pub struct Traces {
    loaded: BTreeMap<String, Arc<Result<Days, TraceProblem>>>,
}

impl Traces {
    /// The same with the trace that `scenario` names, read from `folder` unless it is there already.
    pub fn loaded_for(&mut self, scenario: &Node, folder: &Path) -> &Self {
        let name = scenario.get("traffic").and_then(|traffic| traffic.get("trace"));
        if let Some(Content::Text(name)) = name.map(|node| &node.content)
            && !self.loaded.contains_key(name)
        {
            self.loaded.insert(name.clone(), Arc::new(read(&folder.join(name))));
        }
        self
    }

    /// The trace named `name`, read now if it was not before.
    pub fn get(&self, folder: &Path, name: &str) -> Arc<Result<Days, TraceProblem>> {
        self.loaded.get(name).map_or_else(|| Arc::new(read(&folder.join(name))), Arc::clone)
    }
}

fn read(path: &Path) -> Result<Days, TraceProblem> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        TraceProblem::new(
            format!("cannot read `{name}`: {error}"),
            "the path is relative to the scenario file",
        )
    })?;
    let source = Arc::new(Source { name, text });
    Days::of(&points(&source)?)
}

/// The rows of a CSV text as seconds and values.
fn points(source: &Arc<Source>) -> Result<Vec<Point>, TraceProblem> {
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(source.text.as_bytes());
    let headers = reader.headers().cloned().unwrap_or_default();
    let column = |name: &str| headers.iter().position(|header| header == name);
    let (Some(time), Some(value)) = (column("timestamp"), column("value")) else {
        let message = format!("`{}` has no columns `timestamp` and `value`", source.name);
        return Err(TraceProblem::new(message, "the first line names the columns: timestamp,value"));
    };
    let mut points: Vec<Point> = Vec::new();
    let mut record = csv::StringRecord::new();
    loop {
        let start = usize::try_from(reader.position().byte()).unwrap_or(0);
        match reader.read_record(&mut record) {
            Ok(false) => return Ok(points),
            Ok(true) => {
                let point = point(&record, time, value, points.last());
                points.push(point.map_err(|label| bad_row(source, start, &label))?);
            }
            Err(error) => return Err(bad_row(source, start, &error.to_string())),
        }
    }
}

fn point(
    record: &csv::StringRecord,
    time: usize,
    value: usize,
    last: Option<&Point>,
) -> Result<Point, String> {
    let field = |index: usize| record.get(index).filter(|text| !text.is_empty());
    let at = field(time).and_then(parse_timestamp).ok_or("no timestamp")?;
    let value: f64 = field(value).and_then(|text| text.parse().ok()).ok_or("no value")?;
    if !value.is_finite() || value < 0.0 {
        return Err(format!("a load of {value}"));
    }
    match last {
        Some((before, _)) if at <= *before => Err("not later than the row before".to_owned()),
        _ => Ok((at, value)),
    }
}

fn bad_row(source: &Arc<Source>, start: usize, label: &str) -> TraceProblem {
    let rest = source.text.get(start..).unwrap_or("");
    let skipped = rest.len() - rest.trim_start().len();
    let length = rest.trim_start().lines().next().map_or(0, str::len);
    let row = Place::new(source, start + skipped..start + skipped + length);
    let help = "rows are a time and a load of zero or more, in order of time: 2014-04-10 00:04:00,94.0";
    TraceProblem {
        row: Some((row, label.to_owned())),
        ..TraceProblem::new("a row of the trace cannot be used", help)
    }
}

/// Seconds since 1970 of `2014-04-10 00:04:00` (UTC), RFC 3339 or Unix seconds.
fn parse_timestamp(text: &str) -> Option<f64> {
    if let Ok(seconds) = text.parse::<f64>() {
        return (0.0..1e11).contains(&seconds).then_some(seconds);
    }
    let stamp = text.parse::<jiff::Timestamp>().or_else(|_| {
        let civil: jiff::civil::DateTime = text.parse()?;
        civil.to_zoned(jiff::tz::TimeZone::UTC).map(|zoned| zoned.timestamp())
    });
    stamp.ok().map(|stamp| stamp.as_millisecond() as f64 / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days_of(text: &str) -> Result<Days, TraceProblem> {
        let source = Arc::new(Source { name: "t.csv".into(), text: text.into() });
        Days::of(&points(&source)?)
    }

    fn moments(values: &[f64]) -> (f64, f64) {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let square = values.iter().map(|value| (value / mean - 1.0).powi(2)).sum::<f64>();
        let most = values.iter().copied().fold(0.0, f64::max) / mean;
        ((square / values.len() as f64).sqrt(), most)
    }

    /// Counts of five minutes: what varies between them varies in the days, and the highest of them is as high.
    #[test]
    fn the_shipped_trace_varies_as_recorded() {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/traffic/elb_request_count_8c0756.csv");
        let text = std::fs::read_to_string(path).unwrap();
        let days = days_of(&text).unwrap();
        // The recording goes on for 40 minutes after its last whole day.
        let recorded = text.lines().skip(1).filter(|row| !row.starts_with("2014-04-24"));
        let recorded: Vec<f64> =
            recorded.map(|row| row.split_once(',').unwrap().1.parse().unwrap()).collect();
        let (deviation, most) = moments(&recorded);
        assert!((deviation - 0.916).abs() < 2e-3 && (most - 10.6).abs() < 0.02, "{deviation}, {most}");
        let of_days = moments(&days.factors.concat());
        assert!((of_days.0 / deviation - 1.0).abs() < 2e-3, "{} {deviation}", of_days.0);
        assert!((of_days.1 / most - 1.0).abs() < 2e-3, "{} {most}", of_days.1);
        // Eight samples are missing, and the first comes four minutes after midnight.
        assert_eq!((days.factors.len(), days.gaps), (14, Gaps { count: 8, minutes: 40, held: 0 }));
    }

    #[test]
    fn unusable_traces_say_why() {
        for (text, why) in [
            ("", "has no columns"),
            ("timestamp,value\n", "empty"),
            ("timestamp,value\n2020-01-01 00:00:00,1\n", "no whole day"),
            ("timestamp,value\nsoon,1\n", "row"),
            ("timestamp,value\n0,-1\n", "row"),
            ("timestamp,value\n0,1\n0,1\n", "row"),
            ("timestamp,value\n0,0\n43200,0\n86400,0\n", "no load"),
            ("timestamp,value\n0,1\n86401,1\n172802,1\n", "more than a day apart"),
        ] {
            let problem = days_of(text).unwrap_err();
            assert!(problem.message.contains(why), "{text:?}: {}", problem.message);
        }
    }

    #[test]
    fn gaps_are_said_where_the_trace_is_named() {
        let source = Arc::new(Source { name: "s.toml".into(), text: "trace = \"t.csv\"".into() });
        let said = |held: usize| {
            let days = Days { factors: vec![Vec::new(); 2], gaps: Gaps { count: 2, minutes: 144, held } };
            days.gaps_diagnostic(&Place::new(&source, 8..15)).unwrap().render(super::super::Colour::Never)
        };
        assert!(
            said(0).starts_with("warning[W0007]: the trace has 2 gaps of 144 min in all, 5.0 % of its days")
        );
        assert!(said(0).contains("the same minutes of the nearest day"), "{}", said(0));
        assert!(said(10).contains("10 min of it no other day has"), "{}", said(10));
    }
}
