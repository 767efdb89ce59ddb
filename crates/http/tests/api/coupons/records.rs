//! One coupon: created, read, changed in part, deleted, and refused.

use actix_web::http::Method;
use serde_json::json;

use super::{COUPONS, create, example, put, with};
use crate::support::Api;

#[actix_web::test]
async fn a_coupon_is_created_and_read_as_it_was_sent() {
    let api = Api::empty().await;
    let created = api
        .manage(Method::POST, COUPONS)
        .json(example())
        .send()
        .await;
    assert_eq!(created.status, 201);
    assert_eq!(created.header("Location"), Some("/coupons/1"));
    assert_eq!(created.text(), r#"{"id":1}"#);
    let read = api.get("/coupons/1").await;
    assert_eq!(read.status, 200);
    let links = json!({"self": "/coupons/1", "collection": "/coupons"});
    assert_eq!(read.json(), with(&json!({"id": 1, "_links": links})));
    let sent_back = put(&api, 1, read.json()).await;
    assert_eq!((sent_back.status, sent_back.json()), (200, read.json()));
    let log = api.read("/api/admin/changes?context=coupons").await.json();
    assert_eq!(
        log.as_array().unwrap().len(),
        1,
        "nothing was changed: {log}"
    );
    assert_eq!(
        (&log[0]["kind"], &log[0]["actor"]),
        (&json!("coupon.created"), &json!("user:admin"))
    );
}

#[actix_web::test]
async fn what_is_optional_may_be_null_or_missing_alike() {
    let api = Api::empty().await;
    let least = json!({"couponcode": "A", "title": "B", "published_at": "2026-01-01T00:00:00Z",
                       "expire_at": "2026-01-01T00:00:00Z"});
    let mut nulls = least.clone();
    for field in [
        "category",
        "description",
        "merchant",
        "store",
        "amount",
        "currency",
        "feature",
    ] {
        nulls[field] = json!(null);
    }
    let (one, two) = (create(&api, least).await, create(&api, nulls).await);
    let read = |id: i64| {
        let path = format!("/coupons/{id}");
        let api = &api;
        async move {
            let mut coupon = api.get(&path).await.json();
            coupon["id"] = json!(0);
            coupon["_links"] = json!(null);
            coupon
        }
    };
    let first = read(one).await;
    assert_eq!(first, read(two).await);
    assert_eq!(
        (&first["category"], &first["store"]),
        (&json!(null), &json!(null))
    );
    let place = json!({"store": {"city": "Seattle", "zip": null}});
    let changed = put(&api, one, place).await;
    assert_eq!(changed.json()["store"], json!({"city": "Seattle"}));
}

#[actix_web::test]
async fn any_part_is_changed_and_the_rest_stays() {
    let api = Api::empty().await;
    let id = create(&api, example()).await;
    let changed = put(
        &api,
        id,
        json!({"title": "30% Off", "amount": "5.00", "currency": "EUR"}),
    )
    .await;
    assert_eq!(changed.status, 200);
    let expected = with(&json!({
        "id": id, "title": "30% Off", "amount": "5.00", "currency": "EUR",
        "_links": {"self": format!("/coupons/{id}"), "collection": "/coupons"},
    }));
    assert_eq!(changed.json(), expected);
    let nothing = put(&api, id, json!({})).await;
    assert_eq!((nothing.status, nothing.json()), (200, expected));
    let early = put(&api, id, json!({"expire_at": "2016-03-05T08:40:51.619Z"})).await;
    assert!(
        early
            .field("expire_at")
            .contains("must not be before published_at")
    );
    let late = put(&api, id, json!({"published_at": "2017-01-01T00:00:00Z"})).await;
    late.field("expire_at");
}

#[actix_web::test]
async fn a_coupon_is_deleted_once() {
    let api = Api::empty().await;
    let id = create(&api, example()).await;
    let path = format!("/coupons/{id}");
    let delete = || api.manage(Method::DELETE, &path).send();
    let deleted = delete().await;
    assert_eq!((deleted.status, deleted.body.len()), (204, 0));
    delete().await.problem(404, "not_found");
    api.get(&path).await.problem(404, "not_found");
    put(&api, id, json!({})).await.problem(404, "not_found");
}

#[actix_web::test]
async fn an_id_is_a_positive_integer() {
    let api = Api::empty().await;
    for id in ["abc", "0", "-1", "1.5", "+1", "1e3", "%201", "0x1", "00"] {
        let path = format!("/coupons/{id}");
        api.get(&path).await.field("id");
        api.manage(Method::PUT, &path)
            .json(json!({}))
            .send()
            .await
            .field("id");
        api.manage(Method::DELETE, &path).send().await.field("id");
        api.get(&format!("{path}/redemptions")).await.field("id");
    }
    for id in ["1", "9223372036854775807", "99999999999999999999999"] {
        api.get(&format!("/coupons/{id}"))
            .await
            .problem(404, "not_found");
    }
}

#[actix_web::test]
async fn what_is_not_valid_is_named_by_its_field() {
    let api = Api::empty().await;
    for (fields, field) in [
        (json!({"couponcode": null}), "couponcode"),
        (json!({"title": null}), "title"),
        (json!({"published_at": null}), "published_at"),
        (json!({"expire_at": null}), "expire_at"),
        (json!({"couponcode": ""}), "couponcode"),
        (json!({"title": "x".repeat(1_001)}), "title"),
        (json!({"description": "x".repeat(10_001)}), "description"),
        (json!({"category": 5}), "category"),
        (json!({"merchant": "a\u{0}b"}), "merchant"),
        (json!({"expire_at": "tomorrow"}), "expire_at"),
        (json!({"expire_at": 1470386451}), "expire_at"),
        (
            json!({"expire_at": "2016-03-05T08:40:51.619Z"}),
            "expire_at",
        ),
        (json!({"store": "Seattle"}), "store"),
        (json!({"store": {"lat": 91}}), "store.lat"),
        (json!({"store": {"planet": "Earth"}}), "store.planet"),
        (json!({"amount": "-1", "currency": "USD"}), "amount"),
        (json!({"amount": -1, "currency": "USD"}), "amount"),
        (json!({"amount": "1e309", "currency": "USD"}), "amount"),
        (
            json!({"amount": "9223372036854775808", "currency": "USD"}),
            "amount",
        ),
        (json!({"amount": "5", "currency": "QQQ"}), "currency"),
        (json!({"amount": "5"}), "currency"),
        (json!({"currency": "USD"}), "amount"),
        (json!({"feature": "nothing"}), "feature"),
        (json!({"colour": "red"}), "colour"),
        (json!({"converted": {}}), "converted"),
    ] {
        let refused = api
            .manage(Method::POST, COUPONS)
            .json(with(&fields))
            .send()
            .await;
        refused.field(field);
    }
    let huge = r#"{"amount": 1e309}"#;
    let refused = api.manage(Method::POST, COUPONS).text(huge).send().await;
    refused.problem(400, "invalid_request");
    for body in ["", "[]", "{", "null"] {
        let refused = api.manage(Method::POST, COUPONS).text(body).send().await;
        refused.problem(400, "invalid_request");
    }
    assert_eq!(api.get(COUPONS).await.text(), "[]");
}

#[actix_web::test]
async fn a_body_that_does_not_say_that_it_is_json_is_415() {
    let api = Api::empty().await;
    let id = create(&api, example()).await;
    let path = format!("/coupons/{id}");
    for (method, path) in [(Method::POST, COUPONS), (Method::PUT, &path)] {
        let missing = api.manage(method.clone(), path).body(example().to_string());
        missing.send().await.problem(415, "unsupported_media_type");
        let other = api
            .manage(method, path)
            .header("Content-Type", "text/plain");
        let other = other.body(example().to_string());
        other.send().await.problem(415, "unsupported_media_type");
    }
}

#[actix_web::test]
async fn writing_needs_an_editor() {
    let (api, key) = Api::production().await;
    let id = create(&api, example()).await;
    api.backend.account("viewer", "viewer", false);
    let path = format!("/coupons/{id}");
    for (method, path) in [
        (Method::POST, COUPONS),
        (Method::PUT, &path),
        (Method::DELETE, &path),
    ] {
        let ask = || api.ask(method.clone(), path).json(example());
        ask().send().await.problem(401, "unauthenticated");
        ask().key(&key).send().await.problem(403, "forbidden");
        let viewer = ask().basic("viewer", crate::support::PASSWORD).send().await;
        viewer.problem(403, "forbidden");
    }
    assert_eq!(api.get(&path).await.status, 200);
}

#[actix_web::test]
async fn whoever_tries_ids_out_is_told_to_wait() {
    let api = Api::empty().await;
    let id = create(&api, example()).await;
    for guess in 0..20 {
        let missing = api.get(&format!("/coupons/{}", 1_000 + guess)).await;
        missing.problem(404, "not_found");
    }
    for path in ["/coupons/2000".to_owned(), format!("/coupons/{id}")] {
        let refused = api.get(&path).await;
        refused.problem(429, "rate_limited");
        assert_eq!(refused.header("Retry-After"), Some("60"));
    }
    let elsewhere = api
        .ask(Method::GET, &format!("/coupons/{id}"))
        .from("198.51.100.7");
    assert_eq!(elsewhere.send().await.status, 200);
    assert_eq!(api.get(COUPONS).await.status, 200);
}
