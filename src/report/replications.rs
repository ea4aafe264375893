//! `replications.csv`: one row a replication.

use std::path::Path;

use super::ReportError;
use super::columns::REPLICATIONS;
use super::field::Field;
use super::table::{self, Row, Table};
use crate::model::{Cause, Outcome, Victim};
use crate::units::Bytes;

/// One row of `replications.csv`.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicationRow {
    /// Number of the cell, from 1.
    pub cell: usize,
    /// Number of the replication, from 0; the same number meets the same weather in every cell.
    pub replication: u64,
    /// Kills by the OOM killer, of server or child.
    pub oom_kills: u32,
    /// Incidents.
    pub incidents: u32,
    /// When the server was killed first \[s\]; `None` where it was not.
    pub first_incident_seconds: Option<f64>,
    /// What had forked at the first kill.
    pub cause: Option<String>,
    /// Whom the first kill took.
    pub victim: Option<String>,
    /// The most memory in use.
    pub peak_memory: Bytes,
    /// The least memory free.
    pub free_min: Bytes,
    /// The most pages copied in one fork.
    pub cow_peak: Bytes,
    /// Saves that ended well.
    pub saves: u32,
    /// Saves that did not.
    pub save_failures: u32,
    /// Time in which writes were not served \[s\].
    pub downtime_seconds: f64,
}

impl ReplicationRow {
    /// The row of an outcome.
    #[must_use]
    pub fn new(cell: usize, replication: u64, outcome: &Outcome) -> Self {
        Self {
            cell,
            replication,
            oom_kills: outcome.oom_kills(),
            incidents: outcome.incidents(),
            first_incident_seconds: outcome.first_server_kill.map(|kill| kill.at.as_secs_f64()),
            cause: outcome.first_kill.map(|kill| kill.cause).map(Cause::name).map(str::to_owned),
            victim: outcome.first_kill.map(|kill| kill.victim).map(Victim::name).map(str::to_owned),
            peak_memory: outcome.peak_memory,
            free_min: outcome.free_min,
            cow_peak: outcome.cow_peak,
            saves: outcome.saves,
            save_failures: outcome.save_failures,
            downtime_seconds: outcome.downtime.as_secs_f64(),
        }
    }

    /// The values in the order of the columns.
    pub(super) fn record(&self) -> Vec<String> {
        fields(self).iter().map(Field::to_string).collect()
    }

    /// The row of which `record` holds the values.
    pub(super) fn of_record(record: Vec<String>) -> Result<Self, String> {
        parse(&Row::of(&header().collect(), &record.into()))
    }
}

fn header() -> impl Iterator<Item = &'static str> {
    REPLICATIONS.iter().map(|column| column.name)
}

/// Writes the rows in the order given.
///
/// # Errors
///
/// [`ReportError::Write`].
pub fn write<'a>(
    path: &Path,
    replications: impl IntoIterator<Item = &'a ReplicationRow>,
) -> Result<(), ReportError> {
    table::write(path, header(), replications.into_iter().map(fields))
}

/// Reads a table that [`write()`] wrote.
///
/// # Errors
///
/// [`ReportError::Read`], or [`ReportError::Malformed`] with the line.
pub fn read(path: &Path) -> Result<Vec<ReplicationRow>, ReportError> {
    Table::read(path)?.rows(path, parse)
}

fn fields(row: &ReplicationRow) -> Vec<Field> {
    vec![
        row.cell.into(),
        row.replication.into(),
        row.oom_kills.into(),
        row.incidents.into(),
        row.first_incident_seconds.into(),
        row.cause.as_deref().into(),
        row.victim.as_deref().into(),
        row.peak_memory.into(),
        row.free_min.into(),
        row.cow_peak.into(),
        row.saves.into(),
        row.save_failures.into(),
        row.downtime_seconds.into(),
    ]
}

fn parse(row: &Row) -> Result<ReplicationRow, String> {
    let bytes = |column| row.value(column).map(Bytes);
    Ok(ReplicationRow {
        cell: row.value("cell")?,
        replication: row.value("replication")?,
        oom_kills: row.value("oom_kills")?,
        incidents: row.value("incidents")?,
        first_incident_seconds: row.optional("first_incident_seconds")?,
        cause: row.optional("cause")?,
        victim: row.optional("victim")?,
        peak_memory: bytes("peak_memory_bytes")?,
        free_min: bytes("free_min_bytes")?,
        cow_peak: bytes("cow_peak_bytes")?,
        saves: row.value("saves")?,
        save_failures: row.value("save_failures")?,
        downtime_seconds: row.value("downtime_seconds")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outcome::Kill;
    use crate::units::{SimDuration, SimTime};

    #[test]
    fn a_kill_fills_the_columns_that_are_empty_without_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("replications.csv");
        let quiet = Outcome { saves: 30, free_min: Bytes::gib(2), ..Outcome::default() };
        let at = SimTime::ZERO + SimDuration::DAY;
        let kill = Kill { at, victim: Victim::Server, cause: Cause::AofRewrite };
        let mut killed = Outcome { first_kill: Some(kill), first_server_kill: Some(kill), ..quiet.clone() };
        killed.server_kills[Cause::AofRewrite] = 1;
        let rows = [ReplicationRow::new(1, 0, &quiet), ReplicationRow::new(1, 1, &killed)];
        write(&path, &rows).unwrap();
        assert_eq!(read(&path).unwrap(), rows);
        assert_eq!(ReplicationRow::of_record(rows[1].record()).unwrap(), rows[1]);
        insta::assert_snapshot!(std::fs::read_to_string(&path).unwrap(), @r"
        cell,replication,oom_kills,incidents,first_incident_seconds,cause,victim,peak_memory_bytes,free_min_bytes,cow_peak_bytes,saves,save_failures,downtime_seconds
        1,0,0,0,,,,0,2147483648,0,30,0,0
        1,1,1,1,86400,aof-rewrite,server,0,2147483648,0,30,0,0
        ");
    }
}
