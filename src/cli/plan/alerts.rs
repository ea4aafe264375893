//! Prometheus alert rules: what to watch so that the plan stays true.
//!
//! Metric names are those of `redis_exporter` (oliver006), which reads Valkey too, and of `node_exporter`.

use std::fmt::Write;

use crate::plan::Answers;
use crate::scenario::Scenario;

/// The rules as a file for `rule_files`; one that says why where there is no plan to watch.
pub fn rules(scenario: &Scenario, answers: &Answers) -> String {
    let Some(chosen) = &answers.chosen else {
        return "# No host class holds this data within the budget: there is no plan to watch.\ngroups: []\n"
            .to_owned();
    };
    let answer = &answers.classes[chosen.class];
    let mut text = format!(
        "# Thresholds computed by forkcast for {} on {}, {} % of {}. They hold for this cluster alone:\n# add its labels to each expression where Prometheus watches others too.\ngroups:\n  - name: forkcast\n    rules:\n",
        scenario.name(),
        answer.host_class.clone().unwrap_or_else(|| "this host".to_owned()),
        chosen.percent,
        answer.ram
    );
    let mut rule = |name: &str, expression: String, says: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "      - alert: {name}\n        expr: {expression}\n        for: 5m\n        labels:\n          severity: warning\n        annotations:\n          summary: \"{says}\""
        );
    };
    let survivable = answer.ram.scaled(chosen.percent / 100.0).0;
    rule(
        "ForkcastMaxmemoryAbovePlan",
        format!("redis_memory_max_bytes > {survivable} or redis_memory_max_bytes == 0"),
        "maxmemory is above what the plan found to survive a save",
    );
    if let Some(sure) = chosen.confidence {
        rule(
            "ForkcastCopyOnWriteAbovePlan",
            format!("redis_rdb_last_cow_size_bytes > {}", sure.cow_peak_p99.0),
            "a save says that it copied more than any but 1 in 100 planned replications did: plan again",
        );
        rule(
            "ForkcastMemoryBelowPlan",
            format!("node_memory_MemAvailable_bytes < {}", sure.free_min_p01.0),
            "less memory is free than 99 in 100 planned replications ever had",
        );
    }
    if let Some(limit) = chosen.limiting_writes_per_second {
        rule(
            "ForkcastWritesAbovePlan",
            format!(
                "sum by (instance) (rate(redis_commands_total{{cmd=~\"set|setex|incr|hset|del\"}}[1d])) > {limit:.0}"
            ),
            "more writes a second over a day than the plan holds",
        );
    }
    text
}
