//! Standard output and standard error.

use std::env;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use super::args::Color;
use crate::report::ReportError;

/// How to speak to the user.
#[derive(Debug)]
pub struct Terminal {
    /// Colours on standard error.
    pub colors_err: bool,
    quiet: bool,
    verbose: bool,
}

impl Terminal {
    /// The terminal under the user's wishes and `NO_COLOR`.
    pub fn new(color: Color, quiet: bool, verbose: bool) -> Self {
        let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colors = |is_terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal && !no_color,
        };
        Self { colors_err: colors(io::stderr().is_terminal()), quiet, verbose }
    }

    /// Whether progress is drawn: on a terminal, unless the user wants silence.
    pub fn shows_progress(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// Writes the answer to standard output.
    ///
    /// # Errors
    ///
    /// Where standard output cannot be written; a closed pipe is such an error, see [`is_broken_pipe`].
    #[expect(clippy::unused_self, reason = "all that is said goes through the terminal")]
    pub fn answer(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        if !text.ends_with('\n') {
            out.write_all(b"\n")?;
        }
        out.flush()
    }

    /// Says something on standard error, unless the user wants silence.
    pub fn say(&self, text: impl Display) {
        if !self.quiet {
            to_stderr(&text);
        }
    }

    /// Says something on standard error to a user who wants to know more.
    pub fn say_more(&self, text: impl Display) {
        if self.verbose {
            to_stderr(&text);
        }
    }

    /// Says what failed, with its causes, and what to do where that is known.
    pub fn error(&self, error: &anyhow::Error) {
        let (bold, plain) = if self.colors_err { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
        to_stderr(&format!("{bold}error{plain}: {error:#}"));
        if let Some(error) = error.downcast_ref::<ReportError>() {
            to_stderr(&format!("  = help: {}", error.remedy()));
        }
    }

    /// Says diagnostics or another text that must be seen whatever the user wishes.
    #[expect(clippy::unused_self, reason = "all that is said goes through the terminal")]
    pub fn insist(&self, text: impl Display) {
        to_stderr(&text);
    }
}

/// Standard error may be closed; there is nobody left to tell then.
fn to_stderr(text: &impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether the reader of standard output went away, as `head` does: a success.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let is_broken = |cause: &io::Error| cause.kind() == io::ErrorKind::BrokenPipe;
    error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>()).any(is_broken)
}
