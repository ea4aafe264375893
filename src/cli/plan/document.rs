//! The plan as JSON and CSV.

use serde_json::{Value, json};

use super::prices::Prices;
use crate::decision::ClassAnswer;
use crate::plan::{Answers, BackupHours, Chosen};
use crate::stats::Estimate;

/// The plan as one JSON document.
///
/// # Errors
///
/// Where it cannot be serialised.
pub fn json(answers: &Answers, prices: Option<&Prices>) -> anyhow::Result<String> {
    let name = |place: usize| answers.classes[place].host_class.clone();
    let chosen = answers.chosen.as_ref();
    let hours = chosen.and_then(|chosen| chosen.hours.as_ref());
    let cheapest = prices.and_then(|prices| prices.cheapest(&answers.classes));
    let document = json!({
        "classes": answers.classes.iter().map(class).collect::<Vec<_>>(),
        "smallest_safe_class": answers.smallest_safe.and_then(name),
        "cheapest_safe_class": cheapest.and_then(|(answer, _)| answer.host_class.clone()),
        "set_percent": chosen.map(|chosen| chosen.percent),
        "backup_hours": hours.map(backup_hours).unwrap_or_default(),
        "best_hour": hours.filter(|hours| hours.matters()).map(|hours| hours.best),
        "hour_matters": hours.is_some_and(BackupHours::matters),
        "limiting_writes_per_second": chosen.and_then(|chosen| chosen.limiting_writes_per_second),
        "safe_until": chosen.and_then(|chosen| chosen.safe_days),
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
            "at_likely_probability": risk.at_likely.value,
            "p10": risk.spread[0],
            "p50": risk.spread[1],
            "p90": risk.spread[2],
            "share_of_variance": risk.share_of_variance,
        })),
        "rare": chosen.and_then(|chosen| chosen.rare.as_ref()).map(|rare| match rare {
            Ok(risk) => json!({
                "probability": risk.probability.value,
                "low": risk.probability.low,
                "high": risk.probability.high,
                "effective_sample": risk.effective_sample,
                "largest_weight_share": risk.largest_weight_share,
                "decided_by": risk.decided_by.iter().map(|by| json!({ "input": by.input, "tilt": by.tilt })).collect::<Vec<_>>(),
            }),
            Err(refused) => json!({ "refused": refused.to_string() }),
        }),
        "sensitivity": chosen.map(sensitivity).unwrap_or_default(),
        "rules_of_thumb": chosen.map(rules).unwrap_or_default(),
        "measure_next": chosen.map(measure_next).unwrap_or_default(),
        "confidence": chosen.and_then(|chosen| chosen.confidence).map(|sure| json!({
            "percent": sure.percent,
            "incidents_per_host_year": sure.incidents_per_host_year,
            "incidents_per_fleet_year": sure.incidents_per_fleet_year,
            "forks_per_year": sure.forks_per_year,
            "forks_per_incident": sure.forks_per_incident,
            "free_at_worst_bytes": sure.free_at_worst.0,
            "cow_peak_p99_bytes": sure.cow_peak_p99.0,
        })),
    });
    Ok(serde_json::to_string_pretty(&document)?)
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

fn sensitivity(chosen: &Chosen) -> Vec<Value> {
    let one = |one: &crate::plan::Sensitivity| json!({ "input": one.input, "change": one.change, "survivable_percent": one.survivable_percent });
    chosen.sensitivity.iter().map(one).collect()
}

fn rules(chosen: &Chosen) -> Vec<Value> {
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
    chosen.rules.iter().map(rule).collect()
}

fn measure_next(chosen: &Chosen) -> Vec<Value> {
    chosen.measure_next.iter().map(|next| json!({ "input": next.input, "why": next.why })).collect()
}

/// A row a class.
///
/// # Errors
///
/// Where it cannot be written.
pub fn csv(answers: &Answers) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let documents: Vec<Value> = answers.classes.iter().map(class).collect();
    for (number, document) in documents.iter().enumerate() {
        let Some(fields) = document.as_object() else { continue };
        if number == 0 {
            writer.write_record(fields.keys())?;
        }
        let text = |value: &Value| match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        writer.write_record(fields.values().map(text))?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}
