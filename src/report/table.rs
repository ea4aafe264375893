//! CSV tables with a header: writing rows of fields, reading rows by the names of their columns.

use std::io::{self, Write};
use std::path::Path;
use std::str::FromStr;

use super::field::Field;
use super::{ReportError, atomic};

/// Writes a table; each row has as many fields as the header.
pub(super) fn write<'a>(
    path: &Path,
    header: impl IntoIterator<Item = &'a str>,
    rows: impl IntoIterator<Item = Vec<Field>>,
) -> Result<(), ReportError> {
    atomic::write(path, |out| put(out, header, rows))
}

/// The same to any writer.
pub(super) fn put<'a>(
    out: &mut dyn Write,
    header: impl IntoIterator<Item = &'a str>,
    rows: impl IntoIterator<Item = Vec<Field>>,
) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(header)?;
    for row in rows {
        writer.write_record(row.iter().map(Field::to_string))?;
    }
    writer.flush()
}

/// A table in memory.
pub(super) struct Table {
    header: csv::StringRecord,
    records: Vec<csv::StringRecord>,
}

impl Table {
    /// Reads the table at `path`.
    pub(super) fn read(path: &Path) -> Result<Self, ReportError> {
        let text =
            std::fs::read(path).map_err(|source| ReportError::Read { path: path.to_owned(), source })?;
        let mut reader = csv::Reader::from_reader(text.as_slice());
        let read = reader.headers().cloned().and_then(|header| {
            let records = reader.records().collect::<Result<_, _>>()?;
            Ok(Self { header, records })
        });
        read.map_err(|error| malformed(path, error.to_string()))
    }

    /// The names of the columns.
    pub(super) fn header(&self) -> impl Iterator<Item = &str> {
        self.header.iter()
    }

    /// Every row as `parse` reads it; a problem is reported with its line.
    pub(super) fn rows<T>(
        &self,
        path: &Path,
        parse: impl Fn(&Row) -> Result<T, String>,
    ) -> Result<Vec<T>, ReportError> {
        let rows = self.records.iter().map(|record| {
            let row = Row { header: &self.header, record };
            let line = record.position().map_or(0, csv::Position::line);
            parse(&row).map_err(|problem| malformed(path, format!("line {line}: {problem}")))
        });
        rows.collect()
    }
}

fn malformed(path: &Path, problem: String) -> ReportError {
    ReportError::Malformed { path: path.to_owned(), problem }
}

/// One row, its values found by name.
pub(super) struct Row<'a> {
    header: &'a csv::StringRecord,
    record: &'a csv::StringRecord,
}

impl<'a> Row<'a> {
    /// A row outside any file.
    pub(super) fn of(header: &'a csv::StringRecord, record: &'a csv::StringRecord) -> Self {
        Self { header, record }
    }
}

impl Row<'_> {
    /// The text of a column, empty or not.
    pub(super) fn text(&self, column: &str) -> Result<&str, String> {
        let position = self.header.iter().position(|name| name == column);
        let text = position.and_then(|position| self.record.get(position));
        text.ok_or_else(|| format!("no column `{column}`"))
    }

    /// The value of a column, `None` where it is empty.
    pub(super) fn optional<T: FromStr>(&self, column: &str) -> Result<Option<T>, String> {
        let text = self.text(column)?;
        if text.is_empty() {
            return Ok(None);
        }
        let value = text.parse().map_err(|_| format!("`{text}` in column `{column}`"))?;
        Ok(Some(value))
    }

    /// The value of a column that older tables lack, `None` where it is missing or empty.
    pub(super) fn later<T: FromStr>(&self, column: &str) -> Result<Option<T>, String> {
        let is_there = self.header.iter().any(|name| name == column);
        if is_there { self.optional(column) } else { Ok(None) }
    }

    /// The value of a column that is never empty.
    pub(super) fn value<T: FromStr>(&self, column: &str) -> Result<T, String> {
        self.optional(column)?.ok_or_else(|| format!("column `{column}` is empty"))
    }
}
