//! How long a save takes that nothing holds up, where how long it took may not be looked at.

use super::row::Row;
use super::subject::Subject;
use crate::memory::{Value, child, rdb};

/// What a child takes a key: it walks to it and encodes it \[s\].
///
/// Measured with the constants below on an idle server of 0.5 GiB, Redis 7.0.15: 4.3, 1.5 and 1.0 s for values of 64
/// bytes, 1 KiB and 16 KiB without compression, 6.2, 3.5 and 3.2 s with it tried in vain; met within 4 %. Valkey
/// 8.0.1 took a sixth longer.
const SECONDS_PER_KEY: f64 = 1.25e-6;

/// What it takes a byte of the file: it copies, sums and writes it \[s\]. See [`SECONDS_PER_KEY`].
const SECONDS_PER_BYTE: f64 = 2.3e-9;

/// What it takes besides to try to compress a string, and a byte of it \[s\]. See [`SECONDS_PER_KEY`].
const SECONDS_TO_COMPRESS: (f64, f64) = (0.28e-6, 5.1e-9);

/// What a sleep of `rdb-key-save-delay` takes beyond its time: the timer's slack of 50 µs, and waking up a processor
/// \[s\].
///
/// Measured: 106 to 142 µs a sleep, Redis 7.0.15 and Valkey 8.1.1 on a virtual machine, kernel 6.18; half of it where
/// every key sleeps.
const WAKING_UP: f64 = 110e-6;

/// How long the save of `row` takes by itself \[s\].
pub(super) fn seconds(row: &Row, subject: &Subject) -> f64 {
    let keys = subject.keys();
    let bytes = keys * rdb::record_bytes(subject.kind) as f64;
    let sleeping = match row.key_save_delay.unwrap_or(0.0) {
        0.0 => 0.0,
        micros if micros > 0.0 => keys * (micros * 1e-6 + WAKING_UP),
        one_in => keys / -one_in * (1e-6 + WAKING_UP),
    };
    let is_compressed = row.rdb_compression.as_deref() != Some("no") && child::compresses(subject.kind.value);
    let compressing = match subject.kind.value {
        Value::Bytes(length) | Value::Listpack(length) if is_compressed => {
            keys * (SECONDS_TO_COMPRESS.0 + length as f64 * SECONDS_TO_COMPRESS.1)
        }
        _ => 0.0,
    };
    keys * SECONDS_PER_KEY + bytes * SECONDS_PER_BYTE + compressing + sleeping
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
