//! Segments and overrides in a state file.

use serde::{Deserialize, Serialize};

use crate::flags::targeting::{
    Override, Percentage, Priority, Rule, Segment, Split, SplitSeed, Target, TargetName,
};
use crate::flags::value::present;
use crate::flags::{FlagValue, Seed, SplitHash};
use crate::text::{Description, Identifier, Invalid, SegmentName};

/// A segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentEntry {
    /// Its name.
    pub name: SegmentName,
    /// Whom it means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,
    /// Its rules; conditions on features name them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<Rule>>,
    /// What its shares are made from. A stored segment keeps its own, so that nobody moves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<SplitSeed>,
}

impl From<&Segment> for SegmentEntry {
    fn from(segment: &Segment) -> Self {
        Self {
            name: segment.name.clone(),
            description: Some(segment.description.clone()),
            rules: Some(segment.rules.clone()),
            seed: Some(segment.seed),
        }
    }
}

/// An override: of a segment or of an identity.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverrideEntry {
    /// The segment that gets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<SegmentName>,
    /// The identity that gets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identifier>,
    /// On or off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// What it carries; a new one has what the flag has, unless told.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub value: Option<FlagValue>,
    /// The variants among which they are split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variants: Option<Split>,
    /// How strong it is among those of segments; a new one is the weakest, unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// The share of the segment that gets it; null for all of it.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub rollout: Option<Option<Percentage>>,
    /// What that share is made from. A stored override keeps its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout_seed: Option<SplitSeed>,
    /// What the split is hashed with. A stored override keeps its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<Seed>,
    /// How the split is hashed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<SplitHash>,
}

impl OverrideEntry {
    /// Who gets it.
    ///
    /// # Errors
    /// [`Invalid`] unless it has one of segment and identity.
    pub fn target(&self) -> Result<TargetName, Invalid> {
        match (&self.segment, &self.identity) {
            (Some(segment), None) => Ok(TargetName::Segment(segment.clone())),
            (None, Some(identity)) => Ok(TargetName::Identity(identity.clone())),
            _ => Err(Invalid::new(
                "must have one of \"segment\" and \"identity\"",
            )),
        }
    }
}

impl From<&Override> for OverrideEntry {
    fn from(one: &Override) -> Self {
        let entry = Self {
            enabled: Some(one.enabled),
            value: Some(one.value.clone()),
            variants: Split::try_from(one.variants.clone()).ok(),
            seed: Some(one.seed.clone()),
            hash: Some(one.hash),
            ..Self::default()
        };
        match &one.target {
            Target::Segment(segment) => Self {
                segment: Some(segment.name.clone()),
                priority: Some(segment.priority),
                rollout: Some(segment.rollout),
                rollout_seed: Some(segment.rollout_seed),
                ..entry
            },
            Target::Identity(identity) => Self {
                identity: Some(identity.clone()),
                ..entry
            },
        }
    }
}
