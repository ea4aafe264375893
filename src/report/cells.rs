//! `cells.csv`: one row a cell.

use std::path::Path;

use serde_json::{Map, Value};

use super::ReportError;
use super::columns::{CELL_KEYS, CELLS};
use super::field::Field;
use super::table::{self, Row, Table};
use crate::model::Cause;
use crate::sweep::{CellRow, Estimate, Figures, IncidentKind, Verdict};
use crate::units::Bytes;

/// The cells of a sweep and the names of its further axes.
#[derive(Clone, Debug, PartialEq)]
pub struct CellTable {
    /// Dotted paths of the axes beside host class and percent; as many as each row has values for.
    pub axes: Vec<String>,
    /// The cells, in the order of their numbers.
    pub rows: Vec<CellRow>,
}

impl CellTable {
    /// Names of the columns: the contract's, with the further axes after `data_bytes`.
    pub fn header(&self) -> impl Iterator<Item = &str> {
        let (keys, figures) = CELLS.split_at(CELL_KEYS);
        let keys = keys.iter().map(|column| column.name);
        keys.chain(self.axes.iter().map(String::as_str)).chain(figures.iter().map(|column| column.name))
    }

    /// Writes the table to `path`.
    ///
    /// # Errors
    ///
    /// [`ReportError::Write`].
    pub fn write(&self, path: &Path) -> Result<(), ReportError> {
        table::write(path, self.header(), self.rows.iter().map(fields))
    }

    /// Reads a table that [`CellTable::write`] wrote.
    ///
    /// # Errors
    ///
    /// [`ReportError::Read`], or [`ReportError::Malformed`] with the line.
    pub fn read(path: &Path) -> Result<Self, ReportError> {
        let table = Table::read(path)?;
        let is_axis = |name: &&str| CELLS.iter().all(|column| column.name != *name);
        let axes: Vec<String> = table.header().filter(is_axis).map(str::to_owned).collect();
        let rows = table.rows(path, |row| parse(row, &axes))?;
        Ok(Self { axes, rows })
    }

    /// The values of `row` in the order of the columns.
    pub(super) fn record(row: &CellRow) -> Vec<String> {
        fields(row).iter().map(Field::to_string).collect()
    }

    /// The row of which `record` holds the values, in a table with these further axes.
    pub(super) fn of_record(axes: &[String], record: Vec<String>) -> Result<CellRow, String> {
        let header = Self { axes: axes.to_vec(), rows: Vec::new() };
        parse(&Row::of(&header.header().collect(), &record.into()), axes)
    }

    /// The rows as JSON objects with the columns as names and `null` for what is empty.
    pub fn to_json(&self) -> Value {
        let object = |row| -> Map<String, Value> {
            let values = fields(row).into_iter().map(|field| field.to_json());
            self.header().map(str::to_owned).zip(values).collect()
        };
        self.rows.iter().map(object).collect()
    }
}

fn fields(row: &CellRow) -> Vec<Field> {
    let keys = [
        row.cell.into(),
        row.host_class.as_deref().into(),
        row.ram.into(),
        row.maxmemory_percent.into(),
        row.maxmemory.into(),
        row.data.into(),
    ];
    let axes = row.axes.iter().map(|value| value.as_str().into());
    let length = [row.replications.into(), row.horizon_seconds.into()];
    let fits = (row.verdict != Verdict::DoesNotFit).into();
    let figures = figures(row.figures.as_ref(), fits);
    let verdict = [row.verdict.name().into(), row.reason.as_str().into()];
    let shard = shard_figures(row.figures.as_ref());
    keys.into_iter().chain(axes).chain(length).chain(figures).chain(verdict).chain(shard).collect()
}

