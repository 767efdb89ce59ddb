//! The steps of an import, and how they are counted.

use super::Plan;
use crate::access::{KeyText, NewKey};
use crate::clock::Timestamp;
use crate::flags::targeting::{ChangeOverride, ChangeSegment, NewOverride, Rule, SplitSeed};
use crate::flags::{
    ChangeEnvironment, ChangeFeature, ChangeFlag, CreateEnvironment, CreateFeature, Seed,
};
use crate::ids::{KeyId, OverrideId};
use crate::modules;
use crate::state::sections::SectionStep;
use crate::text::{Description, EnvironmentName, FeatureName, KeyName, SegmentName};

/// One change that an import makes.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Adds an environment.
    CreateEnvironment(CreateEnvironment),
    /// Changes an environment.
    ChangeEnvironment(EnvironmentName, ChangeEnvironment),
    /// Deletes an environment.
    DeleteEnvironment(EnvironmentName),
    /// Adds a feature.
    CreateFeature(CreateFeature),
    /// Changes a feature.
    ChangeFeature(FeatureName, ChangeFeature),
    /// Deletes a feature.
    DeleteFeature(FeatureName),
    /// Sets a flag.
    SetFlag {
        /// Where.
        environment: EnvironmentName,
        /// Which.
        feature: FeatureName,
        /// To what.
        change: ChangeFlag,
        /// Whether the flag comes into being with this import.
        new: bool,
    },
    /// Adds a segment.
    CreateSegment {
        /// Its name.
        name: SegmentName,
        /// Whom it means.
        description: Description,
        /// Its rules.
        rules: Vec<Rule>,
        /// What its shares are made from, where the file says it.
        seed: Option<SplitSeed>,
    },
    /// Changes a segment.
    ChangeSegment(SegmentName, ChangeSegment),
    /// Deletes a segment.
    DeleteSegment(SegmentName),
    /// Adds an override.
    CreateOverride {
        /// Where.
        environment: EnvironmentName,
        /// Of which feature.
        feature: FeatureName,
        /// What it begins with, its priority included.
        new: NewOverride,
        /// What its split is hashed with, where the file says it.
        seed: Option<Seed>,
        /// What its share is made from, where the file says it.
        rollout_seed: Option<SplitSeed>,
    },
    /// Changes an override; no other moves back.
    ChangeOverride {
        /// Where.
        environment: EnvironmentName,
        /// Of which feature.
        feature: FeatureName,
        /// Which.
        id: OverrideId,
        /// How.
        change: ChangeOverride,
    },
    /// Deletes an override.
    DeleteOverride {
        /// Where.
        environment: EnvironmentName,
        /// Of which feature.
        feature: FeatureName,
        /// Which.
        id: OverrideId,
    },
    /// Adds a key.
    CreateKey {
        /// The environment that it opens.
        environment: EnvironmentName,
        /// The key.
        key: NewKey,
        /// Its text where it was generated, to be shown.
        generated: Option<KeyText>,
    },
    /// Gives a key another name or expiry.
    ChangeKey {
        /// The environment that it opens.
        environment: EnvironmentName,
        /// The key.
        id: KeyId,
        /// Its name from now on.
        name: KeyName,
        /// Its expiry from now on.
        expires_at: Option<Timestamp>,
    },
    /// Revokes a key.
    DeleteKey(EnvironmentName, KeyId, KeyName),
    /// Changes a record of an optional module.
    OfModule(SectionStep),
}

/// How many records an import creates, changes and deletes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Created.
    pub create: usize,
    /// Changed.
    pub change: usize,
    /// Deleted.
    pub delete: usize,
}

impl Plan {
    /// The steps counted by kind of record: environments, features, flags, segments, overrides, keys.
    #[must_use]
    pub fn counts(&self) -> Vec<(&'static str, Count)> {
        let core = [
            "environments",
            "features",
            "flags",
            "segments",
            "overrides",
            "keys",
        ];
        let sections = modules::SECTIONS.iter().map(|section| section.name);
        let counted = core.into_iter().chain(sections);
        let mut counts: Vec<_> = counted.map(|what| (what, Count::default())).collect();
        for step in &self.steps {
            let (at, count) = match step {
                Step::CreateEnvironment(_) => (0, (1, 0, 0)),
                Step::ChangeEnvironment(..) => (0, (0, 1, 0)),
                Step::DeleteEnvironment(_) => (0, (0, 0, 1)),
                Step::CreateFeature(_) => (1, (1, 0, 0)),
                Step::ChangeFeature(..) => (1, (0, 1, 0)),
                Step::DeleteFeature(_) => (1, (0, 0, 1)),
                Step::SetFlag { new: true, .. } => (2, (1, 0, 0)),
                Step::SetFlag { new: false, .. } => (2, (0, 1, 0)),
                Step::CreateSegment { .. } => (3, (1, 0, 0)),
                Step::ChangeSegment(..) => (3, (0, 1, 0)),
                Step::DeleteSegment(_) => (3, (0, 0, 1)),
                Step::CreateOverride { .. } => (4, (1, 0, 0)),
                Step::ChangeOverride { .. } => (4, (0, 1, 0)),
                Step::DeleteOverride { .. } => (4, (0, 0, 1)),
                Step::CreateKey { .. } => (5, (1, 0, 0)),
                Step::ChangeKey { .. } => (5, (0, 1, 0)),
                Step::DeleteKey(..) => (5, (0, 0, 1)),
                Step::OfModule(step) => (place(&counts, step.section), step.counted()),
            };
            let counted = &mut counts[at].1;
            counted.create += count.0;
            counted.change += count.1;
            counted.delete += count.2;
        }
        counts
    }
}

/// Where a module's records are counted.
fn place(counts: &[(&'static str, Count)], section: &'static str) -> usize {
    let known = counts.iter().position(|(what, _)| *what == section);
    known.unwrap_or_default()
}
