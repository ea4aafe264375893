//! A recorded load: whole days of it, equally spaced, scaled to a mean of 1.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::code::Code;
use super::diagnostic::Diagnostic;
use super::source::{Place, Source};
use super::tree::{Content, Node};

const DAY: f64 = 86_400.0;
/// Finer than a minute a trace is not resampled: the noise of the minute covers the rest.
const MOST_SLOTS: f64 = 1440.0;

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

/// The days of a trace, each a list of equally spaced factors.
pub type Days = Vec<Vec<f64>>;

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
    whole_days(&points(&source)?)
}

/// The rows of a CSV text as seconds and values.
fn points(source: &Arc<Source>) -> Result<Vec<(f64, f64)>, TraceProblem> {
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(source.text.as_bytes());
    let headers = reader.headers().cloned().unwrap_or_default();
    let column = |name: &str| headers.iter().position(|header| header == name);
    let (Some(time), Some(value)) = (column("timestamp"), column("value")) else {
        let message = format!("`{}` has no columns `timestamp` and `value`", source.name);
        return Err(TraceProblem::new(message, "the first line names the columns: timestamp,value"));
    };
    let mut points: Vec<(f64, f64)> = Vec::new();
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
    last: Option<&(f64, f64)>,
) -> Result<(f64, f64), String> {
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

/// The whole days within `points`, resampled at the trace's own spacing and scaled to a mean of 1.
///
/// A day is whole if the recording reaches to within one spacing of its ends; the value between two
/// recorded ones lies on the line between them.
fn whole_days(points: &[(f64, f64)]) -> Result<Days, TraceProblem> {
    let too_short =
        || TraceProblem::new("the trace holds no whole day", "record at least from 00:00 to 24:00 UTC");
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return Err(TraceProblem::new("the trace is empty", "add rows: 2014-04-10 00:04:00,94.0"));
    };
    let mut gaps: Vec<f64> = points.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    gaps.sort_by(f64::total_cmp);
    let spacing = *gaps.get(gaps.len() / 2).ok_or_else(too_short)?;
    let slots = (DAY / spacing).round().clamp(1.0, MOST_SLOTS);
    let (start, end) = (((first.0 - spacing) / DAY).ceil(), ((last.0 + spacing) / DAY).floor());
    let mut days = Days::new();
    let mut day = start;
    while day < end {
        let next = points.partition_point(|(at, _)| *at < (day + 1.0) * DAY);
        if next > points.partition_point(|(at, _)| *at < day * DAY) {
            days.push(resampled(points, day * DAY, slots));
        }
        // The gap of a recorder that was switched off is skipped, however long.
        day = points.get(next).map_or(end, |(at, _)| (at / DAY).floor().max(day + 1.0));
    }
    let count = days.iter().map(Vec::len).sum::<usize>();
    let mean = days.iter().flatten().sum::<f64>() / count.max(1) as f64;
    if days.is_empty() {
        return Err(too_short());
    }
    if mean <= 0.0 {
        return Err(TraceProblem::new("the trace holds no load", "all values of its whole days are zero"));
    }
    days.iter_mut().flatten().for_each(|value| *value /= mean);
    Ok(days)
}

/// The values at the middles of `slots` equal parts of the day that begins at `start`.
fn resampled(points: &[(f64, f64)], start: f64, slots: f64) -> Vec<f64> {
    let width = DAY / slots;
    let mut middles = Vec::new();
    let mut middle = start + width / 2.0;
    while middle < start + DAY {
        middles.push(interpolated(points, middle));
        middle += width;
    }
    middles
}

fn interpolated(points: &[(f64, f64)], at: f64) -> f64 {
    let after = points.partition_point(|(time, _)| *time < at);
    match (after.checked_sub(1).and_then(|before| points.get(before)), points.get(after)) {
        (Some((t0, v0)), Some((t1, v1))) => v0 + (v1 - v0) * (at - t0) / (t1 - t0),
        (Some((_, value)), None) | (None, Some((_, value))) => *value,
        (None, None) => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days_of(text: &str) -> Result<Days, TraceProblem> {
        let source = Arc::new(Source { name: "t.csv".into(), text: text.into() });
        whole_days(&points(&source)?)
    }

    #[test]
    fn whole_days_are_kept_and_scaled_and_cut_off_ones_dropped() {
        let hour = |n: u32| format!("2020-01-{:02} {:02}:30:00,{}\n", 1 + n / 24, n % 24, 1 + n / 24);
        let text: String = (7..80).map(hour).collect();
        let days = days_of(&format!("timestamp,value\n{text}")).unwrap();
        // Days 2 and 3 are whole; 1 begins at 07:30 and 4 ends at 07:30.
        assert_eq!(days.len(), 2);
        assert!(days.iter().all(|day| day.len() == 24));
        assert!((days[0][12] - 0.8).abs() < 1e-12 && (days[1][12] - 1.2).abs() < 1e-12);
    }

    #[test]
    fn gaps_are_filled_along_a_straight_line() {
        let rows = (0..24)
            .filter(|hour| !(10..14).contains(hour))
            .map(|hour| format!("{}.0,{hour}\n", hour * 3600 + 1800));
        let days = days_of(&format!("timestamp,value\n{}", rows.collect::<String>())).unwrap();
        for (hour, value) in days[0].iter().enumerate() {
            assert!((value - hour as f64 / 11.5).abs() < 1e-9, "{hour}: {value}");
        }
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
        ] {
            let problem = days_of(text).unwrap_err();
            assert!(problem.message.contains(why), "{text:?}: {}", problem.message);
        }
    }
}
