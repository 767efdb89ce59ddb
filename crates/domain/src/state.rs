//! The state file: a whole installation as one JSON document, for Git, for moving house, for demonstrations.
//!
//! [`mod@file`] is its shape, [`plan`] compares it with what is stored, [`service`] imports and exports.

pub mod error;
pub mod file;
pub mod plan;
pub mod ports;
pub mod sections;
pub mod service;

pub use error::StateError;
pub use file::StateFile;
pub use plan::{Count, CurrentState, Plan, Step};
pub use ports::{Import, ImportOptions, Progress, StateRepository};
pub use service::StateService;
