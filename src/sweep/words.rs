//! Numbers and causes as a sentence says them.

use super::Figures;
use super::row::IncidentKind;
use crate::model::Cause;

/// A count with its thousands set apart: `16,384`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A rate or a bound to two significant digits, whole from 10 on: `0.0081`, `3.9`, `365`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "float casts saturate")]
pub(crate) fn rate(value: f64) -> String {
    if value >= 9.95 {
        return count(value.round() as u64);
    }
    if value <= 0.0 {
        return "0".to_owned();
    }
    let decimals = (1.0 - value.log10().floor()).max(0.0) as usize;
    let text = format!("{value:.decimals$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What the incidents were: `, mostly kills during an AOF rewrite`; nothing where there were none.
pub(crate) fn mostly(figures: &Figures) -> String {
    let Some(cause) = figures.main_cause else { return String::new() };
    match figures.main_incident {
        Some(IncidentKind::Kill) => format!(", mostly kills {}", during(cause)),
        Some(IncidentKind::Stall) => format!(", mostly stalls {}", during(cause)),
        Some(IncidentKind::SyncLoop) => ", mostly full syncs cut short again and again".to_owned(),
        None => String::new(),
    }
}

/// When something went wrong.
const fn during(cause: Cause) -> &'static str {
    match cause {
        Cause::Backup => "during the backup",
        Cause::SavePoint => "during the save of a save point",
        Cause::AofRewrite => "during an AOF rewrite",
        Cause::FullSync => "during a full sync",
        Cause::Growth => "with no child alive, as the data grew",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_set_thousands_apart() {
        assert_eq!(
            [0, 999, 1_000, 16_384, 1_234_567].map(count),
            ["0", "999", "1,000", "16,384", "1,234,567"]
        );
    }

    #[test]
    fn rates_keep_two_significant_digits() {
        let rates = [0.0, 0.000_812, 0.0099, 0.01, 0.25, 1.0, 3.94, 9.96, 365.25, 12_345.6];
        let texts = ["0", "0.00081", "0.0099", "0.01", "0.25", "1", "3.9", "10", "365", "12,346"];
        assert_eq!(rates.map(rate), texts);
    }
}
