//! What the user typed for `forkcast cow`. Values are read by the scenario, which says what is wrong with them.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

const EXAMPLES: &str = "\
Examples:
  forkcast cow --keys 40000000 --value-size 512B --writes-per-second 12000 --save-duration 60s
  forkcast cow --memory 24GiB --type counter --writes-per-second 50000 --explain
  redis-cli INFO | forkcast cow --from - --fail-on-risk && redis-cli BGSAVE

Exit codes: 0 done, 1 failed, 2 usage, 3 invalid input, 4 the save may not fit (--fail-on-risk).";

/// `forkcast cow`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub struct CowArgs {
    /// Take what the flags leave out from a server's INFO text (- for standard input)
    #[arg(long, value_name = "INFO.txt", help_heading = "Server")]
    pub from: Option<PathBuf>,

    /// Engine and version, such as valkey-8.0 or redis-7.0
    #[arg(long, value_name = "NAME", help_heading = "Server")]
    engine: Option<String>,

    /// jemalloc-bundled or jemalloc-system, as in Debian's redis-server
    #[arg(long, value_name = "NAME", help_heading = "Server")]
    allocator: Option<String>,

    /// no where the child does not compress strings
    #[arg(long, value_name = "YES|NO", help_heading = "Server")]
    rdbcompression: Option<String>,

    /// Number of keys
    #[arg(
        long,
        value_name = "N",
        conflicts_with = "memory",
        allow_negative_numbers = true,
        help_heading = "Data"
    )]
    keys: Option<String>,

    /// `used_memory` of the keys, instead of their number
    #[arg(long, value_name = "SIZE", allow_negative_numbers = true, help_heading = "Data")]
    memory: Option<String>,

    /// Length of a key
    #[arg(long, value_name = "SIZE", allow_negative_numbers = true, help_heading = "Data")]
    key_size: Option<String>,

    /// Length of a value; in a hash, of a field's value
    #[arg(long, value_name = "SIZE", allow_negative_numbers = true, help_heading = "Data")]
    value_size: Option<String>,

    /// string, hash (a small one, in a listpack) or counter (an integer)
    #[arg(long = "type", value_name = "TYPE", help_heading = "Data")]
    type_: Option<String>,

    /// Fields of a hash
    #[arg(long, value_name = "N", allow_negative_numbers = true, help_heading = "Data")]
    fields: Option<String>,

    /// Length of a field's name
    #[arg(long, value_name = "SIZE", allow_negative_numbers = true, help_heading = "Data")]
    field_size: Option<String>,

    /// Time to live of the keys: whether they have one
    #[arg(long, value_name = "DURATION", allow_negative_numbers = true, help_heading = "Data")]
    ttl: Option<String>,

    /// Writes a second, or an interval such as '{ likely = 5000, high = 20000 }'
    #[arg(long, value_name = "N", allow_negative_numbers = true, help_heading = "Load")]
    writes_per_second: Option<String>,

    /// set, incr, hset, insert, delete, delset (DEL and SET of a key) or get
    #[arg(long, value_name = "OPERATION", help_heading = "Load")]
    operation: Option<String>,

    /// Which keys are written: uniform, zipf:0.99 or hotspot:0.2/0.8
    #[arg(long, value_name = "POPULARITY", help_heading = "Load")]
    popularity: Option<String>,

    /// How long the save takes, or an interval
    #[arg(
        long,
        value_name = "DURATION",
        conflicts_with = "save_throughput",
        allow_negative_numbers = true,
        help_heading = "Save"
    )]
    save_duration: Option<String>,

    /// `used_memory` saved a second, such as '150 MiB/s', instead of the duration
    #[arg(long, value_name = "RATE", allow_negative_numbers = true, help_heading = "Save")]
    save_throughput: Option<String>,

    /// Size of a base page: 4KiB, or 16KiB or 64KiB on ARM
    #[arg(long, value_name = "SIZE", help_heading = "Host")]
    page_size: Option<String>,

    /// RAM of the host: says whether the save fits
    #[arg(long, value_name = "SIZE", allow_negative_numbers = true, help_heading = "Host")]
    ram: Option<String>,

    /// What the kernel and other processes use of it
    #[arg(long, value_name = "SIZE", allow_negative_numbers = true, help_heading = "Host")]
    reserved: Option<String>,

    /// Exit with 4 where the save may not fit into the RAM
    #[arg(long, help_heading = "Output")]
    pub fail_on_risk: bool,

    /// Show the allocator's pools, and which of them saturate
    #[arg(long, help_heading = "Output")]
    pub explain: bool,

    /// What standard output holds
    #[arg(long, value_enum, default_value_t = CowFormat::Human, help_heading = "Output")]
    pub format: CowFormat,

    /// Write the curve as SVG to this file
    #[arg(short, long, value_name = "FILE.svg", help_heading = "Output")]
    pub out: Option<PathBuf>,
}

/// What standard output holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CowFormat {
    /// Sentences and a plot.
    Human,
    /// One JSON document.
    Json,
    /// The curve as a picture.
    Svg,
}

impl CowArgs {
    /// The flags that say what is saved, without their dashes.
    pub fn given(&self) -> Vec<(&'static str, &str)> {
        let flags = [
            ("engine", &self.engine),
            ("allocator", &self.allocator),
            ("rdbcompression", &self.rdbcompression),
            ("keys", &self.keys),
            ("memory", &self.memory),
            ("key-size", &self.key_size),
            ("value-size", &self.value_size),
            ("type", &self.type_),
            ("fields", &self.fields),
            ("field-size", &self.field_size),
            ("ttl", &self.ttl),
            ("writes-per-second", &self.writes_per_second),
            ("operation", &self.operation),
            ("popularity", &self.popularity),
            ("save-duration", &self.save_duration),
            ("save-throughput", &self.save_throughput),
            ("page-size", &self.page_size),
            ("ram", &self.ram),
            ("reserved", &self.reserved),
        ];
        flags.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect()
    }

    /// `--ram` as it was typed.
    pub fn ram(&self) -> Option<&str> {
        self.ram.as_deref()
    }
}
