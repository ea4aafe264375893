//! INFO text to a scenario in which every value says where it comes from.
//!
//! The scenario describes the server as it is and assumes its next weeks to be like the weeks on record.
//! Owns the derivations and their reasons, one table of the scenario a module, on what several tables share: `engine`,
//! the `series` of records, its `saves`, the `pattern` in their times and the `save_points` behind it. Leaves the
//! fields to [`Record`] and the check of the scenario to `scenario`.

mod dataset;
mod engine;
mod forks;
mod host;
mod load;
mod page;
mod pattern;
mod replication;
mod save_points;
mod saves;
mod series;
mod server;

use crate::memory::LayoutProfile;
use crate::observe::config::Config;
use crate::observe::info::{FieldError, Info, InfoError};
use crate::observe::record::Record;
use crate::units::Bytes;

use crate::observe::words::{grouped, uptime};
use page::{Origin, entry, section};
use save_points::SavePoints;

pub use load::{Witness, WriteEstimate};

/// The memory that the scenario's host is to have.
#[derive(Clone, Debug, PartialEq)]
pub enum HostMemory {
    /// What INFO says (`total_system_memory`).
    Reported,
    /// This much RAM (`--ram`).
    Ram(Bytes),
    /// A container's limit (`--limit`): INFO says the node's memory instead.
    Limit(Bytes),
    /// A class of the catalogue (`--class`).
    Class {
        /// Its name there, `provider.class`.
        name: String,
        /// Its RAM.
        ram: Bytes,
    },
}

/// An imported scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// The scenario text.
    pub text: String,
    /// What to know before trusting it; the text repeats it at its top.
    pub remarks: Vec<String>,
    /// The record it was made from: the latest one where there were several.
    pub record: Record,
    /// The write rate in it, with its witnesses.
    pub writes: WriteEstimate,
}

/// Why no scenario could be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ImportError {
    /// An input is neither INFO nor CONFIG GET text, or has a field that cannot be read.
    #[error("{error}")]
    Input {
        /// Which of the inputs, from 0.
        index: usize,
        /// What is wrong with it.
        error: InfoError,
    },
    /// There is no INFO among the inputs.
    #[error("no INFO text given; give one, or several of one server for rates by difference")]
    NoInfo,
    /// No INFO is of the process of the latest one: their counters do not continue each other.
    #[error(
        "the last two INFO texts are of different processes (`run_id` {earlier} and {later}): rates by \
         difference need one server without a restart between"
    )]
    DifferentServers {
        /// The last but one's `run_id`.
        earlier: String,
        /// The last one's.
        later: String,
    },
    /// Two INFO texts are of processes that ran at the same time.
    #[error("these are of two servers, which ran at the same time: import each by itself")]
    SeveralServers {
        /// Which of the inputs, from 0.
        inputs: [usize; 2],
    },
    /// Two INFO texts are the same one.
    #[error("the same INFO twice: give INFO texts of different moments")]
    SameMoment {
        /// Which of the inputs, from 0.
        inputs: [usize; 2],
    },
    /// The layout of this version is not known.
    #[error("no layout for {product} {version}: {reason}")]
    UnknownEngine {
        /// The product.
        product: String,
        /// Its version.
        version: String,
        /// Why none may stand for it.
        reason: &'static str,
    },
    /// The server is empty or still loading.
    #[error("the server {0}: take INFO when it holds its usual data")]
    NoData(&'static str),
    /// The machine's memory is neither in INFO nor given.
    #[error("INFO has no `total_system_memory`: give the host's memory with --ram, --limit or --class")]
    NoRam,
}

impl ImportError {
    /// The inputs that it is about, from 0; none where it is about all of them.
    pub fn inputs(&self) -> &[usize] {
        match self {
            Self::Input { index, .. } => std::slice::from_ref(index),
            Self::SeveralServers { inputs } | Self::SameMoment { inputs } => inputs,
            _ => &[],
        }
    }
}

/// All that the tables of the scenario are made from.
struct Sources<'a> {
    record: &'a Record,
    /// The first record of the same process.
    earlier: Option<&'a Record>,
    /// All records in order of time, `record` the last.
    series: &'a [Record],
    config: Option<&'a Config>,
    memory: &'a HostMemory,
    /// What the server may take: the RAM, or the container's limit.
    ram: Bytes,
    layout: &'a LayoutProfile,
    engine: engine::EngineLayout,
}

