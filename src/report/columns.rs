//! Every column of the tables that are written: its name, unit and meaning, in one place.
//!
//! The names and their order are a contract with scripts outside this repository.

use serde::Serialize;

/// A column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its name in the header.
    pub name: &'static str,
    /// Its unit, or the kind of value.
    pub unit: &'static str,
    /// What it says, in a sentence.
    pub meaning: &'static str,
}

const fn column(name: &'static str, unit: &'static str, meaning: &'static str) -> Column {
    Column { name, unit, meaning }
}

/// Columns of `cells.csv`; the scenario's further axes stand after the first [`CELL_KEYS`] of them.
pub const CELLS: [Column; 46] = [
    column("cell", "count", "Number of the cell, from 1, in the order of the axes."),
    column(
        "host_class",
        "name",
        "Class of the host, provider.class; empty where the scenario gives the RAM itself.",
    ),
    column(
        "ram_bytes",
        "bytes",
        "RAM of the host, as the kernel counts it (MemTotal); the limit of the container where there is one.",
    ),
    column(
        "maxmemory_percent",
        "%",
        "maxmemory of all servers of the host together, in per cent of ram_bytes (of the provider's own limit where it publishes one); empty where it is not given as a share.",
    ),
    column("maxmemory_bytes", "bytes", "maxmemory of one server; empty for no limit."),
    column("data_bytes", "bytes", "used_memory of one server at time 0, at the likely values of the inputs."),
    column("replications", "count", "Replications simulated."),
    column("horizon_seconds", "s", "Length of a replication."),
    column(
        "oom_probability",
        "probability",
        "Chance of at least one OOM kill, of server or child, within the horizon, over all that the scenario leaves uncertain; on any host of the shard.",
    ),
    column(
        "oom_probability_low",
        "probability",
        "Lower bound of oom_probability at the scenario's confidence: the error of the simulation alone.",
    ),
    column(
        "oom_probability_high",
        "probability",
        "Upper bound of oom_probability at the scenario's confidence: the error of the simulation alone.",
    ),
    column(
        "incidents_per_year",
        "1/year",
        "Incidents a year: a server killed, a stall over 10 s, or three full syncs in a row cut short; of all servers that are simulated together: the primary, its replicas and its neighbours.",
    ),
    column(
        "incidents_per_year_low",
        "1/year",
        "Lower bound of incidents_per_year at the scenario's confidence; it holds where incidents come in clusters.",
    ),
    column(
        "incidents_per_year_high",
        "1/year",
        "Upper bound of incidents_per_year at the scenario's confidence; it holds where incidents come in clusters.",
    ),
    column(
        "server_kills_per_year",
        "1/year",
        "Kills of a server by the OOM killer; of primary, replicas and neighbours together.",
    ),
    column(
        "child_kills_per_year",
        "1/year",
        "Kills of a saving child by the OOM killer: a failed save, not an incident; of all servers together.",
    ),
    column(
        "stalls_per_year",
        "1/year",
        "Stalls over 10 s that ended without a kill of the server: memory had run out and nobody got on; of all hosts together.",
    ),
    column(
        "save_failures_per_year",
        "1/year",
        "Saves and rewrites that did not end well, such as a child killed or a fork refused; of all servers together.",
    ),
    column("forks_per_year", "1/year", "Forks, whatever caused them; of all servers together."),
    column(
        "main_cause",
        "name",
        "What had forked in most incidents, or else when most children were killed and forks refused: backup, save-point, aof-rewrite, full-sync or growth; empty where nothing went wrong.",
    ),
    column(
        "fits",
        "true or false",
        "Whether the data fits under maxmemory, and RAM, or the limit, holds the server full to it with no child alive.",
    ),
    column(
        "peak_memory_p50_bytes",
        "bytes",
        "Most memory in use in a replication, without what the kernel can drop, on the host where that is worst: median over replications.",
    ),
    column("peak_memory_p99_bytes", "bytes", "The same, 99th percentile."),
    column(
        "free_min_p50_bytes",
        "bytes",
        "Least memory free or droppable in a replication, on the host where that is worst: median over replications.",
    ),
    column("free_min_p01_bytes", "bytes", "The same, first percentile."),
    column(
        "cow_peak_p50_bytes",
        "bytes",
        "Most memory copied on write at any time of a fork in a replication, on the host where that is worst: median over replications.",
    ),
    column("cow_peak_p99_bytes", "bytes", "The same, 99th percentile."),
    column(
        "fork_pause_p99_seconds",
        "s",
        "Longest that a fork held a server in a replication: 99th percentile over replications.",
    ),
    column(
        "downtime_seconds_per_year",
        "s/year",
        "Time in which writes were not served: the primary down, or stalled.",
    ),
    column(
        "rejected_writes_mean",
        "count",
        "Writes refused in a replication, at maxmemory or after a failed save (MISCONF): mean.",
    ),
    column("evicted_keys_mean", "count", "Keys evicted in a replication, mean."),
    column(
        "verdict",
        "name",
        "safe (affected_per_year_high is within the budget), risky (affected_per_year_low is above it), undecided (neither) or does-not-fit.",
    ),
    column("reason", "text", "The verdict's reason, in words."),
    column(
        "main_incident",
        "name",
        "What most incidents of main_cause were: kill, stall or sync-loop; empty where it led to none.",
    ),
    column("full_syncs_per_year", "1/year", "Forks for full syncs; one may serve several replicas."),
    column(
        "syncs_cut_per_year",
        "1/year",
        "Full syncs cut short: the replica dropped at its buffer limit, or the child killed or refused.",
    ),
    column("sync_loops_per_year", "1/year", "Times that three full syncs in a row were cut short."),
    column("failovers_per_year", "1/year", "Replicas promoted after the death of their primary."),
    column("forks_refused_per_year", "1/year", "Forks that vm.overcommit_memory refused: failed saves."),
    column(
        "replica_buffer_peak_p99_bytes",
        "bytes",
        "Most that waited for replicas in a replication, beyond the backlog: 99th percentile over replications.",
    ),
    column(
        "swap_peak_p99_bytes",
        "bytes",
        "Most that was swapped out in a replication, on the host where that is worst: 99th percentile over replications.",
    ),
    column(
        "lost_writes_mean",
        "count",
        "Writes acknowledged and lost with a killed server in a replication: since its last durable point, mean.",
    ),
    column(
        "affected_per_year",
        "1/year",
        "Replications with at least one incident, a year of simulation, however many incidents follow in them: what the budget counts.",
    ),
    column(
        "affected_per_year_low",
        "1/year",
        "Lower bound of affected_per_year; it holds at the scenario's confidence by itself.",
    ),
    column(
        "affected_per_year_high",
        "1/year",
        "Upper bound of affected_per_year; it holds at the scenario's confidence by itself.",
    ),
    column(
        "incidents_per_up_year",
        "1/year",
        "Incidents over the years in which the primary served, the simulated years less the downtime; incidents_per_year is over all of them. Empty where it never served.",
    ),
];

