//! The question of one host class, and its answer.

use super::frontier::Frontier;
use super::{ClassAnswer, StepAbove, sentence};
use crate::sweep::{CellRow, Grid, RequiredRam, Sweep, Verdict};
use crate::units::{Bytes, Percent};

/// What is known of one host class.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// `provider.class`, or `None` where the scenario gives the RAM itself.
    pub host_class: Option<String>,
    /// RAM of the host, or the limit of the container in its place.
    pub ram: Bytes,
    /// Whether that is the limit of a container.
    pub is_limited: bool,
    /// Servers on the host, all alike, which share what is needed and what may be set.
    pub servers: u32,
    /// The largest `maxmemory` that the provider allows [% of RAM].
    pub percent_cap: Option<f64>,
    /// `used_memory` that the data of all servers needs at the horizon.
    pub needed: Bytes,
    /// Incidents a year that are acceptable.
    pub incidents_per_year: f64,
    /// The RAM that the data requires; `None` where it is a share of `maxmemory`.
    pub required_ram: Option<RequiredRam>,
    /// This host with the data as given, at any `maxmemory`; none where the data is a share of it.
    pub as_given: Vec<&'a CellRow>,
    /// This host with its server full to `maxmemory`, by percent.
    pub full: Vec<&'a CellRow>,
}

impl Question<'_> {
    /// What the data needs [% of RAM], to a hundredth: neither whole keys nor whole bytes decide.
    pub(super) fn needed_percent(&self) -> f64 {
        (self.needed.as_f64() / self.ram.as_f64() * 1e4).round() / 100.0
    }

    /// The largest percent that is safe and may be set.
    pub(super) fn to_set<'r>(&self, frontier: &Frontier<'r>) -> Option<(f64, &'r CellRow)> {
        frontier.safe_up_to(self.percent_cap.unwrap_or(f64::INFINITY))
    }

    /// What needed and survivable percent say together.
    fn verdict(&self, frontier: &Frontier<'_>) -> Verdict {
        let needed = self.needed_percent();
        let exceeds = |limit: Option<f64>| limit.is_some_and(|limit| needed > limit);
        if self.to_set(frontier).is_some_and(|(percent, _)| needed <= percent) {
            Verdict::Safe
        } else if needed > 100.0
            || exceeds(self.percent_cap)
            || frontier.last_up_to(needed, Verdict::DoesNotFit).is_some()
        {
            Verdict::DoesNotFit
        } else if frontier.last_up_to(needed, Verdict::Risky).is_some() {
            Verdict::Risky
        } else {
            Verdict::Undecided
        }
    }
}

/// The answers for every host of the grid, in its order. Hosts of which nothing was finished are left out.
///
/// Where the scenario has axes besides host class and percent, the answers are of the scenario as written; what the
/// other values do is in their rows.
pub fn answers(grid: &Grid, sweep: &Sweep) -> Vec<ClassAnswer> {
    let mut hosts: Vec<(Option<String>, Bytes)> = Vec::new();
    let mut answers = Vec::new();
    let full = if grid.full.is_empty() { &sweep.rows } else { &sweep.full };
    for cell in grid.cells.iter().chain(&grid.full) {
        let host = (cell.case.host_class.clone(), cell.case.memory);
        if hosts.contains(&host) {
            continue;
        }
        let of_host = |row: &&CellRow| (&row.host_class, row.ram) == (&host.0, host.1);
        let as_given = |row: &&CellRow| grid.as_given.is_some() && row.axes.is_empty() && of_host(row);
        let question = Question {
            host_class: host.0.clone(),
            ram: host.1,
            is_limited: cell.is_limited(),
            servers: cell.case.host.tenancy.servers,
            percent_cap: cell.case.percent_cap,
            needed: grid.needed,
            incidents_per_year: grid.budget.incidents_per_year,
            required_ram: sweep.required_ram,
            as_given: sweep.rows.iter().filter(as_given).collect(),
            full: full.iter().filter(of_host).collect(),
        };
        if !question.full.is_empty() || !question.as_given.is_empty() {
            answers.push(answer(&question));
        }
        hosts.push(host);
    }
    answers
}

