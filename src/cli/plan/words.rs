//! The plan in words: a paragraph a question.

use super::paste;
use super::prices::Prices;
use crate::cli::answer::{busy_hour, name, paragraph, table_of};
use crate::cli::table;
use crate::model::Cause;
use crate::plan::{
    Answers, Assurance, BackupHours, Chosen, Confidence, FLEET, Further, MeasureNext, Rare, Room,
    RuleOfThumb, Sensitivities,
};
use crate::scenario::Scenario;
use crate::stats::Estimate;
use crate::sweep::unknowns::RiskOverUnknowns;
use crate::sweep::words::{count, rate};
use crate::sweep::{Effort, Verdict};
use crate::units::{Bytes, Percent};

/// Inputs that are named as worth measuring.
const NEXT: usize = 3;

/// Said where the further questions could not be asked.
const NOT_ASKED: &str = "Hours, limits, unknowns and rules of thumb are not answered: they are asked at the percent to \
                         set, or of data as given that fits, and there is none. More replications, a larger class or \
                         a smaller load may show one.";

/// Said where a server forks all the time.
const FORKS_TOO_OFTEN: &str = "Hours, limits, unknowns and rules of thumb are not answered: this server forks so often that \
                               they would take many minutes. A shorter simulation.horizon brings them.";

/// Sensitivities in the table.
const SHOWN: usize = 8;

/// Everything, for people.
pub fn human(scenario: &Scenario, answers: &Answers, prices: Option<&Prices>) -> String {
    let mut parts = vec![question(scenario, answers)];
    parts.extend(defaults(answers));
    parts.push(headline(answers, prices));
    parts.push(table_of(&answers.classes));
    parts.extend(answers.classes.iter().map(paragraph));
    parts.extend(answers.chosen.as_ref().and_then(how_sure));
    parts.extend(answers.chosen.as_ref().and_then(|chosen| single_hosts(answers, chosen)));
    parts.extend(answers.chosen.as_ref().and_then(|chosen| Some(busy_hour(chosen.percent, &chosen.surge?))));
    parts.extend(answers.rare.as_ref().map(|found| rare(scenario, answers, found)));
    parts.extend(blame(answers));
    parts.extend(answers.unknowns.filter(|risk| risk.predictive.value > 0.0).map(spread));
    if answers.chosen.is_none() {
        parts.push(NOT_ASKED.to_owned());
    }
    if let Some(chosen) = &answers.chosen {
        match &chosen.further {
            Some(further) => {
                parts.push(backup(further.hours.as_ref()));
                parts.push(limits(chosen, further));
                parts.extend(further.unknowns.as_ref().and_then(unknowns));
                parts.push(rules(chosen, further));
            }
            None => parts.push(FORKS_TOO_OFTEN.to_owned()),
        }
        let answer = &answers.classes[chosen.class];
        let lines = chosen.percent.map(|percent| paste::lines(answer, percent)).unwrap_or_default();
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
         confidence{}; each percent was looked for with {} of {} and confirmed by {}.",
        scenario.name(),
        answers.budget.incidents_per_year,
        Percent(answers.budget.confidence * 100.0),
        match answers.assurance {
            None => String::new(),
            Some(share) => format!(", on {} of the hosts and on their average", Percent(share * 100.0)),
        },
        replications(answers.effort.search),
        scenario.horizon(),
        others(answers),
    )
}

/// The defaults that decide the answer, where nobody has measured them.
fn defaults(answers: &Answers) -> Option<String> {
    let moves = |next: &MeasureNext| format!("{} ({})", next.input, next.words());
    let named: Vec<String> = answers.decided_by_default.iter().take(NEXT).map(moves).collect();
    (!named.is_empty()).then(|| format!("Decided by defaults, which nobody measured: {}.", named.join(", ")))
}

/// The replications that confirm a percent.
fn others(answers: &Answers) -> String {
    let Effort { search, confirm, refine } = answers.effort;
    if search == refine {
        return "as many others".to_owned();
    }
    format!("up to {} others, the one recommended by up to {}", count(confirm), count(refine))
}

