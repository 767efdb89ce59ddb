//! An override: what those in a segment, or one identity, get of a feature in an environment instead of the flag's own state.
//!
//! It replaces enabled, value and variants together. One for the identity is the strongest; among those for segments the
//! one with the lowest priority is.

use super::priority::Priority;
use super::seed::SplitSeed;
use super::variant::{Percentage, Share, Split, Variant};
use crate::access::RandomSource;
use crate::clock::Timestamp;
use crate::flags::error::FlagError;
use crate::flags::flag::{Flag, SplitHash};
use crate::flags::seed::Seed;
use crate::flags::value::FlagValue;
use crate::ids::{EnvironmentId, FeatureId, OverrideId, SegmentId, Seq};
use crate::text::{EnvironmentName, FeatureName, Identifier, Invalid, SegmentName};

/// An override.
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    /// Its id, for ever.
    pub id: OverrideId,
    /// The feature.
    pub feature_id: FeatureId,
    /// Its name.
    pub feature: FeatureName,
    /// The environment.
    pub environment_id: EnvironmentId,
    /// Its name.
    pub environment: EnvironmentName,
    /// Who gets it.
    pub target: Target,
    /// On or off.
    pub enabled: bool,
    /// What it carries; what those get who are in no variant's share.
    pub value: FlagValue,
    /// The variants among which they are split. For an identity none, or one that it gets.
    pub variants: Vec<Share>,
    /// What is hashed to choose a variant, for ever.
    pub seed: Seed,
    /// How it is hashed.
    pub hash: SplitHash,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// The last change to this record.
    pub version: Seq,
}

/// Who gets an override.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Those in a segment, or a share of them.
    Segment(SegmentTarget),
    /// The identity with this identifier.
    Identity(Identifier),
}

/// Those in a segment, or a share of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentTarget {
    /// The segment.
    pub id: SegmentId,
    /// Its name.
    pub name: SegmentName,
    /// How strong the override is.
    pub priority: Priority,
    /// The share of the segment that gets it; everybody in it where there is none.
    pub rollout: Option<Percentage>,
    /// What the share is made from, for ever, so that a larger share keeps those of the smaller.
    pub rollout_seed: SplitSeed,
}

impl Target {
    /// The segment, where it is one.
    #[must_use]
    pub fn segment(&self) -> Option<&SegmentTarget> {
        match self {
            Self::Segment(segment) => Some(segment),
            Self::Identity(_) => None,
        }
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> TargetName {
        match self {
            Self::Segment(segment) => TargetName::Segment(segment.name.clone()),
            Self::Identity(identifier) => TargetName::Identity(identifier.clone()),
        }
    }
}

/// Names who gets an override.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum TargetName {
    /// A segment.
    Segment(SegmentName),
    /// An identity.
    Identity(Identifier),
}

impl std::fmt::Display for TargetName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Segment(name) => write!(f, "the segment {:?}", name.as_str()),
            Self::Identity(identifier) => write!(f, "the identity {:?}", identifier.as_str()),
        }
    }
}

/// What an override begins with.
#[derive(Debug, Clone, PartialEq)]
pub struct NewOverride {
    /// Who gets it. A target has one override of each feature in each environment.
    pub target: TargetName,
    /// On or off.
    pub enabled: bool,
    /// What it carries; what the flag itself carries now, unless given.
    pub value: Option<FlagValue>,
    /// The variants among which they are split.
    pub variants: Split,
    /// How strong it is; weaker than all others unless given. Segments alone have one.
    pub priority: Option<Priority>,
    /// The share of the segment that gets it. Segments alone have one.
    pub rollout: Option<Percentage>,
}

/// Adds an override.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateOverride {
    /// What it begins with.
    pub new: NewOverride,
    /// What it is hashed with.
    pub seeds: OverrideSeeds,
}

/// What an override is hashed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverrideSeeds {
    /// To choose a variant.
    pub split: Seed,
    /// To choose those of the segment who get it.
    pub rollout: SplitSeed,
}

impl OverrideSeeds {
    /// Seeds that nobody can foresee.
    #[must_use]
    pub fn generate(random: &dyn RandomSource) -> Self {
        let bytes = random.bytes();
        Self {
            split: Seed::of(std::array::from_fn(|at| bytes[at])),
            rollout: SplitSeed::generate(random),
        }
    }
}

/// Changes what is given, leaves the rest.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChangeOverride {
    /// On or off.
    pub enabled: Option<bool>,
    /// A new value.
    pub value: Option<FlagValue>,
    /// A new split.
    pub variants: Option<Split>,
    /// A new priority. What stands there, and behind it as far as need be, moves back by one.
    pub priority: Option<Priority>,
    /// A new share of the segment; `None` in it for everybody.
    pub rollout: Option<Option<Percentage>>,
}

