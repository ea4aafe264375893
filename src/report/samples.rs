//! Small runs for the tests of this module.

use super::CellTable;
use super::run_json::{ClassSummary, Manifest, ScenarioText, TraceSubject};
use super::trace::{EventRow, TimelineRow, event};
use crate::model::{Cause, Ledger};
use crate::sweep::{CellRow, Estimate, Figures, IncidentKind, Verdict};
use crate::units::Bytes;

/// Every class at every percent: safe to 55, undecided to 65, risky to 85, then too full.
pub(super) fn cells(classes: &[&str], percents: &[f64]) -> CellTable {
    let mut rows = Vec::new();
    for (number, class) in classes.iter().enumerate() {
        for &percent in percents {
            rows.push(cell(rows.len() + 1, class, Bytes::gib(32 << number), percent));
        }
    }
    CellTable { axes: Vec::new(), rows }
}

fn cell(cell: usize, class: &str, ram: Bytes, percent: f64) -> CellRow {
    let (verdict, chance) = match percent {
        low if low <= 55.0 => (Verdict::Safe, (0.0, 0.0, 0.000_3)),
        middle if middle <= 65.0 => (Verdict::Undecided, (0.001, 0.000_2, 0.004)),
        high if high <= 85.0 => (Verdict::Risky, (0.25, 0.2, 0.3)),
        _ => (Verdict::DoesNotFit, (1.0, 1.0, 1.0)),
    };
    let maxmemory = ram.scaled(percent / 100.0);
    CellRow {
        cell,
        host_class: Some(class.to_owned()),
        ram,
        maxmemory_percent: Some(percent),
        maxmemory: Some(maxmemory),
        data: maxmemory,
        axes: Vec::new(),
        replications: 1_000,
        horizon_seconds: 30.0 * 86_400.0,
        figures: (verdict != Verdict::DoesNotFit).then(|| figures(chance)),
        verdict,
        reason: format!("{} at {percent} %", verdict.name()),
    }
}

fn figures((value, low, high): (f64, f64, f64)) -> Figures {
    Figures {
        oom_probability: Estimate { value, low, high },
        incidents_per_year: Estimate { value: value * 12.0, low: low * 12.0, high: high * 12.0 },
        server_kills_per_year: value * 12.0,
        child_kills_per_year: 0.0,
        stalls_per_year: value,
        save_failures_per_year: 0.1 + 0.2,
        forks_per_year: 365.25,
        main_cause: (value > 0.0).then_some(Cause::Backup),
        main_incident: (value > 0.0).then_some(IncidentKind::Kill),
        peak_memory_p50: Bytes::gib(20),
        peak_memory_p99: Bytes::gib(30),
        free_min_p50: Bytes::gib(12),
        free_min_p01: Bytes(2),
        cow_peak_p50: Bytes::gib(3),
        cow_peak_p99: Bytes::gib(5),
        fork_pause_p99_seconds: 0.5,
        downtime_seconds_per_year: 17.5,
        rejected_writes_mean: 0.0,
        evicted_keys_mean: 1e-9,
        full_syncs_per_year: 19.0,
        syncs_cut_per_year: 3.0,
        sync_loops_per_year: 1.0,
        failovers_per_year: 0.25,
        forks_refused_per_year: 0.0,
        replica_buffer_peak_p99: Bytes::mib(256),
        swap_peak_p99: Bytes::ZERO,
        lost_writes_mean: 0.5,
        affected_per_year: Estimate { value: 0.25, low: 0.125, high: 0.5 },
        incidents_per_up_year: Some(0.0),
    }
}

/// The manifest of a run of these classes, each in need of 60 %.
pub(super) fn manifest(classes: &[&str]) -> Manifest {
    let summary = |class: &&str| ClassSummary {
        host_class: Some((*class).to_owned()),
        needed_percent: Some(60.0),
        survivable_percent: Some(55.0),
        survivable_percent_low: Some(55.0),
        survivable_percent_high: Some(65.0),
        required_ram_bytes: None,
        verdict: Verdict::Risky.name().to_owned(),
        reason: "the data needs 60 %, the host survives 55 %".to_owned(),
    };
    Manifest {
        scenario: ScenarioText::new("session-store", "name = \"session-store\"\n"),
        overrides: vec!["server.maxmemory-percent=50..95:5".to_owned()],
        seed: 7,
        confidence: 0.95,
        incidents_per_year: 0.01,
        classes: classes.iter().map(summary).collect(),
        trace: None,
        shard: None,
        incomplete: false,
    }
}

