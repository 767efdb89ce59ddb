//! A snapshot: all that is needed to serve one environment, immutable, as of one revision.
//!
//! Storage builds it in one transaction; [`super::publisher`] hands it to whoever serves it.

use std::sync::Arc;

use super::evaluation::{Definition, FeatureDefinition, Program};
use super::feature::Feature;
use super::value::FlagValue;
use crate::clock::Timestamp;
use crate::ids::{EnvironmentId, FlagId, Seq};
use crate::text::{EnvironmentName, FeatureName, fold};

/// An environment's flags at one revision.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The environment.
    pub environment: EnvironmentId,
    /// Its name at that revision.
    pub name: EnvironmentName,
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
    /// The snapshot of these flags, compiled.
    #[must_use]
    pub fn new(
        environment: EnvironmentId,
        name: EnvironmentName,
        revision: Seq,
        updated_at: Timestamp,
        mut flags: Vec<SnapshotFlag>,
    ) -> Self {
        flags.sort_by(|a, b| a.feature.name.cmp(&b.feature.name));
        let definition = Definition {
            key: environment.to_string(),
            name: name.to_string(),
            features: flags.iter().map(SnapshotFlag::definition).collect(),
            ..Definition::default()
        };
        Self {
            environment,
            name,
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
    /// On or off.
    pub enabled: bool,
    /// What it carries.
    pub value: FlagValue,
}

impl SnapshotFlag {
    fn definition(&self) -> FeatureDefinition {
        FeatureDefinition {
            key: self.id.to_string(),
            name: self.feature.name.to_string(),
            enabled: self.enabled,
            value: self.value.clone(),
            ..FeatureDefinition::default()
        }
    }
}
