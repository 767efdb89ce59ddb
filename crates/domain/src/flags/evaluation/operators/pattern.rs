//! Compiled patterns. Each is held once, however many environments and snapshots test it: its time and its memory are
//! paid once, and a change compiles none but its own.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Weak};

use parking_lot::Mutex;
use regex::{Error, Regex, RegexBuilder};

use crate::text::Invalid;

/// The most bytes that a compiled pattern may need.
const SIZE_MAX: usize = 256 * 1024;
/// The most characters of a pattern.
const LENGTH_MAX: usize = 1_000;

static HELD: LazyLock<Held> = LazyLock::new(Held::default);

/// The compiled pattern of this text.
pub(super) fn compile(text: &str) -> Result<Arc<Regex>, Invalid> {
    HELD.compile(text)
}

/// The patterns that some program holds, by their texts.
#[derive(Default)]
struct Held(Mutex<HashMap<String, Weak<Regex>>>);

impl Held {
    fn compile(&self, text: &str) -> Result<Arc<Regex>, Invalid> {
        if let Some(held) = self.0.lock().get(text).and_then(Weak::upgrade) {
            return Ok(held);
        }
        let pattern = Arc::new(build(text)?);
        let mut held = self.0.lock();
        if held.len() == held.capacity() {
            held.retain(|_, pattern| pattern.strong_count() > 0);
        }
        held.insert(text.to_owned(), Arc::downgrade(&pattern));
        Ok(pattern)
    }
}

fn build(text: &str) -> Result<Regex, Invalid> {
    if text.chars().count() > LENGTH_MAX {
        let message = format!("must have at most {LENGTH_MAX} characters");
        return Err(Invalid::new(message));
    }
    RegexBuilder::new(text)
        .size_limit(SIZE_MAX)
        .dfa_size_limit(SIZE_MAX)
        .build()
        .map_err(|error| {
            if matches!(error, Error::CompiledTooBig(_)) {
                return Invalid::new(
                    "is too costly a regular expression: it must compile to at most 256 KiB; use smaller \
                     repetitions, or [0-9] for \\d and [A-Za-z0-9_] for \\w",
                );
            }
            Invalid::new(format!("must be a regular expression: {error}"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_compiled_once_for_as_long_as_it_is_held() {
        let held = Held::default();
        let first = held.compile("^a+$").unwrap();
        assert!(Arc::ptr_eq(&first, &held.compile("^a+$").unwrap()));
        assert!(!Arc::ptr_eq(&first, &held.compile("^b+$").unwrap()));
    }

    #[test]
    fn patterns_that_nobody_holds_do_not_pile_up() {
        let held = Held::default();
        let first = held.compile("^a+$").unwrap();
        for number in 0..200 {
            held.compile(&format!("^{number}$")).unwrap();
        }
        assert!(held.0.lock().len() < 20);
        assert!(Arc::ptr_eq(&first, &held.compile("^a+$").unwrap()));
    }

    #[test]
    fn a_pattern_that_is_too_costly_is_refused() {
        let long = "a".repeat(LENGTH_MAX + 1);
        for text in [
            "(\\w{50}){50}",
            "(((a{100}){100}){100})",
            "(?=look)",
            "(a)\\1",
            "[",
            &long,
        ] {
            assert!(compile(text).is_err(), "{text}");
        }
    }
}
