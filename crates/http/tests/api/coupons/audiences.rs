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
    api.get(&path).await.problem(404, "not_found");
    assert_eq!(api.read(&path).await.json()["feature"], "offers");
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
    let path = format!("/coupons/{id}");
    let show = || api.ask(Method::GET, &path).key(&key).send();
    assert!(ids(&list().await).is_empty());
    show().await.problem(404, "not_found");
    assert_eq!(
        ids(&api.get("/coupons?state=valid").await),
        [id],
        "it has not expired"
    );
    assert_eq!(api.get(&path).await.status, 200);
    api.backend.clock.set("2026-11-20T10:00:01Z");
    assert_eq!(ids(&list().await), [id]);
    assert_eq!(show().await.status, 200);
}

#[actix_web::test]
async fn what_is_hidden_is_not_there_for_strangers_and_all_is_for_accounts() {
    let (api, key) = Api::production().await;
    api.feature("offers").await;
    let named = create(&api, valid(&json!({"feature": "offers"}))).await;
    api.backend.account("viewer", "viewer", false);
    let path = format!("/coupons/{named}");
    let missing = api.get("/coupons/99").await;
    let hidden = api.get(&path).await;
    assert_eq!(
        hidden
            .problem(404, "not_found")
            .replace(&named.to_string(), ""),
        missing.problem(404, "not_found").replace("99", "")
    );
    let ask = || api.ask(Method::GET, &path);
    ask().key(&key).send().await.problem(404, "not_found");
    let account = || ask().basic("viewer", PASSWORD);
    assert_eq!(account().send().await.status, 200);
    assert_eq!(account().key(&key).send().await.status, 200);
    let wrong = ask().basic("viewer", "not the password").send().await;
    wrong.problem(401, "unauthenticated");
    // What a browser sends unasked does not close what everybody may read.
    let plain = create(&api, valid(&json!({}))).await;
    let ended = api.ask(Method::GET, &format!("/coupons/{plain}"));
    let ended = ended.session(&"0".repeat(64)).send().await;
    assert_eq!(ended.status, 200, "{}", ended.text());
}

#[actix_web::test]
async fn a_client_key_is_never_shown_what_a_feature_for_servers_shows() {
    let (api, key) = Api::production().await;
    let server = json!({"name": "server", "kind": "server"});
    let server = api
        .create("/api/admin/environments/production/keys", server)
        .await;
    let server = server["key"].as_str().unwrap().to_owned();
    api.feature("offers").await;
    let for_servers = json!({"server_key_only": true});
    let changed = api
        .manage(Method::PATCH, "/api/admin/features/offers")
        .json(for_servers);
    assert_eq!(changed.send().await.status, 200);
    switch(&api, true).await;
    let id = create(&api, valid(&json!({"feature": "offers"}))).await;
    let path = format!("/coupons/{id}");
    let redeem = format!("{path}/redemptions");
    let ask = |method, path: &str, key: &str| api.ask(method, path).key(key).send();
    assert!(ids(&ask(Method::GET, COUPONS, &key).await).is_empty());
    for (method, path) in [(Method::GET, &path), (Method::POST, &redeem)] {
        ask(method, path, &key).await.problem(404, "not_found");
    }
    assert_eq!(ids(&ask(Method::GET, COUPONS, &server).await), [id]);
    assert_eq!(ask(Method::GET, &path, &server).await.status, 200);
    assert_eq!(ask(Method::POST, &redeem, &server).await.status, 201);
}

#[actix_web::test]
async fn pages_of_other_origins_read_coupons_as_they_evaluate_flags() {
    let (api, key) = Api::production().await;
    let id = create(&api, valid(&json!({}))).await;
    let path = format!("/coupons/{id}");
    for path in [COUPONS, &path] {
        let ask = |method| {
            api.ask(method, path)
                .header("Origin", "https://shop.example")
        };
        let asked = ask(Method::OPTIONS)
            .header("Access-Control-Request-Method", "GET")
            .header("Access-Control-Request-Headers", "x-environment-key");
        let asked = asked.send().await;
        assert_eq!(asked.status, 204);
        assert_eq!(
            asked.header("Access-Control-Allow-Headers"),
            Some("x-environment-key")
        );
        let methods = asked.header("Access-Control-Allow-Methods");
        assert_eq!(methods, Some("GET, HEAD, OPTIONS"), "a page writes nothing");
        for answer in [
            ask(Method::GET).key(&key).send().await,
            ask(Method::GET).key("nobodys-key").send().await,
            asked,
        ] {
            assert_eq!(answer.header("Access-Control-Allow-Origin"), Some("*"));
            assert_eq!(answer.header("Access-Control-Allow-Credentials"), None);
        }
        let write = ask(Method::POST).json(json!({})).send().await;
        assert_eq!(write.header("Access-Control-Allow-Origin"), None);
    }
    let path = format!("{path}/redemptions");
    let ask = |method| {
        api.ask(method, &path)
            .header("Origin", "https://shop.example")
    };
    let asked = ask(Method::OPTIONS).header("Access-Control-Request-Method", "POST");
    let asked = asked.send().await;
    let methods = asked.header("Access-Control-Allow-Methods");
    assert_eq!((asked.status, methods), (204, Some("POST, OPTIONS")));
    let redeemed = ask(Method::POST).key(&key).send().await;
    assert_eq!(redeemed.status, 201, "{}", redeemed.text());
    let counts = ask(Method::GET).basic("admin", "wrong").send().await;
    for (answer, allowed) in [(asked, Some("*")), (redeemed, Some("*")), (counts, None)] {
        assert_eq!(answer.header("Access-Control-Allow-Origin"), allowed);
    }
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
        let refused = api.get(&path).await;
        let detail = refused.problem(401, "unauthenticated");
        assert!(detail.contains("X-Environment-Key"), "{detail}");
        let signed_in = api.ask(Method::GET, &path).basic(ADMIN, PASSWORD);
        assert_eq!(signed_in.send().await.status, 200);
        assert_eq!(
            api.ask(Method::GET, &path).key(&key).send().await.status,
            200
        );
    }
}
