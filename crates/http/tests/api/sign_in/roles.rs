//! What each role may do, and that the log says who did it.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::{Api, PASSWORD};

const READS: [&str; 8] = [
    "/environments",
    "/environments/production",
    "/environments/production/keys",
    "/environments/production/flags",
    "/environments/production/flags/a",
    "/features",
    "/features/a",
    "/changes",
];

/// Changes of features, environments and flags, with what each answers when it is allowed.
fn edits() -> [(Method, &'static str, Value, u16); 7] {
    [
        (
            Method::POST,
            "/environments",
            json!({"name": "staging"}),
            201,
        ),
        (
            Method::PATCH,
            "/environments/production",
            json!({"description": "Live"}),
            200,
        ),
        (Method::POST, "/features", json!({"name": "b"}), 201),
        (
            Method::PATCH,
            "/features/a",
            json!({"description": "A"}),
            200,
        ),
        (
            Method::PATCH,
            "/environments/production/flags/a",
            json!({"enabled": true}),
            200,
        ),
        (Method::DELETE, "/features/b", json!(null), 204),
        (Method::DELETE, "/environments/staging", json!(null), 204),
    ]
}

/// Changes of keys.
fn key_changes() -> [(Method, &'static str, Value, u16); 3] {
    let keys = "/environments/production/keys";
    [
        (
            Method::POST,
            keys,
            json!({"name": "web", "kind": "client"}),
            201,
        ),
        (
            Method::POST,
            "/environments/production/keys/1/rotate",
            json!({"grace_seconds": 0}),
            201,
        ),
        (
            Method::DELETE,
            "/environments/production/keys/1",
            json!(null),
            204,
        ),
    ]
}

async fn api(role: &str) -> Api {
    let (api, _) = Api::production().await;
    api.feature("a").await;
    api.backend.account("jay", role, false);
    api
}

async fn as_jay(api: &Api, method: Method, path: &str, body: Value) -> crate::support::Answer {
    let request = api
        .ask(method, &format!("/api/admin{path}"))
        .basic("jay", PASSWORD);
    match body {
        Value::Null => request.send().await,
        body => request.json(body).send().await,
    }
}

#[actix_web::test]
async fn a_viewer_reads_everything_and_changes_nothing() {
    let api = api("viewer").await;
    for path in READS {
        assert_eq!(
            as_jay(&api, Method::GET, path, Value::Null).await.status,
            200,
            "{path}"
        );
    }
    let before = api.read("/api/admin/changes").await;
    for (method, path, body, _) in edits().into_iter().chain(key_changes()) {
        let detail = as_jay(&api, method, path, body)
            .await
            .problem(403, "forbidden");
        assert!(detail.contains("jay is viewer"), "{detail}");
    }
    assert_eq!(api.read("/api/admin/changes").await.body, before.body);
}

#[actix_web::test]
async fn an_editor_changes_all_but_keys() {
    let api = api("editor").await;
    for path in READS {
        assert_eq!(
            as_jay(&api, Method::GET, path, Value::Null).await.status,
            200,
            "{path}"
        );
    }
    for (method, path, body, status) in edits() {
        let answer = as_jay(&api, method, path, body).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
    }
    for (method, path, body, _) in key_changes() {
        let detail = as_jay(&api, method, path, body)
            .await
            .problem(403, "forbidden");
        assert!(
            detail.contains("admin"),
            "it says which role does: {detail}"
        );
    }
}

#[actix_web::test]
async fn an_administrator_changes_keys_too() {
    let api = api("admin").await;
    for (method, path, body, status) in key_changes() {
        let answer = as_jay(&api, method, path, body).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
    }
}

#[actix_web::test]
async fn a_refusal_by_role_comes_before_the_body_is_judged() {
    let api = api("viewer").await;
    let nothing_here = as_jay(&api, Method::PATCH, "/features/nothing", json!({"x": 1})).await;
    nothing_here.problem(403, "forbidden");
}

#[actix_web::test]
async fn a_disabled_account_is_shut_out() {
    let (api, _) = Api::production().await;
    api.backend.account("jay", "admin", true);
    for path in READS {
        let refused = as_jay(&api, Method::GET, path, Value::Null).await;
        refused.problem(401, "unauthenticated");
    }
}

#[actix_web::test]
async fn the_log_says_who_made_a_change() {
    let api = api("editor").await;
    for (method, path, body, status) in edits() {
        assert_eq!(as_jay(&api, method, path, body).await.status, status);
    }
    let changes = api.read("/api/admin/changes?actor=user:jay").await.json();
    assert_eq!(changes.as_array().map(Vec::len), Some(edits().len()));
}
