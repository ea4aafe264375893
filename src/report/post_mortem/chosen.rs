//! Which events a post-mortem tells: what led to the trouble, the trouble, and how it ended.

use std::collections::BTreeSet;

use crate::model::{Happening, Place, Victim};
use crate::sweep::trace::{Happened, Trace};
use crate::units::SimTime;

/// Events told before and after what went wrong; the rest stay in `trace/events.csv`.
const AROUND: usize = 3;

/// The most events told in a row.
const MOST: usize = 40;

/// Full syncs cut short in a row that make a loop.
const LOOP: u32 = 3;

/// Indices of the events to tell, ascending.
pub(super) fn chosen(trace: &Trace) -> Vec<usize> {
    let happenings = &trace.happenings;
    if happenings.is_empty() {
        return Vec::new();
    }
    let trouble = trouble(happenings);
    let centre = trouble.unwrap_or_else(|| closest_call(trace));
    let begin = began(happenings, centre);
    let last = crash_loop_of(happenings, centre).unwrap_or(centre);
    let over = if trouble.is_some() { over(happenings, last) } else { centre };
    let from = begin.max(centre.saturating_sub(MOST / 2)).min(centre.saturating_sub(AROUND));
    let end = (over + 1).max(centre + AROUND).min(happenings.len() - 1);
    let mut told: BTreeSet<usize> = (from..=end.min(from + MOST)).collect();
    told.extend([begin, over]);
    told.into_iter().collect()
}

/// What went wrong first: a kill where there is any, or else a loop or a stall, or else what was cut short or refused.
fn trouble(happenings: &[Happened]) -> Option<usize> {
    let ranks: [fn(&Happening) -> bool; 3] = [
        |happening| matches!(happening, Happening::Killed { .. } | Happening::KilledLoading { .. }),
        |happening| match happening {
            Happening::ReplicaDropped { in_a_row, .. } => *in_a_row >= LOOP,
            Happening::StallBegan { .. } | Happening::ReplicaPanicked => true,
            _ => false,
        },
        |happening| {
            matches!(
                happening,
                Happening::ReplicaDropped { .. }
                    | Happening::BackupDropped { .. }
                    | Happening::ForkRefused { .. }
                    | Happening::SwapBegan { .. }
            )
        },
    ];
    let first = |is_such: fn(&Happening) -> bool| happenings.iter().position(|h| is_such(&h.happening));
    ranks.into_iter().find_map(first)
}

/// What happened at the tightest moment of any host, or first after it.
fn closest_call(trace: &Trace) -> usize {
    let samples = trace.hosts.iter().flatten();
    let tightest = samples.min_by_key(|(_, sample)| sample.ledger.available());
    let at = tightest.map_or(SimTime::ZERO, |(at, _)| *at);
    let after = trace.happenings.iter().position(|happened| happened.at >= at);
    after.unwrap_or(trace.happenings.len() - 1)
}

/// Where the story of `centre` begins: where the first of the full syncs cut short in a row was asked for, or at the
/// fork of the child that was alive.
fn began(happenings: &[Happened], centre: usize) -> usize {
    let Happened { place, happening, .. } = happenings[centre];
    let is_first_cut = |h: &Happened| {
        h.place.host == place.host && matches!(h.happening, Happening::ReplicaDropped { in_a_row: 1, .. })
    };
    let is_fork = |h: &Happened| {
        (h.place.host, h.place.tenant) == (place.host, place.tenant)
            && matches!(h.happening, Happening::Forked { .. })
    };
    let is_wanted =
        |h: &Happened| h.place.host == place.host && matches!(h.happening, Happening::FullSyncWanted { .. });
    let before = |end: usize| happenings[..end].iter();
    let began = match happening {
        Happening::ReplicaDropped { in_a_row, .. } => {
            let first = if in_a_row > 1 { before(centre).rposition(is_first_cut) } else { None };
            before(first.unwrap_or(centre)).rposition(is_wanted)
        }
        _ => before(centre).rposition(is_fork),
    };
    began.unwrap_or(centre)
}

/// The crash loop that a kill leads to: where it begins.
fn crash_loop_of(happenings: &[Happened], kill: usize) -> Option<usize> {
    let Place { host, tenant, .. } = happenings[kill].place;
    let after = happenings.iter().enumerate().skip(kill);
    let mut kills = 0;
    for (index, happened) in after.filter(|(_, h)| (h.place.host, h.place.tenant) == (host, tenant)) {
        match happened.happening {
            Happening::Killed { victim: Victim::Server, .. }
            | Happening::KilledLoading { .. }
            | Happening::Stopped => kills += 1,
            Happening::CrashLoop { in_a_row, .. } => return (kills <= in_a_row).then_some(index),
            _ => {}
        }
    }
    None
}

/// Where the story of `centre` ends: everything that it broke works again, or never will.
fn over(happenings: &[Happened], centre: usize) -> usize {
    let mut broken = BTreeSet::new();
    for (index, happened) in happenings.iter().enumerate().skip(centre) {
        follow(&mut broken, happened);
        // What happens at the same instant belongs together.
        let is_last = happenings.get(index + 1).is_none_or(|next| next.at > happened.at);
        if broken.is_empty() && is_last {
            return index;
        }
    }
    happenings.len() - 1
}

/// What does not work: the server of so many a host and tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Broken {
    /// The host does not get on.
    Stalled(usize),
    /// The server is down.
    Down(usize, usize),
    /// The replica is not in sync.
    OutOfSync(usize, usize),
    /// The server refuses writes.
    ReadOnly(usize, usize),
}

/// Takes note of what `happened` breaks and mends.
fn follow(broken: &mut BTreeSet<Broken>, happened: &Happened) {
    let Place { host, tenant, .. } = happened.place;
    let (down, out_of_sync) = (Broken::Down(host, tenant), Broken::OutOfSync(host, tenant));
    match happened.happening {
        Happening::StallBegan { .. } => _ = broken.insert(Broken::Stalled(host)),
        Happening::StallEnded { .. } => _ = broken.remove(&Broken::Stalled(host)),
        Happening::Killed { victim, .. } => {
            broken.remove(&Broken::Stalled(host));
            if victim == Victim::Server {
                broken.insert(down);
            }
        }
        Happening::Stopped
        | Happening::ReplicaPanicked
        | Happening::KilledLoading { .. }
        | Happening::CrashLoop { .. }
        | Happening::Starting { .. } => {
            broken.insert(down);
        }
        Happening::Loaded { .. } => {
            broken.remove(&down);
            broken.remove(&Broken::ReadOnly(host, tenant));
        }
        Happening::FullSyncWanted { .. } | Happening::ReplicaDropped { .. } => {
            broken.insert(out_of_sync);
        }
        Happening::ReplicaOnline { .. } | Happening::PartialResync { .. } => {
            broken.remove(&down);
            broken.remove(&out_of_sync);
        }
        Happening::WritesRefused => _ = broken.insert(Broken::ReadOnly(host, tenant)),
        Happening::WritesAccepted => _ = broken.remove(&Broken::ReadOnly(host, tenant)),
        _ => {}
    }
}
