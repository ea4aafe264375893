//! Past saves from a CSV: the columns of a measurements file, of which a history needs three.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::history::{History, Measure, PastSave};
use crate::scenario::{Code, Diagnostic, Report, Sheet, Source};
use crate::units::Bytes;

/// Columns that may say when a save was, as seconds since 1970; without one the lines are in order of time.
const TIMES: [&str; 2] = ["unix_seconds", "timestamp"];

/// The sizes of a save, what the host lost before what the server reports.
const MEASURES: [Measure; 2] = [Measure::Growth, Measure::Reported];

/// Columns that may name the server of a save: labels of Prometheus, and what fleets and measurements have.
const SERVERS: [&str; 5] = ["instance", "addr", "pod", "cluster", "server"];

/// Reads the history of `server`, or of the only one. A row that is no save that ended well (`outcome` other than `ok`
/// or empty), ran under a `cgroup_limit_bytes`, or has no size, is left out: under a limit only the small ones survive.
///
/// # Errors
///
/// Every problem of the text: a column without which there is no history, a cell that is no number, saves of several
/// servers and none named, or none of the one named.
pub fn history(source: &Arc<Source>, server: Option<&str>) -> Result<History, Report> {
    let (sheet, mut problems) = Sheet::read(source);
    let used = sheet.column("used_memory_bytes");
    let measure = MEASURES.into_iter().find(|measure| sheet.column(measure.column()).is_some());
    let (Some(used), Some(measure)) = (used, measure) else {
        let [growth, reported] = MEASURES.map(Measure::column);
        problems.push(missing(&sheet, used.is_none(), &format!("`{growth}` or `{reported}`")));
        return Err(Report::new(problems));
    };
    let records = of_server(&sheet, server).map_err(|problem| Report::new(vec![*problem]))?;
    let mut numbers = Numbers { sheet: &sheet, problems };
    let mut saves = Vec::new();
    let mut latest = (f64::NEG_INFINITY, Bytes::ZERO);
    for record in records {
        let when = TIMES.iter().find_map(|name| numbers.cell(record, sheet.column(name)));
        let used = numbers.cell(record, Some(used)).filter(|&bytes| bytes > 0.0);
        let seconds = numbers.cell(record, sheet.column("save_s"));
        let copied = numbers.cell(record, sheet.column(measure.column())).filter(|&bytes| bytes > 0.0);
        let Some(used_memory) = used.map(Bytes::from_f64) else { continue };
        let when = when.unwrap_or(latest.0);
        if when >= latest.0 {
            latest = (when, used_memory);
        }
        if let Some(copied) = copied.filter(|_| is_free(&sheet, record)) {
            saves.push((when, PastSave { used_memory, copied, seconds }));
        }
    }
    if !numbers.problems.is_empty() {
        return Err(Report::new(numbers.problems));
    }
    saves.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let saves = saves.into_iter().map(|(_, save)| save).collect();
    Ok(History { saves, measure, used_memory: latest.1 })
}

/// The rows of `server`, or of the only one that the sheet names.
fn of_server<'s>(
    sheet: &'s Sheet,
    server: Option<&str>,
) -> Result<Vec<&'s csv::StringRecord>, Box<Diagnostic>> {
    let problem = |message: String, label: &str, help: String| {
        let problem = Diagnostic::new(Code::InvalidCell, message, &sheet.header_place(), label);
        Err(Box::new(problem.help(help)))
    };
    let Some(column) = SERVERS.iter().find_map(|name| sheet.column(name)) else {
        return match server {
            None => Ok(sheet.records().iter().collect()),
            Some(_) => problem(
                "a server is named, and nothing tells the servers of the saves".to_owned(),
                "no server among them",
                format!("name the column with the servers one of {}", SERVERS.join(", ")),
            ),
        };
    };
    let name = |record: &'s csv::StringRecord| record.get(column).unwrap_or_default();
    let names: BTreeSet<&str> = sheet.records().iter().map(name).collect();
    let listed = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match server {
        None if names.len() > 1 => problem(
            format!("saves of {} servers, which are no history of one: {listed}", names.len()),
            "several servers below",
            "name one with --server".to_owned(),
        ),
        Some(server) if !names.contains(server) => problem(
            format!("there are no saves of the server `{server}`"),
            "none of its saves below",
            format!("there are saves of {listed}"),
        ),
        _ => Ok(sheet
            .records()
            .iter()
            .filter(|record| server.is_none_or(|server| name(record) == server))
            .collect()),
    }
}

