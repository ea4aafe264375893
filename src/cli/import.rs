//! `forkcast import`: a scenario from INFO text, and the model held against the server's own record.

use std::path::PathBuf;

use super::args::ImportArgs;
use super::exit::Exit;
use super::fleet;
use super::input;
use super::terminal::Terminal;
use crate::observe::{self, Hindcast, HostMemory, Import, ModelSays};
use crate::scenario::{Origin, Scenario, classes, layout};
use crate::units::{Bytes, SimDuration};

/// Replications of the record's own span for the hindcast: enough for the 5th and 95th percentile.
const HINDCAST_REPLICATIONS: u64 = 100;

/// The longest span that is simulated for the hindcast; a server up for longer is held against its rate.
const HINDCAST_SPAN: SimDuration = SimDuration(60 * SimDuration::DAY.0);

/// Writes the scenario, and says how the model compares with the record.
pub fn import(args: &ImportArgs, terminal: &Terminal) -> anyhow::Result<Exit> {
    let memory = match memory(args) {
        Ok(memory) => memory,
        Err(problem) => {
            terminal.insist(format!("error: {problem}"));
            return Ok(Exit::Invalid);
        }
    };
    if let Some(source) = &args.prometheus {
        return fleet::import(source, &memory, args, terminal);
    }
    let texts = args.files.iter().map(|path| input::read(path)).collect::<Result<Vec<String>, _>>()?;
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    match observe::import(&texts, &memory, |engine| layout(engine).cloned()) {
        Ok(imported) => write(&imported, args, terminal),
        Err(error) => {
            terminal.insist(format!("error: {}{error}", input::names(error.inputs(), &args.files)));
            Ok(Exit::Invalid)
        }
    }
}

/// Writes the scenario of one server, and says what to know of it and how the model compares with the record.
///
/// # Errors
///
/// Where it cannot be written, or a replication of the record's span does not end.
pub fn write(imported: &Import, args: &ImportArgs, terminal: &Terminal) -> anyhow::Result<Exit> {
    match &args.out {
        None => terminal.answer(&imported.text)?,
        Some(path) => input::write_new(path, &imported.text)?,
    }
    for remark in &imported.remarks {
        terminal.say(format!("note: {remark}"));
    }
    let hindcast = hindcast(imported)?;
    match &args.out {
        None => terminal.say(format!("\n{hindcast}")),
        Some(path) => {
            terminal.answer(&hindcast)?;
            terminal.say(format!("\nwrote {}; next: forkcast run {0}", path.display()));
        }
    }
    Ok(Exit::Done)
}

fn memory(args: &ImportArgs) -> Result<HostMemory, String> {
    let size = |flag: &str, text: &str| text.parse::<Bytes>().map_err(|error| format!("{flag}: {error}"));
    if let Some(text) = &args.ram {
        return Ok(HostMemory::Ram(size("--ram", text)?));
    }
    if let Some(text) = &args.limit {
        return Ok(HostMemory::Limit(size("--limit", text)?));
    }
    let Some(name) = &args.class else { return Ok(HostMemory::Reported) };
    let class = classes::find(name).ok_or_else(|| {
        format!(
            "--class: no class is called `{name}`; `forkcast classes WORD` finds the names that hold a word"
        )
    })?;
    let ram =
        class.ram.ok_or_else(|| format!("--class: the memory of `{name}` is not published; use --ram"))?;
    Ok(HostMemory::Class { name: name.clone(), ram })
}

fn hindcast(imported: &Import) -> anyhow::Result<String> {
    let origin = Origin { name: "imported.toml".to_owned(), folder: PathBuf::new() };
    let scenario = Scenario::read(&imported.text, &origin, &[])
        .map_err(|report| anyhow::anyhow!("the imported scenario is not valid, which is a bug:\n{report}"))?;
    let span = SimDuration::from_secs(imported.record.server.uptime_seconds).min(HINDCAST_SPAN);
    let says = ModelSays::of(&scenario.as_written().host, span, scenario.seed(), HINDCAST_REPLICATIONS)?;
    Ok(Hindcast::of(&imported.record, &says).to_string())
}
