//! A server that is killed whenever it has been started, and the operator who ends that.
//!
//! Its supervisor would start it again and again; nothing comes of it, so that the kill that shows the loop stands for
//! all until an operator arrives. He starts the server with what it kept, and with him everything begins anew: what
//! killed it has passed meanwhile, or it is in a loop again soon, kill by kill. That he may mend what is wrong, raise a
//! limit or move to a larger host, is left out; so is one who comes for anything but a loop.

use rand::RngExt;

use crate::engine::Schedule;
use crate::model::Event;
use crate::model::life::{Life, occasion};
use crate::model::observer::{Happening, Observer, Starter};
use crate::model::outcome::{Cause, Kill, Victim};
use crate::model::server::{Phase, Server};
use crate::rng::Purpose;
use crate::units::{SimDuration, SimTime};

/// A server killed this many times in a row, each time within [`WINDOW`] of its reload and without a save that
/// succeeded between them, is taken to be in a crash loop: the append-only file is rewritten as soon as it is loaded,
/// or the data no longer fits. An assumption of this project; a supervisor's own limit (`StartLimitBurst`) is of the
/// same kind and stops sooner.
const KILLS: u32 = 3;

/// See [`KILLS`].
const WINDOW: SimDuration = SimDuration::HOUR;

impl Server {
    /// Whether a kill at `now` is soon after a reload, or in the middle of it.
    fn is_hardly_up(&self, now: SimTime) -> bool {
        let is_soon = self.loaded_at.is_none_or(|loaded| now.since(loaded) <= WINDOW);
        self.supervisor.has_restarted() && is_soon
    }
}

impl<O: Observer> Life<'_, O> {
    /// Counts a kill of a server, which is not started again yet: with the last of a row it waits for an operator.
    pub(super) fn count_kill(&mut self, server: usize, cause: Cause, now: SimTime) {
        let state = &mut self.state.servers[server];
        state.kills_in_a_row = if state.is_hardly_up(now) { state.kills_in_a_row + 1 } else { 1 };
        if state.kills_in_a_row >= KILLS {
            self.begin_crash_loop(server, cause, now);
        }
    }

    /// A server has got through a save: whatever kills it next begins a row of its own.
    pub(super) fn end_row_of_kills(&mut self, server: usize) {
        self.state.servers[server].kills_in_a_row = 0;
    }

    /// Nothing will change by itself any more: the server waits for an operator.
    fn begin_crash_loop(&mut self, server: usize, cause: Cause, now: SimTime) {
        let state = &mut self.state.servers[server];
        state.crash_loops += 1;
        let in_a_row = std::mem::take(&mut state.kills_in_a_row);
        let occasion = occasion(server, state.crash_loops);
        let u: f64 = self.stream.at(Purpose::OperatorArrival, occasion).random();
        let after = SimDuration::from_secs_f64(self.host().server.operator_arrives_after.quantile(u));
        self.state.servers[server].starter = Some(Starter::Operator { after });
        self.tell(now, server, Happening::CrashLoop { cause, in_a_row, operator_after: after });
    }

    /// A server does not get through the load of its own files, however often its supervisor starts it: it is in a
    /// crash loop at once.
    pub(super) fn does_not_load(&mut self, server: usize, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        let Phase::Loading { until, .. } = self.state.servers[server].phase else { return };
        let host = self.state.host_of(server);
        let needed = self.state.demand(host, until).unreclaimable();
        let (cause, capacity) = (Cause::Growth, self.state.simulation.capacity());
        self.kill_server(server, false, schedule);
        self.book_kill(Kill { at: now, victim: Victim::Server, cause });
        self.tell(now, server, Happening::KilledLoading { needed, capacity });
        self.state.servers[server].kills_in_a_row += 1;
        self.begin_crash_loop(server, cause, now);
        self.server_is_gone(server, schedule);
        self.relieved(host, schedule);
    }
}
