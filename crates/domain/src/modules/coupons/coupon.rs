//! A coupon: what it offers, where and when, and by which feature it is shown.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::change::ChangeCoupon;
use super::place::Place;
use super::price::Price;
use super::text::{Label, LongText};
use crate::clock::Timestamp;
use crate::ids::{FeatureId, Seq};
use crate::text::FeatureName;

/// Identifies a coupon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CouponId(pub i64);

impl fmt::Display for CouponId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a coupon says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// What kind of offer it is.
    pub category: Option<Label>,
    /// What is shown or typed in to use it. Not empty.
    pub couponcode: Label,
    /// What it offers.
    pub description: Option<LongText>,
    /// Whose offer it is.
    pub merchant: Option<Label>,
    /// What it offers, in a line. Not empty.
    pub title: Label,
    /// Where it can be used.
    pub store: Option<Place>,
    /// From when on it can no longer be used; not before it is published.
    pub expire_at: Timestamp,
    /// From when on it can be used.
    pub published_at: Timestamp,
    /// What it is worth.
    pub price: Option<Price>,
}

/// The feature by which a coupon is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CouponFeature {
    /// The feature, through every renaming.
    pub id: FeatureId,
    /// Its name; `None` where there is no such feature any more, which hides the coupon. No feature is deleted while a
    /// coupon names it, but older programs did, and state files tell of it.
    pub name: Option<FeatureName>,
}

/// A coupon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coupon {
    /// Its id, for ever.
    pub id: CouponId,
    /// What it says.
    pub details: Details,
    /// The feature by which it is shown; without one it is shown to all.
    pub feature: Option<CouponFeature>,
    /// The last change to it.
    pub version: Seq,
}

impl CouponFeature {
    /// A feature that is gone: no feature ever has this id.
    pub const GONE: Self = Self {
        id: FeatureId(0),
        name: None,
    };
}

impl Coupon {
    /// Whether it is published and has not expired.
    #[must_use]
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.details.published_at <= now && now < self.details.expire_at
    }
}

/// A coupon in the change log.
#[derive(Debug, Serialize)]
pub struct CouponRecord {
    id: CouponId,
    #[serde(flatten)]
    fields: ChangeCoupon,
    version: Seq,
}

impl From<&Coupon> for CouponRecord {
    fn from(coupon: &Coupon) -> Self {
        Self {
            id: coupon.id,
            fields: ChangeCoupon::from(coupon),
            version: coupon.version,
        }
    }
}
