//! The change log in the database: how a unit of work appends to it, and how it is read.

pub(crate) mod bookmark;
pub mod log;
pub(crate) mod unit;

pub use log::DieselChangeLog;
