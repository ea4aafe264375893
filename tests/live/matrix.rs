//! Many measured saves in a row, as asked for by the environment: how rows of a new server are won.

use std::env;
use std::path::{Path, PathBuf};

use crate::bench::Bench;
use crate::load::{Dist, Load, Op};
use crate::row::Row;

/// `set:64:uniform:0.1,0.3;idle:64`: operation, value size, distribution, and writes a page, one for each save.
const LOADS: &str = "FORKCAST_LIVE_LOADS";

/// The folder that the rows go to.
const ROWS: &str = "FORKCAST_LIVE_ROWS";

/// MiB of data; 512 unless set.
const MIB: &str = "FORKCAST_LIVE_MIB";

/// Sleeps of the child in each save \[seconds\]; 4 unless set.
const STRETCH: &str = "FORKCAST_LIVE_STRETCH";

/// Reads a second where no write tells the rate.
const READS: f64 = 20_000.0;

/// A load and the exposures at which it is saved.
struct Series {
    load: Load,
    writes_per_page: Vec<f64>,
}

impl Series {
    fn new(text: &str) -> Self {
        let mut parts = text.split(':');
        let op = named(&Op::NAMES, parts.next().unwrap());
        let value_bytes = parts.next().expect("a value size").parse().unwrap();
        let dist = named(&Dist::NAMES, parts.next().unwrap_or("uniform"));
        let exposures = parts.next().unwrap_or("0").split(',');
        let writes_per_page = exposures.map(|number| number.parse().unwrap()).collect();
        Self { load: Load { op, dist, value_bytes }, writes_per_page }
    }

    /// Operations a second that make for an exposure.
    fn rate(&self, writes: f64, seconds: f64) -> f64 {
        match self.load.op {
            Op::Idle => 0.0,
            Op::Get => READS,
            Op::DelSet => writes / seconds / 2.0,
            _ => writes / seconds,
        }
    }
}

fn named<T: Copy>(names: &[(&str, T)], wanted: &str) -> T {
    names.iter().find(|(name, _)| *name == wanted).unwrap_or_else(|| panic!("nothing is called `{wanted}`")).1
}

fn number(variable: &str, otherwise: f64) -> f64 {
    env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

/// Appends a row a save to the folder that the environment names. Series in a row that can share a server do.
pub fn measure(program: &Path) {
    let loads = env::var(LOADS).unwrap_or_else(|_| panic!("{LOADS} names the loads"));
    let folder = PathBuf::from(env::var(ROWS).unwrap_or_else(|_| panic!("{ROWS} names a folder")));
    let bytes = number(MIB, 512.0) * f64::from(1 << 20);
    let mut filled: Option<(Load, Bench)> = None;
    for series in loads.split(';').map(Series::new) {
        if filled.as_ref().is_none_or(|(load, _)| !load.shares_keys_with(series.load)) {
            drop(filled.take());
            let bench = Bench::new(program, series.load, bytes, number(STRETCH, 4.0));
            filled = bench.map(|bench| (series.load, bench));
        }
        let Some((_, bench)) = filled.as_mut() else {
            panic!("{} has no jemalloc", program.display());
        };
        measure_series(bench, &series, &folder);
    }
}

fn measure_series(bench: &mut Bench, series: &Series, folder: &Path) {
    // An idle save tells how long one takes.
    let mut seconds = bench.save(Load { op: Op::Idle, ..series.load }, 0.0).seconds;
    for exposure in &series.writes_per_page {
        let rate = series.rate(exposure * bench.pages(), seconds);
        let save = bench.save(series.load, rate);
        seconds = save.seconds;
        let mut row = Row::new(bench, series.load, rate, &save);
        row.write(&save, folder);
        crate::say(&row);
    }
}
