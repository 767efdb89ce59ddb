//! Bodies that are not valid: refused with the field that is wrong, before they cost much.

use actix_web::http::Method;
use serde_json::json;

use crate::support::{Answer, Api};

pub(super) const FEATURES: &str = "/api/admin/features";
pub(super) const MIB: usize = 1024 * 1024;

async fn post(api: &Api, body: impl Into<bytes::Bytes>) -> Answer {
    api.manage(Method::POST, FEATURES).text(body).send().await
}

/// A right body of that many bytes.
pub(super) fn padded(bytes: usize) -> String {
    let body = r#"{"name":"padded"}"#;
    format!("{}{body}", " ".repeat(bytes - body.len()))
}

#[actix_web::test]
async fn an_unknown_field_is_refused_and_named() {
    let (api, _) = Api::production().await;
    api.feature("a").await;
    for (method, path, body) in [
        (
            Method::POST,
            FEATURES,
            json!({"name": "b", "role": "owner"}),
        ),
        (
            Method::POST,
            "/api/admin/environments",
            json!({"name": "b", "role": "owner"}),
        ),
        (
            Method::POST,
            "/api/admin/environments/production/keys",
            json!({"name": "b", "kind": "client", "role": "owner"}),
        ),
        (
            Method::POST,
            "/api/admin/environments/production/keys/1/rotate",
            json!({"grace_seconds": 1, "role": "owner"}),
        ),
        (
            Method::PATCH,
            "/api/admin/features/a",
            json!({"role": "owner"}),
        ),
        (
            Method::PATCH,
            "/api/admin/environments/production",
            json!({"role": "owner"}),
        ),
        (
            Method::PATCH,
            "/api/admin/environments/production/flags/a",
            json!({"role": "owner"}),
        ),
    ] {
        let refused = api.manage(method, path).json(body).send().await;
        let message = refused.field("role");
        assert!(message.contains("unknown field"), "{path}: {message}");
    }
    assert_eq!(api.read(FEATURES).await.names(), ["a"]);
}

#[actix_web::test]
async fn a_wrong_type_is_refused_and_its_field_named() {
    let (api, _) = Api::production().await;
    api.feature("a").await;
    for (path, body, field) in [
        (
            "/api/admin/features/a",
            json!({"default_enabled": "true"}),
            "default_enabled",
        ),
        ("/api/admin/features/a", json!({"tags": [1]}), "tags[0]"),
        ("/api/admin/features/a", json!({"tags": {"a": 1}}), "tags"),
        ("/api/admin/features/a", json!({"name": 5}), "name"),
        (
            "/api/admin/environments/production",
            json!({"description": ["x"]}),
            "description",
        ),
        (
            "/api/admin/environments/production/flags/a",
            json!({"enabled": 1}),
            "enabled",
        ),
        (
            "/api/admin/environments/production/flags/a",
            json!({"enabled": "on"}),
            "enabled",
        ),
    ] {
        let refused = api.manage(Method::PATCH, path).json(body).send().await;
        let message = refused.field(field);
        assert!(
            message.contains("expected"),
            "it says what would be right: {message}"
        );
        for internal in ["crate", "struct ", ".rs", "serde", "flagstaff_"] {
            assert!(!message.contains(internal), "{message}");
        }
    }
}

#[actix_web::test]
async fn a_body_that_is_no_object_is_refused() {
    let api = Api::empty().await;
    for body in [
        "",
        " ",
        "null",
        "[]",
        "5",
        "\"name\"",
        "{",
        "{}}",
        "{\"name\":\"a\"} x",
        "{\"name\":\"a\",}",
        "{'name':'a'}",
        "{name:\"a\"}",
        "{\"name\":\"a\"}{\"name\":\"b\"}",
        "name=a",
        "<feature/>",
        "{\"name\":\"a\",\"name\":\"b\"}",
        "// a\n{\"name\":\"a\"}",
    ] {
        post(&api, body).await.problem(400, "invalid_request");
    }
    assert_eq!(api.read(FEATURES).await.text(), "[]");
}

