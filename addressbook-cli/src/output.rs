//! Results for people or programs. A closed terminal is not an error.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::iter::repeat;

use addressbook_client::{Error, Timestamp, to_json};
use anstyle::{AnsiColor, Style};
use comfy_table::{Attribute, Cell, ColumnConstraint, ContentArrangement, Table, presets};
use prost::Message;
use serde_json::{Value, json};

use crate::cli::Color;

/// Where results go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
    color: Color,
}

impl Output {
    /// The output of one command.
    pub(crate) fn new(json: bool, color: Color) -> Self {
        match color {
            Color::Auto => {}
            Color::Always => anstream::ColorChoice::Always.write_global(),
            Color::Never => anstream::ColorChoice::Never.write_global(),
        }
        Self { json, color }
    }

    /// Whether the results are for programs.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Prints a table that fits the terminal; without rows, that there are none.
    pub(crate) fn table(self, header: &[&str], rows: Vec<Vec<String>>, none: &str) {
        if rows.is_empty() {
            return note(none);
        }
        let is_bold = match self.color {
            Color::Auto => has_colors(),
            Color::Always => true,
            Color::Never => false,
        };
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic);
        if is_bold {
            table.enforce_styling();
            table.style_text_only();
        }
        if !header.is_empty() {
            table.set_header(header.iter().map(|name| {
                let cell = Cell::new(name);
                if is_bold {
                    cell.add_attribute(Attribute::Bold)
                } else {
                    cell
                }
            }));
        }
        table.add_rows(
            rows.into_iter()
                .map(|row| row.into_iter().map(|cell| plain(&cell))),
        );
        for (column, name) in table
            .column_iter_mut()
            .zip(header.iter().chain(repeat(&"")))
        {
            column.set_padding((0, 2));
            if *name == "ID" {
                // To be copied.
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        for text in table.lines() {
            line(text.trim_end());
        }
    }

    /// Prints why a command failed.
    pub(crate) fn failed(self, error: &Error) {
        let mut stderr = anstream::stderr().lock();
        if self.json {
            let _ = writeln!(stderr, "{}", json!({"error": error_json(error)}));
            return;
        }
        let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        let _ = writeln!(stderr, "{red}error:{red:#} {error}");
        // The message names the first field already.
        for violation in error.violations.iter().skip(1) {
            let (field, description) = (&violation.field, &violation.description);
            let _ = writeln!(stderr, "  {field} {description}");
        }
        if error.kind == addressbook_client::Kind::Unauthenticated {
            let _ = writeln!(stderr, "Log in with `addressbook login`.");
        }
    }
}

/// A text of others without what a terminal would take for a command.
pub(crate) fn plain(text: &str) -> String {
    let is_harmless = |c: char| !c.is_control() || c == '\n';
    let shown = |c| {
        if is_harmless(c) {
            c
        } else {
            char::REPLACEMENT_CHARACTER
        }
    };
    text.chars().map(shown).collect()
}

/// Prints a line.
pub(crate) fn line(line: impl Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Prints a message of this full name as JSON.
pub(crate) fn message(name: &str, message: &impl Message) {
    line(to_json(name, message));
}

/// Prints a line for people that is not a result.
pub(crate) fn note(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// A time in UTC; empty without one.
pub(crate) fn time(time: Option<&Timestamp>) -> String {
    let time = time.map(|time| Timestamp { nanos: 0, ..*time }.to_string());
    time.unwrap_or_default()
}

/// Whether results go to a terminal with colours.
fn has_colors() -> bool {
    io::stdout().is_terminal()
        && anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
}

/// An error for programs.
pub(crate) fn error_json(error: &Error) -> Value {
    let violations = error
        .violations
        .iter()
        .map(|violation| json!({"field": violation.field, "description": violation.description}));
    json!({
        "kind": format!("{:?}", error.kind),
        "reason": error.reason,
        "message": error.message,
        "metadata": error.metadata,
        "violations": violations.collect::<Vec<_>>(),
        "retryAfterSeconds": error.retry_after.map(|delay| delay.as_secs_f64()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_command_the_terminal() {
        assert_eq!(
            plain("a\x1b[2Jb\r\u{9b}c\nd"),
            "a\u{fffd}[2Jb\u{fffd}\u{fffd}c\nd"
        );
    }
}
