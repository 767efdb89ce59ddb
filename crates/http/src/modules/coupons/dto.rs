//! The shapes of coupons. The command line's `--json` prints the same.

use chrono::SecondsFormat;
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::modules::coupons::exchange::Converted;
use flagstaff_domain::modules::coupons::{
    Amount, ChangeCoupon, Coupon, CurrencyCode, Label, LongText, Place, Redemptions, Without,
};
use flagstaff_domain::text::FeatureName;
use flagstaff_domain::text::Invalid;
use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::openapi::schema::{
    KnownFormat, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::admin::schema;
use crate::error::Problem;

/// An amount that is there.
const AMOUNT: &str = r"^[0-9]{1,15}(\.[0-9]{1,8})?$";

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

/// An exact amount, as a decimal string; empty for none.
#[derive(ToSchema)]
#[schema(pattern = r"^([0-9]{1,15}(\.[0-9]{1,8})?)?$")]
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

/// A value, or an empty text, which takes away what is there.
#[derive(Debug)]
enum OrNone<T> {
    None,
    Some(T),
}

impl<'de, T: TryFrom<String, Error = Invalid>> Deserialize<'de> for OrNone<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() {
            return Ok(Self::None);
        }
        T::try_from(text).map(Self::Some).map_err(D::Error::custom)
    }
}

/// The value that is given, where one is, and whether it is taken away.
fn given<T>(field: Option<OrNone<T>>) -> (Option<T>, bool) {
    match field {
        Some(OrNone::Some(value)) => (Some(value), false),
        Some(OrNone::None) => (None, true),
        None => (None, false),
    }
}

/// What is to be changed of a coupon. A field that is null or missing stays as it is; an optional one that is empty is
/// taken away.
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
    amount: Option<OrNone<Amount>>,
    /// In which currency of ISO 4217; goes with an amount.
    #[schema(value_type = Option<String>)]
    currency: Option<OrNone<CurrencyCode>>,
    /// The feature by which it is shown.
    #[schema(value_type = Option<String>)]
    feature: Option<OrNone<FeatureName>>,
    /// Ignored, so that a coupon that was read can be sent back.
    #[serde(default, rename = "id")]
    #[schema(value_type = Value)]
    _id: Option<IgnoredAny>,
    /// Ignored, so that a coupon that was read can be sent back.
    #[serde(default, rename = "_links")]
    #[schema(value_type = Value)]
    _links: Option<IgnoredAny>,
}

impl CouponFields {
    /// A new coupon, of which nothing can be taken away.
    pub(crate) fn into_new(self) -> Result<ChangeCoupon, Problem> {
        let empty = [
            ("amount", matches!(self.amount, Some(OrNone::None))),
            ("currency", matches!(self.currency, Some(OrNone::None))),
            ("feature", matches!(self.feature, Some(OrNone::None))),
        ];
        match empty.into_iter().find(|(_, empty)| *empty) {
            Some((field, _)) => Err(Problem::field(field, "must not be empty")),
            None => Ok(self.into()),
        }
    }
}

impl From<CouponFields> for ChangeCoupon {
    fn from(fields: CouponFields) -> Self {
        let (amount, no_amount) = given(fields.amount);
        let (currency, no_currency) = given(fields.currency);
        let (feature, no_feature) = given(fields.feature);
        Self {
            category: fields.category,
            couponcode: fields.couponcode,
            description: fields.description,
            merchant: fields.merchant,
            title: fields.title,
            store: fields.store,
            expire_at: fields.expire_at,
            published_at: fields.published_at,
            amount,
            currency,
            feature,
            feature_deleted: false,
            without: Without {
                price: no_amount || no_currency,
                feature: no_feature,
            },
        }
    }
}

/// A new coupon: the same fields, some of which it needs, and none of which can be taken away.
#[derive(Debug)]
pub(crate) struct NewCoupon;

impl ToSchema for NewCoupon {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        CouponFields::schemas(schemas);
        schema::Name::schemas(schemas);
    }
}

impl PartialSchema for NewCoupon {
    fn schema() -> RefOr<Schema> {
        let RefOr::T(Schema::Object(mut new)) = CouponFields::schema() else {
            return CouponFields::schema();
        };
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let instant = || {
            let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
            RefOr::from(text().format(Some(format)))
        };
        // A null is a field that is missing.
        let filled = |pattern: &str| {
            let types = SchemaType::from_iter([Type::String, Type::Null]);
            let text = ObjectBuilder::new().schema_type(types);
            RefOr::from(text.pattern(Some(pattern)))
        };
        let null = || ObjectBuilder::new().schema_type(Type::Null);
        let named = OneOfBuilder::new()
            .item(null())
            .item(Ref::from_schema_name("Name"));
        let needed = || RefOr::from(Ref::from_schema_name("NonEmptyText"));
        new.description = Some(
            "A new coupon. An optional field that is null is the same as one that is missing."
                .to_owned(),
        );
        for (field, schema) in [
            ("couponcode", needed()),
            ("title", needed()),
            ("published_at", instant()),
            ("expire_at", instant()),
            ("amount", filled(AMOUNT)),
            ("currency", filled("^[A-Z]{3}$")),
            ("feature", RefOr::from(named)),
        ] {
            new.properties.insert(field.to_owned(), schema);
        }
        let required = ["couponcode", "title", "published_at", "expire_at"];
        new.required = required.map(str::to_owned).to_vec();
        RefOr::T(Schema::Object(new))
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
