//! A filled server that is saved again and again under loads of one's choice.

use std::path::Path;
use std::thread;
use std::time::Duration;

use forkcast::memory::Allocator;
use redis::Connection;

use crate::law::Subject;
use crate::load::Load;
use crate::memory::{self, Rollup};
use crate::save::{self, Save};
use crate::server::{Info, Server};
use crate::writer::{self, Writer};

/// The load runs so long before a fork, so that the heap is as in any other second of it.
const SETTLE: Duration = Duration::from_secs(1);

/// The shortest sleep that the kernel grants a process, timer slack included: 1 us asked for, 60 measured \[seconds\].
const SHORTEST_SLEEP: f64 = 60e-6;

/// A server and its keys.
pub struct Bench {
    server: Server,
    connection: Connection,
    /// What it is to the law.
    pub subject: Subject,
    /// `rdb-key-save-delay` \[us a key; below 0: keys for each sleep of 1 us\].
    pub key_save_delay: i64,
    saves: u64,
}

impl Bench {
    /// Starts a server and fills it with values of a load until it uses `bytes`; its child will sleep for some `stretch`
    /// seconds a save. Nothing for a server on another allocator than jemalloc.
    pub fn new(program: &Path, load: Load, bytes: f64, stretch: f64) -> Option<Self> {
        let server = Server::start(program);
        let mut connection = server.connect();
        let info = Info::ask(&mut connection);
        if !info.text("mem_allocator").starts_with("jemalloc") {
            return None;
        }
        let keys = writer::fill(&mut connection, load, bytes);
        let key_save_delay = delay(keys, stretch);
        let mut config = redis::cmd("CONFIG");
        config.arg("SET").arg("rdb-key-save-delay").arg(key_save_delay).exec(&mut connection).unwrap();
        let is_the_systems = memory::maps_the_systems_jemalloc(server.pid());
        let subject = Subject {
            engine: info.engine().to_owned(),
            version: info.version().to_owned(),
            allocator: if is_the_systems { Allocator::System } else { Allocator::Bundled },
            page_bytes: memory::page_bytes(),
            keys,
        };
        Some(Self { server, connection, subject, key_save_delay, saves: 0 })
    }

    /// One save under a load of so many operations a second.
    pub fn save(&mut self, load: Load, rate: f64) -> Save {
        self.saves += 1;
        let existing = redis::cmd("DBSIZE").query(&mut self.connection).unwrap();
        let keys = writer::Keys { loaded: self.subject.keys, existing };
        let mut writer = Writer::start(self.server.connect(), load, rate, keys, self.saves);
        thread::sleep(SETTLE);
        let save = save::measure(&self.server, &mut self.connection, &writer.log);
        writer.stop();
        save.ok().filter(|save| save.is_ok).expect("a good save")
    }

    /// Resident pages of the server.
    pub fn pages(&self) -> f64 {
        Rollup::of(self.server.pid()).unwrap().rss / self.subject.page_bytes as f64
    }
}

/// `rdb-key-save-delay` for sleeps of so many seconds in all: one in so many keys.
#[expect(clippy::cast_possible_truncation, reason = "a number of keys")]
fn delay(keys: u64, stretch: f64) -> i64 {
    if stretch == 0.0 {
        return 0;
    }
    let sleeps = stretch / SHORTEST_SLEEP;
    -((keys as f64 / sleeps).ceil() as i64)
}
