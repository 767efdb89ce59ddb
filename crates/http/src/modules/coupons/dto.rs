//! The shapes of coupons. The command line's `--json` prints the same.

use chrono::SecondsFormat;
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::modules::coupons::exchange::Converted;
use flagstaff_domain::modules::coupons::{
    Amount, ChangeCoupon, Coupon, CurrencyCode, Label, LongText, Place, Redemptions,
};
use flagstaff_domain::text::FeatureName;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::admin::schema;

/// Up to 1,000 characters.
#[derive(ToSchema)]
#[schema(
    max_length = 1000,
    pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
)]
#[allow(dead_code, reason = "it is described, not made")]
pub(crate) struct Text(String);

/// Up to 1,000 characters, some of them no white space.
#[derive(ToSchema)]
#[schema(
    min_length = 1,
    max_length = 1000,
    pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
)]
#[allow(dead_code, reason = "it is described, not made")]
pub(crate) struct NonEmptyText(String);

/// Up to 10,000 characters.
#[derive(ToSchema)]
#[schema(
    max_length = 10000,
    pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
)]
#[allow(dead_code, reason = "it is described, not made")]
pub(crate) struct LongTextSchema(String);

/// An exact amount, as a decimal string.
#[derive(ToSchema)]
#[schema(pattern = r"^[0-9]{1,15}(\.[0-9]{1,8})?$")]
#[allow(dead_code, reason = "it is described, not made")]
pub(crate) struct AmountSchema(String);

/// A store.
#[derive(ToSchema)]
#[schema(as = Store)]
#[allow(dead_code, reason = "it is described, not made")]
pub(crate) struct StoreSchema {
    /// Degrees north.
    #[schema(minimum = -90, maximum = 90)]
    lat: Option<f64>,
    /// Degrees east.
    #[schema(minimum = -180, maximum = 180)]
    long: Option<f64>,
    /// The city.
    city: Option<Text>,
    /// The telephone number.
    phone: Option<Text>,
    /// The state.
    state: Option<Text>,
    /// The street and its number.
    street: Option<Text>,
    /// The postal code.
    zip: Option<Text>,
}

/// A coupon as it is sent: a new one, or what is to be changed of one. A field that is null or missing stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CouponFields {
    /// What kind of offer it is.
    #[schema(value_type = Option<Text>)]
    category: Option<Label>,
    /// What is shown or typed in to use it; a new coupon needs one.
    #[schema(value_type = Option<NonEmptyText>)]
    couponcode: Option<Label>,
    /// What it offers.
    #[schema(value_type = Option<LongTextSchema>)]
    description: Option<LongText>,
    /// Whose offer it is.
    #[schema(value_type = Option<Text>)]
    merchant: Option<Label>,
    /// What it offers, in a line; a new coupon needs one.
    #[schema(value_type = Option<NonEmptyText>)]
    title: Option<Label>,
    /// Where it can be used.
    #[schema(value_type = Option<StoreSchema>)]
    store: Option<Place>,
    /// From when on it can no longer be used, not before it is published; a new coupon needs one.
    #[schema(value_type = Option<String>, format = DateTime)]
    expire_at: Option<Timestamp>,
    /// From when on it can be used; a new coupon needs one.
    #[schema(value_type = Option<String>, format = DateTime)]
    published_at: Option<Timestamp>,
    /// How much it is worth; goes with a currency.
    #[schema(value_type = Option<AmountSchema>)]
    amount: Option<Amount>,
    /// In which currency of ISO 4217; goes with an amount.
    #[schema(value_type = Option<String>)]
    currency: Option<CurrencyCode>,
    /// The feature by which it is shown.
    #[schema(value_type = Option<schema::Name>)]
    feature: Option<FeatureName>,
    /// Ignored, so that a coupon that was read can be sent back.
    #[serde(default, rename = "id")]
    #[schema(value_type = Value)]
    _id: Option<IgnoredAny>,
    /// Ignored, so that a coupon that was read can be sent back.
    #[serde(default, rename = "_links")]
    #[schema(value_type = Value)]
    _links: Option<IgnoredAny>,
}

