//! The catalogue of host classes: what providers publish of their memory, each row with its source.
//!
//! The rows stand in `host-classes.csv`; a class is named `provider.class`.

use std::sync::LazyLock;

use crate::units::Bytes;

/// A host class of a provider.
#[derive(Clone, Debug, PartialEq)]
pub struct HostClass {
    /// `provider.class`, lower-cased, other characters `-`: `yandex.hm3-c4-m32`.
    pub name: String,
    /// The provider's service.
    pub provider: String,
    /// The family of the class.
    pub family: String,
    /// The class as the provider writes it.
    pub class: String,
    /// Virtual processors.
    pub vcpu: Option<u32>,
    /// The memory of which the percentage is taken: RAM, or the node's memory where only that is published.
    pub ram: Option<Bytes>,
    /// Whether that is the memory of the node (`maxmemory` at 100 %), the RAM below it being unpublished.
    pub is_node_memory: bool,
    /// The share that the provider gives to user data unless told otherwise [%].
    pub default_percent: Option<f64>,
    /// The largest share that it lets one set [%].
    pub percent_cap: Option<f64>,
    /// What it says of the range, in words.
    pub percent_range: String,
    /// What else should be known.
    pub note: String,
    /// Where it is published.
    pub source_url: String,
}

#[derive(serde::Deserialize)]
struct Row {
    provider: String,
    family: String,
    class: String,
    vcpu: Option<u32>,
    ram_gib: Option<f64>,
    maxmemory_bytes: Option<u64>,
    default_user_data_percent: Option<f64>,
    percent_range: String,
    note: String,
    source_url: String,
}

static CLASSES: LazyLock<Vec<HostClass>> = LazyLock::new(|| {
    let mut reader = csv::Reader::from_reader(include_str!("host-classes.csv").as_bytes());
    let rows = reader.deserialize::<Row>();
    rows.map(|row| HostClass::from(row.expect("the catalogue is well-formed"))).collect()
});

/// The short names of the services, as the catalogue writes them.
const PROVIDERS: &[(&str, &str)] = &[
    ("AWS ElastiCache", "elasticache"),
    ("AWS MemoryDB", "memorydb"),
    ("Aiven for Valkey", "aiven"),
    ("Alibaba Tair (DRAM)", "alibaba"),
    ("Azure Cache for Redis", "azure"),
    ("Azure Managed Redis", "azure-managed"),
    ("DigitalOcean Managed Valkey", "digitalocean"),
    ("GCP Memorystore for Valkey / Redis Cluster", "memorystore"),
    ("Yandex Managed Valkey", "yandex"),
];

/// All classes, in the order of the catalogue.
pub fn all() -> &'static [HostClass] {
    &CLASSES
}

/// The class named `name`.
pub fn find(name: &str) -> Option<&'static HostClass> {
    all().iter().find(|class| class.name == name)
}

/// The classes whose name, provider or family holds every word of `filter`, in any case.
pub fn search(filter: &str) -> Vec<&'static HostClass> {
    let words: Vec<String> = filter.split_whitespace().map(str::to_lowercase).collect();
    let holds_all = |class: &&HostClass| {
        let text = format!("{} {} {}", class.name, class.provider, class.family).to_lowercase();
        words.iter().all(|word| text.contains(word))
    };
    all().iter().filter(holds_all).collect()
}

impl From<Row> for HostClass {
    fn from(row: Row) -> Self {
        let short = PROVIDERS.iter().find(|(provider, _)| *provider == row.provider);
        let short = short.map_or_else(|| hyphenated(&row.provider), |(_, short)| (*short).to_owned());
        let ram = row.maxmemory_bytes.map(Bytes).or_else(|| row.ram_gib.map(|gib| Bytes::gib(1).scaled(gib)));
        Self {
            name: format!("{short}.{}", hyphenated(&row.class)),
            ram,
            is_node_memory: row.maxmemory_bytes.is_some(),
            percent_cap: cap(&row.percent_range),
            provider: row.provider,
            family: row.family,
            class: row.class,
            vcpu: row.vcpu,
            default_percent: row.default_user_data_percent,
            percent_range: row.percent_range,
            note: row.note,
            source_url: row.source_url,
        }
    }
}

/// Lower-cased, every other character a hyphen, none at the ends: `cache.r5.4xlarge` is `cache-r5-4xlarge`.
fn hyphenated(text: &str) -> String {
    let plain: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    plain.trim_matches('-').to_owned()
}

/// The upper end of a range written `1-75`.
fn cap(range: &str) -> Option<f64> {
    let (low, high) = range.split_once('-')?;
    low.parse::<u32>().ok()?;
    high.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_row_of_the_catalogue_has_a_name_of_its_own_and_a_source() {
        let names: BTreeSet<&str> = all().iter().map(|class| class.name.as_str()).collect();
        assert_eq!((all().len(), names.len()), (246, 246));
        for class in all() {
            assert_eq!(find(&class.name), Some(class));
            assert!(class.source_url.starts_with("https://"), "{}", class.name);
            assert!(PROVIDERS.iter().any(|(provider, _)| *provider == class.provider), "{}", class.provider);
        }
    }

    #[test]
    fn names_and_memory_follow_the_definitions() {
        let yandex = find("yandex.hm3-c4-m32").unwrap();
        assert_eq!((yandex.ram, yandex.percent_cap), (Some(Bytes::gib(32)), Some(75.0)));
        let aws = find("elasticache.cache-r5-4xlarge").unwrap();
        assert!(aws.is_node_memory && aws.percent_cap.is_none());
        assert_eq!(find("memorydb.db-r7g-large").unwrap().ram, None);
        assert_eq!(find("azure-managed.tier").unwrap().ram, None);
    }

    #[test]
    fn node_memory_repeats_the_ram_that_the_catalogue_rounds() {
        let mut reader = csv::Reader::from_reader(include_str!("host-classes.csv").as_bytes());
        for row in reader.deserialize::<Row>().map(Result::unwrap) {
            if let (Some(bytes), Some(gib)) = (row.maxmemory_bytes, row.ram_gib) {
                assert!((Bytes(bytes).as_gib() - gib).abs() < 0.01, "{}", row.class);
            }
        }
    }

    #[test]
    fn a_search_wants_every_word() {
        assert_eq!(search("yandex hm3").len(), 17);
        assert_eq!(search("R7G.LARGE".replace('.', "-").as_str()).len(), 2);
        assert_eq!(search("").len(), 246);
    }
}
