//! What can be wrong with a request about features, environments and flags.

use super::targeting::{Misplaced, TargetName};
use super::usage::FeatureUse;
use crate::clock::Timestamp;
use crate::ids::OverrideId;
use crate::storage::StorageError;
use crate::text::{EnvironmentName, FeatureName, Invalid, SegmentName, VariantKey};
use crate::write::VersionMismatch;

/// Why a request about features, environments or flags was not carried out.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FlagError {
    /// No environment has this name.
    #[error("there is no environment {:?}", .0.as_str())]
    EnvironmentNotFound(EnvironmentName),
    /// No feature has this name.
    #[error("there is no feature {:?}", .0.as_str())]
    FeatureNotFound(FeatureName),
    /// `enabled_in` names an environment that does not exist.
    #[error("names {:?}, which is no environment", .0.as_str())]
    EnabledInUnknown(EnvironmentName),
    /// Another environment has this name already, perhaps in other case.
    #[error("there is an environment {:?} already", .0.as_str())]
    EnvironmentExists(EnvironmentName),
    /// Another feature has this name already, perhaps in other case.
    #[error("there is a feature {:?} already", .0.as_str())]
    FeatureExists(FeatureName),
    /// The stored version is none that the writer accepts.
    #[error(transparent)]
    VersionMismatch(#[from] VersionMismatch),
    /// A field of a command does not fit what is stored.
    #[error("{field} {reason}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// What would be right.
        reason: Invalid,
    },
    /// Identities still get the variant that would be removed, or rules ask for it.
    #[error(
        "the variant {:?} of {:?} is given or asked for by {}; take it out there first",
        .variant.as_str(), .feature.as_str(), .places.join(", ")
    )]
    VariantInUse {
        /// The feature.
        feature: FeatureName,
        /// Its variant.
        variant: VariantKey,
        /// Where, in words.
        places: Vec<String>,
    },
    /// Applications still retrieve the environment's flags.
    #[error(
        "flags of {:?} were retrieved at {last_retrieved_at}, within the last 24 hours; \
         stop its applications first, or force the deletion",
        .environment.as_str()
    )]
    EnvironmentInUse {
        /// The environment.
        environment: EnvironmentName,
        /// When its flags were last retrieved from this process.
        last_retrieved_at: Timestamp,
    },
    /// No segment has this name.
    #[error("there is no segment {:?}", .0.as_str())]
    SegmentNotFound(SegmentName),
    /// Another segment has this name already, perhaps in other case.
    #[error("there is a segment {:?} already", .0.as_str())]
    SegmentExists(SegmentName),
    /// The flag has no override of this id.
    #[error("{:?} has no override {id} in {:?}", .feature.as_str(), .environment.as_str())]
    OverrideNotFound {
        /// The override.
        id: OverrideId,
        /// The feature.
        feature: FeatureName,
        /// The environment.
        environment: EnvironmentName,
    },
    /// The target has an override of the flag already.
    #[error(
        "{:?} has an override for {target} in {:?} already; change that one",
        .feature.as_str(), .environment.as_str()
    )]
    OverrideExists {
        /// Who gets it.
        target: TargetName,
        /// The feature.
        feature: FeatureName,
        /// The environment.
        environment: EnvironmentName,
    },
    /// A mistake somewhere in the rules of a segment.
    #[error(transparent)]
    Misplaced(#[from] Misplaced),
    /// Features would depend on one another in a circle, or in too long a row: what depends on what, in words.
    #[error("{0}")]
    Tangled(String),
    /// A share of a segment would be drawn from what is a share itself.
    #[error(
        "the segment {:?} asks for a PERCENTAGE_SPLIT, so it takes no rollout, which would draw that share anew; \
         it has one for {}",
        .segment.as_str(), some(users)
    )]
    DrawnTwice {
        /// The segment.
        segment: SegmentName,
        /// The flags where it has a rollout, in words.
        users: Vec<String>,
    },
    /// Other records need it: what it is, and where it is needed.
    #[error("{what} is used by {}; change or delete that first", some(users))]
    InUse {
        /// What would be gone.
        what: String,
        /// What needs it, in words.
        users: Vec<String>,
    },
    /// Applications still use the feature.
    #[error("{0}; take it out of the applications first, or force the deletion")]
    FeatureInUse(Box<FeatureUse>),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// The most users that a message names.
const NAMED_MAX: usize = 10;

/// The first of them, and how many more there are.
fn some(users: &[String]) -> String {
    let (named, more) = users.split_at(users.len().min(NAMED_MAX));
    let named = named.join(", ");
    match more.len() {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
