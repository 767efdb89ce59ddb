//! A flag: the state of one feature in one environment.

use super::value::FlagValue;
use crate::clock::Timestamp;
use crate::ids::{EnvironmentId, FeatureId, FlagId, Seq};
use crate::text::{EnvironmentName, FeatureName};

/// A flag.
#[derive(Debug, Clone, PartialEq)]
pub struct Flag {
    /// Its id, which SDKs see.
    pub id: FlagId,
    /// The feature that it switches.
    pub feature_id: FeatureId,
    /// That feature's name.
    pub feature: FeatureName,
    /// The environment in which it does.
    pub environment_id: EnvironmentId,
    /// That environment's name.
    pub environment: EnvironmentName,
    /// On or off.
    pub enabled: bool,
    /// What it carries.
    pub value: FlagValue,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// The last change to this record.
    pub version: Seq,
}

/// Changes what is given, leaves the rest.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChangeFlag {
    /// On or off.
    pub enabled: Option<bool>,
    /// A new value.
    pub value: Option<FlagValue>,
}

impl ChangeFlag {
    /// The record with this change made to it.
    #[must_use]
    pub fn apply(&self, current: &Flag) -> Flag {
        Flag {
            enabled: self.enabled.unwrap_or(current.enabled),
            value: self.value.clone().unwrap_or_else(|| current.value.clone()),
            ..current.clone()
        }
    }
}
