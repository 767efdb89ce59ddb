//! The optional modules' adapters, a cargo feature each.

#[cfg(feature = "coupons")]
pub mod coupons;
#[cfg(feature = "rates")]
pub mod rates;