/// Makes a scenario of INFO texts: one, or several of one server in any order, and at most one CONFIG GET text
/// beside them. Counters go on from text to text and count from zero after a restart; data, saves and hours are of the
/// whole series.
///
/// # Errors
///
/// See [`ImportError`].
pub fn import(
    texts: &[&str],
    memory: &HostMemory,
    find_layout: impl Fn(&str) -> Option<LayoutProfile>,
) -> Result<Import, ImportError> {
    let inputs = Inputs::read(texts)?;
    inputs.check_last_process()?;
    inputs.import(memory, find_layout)
}

/// The same of INFO texts that are known to be of one server, whichever processes it was.
///
/// # Errors
///
/// See [`ImportError`].
pub fn import_server(
    infos: &[String],
    memory: &HostMemory,
    find_layout: impl Fn(&str) -> Option<LayoutProfile>,
) -> Result<Import, ImportError> {
    let texts: Vec<&str> = infos.iter().map(String::as_str).collect();
    Inputs::read(&texts)?.import(memory, find_layout)
}

/// The inputs, told apart and in order of time.
struct Inputs {
    series: Vec<Record>,
    config: Option<Config>,
}

impl Inputs {
    fn read(texts: &[&str]) -> Result<Self, ImportError> {
        let (mut records, mut config) = (Vec::new(), None);
        for (index, text) in texts.iter().enumerate() {
            if !Info::is_info(text)
                && let Some(settings) = Config::parse(text)
            {
                config = Some(settings);
                continue;
            }
            let input = |error| ImportError::Input { index, error };
            let info = Info::parse(text).map_err(input)?;
            records.push((index, Record::of(&info).map_err(|error: FieldError| input(error.into()))?));
        }
        records.sort_by_key(|(_, record)| record.server.time_usec.unwrap_or(record.server.uptime_seconds));
        for pair in records.windows(2) {
            let [(earlier_index, earlier), (later_index, later)] = pair else { continue };
            let inputs = [*earlier_index.min(later_index), *earlier_index.max(later_index)];
            if earlier.is_same_moment(later) {
                return Err(ImportError::SameMoment { inputs });
            }
            if earlier.server.ran_beside(&later.server) {
                return Err(ImportError::SeveralServers { inputs });
            }
        }
        Ok(Self { series: records.into_iter().map(|(_, record)| record).collect(), config })
    }

    /// Whether some other INFO is of the process of the latest one: from files nothing else tells that they are of one
    /// server.
    fn check_last_process(&self) -> Result<(), ImportError> {
        let Some((record, before)) = self.series.split_last() else { return Ok(()) };
        let run_id = |record: &Record| record.server.run_id.clone().unwrap_or_else(|| "none".into());
        match before.last() {
            Some(earlier) if before.iter().all(|other| other.server.run_id != record.server.run_id) => {
                Err(ImportError::DifferentServers { earlier: run_id(earlier), later: run_id(record) })
            }
            _ => Ok(()),
        }
    }

    fn import(
        &self,
        memory: &HostMemory,
        find_layout: impl Fn(&str) -> Option<LayoutProfile>,
    ) -> Result<Import, ImportError> {
        let record = self.series.last().ok_or(ImportError::NoInfo)?;
        if record.server.is_loading {
            return Err(ImportError::NoData("is still loading its data"));
        }
        if record.keys.keys == 0 || record.memory.data() == Bytes::ZERO {
            return Err(ImportError::NoData("holds no keys"));
        }
        let engine = engine::layout_of(&record.server)?;
        let layout = find_layout(engine.profile).ok_or_else(|| ImportError::UnknownEngine {
            product: record.server.product.clone(),
            version: record.server.version.clone(),
            reason: "its layout profile is not in the catalogue",
        })?;
        let ram = match memory {
            HostMemory::Reported => record.memory.total_system.ok_or(ImportError::NoRam)?,
            HostMemory::Ram(ram) | HostMemory::Limit(ram) | HostMemory::Class { ram, .. } => *ram,
        };
        let sources = Sources {
            record,
            earlier: series::first_of_process(&self.series),
            series: &self.series,
            config: self.config.as_ref(),
            memory,
            ram,
            layout: &layout,
            engine,
        };
        let (text, remarks, writes) = scenario(&sources);
        Ok(Import { text, remarks, record: record.clone(), writes })
    }
}

