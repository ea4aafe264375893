//! `--shard I/N`: which share of the cells, as written or as the scheduler of a cluster says.

use std::env;
use std::str::FromStr;

use crate::sweep::{MalformedShard, Shard};

/// Variables in which a scheduler tells a job its number, counted from 0: a Kubernetes Indexed Job, and a Slurm array
/// that begins at 0 (`--array=0-7`).
const INDICES: [&str; 2] = ["JOB_COMPLETION_INDEX", "SLURM_ARRAY_TASK_ID"];

/// The argument of `--shard`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShardArg {
    /// `I/N`.
    Given(Shard),
    /// `auto/N`: the scheduler names the index.
    Auto(usize),
}

/// Why the environment names no shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoShard {
    /// No variable is set.
    #[error("--shard auto/N: neither JOB_COMPLETION_INDEX nor SLURM_ARRAY_TASK_ID is set")]
    Unset,
    /// Both are, to different numbers.
    #[error("--shard auto/N: JOB_COMPLETION_INDEX is `{0}` and SLURM_ARRAY_TASK_ID is `{1}`")]
    Disagree(String, String),
    /// It is no index of so many shards.
    #[error("--shard auto/{count}: `{index}` is not an index from 0 to {}", count - 1)]
    Beyond {
        /// What is set.
        index: String,
        /// How many shards there are.
        count: usize,
    },
}

impl FromStr for ShardArg {
    type Err = MalformedShard;

    fn from_str(text: &str) -> Result<Self, MalformedShard> {
        let auto = text.strip_prefix("auto/").and_then(|count| count.parse().ok());
        match auto.filter(|&count| count > 0) {
            Some(count) => Ok(Self::Auto(count)),
            None => text.parse().map(Self::Given),
        }
    }
}

impl ShardArg {
    /// The shard, where need be of the environment.
    ///
    /// # Errors
    ///
    /// [`NoShard`].
    pub fn shard(self) -> Result<Shard, NoShard> {
        self.in_environment(|name| env::var(name).ok())
    }

    fn in_environment(self, variable: impl Fn(&str) -> Option<String>) -> Result<Shard, NoShard> {
        let count = match self {
            Self::Given(shard) => return Ok(shard),
            Self::Auto(count) => count,
        };
        let index = match INDICES.map(variable) {
            [Some(one), Some(other)] if one != other => return Err(NoShard::Disagree(one, other)),
            [one, other] => one.or(other).ok_or(NoShard::Unset)?,
        };
        let shard =
            index.trim().parse().ok().and_then(|index: usize| Shard::new(index.checked_add(1)?, count));
        shard.ok_or(NoShard::Beyond { index, count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str, [job, task]: [Option<&str>; 2]) -> String {
        let value = |name: &str| if name == INDICES[0] { job } else { task };
        let argument: ShardArg = text.parse().unwrap();
        let shard = argument.in_environment(|name| value(name).map(str::to_owned));
        shard.map_or_else(|error| error.to_string(), |shard| shard.to_string())
    }

    #[test]
    fn the_scheduler_counts_from_zero_and_shards_from_one() {
        assert_eq!(said("auto/8", [Some("0"), None]), "1/8");
        assert_eq!(said("auto/8", [None, Some("7")]), "8/8");
        assert_eq!(said("auto/8", [Some("3"), Some("3")]), "4/8");
        assert_eq!(said("2/8", [Some("3"), None]), "2/8");
    }

    #[test]
    fn an_environment_without_an_index_is_told() {
        let texts = [
            said("auto/8", [None, None]),
            said("auto/8", [Some("1"), Some("2")]),
            said("auto/8", [Some("8"), None]),
            said("auto/8", [Some("x"), None]),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        --shard auto/N: neither JOB_COMPLETION_INDEX nor SLURM_ARRAY_TASK_ID is set
        --shard auto/N: JOB_COMPLETION_INDEX is `1` and SLURM_ARRAY_TASK_ID is `2`
        --shard auto/8: `8` is not an index from 0 to 7
        --shard auto/8: `x` is not an index from 0 to 7
        ");
    }
}
