//! When memory runs out, and what the kernel does before it kills: it swaps where it can, and looks for more until
//! nobody gets on.

use rand::RngExt;
use rand_distr::StandardNormal;

use crate::engine::Schedule;
use crate::memory::{stall, swap};
use crate::model::Event;
use crate::model::life::Life;
use crate::model::load::first_instant;
use crate::model::observer::{Happening, Observer};
use crate::model::outcome::{Cause, STALL_INCIDENT};
use crate::model::peak::first_crossing;
use crate::model::server::{Link, Phase};
use crate::model::state::{HostState, Stall, State};
use crate::rng::Purpose;
use crate::units::{Bytes, SimDuration, SimTime};

impl State<'_> {
    /// What may be asked for on a host before something happens: its servers are swapped out, slowed down or killed.
    fn threshold(&self, host: usize) -> Bytes {
        let capacity = self.simulation.capacity();
        let swap = if self.hosts[host].is_swapping { self.host().machine.swap } else { Bytes::ZERO };
        match self.simulation.throttled_from() {
            Some(slowed) if self.hosts[host].stall.is_none() => slowed.min(capacity + swap),
            _ => capacity + swap,
        }
    }

    /// Whether more memory is asked for on a host at `at` than it has.
    pub(super) fn is_exhausted(&self, host: usize, at: SimTime) -> bool {
        self.demand(host, at).unreclaimable() > self.threshold(host)
    }

    /// When what a server is doing ends and its memory with it.
    fn ends(&self, server: usize) -> impl Iterator<Item = SimTime> {
        let state = &self.servers[server];
        let loading = match state.phase {
            Phase::Loading { until, .. } => Some(until),
            _ => None,
        };
        let of_child = state.child.as_ref().map(|child| child.pace.exits_at);
        let of_sync = |link: Option<Link>| match link {
            Some(Link::Receiving(sync)) => Some(sync.sent_at),
            Some(Link::Loading { until, .. }) => Some(until),
            _ => None,
        };
        let of_replicas =
            self.replicas_of(server).filter_map(move |replica| of_sync(self.servers[replica].link));
        loading.into_iter().chain(of_child).chain(of_sync(state.link)).chain(of_replicas)
    }
}

