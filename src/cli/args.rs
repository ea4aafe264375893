//! What the user typed, and no work done.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::Styles;
use clap::builder::styling::AnsiColor;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::cow::CowArgs;
use super::shard::ShardArg;

const EXAMPLES: &str = "\
Examples:
  forkcast run scenarios/quickstart.toml            which class, which percent, and why
  forkcast cow --keys 40000000 --value-size 512B --writes-per-second 12000
                                                    what one save copies, no file needed
  forkcast init > mine.toml                         a commented scenario to start from
  forkcast import INFO.txt --ram '32 GiB' -o mine.toml
                                                    a scenario from a real server's INFO
  forkcast trace mine.toml --replication 17         one month in full, event by event
  forkcast validate tests/data/measurements/runs.csv
                                                    how far off the laws are on measured saves

Exit codes: 0 done, 1 failed, 2 usage, 3 invalid input, 4 risky (--fail-on-risk), 5 incomplete, 130 interrupted.";

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Says what percent of a Valkey or Redis host's memory its data may take, which host class is large enough,
/// and what dies first when it is not.
#[derive(Debug, Parser)]
#[command(name = "forkcast", version, styles = STYLES, after_help = EXAMPLES, max_term_width = 100)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,

    /// Colours on the terminal; `NO_COLOR` is honoured
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, help_heading = "Terminal")]
    pub color: Color,

    /// Say nothing on standard error but errors
    #[arg(short, long, global = true, help_heading = "Terminal")]
    pub quiet: bool,

    /// Say more on standard error
    #[arg(short, long, global = true, conflicts_with = "quiet", help_heading = "Terminal")]
    pub verbose: bool,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Sweep host classes and percentages, and answer per class: needed, survivable, what breaks
    Run(RunArgs),
    /// Put the shards of a run together: the same bytes as the run in one piece
    Merge(MergeArgs),
    /// Compare two runs cell by cell, paired by replication where both have kept them
    Diff(DiffArgs),
    /// Let one replication happen in full: every event, the ledger over time, one chart
    Trace(TraceArgs),
    /// Print the scenario of one cell of a run, with its axes at their values
    Cell(CellArgs),
    /// Answer everything at once: percent, class, hour, limits, who is to blame, and what to measure next
    Plan(PlanArgs),
    /// Forecast one save, no file needed: what it copies, when, and whether it fits now
    Cow(Box<CowArgs>),
    /// Forecast the next save from past ones alone, with an interval: the load is unknown
    Forecast(ForecastArgs),
    /// Make a scenario from INFO text, and hold the model against the server's own record
    Import(ImportArgs),
    /// Predict measured saves of real servers, and say how far off
    Validate(ValidateArgs),
    /// Report every problem of scenarios, and run nothing
    Check(CheckArgs),
    /// Print a commented scenario that passes check
    Init(InitArgs),
    /// List host classes with their memory and where the figures come from
    Classes(ClassesArgs),
    /// Draw the charts of a run folder again, from its files
    Report(ReportArgs),
    /// Explain a diagnostic code, a setting of the scenario or a column of the output
    Explain(ExplainArgs),
    /// Print the JSON Schema of scenarios
    Schema,
    /// Print a completion script
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    Man,
}

/// A scenario and what overrides it.
#[derive(Clone, Debug, Args)]
pub struct ScenarioArgs {
    /// The scenario file, or - for standard input
    pub scenario: PathBuf,

    /// Override a setting, for example server.maxmemory-percent=70 (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE", help_heading = "Scenario")]
    pub set: Vec<String>,

    /// Replications of each cell, or auto for as many as the verdict needs
    #[arg(long, value_name = "N", allow_negative_numbers = true, help_heading = "Scenario")]
    pub replications: Option<String>,

    /// Root of every random number
    #[arg(long, value_name = "N", value_parser = seeds(), help_heading = "Scenario")]
    pub seed: Option<u64>,

    /// The risk budget: incidents a year and host that are acceptable
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Scenario")]
    pub max_incidents_per_year: Option<f64>,
}

