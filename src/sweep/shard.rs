//! A share of a sweep's cells, for one of several processes or machines.

use std::fmt;
use std::str::FromStr;

use super::grid::{Cell, Grid};

/// One of so many shares of a sweep. Whole cells, dealt like cards: cell `k` belongs to shard `(k − 1) mod N + 1`,
/// counted over the scenario's cells and over those of a full server alike, so that neighbours, which cost about as
/// much, go to different shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    count: usize,
}

/// A text that is no `I/N`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not I/N with I from 1 to N, such as 2/8")]
pub struct MalformedShard(String);

impl Shard {
    /// Shard `index` of `count`; `None` unless `1 ≤ index ≤ count`.
    #[must_use]
    pub fn new(index: usize, count: usize) -> Option<Self> {
        (1..=count).contains(&index).then_some(Self { index, count })
    }

    /// Which one, from 1.
    #[must_use]
    pub const fn index(self) -> usize {
        self.index
    }

    /// Of how many.
    #[must_use]
    pub const fn count(self) -> usize {
        self.count
    }

    /// Whether the cell of that number, from 1, belongs to it.
    #[must_use]
    pub fn has(self, cell: usize) -> bool {
        cell % self.count == self.index % self.count
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = MalformedShard;

    fn from_str(text: &str) -> Result<Self, MalformedShard> {
        let shard = text.split_once('/').and_then(|(index, count)| {
            let number = |text: &str| text.trim().parse().ok();
            Self::new(number(index)?, number(count)?)
        });
        shard.ok_or_else(|| MalformedShard(text.to_owned()))
    }
}

impl Grid {
    /// What `shard` simulates. The RAM required falls to the shard of the scenario's own cell, or to the first where
    /// the axes pass it by.
    #[must_use]
    pub fn shard(&self, shard: Shard) -> Self {
        let own = self.cells.iter().find(|cell| self.as_given.as_ref() == Some(&cell.case.host));
        let asks = shard.has(own.map_or(1, |cell| cell.number));
        let mut part = self.only(|cell, _| shard.has(cell.number));
        part.as_given = part.as_given.filter(|_| asks);
        part
    }

    /// Without the cells that `is_finished` holds; it is told whether a cell is one of a full server.
    #[must_use]
    pub fn without(&self, is_finished: impl Fn(usize, bool) -> bool) -> Self {
        self.only(|cell, is_full| !is_finished(cell.number, is_full))
    }

    fn only(&self, keep: impl Fn(&Cell, bool) -> bool) -> Self {
        let kept =
            |cells: &[Cell], is_full| cells.iter().filter(|cell| keep(cell, is_full)).cloned().collect();
        Self {
            cells: kept(&self.cells, false),
            full: kept(&self.full, true),
            as_given: self.as_given.clone(),
            ..*self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::sample::scenario;

    #[test]
    fn every_cell_is_in_exactly_one_shard() {
        for count in 1..9 {
            let shards: Vec<Shard> = (1..=count).filter_map(|index| Shard::new(index, count)).collect();
            for cell in 1..40 {
                let owners: Vec<usize> =
                    shards.iter().filter(|shard| shard.has(cell)).map(|shard| shard.index()).collect();
                assert_eq!(owners, [(cell - 1) % count + 1], "cell {cell} of {count} shards");
            }
        }
    }

    #[test]
    fn a_shard_is_one_of_n_from_one() {
        assert_eq!("2/8".parse(), Ok(Shard { index: 2, count: 8 }));
        for text in ["0/8", "9/8", "1/0", "1", "-1/2", "a/b", ""] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
        assert_eq!(
            "9/8".parse::<Shard>().unwrap_err().to_string(),
            "`9/8` is not I/N with I from 1 to N, such as 2/8"
        );
    }

    #[test]
    fn shards_divide_both_kinds_of_cells_and_one_asks_for_the_ram_required() {
        let text = [r#"dataset.fill="keys""#, "keyspace.sessions.keys=10_000_000"];
        let axes = ["server.maxmemory-percent=30,45,60"];
        let grid = Grid::new(&scenario(&text, &axes)).unwrap();
        let parts = [1, 2].map(|index| grid.shard(Shard { index, count: 2 }));
        let numbers = |cells: &[Cell]| cells.iter().map(|cell| cell.number).collect::<Vec<_>>();
        assert_eq!([numbers(&parts[0].cells), numbers(&parts[0].full)], [[1, 3], [1, 3]]);
        assert_eq!([numbers(&parts[1].cells), numbers(&parts[1].full)], [[2], [2]]);
        assert_eq!(parts.iter().filter(|part| part.as_given.is_some()).count(), 1);
        let rest = grid.without(|cell, is_full| cell == 2 && !is_full);
        assert_eq!((numbers(&rest.cells), numbers(&rest.full)), (vec![1, 3], vec![1, 2, 3]));
    }
}