impl<O: Observer> Life<'_, O> {
    /// Schedules the moment at which a host runs out of memory.
    pub(super) fn schedule_exhaustion(&mut self, host: usize, schedule: &mut Schedule<Event>) {
        schedule.clear(Event::MemoryExhausted(host));
        if self.is_outdone(host) {
            return;
        }
        if let Some(at) = self.exhaustion(host, schedule.now()) {
            schedule.schedule(at, Event::MemoryExhausted(host));
        }
    }

    /// When memory runs out on a host if nothing else happens: until a child exits, data is loaded, or the horizon.
    fn exhaustion(&self, host: usize, now: SimTime) -> Option<SimTime> {
        let state = &self.state;
        if state.hosts[host].stall.is_some_and(|stall| stall.kills) {
            return None;
        }
        let is_alive =
            |&server: &usize| matches!(state.servers[server].phase, Phase::Serving | Phase::Loading { .. });
        let ends = state.tenants(host).flat_map(|server| state.ends(server)).filter(|&end| end > now);
        let until = match ends.min() {
            Some(end) => end,
            None if !state.tenants(host).any(|server| is_alive(&server)) => return None,
            None if state.grows => self.horizon,
            None => now,
        };
        let until = until.min(self.horizon);
        let is_exhausted = |at| state.is_exhausted(host, at);
        let children = state.tenants(host).filter_map(|server| state.servers[server].child.as_ref());
        let peaks = children.filter_map(|child| child.peaks).map(|peaks| peaks.demand);
        match peaks.filter(|&peak| peak > now).min() {
            Some(peak) => first_crossing(now, until, peak.min(until), is_exhausted),
            None => first_instant(now, until, is_exhausted),
        }
    }

    /// A host has no memory left, or its container has passed `memory.high`.
    pub(super) fn memory_exhausted(&mut self, host: usize, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        let simulation = self.state.simulation;
        let asked = self.state.demand(host, now).unreclaimable();
        let loading = self
            .state
            .tenants(host)
            .find(|&server| matches!(self.state.servers[server].phase, Phase::Loading { .. }));
        if asked <= simulation.capacity() {
            self.begin_stall(host, false, schedule);
        } else if simulation.host().machine.swap > Bytes::ZERO && !self.state.hosts[host].is_swapping {
            self.begin_swapping(host, schedule);
        } else if let Some(server) = loading.filter(|_| !self.has_children(host)) {
            self.does_not_load(server, schedule);
        } else {
            self.begin_stall(host, true, schedule);
        }
    }

    /// Whether a child is alive on a host: what it takes is given back soon.
    fn has_children(&self, host: usize) -> bool {
        self.state.tenants(host).any(|server| self.state.servers[server].child.is_some())
    }

    /// What is forked on a host and asks for memory, or the growth of its data.
    pub(super) fn culprit(&self, host: usize) -> (usize, Cause) {
        let forked = self
            .state
            .tenants(host)
            .find_map(|server| self.state.servers[server].child.as_ref().map(|child| (server, child.cause)));
        let syncs = |server: usize| self.state.ends(server).next().is_some() && self.state.members() > 1;
        forked.unwrap_or_else(|| {
            let syncing = self.state.tenants(host).find(|&server| syncs(server));
            syncing.map_or((host, Cause::Growth), |server| (server, Cause::FullSync))
        })
    }

    /// Everybody on a host waits for memory. With `kills` the children get nowhere either, until the OOM killer comes;
    /// else those who ask for more are slowed until the child is gone.
    fn begin_stall(&mut self, host: usize, kills: bool, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        let (server, cause) = self.culprit(host);
        let cache = self.state.demand(host, now).cache;
        self.settle_host(host, now);
        if let Some(slowed) = self.state.hosts[host].stall {
            self.close_stall(host, slowed, now);
        }
        self.state.hosts[host].stall = Some(Stall { since: now, cause, kills });
        self.tell(now, server, Happening::StallBegan { cause });
        if kills {
            self.stalls += 1;
            let z: f64 = self.stream.at(Purpose::Stall, self.stalls).sample(StandardNormal);
            let pause = SimDuration::from_secs_f64(stall::stall_seconds(z, cache.as_f64()));
            schedule.schedule(now + pause, Event::StallEnd(host));
            self.state.hold_up(host, now, pause);
            self.children_delayed(host, schedule);
        }
        self.loads_changed(host, schedule);
    }

    /// The loads of the shards on a host have changed.
    pub(super) fn loads_changed(&mut self, host: usize, schedule: &mut Schedule<Event>) {
        for server in self.state.tenants(host) {
            self.load_changed(self.state.shard_of(server), schedule);
        }
    }

    /// The children on a host exit at other times than was foreseen.
    fn children_delayed(&mut self, host: usize, schedule: &mut Schedule<Event>) {
        for server in self.state.tenants(host) {
            if let Some(child) = &self.state.servers[server].child {
                schedule.schedule(child.pace.exits_at, Event::ChildExit(server));
                self.sync_delayed(server, schedule);
            }
        }
    }

    /// The stall of a host is over; returns how long it was. The books of its shards must be settled.
    pub(super) fn end_stall(&mut self, host: usize, now: SimTime) -> SimDuration {
        let Some(stall) = self.state.hosts[host].stall.take() else { return SimDuration::ZERO };
        self.close_stall(host, stall, now)
    }

    /// Books a stall; nobody was served in it as far as a primary on the host was up meanwhile.
    fn close_stall(&mut self, host: usize, stall: Stall, now: SimTime) -> SimDuration {
        let duration = now.since(stall.since);
        let primaries = self.state.tenants(host).filter(|&server| self.state.servers[server].link.is_none());
        let shards = primaries.map(|server| &self.state.shards[self.state.shard_of(server)]);
        let up = shards.filter(|shard| shard.down_since.is_none());
        let unserved = up.map(|shard| now.since(stall.since.max(shard.served_since))).max();
        self.outcome.downtime += unserved.unwrap_or(SimDuration::ZERO);
        self.outcome.longest_stall = self.outcome.longest_stall.max(duration);
        duration
    }

    /// Books a stall that did not end with a killed server.
    pub(super) fn book_stall(&mut self, cause: Cause, duration: SimDuration) {
        if duration > STALL_INCIDENT {
            self.outcome.stalls[cause] += 1;
        }
    }

    /// A child has gone: whoever was slowed or swapped on its host recovers if there is memory again.
    pub(super) fn relieved(&mut self, host: usize, schedule: &mut Schedule<Event>) {
        if self.state.hosts[host] == HostState::default() {
            return;
        }
        let now = schedule.now();
        let asked = self.state.demand(host, now).unreclaimable();
        if asked > self.state.simulation.capacity() {
            return;
        }
        self.state.hosts[host].is_swapping = false;
        let is_below = self.state.simulation.throttled_from().is_none_or(|slowed| asked <= slowed);
        if let Some(stall) = self.state.hosts[host].stall.filter(|stall| !stall.kills && is_below) {
            self.stall_is_over(host, host, stall.cause, schedule);
        }
    }

    /// A host goes on without a kill after a stall that `cause` brought about; `server` is told of.
    pub(super) fn stall_is_over(
        &mut self,
        host: usize,
        server: usize,
        cause: Cause,
        schedule: &mut Schedule<Event>,
    ) {
        let now = schedule.now();
        self.settle_host(host, now);
        let duration = self.end_stall(host, now);
        self.book_stall(cause, duration);
        self.tell(now, server, Happening::StallEnded { duration });
        self.loads_changed(host, schedule);
    }

    /// The kernel begins to swap: every child on the host needs many times longer from now on.
    fn begin_swapping(&mut self, host: usize, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        self.state.hosts[host].is_swapping = true;
        let (server, _) = self.culprit(host);
        self.tell(now, server, Happening::SwapBegan { slowed: swap::SAVE_SLOWDOWN });
        self.settle_host(host, now);
        for server in self.state.tenants(host) {
            if let Some(child) = &mut self.state.servers[server].child {
                child.pace = child.pace.slowed(now, swap::SAVE_SLOWDOWN);
            }
        }
        self.children_delayed(host, schedule);
        self.loads_changed(host, schedule);
    }
}
