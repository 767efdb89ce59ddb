//! What is said of a coupon by whoever makes or changes one; a whole one in state files and the change log.

use serde::{Deserialize, Serialize};

use super::coupon::{Coupon, Details};
use super::error::CouponError;
use super::place::Place;
use super::price::{Amount, CurrencyCode, Price};
use super::text::{Label, LongText, Text};
use crate::clock::Timestamp;
use crate::text::FeatureName;

/// The fields of a new coupon, or what is to be changed of one. What is left out stays, or is missing. An optional text
/// or a store that is empty is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeCoupon {
    /// Its category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Label>,
    /// Its code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub couponcode: Option<Label>,
    /// Its description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<LongText>,
    /// Its merchant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merchant: Option<Label>,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Label>,
    /// Its store, whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<Place>,
    /// When it expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire_at: Option<Timestamp>,
    /// When it is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<Timestamp>,
    /// How much it is worth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
    /// In which currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<CurrencyCode>,
    /// The feature by which it is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feature: Option<FeatureName>,
    /// Whether it is shown by a feature that is gone, and so to nobody.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub feature_deleted: bool,
    /// What is taken away, of that which cannot be empty. Texts and stores are taken away by empty ones.
    #[serde(skip)]
    pub without: Without,
}

/// What a change takes away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Without {
    /// The amount with its currency.
    pub price: bool,
    /// The feature.
    pub feature: bool,
}

impl ChangeCoupon {
    /// The details of a new coupon.
    ///
    /// # Errors
    /// [`CouponError::Invalid`] where something is missing or does not go together.
    pub fn create(&self) -> Result<Details, CouponError> {
        fn required<T: Clone>(field: &'static str, value: Option<&T>) -> Result<T, CouponError> {
            value
                .cloned()
                .ok_or_else(|| CouponError::invalid(field, "is required"))
        }
        let details = Details {
            category: None,
            couponcode: required("couponcode", self.couponcode.as_ref())?,
            description: None,
            merchant: None,
            title: required("title", self.title.as_ref())?,
            store: None,
            published_at: required("published_at", self.published_at.as_ref())?,
            expire_at: required("expire_at", self.expire_at.as_ref())?,
            price: None,
        };
        self.apply(&details)
    }

    /// The details as they are after the change.
    ///
    /// # Errors
    /// [`CouponError::Invalid`] where something does not go together.
    pub fn apply(&self, to: &Details) -> Result<Details, CouponError> {
        fn either<T: Clone + Empty>(new: &Option<T>, old: &Option<T>) -> Option<T> {
            filled(new.clone().or_else(|| old.clone()))
        }
        if self.feature_deleted && self.feature.is_some() {
            let reason = "does not go with feature";
            return Err(CouponError::invalid("feature_deleted", reason));
        }
        let details = Details {
            category: either(&self.category, &to.category),
            couponcode: self
                .couponcode
                .clone()
                .unwrap_or_else(|| to.couponcode.clone()),
            description: either(&self.description, &to.description),
            merchant: either(&self.merchant, &to.merchant),
            title: self.title.clone().unwrap_or_else(|| to.title.clone()),
            store: either(&self.store, &to.store),
            expire_at: self.expire_at.unwrap_or(to.expire_at),
            published_at: self.published_at.unwrap_or(to.published_at),
            price: self.price(to.price)?,
        };
        for (field, text) in [
            ("couponcode", &details.couponcode),
            ("title", &details.title),
        ] {
            if text.as_str().trim().is_empty() {
                return Err(CouponError::invalid(field, "must not be empty"));
            }
        }
        if details.expire_at < details.published_at {
            let reason = format!("must not be before published_at, {}", details.published_at);
            return Err(CouponError::invalid("expire_at", reason));
        }
        Ok(details)
    }

    fn price(&self, old: Option<Price>) -> Result<Option<Price>, CouponError> {
        let old = old.filter(|_| !self.without.price);
        let amount = self.amount.or(old.map(|price| price.amount));
        let currency = self.currency.or(old.map(|price| price.currency));
        match (amount, currency) {
            (Some(amount), Some(currency)) => Ok(Some(Price { amount, currency })),
            (None, None) => Ok(None),
            (Some(_), None) => Err(CouponError::invalid(
                "currency",
                "is required beside amount",
            )),
            (None, Some(_)) => Err(CouponError::invalid(
                "amount",
                "is required beside currency",
            )),
        }
    }
}

impl From<&Coupon> for ChangeCoupon {
    /// What makes another coupon like this one.
    fn from(coupon: &Coupon) -> Self {
        let named = coupon.feature.as_ref().map(|feature| feature.name.clone());
        Self {
            feature_deleted: named == Some(None),
            feature: named.flatten(),
            ..Self::from(coupon.details.clone())
        }
    }
}

impl From<Details> for ChangeCoupon {
    fn from(details: Details) -> Self {
        Self {
            category: filled(details.category),
            couponcode: Some(details.couponcode),
            description: filled(details.description),
            merchant: filled(details.merchant),
            title: Some(details.title),
            store: filled(details.store),
            expire_at: Some(details.expire_at),
            published_at: Some(details.published_at),
            amount: details.price.map(|price| price.amount),
            currency: details.price.map(|price| price.currency),
            ..Self::default()
        }
    }
}

/// What may be there without saying anything.
trait Empty {
    fn is_empty(&self) -> bool;
}

fn filled<T: Empty>(field: Option<T>) -> Option<T> {
    field.filter(|one| !one.is_empty())
}

impl<const MAX: usize> Empty for Text<MAX> {
    fn is_empty(&self) -> bool {
        self.as_str().is_empty()
    }
}

