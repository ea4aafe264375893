//! How long a save takes that nothing holds up, where how long it took may not be looked at.

use super::row::Row;
use super::subject::Subject;
use crate::memory::{rdb, writing};

/// What a sleep of `rdb-key-save-delay` takes beyond its time: the timer's slack of 50 µs, and waking up a processor
/// \[s\].
///
/// Measured: 106 to 142 µs a sleep, Redis 7.0.15 and Valkey 8.1.1 on a virtual machine, kernel 6.18; half of it where
/// every key sleeps.
const WAKING_UP: f64 = 110e-6;

/// How long the save of `row` takes by itself \[s\].
pub(super) fn seconds(row: &Row, subject: &Subject) -> f64 {
    let keys = subject.keys();
    let sleeping = match row.key_save_delay.unwrap_or(0.0) {
        0.0 => 0.0,
        micros if micros > 0.0 => keys * (micros * 1e-6 + WAKING_UP),
        one_in => keys / -one_in * (1e-6 + WAKING_UP),
    };
    let is_compressed = row.rdb_compression.as_deref() != Some("no");
    let worth = writing::bare_keys(subject.kind, rdb::record_bytes(subject.kind) as f64, is_compressed);
    keys * worth * writing::SECONDS_PER_KEY + sleeping
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(value: u64, keys: f64, compression: &str, delay: f64) -> f64 {
        let row = Row {
            server: "redis".into(),
            version: "7.0.15".into(),
            op: "idle".into(),
            value_bytes: Some(value),
            nkeys: Some(keys),
            rdb_compression: Some(compression.into()),
            key_save_delay: Some(delay),
            ..Row::default()
        };
        seconds(&row, &Subject::of(&row).unwrap())
    }

    #[test]
    fn saves_take_what_was_measured() {
        let measured = [
            (64, 3_138_866.0, "yes", 0.0, 6.245),
            (64, 3_138_866.0, "no", 0.0, 4.329),
            (1024, 391_275.0, "yes", 0.0, 3.473),
            (1024, 391_275.0, "no", 0.0, 1.485),
            (16_384, 26_076.0, "yes", 0.0, 3.237),
            (16_384, 26_076.0, "no", 0.0, 1.008),
            (1024, 391_275.0, "yes", -10.0, 8.121),
            (1024, 391_275.0, "yes", -2.0, 24.314),
        ];
        for (value, keys, compression, delay, seconds) in measured {
            let said = saved(value, keys, compression, delay);
            assert!(
                (said / seconds - 1.0f64).abs() < 0.06,
                "{value} {compression} {delay}: {said} {seconds}"
            );
        }
    }
}
