//! What coupons ask of storage.

use super::change::ChangeCoupon;
use super::coupon::{Coupon, CouponId};
use super::error::CouponError;
use crate::clock::Timestamp;
use crate::ids::{FeatureId, Seq};
use crate::page::{Listing, Page};
use crate::storage::StorageError;
use crate::write::{Precondition, Stamp, Written};

/// Whether a coupon has expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CouponState {
    /// Not yet.
    Valid,
    /// It has.
    Invalid,
}

/// Whom a list is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// Everybody: what no feature shows or hides, also before it is published.
    Everybody,
    /// An environment: what is published, and shown by no feature or by one of these.
    Environment(Vec<FeatureId>),
    /// Whoever manages coupons: all.
    Managers,
}

/// A place in a list of coupons. Lists by state are in the order of expiry, the list of all in that of the ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CouponPlace {
    /// When the coupon expires, in lists by state.
    pub expire_at: Option<Timestamp>,
    /// The coupon.
    pub id: CouponId,
}

/// Which coupons are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CouponQuery {
    /// Those in this state alone.
    pub state: Option<CouponState>,
    /// Those for these alone.
    pub audience: Audience,
    /// The moment that decides.
    pub now: Timestamp,
    /// Which part.
    pub page: Page<CouponPlace>,
}

/// How often a coupon was redeemed on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redemptions {
    /// The day in UTC, `2026-11-20`.
    pub date: String,
    /// How often.
    pub count: i64,
}

/// Keeps coupons. Every write MUST append its change, and MUST leave no trace when it changes nothing.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait CouponRepository: Send + Sync {
    /// A page of coupons, filtered and ordered by storage.
    fn list(&self, query: &CouponQuery) -> Result<Listing<Coupon>, StorageError>;

    /// MUST return [`CouponError::NotFound`] when there is none.
    fn get(&self, id: CouponId) -> Result<Coupon, CouponError>;

    /// MUST return [`CouponError::UnknownFeature`] when it names a feature that is not there.
    fn create(&self, command: &ChangeCoupon, stamp: &Stamp)
    -> Result<Written<Coupon>, CouponError>;

    /// MUST read, check, change and log in one unit of work; MUST return [`CouponError::VersionMismatch`] where
    /// `precondition` does not accept the stored version, and [`CouponError::UnknownFeature`] when it names a
    /// feature that is not there.
    fn change(
        &self,
        id: CouponId,
        change: &ChangeCoupon,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Written<Coupon>, CouponError>;

    /// MUST remove the counts of its redemptions with it; MUST return [`CouponError::VersionMismatch`] where `precondition`
    /// does not accept the stored version.
    fn delete(
        &self,
        id: CouponId,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Seq, CouponError>;

    /// Counts a use on that day, which is no change; returns how many there were on it. MUST NOT lose one of those that
    /// come at the same time.
    fn redeem(&self, id: CouponId, date: &str) -> Result<i64, CouponError>;

    /// The days on which it was redeemed, oldest first.
    fn redemptions(&self, id: CouponId) -> Result<Vec<Redemptions>, CouponError>;
}
