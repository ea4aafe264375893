//! What happens when memory runs out: the kernel has dropped what cache it could, free memory is at the min
//! watermark, and the OOM killer takes the worst process.
//!
//! The server and its child are the only candidates: other processes are taken as smaller, as they are on a host
//! that serves a database. The stall before the kill is not modelled.

use crate::engine::Schedule;
use crate::memory::child;
use crate::memory::oom::{CHILD_SCORE_ADJ, Candidate, SERVER_FILE_PAGES, oom_badness};
use crate::model::Event;
use crate::model::ledger::Ledger;
use crate::model::life::Life;
use crate::model::observer::{Happening, Observer};
use crate::model::outcome::{Cause, Kill, Victim};
use crate::model::state::Phase;
use crate::units::{Bytes, SimTime};

/// The worst process, its badness and the other's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Choice {
    victim: Victim,
    badness: i64,
    other_badness: Option<i64>,
}

impl<O: Observer> Life<'_, O> {
    /// Free memory is at the watermark and demand goes on; `before` is the ledger as the killer finds it.
    pub(super) fn memory_exhausted(&mut self, before: &Ledger, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        if let Phase::Loading { until, .. } = self.state.phase {
            let need = self.state.demand(until).unreclaimable();
            return self.crash_loop(Cause::Growth, Some(need), schedule);
        }
        let choice = self.choose_victim(before.resident);
        let cause = self.state.child.as_ref().map_or(Cause::Growth, |child| child.cause);
        self.state.split_huge_pages(now);
        self.settle(now);
        if choice.victim == Victim::Server && self.is_crash_loop(now) {
            return self.crash_loop(cause, None, schedule);
        }
        match choice.victim {
            Victim::Child => self.kill_child(schedule),
            Victim::Server => self.kill_server(now, schedule),
        }
        let freed = before.in_use().saturating_sub(self.state.ledger(now).in_use());
        self.book_kill(Kill { at: now, victim: choice.victim, cause });
        let Choice { victim, badness, other_badness } = choice;
        self.tell(now, Happening::Killed { victim, badness, other_badness, cause, freed });
        if victim == Victim::Child {
            self.save_failed(now, cause);
            self.schedule_next(schedule);
        }
    }

    pub(super) fn book_kill(&mut self, kill: Kill) {
        self.outcome.first_kill.get_or_insert(kill);
        match kill.victim {
            Victim::Server => {
                self.outcome.first_server_kill.get_or_insert(kill);
                self.outcome.server_kills[kill.cause] += 1;
            }
            Victim::Child => self.outcome.child_kills[kill.cause] += 1,
        }
    }

    /// The process with the larger badness; the younger one, the child, on an exact tie.
    ///
    /// Copies change neither resident set, as the shared pages count in full in both; growth since the fork counts
    /// in the server alone.
    fn choose_victim(&self, resident: Bytes) -> Choice {
        let machine = &self.host().machine;
        let badness = |resident: Bytes, score_adj| {
            let tables = child::page_tables(resident.as_f64(), machine.page_size.0);
            let page_tables = Bytes::from_f64(tables);
            let candidate = Candidate { resident, swapped: Bytes::ZERO, page_tables, score_adj };
            oom_badness(candidate, machine.ram, machine.page_size).unwrap_or(i64::MIN)
        };
        let server = badness(resident + SERVER_FILE_PAGES, 0);
        let score_adj = if self.host().server.oom_score_adj { CHILD_SCORE_ADJ } else { 0 };
        let child =
            self.state.child.as_ref().map(|saving| badness(Bytes::from_f64(saving.resident), score_adj));
        match child {
            Some(child) if child >= server => {
                Choice { victim: Victim::Child, badness: child, other_badness: Some(server) }
            }
            _ => Choice { victim: Victim::Server, badness: server, other_badness: child },
        }
    }

    /// Frees the old copies, which only the child maps, and its page tables.
    fn kill_child(&mut self, schedule: &mut Schedule<Event>) {
        schedule.clear(Event::ChildExit);
        self.state.child = None;
    }

    /// Frees the new copies and what has grown since the fork, which only the server maps; the snapshot stays with its
    /// child until that notices.
    fn kill_server(&mut self, now: SimTime, schedule: &mut Schedule<Event>) {
        for event in [Event::ChildExit, Event::SavePointDue, Event::RewriteDue, Event::BackupRetry] {
            schedule.clear(event);
        }
        self.server_kills += 1;
        self.down_since = Some(now);
        self.backup_waits = false;
        if let Some(orphan) = self.state.child.take() {
            self.outcome.save_failures += 1;
            self.state.phase = Phase::Orphaned { snapshot: orphan.resident };
            self.schedule_orphan_exit(schedule);
        } else {
            self.state.phase = Phase::Dead;
            self.schedule_restart(schedule);
        }
    }
}
