//! The operators of conditions: one entry each, with what it means, what its value must be, and how that is compiled.
//!
//! To add one, write its entry beside the others of its kind and name it in `OPERATORS`.

mod comparison;
mod instant;
mod list;
mod network;
mod number;
mod pattern;
mod prerequisite;
mod presence;
mod text;

use std::fmt;

pub use self::list::members;
use serde::{Deserialize, Serialize};

use super::run::Flags;
use super::scalar::Scalar;
use crate::flags::targeting::ConditionValue;
use crate::text::Invalid;

/// Every operator, Flagsmith's first.
static OPERATORS: &[&Entry] = &[
    &comparison::EQUAL,
    &comparison::NOT_EQUAL,
    &comparison::GREATER_THAN,
    &comparison::GREATER_THAN_INCLUSIVE,
    &comparison::LESS_THAN,
    &comparison::LESS_THAN_INCLUSIVE,
    &text::CONTAINS,
    &text::NOT_CONTAINS,
    &text::REGEX,
    &list::IN,
    &number::MODULO,
    &number::PERCENTAGE_SPLIT,
    &presence::IS_SET,
    &presence::IS_NOT_SET,
    &text::STARTS_WITH,
    &text::ENDS_WITH,
    &instant::BEFORE,
    &instant::AFTER,
    &network::CIDR,
    &prerequisite::FLAG,
];

/// Whatever operator nobody here knows.
static UNKNOWN: Entry = Entry {
    name: "UNKNOWN",
    summary: "Never.",
    value: "anything",
    origin: Origin::Flagstaff,
    reads: Reads::Feature,
    compile: |_| Err(Invalid::new("is of no use: the operator is not known")),
    sense: any,
};

/// An operator.
struct Entry {
    name: &'static str,
    summary: &'static str,
    value: &'static str,
    origin: Origin,
    reads: Reads,
    compile: fn(&ConditionValue) -> Result<Test, Invalid>,
    /// Refuses to save what compiles and makes no sense; a context from elsewhere may bring it all the same.
    sense: fn(&ConditionValue) -> Result<(), Invalid>,
}

#[derive(PartialEq)]
enum Origin {
    Flagsmith,
    Flagstaff,
}

/// What an operator's property names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// A trait or a path; it must be there.
    Property,
    /// A trait or a path; where there is none, the identity's key.
    PropertyOrKey,
    /// A feature.
    Feature,
}

/// A compiled operator with its value.
pub(super) type Test = Box<dyn Fn(&Asked<'_>) -> bool + Send + Sync>;

/// What a condition is asked about.
pub(super) struct Asked<'r> {
    /// The condition's property as it is written.
    pub(super) property: &'r str,
    /// The property's value, if it has one.
    pub(super) value: Option<&'r Scalar<'r>>,
    /// The key of the segment whose condition it is.
    pub(super) segment: &'r str,
    /// What other features serve.
    pub(super) flags: &'r dyn Flags,
}

/// One of the operators, written by its name: `GREATER_THAN`.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub struct Operator(&'static Entry);

impl Operator {
    /// Shares of identities.
    pub const PERCENTAGE_SPLIT: Self = Self(&number::PERCENTAGE_SPLIT);
    /// Membership of a list.
    pub const IN: Self = Self(&list::IN);

    /// All operators, Flagsmith's first.
    pub fn all() -> impl Iterator<Item = Self> {
        OPERATORS.iter().copied().map(Self)
    }

    /// The operator of this name.
    ///
    /// # Errors
    /// [`Invalid`], which lists the operators.
    pub fn parse(name: &str) -> Result<Self, Invalid> {
        Self::all().find(|one| one.name() == name).ok_or_else(|| {
            let names: Vec<_> = Self::all().map(Self::name).collect();
            Invalid::new(format!("must be one of {}", names.join(", ")))
        })
    }

