//! What is logged of requests: one line for each refusal, no keys, no paths, no passwords.

use actix_web::http::Method;
use flagstaff_http::HttpSettings;
use serde_json::json;

use crate::support::{ADMIN, Api, FLAGS, PASSWORD, logged, settings};

#[actix_web::test]
async fn a_refusal_is_one_line_under_its_request_id() {
    let (api, _) = Api::production().await;
    logged();
    let answer = api.read("/api/admin/features/dark_mode").await;
    let id = answer.header("X-Request-Id").unwrap();
    let lines = logged();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let line = &lines[0];
    for part in [
        "WARN refused",
        &format!("request_id={id}"),
        "method=GET",
        "route=/api/admin/features/{feature}",
        "status=404",
        "peer=192.0.2.1",
        "reason=not_found",
    ] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    for path in ["/nothing", FLAGS, "/api/admin/features", "/docs/nothing"] {
        api.get(path).await;
        assert_eq!(logged().len(), 1, "{path}");
    }
}

#[actix_web::test]
async fn neither_keys_nor_passwords_are_logged() {
    let (api, key) = Api::production().await;
    logged();
    for name in ["environment_key", "api_key", "key", "token"] {
        api.get(&format!("{FLAGS}?{name}={key}")).await;
        api.get(&format!("/{key}?{name}={key}")).await;
    }
    api.flags(&key).await;
    api.flags(&key.to_lowercase()).await;
    api.ask(Method::POST, FLAGS).key(&key).send().await;
    api.ask(Method::GET, "/api/admin/features")
        .key(&key)
        .send()
        .await;
    api.ask(Method::GET, "/api/admin/features")
        .basic(ADMIN, &format!("{PASSWORD}!"))
        .send()
        .await;
    // Where a name belongs, and is repeated to whoever sent it.
    api.read(&format!("/api/admin/environments/{key}")).await;
    api.read(&format!("/api/admin/features?{key}=1")).await;
    let twice = api
        .manage(Method::GET, "/api/admin/features")
        .basic(ADMIN, PASSWORD);
    twice.send().await;
    let lines = logged();
    assert_eq!(lines.len(), 15, "{lines:?}");
    for line in lines {
        for secret in [&key, &key.to_lowercase(), PASSWORD, "YWRtaW4"] {
            assert!(!line.contains(secret), "{line}");
        }
    }
}

#[actix_web::test]
async fn a_successful_evaluation_is_logged_only_when_asked_for() {
    for (access_log, expected) in [(false, 0), (true, 2)] {
        let api = Api::with(HttpSettings {
            access_log,
            ..settings()
        })
        .await;
        let key = api.environment("production").await;
        logged();
        let etag = api.flags(&key).await.etag();
        let again = api
            .ask(Method::GET, FLAGS)
            .key(&key)
            .header("If-None-Match", etag);
        again.send().await;
        let lines = logged();
        assert_eq!(lines.len(), expected, "{lines:?}");
        assert!(
            lines
                .iter()
                .all(|line| line.contains("route=/api/v1/flags/") && !line.contains(&key))
        );
    }
}

#[actix_web::test]
async fn management_is_logged_by_its_routes() {
    let (api, _) = Api::production().await;
    api.feature("dark_mode").await;
    logged();
    api.read("/api/admin/environments/production/flags/dark_mode")
        .await;
    let lines = logged();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].contains("route=/api/admin/environments/{environment}/flags/{feature} status=200"),
        "{lines:?}"
    );
    assert!(!lines[0].contains("dark_mode"));
}

#[actix_web::test]
async fn a_line_break_in_a_name_does_not_break_a_line() {
    let (api, key) = Api::production().await;
    logged();
    let name = "a\r\nERROR forged\u{1b}[31m";
    let path = "a%0D%0AERROR%20forged%1B%5B31m";
    api.manage(Method::POST, "/api/admin/features")
        .json(json!({ "name": name }))
        .send()
        .await;
    api.manage(Method::POST, "/api/admin/features")
        .json(json!({ (name): 1 }))
        .send()
        .await;
    api.manage(Method::POST, "/api/admin/features")
        .json(json!({"name": "a", "enabled_in": [name]}))
        .send()
        .await;
    api.read(&format!("/api/admin/features/{path}")).await;
    api.read(&format!("/{path}")).await;
    api.read(&format!("/api/admin/features?{path}=1")).await;
    api.read(&format!("/api/admin/changes?context={path}"))
        .await;
    let one = format!("{FLAGS}?feature={path}");
    api.ask(Method::GET, &one).key(&key).send().await;
    api.ask(Method::GET, "/api/admin/features")
        .basic(name, "a password")
        .send()
        .await;
    let lines = logged();
    assert_eq!(lines.len(), 9, "{lines:?}");
    for line in lines {
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
}

#[actix_web::test]
async fn the_cause_of_a_failure_is_in_the_log_alone() {
    let api = Api::empty().await;
    assert_eq!(api.read("/api/admin/features").await.text(), "[]");
    api.backend.damage();
    logged();
    let answer = api.read("/api/admin/features").await;
    let lines = logged();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let id = answer.header("X-Request-Id").unwrap();
    assert!(
        lines[0].starts_with("ERROR") && lines[0].contains(id),
        "{lines:?}"
    );
    let cause = |text: &str| text.contains("malformed") || text.contains("does not exist");
    assert!(cause(&lines[0]) && !cause(answer.text()), "{lines:?}");
}

#[actix_web::test]
async fn a_panic_is_logged_under_its_request_id() {
    let (api, key) = Api::production().await;
    logged();
    let answer = api.panic(&key).await;
    let lines = logged();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let id = answer.header("X-Request-Id").unwrap();
    assert!(
        lines[0].starts_with("ERROR") && lines[0].contains(id) && lines[0].contains("panicked"),
        "{lines:?}"
    );
}
