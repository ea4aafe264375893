//! The kinds of load that errors are pooled over.

use super::row::Row;

/// Rows that one part of the law answers for, over all series, servers and popularities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Line {
    /// Values up to 1 KiB that keep their size and place, and loads that write nothing.
    Small,
    /// Values up to 4 KiB: whole pages inside a value can be given back by the child.
    Page,
    /// Larger values.
    Large,
    /// Loads that move objects: changing sizes, new keys, deletions, evictions, expiry; and any load on a heap that
    /// they left behind.
    Moving,
    /// Full syncs: copies, and the stream that waits for the replica.
    FullSync,
}

const KIB: u64 = 1024;

impl Line {
    /// Every line, in the order in which they are shown.
    pub const ALL: [Self; 5] = [Self::Small, Self::Page, Self::Large, Self::Moving, Self::FullSync];

    /// The line that `row` belongs to.
    pub fn of(row: &Row) -> Self {
        let is_fragmented = row.notes.as_deref().is_some_and(|notes| notes.contains("after setvary"));
        let moves = matches!(row.op.as_str(), "setvary" | "insert" | "delset" | "setex");
        match row.value_bytes.unwrap_or(0) {
            _ if row.series == "fullsync" => Self::FullSync,
            _ if moves || is_fragmented => Self::Moving,
            bytes if bytes <= KIB => Self::Small,
            bytes if bytes <= 4 * KIB => Self::Page,
            _ => Self::Large,
        }
    }

    /// Its name in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Small => "SET, GET, idle, INCR, HSET to 1 KiB",
            Self::Page => "values to 4 KiB",
            Self::Large => "values to 16 KiB and beyond",
            Self::Moving => "changing, insert, DEL+SET, evict, TTL, fragmented",
            Self::FullSync => "full syncs, with replica buffers",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(op: &str, value_bytes: u64, notes: &str) -> Line {
        let notes = Some(notes.to_owned());
        Line::of(&Row { op: op.into(), value_bytes: Some(value_bytes), notes, ..Row::default() })
    }

    #[test]
    fn rows_are_pooled_by_what_the_load_does_and_by_size() {
        assert_eq!(line("set", 1024, ""), Line::Small);
        assert_eq!(line("idle", 4096, ""), Line::Page);
        assert_eq!(line("set", 16_384, ""), Line::Large);
        assert_eq!(line("delset", 64, ""), Line::Moving);
        assert_eq!(line("set", 64, "after setvary runs"), Line::Moving);
        assert_eq!(Line::of(&Row { series: "fullsync".into(), ..Row::default() }), Line::FullSync);
    }
}
