//! What a sweep simulates: the scenario's own cells, and those of a server full to `maxmemory`.

use super::budget::Budget;
use crate::model::host::Fill;
use crate::model::{Host, Simulation, Uncertain};
use crate::scenario::{Axis, Case, Report, Scenario};
use crate::units::{Bytes, Percent};

/// Percentages at which a full server is simulated where the scenario names fewer than two.
const DEFAULT_PERCENTS: [f64; 13] =
    [30.0, 35.0, 40.0, 45.0, 50.0, 55.0, 60.0, 65.0, 70.0, 75.0, 80.0, 85.0, 90.0];

/// Axes that choose the host and have columns of their own.
const HOST_AXES: [&str; 2] = ["host.class", "host.ram"];

/// The axis that chooses the container, and with it what a percentage is of.
const LIMIT_AXIS: &str = "host.limit";

/// The axis of `maxmemory`.
const PERCENT_AXIS: &str = "server.maxmemory-percent";

/// A point of the sweep with everything that its simulation needs.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Number of the cell, from 1, in the order of the axes.
    pub number: usize,
    /// Values of the axes other than host class and percent, as written, in the order of the axes.
    pub axes: Vec<String>,
    /// The scenario at this point.
    pub case: Case,
}

impl Cell {
    /// The cell in a few words: `cell 3, yandex.hm3-c4-m32 at 75 %`.
    pub fn name(&self) -> String {
        let size =
            || format!("{} {}", self.case.memory, if self.is_limited() { "of limit" } else { "of RAM" });
        let host = self.case.host_class.clone().unwrap_or_else(size);
        let percent = self.case.maxmemory_percent.map(|percent| format!(" at {}", Percent(percent)));
        format!("cell {}, {host}{}", self.number, percent.unwrap_or_default())
    }

    /// Whether that is the limit of a container.
    pub fn is_limited(&self) -> bool {
        self.case.host.machine.container.is_some()
    }
}

/// Everything that a sweep will simulate, resolved before any of it runs.
#[derive(Clone, Debug)]
pub struct Grid {
    /// The scenario's cells, in the order of its axes.
    pub cells: Vec<Cell>,
    /// Cells of a server full to `maxmemory`, for each host over the percentages and otherwise as written; empty
    /// where `cells` are such cells already, and where the data does not follow `maxmemory` and no percentages are
    /// asked for: then the RAM required is the question.
    pub full: Vec<Cell>,
    /// `used_memory` that the scenario as written, on its own host, needs at the horizon: of all servers of the host
    /// together.
    pub needed: Bytes,
    /// The scenario as written, where its data does not follow `maxmemory` and the RAM required is the question.
    pub as_given: Option<Host>,
    /// What is acceptable, and how it is judged, for the scenario as written.
    pub budget: Budget,
    /// Root of every random number.
    pub seed: u64,
}

impl Grid {
    /// Resolves every cell of `scenario`.
    ///
    /// # Errors
    ///
    /// Where a point of the axes is no valid scenario.
    pub fn new(scenario: &Scenario) -> Result<Self, Report> {
        let as_written = &scenario.as_written().host;
        let risk = scenario.risk();
        let budget = Budget {
            incidents_per_year: risk.incidents_per_year,
            confidence: risk.confidence,
            horizon: scenario.horizon(),
            replications: scenario.replications(),
        };
        let cells = cells(scenario)?;
        let follows_maxmemory = matches!(as_written.dataset.fill, Fill::Maxmemory(_));
        let percent_matters = follows_maxmemory || has_percents(scenario.axes());
        let needs_full = percent_matters && !are_full(&cells, scenario.axes());
        let full = if needs_full { full_cells(scenario)? } else { Vec::new() };
        Ok(Self {
            cells,
            full,
            needed: Simulation::new(as_written.clone())
                .used_memory_at_horizon()
                .scaled(f64::from(as_written.tenancy.servers)),
            as_given: (!follows_maxmemory).then(|| as_written.clone()),
            budget,
            seed: scenario.seed(),
        })
    }

    /// These hosts as they are, one cell each, and nothing beside them.
    pub fn of(cases: impl IntoIterator<Item = Case>, budget: Budget, seed: u64) -> Self {
        let cell = |(case, number)| Cell { number, axes: Vec::new(), case };
        let cells = cases.into_iter().zip(1..).map(cell).collect();
        Self { cells, full: Vec::new(), needed: Bytes::ZERO, as_given: None, budget, seed }
    }

