//! How long a supervisor waits before it starts a server again that has died: its back-off.
//!
//! ```text
//! d(n) = min(d(1) 2^(n−1), d_max)      n restarts in a row, d(1) the first delay, d_max the longest
//! ```
//!
//! That is the law of Kubernetes, from 10 seconds up to five minutes; with `d_max` no longer than `d(1)` it is that of
//! a supervisor without a back-off, as systemd is by default. The very first restart is immediate in Kubernetes, and
//! waits for the first delay here. A limit on the number of starts, such as systemd's `StartLimitBurst`, is left out:
//! with a reload that takes any time it is not reached.
//! Source: "Pod Lifecycle", kubernetes.io; `kubelet.go`, `MaxContainerBackOff`, and `flowcontrol/backoff.go`.

use crate::model::host;
use crate::model::observer::Starter;
use crate::units::{SimDuration, SimTime};

/// A server that has run this long since its start, its reload included, is taken to be well: the next delay is the
/// first again. Source: "Pod Lifecycle", kubernetes.io; from its start, as `Backoff.Next` notes it.
const IS_WELL: SimDuration = SimDuration(10 * SimDuration::MINUTE.0);

/// The supervisor of one server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Supervisor {
    /// Restarts in a row.
    restarts: u32,
    /// When the server was started; `None` where it has run since before time 0.
    started_at: Option<SimTime>,
}

impl Supervisor {
    /// The restart of a server that died at `died`.
    pub fn restart(&mut self, server: &host::Server, died: SimTime) -> Starter {
        let is_well = self.started_at.is_none_or(|started| died.since(started) > IS_WELL);
        self.restarts = if is_well { 1 } else { self.restarts.saturating_add(1) };
        let delay = back_off(server.restart_delay, server.restart_delay_max, self.restarts);
        Starter::Supervisor { delay, in_a_row: self.restarts }
    }

    /// Notes that the server is started; by an operator it is as if for the first time.
    pub fn started(&mut self, by: Starter, now: SimTime) {
        self.started_at = Some(now);
        if matches!(by, Starter::Operator { .. }) {
            self.restarts = 0;
        }
    }

    /// Whether the server has been started since time 0.
    pub fn has_restarted(&self) -> bool {
        self.started_at.is_some()
    }
}

/// The delay before the n-th restart in a row, from 1.
fn back_off(first: SimDuration, longest: SimDuration, n: u32) -> SimDuration {
    let doubled = 1u64.checked_shl(n.saturating_sub(1)).unwrap_or(u64::MAX);
    SimDuration(first.0.saturating_mul(doubled).min(longest.0.max(first.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    fn seconds(value: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(value)
    }

    /// Delays of a server that is killed so long after each of its starts \[s\].
    fn delays(first: u64, longest: u64, lives: &[u64]) -> Vec<u64> {
        let mut server = sample::host(0.0).server;
        server.restart_delay = SimDuration::from_secs(first);
        server.restart_delay_max = SimDuration::from_secs(longest);
        let (mut supervisor, mut now) = (Supervisor::default(), seconds(0));
        let mut delay = |&life: &u64| {
            now = now + SimDuration::from_secs(life);
            let starter = supervisor.restart(&server, now);
            now = now + starter.delay();
            supervisor.started(starter, now);
            starter.delay().0 / SimDuration::SECOND.0
        };
        lives.iter().map(&mut delay).collect()
    }

    /// Known answer: 10, 20, 40 ... 160 seconds and then five minutes, as Kubernetes documents it.
    #[test]
    fn the_delay_doubles_with_each_restart_in_a_row_up_to_the_longest() {
        assert_eq!(delays(10, 300, &[60; 8]), [10, 20, 40, 80, 160, 300, 300, 300]);
        assert_eq!(delays(10, 300, &[60; 80])[79], 300);
    }

    #[test]
    fn a_server_that_has_run_for_more_than_ten_minutes_is_started_as_at_first() {
        assert_eq!(delays(10, 300, &[86_400, 60, 600, 601, 60]), [10, 20, 40, 10, 20]);
    }

    #[test]
    fn a_longest_delay_below_the_first_is_no_back_off() {
        assert_eq!(delays(10, 0, &[60; 4]), [10; 4]);
        assert_eq!(delays(10, 10, &[60; 4]), [10; 4]);
        assert_eq!(delays(0, 300, &[60; 4]), [0; 4]);
    }

    #[test]
    fn after_an_operator_the_supervisor_begins_anew() {
        let server = sample::host(0.0).server;
        let mut supervisor = Supervisor::default();
        for _ in 0..3 {
            let starter = supervisor.restart(&server, seconds(60));
            supervisor.started(starter, seconds(60));
        }
        supervisor.started(Starter::Operator { after: SimDuration::HOUR }, seconds(3_600));
        let first = Starter::Supervisor { delay: server.restart_delay, in_a_row: 1 };
        assert_eq!(supervisor.restart(&server, seconds(3_660)), first);
    }
}
