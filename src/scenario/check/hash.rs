//! What must hold of hashes: they lie in one listpack, and are written by `HSET`.

use super::super::case::is_hash;
use super::super::code::Code;
use super::super::diagnostic::Diagnostic;
use super::super::reading::Group;
use super::super::source::Place;
use super::super::value::Value;
use crate::units::Bytes;

/// Fields up to which a hash lies in one listpack. Source: `hash-max-listpack-entries`, 512 by default, Redis from 7.0
/// and Valkey.
const MOST_FIELDS: f64 = 512.0;

/// The longest name or value of a field in a listpack \[bytes\]. Source: `hash-max-listpack-value`, 64 by default.
const LONGEST_FIELD: f64 = 64.0;

/// Finds what is wrong with the hashes of a keyspace, or with settings of hashes where it has none.
pub fn check(keyspace: &Group, problems: &mut Vec<Diagnostic>) {
    if is_hash(keyspace) {
        fields(keyspace, problems);
        for key in ["field-name-size", "value-size"] {
            field_length(keyspace, key, problems);
        }
    } else if let Some(key) = ["fields", "field-name-size"].into_iter().find(|key| keyspace.mentions(key)) {
        let message = format!("`{key}` is a setting of hashes");
        let problem = Diagnostic::new(Code::Conflict, message, keyspace.place_of(key), "not of strings");
        problems.push(problem.help("leave it out, or add `type = \"hash\"`"));
    }
    let Some(Value::Operations(mix)) = keyspace.value("operations") else { return };
    let place = keyspace.given("operations").map(|given| &given.place);
    let Some(place) = place else { return };
    for (operation, share) in [("set", mix.set), ("incr", mix.incr), ("hset", mix.hset)] {
        if share > 0.0 {
            check_job(keyspace, operation, place, problems);
        }
    }
}

/// Finds whether the keys of `keyspace` are not of the kind that `operation`, named at `place`, writes.
pub fn check_job(keyspace: &Group, operation: &str, place: &Place, problems: &mut Vec<Diagnostic>) {
    let (what, help) = match (is_hash(keyspace), operation) {
        (true, "set" | "incr") => {
            ("hashes", "write hashes by `hset`, or give the strings a keyspace of their own")
        }
        (false, "hset") => ("strings", "add `type = \"hash\"` and `fields`, or write strings by `set`"),
        _ => return,
    };
    let message = format!("`{operation}` does not write {what}");
    let problem = Diagnostic::new(Code::Conflict, message, place, "writes another type")
        .beside(keyspace.place_of("type"), format!("the keys are {what}"));
    problems.push(problem.help(help));
}

fn fields(keyspace: &Group, problems: &mut Vec<Diagnostic>) {
    if !keyspace.mentions("fields") {
        let place = keyspace.place_of("type");
        let problem = Diagnostic::new(Code::Missing, "a hash without fields", place, "`fields` is missing");
        problems.push(problem.help("add for example `fields = 10`"));
    }
    let Some(fields) = keyspace.quantity("fields") else { return };
    if fields.likely > MOST_FIELDS {
        let message = format!("not modelled yet: hashes of more than {MOST_FIELDS} fields");
        let problem = Diagnostic::new(Code::NotModelled, message, keyspace.place_of("fields"), "too many");
        let because =
            "beyond `hash-max-listpack-entries` a hash is a hash table, with an entry for each field";
        problems.push(problem.because(because).help("give at most 512 fields"));
    }
}

fn field_length(keyspace: &Group, key: &str, problems: &mut Vec<Diagnostic>) {
    let Some(length) = keyspace.quantity(key) else { return };
    if length.likely > LONGEST_FIELD {
        let message = format!("not modelled yet: hashes with a `{key}` above {LONGEST_FIELD} B");
        let label = format!("{} in a field", Bytes::from_f64(length.likely));
        let problem = Diagnostic::new(Code::NotModelled, message, keyspace.place_of(key), label);
        let because = "beyond `hash-max-listpack-value` a hash is a hash table, with an entry for each field";
        problems.push(problem.because(because).help("give at most 64 B"));
    }
}
