//! Which layout stands for a server's version, and how its allocator was built.

use super::ImportError;
use crate::memory::Allocator;
use crate::observe::record::Identity;

/// The layout that stands for a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EngineLayout {
    /// The name of the layout profile.
    pub(super) profile: &'static str,
    /// Why it may stand for the version; `None` where it is the version's own.
    pub(super) assumed: Option<&'static str>,
    /// The jemalloc bundled with the version; `None` where it was not looked up.
    bundled_jemalloc: Option<&'static str>,
}

struct Row {
    product: &'static str,
    version: &'static str,
    layout: EngineLayout,
}

const fn row(
    product: &'static str,
    version: &'static str,
    profile: &'static str,
    assumed: Option<&'static str>,
    bundled_jemalloc: Option<&'static str>,
) -> Row {
    Row { product, version, layout: EngineLayout { profile, assumed, bundled_jemalloc } }
}

const SAME_ENTRIES: Option<&str> = Some(
    "its table entries and strings are allocated as in 7.0 (dict.h, sds.h, object.c), but no save of it \
     was measured",
);
const NEWER_DICT: Option<&str> = Some(
    "7.4 reworked the tables of fields with a TTL and of cluster slots; plain keys keep the entries of \
     7.0, but no save of it was measured",
);
const NOT_READ: &str = "its memory layout was not read";

/// By product and the beginning of the version; the first row that fits counts.
///
/// Source of the bundled allocators: `deps/jemalloc/VERSION` of the releases (5.3.0 came with Redis 7.2).
const ENGINES: [Row; 11] = [
    row("redis", "7.0.", "redis-7.0", None, Some("5.2.1")),
    row("redis", "6.", "redis-7.0", SAME_ENTRIES, None),
    row("redis", "7.2.", "redis-7.0", SAME_ENTRIES, Some("5.3.0")),
    row("redis", "7.4.", "redis-7.0", NEWER_DICT, Some("5.3.0")),
    row("redis", "8.0.", "redis-8.0", None, None),
    row("valkey", "7.2.", "redis-7.0", SAME_ENTRIES, Some("5.3.0")),
    row("valkey", "8.0.", "valkey-8.0", None, Some("5.3.0")),
    row("valkey", "8.1.", "valkey-8.1", None, None),
    row("valkey", "9.0.", "valkey-9.0", None, None),
    row("valkey", "9.1.", "valkey-9.1", None, None),
    row("valkey", "9.2.", "valkey-9.2", None, None),
];

/// The layout of a server.
pub(super) fn layout_of(server: &Identity) -> Result<EngineLayout, ImportError> {
    let refuse = |reason| ImportError::UnknownEngine {
        product: server.product.clone(),
        version: server.version.clone(),
        reason,
    };
    if server.arch_bits.is_some_and(|bits| bits != 64) {
        return Err(refuse("the layouts are those of 64-bit builds"));
    }
    let fits = |row: &&Row| server.product == row.product && server.version.starts_with(row.version);
    ENGINES.iter().find(fits).map(|row| row.layout).ok_or_else(|| refuse(NOT_READ))
}

/// How the server's jemalloc was built, and the reason to think so; the last tells whether it is more than
/// a guess.
pub(super) fn allocator_of(server: &Identity, layout: EngineLayout) -> (Allocator, String, bool) {
    let Some(version) = server.allocator.as_deref().and_then(|name| name.strip_prefix("jemalloc-")) else {
        let name = server.allocator.as_deref().unwrap_or("no mem_allocator");
        let why =
            format!("INFO says {name}, and only jemalloc is modelled: sizes a key may differ by a fifth");
        return (Allocator::Bundled, why, false);
    };
    let product = &server.product;
    match layout.bundled_jemalloc {
        Some(bundled) if bundled != version => {
            let why = format!(
                "{product} {} brings jemalloc {bundled} and this one runs {version}: a distribution's build",
                server.version
            );
            (Allocator::System, why, true)
        }
        _ => {
            let why = format!(
                "jemalloc {version} may be the one that {product} brings, or the distribution's; if `ldd` \
                 of the server lists libjemalloc.so, write jemalloc-system"
            );
            (Allocator::Bundled, why, false)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(product: &str, version: &str, allocator: &str) -> Identity {
        Identity {
            product: product.into(),
            version: version.into(),
            os: None,
            allocator: Some(allocator.into()),
            arch_bits: Some(64),
            run_id: None,
            time_usec: None,
            uptime_seconds: 1,
            is_replica: false,
            replicas: 0,
            is_loading: false,
        }
    }

    #[test]
    fn measured_versions_are_exact_and_their_neighbours_assumed() {
        let layout = |product, version| layout_of(&server(product, version, "jemalloc-5.3.0")).unwrap();
        assert_eq!(
            (layout("redis", "7.0.15").profile, layout("redis", "7.0.15").assumed),
            ("redis-7.0", None)
        );
        assert_eq!(
            (layout("valkey", "8.0.1").profile, layout("valkey", "8.0.1").assumed),
            ("valkey-8.0", None)
        );
        assert_eq!(
            (layout("valkey", "9.1.2").profile, layout("valkey", "9.1.2").assumed),
            ("valkey-9.1", None)
        );
        assert!(layout("redis", "7.4.0").assumed.is_some() && layout("valkey", "7.2.5").assumed.is_some());
    }

    #[test]
    fn layouts_nobody_read_are_refused_with_the_reason() {
        let refusal =
            |product, version| layout_of(&server(product, version, "libc")).unwrap_err().to_string();
        assert!(refusal("valkey", "10.0.0").contains("was not read"));
        assert!(refusal("redis", "8.2.0").contains("was not read"));
        assert!(refusal("dragonfly", "1.30").contains("dragonfly 1.30"));
        let narrow = Identity { arch_bits: Some(32), ..server("redis", "7.0.15", "libc") };
        assert!(layout_of(&narrow).unwrap_err().to_string().contains("64-bit"));
    }

    /// Debian's `redis-server` 7.0.15 runs jemalloc 5.3.0; the release brings 5.2.1.
    #[test]
    fn another_jemalloc_than_the_bundled_one_is_the_distributions() {
        let debian = server("redis", "7.0.15", "jemalloc-5.3.0");
        let (allocator, _, is_known) = allocator_of(&debian, layout_of(&debian).unwrap());
        assert_eq!((allocator, is_known), (Allocator::System, true));
        let same = server("valkey", "8.0.1", "jemalloc-5.3.0");
        let (allocator, _, is_known) = allocator_of(&same, layout_of(&same).unwrap());
        assert_eq!((allocator, is_known), (Allocator::Bundled, false));
    }
}
