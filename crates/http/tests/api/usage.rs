//! What applications report of the features that they use, what is told of it, and what is not deleted because of it.

use std::time::Duration;

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Api};

const V1: &str = "/api/v1/analytics/flags/";
const V2: &str = "/api/v2/analytics/flags/";
const USAGE: &str = "/api/admin/environments/production/usage";

impl Api {
    async fn report(&self, path: &str, key: &str, body: Value) -> Answer {
        self.ask(Method::POST, path)
            .key(key)
            .json(body)
            .send()
            .await
    }

    async fn delete_feature(&self, name: &str, query: &str) -> Answer {
        let path = format!("/api/admin/features/{name}{query}");
        self.manage(Method::DELETE, &path).send().await
    }
}

fn hour(hour: &str, count: u64) -> Value {
    json!({ "hour": hour, "count": count })
}

#[actix_web::test]
async fn uses_are_told_by_the_hour_whether_they_are_stored_or_not() {
    let (api, key) = Api::production().await;
    api.feature("dark_mode").await;
    api.feature("banner").await;
    let counts = json!({ "dark_mode": 5, "unknown": 7, "banner": 0 });
    let answer = api.report(V1, &key, counts).await;
    assert_eq!((answer.status, answer.text()), (200, ""));
    assert_eq!(answer.header("Access-Control-Allow-Origin"), Some("*"));
    let one = |feature: &str, count: u64| {
        json!({ "feature_name": feature, "count": count,
            "identity_identifier": "user-1", "enabled_when_evaluated": true })
    };
    let evaluations =
        json!({ "evaluations": [one("dark_mode", 2), one("banner", 1), one("unknown", 1)] });
    let answer = api.report(V2, &key, evaluations).await;
    assert_eq!((answer.status, answer.text()), (204, ""));
    let expected = json!({
        "environment": "production",
        "from": "2026-11-19T10:00:00.000000Z",
        "to": "2026-11-20T10:00:00.000001Z",
        "features": [
            { "feature": "banner", "count": 1, "hours": [hour("2026-11-20T10:00:00.000000Z", 1)] },
            { "feature": "dark_mode", "count": 7, "hours": [hour("2026-11-20T10:00:00.000000Z", 7)] },
        ],
    });
    api.backend.clock.advance(Duration::from_micros(1));
    assert_eq!(api.read(USAGE).await.json(), expected);
    assert_eq!(api.backend.usage.write(100).unwrap(), 2);
    assert_eq!(api.read(USAGE).await.json(), expected);

    api.backend.clock.advance(Duration::from_secs(3_600));
    api.report(V1, &key, json!({ "dark_mode": 3 })).await;
    api.report(&V1[..V1.len() - 1], &key, json!({ "dark_mode": 1 }))
        .await;
    let later = api.read(&format!("{USAGE}?feature=dark_mode")).await;
    let hours = json!([
        hour("2026-11-20T10:00:00.000000Z", 7),
        hour("2026-11-20T11:00:00.000000Z", 4)
    ]);
    assert_eq!(later.json()["features"][0]["hours"], hours);
    assert_eq!(later.json()["features"].as_array().unwrap().len(), 1);
    let path = format!("{USAGE}?from=2026-11-20T10:00:00Z&to=2026-11-20T11:00:00Z");
    let first = api.read(&path).await;
    assert_eq!(first.json()["features"][1]["count"], 7);
}

#[actix_web::test]
async fn more_uses_than_anybody_makes_are_refused() {
    let (api, key) = Api::production().await;
    api.feature("dark_mode").await;
    let most = api.report(V1, &key, json!({ "dark_mode": 1_000_000_000 }));
    assert_eq!(most.await.status, 200);
    let more = api.report(V1, &key, json!({ "dark_mode": 1_000_000_001 }));
    let told = more.await.field("dark_mode");
    assert!(told.contains("at most 1000000000"), "{told}");
}

