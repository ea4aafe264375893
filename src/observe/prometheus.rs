//! What Prometheus keeps of a fleet, back to INFO texts: the range-query API's JSON of `redis_exporter` metrics.
//!
//! The exporter gives most fields of INFO a name and leaves their values alone, so a moment of a server's series is an
//! INFO text again, and all that reads INFO reads it. Owns the names and the JSON; leaves fetching to `cli`.
//!
//! Sources: the response format, <https://prometheus.io/docs/prometheus/latest/querying/api/#range-queries>; the names,
//! `metricMapGauges` and `metricDescriptions` in `exporter/exporter.go` of
//! <https://github.com/oliver006/redis_exporter>.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

/// Metrics without labels of their own, and the fields of INFO that they are.
const FIELDS: [(&str, &str); 32] = [
    ("redis_uptime_in_seconds", "uptime_in_seconds"),
    ("redis_loading_dump_file", "loading"),
    ("redis_memory_used_bytes", "used_memory"),
    ("redis_memory_used_rss_bytes", "used_memory_rss"),
    ("redis_memory_used_peak_bytes", "used_memory_peak"),
    ("redis_memory_used_startup_bytes", "used_memory_startup"),
    ("redis_memory_used_scripts_bytes", "used_memory_scripts"),
    ("redis_memory_max_bytes", "maxmemory"),
    ("redis_total_system_memory_bytes", "total_system_memory"),
    ("redis_allocator_resident_bytes", "allocator_resident"),
    ("redis_mem_clients_normal", "mem_clients_normal"),
    ("redis_mem_clients_slaves", "mem_clients_slaves"),
    ("redis_rdb_changes_since_last_save", "rdb_changes_since_last_save"),
    ("redis_rdb_bgsave_in_progress", "rdb_bgsave_in_progress"),
    ("redis_rdb_last_bgsave_status", "rdb_last_bgsave_status"),
    ("redis_rdb_last_save_timestamp_seconds", "rdb_last_save_time"),
    ("redis_rdb_last_bgsave_duration_sec", "rdb_last_bgsave_time_sec"),
    ("redis_rdb_current_bgsave_duration_sec", "rdb_current_bgsave_time_sec"),
    ("redis_rdb_last_cow_size_bytes", "rdb_last_cow_size"),
    ("redis_aof_enabled", "aof_enabled"),
    ("redis_aof_last_rewrite_duration_sec", "aof_last_rewrite_time_sec"),
    ("redis_aof_last_cow_size_bytes", "aof_last_cow_size"),
    ("redis_aof_buffer_length", "aof_buffer_length"),
    ("redis_latest_fork_usec", "latest_fork_usec"),
    ("redis_connected_slaves", "connected_slaves"),
    ("redis_replication_backlog_bytes", "repl_backlog_size"),
    ("redis_repl_backlog_is_active", "repl_backlog_active"),
    ("redis_repl_backlog_history_bytes", "repl_backlog_histlen"),
    ("redis_master_repl_offset", "master_repl_offset"),
    ("redis_replica_resyncs_full", "sync_full"),
    ("redis_replica_partial_resync_accepted", "sync_partial_ok"),
    ("redis_replica_partial_resync_denied", "sync_partial_err"),
];

/// Metrics whose labels tell what they are: calls by `cmd`, keys by `db`, and who the server is.
const LABELLED: [&str; 5] = [
    "redis_commands_total",
    "redis_db_keys",
    "redis_db_keys_expiring",
    "redis_db_avg_ttl_seconds",
    "redis_instance_info",
];

/// Without these there is no INFO.
const REQUIRED: [&str; 4] = [
    "redis_instance_info",
    "redis_uptime_in_seconds",
    "redis_memory_used_bytes",
    "redis_memory_used_rss_bytes",
];

/// Labels that tell servers apart: what one exporter was told of several, else what Prometheus scraped.
const SERVER_LABELS: [&str; 3] = ["addr", "instance", "pod"];

/// Labels of `redis_instance_info`, and the fields of INFO that they are.
const IDENTITY: [(&str, &str); 5] = [
    ("redis_version", "redis_version"),
    ("role", "role"),
    ("os", "os"),
    ("run_id", "run_id"),
    ("maxmemory_policy", "maxmemory_policy"),
];

/// Why a document says nothing of servers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrometheusError {
    /// It is not JSON, or not in the form of the API.
    #[error(
        "not an answer of the Prometheus API ({0}); save what /api/v1/query_range answers, several answers as one \
         JSON array"
    )]
    NotAnAnswer(String),
    /// The API refused the query.
    #[error("Prometheus says {kind}: {message}; ask for less at a time, or for the query's syntax look at `{query}`", query = query())]
    Refused {
        /// Its `errorType`.
        kind: String,
        /// Its `error`.
        message: String,
    },
    /// The result is no matrix.
    #[error("a result of type `{0}`, not `matrix`: use /api/v1/query_range, not /api/v1/query")]
    NotARange(String),
    /// No series at all.
    #[error(
        "no series in the answer: is redis_exporter scraped, and was anything kept of that time? The query is `{query}`",
        query = query()
    )]
    Empty,
    /// Series without a label that names the server.
    #[error("series without a label `instance`, `addr` or `pod`: nothing tells the servers apart")]
    Nameless,
    /// A server lacks what INFO must have.
    #[error("{server} has no {metrics}: scrape it with redis_exporter, and ask for the query `{query}`", metrics = .metrics.join(", no "), query = query())]
    MissingMetrics {
        /// The server.
        server: String,
        /// What is missing.
        metrics: Vec<&'static str>,
    },
}