/// The text, its remarks and the write rate in it.
fn scenario(sources: &Sources) -> (String, Vec<String>, WriteEstimate) {
    let record = sources.record;
    let points = SavePoints::of(record, sources.series, sources.config);
    let writes = WriteEstimate::of(record, sources.series, &points, dataset::write_bytes(sources));
    let keyspace = dataset::keyspace(sources, &writes);
    let mut sections =
        vec![host::host(sources), server::server(sources), dataset::dataset(sources), keyspace];
    let traffic: Vec<_> = series::hourly(sources.series).into_iter().chain(writes.cap()).collect();
    sections.extend((!traffic.is_empty()).then(|| section("[traffic]", traffic)));
    sections.extend([
        forks::persistence(sources, &points),
        forks::save(sources, &points),
        forks::backup(&points),
        replication::replication(sources),
        simulation(record),
    ]);
    let mut remarks = host::remarks(sources);
    remarks.extend(server::remarks(sources));
    remarks.extend(replication::remarks(sources));
    remarks.extend(saves::remarks(sources.series));
    let text = page::page(&introduction(sources), &remarks, "imported", &sections);
    (text, remarks, writes)
}

fn introduction(sources: &Sources) -> String {
    let Record { server, memory, keys, .. } = sources.record;
    let config = if sources.config.is_some() { " and CONFIG GET" } else { "" };
    format!(
        "A scenario made by `forkcast import` from the INFO{config} of a {} {} that has run for {}: {} \
         keys in {} of used_memory {} of {}. Every value below says where it comes from: measured \
         (a field of INFO), derived (from such, and how), given, or assumed. Edit what you know better; \
         assumed values first. Keys that are left out have the default.",
        server.product,
        server.version,
        uptime(server.uptime_seconds),
        grouped(keys.keys),
        memory.used,
        if matches!(sources.memory, HostMemory::Limit(_)) { "in a container" } else { "on a host" },
        sources.ram,
    )
}