    /// Stands for an operator that is not known: a condition with it never holds.
    #[must_use]
    pub fn unknown() -> Self {
        Self(&UNKNOWN)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// When a condition with it holds.
    #[must_use]
    pub fn summary(self) -> &'static str {
        self.0.summary
    }

    /// What its value must be.
    #[must_use]
    pub fn value(self) -> &'static str {
        self.0.value
    }

    /// Whether Flagsmith's SDKs know it, those that evaluate locally included.
    #[must_use]
    pub fn is_flagsmiths(self) -> bool {
        self.0.origin == Origin::Flagsmith
    }

    /// What its property names.
    #[must_use]
    pub fn reads(self) -> Reads {
        self.0.reads
    }

    /// Whether it compares the property with the value, read as what the property is.
    #[must_use]
    pub fn compares(self) -> bool {
        comparison::ALL.iter().any(|one| one.name == self.name())
    }

    /// Says whether a condition with this value may be saved.
    ///
    /// # Errors
    /// [`Invalid`], which says what the value must be.
    pub fn check(self, value: &ConditionValue) -> Result<(), Invalid> {
        (self.0.compile)(value).map(drop)?;
        (self.0.sense)(value)
    }

    pub(super) fn compile(self, value: &ConditionValue) -> Result<Test, Invalid> {
        (self.0.compile)(value)
    }
}

impl PartialEq for Operator {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Operator {}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl TryFrom<String> for Operator {
    type Error = Invalid;

    fn try_from(name: String) -> Result<Self, Invalid> {
        Self::parse(&name)
    }
}

impl From<Operator> for &'static str {
    fn from(operator: Operator) -> Self {
        operator.name()
    }
}

/// Any value that compiles makes sense.
fn any(_: &ConditionValue) -> Result<(), Invalid> {
    Ok(())
}

/// Without a text the condition would hold for all, or for none.
fn some_text(value: &ConditionValue) -> Result<(), Invalid> {
    match value.text().is_empty() {
        true => Err(Invalid::new("must not be empty")),
        false => Ok(()),
    }
}

/// Tests whether there is a value and `holds` for it.
fn of_value(holds: impl Fn(&Scalar<'_>) -> bool + Send + Sync + 'static) -> Test {
    Box::new(move |asked| asked.value.is_some_and(&holds))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::flags::evaluation::subject::TraitValue;

    struct NoFlags;

    impl Flags for NoFlags {
        fn serves(&self, _: &str, _: Option<&str>) -> bool {
            false
        }
    }

    /// Whether a condition holds for a trait, given as JSON; `-` for one that is missing.
    pub(super) fn holds(operator: &str, property: &str, value: &str) -> bool {
        let trait_value: TraitValue = match property {
            "-" => TraitValue::Null,
            json => serde_json::from_str(json).unwrap(),
        };
        let value = ConditionValue::Text(value.to_owned());
        let Ok(test) = Operator::parse(operator).unwrap().compile(&value) else {
            return false;
        };
        test(&Asked {
            property: "trait",
            value: Scalar::of_trait(&trait_value).as_ref(),
            segment: "segment",
            flags: &NoFlags,
        })
    }

    /// A table of `(property, value, holds)` for one operator.
    pub(super) fn table(operator: &str, rows: &[(&str, &str, bool)]) {
        for (property, value, expected) in rows {
            let holds = holds(operator, property, value);
            assert_eq!(holds, *expected, "{property} {operator} {value:?}");
        }
    }

    #[test]
    fn every_operator_has_a_name_of_its_own_and_says_what_it_does() {
        let names: BTreeSet<_> = Operator::all().map(Operator::name).collect();
        assert_eq!(names.len(), OPERATORS.len());
        for operator in Operator::all() {
            assert!(operator.summary().ends_with('.'), "{operator:?}");
            assert!(!operator.value().is_empty(), "{operator:?}");
            assert_eq!(Operator::parse(operator.name()).unwrap(), operator);
        }
        assert!(Operator::parse("equal").is_err());
    }
}
