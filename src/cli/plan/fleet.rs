//! `forkcast plan --fleet`: a row of answers a cluster, in the order of the file, written as they come.

use std::path::Path;
use std::sync::atomic::Ordering;

use anyhow::{Context, bail};
use rayon::prelude::*;

use super::clusters::{self, Cluster};
use super::rows::Rows;
use crate::cli::args::{Format, PlanArgs};
use crate::cli::exit::Exit;
use crate::cli::shard::ShardArg;
use crate::cli::terminal::Terminal;
use crate::cli::{input, run};
use crate::plan::{self, ClusterAnswer, Trouble};
use crate::report::sha256;
use crate::scenario::Assignment;
use crate::sweep::{Settings, Shard};

/// Clusters that are planned at a time, for each thread: what is lost where it is killed.
const AT_A_TIME: usize = 4;

/// Plans for every cluster of the fleet in `path`.
pub fn plan(path: &Path, args: &PlanArgs, terminal: &Terminal) -> anyhow::Result<Exit> {
    let overrides = input::overrides(&args.scenario, &args.axis)?;
    let fleet = match clusters::read(path, args, &overrides)? {
        Ok(fleet) => fleet,
        Err(reports) => return Ok(clusters::invalid(&reports, terminal)),
    };
    if args.format == Format::Json {
        bail!("a fleet is rows as they come: CSV, not one JSON document");
    }
    let shard = args.shard.map(ShardArg::shard).transpose()?;
    let fleet = shard.map_or(&fleet[..], |shard| share(&fleet, shard));
    let cancelled = run::cancelled_by_ctrl_c()?;
    // The rows of all shards one after another are those of the fleet: the first alone has the header.
    let has_header = shard.is_none_or(|shard| shard.index() == 1);
    let mut rows = Rows::open(args, &fingerprint(fleet, &overrides), has_header)?;
    let left = rows.left(fleet)?;
    let threads = args.threads.map_or(0, std::num::NonZeroUsize::get);
    let pool =
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("cannot start the threads")?;
    for clusters in left.chunks(AT_A_TIME * pool.current_num_threads()) {
        // The sweeps of a cluster share the pool: neither many small clusters nor one large one leave a thread idle.
        let answer = |cluster: &Cluster| {
            let scenario = cluster.scenario.as_ref().ok()?;
            Some(plan::cluster(scenario, ALONE, &cancelled))
        };
        let answers: Vec<Option<Result<ClusterAnswer, Trouble>>> =
            pool.install(|| clusters.par_iter().map(answer).collect());
        for (Cluster { name, scenario }, answer) in clusters.iter().zip(answers) {
            if let Err(problem) = scenario {
                rows.write_unread(name, problem)?;
            }
            match answer.transpose() {
                Ok(None) => {}
                Ok(Some(answer)) => rows.write(name, &answer)?,
                Err(Trouble::Interrupted) if cancelled.load(Ordering::SeqCst) => {
                    terminal.say("interrupted: the rows so far were kept, go on with --resume");
                    return Ok(Exit::Interrupted);
                }
                Err(trouble) => return Err(anyhow::Error::from(trouble).context(format!("cluster `{name}`"))),
            }
        }
    }
    rows.finish()?;
    Ok(if fleet.iter().all(|cluster| cluster.scenario.is_ok()) { Exit::Done } else { Exit::Incomplete })
}

/// The clusters of a shard: as many in a row as the others have, or one more.
fn share(fleet: &[Cluster], shard: Shard) -> &[Cluster] {
    let end = |index: usize| fleet.len() * index / shard.count();
    &fleet[end(shard.index() - 1)..end(shard.index())]
}

/// What the rows follow from: the version, the clusters and all that is set.
fn fingerprint(fleet: &[Cluster], overrides: &[Assignment]) -> String {
    let settings =
        |settings: &[Assignment]| settings.iter().map(Assignment::text).collect::<Vec<_>>().join("\n");
    let mut text = env!("CARGO_PKG_VERSION").to_owned() + &settings(overrides);
    for Cluster { name, scenario } in fleet {
        let (scenario, settings) = match scenario {
            Ok(scenario) => (scenario.text(), settings(scenario.overrides())),
            Err(problem) => (problem.as_str(), String::new()),
        };
        for part in ["\n", name, "\n", scenario, &settings] {
            text += part;
        }
    }
    sha256(text.as_bytes())
}

/// A cluster's own sweeps run on one thread: the clusters are what runs in parallel.
const ALONE: Settings = Settings { threads: std::num::NonZeroUsize::new(1), keep_outcomes: false };
