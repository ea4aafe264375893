//! Prometheus alert rules: what to watch so that the plan stays true.
//!
//! Metric names are those of `redis_exporter` (oliver006), which reads Valkey too, and of `node_exporter`.

use std::fmt::Write;

use crate::decision::ClassAnswer;
use crate::plan::{Answers, Chosen, Room, Watch};
use crate::scenario::Scenario;
use crate::units::Bytes;

/// How far back the host is looked at for a moment at which no child was alive.
const QUIET: &str = "6h";

/// An alert.
struct Alert {
    name: &'static str,
    expression: String,
    says: &'static str,
}

/// The rules as a file for `rule_files`; one that says why where there is no plan to watch.
pub fn rules(scenario: &Scenario, answers: &Answers) -> String {
    let is_safe = answers.smallest_safe.is_some();
    let Some(chosen) = answers.chosen.as_ref().filter(|_| is_safe) else {
        return "# No host class holds this data within the budget: there is no plan to watch.\ngroups: []\n"
            .to_owned();
    };
    let answer = &answers.classes[chosen.class];
    let share = match chosen.percent {
        Some(percent) => format!("{percent} % of "),
        None => "its data as given in ".to_owned(),
    };
    let mut text = format!(
        "# Thresholds computed by forkcast for {} on {}, {share}{}. They hold for this cluster alone:\n\
         # add its labels to each expression where Prometheus watches others too.\n\
         groups:\n  - name: forkcast\n    rules:\n",
        scenario.name(),
        answer.host_class.clone().unwrap_or_else(|| "this host".to_owned()),
        answer.ram
    );
    for Alert { name, expression, says } in alerts(answer, chosen) {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "      - alert: {name}\n        expr: {expression}\n        for: 5m\n        labels:\n          \
             severity: warning\n        annotations:\n          summary: \"{says}\""
        );
    }
    text
}

fn alerts(answer: &ClassAnswer, chosen: &Chosen) -> Vec<Alert> {
    let mut alerts = vec![data(answer, chosen)];
    if let Some(Watch { fork_takes, last_cow_size }) = chosen.watch {
        alerts.extend(last_cow_size.map(|most| Alert {
            name: "ForkcastCopyOnWriteAbovePlan",
            expression: format!("redis_rdb_last_cow_size_bytes > {}", most.0),
            says: "a save reports more than any did in 99 of 100 planned replications: plan again",
        }));
        // Even at its best, which is when no child is alive. What Linux calls available is without its watermarks.
        let available = if answer.is_limited {
            format!(
                "max_over_time((container_spec_memory_limit_bytes - container_memory_working_set_bytes)[{QUIET}:1m])"
            )
        } else {
            format!("max_over_time(node_memory_MemAvailable_bytes[{QUIET}])")
        };
        alerts.extend((fork_takes > Bytes::ZERO).then(|| Alert {
            name: "ForkcastMemoryBelowPlan",
            expression: format!("{available} < {}", fork_takes.0),
            says: "less memory is left for the next fork than one took in 99 of 100 planned replications",
        }));
    }
    let limit = chosen.further.as_ref().and_then(|further| further.limiting_writes_per_second);
    alerts.extend(limit.map(|limit| Alert {
        name: "ForkcastWritesAbovePlan",
        expression: format!(
            "sum by (instance) (rate(redis_commands_total{{cmd=~\"set|setex|incr|hset|del\"}}[1d])) > {limit:.0}"
        ),
        says: "more writes a second over a day than the plan holds",
    }));
    alerts
}

/// What bounds the data: `maxmemory`, or what was planned for where there is none.
fn data(answer: &ClassAnswer, chosen: &Chosen) -> Alert {
    let servers = u64::from(chosen.servers.max(1));
    let of_ram = |percent: f64| answer.ram.scaled(percent / 100.0).0 / servers;
    if let Some(percent) = chosen.percent {
        return Alert {
            name: "ForkcastMaxmemoryAbovePlan",
            expression: format!(
                "redis_memory_max_bytes > {} or redis_memory_max_bytes == 0",
                of_ram(percent)
            ),
            says: "maxmemory is above what the plan found to survive a save",
        };
    }
    let planned = answer.needed_percent.unwrap_or(100.0);
    let unknowns = chosen.further.as_ref().and_then(|further| further.unknowns.as_ref());
    let most = match unknowns.map(|unknowns| unknowns.survivable) {
        Some(Room::Percent(percent)) => percent,
        // In proportion, as for growth; never less than what was planned for.
        Some(Room::Ram(required)) => planned * (answer.ram.as_f64() / required.as_f64()).max(1.0),
        None => planned,
    };
    Alert {
        name: "ForkcastDataAbovePlan",
        expression: format!("redis_memory_used_bytes > {}", of_ram(most)),
        says: "there is more data than the plan found to survive a save",
    }
}
