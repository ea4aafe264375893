//! `replications.csv`: one row a replication.

use std::path::Path;

use super::ReportError;
use super::columns::REPLICATIONS;
use super::field::Field;
use super::table;
use crate::model::{Cause, Outcome, Victim};

/// Writes one row for each (cell, replication, outcome), in the order given.
///
/// # Errors
///
/// [`ReportError::Write`].
pub fn write<'a>(
    path: &Path,
    replications: impl IntoIterator<Item = (usize, u64, &'a Outcome)>,
) -> Result<(), ReportError> {
    let rows =
        replications.into_iter().map(|(cell, replication, outcome)| fields(cell, replication, outcome));
    table::write(path, REPLICATIONS.iter().map(|column| column.name), rows)
}

fn fields(cell: usize, replication: u64, outcome: &Outcome) -> Vec<Field> {
    let first_incident = outcome.first_server_kill.map(|kill| kill.at.as_secs_f64());
    vec![
        cell.into(),
        replication.into(),
        outcome.oom_kills().into(),
        outcome.incidents().into(),
        first_incident.into(),
        outcome.first_kill.map(|kill| kill.cause).map(Cause::name).into(),
        outcome.first_kill.map(|kill| kill.victim).map(Victim::name).into(),
        outcome.peak_memory.into(),
        outcome.free_min.into(),
        outcome.cow_peak.into(),
        outcome.saves.into(),
        outcome.save_failures.into(),
        outcome.downtime.as_secs_f64().into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outcome::Kill;
    use crate::units::{Bytes, SimDuration, SimTime};

    #[test]
    fn a_kill_fills_the_columns_that_are_empty_without_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("replications.csv");
        let quiet = Outcome { saves: 30, free_min: Bytes::gib(2), ..Outcome::default() };
        let at = SimTime::ZERO + SimDuration::DAY;
        let kill = Kill { at, victim: Victim::Server, cause: Cause::AofRewrite };
        let mut killed = Outcome { first_kill: Some(kill), first_server_kill: Some(kill), ..quiet.clone() };
        killed.server_kills[Cause::AofRewrite] = 1;
        write(&path, [(1, 0, &quiet), (1, 1, &killed)]).unwrap();
        insta::assert_snapshot!(std::fs::read_to_string(&path).unwrap(), @r"
        cell,replication,oom_kills,incidents,first_incident_seconds,cause,victim,peak_memory_bytes,free_min_bytes,cow_peak_bytes,saves,save_failures,downtime_seconds
        1,0,0,0,,,,0,2147483648,0,30,0,0
        1,1,1,1,86400,aof-rewrite,server,0,2147483648,0,30,0,0
        ");
    }
}
