//! Scenario files for the properties, as text that a person can run.

mod machine;
mod replication;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::File;

/// Any shards with all that forks, syncs, grows, evicts, breaks and varies, on hosts that are often too small for it.
pub(super) fn anything() -> impl Strategy<Value = File> {
    let platform = select(ENGINES.to_vec()).prop_flat_map(|engine| {
        (machine::machine(), machine::server(engine, POLICIES), replication::shard(engine))
    });
    let parts = (platform, dataset(), keyspaces(), traffic(0..366), persistence(), pace());
    (parts, 6..12u64, any::<u16>()).prop_map(|(parts, hours, seed)| {
        let ((host, server, shard), dataset, keyspaces, traffic, persistence, pace) = parts;
        // Jobs write the first keyspace.
        let is_hash = keyspaces.split("[[keyspace]]").nth(1).is_some_and(|first| first.contains("hash"));
        let traffic = if is_hash { traffic.replace("= \"set\"", "= \"hset\"") } else { traffic };
        File(format!(
            "{host}{server}{dataset}{keyspaces}{traffic}{persistence}{shard}{pace}\
             [simulation]\nhorizon = \"{hours}h\"\nseed = {seed}\n"
        ))
    })
}

/// A day with one backup, and nothing else that forks, on a host where nothing is killed.
pub(super) fn one_save() -> impl Strategy<Value = File> {
    (fixed_host(&ENGINES), 0..20u32, exact_pace()).prop_map(|(host, hour, pace)| {
        File(format!(
            "{host}{QUIET}[backup]\nat = \"{hour:02}:00\"\njitter = \"0s\"\n\n{pace}\
             [simulation]\nhorizon = \"1d\"\n"
        ))
    })
}

/// Ten days with a backup every six hours, and nothing else that forks, on a host that may be too small.
pub(super) fn scheduled_saves() -> impl Strategy<Value = File> {
    (fixed_host(&NOT_PURGING), backup_every("6h"), exact_pace()).prop_map(|(host, backup, pace)| {
        let host = host.replace("64 GiB", "16 GiB");
        File(format!("{host}{QUIET}{backup}{pace}[simulation]\nhorizon = \"10d\"\n"))
    })
}

const QUIET: &str = "[persistence]\nappendonly = false\nsave = []\n\n";

/// A host of 64 GiB with one kind of keys, of which none are deleted, on one of `engines`.
fn fixed_host(engines: &'static [&'static str]) -> impl Strategy<Value = String> {
    let strings = || prop_oneof![8..1900u64, LARGE];
    let kind = prop_oneof![
        strings().prop_map(|value| (value, "{ set = 1.0 }")),
        strings().prop_map(|value| (value, "{ set = 0.7, insert = 0.3 }")),
        COUNTERS.prop_map(|value| (value, "{ set = 0.5, incr = 0.5 }")),
    ];
    let shares = (0.6..1.0f64, 0..500u64);
    let server = select(engines.to_vec()).prop_flat_map(|engine| machine::server(engine, &["noeviction"]));
    (server, shares, kind, 0..20_000u64, popularity(), traffic(NO_BURSTS)).prop_map(
        |(server, (fill, growth), (value, operations), writes, popularity, traffic)| {
            format!(
                "[host]\nram = \"64 GiB\"\n\n{server}[dataset]\nfill = {fill:.3}\ngrowth-per-day = \"{growth} MiB\"\n\n\
                 [[keyspace]]\nname = \"k0\"\nkey-size = \"20 B\"\nvalue-size = \"{value} B\"\n\
                 writes-per-second = {writes}\noperations = {operations}\npopularity = {popularity}\n\n{traffic}"
            )
        },
    )
}

/// Lengths of values whose pages the child gives back.
const LARGE: std::ops::Range<u64> = 2_048..300_000;

/// Lengths of integers: what INCR can step.
const COUNTERS: std::ops::Range<u64> = 1..20;