/// How many columns of [`CELLS`] stand before the further axes.
pub const CELL_KEYS: usize = 6;

/// Columns of `replications.csv`.
pub const REPLICATIONS: [Column; 13] = [
    column("cell", "count", "The cell of cells.csv."),
    column(
        "replication",
        "count",
        "Number of the replication, from 0; with the seed it names one weather, the same in every cell.",
    ),
    column("oom_kills", "count", "OOM kills, of server or child; of all servers together."),
    column(
        "incidents",
        "count",
        "Incidents: kills of a server, stalls over 10 s, and full syncs cut short three times in a row.",
    ),
    column("first_incident_seconds", "s", "Time of the first kill of a server; empty where there is none."),
    column("cause", "name", "What had forked at the first OOM kill; empty where there is none."),
    column("victim", "name", "Whom the first OOM kill took: server or child."),
    column(
        "peak_memory_bytes",
        "bytes",
        "Most memory in use, without what the kernel can drop, on the host where that is worst.",
    ),
    column("free_min_bytes", "bytes", "Least memory free or droppable, on the host where that is worst."),
    column(
        "cow_peak_bytes",
        "bytes",
        "Most memory copied on write at any time of a fork, on the host where that is worst.",
    ),
    column("saves", "count", "Saves and rewrites that ended well; of all servers together."),
    column("save_failures", "count", "Saves and rewrites that did not."),
    column("downtime_seconds", "s", "Time in which writes were not served: the primary down, or stalled."),
];

