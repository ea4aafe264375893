//! A measured save as a row of a measurements CSV, with its timeline in a file of its own.

use std::fmt;
use std::fs;
use std::path::Path;

use forkcast::memory::Allocator;
use serde::Serialize;

use crate::bench::Bench;
use crate::load::{KEY_BYTES, Load, Op};
use crate::save::Save;

/// The columns of the measurements that a save of these tests fills; `writes_at_peak` and `peak_s` say when the sample
/// with the greatest growth was taken.
#[derive(Serialize)]
pub struct Row {
    run_id: String,
    server: String,
    version: String,
    series: &'static str,
    op: &'static str,
    dist: &'static str,
    value_bytes: usize,
    nkeys: u64,
    loaded_keys: u64,
    save_kind: &'static str,
    used_memory_bytes: u64,
    rss_bytes: u64,
    frag_ratio: f64,
    thp_disabled_by_server: u8,
    anon_huge_at_fork_bytes: u64,
    key_save_delay: i64,
    rdb_compression: &'static str,
    target_rate_per_s: f64,
    achieved_rate_per_s: f64,
    writes_during_save: u64,
    writes_per_page: f64,
    dirty_counter_ratio: f64,
    save_s: f64,
    fork_us: u64,
    cow_last_reported_bytes: u64,
    child_private_dirty_max_bytes: u64,
    anon_at_fork_bytes: u64,
    anon_growth_peak_bytes: u64,
    writes_at_peak: u64,
    peak_s: f64,
    rdb_file_bytes: u64,
    used_memory_end_bytes: u64,
    outcome: &'static str,
    maxmemory_bytes: u64,
    maxmemory_policy: &'static str,
    value_pattern: &'static str,
    key_bytes: u64,
    page_bytes: u64,
    allocator: &'static str,
}

impl Row {
    /// What a save of a server under a load of `rate` operations a second showed.
    pub fn new(bench: &Bench, load: Load, rate: f64, save: &Save) -> Self {
        let (subject, before, peak) = (&bench.subject, &save.info_before, save.peak());
        let dirty = save.samples.iter().map(|sample| sample.child_private_dirty).fold(0.0, f64::max);
        let (op, dist) = (load.op.name(), load.dist.name());
        let server = format!("{}-{}", subject.engine, subject.version);
        Self {
            run_id: format!("live_{server}_{}_{op}_{dist}", load.value_bytes),
            server: subject.engine.clone(),
            version: subject.version.clone(),
            series: "main",
            op,
            dist: if load.op == Op::Idle { "" } else { dist },
            value_bytes: load.value_bytes,
            nkeys: save.keys,
            loaded_keys: subject.keys,
            save_kind: "bgsave",
            used_memory_bytes: whole(before.number("used_memory")),
            rss_bytes: whole(save.before.rss),
            frag_ratio: before.number("mem_fragmentation_ratio"),
            thp_disabled_by_server: 1,
            anon_huge_at_fork_bytes: whole(save.before.huge),
            key_save_delay: bench.key_save_delay,
            rdb_compression: "yes",
            target_rate_per_s: rate,
            achieved_rate_per_s: save.writes / save.seconds,
            writes_during_save: whole(save.writes),
            writes_per_page: save.writes / (save.before.rss / subject.page_bytes as f64),
            dirty_counter_ratio: save.counter_ratio,
            save_s: save.seconds,
            fork_us: whole(save.info_after.number("latest_fork_usec")),
            cow_last_reported_bytes: whole(save.info_after.number("rdb_last_cow_size")),
            child_private_dirty_max_bytes: whole(dirty),
            anon_at_fork_bytes: whole(save.before.anonymous),
            anon_growth_peak_bytes: whole(save.growth()),
            writes_at_peak: whole(peak.writes),
            peak_s: peak.seconds,
            rdb_file_bytes: whole(save.file),
            used_memory_end_bytes: whole(save.info_after.number("used_memory")),
            outcome: "ok",
            maxmemory_bytes: 0,
            maxmemory_policy: "noeviction",
            value_pattern: "random",
            key_bytes: KEY_BYTES,
            page_bytes: subject.page_bytes,
            allocator: match subject.allocator {
                Allocator::System => "jemalloc-system",
                Allocator::Bundled => "jemalloc-bundled",
            },
        }
    }

    /// Appends the row to `runs.csv` of a folder and writes the timeline below it, under a number of its own.
    pub fn write(&mut self, save: &Save, folder: &Path) {
        let timelines = folder.join("timelines");
        fs::create_dir_all(&timelines).unwrap();
        let number = fs::read_dir(&timelines).unwrap().count() + 1;
        self.run_id = format!("{}_{number}", self.run_id);
        let path = folder.join("runs.csv");
        let is_new = !path.exists();
        let file = fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        let mut runs = csv::WriterBuilder::new().has_headers(is_new).from_writer(file);
        runs.serialize(&*self).unwrap();
        runs.flush().unwrap();
        write_timeline(save, &timelines.join(format!("{}.csv", self.run_id)));
    }
}

fn write_timeline(save: &Save, path: &Path) {
    let mut timeline = csv::Writer::from_path(path).unwrap();
    let columns = ["t_s", "writes_since_fork", "anon_bytes", "child_private_dirty_kb", "rdb_temp_file_bytes"];
    timeline.write_record(columns).unwrap();
    for sample in &save.samples {
        let bytes = [sample.anonymous, sample.child_private_dirty / 1024.0, sample.file].map(whole);
        timeline.serialize((sample.seconds, sample.writes, bytes)).unwrap();
    }
    timeline.flush().unwrap();
}

/// One line for the person who waits for it.
impl fmt::Display for Row {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let (growth, reported) = (mib(self.anon_growth_peak_bytes), mib(self.cow_last_reported_bytes));
        write!(
            out,
            "{}: {:.1} s, {} writes, counted {:.4} of them, grew by {growth:.1} MiB, reported {reported:.1} MiB",
            self.run_id, self.save_s, self.writes_during_save, self.dirty_counter_ratio,
        )
    }
}

/// A count or a size, without the fractions that interpolation leaves.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "neither negative nor over 2^53")]
fn whole(value: f64) -> u64 {
    value.round().max(0.0) as u64
}
