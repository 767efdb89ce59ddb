//! The shapes of explanations: what somebody gets of each feature, and why. The command line's `eval` prints the same.

use std::collections::BTreeMap;

use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::flags::evaluation::explain::{
    Candidate, ConditionTrace, Draw, Explanation, Outcome, Range, RuleTrace,
};
use flagstaff_domain::flags::evaluation::{Choice, Identity, Origin, Subject, TraitValue};
use flagstaff_domain::flags::targeting::{ConditionValue, RuleKind};
use flagstaff_domain::flags::{FlagValue, Snapshot};
use flagstaff_domain::text::CONTROL;
use serde::Serialize;
use serde_json::{Number, Value};
use utoipa::ToSchema;

use super::schema;

/// What there is to say of a flag that is killed.
const KILLED: &str =
    "The flag is killed: it is off for everyone, whatever overrides it has, until it is revived.";

/// What somebody gets.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EvaluationRecord {
    /// The identity; null without one.
    #[schema(required)]
    pub identifier: Option<String>,
    /// What is known of it.
    #[schema(value_type = BTreeMap<String, schema::TraitValue>)]
    pub traits: BTreeMap<String, TraitValue>,
    /// What it gets, sorted by feature.
    pub flags: Vec<EvaluatedFlag>,
}

/// What somebody gets of one feature.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EvaluatedFlag {
    /// The feature.
    pub feature: String,
    /// On or off.
    pub enabled: bool,
    /// What it carries.
    #[schema(value_type = schema::FlagValue)]
    pub value: FlagValue,
    /// The variant's key, `control` outside the ranges of all variants, null where there is nothing to choose.
    #[schema(required)]
    pub variant: Option<String>,
    /// Why, as applications are told it: `SPLIT; weight=30`.
    pub reason: String,
    /// Why, in full.
    pub explanation: ExplanationRecord,
}

/// Why somebody gets it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ExplanationRecord {
    /// In a sentence or two.
    pub summary: String,
    /// Whether the flag is killed: off for everyone, without a look at its overrides.
    pub killed: bool,
    /// What it might have been, the strongest first; the environment's own state is the last.
    pub candidates: Vec<CandidateRecord>,
    /// The parts into which identities are split, where they are.
    #[schema(required)]
    pub split: Option<SplitRecord>,
}

/// A state that a feature may have.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CandidateRecord {
    /// Whose it is.
    #[schema(value_type = schema::Origin)]
    pub origin: &'static str,
    /// The segment's name, where it is a segment's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
    /// Where it stands among the segments' overrides: the lowest wins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub priority: Option<Number>,
    /// `won`: it is served. `beaten`: it applies, and so does a stronger one. `no_match`: it does not apply.
    #[schema(value_type = schema::Outcome)]
    pub outcome: &'static str,
    /// On or off.
    pub enabled: bool,
    /// What it carries; that of the control, where there are variants.
    #[schema(value_type = schema::FlagValue)]
    pub value: FlagValue,
    /// The segment's rules, all of which must hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub rules: Vec<RuleRecord>,
    /// Where the override is for a share of the segment: whether the identity is in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub rollout: Option<RolloutRecord>,
}

/// A rule, and whether it held.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RuleRecord {
    /// How many of its conditions, and of its nested rules, must hold.
    #[serde(rename = "type")]
    #[schema(value_type = schema::RuleType)]
    pub kind: RuleKind,
    /// Whether as many did.
    pub held: bool,
    /// Its conditions.
    pub conditions: Vec<ConditionRecord>,
    /// Its nested rules.
    #[schema(no_recursion)]
    pub rules: Vec<RuleRecord>,
}

/// The share of the segment that an override is for, and whether the identity is in it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RolloutRecord {
    /// The share, in percent.
    #[schema(value_type = f64)]
    pub percentage: Number,
    /// Whether the identity is in it.
    pub held: bool,
    /// The identity's bucket, from 0 to 100, null without an identity.
    #[schema(required)]
    pub bucket: Option<f64>,
}

/// A condition, and whether it held.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConditionRecord {
    /// What it looks at.
    pub property: String,
    /// What it asks.
    pub operator: &'static str,
    /// What it compares with.
    #[schema(value_type = schema::ConditionValue)]
    pub value: ConditionValue,
    /// Whether it held.
    pub held: bool,
    /// What the property was, null where there was none; of a prerequisite, what that feature serves.
    #[schema(value_type = schema::TraitValue, required)]
    pub found: Option<Value>,
    /// Of a percentage: the bucket, from 0 to 100, that was compared with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub bucket: Option<f64>,
}

