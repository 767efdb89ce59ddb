//! OFREP 0.3.0, the OpenFeature Remote Evaluation Protocol: one flag, or all of them, for the context that a request brings.
//!
//! `paths` are the protocol's, `context` reads what is asked for, `view` renders each answer once, `evaluate` answers,
//! and `failure` is the shape of errors.

pub(crate) mod context;
pub(crate) mod evaluate;
pub(crate) mod failure;
pub(crate) mod paths;
pub(crate) mod schema;
pub mod view;

pub(crate) use failure::Failure;
pub use view::OfrepViews;
