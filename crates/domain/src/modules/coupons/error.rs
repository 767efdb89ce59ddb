//! What can be wrong with a request about coupons.

use std::borrow::Cow;

use super::coupon::CouponId;
use crate::clock::Timestamp;
use crate::storage::StorageError;
use crate::text::FeatureName;
use crate::write::VersionMismatch;

/// Why a request about coupons was not carried out.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CouponError {
    /// A field is missing, or does not go together with another.
    #[error("{field} {reason}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// What would be right.
        reason: Cow<'static, str>,
    },
    /// There is none of this id, or none that may be seen.
    #[error("there is no coupon {0}")]
    NotFound(CouponId),
    /// No feature has this name.
    #[error("names {:?}, which is no feature", .0.as_str())]
    UnknownFeature(FeatureName),
    /// The stored version is none that the writer accepts.
    #[error(transparent)]
    VersionMismatch(#[from] VersionMismatch),
    /// It cannot be used any more.
    #[error("the coupon expired at {0}")]
    Expired(Timestamp),
    /// It cannot be used yet.
    #[error("the coupon is published at {0}")]
    NotPublished(Timestamp),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl CouponError {
    /// A field that is not valid.
    pub(crate) fn invalid(field: &'static str, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid {
            field,
            reason: reason.into(),
        }
    }
}
