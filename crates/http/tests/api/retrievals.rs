//! `GET /api/v1/environments/retrievals/`: when flags were last retrieved, for each environment.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::{Api, FLAGS};

const REPORT: &str = "/api/v1/environments/retrievals/";

/// How many retrievals of production are reported.
async fn count(api: &Api) -> Value {
    let report = api.get(REPORT).await.json();
    let production = report
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["environment"] == "production");
    production.unwrap()["retrievals"].clone()
}

#[actix_web::test]
async fn the_report_is_what_the_contract_shows() {
    let (api, key) = Api::production().await;
    api.environment("staging").await;
    api.backend.clock.set("2026-11-20T10:00:00.123456Z");
    for _ in 0..42 {
        assert_eq!(api.flags(&key).await.status, 200);
    }
    let answer = api.get(REPORT).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    insta::assert_snapshot!(answer.text(), @r#"[{"environment":"production","last_retrieved_at":"2026-11-20T10:00:00.123456Z","retrievals":42},{"environment":"staging","last_retrieved_at":null,"retrievals":0}]"#);
}

#[actix_web::test]
async fn the_report_says_which_instance_counted_and_since_when() {
    let api = Api::empty().await;
    let answer = api.get(REPORT).await;
    assert_eq!(answer.header("X-Flagstaff-Instance"), Some("web-1"));
    let since = answer.header("X-Flagstaff-Since");
    assert_eq!(since, Some("2026-11-20T09:00:00.000001Z"));
}

#[actix_web::test]
async fn the_last_slash_makes_no_difference() {
    let (api, _) = Api::production().await;
    let without = api.get("/api/v1/environments/retrievals").await;
    assert_eq!(without.status, 200);
    assert_eq!(without.body, api.get(REPORT).await.body);
}

#[actix_web::test]
async fn without_environments_the_report_is_empty() {
    let api = Api::empty().await;
    assert_eq!(api.get(REPORT).await.text(), "[]");
}

#[actix_web::test]
async fn every_successful_answer_counts() {
    let (api, key) = Api::production().await;
    api.feature("a").await;
    let etag = api.flags(&key).await.etag();
    assert_eq!(count(&api).await, 1);
    let unchanged = api
        .ask(Method::GET, FLAGS)
        .key(&key)
        .header("If-None-Match", &etag);
    assert_eq!(unchanged.send().await.status, 304);
    assert_eq!(count(&api).await, 2);
    let path = format!("{FLAGS}?feature=a");
    assert_eq!(
        api.ask(Method::GET, &path).key(&key).send().await.status,
        200
    );
    assert_eq!(count(&api).await, 3);
    let head = api.ask(Method::HEAD, FLAGS).key(&key).send().await;
    assert_eq!(head.status, 200);
    assert_eq!(count(&api).await, 4, "HEAD is answered 200 as well");
    let compressed = api
        .ask(Method::GET, FLAGS)
        .key(&key)
        .header("Accept-Encoding", "br");
    assert_eq!(compressed.send().await.status, 200);
    assert_eq!(count(&api).await, 5);
}

#[actix_web::test]
async fn a_refused_request_does_not_count() {
    let (api, key) = Api::production().await;
    api.feature("a").await;
    let requests = [
        (api.ask(Method::GET, FLAGS), 401),
        (api.ask(Method::GET, FLAGS).key("not-a-key"), 401),
        (api.ask(Method::GET, FLAGS).key(&key).key(&key), 401),
        (api.ask(Method::GET, "/api/v1/flags/?key=x").key(&key), 401),
        (
            api.ask(Method::GET, "/api/v1/flags/?feature=b").key(&key),
            404,
        ),
        (
            api.ask(Method::GET, "/api/v1/flags/?feature=a&feature=b")
                .key(&key),
            400,
        ),
        (api.ask(Method::POST, FLAGS).key(&key), 405),
        (
            api.ask(Method::OPTIONS, FLAGS)
                .key(&key)
                .header("Origin", "https://shop.example")
                .header("Access-Control-Request-Method", "GET"),
            204,
        ),
    ];
    for (request, status) in requests {
        assert_eq!(request.send().await.status, status);
    }
    let report = api.get(REPORT).await;
    assert_eq!(
        report.json(),
        json!([{"environment": "production", "last_retrieved_at": null, "retrievals": 0}])
    );
}

#[actix_web::test]
async fn a_key_that_expired_does_not_count() {
    let (api, _) = Api::production().await;
    let key = json!({"name": "web", "kind": "server", "expires_at": "2026-11-20T10:00:01Z"});
    let key = api
        .create("/api/admin/environments/production/keys", key)
        .await;
    let key = key["key"].as_str().unwrap();
    api.flags(key).await;
    api.backend.clock.advance(Duration::from_secs(1));
    api.flags(key).await;
    let report = api.get(REPORT).await.json();
    assert_eq!(report[0]["retrievals"], 1);
    assert_eq!(
        report[0]["last_retrieved_at"],
        "2026-11-20T10:00:00.000000Z"
    );
}

#[actix_web::test]
async fn the_report_names_environments_and_no_keys() {
    let (api, client) = Api::production().await;
    let server = api.key("production", "server").await;
    api.flags(&client).await;
    api.flags(&server).await;
    let report = api.get(REPORT).await;
    assert_eq!(report.json()[0]["retrievals"], 2);
    for text in [
        client.as_str(),
        &client.to_lowercase(),
        &server,
        &server[4..],
        "a key",
        "sha256",
    ] {
        assert!(!report.text().contains(text), "{text}");
    }
}

#[actix_web::test]
async fn the_report_follows_environments_as_they_are_renamed_and_deleted() {
    let (api, key) = Api::production().await;
    api.environment("staging").await;
    api.flags(&key).await;
    let path = "/api/admin/environments/production";
    let renamed = api
        .manage(Method::PATCH, path)
        .json(json!({"name": "zulu"}))
        .send()
        .await;
    assert_eq!(renamed.status, 200);
    let names = |report: &Value| -> Vec<(String, i64)> {
        let lines = report.as_array().unwrap().iter();
        lines
            .map(|one| {
                (
                    one["environment"].as_str().unwrap().to_owned(),
                    one["retrievals"].as_i64().unwrap(),
                )
            })
            .collect()
    };
    let report = api.get(REPORT).await.json();
    assert_eq!(
        names(&report),
        [("staging".to_owned(), 0), ("zulu".to_owned(), 1)]
    );
    let deleted = api
        .manage(Method::DELETE, "/api/admin/environments/zulu?force=true")
        .send()
        .await;
    assert_eq!(deleted.status, 204);
    let report = api.get(REPORT).await.json();
    assert_eq!(names(&report), [("staging".to_owned(), 0)]);
}

#[actix_web::test]
async fn the_report_needs_no_database() {
    let (api, key) = Api::production().await;
    api.flags(&key).await;
    api.backend.damage();
    assert_eq!(count(&api).await, 1);
}
