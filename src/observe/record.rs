//! What one INFO says of a server's past and present: its fields with their meaning.
//!
//! Owns the traps of single fields (which moment a counter starts from, what "resident" leaves out). All
//! reading that can fail happens here: import and hindcast are pure functions of a record.

mod process;
mod replication;

use crate::observe::info::{FieldError, Info, KeyCounts};
use crate::units::Bytes;

pub use replication::Replication;

/// One server at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// What it is.
    pub server: Identity,
    /// Where its memory is.
    pub memory: Memory,
    /// What it holds.
    pub keys: KeyCounts,
    /// What it has forked for, and how that went.
    pub forks: Forks,
    /// Who follows it, and how often the links broke.
    pub replication: Replication,
    /// What was written.
    pub load: Load,
}

/// What the server is.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// `redis` or `valkey`, or the name of a relative that imitates them.
    pub product: String,
    /// Its version, `7.4.0`.
    pub version: String,
    /// The kernel's name and release as the server prints them.
    pub os: Option<String>,
    /// `jemalloc-5.3.0`.
    pub allocator: Option<String>,
    /// Pointer width; the layouts are those of 64 bits.
    pub arch_bits: Option<u64>,
    /// Identity of the process, new at every start.
    pub run_id: Option<String>,
    /// The moment of this INFO, since 1970 \[µs\].
    pub time_usec: Option<u64>,
    /// Age of the process \[s\].
    pub uptime_seconds: u64,
    /// Whether it follows a primary.
    pub is_replica: bool,
    /// Replicas that follow it.
    pub replicas: u64,
    /// Whether it is still loading its data.
    pub is_loading: bool,
}

/// Where the server's memory is.
#[derive(Clone, Debug, PartialEq)]
pub struct Memory {
    /// What the allocator has handed out.
    pub used: Bytes,
    /// The most it ever had.
    pub used_peak: Bytes,
    /// Of that, at an empty start.
    pub startup: Bytes,
    /// Query and output buffers of clients that are not replicas.
    pub clients: Bytes,
    /// Backlog, replica buffers, AOF buffer and scripts: neither data nor clients.
    pub buffers: Bytes,
    /// Pages of the process in RAM.
    pub rss: Bytes,
    /// Pages the allocator has mapped, wherever they are; `None` without jemalloc.
    pub allocator_resident: Option<Bytes>,
    /// The memory of the machine: in a container, of the node.
    pub total_system: Option<Bytes>,
    /// The limit on `used`.
    pub maxmemory: Maxmemory,
    /// What happens there; `None` where nothing is said of it.
    pub maxmemory_policy: Option<String>,
}

/// The limit on `used_memory`, as far as the record tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maxmemory {
    /// Nothing is said of it.
    Unknown,
    /// `maxmemory:0`.
    Unlimited,
    /// So much.
    Limited(Bytes),
}

/// What the server has forked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Forks {
    /// All forks since the start; `None` before Redis 6.2.
    pub total: Option<u64>,
    /// Saves begun since the start; `None` before Redis 7.0.
    pub rdb_saves: Option<u64>,
    /// Rewrites of the append-only file since the start.
    pub aof_rewrites: Option<u64>,
    /// Full syncs of replicas since the start.
    pub full_syncs: u64,
    /// Whether the append-only file is on.
    pub aof_enabled: bool,
    /// How long the last child that saved or fed a replica lived \[s\]; `None` where none has ended.
    pub last_save_seconds: Option<u64>,
    /// How long the last rewrite of the append-only file took \[s\]; `None` where none has ended.
    pub last_rewrite_seconds: Option<u64>,
    /// Time since the last save ended well, or since the start where none has \[s\].
    pub since_last_save_seconds: Option<u64>,
    /// Whether the last save failed (`rdb_last_bgsave_status`): then changes wait for longer than they should.
    pub has_last_save_failed: bool,
    /// Whether a child is saving, or feeding a replica.
    pub is_saving: bool,
    /// Age of that child \[s\]; `None` where there is none.
    pub running_save_seconds: Option<u64>,
    /// Pages copied in the last successful save, as its child counted them; `None` where none has ended.
    pub last_cow: Option<Bytes>,
    /// Processor time of all children \[s\].
    pub child_cpu_seconds: Option<f64>,
}

