//! `forkcast import --prometheus`: a scenario for each server that Prometheus knows.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail};

use super::args::ImportArgs;
use super::exit::Exit;
use super::import;
use super::input;
use super::terminal::Terminal;
use crate::observe::prometheus::{self, Server};
use crate::observe::{self, HostMemory};
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
pub fn import(
    source: &str,
    memory: &HostMemory,
    args: &ImportArgs,
    terminal: &Terminal,
) -> anyhow::Result<Exit> {
    let text = if is_url(source) { fetch(source)? } else { input::read(Path::new(source))? };
    let servers = match prometheus::servers(&text) {
        Ok(servers) => servers,
        Err(error) => {
            terminal.insist(format!("error: {error}"));
            return Ok(Exit::Invalid);
        }
    };
    if let [Ok(server)] = servers.as_slice() {
        let texts: Vec<&str> = server.infos.iter().map(String::as_str).collect();
        return import::one(&texts, &[], memory, args, terminal);
    }
    let Some(dir) = &args.out else {
        let several = servers.len() > 1;
        let folder = if several { "; name a folder for the scenarios of the fleet with -o DIR" } else { "" };
        for problem in servers.iter().filter_map(|server| server.as_ref().err()) {
            terminal.insist(format!("error: {problem}"));
        }
        terminal.insist(format!("error: {} servers{folder}", servers.len()));
        return Ok(Exit::Invalid);
    };
    fs::create_dir_all(dir).with_context(|| format!("cannot make `{}`", dir.display()))?;
    let (mut written, given) = (0, servers.len());
    for server in servers {
        match server.map_err(|error| error.to_string()).and_then(|server| scenario(&server, memory)) {
            Ok((name, text)) => {
                input::write_new(&dir.join(format!("{name}.toml")), &text)?;
                written += 1;
            }
            Err(problem) => terminal.insist(format!("error: {problem}")),
        }
    }
    terminal.say(format!("wrote {written} of {given} scenarios to {}", dir.display()));
    Ok(match written {
        0 => Exit::Invalid,
        some if some < given => Exit::Incomplete,
        _ => Exit::Done,
    })
}

/// The file name and the text of a server's scenario.
fn scenario(server: &Server, memory: &HostMemory) -> Result<(String, String), String> {
    let texts: Vec<&str> = server.infos.iter().map(String::as_str).collect();
    let imported = observe::import(&texts, memory, |engine| layout(engine).cloned());
    let imported = imported.map_err(|error| format!("{}: {error}", server.name))?;
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let name: String =
        server.name.chars().map(|letter| if is_plain(letter) { letter } else { '-' }).collect();
    let name = name.trim_start_matches('.').to_owned();
    let text = imported.text.replacen("name = \"imported\"", &format!("name = \"{name}\""), 1);
    Ok((name, text))
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
