//! What this proves: an imported scenario is one that `scenario` accepts, it holds the data that the server held,
//! and the simulation of the production host meets its record where the two can be compared.

use forkcast::model::Simulation;
use forkcast::observe::{Hindcast, HostMemory, Import, ModelSays, import};
use forkcast::scenario::{Assignment, Origin, Scenario, layout};
use forkcast::units::{Bytes, SimDuration};

const PRODUCTION: &str = include_str!("../data/info/production-27gb.txt");
const REDIS: &str = include_str!("../data/info/redis-7.0.after-save.txt");
const REDIS_DURING: &str = include_str!("../data/info/redis-7.0.during-save.txt");
const VALKEY: &str = include_str!("../data/info/valkey-8.0.after-save.txt");
const VALKEY_CONFIG: &str = include_str!("../data/info/valkey-8.0.config.txt");

fn scenario(texts: &[&str], memory: &HostMemory) -> (Import, Scenario) {
    scenario_with(texts, memory, &[])
}

fn scenario_with(texts: &[&str], memory: &HostMemory, set: &[&str]) -> (Import, Scenario) {
    let import = import(texts, memory, |engine| layout(engine).cloned()).unwrap();
    let origin = Origin { name: "imported.toml".into(), folder: ".".into() };
    let set: Vec<_> = set.iter().map(|text| Assignment::set(text).unwrap()).collect();
    let scenario = Scenario::read(&import.text, &origin, &set);
    let scenario = scenario.unwrap_or_else(|report| panic!("{report:?}\n{}", import.text));
    (import, scenario)
}

#[test]
fn every_import_is_a_scenario_that_holds_what_the_server_held() {
    let class = HostMemory::Class { name: "yandex.hm3-c4-m32".into(), ram: Bytes::gib(32) };
    for (texts, memory) in [
        (vec![PRODUCTION], HostMemory::Reported),
        (vec![PRODUCTION], class),
        (vec![VALKEY, VALKEY_CONFIG], HostMemory::Reported),
        (vec![REDIS, REDIS_DURING], HostMemory::Limit(Bytes::gib(1))),
        (vec![VALKEY], HostMemory::Ram(Bytes::gib(2))),
    ] {
        let (import, scenario) = scenario(&texts, &memory);
        assert!(scenario.warnings().is_empty(), "{:?}", scenario.warnings());
        let simulation = Simulation::new(scenario.as_written().host.clone());
        let ratio = simulation.used_memory().as_f64() / import.record.memory.used.as_f64();
        assert!((ratio - 1.0).abs() < 0.002, "{ratio}");
        assert!(simulation.fit().holds());
    }
}

#[test]
fn another_host_changes_nothing_about_the_data() {
    for texts in [[PRODUCTION], [VALKEY]] {
        let held = |set: &[&str]| {
            let (_, scenario) = scenario_with(&texts, &HostMemory::Reported, set);
            Simulation::new(scenario.as_written().host.clone()).used_memory()
        };
        assert_eq!(held(&[]), held(&["host.ram=64 GiB"]));
    }
}

/// The last save of the production host copied 162 MB, and it was not killed in 40 days.
#[test]
fn the_production_host_copies_and_survives_as_the_model_says() {
    let (import, scenario) = scenario(&[PRODUCTION], &HostMemory::Reported);
    let span = SimDuration::from_secs(import.record.server.uptime_seconds);
    let says = ModelSays::of(&scenario.as_written().host, span, scenario.seed(), 40).unwrap();
    let copies = says.last_cow.unwrap();
    assert!(copies.contains(import.record.forks.last_cow.unwrap()), "{copies:?}");
    assert!(says.kill_probability.value < 0.5, "{:?}", says.kill_probability);
    let hindcast = Hindcast::of(&import.record, &says);
    assert!(!hindcast.contradicts() && hindcast.to_string().contains("766 full syncs"), "{hindcast}");
    let backlog = says.larger_backlog.unwrap().size;
    assert!(backlog > Bytes::mib(1) && backlog <= Bytes::mib(64), "{backlog}");
}