const ENGINES: [&str; 9] = [
    "redis-7.0",
    "redis-7.2",
    "redis-7.4",
    "redis-8.0",
    "valkey-8.0",
    "valkey-8.1",
    "valkey-9.0",
    "valkey-9.1",
    "valkey-9.2",
];

/// Those whose child frees no strings: where it does, its allocator purges by jumps, and a host that stalls sooner may be
/// relieved where another, later, is not.
const NOT_PURGING: [&str; 5] = ["redis-7.0", "redis-7.2", "redis-7.4", "redis-8.0", "valkey-8.0"];

const POLICIES: &[&str] =
    &["noeviction", "allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-ttl"];

fn dataset() -> impl Strategy<Value = String> {
    (0.5..1.0f64, 0..2_000u64).prop_map(|(fill, growth)| {
        format!(
            "[dataset]\nfill = {fill:.3}\n\
             growth-per-day = {{ low = \"0 B\", likely = \"{} MiB\", high = \"{growth} MiB\" }}\n\n",
            growth / 2
        )
    })
}

fn keyspaces() -> impl Strategy<Value = String> {
    vec(keyspace(), 1..4).prop_map(|keyspaces| {
        let numbered = keyspaces.iter().enumerate();
        let tables = numbered.map(|(number, text)| format!("[[keyspace]]\nname = \"k{number}\"\n{text}\n"));
        tables.collect::<Vec<_>>().concat()
    })
}

fn keyspace() -> impl Strategy<Value = String> {
    let ttl = select(vec!["none", "1d"]);
    let writes = prop_oneof![
        (0..20_000u64).prop_map(|n| format!("{{ low = {}, likely = {n}, high = {} }}", n / 2, 2 * n)),
        (0.0..0.002f64).prop_map(|rate| format!("{{ per-key = {rate:.5} }}")),
    ];
    let sized = |value: u64| format!("value-size = \"{value} B\"");
    let hash = (1..65u64, 1..65u64, 1..513u64).prop_map(|(name, value, fields)| {
        format!(
            "type = \"hash\"\nfields = {fields}\nfield-name-size = \"{name} B\"\nvalue-size = \"{value} B\""
        )
    });
    let kind = prop_oneof![
        ((1..1900u64).prop_map(sized), operations(Just(0))),
        (LARGE.prop_map(sized), operations(Just(0))),
        (COUNTERS.prop_map(sized), operations(1..4u32)),
        (hash, operations(Just(0)).prop_map(|mix| mix.replace("set", "hset"))),
    ];
    (1..1_000_000u64, 1..200u64, kind, ttl, writes, popularity()).prop_map(
        |(keys, key, (value, operations), ttl, writes, popularity)| {
            format!(
                "keys = {keys}\nkey-size = \"{key} B\"\n{value}\nttl = \"{ttl}\"\n\
                 writes-per-second = {writes}\noperations = {operations}\npopularity = {popularity}\n"
            )
        },
    )
}

/// A mix that does not shrink the data.
fn operations(incr: impl Strategy<Value = u32>) -> impl Strategy<Value = String> {
    (1..10u32, incr, 0..4u32, 0..4u32).prop_map(|parts| {
        let (set, incr, delete, more) = parts;
        let insert = delete + more;
        let all = f64::from(set + incr + insert + delete);
        let share = |part: u32| f64::from(part) / all;
        format!(
            "{{ set = {}, incr = {}, insert = {}, delete = {} }}",
            share(set),
            share(incr),
            share(insert),
            share(delete)
        )
    })
}

fn popularity() -> impl Strategy<Value = String> {
    let one = || {
        prop_oneof![
            Just("uniform".to_owned()),
            (0.1..2.0f64).prop_map(|theta| format!("zipf:{theta:.2}")),
            (0.01..0.5f64, 0.5..0.99f64).prop_map(|(keys, hits)| format!("hotspot:{keys:.2}/{hits:.2}")),
        ]
    };
    (one(), one(), any::<bool>()).prop_map(|(likely, high, is_certain)| {
        if is_certain {
            format!("\"{likely}\"")
        } else {
            format!("{{ likely = \"{likely}\", high = \"{high}\" }}")
        }
    })
}

