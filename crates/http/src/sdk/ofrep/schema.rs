//! The protocol's bodies, for the description of the API; `view`, `failure` and `context` write and read them.

#![allow(dead_code, reason = "they describe what others write")]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Whom to evaluate for.
#[derive(Deserialize, ToSchema)]
pub(crate) struct OfrepRequest {
    context: OfrepContext,
}

/// A context. Members beside the targeting key are traits; objects and arrays among them are ignored.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OfrepContext {
    /// Who asks: what Flagsmith's SDKs call the identifier.
    #[schema(min_length = 1, max_length = 2000)]
    targeting_key: String,
    /// Traits: at most 100, their names of at most 200 characters and texts of at most 2,000.
    #[serde(flatten)]
    traits: BTreeMap<String, Value>,
}

/// A flag of a context.
#[derive(Serialize, ToSchema)]
pub(crate) struct OfrepFlag {
    /// The feature's name.
    key: String,
    /// A boolean, string, number or object; not there where the code's own default applies.
    #[schema(required = false)]
    value: Value,
    /// STATIC, TARGETING_MATCH, SPLIT or DISABLED.
    reason: OfrepReason,
    /// The key of the variant, `control` outside of all variants, or `default` where there are none.
    variant: String,
    /// Texts and numbers about the flag.
    metadata: BTreeMap<String, Value>,
}

/// Why a flag is what it is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum OfrepReason {
    Static,
    TargetingMatch,
    Split,
    Disabled,
}

/// The flags of a context.
#[derive(Serialize, ToSchema)]
pub(crate) struct OfrepBulkSuccess {
    flags: Vec<OfrepFlag>,
    /// What is told of all of them: the environment's name.
    metadata: BTreeMap<String, Value>,
}

/// What is wrong with a request for one flag.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OfrepFailure {
    /// The flag that was asked for.
    key: String,
    /// PARSE_ERROR, TARGETING_KEY_MISSING or INVALID_CONTEXT.
    error_code: String,
    /// What was wrong and what would be right.
    error_details: String,
}

/// That there is no such flag.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OfrepFlagNotFound {
    /// The flag that was asked for.
    key: String,
    /// FLAG_NOT_FOUND.
    error_code: String,
    /// What was wrong and what would be right.
    error_details: String,
}

/// What is wrong with a request for all flags; and whatever else goes wrong.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OfrepError {
    /// PARSE_ERROR, TARGETING_KEY_MISSING, INVALID_CONTEXT or GENERAL.
    error_code: String,
    /// What was wrong and what would be right.
    error_details: String,
}
