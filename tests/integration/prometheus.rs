//! What this proves: a fleet that Prometheus knows becomes scenarios that pass check, from a saved answer and over HTTP from
//! a server that answers as the API's documentation says; and each way in which that fails is told with a remedy.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::net::TcpListener;
use std::process::Output;
use std::thread;

use super::forkcast;

/// Monday, 2023-11-13 00:00 UTC.
const START: u64 = 1_699_833_600;

/// Samples of each series: an hour apart, ten days.
const HOURS: u64 = 240;

/// A metric, and what it says in an hour.
type Metric = (&'static str, fn(u64) -> u64);

/// A server in the exporter's own words.
const METRICS: [Metric; 14] = [
    ("redis_uptime_in_seconds", |hour| 1_000_000 + hour * 3_600),
    ("redis_memory_used_bytes", |hour| 8_000_000_000 + hour * 10_000_000),
    ("redis_memory_used_rss_bytes", |hour| 8_400_000_000 + hour * 10_000_000),
    ("redis_memory_max_bytes", |_| 16_000_000_000),
    ("redis_total_system_memory_bytes", |_| 34_359_738_368),
    ("redis_rdb_changes_since_last_save", |hour| hour % 24 * 1_000_000),
    ("redis_rdb_last_save_timestamp_seconds", |hour| START + hour / 24 * 86_400),
    ("redis_rdb_last_bgsave_duration_sec", |hour| 60 + hour / 24),
    ("redis_rdb_last_cow_size_bytes", |hour| 500_000_000 + hour / 24 * 10_000_000),
    ("redis_rdb_bgsave_in_progress", |_| 0),
    ("redis_aof_enabled", |_| 0),
    ("redis_connected_slaves", |_| 0),
    ("redis_db_keys", |hour| 10_000_000 + hour * 1_000),
    // By day three times as many as by night.
    ("redis_commands_total", |hour| {
        (0..hour).map(|at| if at % 24 < 12 { 3_600_000 } else { 1_200_000 }).sum()
    }),
];

fn series(name: &str, instance: &str, labels: &str, value: impl Fn(u64) -> u64) -> String {
    let mut values = String::new();
    for hour in 0..HOURS {
        let comma = if hour > 0 { "," } else { "" };
        write!(values, "{comma}[{},\"{}\"]", START + hour * 3_600, value(hour)).unwrap();
    }
    format!(r#"{{"metric":{{"__name__":"{name}","instance":"{instance}"{labels}}},"values":[{values}]}}"#)
}

/// What Prometheus answers of a fleet.
fn answer(instances: &[&str]) -> String {
    answer_with(instances, |_, value, _| value)
}

/// The same with other values: of a metric, in place of its own, in an hour.
fn answer_with(instances: &[&str], other: impl Fn(&str, u64, u64) -> u64) -> String {
    let mut all = Vec::new();
    for instance in instances {
        let identity =
            r#","redis_version":"7.0.15","role":"master","run_id":"ab","maxmemory_policy":"noeviction""#;
        all.push(series("redis_instance_info", instance, identity, |_| 1));
        for (name, value) in METRICS {
            let labels = match name {
                "redis_db_keys" => r#","db":"db0""#,
                "redis_commands_total" => r#","cmd":"set""#,
                _ => "",
            };
            all.push(series(name, instance, labels, |hour| other(name, value(hour), hour)));
        }
    }
    format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{}]}}}}"#, all.join(","))
}

fn import(args: &[&str]) -> Output {
    forkcast(&[&["import", "--prometheus"], args].concat()).output().unwrap()
}

fn of(text: &str, args: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.json");
    std::fs::write(&path, text).unwrap();
    import(&[&[path.to_str().unwrap()], args].concat())
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Answers one request like Prometheus, and hands back the first line of it.
fn stub(status: &str, body: String) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    let answers = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
        let request = lines.next().unwrap();
        lines.find(String::is_empty).unwrap();
        write!(stream, "{head}Connection: close\r\n\r\n{body}").unwrap();
        request
    });
    (url, answers)
}

