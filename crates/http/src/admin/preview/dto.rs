//! The shape of previews.

use flagstaff_domain::flags::FlagValue;
use flagstaff_domain::flags::preview::{
    Difference, Direction, Example, FeaturePreview, Preview, Served,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::schema;

/// What changes would mean.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreviewRecord {
    /// How many contexts were asked about: those that this server saw lately.
    contexts: usize,
    /// How many of them would get another answer.
    changed: usize,
    /// The features of which somebody would get another answer.
    features: Vec<FeaturePreviewRecord>,
    /// Up to ten of those who would, of every feature and direction in turn.
    #[schema(max_items = 10)]
    examples: Vec<ExampleRecord>,
    /// What would change for whoever has no identity.
    without_identity: Vec<DifferenceRecord>,
}

/// How many would get another answer of one feature.
#[derive(Debug, Serialize, ToSchema)]
struct FeaturePreviewRecord {
    /// The feature.
    feature: String,
    /// How many, all directions together.
    changed: usize,
    /// From off to on.
    off_to_on: usize,
    /// From on to off.
    on_to_off: usize,
    /// It stays on or off, with another value.
    value: usize,
    /// Enabled and value stay; the variant is another.
    variant: usize,
}

/// Somebody whose answer would change.
#[derive(Debug, Serialize, ToSchema)]
struct ExampleRecord {
    /// The identity.
    identifier: String,
    /// The feature.
    feature: String,
    /// The answer as it is.
    before: ServedRecord,
    /// The answer as it would be.
    after: ServedRecord,
}

/// An answer that would change.
#[derive(Debug, Serialize, ToSchema)]
struct DifferenceRecord {
    /// The feature.
    feature: String,
    /// The answer as it is.
    before: ServedRecord,
    /// The answer as it would be.
    after: ServedRecord,
}

/// What somebody gets of a feature.
#[derive(Debug, Serialize, ToSchema)]
struct ServedRecord {
    /// On or off.
    enabled: bool,
    /// What it carries.
    #[schema(value_type = schema::FlagValue)]
    value: FlagValue,
    /// The variant, if there is one.
    #[schema(required)]
    variant: Option<String>,
    /// Why.
    reason: String,
}

impl From<&Preview> for PreviewRecord {
    fn from(preview: &Preview) -> Self {
        let nobody = preview.without_identity.iter();
        Self {
            contexts: preview.contexts,
            changed: preview.changed,
            features: preview
                .features
                .iter()
                .map(FeaturePreviewRecord::from)
                .collect(),
            examples: preview.examples.iter().map(ExampleRecord::from).collect(),
            without_identity: nobody.map(DifferenceRecord::from).collect(),
        }
    }
}

impl From<&FeaturePreview> for FeaturePreviewRecord {
    fn from(preview: &FeaturePreview) -> Self {
        let count = |direction| preview.directions.get(&direction).copied();
        let count = |direction| count(direction).unwrap_or_default();
        Self {
            feature: preview.feature.clone(),
            changed: preview.directions.values().sum(),
            off_to_on: count(Direction::OffToOn),
            on_to_off: count(Direction::OnToOff),
            value: count(Direction::Value),
            variant: count(Direction::Variant),
        }
    }
}

impl From<&Example> for ExampleRecord {
    fn from(example: &Example) -> Self {
        let DifferenceRecord {
            feature,
            before,
            after,
        } = (&example.difference).into();
        Self {
            identifier: example.identifier.clone(),
            feature,
            before,
            after,
        }
    }
}

impl From<&Difference> for DifferenceRecord {
    fn from(difference: &Difference) -> Self {
        Self {
            feature: difference.feature.clone(),
            before: (&difference.before).into(),
            after: (&difference.after).into(),
        }
    }
}

impl From<&Served> for ServedRecord {
    fn from(served: &Served) -> Self {
        Self {
            enabled: served.enabled,
            value: served.value.clone(),
            variant: served.variant.clone(),
            reason: served.reason.clone(),
        }
    }
}
