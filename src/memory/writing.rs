//! How long the processor of a child takes to write its keys.
//!
//! Left out: elements of collections beyond a listpack, which cost more than the bytes they have, and what keys shrink
//! to where they are long enough to be compressed.

use crate::memory::child;
use crate::memory::layout::{KeyKind, Value};

/// What a child takes a key: it walks to it and encodes it \[s\].
///
/// Measured with the constants below on an idle server of 0.5 GiB, Redis 7.0.15: 4.3, 1.5 and 1.0 s for values of 64
/// bytes, 1 KiB and 16 KiB without compression, 6.2, 3.5 and 3.2 s with it tried in vain; met within 4 %. Valkey
/// 8.0.1 took a sixth longer.
pub const SECONDS_PER_KEY: f64 = 1.25e-6;

/// What it takes a byte of the file: it copies, sums and writes it \[s\]. See [`SECONDS_PER_KEY`].
const SECONDS_PER_BYTE: f64 = 2.3e-9;

/// What it takes besides to try to compress a string \[s\]. See [`SECONDS_PER_KEY`].
const SECONDS_PER_TRY: f64 = 0.28e-6;

/// What it takes to try to compress a byte of a string, whether or not it shrinks \[s\].
///
/// See [`SECONDS_PER_KEY`]. Measured by the processor time of the child with and without `rdbcompression`, on Redis
/// 7.0.15: 4.9 to 7.2 ns a byte of random values from 64 bytes to 16 KiB, 4.0 to 4.4 of JSON from 280 bytes to 14 KiB
/// that shrinks to 0.98 to 0.42 of its length (`tests/data/files`). Values that are one pattern over and over take 1
/// ns.
const SECONDS_PER_BYTE_TRIED: f64 = 5.1e-9;

/// Processor time of a child for a key of `kind` that takes `record` bytes of its file, over that of a bare key.
///
/// ```text
/// 1 + (2.3 ns · record + Σ (0.28 µs + 5.1 ns · length)) / 1.25 µs     Σ over key and value of more than 20 bytes,
///                                                                     with rdbcompression
/// ```
///
/// A faster or busier processor is taken to be so for all of it.
pub fn bare_keys(kind: KeyKind, record: f64, compresses: bool) -> f64 {
    let value = match kind.value {
        Value::Integer => 0,
        Value::Bytes(length) | Value::Listpack(length) => length,
    };
    let tried =
        [kind.key_size, value].into_iter().filter(|&length| compresses && child::is_compressed(length));
    let compressing: f64 = tried.map(|length| SECONDS_PER_TRY + SECONDS_PER_BYTE_TRIED * length as f64).sum();
    1.0 + (SECONDS_PER_BYTE * record + compressing) / SECONDS_PER_KEY
}

/// A measured save: values of so many bytes on average, keys of 16.
#[cfg(test)]
#[derive(Debug)]
pub(super) struct Measured {
    pub value_bytes: f64,
    pub keys: f64,
    pub compresses: bool,
    pub file_bytes: f64,
    pub child_seconds: f64,
}

/// The saves of `tests/data/files`.
#[cfg(test)]
pub(super) fn measured() -> impl Iterator<Item = Measured> {
    let rows = include_str!("../../tests/data/files/snapshots.csv").lines().skip(1);
    rows.map(|row| {
        let cells: Vec<&str> = row.split(',').collect();
        let number = |column: usize| cells[column].parse().unwrap();
        Measured {
            value_bytes: number(3),
            keys: number(4),
            compresses: cells[6] == "yes",
            file_bytes: number(7),
            child_seconds: number(8),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::rdb;
    use crate::units::Bytes;

    /// Processor times of children on two cores shared with other work: whatever the values are and however far they
    /// compress, a bare key takes what `save.microseconds-per-key` says by default.
    #[test]
    fn one_pace_tells_all_measured_processor_times() {
        let mut paces: Vec<f64> = measured()
            .map(|row| {
                let kind = KeyKind {
                    key_size: 16,
                    value: Value::Bytes(Bytes::from_f64(row.value_bytes).0),
                    has_ttl: false,
                };
                row.child_seconds * 1e6
                    / row.keys
                    / bare_keys(kind, row.file_bytes / row.keys, row.compresses)
            })
            .collect();
        paces.sort_by(f64::total_cmp);
        let (first, median, last) = (paces[0], paces[paces.len() / 2], paces[paces.len() - 1]);
        assert_eq!(paces.len(), 36);
        assert!(first > 0.7 && last < 2.3 && (1.0..1.25).contains(&median), "{paces:?}");
    }

    #[test]
    fn idle_saves_take_what_was_measured() {
        for (length, keys, compresses, measured) in [
            (64, 3_138_866.0, true, 6.245),
            (64, 3_138_866.0, false, 4.329),
            (1024, 391_275.0, true, 3.473),
            (1024, 391_275.0, false, 1.485),
            (16_384, 26_076.0, true, 3.237),
            (16_384, 26_076.0, false, 1.008),
        ] {
            let kind = KeyKind { key_size: 16, value: Value::Bytes(length), has_ttl: false };
            let worth = bare_keys(kind, rdb::record_bytes(kind) as f64, compresses);
            let seconds = keys * worth * SECONDS_PER_KEY;
            assert!((seconds / measured - 1.0f64).abs() < 0.06, "{length} {compresses}: {seconds}");
        }
    }

    #[test]
    fn long_keys_are_tried_too_and_short_values_are_not() {
        let kind = |key_size, value| KeyKind { key_size, value: Value::Bytes(value), has_ttl: false };
        let cost = |kind| bare_keys(kind, 100.0, true) - bare_keys(kind, 100.0, false);
        assert!(cost(kind(20, 20)).abs() < 1e-12);
        assert!((cost(kind(24, 20)) - (0.28 + 5.1e-3 * 24.0) / 1.25).abs() < 1e-12);
        assert!((cost(kind(24, 512)) - (0.56 + 5.1e-3 * 536.0) / 1.25).abs() < 1e-12);
    }
}