/// `forkcast run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// What to simulate
    #[command(flatten)]
    pub scenario: ScenarioArgs,

    /// Sweep a setting: KEY=V1,V2,… or KEY=FROM..TO:STEP (repeatable)
    #[arg(long = "axis", value_name = "KEY=VALUES", help_heading = "Scenario")]
    pub axis: Vec<String>,

    /// Threads, at most 1024; the results are the same for any number of them
    #[arg(long, value_name = "N", value_parser = threads, help_heading = "Run")]
    pub threads: Option<NonZeroUsize>,

    /// Simulate share I of N of the cells, for `forkcast merge`; auto/N takes I from `JOB_COMPLETION_INDEX` or
    /// `SLURM_ARRAY_TASK_ID`, which count from 0
    #[arg(long, value_name = "I/N", conflicts_with = "fail_on_risk", help_heading = "Run")]
    pub shard: Option<ShardArg>,

    /// Go on with the run in the folder that was interrupted or killed, losing at most the cells in flight
    #[arg(long, help_heading = "Run")]
    pub resume: bool,

    /// The run folder
    #[arg(short, long, value_name = "DIR", help_heading = "Run")]
    pub out: Option<PathBuf>,

    /// What standard output holds
    #[arg(long, value_enum, default_value_t = Format::Human, help_heading = "Run")]
    pub format: Format,

    /// Keep every replication's figures in replications.csv
    #[arg(long, help_heading = "Run")]
    pub keep_replications: bool,

    /// Exit with 4 unless the scenario as written is safe
    #[arg(long, help_heading = "Run")]
    pub fail_on_risk: bool,
}

/// `forkcast plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// What to plan for
    #[command(flatten)]
    pub scenario: ScenarioArgs,

    /// Consider other hosts: host.class=NAME,NAME,… (repeatable for the axes of a host)
    #[arg(long = "axis", value_name = "KEY=VALUES", help_heading = "Scenario")]
    pub axis: Vec<String>,

    /// Prices of host classes, a CSV with the columns `host_class` and `price` (a month, any currency): the cheapest
    /// safe class is named too
    #[arg(long, value_name = "FILE", help_heading = "Plan")]
    pub prices: Option<PathBuf>,

    /// Write Prometheus alert rules with the plan's thresholds to FILE
    #[arg(long, value_name = "FILE", help_heading = "Plan")]
    pub alerts: Option<PathBuf>,

    /// Estimate the risk at the percent to set by importance sampling too, however small it is
    #[arg(long, help_heading = "Plan")]
    pub rare: bool,

    /// Plan for every cluster of FILE, a CSV with the columns `cluster` and settings that differ from the scenario,
    /// or of a folder of INFO texts and scenarios, which take its risk budget and axes: one row of answers a cluster.
    /// Axes of hosts replace a cluster's own host, of which the row then says whether it is safe as it is
    #[arg(long, value_name = "FILE", conflicts_with_all = ["prices", "alerts", "rare", "fail_on_risk"], help_heading = "Plan")]
    pub fleet: Option<PathBuf>,

    /// Where the rows of a fleet go; standard output without it
    #[arg(short, long, value_name = "FILE", requires = "fleet", help_heading = "Plan")]
    pub out: Option<PathBuf>,

    /// Plan for share I of N of the clusters; auto/N takes I from `JOB_COMPLETION_INDEX` or `SLURM_ARRAY_TASK_ID`,
    /// which count from 0. The files of all shards, one after another, are that of the fleet: the first alone has
    /// the header
    #[arg(long, value_name = "I/N", requires = "fleet", help_heading = "Plan")]
    pub shard: Option<ShardArg>,

    /// Go on with a fleet that was interrupted or killed: clusters whose row is in FILE.partial are left out
    #[arg(long, requires = "out", help_heading = "Plan")]
    pub resume: bool,

    /// Threads, at most 1024; the results are the same for any number of them
    #[arg(long, value_name = "N", value_parser = threads, help_heading = "Plan")]
    pub threads: Option<NonZeroUsize>,

    /// What standard output holds
    #[arg(long, value_enum, default_value_t = Format::Human, help_heading = "Plan")]
    pub format: Format,

    /// Exit with 4 unless the scenario as written is safe
    #[arg(long, help_heading = "Plan")]
    pub fail_on_risk: bool,
}

/// What standard output holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The answer in words and tables.
    Human,
    /// One JSON document.
    Json,
    /// The table as CSV.
    Csv,
}

/// `forkcast merge`.
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// The run folders of all shards, in any order
    #[arg(required = true, value_name = "PART")]
    pub parts: Vec<PathBuf>,

    /// The run folder of the whole
    #[arg(short, long, value_name = "DIR")]
    pub out: PathBuf,

    /// The scenario's file where it lies now, if it refers to files and was moved since
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,

    /// What standard output holds
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,

    /// Exit with 4 unless the scenario as written is safe
    #[arg(long)]
    pub fail_on_risk: bool,
}

/// `forkcast diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The run folder to compare with
    #[arg(value_name = "A")]
    pub first: PathBuf,

    /// The run folder of which the differences are told
    #[arg(value_name = "B")]
    pub second: PathBuf,

    /// What standard output holds
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// `forkcast cell`.
#[derive(Debug, Args)]
pub struct CellArgs {
    /// The run folder
    pub run_dir: PathBuf,

    /// The number of the cell, as in cells.csv
    pub cell: usize,

    /// A cell of full-cells.csv instead: of a server full to maxmemory, from which survivable follows
    #[arg(long)]
    pub full: bool,

