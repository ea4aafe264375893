//! The twelve questions: what each scenario must bring about, and the sentence that says what it did.

use std::fmt::Write as _;

use forkcast::model::Cause;
use forkcast::units::SimDuration;

use super::lived::Lived;

/// A question, its scenario and the answer.
struct Question {
    number: &'static str,
    asked: &'static str,
    url: &'static str,
    file: &'static str,
    answer: fn(&str) -> String,
}

/// The table of the README.
pub fn table() -> String {
    let mut text = String::from("| asked | scenario | forkcast says |\n|---|---|---|\n");
    for Question { number, asked, url, file, answer } in QUESTIONS {
        let path = format!("problems/{file}.toml");
        writeln!(text, "| [{number}]({url}) {asked} | [`{file}`]({path}) | {} |", answer(&path)).unwrap();
    }
    text
}

const QUESTIONS: &[Question] = &[
    Question {
        number: "P1",
        asked: "1 TB, the last save copied 4.8 GB; a bulk load in the save doubles the memory",
        url: "https://github.com/redis/redis/issues/10778",
        file: "p01-a-bulk-load-in-the-save",
        answer: a_bulk_load_in_the_save,
    },
    Question {
        number: "P5",
        asked: "six instances share 30 GB; all may save at once",
        url: "https://github.com/redis/redis/issues/4182",
        file: "p05-six-servers-save-at-once",
        answer: six_servers,
    },
    Question {
        number: "P7",
        asked: "300 GB on 512 GB: a save of 18 minutes, out of memory after 527 s",
        url: "https://github.com/valkey-io/valkey/issues/3609",
        file: "p07-a-save-of-eighteen-minutes",
        answer: eighteen_minutes,
    },
    Question {
        number: "P12",
        asked: "8.6 GB on 15 GB: the child of an AOF rewrite is killed",
        url: "https://github.com/redis/redis/issues/9341",
        file: "p12-the-rewrite-nobody-scheduled",
        answer: a_rewrite,
    },
    Question {
        number: "P17",
        asked: "7 GB of data, a peak of 49 GB while three replicas sync",
        url: "https://github.com/redis/redis/issues/4005",
        file: "p17-three-replicas-sync",
        answer: three_replicas,
    },
    Question {
        number: "P18",
        asked: "96 GB: 17 to 26 GB copied and a buffer of 64 GB in one sync",
        url: "https://github.com/redis/redis/issues/11558",
        file: "p18-copies-and-a-buffer-at-once",
        answer: copies_and_a_buffer,
    },
    Question {
        number: "P19",
        asked: "a replica is dropped at 256 MB after 69 s, the child goes on, the primary is out of memory",
        url: "https://github.com/redis/redis/issues/7717",
        file: "p19-dropped-and-forked-again",
        answer: dropped_and_forked_again,
    },
    Question {
        number: "P20",
        asked: "`redis-cli --rdb` fails at the buffer limit; with the limit raised the OOM killer comes",
        url: "https://github.com/redis/redis/issues/9272",
        file: "p20-a-backup-that-poses-as-a-replica",
        answer: a_backup_by_sync,
    },
    Question {
        number: "P25",
        asked: "\"fork: Cannot allocate memory\", then every write is refused",
        url: "https://gitlab.com/gitlab-org/gitlab/-/issues/15925",
        file: "p25-cannot-allocate-memory",
        answer: a_refused_fork,
    },
    Question {
        number: "P34",
        asked: "a pod restarts into the same limit, again and again",
        url: "https://github.com/alphagov/govuk-helm-charts/issues/2870",
        file: "p34-a-pod-restarts-into-its-limit",
        answer: a_crash_loop,
    },
    Question {
        number: "P35",
        asked: "ElastiCache: 13.5 GB steady, 7.5 GB more in the snapshot; does the next node pass?",
        url: "https://github.com/mitodl/ol-infrastructure/pull/5013",
        file: "p35-which-node-passes",
        answer: which_node,
    },
    Question {
        number: "P39",
        asked: "12 GiB used, sized by hand to 64 GiB: fragmentation, page cache, bursts",
        url: "https://gitlab.com/gitlab-com/gl-infra/scalability/-/issues/1309",
        file: "p39-sized-by-hand",
        answer: sized_by_hand,
    },
];

fn a_bulk_load_in_the_save(file: &str) -> String {
    let load = Lived::through(file, &[]);
    let quiet = Lived::through(file, &["traffic.job.0.writes-per-second=0"]);
    let (with, without) = (load.median(|o| o.cow_peak), quiet.median(|o| o.cow_peak));
    // Its author saw 4.8 GB on other nights.
    assert!((2.4..9.6).contains(&(without.as_f64() / 1e9)), "{without}");
    assert!(load.killed() > load.outcomes.len() / 2 && quiet.killed() == 0);
    format!(
        "a quiet night copies {without}, a night with the load {with} before the host is full: killed in {} weeks, \
         without the load in none",
        load.of_all(load.killed())
    )
}

