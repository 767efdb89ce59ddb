//! The environment document: everything about an environment, from which SDKs of servers evaluate flags themselves.
//!
//! Written from the compiled program's definition when it is first asked for, so that it says what is evaluated here. The
//! shape is that of Flagsmith's SDK API, with the members that older SDKs insist on beside it.

use std::collections::BTreeMap;

use flagstaff_domain::flags::Snapshot;
use flagstaff_domain::flags::evaluation::operators::members;
use flagstaff_domain::flags::evaluation::{
    FeatureDefinition, Operator, SegmentDefinition, VariantDefinition,
};
use flagstaff_domain::flags::targeting::{Condition, Percentage, Rule, RuleKind};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::flag::FlatValue;

/// The document as JSON.
///
/// # Errors
/// When a value cannot be written.
pub(super) fn write(snapshot: &Snapshot) -> serde_json::Result<Vec<u8>> {
    let writer = Writer::new(snapshot);
    serde_json::to_vec(&writer.document())
}

#[derive(Serialize)]
struct Document<'a> {
    id: i64,
    api_key: &'a str,
    name: &'a str,
    updated_at: String,
    project: Project<'a>,
    feature_states: Vec<FeatureState<'a>>,
    identity_overrides: Vec<IdentityOverride<'a>>,
}

#[derive(Serialize)]
struct Project<'a> {
    id: i64,
    name: &'static str,
    hide_disabled_flags: bool,
    enable_realtime_updates: bool,
    server_key_only_feature_ids: Vec<i64>,
    organisation: Organisation,
    segments: Vec<Segment<'a>>,
}

#[derive(Serialize)]
struct Organisation {
    id: i64,
    name: &'static str,
    feature_analytics: bool,
    stop_serving_flags: bool,
    persist_trait_data: bool,
}

#[derive(Serialize)]
struct Segment<'a> {
    id: i64,
    name: &'a str,
    rules: Vec<SegmentRule<'a>>,
    feature_states: Vec<FeatureState<'a>>,
}

#[derive(Serialize)]
struct SegmentRule<'a> {
    #[serde(rename = "type")]
    kind: RuleKind,
    rules: Vec<SegmentRule<'a>>,
    conditions: Vec<SegmentCondition<'a>>,
}

#[derive(Serialize)]
struct SegmentCondition<'a> {
    operator: &'static str,
    value: String,
    property_: &'a str,
}

#[derive(Serialize)]
struct FeatureState<'a> {
    feature: Feature<'a>,
    enabled: bool,
    feature_state_value: FlatValue<'a>,
    featurestate_uuid: &'a str,
    feature_segment: Option<FeatureSegment>,
    multivariate_feature_state_values: Vec<Share<'a>>,
}

#[derive(Serialize, Clone, Copy)]
struct Feature<'a> {
    id: i64,
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct FeatureSegment {
    priority: i64,
}

#[derive(Serialize)]
struct Share<'a> {
    /// In the order in which the ranges lie; SDKs sort by it.
    id: usize,
    mv_fs_value_uuid: String,
    percentage_allocation: &'a serde_json::Number,
    multivariate_feature_option: FeatureOption<'a>,
}

#[derive(Serialize)]
struct FeatureOption<'a> {
    id: usize,
    key: Option<&'a str>,
    value: FlatValue<'a>,
}

#[derive(Serialize)]
struct IdentityOverride<'a> {
    identifier: &'a str,
    identity_uuid: String,
    environment_api_key: &'a str,
    created_date: String,
    identity_features: Vec<FeatureState<'a>>,
    identity_traits: [(); 0],
}

struct Writer<'a> {
    snapshot: &'a Snapshot,
    features: BTreeMap<&'a str, Feature<'a>>,
}

impl<'a> Writer<'a> {
    fn new(snapshot: &'a Snapshot) -> Self {
        let features = snapshot.flags.iter().map(|flag| {
            let name = flag.feature.name.as_str();
            let feature = Feature {
                id: flag.feature.id.0,
                name,
                kind: flag.feature.kind.as_str(),
            };
            (name, feature)
        });
        Self {
            features: features.collect(),
            snapshot,
        }
    }

