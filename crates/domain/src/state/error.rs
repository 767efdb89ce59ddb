//! What can be wrong with a state file or its import.

use crate::access::AccessError;
use crate::flags::FlagError;
use crate::storage::StorageError;

/// Why a state file was not imported. Nothing of it was stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StateError {
    /// The file contradicts itself or what is stored.
    #[error("{place}: {message}")]
    Invalid {
        /// Where in the file, as `flags.features[3].name`.
        place: String,
        /// What is wrong there.
        message: String,
    },
    /// A change to environments, features or flags was refused.
    #[error(transparent)]
    Flags(#[from] FlagError),
    /// A change to keys was refused.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl StateError {
    /// A mistake at one place of the file.
    pub fn invalid(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid {
            place: place.into(),
            message: message.into(),
        }
    }
}
