//! `forkcast explain`: codes, settings and columns in words.

use super::args::ExplainArgs;
use super::exit::Exit;
use super::terminal::Terminal;
use crate::report::columns;
use crate::scenario;

/// Explains a topic, or lists what there is to explain.
pub fn explain(args: &ExplainArgs, terminal: &Terminal) -> anyhow::Result<Exit> {
    let Some(topic) = &args.topic else {
        terminal.answer(&topics())?;
        return Ok(Exit::Done);
    };
    let column = columns::named(topic)
        .map(|(file, column)| format!("{file}: {} [{}]\n{}", column.name, column.unit, column.meaning));
    let pages: Vec<String> = scenario::explain(topic).into_iter().chain(column).collect();
    if pages.is_empty() {
        terminal.insist(format!(
            "nothing is called `{topic}`; `forkcast explain` lists codes, settings and columns"
        ));
        return Ok(Exit::Invalid);
    }
    terminal.answer(&pages.join("\n\n"))?;
    Ok(Exit::Done)
}

fn topics() -> String {
    let codes = scenario::code::pages().iter().map(|page| format!("  {}  {}", page.id, page.title));
    let files = columns::TABLES.iter().map(|(file, columns)| {
        let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
        format!("  {file}: {}", names.join(", "))
    });
    let codes: Vec<String> = codes.collect();
    let files: Vec<String> = files.collect();
    format!(
        "Diagnostic codes:\n{}\n\nSettings of the scenario: any dotted path, for example server.maxmemory-percent\n\n\
         Columns:\n{}",
        codes.join("\n"),
        files.join("\n")
    )
}
