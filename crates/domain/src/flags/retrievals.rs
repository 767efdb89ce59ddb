//! The record of last retrievals: when, and how often, did applications fetch an environment's flags?
//!
//! It lives in the memory of one process and begins empty at its start.

use crate::clock::Timestamp;
use crate::ids::EnvironmentId;

/// What is known of an environment's retrievals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retrievals {
    /// The latest.
    pub last: Timestamp,
    /// How many there were since the process started.
    pub count: u64,
}

/// Remembers retrievals. Called on every request for flags: MUST neither block on I/O nor fail.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait RetrievalLog: Send + Sync {
    /// Counts one retrieval. The latest time MUST never move backwards.
    fn record(&self, environment: EnvironmentId, at: Timestamp);

    /// MUST return `None` when the environment was never retrieved.
    fn find(&self, environment: EnvironmentId) -> Option<Retrievals>;
}
