//! Equality and order. The value is cast to the property's type: text that looks like a boolean, a number or, with
//! `:semver`, a version is compared as one.

use std::cmp::Ordering;

use semver::Version;

use super::{Entry, Origin, Reads, Test, any, of_value, some_text};
use crate::flags::evaluation::scalar::Scalar;
use crate::flags::targeting::ConditionValue;
use crate::text::Invalid;

const VALUE: &str = "a text, a number, true or false; a semantic version with \":semver\" after it, as 1.2.3:semver";

macro_rules! comparison {
    ($name:ident, $sense:path, $summary:literal, $holds:expr) => {
        pub(super) static $name: Entry = Entry {
            name: stringify!($name),
            summary: $summary,
            value: VALUE,
            origin: Origin::Flagsmith,
            reads: Reads::Property,
            compile: |value| compile(value, $holds),
            sense: $sense,
        };
    };
}

comparison!(EQUAL, any, "The property equals the value.", |order| order
    == Some(Ordering::Equal));
comparison!(
    NOT_EQUAL,
    any,
    "The property is there and does not equal the value.",
    |order| order != Some(Ordering::Equal)
);
comparison!(
    GREATER_THAN,
    some_text,
    "The property is greater than the value.",
    |order| order == Some(Ordering::Greater)
);
comparison!(
    GREATER_THAN_INCLUSIVE,
    some_text,
    "The property is greater than the value, or equals it.",
    |order| matches!(order, Some(Ordering::Greater | Ordering::Equal))
);
comparison!(
    LESS_THAN,
    some_text,
    "The property is less than the value.",
    |order| order == Some(Ordering::Less)
);
comparison!(
    LESS_THAN_INCLUSIVE,
    some_text,
    "The property is less than the value, or equals it.",
    |order| matches!(order, Some(Ordering::Less | Ordering::Equal))
);

/// Those that compare.
pub(super) static ALL: [&Entry; 6] = [
    &EQUAL,
    &NOT_EQUAL,
    &GREATER_THAN,
    &GREATER_THAN_INCLUSIVE,
    &LESS_THAN,
    &LESS_THAN_INCLUSIVE,
];

/// What an order says of a comparison; `None` is the order of what has none, as NaN.
type Holds = fn(Option<Ordering>) -> bool;

/// The value in each type that a property may have.
struct Wanted {
    text: String,
    bool: Option<bool>,
    integer: Option<i64>,
    float: Option<f64>,
}

fn compile(value: &ConditionValue, holds: Holds) -> Result<Test, Invalid> {
    let text = value.text().into_owned();
    if let Some(version) = text.strip_suffix(":semver") {
        let wanted = Version::parse(version).map_err(|error| {
            Invalid::new(format!(
                "must be a semantic version such as 1.2.3 before \":semver\": {error}"
            ))
        })?;
        return Ok(of_value(move |value| {
            let found = value.as_text().and_then(|text| Version::parse(text).ok());
            found.is_some_and(|found| holds(Some(found.cmp_precedence(&wanted))))
        }));
    }
    let wanted = Wanted {
        bool: boolean(&text),
        integer: text.parse().ok(),
        float: text.parse().ok(),
        text,
    };
    Ok(of_value(move |value| compare(value, &wanted, holds)))
}

fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

fn compare(value: &Scalar<'_>, wanted: &Wanted, holds: Holds) -> bool {
    match value {
        Scalar::Bool(value) => {
            let wanted = wanted.bool.or((wanted.text == "1").then_some(true));
            wanted.is_some_and(|wanted| booleans(*value, wanted, holds))
        }
        Scalar::Integer(value) => wanted
            .integer
            .is_some_and(|wanted| holds(Some(value.cmp(&wanted)))),
        Scalar::Float(value) => wanted
            .float
            .is_some_and(|wanted| holds(value.partial_cmp(&wanted))),
        Scalar::Text(text) => texts(text, wanted, holds),
        Scalar::Instant(_) => value.with_text(|text| holds(Some(text.cmp(&wanted.text)))),
    }
}

/// Booleans are equal or not; none is greater.
fn booleans(value: bool, wanted: bool, holds: Holds) -> bool {
    let ordered = holds(Some(Ordering::Less)) != holds(Some(Ordering::Greater));
    let inclusive = holds(Some(Ordering::Equal)) && holds(Some(Ordering::Less));
    if ordered || inclusive {
        return false;
    }
    holds(Some(value.cmp(&wanted)))
}

fn texts(text: &str, wanted: &Wanted, holds: Holds) -> bool {
    if let (Some(value), Some(wanted)) = (boolean(text), wanted.bool) {
        return booleans(value, wanted, holds);
    }
    if let (Some(wanted), Ok(value)) = (wanted.integer, text.parse::<i64>()) {
        return holds(Some(value.cmp(&wanted)));
    }
    if let (Some(wanted), Ok(value)) = (wanted.float, text.parse::<f64>()) {
        return holds(value.partial_cmp(&wanted));
    }
    holds(Some(text.cmp(wanted.text.as_str())))
}

#[cfg(test)]
mod tests {
    use super::super::tests::table;

    #[test]
    fn equal() {
        table(
            "EQUAL",
            &[
                ("\"pro\"", "pro", true),
                ("\"pro\"", "Pro", false),
                ("\"\"", "", true),
                ("-", "", false),
                ("5", "5", true),
                ("5", "5.0", false),
                ("5.0", "5", true),
                ("\"5\"", "5.0", true),
                ("true", "TRUE", true),
                ("true", "1", true),
                ("false", "0", false),
                ("\"true\"", "True", true),
                ("\"true\"", "1", false),
                ("\"1.2.0\"", "1.2.0:semver", true),
                ("\"1.2.0+build\"", "1.2.0:semver", true),
                ("\"1.2\"", "1.2.0:semver", false),
                ("1.2", "1.2.0:semver", false),
            ],
        );
    }

    #[test]
    fn not_equal() {
        table(
            "NOT_EQUAL",
            &[
                ("\"pro\"", "free", true),
                ("\"pro\"", "pro", false),
                ("-", "pro", false),
                ("5", "6", true),
                ("5", "x", false),
                ("true", "false", true),
                ("true", "x", false),
                ("\"1.2.1\"", "1.2.0:semver", true),
            ],
        );
    }

    #[test]
    fn order() {
        for (operator, below, equal, above) in [
            ("GREATER_THAN", false, false, true),
            ("GREATER_THAN_INCLUSIVE", false, true, true),
            ("LESS_THAN", true, false, false),
            ("LESS_THAN_INCLUSIVE", true, true, false),
        ] {
            table(
                operator,
                &[
                    ("4", "5", below),
                    ("5", "5", equal),
                    ("6", "5", above),
                    ("4.5", "5", below),
                    ("\"10\"", "9", above),
                    ("\"b\"", "b", equal),
                    ("\"a\"", "b", below),
                    ("\"1.10.0\"", "1.9.0:semver", above),
                    ("\"1.0.0-beta\"", "1.0.0:semver", below),
                    ("true", "true", false),
                    ("\"true\"", "false", false),
                    ("5", "x", false),
                    ("-", "5", false),
                ],
            );
        }
    }
}
