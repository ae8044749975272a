//! Results for people or programs.

use std::fmt::Display;
use std::future::pending;
use std::io::{self, ErrorKind, Write};
use std::iter::repeat;

use addressbook_client::{Error, Timestamp, to_json};
use anstyle::{AnsiColor, Style};
use comfy_table::{Attribute, Cell, ColumnConstraint, ContentArrangement, Table, presets};
use prost::Message;
use serde_json::{Value, json};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::cli::{Color, DEFAULT_PROFILE};

/// How many characters an id has.
const UUID_WIDTH: usize = 36;

/// For whom the results are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    /// The output of one command.
    pub(crate) fn new(json: bool, color: Color) -> Self {
        match color {
            Color::Auto => {}
            Color::Always => anstream::ColorChoice::Always.write_global(),
            Color::Never => anstream::ColorChoice::Never.write_global(),
        }
        Self { json }
    }

    /// Whether the results are for programs.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Prints why a command failed.
    pub(crate) fn failed(self, error: &Error) {
        let mut stderr = anstream::stderr().lock();
        if self.json {
            let text = escaped(&json!({"error": error_json(error)}));
            let _ = writeln!(stderr, "{text}");
            return;
        }
        let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        let _ = writeln!(stderr, "{red}error:{red:#} {}", plain(&error.message));
        // The message names the first field already.
        for violation in error.violations.iter().skip(1) {
            let text = format!("  {} {}", violation.field, violation.description);
            let _ = writeln!(stderr, "{}", plain(&text));
        }
    }
}

/// Says how to log in to a profile.
pub(crate) fn suggest_log_in(profile: &str) {
    match profile {
        DEFAULT_PROFILE => note("Log in with `addressbook login`."),
        other => note(format_args!(
            "Log in with `addressbook --profile {other:?} login`."
        )),
    }
}

/// Prints a table that fits the terminal; without rows, that there are none.
pub(crate) fn table(header: &[&str], rows: Vec<Vec<String>>, none: &str) -> Result<(), Error> {
    if rows.is_empty() {
        note(none);
        return Ok(());
    }
    let width = Table::new().width().map_or(usize::MAX, usize::from);
    if width < least_width(header) {
        return rows.into_iter().try_for_each(|row| record(header, row));
    }
    let is_bold = has_colors();
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
        if name.ends_with("ID") {
            // To be copied.
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    for text in table.lines() {
        print(format!("{}\n", text.trim_end()).as_bytes())?;
    }
    Ok(())
}

/// The width below which a table of these columns cannot be read.
fn least_width(header: &[&str]) -> usize {
    let is_id = |name: &&&str| name.ends_with("ID");
    let ids = header.iter().filter(is_id).count();
    ids * (UUID_WIDTH + 2) + (header.len() - ids) * 14
}

/// Prints a row as lines of a name and a value each.
fn record(header: &[&str], row: Vec<String>) -> Result<(), Error> {
    let fields = header.iter().zip(row);
    let fields = fields.filter(|(_, value)| !value.is_empty());
    let lines = fields.map(|(name, value)| vec![(*name).to_owned(), value]);
    table(&[], lines.collect(), "")?;
    line("")
}

/// A text of others without what a terminal would take for a command, and without what
/// changes the order in which a text is shown (the overrides and isolates of UAX #9).
pub(crate) fn plain(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' => c,
        '\t' => ' ',
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        _ if c.is_control() => char::REPLACEMENT_CHARACTER,
        _ => c,
    };
    text.chars().map(shown).collect()
}

/// A value as JSON. Of the control characters, `serde_json` escapes only those below U+0020.
fn escaped(value: &Value) -> String {
    let text = value.to_string();
    let is_control = |c| ('\u{7f}'..='\u{9f}').contains(&c);
    if !text.contains(is_control) {
        return text;
    }
    text.chars()
        .map(|c| match c {
            c if is_control(c) => format!("\\u{:04x}", u32::from(c)),
            c => c.to_string(),
        })
        .collect()
}

/// Prints bytes as they are. If nobody reads them any longer, as after `| head`, the program
/// ends without an error.
pub(crate) fn print(bytes: &[u8]) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(cause) if cause.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        Err(cause) => Err(Error::local(format_args!(
            "cannot write the output: {cause}"
        ))),
        Ok(()) => Ok(()),
    }
}

/// Waits until nobody reads the results any longer. Files and terminals are always read.
#[expect(
    deprecated,
    reason = "its replacement is unsafe for what can be closed, which standard output is not"
)]
pub(crate) async fn closed() {
    // Fails for files. The error of a pipe is that its reader has closed it.
    if let Ok(stdout) = AsyncFd::with_interest(io::stdout(), Interest::ERROR)
        && stdout.ready(Interest::ERROR).await.is_ok()
    {
        return;
    }
    pending::<()>().await;
}

/// Prints a line for people.
pub(crate) fn line(line: impl Display) -> Result<(), Error> {
    print(format!("{}\n", plain(&line.to_string())).as_bytes())
}

/// Prints a value as a line of JSON.
pub(crate) fn json(value: &Value) -> Result<(), Error> {
    print(format!("{}\n", escaped(value)).as_bytes())
}

/// Prints a message of this full name as a line of JSON.
pub(crate) fn message(name: &str, message: &impl Message) -> Result<(), Error> {
    json(&to_json(name, message))
}

/// Prints a line for people that is not a result.
pub(crate) fn note(line: impl Display) {
    let _ = writeln!(io::stderr(), "{}", plain(&line.to_string()));
}

/// A time in UTC; empty without one.
pub(crate) fn time(time: Option<&Timestamp>) -> String {
    let time = time.map(|time| Timestamp { nanos: 0, ..*time }.to_string());
    time.unwrap_or_default()
}

/// Whether results have colours: as `--color` says, or on a terminal that has them.
pub(crate) fn has_colors() -> bool {
    anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
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
        assert_eq!(
            plain("a\u{202e}fdp.exe\u{2066}"),
            "a\u{fffd}fdp.exe\u{fffd}"
        );
    }

    #[test]
    fn a_list_needs_80_columns() {
        assert_eq!(least_width(&crate::person::HEADER), 80);
        assert_eq!(least_width(&[]), 0);
    }

    #[test]
    fn json_cannot_command_the_terminal() {
        let text = "a\x1b\u{7f}\u{9b}\u{a0}é";

        let escaped = escaped(&json!({ "name": text }));

        assert!(!escaped.contains(char::is_control), "{escaped}");
        let read: Value = serde_json::from_str(&escaped).unwrap();
        assert_eq!(read["name"], text);
    }
}
