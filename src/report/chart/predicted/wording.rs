//! What the chart of predictions says.

use crate::report::predictions::Point;
use crate::stats::interpolated_quantile;

/// The finding: how far off the predictions are.
pub(super) fn finding(points: &[Point]) -> String {
    let mut errors: Vec<f64> = points.iter().map(|point| point.error.abs()).collect();
    errors.sort_by(f64::total_cmp);
    let percent = |q: f64| interpolated_quantile(&errors, q).map(|error| format!("{:.1} %", error * 100.0));
    match (percent(0.5), percent(0.95)) {
        (Some(median), Some(p95)) => format!(
            "What {} measured saves cost their host is predicted to {median} at the median, {p95} at the 95th percentile",
            points.len()
        ),
        _ => "No save was both measured and predicted".to_owned(),
    }
}

/// How to read it.
pub(super) fn subtitle(points: &[Point], edge: f64) -> String {
    if points.is_empty() {
        return "predictions.csv holds no row with a measured and a predicted growth of memory.".to_owned();
    }
    let beyond = points.iter().filter(|point| point.error.abs() > edge).count();
    let edge = match beyond {
        0 => String::new(),
        1 => format!(" One save is further off than {:.0} % and stands at the edge.", edge * 100.0),
        _ => format!(" {beyond} saves are further off than {:.0} % and stand at the edge.", edge * 100.0),
    };
    format!(
        "Each mark is one save of a real server: the largest growth of its anonymous memory, server and child. \
         The laws get the load and the layout, and no memory figure; no constant is fitted. Bands: ±2 % and ±10 %. \
         The error of a save that grew by less than 16 MiB is in per cent of 100 MiB.{edge}"
    )
}

/// An amount of 2^`exponent` bytes.
pub(super) fn amount(exponent: f64) -> String {
    let (unit, power) = match exponent {
        exponent if exponent < 10.0 => ("B", 0.0),
        exponent if exponent < 20.0 => ("KiB", 10.0),
        exponent if exponent < 30.0 => ("MiB", 20.0),
        exponent if exponent < 40.0 => ("GiB", 30.0),
        _ => ("TiB", 40.0),
    };
    format!("{} {unit}", (exponent - power).exp2())
}

/// An error on the axis, with its sign.
pub(super) fn error(error: f64) -> String {
    if error == 0.0 { "0".to_owned() } else { format!("{:+.0} %", error * 100.0).replace('-', "−") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_read_as_people_say_them() {
        assert_eq!([9.0, 10.0, 22.0, 30.0, 41.0].map(amount), ["512 B", "1 KiB", "4 MiB", "1 GiB", "2 TiB"]);
        assert_eq!([-0.05, 0.0, 0.1].map(error), ["−5 %", "0", "+10 %"]);
    }
}
