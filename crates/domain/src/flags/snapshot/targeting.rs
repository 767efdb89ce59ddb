//! From stored segments and overrides to what is evaluated: the share of a rollout becomes a segment of its own.

use std::collections::HashMap;

use super::{SnapshotFlag, variants};
use crate::flags::evaluation::{Definition, FeatureDefinition, Operator, SegmentDefinition};
use crate::flags::targeting::{
    Condition, ConditionValue, Override, Percentage, Rule, RuleKind, Segment, Target,
};
use crate::ids::{FeatureId, SegmentId};

/// Who gets something else than the flags say.
#[derive(Debug, Clone, Default)]
pub struct Targeting<'a> {
    /// All segments, in the order of their ids.
    pub segments: &'a [Segment],
    /// The environment's overrides, in the order of their ids.
    pub overrides: Vec<Override>,
}

impl Targeting<'_> {
    /// Adds segments and overrides to a definition. What is killed has no overrides.
    pub(super) fn define(&self, flags: &[SnapshotFlag], definition: &mut Definition) {
        let flags: HashMap<FeatureId, &SnapshotFlag> = flags
            .iter()
            .filter(|flag| !flag.killed)
            .map(|flag| (flag.feature.id, flag))
            .collect();
        let segments: HashMap<SegmentId, usize> = self
            .segments
            .iter()
            .enumerate()
            .map(|(at, segment)| (segment.id, at))
            .collect();
        let whole = self.segments.iter().map(|segment| SegmentDefinition {
            key: segment.seed.to_string(),
            name: segment.name.to_string(),
            rules: segment.rules.clone(),
            ..SegmentDefinition::default()
        });
        definition.segments = whole.collect();
        for one in &self.overrides {
            let Some(flag) = flags.get(&one.feature_id) else {
                continue;
            };
            let state = state(one, flag);
            let target = match &one.target {
                Target::Segment(target) => target,
                Target::Identity(identifier) => {
                    let identity = definition.identities.entry(identifier.to_string());
                    identity.or_default().push(state);
                    continue;
                }
            };
            let Some(at) = segments.get(&target.id) else {
                continue; // impossible while foreign keys hold
            };
            let rules = &self.segments[*at].rules;
            match target.rollout {
                None => definition.segments[*at].overrides.push(state),
                Some(_) if rules.is_empty() => {}
                Some(share) => definition.segments.push(SegmentDefinition {
                    key: target.rollout_seed.to_string(),
                    name: target.name.to_string(),
                    rules: [rules.as_slice(), &[split(share)]].concat(),
                    overrides: vec![state],
                    rollout: Some(share),
                    ..SegmentDefinition::default()
                }),
            }
        }
    }
}

/// Holds for a share of identities.
fn split(share: Percentage) -> Rule {
    let value = match share == Percentage::default() {
        true => "-1".to_owned(), // the bucket 0 is in a share of 0
        false => share.to_string(),
    };
    let split = Condition {
        property: String::new(),
        operator: Operator::PERCENTAGE_SPLIT,
        value: ConditionValue::Text(value),
    };
    Rule {
        kind: RuleKind::All,
        conditions: vec![split],
        rules: Vec::new(),
    }
}

fn state(one: &Override, flag: &SnapshotFlag) -> FeatureDefinition {
    FeatureDefinition {
        key: one.seed.to_string(),
        name: flag.feature.name.to_string(),
        enabled: one.enabled,
        value: one.value.clone(),
        variants: variants(&flag.feature, &one.variants),
        priority: one
            .target
            .segment()
            .map(|target| f64::from(u32::from(target.priority))),
        ..FeatureDefinition::default()
    }
}
