//! Forks that the kernel refuses, and what the server does then.
//!
//! The servers are taken as started under the mode that is set, so that mode 2 counts their heaps.

use crate::engine::Schedule;
use crate::memory::overcommit::{ForkRequest, HeapMapping, fork_is_admitted};
use crate::model::Event;
use crate::model::life::Life;
use crate::model::observer::{Happening, Observer};
use crate::model::outcome::Cause;
use crate::units::SimTime;

impl<O: Observer> Life<'_, O> {
    /// Whether the kernel lets a server fork.
    pub(super) fn is_fork_admitted(&self, server: usize, now: SimTime) -> bool {
        let machine = &self.host().machine;
        // Both allocators that are modelled are jemalloc 5.
        if !HeapMapping::Jemalloc5.is_counted(machine.overcommit) {
            return true;
        }
        let host = self.state.host_of(server);
        let others = self.state.tenants(host).filter(|&other| other != server);
        let of_others: f64 = others.map(|other| self.committed(other, now)).sum();
        let request = ForkRequest {
            kernel: machine.kernel,
            counted: self.state.resident(server, now),
            committed_elsewhere: self.state.drawn.reserved + of_others,
            ram: machine.ram.as_f64(),
            swap: machine.swap.as_f64(),
            free: self.state.ledger(host, now).available().as_f64(),
        };
        fork_is_admitted(machine.overcommit, &request)
    }

    /// What the kernel has promised to a server and its child \[bytes\].
    fn committed(&self, server: usize, now: SimTime) -> f64 {
        let child = self.state.servers[server].child.as_ref();
        self.state.resident(server, now) + child.map_or(0.0, |child| child.resident)
    }

    /// The kernel refused a fork: the save failed, without a child.
    pub(super) fn fork_refused(&mut self, server: usize, cause: Cause, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        self.outcome.forks_refused[cause] += 1;
        self.state.servers[server].snapshot.refused += 1;
        self.tell(now, server, Happening::ForkRefused { cause });
        self.save_failed(server, cause, schedule);
        self.schedule_forks(server, schedule);
    }
}
