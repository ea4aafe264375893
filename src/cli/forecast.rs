//! `forkcast forecast`: the next save, from past ones alone.

use std::sync::Arc;

use super::args::{ForecastArgs, Format};
use super::exit::Exit;
use super::input;
use super::terminal::Terminal;
use crate::observe::forecast::{self, History, Next};
use crate::observe::{Forecast, Info};
use crate::scenario::Source;
use crate::units::{Bytes, SimDuration};

/// Reads the history, forecasts, and says so.
pub fn forecast(args: &ForecastArgs, terminal: &Terminal) -> anyhow::Result<Exit> {
    let refuse = |problem: &dyn std::fmt::Display| {
        terminal.insist(format!("error: {problem}"));
        Ok(Exit::Invalid)
    };
    let next = match next(args) {
        Ok(next) => next,
        Err(problem) => return refuse(&problem),
    };
    let texts = args.files.iter().map(|path| input::read(path)).collect::<Result<Vec<String>, _>>()?;
    let history = if let ([text], false) = (texts.as_slice(), Info::is_info(&texts[0])) {
        let source = Source { name: args.files[0].display().to_string(), text: text.clone() };
        match forecast::history(&Arc::new(source), args.server.as_deref()) {
            Ok(history) => history,
            Err(report) => return Ok(input::invalid(&report, terminal)),
        }
    } else if args.server.is_some() {
        return refuse(&"--server names rows of a CSV; give the INFO texts of that server alone");
    } else {
        match History::of_infos(&texts.iter().map(String::as_str).collect::<Vec<_>>()) {
            Ok(history) => history,
            Err(error) => return refuse(&format!("{}{error}", input::names(error.inputs(), &args.files))),
        }
    };
    let forecast = match Forecast::new(&history, &next, args.confidence) {
        Ok(forecast) => forecast,
        Err(error) => return refuse(&error),
    };
    terminal.answer(&match args.format {
        Format::Human => forecast.to_string(),
        Format::Json => serde_json::to_string_pretty(&forecast.to_json())?,
        Format::Csv => forecast.to_csv(),
    })?;
    Ok(Exit::Done)
}

fn next(args: &ForecastArgs) -> Result<Next, String> {
    let size = |flag: &str, text: &Option<String>| {
        let size =
            text.as_ref().map(|text| text.parse::<Bytes>().map_err(|error| format!("{flag}: {error}")));
        let size = size.transpose()?;
        if size == Some(Bytes::ZERO) { Err(format!("{flag}: must be above 0")) } else { Ok(size) }
    };
    let duration = args.save_duration.as_ref().map(|text| text.parse::<SimDuration>());
    let duration = duration.transpose().map_err(|error| format!("--save-duration: {error}"))?;
    let seconds = duration.map(SimDuration::as_secs_f64);
    if seconds.is_some_and(|seconds| seconds <= 0.0) {
        return Err("--save-duration: must be above 0".to_owned());
    }
    Ok(Next {
        used_memory: size("--used-memory", &args.used_memory)?,
        headroom: size("--headroom", &args.headroom)?,
        seconds,
    })
}
