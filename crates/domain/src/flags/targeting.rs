//! Who gets what: rules, as they are written. [`super::evaluation`] compiles and evaluates them.

pub mod rule;

pub use rule::{Condition, ConditionValue, Rule, RuleKind};
