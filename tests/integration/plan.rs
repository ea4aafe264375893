//! What this proves: the plan's answers are those of the runs behind them, its intervals keep their promise, and scripts
//! find what they rely on; a fleet is a row a cluster, whatever happens on the way.

mod coverage;
mod fleet;
mod luck;

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use super::forkcast;

/// Two hosts over short replications, risky enough that a few hundred tell.
pub const SMALL: &str = r#"name = "small"

[host]
ram = "16 GiB"
reserved = "1 GiB"

[server]
maxmemory-percent = 50
fragmentation-ratio = { low = 1.02, likely = 1.05, high = 1.2 }
client-memory = "16 MiB"

[[keyspace]]
name = "sessions"
key-size = "24 B"
value-size = "512 B"
writes-per-second = { low = 1500, likely = 3000, high = 6000 }

[traffic]
hourly = [0.5, 0.4, 0.35, 0.35, 0.4, 0.5, 0.7, 0.9, 1.1, 1.25, 1.35, 1.4, 1.4, 1.4, 1.35, 1.3, 1.3, 1.35, 1.4, 1.4, 1.3, 1.1, 0.85, 0.65]

[traffic.burst]
per-year = 0

[persistence]
save = []

[save]
throughput = { low = "60 MiB/s", likely = "150 MiB/s", high = "200 MiB/s" }

[backup]
at = "22:00"

[risk]
incidents-per-year = 4

[simulation]
horizon = "3d"

[sweep]
"host.ram" = ["16 GiB", "24 GiB"]
"#;

pub struct Scratch(TempDir);

impl Scratch {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("small.toml"), SMALL).unwrap();
        Self(folder)
    }

    pub fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }
}

fn planned(args: &[&str]) -> Value {
    planned_text(SMALL, args)
}

#[test]
fn a_plan_names_what_scripts_rely_on() {
    let plan = planned(&[]);
    let names = [
        "classes",
        "smallest_safe_class",
        "backup_hours",
        "best_hour",
        "hour_matters",
        "limiting_writes_per_second",
        "safe_until",
        "by_cause",
        "sensitivity",
        "rules_of_thumb",
        "measure_next",
    ];
    for name in names {
        assert!(plan.get(name).is_some(), "{name}");
    }
    let of_class = [
        "host_class",
        "needed_percent",
        "survivable_percent",
        "survivable_percent_low",
        "survivable_percent_high",
        "required_ram_bytes",
        "verdict",
        "reason",
        "main_cause",
        "free_min_p01_bytes",
    ];
    for class in plan["classes"].as_array().unwrap() {
        assert!(of_class.iter().all(|name| class.get(name).is_some()), "{class}");
    }
    assert_eq!(plan["backup_hours"].as_array().unwrap().len(), 24);
    let by_effect: Vec<f64> = plan["sensitivity"].as_array().unwrap().iter().map(effect(&plan)).collect();
    assert!(by_effect.is_sorted_by(|a, b| a >= b) && by_effect[0] > 1.0, "{by_effect:?}");
    let rules = plan["rules_of_thumb"].as_array().unwrap();
    let risk = |percent: f64| {
        let rule = rules.iter().find(|rule| rule["percent"] == percent).unwrap();
        rule["incidents_per_year"].as_f64().unwrap()
    };
    assert!(risk(50.0) < risk(70.0) && risk(70.0) < risk(80.0));
}

fn effect(plan: &Value) -> impl Fn(&Value) -> f64 {
    let set = plan["set_percent"].as_f64().unwrap();
    move |one| (one["survivable_percent"].as_f64().unwrap() - set).abs()
}

/// The scenario with its data in keys, as an import writes it.
fn in_keys(keys: u64) -> String {
    let text = SMALL.replace("maxmemory-percent = 50", "maxmemory = \"none\"");
    let text = text
        .replace("[[keyspace]]\n", &format!("[dataset]\nfill = \"keys\"\n\n[[keyspace]]\nkeys = {keys}\n"));
    text.split("[sweep]").next().unwrap().to_owned()
}

