//! `forkcast cow`: one save, no file needed.

mod args;

use std::path::{Path, PathBuf};

pub use args::CowArgs;

use super::exit::Exit;
use super::terminal::Terminal;
use super::{input, table};
use crate::decision::Headroom;
use crate::model::one_save::{End, Forecast};
use crate::observe::{self, HostMemory, Import};
use crate::report::{self, one_save};
use crate::scenario::one_save::{MeasuredServer, Question};
use crate::scenario::{self, Origin, Scenario, layout};
use crate::units::Bytes;
use args::CowFormat;

/// Says what the save costs, and whether the host holds it.
pub fn cow(args: &CowArgs, terminal: &Terminal) -> anyhow::Result<Exit> {
    let question = match question(args, terminal)? {
        Ok(question) => question,
        Err(exit) => return Ok(exit),
    };
    let (likely, worst) = (question.save.forecast(End::Likely), question.save.forecast(End::Worst));
    let headroom = question.ram.map(|ram| Headroom::of(&worst, ram, question.reserved.high));
    if let Some(path) = &args.out {
        report::draw_curve(path, &likely, question.operation)?;
    }
    let answer = match args.format {
        CowFormat::Human => human(args, &question, &likely, headroom.as_ref().zip(Some(&worst))),
        CowFormat::Json => serde_json::to_string_pretty(&one_save::to_json(&likely, headroom.as_ref()))?,
        CowFormat::Svg => report::curve_svg(&likely, question.operation).map_err(anyhow::Error::msg)?,
    };
    terminal.answer(&answer)?;
    let is_risky = headroom.is_some_and(|headroom| !headroom.fits());
    Ok(if args.fail_on_risk && is_risky { Exit::Risky } else { Exit::Done })
}

fn human(
    args: &CowArgs,
    question: &Question,
    likely: &Forecast,
    headroom: Option<(&Headroom, &Forecast)>,
) -> String {
    let mut parts = vec![one_save::finding(likely, question.operation)];
    parts.extend(headroom.map(|(headroom, worst)| one_save::verdict(headroom, worst, question.operation)));
    parts.push(one_save::curve(likely));
    parts.push([one_save::reported(likely), one_save::besides(likely)].join("\n"));
    if args.explain {
        parts.push(table::render(&one_save::POOLS, likely.pools.iter().map(one_save::pool_row)));
        parts.push(one_save::saturation(likely));
    }
    parts.extend(one_save::assumptions(question));
    parts.join("\n\n")
}

/// What is asked, or the exit code where the diagnostics were said.
fn question(args: &CowArgs, terminal: &Terminal) -> anyhow::Result<Result<Question, Exit>> {
    let imported = match &args.from {
        None => None,
        Some(path) => match imported(path, args, terminal)? {
            Ok(imported) => Some(imported),
            Err(exit) => return Ok(Err(exit)),
        },
    };
    let server = imported.as_ref().map(|(import, scenario)| MeasuredServer {
        case: scenario.as_written(),
        data: import.record.memory.data(),
        resident: import.record.memory.resident(),
        writes: import.writes.at_the_moment(),
    });
    let question = match scenario::one_save::read(&args.given(), server.as_ref()) {
        Ok(question) => question,
        Err(report) => return Ok(Err(input::invalid(&report, terminal))),
    };
    if args.fail_on_risk && question.ram.is_none() {
        terminal.insist("error: --fail-on-risk needs the memory of the host: add --ram, or --from");
        return Ok(Err(Exit::Usage));
    }
    Ok(Ok(question))
}

/// The server that INFO tells of, as a scenario of its own.
fn imported(
    path: &Path,
    args: &CowArgs,
    terminal: &Terminal,
) -> anyhow::Result<Result<(Import, Scenario), Exit>> {
    let text = input::read(path)?;
    let ram = args.ram().and_then(|text| text.parse::<Bytes>().ok());
    let memory = ram.map_or(HostMemory::Reported, HostMemory::Ram);
    let import = match observe::import(&[&text], &memory, |engine| layout(engine).cloned()) {
        Ok(import) => import,
        Err(error) => {
            terminal.insist(format!("error: {}: {error}", path.display()));
            return Ok(Err(Exit::Invalid));
        }
    };
    for remark in &import.remarks {
        terminal.say_more(format!("note: {remark}"));
    }
    if import.record.forks.running_save_seconds.is_some() {
        terminal.say("note: a save is running already; until it has ended the server starts no other");
    }
    let origin = Origin { name: "imported.toml".to_owned(), folder: PathBuf::new() };
    let scenario = Scenario::read(&import.text, &origin, &[])
        .map_err(|report| anyhow::anyhow!("the imported scenario is not valid, which is a bug:\n{report}"))?;
    Ok(Ok((import, scenario)))
}
