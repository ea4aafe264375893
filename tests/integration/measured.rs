//! What this proves: the dirty-page law against saves of real servers, with nothing fitted.
//!
//! `tests/data/measured-saves.csv` holds the growth of anonymous memory during saves of Redis 7.0.15 and Valkey
//! 8.0.1; its README says how they were measured. The law gets the load and the layout, never a memory figure.

use forkcast::memory::{
    Allocator, Exposure, Heap, KeyKind, Keys, LayoutProfile, Popularity, Population, Released, Spread, Value,
    child,
};

#[derive(serde::Deserialize)]
struct Row {
    run_id: String,
    version: String,
    allocator: String,
    op: String,
    dist: String,
    value_bytes: u64,
    nkeys: f64,
    loaded_keys: f64,
    writes_during_save: f64,
    used_memory_bytes: f64,
    anon_growth_peak_bytes: f64,
}

impl Row {
    fn layout(&self) -> LayoutProfile {
        if self.version.starts_with("7.0") { super::redis_7_0() } else { super::valkey_8_0() }
    }

    fn allocator(&self) -> Allocator {
        if self.allocator == "jemalloc-system" { Allocator::System } else { Allocator::Bundled }
    }

    /// In these files 8 bytes stand for an integer.
    fn kind(&self) -> KeyKind {
        let value = if self.value_bytes == 8 { Value::Integer } else { Value::Bytes(self.value_bytes) };
        KeyKind { key_size: 16, value, has_ttl: false }
    }

    fn heap(&self) -> Heap {
        Heap::new(&self.layout(), self.allocator(), 4096, &[Keys::alike(self.kind())])
    }

    fn popularity(&self) -> Popularity {
        match self.dist.as_str() {
            "zipf" => Popularity::Zipf { theta: 0.99 },
            "hotspot" => Popularity::Hotspot { keys: 0.2, writes: 0.8 },
            _ => Popularity::Uniform,
        }
    }

    fn exposure(&self) -> Exposure {
        let writes = self.writes_during_save;
        match self.op.as_str() {
            "set" => Exposure { set: writes, ..Exposure::default() },
            "incr" => Exposure { incr: writes, ..Exposure::default() },
            "delset" => Exposure { replace: writes / 2.0, ..Exposure::default() },
            _ => Exposure::default(),
        }
    }

    fn predicted(&self) -> f64 {
        let population = Population::of(vec![self.loaded_keys]);
        let spread = Spread::new(self.popularity(), self.loaded_keys);
        let copied =
            self.heap().copied_bytes(&population, &[self.exposure()], &[spread], Released::default());
        copied + child::own_memory(child::compresses(self.kind().value))
    }
}

fn rows() -> Vec<Row> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/measured-saves.csv");
    csv::Reader::from_path(path).unwrap().deserialize().map(Result::unwrap).collect()
}

/// Relative errors, sorted by size; rows that grew by less than 16 MiB are left to a test of their own.
fn errors(op: &str) -> Vec<(f64, String)> {
    let large =
        rows().into_iter().filter(|row| row.op == op && row.anon_growth_peak_bytes > f64::from(16 << 20));
    let mut errors: Vec<(f64, String)> =
        large.map(|row| (row.predicted() / row.anon_growth_peak_bytes - 1.0, row.run_id)).collect();
    errors.sort_by(|a, b| a.0.abs().total_cmp(&b.0.abs()));
    errors
}

fn assert_errors(op: &str, median: f64, worst: f64) {
    let errors = errors(op);
    assert!(errors.len() >= 2, "{} rows of {op}", errors.len());
    let (middle, last) = (errors[errors.len() / 2].0.abs(), &errors[errors.len() - 1]);
    assert!(middle <= median && last.0.abs() <= worst, "{op}: median {middle:.4}, worst {last:?}");
}

#[test]
fn overwrites_are_predicted_to_a_per_cent() {
    assert_errors("set", 0.01, 0.03);
}

#[test]
fn counters_are_predicted_to_a_per_cent() {
    assert_errors("incr", 0.015, 0.03);
}

#[test]
fn deletions_are_predicted_to_four_per_cent() {
    assert_errors("delset", 0.02, 0.04);
}

#[test]
fn reads_and_idle_saves_cost_the_childs_own_memory_and_no_more() {
    for row in rows().into_iter().filter(|row| row.op == "get" || row.op == "idle") {
        let error = row.predicted() - row.anon_growth_peak_bytes;
        assert!(error.abs() < 2.5 * f64::from(1 << 20), "{}: off by {error} bytes", row.run_id);
    }
}

#[test]
fn used_memory_follows_from_the_layout() {
    for row in rows() {
        let used = row.heap().used_memory(&Population::of(vec![row.nkeys]));
        // The server itself, its clients and their buffers take one to three MiB beside the keys.
        let beside = row.used_memory_bytes - used;
        let allowed = 0.5 * f64::from(1 << 20)..6.0 * f64::from(1 << 20);
        assert!(allowed.contains(&beside), "{}: {beside} bytes beside the keys", row.run_id);
    }
}
