//! INFO text: what a server says of itself, as fields with types.
//!
//! Owns the reading of the text: sections, line ends, what surrounds a pasted text, and the complaint where
//! it is not INFO at all. Gives no field a meaning: that is for [`Record`](super::Record).

use std::collections::BTreeMap;

/// Fields without which nothing can be said of a server.
const REQUIRED: [&str; 3] = ["redis_version", "uptime_in_seconds", "used_memory"];

/// The fields of one server's INFO. Sections are dropped: no name occurs in two of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    fields: BTreeMap<String, String>,
}

/// Why a text could not be read as INFO.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InfoError {
    /// The text lacks what every INFO has.
    #[error(
        "this is not the INFO text of a server: no {}; save the whole output of `valkey-cli INFO \
         everything` (or `redis-cli`)",
        .missing.iter().map(|field| format!("`{field}:`")).collect::<Vec<_>>().join(", no ")
    )]
    NotInfo {
        /// The required fields it does not have.
        missing: Vec<&'static str>,
    },
    /// The text holds the INFO of more than one server, or of one server twice.
    #[error(
        "`{field}` occurs more than once, so this is more than one INFO: give each of them as a file of \
         its own"
    )]
    SeveralServers {
        /// The field that occurs again.
        field: &'static str,
    },
    /// A field cannot be read.
    #[error(transparent)]
    Field(#[from] FieldError),
}

/// A field that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// It is not there.
    #[error("INFO has no `{field}`; save the whole output of `INFO everything`, not one section of it")]
    Missing {
        /// Its name.
        field: &'static str,
    },
    /// It is there and is not what it should be.
    #[error("INFO says `{field}:{value}`, which is not {expected}")]
    Malformed {
        /// Its name.
        field: String,
        /// What the text says.
        value: String,
        /// What it should have been, with an article.
        expected: &'static str,
    },
}

/// The keys of all databases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyCounts {
    /// Keys.
    pub keys: u64,
    /// Those of them with a TTL.
    pub expires: u64,
    /// Mean remaining time to live of the database with the most such keys \[ms\]; 0 where the server has not
    /// sampled it.
    pub avg_ttl_ms: u64,
}

impl Info {
    /// Reads INFO text. `# Section` lines, carriage returns and whatever is not `name:value` around it are
    /// left out.
    ///
    /// # Errors
    ///
    /// [`InfoError::NotInfo`] where what every INFO has is missing, [`InfoError::SeveralServers`] where it
    /// is there twice.
    pub fn parse(text: &str) -> Result<Self, InfoError> {
        let mut fields = BTreeMap::new();
        for (name, value) in text.lines().filter_map(field) {
            let earlier = fields.insert(name.to_owned(), value.to_owned());
            if let (Some(_), Some(&field)) = (earlier, REQUIRED.iter().find(|&&required| required == name)) {
                return Err(InfoError::SeveralServers { field });
            }
        }
        let missing: Vec<_> = REQUIRED.into_iter().filter(|&name| !fields.contains_key(name)).collect();
        if missing.is_empty() { Ok(Self { fields }) } else { Err(InfoError::NotInfo { missing }) }
    }

    /// Whether the text looks like INFO at all: it names a version.
    pub fn is_info(text: &str) -> bool {
        text.lines().filter_map(field).any(|(name, _)| name == "redis_version")
    }

    /// A field as text; `None` where it is not there.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field).map(String::as_str)
    }

    /// A count that INFO must have.
    ///
    /// # Errors
    ///
    /// Where it is not there, or is not a whole number.
    pub fn required(&self, field: &'static str) -> Result<u64, FieldError> {
        self.count(field)?.ok_or(FieldError::Missing { field })
    }

    /// A count; `None` where it is not there or is -1, the server's word for "never".
    ///
    /// # Errors
    ///
    /// Where it is not a whole number.
    pub fn count(&self, field: &str) -> Result<Option<u64>, FieldError> {
        match self.text(field) {
            None | Some("-1") => Ok(None),
            Some(value) => value.parse().map(Some).map_err(|_| malformed(field, value, "a whole number")),
        }
    }

    /// A decimal number; `None` where it is not there.
    ///
    /// # Errors
    ///
    /// Where it is not a finite number.
    pub fn number(&self, field: &str) -> Result<Option<f64>, FieldError> {
        let Some(value) = self.text(field) else { return Ok(None) };
        let number = value.parse().ok().filter(|number: &f64| number.is_finite());
        number.map(Some).ok_or_else(|| malformed(field, value, "a number"))
    }

    /// The keys of all databases: `db0:keys=…,expires=…,avg_ttl=…`, added up.
    ///
    /// # Errors
    ///
    /// Where a database's line is not understood.
    pub fn key_counts(&self) -> Result<KeyCounts, FieldError> {
        let (mut total, mut most_expires) = (KeyCounts::default(), 0);
        for (name, line) in self.fields.iter().filter(|(name, _)| is_database(name)) {
            let part = |key| part(line, key).ok_or_else(|| malformed(name, line, "`keys=…,expires=…`"));
            let (keys, expires) = (part("keys")?, part("expires")?);
            total.keys = total.keys.saturating_add(keys);
            total.expires = total.expires.saturating_add(expires);
            if expires > most_expires {
                most_expires = expires;
                total.avg_ttl_ms = part("avg_ttl").unwrap_or(0);
            }
        }
        Ok(total)
    }

    /// Calls of each command since the start: `cmdstat_set:calls=…`, by the command's name.
    pub fn command_calls(&self) -> impl Iterator<Item = (&str, u64)> {
        self.fields
            .iter()
            .filter_map(|(name, line)| Some((name.strip_prefix("cmdstat_")?, part(line, "calls")?)))
    }
}

