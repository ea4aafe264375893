//! Where, over the percentages of one host, a full server stops being safe.

use crate::sweep::{CellRow, Verdict};

/// The cells of one full host by percent, and the frontier through them.
///
/// Percents are judged from the smallest up, and the first that is not shown to be safe ends it. So the largest one
/// told to be safe is no lucky one among many: to be told of any percent beyond the budget, the first such must have
/// passed, and that has no more than the error of a single judgement (testing in a fixed sequence; W. Maurer, L.
/// Hothorn and W. Lehmacher, "Multiple comparisons in drug clinical trials and preclinical assays: a-priori ordered
/// hypotheses", 1995). Nor is a percent above one that fails any advice, since a server passes through the lower one
/// as it fills.
#[derive(Clone, Debug)]
pub(super) struct Frontier<'a> {
    /// The cells with their percents, ascending.
    cells: Vec<(f64, &'a CellRow)>,
    /// How many of them lie below the first that is certainly beyond the budget.
    open: usize,
}

impl<'a> Frontier<'a> {
    /// The frontier through `rows`, of which those without a percent are left out.
    pub fn new(rows: impl IntoIterator<Item = &'a CellRow>) -> Self {
        let with_percent = |row: &'a CellRow| row.maxmemory_percent.map(|percent| (percent, row));
        let mut cells: Vec<(f64, &CellRow)> = rows.into_iter().filter_map(with_percent).collect();
        cells.sort_by(|a, b| a.0.total_cmp(&b.0));
        let beyond = |row: &CellRow| matches!(row.verdict, Verdict::Risky | Verdict::DoesNotFit);
        let open = cells.iter().position(|(_, row)| beyond(row)).unwrap_or(cells.len());
        Self { cells, open }
    }

    /// All percents with their cells, ascending.
    pub fn cells(&self) -> &[(f64, &'a CellRow)] {
        &self.cells
    }

    /// The largest percent up to which every one is safe, and at most `cap`.
    pub fn safe_up_to(&self, cap: f64) -> Option<(f64, &'a CellRow)> {
        let safe = self.cells.iter().take_while(|(_, row)| row.verdict == Verdict::Safe);
        safe.filter(|&&(percent, _)| percent <= cap).last().copied()
    }

    /// The largest percent up to which every one is safe.
    pub fn survivable(&self) -> Option<(f64, &'a CellRow)> {
        self.safe_up_to(f64::INFINITY)
    }

    /// The largest percent below the first certain failure.
    pub fn high(&self) -> Option<f64> {
        self.cells[..self.open].last().map(|&(percent, _)| percent)
    }

    /// The cell one step above the survivable percent, or the first where none is.
    pub fn step_above(&self) -> Option<(f64, &'a CellRow)> {
        let survivable = self.survivable().map_or(f64::NEG_INFINITY, |(percent, _)| percent);
        self.cells.iter().find(|&&(percent, _)| percent > survivable).copied()
    }

    /// The largest percent up to `percent` that has this verdict.
    pub fn last_up_to(&self, percent: f64, verdict: Verdict) -> Option<(f64, &'a CellRow)> {
        let matches = |&&(p, row): &&(f64, &CellRow)| p <= percent && row.verdict == verdict;
        self.cells.iter().rev().find(matches).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::answer::tests::{percents_from_50, rows};

    /// Survivable and high for verdicts at 50 %, 55 %, 60 % …: `s`afe, `r`isky, `u`ndecided, does `n`ot fit.
    fn frontier(verdicts: &str) -> [Option<f64>; 2] {
        let rows = rows(&percents_from_50(verdicts));
        let frontier = Frontier::new(&rows);
        [frontier.survivable().map(|(percent, _)| percent), frontier.high()]
    }

    #[test]
    fn the_frontier_lies_below_the_first_certain_failure() {
        assert_eq!(frontier("ssss"), [Some(65.0); 2]);
        assert_eq!(frontier("ssrr"), [Some(55.0); 2]);
        assert_eq!(frontier("ssnn"), [Some(55.0); 2]);
        assert_eq!(frontier("rrrr"), [None; 2]);
        assert_eq!(frontier("susur"), [Some(50.0), Some(65.0)]);
        assert_eq!(frontier("uur"), [None, Some(55.0)]);
        assert_eq!(frontier("srss"), [Some(50.0); 2]);
        assert_eq!(frontier(""), [None; 2]);
    }

    #[test]
    fn a_cap_takes_the_largest_safe_percent_within_it() {
        let rows = rows(&percents_from_50("ssss"));
        let capped = |cap| Frontier::new(&rows).safe_up_to(cap).map(|(percent, _)| percent);
        assert_eq!([capped(60.0), capped(62.0), capped(49.0)], [Some(60.0), Some(60.0), None]);
    }

    #[test]
    fn one_step_above_is_the_next_percent_whatever_its_verdict() {
        let step = |verdicts: &str| {
            let rows = rows(&percents_from_50(verdicts));
            Frontier::new(&rows).step_above().map(|(percent, row)| (percent, row.verdict))
        };
        assert_eq!(step("ssur"), Some((60.0, Verdict::Undecided)));
        assert_eq!(step("rr"), Some((50.0, Verdict::Risky)));
        assert_eq!(step("ss"), None);
    }
}