/// What was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// Changes not yet saved; `None` where the window they fell into is not known.
    pub changes: Option<Changes>,
    /// Commands since the start that may change data; `None` without `# Commandstats`.
    pub write_commands: Option<u64>,
    /// Keys read at the last load.
    pub loaded_keys: Option<u64>,
}

/// `rdb_changes_since_last_save` and the time in which they came.
///
/// The server subtracts, when a save has ended well, the changes that there were at its *fork*. So the
/// counter starts from the fork, and its window is the time since the save's end and the time the save
/// took:
///
/// ```text
/// rate = changes / ((server_time − rdb_last_save_time) + rdb_last_bgsave_time_sec)
/// ```
///
/// Source: `dirty_before_bgsave` in `rdb.c`, Redis 7.0 and Valkey 8.0. Limit: where the last child fed a
/// replica instead of saving, its duration is in the place of the save's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changes {
    /// The counter.
    pub count: u64,
    /// Time since the last save ended, or since the start \[s\].
    pub since_save_end: u64,
    /// What that save took; 0 where none has ended \[s\].
    pub save: u64,
}

impl Changes {
    /// The window \[s\].
    pub fn window_seconds(self) -> u64 {
        self.since_save_end.saturating_add(self.save)
    }

    /// Changes a second.
    pub fn per_second(self) -> f64 {
        self.count as f64 / self.window_seconds() as f64
    }
}

impl Record {
    /// Reads the fields.
    ///
    /// # Errors
    ///
    /// Where a field is malformed, or one that every supported version has is missing.
    pub fn of(info: &Info) -> Result<Self, FieldError> {
        let forks = Forks::of(info)?;
        Ok(Self {
            server: Identity::of(info)?,
            memory: Memory::of(info)?,
            keys: info.key_counts()?,
            replication: Replication::of(info)?,
            load: Load::of(info, &forks)?,
            forks,
        })
    }

    /// The mean time from one save to the next \[s\]; `None` under ten saves, which are too few to tell.
    pub fn save_cadence_seconds(&self) -> Option<f64> {
        let saves = self.forks.rdb_saves.filter(|&saves| saves >= 10)?;
        Some(self.server.uptime_seconds as f64 / saves as f64)
    }

    /// Forks survived since the start: the server's own count, or what is known of it.
    pub fn survived_forks(&self) -> u64 {
        let known = [self.forks.rdb_saves.unwrap_or(0), self.forks.aof_rewrites.unwrap_or(0)];
        self.forks.total.unwrap_or(known[0].saturating_add(known[1]))
    }

    /// Full syncs that shared a fork with another one or with a save.
    pub fn shared_forks(&self) -> Option<u64> {
        let counted = self.forks.rdb_saves?.checked_add(self.forks.full_syncs)?;
        counted.checked_add(self.forks.aof_rewrites.unwrap_or(0))?.checked_sub(self.forks.total?)
    }
}

impl Identity {
    /// Reads the fields.
    ///
    /// # Errors
    ///
    /// Where one is malformed, or the age of the process is missing.
    pub fn of(info: &Info) -> Result<Self, FieldError> {
        let (product, version) = product(info);
        Ok(Self {
            product,
            version,
            os: info.text("os").map(str::to_owned),
            allocator: info.text("mem_allocator").map(str::to_owned),
            arch_bits: info.count("arch_bits")?,
            run_id: info.text("run_id").map(str::to_owned),
            time_usec: info.count("server_time_usec")?,
            uptime_seconds: info.required("uptime_in_seconds")?,
            is_replica: matches!(info.text("role"), Some("slave" | "replica")),
            replicas: info.count("connected_slaves")?.unwrap_or(0),
            is_loading: info.count("loading")?.unwrap_or(0) > 0,
        })
    }
}

/// The product behind `redis_version`, which its relatives give for compatibility only.
fn product(info: &Info) -> (String, String) {
    for (field, product) in
        [("valkey_version", "valkey"), ("dragonfly_version", "dragonfly"), ("garnet_version", "garnet")]
    {
        if let Some(version) = info.text(field) {
            return (product.to_owned(), version.to_owned());
        }
    }
    let name = info.text("server_name").filter(|name| *name != "redis");
    (name.unwrap_or("redis").to_owned(), info.text("redis_version").unwrap_or_default().to_owned())
}

