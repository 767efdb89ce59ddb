//! Who gets what: rules, as they are written. [`super::evaluation`] compiles and evaluates them.

pub mod rule;
pub mod variant;

pub use rule::{Condition, ConditionValue, Rule, RuleKind};
pub use variant::{Percentage, Share, Split, Variant, Variants, check_split};
