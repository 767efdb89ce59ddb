//! What importing and exporting asks of storage: the one port that commits across contexts.

use std::fmt;
use std::sync::Arc;

use super::error::StateError;
use super::file::StateFile;
use super::plan::{CurrentState, Plan};
use crate::flags::Seeds;
use crate::storage::StorageError;
use crate::write::Stamp;

/// How a file is imported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// Try it, and store nothing.
    pub dry_run: bool,
    /// Delete what the file's lists leave out.
    pub prune: bool,
    /// Delete environments, too, although applications may still read their flags.
    pub force: bool,
}

/// Is told how far a long piece of work has come.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait Progress: Send + Sync {
    /// `done` of `total` steps are made.
    fn advanced(&self, done: usize, total: usize);
}

/// An import that is to be made, or tried.
pub struct Import {
    /// What is to be stored.
    pub file: StateFile,
    /// Whether what the file's lists leave out is deleted.
    pub prune: bool,
    /// What new environments and flags are hashed with.
    pub seeds: Seeds,
    /// Who imports, and when.
    pub stamp: Stamp,
    /// Is told how far it has come.
    pub progress: Arc<dyn Progress>,
}

impl fmt::Debug for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Import")
            .field("prune", &self.prune)
            .finish_non_exhaustive()
    }
}

/// Reads and writes whole installations.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait StateRepository: Send + Sync {
    /// Everything that a state file describes, read in one transaction.
    fn load(&self) -> Result<CurrentState, StorageError>;

    /// MUST plan and carry out in one transaction, every change in the log under one group, or leave everything as it
    /// was. A plan without steps MUST leave no trace.
    fn apply(&self, import: Import) -> Result<Plan, StateError>;

    /// MUST do all that [`StateRepository::apply`] does, be refused as it would be, and leave everything as it was,
    /// but for ids that are not given again.
    fn rehearse(&self, import: Import) -> Result<Plan, StateError>;
}
