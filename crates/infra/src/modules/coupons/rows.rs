//! Rows of coupons, and how they become records.

use std::collections::HashMap;

use diesel::prelude::*;
use flagstaff_domain::ids::{FeatureId, Seq};
use flagstaff_domain::modules::coupons::{
    Amount, Coupon, CouponFeature, CouponId, CurrencyCode, Details, Label, LongText, Price,
};
use flagstaff_domain::text::{FeatureName, Invalid};

use crate::db::DbConnection;
use crate::db::columns::instant;
use crate::db::error::invalid;
use crate::db::schema::coupons;
use crate::flags::names;

#[derive(Queryable, Selectable)]
#[diesel(table_name = coupons)]
pub(super) struct CouponRow {
    id: i64,
    category: Option<String>,
    couponcode: String,
    description: Option<String>,
    merchant: Option<String>,
    title: String,
    store: Option<String>,
    expire_at: i64,
    published_at: i64,
    amount: Option<String>,
    currency: Option<String>,
    feature_id: Option<i64>,
    version: i64,
}

/// What a coupon's details are stored as.
#[derive(AsChangeset, Insertable)]
#[diesel(table_name = coupons, treat_none_as_null = true)]
pub(super) struct DetailsRow {
    category: Option<String>,
    couponcode: String,
    description: Option<String>,
    merchant: Option<String>,
    title: String,
    store: Option<String>,
    expire_at: i64,
    published_at: i64,
    amount: Option<String>,
    currency: Option<String>,
    feature_id: Option<i64>,
    version: i64,
}

impl TryFrom<&Coupon> for DetailsRow {
    type Error = Invalid;

    fn try_from(coupon: &Coupon) -> Result<Self, Invalid> {
        let details = coupon.details.clone();
        let store = details.store.as_ref().map(serde_json::to_string);
        let store = store
            .transpose()
            .map_err(|error| Invalid::new(format!("a store to be stored: {error}")))?;
        Ok(Self {
            category: details.category.map(String::from),
            couponcode: details.couponcode.into(),
            description: details.description.map(String::from),
            merchant: details.merchant.map(String::from),
            title: details.title.into(),
            store,
            expire_at: details.expire_at.as_micros(),
            published_at: details.published_at.as_micros(),
            amount: details.price.map(|price| price.amount.to_string()),
            currency: details.price.map(|price| price.currency.to_string()),
            feature_id: coupon.feature.as_ref().map(|feature| feature.id.0),
            version: coupon.version.0,
        })
    }
}

impl CouponRow {
    fn into_coupon(self, features: &HashMap<FeatureId, String>) -> Result<Coupon, Invalid> {
        let store = self.store.as_deref().map(serde_json::from_str);
        let store = store
            .transpose()
            .map_err(|error| Invalid::new(format!("stored store: {error}")))?;
        let price = match (self.amount, self.currency) {
            (Some(amount), Some(currency)) => Some(Price {
                amount: Amount::parse(&amount)?,
                currency: CurrencyCode::parse(&currency)?,
            }),
            _ => None,
        };
        let feature = self.feature_id.map(FeatureId).map(|id| {
            let name = features.get(&id).map(FeatureName::parse).transpose();
            name.map(|name| CouponFeature { id, name })
        });
        Ok(Coupon {
            id: CouponId(self.id),
            details: Details {
                category: self.category.map(Label::parse).transpose()?,
                couponcode: Label::parse(self.couponcode)?,
                description: self.description.map(LongText::parse).transpose()?,
                merchant: self.merchant.map(Label::parse).transpose()?,
                title: Label::parse(self.title)?,
                store,
                expire_at: instant(self.expire_at)?,
                published_at: instant(self.published_at)?,
                price,
            },
            feature: feature.transpose()?,
            version: Seq(self.version),
        })
    }
}

/// The coupons of these rows, with the names that their features have now.
pub(super) fn coupons(
    connection: &mut DbConnection,
    rows: Vec<CouponRow>,
) -> QueryResult<Vec<Coupon>> {
    let named: Vec<i64> = rows.iter().filter_map(|row| row.feature_id).collect();
    let features = if named.is_empty() {
        HashMap::new()
    } else {
        names::features(connection, &named)?
    };
    let coupons = rows.into_iter().map(|row| row.into_coupon(&features));
    coupons.collect::<Result<_, _>>().map_err(invalid)
}
