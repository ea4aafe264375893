//! Tables on the terminal, and as CSV.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use serde_json::Value;

/// A table without rules, as wide as its content: a class name broken in two is of no use to anyone.
pub fn render<const N: usize>(header: &[&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    for row in rows {
        table.add_row(row);
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

/// JSON objects of the same names as CSV, a row an object. What is null is empty.
///
/// # Errors
///
/// Where it cannot be written.
pub fn csv(objects: &[Value]) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for (number, object) in objects.iter().filter_map(Value::as_object).enumerate() {
        if number == 0 {
            writer.write_record(object.keys())?;
        }
        let text = |value: &Value| match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        writer.write_record(object.values().map(text))?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}
