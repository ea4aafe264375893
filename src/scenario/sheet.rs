//! A CSV text whose cells know their place, so that a problem can point at one.

use std::ops::Range;
use std::sync::Arc;

use super::code::Code;
use super::diagnostic::Diagnostic;
use super::source::{Place, Source};

/// A table with a header.
pub struct Sheet {
    source: Arc<Source>,
    header: csv::StringRecord,
    records: Vec<csv::StringRecord>,
}

impl Sheet {
    /// Reads the table of `source`, and every line that has another number of cells than the header as a problem.
    pub fn read(source: &Arc<Source>) -> (Self, Vec<Diagnostic>) {
        let mut reader =
            csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(source.text.as_bytes());
        let header = reader.headers().cloned().unwrap_or_default();
        // The text is valid UTF-8 and the reader flexible: no record can fail.
        let records: Vec<_> = reader.records().filter_map(Result::ok).collect();
        let sheet = Self { source: Arc::clone(source), header, records };
        let (even, uneven) = sheet.records.iter().partition::<Vec<_>, _>(|record| sheet.is_even(record));
        let problems = uneven.into_iter().map(|record| sheet.unevenness(record)).collect();
        let records = even.into_iter().cloned().collect();
        (Self { records, ..sheet }, problems)
    }

    /// The names of the columns.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.header.iter()
    }

    /// Which column is called `name`.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns().position(|column| column == name)
    }

    /// The records, each with a cell a column.
    pub fn records(&self) -> &[csv::StringRecord] {
        &self.records
    }

    /// Where the names of the columns stand.
    pub fn header_place(&self) -> Place {
        self.line(0)
    }

    /// Where the cell of `record` in the column of that number stands.
    pub fn place(&self, record: &csv::StringRecord, column: usize) -> Place {
        let cells = cells(&self.source.text, start(record));
        let end = cells.last().map_or(0, |cell| cell.end);
        Place::new(&self.source, cells.get(column).cloned().unwrap_or(end..end))
    }

    fn is_even(&self, record: &csv::StringRecord) -> bool {
        record.len() == self.header.len()
    }

    fn unevenness(&self, record: &csv::StringRecord) -> Diagnostic {
        let (found, expected) = (record.len(), self.header.len());
        let message = format!("a line with {found} cells under a header of {expected}");
        Diagnostic::new(Code::InvalidCell, message, &self.line(start(record)), format!("{found} cells"))
            .because("its cells may stand under the wrong columns")
            .help("give the line one cell a column, empty where nothing was measured; quote cells that hold a comma")
    }

    fn line(&self, start: usize) -> Place {
        let cells = cells(&self.source.text, start);
        let span = cells.first().map_or(0, |cell| cell.start)..cells.last().map_or(0, |cell| cell.end);
        Place::new(&self.source, span)
    }
}

/// The byte at which a record starts, or the line ends before it.
fn start(record: &csv::StringRecord) -> usize {
    record.position().map_or(0, |position| usize::try_from(position.byte()).unwrap_or(0))
}

/// Where the cells of the record behind byte `start` stand, quotes included.
fn cells(text: &str, start: usize) -> Vec<Range<usize>> {
    let rest = text.get(start..).unwrap_or_default();
    let first = text.len() - rest.trim_start_matches(['\n', '\r', '\u{feff}']).len();
    let (mut cells, mut from, mut is_quoted) = (Vec::new(), first, false);
    let mut end = text.len();
    for (at, byte) in text.bytes().enumerate().skip(first) {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b',' if !is_quoted => {
                cells.push(from..at);
                from = at + 1;
            }
            b'\n' | b'\r' if !is_quoted => {
                end = at;
                break;
            }
            _ => {}
        }
    }
    cells.push(from..end);
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(text: &str) -> (Sheet, Vec<Diagnostic>) {
        Sheet::read(&Arc::new(Source { name: "runs.csv".into(), text: text.into() }))
    }

    #[test]
    fn cells_know_their_place_behind_quotes_and_empty_lines() {
        let (sheet, problems) = sheet("a,b\r\n\r\n\"x, y\",7\r\n");
        assert_eq!(problems, []);
        let place = sheet.place(&sheet.records()[0], sheet.column("b").unwrap());
        assert_eq!((place.text(), place.line_column()), ("7", (3, 8)));
        assert_eq!(sheet.header_place().text(), "a,b");
    }

    #[test]
    fn a_line_of_another_length_is_a_problem_and_no_record() {
        let (sheet, problems) = sheet("a,b\n1\n1,2,3\n1,2\n");
        assert_eq!((sheet.records().len(), problems.len()), (1, 2));
        assert_eq!(problems[0].message, "a line with 1 cells under a header of 2");
    }

    #[test]
    fn an_empty_text_has_no_columns() {
        assert_eq!(sheet("").0.columns().count(), 0);
    }
}
