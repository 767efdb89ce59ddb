//! Coupons in the database.
//!
//! [`repository`] implements the port, `rows` turns rows into records, `work` holds the units of work, `redemptions` the
//! counts.

pub(crate) mod redemptions;
pub mod repository;
pub(crate) mod rows;
pub(crate) mod state;
pub(crate) mod work;

pub use repository::DieselCouponRepository;
