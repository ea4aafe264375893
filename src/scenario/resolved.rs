//! The resolved scenario: every setting spelt out, with where its value comes from.

use std::fmt::Write as _;
use std::path::Path;

use super::case::Case;
use super::defaults;
use super::reading::Group;
use super::settings::{SECTIONS, Section, Setting};

/// The setting that is a path, by its section and key.
const TRACE: (&str, &str) = ("traffic", "trace");

/// `case` as TOML that reads back to the same case; what `file` does not give itself names who gives it. With `folder`,
/// from which relative paths start, paths are absolute.
pub fn to_toml(name: &str, file: &str, folder: Option<&Path>, case: &Case) -> String {
    let mut text = "# Every setting of the scenario, and where its value comes from.\n".to_owned();
    let _ = writeln!(text, "name = {}", toml_edit::Value::from(name));
    for section in SECTIONS.iter().filter(|section| !section.path.is_empty()) {
        let groups = if section.is_repeated {
            case.readings.each(section.path)
        } else {
            &[case.readings.once(section.path).clone()]
        };
        for group in groups {
            let header = if section.is_repeated {
                format!("[[{}]]", section.path)
            } else {
                format!("[{}]", section.path)
            };
            let _ = write!(text, "\n{header}\n");
            table(&mut text, file, folder, section, group);
            match section.path {
                "host" => page_structures(&mut text, case),
                "server" => maxmemory(&mut text, case),
                _ => {}
            }
        }
    }
    text
}

fn table(text: &mut String, file: &str, folder: Option<&Path>, section: &Section, group: &Group) {
    for setting in section.settings {
        let Some((mut value, origin)) = value(file, section, setting, group) else { continue };
        if let Some(path) = group.text(setting.key).filter(|_| (section.path, setting.key) == TRACE)
            && let Some(Ok(path)) = folder.map(|folder| std::path::absolute(folder.join(path)))
        {
            value = toml_edit::Value::from(path.display().to_string()).to_string();
        }
        let line = format!("{} = {value}", setting.key);
        let _ = writeln!(text, "{line:<48} # {origin}");
    }
}

/// The value of a setting as TOML and where it comes from; none where another setting takes its place.
fn value(file: &str, section: &Section, setting: &Setting, group: &Group) -> Option<(String, String)> {
    if let Some(given) = group.given(setting.key) {
        let by = given.place.source.name.as_str();
        let origin = if by == file { "given".to_owned() } else { format!("given by {by}") };
        return Some((given.text.clone(), origin));
    }
    if let Some(derived) = group.derived(setting.key) {
        return Some((derived.text.clone(), format!("derived: {}", derived.how)));
    }
    let excluded = section
        .settings
        .iter()
        .any(|other| other.instead_of.contains(&setting.key) && group.mentions(other.key));
    let entry = defaults::find(section.path, setting.key)?;
    (entry.value.is_some() && !excluded)
        .then(|| (entry.text.clone(), format!("default: {}", entry.provenance)))
}

fn page_structures(text: &mut String, case: &Case) {
    if let Some(structures) = case.page_structures() {
        let ram = case.ram;
        let _ =
            writeln!(text, "# reserved is without the kernel's page structures of {ram}: {structures} more");
    }
}

fn maxmemory(text: &mut String, case: &Case) {
    if let (Some(percent), Some(maxmemory)) = (case.maxmemory_percent, case.maxmemory) {
        let servers = match case.host.tenancy.servers {
            1 => String::new(),
            servers => format!(" for {servers} servers"),
        };
        let _ =
            writeln!(text, "# maxmemory {} is derived: {percent} % of {}{servers}", maxmemory.0, case.memory);
    }
}
