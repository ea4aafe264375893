//! Figures and paragraphs as people read them, in the imported scenario and in the hindcast.

/// Column at which text wraps.
pub(super) const WIDTH: usize = 100;

/// A paragraph wrapped at [`WIDTH`], its first line after `first` and the others after `rest`.
pub(super) fn wrapped(first: &str, rest: &str, text: &str) -> String {
    let (mut lines, mut line, mut empty) = (String::new(), first.to_owned(), first.len());
    for word in text.split_whitespace() {
        if line.len() > empty && line.len() + word.len() >= WIDTH {
            lines += line.trim_end();
            lines.push('\n');
            (line, empty) = (rest.to_owned(), rest.len());
        }
        line += word;
        line.push(' ');
    }
    lines += line.trim_end();
    lines.push('\n');
    lines
}

/// A count with separators of thousands, `26,716`.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A positive number in `digits` significant digits without an exponent: 78.8 in two is `79`.
pub(super) fn rounded(number: f64, digits: i32) -> String {
    if !number.is_finite() || number <= 0.0 {
        return "0".into();
    }
    let decimals = f64::from(digits) - 1.0 - number.log10().floor();
    let step = 10f64.powf(decimals.clamp(-300.0, 300.0));
    let nearest = (number * step).round() / step;
    let shown = (0..=12usize).find(|&places| places as f64 >= decimals).unwrap_or(12);
    format!("{nearest:.shown$}")
}

/// A rate in two significant digits, `45,000/s`.
pub(super) fn per_second(rate: f64) -> String {
    let shown = rounded(rate, 2);
    format!("{}/s", shown.parse().map_or(shown, grouped))
}

/// An uptime in its largest whole unit, `40 days`.
pub(super) fn uptime(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} seconds"),
        120..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_wrap_and_hang() {
        let text = wrapped("- ", "  ", &"word ".repeat(30));
        assert!(text.lines().all(|line| line.len() <= WIDTH), "{text}");
        assert!(text.starts_with("- word") && text.lines().nth(1).unwrap().starts_with("  word"));
        let unbreakable = "x".repeat(WIDTH + 1);
        assert_eq!(wrapped("", "", &unbreakable), format!("{unbreakable}\n"));
    }

    #[test]
    fn numbers_show_as_many_digits_as_they_are_worth() {
        assert_eq!([78.8, 119.27, 1234.0, 0.0164].map(|x| rounded(x, 2)), ["79", "120", "1200", "0.016"]);
        assert_eq!(rounded(1.6593, 3), "1.66");
        assert_eq!([rounded(f64::NAN, 2), rounded(-1.0, 2)], ["0", "0"]);
        assert_eq!([grouped(26_716), grouped(999), grouped(1_000_000)], ["26,716", "999", "1,000,000"]);
        assert_eq!([per_second(45_154.7), per_second(78.8), per_second(0.5)], ["45,000/s", "79/s", "0.50/s"]);
    }

    #[test]
    fn uptimes_show_their_largest_unit() {
        assert_eq!(
            [11, 300, 7_300, 3_503_939].map(uptime),
            ["11 seconds", "5 minutes", "2 hours", "40 days"]
        );
    }
}
