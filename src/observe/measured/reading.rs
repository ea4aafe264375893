//! The text of a measurements file, and of a timeline beside it, to rows and time series; every problem at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::columns::{self, Misread};
use super::row::{Row, Timeline};
use crate::scenario::{Code, Diagnostic, Place, Report, Sheet, Source};

/// A timeline of fewer samples says less of a save than its totals.
const FEWEST_SAMPLES: usize = 5;

/// The rows of a measurements file. Columns that are not known are ignored; an empty cell is a figure that was not
/// measured.
///
/// # Errors
///
/// Every problem of the text: a column without which a row says nothing, a cell that cannot be read, two rows of one
/// name.
pub fn rows(source: &Arc<Source>) -> Result<Vec<Row>, Report> {
    let (sheet, mut problems) = Sheet::read(source);
    problems.extend(missing_columns(&sheet));
    let mut rows = Vec::new();
    let mut named: BTreeMap<String, Place> = BTreeMap::new();
    let name_column = sheet.column("run_id");
    for record in sheet.records() {
        let row = row(&sheet, record, &mut problems);
        if let Some(place) = name_column.map(|column| sheet.place(record, column)) {
            match named.get(&row.run_id) {
                _ if row.run_id.is_empty() => problems.push(nameless(&place)),
                Some(first) => problems.push(duplicate(&row.run_id, &place, first)),
                None => drop(named.insert(row.run_id.clone(), place)),
            }
        }
        rows.push(row);
    }
    if problems.is_empty() { Ok(rows) } else { Err(Report::new(problems)) }
}

fn missing_columns(sheet: &Sheet) -> impl Iterator<Item = Diagnostic> {
    let missing = columns::REQUIRED.into_iter().filter(|name| sheet.column(name).is_none());
    missing.map(|name| {
        let message = format!("a measurements file without the column `{name}`");
        let named = sheet.columns().next().is_some();
        let label = if named { format!("no `{name}` among them") } else { "no header".to_owned() };
        Diagnostic::new(Code::MissingColumn, message, &sheet.header_place(), label)
            .because(format!(
                "the first line names the columns, and {} must be there",
                columns::REQUIRED.join(", ")
            ))
            .help("tests/data/measurements/README.md describes every column")
    })
}

fn row(sheet: &Sheet, record: &csv::StringRecord, problems: &mut Vec<Diagnostic>) -> Row {
    let mut row = Row::default();
    for (number, (column, cell)) in sheet.columns().zip(record).enumerate() {
        let filled = columns::slot(&mut row, column).map_or(Ok(()), |slot| slot.fill(cell));
        if let Err(misread) = filled {
            problems.push(unreadable(Code::InvalidCell, column, misread, &sheet.place(record, number)));
        }
    }
    row
}

fn unreadable(code: Code, column: &str, Misread { label, help }: Misread, place: &Place) -> Diagnostic {
    Diagnostic::new(code, format!("a cell of `{column}` that cannot be read"), place, label).help(help)
}

fn nameless(place: &Place) -> Diagnostic {
    Diagnostic::new(Code::InvalidCell, "a row without a name", place, "no run_id")
        .because("errors are told by run_id, and a timeline is found by it")
        .help("give the row a run_id of its own")
}

fn duplicate(run_id: &str, place: &Place, first: &Place) -> Diagnostic {
    Diagnostic::new(Code::DuplicateRun, format!("two rows are called `{run_id}`"), place, "the same again")
        .beside(first, "first here")
        .because("errors are told by run_id, and a timeline is found by it")
        .help("give each row a run_id of its own")
}

