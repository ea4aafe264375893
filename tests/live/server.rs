//! A server of one's own: found, started on a unix socket in a folder of its own, asked, and ended with all it forked.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::memory;

/// Programs to measure beside those on `PATH`, separated by colons.
const PROGRAMS: &str = "FORKCAST_SERVERS";

/// The names that the packages give the programs.
const ON_PATH: [&str; 2] = ["redis-server", "valkey-server"];

/// How long a server may take to start, or to answer a question.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The programs that `FORKCAST_SERVERS` names, then those on `PATH`.
pub fn programs() -> Vec<PathBuf> {
    let named = env::var_os(PROGRAMS).unwrap_or_default();
    let path = env::var_os("PATH").unwrap_or_default();
    let named = env::split_paths(&named).filter(|program| !program.as_os_str().is_empty());
    let on_path = env::split_paths(&path).flat_map(|folder| ON_PATH.map(|name| folder.join(name)));
    let mut programs: Vec<PathBuf> = Vec::new();
    for program in named.chain(on_path.filter(|program| program.is_file())) {
        let is_new = programs.iter().all(|other| other.canonicalize().ok() != program.canonicalize().ok());
        if is_new {
            programs.push(program);
        }
    }
    programs
}

/// A running server without any persistence but the saves that it is asked for. It ends when this value does.
pub struct Server {
    process: Child,
    folder: tempfile::TempDir,
}

/// What a server says of itself: the lines of `INFO`, by name.
pub struct Info(BTreeMap<String, String>);

impl Server {
    /// Starts `program` in a folder of its own. A script must `exec` the server: its process is the one to measure.
    pub fn start(program: &Path) -> Self {
        let folder = tempfile::Builder::new().prefix("forkcast-live-").tempdir().unwrap();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new(program);
        command.args(["--port", "0", "--save", "", "--appendonly", "no", "--daemonize", "no"]);
        command.arg("--unixsocket").arg(folder.path().join("socket")).arg("--dir").arg(folder.path());
        let output = log.try_clone().unwrap();
        command.stdin(Stdio::null()).stdout(output).stderr(log);
        let process = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let server = Self { process, folder };
        server.wait_until_it_answers();
        server
    }

    fn wait_until_it_answers(&self) {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if let Ok(mut connection) = self.client().get_connection()
                && redis::cmd("PING").exec(&mut connection).is_ok()
            {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        panic!("the server does not answer:\n{log}");
    }

    fn client(&self) -> redis::Client {
        redis::Client::open(format!("unix://{}", self.folder.path().join("socket").display())).unwrap()
    }

    /// A connection whose every answer comes within [`PATIENCE`], or is an error.
    pub fn connect(&self) -> redis::Connection {
        let connection = self.client().get_connection_with_timeout(PATIENCE).unwrap();
        connection.set_read_timeout(Some(PATIENCE)).unwrap();
        connection.set_write_timeout(Some(PATIENCE)).unwrap();
        connection
    }

    /// The process of the server, the parent of every save.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Where the server writes its files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Server {
    /// The child of a save first: it would live on when its parent dies. A key stroke that ends the tests ends both too,
    /// as they are in their process group.
    fn drop(&mut self) {
        let child = memory::child(self.pid()).and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        if let Some(child) = child {
            let _ = kill_process(child, Signal::KILL);
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Info {
    /// Asks for every section.
    pub fn ask(connection: &mut redis::Connection) -> Self {
        Self::of(connection).expect("a server that answers")
    }

    /// The same of a server that may be gone.
    pub fn of(connection: &mut redis::Connection) -> Option<Self> {
        let text: String = redis::cmd("INFO").arg("everything").query(connection).ok()?;
        let fields = text.lines().filter_map(|line| line.split_once(':'));
        Some(Self(fields.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect()))
    }

    /// The text of a field, empty where this version has none.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The number in a field.
    pub fn number(&self, name: &str) -> f64 {
        self.text(name).parse().unwrap_or_else(|_| panic!("INFO {name}: `{}`", self.text(name)))
    }

    /// `redis` or `valkey`: Valkey alone has a field for it, as it answers with Redis' version to the old name.
    pub fn engine(&self) -> &'static str {
        if self.text("server_name") == "valkey" { "valkey" } else { "redis" }
    }

    /// The version of this engine.
    pub fn version(&self) -> &str {
        self.text(if self.engine() == "valkey" { "valkey_version" } else { "redis_version" })
    }
}
