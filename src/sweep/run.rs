//! The schedule: every cell on every thread, and the rows in the order of the cells.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;

use rayon::prelude::*;

use super::budget::Budget;
use super::figures::{figures, incidents};
use super::grid::{Cell, Grid};
use super::replicate::{Run, Stop, message_of, replicate};
use super::required::{RequiredRam, from_peaks, required};
use super::{CellRow, Verdict, reason};
use crate::model::{Cause, Draws, Host, Outcome, Simulation, Sky, Unobserved};
use crate::scenario::Case;
use crate::units::{Bytes, SimDuration};

/// Told how a sweep gets on, from any of its threads.
pub trait Watch: Sync {
    /// One more replication has ended.
    fn replicated(&self) {}

    /// A cell has its row.
    fn finished(&self, _cell: Finished<'_>) {}
}

/// A cell that has its row.
#[derive(Clone, Copy, Debug)]
pub struct Finished<'a> {
    /// The row.
    pub row: &'a CellRow,
    /// The outcomes behind it, in order; none where the data does not fit.
    pub outcomes: &'a [Outcome],
    /// Whether it is a cell of a server full to `maxmemory`.
    pub is_full: bool,
    /// The RAM that data as given requires, where this cell tells it.
    pub required_ram: Option<RequiredRam>,
}

/// Nobody is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Watch for Unwatched {}

/// How a sweep is run; nothing here changes a row.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings {
    /// Threads; all processors where `None`.
    pub threads: Option<NonZeroUsize>,
    /// Whether the outcomes of the scenario's own cells are kept, for `replications.csv`.
    pub keep_outcomes: bool,
}

impl Settings {
    /// The threads to simulate on.
    ///
    /// # Errors
    ///
    /// Where they cannot be started.
    pub fn pool(self) -> Result<rayon::ThreadPool, rayon::ThreadPoolBuildError> {
        rayon::ThreadPoolBuilder::new().num_threads(self.threads.map_or(0, NonZeroUsize::get)).build()
    }
}

/// What a sweep found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sweep {
    /// The scenario's cells that were finished, in order.
    pub rows: Vec<CellRow>,
    /// The cells of a full server that were finished, in order.
    pub full: Vec<CellRow>,
    /// The RAM that data as given requires; `None` where the data is a share of `maxmemory`.
    pub required_ram: Option<RequiredRam>,
    /// The outcomes behind `rows`, where they are kept.
    pub outcomes: Vec<CellOutcomes>,
    /// Cells that could not be simulated, in order.
    pub failures: Vec<Failure>,
    /// Whether everything planned was finished: neither cancelled nor failed.
    pub complete: bool,
}

/// The outcomes of a cell's replications, in order, the first of which is replication 0.
#[derive(Clone, Debug, PartialEq)]
pub struct CellOutcomes {
    /// Number of the cell.
    pub cell: usize,
    /// One outcome a replication.
    pub outcomes: Vec<Outcome>,
}

/// A cell that could not be simulated: a fault of the simulator, not of the scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cell}: {}{message}", replication.map(|n| format!("replication {n}: ")).unwrap_or_default())]
pub struct Failure {
    /// The cell in a few words.
    pub cell: String,
    /// The first replication that failed; `None` where the cell could not be prepared.
    pub replication: Option<u64>,
    /// What went wrong.
    pub message: String,
}

/// What became of one cell: its row with the outcomes behind it, or why there is none.
type Simulated = Result<(CellRow, Vec<Outcome>), Stop>;

/// Simulates everything that `grid` holds.
///
/// Each cell decides by its own outcomes when it is done, and threads take replications of any cell, so the rows
/// are the same for any number of threads and a single cell uses them all. Once `cancelled` is set, running cells
/// are given up and finished ones kept.
///
/// # Errors
///
/// Where the threads cannot be started.
pub fn run(
    grid: &Grid,
    settings: Settings,
    watch: &dyn Watch,
    cancelled: &AtomicBool,
) -> Result<Sweep, rayon::ThreadPoolBuildError> {
    Ok(settings.pool()?.install(|| simulate(grid, settings, Run { watch, cancelled })))
}

