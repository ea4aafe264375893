//! A recorded day of load.

/// A whole day of a trace.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedDay {
    /// The factor of each minute.
    minutes: Vec<f64>,
    hourly: [f64; 24],
    peaks: [f64; 24],
}

impl RecordedDay {
    /// The day with these factors of its 1,440 minutes.
    ///
    /// # Panics
    ///
    /// With another number of them.
    pub fn new(minutes: Vec<f64>) -> Self {
        assert_eq!(minutes.len(), 24 * 60, "a day has so many minutes");
        let mut day = Self { minutes, hourly: [0.0; 24], peaks: [0.0; 24] };
        for hour in 0..24 {
            let minutes = day.minutes_of(hour);
            let (peak, sum) = (minutes.iter().copied().fold(0.0, f64::max), minutes.iter().sum::<f64>());
            (day.peaks[hour], day.hourly[hour]) = (peak, sum / 60.0);
        }
        day
    }

    /// The factors of the minutes of an hour of the day, from 0.
    pub fn minutes_of(&self, hour: usize) -> &[f64] {
        &self.minutes[hour * 60..(hour + 1) * 60]
    }

    /// The mean factor of an hour of the day, from 0.
    pub fn hourly(&self, hour: usize) -> f64 {
        self.hourly[hour]
    }

    /// The largest factor in an hour of the day over its mean; 1 in an hour without any load.
    pub fn peak_in(&self, hour: usize) -> f64 {
        if self.hourly[hour] > 0.0 { self.peaks[hour] / self.hourly[hour] } else { 1.0 }
    }
}
