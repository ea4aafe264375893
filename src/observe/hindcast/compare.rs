//! What both the record and the model speak of: survival, forks, full syncs and copies.

use super::{Agreement, Comparison, ModelSays, Quantiles};
use crate::observe::record::Record;
use crate::observe::words::{grouped, per_second, rounded, uptime};
use crate::units::{Bytes, Percent, SimDuration};

/// The smallest chance that the model may give to what happened.
const LEAST_CHANCE: f64 = 0.05;

/// The size of the pages that `rdb_last_cow_size` counts, on x86-64 \[bytes\].
const PAGE: f64 = 4_096.0;

const DAY: f64 = 86_400.0;

/// Whether the server should have been killed by the model's word.
pub(super) fn survival(record: &Record, says: &ModelSays) -> Comparison {
    let forks = record.survived_forks();
    let kill = says.kill_probability;
    let percent = |share: f64| Percent(share * 100.0);
    let chance = if kill.value > 0.0 {
        format!(
            "the OOM killer strikes with a chance of {} (95 %: {} to {})",
            percent(kill.value),
            percent(kill.low),
            percent(kill.high)
        )
    } else {
        format!("the OOM killer struck in none, a chance below {} (95 %)", percent(kill.high))
    };
    let model = format!(
        "Model: in {} replications of such a span {chance}; the worst moment leaves {} free, in one replication of \
         twenty less than {}.",
        grouped(says.replications),
        says.free_min.p50,
        says.free_min.p05,
    );
    let mut sentences = vec![survived(record), model];
    let agreement = if 1.0 - kill.low < LEAST_CHANCE {
        sentences.push(
            "By the model it should not be alive: the scenario is too harsh. The first suspects are what \
             it assumes: the memory reserved for others, uniform popularity, the growth, and swap, which \
             the host may have and INFO does not tell."
                .into(),
        );
        Agreement::Contradicts
    } else {
        Agreement::Agrees
    };
    if forks > 0 {
        sentences.push(record_alone(forks));
    }
    Comparison { subject: "Survival", agreement, sentences }
}

fn survived(record: &Record) -> String {
    let mut kinds = Vec::new();
    if let Some(saves) = record.forks.rdb_saves {
        kinds.push(format!("{} saves", grouped(saves)));
    }
    if let Some(rewrites) = record.forks.aof_rewrites.filter(|&rewrites| rewrites > 0) {
        kinds.push(format!("{} AOF rewrites", grouped(rewrites)));
    }
    if record.forks.full_syncs > 0 {
        kinds.push(format!("{} full syncs", grouped(record.forks.full_syncs)));
    }
    if let Some(shared) = record.shared_forks().filter(|&shared| shared > 0) {
        kinds.push(format!("{} of them one fork", grouped(shared)));
    }
    format!(
        "Record: the server has run for {} and survived {} forks ({}). Of killed children INFO keeps no \
         count.",
        uptime(record.server.uptime_seconds),
        grouped(record.survived_forks()),
        kinds.join(", ")
    )
}

/// What a record without a kill says by itself: the rule of three.
///
/// ```text
/// p ≤ 1 − 0.05^(1/n) ≈ 3/n                n forks survived, 95 %
/// ```
///
/// Source: Hanley and Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA 249 (1983).
fn record_alone(forks: u64) -> String {
    let bound = 1.0 - LEAST_CHANCE.powf(1.0 / forks as f64);
    format!(
        "By itself the record bounds the chance of a kill to {} % a fork (95 %). That is little: as many \
         forks again could still bring three kills, so what the forecast rests on is the memory left free, \
         not the past.",
        rounded(bound * 100.0, 2)
    )
}