fn six_servers(file: &str) -> String {
    let [together, staggered, one_by_one] = ["simultaneous", "staggered", "serialised"]
        .map(|order| Lived::through(file, &[&format!("backup.order={order}")]));
    let copied = |lived: &Lived| lived.median(|o| o.cow_peak);
    let ratio = copied(&together).as_f64() / copied(&one_by_one).as_f64();
    assert!(ratio > 2.5, "{ratio}");
    assert!(together.killed() > 0 && staggered.killed() == 0 && one_by_one.killed() == 0);
    format!(
        "at 70 % for all six, saves at once copy {} and a server is killed in {} weeks; one after the other they copy \
         {}, spread over the hours {}, and none is killed",
        copied(&together),
        together.of_all(together.killed()),
        copied(&one_by_one),
        copied(&staggered),
    )
}

fn eighteen_minutes(file: &str) -> String {
    let slow = Lived::through(file, &[]);
    let after = |lived: &Lived| {
        let seconds = lived.outcomes.iter().filter_map(|o| Some(o.first_kill?.at));
        let into = seconds.map(|at| at.0 % SimDuration::DAY.0).map(|at| at as f64 / 1e9 - 22.0 * 3_600.0);
        let mut into: Vec<f64> = into.collect();
        into.sort_by(f64::total_cmp);
        into.get(into.len() / 2).copied()
    };
    let copied = slow.median(|o| o.cow_peak);
    // Its author saw some 200 GB.
    assert!((150.0..230.0).contains(&(copied.as_f64() / 1e9)), "{copied}");
    assert!(slow.killed() == slow.outcomes.len() && after(&slow).is_some());
    let fast = Lived::through(file, &["save.throughput=8 GiB/s"]);
    assert_eq!(fast.killed(), 0);
    format!(
        "RAM of 1.7 times the data does not do: {copied} are copied and the server is killed in {} runs of two days; a \
         save of half a minute copies {} and none is killed",
        slow.of_all(slow.killed()),
        fast.median(|o| o.cow_peak)
    )
}

fn a_rewrite(file: &str) -> String {
    let old = Lived::through(file, &[]);
    let new = Lived::through(file, &["host.kernel=\"6.1\""]);
    let children = old.count(|o| o.child_kills[Cause::AofRewrite] > 0);
    assert!(children > 0 && old.killed() == 0, "a kernel of then takes the child");
    assert!(new.killed() > 0 && new.count(|o| o.child_kills[Cause::AofRewrite] > 0) == 0);
    format!(
        "on Linux 4.19 a rewrite's child is killed in {} weeks and the server lives; on 6.1 the same host loses the \
         server in {}, at an hour that no backup window names",
        old.of_all(children),
        new.of_all(new.killed())
    )
}

fn three_replicas(file: &str) -> String {
    let private = Lived::through(file, &[]);
    let shared = Lived::through(file, &["replication.buffers=shared"]);
    let (then, now) = (private.median(|o| o.peak_memory), shared.median(|o| o.peak_memory));
    // Its author saw 49 GB.
    assert!((40.0..70.0).contains(&(then.as_f64() / 1e9)), "{then}");
    assert!(now.as_f64() < 0.8 * then.as_f64());
    format!(
        "with a buffer for each replica, as before 7.0, the host peaks at {then}, of which {} wait for replicas; with the \
         one they share since, at {now}",
        private.median(|o| o.replica_buffer_peak)
    )
}

fn copies_and_a_buffer(file: &str) -> String {
    let limited = Lived::through(file, &[]);
    let unlimited = Lived::through(file, &["replication.client-output-buffer-limit-replica=0 0 0"]);
    let (copied, buffered) = (limited.median(|o| o.cow_peak), limited.median(|o| o.replica_buffer_peak));
    assert!(limited.count(|o| o.sync_loops > 0) > limited.outcomes.len() / 2);
    // Its author saw 17 to 26 GB.
    assert!((13.0..35.0).contains(&(copied.as_f64() / 1e9)), "{copied}");
    format!(
        "{copied} copied and {buffered} buffered at once; the limit drops the replica, and the sync begins anew in {} \
         runs; without a limit the buffer takes {}",
        limited.of_all(limited.count(|o| o.sync_loops > 0)),
        unlimited.median(|o| o.replica_buffer_peak)
    )
}

