//! The disk of a host, which at times is slow for hours: a noisy neighbour, a throttled volume.
//!
//! Time is cut into windows of one length, with a place in it for time 0 that is drawn once a replication and host.
//! Each window is slow with one chance, independently of the others, and a save that begins in a slow one takes so many
//! times longer. All servers of a host share its disk, and hosts have a disk each: replicas that are slow are so by
//! themselves.
//!
//! Whether a window is slow is asked by the first save that begins in it, and decided by that save's own number. To
//! the saves this is a number for each window, as no window is decided twice and none by a number that anything before
//! it depended on. It leaves the numbers with the saves, where importance sampling can tilt one of them without knowing
//! when the save will be (`tilt`).
//!
//! How often, how long: over 857 million hours of disks and 7 million of SSDs, a drive was more than twice as slow as
//! others of its group in 0.2 % and 0.6 % of the hours, and a group held such a drive in 1.5 % and 2.2 % of them (M.
//! Hao, G. Soundararajan, D. Kenchammana-Hosekote, A. A. Chien and H. S. Gunawi, "The Tail at Store", FAST 2016). AWS
//! means its general purpose volumes (gp2, gp3) to give at least nine tenths of their speed 99 % of the time (Amazon
//! EBS User Guide, "Amazon EBS optimization"). A gp2 volume spends 5.4 million credits and earns 3 a second and GiB
//! (Amazon EC2 User Guide, "EBS volume types"): of 100 GiB it has them again after 5 hours, of 500 GiB after one; one
//! operator was warned of spent credits for 6 hours at a time (CDLUC3/ezid#123). There is no published distribution of
//! how much slower such a save is: twice is where Hao et al. begin, and the default of four times is assumed.
//!
//! Leaves out a disk that gets slow or recovers while a save runs.

use rand::RngExt;

use crate::model::host::SavePace;
use crate::rng::{Purpose, Stream};
use crate::units::{SimDuration, SimTime};

/// The disk of a host.
#[derive(Clone, Debug, PartialEq)]
pub struct Disk {
    /// How far the window of time 0 is over by then.
    phase: SimDuration,
    /// The last window in which a save began, and whether it is slow.
    window: Option<(u64, bool)>,
}

impl Disk {
    /// The disk of the host of a number, before any save.
    pub fn new(pace: &SavePace, stream: Stream, host: usize) -> Self {
        let phase = if pace.slow_probability > 0.0 {
            let part: f64 = stream.at(Purpose::SlowDiskPhase, host as u64).random();
            SimDuration::from_secs_f64(part * pace.slow_lasts.as_secs_f64())
        } else {
            SimDuration::ZERO
        };
        Self { phase, window: None }
    }