    fn document(&self) -> Document<'a> {
        let definition = self.snapshot.program.definition();
        let hidden = self.snapshot.flags.iter();
        let hidden = hidden.filter(|flag| flag.feature.server_key_only);
        let segments = definition.segments.iter();
        let identities = definition.identities.iter();
        Document {
            id: self.snapshot.environment.0,
            api_key: &definition.key,
            name: self.snapshot.name.as_str(),
            updated_at: self.snapshot.updated_at.to_string(),
            project: Project {
                id: 1,
                name: "Flagstaff",
                hide_disabled_flags: false,
                enable_realtime_updates: false,
                server_key_only_feature_ids: hidden.map(|flag| flag.feature.id.0).collect(),
                organisation: Organisation {
                    id: 1,
                    name: "Flagstaff",
                    feature_analytics: false,
                    stop_serving_flags: false,
                    persist_trait_data: true,
                },
                segments: segments.filter_map(|one| self.segment(one)).collect(),
            },
            feature_states: self.states(&definition.features),
            identity_overrides: identities
                .map(|(identifier, states)| IdentityOverride {
                    identifier,
                    identity_uuid: uuid(&[&definition.key, identifier]),
                    environment_api_key: &definition.key,
                    created_date: self.snapshot.updated_at.to_string(),
                    identity_features: self.states(states),
                    identity_traits: [],
                })
                .collect(),
        }
    }

    /// A segment, unless SDKs would misread it: one that asks what they do not know would hold or not by chance, or end them.
    fn segment(&self, segment: &'a SegmentDefinition) -> Option<Segment<'a>> {
        if segment.rollout == Some(Percentage::default()) {
            return None; // nobody is in it
        }
        if let Some(unknown) = segment.rules.iter().find_map(unknown) {
            // Whoever saved it was warned; each change of the environment comes by here.
            log::debug!(
                environment = self.snapshot.name.as_str(),
                segment = segment.name.as_str(),
                unknown;
                "SDKs that evaluate locally do not know what a segment asks: it is not in the environment document"
            );
            return None;
        }
        Some(Segment {
            // A seed is a number; what is not one would come from nowhere.
            id: segment.key.parse().ok()?,
            name: &segment.name,
            rules: segment.rules.iter().map(rule).collect(),
            feature_states: self.states(&segment.overrides),
        })
    }

    fn states(&self, states: &'a [FeatureDefinition]) -> Vec<FeatureState<'a>> {
        let states = states.iter().filter_map(|state| {
            Some(FeatureState {
                feature: *self.features.get(state.name.as_str())?,
                enabled: state.enabled,
                feature_state_value: FlatValue(&state.value),
                featurestate_uuid: &state.key,
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "priorities are whole numbers"
                )]
                feature_segment: state.priority.map(|priority| FeatureSegment {
                    priority: priority as i64,
                }),
                multivariate_feature_state_values: shares(state),
            })
        });
        states.collect()
    }
}

fn shares(state: &FeatureDefinition) -> Vec<Share<'_>> {
    let mut order: Vec<&VariantDefinition> = state.variants.iter().collect();
    order.sort_by(|a, b| a.priority.total_cmp(&b.priority));
    let shares = order.into_iter().enumerate().map(|(at, variant)| Share {
        // Nothing may be 0: SDKs take it for no number.
        id: at + 1,
        mv_fs_value_uuid: uuid(&[&state.key, variant.key.as_deref().unwrap_or_default()]),
        percentage_allocation: &variant.weight,
        multivariate_feature_option: FeatureOption {
            id: at + 1,
            key: variant.key.as_deref(),
            value: FlatValue(&variant.value),
        },
    });
    shares.collect()
}

fn rule(rule: &Rule) -> SegmentRule<'_> {
    SegmentRule {
        kind: rule.kind,
        rules: rule.rules.iter().map(self::rule).collect(),
        conditions: rule.conditions.iter().map(condition).collect(),
    }
}

fn condition(condition: &Condition) -> SegmentCondition<'_> {
    SegmentCondition {
        operator: condition.operator.name(),
        value: match &condition.value {
            value if condition.operator == Operator::IN => list(&members(value)),
            value => value.text().into_owned(),
        },
        property_: &condition.property,
    }
}

/// A list as all SDKs read it: they split it at commas, with the spaces around them, unless it is JSON.
fn list(members: &[String]) -> String {
    let plain = |one: &String| !one.contains(',') && !one.starts_with('[') && one.trim() == one;
    match members.iter().all(plain) {
        true => members.join(","),
        false => json!(members).to_string(),
    }
}

fn unknown(rule: &Rule) -> Option<&'static str> {
    let own = rule.conditions.iter().find_map(Condition::own);
    own.or_else(|| rule.rules.iter().find_map(unknown))
}

/// A UUID that is always the same for these texts (RFC 9562, version 8: of our own making).
fn uuid(parts: &[&str]) -> String {
    let digest = Sha256::digest(parts.join("\0"));
    let number = |range: std::ops::Range<usize>| {
        let bytes = digest[range].iter();
        bytes.fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
    };
    format!(
        "{:08x}-{:04x}-8{:03x}-{:04x}-{:012x}",
        number(0..4),
        number(4..6),
        number(6..8) & 0xfff,
        number(8..10) & 0x3fff | 0x8000,
        number(10..16)
    )
}
