//! How segments and overrides look in the change log.

use serde::Serialize;

use crate::clock::Timestamp;
use crate::flags::targeting::{
    Override, Percentage, Priority, Rule, Segment, Share, SplitSeed, Target,
};
use crate::flags::{FlagValue, Seed, SplitHash};
use crate::ids::{OverrideId, SegmentId, Seq};
use crate::text::{Description, EnvironmentName, FeatureName, Identifier, SegmentName};

/// A segment in the log. Its rules name features as they were called then.
#[derive(Debug, Serialize)]
pub struct SegmentRecord<'a> {
    id: SegmentId,
    name: &'a SegmentName,
    description: &'a Description,
    rules: &'a [Rule],
    seed: SplitSeed,
    created_at: Timestamp,
    version: Seq,
}

impl<'a> From<&'a Segment> for SegmentRecord<'a> {
    fn from(segment: &'a Segment) -> Self {
        Self {
            id: segment.id,
            name: &segment.name,
            description: &segment.description,
            rules: &segment.rules,
            seed: segment.seed,
            created_at: segment.created_at,
            version: segment.version,
        }
    }
}

/// An override in the log: it has a segment with its priority and rollout, or an identity.
#[derive(Debug, Serialize)]
pub struct OverrideRecord<'a> {
    id: OverrideId,
    feature: &'a FeatureName,
    environment: &'a EnvironmentName,
    #[serde(flatten)]
    target: TargetRecord<'a>,
    enabled: bool,
    value: &'a FlagValue,
    variants: &'a [Share],
    seed: &'a Seed,
    hash: SplitHash,
    updated_at: Timestamp,
    version: Seq,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum TargetRecord<'a> {
    Segment {
        segment: &'a SegmentName,
        priority: Priority,
        rollout: Option<Percentage>,
        rollout_seed: SplitSeed,
    },
    Identity {
        identity: &'a Identifier,
    },
}

impl<'a> From<&'a Override> for OverrideRecord<'a> {
    fn from(one: &'a Override) -> Self {
        Self {
            id: one.id,
            feature: &one.feature,
            environment: &one.environment,
            target: match &one.target {
                Target::Segment(segment) => TargetRecord::Segment {
                    segment: &segment.name,
                    priority: segment.priority,
                    rollout: segment.rollout,
                    rollout_seed: segment.rollout_seed,
                },
                Target::Identity(identity) => TargetRecord::Identity { identity },
            },
            enabled: one.enabled,
            value: &one.value,
            variants: &one.variants,
            seed: &one.seed,
            hash: one.hash,
            updated_at: one.updated_at,
            version: one.version,
        }
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::flags::targeting::SegmentTarget;
    use crate::ids::{EnvironmentId, FeatureId};

    fn json<T: Serialize>(record: &T) -> String {
        serde_json::to_string(record).unwrap()
    }

    fn at() -> Timestamp {
        Timestamp::parse("2026-11-20T10:00:00Z").unwrap()
    }

    #[test]
    fn a_segment_is_written_with_its_rules() {
        let rules = r#"[{"type":"ALL","conditions":[{"property":"plan","operator":"IN","value":["pro","team"]}]}]"#;
        let segment = Segment {
            id: SegmentId(2),
            name: SegmentName::parse("paying").unwrap(),
            description: Description::default(),
            rules: serde_json::from_str(rules).unwrap(),
            seed: SplitSeed::try_from(4_294_967_297).unwrap(),
            created_at: at(),
            version: Seq(4),
        };
        assert_snapshot!(json(&SegmentRecord::from(&segment)), @r#"{"id":2,"name":"paying","description":"","rules":[{"type":"ALL","conditions":[{"property":"plan","operator":"IN","value":["pro","team"]}],"rules":[]}],"seed":4294967297,"created_at":"2026-11-20T10:00:00.000000Z","version":4}"#);
    }

    #[test]
    fn an_override_is_written_with_its_target() {
        let segment = Override {
            id: OverrideId(5),
            feature_id: FeatureId(3),
            feature: FeatureName::parse("dark_mode").unwrap(),
            environment_id: EnvironmentId(1),
            environment: EnvironmentName::parse("production").unwrap(),
            target: Target::Segment(SegmentTarget {
                id: SegmentId(2),
                name: SegmentName::parse("paying").unwrap(),
                priority: Priority::try_from(1).unwrap(),
                rollout: Some(Percentage::new(12.5).unwrap()),
                rollout_seed: SplitSeed::try_from(4_294_967_298).unwrap(),
            }),
            enabled: true,
            value: FlagValue::Null,
            variants: serde_json::from_str(r#"[{"variant":"blue","weight":30}]"#).unwrap(),
            seed: Seed::of([0; 16]),
            hash: SplitHash::Md5,
            updated_at: at(),
            version: Seq(6),
        };
        assert_snapshot!(json(&OverrideRecord::from(&segment)), @r#"{"id":5,"feature":"dark_mode","environment":"production","segment":"paying","priority":1,"rollout":12.5,"rollout_seed":4294967298,"enabled":true,"value":null,"variants":[{"variant":"blue","weight":30}],"seed":"00000000-0000-4000-8000-000000000000","hash":"md5","updated_at":"2026-11-20T10:00:00.000000Z","version":6}"#);
        let identity = Override {
            target: Target::Identity(Identifier::parse("user-1").unwrap()),
            ..segment
        };
        assert_snapshot!(json(&OverrideRecord::from(&identity)), @r#"{"id":5,"feature":"dark_mode","environment":"production","identity":"user-1","enabled":true,"value":null,"variants":[{"variant":"blue","weight":30}],"seed":"00000000-0000-4000-8000-000000000000","hash":"md5","updated_at":"2026-11-20T10:00:00.000000Z","version":6}"#);
    }
}
