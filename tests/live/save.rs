//! One measured save: from `BGSAVE` to the child's exit, with samples of both processes' memory on the way.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use redis::Connection;

use crate::memory::{self, Rollup};
use crate::server::{Info, PATIENCE, Server};
use crate::writer::Log;

/// Pause between two samples. A sample itself takes some 30 ms for half a GiB.
const BETWEEN_SAMPLES: Duration = Duration::from_millis(20);

/// No save of a test lasts so long.
const LONGEST_SAVE: Duration = Duration::from_mins(3);

/// The memory of server and child at one moment of a save.
pub struct Sample {
    /// Since the reply to `BGSAVE` \[seconds\].
    pub seconds: f64,
    /// Writes since then.
    pub writes: f64,
    /// Anonymous memory of both, a shared page counted once \[bytes\].
    pub anonymous: f64,
    /// The child's dirty pages that the parent does not have \[bytes\].
    pub child_private_dirty: f64,
    /// The file as far as it is written \[bytes\].
    pub file: f64,
}

/// A save that came to its end, good or bad.
pub struct Save {
    /// Whether the server calls it good: a killed child's is not.
    pub is_ok: bool,
    /// Keys just before the fork.
    pub keys: u64,
    /// The server's memory just before the fork.
    pub before: Rollup,
    /// `INFO` just before the fork.
    pub info_before: Info,
    /// `INFO` once the server knew that the save was done.
    pub info_after: Info,
    /// Through the save, in order.
    pub samples: Vec<Sample>,
    /// From the reply to `BGSAVE` to the child's exit \[seconds\].
    pub seconds: f64,
    /// Acknowledged writes between these two.
    pub writes: f64,
    /// The server's own count of changes since the fork over that of the load, just after the save; 1 is right.
    pub counter_ratio: f64,
    /// The final file \[bytes\].
    pub file: f64,
}

impl Save {
    /// The sample at which both processes together had the most anonymous memory.
    pub fn peak(&self) -> &Sample {
        self.samples.iter().max_by(|a, b| a.anonymous.total_cmp(&b.anonymous)).unwrap()
    }

    /// By how much the host's anonymous memory grew at most \[bytes\].
    pub fn growth(&self) -> f64 {
        self.peak().anonymous - self.before.anonymous
    }
}

/// What was known before a fork that the server itself did not outlive.
pub struct Died {
    /// Keys just before the fork.
    pub keys: u64,
    /// The server's memory then.
    pub before: Rollup,
    /// `INFO` then.
    pub info_before: Info,
    /// From the reply to `BGSAVE` to the child's exit \[seconds\].
    pub seconds: f64,
}

/// Lets the server save under the load whose acknowledged writes are in `log`.
pub fn measure(server: &Server, connection: &mut Connection, log: &Log) -> Result<Save, Died> {
    let keys: u64 = redis::cmd("DBSIZE").query(connection).unwrap();
    let info_before = Info::ask(connection);
    let before = Rollup::of(server.pid()).unwrap();
    redis::cmd("BGSAVE").exec(connection).unwrap();
    let start = Instant::now();
    let child = memory::child(server.pid()).expect("a save has a child");
    let watch = thread::spawn(move || exit_of(child));
    let mut moments = Vec::new();
    while !watch.is_finished() {
        moments.extend(sample(server, child));
        thread::sleep(BETWEEN_SAMPLES);
    }
    let end = watch.join().unwrap();
    let seconds = (end - start).as_secs_f64();
    let Some((info_after, counted_at)) = wait_for_the_server(connection) else {
        return Err(Died { keys, before, info_before, seconds });
    };
    let since_fork = |moment: Instant| log.writes_at(moment) - log.writes_at(start);
    let counted = since_fork(counted_at);
    let placed = |(at, sample): (Instant, Sample)| Sample {
        seconds: (at - start).as_secs_f64(),
        writes: since_fork(at),
        ..sample
    };
    Ok(Save {
        is_ok: info_after.text("rdb_last_bgsave_status") == "ok",
        samples: moments.into_iter().map(placed).collect(),
        seconds,
        writes: since_fork(end),
        counter_ratio: if counted > 0.0 {
            info_after.number("rdb_changes_since_last_save") / counted
        } else {
            0.0
        },
        file: size(&server.folder().join("dump.rdb")),
        keys,
        before,
        info_before,
        info_after,
    })
}

/// The parent first: were the child gone in between, its share would be missing rather than be counted twice. The
/// copies of the time between the two readings count half, so that the middle is the moment of the sample.
fn sample(server: &Server, child: u32) -> Option<(Instant, Sample)> {
    let start = Instant::now();
    let parent = Rollup::of(server.pid())?;
    let of_child = Rollup::of(child)?;
    let middle = start + start.elapsed() / 2;
    let anonymous = parent.shared_out_anonymous + of_child.shared_out_anonymous;
    let file = size(&server.folder().join(format!("temp-{child}.rdb")));
    let child_private_dirty = of_child.private_dirty;
    Some((middle, Sample { seconds: 0.0, writes: 0.0, anonymous, child_private_dirty, file }))
}

fn size(path: &Path) -> f64 {
    path.metadata().map_or(0.0, |metadata| metadata.len() as f64)
}

/// Waits for a process to end; the moment of it.
fn exit_of(pid: u32) -> Instant {
    let start = Instant::now();
    while memory::lives(pid) {
        assert!(start.elapsed() < LONGEST_SAVE, "a save of over {LONGEST_SAVE:?}");
        thread::sleep(Duration::from_millis(1));
    }
    Instant::now()
}

/// The server finds the end of its child some tenths of a second later; the first answer that says so, and its moment.
/// Nothing where the server is gone.
fn wait_for_the_server(connection: &mut Connection) -> Option<(Info, Instant)> {
    let end = Instant::now() + PATIENCE;
    loop {
        let info = Info::of(connection)?;
        if info.text("rdb_bgsave_in_progress") == "0" {
            return Some((info, Instant::now()));
        }
        assert!(Instant::now() < end, "the server does not notice the end of its save");
        thread::sleep(Duration::from_millis(5));
    }
}
