//! Coupons in a state file: a list, each entry a whole coupon, known by its code.

use serde_json::Value;

use super::change::ChangeCoupon;
use super::coupon::Coupon;
use crate::state::sections::Section;

/// The section `coupons`.
pub const SECTION: Section = Section {
    name: "coupons",
    one: "coupon",
    read,
    key: |entry| entry["couponcode"].as_str().unwrap_or_default().to_owned(),
    feature: |entry| entry["feature"].as_str().map(str::to_owned),
};

fn read(entry: &Value) -> Result<Value, String> {
    let fields = fields(entry).map_err(|error| error.to_string())?;
    let details = fields.create().map_err(|error| error.to_string())?;
    let whole = ChangeCoupon {
        feature: fields.feature,
        feature_deleted: fields.feature_deleted,
        ..ChangeCoupon::from(details)
    };
    serde_json::to_value(&whole).map_err(|error| error.to_string())
}

/// A coupon as an entry.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn entry(coupon: &Coupon) -> Result<Value, serde_json::Error> {
    serde_json::to_value(ChangeCoupon::from(coupon))
}

/// What an entry says of a coupon.
///
/// # Errors
/// When it is none.
pub fn fields(entry: &Value) -> Result<ChangeCoupon, serde_json::Error> {
    serde_json::from_value(entry.clone())
}
