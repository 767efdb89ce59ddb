//! Flagsmith's SDK protocol: [`view`] renders a snapshot once, `flags` and `identities` answer from it; `analytics` counts.

pub(crate) mod analytics;
mod coding;
mod document;
pub(crate) mod documents;
mod flag;
pub(crate) mod flags;
pub(crate) mod identities;
pub mod view;
mod visit;

pub use view::FlagsmithViews;