/// Cells that are simulated side by side share their weather, and are lost together where the sweep is ended early: as
/// many as take no more replications than this, some ten seconds of a processor.
const LOST_TOGETHER: u64 = 1 << 17;

/// Cells that are simulated side by side, at least and at most: more than these would share hardly more.
const SIDE_BY_SIDE: (usize, usize) = (16, 128);

fn side_by_side(budget: &Budget) -> usize {
    let affordable = usize::try_from(LOST_TOGETHER / budget.usual().max(1)).unwrap_or(usize::MAX);
    affordable.clamp(SIDE_BY_SIDE.0, SIDE_BY_SIDE.1)
}

fn simulate(grid: &Grid, settings: Settings, run: Run<'_>) -> Sweep {
    let own = grid.cells.iter().map(|cell| (cell, false));
    let cells: Vec<Planned> = own.chain(grid.full.iter().map(|cell| (cell, true))).collect();
    let groups = cells.chunk_by(have_same_weather).flat_map(|group| group.chunks(side_by_side(&grid.budget)));
    let groups: Vec<&[Planned]> = groups.collect();
    let simulate = |group: &&[Planned]| simulate_group(group, grid, settings.keep_outcomes, run);
    let simulated: Vec<Vec<Simulated>> = groups.par_iter().with_max_len(1).map(simulate).collect();
    let mut simulated: Vec<Simulated> = simulated.into_iter().flatten().collect();
    let full = simulated.split_off(grid.cells.len());
    let mut sweep = Sweep { complete: true, ..Sweep::default() };
    if let Some(host) = &grid.as_given {
        let result = match unhurt(host, grid, &simulated) {
            Some(outcomes) => Ok(from_peaks(host, outcomes, &grid.budget)),
            None => guarded(|| required(host, grid.seed, &grid.budget, run)),
        };
        sweep.required_ram = sweep.accept("the RAM required", result);
    }
    for (cell, result) in grid.cells.iter().zip(simulated) {
        let Some((row, outcomes)) = sweep.accept(&cell.name(), result) else { continue };
        if settings.keep_outcomes {
            sweep.outcomes.push(CellOutcomes { cell: row.cell, outcomes });
        }
        sweep.rows.push(row);
    }
    for (cell, result) in grid.full.iter().zip(full) {
        let name = format!("{}, full to maxmemory", cell.name());
        let Some((row, _)) = sweep.accept(&name, result) else { continue };
        sweep.full.push(row);
    }
    sweep
}

/// The outcomes of the cell that is `host` itself, where memory ran out in none of them: more RAM would not have
/// changed them, so they say what RAM it takes.
fn unhurt<'a>(host: &Host, grid: &Grid, simulated: &'a [Simulated]) -> Option<&'a [Outcome]> {
    let cells = grid.cells.iter().zip(simulated);
    let own = cells.filter(|(cell, _)| cell.case.host == *host).find_map(|(_, result)| result.as_ref().ok());
    own.map(|(_, outcomes)| outcomes.as_slice()).filter(|outcomes| all_had_room(outcomes))
}

fn all_had_room(outcomes: &[Outcome]) -> bool {
    !outcomes.is_empty() && outcomes.iter().all(had_room)
}

/// Whether memory never ran out: nothing was killed, stalled, refused or swapped.
fn had_room(outcome: &Outcome) -> bool {
    let none_refused = Cause::ALL.into_iter().all(|cause| outcome.forks_refused[cause] == 0);
    outcome.oom_kills() == 0
        && outcome.longest_stall == SimDuration::ZERO
        && outcome.swap_peak == Bytes::ZERO
        && none_refused
}

impl Sweep {
    /// The result if there is one; otherwise notes why not.
    fn accept<T>(&mut self, cell: &str, result: Result<T, Stop>) -> Option<T> {
        let stop = match result {
            Ok(value) => return Some(value),
            Err(stop) => stop,
        };
        self.complete = false;
        if let Stop::Failed { replication, message } = stop {
            self.failures.push(Failure { cell: cell.to_owned(), replication, message });
        }
        None
    }
}

/// Runs `work` so that a panic in it takes only this cell.
fn guarded<T>(work: impl FnOnce() -> Result<T, Stop>) -> Result<T, Stop> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let message = format!("a bug: {}", message_of(&*panic));
        Err(Stop::Failed { replication: None, message })
    })
}

