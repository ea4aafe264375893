//! Histories of saves for a forecaster that does not see the load: each server has habits of its own, each save draws its
//! rate, its keys and its pace from them, and the data grow. The last saves of a server run under a memory limit.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};
use std::{fmt, fs, thread};

use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, LogNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use redis::Connection;
use serde::Serialize;

use crate::group::Group;
use crate::load::{Dist, Load, Op};
use crate::memory::Rollup;
use crate::save::{self, Died, Save};
use crate::server::Server;
use crate::writer::{self, Keys, Writer};

/// The folder that the rows go to.
const ROWS: &str = "FORKCAST_LIVE_ROWS";

/// Servers, each a history of its own.
const SERVERS: u64 = 10;

/// Servers measured at a time.
const AT_A_TIME: usize = 3;

/// Saves without a limit: a history.
const FREE_SAVES: u64 = 30;

/// Saves under a limit, behind them.
const LIMITED_SAVES: u64 = 14;

/// The load runs so long before a fork.
const SETTLE: Duration = Duration::from_millis(300);

/// More operations a second than these, three servers and their clients do not keep up.
const FASTEST: f64 = 25_000.0;

/// A sleep of the child: 1 us asked for, 200 measured with three servers on two cores \[seconds\].
const A_SLEEP: f64 = 200e-6;

const MIB: f64 = 1_048_576.0;

/// What may be saved.
const VALUES: [(Op, usize); 5] =
    [(Op::Set, 64), (Op::Set, 256), (Op::Set, 1024), (Op::Hset, 32), (Op::Incr, 8)];

/// A row of the file. The load is there for the reader, not for a forecast.
#[derive(Serialize)]
struct Row {
    run_id: String,
    unix_seconds: f64,
    server: &'static str,
    version: String,
    used_memory_bytes: f64,
    rss_bytes: f64,
    anon_at_fork_bytes: f64,
    kernel_at_fork_bytes: f64,
    save_s: f64,
    anon_growth_peak_bytes: Option<f64>,
    cow_last_reported_bytes: Option<f64>,
    cgroup_limit_bytes: Option<u64>,
    outcome: &'static str,
    op: &'static str,
    dist: &'static str,
    value_bytes: usize,
    nkeys: u64,
    target_rate_per_s: f64,
    key_save_delay: i64,
}

/// One line for the person who waits for it.
impl fmt::Display for Row {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { run_id, outcome, save_s, .. } = self;
        write!(out, "{run_id}: {outcome}, {save_s:.1} s, ")?;
        match self.anon_growth_peak_bytes {
            Some(bytes) => write!(out, "grew by {:.1} MiB", bytes / MIB),
            None => write!(out, "killed"),
        }
    }
}

/// What a server's saves have in common.
struct Habits {
    op: Op,
    value_bytes: usize,
    /// Writes a page of a save in the middle of them.
    exposure: f64,
    /// Spread of its logarithm.
    spread: f64,
    /// Sleeps of the child in a save of the first data \[seconds\].
    stretch: f64,
    /// Growth of the data from one save to the next.
    growth: f64,
    /// Chance that a save meets another popularity than the usual one.
    fickle: f64,
    usual: Dist,
}

const DISTS: [Dist; 3] = [Dist::Uniform, Dist::Zipf, Dist::Hotspot];

impl Habits {
    fn draw(rng: &mut Xoshiro256PlusPlus) -> Self {
        let (op, value_bytes) = VALUES[rng.random_range(0..VALUES.len())];
        Self {
            op,
            value_bytes,
            exposure: LogNormal::new((0.4_f64).ln(), 0.4).unwrap().sample(rng),
            spread: rng.random_range(0.2..0.7),
            stretch: rng.random_range(0.8..1.4),
            growth: rng.random_range(0.0..0.02),
            fickle: rng.random_range(0.0..0.5),
            usual: DISTS[rng.random_range(0..DISTS.len())],
        }
    }
}

