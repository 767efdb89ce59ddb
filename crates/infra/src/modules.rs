//! The optional modules' adapters, a cargo feature each.

#[cfg(feature = "rates")]
pub mod rates;
