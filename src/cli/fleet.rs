//! `forkcast import --prometheus`: a scenario for each server that Prometheus knows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, SystemTime};
use std::{fs, iter};

use anyhow::{Context, bail};

use super::args::ImportArgs;
use super::exit::Exit;
use super::import;
use super::input;
use super::terminal::Terminal;
use crate::observe::prometheus::{self, PrometheusError, Server};
use crate::observe::{self, HostMemory, Import};
use crate::scenario::layout;

/// How far back a URL is asked \[s\]: thirty days, a month of hours of the day and of growth.
const RANGE: u64 = 30 * 86_400;

/// One sample an hour: 720 a series, of the 11,000 that Prometheus gives at most.
/// Source: `web/api/v1/api.go`, "exceeded maximum resolution of 11,000 points per timeseries".
const STEP: u64 = 3_600;

/// A fleet of a month may take Prometheus so long; its own limit is two minutes (`--query.timeout`).
const PATIENCE: Duration = Duration::from_secs(130);

/// The longest answer that is read \[bytes\]: ten thousand servers with forty series of 720 samples each, some 25 bytes
/// a sample.
const LONGEST_ANSWER: u64 = 8 << 30;

/// Writes a scenario a server: the only one to standard output or `-o FILE`, several into the folder `-o DIR`.
///
/// # Errors
///
/// Where Prometheus or the file cannot be read, or a scenario cannot be written.
pub fn import(
    source: &str,
    memory: &HostMemory,
    args: &ImportArgs,
    terminal: &Terminal,
) -> anyhow::Result<Exit> {
    let text = if is_url(source) { fetch(source)? } else { input::read(Path::new(source))? };
    let refuse = |problem: &dyn std::fmt::Display| {
        terminal.insist(format!("error: {problem}"));
        Ok(Exit::Invalid)
    };
    let servers = match prometheus::servers(&text) {
        Ok(servers) => servers,
        Err(error) => return refuse(&error),
    };
    if let [Ok(server)] = servers.as_slice() {
        return match scenario(server, memory) {
            Ok(imported) => import::write(&imported, args, terminal),
            Err(problem) => refuse(&problem),
        };
    }
    if let Some(dir) = &args.out {
        return write_all(&servers, dir, memory, terminal);
    }
    for problem in servers.iter().filter_map(|server| server.as_ref().err()) {
        terminal.insist(format!("error: {problem}"));
    }
    let several = servers.len() > 1;
    let folder = if several { "; name a folder for the scenarios of the fleet with -o DIR" } else { "" };
    refuse(&format!("{} servers{folder}", servers.len()))
}

/// Writes what can be written into the folder `dir`, and says what cannot.
fn write_all(
    servers: &[Result<Server, PrometheusError>],
    dir: &Path,
    memory: &HostMemory,
    terminal: &Terminal,
) -> anyhow::Result<Exit> {
    fs::create_dir_all(dir).with_context(|| format!("cannot make `{}`", dir.display()))?;
    let names = file_names(servers.iter().flatten().map(|server| server.name.as_str()));
    let mut written = 0;
    for server in servers {
        let imported = match server {
            Ok(server) => scenario(server, memory).map(|imported| (&names[server.name.as_str()], imported)),
            Err(error) => Err(error.to_string()),
        };
        match imported {
            Ok((name, Import { text, .. })) => {
                let text = text.replacen("name = \"imported\"", &format!("name = \"{name}\""), 1);
                input::write_new(&dir.join(format!("{name}.toml")), &text)?;
                written += 1;
            }
            Err(problem) => terminal.insist(format!("error: {problem}")),
        }
    }
    terminal.say(format!("wrote {written} of {} scenarios to {}", servers.len(), dir.display()));
    Ok(match written {
        0 => Exit::Invalid,
        some if some < servers.len() => Exit::Incomplete,
        _ => Exit::Done,
    })
}

fn scenario(server: &Server, memory: &HostMemory) -> Result<Import, String> {
    let imported = observe::import_server(&server.infos, memory, |engine| layout(engine).cloned());
    imported.map_err(|error| format!("{}: {error}", server.name))
}

/// A file name for each server: its own with `-` for what a file name may not hold, and a number behind it where
/// another server has come to the same one before, whatever the case of its letters.
fn file_names<'a>(servers: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, String> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let mut taken = BTreeSet::new();
    let name_of = |server: &'a str| {
        let plain: String =
            server.chars().map(|letter| if is_plain(letter) { letter } else { '-' }).collect();
        let plain = match plain.trim_start_matches('.') {
            "" => "server",
            plain => plain,
        };
        let numbered = (2..).map(|number| format!("{plain}-{number}"));
        let mut names = iter::once(plain.to_owned()).chain(numbered);
        let free = names.find(|name| taken.insert(name.to_ascii_lowercase()));
        (server, free.unwrap_or_default())
    };
    servers.map(name_of).collect()
}

fn is_url(source: &str) -> bool {
    source.starts_with("http://") || source.starts_with("https://")
}

/// The answer of the range-query API over the last thirty days, one sample an hour.
fn fetch(url: &str) -> anyhow::Result<String> {
    let address = format!("{}/api/v1/query_range", url.trim_end_matches('/'));
    if url.starts_with("https://") {
        bail!(
            "forkcast speaks no TLS: save the answer with\n  curl -G {address} --data-urlencode 'query={}' \
             -d start=$(date -d '-30 days' +%s) -d end=$(date +%s) -d step={STEP} -o metrics.json\nand give the file",
            prometheus::query()
        );
    }
    let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
    let agent =
        ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false).build();
    let request = ureq::Agent::from(agent)
        .get(&address)
        .query("query", prometheus::query())
        .query("start", now.saturating_sub(RANGE).to_string())
        .query("end", now.to_string())
        .query("step", STEP.to_string());
    let unreachable = || format!("cannot ask `{address}`: is this the address of a Prometheus server?");
    let mut answer = request.call().with_context(unreachable)?;
    let status = answer.status();
    let text = answer.body_mut().with_config().limit(LONGEST_ANSWER).read_to_string();
    let text = text.with_context(|| format!("the answer of `{address}` broke off"))?;
    // An error of the API is JSON that says what is wrong; any other is of something in between.
    if !status.is_success() && !text.contains("\"status\"") {
        bail!("`{address}` answered {status}: give the base address of Prometheus, without /graph or /api");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_whose_names_become_the_same_keep_files_of_their_own() {
        let names = file_names(["a-1", "a-1-2", "a/1", "A-1", "...", "b"].into_iter());
        let names: Vec<&str> = names.values().map(String::as_str).collect();
        assert_eq!(names, ["server", "A-1-4", "a-1", "a-1-2", "a-1-3", "b"]);
    }
}
