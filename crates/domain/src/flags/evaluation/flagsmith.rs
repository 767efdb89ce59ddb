//! Flagsmith's evaluation context, read into a [`Definition`] and an [`Identity`], and its evaluation result: the JSON of
//! `evaluation-context.json` and `evaluation-result.json`.
//!
//! It reads leniently, as Flagsmith's engines do: what it does not know it skips, null is as good as nothing, and a number
//! may stand for the text of one. Writing is in `result`.

mod entries;
mod result;

use serde::Deserialize;
use serde_json::{Number, Value};

use super::definition::{Definition, FeatureDefinition, SegmentDefinition, VariantDefinition};
use super::operators::Operator;
use super::subject::{Identity, TraitValue};
use crate::flags::targeting::{Condition, ConditionValue, Rule, RuleKind};
use crate::flags::value::FlagValue;
use crate::json::JsonText;
use entries::{Entries, Text};

pub use result::EvaluationResult;

/// An evaluation context.
#[derive(Debug, Clone, Deserialize)]
pub struct EvaluationContext {
    environment: EnvironmentContext,
    identity: Option<IdentityContext>,
    segments: Option<Entries<SegmentContext>>,
    features: Option<Entries<FeatureContext>>,
}

#[derive(Debug, Clone, Deserialize)]
struct EnvironmentContext {
    key: Text,
    #[serde(default)]
    name: Text,
}

#[derive(Debug, Clone, Deserialize)]
struct IdentityContext {
    identifier: Text,
    key: Option<Text>,
    traits: Option<Entries<Value>>,
}

#[derive(Debug, Clone, Deserialize)]
struct SegmentContext {
    key: Text,
    name: Text,
    rules: Option<Vec<SegmentRule>>,
    overrides: Option<Vec<FeatureContext>>,
    metadata: Option<Value>,
}

#[derive(Debug, Clone, Deserialize)]
struct SegmentRule {
    #[serde(rename = "type")]
    kind: RuleKind,
    conditions: Option<Vec<SegmentCondition>>,
    rules: Option<Vec<SegmentRule>>,
}

#[derive(Debug, Clone, Deserialize)]
struct SegmentCondition {
    property: Option<Text>,
    operator: Text,
    #[serde(default)]
    value: ConditionValue,
}

#[derive(Debug, Clone, Deserialize)]
struct FeatureContext {
    key: Text,
    name: Text,
    enabled: bool,
    #[serde(default)]
    value: Value,
    variants: Option<Vec<FeatureValue>>,
    priority: Option<f64>,
    metadata: Option<Value>,
}

#[derive(Debug, Clone, Deserialize)]
struct FeatureValue {
    key: Option<Text>,
    #[serde(default)]
    value: Value,
    weight: Number,
    priority: Option<f64>,
}

impl EvaluationContext {
    /// What is defined, and for whom it is to be evaluated. Paths look into `whole`, which the context was read from.
    #[must_use]
    pub fn define(self, whole: Value) -> (Definition, Option<Identity>) {
        let key = self.environment.key.0;
        let identity = self.identity.map(|identity| identity.into_identity(&key));
        let segments = self.segments.unwrap_or_default().0.into_iter();
        let features = self.features.unwrap_or_default().0.into_iter();
        let definition = Definition {
            key,
            name: self.environment.name.0,
            features: features.map(|(_, one)| one.into()).collect(),
            segments: segments.map(|(_, one)| one.into()).collect(),
            context: Some(whole),
            ..Definition::default()
        };
        (definition, identity)
    }
}

impl IdentityContext {
    fn into_identity(self, environment_key: &str) -> Identity {
        let traits = self.traits.unwrap_or_default().0.into_iter();
        // An object or an array is no trait; paths still see it.
        let traits = traits.filter_map(|(name, value)| {
            let value: TraitValue = serde_json::from_value(value).ok()?;
            Some((name, value))
        });
        let identity = Identity::new(environment_key, self.identifier.0, traits.collect());
        match self.key {
            Some(Text(key)) if !key.is_empty() => Identity { key, ..identity },
            Some(_) | None => identity,
        }
    }
}

impl From<SegmentContext> for SegmentDefinition {
    fn from(segment: SegmentContext) -> Self {
        let overrides = segment.overrides.unwrap_or_default().into_iter();
        Self {
            key: segment.key.0,
            name: segment.name.0,
            rules: rules(segment.rules),
            overrides: overrides.map(FeatureDefinition::from).collect(),
            metadata: metadata(segment.metadata),
            rollout: None,
        }
    }
}

fn rules(rules: Option<Vec<SegmentRule>>) -> Vec<Rule> {
    let rules = rules.unwrap_or_default().into_iter();
    rules.map(Rule::from).collect()
}

impl From<SegmentRule> for Rule {
    fn from(rule: SegmentRule) -> Self {
        let conditions = rule.conditions.unwrap_or_default().into_iter();
        Self {
            kind: rule.kind,
            conditions: conditions.map(Condition::from).collect(),
            rules: rules(rule.rules),
        }
    }
}

impl From<SegmentCondition> for Condition {
    fn from(condition: SegmentCondition) -> Self {
        Self {
            property: condition.property.unwrap_or_default().0,
            operator: Operator::parse(&condition.operator.0)
                .unwrap_or_else(|_| Operator::unknown()),
            value: condition.value,
        }
    }
}

impl From<FeatureContext> for FeatureDefinition {
    fn from(feature: FeatureContext) -> Self {
        let variants = feature.variants.unwrap_or_default().into_iter();
        Self {
            key: feature.key.0,
            name: feature.name.0,
            enabled: feature.enabled,
            value: value(feature.value),
            variants: variants.map(VariantDefinition::from).collect(),
            priority: feature.priority,
            metadata: metadata(feature.metadata),
        }
    }
}

impl From<FeatureValue> for VariantDefinition {
    fn from(variant: FeatureValue) -> Self {
        Self {
            key: variant.key.map(|key| key.0),
            value: value(variant.value),
            weight: variant.weight,
            priority: variant.priority.unwrap_or(f64::INFINITY),
        }
    }
}

/// A value as it is, whatever its size.
fn value(value: Value) -> FlagValue {
    let as_text = |value: &Value| JsonText::of(value).map_or(FlagValue::Null, FlagValue::Json);
    match value {
        Value::Null => FlagValue::Null,
        Value::Bool(value) => FlagValue::Bool(value),
        Value::String(text) => FlagValue::String(text),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => FlagValue::Integer(integer),
            (None, Some(float)) if number.is_f64() => FlagValue::Float(float),
            (None, _) => as_text(&Value::Number(number)),
        },
        Value::Array(_) | Value::Object(_) => as_text(&value),
    }
}

/// An empty object says nothing.
fn metadata(metadata: Option<Value>) -> Option<Value> {
    let empty = |value: &Value| value.as_object().is_some_and(serde_json::Map::is_empty);
    metadata.filter(|value| !empty(value))
}