/// A cell, and whether it is one of a full server.
type Planned<'a> = (&'a Cell, bool);

/// Whether two cells may be simulated under one sky.
fn have_same_weather((one, _): &Planned, (other, _): &Planned) -> bool {
    let (one, other) = (&one.case.host, &other.case.host);
    one.traffic == other.traffic && one.horizon == other.horizon
}

/// A cell being simulated.
struct Trial {
    simulation: Simulation,
    row: CellRow,
    /// Whether the data fits: where it does not, there is nothing to simulate.
    fits: bool,
}

/// Simulates cells of the same weather side by side. Outcomes are returned where they are to be kept, or tell the RAM
/// that data as given requires: a sweep is to need no more memory for more replications.
fn simulate_group(cells: &[Planned], grid: &Grid, keep_outcomes: bool, run: Run<'_>) -> Vec<Simulated> {
    let trials: Vec<Result<Trial, Stop>> =
        cells.par_iter().map(|(cell, _)| guarded(|| Ok(Trial::new(cell)))).collect();
    let fitting = cells.iter().zip(&trials).filter_map(|((cell, _), trial)| {
        let trial = trial.as_ref().ok()?;
        trial.fits.then(|| (&trial.simulation, grid.budget_of(cell)))
    });
    let (simulations, budgets): (Vec<&Simulation>, Vec<Budget>) = fitting.unzip();
    let outcomes = replicate::<Sky>(&budgets, run, |sky, cell, number| {
        simulations[cell].run_under(sky, &Draws::new(grid.seed, number), &mut Unobserved)
    });
    let mut of_fitting = outcomes.into_iter();
    let outcomes_of = |trial: &Result<Trial, Stop>| match trial {
        Ok(trial) if trial.fits => of_fitting.next().unwrap_or(Err(Stop::Cancelled)),
        Ok(_) => Ok(Vec::new()),
        Err(stop) => Err(stop.clone()),
    };
    let simulated: Vec<Result<Vec<Outcome>, Stop>> = trials.iter().map(outcomes_of).collect();
    let finished =
        cells.par_iter().zip(&trials).zip(simulated).map(|((&(cell, is_full), trial), outcomes)| {
            let (trial, outcomes) = (trial.as_ref().map_err(Clone::clone)?, outcomes?);
            let mut row = trial.row.clone();
            if trial.fits {
                judge(&mut row, &outcomes, &grid.budget_of(cell));
            }
            let asked = grid.as_given.as_ref().filter(|host| !is_full && **host == cell.case.host);
            let answers = asked.filter(|_| all_had_room(&outcomes));
            let required_ram = answers.map(|host| from_peaks(host, &outcomes, &grid.budget));
            run.watch.finished(Finished { row: &row, outcomes: &outcomes, is_full, required_ram });
            let kept = if keep_outcomes || asked.is_some() { outcomes } else { Vec::new() };
            Ok((row, kept))
        });
    finished.collect()
}

impl Trial {
    fn new(cell: &Cell) -> Self {
        let simulation = Simulation::new(cell.case.host.clone());
        let fit = simulation.fit();
        let mut row = unjudged(cell, &simulation);
        if !fit.holds() {
            row.reason = reason::does_not_fit(fit, &row, cell.is_limited());
        }
        Self { simulation, row, fits: fit.holds() }
    }
}

/// The row of the host of `case`, of which all replications that `budget` asks for are known already.
pub fn row(case: Case, outcomes: &[Outcome], budget: &Budget) -> CellRow {
    let mut trial = Trial::new(&Cell { number: 1, axes: Vec::new(), case });
    judge(&mut trial.row, outcomes, budget);
    trial.row
}

/// The row of a cell before anything was simulated.
fn unjudged(cell: &Cell, simulation: &Simulation) -> CellRow {
    CellRow {
        cell: cell.number,
        host_class: cell.case.host_class.clone(),
        ram: cell.case.memory,
        maxmemory_percent: cell.case.maxmemory_percent,
        maxmemory: cell.case.maxmemory,
        data: simulation.used_memory(),
        axes: cell.axes.clone(),
        replications: 0,
        horizon_seconds: cell.case.host.horizon.as_secs_f64(),
        figures: None,
        verdict: Verdict::DoesNotFit,
        reason: String::new(),
    }
}