#[actix_web::test]
async fn deep_nesting_is_refused() {
    let api = Api::empty().await;
    for deep in [
        "[".repeat(100_000),
        r#"{"name":"#.repeat(100_000),
        format!(r#"{{"name":{}"#, "[".repeat(100_000)),
    ] {
        post(&api, deep).await.problem(400, "invalid_request");
    }
    let closed = format!(
        r#"{{"name":"a","initial_value":{}1{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    post(&api, closed).await.problem(400, "invalid_request");
    assert_eq!(api.read(FEATURES).await.text(), "[]");
}

#[actix_web::test]
async fn what_is_no_text_is_refused() {
    let api = Api::empty().await;
    for body in [
        &b"{\"name\":\"\xff\xfe\"}"[..],
        b"\xff\xfe{\x00\"\x00",
        b"{\"name\":\"a\xc3\"}",
        b"{\"name\":\"\xed\xa0\x80\"}",
        b"{\"name\":\"a\x00b\"}",
        b"{\"name\":\"a\\u0000b\"}",
        b"{\"name\":\"\\ud800\"}",
        b"\x00",
        b"\x1f\x8b\x08",
    ] {
        post(&api, body).await.problem(400, "invalid_request");
    }
    assert_eq!(api.read(FEATURES).await.text(), "[]");
}

#[actix_web::test]
async fn a_body_has_up_to_1_mib() {
    let api = Api::empty().await;
    assert_eq!(post(&api, padded(MIB)).await.status, 201);
    for bytes in [MIB + 1, 3 * MIB] {
        let answer = post(&api, padded(bytes)).await;
        let detail = answer.problem(413, "payload_too_large");
        assert!(detail.contains("1 MiB"), "{detail}");
    }
}

#[actix_web::test]
async fn a_body_that_is_not_called_json_is_refused() {
    let api = Api::empty().await;
    let body = r#"{"name":"a"}"#;
    for kind in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("json"),
        Some("text/json5"),
    ] {
        let mut request = api.manage(Method::POST, FEATURES).body(body);
        if let Some(kind) = kind {
            request = request.header("Content-Type", kind);
        }
        let detail = request.send().await.problem(415, "unsupported_media_type");
        assert!(detail.contains("application/json"), "{detail}");
    }
    assert_eq!(api.read(FEATURES).await.text(), "[]");
}

#[actix_web::test]
async fn json_has_several_names() {
    let api = Api::empty().await;
    for (at, kind) in [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/merge-patch+json",
    ]
    .iter()
    .enumerate()
    {
        let body = json!({"name": format!("feature{at}")}).to_string();
        let request = api
            .manage(Method::POST, FEATURES)
            .body(body)
            .header("Content-Type", kind);
        assert_eq!(request.send().await.status, 201, "{kind}");
    }
}

#[actix_web::test]
async fn a_body_that_does_not_arrive_is_not_waited_for() {
    let api = Api::empty().await;
    // Signed in before time stands still, because hashing takes real time.
    assert_eq!(api.read(FEATURES).await.status, 200);
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let request = api.manage(Method::POST, FEATURES).text("");
    let answer = request.endless(r#"{"name":"#).send().await;
    let detail = answer.problem(408, "request_timeout");
    assert!(detail.contains("within 10 seconds"), "{detail}");
    assert_eq!(
        began.elapsed().as_secs(),
        10,
        "on a clock that only waiting moves"
    );
}

#[actix_web::test]
async fn an_array_is_not_taken_for_an_objects_fields_in_their_order() {
    let api = Api::empty().await;
    let answer = api
        .manage(Method::POST, FEATURES)
        .json(serde_json::json!(["dark_mode"]))
        .send()
        .await;
    answer.problem(400, "invalid_request");
    assert_eq!(api.read(FEATURES).await.text(), "[]");
}
