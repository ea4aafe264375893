//! Which fork is to blame, and what would take its risk away.

use super::Trouble;
use super::ask::Ask;
use crate::model::host::{BackupMethod, BackupSource, Host};
use crate::model::{Cause, Outcome};
use crate::scenario::Case;
use crate::stats::Estimate;
use crate::sweep::Budget;
use crate::units::{Bytes, SimDuration};

/// Replications behind each figure here: enough to see what happens a few times a year, which is what can be blamed.
const REPLICATIONS: u64 = 400;

/// A backlog that outlasts any common outage: at a megabyte a second, eight minutes.
const AMPLE_BACKLOG: Bytes = Bytes::mib(512);

/// Forks and incidents a year of one cause.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CauseRisk {
    /// What forked; growth forks nothing.
    pub cause: Cause,
    /// Forks a year.
    pub forks_per_year: f64,
    /// Incidents a year while that child lived.
    pub incidents_per_year: Estimate,
}

/// A change that would take forks or incidents of a cause away.
#[derive(Clone, Debug, PartialEq)]
pub struct Remedy {
    /// The cause that it is for.
    pub cause: Cause,
    /// The setting, and what it changes to: `replication.repl-backlog-size 1 MiB → 512 MiB`.
    pub change: String,
    /// Forks of the cause a year with it.
    pub forks_per_year: f64,
    /// Incidents a year with it, of all causes.
    pub incidents_per_year: Estimate,
}

/// Risk by cause of `case` as it is, and the remedies for causes that fork or hurt.
pub fn blame(ask: &Ask<'_>, case: &Case) -> Result<(Vec<CauseRisk>, Vec<Remedy>), Trouble> {
    let budget = ask.by(REPLICATIONS);
    let offered: Vec<Change> = changes(&case.host);
    let with_change = offered.iter().map(|change| {
        let mut case = case.clone();
        (change.apply)(&mut case.host);
        case
    });
    let cases: Vec<Case> = std::iter::once(case.clone()).chain(with_change).collect();
    let mut cells = ask.cells(cases, &budget)?.into_iter();
    let Some((_, outcomes)) = cells.next() else { return Err(Trouble::Interrupted) };
    if outcomes.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let risk = |cause| CauseRisk {
        cause,
        forks_per_year: forks_per_year(&outcomes, cause, &budget),
        incidents_per_year: budget.rate_of(outcomes.iter().map(|outcome| outcome.incidents_of(cause))),
    };
    let blamed = Cause::ALL.into_iter().map(risk).collect();
    let remedies = offered.into_iter().zip(cells).filter(|(_, (_, outcomes))| !outcomes.is_empty());
    let remedies = remedies.map(|(change, (_, outcomes))| Remedy {
        cause: change.cause,
        change: change.words,
        forks_per_year: forks_per_year(&outcomes, change.cause, &budget),
        incidents_per_year: budget.rate_of(outcomes.iter().map(Outcome::incidents)),
    });
    Ok((blamed, remedies.collect()))
}

fn forks_per_year(outcomes: &[Outcome], cause: Cause, budget: &Budget) -> f64 {
    let forks: u64 = outcomes.iter().map(|outcome| u64::from(outcome.forks[cause])).sum();
    forks as f64 / (outcomes.len() as f64 * budget.years())
}

struct Change {
    cause: Cause,
    words: String,
    apply: Box<dyn Fn(&mut Host)>,
}

/// The changes that this host could make.
fn changes(host: &Host) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut offer = |cause, words: String, apply: Box<dyn Fn(&mut Host)>| {
        changes.push(Change { cause, words, apply });
    };
    if let Some(backup) = host.backup.filter(|backup| backup.method == BackupMethod::Bgsave) {
        if host.replication.replicas > 0 && backup.source == BackupSource::Primary {
            let to_replica = |host: &mut Host| {
                if let Some(backup) = &mut host.backup {
                    backup.source = BackupSource::Replica;
                }
            };
            offer(Cause::Backup, "backup.host primary → replica".to_owned(), Box::new(to_replica));
        }
        let rarely = SimDuration(backup.every.0 * 2);
        let less_often = move |host: &mut Host| {
            if let Some(backup) = &mut host.backup {
                backup.every = rarely;
            }
        };
        offer(Cause::Backup, format!("backup.every {} → {rarely}", backup.every), Box::new(less_often));
    }
    if !host.persistence.save_points.is_empty() {
        let words = "persistence.save → none, with the append-only file or replicas in its place";
        offer(Cause::SavePoint, words.to_owned(), Box::new(|host| host.persistence.save_points.clear()));
    }
    if let Some(aof) = host.persistence.aof {
        let to = aof.percentage * 4.0;
        let words = format!("persistence.auto-aof-rewrite-percentage {} → {to}", aof.percentage);
        let rarer = move |host: &mut Host| {
            if let Some(aof) = &mut host.persistence.aof {
                aof.percentage = to;
            }
        };
        offer(Cause::AofRewrite, words, Box::new(rarer));
    }
    if host.replication.replicas > 0 {
        let backlog = host.replication.backlog;
        if backlog < AMPLE_BACKLOG {
            let words = format!("replication.repl-backlog-size {backlog} → {AMPLE_BACKLOG}");
            let apply = |host: &mut Host| host.replication.backlog = AMPLE_BACKLOG;
            offer(Cause::FullSync, words, Box::new(apply));
        }
    }
    changes
}
