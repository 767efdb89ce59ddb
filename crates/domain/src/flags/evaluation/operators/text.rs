//! Parts of a text, and patterns.

use regex::RegexBuilder;

use super::{Entry, Origin, Reads, Test, of_value, some_text};
use crate::flags::targeting::ConditionValue;
use crate::text::Invalid;

/// The most bytes that a compiled pattern may need.
const PATTERN_SIZE: usize = 256 * 1024;
/// The most characters of a pattern.
const PATTERN_MAX: usize = 1_000;

pub(super) static CONTAINS: Entry = Entry {
    name: "CONTAINS",
    summary: "The property's text contains the value.",
    value: "a text",
    origin: Origin::Flagsmith,
    reads: Reads::Property,
    compile: |value| parts(value, |text, part| text.contains(part)),
    sense: some_text,
};

pub(super) static NOT_CONTAINS: Entry = Entry {
    name: "NOT_CONTAINS",
    summary: "The property is there and its text does not contain the value.",
    value: "a text",
    origin: Origin::Flagsmith,
    reads: Reads::Property,
    compile: |value| parts(value, |text, part| !text.contains(part)),
    sense: some_text,
};

pub(super) static STARTS_WITH: Entry = Entry {
    name: "STARTS_WITH",
    summary: "The property's text begins with the value.",
    value: "a text",
    origin: Origin::Flagstaff,
    reads: Reads::Property,
    compile: |value| parts(value, |text, part| text.starts_with(part)),
    sense: some_text,
};

pub(super) static ENDS_WITH: Entry = Entry {
    name: "ENDS_WITH",
    summary: "The property's text ends with the value.",
    value: "a text",
    origin: Origin::Flagstaff,
    reads: Reads::Property,
    compile: |value| parts(value, |text, part| text.ends_with(part)),
    sense: some_text,
};

pub(super) static REGEX: Entry = Entry {
    name: "REGEX",
    summary: "The pattern matches from the start of the property's text.",
    value: "a regular expression of the Rust crate regex, without look-around or back-references",
    origin: Origin::Flagsmith,
    reads: Reads::Property,
    compile: pattern,
    sense: some_text,
};

#[expect(
    clippy::unnecessary_wraps,
    reason = "an entry's compile function may refuse its value"
)]
fn parts(value: &ConditionValue, holds: fn(&str, &str) -> bool) -> Result<Test, Invalid> {
    let part = value.text().into_owned();
    Ok(of_value(move |value| {
        value.with_text(|text| holds(text, &part))
    }))
}

fn pattern(value: &ConditionValue) -> Result<Test, Invalid> {
    let text = value.text();
    if text.chars().count() > PATTERN_MAX {
        return Err(Invalid::new(format!(
            "must have at most {PATTERN_MAX} characters"
        )));
    }
    let pattern = RegexBuilder::new(&text)
        .size_limit(PATTERN_SIZE)
        .dfa_size_limit(PATTERN_SIZE)
        .build()
        .map_err(|error| {
            if matches!(error, regex::Error::CompiledTooBig(_)) {
                return Invalid::new(
                    "is too costly a regular expression: it must compile to at most 256 KiB; use smaller \
                     repetitions, or [0-9] for \\d and [A-Za-z0-9_] for \\w",
                );
            }
            Invalid::new(format!("must be a regular expression: {error}"))
        })?;
    Ok(of_value(move |value| {
        // Whatever matches at the start is found first.
        value.with_text(|text| pattern.find(text).is_some_and(|found| found.start() == 0))
    }))
}

#[cfg(test)]
mod tests {
    use super::super::Operator;
    use super::super::tests::table;
    use crate::flags::targeting::ConditionValue;

    #[test]
    fn parts_of_a_text() {
        for (operator, start, middle, end, elsewhere) in [
            ("CONTAINS", true, true, true, false),
            ("NOT_CONTAINS", false, false, false, true),
            ("STARTS_WITH", true, false, false, false),
            ("ENDS_WITH", false, false, true, false),
        ] {
            table(
                operator,
                &[
                    ("\"abc\"", "ab", start),
                    ("\"abc\"", "b", middle),
                    ("\"abc\"", "bc", end),
                    ("\"abc\"", "B", elsewhere),
                    ("-", "b", false),
                ],
            );
        }
    }

    #[test]
    fn regex() {
        table(
            "REGEX",
            &[
                ("\"foobar\"", "foo", true),
                ("\"foobar\"", "bar", false),
                ("\"foobar\"", ".*bar$", true),
                ("\"b\"", "a|b", true),
                ("\"\"", "", true),
                ("1234", "^\\d{4}$", true),
                ("true", "tr", true),
                ("\"x\"", "[", false),
                ("-", ".*", false),
            ],
        );
    }

    #[test]
    fn a_pattern_that_is_too_costly_is_refused() {
        let regex = Operator::parse("REGEX").unwrap();
        for pattern in [
            "(\\w{50}){50}",
            "(((a{100}){100}){100})",
            "(?=look)",
            "(a)\\1",
            "[",
        ] {
            let value = ConditionValue::Text(pattern.to_owned());
            assert!(regex.check(&value).is_err(), "{pattern}");
        }
        assert!(
            regex
                .check(&ConditionValue::Text("a".repeat(1_001)))
                .is_err()
        );
    }
}
