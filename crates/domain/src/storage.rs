//! What the core knows of storage: that it can fail, and whether trying again later may help.
//!
//! Adapters wrap their driver's errors in [`StorageError`]; the cause is kept for the log and shown to no client.

use std::error::Error;
use std::sync::Arc;

/// A failure of the store, never a statement about the data: a record that does not exist is not a `StorageError`.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StorageError {
    /// The store cannot be used at the moment: locked, full, read-only, unreachable or overloaded. Nothing was changed.
    #[error("the database is not available: {0}")]
    Unavailable(Arc<dyn Error + Send + Sync>),
    /// A change may have been stored, or was stored and is not served yet: whoever asked for it has to look.
    #[error("it is not known whether the change was made: {0}")]
    InDoubt(Arc<dyn Error + Send + Sync>),
    /// The store did something unexpected, or holds what this program cannot read.
    #[error("the database failed: {0}")]
    Failed(Arc<dyn Error + Send + Sync>),
}

impl StorageError {
    /// An outage with its cause.
    pub fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(Arc::from(cause.into()))
    }

    /// A change of which it is not known whether it was made, with the cause.
    pub fn in_doubt(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::InDoubt(Arc::from(cause.into()))
    }

    /// An unexpected failure with its cause.
    pub fn failed(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed(Arc::from(cause.into()))
    }
}

/// What keeps changes from being stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// Another process holds the lock.
    Locked,
    /// There is no room left, or the database may not grow.
    Full,
    /// The store refuses every change.
    ReadOnly,
    /// The disk fails.
    Disk,
    /// The store is not where it was, or cannot be reached.
    Gone,
    /// Another store stands in its place.
    Replaced,
    /// A newer program brought the store up to its own schema, beside which this one cannot work.
    Newer,
    /// What is stored is damaged.
    Damaged,
    /// Something else, which the log has.
    Other,
}

impl Outage {
    /// What an operator is told.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Locked => "another process holds the database's lock",
            Self::Full => "the disk is full, or the database may not grow",
            Self::ReadOnly => "the database is read-only",
            Self::Disk => "the disk fails",
            Self::Gone => "the database is not where it was, or cannot be reached",
            Self::Replaced => "the database's file was replaced; restart to use the new one",
            Self::Newer => "a newer Flagstaff migrated the database; restart with that version",
            Self::Damaged => "the database is damaged; restore the last backup",
            Self::Other => "the database fails; the server's log has the cause",
        }
    }
}

/// How busy the store is, for the metrics page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorageUse {
    /// Connections that are reading at this moment.
    pub readers_busy: u32,
    /// Connections that may read at the same time.
    pub readers_max: u32,
    /// Writes that wait for the writer.
    pub writes_waiting: u64,
    /// Writes that may wait; one more is refused.
    pub writes_waiting_max: u64,
    /// Bytes of the log of newest changes, which grows while somebody reads an older state; `None` where there is none.
    pub log_bytes: Option<u64>,
}

/// Looks at the store's condition, for readiness and metrics.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait StorageMonitor: Send + Sync {
    /// The names of migrations that were not applied when the store was opened. MUST answer without waiting for it.
    fn pending_migrations(&self) -> Vec<String>;

    /// What keeps changes from being stored, as far as is known. MUST answer without waiting for the store, and MUST end
    /// by itself once changes can be stored again, whether or not any is asked for; damage, once what is stored was found sound.
    fn outage(&self) -> Option<Outage>;

    /// MUST answer without waiting for the store.
    fn usage(&self) -> StorageUse;
}
