//! How large a key is in a snapshot, and a write in the append-only file.
//!
//! What is appended is never compressed, so a file rewritten from data that compresses doubles sooner.

use crate::memory::child;
use crate::memory::layout::{KeyKind, Value};

/// Bytes of one key in an RDB file: type, key and value with their length prefixes, and an expiry time.
///
/// Source: the RDB format version 10/11 (`rdb.c`): one byte of type, lengths of 1, 2 or 5 bytes, an expiry of nine;
/// integers up to 32 bits take five bytes. A listpack is written as it lies in memory.
pub fn record_bytes(kind: KeyKind) -> u64 {
    let value = match kind.value {
        Value::Integer => 5,
        Value::Bytes(length) | Value::Listpack(length) => length_prefix(length) + length,
    };
    1 + length_prefix(kind.key_size) + kind.key_size + value + if kind.has_ttl { 9 } else { 0 }
}

/// The same where the child compresses strings, and a value takes `compressed_to` of its length. What LZF writes before
/// the compressed bytes is part of them, and keys are taken as incompressible.
///
/// Source: `rdb.c`, `rdbSaveRawString` and `rdbSaveLzfStringObject`, Redis 7.0 and Valkey 8.0: strings of more than 20
/// bytes, and what does not shrink by at least 4 is written as it is. A listpack is one such string.
pub fn compressed_record_bytes(kind: KeyKind, compressed_to: f64) -> f64 {
    let record = record_bytes(kind) as f64;
    match kind.value {
        Value::Bytes(length) | Value::Listpack(length) if child::compresses(kind.value) => {
            record - length as f64 * (1.0 - compressed_to)
        }
        Value::Integer | Value::Bytes(_) | Value::Listpack(_) => record,
    }
}

fn length_prefix(length: u64) -> u64 {
    match length {
        0..=63 => 1,
        64..=16_383 => 2,
        _ => 5,
    }
}

/// Bytes that a `SET key value` appends to the append-only file, with an absolute expiry where the key has one.
///
/// Source: the protocol's arrays of bulk strings, `*3\r\n$3\r\nSET\r\n$16\r\n…\r\n$64\r\n…\r\n`; an expiry is written
/// as `PXAT` and thirteen digits.
pub fn set_bytes(kind: KeyKind) -> u64 {
    let value = match kind.value {
        Value::Integer => bulk_string(8),
        Value::Bytes(length) | Value::Listpack(length) => bulk_string(length),
    };
    4 + bulk_string(3)
        + bulk_string(kind.key_size)
        + value
        + if kind.has_ttl { bulk_string(4) + bulk_string(13) } else { 0 }
}

/// Bytes that an `HSET key field value` appends, with a name and a value of the given lengths \[bytes\].
pub fn hset_bytes(kind: KeyKind, name: u64, value: u64) -> u64 {
    key_command_bytes(kind, 4) + bulk_string(name) + bulk_string(value)
}

/// Bytes that a `DEL key` or an `INCR key` appends.
pub fn key_command_bytes(kind: KeyKind, name_length: u64) -> u64 {
    4 + bulk_string(name_length) + bulk_string(kind.key_size)
}

/// `$<digits>\r\n<text>\r\n`.
fn bulk_string(length: u64) -> u64 {
    let digits = u64::from(length.checked_ilog10().unwrap_or(0)) + 1;
    1 + digits + 2 + length + 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Bytes;

    const KIND: KeyKind = KeyKind { key_size: 16, value: Value::Bytes(64), has_ttl: false };

    #[test]
    fn a_set_is_as_long_as_its_protocol_text() {
        let text = format!("*3\r\n$3\r\nSET\r\n$16\r\n{}\r\n$64\r\n{}\r\n", "k".repeat(16), "v".repeat(64));
        assert_eq!(set_bytes(KIND), text.len() as u64);
        let text = format!("*2\r\n$3\r\nDEL\r\n$16\r\n{}\r\n", "k".repeat(16));
        assert_eq!(key_command_bytes(KIND, 3), text.len() as u64);
    }

    #[test]
    fn a_record_is_type_key_and_value() {
        assert_eq!(record_bytes(KIND), 1 + 1 + 16 + 2 + 64);
        assert_eq!(
            record_bytes(KeyKind { has_ttl: true, value: Value::Integer, ..KIND }),
            1 + 1 + 16 + 5 + 9
        );
    }

    /// Files of a real server, each with 98 bytes before and after the keys. JSON has values of several lengths.
    #[test]
    fn a_file_is_as_long_as_was_measured() {
        let mut shares = Vec::new();
        for row in crate::memory::writing::measured() {
            let kind = KeyKind { value: Value::Bytes(Bytes::from_f64(row.value_bytes.round()).0), ..KIND };
            let full = row.keys * (record_bytes(kind) as f64 + row.value_bytes - row.value_bytes.round());
            if !row.compresses {
                assert!((row.file_bytes - 98.0 - full).abs() < 4.0 * row.keys * 0.05, "{row:?} {full}");
                continue;
            }
            let share = 1.0 - (full + 98.0 - row.file_bytes) / (row.keys * row.value_bytes);
            let said = row.keys * compressed_record_bytes(kind, share);
            assert!((said / row.file_bytes - 1.0).abs() < 2e-3, "{row:?} {said}");
            shares.push(share);
        }
        shares.sort_by(f64::total_cmp);
        assert!(
            (0.4..0.45).contains(&shares[0]) && (shares[shares.len() - 1] - 1.0).abs() < 1e-3,
            "{shares:?}"
        );
    }
}