impl Memory {
    fn of(info: &Info) -> Result<Self, FieldError> {
        let bytes = |field| info.count(field).map(|count| count.map(Bytes));
        let used = Bytes(info.required("used_memory")?);
        let replication = match bytes("mem_total_replication_buffers")? {
            Some(total) => total,
            None => {
                bytes("mem_replication_backlog")?.unwrap_or_default()
                    + bytes("mem_clients_slaves")?.unwrap_or_default()
            }
        };
        Ok(Self {
            used,
            used_peak: bytes("used_memory_peak")?.unwrap_or(used).max(used),
            startup: bytes("used_memory_startup")?.unwrap_or_default(),
            clients: bytes("mem_clients_normal")?.unwrap_or_default(),
            buffers: replication
                + bytes("mem_aof_buffer")?.unwrap_or_default()
                + bytes("used_memory_scripts")?.unwrap_or_default(),
            rss: Bytes(info.required("used_memory_rss")?),
            allocator_resident: bytes("allocator_resident")?.filter(|resident| resident.0 > 0),
            total_system: bytes("total_system_memory")?.filter(|total| total.0 > 0),
            maxmemory: match bytes("maxmemory")? {
                None => Maxmemory::Unknown,
                Some(Bytes::ZERO) => Maxmemory::Unlimited,
                Some(limit) => Maxmemory::Limited(limit),
            },
            maxmemory_policy: info.text("maxmemory_policy").map(str::to_owned),
        })
    }

    /// `used_memory` that is keys, values and their tables.
    pub fn data(&self) -> Bytes {
        self.used.saturating_sub(self.startup + self.clients + self.buffers)
    }

    /// The pages that the server needs in RAM to run without swap.
    ///
    /// Pages in swap leave `used_memory_rss` and stay in `allocator_resident`: of the two the larger one.
    pub fn resident(&self) -> Bytes {
        self.rss.max(self.allocator_resident.unwrap_or_default())
    }

    /// What the allocator has mapped and RAM does not hold: swapped out, or given back by the kernel's own
    /// means.
    pub fn swapped(&self) -> Bytes {
        self.resident().saturating_sub(self.rss)
    }
}

impl Forks {
    fn of(info: &Info) -> Result<Self, FieldError> {
        let now = info.count("server_time_usec")?.map(|usec| usec / 1_000_000);
        let last_save = info.count("rdb_last_save_time")?;
        let is_saving = info.count("rdb_bgsave_in_progress")?.unwrap_or(0) > 0;
        let cpu = info.number("used_cpu_sys_children")?.zip(info.number("used_cpu_user_children")?);
        Ok(Self {
            total: info.count("total_forks")?,
            rdb_saves: info.count("rdb_saves")?,
            aof_rewrites: info.count("aof_rewrites")?,
            full_syncs: info.count("sync_full")?.unwrap_or(0),
            aof_enabled: info.count("aof_enabled")?.unwrap_or(0) > 0,
            last_save_seconds: info.count("rdb_last_bgsave_time_sec")?,
            last_rewrite_seconds: info.count("aof_last_rewrite_time_sec")?,
            since_last_save_seconds: now.zip(last_save).and_then(|(now, end)| now.checked_sub(end)),
            // `err` from the server, 0 from redis_exporter.
            has_last_save_failed: matches!(info.text("rdb_last_bgsave_status"), Some("err" | "0")),
            is_saving,
            running_save_seconds: info.count("rdb_current_bgsave_time_sec")?.filter(|_| is_saving),
            last_cow: info.count("rdb_last_cow_size")?.filter(|&bytes| bytes > 0).map(Bytes),
            child_cpu_seconds: cpu.map(|(system, user)| system + user),
        })
    }
}

