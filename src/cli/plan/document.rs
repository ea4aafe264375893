//! The plan as JSON and CSV.

use serde_json::{Value, json};

use super::prices::Prices;
use crate::cli::table;
use crate::decision::ClassAnswer;
use crate::plan::{
    Answers, Assurance, BackupHours, Confidence, Further, Rare, Room, SURGE, Sensitivities, Sensitivity,
    Surge,
};
use crate::stats::Estimate;

/// The plan as one JSON document.
///
/// # Errors
///
/// Where it cannot be serialised.
pub fn json(answers: &Answers, prices: Option<&Prices>) -> anyhow::Result<String> {
    let name = |place: usize| answers.classes[place].host_class.clone();
    let chosen = answers.chosen.as_ref();
    let further = chosen.and_then(|chosen| chosen.further.as_ref());
    let unknowns = further.and_then(|further| further.unknowns.as_ref());
    let hours = further.and_then(|further| further.hours.as_ref());
    let cheapest = prices.and_then(|prices| prices.cheapest(&answers.classes));
    let document = json!({
        "classes": answers.classes.iter().map(class_with_tries).collect::<Vec<_>>(),
        "smallest_safe_class": answers.smallest_safe.and_then(name),
        "cheapest_safe_class": cheapest.and_then(|(answer, _)| answer.host_class.clone()),
        "set_percent": chosen.and_then(|chosen| chosen.percent),
        "backup_hours": hours.map(backup_hours).unwrap_or_default(),
        "best_hour": hours.filter(|hours| hours.matters()).map(|hours| hours.best),
        "hour_matters": hours.map(BackupHours::matters),
        "limiting_writes_per_second": further.and_then(|further| further.limiting_writes_per_second),
        "safe_until": further.and_then(|further| further.safe_days),
        "by_cause": answers.by_cause.iter().map(|risk| json!({
            "cause": risk.cause.name(),
            "forks_per_year": risk.forks_per_year,
            "incidents_per_year": risk.incidents_per_year.value,
            "low": risk.incidents_per_year.low,
            "high": risk.incidents_per_year.high,
        })).collect::<Vec<_>>(),
        "remedies": answers.remedies.iter().map(|remedy| json!({
            "cause": remedy.cause.name(),
            "change": remedy.change,
            "forks_per_year": remedy.forks_per_year,
            "incidents_per_year": remedy.incidents_per_year.value,
            "low": remedy.incidents_per_year.low,
            "high": remedy.incidents_per_year.high,
        })).collect::<Vec<_>>(),
        "unknowns": answers.unknowns.map(|risk| json!({
            "predictive_probability": risk.predictive.value,
            "predictive_low": risk.predictive.low,
            "predictive_high": risk.predictive.high,
            "at_likely_probability": risk.at_likely.value,
            "at_likely_low": risk.at_likely.low,
            "at_likely_high": risk.at_likely.high,
            "p10": risk.spread[0],
            "p50": risk.spread[1],
            "p90": risk.spread[2],
            "share_of_variance": risk.share_of_variance,
        })),
        "single_hosts": chosen.and_then(|chosen| chosen.assurance).map(single_hosts),
        "surge": chosen.and_then(|chosen| chosen.surge).map(surge),
        "decided_by_default": answers.decided_by_default.iter().map(|next| &next.input).collect::<Vec<_>>(),
        "rare": answers.rare.as_ref().map(rare),
        "sensitivity": unknowns.map(sensitivity).unwrap_or_default(),
        "rules_of_thumb": further.map(rules).unwrap_or_default(),
        "measure_next": unknowns.map(measure_next).unwrap_or_default(),
        "confidence": chosen.and_then(|chosen| chosen.confidence).map(confidence),
    });
    Ok(serde_json::to_string_pretty(&document)?)
}

fn confidence(sure: Confidence) -> Value {
    let incidents = sure.incidents_per_host_year;
    json!({
        "percent": sure.percent,
        "hits_per_host_year": sure.hits_per_host_year,
        "hits_per_fleet_year": sure.hits_per_fleet_year,
        "incidents_per_host_year": incidents.value,
        "incidents_per_host_year_low": incidents.low,
        "incidents_per_host_year_high": incidents.high,
        "forks_per_year": sure.forks_per_year,
        "forks_per_incident": sure.forks_per_incident.map(|forks| finite(forks.value)),
        "forks_per_incident_low": sure.forks_per_incident.map(|forks| finite(forks.low)),
        "forks_per_incident_high": sure.forks_per_incident.map(|forks| finite(forks.high)),
        "free_at_worst_bytes": sure.free_at_worst.0,
        "cow_peak_p99_bytes": sure.cow_peak_p99.0,
    })
}

