//! Flags are listed, shown and switched.

use std::time::Duration;

use actix_web::http::Method;
use serde_json::json;

use crate::support::{Answer, Api};

const ALL: &str = "/api/admin/environments/production/flags";
const DARK_MODE: &str = "/api/admin/environments/production/flags/dark_mode";

async fn change(api: &Api, body: serde_json::Value) -> Answer {
    api.manage(Method::PATCH, DARK_MODE).json(body).send().await
}

#[actix_web::test]
async fn a_flag_is_what_the_contract_lists() {
    let (api, _) = Api::production().await;
    api.feature("dark_mode").await;
    let shown = api.read(DARK_MODE).await;
    assert_eq!(shown.status, 200);
    insta::assert_snapshot!(shown.text(), @r#"{"feature":"dark_mode","environment":"production","enabled":false,"value":null,"variants":[],"killed":false,"updated_at":"2026-11-20T10:00:00.000000Z","version":4}"#);
    assert_eq!(shown.header("ETag"), Some("\"4\""));
    assert_eq!(api.read(ALL).await.json(), json!([shown.json()]));
}

#[actix_web::test]
async fn a_change_is_answered_with_the_flag_as_it_is_now() {
    let (api, _) = Api::production().await;
    api.feature("dark_mode").await;
    api.backend.clock.advance(Duration::from_micros(1));
    let changed = change(&api, json!({"enabled": true, "value": [1.0]})).await;
    assert_eq!(changed.status, 200);
    insta::assert_snapshot!(changed.text(), @r#"{"feature":"dark_mode","environment":"production","enabled":true,"value":[1.0],"variants":[],"killed":false,"updated_at":"2026-11-20T10:00:00.000001Z","version":5}"#);
    assert_eq!(
        (
            changed.header("ETag"),
            changed.header("X-Flagstaff-Revision")
        ),
        (Some("\"5\""), Some("5"))
    );
    assert_eq!(api.read(DARK_MODE).await.body, changed.body);
}

#[actix_web::test]
async fn a_read_that_follows_a_write_sees_it() {
    let (api, key) = Api::production().await;
    api.feature("dark_mode").await;
    for turn in 0..20 {
        let written = change(&api, json!({"value": turn})).await;
        let served = api.flags(&key).await;
        assert_eq!(served.json()[0]["feature_state_value"], turn);
        assert_eq!(
            served.header("X-Flagstaff-Revision"),
            written.header("X-Flagstaff-Revision")
        );
    }
}

#[actix_web::test]
async fn what_is_not_given_stays() {
    let (api, _) = Api::production().await;
    api.feature("dark_mode").await;
    change(&api, json!({"enabled": true, "value": "x"})).await;
    let on = change(&api, json!({"enabled": false})).await.json();
    assert_eq!((&on["enabled"], &on["value"]), (&json!(false), &json!("x")));
    let valued = change(&api, json!({"value": "y"})).await.json();
    assert_eq!(
        (&valued["enabled"], &valued["value"]),
        (&json!(false), &json!("y"))
    );
    let null = change(&api, json!({"value": null})).await.json();
    assert_eq!(
        (&null["enabled"], &null["value"]),
        (&json!(false), &json!(null))
    );
    let off = change(&api, json!({"enabled": null})).await;
    assert!(matches!(off.status, 200 | 400));
    assert_eq!(api.read(DARK_MODE).await.json()["enabled"], false);
}

#[actix_web::test]
async fn a_change_that_changes_nothing_makes_no_version() {
    let (api, key) = Api::production().await;
    api.feature("dark_mode").await;
    let before = change(&api, json!({"enabled": true, "value": 1})).await;
    let revision = api
        .flags(&key)
        .await
        .header("X-Flagstaff-Revision")
        .unwrap()
        .to_owned();
    api.backend.clock.advance(Duration::from_secs(1));
    for body in [
        json!({}),
        json!({"enabled": true}),
        json!({"enabled": true, "value": 1}),
    ] {
        let again = change(&api, body).await;
        assert_eq!((again.status, &again.body), (200, &before.body));
        assert_eq!(
            again.header("X-Flagstaff-Revision"),
            Some(revision.as_str())
        );
    }
    let other_type = change(&api, json!({"value": 1.0})).await;
    assert_ne!(other_type.etag(), before.etag(), "1.0 is not 1");
    assert_eq!(
        api.read("/api/admin/changes?subject=dark_mode")
            .await
            .json()
            .as_array()
            .map(Vec::len),
        Some(3)
    );
}

#[actix_web::test]
async fn flags_are_listed_by_the_bytes_of_their_features_names_page_by_page() {
    let (api, _) = Api::production().await;
    api.environment("other").await;
    for name in ["b", "ä b", "Z", "a"] {
        api.feature(name).await;
    }
    assert_eq!(api.read(ALL).await.names(), ["Z", "a", "b", "ä b"]);
    let first = api.read(&format!("{ALL}?limit=3")).await;
    assert_eq!(first.names(), ["Z", "a", "b"]);
    assert_eq!(
        first.header("Link"),
        Some("</api/admin/environments/production/flags?limit=3&after=b>; rel=\"next\"")
    );
    let rest = api.read(&format!("{ALL}?limit=3&after=b")).await;
    assert_eq!(
        (rest.names(), rest.header("Link")),
        (vec!["ä b".to_owned()], None)
    );
}

#[actix_web::test]
async fn a_flag_is_found_by_percent_encoded_names() {
    let api = Api::empty().await;
    api.create("/api/admin/environments", json!({"name": "größe 1"}))
        .await;
    api.feature("日本 %").await;
    let path = "/api/admin/environments/gr%C3%B6%C3%9Fe%201/flags/%E6%97%A5%E6%9C%AC%20%25";
    let changed = api
        .manage(Method::PATCH, path)
        .json(json!({"enabled": true}))
        .send()
        .await;
    assert_eq!(changed.status, 200);
    let flag = api.read(path).await.json();
    assert_eq!(
        (&flag["environment"], &flag["feature"], &flag["enabled"]),
        (&json!("größe 1"), &json!("日本 %"), &json!(true))
    );
    let list = api
        .read("/api/admin/environments/gr%C3%B6%C3%9Fe%201/flags")
        .await;
    assert_eq!(list.json(), json!([flag]));
}

#[actix_web::test]
async fn a_flag_whose_feature_does_not_exist_is_not_found() {
    let (api, _) = Api::production().await;
    let detail = api.read(DARK_MODE).await.problem(404, "not_found");
    assert_eq!(detail, "there is no feature \"dark_mode\"");
    change(&api, json!({"enabled": true}))
        .await
        .problem(404, "not_found");
    api.read(&format!("{ALL}/a%2Fb"))
        .await
        .problem(404, "not_found");
}

#[actix_web::test]
async fn a_flag_is_changed_only_at_the_version_that_is_expected() {
    let (api, key) = Api::production().await;
    api.feature("dark_mode").await;
    let etag = api.read(DARK_MODE).await.etag();
    let with = |tags: &str| {
        let request = api
            .manage(Method::PATCH, DARK_MODE)
            .header("If-Match", tags);
        request.json(json!({"enabled": true})).send()
    };
    with("\"3\"").await.problem(412, "version_mismatch");
    with(&format!("W/{etag}"))
        .await
        .problem(412, "version_mismatch");
    assert_eq!(api.flags(&key).await.json()[0]["enabled"], false);
    assert_eq!(with(&etag).await.status, 200);
    with(&etag).await.problem(412, "version_mismatch");
    assert_eq!(with("*").await.status, 200);
    let (first, second) = ("\"1\"", api.read(DARK_MODE).await.etag());
    let two = api
        .manage(Method::PATCH, DARK_MODE)
        .json(json!({"enabled": false}));
    let two = two.header("If-Match", first).header("If-Match", &second);
    assert_eq!(two.send().await.status, 200, "two headers are one list");
}

#[actix_web::test]
async fn a_flag_can_be_neither_created_nor_deleted() {
    let (api, _) = Api::production().await;
    api.feature("dark_mode").await;
    for (method, path) in [
        (Method::POST, ALL),
        (Method::DELETE, DARK_MODE),
        (Method::PUT, DARK_MODE),
    ] {
        let refused = api.manage(method, path).json(json!({})).send().await;
        refused.problem(405, "method_not_allowed");
    }
    assert_eq!(api.read(DARK_MODE).await.status, 200);
}
