//! A definition that is ready to be evaluated, and what comes of it.

use std::fmt;

use super::compile::Compiled;
use super::definition::{Definition, FeatureDefinition, SegmentDefinition, VariantDefinition};
use super::run::Evaluation;
use super::subject::Subject;
use crate::flags::value::FlagValue;
use crate::text::CONTROL;

/// A compiled definition.
pub struct Program {
    pub(super) definition: Definition,
    pub(super) compiled: Compiled,
}

impl Program {
    /// Compiles a definition: patterns are parsed, lists hashed, paths resolved.
    #[must_use]
    pub fn compile(definition: Definition) -> Self {
        Self {
            compiled: Compiled::of(&definition),
            definition,
        }
    }

    /// What it was compiled from.
    #[must_use]
    pub fn definition(&self) -> &Definition {
        &self.definition
    }

    /// The place of the feature of this name.
    #[must_use]
    pub fn find(&self, feature: &str) -> Option<usize> {
        self.compiled.by_name.get(feature).copied()
    }

    /// How many different answers it can give, of all features together: their numbers are below this one.
    #[must_use]
    pub fn outcomes(&self) -> usize {
        self.compiled.outcomes
    }

    /// Begins an evaluation; what it finds out it remembers for as long as it lives.
    #[must_use]
    pub fn evaluate<'a>(&'a self, subject: Subject<'a>) -> Evaluation<'a> {
        Evaluation::new(self, subject)
    }
}

impl PartialEq for Program {
    fn eq(&self, other: &Self) -> bool {
        self.definition == other.definition
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("definition", &self.definition)
            .finish_non_exhaustive()
    }
}

/// Whose state of a feature is served.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Origin<'a> {
    /// The environment's own.
    Environment,
    /// That of a segment's override.
    Segment(&'a SegmentDefinition),
    /// That of the identity's override.
    Identity,
}

/// What a split chose.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Choice<'a> {
    /// There was nothing to choose.
    None,
    /// The value outside all variants' ranges.
    Control,
    /// A variant.
    Variant(&'a VariantDefinition),
}

/// What a subject gets of one feature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer<'a> {
    /// The feature, with the environment's own state.
    pub feature: &'a FeatureDefinition,
    /// The state that is served.
    pub state: &'a FeatureDefinition,
    /// Whose state that is.
    pub origin: Origin<'a>,
    /// What was chosen among its variants.
    pub choice: Choice<'a>,
    /// The number of this answer among all that the program can give: of the same number, all of the above is the same.
    pub outcome: usize,
    /// Whether it depends on itself through prerequisites; overrides that rest on that are passed over.
    pub in_cycle: bool,
}

impl<'a> Answer<'a> {
    /// On or off.
    #[must_use]
    pub fn enabled(&self) -> bool {
        self.state.enabled
    }

    /// What it carries.
    #[must_use]
    pub fn value(&self) -> &'a FlagValue {
        match self.choice {
            Choice::Variant(variant) => &variant.value,
            Choice::None | Choice::Control => &self.state.value,
        }
    }

    /// The variant's key, `control` outside all ranges, `None` without a split or where the variant has no key.
    #[must_use]
    pub fn variant(&self) -> Option<&'a str> {
        match self.choice {
            Choice::None => None,
            Choice::Control => Some(CONTROL),
            Choice::Variant(variant) => variant.key.as_deref(),
        }
    }
}

/// Why an answer is what it is, in Flagsmith's words: `SPLIT; weight=30`.
impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.in_cycle {
            return f.write_str("ERROR; code=CIRCULAR_DEPENDENCY");
        }
        match (self.0.origin, self.0.choice) {
            (Origin::Identity, _) => f.write_str("TARGETING_MATCH; identity"),
            (_, Choice::Variant(variant)) => write!(f, "SPLIT; weight={}", variant.weight),
            (Origin::Segment(segment), _) => write!(f, "TARGETING_MATCH; segment={}", segment.name),
            (Origin::Environment, _) => f.write_str("DEFAULT"),
        }
    }
}

/// An answer's reason.
#[derive(Debug, Clone, Copy)]
pub struct Reason<'a>(Answer<'a>);

impl<'a> Answer<'a> {
    /// Why it is what it is.
    #[must_use]
    pub fn reason(&self) -> Reason<'a> {
        Reason(*self)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use super::*;
    use crate::flags::evaluation::Identity;

    fn feature(name: &str, variants: usize) -> FeatureDefinition {
        let variant = |number: usize| VariantDefinition {
            key: Some(number.to_string()),
            value: FlagValue::Null,
            weight: 30.into(),
            priority: 1.0,
        };
        FeatureDefinition {
            key: name.to_owned(),
            name: name.to_owned(),
            variants: (0..variants).map(variant).collect(),
            ..FeatureDefinition::default()
        }
    }

    #[test]
    fn answers_of_the_same_number_are_the_same() {
        let everybody = serde_json::json!([{"type": "ALL", "rules": [], "conditions": [
            {"property": "", "operator": "PERCENTAGE_SPLIT", "value": "50"}]}]);
        let program = Program::compile(Definition {
            key: "env".to_owned(),
            features: vec![feature("a", 2), feature("b", 0)],
            segments: vec![SegmentDefinition {
                key: "1".to_owned(),
                rules: serde_json::from_value(everybody).unwrap(),
                overrides: vec![feature("a", 0), feature("b", 1)],
                ..SegmentDefinition::default()
            }],
            identities: BTreeMap::from([("user-1".to_owned(), vec![feature("b", 0)])]),
            ..Definition::default()
        });
        // Of `a`: nothing chosen, the control, two variants, the segment's; of `b`: its own, three of the segment, user-1's.
        assert_eq!(program.outcomes(), 10);
        let identities: Vec<_> = (0..200)
            .map(|number| Identity::new("env", format!("user-{number}"), BTreeMap::new()))
            .collect();
        let mut seen = HashMap::new();
        for identity in identities.iter().map(Some).chain([None]) {
            let subject = Subject {
                identity,
                ..Subject::default()
            };
            for answer in program.evaluate(subject).answers() {
                assert!(answer.outcome < program.outcomes());
                assert_eq!(*seen.entry(answer.outcome).or_insert(answer), answer);
            }
        }
        // Nobody is in a segment and without a bucket at the same time.
        assert_eq!(seen.len(), 9);
    }
}
