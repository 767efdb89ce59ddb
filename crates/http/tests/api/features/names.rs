//! Which names a feature may have, and what is said about them.

use actix_web::http::Method;
use serde_json::json;

use crate::support::Api;

const ALL: &str = "/api/admin/features";
const DARK_MODE: &str = "/api/admin/features/dark_mode";

#[actix_web::test]
async fn a_renamed_feature_is_served_by_its_new_name() {
    let (api, key) = Api::production().await;
    for name in ["dark_mode", "m"] {
        api.feature(name).await;
    }
    let renamed = api
        .manage(Method::PATCH, DARK_MODE)
        .json(json!({"name": "z"}))
        .send()
        .await;
    assert_eq!(
        (renamed.status, &renamed.json()["name"]),
        (200, &json!("z"))
    );
    api.read(DARK_MODE).await.problem(404, "not_found");
    assert_eq!(api.read("/api/admin/features/z").await.json()["id"], 1);
    assert_eq!(api.flags(&key).await.names(), ["m", "z"]);
    api.feature("dark_mode").await;
}

#[actix_web::test]
async fn names_that_differ_in_case_alone_are_the_same() {
    let api = Api::empty().await;
    api.feature("Größe").await;
    api.feature("other").await;
    for name in ["Größe", "GRÖßE", "größe"] {
        let again = api
            .manage(Method::POST, ALL)
            .json(json!({"name": name}))
            .send()
            .await;
        again.problem(409, "already_exists");
        let onto = api
            .manage(Method::PATCH, "/api/admin/features/other")
            .json(json!({"name": name}));
        onto.send().await.problem(409, "already_exists");
    }
    assert_eq!(api.read(ALL).await.names(), ["Größe", "other"]);
}

#[actix_web::test]
async fn a_name_that_ofrep_clients_would_not_encode_is_accepted_with_a_warning() {
    let api = Api::empty().await;
    for name in ["dark mode", "größe", "a:b", "a+b", "100%"] {
        let record = api.create(ALL, json!({"name": name})).await;
        let warnings = record["warnings"].as_array().unwrap();
        assert!(warnings[0].as_str().unwrap().contains("OFREP"), "{name}");
    }
    for name in ["dark_mode", "Dark.Mode-2", "0"] {
        let record = api.create(ALL, json!({"name": name})).await;
        assert_eq!(record.get("warnings"), None, "{name}");
    }
    let renamed = api
        .manage(Method::PATCH, DARK_MODE)
        .json(json!({"name": "dark and light"}))
        .send()
        .await;
    assert_eq!(renamed.json()["warnings"].as_array().map(Vec::len), Some(1));
}

#[actix_web::test]
async fn a_name_made_for_another_language_is_only_a_name() {
    let (api, _) = Api::production().await;
    api.feature("a").await;
    api.read("/api/admin/features/x'%20OR%201=1--")
        .await
        .problem(404, "not_found");
    let deletion = api.manage(Method::DELETE, "/api/admin/features/x'%20OR%201=1--");
    deletion.send().await.problem(404, "not_found");
    assert_eq!(
        api.read("/api/admin/features?after='%20OR%201=1--")
            .await
            .names(),
        ["a"]
    );
    assert_eq!(
        api.read("/api/admin/changes?subject=x'%20OR%201=1--")
            .await
            .text(),
        "[]"
    );
    api.feature("x' OR 1=1--").await;
    assert_eq!(api.read(ALL).await.names(), ["a", "x' OR 1=1--"]);
}

#[actix_web::test]
async fn markup_in_a_description_stays_text() {
    let (api, key) = Api::production().await;
    let text = "<script>alert(1)</script>";
    let created = api
        .create(ALL, json!({"name": "a", "description": text}))
        .await;
    assert_eq!(created["description"], text);
    for answer in [
        api.read("/api/admin/features/a").await,
        api.flags(&key).await,
    ] {
        assert_eq!(answer.header("Content-Type"), Some("application/json"));
        assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
    }
}