impl Load {
    fn of(info: &Info, forks: &Forks) -> Result<Self, FieldError> {
        let count = info.count("rdb_changes_since_last_save")?;
        let changes = count.zip(forks.since_last_save_seconds).map(|(count, since_save_end)| Changes {
            count,
            since_save_end,
            save: forks.last_save_seconds.unwrap_or(0),
        });
        let calls: Vec<_> = info.command_calls().collect();
        let writes = calls.iter().filter(|(name, _)| is_write(name)).map(|(_, calls)| *calls);
        Ok(Self {
            changes: changes.filter(|changes| changes.window_seconds() > 0),
            write_commands: (!calls.is_empty()).then(|| writes.fold(0, u64::saturating_add)),
            loaded_keys: info.count("rdb_last_load_keys_loaded")?.filter(|&keys| keys > 0),
        })
    }
}

/// Commands that may change data (flag `write`), in the order of the alphabet; scripts count as the
/// commands they call.
///
/// Source: the command tables of Redis 7.0 and Valkey 8.0. A call that finds nothing to change counts as
/// well.
const WRITE_COMMANDS: &str = "append bitfield bitop blmove blmpop blpop brpop brpoplpush bzmpop bzpopmax \
                              bzpopmin copy decr decrby del expire expireat geoadd georadius \
                              georadiusbymember geosearchstore getdel getex getset hdel hincrby \
                              hincrbyfloat hmset hset hsetnx incr incrby incrbyfloat linsert lmove lmpop \
                              lpop lpush lpushx lrem lset ltrim migrate move mset msetnx persist pexpire \
                              pexpireat pfadd pfmerge psetex rename renamenx restore rpop rpoplpush rpush \
                              rpushx sadd sdiffstore set setbit setex setnx setrange sinterstore smove \
                              sort spop srem sunionstore unlink xack xadd xautoclaim xclaim xdel \
                              xreadgroup xsetid xtrim zadd zdiffstore zincrby zinterstore zmpop zpopmax \
                              zpopmin zrangestore zrem zremrangebylex zremrangebyrank zremrangebyscore \
                              zunionstore";

fn is_write(command: &str) -> bool {
    WRITE_COMMANDS.split_ascii_whitespace().any(|write| write == command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(text: &str) -> Record {
        Record::of(&Info::parse(text).unwrap()).unwrap()
    }

    fn production() -> Record {
        record(include_str!("../../tests/data/info/production-27gb.txt"))
    }

    /// By hand: 1730045798 − 1730045679 = 119 s since the save's end, which took 220 s.
    #[test]
    fn changes_count_from_the_fork_of_the_last_save_not_from_its_end() {
        let changes = production().load.changes.unwrap();
        assert_eq!(changes, Changes { count: 26_716, since_save_end: 119, save: 220 });
        assert!((changes.per_second() - 78.8).abs() < 0.05, "{}", changes.per_second());
    }

    #[test]
    fn before_the_first_save_changes_count_from_the_start() {
        let record = record(include_str!("../../tests/data/info/redis-7.0.during-save.txt"));
        let changes = record.load.changes.unwrap();
        assert_eq!(changes, Changes { count: 788_080, since_save_end: 5, save: 0 });
    }

    #[test]
    fn pages_in_swap_are_resident_all_the_same() {
        let memory = production().memory;
        assert_eq!(memory.resident(), Bytes(28_144_386_048));
        assert_eq!(memory.swapped(), Bytes(28_144_386_048 - 26_951_938_048));
        let own = record(include_str!("../../tests/data/info/valkey-8.0.after-save.txt")).memory;
        assert_eq!((own.resident(), own.swapped()), (own.rss, Bytes::ZERO));
    }

    #[test]
    fn twenty_full_syncs_of_the_production_host_shared_a_fork() {
        let record = production();
        assert_eq!((record.survived_forks(), record.shared_forks()), (8_441, Some(20)));
        assert!((record.save_cadence_seconds().unwrap() - 455.35).abs() < 0.01);
    }

    #[test]
    fn valkey_is_told_from_the_redis_it_imitates() {
        let server = record(include_str!("../../tests/data/info/valkey-8.0.after-save.txt")).server;
        assert_eq!((server.product.as_str(), server.version.as_str()), ("valkey", "8.0.1"));
        assert_eq!(production().server.version, "7.4.0");
    }

    #[test]
    fn reads_are_not_writes() {
        let commands = production().load.write_commands.unwrap();
        assert_eq!(commands, 179_102_160);
        assert!(!is_write("get") && !is_write("publish") && is_write("setex"));
    }
}
