//! Parts of a text, and patterns.

use super::{Entry, Origin, Reads, Test, of_value, pattern, some_text};
use crate::flags::targeting::ConditionValue;
use crate::text::Invalid;

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
    compile: matches,
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

fn matches(value: &ConditionValue) -> Result<Test, Invalid> {
    let pattern = pattern::compile(&value.text())?;
    Ok(of_value(move |value| {
        // Whatever matches at the start is found first.
        value.with_text(|text| pattern.find(text).is_some_and(|found| found.start() == 0))
    }))
}

#[cfg(test)]
mod tests {
    use super::super::tests::table;

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
}
