//! Keys that have expired and are still there: what the active expire cycle leaves.

/// Keys looked at in one round. Source: `expire.c`, `ACTIVE_EXPIRE_CYCLE_KEYS_PER_LOOP`, Redis from 6.0 and Valkey.
const KEYS_PER_ROUND: i32 = 20;

/// Expired keys in a round up to which the cycle stops: 10 % of them. Source: `ACTIVE_EXPIRE_CYCLE_ACCEPTABLE_STALE`.
const TOLERATED: i32 = 2;

/// Cycles a second: the fast one runs before every wait for clients, at most once in 2 ms. Source:
/// `ACTIVE_EXPIRE_CYCLE_FAST_DURATION`, 1 ms.
const CYCLES_PER_SECOND: f64 = 500.0;

/// Keys with a TTL that are in memory while `rate` of them come a second and live `ttl` seconds: those not yet expired,
/// and the stale ones.
///
/// ```text
/// rate = cycles · 20 s / P(X ≤ 2)      X ~ Binomial(20, s)       s the stale share; keys = rate · ttl / (1 − s)
/// ```
///
/// Each cycle looks at rounds of 20 keys at random and stops after the first with at most two expired ones, so the more
/// must go, the more stale ones stay. Measured on Redis 7.0.15, TTL 4 s: 24 k keys at 5 k/s and about 115 k at 20
/// k/s; this says 24 k and 105 k.
pub fn keys_with_ttl(rate: f64, ttl: f64) -> f64 {
    let (mut fewer, mut more) = (0.0, 0.99);
    for _ in 0..60 {
        let stale = f64::midpoint(fewer, more);
        if removed_per_second(stale) < rate {
            fewer = stale;
        } else {
            more = stale;
        }
    }
    rate * ttl / (1.0 - fewer)
}

/// Keys removed a second where a share `stale` of those with a TTL has expired.
fn removed_per_second(stale: f64) -> f64 {
    let found = f64::from(KEYS_PER_ROUND) * stale;
    CYCLES_PER_SECOND * found / at_most_tolerated(stale)
}

/// P(X ≤ 2), X ~ Binomial(20, p).
fn at_most_tolerated(p: f64) -> f64 {
    let mut term = (1.0 - p).powi(KEYS_PER_ROUND);
    let mut sum = term;
    for count in 1..=TOLERATED {
        term *= p / (1.0 - p) * f64::from(KEYS_PER_ROUND - count + 1) / f64::from(count);
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_keys_leave_few_stale_ones() {
        assert!((keys_with_ttl(10.0, 100.0) / 1000.0 - 1.0).abs() < 0.01);
    }

    #[test]
    fn more_keys_leave_a_larger_share_stale() {
        let (slow, fast) = (keys_with_ttl(5_000.0, 4.0) / 20_000.0, keys_with_ttl(20_000.0, 4.0) / 80_000.0);
        assert!((1.15..1.25).contains(&slow) && (1.25..1.5).contains(&fast), "{slow} {fast}");
    }
}
