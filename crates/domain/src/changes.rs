//! The change log: one append-only, numbered record of every change in every context.
//!
//! [`entry`] says what is written and how a record looks in it, [`ports`] how it is read.

pub mod actor;
pub mod entry;
pub mod kind;
pub mod ports;
pub mod records;

pub use actor::Actor;
pub use entry::{Change, NewChange};
pub use kind::{ChangeKind, Context, ModuleKind};
pub use ports::{ChangeLog, ChangeQuery, Direction};
