//! The shapes of segments, overrides and operators.

use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::flags::FlagValue;
use flagstaff_domain::flags::evaluation::Operator;
use flagstaff_domain::flags::targeting::check::warnings;
use flagstaff_domain::flags::targeting::{Override, Percentage, Rule, Segment, Share, Target};
use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::schema;

/// A segment.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SegmentRecord {
    /// Its id, for ever.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Whom it means.
    pub description: String,
    /// All of them must hold; where there are none, nobody is in it.
    #[schema(value_type = Vec<schema::Rule>)]
    pub rules: Vec<Rule>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// The last change to this record.
    pub version: i64,
    /// What whoever wrote the rules should know; there when there is something.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub warnings: Vec<String>,
}

impl From<&Segment> for SegmentRecord {
    fn from(segment: &Segment) -> Self {
        Self {
            id: segment.id.0,
            name: segment.name.to_string(),
            description: segment.description.to_string(),
            rules: segment.rules.clone(),
            created_at: segment.created_at,
            version: segment.version.0,
            warnings: Vec::new(),
        }
    }
}

impl SegmentRecord {
    /// The record with the warnings about its rules.
    #[must_use]
    pub fn with_warnings(segment: &Segment) -> Self {
        Self {
            warnings: warnings(&segment.rules),
            ..Self::from(segment)
        }
    }
}

/// An override: what a segment or an identity gets in place of the flag's own state.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OverrideRecord {
    /// Its id, for ever.
    pub id: i64,
    /// The feature.
    pub feature: String,
    /// The environment.
    pub environment: String,
    /// The segment that gets it; null where it is for an identity.
    #[schema(required)]
    pub segment: Option<String>,
    /// The identity that gets it; null where it is for a segment.
    #[schema(required)]
    pub identity: Option<String>,
    /// On or off.
    pub enabled: bool,
    /// What it carries; what those get who are in no variant's share.
    #[schema(value_type = schema::FlagValue)]
    pub value: FlagValue,
    /// How they are shared out among the feature's variants.
    #[schema(value_type = Vec<schema::Share>)]
    pub variants: Vec<Share>,
    /// How strong it is among those for segments: the lowest wins; null where it is for an identity.
    #[schema(required)]
    pub priority: Option<u32>,
    /// The share of the segment that gets it, in percent; null for all of it.
    #[schema(value_type = Option<f64>, required)]
    pub rollout: Option<Percentage>,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// The last change to this record.
    pub version: i64,
}

impl From<&Override> for OverrideRecord {
    fn from(one: &Override) -> Self {
        let segment = one.target.segment();
        Self {
            id: one.id.0,
            feature: one.feature.to_string(),
            environment: one.environment.to_string(),
            segment: segment.map(|target| target.name.to_string()),
            identity: match &one.target {
                Target::Segment(_) => None,
                Target::Identity(identifier) => Some(identifier.to_string()),
            },
            enabled: one.enabled,
            value: one.value.clone(),
            variants: one.variants.clone(),
            priority: segment.map(|target| target.priority.into()),
            rollout: segment.and_then(|target| target.rollout),
            updated_at: one.updated_at,
            version: one.version.0,
        }
    }
}

/// An operator of conditions.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OperatorRecord {
    /// Its name.
    pub name: &'static str,
    /// When a condition with it holds.
    pub summary: &'static str,
    /// What the condition's value must be.
    pub value: &'static str,
    /// Whether Flagsmith's SDKs know it, those that evaluate locally included.
    pub flagsmith: bool,
}

impl From<Operator> for OperatorRecord {
    fn from(operator: Operator) -> Self {
        Self {
            name: operator.name(),
            summary: operator.summary(),
            value: operator.value(),
            flagsmith: operator.is_flagsmiths(),
        }
    }
}