/// The time series of `row`, from the fork to the end of its save. `None` where it has no writes or too few samples to
/// say more than the totals do.
///
/// An empty cell is what was last sampled. Progress is the size of the temporary file over `rdb_file_bytes`, or over
/// the column's own maximum where that is not known; it never falls.
///
/// # Errors
///
/// Every problem of the text: no `t_s`, a cell that is no number, time that runs backwards.
pub fn timeline(source: &Arc<Source>, row: &Row) -> Result<Option<Timeline>, Report> {
    let (sheet, mut problems) = Sheet::read(source);
    let Some(seconds) = column(&sheet, "t_s", &mut problems) else {
        let message = format!("a timeline without the column `t_s`, of `{}`", row.run_id);
        let problem =
            Diagnostic::new(Code::InvalidTimeline, message, &sheet.header_place(), "no `t_s` among them");
        problems.push(
            problem
                .help("mend the file, or move it out of `timelines`: its row is then predicted from totals"),
        );
        return Err(Report::new(problems));
    };
    let mut series = |name| column(&sheet, name, &mut problems).unwrap_or_default();
    let (writes, anonymous) = (series("writes_since_fork"), series("anon_bytes"));
    let file = series("rdb_temp_file_bytes");
    problems.extend(backwards(&sheet, &seconds));
    if !problems.is_empty() {
        return Err(Report::new(problems));
    }
    let end = row.save_s.unwrap_or(f64::INFINITY);
    let kept: Vec<usize> = (0..seconds.len())
        .filter(|&sample| seconds[sample].is_some_and(|seconds| (0.0..=end).contains(&seconds)))
        .collect();
    if kept.len() < FEWEST_SAMPLES || writes.iter().all(Option::is_none) {
        return Ok(None);
    }
    let pick = |series: &[f64]| kept.iter().filter_map(|&sample| series.get(sample).copied()).collect();
    let at_fork = row.anon_at_fork_bytes.unwrap_or(0.0);
    Ok(Some(Timeline {
        seconds: pick(&carried(&seconds, 0.0)),
        writes: pick(&rising(&carried(&writes, 0.0))),
        progress: pick(&progress(&file, row)),
        anonymous: if anonymous.iter().all(Option::is_none) {
            Vec::new()
        } else {
            pick(&carried(&anonymous, at_fork))
        },
    }))
}

/// The cells of a column as numbers; `None` where there is no such column.
fn column(sheet: &Sheet, name: &str, problems: &mut Vec<Diagnostic>) -> Option<Vec<Option<f64>>> {
    let number = sheet.column(name)?;
    let cells = sheet.records().iter().map(|record| {
        let cell = record.get(number).filter(|cell| !cell.is_empty())?;
        columns::within(cell, f64::MIN, f64::MAX)
            .map_err(|misread| {
                problems.push(unreadable(Code::InvalidTimeline, name, misread, &sheet.place(record, number)));
            })
            .ok()
    });
    Some(cells.collect())
}

/// Samples earlier than the one before.
fn backwards(sheet: &Sheet, seconds: &[Option<f64>]) -> Vec<Diagnostic> {
    let number = sheet.column("t_s").unwrap_or_default();
    let (mut latest, mut problems) = (f64::NEG_INFINITY, Vec::new());
    for (record, seconds) in sheet.records().iter().zip(seconds) {
        let Some(seconds) = *seconds else { continue };
        if seconds < latest {
            let place = sheet.place(record, number);
            let label = "earlier than the line before";
            problems.push(
                Diagnostic::new(Code::InvalidTimeline, "time runs backwards in a timeline", &place, label)
                    .help("sort the lines by `t_s`"),
            );
        }
        latest = latest.max(seconds);
    }
    problems
}

/// Each cell, or what was last sampled before it; `first` before any sample.
fn carried(cells: &[Option<f64>], first: f64) -> Vec<f64> {
    let known = cells.iter().scan(first, |last, cell| {
        *last = cell.unwrap_or(*last);
        Some(*last)
    });
    known.collect()
}

/// The largest value so far; from zero.
fn rising(values: &[f64]) -> Vec<f64> {
    let highest = values.iter().scan(0.0_f64, |highest, &value| {
        *highest = highest.max(value);
        Some(*highest)
    });
    highest.collect()
}