/// The columns from `oom_probability` to `evicted_keys_mean`.
fn figures(figures: Option<&Figures>, fits: Field) -> [Field; 23] {
    let number = |value: fn(&Figures) -> f64| Field::from(figures.map(value));
    let bytes = |value: fn(&Figures) -> Bytes| Field::from(figures.map(value));
    let cause = figures.and_then(|figures| figures.main_cause).map(Cause::name);
    [
        number(|f| f.oom_probability.value),
        number(|f| f.oom_probability.low),
        number(|f| f.oom_probability.high),
        number(|f| f.incidents_per_year.value),
        number(|f| f.incidents_per_year.low),
        number(|f| f.incidents_per_year.high),
        number(|f| f.server_kills_per_year),
        number(|f| f.child_kills_per_year),
        number(|f| f.stalls_per_year),
        number(|f| f.save_failures_per_year),
        number(|f| f.forks_per_year),
        cause.into(),
        fits,
        bytes(|f| f.peak_memory_p50),
        bytes(|f| f.peak_memory_p99),
        bytes(|f| f.free_min_p50),
        bytes(|f| f.free_min_p01),
        bytes(|f| f.cow_peak_p50),
        bytes(|f| f.cow_peak_p99),
        number(|f| f.fork_pause_p99_seconds),
        number(|f| f.downtime_seconds_per_year),
        number(|f| f.rejected_writes_mean),
        number(|f| f.evicted_keys_mean),
    ]
}

/// The columns after `reason`.
fn shard_figures(figures: Option<&Figures>) -> [Field; 13] {
    let number = |value: fn(&Figures) -> f64| Field::from(figures.map(value));
    let bytes = |value: fn(&Figures) -> Bytes| Field::from(figures.map(value));
    let incident = figures.and_then(|figures| figures.main_incident).map(IncidentKind::name);
    [
        incident.into(),
        number(|f| f.full_syncs_per_year),
        number(|f| f.syncs_cut_per_year),
        number(|f| f.sync_loops_per_year),
        number(|f| f.failovers_per_year),
        number(|f| f.forks_refused_per_year),
        bytes(|f| f.replica_buffer_peak_p99),
        bytes(|f| f.swap_peak_p99),
        number(|f| f.lost_writes_mean),
        number(|f| f.affected_per_year.value),
        number(|f| f.affected_per_year.low),
        number(|f| f.affected_per_year.high),
        figures.and_then(|figures| figures.incidents_per_up_year).into(),
    ]
}

fn parse(row: &Row, axes: &[String]) -> Result<CellRow, String> {
    let host_class = row.text("host_class")?;
    let axis_values = axes.iter().map(|axis| row.text(axis).map(str::to_owned));
    Ok(CellRow {
        cell: row.value("cell")?,
        host_class: (!host_class.is_empty()).then(|| host_class.to_owned()),
        ram: Bytes(row.value("ram_bytes")?),
        maxmemory_percent: row.optional("maxmemory_percent")?,
        maxmemory: row.optional("maxmemory_bytes")?.map(Bytes),
        data: Bytes(row.value("data_bytes")?),
        axes: axis_values.collect::<Result<_, _>>()?,
        replications: row.value("replications")?,
        horizon_seconds: row.value("horizon_seconds")?,
        figures: parse_figures(row)?,
        verdict: parse_verdict(row)?,
        reason: row.text("reason")?.to_owned(),
    })
}