    /// The scenario's file, where it refers to other files and does not lie in the current folder
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,

    /// Where to write it; standard output without it
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `forkcast trace`.
#[derive(Debug, Args)]
pub struct TraceArgs {
    /// What to simulate
    #[command(flatten)]
    pub scenario: ScenarioArgs,

    /// Which replication; by default the first one that is killed, or else replication 0
    #[arg(long, value_name = "N", help_heading = "Trace")]
    pub replication: Option<u64>,

    /// The run folder
    #[arg(short, long, value_name = "DIR", help_heading = "Trace")]
    pub out: Option<PathBuf>,
}

/// `forkcast forecast`.
#[derive(Debug, Args)]
pub struct ForecastArgs {
    /// INFO texts, each taken after another save; or one CSV of saves with the columns of a measurements file
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// The server whose saves to take, where the CSV has those of several: as its column `instance`, `addr`, `pod`,
    /// `cluster` or `server` names it
    #[arg(long, value_name = "NAME")]
    pub server: Option<String>,

    /// The chance that the interval is to hold the next save, from 0.5 to 0.999
    #[arg(long, value_name = "SHARE", default_value_t = 0.9, value_parser = confidence)]
    pub confidence: f64,

    /// `used_memory` at the next save, where it is not that of the last record
    #[arg(long, value_name = "SIZE")]
    pub used_memory: Option<String>,

    /// How long the next save will take, where it is not as long as the history says
    #[arg(long, value_name = "DURATION")]
    pub save_duration: Option<String>,

    /// Memory that will be free for copies: says the chance that the save needs more
    #[arg(long, value_name = "SIZE")]
    pub headroom: Option<String>,

    /// What standard output holds
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// `forkcast import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// INFO text of the server (`redis-cli INFO everything`), or - for standard input; later ones give rates by
    /// difference, growth, saves and the hours of the day; the text of `CONFIG GET *` may be added
    #[arg(required_unless_present = "prometheus", value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Prometheus with metrics of `redis_exporter`: its address, of which the last 30 days are asked hour by hour, or a
    /// file with what `/api/v1/query_range` answered
    #[arg(long, value_name = "URL|FILE", conflicts_with = "files")]
    pub prometheus: Option<String>,

    /// Memory of the host, where INFO does not say it or says another machine's
    #[arg(long, value_name = "SIZE", conflicts_with_all = ["limit", "class"])]
    pub ram: Option<String>,

    /// Memory limit of the container that the server runs in
    #[arg(long, value_name = "SIZE", conflicts_with = "class")]
    pub limit: Option<String>,

    /// Host class from the catalogue
    #[arg(long, value_name = "NAME")]
    pub class: Option<String>,

    /// Where to write the scenario, standard output without it; for the servers of a fleet, a folder
    #[arg(short, long, value_name = "FILE|DIR")]
    pub out: Option<PathBuf>,
}

/// `forkcast validate`.
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// The measurements, one row a save, with a header; timelines are looked for in timelines/ beside the file.
    /// Or - for standard input
    pub file: PathBuf,

    /// Predict from writes and duration alone, as if nothing had been sampled during the saves
    #[arg(long)]
    pub without_timelines: bool,

    /// Where to write predictions.csv and the chart of predicted against measured
    #[arg(short, long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// What standard output holds
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// `forkcast check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The scenario files
    #[arg(required = true)]
    pub scenarios: Vec<PathBuf>,
}

/// `forkcast init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Where to write it; standard output without it. An existing file is left alone
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `forkcast classes`.
#[derive(Debug, Args)]
pub struct ClassesArgs {
    /// Part of a name, provider or family
    pub filter: Option<String>,

    /// What standard output holds
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// `forkcast report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The run folder
    pub run_dir: PathBuf,
}

/// `forkcast explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A code (E0001), a setting (server.maxmemory-percent) or a column (`oom_probability`); all of them without it
    pub topic: Option<String>,
}

/// Seeds that TOML can hold.
fn seeds() -> clap::builder::RangedU64ValueParser<u64> {
    clap::value_parser!(u64).range(..=i64::MAX.unsigned_abs())
}

/// More threads than this only cost memory.
const MOST_THREADS: usize = 1024;

fn threads(text: &str) -> Result<NonZeroUsize, String> {
    let threads: NonZeroUsize = text.parse().map_err(|error| format!("{error}"))?;
    if threads.get() > MOST_THREADS { Err(format!("at most {MOST_THREADS}")) } else { Ok(threads) }
}

fn confidence(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|error| format!("{error}"))?;
    if (0.5..=0.999).contains(&share) { Ok(share) } else { Err("between 0.5 and 0.999".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_make_sense_to_clap() {
        Cli::command().debug_assert();
    }
}
