//! What a command prints on standard output: tables for people, JSON for scripts.
//!
//! A reader that goes away early (`flagstaff changes | head`) ends the command quietly.

use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal, StdoutLock, Write};

use chrono::SecondsFormat;
use comfy_table::{ContentArrangement, Table, presets};
use flagstaff_domain::clock::Timestamp;
use serde::Serialize;

use crate::escape::OneLine;
use crate::exit::Failure;

/// The most characters of a value or a description in a table.
const CELL_MAX: usize = 48;

/// Standard output.
#[derive(Debug)]
pub(crate) struct Output {
    json: bool,
    out: StdoutLock<'static>,
}

impl Output {
    /// The process's standard output; with `json` for scripts.
    pub(crate) fn stdout(json: bool) -> Self {
        Self {
            json,
            out: io::stdout().lock(),
        }
    }

    /// Whether a script reads it.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether it appears before somebody's eyes, rather than in a file, a pipe or a journal.
    pub(crate) fn is_terminal(&self) -> bool {
        self.out.is_terminal()
    }

    /// Prints a value as JSON.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value)
            .map_err(|error| Failure::io("cannot be written as JSON", &error.into()))?;
        self.line(text)
    }

    /// Prints a value as JSON on one line.
    pub(crate) fn json_line(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value)
            .map_err(|error| Failure::io("cannot be written as JSON", &error.into()))?;
        self.line(text)
    }

    /// Prints a line.
    pub(crate) fn line(&mut self, line: impl Display) -> Result<(), Failure> {
        printed(writeln!(self.out, "{line}"))
    }

    /// Prints a table with a heading.
    pub(crate) fn table<const N: usize>(
        &mut self,
        heading: [&str; N],
        rows: impl IntoIterator<Item = [String; N]>,
    ) -> Result<(), Failure> {
        let mut table = plain();
        table.set_header(heading);
        self.rows(table, rows)
    }

    /// Prints what is known of one thing, a line each.
    pub(crate) fn fields<const N: usize>(
        &mut self,
        fields: [(&str, String); N],
    ) -> Result<(), Failure> {
        let fields = fields.map(|(label, value)| [label.to_owned(), value]);
        self.rows(plain(), fields)
    }

    fn rows<const N: usize>(
        &mut self,
        mut table: Table,
        rows: impl IntoIterator<Item = [String; N]>,
    ) -> Result<(), Failure> {
        for row in rows {
            table.add_row(row.map(|cell| OneLine(cell).to_string()));
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        self.line(table.trim_fmt())
    }

    /// Hands over what was printed so far.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        printed(self.out.flush())
    }
}

fn plain() -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table
}

fn printed(result: io::Result<()>) -> Result<(), Failure> {
    result.map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failure::ReaderGone,
        _ => Failure::io("cannot write to standard output", &error),
    })
}

/// Tells a person something that a script need not read: a line on standard error.
pub(crate) fn note(text: impl Display) {
    // Where standard error is closed, nobody wants to know.
    let _ = writeln!(io::stderr(), "{}", OneLine(text));
}

/// A value or a description for a table: the beginning of a long one.
pub(crate) fn short(text: &str) -> String {
    if text.chars().count() <= CELL_MAX {
        return text.to_owned();
    }
    let mut start: String = text.chars().take(CELL_MAX - 1).collect();
    start.push('…');
    start
}

/// An instant to the second.
pub(crate) fn instant(at: Timestamp) -> String {
    at.to_utc().to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// An instant that may not be, as a key's expiry.
pub(crate) fn instant_or(at: Option<Timestamp>, otherwise: &str) -> String {
    at.map_or_else(|| otherwise.to_owned(), instant)
}

/// Whether a flag is enabled.
pub(crate) fn on_off(enabled: bool) -> String {
    if enabled { "on" } else { "off" }.to_owned()
}

/// A number of things.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(short(&"ü".repeat(48)), "ü".repeat(48));
        assert_eq!(short(&"ü".repeat(49)), format!("{}…", "ü".repeat(47)));
    }

    #[test]
    fn a_number_of_things_has_its_plural() {
        assert_eq!(counted(1, "key", "keys"), "1 key");
        assert_eq!(counted(0, "key", "keys"), "0 keys");
    }
}