/// A filled server in a group of its own.
struct Running {
    connection: Connection,
    server: Server,
    // Behind the server: it goes when its processes are gone.
    group: Option<Group>,
    keys: u64,
}

impl Running {
    fn start(program: &Path, load: Load, bytes: f64) -> Self {
        let server = Server::start(program);
        let group = Group::new(&format!("forkcast-live-{}", server.pid()));
        match &group {
            Some(group) => group.hold(server.pid()),
            None => crate::say("SKIPPED: no memory control group can be made here: no save under a limit"),
        }
        let mut connection = server.connect();
        // The child is the one to be killed first; and no time is spent on values that are noise.
        let settings =
            [("oom-score-adj", "yes"), ("oom-score-adj-values", "0 200 800"), ("rdbcompression", "no")];
        for (setting, value) in settings {
            redis::cmd("CONFIG").arg("SET").arg(setting).arg(value).exec(&mut connection).unwrap();
        }
        let keys = writer::fill(&mut connection, load, bytes);
        Self { connection, server, group, keys }
    }
}

/// A server with its habits and its dice.
struct History<'a> {
    program: &'a Path,
    number: u64,
    habits: Habits,
    rng: Xoshiro256PlusPlus,
    /// What the server is to hold \[bytes\].
    bytes: f64,
    running: Running,
    /// The share of `used_memory` by which the free saves grew.
    shares: Vec<f64>,
}

/// Writes a file a history, with a row a save, to the folder that the environment names.
pub fn measure(program: &Path) {
    let folder = PathBuf::from(env::var(ROWS).unwrap_or_else(|_| panic!("{ROWS} names a folder")));
    fs::create_dir_all(&folder).unwrap();
    let next = Mutex::new(0..SERVERS);
    let work = || {
        while let Some(number) = { next.lock().unwrap().next() } {
            let mut rows = csv::Writer::from_path(folder.join(format!("{number}.csv"))).unwrap();
            let mut history = History::new(program, number);
            for save in 0..FREE_SAVES + LIMITED_SAVES {
                let Some(row) = history.save(save) else { continue };
                crate::say(&row);
                rows.serialize(row).unwrap();
                rows.flush().unwrap();
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(work);
        }
    });
}

impl<'a> History<'a> {
    fn new(program: &'a Path, number: u64) -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(0xF0CA_5700 + number);
        let habits = Habits::draw(&mut rng);
        let bytes = rng.random_range(28.0..64.0) * MIB;
        let load = Load { op: habits.op, dist: habits.usual, value_bytes: habits.value_bytes };
        let running = Running::start(program, load, bytes);
        Self { program, number, habits, rng, bytes, running, shares: Vec::new() }
    }

    /// The next save; nothing where it was to have a limit and cannot. A server that was killed is followed by another.
    fn save(&mut self, save: u64) -> Option<Row> {
        let is_limited = save >= FREE_SAVES;
        if is_limited && self.running.group.is_none() {
            return None;
        }
        let load = self.load();
        self.bytes *= 1.0 + self.habits.growth * self.rng.random_range(0.0..2.0);
        let running = &mut self.running;
        running.keys = writer::grow(&mut running.connection, load, running.keys, self.bytes);
        let (delay, rate, seed) = (self.pace(), self.rate(), self.rng.random());
        let keys = Keys { loaded: self.running.keys, existing: self.running.keys };
        let mut writer = Writer::start(self.running.server.connect(), load, rate, keys, seed);
        thread::sleep(SETTLE);
        let limit = if is_limited { Some(self.set_limit()) } else { None };
        let running = &mut self.running;
        let kernel = running.group.as_ref().map_or(0.0, Group::kernel);
        let saved = save::measure(&running.server, &mut running.connection, &writer.log);
        if let Some(group) = &running.group {
            assert!(group.limit(None), "a limit that cannot be lifted");
        }
        writer.stop();
        let row = self.row(save, load, &saved, &Set { rate, delay, limit, kernel });
        match saved {
            Ok(saved) if !is_limited => {
                self.shares.push(saved.growth() / saved.info_before.number("used_memory"));
            }
            Ok(_) => {}
            Err(_) => self.running = Running::start(self.program, load, self.bytes),
        }
        Some(row)
    }

