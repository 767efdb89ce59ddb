//! Uses of coupons, counted per day.

use actix_web::http::Method;
use flagstaff_http::HttpSettings;
use serde_json::json;

use super::{create, valid, with};
use crate::support::{Api, settings};

#[actix_web::test]
async fn a_use_is_counted_on_its_day_and_is_no_change() {
    let (api, key) = Api::production().await;
    let id = create(&api, valid(&json!({}))).await;
    let path = format!("/coupons/{id}/redemptions");
    let head = || async { api.read("/api/admin/changes").await.json()[0]["seq"].clone() };
    let before = head().await;
    let redeem = || api.ask(Method::POST, &path).key(&key).send();
    assert_eq!(redeem().await.status, 201);
    let second = redeem().await;
    assert_eq!(
        (second.status, second.json()),
        (201, json!({"date": "2026-11-20", "count": 2}))
    );
    api.backend.clock.set("2026-11-21T00:00:00Z");
    assert_eq!(
        api.manage(Method::POST, &path).send().await.status,
        201,
        "an account may, too"
    );
    let days = api.read(&path).await;
    assert_eq!(
        days.text(),
        r#"[{"date":"2026-11-20","count":2},{"date":"2026-11-21","count":1}]"#
    );
    assert_eq!(head().await, before);
}

#[actix_web::test]
async fn what_has_expired_or_is_not_published_is_409_and_what_is_not_there_404() {
    let (api, key) = Api::production().await;
    api.feature("offers").await;
    let expired = create(&api, with(&json!({}))).await;
    let future = create(
        &api,
        valid(&json!({"published_at": "2026-11-20T10:00:01Z"})),
    )
    .await;
    let hidden = create(&api, valid(&json!({"feature": "offers"}))).await;
    let redeem = |id: i64| {
        let path = format!("/coupons/{id}/redemptions");
        let ask = api.ask(Method::POST, &path).key(&key);
        async move { ask.send().await }
    };
    redeem(expired).await.problem(409, "conflict");
    redeem(future).await.problem(409, "conflict");
    redeem(hidden).await.problem(404, "not_found");
    redeem(99).await.problem(404, "not_found");
    for id in [expired, future, hidden] {
        let counted = api.read(&format!("/coupons/{id}/redemptions")).await;
        assert_eq!(counted.text(), "[]");
    }
    api.read("/coupons/99/redemptions")
        .await
        .problem(404, "not_found");
}

#[actix_web::test]
async fn redeeming_needs_a_key_or_an_account_and_the_counts_an_account() {
    let (api, key) = Api::production().await;
    let id = create(&api, valid(&json!({}))).await;
    let path = format!("/coupons/{id}/redemptions");
    for method in [Method::POST, Method::GET] {
        let nobody = api.ask(method.clone(), &path).send().await;
        nobody.problem(401, "unauthenticated");
        let wrong = api.ask(method, &path).key("nobodys-key").send().await;
        assert!([401, 403].contains(&wrong.status));
    }
    let counts = api.ask(Method::GET, &path).key(&key).send().await;
    counts.problem(403, "forbidden");
}

#[actix_web::test]
async fn a_key_that_redeems_too_often_is_told_to_wait() {
    let api = Api::with(HttpSettings {
        evaluations_per_second: 2,
        ..settings()
    })
    .await;
    let key = api.environment("production").await;
    let id = create(&api, valid(&json!({}))).await;
    let path = format!("/coupons/{id}/redemptions");
    let redeem = || api.ask(Method::POST, &path).key(&key).send();
    let mut last = redeem().await;
    assert_eq!(last.status, 201);
    for _ in 0..1_000 {
        last = redeem().await;
        if last.status != 201 {
            break;
        }
    }
    last.problem(429, "rate_limited");
    assert!(last.header("Retry-After").is_some());
    let account = api.manage(Method::POST, &path).send().await;
    assert_eq!(account.status, 201, "an account is not bounded");
}
