//! What can be wrong with a state file or its import.

use crate::access::AccessError;
use crate::flags::{FeatureUse, FlagError};
use crate::storage::StorageError;
use crate::text::EnvironmentName;

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

/// Why an import was not carried out. Nothing of it was stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ImportError {
    /// It would delete environments, and was not told to.
    #[error("would delete environments whose flags applications may still read: {}", list(.0))]
    DeletesEnvironments(Vec<EnvironmentName>),
    /// It would delete features that applications use, and was not told to.
    #[error("would delete features that applications use: {}", uses(.0))]
    DeletesUsedFeatures(Vec<FeatureUse>),
    /// The file or the store refused.
    #[error(transparent)]
    State(#[from] StateError),
}

fn list(names: &[EnvironmentName]) -> String {
    let quoted: Vec<_> = names
        .iter()
        .map(|name| format!("{:?}", name.as_str()))
        .collect();
    quoted.join(", ")
}

fn uses(uses: &[FeatureUse]) -> String {
    let uses: Vec<_> = uses.iter().map(ToString::to_string).collect();
    uses.join("; ")
}