/// The answer to one question.
pub fn answer(question: &Question<'_>) -> ClassAnswer {
    let frontier = Frontier::new(question.full.iter().copied());
    let survivable = frontier.survivable();
    let step_above = frontier.step_above();
    let pair = question.verdict(&frontier);
    // Whatever maxmemory is: of the cells that differ in nothing else, the one it stands in the way of least.
    let as_given = question.as_given.iter().min_by_key(|row| severity(row.verdict));
    let (verdict, reason) = match as_given {
        Some(row) => (row.verdict, sentence::of_data_as_given(row, question)),
        None => (pair, sentence::of_pair(pair, question, &frontier)),
    };
    let cause = |row: &CellRow| row.figures.as_ref().and_then(|figures| figures.main_cause);
    let causes = [as_given.copied(), survivable.map(|(_, row)| row), step_above.map(|(_, row)| row)];
    let at_worst = survivable.map(|(_, row)| row).or(as_given.copied());
    let is_settled = verdict == Verdict::Safe && pair == Verdict::Safe;
    ClassAnswer {
        host_class: question.host_class.clone(),
        ram: question.ram,
        is_limited: question.is_limited,
        needed_percent: Some(question.needed_percent()),
        survivable_percent: survivable.map(|(percent, _)| percent),
        tried: Vec::new(),
        survivable_percent_low: survivable.map(|(percent, _)| percent),
        survivable_percent_high: frontier.high(),
        required_ram: question.required_ram.and_then(|required| required.high),
        verdict,
        reason,
        main_cause: causes.into_iter().flatten().find_map(cause),
        free_min_p01: at_worst.and_then(|row| row.figures.as_ref()).map(|f| f.free_min_p01),
        one_step_above: step_above.map(one_step_above),
        paste: question.to_set(&frontier).filter(|_| is_settled).and_then(|to_set| paste(to_set, question)),
    }
}

fn severity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Safe => 0,
        Verdict::Undecided => 1,
        Verdict::Risky => 2,
        Verdict::DoesNotFit => 3,
    }
}

fn one_step_above((percent, row): (f64, &CellRow)) -> StepAbove {
    StepAbove {
        percent,
        verdict: row.verdict,
        incidents_per_year: row.figures.as_ref().map(|figures| figures.incidents_per_year),
        main_cause: row.figures.as_ref().and_then(|figures| figures.main_cause),
        reason: row.reason.clone(),
    }
}

