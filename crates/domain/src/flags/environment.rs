//! An environment: where a product runs, as production or staging, with a flag for every feature.

use super::seed::HashKey;
use crate::clock::Timestamp;
use crate::ids::{EnvironmentId, Seq};
use crate::text::{Description, EnvironmentName};

/// An environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Its id, for ever.
    pub id: EnvironmentId,
    /// Its name, unique without regard to case.
    pub name: EnvironmentName,
    /// What it is for.
    pub description: Description,
    /// When it was created.
    pub created_at: Timestamp,
    /// The last change that affects what it serves.
    pub revision: Seq,
    /// What its identities are hashed with, for ever.
    pub hash_key: HashKey,
    /// The last change to this record.
    pub version: Seq,
}

/// Adds an environment, in which every feature gets a flag with the feature's defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateEnvironment {
    /// Its name.
    pub name: EnvironmentName,
    /// What it is for.
    pub description: Description,
}

/// Changes what is given, leaves the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeEnvironment {
    /// A new name.
    pub name: Option<EnvironmentName>,
    /// A new description.
    pub description: Option<Description>,
}

impl ChangeEnvironment {
    /// The record with this change made to it.
    #[must_use]
    pub fn apply(&self, current: &Environment) -> Environment {
        Environment {
            name: self.name.clone().unwrap_or_else(|| current.name.clone()),
            description: self
                .description
                .clone()
                .unwrap_or_else(|| current.description.clone()),
            ..current.clone()
        }
    }
}