/// A `name:value` line; `None` for anything else.
fn field(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.trim_matches(['\u{feff}', ' ', '\t', '\r']).split_once(':')?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_|-.".contains(c));
    is_name.then(|| (name, value.trim()))
}

fn is_database(name: &str) -> bool {
    name.strip_prefix("db")
        .is_some_and(|number| !number.is_empty() && number.chars().all(|digit| digit.is_ascii_digit()))
}

/// The number after `key=` in a line of `key=number` parts.
fn part(line: &str, key: &str) -> Option<u64> {
    line.split(',').find_map(|part| part.split_once('=').filter(|(name, _)| *name == key))?.1.parse().ok()
}

fn malformed(field: &str, value: &str, expected: &'static str) -> FieldError {
    FieldError::Malformed { field: field.to_owned(), value: value.to_owned(), expected }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SMALL: &str =
        "# Server\r\nredis_version:7.0.15\r\nuptime_in_seconds:10\r\n\r\n# Memory\r\nused_memory:1024\r\n";

    #[test]
    fn sections_carriage_returns_and_surrounding_junk_are_left_out() {
        let pasted = format!("\u{feff}$ redis-cli info\n{SMALL}OK\n\u{1b}[0m\n");
        let info = Info::parse(&pasted).unwrap();
        assert_eq!(info.required("used_memory"), Ok(1024));
        assert_eq!(info.text("redis_version"), Some("7.0.15"));
    }

    #[test]
    fn a_text_that_is_not_info_is_told_what_is_missing() {
        let error = Info::parse("{\"used_memory\": 3}\nuptime_in_seconds:4").unwrap_err();
        insta::assert_snapshot!(error, @"this is not the INFO text of a server: no `redis_version:`, no \
                                         `used_memory:`; save the whole output of `valkey-cli INFO \
                                         everything` (or `redis-cli`)");
    }

    #[test]
    fn two_servers_in_one_text_are_refused() {
        let error = Info::parse(&format!("{SMALL}{SMALL}")).unwrap_err();
        assert_eq!(error, InfoError::SeveralServers { field: "redis_version" });
    }

    #[test]
    fn errors_name_the_field() {
        let info = Info::parse(&format!("{SMALL}maxmemory:lots\n")).unwrap();
        let absent = info.required("total_system_memory").unwrap_err().to_string();
        assert!(absent.contains("no `total_system_memory`"), "{absent}");
        let malformed = info.count("maxmemory").unwrap_err().to_string();
        assert_eq!(malformed, "INFO says `maxmemory:lots`, which is not a whole number");
    }

    #[test]
    fn never_is_not_a_number() {
        let info = Info::parse(&format!("{SMALL}rdb_last_bgsave_time_sec:-1\n")).unwrap();
        assert_eq!(info.count("rdb_last_bgsave_time_sec"), Ok(None));
    }

    #[test]
    fn databases_add_up_and_the_one_with_most_ttls_gives_the_mean() {
        let text = format!(
            "{SMALL}db0:keys=10,expires=9,avg_ttl=700\ndb12:keys=2,expires=0,avg_ttl=0,subexpiry=0\n"
        );
        let counts = Info::parse(&text).unwrap().key_counts().unwrap();
        assert_eq!(counts, KeyCounts { keys: 12, expires: 9, avg_ttl_ms: 700 });
        let broken = Info::parse(&format!("{SMALL}db0:keys=ten\n")).unwrap().key_counts();
        assert!(broken.unwrap_err().to_string().contains("db0"));
    }

    /// Lines that look like INFO more often than not.
    const LINE: &str =
        "(redis_version|used_memory|uptime_in_seconds|db0|cmdstat_set|x):[-=,a-z0-9.]{0,12}\r?\n?";

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC*", lines in proptest::collection::vec(LINE, 0..12)) {
            for text in [text, lines.concat()] {
                if let Ok(info) = Info::parse(&text) {
                    let _ = (info.key_counts(), info.count("x"), info.number("x"));
                    let _ = info.command_calls().count();
                }
            }
        }
    }
}