fn paste((percent, row): (f64, &CellRow), question: &Question<'_>) -> Option<String> {
    let maxmemory = row.maxmemory?;
    let each = if question.servers > 1 {
        format!(" for {} servers together, each of them:", question.servers)
    } else {
        String::new()
    };
    Some(format!("# {} of {}{each}\nmaxmemory {}", Percent(percent), question.ram, maxmemory.0))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::Cause;
    use crate::sweep::{Estimate, Figures, IncidentKind};

    /// Percents from 50 in steps of 5 with a verdict each: `s`afe, `r`isky, `u`ndecided, does `n`ot fit.
    pub fn percents_from_50(verdicts: &str) -> Vec<(f64, Verdict)> {
        let verdict = |letter| match letter {
            's' => Verdict::Safe,
            'r' => Verdict::Risky,
            'u' => Verdict::Undecided,
            _ => Verdict::DoesNotFit,
        };
        let percents = (0u32..).map(|step| f64::from(50 + 5 * step));
        percents.zip(verdicts.chars().map(verdict)).collect()
    }

    pub fn rows(cells: &[(f64, Verdict)]) -> Vec<CellRow> {
        cells.iter().zip(1..).map(|(&(percent, verdict), cell)| row(cell, percent, verdict)).collect()
    }

    fn row(cell: usize, percent: f64, verdict: Verdict) -> CellRow {
        let incidents_per_year = match verdict {
            Verdict::Safe => Estimate { value: 0.0, low: 0.0, high: 0.0081 },
            Verdict::Risky => Estimate { value: 3.0, low: 2.1, high: 4.0 },
            Verdict::Undecided | Verdict::DoesNotFit => Estimate { value: 0.01, low: 0.002, high: 0.03 },
        };
        let ram = Bytes::gib(32);
        let maxmemory = ram.scaled(percent / 100.0);
        CellRow {
            cell,
            host_class: Some("yandex.hm3-c4-m32".to_owned()),
            ram,
            maxmemory_percent: Some(percent),
            maxmemory: Some(maxmemory),
            data: maxmemory,
            axes: Vec::new(),
            replications: 1_000,
            horizon_seconds: 2_592_000.0,
            figures: (verdict != Verdict::DoesNotFit).then(|| figures(incidents_per_year, verdict)),
            verdict,
            reason: format!("(why {percent} % is {})", verdict.name()),
        }
    }

    fn figures(incidents_per_year: Estimate, verdict: Verdict) -> Figures {
        Figures {
            oom_probability: incidents_per_year,
            incidents_per_year,
            affected_per_year: incidents_per_year,
            server_kills_per_year: incidents_per_year.value,
            forks_per_year: 365.25,
            main_cause: (verdict == Verdict::Risky).then_some(Cause::AofRewrite),
            main_incident: (verdict == Verdict::Risky).then_some(IncidentKind::Kill),
            peak_memory_p50: Bytes::gib(20),
            peak_memory_p99: Bytes::gib(24),
            free_min_p50: Bytes::gib(12),
            free_min_p01: Bytes::gib(8),
            cow_peak_p50: Bytes::gib(2),
            cow_peak_p99: Bytes::gib(4),
            ..Figures::default()
        }
    }

    /// A host of 32 GiB whose data needs so many per cent, with cells at 50 %, 55 % …
    fn question(needed: f64, full: &[CellRow]) -> Question<'_> {
        Question {
            host_class: Some("yandex.hm3-c4-m32".to_owned()),
            ram: Bytes::gib(32),
            is_limited: false,
            servers: 1,
            percent_cap: None,
            needed: Bytes::gib(32).scaled(needed / 100.0),
            incidents_per_year: 0.01,
            required_ram: None,
            as_given: Vec::new(),
            full: full.iter().collect(),
        }
    }

    fn said(needed: f64, verdicts: &str) -> String {
        let rows = rows(&percents_from_50(verdicts));
        let answer = answer(&question(needed, &rows));
        format!("{}: {}", answer.verdict.name(), answer.reason)
    }

    #[test]
    fn safe_says_what_to_set() {
        let texts = [said(41.0, "ssss"), said(41.0, "ssur"), said(55.0, "ssrr"), said(55.0, "susr")];
        insta::assert_snapshot!(texts.join("\n"), @"
        safe: the data needs 41 % of RAM, and full to 65 % the server is hit at most 0.0081 times a year: set 41 % to 65 %
        safe: the data needs 41 % of RAM, and full to 55 % the server is hit at most 0.0081 times a year: set 41 % to 55 %
        safe: the data needs 55 % of RAM, and full to 55 % the server is hit at most 0.0081 times a year: set 55 %
        undecided: the data needs 55 % of RAM; full to maxmemory the server stays within 0.01 incidents a year only up to 50 %, and 55 % is open: (why 55 % is undecided)
        ");
    }

    #[test]
    fn not_safe_says_what_is_in_the_way() {
        let texts = [
            said(62.0, "ssrr"),
            said(65.0, "ssrr"),
            said(65.0, "srss"),
            said(75.0, "rrrrrr"),
            said(65.0, "ssnn"),
            said(118.75, "ssss"),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        risky: the data needs 62 % of RAM, but full to maxmemory the server stays within 0.01 incidents a year only up to 55 %; at 60 % it has at least 2.1 a year, mostly kills during an AOF rewrite
        risky: the data needs 65 % of RAM, but full to maxmemory the server stays within 0.01 incidents a year only up to 55 %; at 65 % it has at least 2.1 a year, mostly kills during an AOF rewrite
        risky: the data needs 65 % of RAM, but full to maxmemory the server stays within 0.01 incidents a year only up to 50 %; at 55 % it has at least 2.1 a year, mostly kills during an AOF rewrite
        risky: the data needs 75 % of RAM, but full to maxmemory the server stays within 0.01 incidents a year at no simulated percent; at 75 % it has at least 2.1 a year, mostly kills during an AOF rewrite
        does-not-fit: the data needs 65 % of RAM, and from 60 % on RAM does not hold the full server even with no child alive
        does-not-fit: the data needs 118.8 % of RAM: it takes a larger host
        ");
    }

    #[test]
    fn undecided_says_what_to_do() {
        let texts = [
            said(60.0, "ssur"),
            said(60.0, "uuuu"),
            said(40.0, "rrrr"),
            said(93.0, "ssss"),
            said(52.0, "srrr"),
            said(52.0, ""),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        undecided: the data needs 60 % of RAM; full to maxmemory the server stays within 0.01 incidents a year only up to 55 %, and 60 % is open: (why 60 % is undecided)
        undecided: the data needs 60 % of RAM; full to maxmemory the server stays within 0.01 incidents a year at no simulated percent, and 60 % is open: (why 60 % is undecided)
        undecided: the data needs 40 % of RAM, below the smallest simulated percent; at that, 50 %, the full server has at least 2.1 a year, mostly kills during an AOF rewrite: simulate smaller ones
        undecided: the data needs 93 % of RAM, above the largest simulated percent, 65 %: simulate larger ones
        undecided: the data needs 52 % of RAM; full to maxmemory the server stays within 0.01 incidents a year only up to 50 %, and at 55 % it has at least 2.1 a year, mostly kills during an AOF rewrite: simulate the percents between
        undecided: the data needs 52 % of RAM; no percent was simulated to the end
        ");
    }

    #[test]
    fn a_percent_above_the_providers_cap_is_never_recommended() {
        let rows = rows(&percents_from_50("sssssss"));
        let capped = |needed, cap| answer(&Question { percent_cap: Some(cap), ..question(needed, &rows) });
        let within = capped(60.0, 75.0);
        assert_eq!((within.verdict, within.survivable_percent), (Verdict::Safe, Some(80.0)));
        assert_eq!(within.paste.unwrap(), "# 75 % of 32 GiB\nmaxmemory 25769803776");
        let texts = [within.reason, capped(78.0, 75.0).reason, capped(72.0, 74.0).reason];
        insta::assert_snapshot!(texts.join("\n"), @"
        the data needs 60 % of RAM, and full to 75 % the server is hit at most 0.0081 times a year: set 60 % to 75 %; 80 % would survive too, but the provider allows no more
        the data needs 78 % of RAM, and the provider allows no more than 75 %
        the data needs 72 % of RAM; 75 % would be safe, but is above what the provider allows: simulate a percent between
        ");
        assert_eq!(capped(78.0, 75.0).verdict, Verdict::DoesNotFit);
        assert_eq!(capped(78.0, 75.0).paste, None);
        assert_eq!(capped(72.0, 74.0).verdict, Verdict::Undecided);
    }

    #[test]
    fn the_pair_comes_with_what_breaks_one_step_above() {
        let rows = rows(&percents_from_50("ssurr"));
        let answer = answer(&question(41.0, &rows));
        let survivable =
            [answer.survivable_percent_low, answer.survivable_percent, answer.survivable_percent_high];
        assert_eq!(survivable, [Some(55.0), Some(55.0), Some(60.0)]);
        assert_eq!((answer.needed_percent, answer.free_min_p01), (Some(41.0), Some(Bytes::gib(8))));
        let step = answer.one_step_above.unwrap();
        assert_eq!((step.percent, step.verdict), (60.0, Verdict::Undecided));
        assert_eq!(answer.paste.unwrap(), "# 55 % of 32 GiB\nmaxmemory 18897856103");
    }

    #[test]
    fn the_cause_is_that_of_the_step_above_where_nothing_went_wrong_below() {
        let rows = rows(&percents_from_50("ssr"));
        assert_eq!(answer(&question(41.0, &rows)).main_cause, Some(Cause::AofRewrite));
    }

    /// Data of 24 GiB less a byte of rounding on a host of 32 GiB needs 75 %, not a hair more.
    #[test]
    fn rounding_to_whole_bytes_does_not_decide() {
        let rows = rows(&percents_from_50("ssssssr"));
        let question = Question { needed: Bytes(Bytes::gib(24).0 + 64), ..question(75.0, &rows) };
        assert_eq!(answer(&question).verdict, Verdict::Safe);
    }

    #[test]
    fn data_as_given_is_judged_by_its_own_cell_and_told_the_ram_it_requires() {
        let full = rows(&percents_from_50("ssrr"));
        let own = rows(&[(50.0, Verdict::DoesNotFit), (82.0, Verdict::Risky)]);
        let required = RequiredRam { low: Some(Bytes::gib(36)), high: Some(Bytes::gib(38)) };
        let asked = Question {
            as_given: own.iter().collect(),
            required_ram: Some(required),
            ..question(82.0, &full)
        };
        let risky = answer(&asked);
        assert_eq!((risky.verdict, risky.required_ram), (Verdict::Risky, Some(Bytes::gib(38))));
        let own = rows(&[(82.0, Verdict::Safe)]);
        let safe = answer(&Question { as_given: own.iter().collect(), ..asked });
        assert_eq!((safe.verdict, safe.paste), (Verdict::Safe, None));
        insta::assert_snapshot!([risky.reason, safe.reason].join("\n"), @"
        the data needs 82 % of RAM: (why 82 % is risky); it takes 38 GiB of RAM to stay within it
        the data needs 82 % of RAM: (why 82 % is safe); 38 GiB of RAM would do
        ");
    }

    #[test]
    fn a_container_is_told_of_its_limit() {
        let own = rows(&[(82.0, Verdict::Risky)]);
        let required = RequiredRam { low: Some(Bytes::gib(36)), high: Some(Bytes::gib(38)) };
        let limited = |needed, verdicts: &str| {
            let rows = rows(&percents_from_50(verdicts));
            answer(&Question { is_limited: true, ..question(needed, &rows) }).reason
        };
        let as_given = Question {
            is_limited: true,
            as_given: own.iter().collect(),
            required_ram: Some(required),
            ..question(82.0, &[])
        };
        let texts =
            [limited(41.0, "ssrr"), limited(65.0, "ssnn"), limited(118.75, "ssss"), answer(&as_given).reason];
        insta::assert_snapshot!(texts.join("\n"), @"
        the data needs 41 % of the limit, and full to 55 % the server is hit at most 0.0081 times a year: set 41 % to 55 %
        the data needs 65 % of the limit, and from 60 % on the limit does not hold the full server even with no child alive
        the data needs 118.8 % of the limit: it takes a larger limit
        the data needs 82 % of the limit: (why 82 % is risky); it takes a limit of 38 GiB to stay within it
        ");
    }

    #[test]
    fn servers_of_one_host_share_what_is_needed_and_what_is_set() {
        let rows = rows(&percents_from_50("ssrr"));
        let answer = answer(&Question { servers: 4, ..question(41.0, &rows) });
        insta::assert_snapshot!(format!("{}\n{}", answer.reason, answer.paste.unwrap()), @"
        the data of all 4 servers together needs 41 % of RAM, and full to 55 % the server is hit at most 0.0081 times a year: set 41 % to 55 %
        # 55 % of 32 GiB for 4 servers together, each of them:
        maxmemory 18897856103
        ");
    }
}