fn planned_text(text: &str, args: &[&str]) -> Value {
    let scratch = Scratch::new();
    fs::write(scratch.path("small.toml"), text).unwrap();
    let scenario = scratch.path("small.toml");
    let command = ["plan", scenario.as_str(), "--format", "json", "-q"];
    let output = forkcast(&[&command[..], args].concat()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The RAM required is the answer where the data is as given; whatever else is asked, it is asked of that data.
#[test]
fn data_as_given_has_hours_limits_and_sensitivities_whether_safe_or_not() {
    for (keys, verdict) in [(12_000_000, "safe"), (16_300_000, "risky")] {
        let plan = planned_text(&in_keys(keys), &["--rare"]);
        let class = &plan["classes"][0];
        assert_eq!(class["verdict"], verdict, "{class}");
        assert_eq!(plan["backup_hours"].as_array().unwrap().len(), 24);
        assert!(plan["hour_matters"].is_boolean() && plan["set_percent"].is_null());
        // Its own rate is 3,000.
        let limit = plan["limiting_writes_per_second"].as_f64().unwrap();
        assert_eq!(limit > 3_000.0, verdict == "safe", "{limit}");
        let required = class["required_ram_bytes"].as_f64().unwrap();
        let ram = |one: &Value| one["required_ram_bytes"].as_f64().unwrap();
        let effects: Vec<f64> = plan["sensitivity"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (ram(one) / required - 1.0).abs())
            .collect();
        assert!(effects.is_sorted_by(|a, b| a >= b) && effects[0] > 0.05, "{effects:?}");
        assert!(plan["sensitivity"][0]["survivable_percent"].is_null());
        assert!(plan["measure_next"].as_array().unwrap().len() > 2);
        let risk = &plan["rare"]["probability"];
        assert_eq!(risk.as_f64().unwrap() > 0.02, verdict == "risky", "{}", plan["rare"]);
        assert!(plan["rare"]["percent"].is_null());
    }
}

#[test]
fn what_could_not_be_asked_is_null_and_a_rare_risk_says_why() {
    let plan = planned_text(&in_keys(26_000_000), &["--rare"]);
    assert!(plan["hour_matters"].is_null() && plan["best_hour"].is_null());
    assert_eq!(plan["rare"]["refused"], "the data does not fit");
    // No percent is shown to be safe: the rare risk is that of the scenario as written.
    let strict = planned(&["--rare", "--max-incidents-per-year", "0.0001", "--replications", "100"]);
    assert!(strict["set_percent"].is_null() && strict["hour_matters"].is_null());
    assert!(strict["rare"]["percent"].is_null());
    let risk = strict["rare"]["probability"].as_f64().unwrap();
    assert!((1e-5..1e-2).contains(&risk), "{risk}");
}

#[test]
fn one_replication_is_no_plural_and_prices_of_unknown_classes_are_refused() {
    let scratch = Scratch::new();
    let (scenario, prices) = (scratch.path("small.toml"), scratch.path("prices.csv"));
    let output = forkcast(&["plan", &scenario, "-q", "--replications", "1"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains(
            "each percent was looked for with one replication of 3d and confirmed by as many others."
        ),
        "{text}"
    );
    fs::write(&prices, "host_class,price\nyandex.hm3-c4-m32,90\nyandex.hm3,120\n").unwrap();
    let refused = forkcast(&["plan", &scenario, "--prices", &prices]).assert().code(3);
    let said = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
    assert!(said.contains("prices.csv:3: there is no host class `yandex.hm3`"), "{said}");
}

/// The percent found is safe when `run` simulates it, and what `run` finds certainly risky lies above it.
#[test]
fn the_survivable_percent_is_that_of_a_fine_grid_of_runs() {
    let class = &planned(&[])["classes"][0];
    let [low, high] =
        ["survivable_percent", "survivable_percent_high"].map(|end| class[end].as_f64().unwrap());
    let scratch = Scratch::new();
    let percents: Vec<String> =
        (0..=16).map(|step| (low - 2.0 + f64::from(step) * 0.5).to_string()).collect();
    let axis = format!("server.maxmemory-percent={}", percents.join(","));
    let (scenario, out) = (scratch.path("small.toml"), scratch.path("run"));
    let args =
        ["run", &scenario, "--axis", &axis, "--axis", "host.ram=16 GiB", "--format", "json", "-o", &out];
    let output = forkcast(&args).args(["--replications", "1500", "-q"]).output().unwrap();
    let run: Value = serde_json::from_slice(&output.stdout).unwrap();
    for cell in run["cells"].as_array().unwrap() {
        let (percent, verdict) =
            (cell["maxmemory_percent"].as_f64().unwrap(), cell["verdict"].as_str().unwrap());
        assert!(percent > low || verdict != "risky", "{percent}: {verdict}, found {low} to {high}");
        assert!(percent < high + 1.5 || verdict != "safe", "{percent}: {verdict}, found {low} to {high}");
    }
}

#[test]
fn a_plan_is_the_same_for_any_number_of_threads() {
    assert_eq!(planned(&["--threads", "1"]), planned(&["--threads", "3"]));
}

#[test]
fn a_pipeline_is_told_of_risk_and_gets_its_alert_rules() {
    let scratch = Scratch::new();
    let (scenario, alerts) = (scratch.path("small.toml"), scratch.path("alerts.yml"));
    forkcast(&["plan", &scenario, "-q", "--fail-on-risk", "--alerts", &alerts]).assert().code(0);
    let rules = fs::read_to_string(&alerts).unwrap();
    for name in ["MaxmemoryAbovePlan", "CopyOnWriteAbovePlan", "MemoryBelowPlan", "WritesAbovePlan"] {
        assert!(rules.contains(&format!("- alert: Forkcast{name}\n        expr: ")), "{rules}");
    }
    // A fork takes page tables and buffers too: more than its save reports.
    let threshold = |name: &str, comparison: char| -> f64 {
        let rule = rules.split(name).nth(1).unwrap().lines().nth(1).unwrap();
        rule.rsplit(comparison).next().unwrap().trim().parse().unwrap()
    };
    let (takes, reports) = (threshold("MemoryBelowPlan", '<'), threshold("CopyOnWriteAbovePlan", '>'));
    assert!(takes > reports && reports > f64::from(1 << 30), "{takes} {reports}");
    let risky = ["plan", &scenario, "-q", "--fail-on-risk", "--set", "server.maxmemory-percent=85"];
    forkcast(&risky).assert().code(4);
}

#[test]
fn the_cheapest_safe_class_is_named_where_prices_are_given() {
    let scratch = Scratch::new();
    let scenario = scratch.path("small.toml");
    let prices = scratch.path("prices.csv");
    fs::write(&prices, "host_class,price\nyandex.hm3-c4-m32,90\nyandex.hm3-c4-m24,120\n").unwrap();
    let axis = "host.class=yandex.hm3-c4-m24,yandex.hm3-c4-m32";
    let classes = ["plan", &scenario, "-q", "--axis", axis, "--prices", &prices, "--format", "json"];
    let set = ["--set", "host.class=yandex.hm3-c4-m24"];
    let scenario_text = fs::read_to_string(&scenario).unwrap();
    let text = scenario_text.replace("ram = \"16 GiB\"\n", "class = \"yandex.hm3-c4-m24\"\n");
    let text = text.split("[sweep]").next().unwrap().to_owned();
    fs::write(&scenario, text).unwrap();
    let output = forkcast(&classes).args(set).output().unwrap();
    let plan: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(plan["smallest_safe_class"], "yandex.hm3-c4-m24");
    assert_eq!(plan["cheapest_safe_class"], "yandex.hm3-c4-m32");
}