    /// Whether it is slow for a save that begins at `now`; a number `slowed` below the chance makes it so where the
    /// save is the first in its window.
    pub fn is_slow(&mut self, pace: &SavePace, now: SimTime, slowed: f64) -> bool {
        let window = (now + self.phase).0 / pace.slow_lasts.0.max(1);
        match self.window {
            Some((known, is_slow)) if known == window => is_slow,
            _ => {
                let is_slow = slowed < pace.slow_probability;
                self.window = Some((window, is_slow));
                is_slow
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outcome::Cause;
    use crate::model::sample;
    use crate::model::tilt::{Save, SaveTilt, Tilt};

    fn pace() -> SavePace {
        let lasts = SimDuration(4 * SimDuration::HOUR.0);
        SavePace { slow_probability: 0.1, slow_factor: 4.0, slow_lasts: lasts, ..sample::host(0.0).save }
    }

    /// Whether each save of a replication is slow, one every twenty minutes.
    fn saves(stream: Stream, count: u32) -> Vec<bool> {
        let pace = pace();
        let mut disk = Disk::new(&pace, stream, 0);
        let slow = |ordinal: u32| {
            let now = SimTime(u64::from(ordinal) * 20 * SimDuration::MINUTE.0);
            let (_, slowed) = Save::of(Cause::Backup, 0, ordinal).numbers(stream, None);
            disk.is_slow(&pace, now, slowed)
        };
        (0..count).map(slow).collect()
    }

    /// 300 replications of 180 windows: the share of 54,000 windows at 10 % has a standard deviation of 0.13 %. Slow
    /// times in a row are 1/0.9 windows long, some 4,860 of them with a standard deviation of √0.1/0.9 of a window;
    /// those cut at the ends of a replication move their mean by less than 0.02 hours.
    #[test]
    fn a_share_of_the_time_is_slow_for_windows_at_a_time() {
        let (mut slow, mut runs, mut all) = (0, 0, 0);
        for replication in 0..300 {
            let saves = saves(Stream::new(1, replication), 180 * 12);
            slow += saves.iter().filter(|&&is_slow| is_slow).count();
            runs += saves.windows(2).filter(|pair| !pair[0] && pair[1]).count() + usize::from(saves[0]);
            all += saves.len();
        }
        let share = slow as f64 / all as f64;
        assert!((share - 0.1).abs() < 5.0 * 0.0013, "{share}");
        let hours = slow as f64 / runs as f64 / 3.0;
        assert!((hours - 4.0 / 0.9).abs() < 5.0 * 4.0 * 0.35 / 4_860f64.sqrt() + 0.02, "{hours}");
    }

    /// Windows begin at times that are uniform over their length: of 600 changes as many in each of four hours.
    #[test]
    fn windows_keep_to_no_hour_of_the_day() {
        let mut by_hour = [0; 4];
        for replication in 0..600 {
            let phase = Disk::new(&pace(), Stream::new(2, replication), 0).phase;
            by_hour[usize::try_from(phase.0 / SimDuration::HOUR.0).unwrap()] += 1;
        }
        // A binomial of 600 and 1/4 has a standard deviation of 10.6.
        assert!(by_hour.iter().all(|&count: &i32| (count - 150).abs() < 53), "{by_hour:?}");
        let hosts = [0, 1].map(|host| Disk::new(&pace(), Stream::new(2, 0), host).phase);
        assert_ne!(hosts[0], hosts[1]);
    }

    /// Two saves 20 minutes apart lie in one window of an hour with a chance of 2/3, so both are slow with `2p/3 +
    /// p²/3`. A tilt of one of six saves makes it far likelier, and weighs it out: over 40,000 replications, of
    /// weighted variance below 0.12, to 0.0017; the bound is five of those.
    #[test]
    fn a_tilt_weighs_out_where_saves_share_a_window() {
        let pace = SavePace { slow_lasts: SimDuration::HOUR, ..pace() };
        let saves: Vec<Save> = (0..6).map(|ordinal| Save::of(Cause::Backup, 0, ordinal)).collect();
        let save = SaveTilt { saves: saves.clone(), shift: 1.0, slow_probability: 0.6, usual: 0.1 };
        let tilt = Tilt { shifts: Vec::new(), save: Some(save) };
        let (mut met, mut weighed) = (0.0, 0.0);
        for replication in 0..40_000 {
            let stream = Stream::new(3, replication);
            let bad = tilt.bad_save(stream).filter(|_| Tilt::applies_to(stream));
            let mut disk = Disk::new(&pace, stream, 0);
            let slow: Vec<bool> = (0..)
                .zip(&saves)
                .map(|(number, save)| {
                    let now = SimTime(number * 20 * SimDuration::MINUTE.0);
                    disk.is_slow(&pace, now, save.numbers(stream, bad).1)
                })
                .collect();
            if slow[2] && slow[3] {
                met += 1.0 / 40_000.0;
                weighed += tilt.taken(3, replication).weight / 40_000.0;
            }
        }
        assert!((weighed - (0.2 + 0.01) / 3.0).abs() < 5.0 * 0.0017, "{weighed}");
        assert!(met > 1.5 * weighed, "{met} {weighed}");
    }

    #[test]
    fn the_first_save_of_a_window_decides_for_all() {
        let pace = pace();
        let mut disk = Disk { phase: SimDuration::HOUR, window: None };
        let hour = |hours: u64| SimTime(hours * SimDuration::HOUR.0);
        assert!(disk.is_slow(&pace, hour(0), 0.05));
        assert!(disk.is_slow(&pace, hour(2), 0.9), "decided by the first");
        assert!(!disk.is_slow(&pace, hour(3), 0.9), "the next window");
        assert!(!disk.is_slow(&pace, hour(6), 0.05), "decided by the first");
    }
}
