//! `forkcast explain`: codes, settings and columns in words.

use super::args::ExplainArgs;
use super::exit::Exit;
use super::terminal::Terminal;
use crate::report::columns;
use crate::scenario;

/// Words of the answer that are neither settings nor columns.
const TERMS: [(&str, &str); 16] = [
    (
        "needed",
        "The percent of a host's RAM, or of its container's limit, that the data takes at the end of the horizon: \
         growth and inserts included, each at the upper end of its interval, and all servers of the host together. A \
         cache that evicts needs no more than its maxmemory.",
    ),
    (
        "survivable",
        "The largest percent at which a server full to maxmemory stays within the budget of incidents, shown by \
         replications that had no part in choosing it, or judged from the smallest percent of a grid up. \
         What to set lies between needed and survivable; where needed is above it, take a larger class.",
    ),
    (
        "incident",
        "A server killed by the OOM killer, a stall over 10 s, or three full syncs in a row cut short: of the primary, \
         its replicas and its neighbours together. A child killed, a fork refused or a shorter stall is none of them.",
    ),
    (
        "hit",
        "A replication is hit, or affected, by one incident or more. The budget counts those: one bad month is one, \
         whatever follows in it. incidents_per_year counts every incident, and its interval allows for clusters.",
    ),
    (
        "assurance",
        "Of whom the budget is asked. The average over all hosts that the inputs may describe is what a fleet of them has; a \
         single host is one of them, mostly safer than the average and sometimes far worse. risk.assurance = 0.9 asks \
         nine in ten of these hosts to hold it each by itself; a plan says in any case how many do not.",
    ),
    (
        "stall",
        "Memory has run out and the kernel looks for more before it kills: for seconds to over a minute nobody on the host \
         gets on. A stall that ends in a kill counts as the kill; any other counts from 10 s on.",
    ),
    (
        "sync-loop",
        "A full sync cut short three times in a row: what waits for the replica passes its buffer limit before it has \
         loaded the snapshot, it is dropped, asks again, and each attempt forks.",
    ),
    (
        "worst host",
        "Where a shard has several hosts, memory and free memory are those of the host where they are worst in a \
         replication; kills, stalls, forks and syncs are counted over all of them.",
    ),
    (
        "dismissal",
        "What a saving child gives back before it exits: the whole pages inside a value that it has written out; Valkey \
         from 8.1 frees strings instead, and its allocator purges them with time. So with values over a page the peak \
         of a save lies inside it. Nothing is given back where huge pages are in force.",
    ),
    (
        "fork-pause",
        "How long fork() holds the server while the kernel copies its page tables: 28 to 84 ms a GiB of 4 KiB pages, a \
         sixteenth on pages of 64 KiB, 2 to 4 on huge pages that no save has split yet. Each host draws its place \
         between the ends once a replication.",
    ),
    (
        "blame",
        "What had forked most often when it went wrong: backup, save-point, aof-rewrite, full-sync, or growth where no \
         child was alive.",
    ),
    (
        "line",
        "Rows of a validation that one part of the law answers for, over all series, servers and popularities: values up \
         to 1 KiB that keep their place, values to 4 KiB, larger ones, objects that move, full syncs.",
    ),
    (
        "timeline",
        "The time series of a measured save, timelines/<run_id>.csv.gz beside the measurements: load and progress of \
         the child are taken from it, and the whole curve of memory is compared.",
    ),
    (
        "not predicted",
        "Saves of a line whose growth of memory was measured and that no law covers, such as swapped pages. They are listed \
         with the reason, or judged by another target, where they have one.",
    ),
    (
        "saturated",
        "Of a pool of the allocator, in `forkcast cow --explain`: over 95 % of its pages are copied, so that more writes \
         copy next to nothing more of it. Small objects saturate first, because many of them share a page.",
    ),
    (
        "rdb_last_cow_size",
        "What a server reports of its last save: the most that the child saw of its own pages on a few looks, the last at \
         its end. It misses a peak between two looks, and what the parent grew; the host loses that as well.",
    ),
];

/// Explains a topic, or lists what there is to explain.
pub fn explain(args: &ExplainArgs, terminal: &Terminal) -> anyhow::Result<Exit> {
    let Some(topic) = &args.topic else {
        terminal.answer(&topics())?;
        return Ok(Exit::Done);
    };
    let column = columns::named(topic)
        .map(|(file, column)| format!("{file}: {} [{}]\n{}", column.name, column.unit, column.meaning));
    let term =
        TERMS.iter().filter(|(name, _)| name == topic).map(|(name, meaning)| format!("{name}: {meaning}"));
    let pages: Vec<String> = scenario::explain(topic).into_iter().chain(column).chain(term).collect();
    if pages.is_empty() {
        terminal.insist(format!(
            "nothing is called `{topic}`; `forkcast explain` lists codes, settings and columns"
        ));
        return Ok(Exit::Invalid);
    }
    terminal.answer(&pages.join("\n\n"))?;
    Ok(Exit::Done)
}

fn topics() -> String {
    let codes = scenario::code::pages().iter().map(|page| format!("  {}  {}", page.id, page.title));
    let files = columns::TABLES.iter().map(|(file, columns)| {
        let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
        format!("  {file}: {}", names.join(", "))
    });
    let codes: Vec<String> = codes.collect();
    let files: Vec<String> = files.collect();
    format!(
        "Diagnostic codes:\n{}\n\nSettings of the scenario: any dotted path, for example server.maxmemory-percent\n\n\
         Terms: {}\n\nColumns:\n{}",
        codes.join("\n"),
        TERMS.map(|(name, _)| name).join(", "),
        files.join("\n")
    )
}