/// Columns of `trace/timeline.csv`, the first primary's host, and of `trace/timeline-2.csv` and so on, the other hosts
/// of its shard.
pub const TIMELINE: [Column; 13] = [
    column("seconds", "s", "Time since the start of the replication, Monday 00:00 UTC."),
    column("reserved_bytes", "bytes", "What the kernel and other processes use."),
    column(
        "resident_bytes",
        "bytes",
        "Resident set of the servers: data, fragmentation and overheads; a snapshot that an orphaned child still holds.",
    ),
    column("cow_bytes", "bytes", "Pages copied on write since the fork that the child has not given back."),
    column("page_tables_bytes", "bytes", "Page tables of servers and children."),
    column(
        "buffers_bytes",
        "bytes",
        "Buffers of clients, what waits for replicas beyond the backlog, what a loading replica holds back, and the child's own memory.",
    ),
    column("backlog_bytes", "bytes", "Replication backlog."),
    column("aof_buffer_bytes", "bytes", "What waits to be written to the append-only file."),
    column("pinned_cache_bytes", "bytes", "Page cache that cannot be dropped: dirty or under writeback."),
    column(
        "cache_bytes",
        "bytes",
        "Page cache that can be dropped, and halves of huge pages that a save has split.",
    ),
    column("swap_bytes", "bytes", "Memory moved to swap; not part of RAM."),
    column("free_bytes", "bytes", "Free memory."),
    column("writes_per_second", "1/s", "Write rate; zero while no server of the host accepts any."),
];

/// Columns of `trace/events.csv`.
pub const EVENTS: [Column; 6] = [
    column("seconds", "s", "Time since the start of the replication, Monday 00:00 UTC."),
    column(
        "event",
        "name",
        "What happened: fork, save-done, stall-began, server-killed, replica-dropped, promoted, loaded and so on.",
    ),
    column(
        "cause",
        "name",
        "What forked: backup, save-point, aof-rewrite, full-sync or growth; empty where nothing did.",
    ),
    column("detail", "text", "The figures of the moment, in words."),
    column("host", "count", "Number of the host, from 1: the first primary's, then the replicas'."),
    column("server", "count", "Number of the server on its host, from 1."),
];

/// Columns of `predictions.csv`, which `forkcast validate` writes.
pub const PREDICTIONS: [Column; 22] = [
    column("run_id", "name", "Name of the measured save."),
    column(
        "load",
        "name",
        "Kind of load: set (values up to 1 KiB), in-place (INCR, HSET), reading (GET, idle), page (values up to 4 KiB), large (beyond), moving (changing sizes, new keys, deletions, evictions, expiry, a fragmented heap), full-sync.",
    ),
    column("series", "name", "What the save belongs to."),
    column("op", "name", "What the load did."),
    column("value_bytes", "bytes", "Length of a value."),
    column("timeline", "true or false", "Whether load and progress came from a timeline."),
    column(
        "measured_bytes",
        "bytes",
        "Largest growth of anonymous memory of server and child; empty where the save was killed.",
    ),
    column("predicted_bytes", "bytes", "The same, as the laws say; empty where they say nothing."),
    column(
        "error",
        "ratio",
        "predicted / measured - 1; the difference over 100 MiB where less than 16 MiB were measured.",
    ),
    column("reported_measured_bytes", "bytes", "What the server reported as its last copy-on-write size."),
    column("reported_predicted_bytes", "bytes", "The same, as the laws say."),
    column("reported_error", "ratio", "The error of it."),
    column(
        "curve_rms",
        "ratio",
        "Root mean square distance of the curves of growth over time, relative to the measured maximum.",
    ),
    column("fork_us", "us", "Measured pause of the fork."),
    column("fork_us_low", "us", "Lower end of the interval predicted for it."),
    column("fork_us_high", "us", "Upper end of the interval predicted for it."),
    column("measured_outcome", "name", "What became of the save, where it is judged by that."),
    column("predicted_outcome", "name", "The same, as the laws say."),
    column("peak_memory_bytes", "bytes", "Memory asked for at the peak under a limit, as the laws say."),
    column("limit_bytes", "bytes", "The limit of the server's control group."),
    column(
        "layout",
        "text",
        "Whether saves of the engine were measured for its layout profile, or the layout was read, not measured.",
    ),
    column("skipped", "text", "Why no target of the save is predicted."),
];

