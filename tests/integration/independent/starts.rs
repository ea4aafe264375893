//! Who starts a server again that was killed, and after how long.

use forkcast::model::host::Server;

use super::dice::Dice;

/// Kills in a row, each so soon after a reload \[s\] and no save between them, after which an operator has to come.
const CRASH_LOOP: (u32, f64) = (3, 3600.0);
/// A server that has run this long since its start is well, and its supervisor waits as little as at first \[s\].
const IS_WELL: f64 = 600.0;

/// The starts of one server.
pub(super) struct Starts {
    kills_in_a_row: u32,
    restarts_in_a_row: i32,
    started_at: f64,
    loaded_at: f64,
}

impl Starts {
    pub(super) fn none() -> Self {
        Self {
            kills_in_a_row: 0,
            restarts_in_a_row: 0,
            started_at: f64::NEG_INFINITY,
            loaded_at: f64::NEG_INFINITY,
        }
    }

    pub(super) fn started(&mut self, now: f64) {
        self.started_at = now;
    }

    pub(super) fn loaded(&mut self, now: f64) {
        self.loaded_at = now;
    }

    /// A child has ended well.
    pub(super) fn saved(&mut self) {
        self.kills_in_a_row = 0;
    }

    /// How long a server that is killed at `now` waits for its next start.
    pub(super) fn killed(&mut self, server: &Server, now: f64, dice: &mut Dice) -> f64 {
        let (most, window) = CRASH_LOOP;
        self.kills_in_a_row = if now - self.loaded_at <= window { self.kills_in_a_row + 1 } else { 1 };
        if self.kills_in_a_row == most {
            (self.kills_in_a_row, self.restarts_in_a_row) = (0, 0);
            return dice.of_interval(server.operator_arrives_after);
        }
        if now - self.started_at > IS_WELL {
            self.restarts_in_a_row = 0;
        }
        let first = server.restart_delay.as_secs_f64();
        let longest = server.restart_delay_max.as_secs_f64().max(first);
        let delay = (first * 2f64.powi(self.restarts_in_a_row)).min(longest);
        self.restarts_in_a_row += 1;
        delay
    }
}