/// A burst that two rates both cut at what the server takes in leaves them the same load, and what is compared is the
/// noise of where a crossing is found.
const NO_BURSTS: std::ops::Range<u32> = 0..1;

/// Traffic with so many bursts a year.
fn traffic(bursts: std::ops::Range<u32>) -> impl Strategy<Value = String> {
    let hourly = prop_oneof![Just(vec![1.0]), vec(0.1..3.0f64, 24)];
    let burst = (bursts, 1.0..30.0f64, 1..1_440u32);
    let noise = (0.0..0.5f64, 0.0..0.99f64);
    (hourly, vec(job(), 0..3), noise, burst).prop_map(|(hourly, jobs, (noise, correlation), burst)| {
        let (per_year, factor, minutes) = burst;
        let hourly = if hourly.len() == 1 { "\"flat\"".to_owned() } else { format!("{hourly:.2?}") };
        let noise = format!("[traffic.noise]\nday = {noise:.2}\nhour = {noise:.2}\nminute = {noise:.2}\n");
        let noise = format!("{noise}hour-correlation = {correlation:.2}\n");
        let burst = format!(
            "[traffic.burst]\nper-year = {per_year}\nfactor = {factor:.1}\nduration = \"{minutes}m\"\n"
        );
        format!("[traffic]\nhourly = {hourly}\n\n{noise}\n{burst}\n{}", jobs.concat())
    })
}

fn job() -> impl Strategy<Value = String> {
    (0..24u32, 0..60u32, 1..120u32, 0..40_000u64, select(vec!["set", "insert"])).prop_map(
        |(hour, jitter, minutes, writes, operation)| {
            format!(
                "[[traffic.job]]\nat = \"{hour:02}:30\"\njitter = \"{jitter}m\"\nduration = \"{minutes}m\"\n\
                 writes-per-second = {writes}\noperation = \"{operation}\"\n\n"
            )
        },
    )
}

fn persistence() -> impl Strategy<Value = String> {
    let save = select(vec!["[]", "[\"3600 1\", \"300 100\", \"60 10000\"]", "[\"900 1\"]"]);
    let after_failure = (any::<bool>(), any::<bool>());
    (any::<bool>(), 20..200u32, save, after_failure).prop_map(
        |(appendonly, percentage, save, (stops_writes, ignores))| {
            format!(
                "[persistence]\nappendonly = {appendonly}\nauto-aof-rewrite-percentage = {percentage}\n\
                 save = {save}\nstop-writes-on-bgsave-error = {stops_writes}\n\
                 replica-ignore-disk-write-errors = {ignores}\n\n"
            )
        },
    )
}

fn backup_every(every: &'static str) -> impl Strategy<Value = String> {
    (0..6u32, 0..50u32).prop_map(move |(hour, jitter)| {
        format!("[backup]\nat = \"{hour:02}:00\"\njitter = \"{jitter}m\"\nevery = \"{every}\"\n\n")
    })
}

/// The same with the law taken to be exact: one that is off copies no more than there is, and where that cuts it, peaks are
/// level.
fn exact_pace() -> impl Strategy<Value = String> {
    pace().prop_map(|pace| pace.replace("[save]\n", "[save]\nlaw-error = \"none\"\n"))
}

fn pace() -> impl Strategy<Value = String> {
    (30..150u64, 0.0..0.4f64, 0.0..0.1f64, 1..2_880u32).prop_map(|(throughput, sigma, slow, lasts)| {
        format!(
            "[save]\nsigma = {sigma:.2}\n\
             throughput = {{ low = \"{throughput} MiB/s\", likely = \"{} MiB/s\", high = \"{} MiB/s\" }}\n\n\
             [save.slow]\nprobability = {slow:.3}\nfactor = 4\nlasts = \"{lasts}m\"\n\n",
            throughput * 3 / 2,
            throughput * 2
        )
    })
}