#[derive(Deserialize)]
struct Answer {
    status: String,
    data: Option<Data>,
    #[serde(default, rename = "errorType")]
    kind: String,
    #[serde(default)]
    error: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    result: serde_json::Value,
}

/// One series: its labels, and values by moment.
#[derive(Deserialize)]
struct Series {
    metric: BTreeMap<String, String>,
    values: Vec<(f64, String)>,
}

/// A server of the fleet: its INFO at each moment of the range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// The label that names it.
    pub name: String,
    /// INFO texts in order of time.
    pub infos: Vec<String>,
}

/// The query of everything that is read, for `/api/v1/query_range`.
#[must_use]
pub fn query() -> String {
    let names = FIELDS.iter().map(|(metric, _)| *metric).chain(LABELLED);
    let names: Vec<&str> = names.filter_map(|name| name.strip_prefix("redis_")).collect();
    format!("{{__name__=~\"redis_({})\"}}", names.join("|"))
}

/// The servers of one answer, or of an array of answers, by name.
///
/// # Errors
///
/// Where the text is no answer or has no servers; for each server by itself where it lacks what INFO must have.
pub fn servers(text: &str) -> Result<Vec<Result<Server, PrometheusError>>, PrometheusError> {
    let malformed = |error: serde_json::Error| PrometheusError::NotAnAnswer(error.to_string());
    let document: serde_json::Value = serde_json::from_str(text).map_err(malformed)?;
    let answers = match document {
        serde_json::Value::Array(answers) => answers,
        answer => vec![answer],
    };
    let mut fleet: BTreeMap<String, Vec<Series>> = BTreeMap::new();
    for answer in answers {
        for series in series(serde_json::from_value(answer).map_err(malformed)?)? {
            let name = SERVER_LABELS.iter().find_map(|label| series.metric.get(*label));
            let name = name.ok_or(PrometheusError::Nameless)?.clone();
            fleet.entry(name).or_default().push(series);
        }
    }
    if fleet.is_empty() {
        return Err(PrometheusError::Empty);
    }
    Ok(fleet.into_iter().map(|(name, series)| server(name, &series)).collect())
}

fn series(answer: Answer) -> Result<Vec<Series>, PrometheusError> {
    if answer.status != "success" {
        return Err(PrometheusError::Refused { kind: answer.kind, message: answer.error });
    }
    let data = answer.data.ok_or_else(|| PrometheusError::NotAnAnswer("no `data`".into()))?;
    if data.result_type != "matrix" {
        return Err(PrometheusError::NotARange(data.result_type));
    }
    serde_json::from_value(data.result).map_err(|error| PrometheusError::NotAnAnswer(error.to_string()))
}

fn name_of(series: &Series) -> &str {
    series.metric.get("__name__").map_or("", String::as_str)
}