impl Empty for Place {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use insta::assert_snapshot;
    use serde_json::json;

    use super::*;
    use crate::ids::{FeatureId, Seq};
    use crate::modules::coupons::coupon::{CouponFeature, CouponId, CouponRecord};

    pub(crate) fn change(json: serde_json::Value) -> ChangeCoupon {
        serde_json::from_value(json).unwrap()
    }

    fn whole() -> ChangeCoupon {
        change(json!({
            "couponcode": "60 31261", "title": "20% Off", "amount": "12.50", "currency": "USD",
            "published_at": "2016-03-05T08:40:51.620Z", "expire_at": "2016-08-05T08:40:51.620Z",
            "store": {"lat": 47.66001, "city": "Seattle"}, "feature": "offers",
        }))
    }

    #[test]
    fn what_a_coupon_needs_is_asked_for_by_name() {
        for field in ["couponcode", "title", "published_at", "expire_at"] {
            let mut fields = serde_json::to_value(whole()).unwrap();
            fields[field] = serde_json::Value::Null;
            let said = change(fields).create().unwrap_err().to_string();
            assert_eq!(said, format!("{field} is required"));
        }
        let details = whole().create().unwrap();
        assert_eq!(details.category, None);
    }

    #[test]
    fn what_is_empty_is_none_and_takes_away_what_was_there() {
        let before = ChangeCoupon {
            merchant: Some(Label::parse("Super Sporting Goods").unwrap()),
            ..whole()
        };
        let before = before.create().unwrap();
        let empty = change(json!({"merchant": "", "store": {}}));
        let after = empty.apply(&before).unwrap();
        assert_eq!((after.merchant, after.store), (None, None));
        assert!(after.price.is_some());
        let priceless = ChangeCoupon {
            without: Without {
                price: true,
                feature: false,
            },
            ..ChangeCoupon::default()
        };
        assert_eq!(priceless.apply(&before).unwrap().price, None);
        let dear = ChangeCoupon {
            amount: Some(Amount::parse("5").unwrap()),
            ..priceless
        };
        assert!(dear.apply(&before).is_err(), "there is no currency left");
    }

    #[test]
    fn what_does_not_go_together_is_refused_also_after_a_change_of_one_of_them() {
        let details = whole().create().unwrap();
        for (wrong, said) in [
            (
                json!({"expire_at": "2016-03-05T08:40:51.619Z"}),
                "expire_at must not be before published_at",
            ),
            (
                json!({"published_at": "2016-08-05T08:40:51.621Z"}),
                "expire_at must not be before published_at",
            ),
            (json!({"title": " "}), "title must not be empty"),
            (json!({"couponcode": ""}), "couponcode must not be empty"),
        ] {
            let error = change(wrong).apply(&details).unwrap_err().to_string();
            assert!(error.starts_with(said), "{error}");
        }
        let gone = change(json!({"feature_deleted": true}));
        let named = ChangeCoupon {
            feature_deleted: true,
            ..whole()
        };
        assert!(gone.apply(&details).is_ok() && named.create().is_err());
        let same = change(json!({"published_at": "2016-08-05T08:40:51.620Z"}));
        assert!(same.apply(&details).is_ok());
        let priceless = ChangeCoupon {
            amount: None,
            currency: None,
            ..whole()
        };
        let priceless = priceless.create().unwrap();
        for (wrong, said) in [
            (json!({"amount": "1"}), "currency is required beside amount"),
            (
                json!({"currency": "EUR"}),
                "amount is required beside currency",
            ),
        ] {
            let error = change(wrong).apply(&priceless).unwrap_err();
            assert_eq!(error.to_string(), said);
        }
    }

    #[test]
    fn what_is_left_out_stays() {
        let details = whole().create().unwrap();
        let changed = change(json!({"merchant": "Super", "currency": "EUR"}))
            .apply(&details)
            .unwrap();
        assert_eq!(changed.price.unwrap().currency.as_str(), "EUR");
        assert_eq!(changed.price.unwrap().amount.to_string(), "12.50");
        assert_eq!(
            (changed.title, changed.store),
            (details.title, details.store)
        );
    }

    #[test]
    fn a_place_is_on_the_globe() {
        for right in [
            json!({"lat": -90, "long": 180.0}),
            json!({}),
            json!({"zip": "98105"}),
        ] {
            assert!(serde_json::from_value::<Place>(right).is_ok());
        }
        for wrong in [
            json!({"lat": 90.1}),
            json!({"long": -181}),
            json!({"lat": "1"}),
            json!({"planet": 3}),
        ] {
            assert!(serde_json::from_value::<Place>(wrong).is_err());
        }
    }

    #[test]
    fn a_coupon_is_written_whole_into_the_log() {
        let coupon = Coupon {
            id: CouponId(7),
            details: whole().create().unwrap(),
            feature: Some(CouponFeature {
                id: FeatureId(3),
                name: Some(FeatureName::parse("offers").unwrap()),
            }),
            version: Seq(9),
        };
        let json = serde_json::to_string(&CouponRecord::from(&coupon)).unwrap();
        assert_snapshot!(json, @r#"{"id":7,"couponcode":"60 31261","title":"20% Off","store":{"lat":47.66001,"city":"Seattle"},"expire_at":"2016-08-05T08:40:51.620000Z","published_at":"2016-03-05T08:40:51.620000Z","amount":"12.50","currency":"USD","feature":"offers","version":9}"#);
        let published = coupon.details.published_at;
        assert!(coupon.is_usable(published) && !coupon.is_usable(coupon.details.expire_at));
    }
}
