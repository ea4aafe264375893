//! The columns of a measurements file: which field of a [`Row`] each fills, and what may stand in it.

use super::row::Row;

/// Columns without which a row says nothing.
pub(super) const REQUIRED: [&str; 4] = ["run_id", "server", "version", "op"];

/// Kinds of load.
const OPS: &[&str] = &["idle", "get", "set", "setvary", "incr", "hset", "insert", "delset", "setex"];
/// Popularities.
const DISTS: &[&str] = &["uniform", "zipf", "hotspot"];
/// What can become of a save.
const OUTCOMES: &[&str] = &[
    "ok",
    "child_oom",
    "parent_oom",
    "fork_failed",
    "save_failed",
    "parent_died",
    "sync_not_completed",
    "not_finished",
];

/// Largest length of a string. Source: `proto-max-bulk-len`, 512 MB by default.
const LONGEST_STRING: f64 = 512.0 * 1024.0 * 1024.0;
/// More than any host has keys or bytes; whole numbers up to it are exact.
const LARGEST_AMOUNT: f64 = 1e15;

/// A field to fill, and what may be put there.
pub(super) enum Slot<'r> {
    /// A word that every row has, any or one of some.
    Name(&'r mut String, &'static [&'static str]),
    /// A word, any or one of some.
    Word(&'r mut Option<String>, &'static [&'static str]),
    /// A number of any sign.
    Number(&'r mut Option<f64>),
    /// A number of zero or more.
    Amount(&'r mut Option<f64>),
    /// The length of a string.
    Length(&'r mut Option<u64>),
    /// The size of a page.
    PageSize(&'r mut Option<u64>),
}

/// What a cell may not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Misread {
    /// What stands there: a few words.
    pub(super) label: String,
    /// What may stand there.
    pub(super) help: String,
}

/// The field of `row` that `column` fills; `None` for columns that nothing is read from.
pub(super) fn slot<'r>(row: &'r mut Row, column: &str) -> Option<Slot<'r>> {
    use Slot::{Amount, Length, Name, Number, PageSize, Word};
    Some(match column {
        "run_id" => Name(&mut row.run_id, &[]),
        "server" => Name(&mut row.server, &[]),
        "version" => Name(&mut row.version, &[]),
        "op" => Name(&mut row.op, OPS),
        "series" => Name(&mut row.series, &[]),
        "allocator" => Word(&mut row.allocator, &[]),
        "dist" => Word(&mut row.dist, DISTS),
        "value_bytes" => Length(&mut row.value_bytes),
        "value_pattern" => Word(&mut row.value_pattern, &[]),
        "key_bytes" => Length(&mut row.key_bytes),
        "page_bytes" => PageSize(&mut row.page_bytes),
        "nkeys" => Amount(&mut row.nkeys),
        "loaded_keys" => Amount(&mut row.loaded_keys),
        "save_kind" => Word(&mut row.save_kind, &[]),
        "used_memory_bytes" => Amount(&mut row.used_memory_bytes),
        "rss_bytes" => Amount(&mut row.rss_bytes),
        "thp" => Word(&mut row.thp, &[]),
        "thp_disabled_by_server" => Number(&mut row.thp_disabled_by_server),
        "rdb_compression" => Word(&mut row.rdb_compression, &[]),
        "key_save_delay" => Number(&mut row.key_save_delay),
        "save_medium" => Word(&mut row.save_medium, &[]),
        "writes_during_save" => Amount(&mut row.writes_during_save),
        "save_s" => Amount(&mut row.save_s),
        "maxmemory_bytes" => Amount(&mut row.maxmemory_bytes),
        "maxmemory_policy" => Word(&mut row.maxmemory_policy, &[]),
        "ttl_s" => Amount(&mut row.ttl_s),
        "cgroup_limit_bytes" => Amount(&mut row.cgroup_limit_bytes),
        "anon_at_fork_bytes" => Amount(&mut row.anon_at_fork_bytes),
        "oom_score_adj" => Word(&mut row.oom_score_adj, &[]),
        "overcommit_memory" => Number(&mut row.overcommit_memory),
        "overcommit_at_start" => Number(&mut row.overcommit_at_start),
        "commit_headroom_bytes" => Number(&mut row.commit_headroom_bytes),
        "ram_bytes" => Amount(&mut row.ram_bytes),
        "swap_bytes" => Amount(&mut row.swap_bytes),
        "replica_output_buffer_limit" => Word(&mut row.replica_output_buffer_limit, &[]),
        "target_rate_per_s" => Amount(&mut row.target_rate_per_s),
        "notes" => Word(&mut row.notes, &[]),
        "anon_growth_peak_bytes" => Number(&mut row.anon_growth_peak_bytes),
        "cow_last_reported_bytes" => Number(&mut row.cow_last_reported_bytes),
        "fork_us" => Number(&mut row.fork_us),
        "outcome" => Word(&mut row.outcome, OUTCOMES),
        "mem_clients_slaves_peak_bytes" => Number(&mut row.mem_clients_slaves_peak_bytes),
        "rdb_file_bytes" => Amount(&mut row.rdb_file_bytes),
        _ => return None,
    })
}

impl Slot<'_> {
    /// Puts `cell` into the field; an empty cell leaves it empty.
    pub(super) fn fill(self, cell: &str) -> Result<(), Misread> {
        match self {
            Self::Name(field, choices) => cell.clone_into(word(cell, choices).map(|()| field)?),
            Self::Word(..) | Self::Number(_) | Self::Amount(_) | Self::Length(_) | Self::PageSize(_)
                if cell.is_empty() => {}
            Self::Word(field, choices) => *field = word(cell, choices).map(|()| Some(cell.to_owned()))?,
            Self::Number(field) => *field = Some(within(cell, -LARGEST_AMOUNT, LARGEST_AMOUNT)?),
            Self::Amount(field) => *field = Some(within(cell, 0.0, LARGEST_AMOUNT)?),
            Self::Length(field) => *field = Some(whole(within(cell, 0.0, LONGEST_STRING)?)),
            Self::PageSize(field) => *field = Some(page_size(cell)?),
        }
        Ok(())
    }
}

fn word(cell: &str, choices: &[&str]) -> Result<(), Misread> {
    if choices.is_empty() || choices.contains(&cell) {
        return Ok(());
    }
    let label = if cell.is_empty() { "nothing".to_owned() } else { format!("`{cell}`") };
    Err(Misread {
        label: format!("{label} is none of those known"),
        help: format!("one of {}", choices.join(", ")),
    })
}

/// The number in `cell`, which lies between `least` and `most`.
pub(super) fn within(cell: &str, least: f64, most: f64) -> Result<f64, Misread> {
    let help = || "leave a cell empty where nothing was measured".to_owned();
    let number: f64 = cell.parse().map_err(|_| Misread { label: "no number".into(), help: help() })?;
    if (least..=most).contains(&number) {
        return Ok(number);
    }
    let label = if number < 0.0 && least >= 0.0 { "negative" } else { "beyond any measure" };
    Err(Misread { label: label.into(), help: help() })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 512 MiB")]
fn whole(number: f64) -> u64 {
    number.round() as u64
}

fn page_size(cell: &str) -> Result<u64, Misread> {
    let bytes = whole(within(cell, 0.0, LONGEST_STRING)?);
    if [4096, 16_384, 65_536].contains(&bytes) {
        return Ok(bytes);
    }
    Err(Misread { label: "no page size of Linux".into(), help: "one of 4096, 16384, 65536".into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(column: &str, cell: &str) -> Result<Row, String> {
        let mut row = Row::default();
        slot(&mut row, column).unwrap().fill(cell).map_err(|misread| misread.label)?;
        Ok(row)
    }

    #[test]
    fn cells_fill_the_field_of_their_column() {
        assert_eq!(filled("nkeys", "391275").unwrap().nkeys, Some(391_275.0));
        assert_eq!(filled("value_bytes", "64").unwrap().value_bytes, Some(64));
        assert_eq!(filled("key_save_delay", "-37").unwrap().key_save_delay, Some(-37.0));
        assert_eq!(filled("dist", "").unwrap().dist, None);
        assert_eq!(filled("op", "set").unwrap().op, "set");
        assert!(slot(&mut Row::default(), "writes_per_page").is_none());
    }

    #[test]
    fn what_no_save_can_have_is_refused() {
        let refused = |column, cell| filled(column, cell).unwrap_err();
        assert_eq!(refused("nkeys", "many"), "no number");
        assert_eq!(refused("nkeys", "-1"), "negative");
        assert_eq!(refused("save_s", "nan"), "beyond any measure");
        assert_eq!(refused("value_bytes", "1e12"), "beyond any measure");
        assert_eq!(refused("page_bytes", "0"), "no page size of Linux");
        assert_eq!(refused("op", "mset"), "`mset` is none of those known");
        assert_eq!(refused("op", ""), "nothing is none of those known");
    }
}
