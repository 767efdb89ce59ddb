//! `/coupons`: offers, for everybody and for environments.

mod audiences;
mod lists;
mod records;
mod redemptions;

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Api};

const COUPONS: &str = "/coupons";

/// The example of the contract.
fn example() -> Value {
    json!({
        "category": "Coupons & Special Offers",
        "couponcode": "60 31261",
        "description": "Offer limited to in-store purchase only.",
        "merchant": "Super Sporting Goods",
        "title": "20% Off 2 Regular-Priced Items and/or 10% Off 2 Sale-Priced Items",
        "store": {"lat": 47.66001, "long": -122.31313, "city": "Seattle", "phone": "547-2445",
                  "state": "Wa", "street": "4315 UNIVERSITY WAY N.E.", "zip": "98105"},
        "expire_at": "2016-08-05T08:40:51.620Z",
        "published_at": "2016-03-05T08:40:51.620Z",
    })
}

/// The example with other fields.
fn with(fields: &Value) -> Value {
    let mut coupon = example();
    for (name, value) in fields.as_object().into_iter().flatten() {
        coupon[name] = value.clone();
    }
    coupon
}

/// Valid at the test's moment, and these fields.
fn valid(fields: &Value) -> Value {
    let mut coupon = with(&json!({"expire_at": "2026-12-31T00:00:00Z"}));
    for (name, value) in fields.as_object().into_iter().flatten() {
        coupon[name] = value.clone();
    }
    coupon
}

async fn create(api: &Api, coupon: Value) -> i64 {
    api.create(COUPONS, coupon).await["id"]
        .as_i64()
        .unwrap_or_default()
}

async fn put(api: &Api, id: i64, body: Value) -> Answer {
    let path = format!("/coupons/{id}");
    api.manage(Method::PUT, &path).json(body).send().await
}

/// The ids in a list.
fn ids(answer: &Answer) -> Vec<i64> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let list = answer.json();
    let list = list.as_array().into_iter().flatten();
    list.filter_map(|one| one["id"].as_i64()).collect()
}
