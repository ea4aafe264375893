//! Pages for `forkcast explain`: codes of diagnostics, and settings.

use std::fmt::Write as _;

use super::code;
use super::defaults;
use super::kind::Kind;
use super::settings::{SECTIONS, Section, Setting};

/// What there is to say of a code (`E0012`) or a setting (`server.maxmemory-percent`, or just its key).
pub fn explain(term: &str) -> Option<String> {
    if let Some(page) = code::find(term) {
        return Some(format!("{}: {}\n\n{}\n", page.id, page.title, page.text));
    }
    let pages: Vec<String> = SECTIONS
        .iter()
        .flat_map(|section| section.settings.iter().map(move |setting| (section, setting)))
        .filter(|(section, setting)| setting.key == term || path(section, setting) == term)
        .filter_map(|(section, setting)| page(section, setting))
        .collect();
    (!pages.is_empty()).then(|| pages.join("\n"))
}

/// Everything that [`explain`] knows, with a few words on each: codes first, then settings by their paths.
pub fn explained() -> Vec<(String, &'static str)> {
    let codes = code::pages().iter().map(|page| (page.id.to_owned(), page.title));
    let settings = SECTIONS.iter().flat_map(|section| {
        section.settings.iter().filter_map(move |setting| {
            let entry = defaults::find(section.path, setting.key)?;
            Some((path(section, setting), entry.meaning.as_str()))
        })
    });
    codes.chain(settings).collect()
}

fn path(section: &Section, setting: &Setting) -> String {
    format!("{}.{}", section.path, setting.key).trim_start_matches('.').to_owned()
}

fn page(section: &Section, setting: &Setting) -> Option<String> {
    let entry = defaults::find(section.path, setting.key)?;
    let mut page = format!("{}\n\n{}\n\n", path(section, setting), entry.meaning);
    let _ = writeln!(page, "takes      {}", setting.kind.describe());
    if let Kind::Quantity(quantity) | Kind::WriteRate(quantity) = setting.kind {
        let _ = writeln!(page, "range      {}", quantity.range());
    }
    if let Kind::Choice { later, .. } = setting.kind
        && !later.is_empty()
    {
        let _ = writeln!(page, "not yet    {}", later.join(", "));
    }
    if !setting.instead_of.is_empty() {
        let _ = writeln!(page, "instead of {}", setting.instead_of.join(", "));
    }
    match (&entry.value, setting.is_required) {
        (Some(_), _) => writeln!(page, "default    {} ({})", entry.text, entry.provenance),
        (None, true) => writeln!(page, "required   for example {}", entry.text),
        (None, false) => writeln!(page, "example    {}", entry.text),
    }
    .ok()?;
    Some(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_settings_have_pages() {
        assert!(explain("e0012").unwrap().starts_with("E0012: shares that do not add up"));
        assert!(explain("nonsense").is_none());
        for (term, words) in explained() {
            assert!(explain(&term).unwrap().contains(words), "{term}");
        }
        insta::assert_snapshot!(explain("server.allocator").unwrap(), @r#"
        server.allocator

        Build of the allocator: the jemalloc shipped with the server, or a distribution's.

        takes      "jemalloc-bundled" or "jemalloc-system"
        not yet    libc
        default    "jemalloc-bundled" (assumed; official builds. Debian's redis-server has jemalloc-system)
        "#);
        insta::assert_snapshot!(explain("failover-after").unwrap(), @r#"
        replication.failover-after

        From the death of a primary to the promotion of a replica; "none" where nobody promotes one.

        takes      a duration such as "30m", or "none"
        range      0 ms to 1d
        default    "15s" (valkey.conf; cluster-node-timeout, after which a cluster takes a node for dead)
        "#);
    }
}
