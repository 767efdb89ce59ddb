//! A definition that is ready to be evaluated, and what comes of it.

use std::fmt;

use super::compile::Compiled;
use super::definition::{Definition, FeatureDefinition, SegmentDefinition, VariantDefinition};
use super::run::Evaluation;
use super::subject::Subject;
use crate::flags::value::FlagValue;

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
            Choice::Control => Some("control"),
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