/// Whose life [`trace`] tells.
pub(super) fn subject() -> TraceSubject {
    TraceSubject {
        host_class: Some("yandex.hm3-c4-m32".to_owned()),
        ram_bytes: Bytes::gib(32).0,
        maxmemory_bytes: Some(Bytes::gib(24).0),
        maxmemory_percent: Some(75.0),
        is_limited: false,
        replication: 17,
        overrides: Vec::new(),
    }
}

/// A week with a backup on Wednesday that ends in a kill after 15 minutes.
pub(super) fn trace() -> (Vec<TimelineRow>, Vec<EventRow>) {
    let fork = 2.0 * 86_400.0 + 22.0 * 3_600.0;
    let row = |seconds: f64, resident: u64, cow: u64| TimelineRow {
        seconds,
        ledger: Ledger {
            reserved: Bytes::gib(1),
            resident: Bytes::gib(resident),
            cow: Bytes::gib(cow),
            cache: Bytes::gib(u64::from(cow == 0)),
            free: Bytes::gib(31).saturating_sub(Bytes::gib(resident + cow + u64::from(cow == 0))),
            ..Ledger::default()
        },
        writes_per_second: 12_000.0,
    };
    let kill = fork + 900.0;
    let timeline = vec![
        row(0.0, 25, 0),
        row(fork, 25, 0),
        row(kill, 25, 6),
        row(kill, 0, 0),
        row(kill + 600.0, 25, 0),
        row(7.0 * 86_400.0, 25, 0),
    ];
    let event = |seconds: f64, event: &str, cause: &str| EventRow {
        seconds,
        event: event.to_owned(),
        cause: cause.to_owned(),
        detail: String::new(),
        host: 1,
        server: 1,
    };
    let events = vec![
        event(fork, event::FORK, "backup"),
        event(kill, event::SERVER_KILLED, "backup"),
        event(kill + 5.0, event::RESTART, ""),
        event(kill + 600.0, event::LOADED, ""),
    ];
    (timeline, events)
}

/// A day of a primary and two replicas: a backup ends in a kill of the primary, the first replica is promoted, and the
/// full syncs that follow cost it memory; the second replica is dropped once.
pub(super) fn shard() -> (Vec<Vec<TimelineRow>>, Vec<EventRow>) {
    let fork = 22.0 * 3_600.0;
    let kill = fork + 900.0;
    let day = 86_400.0;
    // Seconds, resident, copies and buffers (GiB).
    let row = |(seconds, resident, cow, buffers): (f64, u64, u64, u64)| TimelineRow {
        seconds,
        ledger: Ledger {
            reserved: Bytes::gib(1),
            resident: Bytes::gib(resident),
            cow: Bytes::gib(cow),
            buffers: Bytes::gib(buffers),
            backlog: Bytes::gib(u64::from(resident > 0)),
            swap: Bytes::gib(cow / 6),
            free: Bytes::gib(30).saturating_sub(Bytes::gib(resident + cow + buffers)),
            ..Ledger::default()
        },
        writes_per_second: if seconds < kill { 12_000.0 } else { 8_000.0 },
    };
    let rows = |points: &[(f64, u64, u64, u64)]| points.iter().copied().map(row).collect();
    let primary = [
        (0.0, 24, 0, 0),
        (fork, 24, 0, 0),
        (kill, 24, 6, 0),
        (kill, 0, 0, 0),
        (kill + 300.0, 24, 0, 0),
        (day, 24, 0, 0),
    ];
    let (synced, sync) = (kill + 1_400.0, kill + 330.0);
    let promoted = [
        (0.0, 24, 0, 0),
        (sync, 24, 0, 0),
        (synced, 24, 3, 2),
        (synced, 24, 0, 2),
        (synced + 60.0, 24, 0, 0),
        (day, 24, 0, 0),
    ];
    let other = [(0.0, 24, 0, 0), (kill + 900.0, 24, 0, 0), (synced, 12, 0, 0), (day, 24, 0, 0)];
    let event = |seconds: f64, event: &str, cause: &str, host: usize| EventRow {
        seconds,
        event: event.to_owned(),
        cause: cause.to_owned(),
        detail: String::new(),
        host,
        server: 1,
    };
    let events = vec![
        event(fork, event::FORK, "backup", 1),
        event(kill - 9.0, event::STALL_BEGAN, "backup", 1),
        event(kill, event::SERVER_KILLED, "backup", 1),
        event(kill + 15.0, event::PROMOTED, "", 2),
        event(kill + 20.0, event::RESTART, "", 1),
        event(kill + 300.0, event::LOADED, "", 1),
        event(sync, event::FORK, "full-sync", 2),
        event(kill + 700.0, event::REPLICA_DROPPED, "full-sync", 3),
        event(synced, event::SAVE_DONE, "full-sync", 2),
    ];
    (vec![rows(&primary), rows(&promoted), rows(&other)], events)
}