impl NewOverride {
    /// The record that this creates for a flag and a target that are there.
    ///
    /// # Errors
    /// [`FlagError::Invalid`] when the target cannot have what it is given, or a variant is none of the feature's.
    pub fn record(
        &self,
        flag: &Flag,
        known: &[Variant],
        target: Target,
        seeds: &OverrideSeeds,
    ) -> Result<Override, FlagError> {
        Ok(Override {
            variants: self.check(known)?,
            id: OverrideId::default(),
            feature_id: flag.feature_id,
            feature: flag.feature.clone(),
            environment_id: flag.environment_id,
            environment: flag.environment.clone(),
            enabled: self.enabled,
            value: self.value.clone().unwrap_or_else(|| flag.value.clone()),
            target,
            seed: seeds.split.clone(),
            hash: SplitHash::default(),
            updated_at: Timestamp::default(),
            version: Seq::default(),
        })
    }
}

impl NewOverride {
    /// Checks what the target gets, and returns how it is split among the feature's variants.
    ///
    /// # Errors
    /// [`FlagError::Invalid`] when the target cannot have what it is given, or a variant is none of the feature's.
    pub fn check(&self, known: &[Variant]) -> Result<Vec<Share>, FlagError> {
        let is_identity = matches!(self.target, TargetName::Identity(_));
        check_ranks(is_identity, self.priority.is_some(), self.rollout.is_some())?;
        shares(is_identity, &self.variants, known)
    }
}

impl ChangeOverride {
    /// The record with this change made to it.
    ///
    /// # Errors
    /// [`FlagError::Invalid`] when the target cannot have what it is given, or a variant is none of the feature's.
    pub fn apply(&self, current: &Override, known: &[Variant]) -> Result<Override, FlagError> {
        let rollout = self.rollout.flatten().is_some();
        let is_identity = current.target.segment().is_none();
        check_ranks(is_identity, self.priority.is_some(), rollout)?;
        let target = match &current.target {
            Target::Segment(segment) => Target::Segment(SegmentTarget {
                priority: self.priority.unwrap_or(segment.priority),
                rollout: self.rollout.unwrap_or(segment.rollout),
                ..segment.clone()
            }),
            Target::Identity(identifier) => Target::Identity(identifier.clone()),
        };
        let variants = match &self.variants {
            Some(split) => shares(is_identity, split, known)?,
            None => current.variants.clone(),
        };
        Ok(Override {
            target,
            enabled: self.enabled.unwrap_or(current.enabled),
            value: self.value.clone().unwrap_or_else(|| current.value.clone()),
            variants,
            ..current.clone()
        })
    }
}

fn invalid(field: &'static str, reason: Invalid) -> FlagError {
    FlagError::Invalid { field, reason }
}

fn check_ranks(is_identity: bool, priority: bool, rollout: bool) -> Result<(), FlagError> {
    for (field, given) in [("priority", priority), ("rollout", rollout)] {
        if given && is_identity {
            let reason = "must be left out: only the override of a segment has one";
            return Err(invalid(field, Invalid::new(reason)));
        }
    }
    Ok(())
}

fn shares(is_identity: bool, split: &Split, known: &[Variant]) -> Result<Vec<Share>, FlagError> {
    let shares = split
        .among(known)
        .map_err(|reason| invalid("variants", reason))?;
    match (is_identity, shares.as_slice()) {
        (false, _) | (true, []) => Ok(shares),
        (true, [one]) if one.weight == Percentage::WHOLE => Ok(shares),
        (true, _) => Err(invalid(
            "variants",
            Invalid::new(
                "must be empty, or one variant with the weight 100: it is for one identity",
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::VariantId;
    use crate::text::VariantKey;

    /// The field that is refused, if one is.
    fn refused(is_identity: bool, split: &[(&str, f64)]) -> Option<&'static str> {
        let known = ["blue", "green"].map(|key| Variant {
            id: VariantId(1),
            key: VariantKey::parse(key).unwrap(),
            value: FlagValue::Null,
        });
        let split = split.iter().map(|(variant, weight)| Share {
            variant: VariantKey::parse(*variant).unwrap(),
            weight: Percentage::new(*weight).unwrap(),
        });
        let split = Split::try_from(split.collect::<Vec<_>>()).unwrap();
        match shares(is_identity, &split, &known) {
            Ok(_) => None,
            Err(FlagError::Invalid { field, .. }) => Some(field),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_split_is_among_the_features_variants_and_an_identity_gets_one() {
        let (segment, identity) = (false, true);
        assert_eq!(refused(segment, &[("blue", 30.0), ("green", 70.0)]), None);
        assert_eq!(refused(identity, &[("blue", 100.0)]), None);
        assert_eq!(refused(identity, &[]), None);
        for wrong in [
            [("blue", 99.0), ("green", 1.0)],
            [("blue", 30.0), ("green", 0.0)],
        ] {
            assert_eq!(refused(identity, &wrong), Some("variants"));
        }
        assert_eq!(refused(segment, &[("red", 1.0)]), Some("variants"));
        assert!(check_ranks(identity, true, false).is_err());
        assert!(check_ranks(identity, false, true).is_err());
        assert!(check_ranks(segment, true, true).is_ok());
    }
}
