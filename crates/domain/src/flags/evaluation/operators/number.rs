//! Remainders, and shares of identities.

use std::fmt::Display;

use super::{Asked, Entry, Origin, Reads, Test, of_value};
use crate::flags::evaluation::bucket::percentage;
use crate::flags::targeting::{ConditionValue, Percentage};
use crate::text::Invalid;

pub(super) static MODULO: Entry = Entry {
    name: "MODULO",
    summary: "The property, divided by the divisor, leaves the remainder.",
    value: "divisor|remainder, as 2|0",
    origin: Origin::Flagsmith,
    reads: Reads::Property,
    compile: modulo,
    sense: divisor,
};

pub(super) static PERCENTAGE_SPLIT: Entry = Entry {
    name: "PERCENTAGE_SPLIT",
    summary: "The property (without one: the identity) is in that share of all; the same ones whenever it is asked, and \
              others in another segment.",
    value: "a percentage from 0 to 100",
    origin: Origin::Flagsmith,
    reads: Reads::PropertyOrKey,
    compile: share,
    sense: percent,
};

fn modulo(value: &ConditionValue) -> Result<Test, Invalid> {
    let invalid = || Invalid::new("must be two numbers, divisor|remainder, as 2|0");
    let text = value.text();
    let (divisor, remainder) = text.split_once('|').ok_or_else(invalid)?;
    let divisor: f64 = divisor.parse().map_err(|_| invalid())?;
    let remainder: f64 = remainder.parse().map_err(|_| invalid())?;
    Ok(of_value(move |value| {
        let rest = value.number().map(|number| number % divisor - remainder);
        rest.is_some_and(|difference| difference.abs() < 1e-10)
    }))
}

/// Nothing leaves a remainder when it is divided by zero.
fn divisor(value: &ConditionValue) -> Result<(), Invalid> {
    let text = value.text();
    let divisor = text.split('|').next().and_then(|text| text.parse().ok());
    match divisor.is_some_and(|divisor: f64| divisor.is_normal()) {
        true => Ok(()),
        false => Err(Invalid::new("must not divide by zero")),
    }
}

/// The engine takes any number, as Flagsmith's does.
fn percent(value: &ConditionValue) -> Result<(), Invalid> {
    let percent = value.text().parse().unwrap_or(f64::NAN);
    Percentage::new(percent).map(drop)
}

fn share(value: &ConditionValue) -> Result<Test, Invalid> {
    let invalid = || Invalid::new("must be a percentage, a number from 0 to 100");
    let share: f64 = value.text().parse().map_err(|_| invalid())?;
    if !share.is_finite() {
        return Err(invalid());
    }
    Ok(Box::new(move |asked: &Asked<'_>| {
        let ids = |value| [&asked.segment as &dyn Display, value];
        asked
            .value
            .is_some_and(|value| percentage(&ids(value)) <= share)
    }))
}

#[cfg(test)]
mod tests {
    use super::super::tests::table;

    #[test]
    fn modulo() {
        table(
            "MODULO",
            &[
                ("4", "2|0", true),
                ("5", "2|0", false),
                ("35.5", "4|3.5", true),
                ("\"4\"", "2|0", true),
                ("\"four\"", "2|0", false),
                ("true", "2|1", false),
                ("4", "0|0", false),
                ("4", "2", false),
                ("4", "2|0|0", false),
                ("-", "2|0", false),
            ],
        );
    }

    #[test]
    fn percentage_split() {
        // The bucket of ("segment", "user") is 96.999….
        table(
            "PERCENTAGE_SPLIT",
            &[
                ("\"user\"", "0", false),
                ("\"user\"", "96.9", false),
                ("\"user\"", "97", true),
                ("\"user\"", "100", true),
                ("\"user\"", "x", false),
                ("\"user\"", "nan", false),
                ("-", "100", false),
            ],
        );
    }
}
