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
    assert_eq!(read.etag(), created.etag());
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
async fn what_is_empty_takes_away_what_is_optional() {
    let api = Api::empty().await;
    api.feature("offers").await;
    let whole = with(&json!({"amount": "5.00", "currency": "EUR", "feature": "offers"}));
    let id = create(&api, whole).await;
    let fields = json!({"category": "", "description": "", "merchant": "", "store": {}, "amount": "", "feature": ""});
    let changed = put(&api, id, fields).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    let left = json!({
        "id": id, "category": null, "couponcode": "60 31261", "description": null, "merchant": null,
        "title": example()["title"], "store": null, "expire_at": example()["expire_at"],
        "published_at": example()["published_at"],
        "_links": {"self": format!("/coupons/{id}"), "collection": "/coupons"},
    });
    assert_eq!(changed.json(), left);
    assert_eq!(api.get(&format!("/coupons/{id}")).await.json(), left);
    for (fields, field) in [
        (json!({"title": ""}), "title"),
        (json!({"couponcode": ""}), "couponcode"),
        (json!({"expire_at": ""}), "expire_at"),
        (json!({"amount": "", "currency": "EUR"}), "amount"),
    ] {
        put(&api, id, fields).await.field(field);
    }
    let read = put(&api, id, json!({"title": null, "merchant": null})).await;
    assert_eq!(read.json(), left, "null changes nothing");
}

#[actix_web::test]
async fn a_write_is_refused_when_the_coupon_has_moved_on() {
    let api = Api::empty().await;
    let id = create(&api, example()).await;
    let path = format!("/coupons/{id}");
    let first = api.get(&path).await.etag();
    let write = |method: Method, tag: &str| {
        let ask = api.manage(method, &path).header("If-Match", tag);
        ask.json(json!({"title": "30% Off"})).send()
    };
    let changed = write(Method::PUT, &first).await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.etag(), first);
    assert_eq!(api.get(&path).await.etag(), changed.etag());
    for method in [Method::PUT, Method::DELETE] {
        let refused = write(method, &first).await;
        refused.problem(412, "version_mismatch");
    }
    write(Method::PUT, "12")
        .await
        .problem(400, "invalid_request");
    assert_eq!(write(Method::PUT, "*").await.status, 200);
    let either = format!("{first}, {}", changed.etag());
    assert_eq!(write(Method::DELETE, &either).await.status, 204);
    let priced = json!({"amount": "5", "currency": "EUR"});
    let id = create(&api, with(&priced)).await;
    let worth = api.get(&format!("/coupons/{id}?currency=EUR")).await;
    assert_eq!(worth.header("ETag"), None, "it changes with the rates");
}

#[actix_web::test]
async fn a_feature_is_not_deleted_while_a_coupon_names_it() {
    let api = Api::empty().await;
    api.feature("offers").await;
    let id = create(&api, with(&json!({"feature": "offers"}))).await;
    let delete = || {
        api.manage(Method::DELETE, "/api/admin/features/offers")
            .send()
    };
    let detail = delete().await.problem(409, "in_use");
    assert!(
        detail.contains(&format!("coupon {id} (\"60 31261\")")),
        "{detail}"
    );
    assert_eq!(put(&api, id, json!({"feature": ""})).await.status, 200);
    assert_eq!(delete().await.status, 204);
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
        (json!({"store": [47.6, -122.3, "Seattle"]}), "store"),
        (json!({"store": []}), "store"),
        (json!({"amount": "", "currency": "USD"}), "amount"),
        (json!({"amount": "5", "currency": ""}), "currency"),
        (json!({"feature": ""}), "feature"),
        (json!({"feature_deleted": true}), "feature_deleted"),
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
    let path = format!("/coupons/{id}");
    let elsewhere = api.ask(Method::GET, &path).from("198.51.100.7");
    assert_eq!(elsewhere.send().await.status, 200);
    let key = api.environment("production").await;
    let keyed = api.ask(Method::GET, &path).key(&key).send().await;
    assert_eq!(keyed.status, 200, "a key is no stranger");
    assert_eq!(api.read(&path).await.status, 200, "nor is an account");
    assert_eq!(api.get(COUPONS).await.status, 200);
}

#[actix_web::test]
async fn whoever_has_a_key_or_an_account_never_guesses() {
    let (api, key) = Api::production().await;
    let id = create(&api, example()).await;
    for guess in 0..25 {
        let path = format!("/coupons/{}", 1_000 + guess);
        let keyed = api.ask(Method::GET, &path).key(&key).send().await;
        keyed.problem(404, "not_found");
        api.read(&path).await.problem(404, "not_found");
        let redeem = format!("{path}/redemptions");
        let redeemed = api.ask(Method::POST, &redeem).key(&key).send().await;
        redeemed.problem(404, "not_found");
    }
    assert_eq!(api.get(&format!("/coupons/{id}")).await.status, 200);
}

#[actix_web::test]
async fn the_description_tells_what_a_new_coupon_needs_and_what_writes_answer() {
    let api = Api::empty().await;
    let description = api.get("/openapi.json").await.json();
    let schemas = &description["components"]["schemas"];
    let new = &schemas["NewCoupon"];
    assert_eq!(
        new["required"],
        json!(["couponcode", "title", "published_at", "expire_at"])
    );
    for (field, schema) in new["properties"].as_object().unwrap() {
        let named = schema.to_string();
        let name = named.split("#/components/schemas/").nth(1);
        let name = name.and_then(|rest| rest.split('"').next());
        assert!(
            name.is_none_or(|name| schemas.get(name).is_some()),
            "{field}: {named}"
        );
    }
    assert!(schemas["CouponFields"].get("required").is_none());
    let after = description["paths"]["/coupons"]["get"]["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .find(|parameter| parameter["name"] == "after")
        .unwrap()
        .clone();
    let pattern = after["schema"]["pattern"].as_str().unwrap();
    assert!(
        pattern.contains(r"\."),
        "as the Link header has it: {pattern}"
    );
    let one = &description["paths"]["/coupons/{id}"];
    for (method, status, headers) in [
        ("get", "200", &["ETag"][..]),
        ("put", "200", &["ETag", "X-Flagstaff-Revision"]),
        ("delete", "204", &["X-Flagstaff-Revision"]),
    ] {
        let answered = &one[method]["responses"][status]["headers"];
        for header in headers {
            assert!(
                answered.get(header).is_some(),
                "{method} {header}: {answered}"
            );
        }
    }
    assert!(one["put"]["responses"].get("412").is_some());
    let created = &description["paths"]["/coupons"]["post"]["responses"]["201"]["headers"];
    for header in ["ETag", "Location", "X-Flagstaff-Revision"] {
        assert!(created.get(header).is_some(), "{header}: {created}");
    }
}