/// So many replications.
fn replications(count_of: u64) -> String {
    if count_of == 1 { "one replication".to_owned() } else { format!("{} replications", count(count_of)) }
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

fn how_sure(chosen: &Chosen) -> Option<String> {
    let sure: Confidence = chosen.confidence?;
    let forks = match sure.forks_per_incident {
        None => "nothing forks".to_owned(),
        Some(Estimate { value, low, high }) => {
            let [value, low, high] = [value, low, high].map(|forks| rate(two_digits(forks)));
            let ends = if sure.incidents_per_host_year.value > 0.0 {
                format!("one in {value} ends in one ({low} to {high})")
            } else {
                format!("none was seen to end in one, so it is fewer than one in {low}")
            };
            format!("of {} forks a year {ends}", rate(sure.forks_per_year))
        }
    };
    let subject = match chosen.percent {
        Some(percent) => format!("full to {}", Percent(percent)),
        None => format!("with the data as given, {} of the host", Percent(sure.percent)),
    };
    Some(format!(
        "How sure: {subject}, a host is hit at most {} times a year on average, {} times in a fleet of {}, and has {} \
         incidents a year; {forks}. At the worst moment of a year {} are free (median over years).",
        rate(sure.hits_per_host_year),
        rate(sure.hits_per_fleet_year),
        count(u64::from(FLEET)),
        interval(sure.incidents_per_host_year),
        sure.free_at_worst,
    ))
}

/// What of that is true of one host.
fn single_hosts(answers: &Answers, chosen: &Chosen) -> Option<String> {
    let Assurance { beyond, nine_in_ten, is_open } = chosen.assurance?;
    let at = match chosen.percent {
        Some(percent) => format!("at {}", Percent(percent)),
        None => "as given".to_owned(),
    };
    let share = |value: f64| Percent(100.0 * value).to_string();
    let room = |room: Room| match room {
        Room::Percent(percent) => format!("up to {}", Percent(percent)),
        Room::Ram(ram) => format!("in {ram} of memory"),
    };
    let most = match (nine_in_ten, is_open) {
        (Some(least), false) => format!("nine in ten hold it {}", room(least)),
        (Some(least), true) => format!("nine in ten hold it {} and further", room(least)),
        (None, _) => "no room that was looked at is enough for nine in ten".to_owned(),
    };
    Some(format!(
        "One host is not a fleet: of the hosts that your inputs allow, {} ({} to {}) exceed {} incidents a year each by \
         itself {at}; {most}.",
        share(beyond.value),
        share(beyond.low),
        share(beyond.high),
        answers.budget.incidents_per_year,
    ))
}

/// The risk that plain simulation does not see.
fn rare(scenario: &Scenario, answers: &Answers, rare: &Rare) -> String {
    let text = match &rare.risk {
        None => "there is none, as the data does not fit".to_owned(),
        Some(Err(refused)) => format!("{refused}. A bound from plain replications is all that can be said."),
        Some(Ok(risk)) => {
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
    let of = match (rare.percent, rare.class) {
        (Some(percent), _) => format!("at {}", Percent(percent)),
        (None, Some(class)) => format!("of {} with the data as given", name(&answers.classes[class])),
        (None, None) => "as written".to_owned(),
    };
    format!("Rare risk {of}, by importance sampling: {text}")
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
    let room = match hours.room {
        Room::Percent(percent) => Percent(percent).to_string(),
        Room::Ram(ram) => format!("{ram} of memory"),
    };
    let where_ = format!("compared at {room}, where hours can be told apart");
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

fn limits(chosen: &Chosen, further: &Further) -> String {
    let writes = match further.limiting_writes_per_second {
        Some(limit) => {
            let at = match chosen.percent {
                Some(percent) => format!("at {}", Percent(percent)),
                None => "as given".to_owned(),
            };
            format!("{at} it holds up to {} writes/s on average", rate(limit))
        }
        None => "no write rate was found to limit it".to_owned(),
    };
    let growth = match further.safe_days {
        Some(days) => format!("growing as given, the data is within it for {} days", rate(days)),
        None => "the data does not grow".to_owned(),
    };
    format!("How much more: {writes}; {growth}.")
}

fn unknowns(found: &Sensitivities) -> Option<String> {
    let Sensitivities { survivable, by_effect, measure_next } = found;
    if by_effect.is_empty() {
        return None;
    }
    let (asked, column) = match survivable {
        Room::Percent(_) => ("the survivable percent", "survivable"),
        Room::Ram(_) => ("the RAM required", "required"),
    };
    let shown = by_effect.iter().take(SHOWN);
    let least =
        |room: Option<Room>| room.map_or("more than was looked at".to_owned(), |room| room.to_string());
    let rows = shown.map(|one| [one.input.clone(), one.change.clone(), least(one.survivable)]);
    let table = table::render(&["input", "if it were", column], rows);
    let next: Vec<&str> = measure_next.iter().take(NEXT).map(|next| next.input.as_str()).collect();
    let measure =
        if next.is_empty() { String::new() } else { format!("\nMeasure next: {}.", next.join(", then ")) };
    Some(format!("What the unknowns do to {asked}:\n{table}{measure}"))
}

fn rules(chosen: &Chosen, further: &Further) -> String {
    let rows = further.rules.iter().map(|rule: &RuleOfThumb| {
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
    let here = if chosen.percent.is_some() { "here" } else { "here, in the RAM that each asks for the data" };
    format!(
        "Rules of thumb {here}:\n{}",
        table::render(&["rule", "percent", "incidents a year", "means"], rows)
    )
}
