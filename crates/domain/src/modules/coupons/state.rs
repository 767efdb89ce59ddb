//! Coupons in a state file: a list, each known by its code.

use serde_json::Value;

use super::coupon::{ChangeCoupon, Coupon};
use crate::state::sections::Section;

/// The section `coupons`.
pub const SECTION: Section = Section {
    name: "coupons",
    read,
    key: |entry| entry["couponcode"].as_str().unwrap_or_default().to_owned(),
};

fn read(entry: &Value) -> Result<Value, String> {
    let fields: ChangeCoupon =
        serde_json::from_value(entry.clone()).map_err(|error| error.to_string())?;
    fields.create().map_err(|error| error.to_string())?;
    serde_json::to_value(&fields).map_err(|error| error.to_string())
}

/// A coupon as an entry; `None` for one whose feature was deleted, which nobody is shown and no file can say so of.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn entry(coupon: &Coupon) -> Result<Option<Value>, serde_json::Error> {
    let orphan = coupon
        .feature
        .as_ref()
        .is_some_and(|feature| feature.name.is_none());
    (!orphan)
        .then(|| serde_json::to_value(ChangeCoupon::from(coupon)))
        .transpose()
}

/// What an entry says of a coupon.
///
/// # Errors
/// When it is none.
pub fn fields(entry: &Value) -> Result<ChangeCoupon, serde_json::Error> {
    serde_json::from_value(entry.clone())
}
