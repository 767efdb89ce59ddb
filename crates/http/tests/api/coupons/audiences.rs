//! Which coupons an environment's key, an account and everybody else are shown.

use actix_web::http::Method;
use serde_json::json;

use super::{COUPONS, create, ids, valid};
use crate::support::{ADMIN, Api, Backend, PASSWORD};

async fn switch(api: &Api, enabled: bool) {
    let path = "/api/admin/environments/production/flags/offers";
    let body = json!({ "enabled": enabled });
    let answer = api.manage(Method::PATCH, path).json(body).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[actix_web::test]
async fn a_feature_shows_and_hides_a_coupon_per_environment() {
    let (api, key) = Api::production().await;
    let staging = api.environment("staging").await;
    api.feature("offers").await;
    let plain = create(&api, valid(&json!({}))).await;
    let named = create(&api, valid(&json!({"feature": "OFFERS"}))).await;
    let list = |key: String| {
        let ask = api.ask(Method::GET, COUPONS).key(&key);
        async move { ids(&ask.send().await) }
    };
    assert_eq!(ids(&api.get(COUPONS).await), [plain], "without a key");
    assert_eq!(list(key.clone()).await, [plain]);
    switch(&api, true).await;
    assert_eq!(list(key.clone()).await, [plain, named]);
    assert_eq!(list(staging.clone()).await, [plain], "elsewhere it is off");
    assert_eq!(ids(&api.get(COUPONS).await), [plain]);
    let path = format!("/coupons/{named}");
    assert_eq!(api.get(&path).await.json()["feature"], "offers");
    assert_eq!(
        api.ask(Method::GET, &path).key(&key).send().await.status,
        200
    );
    let hidden = api.ask(Method::GET, &path).key(&staging).send().await;
    hidden.problem(404, "not_found");
    switch(&api, false).await;
    assert_eq!(list(key).await, [plain]);
}

#[actix_web::test]
async fn what_is_not_published_yet_is_left_out_for_a_key() {
    let (api, key) = Api::production().await;
    let future = json!({"published_at": "2026-11-20T10:00:01Z"});
    let id = create(&api, valid(&future)).await;
    let list = || api.ask(Method::GET, COUPONS).key(&key).send();
    assert!(ids(&list().await).is_empty());
    assert_eq!(
        ids(&api.get("/coupons?state=valid").await),
        [id],
        "it has not expired"
    );
    api.backend.clock.set("2026-11-20T10:00:01Z");
    assert_eq!(ids(&list().await), [id]);
}

#[actix_web::test]
async fn a_wrong_key_is_refused_and_not_taken_for_none() {
    let api = Api::empty().await;
    for path in [COUPONS, "/coupons/1"] {
        let wrong = api.ask(Method::GET, path).key("nobodys-key").send().await;
        wrong.problem(401, "unauthenticated");
    }
}

#[actix_web::test]
async fn what_features_hide_is_shown_to_accounts_that_ask_for_it() {
    let api = Api::empty().await;
    api.feature("offers").await;
    let id = create(&api, valid(&json!({"feature": "offers"}))).await;
    assert!(
        ids(&api.read(COUPONS).await).is_empty(),
        "without a key it is left out"
    );
    assert_eq!(ids(&api.read("/coupons?hidden=true").await), [id]);
    api.get("/coupons?hidden=true")
        .await
        .problem(401, "unauthenticated");
}

#[actix_web::test]
async fn a_setting_closes_coupons_to_those_without_account_or_key() {
    let api = Api::over(Backend::closed()).await;
    api.backend.serving.refresh().unwrap();
    let key = api.environment("production").await;
    let id = create(&api, valid(&json!({}))).await;
    for path in [COUPONS.to_owned(), format!("/coupons/{id}")] {
        api.get(&path).await.problem(401, "unauthenticated");
        let signed_in = api.ask(Method::GET, &path).basic(ADMIN, PASSWORD);
        assert_eq!(signed_in.send().await.status, 200);
        assert_eq!(
            api.ask(Method::GET, &path).key(&key).send().await.status,
            200
        );
    }
}
