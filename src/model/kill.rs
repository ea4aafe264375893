//! The OOM killer at work: whom it takes on a host, what that frees, and whom a supervisor or a control group takes
//! with it.
//!
//! The servers of the host and their children are the only candidates: other processes are taken as smaller, as they
//! are on a host that serves a database.

use crate::engine::Schedule;
use crate::memory::child;
use crate::memory::oom::{self, CHILD_SCORE_ADJ, Process, SERVER_FILE_PAGES};
use crate::model::Event;
use crate::model::life::Life;
use crate::model::observer::{Happening, Observer};
use crate::model::outcome::{Cause, Kill, Victim};
use crate::model::server::Phase;
use crate::units::{Bytes, SimTime};

/// A process that the OOM killer may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Candidate {
    server: usize,
    victim: Victim,
    process: Process,
}

/// The process that it takes, its badness, and that of its parent or child \[pages\].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Choice {
    taken: Candidate,
    badness: i64,
    other_badness: Option<i64>,
}

impl<O: Observer> Life<'_, O> {
    /// The stall of a host is over: the killer comes.
    pub(super) fn stall_ends(&mut self, host: usize, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        let before = self.state.ledger(host, now);
        let (server, cause) = self.culprit(host);
        if !self.state.is_exhausted(host, now) {
            return self.stall_is_over(host, server, cause, schedule);
        }
        let choice = self.choose_victim(host, now);
        self.settle_host(host, now);
        let stalled = self.end_stall(host, now);
        let Some(Choice { taken, badness, other_badness }) = choice else { return };
        self.state.split_huge_pages(taken.server, now);
        let kills_group = self.host().machine.container.is_some_and(|container| container.kills_group);
        let failed = self.take_down(taken, kills_group, schedule);
        let freed = before.in_use().saturating_sub(self.state.ledger(host, now).in_use());
        let victim = if kills_group { Victim::Server } else { taken.victim };
        self.book_kill(Kill { at: now, victim, cause });
        self.tell(
            now,
            taken.server,
            Happening::Killed { victim, badness, other_badness, cause, freed, stalled },
        );
        if victim == Victim::Child {
            self.book_stall(cause, stalled);
            self.child_was_killed(taken.server, failed, schedule);
        } else {
            self.count_kill(taken.server, cause, now);
            self.server_is_gone(taken.server, schedule);
        }
        self.relieved(host, schedule);
        self.loads_changed(host, schedule);
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

    /// The process that the killer takes on a host; `None` where nobody may be taken.
    ///
    /// Copies change no resident set, as shared pages count in full in both; growth since the fork counts in the server
    /// alone.
    fn choose_victim(&self, host: usize, now: SimTime) -> Option<Choice> {
        let machine = &self.host().machine;
        let total = self.state.simulation.memory() + machine.swap;
        let mut candidates: Vec<Candidate> = Vec::new();
        for server in self.state.tenants(host) {
            self.add_candidates(server, now, &mut candidates);
        }
        let processes: Vec<Process> = candidates.iter().map(|candidate| candidate.process).collect();
        let index = oom::victim(machine.kill_rule, &processes, total, machine.page_size)?;
        let taken = candidates[index];
        let badness = |of: &Candidate| {
            oom::oom_badness(of.process.candidate, total, machine.page_size).unwrap_or(i64::MIN)
        };
        let other =
            candidates.iter().find(|other| other.server == taken.server && other.victim != taken.victim);
        Some(Choice { taken, badness: badness(&taken), other_badness: other.map(badness) })
    }

    /// Adds a server and its child, as far as they live, the older first.
    fn add_candidates(&self, server: usize, now: SimTime, candidates: &mut Vec<Candidate>) {
        let page_size = self.host().machine.page_size.0;
        let weight = |resident: Bytes, score_adj| {
            let page_tables = Bytes::from_f64(child::page_tables(resident.as_f64(), page_size));
            oom::Candidate { resident, swapped: Bytes::ZERO, page_tables, score_adj }
        };
        let state = &self.state.servers[server];
        let mut parent = None;
        if matches!(state.phase, Phase::Serving | Phase::Loading { .. }) {
            let resident = Bytes::from_f64(self.state.resident(server, now)) + SERVER_FILE_PAGES;
            parent = Some(candidates.len());
            let process = Process { candidate: weight(resident, 0), parent: None };
            candidates.push(Candidate { server, victim: Victim::Server, process });
        }
        if let Some(saving) = &state.child {
            let score_adj = if self.host().server.oom_score_adj { CHILD_SCORE_ADJ } else { 0 };
            let process = Process { candidate: weight(Bytes::from_f64(saving.resident), score_adj), parent };
            candidates.push(Candidate { server, victim: Victim::Child, process });
        }
    }

    /// Takes the process down, and with a group everything of its server; returns what the child was for if it alone
    /// is taken.
    fn take_down(&mut self, taken: Candidate, group: bool, schedule: &mut Schedule<Event>) -> Option<Cause> {
        if !group && taken.victim == Victim::Child {
            return self.end_child(taken.server, schedule);
        }
        self.kill_server(taken.server, !group, schedule);
        None
    }

    /// Ends the child of a server, if it has one: frees the old copies, which only the child maps, and its page tables.
    /// Returns what it was for.
    pub(super) fn end_child(&mut self, server: usize, schedule: &mut Schedule<Event>) -> Option<Cause> {
        schedule.clear(Event::ChildExit(server));
        self.state.servers[server].child.take().map(|child| child.cause)
    }

    /// What follows the kill of a child: the save failed, and the supervisor may stop the server for it.
    fn child_was_killed(&mut self, server: usize, failed: Option<Cause>, schedule: &mut Schedule<Event>) {
        if let Some(cause) = failed {
            self.save_failed(server, cause, schedule);
        }
        let is_up = self.state.servers[server].phase == Phase::Serving;
        if is_up && self.host().server.oom_policy.ends_server() {
            let cause = failed.unwrap_or(Cause::Growth);
            self.book_kill(Kill { at: schedule.now(), victim: Victim::Server, cause });
            self.tell(schedule.now(), server, Happening::Stopped);
            self.count_kill(server, cause, schedule.now());
            self.server_dies(server, schedule);
        }
    }

    /// Frees the new copies and what has grown since the fork, which only the server maps; the snapshot stays with its
    /// child, if that outlives it, until it notices. Whatever the child was for has failed, and a backup that was under
    /// way or waited makes room for the next of a series.
    pub(super) fn kill_server(
        &mut self,
        server: usize,
        child_outlives: bool,
        schedule: &mut Schedule<Event>,
    ) {
        let kinds = [
            Event::ChildExit,
            Event::SavePointDue,
            Event::RewriteDue,
            Event::BackupRetry,
            Event::FullSyncDue,
            Event::BufferLimit,
            Event::ReplicaLoaded,
            Event::LinkFound,
            Event::ForklessDone,
            Event::BackupLimit,
            Event::Loaded,
        ];
        for event in kinds {
            schedule.clear(event(server));
        }
        let state = &mut self.state.servers[server];
        state.kills += 1;
        state.died_at = Some(schedule.now());
        let child = state.child.take();
        let was_saving = child.as_ref().is_some_and(|child| child.cause == Cause::Backup);
        let was_backing_up = state.backup.is_some() || was_saving || state.backup_waits;
        state.backup_waits = false;
        self.outcome.save_failures += u32::from(child.is_some());
        state.phase = match child {
            Some(orphan) if child_outlives => Phase::Orphaned { snapshot: orphan.resident },
            _ => Phase::Dead,
        };
        if was_backing_up {
            self.backup_ended(server, schedule);
        }
    }

    /// What follows the death of a server, for its child, its shard and its supervisor.
    pub(super) fn server_is_gone(&mut self, server: usize, schedule: &mut Schedule<Event>) {
        if matches!(self.state.servers[server].phase, Phase::Orphaned { .. }) {
            self.schedule_orphan_exit(server, schedule);
        } else {
            self.schedule_restart(server, schedule);
        }
        let shard = self.state.shard_of(server);
        if self.state.servers[server].link.is_none() {
            self.primary_died(shard, schedule);
        } else {
            self.replica_died(server, schedule);
        }
        self.schedule_exhaustion(self.state.host_of(server), schedule);
    }

    /// A server ends without the OOM killer: it aborts, or its supervisor stops it.
    pub(super) fn server_dies(&mut self, server: usize, schedule: &mut Schedule<Event>) {
        self.kill_server(server, false, schedule);
        self.server_is_gone(server, schedule);
    }
}