/// A server's INFO at each moment at which its memory was scraped.
fn server(name: String, series: &[Series]) -> Result<Server, PrometheusError> {
    let missing =
        REQUIRED.into_iter().filter(|required| series.iter().all(|series| name_of(series) != *required));
    let metrics: Vec<&str> = missing.collect();
    if !metrics.is_empty() {
        return Err(PrometheusError::MissingMetrics { server: name, metrics });
    }
    // Fields by moment; all series of a range query have the same steps.
    let mut moments: BTreeMap<u64, BTreeMap<String, String>> = BTreeMap::new();
    for series in series {
        for (at, value) in &series.values {
            let fields = moments.entry(microseconds(*at)).or_default();
            add(fields, series, value);
        }
    }
    let infos = moments.iter().filter(|(_, fields)| {
        ["redis_version", "uptime_in_seconds", "used_memory", "used_memory_rss"]
            .iter()
            .all(|field| fields.contains_key(*field))
    });
    let infos = infos.map(|(at, fields)| info(*at, fields)).collect();
    Ok(Server { name, infos })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time since 1970")]
fn microseconds(seconds: f64) -> u64 {
    (seconds * 1e6).round().max(0.0) as u64
}

/// Adds what one sample of a series says.
fn add(fields: &mut BTreeMap<String, String>, series: &Series, value: &str) {
    let label = |label: &str| series.metric.get(label).map(String::as_str);
    let name = name_of(series);
    let mut part = |field: String, key: &str, value: &str| {
        let line = fields.entry(field).or_default();
        let comma = if line.is_empty() { "" } else { "," };
        // Writing to a string cannot fail.
        let _ = write!(line, "{comma}{key}={value}");
    };
    let Some(count) = whole(value) else { return };
    match (name, label("cmd"), label("db")) {
        ("redis_commands_total", Some(command), _) => {
            part(format!("cmdstat_{command}"), "calls", &count);
        }
        ("redis_db_keys", _, Some(db)) => part(db.to_owned(), "keys", &count),
        ("redis_db_keys_expiring", _, Some(db)) => part(db.to_owned(), "expires", &count),
        ("redis_db_avg_ttl_seconds", _, Some(db)) => {
            let milliseconds = value.parse::<f64>().unwrap_or(0.0) * 1e3;
            part(db.to_owned(), "avg_ttl", &format!("{milliseconds:.0}"));
        }
        ("redis_instance_info", ..) => {
            let known = IDENTITY.iter().filter_map(|(of, field)| Some((*field, label(of)?)));
            fields.extend(known.map(|(field, value)| (field.to_owned(), value.to_owned())));
        }
        _ => {
            if let Some((_, field)) = FIELDS.iter().find(|(metric, _)| *metric == name) {
                fields.insert((*field).to_owned(), count);
            }
        }
    }
}

/// A count without the exponent that large values come with, `2.7508e+10`; `None` for what is none, such as `NaN`.
fn whole(value: &str) -> Option<String> {
    value.parse::<f64>().ok().filter(|value| value.is_finite()).map(|value| format!("{value:.0}"))
}

fn info(at: u64, fields: &BTreeMap<String, String>) -> String {
    let mut text = format!("server_time_usec:{at}\n");
    for (field, value) in fields {
        // Keys and expiring keys come as series of their own, and of an idle database there may be but one.
        let is_database = field.starts_with("db") && value.contains('=');
        let rest = if is_database && !value.contains("expires=") { ",expires=0" } else { "" };
        if !is_database || value.contains("keys=") {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{field}:{value}{rest}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{Info, Record};
    use crate::units::Bytes;

    fn answer(result: &str) -> String {
        format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{result}]}}}}"#)
    }

    fn one(name: &str, labels: &str, values: &str) -> String {
        format!(r#"{{"metric":{{"__name__":"{name}","instance":"a:9121"{labels}}},"values":[{values}]}}"#)
    }

    fn complete() -> String {
        let info =
            r#","redis_version":"7.0.15","role":"master","run_id":"ab","maxmemory_policy":"noeviction""#;
        [
            one("redis_instance_info", info, r#"[3600,"1"],[7200,"1"]"#),
            one("redis_uptime_in_seconds", "", r#"[3600,"100"],[7200,"3700"]"#),
            one("redis_memory_used_bytes", "", r#"[3600,"1e+09"],[7200,"2.000000001e+09"]"#),
            one("redis_memory_used_rss_bytes", "", r#"[3600,"1e+09"],[7200,"2e+09"]"#),
            one("redis_db_keys", r#","db":"db0""#, r#"[3600,"10"],[7200,"20"]"#),
            one("redis_commands_total", r#","cmd":"set""#, r#"[3600,"5"],[7200,"50"]"#),
        ]
        .join(",")
    }

    #[test]
    fn a_moment_of_the_series_is_an_info_again() {
        let servers = servers(&answer(&complete())).unwrap();
        let server = servers[0].as_ref().unwrap();
        assert_eq!((server.name.as_str(), server.infos.len()), ("a:9121", 2));
        let record = Record::of(&Info::parse(&server.infos[1]).unwrap()).unwrap();
        assert_eq!(record.memory.used, Bytes(2_000_000_001));
        assert_eq!((record.keys.keys, record.load.write_commands), (20, Some(50)));
        assert_eq!(record.server.time_usec, Some(7_200_000_000));
        assert_eq!(record.server.run_id.as_deref(), Some("ab"));
    }

    #[test]
    fn an_array_of_answers_is_one_fleet() {
        let other = complete().replace("a:9121", "b:9121");
        let both = servers(&format!("[{},{}]", answer(&complete()), answer(&other))).unwrap();
        assert_eq!(both.len(), 2);
    }

    #[test]
    fn what_the_api_refuses_is_told() {
        let refused = r#"{"status":"error","errorType":"bad_data","error":"exceeded maximum resolution"}"#;
        assert!(servers(refused).unwrap_err().to_string().starts_with("Prometheus says bad_data: exceeded"));
        assert_eq!(servers(&answer("")), Err(PrometheusError::Empty));
        assert!(matches!(servers("<html>"), Err(PrometheusError::NotAnAnswer(_))));
        let vector = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
        assert_eq!(servers(vector), Err(PrometheusError::NotARange("vector".into())));
    }

    #[test]
    fn a_server_without_a_version_is_named() {
        let lone = one("redis_memory_used_bytes", "", r#"[3600,"1e+09"]"#);
        let error = servers(&answer(&lone)).unwrap()[0].clone().unwrap_err();
        assert!(
            error.to_string().starts_with("a:9121 has no redis_instance_info, no redis_uptime"),
            "{error}"
        );
    }

    #[test]
    fn the_query_names_every_metric_once() {
        let query = query();
        for (metric, _) in FIELDS {
            assert!(query.contains(metric.trim_start_matches("redis_")), "{metric}");
        }
        assert!(query.starts_with("{__name__=~\"redis_(uptime_in_seconds|"), "{query}");
    }
}