impl From<CouponFields> for ChangeCoupon {
    fn from(fields: CouponFields) -> Self {
        Self {
            category: fields.category,
            couponcode: fields.couponcode,
            description: fields.description,
            merchant: fields.merchant,
            title: fields.title,
            store: fields.store,
            expire_at: fields.expire_at,
            published_at: fields.published_at,
            amount: fields.amount,
            currency: fields.currency,
            feature: fields.feature,
        }
    }
}

/// A coupon.
#[derive(Debug, Serialize, ToSchema)]
pub struct CouponBody {
    /// Its id, for ever.
    pub id: i64,
    /// What kind of offer it is.
    #[schema(required)]
    pub category: Option<String>,
    /// What is shown or typed in to use it.
    pub couponcode: String,
    /// What it offers.
    #[schema(required)]
    pub description: Option<String>,
    /// Whose offer it is.
    #[schema(required)]
    pub merchant: Option<String>,
    /// What it offers, in a line.
    pub title: String,
    /// Where it can be used.
    #[schema(value_type = Option<StoreSchema>, required)]
    pub store: Option<Place>,
    /// From when on it can no longer be used.
    #[schema(format = DateTime)]
    pub expire_at: String,
    /// From when on it can be used.
    #[schema(format = DateTime)]
    pub published_at: String,
    /// How much it is worth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// In which currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The feature by which it is shown; null where that was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature: Option<Option<String>>,
    /// What it is worth in the currency that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub converted: Option<ConvertedBody>,
    /// Where it is, and where all are.
    #[serde(rename = "_links")]
    pub links: Links,
}

/// An amount in another currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConvertedBody {
    /// How much.
    pub amount: String,
    /// Of what.
    pub currency: String,
    /// The day whose rate was used.
    #[schema(format = Date)]
    pub rate_date: String,
}

/// Where a coupon is, and where all are.
#[derive(Debug, Serialize, ToSchema)]
pub struct Links {
    /// The coupon.
    #[serde(rename = "self")]
    pub itself: String,
    /// All of them.
    pub collection: &'static str,
}

/// The id of a new coupon.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Created {
    /// Its id, for ever.
    pub(crate) id: i64,
}

/// How often a coupon was redeemed on a day.
#[derive(Debug, Serialize, ToSchema)]
pub struct RedemptionsBody {
    /// The day, in UTC.
    #[schema(format = Date)]
    pub date: String,
    /// How often.
    pub count: i64,
}

/// An instant, in milliseconds where it has no finer part.
fn instant(at: Timestamp) -> String {
    let digits = match at.as_micros() % 1_000 {
        0 => SecondsFormat::Millis,
        _ => SecondsFormat::Micros,
    };
    at.to_utc().to_rfc3339_opts(digits, true)
}

impl CouponBody {
    /// A coupon with what it is worth in another currency.
    #[must_use]
    pub fn new(coupon: &Coupon, converted: Option<Converted>) -> Self {
        let details = &coupon.details;
        Self {
            id: coupon.id.0,
            category: details.category.as_ref().map(ToString::to_string),
            couponcode: details.couponcode.to_string(),
            description: details.description.as_ref().map(ToString::to_string),
            merchant: details.merchant.as_ref().map(ToString::to_string),
            title: details.title.to_string(),
            store: details.store.clone(),
            expire_at: instant(details.expire_at),
            published_at: instant(details.published_at),
            amount: details.price.map(|price| price.amount.to_string()),
            currency: details.price.map(|price| price.currency.to_string()),
            feature: coupon
                .feature
                .as_ref()
                .map(|feature| feature.name.as_ref().map(ToString::to_string)),
            converted: converted.map(ConvertedBody::from),
            links: Links {
                itself: format!("/coupons/{}", coupon.id),
                collection: "/coupons",
            },
        }
    }
}

impl From<Converted> for ConvertedBody {
    fn from(converted: Converted) -> Self {
        Self {
            amount: converted.amount,
            currency: converted.currency.to_string(),
            rate_date: converted.rate_date,
        }
    }
}

impl From<Redemptions> for RedemptionsBody {
    fn from(day: Redemptions) -> Self {
        Self {
            date: day.date,
            count: day.count,
        }
    }
}