/// The horizon: as long as the server has run so far, where that is a week or more.
fn simulation(record: &Record) -> page::Section {
    let days = record.server.uptime_seconds / 86_400;
    let entry = if (7..=366).contains(&days) {
        let why =
            format!("as many days as the server has run so far, {days}: the record can be held against it");
        entry("horizon", page::quoted(format!("{days}d")), Origin::Derived, why)
    } else {
        entry("horizon", page::quoted("30d"), Origin::Assumed, "a month")
    };
    section("[simulation]", vec![entry])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::layout::profiles::{redis_7_0, valkey_8_0};
    use crate::memory::{Allocator, Heap, KeyKind, Keys, Population, Value};
    use proptest::prelude::*;

    const PRODUCTION: &str = include_str!("../../tests/data/info/production-27gb.txt");
    const VALKEY: &str = include_str!("../../tests/data/info/valkey-8.0.after-save.txt");
    const VALKEY_CONFIG: &str = include_str!("../../tests/data/info/valkey-8.0.config.txt");
    const REDIS: &str = include_str!("../../tests/data/info/redis-7.0.after-save.txt");
    const REDIS_DURING: &str = include_str!("../../tests/data/info/redis-7.0.during-save.txt");

    fn import(texts: &[&str], memory: &HostMemory) -> Result<Import, ImportError> {
        let profiles = [redis_7_0(), valkey_8_0()];
        super::import(texts, memory, |engine| profiles.iter().find(|layout| layout.engine == engine).cloned())
    }

    fn text(texts: &[&str]) -> String {
        import(texts, &HostMemory::Reported).unwrap().text
    }

    fn golden(name: &str, texts: &[&str]) {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("../../tests/golden/import");
        settings.set_prepend_module_to_snapshot(false);
        settings.bind(|| insta::assert_snapshot!(name, text(texts)));
    }

    #[test]
    fn imports_read_as_reviewed() {
        golden("production-27gb", &[PRODUCTION]);
        golden("valkey-8.0-with-config", &[VALKEY, VALKEY_CONFIG]);
        golden("redis-7.0-two-infos", &[REDIS, REDIS_DURING]);
    }

    /// `scenarios/production-27gb.toml` adds a paragraph of why and a name, nothing else.
    #[test]
    fn the_shipped_scenario_is_this_import() {
        let shipped = include_str!("../../scenarios/production-27gb.toml");
        let imported = text(&[PRODUCTION]).replace("\"imported\"", "\"production-27gb\"");
        assert!(shipped.trim_end().ends_with(imported.trim_end()), "import again: it says\n{imported}");
    }

    #[test]
    fn an_import_is_toml() {
        for texts in [vec![PRODUCTION], vec![VALKEY], vec![VALKEY_CONFIG, VALKEY], vec![REDIS_DURING, REDIS]]
        {
            text(&texts).parse::<toml_edit::DocumentMut>().unwrap();
        }
    }

    /// What the scenario holds is what the server held, whatever the size classes make of it.
    #[test]
    fn the_scenario_holds_the_measured_bytes() {
        let import = import(&[PRODUCTION], &HostMemory::Reported).unwrap();
        let document: toml_edit::DocumentMut = import.text.parse().unwrap();
        let keyspace = &document["keyspace"][0];
        let size = |key: &str| keyspace[key].as_str().unwrap().parse::<Bytes>().unwrap().0;
        let kind =
            KeyKind { key_size: size("key-size"), value: Value::Bytes(size("value-size")), has_ttl: true };
        let heap = Heap::new(&redis_7_0(), Allocator::Bundled, 4096, &[Keys::alike(kind)]);
        let keys = keyspace["keys"].as_integer().unwrap() as f64;
        let held = heap.used_memory(&Population::of(vec![keys]));
        assert!((held / import.record.memory.data().as_f64() - 1.0).abs() < 1e-6, "{held}");
    }

    #[test]
    fn few_keys_have_large_values() {
        let few = PRODUCTION.replace("db0:keys=25472026,expires=24849338", "db0:keys=1000000,expires=900000");
        let import = import(&[&few], &HostMemory::Reported).unwrap();
        let document: toml_edit::DocumentMut = import.text.parse().unwrap();
        let size: Bytes = document["keyspace"][0]["value-size"].as_str().unwrap().parse().unwrap();
        let keys = document["keyspace"][0]["keys"].as_integer().unwrap();
        assert!(size > Bytes::kib(8) && (1_000_000..1_300_000).contains(&keys), "{size} {keys}");
    }

    #[test]
    fn a_limit_takes_the_place_of_the_ram() {
        let limited = import(&[VALKEY], &HostMemory::Limit(Bytes::mib(512))).unwrap();
        assert!(limited.text.contains("limit = \"512 MiB\""));
        assert!(limited.text.contains("419,430,400, 78.13 % of 512 MiB of the limit"), "{}", limited.text);
        assert!(limited.text.contains("ram = \"23.54 GiB\""), "{}", limited.text);
        let small = import(&[VALKEY], &HostMemory::Ram(Bytes::mib(300))).unwrap();
        assert!(small.text.contains("maxmemory = \"400 MiB\""), "{}", small.text);
    }

    #[test]
    fn a_class_is_named_instead_of_its_ram() {
        let class = HostMemory::Class { name: "yandex.hm3-c4-m32".into(), ram: Bytes::gib(32) };
        let import = import(&[PRODUCTION], &class).unwrap();
        assert!(import.text.contains("class = \"yandex.hm3-c4-m32\"") && !import.text.contains("\nram ="));
    }

    #[test]
    fn infos_of_two_processes_have_no_difference() {
        let error = import(&[REDIS, VALKEY], &HostMemory::Reported).unwrap_err();
        assert!(matches!(error, ImportError::DifferentServers { .. }), "{error}");
        assert_eq!(import(&[VALKEY_CONFIG], &HostMemory::Reported).unwrap_err(), ImportError::NoInfo);
    }

    #[test]
    fn errors_tell_which_input_is_wrong() {
        let error = import(&[REDIS, "hello"], &HostMemory::Reported).unwrap_err();
        assert!(matches!(error, ImportError::Input { index: 1, .. }), "{error}");
        let empty = REDIS.replace("db0:keys=299465", "db0:keys=0");
        assert!(matches!(import(&[&empty], &HostMemory::Reported), Err(ImportError::NoData(_))));
        let hidden = REDIS.replace("total_system_memory:", "hidden:");
        assert_eq!(import(&[&hidden], &HostMemory::Reported).unwrap_err(), ImportError::NoRam);
        assert!(import(&[&hidden], &HostMemory::Ram(Bytes::gib(8))).is_ok());
    }

    proptest! {
        /// Whatever the counters say: an answer or an error, and the answer is TOML.
        #[test]
        fn no_numbers_make_the_import_panic(
            changes in proptest::collection::vec((0usize..200, prop_oneof![0u64..3, any::<u64>()]), 0..12)
        ) {
            let mut lines: Vec<String> = PRODUCTION.lines().take(200).map(str::to_owned).collect();
            lines.extend(PRODUCTION.lines().filter(|line| line.starts_with("db")).map(str::to_owned));
            for (line, value) in changes {
                if let Some((name, old)) = lines[line].clone().split_once(':')
                    && old.parse::<f64>().is_ok()
                {
                    lines[line] = format!("{name}:{value}");
                }
            }
            if let Ok(import) = import(&[&lines.join("\n")], &HostMemory::Reported) {
                prop_assert!(import.text.parse::<toml_edit::DocumentMut>().is_ok(), "{}", import.text);
            }
        }
    }
}
