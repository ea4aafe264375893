//! The JSON Schema of a scenario, from the table of settings and `defaults.toml`.

use serde_json::{Map, Value as Json, json};

use super::classes;
use super::defaults;
use super::kind::{Kind, Quantity, Unit};
use super::profile;
use super::settings::{self, Section, Setting};

/// The JSON Schema (2020-12) that editors check a scenario against.
///
/// It knows the names, types, words and ranges; what must hold between settings only
/// [`Scenario::read`](super::Scenario::read) knows.
pub fn json_schema() -> Json {
    let top = settings::section("").map(table).unwrap_or_default();
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "forkcast scenario",
        "description": "A host, its server, its data and its load.",
    });
    if let (Json::Object(schema), Json::Object(top)) = (&mut schema, top) {
        schema.extend(top);
    }
    schema["properties"]["sweep"] = sweep();
    schema["required"] = json!(["keyspace"]);
    schema
}

fn table(section: &Section) -> Json {
    let mut properties = Map::new();
    for setting in section.settings {
        properties.insert(setting.key.to_owned(), property(section, setting));
    }
    for (key, child) in section.children() {
        let schema = table(child);
        let schema = if child.is_repeated { json!({ "type": "array", "items": schema }) } else { schema };
        properties.insert(key.to_owned(), schema);
    }
    let required: Vec<&str> =
        section.settings.iter().filter(|setting| setting.is_required).map(|setting| setting.key).collect();
    object(&Json::Object(properties), &required)
}

fn property(section: &Section, setting: &Setting) -> Json {
    let schema = kind(&setting.kind);
    let Some(entry) = defaults::find(section.path, setting.key) else { return schema };
    let example = defaults::to_json(&entry.text);
    let mut described = json!({ "description": entry.meaning });
    if entry.value.is_some() {
        described["default"] = example;
    } else {
        described["examples"] = json!([example]);
    }
    if let (Json::Object(described), Json::Object(schema)) = (&mut described, schema) {
        described.extend(schema);
    }
    described
}

fn kind(kind: &Kind) -> Json {
    match kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Name => json!({ "type": "string", "pattern": "^[^./][^/\\s]*$" }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Choice { modelled, .. } => json!({ "enum": modelled }),
        Kind::Quantity(quantity) => self::quantity(quantity),
        Kind::TimeOfDay => json!({ "type": "string", "pattern": "^([01]?[0-9]|2[0-3]):[0-5]?[0-9]$" }),
        Kind::Class => {
            let with_memory = classes::all().iter().filter(|class| class.ram.is_some());
            let names: Vec<&str> = with_memory.map(|class| class.name.as_str()).collect();
            json!({ "enum": names })
        }
        Kind::Engine => json!({ "enum": profile::names() }),
        Kind::Kernel => json!({ "type": "string", "pattern": "^[0-9]+\\.[0-9]+" }),
        Kind::PageSize => json!({ "enum": ["4 KiB", "16 KiB", "64 KiB"] }),
        Kind::Overcommit => json!({ "enum": [0, 1, 2] }),
        Kind::ValueSize => unit(Unit::Size),
        Kind::WriteRate(quantity) => {
            let per_key = object(&json!({ "per-key": self::quantity(quantity) }), &["per-key"]);
            json!({ "anyOf": [self::quantity(quantity), per_key] })
        }
        Kind::Operations => {
            let share = json!({ "type": "number", "minimum": 0, "maximum": 1 });
            object(
                &json!({ "set": share, "incr": share, "hset": share, "insert": share, "delete": share }),
                &[],
            )
        }
        Kind::Popularity => {
            let one =
                json!({ "type": "string", "pattern": "^(uniform|zipf:[0-9.]+|hotspot:[0-9.]+/[0-9.]+)$" });
            json!({ "anyOf": [one, object(&json!({ "likely": one, "high": one }), &["likely"])] })
        }
        Kind::SavePoints => {
            json!({ "type": "array", "items": { "type": "string", "pattern": "^\\s*[0-9]+\\s+[0-9]+\\s*$" } })
        }
        Kind::Hourly => json!({ "anyOf": [{ "const": "flat" }, factors(24), factors(168)] }),
        Kind::BufferLimit => json!({ "type": "string", "pattern": "^\\s*\\S+\\s+\\S+\\s+[0-9]+\\s*$" }),
    }
}

/// A table of these properties and no others.
fn object(properties: &Json, required: &[&str]) -> Json {
    let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// An hourly profile of `count` factors.
fn factors(count: u32) -> Json {
    let factor = json!({ "type": "number", "minimum": 0 });
    json!({ "type": "array", "items": factor, "minItems": count, "maxItems": count })
}

fn quantity(quantity: &Quantity) -> Json {
    let mut one = unit(quantity.unit);
    if matches!(quantity.unit, Unit::Number | Unit::Whole) {
        one["minimum"] = bound(quantity.low);
        one["maximum"] = bound(quantity.high);
    }
    let mut forms = vec![one.clone()];
    if quantity.is_interval {
        forms.push(object(&json!({ "low": one, "likely": one, "high": one }), &["likely"]));
    }
    if let Some(word) = quantity.word {
        forms.push(json!({ "const": word }));
    }
    if forms.len() == 1 { one } else { json!({ "anyOf": forms }) }
}

/// A bound without a needless `.0`.
fn bound(value: f64) -> Json {
    serde_json::from_str(&value.to_string()).unwrap_or_else(|_| json!(value))
}

fn unit(unit: Unit) -> Json {
    match unit {
        Unit::Number => json!({ "type": "number" }),
        Unit::Whole => json!({ "type": "integer" }),
        Unit::Size => json!({ "type": "string", "pattern": "^\\s*[0-9._]+\\s*([KMGT]iB|B)\\s*$" }),
        Unit::Rate => json!({ "type": "string", "pattern": "^\\s*[0-9._]+\\s*([KMGT]iB|B)/s\\s*$" }),
        Unit::Duration => json!({ "type": "string", "minLength": 2 }),
    }
}

fn sweep() -> Json {
    json!({
        "type": "object",
        "description": "The axes: dotted paths of settings, each with a list of values or a range \"from..to:step\".",
        "additionalProperties": true,
        "examples": [{ "host.class": ["yandex.hm3-c4-m16", "yandex.hm3-c4-m32"], "server.maxmemory-percent": "50..75:5" }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_in_the_repository_is_fresh() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/schema.json");
        let expected = format!("{:#}\n", json_schema());
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(path, &expected).unwrap();
        }
        let found = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            found == expected,
            "scenarios/schema.json is stale; refresh it with\n\
             UPDATE_SCHEMA=1 cargo test --lib the_schema_in_the_repository_is_fresh"
        );
    }

    fn document(text: &str) -> Json {
        let source = super::super::Source { name: "s.toml".into(), text: text.into() };
        super::super::tree::Node::parse(&source.into()).unwrap().to_json()
    }

    #[test]
    fn shipped_scenarios_meet_the_schema_and_a_slip_does_not() {
        let validator = jsonschema::validator_for(&json_schema()).unwrap();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
        let mut texts = vec![super::super::init_text().to_owned()];
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.path().extension().is_some_and(|extension| extension == "toml") {
                texts.push(std::fs::read_to_string(entry.path()).unwrap());
            }
        }
        for text in &texts {
            let json = document(text);
            let errors: Vec<String> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{errors:?}\n{text}");
        }
        let slip = texts[0].replace("maxmemory-percent = 75", "maxmemory-precent = 75");
        assert!(!validator.is_valid(&document(&slip)));
    }
}