fn dropped_and_forked_again(file: &str) -> String {
    let lived = Lived::through(file, &[]);
    let raised =
        Lived::through(file, &["replication.client-output-buffer-limit-replica=2gb 0 0", "host.ram=24 GiB"]);
    assert!(lived.count(|o| o.syncs_cut >= 2) > lived.outcomes.len() / 2);
    assert!(lived.killed() > lived.outcomes.len() / 2);
    assert_eq!((raised.killed(), raised.count(|o| o.sync_loops > 0)), (0, 0));
    format!(
        "the sync cannot end: the limit is reached after a minute of a save of four, and the child that goes on kills the \
         server in {} runs of three days; with a limit of 2 GB, and the {} of RAM that it then takes, it ends",
        lived.of_all(lived.killed()),
        raised.largest(|o| o.peak_memory)
    )
}

fn a_backup_by_sync(file: &str) -> String {
    let limited = Lived::through(file, &[]);
    let raised = Lived::through(file, &["replication.client-output-buffer-limit-replica=0 0 0"]);
    let forked = Lived::through(file, &["backup.method=bgsave"]);
    let (failures, saves): (u32, u32) = limited
        .outcomes
        .iter()
        .fold((0, 0), |(failures, saves), o| (failures + o.save_failures, saves + o.saves));
    assert!(saves == 0 && failures == limited.forks(Cause::Backup) && limited.killed() == 0);
    assert!(raised.killed() > raised.outcomes.len() / 2 && forked.killed() == 0);
    format!(
        "all of {failures} backups fail at the limit of 256 MB; without the limit the server is killed in {} weeks; the \
         same backup by BGSAVE needs no buffer and fits",
        raised.of_all(raised.killed())
    )
}

fn a_refused_fork(file: &str) -> String {
    let strict = Lived::through(file, &[]);
    let heuristic = Lived::through(file, &["host.overcommit-memory=0"]);
    assert!(strict.count(|o| o.forks_refused[Cause::SavePoint] > 0) == strict.outcomes.len());
    assert!(strict.count(|o| o.rejected_writes > 0.0) == strict.outcomes.len());
    assert!(heuristic.count(|o| o.rejected_writes > 0.0) == 0 && heuristic.killed() == 0);
    format!(
        "under mode 2 the fork is refused in {} runs and nobody is killed; from then on every write is refused (MISCONF), though \
         at least {} are free; under mode 0 the same server saves",
        strict.of_all(strict.outcomes.len()),
        strict.outcomes.iter().map(|o| o.free_min).min().unwrap()
    )
}

fn a_crash_loop(file: &str) -> String {
    let lived = Lived::through(file, &[]);
    let days = |lived: &Lived| {
        let mut downtimes: Vec<SimDuration> = lived.outcomes.iter().map(|o| o.downtime).collect();
        downtimes.sort_unstable();
        downtimes[downtimes.len() / 2].as_secs_f64() / 86_400.0
    };
    assert_eq!(lived.killed(), lived.outcomes.len());
    assert!(days(&lived) > 5.0, "{}", days(&lived));
    format!(
        "killed in {} months, and it comes back to the data that killed it: down for {:.0} of 30 days at the median, however \
         often an operator starts it again; a restart mends nothing until somebody raises the limit",
        lived.of_all(lived.killed()),
        days(&lived)
    )
}

fn which_node(file: &str) -> String {
    let node = |class: &str| Lived::through(file, &[&format!("host.class=elasticache.{class}")]);
    let (small, large) = (node("cache-r7g-xlarge"), node("cache-r7g-2xlarge"));
    let left = |lived: &Lived| lived.outcomes.iter().map(|o| o.free_min).min().unwrap();
    let copied = small.median(|o| o.cow_peak);
    // Its author saw 7.5 GB.
    assert!((5.0..10.0).contains(&(copied.as_f64() / 1e9)), "{copied}");
    assert!(left(&large) > left(&small));
    format!(
        "a snapshot copies {copied} at the median; the node of {} is left with {} in the worst of a hundred months, the \
         next one of {} with {}",
        small.memory,
        left(&small),
        large.memory,
        left(&large)
    )
}

fn sized_by_hand(file: &str) -> String {
    let lived = Lived::through(file, &[]);
    let peak = lived.largest(|o| o.peak_memory);
    assert!(lived.killed() == 0 && peak < lived.memory);
    format!(
        "{} at the median and {peak} at worst in a hundred months, copies of {} to {} among them; the page cache of the \
         dump gives way and needs no room, so {} of the 64 GiB were never needed",
        lived.median(|o| o.peak_memory),
        lived.median(|o| o.cow_peak),
        lived.largest(|o| o.cow_peak),
        lived.memory - peak
    )
}
