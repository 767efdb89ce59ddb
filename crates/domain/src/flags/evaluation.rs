//! Which flags does this context get: a pure function of a compiled [`Program`] and a [`Subject`].
//!
//! A [`Definition`] says what may be served; it is compiled once, when a snapshot is published, so that nothing is parsed
//! for an evaluation. Evaluation never fails: a condition that cannot be evaluated does not hold. The semantics are
//! those of Flagsmith's engine, with operators of our own beside them ([`operators`]).

mod bucket;
mod compile;
pub mod definition;
pub mod explain;
pub mod flagsmith;
pub mod operators;
mod path;
mod prerequisites;
mod program;
mod run;
mod scalar;
pub mod subject;

pub use bucket::percentage;
pub use definition::{Definition, FeatureDefinition, SegmentDefinition, VariantDefinition};
pub use operators::Operator;
pub use path::check_property;
pub use program::{Answer, Choice, Origin, Program, Reason};
pub use run::Evaluation;
pub use subject::{Identity, Subject, TraitValue};
