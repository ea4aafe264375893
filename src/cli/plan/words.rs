//! The plan in words: a paragraph a question.

use super::paste;
use super::prices::Prices;
use crate::cli::answer::{name, paragraph, table_of};
use crate::cli::table;
use crate::model::Cause;
use crate::plan::{Answers, BackupHours, Chosen, Confidence, FLEET, RuleOfThumb};
use crate::scenario::Scenario;
use crate::stats::Estimate;
use crate::sweep::Verdict;
use crate::sweep::unknowns::RiskOverUnknowns;
use crate::sweep::words::{count, rate};
use crate::units::{Bytes, Percent};

/// Inputs that are named as worth measuring.
const NEXT: usize = 3;

/// Said where there is no percent that the further questions could be asked of.
const NOT_ASKED: &str = "Hours, limits, unknowns, rules of thumb and rare risks are not answered: they are asked at the \
                         percent to set, and none was shown to be safe. More replications, a larger class or a \
                         smaller load may show one.";

/// Sensitivities in the table.
const SHOWN: usize = 8;

/// Everything, for people.
pub fn human(scenario: &Scenario, answers: &Answers, prices: Option<&Prices>) -> String {
    let mut parts = vec![question(scenario, answers), headline(answers, prices)];
    parts.push(table_of(&answers.classes));
    parts.extend(answers.classes.iter().map(paragraph));
    parts.extend(answers.chosen.as_ref().and_then(|chosen| chosen.confidence).map(|sure| how_sure(&sure)));
    parts.extend(answers.chosen.as_ref().and_then(|chosen| rare(scenario, chosen)));
    parts.extend(blame(answers));
    parts.extend(answers.unknowns.filter(|risk| risk.predictive.value > 0.0).map(spread));
    if answers.chosen.is_none() {
        parts.push(NOT_ASKED.to_owned());
    }
    if let Some(chosen) = &answers.chosen {
        parts.push(backup(chosen.hours.as_ref()));
        parts.push(limits(chosen));
        parts.extend(unknowns(chosen));
        parts.push(rules(&chosen.rules));
        let lines = paste::lines(&answers.classes[chosen.class], chosen.percent);
        parts.extend((!lines.is_empty()).then(|| format!("To paste:\n{}", indented(&lines.join("\n")))));
    }
    parts.push(
        "Every percent is the simulation's; its bounds are of the simulation alone. --alerts FILE writes Prometheus \
         rules that watch the plan, --format json everything."
            .to_owned(),
    );
    parts.join("\n\n")
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

fn question(scenario: &Scenario, answers: &Answers) -> String {
    format!(
        "{}: what percent, which class, when, and how much more? Acceptable: {} incidents a year and host, at {} \
         confidence; each percent is judged by {} replications of {}.",
        scenario.name(),
        answers.budget.incidents_per_year,
        Percent(answers.budget.confidence * 100.0),
        count(answers.budget.most()),
        scenario.horizon(),
    )
}

fn headline(answers: &Answers, prices: Option<&Prices>) -> String {
    let Some(place) = answers.smallest_safe else {
        return "No class is shown to be safe for this data: the reasons are below.".to_owned();
    };
    let smallest = &answers.classes[place];
    let cheapest = match prices.map(|prices| prices.cheapest(&answers.classes)) {
        Some(Some((cheapest, price))) => format!(" Cheapest: {}, {price} a month.", name(cheapest)),
        Some(None) => " No safe class has a price.".to_owned(),
        None => String::new(),
    };
    format!("Smallest safe class: {}, {}.{cheapest}", name(smallest), smallest.ram)
}

fn how_sure(sure: &Confidence) -> String {
    let forks = match sure.forks_per_incident {
        Some(forks) => {
            let forks = rate(two_digits(forks));
            format!("of {} forks a year at most 1 in {forks} ends in one", rate(sure.forks_per_year))
        }
        None => "nothing forks".to_owned(),
    };
    format!(
        "How sure: full to {}, at most {} incidents a host and year, {} in a fleet of {}; {forks}. At the worst moment of \
         a year {} are free (median over years).",
        Percent(sure.percent),
        rate(sure.incidents_per_host_year),
        rate(sure.incidents_per_fleet_year),
        count(u64::from(FLEET)),
        sure.free_at_worst,
    )
}

/// The risk that plain simulation does not see.
fn rare(scenario: &Scenario, chosen: &Chosen) -> Option<String> {
    let text = match chosen.rare.as_ref()? {
        Err(refused) => format!("{refused}. The bound above is all that can be said."),
        Ok(risk) => {
            let decided: Vec<String> =
                risk.decided_by.iter().map(|by| format!("{} ({:+.1} σ)", by.input, by.tilt)).collect();
            let tail = if risk.is_decided_by_inputs(scenario.horizon()) {
                "below 1e-4 a month, decided by the inputs: "
            } else {
                "decided by "
            };
            let Estimate { value, low, high } = risk.probability;
            format!(
                "an incident within {} has a chance of {value:.1e} ({low:.1e} to {high:.1e}), {tail}{}",
                scenario.horizon(),
                if decided.is_empty() { "none of them alone".to_owned() } else { decided.join(", ") }
            )
        }
    };
    Some(format!("Rare risk, by importance sampling: {text}"))
}

/// What not knowing the inputs does to the risk.
fn spread(risk: RiskOverUnknowns) -> String {
    let share = |value: f64| Percent(100.0 * value).to_string();
    let [low, middle, high] = risk.spread;
    format!(
        "The unknowns in that, as written: a replication has an incident with a chance of {} over all that \
         the inputs may be, {} at their likely values; of the hosts that they may describe a tenth have \
         less than {}, half less than {}, a tenth more than {}. Knowing them would take away {} of the \
         variance.",
        share(risk.predictive.value),
        if risk.at_likely.value > 0.0 {
            share(risk.at_likely.value)
        } else {
            format!("none seen and at most {}", share(risk.at_likely.high))
        },
        share(low),
        share(middle),
        share(high),
        share(risk.share_of_variance),
    )
}

/// A bound to two digits, downwards: `22,081` is no more than `22,000`.
fn two_digits(value: f64) -> f64 {
    let unit = 10f64.powf((value.max(1.0).log10().floor() - 1.0).max(0.0));
    (value / unit).floor() * unit
}

fn blame(answers: &Answers) -> Option<String> {
    if answers.by_cause.is_empty() {
        return None;
    }
    let happens = answers
        .by_cause
        .iter()
        .filter(|risk| risk.forks_per_year > 0.0 || risk.incidents_per_year.value > 0.0);
    let rows = happens.map(|risk| {
        [risk.cause.name().to_owned(), rate(risk.forks_per_year), interval(risk.incidents_per_year)]
    });
    let table = table::render(&["cause", "forks a year", "incidents a year"], rows);
    let all = |cause: Cause| answers.by_cause.iter().find(|risk| risk.cause == cause);
    let remedies = answers.remedies.iter().filter_map(|remedy| {
        let before = all(remedy.cause)?.forks_per_year;
        (before > 0.0).then(|| {
            format!(
                "  {}: {} instead of {} {} forks a year, {} incidents a year in all",
                remedy.change,
                rate(remedy.forks_per_year),
                rate(before),
                remedy.cause.name(),
                interval(remedy.incidents_per_year),
            )
        })
    });
    let lines: Vec<String> =
        ["Who is to blame, as written:".to_owned(), table].into_iter().chain(remedies).collect();
    Some(lines.join("\n"))
}

/// A rate with its interval; a bound where nothing was seen.
fn interval(estimate: Estimate) -> String {
    if estimate.value <= 0.0 {
        return format!("none seen, at most {}", rate(estimate.high));
    }
    format!("{} ({} to {})", rate(estimate.value), rate(estimate.low), rate(estimate.high))
}

fn backup(hours: Option<&BackupHours>) -> String {
    let Some(hours) = hours else { return "Backup hour: no backup is scheduled.".to_owned() };
    let at = |hour: u64| {
        let found = hours.hours.iter().find(|known| known.hour == hour);
        rate(found.map_or(0.0, |known| known.incidents_per_year.value))
    };
    let where_ = format!("compared at {}, where hours can be told apart", Percent(hours.percent));
    if hours.matters() {
        format!(
            "Backup hour: best {:02}:00 UTC ({} incidents a year), worst {:02}:00 ({}), {where_}.",
            hours.best,
            at(hours.best),
            hours.worst,
            at(hours.worst)
        )
    } else {
        format!(
            "Backup hour: it makes no difference that could be resolved ({:02}:00 has {} incidents a year, {:02}:00 has {}; \
             {where_}).",
            hours.best,
            at(hours.best),
            hours.worst,
            at(hours.worst)
        )
    }
}

fn limits(chosen: &Chosen) -> String {
    let writes = match chosen.limiting_writes_per_second {
        Some(limit) => {
            format!("at {} it holds up to {} writes/s on average", Percent(chosen.percent), rate(limit))
        }
        None => "no write rate was found to limit it".to_owned(),
    };
    let growth = match chosen.safe_days {
        Some(days) => format!("growing as given, the data is within it for {} days", rate(days)),
        None => "the data does not grow".to_owned(),
    };
    format!("How much more: {writes}; {growth}.")
}

fn unknowns(chosen: &Chosen) -> Option<String> {
    if chosen.sensitivity.is_empty() {
        return None;
    }
    let shown = chosen.sensitivity.iter().take(SHOWN);
    let rows =
        shown.map(|one| [one.input.clone(), one.change.clone(), Percent(one.survivable_percent).to_string()]);
    let table = table::render(&["input", "if it were", "survivable"], rows);
    let next: Vec<&str> = chosen.measure_next.iter().take(NEXT).map(|next| next.input.as_str()).collect();
    let measure =
        if next.is_empty() { String::new() } else { format!("\nMeasure next: {}.", next.join(", then ")) };
    Some(format!("What the unknowns do to the survivable percent:\n{table}{measure}"))
}

fn rules(rules: &[RuleOfThumb]) -> String {
    let rows = rules.iter().map(|rule| {
        let risk = match rule.incidents_per_year {
            Some(rate) => interval(rate),
            None => "does not fit".to_owned(),
        };
        let means = match (rule.verdict, rule.waste) {
            (Verdict::Risky | Verdict::DoesNotFit, _) => "too little free".to_owned(),
            (_, Bytes::ZERO) => "–".to_owned(),
            (_, waste) => format!("{waste} unused"),
        };
        [rule.rule.to_owned(), Percent(rule.percent).to_string(), risk, means]
    });
    format!(
        "Rules of thumb here:\n{}",
        table::render(&["rule", "percent", "incidents a year", "means"], rows)
    )
}
