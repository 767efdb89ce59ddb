//! Text from elsewhere, on one line: whatever could begin a new line or steer a terminal is escaped. And words as a
//! shell reads them, for commands that are printed to be pasted.
//!
//! The log (`logging.rs`), the tables (`output.rs`) and error messages (`exit.rs`) all show what clients have sent.

use std::fmt::{self, Display, Formatter, Write};

/// Whether a character could end a line, or make a terminal or a viewer show something else than what was meant: the
/// control characters, Unicode's line and paragraph separators, and its overrides of the direction of writing.
pub(crate) fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Shows what is displayed on one line, escaped as in Rust's own literals: `\n`, `\u{1b}`.
pub(crate) struct OneLine<T>(pub(crate) T);

impl<T: Display> Display for OneLine<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

struct Escaping<'a, 'f>(&'a mut Formatter<'f>);

impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                c if c.is_control() => write!(self.0, "{}", c.escape_default())?,
                c if steers(c) => write!(self.0, "{}", c.escape_unicode())?,
                c => self.0.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A word as a POSIX shell reads it back.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=+,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_escaped_and_the_rest_stays() {
        let shown = OneLine("Größe\n\x1b[31m\u{9b}\u{202e}日本").to_string();
        assert_eq!(shown, r"Größe\n\u{1b}[31m\u{9b}\u{202e}日本");
    }

    #[test]
    fn a_word_is_quoted_for_the_shell_where_it_has_to_be() {
        assert_eq!(quoted("target/debug/flagstaff"), "target/debug/flagstaff");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("X: it's"), r"'X: it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
