//! Output to the terminal. A closed terminal is not an error.

use std::fmt::Display;
use std::io::{self, Write};

/// Prints one line of this program.
pub fn say(line: impl Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Prints a line of a service, prefixed with its name.
pub(crate) fn pass_on(name: &str, line: &str) {
    let _ = writeln!(io::stdout(), "{name:<8} | {line}");
}

/// Prints why the program ends.
pub fn problem(error: &dyn std::error::Error) {
    let _ = writeln!(io::stderr(), "error: {error}");
}
