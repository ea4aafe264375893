//! The sentences.

use crate::decision::Headroom;
use crate::memory::heap::PoolCopies;
use crate::model::one_save::Forecast;
use crate::scenario::one_save::Question;
use crate::units::{Bytes, Percent, SimDuration};

/// Copied pages above this share of a pool: more writes copy next to nothing more of it.
const SATURATED: f64 = 0.95;

/// The peak: how much and when, and of what.
pub fn finding(forecast: &Forecast, operation: &str) -> String {
    format!("{}.\n{}", title(forecast), subject(forecast, operation).join("\n"))
}

/// The peak in a clause.
pub fn title(forecast: &Forecast) -> String {
    let peak = forecast.peak.anonymous();
    let share = Percent(100.0 * peak / forecast.used_memory);
    let when = if forecast.peak == forecast.end() {
        format!("when the child exits after {}", span(forecast.seconds))
    } else {
        format!("{} after the fork", span(forecast.peak.seconds))
    };
    format!("The save costs {} at its peak, {share} of the data, {when}", Bytes::from_f64(peak))
}

/// What is saved, under which load; and what is left at the end, where that is less than the peak.
pub fn subject(forecast: &Forecast, operation: &str) -> Vec<String> {
    let keys = format!(
        "{} keys in {} of used_memory, under {} {operation}/s.",
        count(forecast.keys),
        Bytes::from_f64(forecast.used_memory),
        count(forecast.writes_per_second),
    );
    let left = format!(
        "The child gives pages back: {} are left when it exits after {}.",
        Bytes::from_f64(forecast.end().anonymous()),
        span(forecast.seconds)
    );
    if forecast.peak == forecast.end() { vec![keys] } else { vec![keys, left] }
}

fn span(seconds: f64) -> String {
    SimDuration::from_secs_f64(seconds).to_string()
}

/// What the server says of it afterwards.
pub fn reported(forecast: &Forecast) -> String {
    format!(
        "INFO will say rdb_last_cow_size {}: not the peak, but what the child\nsaw of itself on a few looks, without what the server grew.",
        Bytes::from_f64(forecast.reported)
    )
}

/// The pause and the page tables.
pub fn besides(forecast: &Forecast) -> String {
    let [low, high] = [forecast.fork_pause.0, forecast.fork_pause.1].map(span);
    format!(
        "fork() stops the server for {low} to {high}, depending on the machine.\nThe child's page tables take another {}.",
        Bytes::from_f64(forecast.page_tables)
    )
}

/// What was taken for granted; `None` where nothing was.
pub fn assumptions(question: &Question) -> Option<String> {
    let mut assumed = question.assumed.clone();
    if !question.save.layout.measured {
        assumed.push(format!("a layout of {} that was read, not measured", question.save.layout.engine));
    }
    (!assumed.is_empty()).then(|| format!("Assumed:\n  {}", assumed.join("\n  ")))
}

/// Header of the table of pools: the size of a slot, and how many objects a page has; copied as at the peak.
pub const POOLS: [&str; 7] = ["pool", "slot", "objects", "a page", "pages", "copied", "share"];

/// A row of it.
pub fn pool_row(pool: &PoolCopies) -> [String; 7] {
    let (objects, pages) = (pool.objects, pool.pages.max(f64::MIN_POSITIVE));
    [
        pool.name.clone(),
        Bytes(pool.class_bytes).to_string(),
        count(objects),
        rounded(objects / pages),
        count(pool.pages),
        count(pool.copied_pages),
        Percent(100.0 * pool.copied_pages / pages).to_string(),
    ]
}

/// Which pools are all but copied, and what a write still copies.
pub fn saturation(forecast: &Forecast) -> String {
    let is_saturated = |pool: &&PoolCopies| pool.copied_pages > SATURATED * pool.pages;
    let name = |pool: &PoolCopies| format!("{} ({})", pool.name, Bytes(pool.class_bytes));
    let saturated: Vec<String> = forecast.pools.iter().filter(is_saturated).map(name).collect();
    let pools = match saturated.len() {
        0 => "No pool is saturated: in those that are written, more writes copy more.".to_owned(),
        all if all == forecast.pools.len() => "Every pool is saturated, over 95 % copied.".to_owned(),
        _ => format!(
            "Saturated, over 95 % copied: {}.\nIn the others that are written, more writes copy more.",
            saturated.join(", ")
        ),
    };
    let (first, last) = forecast.pages_per_write;
    let (first, last) = (rounded(first), rounded(last));
    format!("{pools}\nPages copied a write: {first} right after the fork, {last} right before the exit.")
}

/// May I save now?
pub fn verdict(headroom: &Headroom, worst: &Forecast, operation: &str) -> String {
    let Headroom { ram, resident, copied, page_tables, others, kept_back } = *headroom;
    let (answer, margin) = if headroom.fits() {
        ("fits", format!("{} to spare", headroom.margin()))
    } else {
        ("does not fit", format!("{} too much", headroom.margin()))
    };
    let need = headroom.need();
    let (rate, ratio) = (count(worst.writes_per_second), rounded(worst.resident / worst.used_memory));
    [
        format!("The save {answer}: at worst it needs {need} of {ram}, {margin}."),
        format!("{resident} resident, {copied} copied, {page_tables} of page tables,"),
        format!("{others} of the system, {kept_back} that the kernel keeps."),
        format!(
            "At worst: {rate} {operation}/s, a save of {}, {ratio} times used_memory resident.",
            span(worst.seconds)
        ),
    ]
    .join("\n")
}

/// A count with separators of thousands or, from a million, in three digits: `131,072`, `40 million`.
fn count(number: f64) -> String {
    let scales = [(1e12, " trillion"), (1e9, " billion"), (1e6, " million")];
    match scales.into_iter().find(|(scale, _)| number >= 0.9995 * scale) {
        Some((scale, name)) => format!("{}{name}", rounded(number / scale)),
        None => grouped(number),
    }
}

fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap_or("")).collect();
    groups.join(",")
}

/// About three significant digits.
fn rounded(number: f64) -> String {
    let decimals = match number.abs() {
        0.0 | 100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        0.1.. => 3,
        _ => 4,
    };
    let text = format!("{number:.decimals$}");
    if decimals > 0 { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_read_as_people_say_them() {
        let texts = [0.0, 12.0, 50_000.0, 999_999.0, 1e6, 1.5e6, 12_345_678.0, 2e9].map(count);
        assert_eq!(
            texts,
            ["0", "12", "50,000", "1 million", "1 million", "1.5 million", "12.3 million", "2 billion"]
        );
        assert_eq!([3.254, 25.6, 163.84, 0.01234].map(rounded), ["3.25", "25.6", "164", "0.0123"]);
    }
}