/// Whether the model forks as often as the server did.
pub(super) fn forks(record: &Record, says: &ModelSays) -> Comparison {
    let subject = "Forks";
    let counted =
        record.forks.rdb_saves.map(|saves| saves.saturating_add(record.forks.aof_rewrites.unwrap_or(0)));
    let model = format!("Model: {}.", often(says.forks, "forks", says.span));
    let Some(saves) = counted.filter(|&counted| counted > 0) else {
        let record = "Record: this version does not count saves, or there were none.".into();
        return Comparison { subject, agreement: Agreement::Silent, sentences: vec![record, model] };
    };
    let syncs = record.sync_forks();
    let total = record.forks.total.unwrap_or_else(|| saves.saturating_add(syncs));
    let every = |count: u64| record.server.uptime_seconds as f64 / count.max(1) as f64;
    let parts = match syncs {
        0 => format!("{} saves and rewrites", grouped(saves)),
        _ => format!("{} saves and rewrites, {} for full syncs alone", grouped(saves), grouped(syncs)),
    };
    let record_says = format!("Record: {} forks, one every {:.0} s: {parts}.", grouped(total), every(total));
    let mut sentences = vec![record_says, model];
    let expected = expected(total, record, says);
    let agreement = if says.forks.contains(expected) {
        Agreement::Agrees
    } else {
        sentences.push(if expected < says.forks.p05 { too_many(every(saves)) } else { too_few() });
        Agreement::Contradicts
    };
    Comparison { subject, agreement, sentences }
}

/// Whether the model syncs replicas in full as often as the server did.
pub(super) fn full_syncs(record: &Record, says: &ModelSays) -> Comparison {
    let subject = "Full syncs";
    let model = format!("Model: {}.", often(says.full_syncs, "forks for full syncs", says.span));
    let syncs = record.forks.full_syncs;
    if syncs == 0 && says.full_syncs.p95 == 0 {
        let record = "Record: there were none.".into();
        return Comparison { subject, agreement: Agreement::Silent, sentences: vec![record, model] };
    }
    let forks = record.sync_forks();
    let days = record.server.uptime_seconds as f64 / DAY;
    let mended = match record.replication.partial_syncs {
        0 => "no lost link was".to_owned(),
        1 => "one lost link was".to_owned(),
        links => format!("{} lost links were", grouped(links)),
    };
    let record_says = format!(
        "Record: {} full syncs, {} a day, in {} forks of their own; {mended} mended from the backlog.",
        grouped(syncs),
        rounded(syncs as f64 / days.max(1.0), 2),
        grouped(forks),
    );
    let mut sentences = vec![record_says, model];
    let expected = expected(forks, record, says);
    let agreement = if says.full_syncs.contains(expected) {
        Agreement::Agrees
    } else {
        sentences.push(if expected < says.full_syncs.p05 { syncs_too_much() } else { syncs_too_little() });
        Agreement::Contradicts
    };
    sentences.extend(says.larger_backlog.map(|larger| {
        let Quantiles { p05, p50, p95 } = larger.full_syncs;
        format!(
            "With a backlog of {} (repl-backlog-size) {} of them would be left, from {} to {} in nine replications \
             of ten.",
            larger.size,
            grouped(p50),
            grouped(p05),
            grouped(p95)
        )
    }));
    Comparison { subject, agreement, sentences }
}

/// So many in a span, and the range of nine replications of ten.
fn often(counts: Quantiles<u64>, what: &str, span: SimDuration) -> String {
    let Quantiles { p05, p50, p95 } = counts;
    let span = uptime(span.0 / SimDuration::SECOND.0);
    format!(
        "{} {what} in {span}, from {} to {} in nine replications of ten",
        grouped(p50),
        grouped(p05),
        grouped(p95)
    )
}

/// What a count of the record comes to in the model's span, which may differ by the part of a day.
fn expected(counted: u64, record: &Record, says: &ModelSays) -> u64 {
    let scale = says.span.as_secs_f64() / record.server.uptime_seconds.max(1) as f64;
    Bytes::from_f64(counted as f64 * scale).0
}

fn too_many(cadence: f64) -> String {
    format!(
        "The model forks more often than the server did. Either the load of the whole record was lower \
         than that of the moment of INFO (the default save points fire every {cadence:.0} s at a steady \
         {}), or its saves took longer than the last one, or its save points are others. The forecast errs \
         to the safe side.",
        per_second(10_000.0 / cadence)
    )
}

fn too_few() -> String {
    "The model forks less often than the server did, so it understates the risk: its save points or its \
     scheduled backups are more than the scenario says, or its load was higher. CONFIG GET save tells the \
     first."
        .into()
}

fn syncs_too_much() -> String {
    "The model syncs in full more often than the server did: links stay lost for less time than assumed \
     (link-outage), or the limit on what waits for a replica cuts syncs short that succeeded there. The \
     forecast errs to the safe side."
        .into()
}