#[test]
fn a_saved_answer_is_a_scenario_with_hours_saves_and_growth() {
    let output = of(&answer(&["a:9121"]), &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(text.contains("hourly = [1.50, 1.50") && text.contains("0.50, 0.50]"), "{text}");
    assert!(text.contains("likely = \"228 MiB\""), "240 MB a day: {text}");
    assert!(text.contains("of 10 saves on record"), "{text}");
    assert!(text.contains("# - 10 saves on record copied 476.84 MiB to 562.67 MiB"), "{text}");
    assert!(text.contains("\nmaxmemory = \"16000000000 B\"\n"), "{text}");
}

/// Each ends at midnight, after 60 to 69 s: they begin within a minute.
#[test]
fn a_save_a_day_is_a_backup_and_no_save_points() {
    let output = of(&answer(&["a:9121"]), &["-q"]);
    let text = String::from_utf8(output.stdout).unwrap();
    for line in ["save = []", "at = \"23:58\"", "jitter = \"0s\"", "every = \"1d\"", "method = \"bgsave\""] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    assert!(text.contains("# derived: 10 saves on record"), "{text}");
}

/// Of 4,000 writes a second, 61 s after the last: the age of the last save is never more than that.
#[test]
fn saves_as_the_default_points_make_them_keep_the_points() {
    let often = answer_with(&["a:9121"], |name, value, hour| match name {
        "redis_rdb_last_save_timestamp_seconds" => START + hour * 3_600 - hour * 37 % 61,
        "redis_rdb_changes_since_last_save" => (20 + hour * 37 % 61) * 4_000,
        _ => value,
    });
    let text = String::from_utf8(of(&often, &["-q"]).stdout).unwrap();
    assert!(text.contains("save = [\"3600 1\", \"300 100\", \"60 10000\"]"), "{text}");
    assert!(text.contains("# derived: INFO does not tell the save points"), "{text}");
    assert!(text.contains("\nmethod = \"none\"\n"), "{text}");
}

#[test]
fn a_metric_that_is_missing_is_not_measured() {
    let without = answer(&["a:9121"]).replace("redis_memory_max_bytes", "redis_other");
    let output = of(&without, &[]);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let assumed = "# assumed: no maxmemory in INFO (redis_memory_max_bytes of redis_exporter)";
    assert!(text.contains(assumed) && text.contains("\nmaxmemory = \"none\"\n"), "{text}");
    assert!(stderr(&output).contains("note: maxmemory is not known"), "{}", stderr(&output));
}

/// On the ninth day; what was written before it counts as well.
#[test]
fn a_server_that_restarted_is_the_same_server() {
    let restarted = answer_with(&["a:9121"], |name, value, hour| match name {
        "redis_uptime_in_seconds" if hour >= 239 => 60,
        "redis_commands_total" if hour >= 239 => 500,
        _ => value,
    });
    let output = of(&restarted, &["-q"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = String::from_utf8(output.stdout).unwrap().replace("\n# ", " ");
    assert!(text.contains("the server restarted once, and its counters began from zero"), "{text}");
    assert!(text.contains("hourly = [1.5"), "{text}");
}

#[test]
fn servers_whose_names_are_alike_do_not_overwrite_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("fleet");
    let output = of(&answer(&["a-1", "a/1"]), &["-o", dir.to_str().unwrap()]);
    assert!(output.status.success(), "{}", stderr(&output));
    let named = |name: &str| std::fs::read_to_string(dir.join(name)).unwrap();
    assert!(named("a-1.toml").contains("name = \"a-1\"") && named("a-1-2.toml").contains("name = \"a-1-2\""));
}

#[test]
fn a_fleet_is_a_folder_of_scenarios_that_pass_check() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("fleet");
    let output = of(&answer(&["a:9121", "redis://b:6379"]), &["-o", dir.to_str().unwrap()]);
    assert!(output.status.success(), "{}", stderr(&output));
    for name in ["a-9121.toml", "redis---b-6379.toml"] {
        let path = dir.join(name);
        forkcast(&["check", path.to_str().unwrap()]).assert().success();
    }
    let output = of(&answer(&["a:9121", "b:9121"]), &[]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("2 servers; name a folder"), "{}", stderr(&output));
}

#[test]
fn prometheus_is_asked_as_its_documentation_says() {
    let (url, request) = stub("200 OK", answer(&["a:9121"]));
    let output = import(&[&url]);
    assert!(output.status.success(), "{}", stderr(&output));
    let request = request.join().unwrap();
    assert!(request.starts_with("GET /api/v1/query_range?query=%7B__name__"), "{request}");
    for part in ["&start=", "&end=", "&step=3600"] {
        assert!(request.contains(part), "{request}");
    }
}

#[test]
fn what_prometheus_refuses_is_told_in_its_words() {
    let body = r#"{"status":"error","errorType":"bad_data","error":"too many samples"}"#;
    let (url, _) = stub("400 Bad Request", body.to_owned());
    let output = import(&[&url]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("Prometheus says bad_data: too many samples"), "{}", stderr(&output));
    let (url, _) = stub("404 Not Found", "page not found".to_owned());
    let output = import(&[&url]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("answered 404 Not Found: give the base address"), "{}", stderr(&output));
}

#[test]
fn an_empty_answer_and_a_lonely_metric_are_told_with_a_remedy() {
    let empty = r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;
    assert!(stderr(&of(empty, &[])).contains("is redis_exporter scraped"));
    let one = series("redis_memory_used_bytes", "a:9121", "", |_| 1);
    let lonely = format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{one}]}}}}"#);
    let output = of(&lonely, &[]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("a:9121 has no redis_instance_info"), "{}", stderr(&output));
    let output = import(&["https://prometheus.example.org"]);
    assert!(stderr(&output).contains("curl -G https://prometheus.example.org/api/v1/query_range"));
}
