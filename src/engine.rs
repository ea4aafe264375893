//! The discrete-event kernel: a clock, a schedule of typed events and a run loop that always ends.
//!
//! Events at equal times come in the order in which they were scheduled. An event kind that can be pending
//! only once owns a *timer slot* (scheduling it again moves it); kinds that can be pending several times
//! go to a small heap. A host has 3 to 20 events pending, so scanning the slots beats a larger queue.
//! Knows no memory and no server.

mod schedule;
mod timers;

pub use schedule::{Event, Schedule, Ticket};

use crate::units::SimTime;

/// Something that events happen to.
pub trait Process {
    /// Its events.
    type Event: Event;

    /// Lets `event` happen at [`Schedule::now`], and schedules what follows from it.
    fn handle(&mut self, event: Self::Event, schedule: &mut Schedule<Self::Event>);
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The clock reached the horizon; events due later are still pending.
    Horizon,
    /// Nothing was pending any more.
    Idle,
    /// More events happened than allowed: a process that schedules without end. `event` is the name of the last one.
    StepLimit {
        /// The name of the last event handled.
        event: &'static str,
    },
}

/// Runs `process` until `horizon`, at most `step_limit` events. Events due at the horizon itself still happen.
///
/// The clock stands at the horizon afterwards, or at the last event where the step limit was reached.
pub fn run<P: Process>(
    process: &mut P,
    schedule: &mut Schedule<P::Event>,
    horizon: SimTime,
    step_limit: u64,
) -> Stop {
    let mut steps = 0;
    while let Some(event) = schedule.pop_until(horizon) {
        process.handle(event, schedule);
        steps += 1;
        if steps == step_limit {
            return Stop::StepLimit { event: event.name() };
        }
    }
    if schedule.is_empty() { Stop::Idle } else { Stop::Horizon }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::SimDuration;

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Ping {
        Timer,
        Message(u32),
    }

    impl Event for Ping {
        const SLOTS: usize = 1;

        fn slot(self) -> Option<usize> {
            (self == Self::Timer).then_some(0)
        }

        fn name(self) -> &'static str {
            match self {
                Self::Timer => "timer",
                Self::Message(_) => "message",
            }
        }
    }

    #[derive(Default)]
    struct Log {
        seen: Vec<(u64, Ping)>,
        repeat: Option<SimDuration>,
    }

    impl Process for Log {
        type Event = Ping;

        fn handle(&mut self, event: Ping, schedule: &mut Schedule<Ping>) {
            self.seen.push((schedule.now().0, event));
            if let Some(pause) = self.repeat {
                schedule.schedule(schedule.now() + pause, Ping::Timer);
            }
        }
    }

    fn run_log(log: &mut Log, schedule: &mut Schedule<Ping>, horizon: u64, limit: u64) -> Stop {
        run(log, schedule, SimTime(horizon), limit)
    }

    #[test]
    fn equal_times_come_in_order_of_scheduling_whatever_holds_them() {
        let (mut log, mut schedule) = (Log::default(), Schedule::default());
        schedule.schedule(SimTime(5), Ping::Message(1));
        schedule.schedule(SimTime(5), Ping::Timer);
        schedule.schedule(SimTime(5), Ping::Message(2));
        schedule.schedule(SimTime(3), Ping::Message(3));
        assert_eq!(run_log(&mut log, &mut schedule, 10, 100), Stop::Idle);
        let expected =
            [(3, Ping::Message(3)), (5, Ping::Message(1)), (5, Ping::Timer), (5, Ping::Message(2))];
        assert_eq!(log.seen, expected);
    }

    #[test]
    fn a_timer_set_again_moves_and_takes_its_new_place_among_equals() {
        let (mut log, mut schedule) = (Log::default(), Schedule::default());
        schedule.schedule(SimTime(4), Ping::Timer);
        schedule.schedule(SimTime(5), Ping::Message(1));
        schedule.schedule(SimTime(5), Ping::Timer);
        run_log(&mut log, &mut schedule, 10, 100);
        assert_eq!(log.seen, [(5, Ping::Message(1)), (5, Ping::Timer)]);
    }

    #[test]
    fn cancelled_events_never_happen() {
        let (mut log, mut schedule) = (Log::default(), Schedule::default());
        let timer = schedule.schedule(SimTime(1), Ping::Timer);
        let message = schedule.schedule(SimTime(2), Ping::Message(1));
        schedule.schedule(SimTime(3), Ping::Message(2));
        assert!(schedule.cancel(timer) && schedule.cancel(message));
        assert!(!schedule.cancel(timer) && !schedule.cancel(message));
        run_log(&mut log, &mut schedule, 10, 100);
        assert_eq!(log.seen, [(3, Ping::Message(2))]);
    }

    #[test]
    fn a_ticket_of_a_moved_timer_cancels_nothing() {
        let mut schedule = Schedule::default();
        let stale = schedule.schedule(SimTime(1), Ping::Timer);
        schedule.schedule(SimTime(2), Ping::Timer);
        assert!(!schedule.cancel(stale));
        assert_eq!(schedule.pop_until(SimTime(9)), Some(Ping::Timer));
    }

    #[test]
    fn the_horizon_is_included_and_later_events_stay_pending() {
        let (mut log, mut schedule) = (Log::default(), Schedule::default());
        schedule.schedule(SimTime(10), Ping::Message(1));
        schedule.schedule(SimTime(11), Ping::Message(2));
        assert_eq!(run_log(&mut log, &mut schedule, 10, 100), Stop::Horizon);
        assert_eq!(log.seen, [(10, Ping::Message(1))]);
        assert_eq!(schedule.now(), SimTime(10));
    }

    #[test]
    fn a_process_that_never_advances_is_stopped_and_named() {
        let mut log = Log { repeat: Some(SimDuration::ZERO), ..Log::default() };
        let mut schedule = Schedule::default();
        schedule.schedule(SimTime(1), Ping::Timer);
        assert_eq!(run_log(&mut log, &mut schedule, 10, 1_000), Stop::StepLimit { event: "timer" });
        assert_eq!(log.seen.len(), 1_000);
    }
}
