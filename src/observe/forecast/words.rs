//! A forecast as people read it.

use std::fmt;

use super::history::{Measure, Trend};
use super::predictive::Method;
use super::{Forecast, Range, predictive};
use crate::observe::words::{rounded, wrapped};
use crate::units::{Bytes, Percent};

impl fmt::Display for Forecast {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Range { median, low, high } = self.copied;
        let size = |bytes: f64| Bytes::from_f64(bytes);
        let share = |bytes: f64| Percent((bytes / self.used_memory.as_f64() * 1e3).round() / 10.0);
        writeln!(
            out,
            "The next save copies {} to {} ({} confidence), {} in the middle: {} to {} of {} used_memory.",
            size(low),
            size(high),
            Percent((self.confidence * 1e4).round() / 100.0),
            size(median),
            share(low),
            share(high),
            self.used_memory,
        )?;
        if let Some(Range { median, low, high }) = self.seconds {
            let [low, median, high] = [low, median, high].map(|seconds| rounded(seconds, 2));
            writeln!(out, "It takes {low} s to {high} s, {median} s in the middle.")?;
        }
        if let Some((headroom, chance)) = self.overflow {
            writeln!(out, "The chance that it needs more than {headroom}: {}.", self.chance(chance))?;
        }
        write!(out, "\n{}", wrapped("", "", &self.how_to_read()))
    }
}

impl Forecast {
    /// A chance, as far as the history decides it.
    fn chance(&self, chance: f64) -> String {
        let edge = 1.0 / (self.saves as f64 + 1.0);
        let percent = Percent((chance * 1e3).round() / 10.0);
        match self.method {
            Method::OrderStatistics if chance <= edge * 1.001 => {
                format!("at most {percent}, as no save of the history did")
            }
            Method::OrderStatistics if chance >= 1.0 - edge * 1.001 => {
                format!("at least {percent}, as every save of the history did")
            }
            Method::StudentT if chance < 0.001 => "below 0.1 %".to_owned(),
            Method::StudentT if chance > 0.999 => "above 99.9 %".to_owned(),
            _ => percent.to_string(),
        }
    }

    fn how_to_read(&self) -> String {
        let measure = match self.measure {
            Measure::Growth => "what the host lost at the worst moment (anon_growth_peak_bytes)",
            Measure::Reported => {
                "what the child reported at its end (rdb_last_cow_size); the host may lose more"
            }
        };
        let method = match self.method {
            Method::OrderStatistics => "between order statistics, whatever their distribution".to_owned(),
            Method::StudentT => format!(
                "by Student's t, taking the logarithm of their exposure as normal ({} saves need no such assumption)",
                predictive::enough(self.confidence)
            ),
        };
        let trend = match self.trend {
            None => "",
            Some(Trend::Rising) => " But exposures have been RISING: expect more than this.",
            Some(Trend::Falling) => " But exposures have been FALLING: expect less than this.",
        };
        format!(
            "This is a forecast, not the law for a known load: the load of the next save is unknown and taken to be \
             like that of the {} past saves. The interval lies {method}. Sizes are {measure}.{trend}",
            self.saves,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::{History, Next, PastSave};
    use super::*;

    fn forecast(saves: u32, growth: f64) -> String {
        let past = |save: u32| PastSave {
            used_memory: Bytes::mib(100),
            copied: Bytes::mib(20).as_f64()
                + f64::from(save * 7 % saves + 1) * 1e5
                + f64::from(save) * growth,
            seconds: Some(4.0 + f64::from(save % 3)),
        };
        let saves = (0..saves).map(past).collect();
        let history = History { saves, measure: Measure::Growth, used_memory: Bytes::mib(120) };
        let next = Next { headroom: Some(Bytes::mib(40)), ..Next::default() };
        Forecast::new(&history, &next, 0.9).unwrap().to_string()
    }

    #[test]
    fn a_forecast_says_what_it_rests_on() {
        insta::assert_snapshot!(forecast(24, 0.0), @"
        The next save copies 24.14 MiB to 26.72 MiB (90 % confidence), 25.43 MiB in the middle: 20.1 % to 22.3 % of 120 MiB used_memory.
        It takes 4.8 s to 7.2 s, 6.0 s in the middle.
        The chance that it needs more than 40 MiB: at most 4 %, as no save of the history did.

        This is a forecast, not the law for a known load: the load of the next save is unknown and taken to
        be like that of the 24 past saves. The interval lies between order statistics, whatever their
        distribution. Sizes are what the host lost at the worst moment (anon_growth_peak_bytes).
        ");
    }

    #[test]
    fn a_short_history_says_what_is_assumed() {
        insta::assert_snapshot!(forecast(6, 0.0), @"
        The next save copies 23.94 MiB to 24.87 MiB (90 % confidence), 24.4 MiB in the middle: 19.9 % to 20.7 % of 120 MiB used_memory.
        It takes 4.0 s to 8.8 s, 5.9 s in the middle.
        The chance that it needs more than 40 MiB: below 0.1 %.

        This is a forecast, not the law for a known load: the load of the next save is unknown and taken to
        be like that of the 6 past saves. The interval lies by Student's t, taking the logarithm of their
        exposure as normal (19 saves need no such assumption). Sizes are what the host lost at the worst
        moment (anon_growth_peak_bytes).
        ");
    }

    #[test]
    fn a_trend_is_not_kept_quiet() {
        assert!(forecast(30, 5e5).contains("RISING"));
    }
}
