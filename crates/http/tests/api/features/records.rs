//! Features are created with a flag in every environment, shown, changed, renamed and deleted.

use std::time::Duration;

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::Api;

const ALL: &str = "/api/admin/features";
const DARK_MODE: &str = "/api/admin/features/dark_mode";

#[actix_web::test]
async fn creation_answers_with_the_record_and_where_it_is() {
    let api = Api::empty().await;
    let body = json!({
        "name": "dark_mode", "description": "Dark colours", "type": "MULTIVARIATE", "initial_value": {"a": 1.0},
        "default_enabled": true, "server_key_only": true, "tags": ["ui", "beta"],
    });
    let created = api.manage(Method::POST, ALL).json(body).send().await;
    assert_eq!(created.status, 201);
    insta::assert_snapshot!(created.text(), @r#"{"id":1,"name":"dark_mode","description":"Dark colours","type":"MULTIVARIATE","initial_value":{"a":1.0},"default_enabled":true,"server_key_only":true,"tags":["ui","beta"],"variants":[],"archived":false,"stale":false,"created_at":"2026-11-20T10:00:00.000000Z","version":2}"#);
    assert_eq!(created.header("Location"), Some(DARK_MODE));
    assert_eq!(created.header("ETag"), Some("\"2\""));
    assert_eq!(created.header("X-Flagstaff-Revision"), Some("2"));
    let shown = api.read(DARK_MODE).await;
    assert_eq!((shown.status, shown.header("ETag")), (200, Some("\"2\"")));
    assert_eq!(shown.body, created.body);
    assert_eq!(api.read(ALL).await.json(), json!([created.json()]));
}

#[actix_web::test]
async fn a_name_is_all_that_is_needed() {
    let api = Api::empty().await;
    let created = api
        .manage(Method::POST, ALL)
        .json(json!({"name": "a"}))
        .send()
        .await;
    insta::assert_snapshot!(created.text(), @r#"{"id":1,"name":"a","description":"","type":"STANDARD","initial_value":null,"default_enabled":false,"server_key_only":false,"tags":[],"variants":[],"archived":false,"stale":false,"created_at":"2026-11-20T10:00:00.000000Z","version":2}"#);
}

#[actix_web::test]
async fn a_feature_has_a_flag_in_every_environment_whichever_was_first() {
    let (api, key) = Api::production().await;
    let feature = json!({"name": "a", "initial_value": 7, "default_enabled": true});
    api.create(ALL, feature).await;
    let staging = api.environment("staging").await;
    for environment in ["production", "staging"] {
        let path = format!("/api/admin/environments/{environment}/flags");
        let flags = api.read(&path).await.json();
        assert_eq!(flags.as_array().map(Vec::len), Some(1), "{environment}");
        assert_eq!(
            (&flags[0]["enabled"], &flags[0]["value"]),
            (&json!(true), &json!(7))
        );
    }
    for key in [key, staging] {
        let served = api.flags(&key).await.json();
        assert_eq!(
            (&served[0]["enabled"], &served[0]["feature_state_value"]),
            (&json!(true), &json!(7))
        );
    }
}

/// Where the flag of this feature is enabled.
async fn enabled(api: &Api, feature: &str) -> Vec<&'static str> {
    let mut enabled = Vec::new();
    for environment in ["production", "staging", "testing"] {
        let path = format!("/api/admin/environments/{environment}/flags/{feature}");
        if api.read(&path).await.json()["enabled"] == true {
            enabled.push(environment);
        }
    }
    enabled
}

#[actix_web::test]
async fn a_feature_may_start_enabled_in_some_environments() {
    let api = Api::empty().await;
    for name in ["production", "staging", "testing"] {
        api.environment(name).await;
    }
    for (name, enabled_in, expected) in [
        ("a", json!(["staging"]), vec!["staging"]),
        (
            "b",
            json!(["Staging", "testing", "staging"]),
            vec!["staging", "testing"],
        ),
        ("c", json!([]), vec![]),
    ] {
        api.create(ALL, json!({"name": name, "enabled_in": enabled_in}))
            .await;
        assert_eq!(enabled(&api, name).await, expected, "{name}");
    }
    api.create(
        ALL,
        json!({"name": "d", "default_enabled": true, "enabled_in": ["testing"]}),
    )
    .await;
    assert_eq!(
        enabled(&api, "d").await,
        ["production", "staging", "testing"]
    );
}

#[actix_web::test]
async fn an_unknown_environment_to_start_in_is_named_and_nothing_is_created() {
    let (api, _) = Api::production().await;
    let body = json!({"name": "a", "enabled_in": ["production", "nowhere"]});
    let refused = api.manage(Method::POST, ALL).json(body).send().await;
    assert!(refused.field("enabled_in").contains("nowhere"));
    assert_eq!(api.read(ALL).await.text(), "[]");
    assert_eq!(api.read("/api/admin/changes?subject=a").await.text(), "[]");
}

#[actix_web::test]
async fn a_change_leaves_the_rest_and_the_flags_as_they_are() {
    let (api, key) = Api::production().await;
    api.create(
        ALL,
        json!({"name": "dark_mode", "tags": ["ui"], "initial_value": 1}),
    )
    .await;
    api.backend.clock.advance(Duration::from_secs(60));
    let change = json!({
        "description": "Dark", "initial_value": null, "default_enabled": true, "type": "MULTIVARIATE", "tags": ["x", "y"],
    });
    let changed = api
        .manage(Method::PATCH, DARK_MODE)
        .json(change)
        .send()
        .await;
    assert_eq!(changed.status, 200);
    insta::assert_snapshot!(changed.text(), @r#"{"id":1,"name":"dark_mode","description":"Dark","type":"MULTIVARIATE","initial_value":null,"default_enabled":true,"server_key_only":false,"tags":["x","y"],"variants":[],"archived":false,"stale":false,"created_at":"2026-11-20T10:00:00.000000Z","version":5}"#);
    assert_eq!(
        (
            changed.header("ETag"),
            changed.header("X-Flagstaff-Revision")
        ),
        (Some("\"5\""), Some("5"))
    );
    let flag = api
        .read("/api/admin/environments/production/flags/dark_mode")
        .await
        .json();
    assert_eq!(
        (&flag["enabled"], &flag["value"]),
        (&json!(false), &json!(1))
    );
    let served = api.flags(&key).await.json();
    assert_eq!(served[0]["feature"]["description"], "Dark");
    assert_eq!(served[0]["feature_state_value"], 1);
    let nothing = api
        .manage(Method::PATCH, DARK_MODE)
        .json(json!({}))
        .send()
        .await;
    assert_eq!((nothing.status, &nothing.body), (200, &changed.body));
}

#[actix_web::test]
async fn a_null_initial_value_is_not_an_absent_one() {
    let api = Api::empty().await;
    api.create(ALL, json!({"name": "dark_mode", "initial_value": "x"}))
        .await;
    let absent = api
        .manage(Method::PATCH, DARK_MODE)
        .json(json!({"description": "d"}))
        .send()
        .await;
    assert_eq!(absent.json()["initial_value"], "x");
    let null = api
        .manage(Method::PATCH, DARK_MODE)
        .json(json!({"initial_value": null}))
        .send()
        .await;
    assert_eq!(null.json()["initial_value"], Value::Null);
}

#[actix_web::test]
async fn what_is_not_valid_is_refused_by_its_field() {
    let api = Api::empty().await;
    let many: Vec<String> = (0..51).map(|at| at.to_string()).collect();
    for (body, field) in [
        (json!({"name": ""}), "name"),
        (json!({"name": "a/b"}), "name"),
        (json!({"name": "x".repeat(151)}), "name"),
        (json!({"name": "a", "type": "standard"}), "type"),
        (
            json!({"name": "a", "default_enabled": "yes"}),
            "default_enabled",
        ),
        (
            json!({"name": "a", "server_key_only": 1}),
            "server_key_only",
        ),
        (json!({"name": "a", "tags": "ui"}), "tags"),
        (json!({"name": "a", "tags": ["ui", 2]}), "tags[1]"),
        (json!({"name": "a", "tags": ["ui", ""]}), "tags[1]"),
        (json!({"name": "a", "tags": ["x".repeat(51)]}), "tags[0]"),
        (json!({"name": "a", "tags": ["ui", "ui"]}), "tags"),
        (json!({"name": "a", "tags": many}), "tags"),
        (
            json!({"name": "a", "initial_value": "x".repeat(65_537)}),
            "initial_value",
        ),
        (
            json!({"name": "a", "enabled_in": ["ok", "a/b"]}),
            "enabled_in[1]",
        ),
        (
            json!({"name": "a", "description": "x".repeat(4_001)}),
            "description",
        ),
        (json!({"name": "a", "enabled": true}), "enabled"),
    ] {
        let refused = api.manage(Method::POST, ALL).json(body).send().await;
        assert!(!refused.field(field).is_empty());
    }
    assert_eq!(api.read(ALL).await.text(), "[]");
}

#[actix_web::test]
async fn a_deleted_feature_goes_with_its_flags() {
    let (api, key) = Api::production().await;
    for name in ["a", "dark_mode"] {
        api.feature(name).await;
    }
    let stale = api
        .manage(Method::DELETE, DARK_MODE)
        .header("If-Match", "\"1\"");
    stale.send().await.problem(412, "version_mismatch");
    let etag = api.read(DARK_MODE).await.etag();
    let deleted = api
        .manage(Method::DELETE, DARK_MODE)
        .header("If-Match", etag)
        .send()
        .await;
    assert_eq!((deleted.status, deleted.text()), (204, ""));
    let revision = deleted.header("X-Flagstaff-Revision").unwrap();
    let served = api.flags(&key).await;
    assert_eq!(
        (served.names(), served.header("X-Flagstaff-Revision")),
        (vec!["a".to_owned()], Some(revision))
    );
    for path in [
        DARK_MODE,
        "/api/admin/environments/production/flags/dark_mode",
    ] {
        api.read(path).await.problem(404, "not_found");
    }
    api.manage(Method::DELETE, DARK_MODE)
        .send()
        .await
        .problem(404, "not_found");
}
