//! Clients: one that fills a server, and one that loads it and logs what the server acknowledged when.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use redis::{Connection, Pipeline};

use crate::commands::{Draw, create, operate};
use crate::load::{KEY_BYTES, Load, Op};
use crate::server::Info;

/// Commands in one round trip: enough to keep a server busy, few enough to count in small steps.
const BATCH: usize = 256;

/// A fill asks so seldom how far it is.
const BATCHES_BETWEEN_QUESTIONS: usize = 32;

/// The writer sleeps so long when it is ahead of its rate.
const TICK: Duration = Duration::from_millis(1);

/// The keys of a server.
#[derive(Clone, Copy)]
pub struct Keys {
    /// Those of the first fill, to which the load goes.
    pub loaded: u64,
    /// All of them.
    pub existing: u64,
}

/// Loads keys in id order until the server uses `bytes` of memory; the number of keys.
pub fn fill(connection: &mut Connection, load: Load, bytes: f64) -> u64 {
    grow(connection, load, 0, bytes)
}

/// Adds keys behind the `keys` that there are, until the server uses `bytes` of memory; the number of all.
pub fn grow(connection: &mut Connection, load: Load, mut keys: u64, bytes: f64) -> u64 {
    let mut draw = Draw::new(0, 1);
    while Info::ask(connection).number("used_memory") < bytes {
        assert!((keys * KEY_BYTES) as f64 <= bytes, "{keys} keys take no memory");
        for _ in 0..BATCHES_BETWEEN_QUESTIONS {
            let mut pipeline = Pipeline::with_capacity(BATCH);
            for id in keys..keys + BATCH as u64 {
                create(&mut pipeline, &mut draw, load, id);
            }
            keys += BATCH as u64;
            pipeline.exec(connection).unwrap();
        }
    }
    keys
}

/// How many writes had been acknowledged when.
#[derive(Clone)]
pub struct Log(Arc<Mutex<Vec<(Instant, f64)>>>);

impl Log {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(vec![(Instant::now(), 0.0)])))
    }

    fn push(&self, writes: f64) {
        self.0.lock().unwrap().push((Instant::now(), writes));
    }

    /// Writes acknowledged up to a moment, between two entries by interpolation.
    pub fn writes_at(&self, moment: Instant) -> f64 {
        let log = self.0.lock().unwrap();
        let after = log.partition_point(|(at, _)| *at <= moment);
        let Some(&(before_at, before)) = log[..after].last() else { return 0.0 };
        let Some(&(after_at, after)) = log.get(after) else { return before };
        let share = (moment - before_at).as_secs_f64() / (after_at - before_at).as_secs_f64();
        before + (after - before) * share
    }
}

/// A client that loads the server at a steady rate until this value is dropped.
pub struct Writer {
    thread: Option<JoinHandle<()>>,
    end: Arc<AtomicBool>,
    /// The acknowledged writes.
    pub log: Log,
}

impl Writer {
    /// `rate` operations a second, or as many as the server takes.
    pub fn start(mut connection: Connection, load: Load, rate: f64, keys: Keys, seed: u64) -> Self {
        let (log, end) = (Log::new(), Arc::new(AtomicBool::new(false)));
        let (own_log, own_end) = (log.clone(), Arc::clone(&end));
        let thread = thread::spawn(move || {
            let (mut draw, mut next_new) = (Draw::new(seed, keys.loaded), keys.existing);
            let start = Instant::now();
            let (mut sent, mut writes) = (0.0, 0.0);
            while !own_end.load(Ordering::Relaxed) {
                let due = due(rate * start.elapsed().as_secs_f64() - sent);
                if due == 0 || load.op == Op::Idle {
                    thread::sleep(TICK);
                    continue;
                }
                let mut pipeline = Pipeline::with_capacity(due);
                for _ in 0..due {
                    writes += operate(&mut pipeline, &mut draw, load, &mut next_new) as f64;
                }
                if pipeline.exec(&mut connection).is_err() {
                    // The server died: whoever measures it finds out, and may have meant it to.
                    return;
                }
                sent += due as f64;
                own_log.push(writes);
            }
        });
        Self { thread: Some(thread), end, log }
    }

    /// Ends the load; every write that was sent to a living server is acknowledged and counted.
    pub fn stop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            assert!(thread.join().is_ok() || thread::panicking(), "the writer failed");
        }
    }
}

/// A batch at most: one that fell behind catches up in the next round trips.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a batch")]
fn due(operations: f64) -> usize {
    operations.clamp(0.0, BATCH as f64) as usize
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop();
    }
}
