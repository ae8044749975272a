//! What a person at the terminal reads. A terminal that went away is no error.

use std::fmt::Display;
use std::io::{self, Write};

/// Prints one line of our own.
pub fn say(line: impl Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Passes on a line of a service, told apart by its name.
pub(crate) fn pass_on(name: &str, line: &str) {
    let _ = writeln!(io::stdout(), "{name:<8} | {line}");
}

/// Prints why the program ends.
pub fn problem(error: &dyn std::error::Error) {
    let _ = writeln!(io::stderr(), "error: {error}");
}
