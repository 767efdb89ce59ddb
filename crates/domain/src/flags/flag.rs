//! A flag: the state of one feature in one environment.

use serde::{Deserialize, Serialize};

use super::seed::Seed;
use super::targeting::{Share, Split};
use super::value::FlagValue;
use crate::clock::Timestamp;
use crate::ids::{EnvironmentId, FeatureId, FlagId, Seq};
use crate::text::{EnvironmentName, FeatureName, Invalid};

/// The hash by which a split finds an identity's bucket. It stays when others come, so that nobody moves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum SplitHash {
    /// That of Flagsmith's engine, `md5`.
    #[default]
    Md5,
}

impl SplitHash {
    /// The hash as it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
        }
    }
}

impl TryFrom<String> for SplitHash {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        match text.as_str() {
            "md5" => Ok(Self::Md5),
            _ => Err(Invalid::new("must be \"md5\"")),
        }
    }
}

impl From<SplitHash> for &'static str {
    fn from(hash: SplitHash) -> Self {
        hash.as_str()
    }
}

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
    /// How identities are shared out among the feature's variants, in their order; the rest gets the value.
    pub variants: Vec<Share>,
    /// Whether it is off for everyone, whatever else is set.
    pub killed: bool,
    /// What the split is hashed with, for ever.
    pub seed: Seed,
    /// How the split is hashed.
    pub hash: SplitHash,
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
    /// A new split, in place of the old one.
    pub variants: Option<Split>,
    /// Off for everyone, or back to what is set.
    pub killed: Option<bool>,
}

impl ChangeFlag {
    /// The record with this change made to it.
    #[must_use]
    pub fn apply(&self, current: &Flag) -> Flag {
        Flag {
            enabled: self.enabled.unwrap_or(current.enabled),
            value: self.value.clone().unwrap_or_else(|| current.value.clone()),
            variants: self
                .variants
                .clone()
                .map_or_else(|| current.variants.clone(), Vec::from),
            killed: self.killed.unwrap_or(current.killed),
            ..current.clone()
        }
    }
}
