//! How long a server takes to load a snapshot: while it starts, and while a replica synchronises.
//!
//! Left out: reading the file, which is cached or slower than this on a slow disk, and collections, whose elements
//! cost more than the bytes they have.

/// What a key takes: it is read, allocated and put into the table \[s\]. See [`load_seconds`].
const SECONDS_PER_KEY: f64 = 0.65e-6;

/// What a byte takes: it is read, summed and copied to new pages \[s\]. See [`load_seconds`].
const SECONDS_PER_BYTE: f64 = 1.6e-9;

/// How long it takes to load `keys` keys from a snapshot of `bytes` bytes \[s\].
///
/// Measured from the page cache, the shortest of three: 0.63 and 0.91 µs a key with values of 64 bytes, 2.6 and 3.1
/// with 1 KiB, 24 and 21 with 16 KiB, Redis 7.0.15 and Valkey 8.0.1 on a virtual machine of two shared cores,
/// `rdbchecksum yes`. Within 30 % of all six; on busy cores it takes up to half as long again.
pub fn load_seconds(keys: f64, bytes: f64) -> f64 {
    keys * SECONDS_PER_KEY + bytes * SECONDS_PER_BYTE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_take_what_was_measured() {
        for (keys, bytes, measured) in [
            (2_155_530.0, 181.1e6, 1.364),
            (2_155_530.0, 181.1e6, 1.954),
            (401_009.0, 418.7e6, 1.051),
            (401_009.0, 418.7e6, 1.235),
            (27_154.0, 445.5e6, 0.651),
            (27_154.0, 445.5e6, 0.575),
        ] {
            let seconds = load_seconds(keys, bytes);
            assert!((seconds / measured - 1.0f64).abs() < 0.31, "{seconds} {measured}");
        }
    }
}
