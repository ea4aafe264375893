//! One measured save, and its time series.

/// A row of a measurements file: a save, a fork or a full sync. A column that is missing or empty is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// Its unique name.
    pub run_id: String,
    /// `redis` or `valkey`.
    pub server: String,
    /// The version, `7.0.15`.
    pub version: String,
    /// `jemalloc-system` or `jemalloc-bundled`.
    pub allocator: Option<String>,
    /// What the row belongs to: `main`, `thp`, `oom` and others.
    pub series: String,
    /// The load: `idle`, `get`, `set`, `setvary`, `incr`, `hset`, `insert`, `delset`, `setex`.
    pub op: String,
    /// `uniform`, `zipf` (θ 0.99), `hotspot` (80 % on 20 %) or empty.
    pub dist: Option<String>,
    /// Length of a value; 8 means integers; for `hset` the length of each of the ten fields' values \[bytes\].
    pub value_bytes: Option<u64>,
    /// `random` or `repeats-16`.
    pub value_pattern: Option<String>,
    /// Length of a key \[bytes\].
    pub key_bytes: Option<u64>,
    /// Size of a base page \[bytes\].
    pub page_bytes: Option<u64>,
    /// Keys at the fork.
    pub nkeys: Option<f64>,
    /// The keys that the load goes to.
    pub loaded_keys: Option<f64>,
    /// What forked: `bgsave`, `bgrewriteaof`, `fullsync`.
    pub save_kind: Option<String>,
    /// INFO `used_memory` before the fork \[bytes\].
    pub used_memory_bytes: Option<f64>,
    /// The server's resident set before the fork \[bytes\].
    pub rss_bytes: Option<f64>,
    /// The host's mode of transparent huge pages: `always`, `madvise`, `never`.
    pub thp: Option<String>,
    /// 1 where the server switched them off for itself.
    pub thp_disabled_by_server: Option<f64>,
    /// `rdbcompression`: `yes` or `no`.
    pub rdb_compression: Option<String>,
    /// `rdb-key-save-delay` \[µs\]; negative -N: 1 µs for one key in N.
    pub key_save_delay: Option<f64>,
    /// `tmpfs` or `disk`.
    pub save_medium: Option<String>,
    /// Writes acknowledged from the fork to the child's exit.
    pub writes_during_save: Option<f64>,
    /// From the reply to the child's exit \[s\].
    pub save_s: Option<f64>,
    /// `maxmemory` \[bytes\].
    pub maxmemory_bytes: Option<f64>,
    /// `maxmemory-policy`.
    pub maxmemory_policy: Option<String>,
    /// TTL of the keys that `setex` writes \[s\].
    pub ttl_s: Option<f64>,
    /// The limit of the server's control group \[bytes\].
    pub cgroup_limit_bytes: Option<f64>,
    /// Anonymous memory of the control group before the fork \[bytes\].
    pub anon_at_fork_bytes: Option<f64>,
    /// The server's `oom-score-adj`.
    pub oom_score_adj: Option<String>,
    /// `vm.overcommit_memory` at the fork.
    pub overcommit_memory: Option<f64>,
    /// The mode in which the server was started.
    pub overcommit_at_start: Option<f64>,
    /// Commit limit beyond what was committed before \[bytes\].
    pub commit_headroom_bytes: Option<f64>,
    /// RAM of the host \[bytes\].
    pub ram_bytes: Option<f64>,
    /// Swap of the host \[bytes\].
    pub swap_bytes: Option<f64>,
    /// The output buffer limit of a replica \[bytes\].
    pub replica_output_buffer_limit: Option<String>,
    /// Writes asked for \[1/s\].
    pub target_rate_per_s: Option<f64>,
    /// What else was set.
    pub notes: Option<String>,
    /// Measured: the largest growth of anonymous memory of server and child \[bytes\].
    pub anon_growth_peak_bytes: Option<f64>,
    /// Measured: `rdb_last_cow_size` or `aof_last_cow_size`; 0 is not measured \[bytes\].
    pub cow_last_reported_bytes: Option<f64>,
    /// Measured: `latest_fork_usec`; 0 is not measured \[µs\].
    pub fork_us: Option<f64>,
    /// Measured: what became of the save.
    pub outcome: Option<String>,
    /// Measured: the most that `mem_clients_slaves` showed \[bytes\].
    pub mem_clients_slaves_peak_bytes: Option<f64>,
    /// The size of the finished file, which scales the child's progress; 0 where none was finished \[bytes\].
    pub rdb_file_bytes: Option<f64>,
}

/// The time series of a save: equally long columns, from the fork to the child's exit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    /// Since the fork \[s\].
    pub seconds: Vec<f64>,
    /// Writes acknowledged since the fork.
    pub writes: Vec<f64>,
    /// The share of the file that is written, in \[0, 1\]; empty where no file size was sampled.
    pub progress: Vec<f64>,
    /// Measured: anonymous memory of server and child \[bytes\].
    pub anonymous: Vec<f64>,
}
