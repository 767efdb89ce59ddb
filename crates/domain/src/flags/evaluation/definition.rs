//! What may be served, before it is compiled: features with their variants, segments with their overrides, and what single
//! identities get.

use std::collections::BTreeMap;

use serde_json::{Number, Value};

use crate::flags::targeting::{Percentage, Rule};
use crate::flags::value::FlagValue;

/// Everything that is needed to evaluate one environment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Definition {
    /// The key that buckets identities: `{key}_{identifier}`. It never changes.
    pub key: String,
    /// The environment's name.
    pub name: String,
    /// The features, in the order in which they are answered.
    pub features: Vec<FeatureDefinition>,
    /// The segments.
    pub segments: Vec<SegmentDefinition>,
    /// What single identities get, whatever segments they are in: by identifier.
    pub identities: BTreeMap<String, Vec<FeatureDefinition>>,
    /// The context that paths see beside `$.environment`, `$.identity` and `$.now`, if any.
    pub context: Option<Value>,
}

/// A feature's state: the environment's own, or that of an override, which replaces it whole.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FeatureDefinition {
    /// What is hashed with the identity's key to choose a variant. It never changes. Where it is empty, none is chosen.
    pub key: String,
    /// The feature's name.
    pub name: String,
    /// On or off.
    pub enabled: bool,
    /// The value; that of the control, where there are variants.
    pub value: FlagValue,
    /// The variants among which identities are split.
    pub variants: Vec<VariantDefinition>,
    /// Of an override: the lowest wins, one without is the weakest, of equals the first.
    pub priority: Option<f64>,
    /// What whoever defined it wants back with the answer.
    pub metadata: Option<Value>,
}

/// A variant and its share.
#[derive(Debug, Clone, PartialEq)]
pub struct VariantDefinition {
    /// What it is called, if it has a name.
    pub key: Option<String>,
    /// What those who get it get.
    pub value: FlagValue,
    /// Its share, in percent. Reasons tell it as it is written here.
    pub weight: Number,
    /// Where its range lies: the lowest first, of equals the first.
    pub priority: f64,
}

/// A segment and what those in it get.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SegmentDefinition {
    /// What is hashed by `PERCENTAGE_SPLIT`. It never changes.
    pub key: String,
    /// Its name, which reasons tell.
    pub name: String,
    /// All of them must hold; where there are none, nobody is in it.
    pub rules: Vec<Rule>,
    /// What those in it get.
    pub overrides: Vec<FeatureDefinition>,
    /// What whoever defined it wants back with the answer.
    pub metadata: Option<Value>,
    /// The share of another segment that it is, which its last rule draws.
    pub rollout: Option<Percentage>,
}