fn single_hosts(hosts: Assurance) -> Value {
    json!({
        "beyond_budget": hosts.beyond.value,
        "beyond_budget_low": hosts.beyond.low,
        "beyond_budget_high": hosts.beyond.high,
        "nine_in_ten_percent": hosts.nine_in_ten.and_then(percent_of),
        "nine_in_ten_ram_bytes": hosts.nine_in_ten.and_then(ram_of),
    })
}

fn surge(surge: Surge) -> Value {
    json!({
        "times_the_load": SURGE,
        "fails": surge.fails.value,
        "fails_low": surge.fails.low,
        "fails_high": surge.fails.high,
        "holds_percent": surge.holds.and_then(percent_of),
        "holds_ram_bytes": surge.holds.and_then(ram_of),
    })
}

/// A class, and the percents that were tried for it.
fn class_with_tries(answer: &ClassAnswer) -> Value {
    let mut class = class(answer);
    let tried = answer.tried.iter().map(|tried| {
        json!({
            "percent": tried.percent,
            "replications": tried.replications,
            "affected": tried.affected,
            "holds": tried.holds,
        })
    });
    class["tried"] = tried.collect();
    class
}

/// A number, or nothing where there is no end to it.
fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

fn percent_of(room: Room) -> Option<f64> {
    match room {
        Room::Percent(percent) => Some(percent),
        Room::Ram(_) => None,
    }
}

fn ram_of(room: Room) -> Option<u64> {
    match room {
        Room::Percent(_) => None,
        Room::Ram(ram) => Some(ram.0),
    }
}

fn class(answer: &ClassAnswer) -> Value {
    json!({
        "host_class": answer.host_class,
        "ram_bytes": answer.ram.0,
        "needed_percent": answer.needed_percent,
        "survivable_percent": answer.survivable_percent,
        "survivable_percent_low": answer.survivable_percent_low,
        "survivable_percent_high": answer.survivable_percent_high,
        "required_ram_bytes": answer.required_ram.map(|ram| ram.0),
        "verdict": answer.verdict.name(),
        "reason": answer.reason,
        "main_cause": answer.main_cause.map(crate::model::Cause::name),
        "free_min_p01_bytes": answer.free_min_p01.map(|free| free.0),
    })
}

fn backup_hours(hours: &BackupHours) -> Vec<Value> {
    let hour = |hour: &crate::plan::BackupHour| {
        let Estimate { value, low, high } = hour.incidents_per_year;
        json!({ "hour": hour.hour, "incidents_per_year": value, "low": low, "high": high })
    };
    hours.hours.iter().map(hour).collect()
}

fn rare(rare: &Rare) -> Value {
    let figures = match &rare.risk {
        Some(Ok(risk)) => json!({
            "probability": risk.probability.value,
            "low": risk.probability.low,
            "high": risk.probability.high,
            "effective_sample": risk.effective_sample,
            "largest_weight_share": risk.largest_weight_share,
            "decided_by":
                risk.decided_by.iter().map(|by| json!({ "input": by.input, "tilt": by.tilt })).collect::<Vec<_>>(),
        }),
        Some(Err(refused)) => json!({ "refused": refused.to_string() }),
        None => json!({ "refused": "the data does not fit" }),
    };
    let mut document = json!({ "percent": rare.percent });
    if let (Some(document), Value::Object(figures)) = (document.as_object_mut(), figures) {
        document.extend(figures);
    }
    document
}

fn sensitivity(found: &Sensitivities) -> Vec<Value> {
    let one = |one: &Sensitivity| {
        let (percent, ram) = (one.survivable.and_then(percent_of), one.survivable.and_then(ram_of));
        json!({
            "input": one.input,
            "change": one.change,
            "survivable_percent": percent,
            "required_ram_bytes": ram,
        })
    };
    found.by_effect.iter().map(one).collect()
}

fn rules(further: &Further) -> Vec<Value> {
    let rule = |rule: &crate::plan::RuleOfThumb| {
        json!({
            "rule": rule.rule,
            "percent": rule.percent,
            "incidents_per_year": rule.incidents_per_year.map(|rate| rate.value),
            "low": rule.incidents_per_year.map(|rate| rate.low),
            "high": rule.incidents_per_year.map(|rate| rate.high),
            "verdict": rule.verdict.name(),
            "waste_bytes": rule.waste.0,
        })
    };
    further.rules.iter().map(rule).collect()
}

fn measure_next(found: &Sensitivities) -> Vec<Value> {
    found.measure_next.iter().map(|next| json!({ "input": next.input, "why": next.why })).collect()
}

/// A row a class.
///
/// # Errors
///
/// Where it cannot be written.
pub fn csv(answers: &Answers) -> anyhow::Result<String> {
    table::csv(&answers.classes.iter().map(class).collect::<Vec<_>>())
}
