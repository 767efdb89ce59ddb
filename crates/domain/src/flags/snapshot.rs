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
use crate::access::KeyKind;
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
    /// Whether keys of this kind are told of it.
    #[must_use]
    pub fn is_for(&self, kind: KeyKind) -> bool {
        kind == KeyKind::Server || !self.feature.server_key_only
    }

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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::flags::CreateFeature;
    use crate::flags::evaluation::{Identity, Subject};
    use crate::flags::targeting::Percentage;
    use crate::ids::{FeatureId, VariantId};
    use crate::text::{FeatureName, VariantKey};

    fn key(text: &str) -> VariantKey {
        VariantKey::parse(text).unwrap()
    }

    /// A snapshot of one flag that everybody gets a variant of, if it is not killed.
    fn snapshot(killed: bool) -> Snapshot {
        let command = CreateFeature::named(FeatureName::parse("theme").unwrap());
        let mut feature = command.record(FeatureId(3), Timestamp::default(), Seq(1));
        feature.variants = ["blue", "green"]
            .into_iter()
            .zip([4, 9])
            .map(|(text, id)| Variant {
                id: VariantId(id),
                key: key(text),
                value: FlagValue::String(text.to_owned()),
            })
            .collect();
        let share = |variant: &str, weight: f64| Share {
            variant: key(variant),
            weight: Percentage::new(weight).unwrap(),
        };
        let flag = SnapshotFlag {
            id: FlagId(1),
            feature: Arc::new(feature),
            enabled: true,
            value: FlagValue::Null,
            variants: vec![share("blue", 62.5), share("green", 37.5)],
            killed,
            seed: Seed::of([7; 16]),
            hash: SplitHash::Md5,
        };
        Snapshot::new(
            EnvironmentId(1),
            EnvironmentName::parse("production").unwrap(),
            HashKey::parse("hash-key").unwrap(),
            Seq(2),
            Timestamp::default(),
            vec![flag],
            &Targeting::default(),
        )
    }

    #[test]
    fn a_split_is_compiled_with_what_is_hashed() {
        let snapshot = snapshot(false);
        let definition = snapshot.program.definition();
        assert_eq!(definition.key, "hash-key");
        let feature = &definition.features[0];
        assert_eq!(feature.key, Seed::of([7; 16]).to_string());
        let ranges: Vec<_> = feature
            .variants
            .iter()
            .map(|one| (one.key.as_deref(), one.weight.to_string(), one.priority))
            .collect();
        assert_eq!(
            ranges,
            [
                (Some("blue"), "62.5".to_owned(), 0.0),
                (Some("green"), "37.5".to_owned(), 1.0)
            ]
        );
        let identity = Identity::new(&definition.key, "somebody", BTreeMap::new());
        let subject = Subject {
            identity: Some(&identity),
            ..Subject::default()
        };
        let answer = snapshot.program.evaluate(subject).answer(0).unwrap();
        assert!(answer.enabled());
        assert!(matches!(answer.variant(), Some("blue" | "green")));
    }

    #[test]
    fn what_is_killed_is_off_for_everybody() {
        let snapshot = snapshot(true);
        assert!(!snapshot.flags[0].enabled);
        let answer = snapshot.program.evaluate(Subject::default()).answer(0);
        assert!(!answer.unwrap().enabled());
    }
}