fn syncs_too_little() -> String {
    "The model syncs in full less often than the server did, so it understates the risk: links stay lost for \
     longer than assumed (link-outage), replicas were restarted, which no backlog mends, or syncs were cut \
     short and began again. The server's log tells which."
        .into()
}

/// Whether the model copies as much in a save as the server reported.
pub(super) fn last_save(record: &Record, says: &ModelSays) -> Comparison {
    let subject = "Copies of a save";
    let model = match says.last_cow {
        Some(Quantiles { p05, p50, p95 }) => format!(
            "Model: {p50} for the last save of such a span, from {p05} to {p95} in nine replications of ten."
        ),
        None => "Model: no save ended in such a span.".into(),
    };
    let Some(cow) = record.forks.last_cow else {
        let record = "Record: no save has ended yet, so none was reported.".into();
        return Comparison { subject, agreement: Agreement::Silent, sentences: vec![record, model] };
    };
    let mut sentences = vec![reported(record, cow), model];
    let agreement = match says.last_cow {
        None => Agreement::Silent,
        Some(range) if range.contains(cow) => Agreement::Agrees,
        Some(range) => {
            sentences.push(if cow < range.p05 { copies_too_much() } else { copies_too_little() });
            Agreement::Contradicts
        }
    };
    if let Some(sentence) = pages_a_write(record, cow) {
        sentences.push(sentence);
    }
    Comparison { subject, agreement, sentences }
}

fn reported(record: &Record, cow: Bytes) -> String {
    let duration = record
        .forks
        .last_save_seconds
        .map_or_else(String::new, |seconds| format!(", which took {seconds} s,"));
    format!(
        "Record: the last save{duration} copied {cow} ({:.0} MB, rdb_last_cow_size). That is what its \
         child counted at its last look; the host lost a little more.",
        cow.as_f64() / 1e6
    )
}

/// The record against itself: copied pages over the writes of the counted window's rate.
///
/// A `SET` that overwrites copies 3.0 to 3.3 pages while few are copied yet, measured on Redis 7.0.15 and
/// Valkey 8.0.1, and 2.7 at a share of copied pages like this one.
fn pages_a_write(record: &Record, cow: Bytes) -> Option<String> {
    let changes = record.load.changes.filter(|changes| changes.save > 0 && changes.count > 0)?;
    let writes = changes.per_second() * changes.save as f64;
    let pages = cow.as_f64() / PAGE;
    let ratio = pages / writes;
    let meaning = match ratio {
        0.0..1.5 => {
            "far below the 2.7 to 3.3 that overwrites of scattered keys copy: the writes go to few keys"
        }
        1.5..2.7 => {
            "somewhat below the 2.7 to 3.3 that overwrites of scattered keys copy: consistent, with some \
             hot keys or commands that touch less"
        }
        2.7..3.5 => "as many as overwrites of scattered keys copy (2.7 to 3.3)",
        _ => {
            "more than overwrites of scattered keys copy (2.7 to 3.3): a burst in that save, or commands \
             of many keys"
        }
    };
    Some(format!(
        "At {} its {} s saw about {} writes; {} pages of 4 KiB are {} a write, {meaning}.",
        per_second(changes.per_second()),
        grouped(changes.save),
        whole(writes),
        whole(pages),
        rounded(ratio, 2)
    ))
}

fn copies_too_much() -> String {
    "The model copies more than the server did: the writes go to fewer keys than assumed (popularity), \
     touch fewer places than a SET, or were fewer in that save than the window says. The forecast errs to \
     the safe side."
        .into()
}

fn copies_too_little() -> String {
    "The model copies less than the server did, so it understates the risk: that save met more writes than \
     the window says (a burst), or writes that touch more than a SET of this size. Raise writes-per-second \
     or add a job."
        .into()
}

/// A figure as a whole number, with separators and at most three digits that count beyond ten thousand.
fn whole(number: f64) -> String {
    let digits = if number >= 10_000.0 { 3 } else { 4 };
    rounded(number, digits).split('.').next().and_then(|whole| whole.parse().ok()).map_or("0".into(), grouped)
}
