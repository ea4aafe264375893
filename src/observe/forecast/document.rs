//! A forecast as programs read it.

use serde_json::{Value, json};

use super::history::Trend;
use super::{Forecast, Range};

/// Columns of [`Forecast::to_csv`], base units in the names.
const COLUMNS: &str = "kind,measure,method,saves,confidence,used_memory_bytes,copied_low_bytes,copied_median_bytes,\
                       copied_high_bytes,save_low_seconds,save_median_seconds,save_high_seconds,headroom_bytes,\
                       overflow_probability,trend";

impl Forecast {
    /// One document; what is not known is `null`.
    pub fn to_json(&self) -> Value {
        let Range { median, low, high } = self.copied;
        json!({
            "kind": "forecast",
            "measure": self.measure.column(),
            "method": self.method.name(),
            "saves": self.saves,
            "confidence": self.confidence,
            "used_memory_bytes": self.used_memory.0,
            "copied_low_bytes": low.round(),
            "copied_median_bytes": median.round(),
            "copied_high_bytes": high.round(),
            "save_low_seconds": self.seconds.map(|seconds| seconds.low),
            "save_median_seconds": self.seconds.map(|seconds| seconds.median),
            "save_high_seconds": self.seconds.map(|seconds| seconds.high),
            "headroom_bytes": self.overflow.map(|(headroom, _)| headroom.0),
            "overflow_probability": self.overflow.map(|(_, chance)| chance),
            "trend": self.trend.map(|trend| match trend {
                Trend::Rising => "rising",
                Trend::Falling => "falling",
            }),
        })
    }

    /// The same as a header and a line; what is not known is empty.
    pub fn to_csv(&self) -> String {
        let document = self.to_json();
        let cells = COLUMNS.split(',').map(|column| match &document[column] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        format!("{COLUMNS}\n{}", cells.collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Forecast, History, Measure, Next, PastSave};
    use super::COLUMNS;
    use crate::units::Bytes;

    #[test]
    fn json_and_csv_have_the_same_names() {
        let save = PastSave { used_memory: Bytes::mib(9), copied: 1e6, seconds: None };
        let history = History { saves: vec![save; 3], measure: Measure::Growth, used_memory: Bytes::mib(9) };
        let forecast = Forecast::new(&history, &Next::default(), 0.9).unwrap();
        let document = forecast.to_json();
        let names: Vec<&str> = document.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names.join(","), COLUMNS);
        assert_eq!(
            forecast.to_csv().lines().nth(1).unwrap(),
            "forecast,anon_growth_peak_bytes,student-t,3,0.9,9437184,1000000.0,1000000.0,1000000.0,,,,,,"
        );
    }
}