/// Whether a save ended well and no limit could have ended it.
fn is_free(sheet: &Sheet, record: &csv::StringRecord) -> bool {
    let cell = |name| sheet.column(name).and_then(|column| record.get(column)).unwrap_or("");
    matches!(cell("outcome"), "" | "ok") && matches!(cell("cgroup_limit_bytes"), "" | "0")
}

/// Cells as numbers, and what is wrong with the others.
struct Numbers<'s> {
    sheet: &'s Sheet,
    problems: Vec<Diagnostic>,
}

impl Numbers<'_> {
    /// A number from 0 on; `None` for an empty cell.
    fn cell(&mut self, record: &csv::StringRecord, column: Option<usize>) -> Option<f64> {
        let column = column?;
        let text = record.get(column).filter(|text| !text.is_empty())?;
        let number = text.parse().ok().filter(|number| (0.0..1e15).contains(number));
        if number.is_none() {
            let name = self.sheet.columns().nth(column).unwrap_or_default();
            let message = format!("a cell of `{name}` that cannot be read");
            let place = self.sheet.place(record, column);
            self.problems.push(
                Diagnostic::new(Code::InvalidCell, message, &place, "no number from 0 on")
                    .help("leave a cell empty where nothing was measured"),
            );
        }
        number
    }
}

fn missing(sheet: &Sheet, is_used: bool, sizes: &str) -> Diagnostic {
    let name = if is_used { "`used_memory_bytes`" } else { sizes };
    let message = format!("a history of saves without the column {name}");
    Diagnostic::new(Code::MissingColumn, message, &sheet.header_place(), format!("no {name} among them"))
        .because(format!("a history needs `used_memory_bytes`, and {sizes}; `save_s` where it was measured"))
        .help("give such a CSV, or INFO texts taken after one save each")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<History, Report> {
        history(&Arc::new(Source { name: "saves.csv".into(), text: text.into() }), None)
    }

    #[test]
    fn rows_are_saves_in_order_of_time() {
        let text = "unix_seconds,used_memory_bytes,save_s,cow_last_reported_bytes\n\
                    300,1000,4,30\n100,900,3,10\n200,950,,20\n";
        let history = read(text).unwrap();
        let copied: Vec<f64> = history.saves.iter().map(|save| save.copied).collect();
        assert_eq!(copied, [10.0, 20.0, 30.0]);
        assert_eq!((history.used_memory, history.measure), (Bytes(1000), Measure::Reported));
        assert_eq!(history.saves[1].seconds, None);
    }

    #[test]
    fn saves_that_failed_or_had_a_limit_are_no_history() {
        let text = "used_memory_bytes,anon_growth_peak_bytes,outcome,cgroup_limit_bytes\n\
                    1000,10,ok,\n1000,20,child_oom,5000\n1000,30,ok,5000\n2000,40,,\n1000,0,ok,\n";
        let history = read(text).unwrap();
        assert_eq!(history.saves.len(), 2);
        assert_eq!(history.used_memory, Bytes(1000));
    }

    #[test]
    fn saves_of_several_servers_are_not_pooled() {
        let text = "instance,used_memory_bytes,cow_last_reported_bytes\na,1000,10\nb,9000,90\na,1000,20\n";
        let report = read(text).unwrap_err().to_string();
        assert!(report.contains("saves of 2 servers") && report.contains("`a`, `b`"), "{report}");
        let source = Arc::new(Source { name: "saves.csv".into(), text: text.into() });
        let of = |server| history(&source, Some(server));
        assert_eq!((of("a").unwrap().saves.len(), of("b").unwrap().used_memory), (2, Bytes(9000)));
        assert!(of("c").unwrap_err().to_string().contains("no saves of the server `c`"));
    }

    #[test]
    fn what_cannot_be_read_is_pointed_at() {
        let report = read("used_memory_bytes,save_s\n1,2\n").unwrap_err();
        assert!(report.to_string().contains("without the column `anon_growth_peak_bytes` or"), "{report}");
        let report = read("used_memory_bytes,cow_last_reported_bytes\nmany,2\n").unwrap_err();
        assert!(report.to_string().contains("saves.csv:2:1"), "{report}");
    }
}
