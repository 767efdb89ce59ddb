//! Instants: `$.now`, or a property that holds one.

use super::{Entry, Origin, Reads, Test, any, of_value};
use crate::clock::Timestamp;
use crate::flags::evaluation::scalar::Scalar;
use crate::flags::targeting::ConditionValue;
use crate::text::Invalid;

const VALUE: &str = "an RFC 3339 instant, as 2026-12-01T00:00:00Z";

pub(super) static BEFORE: Entry = Entry {
    name: "BEFORE",
    summary: "The property is an instant before the value; of $.now: not yet.",
    value: VALUE,
    origin: Origin::Flagstaff,
    reads: Reads::Property,
    compile: |value| compile(value, |found, wanted| found < wanted),
    sense: any,
};

pub(super) static AFTER: Entry = Entry {
    name: "AFTER",
    summary: "The property is the instant or one after it; of $.now: from then on.",
    value: VALUE,
    origin: Origin::Flagstaff,
    reads: Reads::Property,
    compile: |value| compile(value, |found, wanted| found >= wanted),
    sense: any,
};

fn compile(
    value: &ConditionValue,
    holds: fn(Timestamp, Timestamp) -> bool,
) -> Result<Test, Invalid> {
    let wanted = Timestamp::parse(&value.text())?;
    Ok(of_value(move |value| {
        let found = match value {
            Scalar::Instant(at) => Some(*at),
            Scalar::Text(text) => Timestamp::parse(text).ok(),
            Scalar::Bool(_) | Scalar::Integer(_) | Scalar::Float(_) => None,
        };
        found.is_some_and(|found| holds(found, wanted))
    }))
}

#[cfg(test)]
mod tests {
    use super::super::tests::table;

    #[test]
    fn instants() {
        for (operator, earlier, same, later) in
            [("BEFORE", true, false, false), ("AFTER", false, true, true)]
        {
            table(
                operator,
                &[
                    ("\"2026-11-30T23:59:59Z\"", "2026-12-01T00:00:00Z", earlier),
                    (
                        "\"2026-12-01T01:00:00+01:00\"",
                        "2026-12-01T00:00:00Z",
                        same,
                    ),
                    (
                        "\"2026-12-01T00:00:00.000001Z\"",
                        "2026-12-01T00:00:00Z",
                        later,
                    ),
                    ("\"tomorrow\"", "2026-12-01T00:00:00Z", false),
                    ("5", "2026-12-01T00:00:00Z", false),
                    ("\"2026-12-01T00:00:00Z\"", "2026-12-01", false),
                    ("-", "2026-12-01T00:00:00Z", false),
                ],
            );
        }
    }
}
