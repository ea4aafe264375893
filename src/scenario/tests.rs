//! What this proves: every slip in a scenario is answered as it should be, and every scenario that passes
//! resolves to the host it describes.

mod features;
mod machine;
mod replication;
mod resolution;
mod structure;
mod values;

use super::{Assignment, Colour, Origin, Report, Scenario};

/// The smallest scenario: a class and a keyspace.
const MINIMAL: &str = r#"[host]
class = "yandex.hm3-c4-m32"

[server]
maxmemory-percent = 75

[[keyspace]]
name = "sessions"
key-size = "24 B"
value-size = "512 B"
writes-per-second = 12000
"#;

fn read(text: &str) -> Result<Scenario, Report> {
    read_with(text, &[])
}

fn read_with(text: &str, overrides: &[Assignment]) -> Result<Scenario, Report> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios").into();
    Scenario::read(text, &Origin { name: "demo.toml".into(), folder }, overrides)
}

/// [`MINIMAL`] with `from` replaced by `to`.
fn edited(from: &str, to: &str) -> String {
    assert!(MINIMAL.contains(from), "{from}");
    MINIMAL.replacen(from, to, 1)
}

/// What is said of a text, errors or warnings.
fn said(text: &str) -> String {
    match read(text) {
        Ok(scenario) => Report::new(scenario.warnings().to_vec()).render(Colour::Never),
        Err(report) => report.render(Colour::Never),
    }
}
