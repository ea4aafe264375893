//! Layout profiles: what an engine version allocates for a key, as data.
//!
//! One file a version under `profiles/`; the next version is a new file.

use std::sync::LazyLock;

use super::source::Source;
use super::tree::{Content, Node};
use crate::memory::{ChildRelease, KeyPlacement, LayoutProfile, RdbCache, TableShape};

static PROFILES: LazyLock<Vec<LayoutProfile>> = LazyLock::new(|| {
    let texts = [
        include_str!("profiles/redis-7.0.toml"),
        include_str!("profiles/redis-7.2.toml"),
        include_str!("profiles/redis-7.4.toml"),
        include_str!("profiles/redis-8.0.toml"),
        include_str!("profiles/valkey-8.0.toml"),
        include_str!("profiles/valkey-8.1.toml"),
        include_str!("profiles/valkey-9.0.toml"),
        include_str!("profiles/valkey-9.1.toml"),
        include_str!("profiles/valkey-9.2.toml"),
    ];
    texts.map(|text| parse(text).expect("the profiles are well-formed")).into()
});

/// The profile of an engine.
pub fn find(engine: &str) -> Option<&'static LayoutProfile> {
    PROFILES.iter().find(|profile| profile.engine == engine)
}

/// The engines that have a profile.
pub fn names() -> Vec<&'static str> {
    PROFILES.iter().map(|profile| profile.engine.as_str()).collect()
}

fn parse(text: &str) -> Option<LayoutProfile> {
    let source = Source { name: "profile".into(), text: text.into() }.into();
    let root = Node::parse(&source).ok()?;
    let bytes = |key: &str| match root.get(key)?.content {
        Content::Integer(bytes) => u64::try_from(bytes).ok(),
        _ => None,
    };
    let word = |key: &str| match &root.get(key)?.content {
        Content::Text(word) => Some(word.clone()),
        _ => None,
    };
    Some(LayoutProfile {
        engine: word("engine")?,
        table: match word("table")?.as_str() {
            "chained" => TableShape::Chained,
            "bucketed" => TableShape::Bucketed,
            _ => return None,
        },
        entry_bytes: bytes("entry-bytes")?,
        key_placement: match word("key-placement")?.as_str() {
            "separate" => KeyPlacement::Separate,
            "embedded-in-entry" => KeyPlacement::EmbeddedInEntry,
            "embedded-in-object" => KeyPlacement::EmbeddedInObject,
            _ => return None,
        },
        object_bytes: bytes("object-bytes")?,
        embedded_object_bytes: bytes("embedded-object-bytes")?,
        embstr_max: bytes("embstr-max")?,
        embedded_max: bytes("embedded-max")?,
        bucket_bytes: bytes("bucket-bytes")?,
        expires_bytes: bytes("expires-bytes")?,
        child_release: match word("child-release")?.as_str() {
            "dismissed" => ChildRelease::Dismissed,
            "freed" => ChildRelease::Freed,
            _ => return None,
        },
        rdb_cache: match word("rdb-cache")?.as_str() {
            "kept" => RdbCache::Kept,
            "dropped" => RdbCache::Dropped,
            _ => return None,
        },
        measured: root.get("measured")?.content == Content::Flag(true),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_measured_engines_have_a_profile() {
        let redis = find("redis-7.0").unwrap();
        assert_eq!((redis.entry_bytes, redis.key_placement), (24, KeyPlacement::Separate));
        assert_eq!(redis.rdb_cache, RdbCache::Kept);
        let valkey = find("valkey-8.0").unwrap();
        assert_eq!((valkey.entry_bytes, valkey.key_placement), (17, KeyPlacement::EmbeddedInEntry));
        assert!(redis.measured && valkey.measured);
        assert_eq!(find("redis-6.0"), None);
    }
}
