//! What an operator reads of a host class: one sentence with its numbers.

use super::answer::Question;
use super::frontier::Frontier;
use crate::sweep::words::{mostly, rate};
use crate::sweep::{CellRow, Verdict};
use crate::units::Percent;

/// Why the pair of needed and survivable percent gives its verdict.
pub(super) fn of_pair(verdict: Verdict, question: &Question<'_>, frontier: &Frontier<'_>) -> String {
    let needs = needs(question);
    match verdict {
        Verdict::Safe => safe(&needs, question, frontier),
        Verdict::Risky => risky(&needs, question, frontier),
        Verdict::DoesNotFit => does_not_fit(&needs, question, frontier),
        Verdict::Undecided => undecided(&needs, question, frontier),
    }
}

/// What the data needs of the host.
fn needs(question: &Question<'_>) -> String {
    let of_all = if question.servers > 1 {
        format!(" of all {} servers together", question.servers)
    } else {
        String::new()
    };
    let room = if question.is_limited { "the limit" } else { "RAM" };
    format!("the data{of_all} needs {} of {room}", Percent(question.needed_percent()))
}

fn safe(needs: &str, question: &Question<'_>, frontier: &Frontier<'_>) -> String {
    let needed = question.needed_percent();
    let Some((percent, row)) = question.to_set(frontier) else { return needs.to_owned() };
    let most = row.figures.as_ref().map(|f| format!("at most {} times", rate(f.affected_per_year.high)));
    let most = most.unwrap_or_default();
    let capped = match frontier.survivable() {
        Some((survivable, _)) if survivable > percent => {
            format!("; {} would survive too, but the provider allows no more", Percent(survivable))
        }
        _ => String::new(),
    };
    let set = if percent > needed {
        format!("set {} to {}", Percent(needed), Percent(percent))
    } else {
        format!("set {}", Percent(percent))
    };
    format!("{needs}, and full to {} the server is hit {most} a year: {set}{capped}", Percent(percent))
}

fn risky(needs: &str, question: &Question<'_>, frontier: &Frontier<'_>) -> String {
    let survives = survives(question, frontier);
    let at = frontier.last_up_to(question.needed_percent(), Verdict::Risky);
    let at = at.map(|(percent, row)| format!("; at {} it has {}", Percent(percent), how_bad(row)));
    format!("{needs}, but {survives}{}", at.unwrap_or_default())
}

fn does_not_fit(needs: &str, question: &Question<'_>, frontier: &Frontier<'_>) -> String {
    let needed = question.needed_percent();
    if needed > 100.0 {
        let larger = if question.is_limited { "limit" } else { "host" };
        return format!("{needs}: it takes a larger {larger}");
    }
    if let Some(cap) = question.percent_cap.filter(|&cap| needed > cap) {
        return format!("{needs}, and the provider allows no more than {}", Percent(cap));
    }
    let first = frontier.cells().iter().find(|(_, row)| row.verdict == Verdict::DoesNotFit);
    let from = first.map(|&(percent, _)| format!("from {} on ", Percent(percent))).unwrap_or_default();
    let room = if question.is_limited { "the limit" } else { "RAM" };
    format!("{needs}, and {from}{room} does not hold the full server even with no child alive")
}

fn undecided(needs: &str, question: &Question<'_>, frontier: &Frontier<'_>) -> String {
    let needed = question.needed_percent();
    let (Some(&(first, _)), Some(&(last, _))) = (frontier.cells().first(), frontier.cells().last()) else {
        return format!("{needs}; no percent was simulated to the end");
    };
    let next = frontier.cells().iter().find(|&&(percent, _)| percent >= needed);
    match next {
        None => {
            format!("{needs}, above the largest simulated percent, {}: simulate larger ones", Percent(last))
        }
        Some(&(percent, row)) if row.verdict == Verdict::Safe => format!(
            "{needs}; {} would be safe, but is above what the provider allows: simulate a percent between",
            Percent(percent),
        ),
        Some(&(percent, row)) if row.verdict == Verdict::Undecided => {
            let survives = survives(question, frontier);
            format!("{needs}; {survives}, and {} is open: {}", Percent(percent), row.reason)
        }
        Some(&(percent, row)) if percent > first && needed > first => {
            let survives = survives(question, frontier);
            format!(
                "{needs}; {survives}, and at {} it has {}: simulate the percents between",
                Percent(percent),
                how_bad(row)
            )
        }
        Some(&(percent, row)) => format!(
            "{needs}, below the smallest simulated percent; at that, {}, the full server has {}: simulate smaller ones",
            Percent(percent),
            how_bad(row)
        ),
    }
}

/// Up to where a full server meets the budget.
fn survives(question: &Question<'_>, frontier: &Frontier<'_>) -> String {
    let budget = format!("within {} incidents a year", rate(question.incidents_per_year));
    match frontier.survivable() {
        Some((percent, _)) => {
            format!("full to maxmemory the server stays {budget} only up to {}", Percent(percent))
        }
        None => format!("full to maxmemory the server stays {budget} at no simulated percent"),
    }
}

/// What goes wrong in a cell.
fn how_bad(row: &CellRow) -> String {
    let Some(figures) = &row.figures else { return "no room even with no child alive".to_owned() };
    format!("at least {} a year{}", rate(figures.affected_per_year.low), mostly(figures))
}

/// Why data as given has the verdict of its own cell, and what RAM it would take.
pub(super) fn of_data_as_given(row: &CellRow, question: &Question<'_>) -> String {
    let required = question.required_ram.and_then(|required| required.high);
    let room = |ram| {
        if question.is_limited { format!("a limit of {ram}") } else { format!("{ram} of RAM") }
    };
    let required = required.map(|ram| match row.verdict {
        Verdict::Safe => format!("; {} would do", room(ram)),
        _ => format!("; it takes {} to stay within it", room(ram)),
    });
    format!("{}: {}{}", needs(question), row.reason, required.unwrap_or_default())
}