    /// What is acceptable in `cell`, over its own horizon.
    pub(super) fn budget_of(&self, cell: &Cell) -> Budget {
        Budget { horizon: cell.case.host.horizon, ..self.budget }
    }

    /// How many cells there are to simulate.
    pub fn len(&self) -> usize {
        self.cells.len() + self.full.len()
    }

    /// Never: a scenario without axes has one cell.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The cells of `scenario`: its axes crossed, the first slowest. Without axes, the scenario as written.
///
/// # Errors
///
/// Where a point is no valid scenario.
pub fn cells(scenario: &Scenario) -> Result<Vec<Cell>, Report> {
    let points = cross(scenario.axes());
    points.iter().zip(1..).map(|(point, number)| cell(scenario, point, number)).collect()
}

/// A value for each axis, by the path of the axis.
type Point<'a> = Vec<(&'a str, &'a str)>;

fn cross(axes: &[Axis]) -> Vec<Point<'_>> {
    let mut points = vec![Point::new()];
    for axis in axes {
        let mut longer = Vec::with_capacity(points.len() * axis.values.len());
        for point in &points {
            for value in &axis.values {
                longer.push(point.iter().copied().chain([(axis.path.as_str(), value.as_str())]).collect());
            }
        }
        points = longer;
    }
    points
}

fn cell(scenario: &Scenario, point: &[(&str, &str)], number: usize) -> Result<Cell, Report> {
    let further = point.iter().filter(|(path, _)| is_further(path));
    let axes = further.map(|&(_, value)| value.to_owned()).collect();
    Ok(Cell { number, axes, case: scenario.at(point)? })
}

/// Whether an axis is neither the host nor the percent, which have columns of their own.
fn is_further(path: &str) -> bool {
    path != PERCENT_AXIS && !HOST_AXES.contains(&path)
}

/// Whether several percentages are asked for.
fn has_percents(axes: &[Axis]) -> bool {
    axes.iter().any(|axis| axis.path == PERCENT_AXIS && axis.values.len() > 1)
}

/// Whether the cells are those of a full server over several percentages, and of nothing else.
fn are_full(cells: &[Cell], axes: &[Axis]) -> bool {
    let is_full = |cell: &Cell| {
        let dataset = &cell.case.host.dataset;
        matches!(dataset.fill, Fill::Maxmemory(fill) if fill >= 1.0) && dataset.growth_per_day.high <= 0.0
    };
    has_percents(axes) && !axes.iter().any(|axis| is_further(&axis.path)) && cells.iter().all(is_full)
}

/// The hosts of the scenario as written: its axes of host class, RAM and container limit crossed.
///
/// # Errors
///
/// Where a point is no valid scenario.
pub fn hosts(scenario: &Scenario) -> Result<Vec<Case>, Report> {
    let is_host = |axis: &&Axis| axis.path == LIMIT_AXIS || HOST_AXES.contains(&axis.path.as_str());
    let hosts: Vec<Axis> = scenario.axes().iter().filter(is_host).cloned().collect();
    cross(&hosts).iter().map(|host| scenario.at(host)).collect()
}

/// A full server on every host of the scenario, over its percentages or the default ones.
fn full_cells(scenario: &Scenario) -> Result<Vec<Cell>, Report> {
    let percents = scenario.axes().iter().find(|axis| axis.path == PERCENT_AXIS && axis.values.len() > 1);
    let percents: Vec<f64> = match percents {
        Some(axis) => axis.values.iter().filter_map(|value| value.parse().ok()).collect(),
        None => DEFAULT_PERCENTS.to_vec(),
    };
    let mut full = Vec::new();
    for case in hosts(scenario)? {
        for &percent in &percents {
            let number = full.len() + 1;
            full.push(Cell { number, axes: Vec::new(), case: full_to(percent, case.clone()) });
        }
    }
    Ok(full)
}

