//! Flagsmith's SDK protocol: [`view`] renders a snapshot once, `flags` answers from it.

mod coding;
pub(crate) mod flags;
pub mod view;

pub use view::FlagsmithViews;