/// The tables that are written, by file, with their columns.
pub const TABLES: [(&str, &[Column]); 5] = [
    ("cells.csv", &CELLS),
    ("replications.csv", &REPLICATIONS),
    ("trace/timeline.csv", &TIMELINE),
    ("trace/events.csv", &EVENTS),
    ("predictions.csv", &PREDICTIONS),
];

/// The table that `file` of a run folder is, with its columns.
pub fn of_file(file: &str) -> Option<&'static [Column]> {
    let is_timeline = file.starts_with("trace/timeline-");
    let name = if is_timeline { "trace/timeline.csv" } else { file };
    TABLES.into_iter().find(|(table, _)| *table == name).map(|(_, columns)| columns)
}

/// Each column called `name`, with the file that it is in.
pub fn named(name: &str) -> impl Iterator<Item = (&'static str, &'static Column)> {
    let columns = TABLES.into_iter().flat_map(|(file, table)| table.iter().map(move |column| (file, column)));
    columns.filter(move |(_, column)| column.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(table: &[Column]) -> String {
        table.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn the_columns_are_those_of_the_contract() {
        assert_eq!(
            names(&CELLS[..CELL_KEYS]),
            "cell, host_class, ram_bytes, maxmemory_percent, maxmemory_bytes, data_bytes"
        );
        assert_eq!(
            names(&CELLS[CELL_KEYS..]),
            "replications, horizon_seconds, oom_probability, oom_probability_low, oom_probability_high, \
             incidents_per_year, incidents_per_year_low, incidents_per_year_high, server_kills_per_year, \
             child_kills_per_year, stalls_per_year, save_failures_per_year, forks_per_year, main_cause, fits, \
             peak_memory_p50_bytes, peak_memory_p99_bytes, free_min_p50_bytes, free_min_p01_bytes, \
             cow_peak_p50_bytes, cow_peak_p99_bytes, fork_pause_p99_seconds, downtime_seconds_per_year, \
             rejected_writes_mean, evicted_keys_mean, verdict, reason, main_incident, full_syncs_per_year, \
             syncs_cut_per_year, sync_loops_per_year, failovers_per_year, forks_refused_per_year, \
             replica_buffer_peak_p99_bytes, swap_peak_p99_bytes, lost_writes_mean, affected_per_year, \
             affected_per_year_low, affected_per_year_high, incidents_per_up_year"
        );
        assert_eq!(
            names(&REPLICATIONS),
            "cell, replication, oom_kills, incidents, first_incident_seconds, cause, victim, \
             peak_memory_bytes, free_min_bytes, cow_peak_bytes, saves, save_failures, downtime_seconds"
        );
        assert_eq!(
            names(&TIMELINE),
            "seconds, reserved_bytes, resident_bytes, cow_bytes, page_tables_bytes, buffers_bytes, \
             backlog_bytes, aof_buffer_bytes, pinned_cache_bytes, cache_bytes, swap_bytes, free_bytes, \
             writes_per_second"
        );
        assert_eq!(names(&EVENTS), "seconds, event, cause, detail, host, server");
    }

    #[test]
    fn a_column_is_found_in_every_table_that_has_it() {
        let files: Vec<_> = named("cow_peak_bytes").chain(named("seconds")).map(|(file, _)| file).collect();
        assert_eq!(files, ["replications.csv", "trace/timeline.csv", "trace/events.csv"]);
        assert_eq!(named("nonsense").count(), 0);
    }
}
