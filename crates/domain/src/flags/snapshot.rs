//! A snapshot: all that is needed to serve one environment, immutable, as of one revision.
//!
//! Storage builds it in one transaction; [`super::publisher`] hands it to whoever serves it.

mod targeting;

use std::sync::Arc;

use super::evaluation::{Definition, FeatureDefinition, Program, VariantDefinition};
use super::feature::Feature;
use super::flag::SplitHash;
use super::seed::{HashKey, Seed};
use super::targeting::{Share, Variant};
use super::value::FlagValue;
use crate::clock::Timestamp;
use crate::ids::{EnvironmentId, FlagId, Seq};
use crate::text::{EnvironmentName, FeatureName, fold};

pub use targeting::Targeting;

/// An environment's flags at one revision.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The environment.
    pub environment: EnvironmentId,
    /// Its name at that revision.
    pub name: EnvironmentName,
    /// What its identities are hashed with.
    pub hash_key: HashKey,
    /// The last change that affects it.
    pub revision: Seq,
    /// When that change was made.
    pub updated_at: Timestamp,
    /// Its flags, sorted by the bytes of their features' names.
    pub flags: Vec<SnapshotFlag>,
    /// What decides who gets which of them; its features stand in the order of the flags.
    pub program: Arc<Program>,
}

impl Snapshot {
    /// The snapshot of these flags, compiled; what is killed is off in it.
    #[must_use]
    pub fn new(
        environment: EnvironmentId,
        name: EnvironmentName,
        hash_key: HashKey,
        revision: Seq,
        updated_at: Timestamp,
        mut flags: Vec<SnapshotFlag>,
        targeting: &Targeting<'_>,
    ) -> Self {
        for flag in &mut flags {
            flag.enabled &= !flag.killed;
        }
        flags.sort_by(|a, b| a.feature.name.cmp(&b.feature.name));
        let mut definition = Definition {
            key: hash_key.to_string(),
            name: name.to_string(),
            features: flags.iter().map(SnapshotFlag::definition).collect(),
            ..Definition::default()
        };
        targeting.define(&flags, &mut definition);
        Self {
            environment,
            name,
            hash_key,
            revision,
            updated_at,
            flags,
            program: Arc::new(Program::compile(definition)),
        }
    }
}

impl Snapshot {
    /// The place of the flag of the feature of this name.
    #[must_use]
    pub fn find(&self, feature: &FeatureName) -> Option<usize> {
        let mut names = self.flags.iter().map(|flag| flag.feature.name.as_str());
        names.position(|name| fold(name) == fold(feature.as_str()))
    }
}

/// One flag of a snapshot with its feature; features are shared between environments.
#[derive(Debug, Clone, PartialEq)]
pub struct SnapshotFlag {
    /// The flag's id.
    pub id: FlagId,
    /// The feature that it switches.
    pub feature: Arc<Feature>,
    /// On or off: off where it is killed.
    pub enabled: bool,
    /// What it carries.
    pub value: FlagValue,
    /// How identities are shared out among the feature's variants, in their order.
    pub variants: Vec<Share>,
    /// Whether it is off for everyone, overrides included.
    pub killed: bool,
    /// What the split is hashed with.
    pub seed: Seed,
    /// How the split is hashed.
    pub hash: SplitHash,
}

impl SnapshotFlag {
    fn definition(&self) -> FeatureDefinition {
        FeatureDefinition {
            key: self.seed.to_string(),
            name: self.feature.name.to_string(),
            enabled: self.enabled,
            value: self.value.clone(),
            variants: variants(&self.feature, &self.variants),
            ..FeatureDefinition::default()
        }
    }
}

/// The shares with what those in them get; their ranges lie in the order of the variants' ids.
fn variants(feature: &Feature, shares: &[Share]) -> Vec<VariantDefinition> {
    let defined = shares.iter().filter_map(|share| {
        let place = |one: &Variant| one.key == share.variant;
        let at = feature.variants.iter().position(place)?;
        let variant = &feature.variants[at];
        Some(VariantDefinition {
            key: Some(variant.key.to_string()),
            value: variant.value.clone(),
            weight: share.weight.to_number(),
            #[expect(clippy::cast_precision_loss, reason = "a feature has few variants")]
            priority: at as f64,
        })
    });
    defined.collect()
}
