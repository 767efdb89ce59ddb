//! Coupons: offers with a window of publication, which a feature may show or hide.
//!
//! [`coupon`] is the record, [`change`] what makes one valid, [`service`] the way in, [`ports`] what storage implements. What an
//! amount is in another currency is asked of [`exchange`].

pub mod change;
pub mod coupon;
pub mod error;
pub mod exchange;
pub mod place;
pub mod ports;
pub mod price;
pub mod service;
pub mod state;
pub mod text;

pub use change::{ChangeCoupon, Without};
pub use coupon::{Coupon, CouponFeature, CouponId, Details};
pub use error::CouponError;
pub use exchange::{Exchange, NoExchange, Quotes};
pub use place::Place;
pub use ports::{Audience, CouponPlace, CouponQuery, CouponRepository, CouponState, Redemptions};
pub use price::{Amount, CurrencyCode, Price};
pub use service::CouponService;
pub use text::{Label, LongText};

use crate::changes::ModuleKind;

/// The module's name in the change log.
pub(crate) const CONTEXT: &str = "coupons";

const fn kind(kind: &'static str) -> ModuleKind {
    ModuleKind {
        context: CONTEXT,
        kind,
    }
}

/// A coupon was added.
pub const CREATED: ModuleKind = kind("coupon.created");
/// A coupon was changed.
pub const CHANGED: ModuleKind = kind("coupon.changed");
/// A coupon was deleted, with the counts of its redemptions.
pub const DELETED: ModuleKind = kind("coupon.deleted");

/// All kinds of changes that this module makes.
pub(crate) const KINDS: &[ModuleKind] = &[CREATED, CHANGED, DELETED];