#[actix_web::test]
async fn a_key_counts_what_it_is_told_of() {
    let (api, client) = Api::production().await;
    let server = api.key("production", "server").await;
    let hidden = json!({ "name": "fraud_rules", "server_key_only": true });
    api.create("/api/admin/features", hidden).await;
    for (key, times) in [(&client, 5), (&server, 1)] {
        api.report(V1, key, json!({ "fraud_rules": times })).await;
    }
    api.backend.clock.advance(Duration::from_secs(1));
    assert_eq!(api.read(USAGE).await.json()["features"][0]["count"], 1);
}

#[actix_web::test]
async fn uses_are_counted_where_the_key_belongs() {
    let (api, key) = Api::production().await;
    let staging = api.environment("staging").await;
    api.feature("dark_mode").await;
    api.report(V1, &key, json!({ "dark_mode": 5 })).await;
    api.report(V1, &staging, json!({ "dark_mode": 1 })).await;
    api.backend.clock.advance(Duration::from_secs(1));
    let there = api.read("/api/admin/environments/staging/usage").await;
    assert_eq!(there.json()["features"][0]["count"], 1);
    let wrong = api.report(V1, "not-a-key", json!({})).await;
    wrong.problem(401, "unauthenticated");
}

#[actix_web::test]
async fn reports_that_cannot_be_read_are_refused() {
    let (api, key) = Api::production().await;
    for (path, body, field) in [
        (V1, json!({ "dark_mode": -1 }), "dark_mode"),
        (V1, json!({ "dark_mode": "many" }), "dark_mode"),
        (V2, json!({}), "evaluations"),
        (
            V2,
            json!({ "evaluations": [{ "feature_name": "a" }] }),
            "evaluations[0]",
        ),
    ] {
        api.report(path, &key, body).await.field(field);
    }
    api.report(V1, &key, json!([]))
        .await
        .problem(400, "invalid_request");
    let get = api.ask(Method::GET, V1).key(&key).send().await;
    get.problem(405, "method_not_allowed");
}

#[actix_web::test]
async fn only_hours_that_can_be_told_are_asked_for() {
    let (api, _) = Api::production().await;
    for (query, field) in [
        ("from=2026-11-20T11:00:00Z", "from"),
        ("from=2026-01-01T00:00:00Z", "from"),
        ("from=yesterday", "from"),
        ("features=dark_mode", "features"),
    ] {
        api.read(&format!("{USAGE}?{query}")).await.field(field);
    }
    for path in [
        "/api/admin/environments/nowhere/usage".to_owned(),
        format!("{USAGE}?feature=nothing"),
    ] {
        api.read(&path).await.problem(404, "not_found");
    }
}

#[actix_web::test]
async fn a_feature_in_use_is_kept_unless_that_is_forced() {
    let (api, key) = Api::production().await;
    for name in ["dark_mode", "banner", "old"] {
        api.feature(name).await;
    }
    api.report(V1, &key, json!({ "old": 9 })).await;
    api.backend.usage.write(100).unwrap();
    api.backend
        .clock
        .advance(Duration::from_secs(24 * 3_600 + 1));
    assert_eq!(api.delete_feature("old", "").await.status, 204);

    api.report(V1, &key, json!({ "dark_mode": 5 })).await;
    let kept = api.delete_feature("dark_mode", "").await;
    let detail = kept.problem(409, "in_use");
    for part in [
        "\"dark_mode\"",
        "5 times",
        "\"production\"",
        "2026-11-21T10:00:01.000000Z",
        "?force=true",
    ] {
        assert!(detail.contains(part), "{detail}");
    }
    assert_eq!(api.delete_feature("banner", "").await.status, 204);
    assert_eq!(
        api.delete_feature("dark_mode", "?force=true").await.status,
        204
    );
    // Nobody stumbles over what was counted of it.
    api.backend.usage.write(100).unwrap();
    assert_eq!(api.read(USAGE).await.json()["features"], json!([]));
}
