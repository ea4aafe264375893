//! `forkcast classes`: the catalogue of host classes.

use super::args::{ClassesArgs, Format};
use super::exit::Exit;
use super::table;
use super::terminal::Terminal;
use crate::scenario::HostClass;
use crate::scenario::classes as catalogue;

/// Lists the classes that match the filter; finding none is an invalid input.
pub fn classes(args: &ClassesArgs, terminal: &Terminal) -> anyhow::Result<Exit> {
    let filter = args.filter.as_deref().unwrap_or_default();
    let found = catalogue::search(filter);
    if found.is_empty() {
        let all = catalogue::all().len();
        terminal.insist(format!("no class matches `{filter}`; `forkcast classes` lists all {all}"));
        return Ok(Exit::Invalid);
    }
    let text = match args.format {
        Format::Human => human(&found),
        Format::Json => {
            serde_json::to_string_pretty(&found.iter().map(|class| json(class)).collect::<Vec<_>>())?
        }
        Format::Csv => csv(&found)?,
    };
    terminal.answer(&text)?;
    Ok(Exit::Done)
}

const HEADER: [&str; 5] = ["class", "vcpu", "memory", "percent", "source"];

fn human(classes: &[&HostClass]) -> String {
    let mut sources: Vec<&str> = classes.iter().map(|class| class.source_url.as_str()).collect();
    sources.dedup();
    let row = |class: &&HostClass| {
        let source =
            sources.iter().position(|source| *source == class.source_url).map_or(0, |index| index + 1);
        let memory = class.ram.map_or_else(|| "not published".to_owned(), |ram| ram.to_string());
        let of_node = if class.is_node_memory { " (of the node's maxmemory)" } else { "" };
        [
            class.name.clone(),
            class.vcpu.map_or_else(String::new, |vcpu| vcpu.to_string()),
            format!("{memory}{of_node}"),
            class.percent_range.clone(),
            format!("[{source}]"),
        ]
    };
    let notes = sources.iter().zip(1..).map(|(source, number)| format!("[{number}] {source}"));
    let table = table::render(&HEADER, classes.iter().map(row));
    format!("{table}\n\n{}", notes.collect::<Vec<_>>().join("\n"))
}

fn json(class: &HostClass) -> serde_json::Value {
    serde_json::json!({
        "name": class.name,
        "provider": class.provider,
        "family": class.family,
        "vcpu": class.vcpu,
        "ram_bytes": class.ram.map(|ram| ram.0),
        "percent_range": class.percent_range,
        "note": class.note,
        "source_url": class.source_url,
    })
}

fn csv(classes: &[&HostClass]) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "name",
        "provider",
        "family",
        "vcpu",
        "ram_bytes",
        "percent_range",
        "note",
        "source_url",
    ])?;
    for class in classes {
        writer.write_record([
            &class.name,
            &class.provider,
            &class.family,
            &class.vcpu.map_or_else(String::new, |vcpu| vcpu.to_string()),
            &class.ram.map_or_else(String::new, |ram| ram.0.to_string()),
            &class.percent_range,
            &class.note,
            &class.source_url,
        ])?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}
