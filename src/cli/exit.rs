//! Exit codes: what a script may rely on.

use std::process::ExitCode;

use super::input::Unreadable;
use super::plan::{AnotherFleet, BadPrices};
use crate::report::ReportError;
use crate::scenario::MalformedAssignment;
use crate::scenario::fleet::FleetError;

/// How the command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// Something failed that is not the scenario's fault: a file that cannot be written, a bug.
    Failed,
    /// The arguments make no command.
    Usage,
    /// The scenario or another input is invalid; diagnostics were printed.
    Invalid,
    /// `--fail-on-risk`, and the scenario as written is not safe.
    Risky,
    /// Not everything was finished.
    Incomplete,
    /// Ctrl-C; finished results were kept.
    Interrupted,
}

impl Exit {
    /// The process's exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Invalid => 3,
            Self::Risky => 4,
            Self::Incomplete => 5,
            Self::Interrupted => 130,
        }
    }

    /// What a script is told of `error`: whose fault it is, the arguments', an input's or neither's.
    pub fn of(error: &anyhow::Error) -> Self {
        if error.is::<MalformedAssignment>() {
            return Self::Usage;
        }
        if let Some(ReportError::Unfinished { .. } | ReportError::Missing { .. }) = error.downcast_ref() {
            return Self::Incomplete;
        }
        let is_invalid_folder = error.downcast_ref::<ReportError>().is_some_and(|error| {
            matches!(
                error,
                ReportError::Read { .. }
                    | ReportError::Malformed { .. }
                    | ReportError::NewerFormat { .. }
                    | ReportError::OtherRun { .. }
                    | ReportError::OtherPart { .. }
            )
        });
        let is_invalid_fleet = error.is::<FleetError>() || error.is::<AnotherFleet>();
        let is_invalid_file = error.is::<Unreadable>() || error.is::<BadPrices>();
        if is_invalid_folder || is_invalid_fleet || is_invalid_file { Self::Invalid } else { Self::Failed }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_that_scripts_rely_on() {
        let all = [Exit::Done, Exit::Failed, Exit::Usage, Exit::Invalid, Exit::Risky, Exit::Incomplete];
        assert_eq!(all.map(Exit::code), [0, 1, 2, 3, 4, 5]);
        assert_eq!(Exit::Interrupted.code(), 130);
    }
}