/// How an identity was put into its part of a split.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SplitRecord {
    /// Its bucket, from 0 to 100.
    pub bucket: f64,
    /// The variants' ranges in their order, and what is left for the control.
    pub ranges: Vec<RangeRecord>,
}

/// The buckets that get a variant.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RangeRecord {
    /// The variant's key, or `control`.
    pub variant: String,
    /// The first bucket.
    pub from: f64,
    /// Where the next range begins.
    pub to: f64,
    /// Whether it is this identity's.
    pub chosen: bool,
}

impl EvaluationRecord {
    /// What the identity gets at that moment of the feature at this place, or of all of them.
    #[must_use]
    pub fn of(
        snapshot: &Snapshot,
        identity: Option<&Identity>,
        now: Timestamp,
        feature: Option<usize>,
    ) -> Self {
        let evaluation = snapshot.program.evaluate(Subject { identity, now });
        let places = match feature {
            Some(place) => place..place + 1,
            None => 0..snapshot.flags.len(),
        };
        let explained = places.filter_map(|place| {
            let killed = snapshot.flags.get(place)?.killed;
            Some(EvaluatedFlag::of(&evaluation.explain(place)?, killed))
        });
        Self {
            identifier: identity.map(|one| one.identifier.clone()),
            traits: identity.map_or_else(BTreeMap::new, |one| one.traits.clone()),
            flags: explained.collect(),
        }
    }
}

impl EvaluatedFlag {
    fn of(explanation: &Explanation<'_>, killed: bool) -> Self {
        let answer = explanation.answer;
        let candidates = explanation.candidates.iter();
        Self {
            feature: answer.feature.name.clone(),
            enabled: answer.enabled(),
            value: answer.value().clone(),
            variant: answer.variant().map(str::to_owned),
            reason: answer.reason().to_string(),
            explanation: ExplanationRecord {
                summary: match killed {
                    true => KILLED.to_owned(),
                    false => explanation.to_string(),
                },
                killed,
                candidates: candidates.map(CandidateRecord::from).collect(),
                split: explanation.draw.as_ref().map(SplitRecord::from),
            },
        }
    }
}

impl From<&Candidate<'_>> for CandidateRecord {
    fn from(candidate: &Candidate<'_>) -> Self {
        let (origin, segment) = match candidate.origin {
            Origin::Identity => ("identity", None),
            Origin::Segment(segment) => ("segment", Some(segment.name.clone())),
            Origin::Environment => ("environment", None),
        };
        Self {
            origin,
            segment,
            priority: candidate.state.priority.and_then(whole),
            outcome: match candidate.outcome {
                Outcome::Won => "won",
                Outcome::Beaten => "beaten",
                Outcome::NoMatch => "no_match",
            },
            enabled: candidate.state.enabled,
            value: candidate.state.value.clone(),
            rules: candidate.rules.iter().map(RuleRecord::from).collect(),
            rollout: candidate.rollout.map(|rollout| RolloutRecord {
                percentage: rollout.share.to_number(),
                held: rollout.holds,
                bucket: rollout.bucket,
            }),
        }
    }
}

/// A number as JSON has it: an integer where it is one.
fn whole(number: f64) -> Option<Number> {
    let whole = Number::from_f64(number)?;
    let text = number.to_string();
    Some(text.parse().map_or(whole, |integer: i64| integer.into()))
}

impl From<&RuleTrace<'_>> for RuleRecord {
    fn from(rule: &RuleTrace<'_>) -> Self {
        Self {
            kind: rule.kind,
            held: rule.holds,
            conditions: rule.conditions.iter().map(ConditionRecord::from).collect(),
            rules: rule.rules.iter().map(Self::from).collect(),
        }
    }
}

impl From<&ConditionTrace<'_>> for ConditionRecord {
    fn from(trace: &ConditionTrace<'_>) -> Self {
        Self {
            property: trace.condition.property.clone(),
            operator: trace.condition.operator.name(),
            value: trace.condition.value.clone(),
            held: trace.holds,
            found: trace.found.clone(),
            bucket: trace.bucket,
        }
    }
}

impl From<&Draw<'_>> for SplitRecord {
    fn from(draw: &Draw<'_>) -> Self {
        Self {
            bucket: draw.bucket,
            ranges: draw.ranges.iter().map(RangeRecord::from).collect(),
        }
    }
}

impl From<&Range<'_>> for RangeRecord {
    fn from(range: &Range<'_>) -> Self {
        let key = match range.choice {
            Choice::Variant(variant) => variant.key.as_deref().unwrap_or_default(),
            Choice::Control | Choice::None => CONTROL,
        };
        Self {
            variant: key.to_owned(),
            from: range.from,
            to: range.to,
            chosen: range.chosen,
        }
    }
}
