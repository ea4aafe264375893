//! `forkcast plan`: every answer at once.

mod alerts;
mod clusters;
mod document;
mod fleet;
mod paste;
mod prices;
mod rows;
mod words;

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::Context;

use super::args::{Format, PlanArgs};
use super::exit::Exit;
use super::terminal::Terminal;
use super::{input, run};
use crate::plan::{self, Extras, Trouble};
use crate::sweep::{Budget, Settings, Verdict};
pub use prices::BadPrices;
use prices::Prices;
pub use rows::AnotherFleet;

/// Plans for a scenario.
pub fn plan(args: &PlanArgs, terminal: &Terminal) -> anyhow::Result<Exit> {
    if let Some(fleet) = &args.fleet {
        return fleet::plan(fleet, args, terminal);
    }
    let scenario = match input::scenario(&args.scenario, &args.axis, terminal)? {
        Ok(scenario) => scenario,
        Err(exit) => return Ok(exit),
    };
    let searched = scenario.axes().iter().map(|axis| axis.path.as_str());
    let given = |path: &&str| args.axis.iter().any(|axis| axis.starts_with(*path));
    if let Some(path) = searched.filter(|path| !path.starts_with("host.")).find(given) {
        terminal.insist(format!(
            "error: plan takes axes of the host alone, not `{path}`: it searches the percent itself; sweep with \
             `forkcast run --axis {path}=…`, or plan with --set for each value"
        ));
        return Ok(Exit::Usage);
    }
    let prices = args.prices.as_deref().map(Prices::read).transpose()?;
    let cancelled = run::cancelled_by_ctrl_c()?;
    let settings = Settings { threads: args.threads, keep_outcomes: false };
    let started = Instant::now();
    let extras = Extras { rare: args.rare, watch: args.alerts.is_some() };
    let answers = match plan::plan(&scenario, extras, settings, &cancelled) {
        Ok(answers) => answers,
        Err(Trouble::Invalid(report)) => return Ok(input::invalid(&report, terminal)),
        Err(Trouble::Interrupted) => {
            terminal.say("interrupted: a plan is whole or none");
            return Ok(Exit::Interrupted);
        }
        Err(trouble) => return Err(trouble.into()),
    };
    terminal.say(format!("planned in {:.1} s, seed {}", started.elapsed().as_secs_f64(), scenario.seed()));
    terminal.answer(&match args.format {
        Format::Human => words::human(&scenario, &answers, prices.as_ref()),
        Format::Json => document::json(&answers, prices.as_ref())?,
        Format::Csv => document::csv(&answers)?,
    })?;
    if let Some(path) = &args.alerts {
        let rules = alerts::rules(&scenario, &answers);
        std::fs::write(path, rules).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    if args.fail_on_risk {
        // Not the fixed number of the plan: as often as this verdict needs.
        let budget = Budget { replications: scenario.replications(), ..answers.budget };
        if run::verdict_alone(&scenario, budget, settings, &AtomicBool::new(false))? != Verdict::Safe {
            return Ok(Exit::Risky);
        }
    }
    Ok(Exit::Done)
}