/// The share of the file that is written; empty where no size was sampled.
fn progress(file: &[Option<f64>], row: &Row) -> Vec<f64> {
    let largest = file.iter().flatten().copied().fold(0.0, f64::max);
    let whole = row.rdb_file_bytes.filter(|&bytes| bytes > 0.0).unwrap_or(largest);
    if largest <= 0.0 {
        return Vec::new();
    }
    rising(&carried(file, 0.0)).into_iter().map(|bytes| (bytes / whole).min(1.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Arc<Source> {
        Arc::new(Source { name: "runs.csv".into(), text: text.into() })
    }

    fn series(text: &str, row: &Row) -> Option<Timeline> {
        timeline(&source(text), row).unwrap()
    }

    #[test]
    fn unknown_columns_are_ignored_and_empty_cells_are_not_measured() {
        let text = "run_id,server,version,op,colour,nkeys,fork_us\na,redis,7.0.15,set,red,100,\n";
        let rows = rows(&source(text)).unwrap();
        assert_eq!((rows.len(), rows[0].nkeys, rows[0].fork_us), (1, Some(100.0), None));
    }

    #[test]
    fn every_problem_of_a_file_is_told_at_once() {
        let text = "run_id,server,op,dist,nkeys\na,redis,set,zipff,many\na,redis,mset,,1\n,redis,set,,1,2\n";
        let report = rows(&source(text)).unwrap_err();
        insta::assert_snapshot!(report.to_string(), @r"
        error[E0023]: a measurements file without the column `version`
         --> runs.csv:1:1
          |
        1 | run_id,server,op,dist,nkeys
          | ^^^^^^^^^^^^^^^^^^^^^^^^^^^ no `version` among them
          |
          = note: the first line names the columns, and run_id, server, version, op must be there
          = help: tests/data/measurements/README.md describes every column

        error[E0024]: a cell of `dist` that cannot be read
         --> runs.csv:2:13
          |
        2 | a,redis,set,zipff,many
          |             ^^^^^ `zipff` is none of those known
          |
          = help: one of uniform, zipf, hotspot

        error[E0024]: a cell of `nkeys` that cannot be read
         --> runs.csv:2:19
          |
        2 | a,redis,set,zipff,many
          |                   ^^^^ no number
          |
          = help: leave a cell empty where nothing was measured

        error[E0025]: two rows are called `a`
         --> runs.csv:3:1
          |
        2 | a,redis,set,zipff,many
          | - first here
        3 | a,redis,mset,,1
          | ^ the same again
          |
          = note: errors are told by run_id, and a timeline is found by it
          = help: give each row a run_id of its own

        error[E0024]: a cell of `op` that cannot be read
         --> runs.csv:3:9
          |
        3 | a,redis,mset,,1
          |         ^^^^ `mset` is none of those known
          |
          = help: one of idle, get, set, setvary, incr, hset, insert, delset, setex

        error[E0024]: a line with 6 cells under a header of 5
         --> runs.csv:4:1
          |
        4 | ,redis,set,,1,2
          | ^^^^^^^^^^^^^^^ 6 cells
          |
          = note: its cells may stand under the wrong columns
          = help: give the line one cell a column, empty where nothing was measured; quote cells that hold a comma
        ");
    }

    #[test]
    fn a_timeline_is_the_save_with_what_was_last_sampled() {
        let text = "t_s,writes_since_fork,anon_bytes,rdb_temp_file_bytes\n\
                    -0.1,-5,1000,\n0,0,,\n1,10,1100,50\n2,,1200,\n3,30,1300,40\n4,40,1400,100\n9,99,9999,100\n";
        let row = Row { save_s: Some(4.0), rdb_file_bytes: Some(200.0), ..Row::default() };
        let timeline = series(text, &row).unwrap();
        assert_eq!(timeline.seconds, [0.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(timeline.writes, [0.0, 10.0, 10.0, 30.0, 40.0]);
        assert_eq!(timeline.progress, [0.0, 0.25, 0.25, 0.25, 0.5]);
        assert_eq!(timeline.anonymous, [1000.0, 1100.0, 1200.0, 1300.0, 1400.0]);
        let unfinished = Row { rdb_file_bytes: Some(0.0), ..row };
        assert_eq!(series(text, &unfinished).unwrap().progress, [0.0, 0.5, 0.5, 0.5, 1.0]);
    }

    #[test]
    fn a_timeline_that_says_too_little_is_none() {
        let few = "t_s,writes_since_fork\n0,0\n1,1\n2,2\n3,3\n";
        let without_writes = "t_s,writes_since_fork\n0,\n1,\n2,\n3,\n4,\n";
        assert_eq!(series(few, &Row::default()), None);
        assert_eq!(series(without_writes, &Row::default()), None);
        assert_eq!(series("t_s\n0\n1\n2\n3\n4\n", &Row::default()), None);
    }

    #[test]
    fn a_broken_timeline_is_an_error() {
        let text = "t_s,writes_since_fork\n1,many\n0,1\n";
        let report = timeline(&source(text), &Row::default()).unwrap_err();
        insta::assert_snapshot!(report.to_string(), @r"
        error[E0026]: a cell of `writes_since_fork` that cannot be read
         --> runs.csv:2:3
          |
        2 | 1,many
          |   ^^^^ no number
          |
          = help: leave a cell empty where nothing was measured

        error[E0026]: time runs backwards in a timeline
         --> runs.csv:3:1
          |
        3 | 0,1
          | ^ earlier than the line before
          |
          = help: sort the lines by `t_s`
        ");
        let report = timeline(&source("seconds\n1\n"), &Row::default()).unwrap_err();
        assert!(report.to_string().contains("without the column `t_s`"), "{report}");
    }
}