/// The same host with its servers together full to `percent` of RAM or limit, and no growth that could be refused.
pub fn full_to(percent: f64, mut case: Case) -> Case {
    let maxmemory = case.maxmemory_at(percent);
    case.maxmemory_percent = Some(percent);
    case.maxmemory = Some(maxmemory);
    case.host.server.maxmemory = Some(maxmemory);
    case.host.dataset.fill = Fill::Maxmemory(1.0);
    case.host.dataset.growth_per_day = Uncertain::certain(0.0);
    case
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::sample::scenario;

    const PERCENTS: &str = "server.maxmemory-percent=50,60";

    fn grid(settings: &[&str], axes: &[&str]) -> Grid {
        Grid::new(&scenario(settings, axes)).unwrap()
    }

    #[test]
    fn cells_are_the_axes_crossed_with_the_first_slowest() {
        let axes = ["host.ram=8 GiB,16 GiB", PERCENTS, "backup.every=12h,24h"];
        let cells = cells(&scenario(&[], &axes)).unwrap();
        let point = |cell: &Cell| format!("{} {}", cell.name(), cell.axes.join(" "));
        insta::assert_snapshot!(cells.iter().map(point).collect::<Vec<_>>().join("\n"), @"
        cell 1, 8 GiB of RAM at 50 % 12h
        cell 2, 8 GiB of RAM at 50 % 24h
        cell 3, 16 GiB of RAM at 50 % 12h
        cell 4, 16 GiB of RAM at 50 % 24h
        cell 5, 8 GiB of RAM at 60 % 12h
        cell 6, 8 GiB of RAM at 60 % 24h
        cell 7, 16 GiB of RAM at 60 % 12h
        cell 8, 16 GiB of RAM at 60 % 24h
        ");
    }

    #[test]
    fn a_scenario_without_axes_is_one_cell_and_a_full_server_over_the_default_percents() {
        let grid = grid(&[], &[]);
        assert_eq!((grid.cells.len(), grid.full.len()), (1, 13));
        let percents = [&grid.full[0], &grid.full[12]].map(|cell| cell.case.maxmemory_percent);
        assert_eq!(percents, [Some(30.0), Some(90.0)]);
        assert_eq!(grid.full[0].case.host.server.maxmemory, Some(Bytes::gib(16).scaled(0.3)));
        assert_eq!(grid.as_given, None);
    }

    #[test]
    fn cells_of_a_full_server_over_percents_answer_for_themselves() {
        assert!(grid(&[], &[PERCENTS]).full.is_empty());
        assert!(grid(&[], &["host.ram=8 GiB,16 GiB", PERCENTS]).full.is_empty());
    }

    #[test]
    fn a_server_that_is_not_full_or_grows_or_has_further_axes_is_simulated_full_beside() {
        assert_eq!(grid(&[], &[PERCENTS, "backup.every=12h,24h"]).full.len(), 2);
        assert_eq!(grid(&["dataset.growth-per-day=1 GiB"], &[PERCENTS]).full.len(), 2);
        let half = grid(&["dataset.fill=0.5"], &[PERCENTS]);
        assert_eq!(half.full.len(), 2);
        assert_eq!(half.full[0].case.host.dataset.fill, Fill::Maxmemory(1.0));
    }

    #[test]
    fn data_in_keys_asks_for_the_ram_required_and_for_percents_only_where_they_are_swept() {
        let text =
            [r#"dataset.fill="keys""#, "keyspace.sessions.keys=10_000_000", r#"server.maxmemory="none""#];
        let alone = grid(&text, &[]);
        assert_eq!(alone.as_given.unwrap().server.maxmemory, None);
        assert_eq!((alone.cells.len(), alone.full.len()), (1, 0));
        let grid = grid(&text[..2], &["server.maxmemory-percent=30,60"]);
        assert_eq!((grid.cells.len(), grid.full.len()), (2, 2));
        let full = Simulation::new(grid.full[0].case.host.clone()).used_memory();
        assert!((full.as_gib() - 0.3 * 16.0).abs() < 1e-6, "{full}");
    }

    #[test]
    fn a_percent_is_of_the_containers_limit_and_of_all_servers_together() {
        let case = grid(&[r#"host.limit="8 GiB""#, "host.servers=4"], &[]).cells[0].case.clone();
        let cell = Cell { number: 1, axes: Vec::new(), case: full_to(50.0, case) };
        assert_eq!(cell.case.maxmemory, Some(Bytes::gib(1)));
        assert_eq!(cell.name(), "cell 1, 8 GiB of limit at 50 %");
    }

    #[test]
    fn needed_is_the_data_as_written_whatever_the_axes() {
        let needed = |axes: &[&str]| grid(&[], axes).needed.as_gib();
        assert!((needed(&[]) - 12.0).abs() < 1e-6);
        assert!((needed(&["host.ram=64 GiB", PERCENTS]) - 12.0).abs() < 1e-6);
    }

    #[test]
    fn each_cell_is_judged_over_its_own_horizon() {
        let grid = grid(&[], &["simulation.horizon=7d,30d"]);
        let years = |cell: &Cell| grid.budget_of(cell).years();
        assert!((years(&grid.cells[1]) / years(&grid.cells[0]) - 30.0 / 7.0).abs() < 1e-12);
    }
}