fn judge(row: &mut CellRow, outcomes: &[Outcome], budget: &Budget) {
    let figures = figures(outcomes, budget);
    let incidents = incidents(outcomes);
    row.verdict = budget.verdict(incidents.share());
    row.reason = reason::judged(row.verdict, &incidents, &figures, budget);
    row.replications = outcomes.len() as u64;
    row.figures = Some(figures);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::sample::scenario;
    use std::sync::Mutex;
    use std::sync::atomic::Ordering;

    static NEVER: AtomicBool = AtomicBool::new(false);

    fn grid(settings: &[&str], axes: &[&str]) -> Grid {
        Grid::new(&scenario(settings, axes)).unwrap()
    }

    fn run_on(threads: usize, grid: &Grid) -> Sweep {
        let settings = Settings { threads: NonZeroUsize::new(threads), keep_outcomes: true };
        run(grid, settings, &Unwatched, &NEVER).unwrap()
    }

    #[test]
    fn rows_are_the_same_for_any_number_of_threads() {
        let grid = grid(&[], &["server.maxmemory-percent=40,70,75,97"]);
        let one = run_on(1, &grid);
        assert_eq!(one, run_on(2, &grid));
        assert_eq!(one, run_on(7, &grid));
        let verdicts: Vec<Verdict> = one.rows.iter().map(|row| row.verdict).collect();
        assert_eq!(verdicts, [Verdict::Undecided, Verdict::Risky, Verdict::Risky, Verdict::DoesNotFit]);
        assert!(one.complete && one.outcomes[0].outcomes.len() == 40 && one.outcomes[3].outcomes.is_empty());
    }

    #[test]
    fn a_full_server_has_rows_of_its_own() {
        let settings = ["dataset.fill=0.5", "simulation.replications=2"];
        let sweep = run_on(2, &grid(&settings, &["server.maxmemory-percent=75,80"]));
        assert_eq!((sweep.rows.len(), sweep.full.len(), sweep.outcomes.len()), (2, 2, 2));
        assert_eq!(sweep.full[1].maxmemory_percent, Some(80.0));
        assert!(sweep.full[1].data > sweep.rows[1].data);
    }

    #[test]
    fn a_panic_takes_one_cell_and_names_it() {
        let mut grid = grid(&["simulation.replications=2"], &["server.maxmemory-percent=40,50"]);
        grid.cells[0].case.host.dataset.keyspaces.clear();
        grid.cells[0].case.host.traffic.shape = crate::model::host::Shape::Hourly(Vec::new());
        let sweep = run_on(2, &grid);
        assert!(!sweep.complete);
        assert_eq!(sweep.rows.len(), 1);
        assert_eq!(sweep.rows[0].cell, 2);
        let failure = sweep.failures[0].to_string();
        assert!(failure.starts_with("cell 1, 16 GiB of RAM at 40 %: "), "{failure}");
    }

    /// Ends the sweep as soon as a cell is finished.
    struct Interrupt<'a>(&'a AtomicBool, Mutex<Vec<usize>>);

    impl Watch for Interrupt<'_> {
        fn finished(&self, cell: Finished<'_>) {
            self.0.store(true, Ordering::Relaxed);
            self.1.lock().unwrap().push(cell.row.cell);
        }
    }

    #[test]
    fn an_interrupted_sweep_keeps_what_is_finished() {
        let cancelled = AtomicBool::new(false);
        let interrupt = Interrupt(&cancelled, Mutex::default());
        let settings = Settings { threads: NonZeroUsize::new(1), keep_outcomes: false };
        // Cells of other horizons do not run side by side.
        let grid = grid(&[], &["server.maxmemory-percent=40,45", "simulation.horizon=2d,3d"]);
        let sweep = run(&grid, settings, &interrupt, &cancelled).unwrap();
        assert!(!sweep.complete && sweep.failures.is_empty());
        let finished: Vec<usize> = sweep.rows.iter().map(|row| row.cell).collect();
        assert_eq!(finished, *interrupt.1.lock().unwrap());
        assert_eq!(finished.len(), 1);
    }
}
