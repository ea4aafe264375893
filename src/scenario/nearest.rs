//! Did you mean: the known name nearest to an unknown one.

/// The nearest of `known` to `name`, if one is near enough to be meant.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.into_iter().map(|candidate| (likeness(name, candidate), candidate));
    near.filter(|(likeness, _)| *likeness >= 0.7).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

/// How alike two names are, from 0 to 1; a dropped or swapped letter weighs more than a missing end.
fn likeness(a: &str, b: &str) -> f64 {
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    strsim::normalized_damerau_levenshtein(&a, &b).max(strsim::jaro_winkler(&a, &b) - 0.1)
}

/// The up to `limit` nearest of `known`, nearest first.
pub fn nearest_few<'a>(name: &str, known: impl IntoIterator<Item = &'a str>, limit: usize) -> Vec<&'a str> {
    let mut near: Vec<(f64, &str)> =
        known.into_iter().map(|candidate| (likeness(name, candidate), candidate)).collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.into_iter().filter(|(likeness, _)| *likeness >= 0.6).take(limit).map(|(_, name)| name).collect()
}

/// "did you mean `x`?", or the list of what is known.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(name, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known here: {}", quoted(known)),
    }
}

/// Names in backticks, with commas.
pub fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_a_stranger_is_not() {
        let known = ["maxmemory", "maxmemory-percent", "maxmemory-policy"];
        assert_eq!(nearest("maxmemory-precent", known), Some("maxmemory-percent"));
        assert_eq!(nearest("maxmemory_policy", known), Some("maxmemory-policy"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(did_you_mean("colour", ["a", "b"]), "known here: `a`, `b`");
    }
}
