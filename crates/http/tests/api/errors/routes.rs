//! Paths, methods and queries that are not known.

use actix_web::http::Method;
use serde_json::json;

use crate::support::Api;

#[actix_web::test]
async fn a_problem_has_the_one_shape() {
    let api = Api::empty().await;
    let missing = api.read("/api/admin/features/a").await;
    assert_eq!(
        missing.header("Content-Type"),
        Some("application/problem+json")
    );
    assert_eq!(missing.header("X-Content-Type-Options"), Some("nosniff"));
    insta::assert_snapshot!(missing.text(), @r#"{"type":"urn:flagstaff:problem:not_found","title":"There is no such thing","status":404,"detail":"there is no feature \"a\"","code":"not_found"}"#);
    let invalid = api
        .manage(Method::POST, "/api/admin/features")
        .json(json!({"name": ""}))
        .send()
        .await;
    insta::assert_snapshot!(invalid.text(), @r#"{"type":"urn:flagstaff:problem:invalid_request","title":"The request is not valid","status":400,"detail":"name must not be empty","code":"invalid_request","errors":[{"field":"name","message":"must not be empty"}]}"#);
}

#[actix_web::test]
async fn each_failure_has_a_request_id_of_its_own() {
    let api = Api::empty().await;
    let mut ids = Vec::new();
    for path in [
        "/a",
        "/b",
        "/api/admin/features",
        "/api/v1/flags/",
        "/api/v1/flags/?key=x",
    ] {
        ids.push(
            api.get(path)
                .await
                .header("X-Request-Id")
                .unwrap()
                .to_owned(),
        );
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5);
    let good = api.get("/health/live").await;
    assert_eq!(good.header("X-Request-Id"), None);
}

#[actix_web::test]
async fn an_unknown_path_is_not_found() {
    let api = Api::empty().await;
    for path in [
        "/",
        "/api",
        "/api/",
        "/api/v1",
        "/api/v1/flag",
        "/api/v1/flags/a",
        "/api/v2/flags/",
        "/flags",
        "/.env",
    ] {
        for method in [Method::GET, Method::HEAD, Method::POST, Method::DELETE] {
            api.ask(method, path).send().await.problem(404, "not_found");
        }
    }
    for path in [
        "/api/admin/features/",
        "/api/admin/nothing",
        "/api/admin/",
        "/api/admin/features/a/b",
    ] {
        api.read(path).await.problem(404, "not_found");
    }
}

#[actix_web::test]
async fn a_path_in_disguise_opens_nothing() {
    let api = Api::empty().await;
    for path in [
        "//api/admin/features",
        "/./api/admin/features",
        "/api//admin/features",
        "/api/admin//features",
        "/API/ADMIN/features",
        "/api/Admin/Features",
        "/api/v1/../admin/features",
        "/api/v1/flags/../../admin/features",
        "/api/v1/flags/..%2f..%2fadmin/features",
        "/docs/..%2fapi/admin/features",
        "/docs/../api/admin/features",
        "/api/admin%2ffeatures",
        "/api%2Fadmin%2Ffeatures",
        "/%61pi/admin/features",
        "/api/admin/features%00",
        "/api/admin/features;a=b",
        "/api/admin/.%2e/admin/features",
        "/api/v1/flags;/",
        "/API/V1/flags/",
        "//api/v1/flags/",
        "/api/v1/flags//",
    ] {
        let answer = api.get(path).await;
        assert!(
            matches!(answer.status, 401 | 404),
            "{path}: {}",
            answer.status
        );
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(!detail.is_empty());
    }
}

#[actix_web::test]
async fn another_method_is_told_which_are_known() {
    let (api, key) = Api::production().await;
    for (path, allow) in [
        ("/api/v1/flags/", "GET, HEAD, OPTIONS"),
        ("/api/v1/flags", "GET, HEAD, OPTIONS"),
        ("/api/v1/environments/retrievals/", "GET, HEAD"),
        ("/health/live", "GET, HEAD"),
        ("/health/ready", "GET, HEAD"),
        ("/metrics", "GET, HEAD"),
        ("/openapi.json", "GET, HEAD"),
        ("/api/admin/environments", "GET, HEAD, POST"),
        (
            "/api/admin/environments/production",
            "GET, HEAD, PATCH, DELETE",
        ),
        ("/api/admin/environments/production/keys", "GET, HEAD, POST"),
        (
            "/api/admin/environments/production/keys/1",
            "GET, HEAD, PATCH, DELETE",
        ),
        ("/api/admin/environments/production/keys/1/rotate", "POST"),
        ("/api/admin/environments/production/flags", "GET, HEAD"),
        (
            "/api/admin/environments/production/flags/a",
            "GET, HEAD, PATCH",
        ),
        ("/api/admin/features", "GET, HEAD, POST"),
        ("/api/admin/features/a", "GET, HEAD, PATCH, DELETE"),
        ("/api/admin/changes", "GET, HEAD"),
    ] {
        for method in ["PUT", "PROPFIND", "get", "CONNECT"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let answer = api.manage(method.clone(), path).key(&key).send().await;
            answer.problem(405, "method_not_allowed");
            assert_eq!(answer.header("Allow"), Some(allow), "{method} {path}");
        }
    }
}

#[actix_web::test]
async fn trace_is_not_answered_anywhere() {
    let (api, key) = Api::production().await;
    for path in [
        "/",
        "/api/v1/flags/",
        "/api/admin/features",
        "/docs/",
        "/health/live",
        "/nothing",
    ] {
        let answer = api.manage(Method::TRACE, path).key(&key).send().await;
        answer.problem(405, "method_not_allowed");
        assert!(!answer.text().contains(&key), "nothing is echoed");
    }
}

#[actix_web::test]
async fn a_header_does_not_change_the_method() {
    let api = Api::empty().await;
    api.feature("a").await;
    for header in [
        "X-HTTP-Method-Override",
        "X-HTTP-Method",
        "X-Method-Override",
    ] {
        let path = "/api/admin/features/a?_method=DELETE";
        let answer = api
            .manage(Method::GET, "/api/admin/features/a")
            .header(header, "DELETE");
        assert_eq!(answer.send().await.status, 200);
        let answer = api
            .manage(Method::POST, "/api/admin/features/a")
            .header(header, "DELETE");
        answer.send().await.problem(405, "method_not_allowed");
        assert_eq!(api.manage(Method::GET, path).send().await.status, 200);
    }
    assert_eq!(api.read("/api/admin/features").await.names(), ["a"]);
}

#[actix_web::test]
async fn a_key_in_any_query_is_refused_and_not_repeated() {
    let api = Api::empty().await;
    for path in [
        "/api/admin/features",
        "/api/v1/environments/retrievals/",
        "/metrics",
        "/health/live",
        "/nothing",
        "/docs/",
    ] {
        for name in ["environment_key", "api_key", "key", "token"] {
            let answer = api.read(&format!("{path}?{name}=S3CRET")).await;
            let detail = answer.problem(401, "unauthenticated");
            assert!(
                detail.contains(name) && !answer.text().contains("S3CRET"),
                "{detail}"
            );
        }
    }
    let similar = api.read("/api/admin/changes?subject=key&actor=token").await;
    assert_eq!(similar.status, 200, "only a parameter's name counts");
}
