//! How the change log is read. It is written by the contexts' repositories, each change in the transaction that makes it.

use super::entry::Change;
use super::kind::Context;
use crate::ids::Seq;
use crate::page::Listing;
use crate::storage::StorageError;

/// From where, and in which direction, the log is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Newest first; only what is before this position where one is given.
    NewestFirst(Option<Seq>),
    /// Oldest first; only what is after this position.
    OldestFirst(Seq),
}

/// Which changes are asked for; each filter that is given must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeQuery {
    /// The order, and where to begin.
    pub direction: Direction,
    /// The most changes to return.
    pub limit: usize,
    /// Changes of one context.
    pub context: Option<Context>,
    /// Changes to records of this name.
    pub subject: Option<String>,
    /// Changes by this actor, as it is written (`user:jay`).
    pub actor: Option<String>,
    /// Changes that affect the environment that has this name now, or had it at the time of the change.
    pub environment: Option<String>,
}

/// Reads the change log.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait ChangeLog: Send + Sync {
    /// A page of changes in the order asked for. MUST NOT miss a change that was committed before one it returns.
    fn list(&self, query: &ChangeQuery) -> Result<Listing<Change>, StorageError>;
}