    fn load(&mut self) -> Load {
        let Habits { op, value_bytes, fickle, usual, .. } = self.habits;
        let other = self.rng.random_bool(fickle);
        let dist = if other { DISTS[self.rng.random_range(0..DISTS.len())] } else { usual };
        Load { op, dist, value_bytes }
    }

    /// Sets how long the child sleeps; the setting. More keys take longer.
    #[expect(clippy::cast_possible_truncation, reason = "a number of keys")]
    fn pace(&mut self) -> i64 {
        let stretch = self.habits.stretch * LogNormal::new(0.0, 0.15).unwrap().sample(&mut self.rng);
        let first = self.running.keys as f64 / (self.bytes / (48.0 * MIB));
        let delay = -((first / (stretch / A_SLEEP)).ceil() as i64);
        redis::cmd("CONFIG")
            .arg("SET")
            .arg("rdb-key-save-delay")
            .arg(delay)
            .exec(&mut self.running.connection)
            .unwrap();
        delay
    }

    /// Operations a second: what makes the usual exposure of the first data, give or take.
    fn rate(&mut self) -> f64 {
        let Habits { exposure, spread, stretch, .. } = self.habits;
        let noise = LogNormal::new(0.0, spread).unwrap().sample(&mut self.rng);
        (exposure * noise * 48.0 * MIB / 4096.0 / stretch).min(FASTEST)
    }

    /// Sets a limit about the median need of the history; the limit. The file of the last save goes, and its cache with it.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes of a small server")]
    fn set_limit(&mut self) -> u64 {
        let Running { server, group: Some(group), .. } = &self.running else { return 0 };
        let _ = fs::remove_file(server.folder().join("dump.rdb"));
        self.shares.sort_by(f64::total_cmp);
        let median = self.shares[self.shares.len() / 2];
        let around = LogNormal::new(0.0, 0.4).unwrap().sample(&mut self.rng);
        let anonymous = Rollup::of(server.pid()).unwrap().anonymous;
        let limit = (anonymous + group.kernel() + median * around * self.bytes) as u64;
        assert!(group.limit(Some(limit)), "a limit that the kernel does not take");
        limit
    }

    fn row(&self, save: u64, load: Load, saved: &Result<Save, Died>, set: &Set) -> Row {
        let (before, info, keys, seconds) = match saved {
            Ok(saved) => (&saved.before, &saved.info_before, saved.keys, saved.seconds),
            Err(died) => (&died.before, &died.info_before, died.keys, died.seconds),
        };
        let good = saved.as_ref().ok().filter(|saved| saved.is_ok);
        Row {
            run_id: format!("hidden_{}_{save}", self.number),
            unix_seconds: SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64().round(),
            server: info.engine(),
            version: info.version().to_owned(),
            used_memory_bytes: info.number("used_memory"),
            rss_bytes: before.rss,
            anon_at_fork_bytes: before.anonymous,
            kernel_at_fork_bytes: set.kernel,
            save_s: (seconds * 1e3).round() / 1e3,
            anon_growth_peak_bytes: good.map(|saved| saved.growth().round()),
            cow_last_reported_bytes: good.map(|saved| saved.info_after.number("rdb_last_cow_size")),
            cgroup_limit_bytes: set.limit,
            outcome: match (good, saved) {
                (Some(_), _) => "ok",
                (None, Ok(_)) => "child_oom",
                (None, Err(_)) => "parent_oom",
            },
            op: load.op.name(),
            dist: load.dist.name(),
            value_bytes: load.value_bytes,
            nkeys: keys,
            target_rate_per_s: set.rate.round(),
            key_save_delay: set.delay,
        }
    }
}

/// What was set for a save.
struct Set {
    rate: f64,
    delay: i64,
    limit: Option<u64>,
    kernel: f64,
}