fn parse_figures(row: &Row) -> Result<Option<Figures>, String> {
    if row.text("oom_probability")?.is_empty() {
        return Ok(None);
    }
    let bytes = |column| row.value(column).map(Bytes);
    // Columns that older tables lack are zero there.
    let rate = |column| row.later(column).map(Option::unwrap_or_default);
    Ok(Some(Figures {
        oom_probability: parse_estimate(row, "oom_probability")?,
        incidents_per_year: parse_estimate(row, "incidents_per_year")?,
        server_kills_per_year: row.value("server_kills_per_year")?,
        child_kills_per_year: row.value("child_kills_per_year")?,
        stalls_per_year: rate("stalls_per_year")?,
        save_failures_per_year: row.value("save_failures_per_year")?,
        forks_per_year: row.value("forks_per_year")?,
        main_cause: parse_named(row, "main_cause", &Cause::ALL, Cause::name)?,
        main_incident: parse_named(row, "main_incident", &IncidentKind::ALL, IncidentKind::name)?,
        peak_memory_p50: bytes("peak_memory_p50_bytes")?,
        peak_memory_p99: bytes("peak_memory_p99_bytes")?,
        free_min_p50: bytes("free_min_p50_bytes")?,
        free_min_p01: bytes("free_min_p01_bytes")?,
        cow_peak_p50: bytes("cow_peak_p50_bytes")?,
        cow_peak_p99: bytes("cow_peak_p99_bytes")?,
        fork_pause_p99_seconds: row.value("fork_pause_p99_seconds")?,
        downtime_seconds_per_year: row.value("downtime_seconds_per_year")?,
        rejected_writes_mean: row.value("rejected_writes_mean")?,
        evicted_keys_mean: row.value("evicted_keys_mean")?,
        full_syncs_per_year: rate("full_syncs_per_year")?,
        syncs_cut_per_year: rate("syncs_cut_per_year")?,
        sync_loops_per_year: rate("sync_loops_per_year")?,
        failovers_per_year: rate("failovers_per_year")?,
        forks_refused_per_year: rate("forks_refused_per_year")?,
        replica_buffer_peak_p99: Bytes(row.later("replica_buffer_peak_p99_bytes")?.unwrap_or_default()),
        swap_peak_p99: Bytes(row.later("swap_peak_p99_bytes")?.unwrap_or_default()),
        lost_writes_mean: rate("lost_writes_mean")?,
        affected_per_year: Estimate {
            value: rate("affected_per_year")?,
            low: rate("affected_per_year_low")?,
            high: rate("affected_per_year_high")?,
        },
        incidents_per_up_year: row.later("incidents_per_up_year")?,
    }))
}

fn parse_estimate(row: &Row, column: &str) -> Result<Estimate, String> {
    Ok(Estimate {
        value: row.value(column)?,
        low: row.value(&format!("{column}_low"))?,
        high: row.value(&format!("{column}_high"))?,
    })
}

/// One of `all` by its name; `None` where the column is empty or, in an older table, missing.
fn parse_named<T: Copy>(
    row: &Row,
    column: &str,
    all: &[T],
    name: fn(T) -> &'static str,
) -> Result<Option<T>, String> {
    let Some(text) = row.later::<String>(column)? else { return Ok(None) };
    let named = all.iter().copied().find(|&value| name(value) == text);
    named.map(Some).ok_or_else(|| format!("`{text}` in column `{column}`"))
}

