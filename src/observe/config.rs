//! CONFIG GET text: the settings that INFO does not tell.

use std::collections::BTreeMap;

/// A server's settings by name, as `CONFIG GET *` prints them: names and values on alternating lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    settings: BTreeMap<String, String>,
}

impl Config {
    /// Reads the text; `None` where it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let pairs = lines.chunks_exact(2).map(|pair| (pair[0].to_owned(), pair[1].to_owned()));
        let settings: BTreeMap<_, _> = pairs.collect();
        ["maxmemory", "save", "oom-score-adj"]
            .iter()
            .any(|&name| settings.contains_key(name))
            .then_some(Self { settings })
    }

    /// A setting's value; `None` where the text does not have it.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(String::as_str)
    }

    /// The `save` points as pairs of seconds and changes: `3600 1 300 100` is two of them. `None` where the
    /// text does not have them or they are not understood.
    pub fn save_points(&self) -> Option<Vec<(u64, u64)>> {
        let numbers: Option<Vec<u64>> =
            self.get("save")?.split_whitespace().map(|word| word.parse().ok()).collect();
        let numbers = numbers.filter(|numbers| numbers.len().is_multiple_of(2))?;
        Some(numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_alternate_and_a_value_may_be_empty() {
        let config = Config::parse("requirepass\n\nsave\n3600 1 300 100\noom-score-adj\nno\n").unwrap();
        assert_eq!(config.get("requirepass"), Some(""));
        assert_eq!(config.get("oom-score-adj"), Some("no"));
        assert_eq!(config.save_points(), Some(vec![(3600, 1), (300, 100)]));
        assert_eq!(Config::parse("save\n\n").unwrap().save_points(), Some(vec![]));
    }

    #[test]
    fn other_text_is_no_config() {
        assert_eq!(Config::parse("name = \"x\"\n\n[host]\n"), None);
        assert_eq!(Config::parse("save\n60\n").unwrap().save_points(), None);
    }
}
