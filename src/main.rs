//! The `forkcast` command.

fn main() {}