fn parse_verdict(row: &Row) -> Result<Verdict, String> {
    let name = row.text("verdict")?;
    let all = [Verdict::Safe, Verdict::Risky, Verdict::DoesNotFit, Verdict::Undecided];
    let verdict = all.into_iter().find(|verdict| verdict.name() == name);
    verdict.ok_or_else(|| format!("`{name}` in column `verdict`"))
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    fn written(table: &CellTable) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cells.csv");
        table.write(&path).unwrap();
        (folder, path)
    }

    #[test]
    fn cells_survive_the_way_through_their_file() {
        let mut table =
            samples::cells(&["yandex.hm3-c4-m32", "with,comma \"and quotes\""], &[50.0, 62.5, 90.0]);
        table.axes = vec!["backup.at".into(), "keyspace.sessions.writes-per-second".into()];
        for row in &mut table.rows {
            row.axes = vec!["22:00".into(), "12000".into()];
        }
        table.rows[0].host_class = None;
        table.rows[0].maxmemory = None;
        table.rows[0].maxmemory_percent = None;
        let (_folder, path) = written(&table);
        assert_eq!(CellTable::read(&path).unwrap(), table);
    }

    #[test]
    fn a_sweep_without_cells_is_a_header() {
        let table = CellTable { axes: Vec::new(), rows: Vec::new() };
        let (_folder, path) = written(&table);
        assert_eq!(CellTable::read(&path).unwrap(), table);
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 1);
    }

    #[test]
    fn axes_stand_after_the_data_and_figures_of_what_does_not_fit_are_empty() {
        let mut table = samples::cells(&["yandex.hm3-c4-m32"], &[50.0, 95.0]);
        table.axes = vec!["backup.at".into()];
        for row in &mut table.rows {
            row.axes = vec!["22:00".into()];
        }
        let (_folder, path) = written(&table);
        insta::assert_snapshot!(std::fs::read_to_string(&path).unwrap(), @"
        cell,host_class,ram_bytes,maxmemory_percent,maxmemory_bytes,data_bytes,backup.at,replications,horizon_seconds,oom_probability,oom_probability_low,oom_probability_high,incidents_per_year,incidents_per_year_low,incidents_per_year_high,server_kills_per_year,child_kills_per_year,stalls_per_year,save_failures_per_year,forks_per_year,main_cause,fits,peak_memory_p50_bytes,peak_memory_p99_bytes,free_min_p50_bytes,free_min_p01_bytes,cow_peak_p50_bytes,cow_peak_p99_bytes,fork_pause_p99_seconds,downtime_seconds_per_year,rejected_writes_mean,evicted_keys_mean,verdict,reason,main_incident,full_syncs_per_year,syncs_cut_per_year,sync_loops_per_year,failovers_per_year,forks_refused_per_year,replica_buffer_peak_p99_bytes,swap_peak_p99_bytes,lost_writes_mean,affected_per_year,affected_per_year_low,affected_per_year_high,incidents_per_up_year
        1,yandex.hm3-c4-m32,34359738368,50,17179869184,17179869184,22:00,1000,2592000,0,0,0.0003,0,0,0.0036,0,0,0,0.30000000000000004,365.25,,true,21474836480,32212254720,12884901888,2,3221225472,5368709120,0.5,17.5,0,0.000000001,safe,safe at 50 %,,19,3,1,0.25,0,268435456,0,0.5,0.25,0.125,0.5,0
        2,yandex.hm3-c4-m32,34359738368,95,32641751450,32641751450,22:00,1000,2592000,,,,,,,,,,,,,false,,,,,,,,,,,does-not-fit,does-not-fit at 95 %,,,,,,,,,,,,,
        ");
    }

    #[test]
    fn a_table_from_before_replication_is_read() {
        let (_folder, path) = written(&samples::cells(&["yandex.hm3-c4-m32"], &[50.0]));
        let text = std::fs::read_to_string(&path).unwrap();
        let header = text.find(",main_incident").unwrap();
        let (columns, row) = text.split_once('\n').unwrap();
        let row: Vec<&str> = row.trim_end().split(',').collect();
        let kept = row.len() - (columns.matches(',').count() - columns[..header].matches(',').count());
        std::fs::write(&path, format!("{}\n{}\n", &columns[..header], row[..kept].join(","))).unwrap();
        let figures = CellTable::read(&path).unwrap().rows.remove(0).figures.unwrap();
        assert_eq!((figures.main_incident, figures.sync_loops_per_year.to_bits()), (None, 0));
    }

    #[test]
    fn json_rows_have_the_columns_as_names() {
        let table = samples::cells(&["yandex.hm3-c4-m32"], &[95.0]);
        let json = table.to_json();
        let names: Vec<&str> = json[0].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, table.header().collect::<Vec<_>>());
        assert_eq!(json[0]["fits"], false);
        assert_eq!(json[0]["ram_bytes"], 34_359_738_368_u64);
        assert!(json[0]["oom_probability"].is_null());
    }

    #[test]
    fn an_edited_table_is_refused_with_its_line() {
        let (_folder, path) = written(&samples::cells(&["yandex.hm3-c4-m32"], &[50.0]));
        let text = std::fs::read_to_string(&path).unwrap();
        for (edit, problem) in
            [("safe", "line 2: `harmless` in column `verdict`"), ("ram_bytes", "no column `ram_bytes`")]
        {
            std::fs::write(&path, text.replace(edit, "harmless")).unwrap();
            let error = CellTable::read(&path).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
    }
}
