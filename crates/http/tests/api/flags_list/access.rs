//! Which keys open the flag list, and how all others are refused.

use std::time::Duration;

use actix_web::http::Method;
use flagstaff_domain::access::KeyKind;
use serde_json::json;

use crate::support::{Answer, Api, Backend, FLAGS, settings};

/// Checks that a key was refused as every key is: without names, and telling what would open.
#[track_caller]
fn refused(answer: &Answer) {
    answer.problem(401, "unauthenticated");
    let challenge = answer.header("WWW-Authenticate").unwrap_or_default();
    assert!(challenge.contains("X-Environment-Key"), "{challenge}");
    for name in ["production", "dark_mode"] {
        assert!(!answer.text().contains(name), "{name}: {}", answer.text());
    }
    for header in ["ETag", "X-Flagstaff-Revision"] {
        assert_eq!(answer.header(header), None, "it tells of the flags");
    }
}

#[actix_web::test]
async fn without_a_key_there_are_no_flags() {
    let (api, _) = Api::production().await;
    api.feature("dark_mode").await;
    refused(&api.get(FLAGS).await);
    refused(&api.get("/api/v1/flags").await);
    refused(&api.get("/api/v1/flags/?feature=dark_mode").await);
    refused(&api.ask(Method::HEAD, FLAGS).send().await);
}

#[actix_web::test]
async fn a_key_that_is_none_is_refused() {
    let (api, key) = Api::production().await;
    let (long, lower) = ("A".repeat(129), key.to_lowercase());
    let longer = format!("{key}0");
    for wrong in [
        "",
        " ",
        "{}",
        "{environment_key}",
        "0",
        "00000000000000000000000000000000",
        "' OR 1=1--",
        "schlüssel-größe",
        &long,
        &lower,
        &longer,
        &key[..31],
    ] {
        refused(&api.flags(wrong).await);
    }
    let bytes = api
        .ask(Method::GET, FLAGS)
        .header("X-Environment-Key", b"\xff\xfe\x80key-key");
    refused(&bytes.send().await);
    assert_eq!(api.flags(&key).await.status, 200);
}

#[actix_web::test]
async fn a_repeated_key_is_refused() {
    let (api, key) = Api::production().await;
    let twice = api.ask(Method::GET, FLAGS).key(&key).key(&key);
    refused(&twice.send().await);
    let with_another = api.ask(Method::GET, FLAGS).key(&key).key("another-key");
    refused(&with_another.send().await);
}

#[actix_web::test]
async fn a_key_in_the_query_is_refused_even_beside_a_right_one() {
    let (api, key) = Api::production().await;
    for name in [
        "environment_key",
        "api_key",
        "key",
        "token",
        "KEY",
        "Environment_Key",
        "environment%5Fkey",
    ] {
        for query in [format!("{name}={key}"), format!("feature=a&{name}={key}&b")] {
            let path = format!("{FLAGS}?{query}");
            refused(&api.get(&path).await);
            let beside = api.ask(Method::GET, &path).key(&key).send().await;
            refused(&beside);
            assert!(!beside.text().contains(&key));
        }
    }
}

#[actix_web::test]
async fn an_account_is_no_key() {
    let (api, _) = Api::production().await;
    refused(&api.manage(Method::GET, FLAGS).send().await);
}

#[actix_web::test]
async fn an_expired_key_is_refused_at_its_expiry() {
    let (api, _) = Api::production().await;
    let key = json!({"name": "web", "kind": "client", "expires_at": "2026-11-20T11:00:00.000005Z"});
    let key = api
        .create("/api/admin/environments/production/keys", key)
        .await;
    let key = key["key"].as_str().unwrap();
    let clock = &api.backend.clock;
    for (now, status) in [
        ("2026-11-20T10:00:00Z", 200),
        ("2026-11-20T10:59:59Z", 200),
        ("2026-11-20T11:00:00.000004Z", 200),
        ("2026-11-20T11:00:00.000005Z", 401),
        ("2026-11-20T11:00:00.000006Z", 401),
        ("2026-11-21T11:00:00Z", 401),
    ] {
        clock.set(now);
        assert_eq!(api.flags(key).await.status, status, "{now}");
    }
    refused(&api.flags(key).await);
}

#[actix_web::test]
async fn a_revoked_key_is_refused_from_the_answer_on() {
    let (api, key) = Api::production().await;
    let other = api.key("production", "client").await;
    assert_eq!(api.flags(&key).await.status, 200);
    let path = "/api/admin/environments/production/keys/1";
    assert_eq!(api.manage(Method::DELETE, path).send().await.status, 204);
    refused(&api.flags(&key).await);
    assert_eq!(api.flags(&other).await.status, 200);
}

#[actix_web::test]
async fn an_unchanged_list_is_refused_to_an_expired_key_too() {
    let (api, _) = Api::production().await;
    let key = json!({"name": "web", "kind": "client", "expires_at": "2026-11-20T10:00:01Z"});
    let key = api
        .create("/api/admin/environments/production/keys", key)
        .await;
    let key = key["key"].as_str().unwrap();
    let etag = api.flags(key).await.etag();
    let again = || {
        api.ask(Method::GET, FLAGS)
            .key(key)
            .header("If-None-Match", &etag)
    };
    assert_eq!(again().send().await.status, 304);
    api.backend.clock.advance(Duration::from_secs(1));
    refused(&again().send().await);
}

#[actix_web::test]
async fn before_the_first_snapshot_the_list_is_unavailable_and_no_key_is_called_wrong() {
    let backend = Backend::start(settings());
    let api = Api::over(backend).await;
    for path in [
        FLAGS,
        "/api/v1/flags/?feature=a",
        "/api/v1/environments/retrievals/",
    ] {
        let answer = api
            .ask(Method::GET, path)
            .key("0123456789ABCDEF")
            .send()
            .await;
        answer.problem(503, "unavailable");
        assert_eq!(answer.header("Retry-After"), Some("1"), "{path}");
    }
    api.backend.serving.refresh().unwrap();
    refused(&api.flags("0123456789ABCDEF").await);
}

#[actix_web::test]
async fn a_key_of_ones_own_opens_as_well() {
    let (api, _) = Api::production().await;
    // As the command line and the state file bring them in.
    let own = "the-key/they+have=~!".to_owned();
    api.backend.own_key("production", KeyKind::Client, &own);
    assert_eq!(api.flags(&own).await.status, 200);
}
