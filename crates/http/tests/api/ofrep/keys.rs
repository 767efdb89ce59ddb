//! Who may ask, how often, and from which pages.

use actix_web::http::Method;
use flagstaff_http::HttpSettings;
use serde_json::{Value, json};

use super::BULK;
use crate::support::{Api, settings};

#[actix_web::test]
async fn a_key_comes_in_any_of_three_headers() {
    let (api, key) = Api::of_every_kind().await;
    let bearer = format!("Bearer {key}");
    for headers in [
        &[("Authorization", bearer.as_str())][..],
        &[("Authorization", &bearer.replace("Bearer", "bearer"))],
        &[("X-API-Key", &key)],
        &[("X-Environment-Key", &key)],
        &[
            ("X-API-Key", &key),
            ("Authorization", &bearer),
            ("X-Environment-Key", &key),
        ],
        &[
            ("X-API-Key", &key),
            ("Authorization", "Basic cHJveHk6cHJveHk="),
        ],
    ] {
        for path in [BULK, "/ofrep/v1/evaluate/flags/on"] {
            let ask = headers
                .iter()
                .fold(api.evaluate(path), |ask, (name, value)| {
                    ask.header(name, value)
                });
            assert_eq!(ask.send().await.status, 200, "{headers:?}");
        }
    }
}

#[actix_web::test]
async fn without_one_key_that_opens_nothing_is_told() {
    let (api, key) = Api::of_every_kind().await;
    let staging = api.environment("staging").await;
    let bearer = format!("Bearer {key}");
    for headers in [
        &[][..],
        &[("X-API-Key", "")],
        &[("X-API-Key", "wrong")],
        &[("Authorization", "Bearer")],
        &[("Authorization", "Bearer wrong")],
        &[("Authorization", "Basic YWRtaW46YWRtaW4=")],
        &[("X-API-Key", &staging), ("Authorization", &bearer)],
        &[("X-API-Key", &key), ("X-API-Key", &staging)],
        &[("X-API-Key", &key), ("X-Environment-Key", "wrong")],
    ] {
        for path in [
            BULK,
            "/ofrep/v1/evaluate/flags/on",
            "/ofrep/v1/evaluate/flags/nothing",
        ] {
            let ask = headers
                .iter()
                .fold(api.evaluate(path), |ask, (name, value)| {
                    ask.header(name, value)
                });
            let answer = ask.send().await;
            assert_eq!(answer.status, 401, "{headers:?}");
            assert_eq!(answer.json()["errorCode"], "GENERAL");
            assert!(
                answer.json()["errorDetails"]
                    .as_str()
                    .unwrap()
                    .contains("key")
            );
            assert!(
                answer
                    .header("WWW-Authenticate")
                    .unwrap()
                    .starts_with("Bearer")
            );
            assert_eq!(answer.header("X-Flagstaff-Revision"), None);
        }
    }
}

#[actix_web::test]
async fn two_authorization_headers_are_no_key() {
    let (api, key) = Api::of_every_kind().await;
    let bearer = format!("Bearer {key}");
    for other in [&bearer, "Basic cHJveHk6cHJveHk="] {
        let ask = api.evaluate(BULK).header("Authorization", &bearer);
        let answer = ask.header("Authorization", other).send().await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.json()["errorCode"], "PARSE_ERROR");
    }
}

#[actix_web::test]
async fn client_keys_tell_who_asks_and_nothing_of_them_where_they_may_not() {
    let api = Api::with(HttpSettings {
        client_traits: false,
        ..settings()
    })
    .await;
    let client = api.environment("production").await;
    let server = api.key("production", "server").await;
    api.feature("dark_mode").await;
    for path in [BULK, "/ofrep/v1/evaluate/flags/dark_mode"] {
        let ask = |context: Value| {
            let ask = api.ask(Method::POST, path);
            ask.json(json!({ "context": context }))
        };
        let told = json!({ "targetingKey": "user-1", "email": "boss@shop.example" });
        let refused = ask(told.clone()).header("X-API-Key", &client).send().await;
        assert_eq!(refused.status, 400);
        assert_eq!(refused.json()["errorCode"], "INVALID_CONTEXT");
        let details = refused.json()["errorDetails"].to_string();
        assert!(details.contains("server key"), "{details}");
        let by_server = ask(told).header("X-API-Key", &server);
        assert_eq!(by_server.send().await.status, 200);
        let bare = ask(json!({ "targetingKey": "user-1" })).header("X-API-Key", &client);
        assert_eq!(bare.send().await.status, 200);
    }
}

#[actix_web::test]
async fn a_key_that_asks_too_often_is_told_when_to_come_again() {
    let api = Api::with(HttpSettings {
        evaluations_per_second: 2,
        ..settings()
    })
    .await;
    let key = api.environment("production").await;
    let other = api.environment("staging").await;
    api.feature("a").await;
    let mut last = api.flag("a").key(&key).send().await;
    assert_eq!(last.status, 200);
    // As fast as they are, a burst of twice the quota is not spread over a second each.
    for _ in 0..1_000 {
        last = api.flag("a").key(&key).send().await;
        if last.status != 200 {
            break;
        }
    }
    assert_eq!(last.status, 429, "{}", last.text());
    let wait: u64 = last.header("Retry-After").unwrap().parse().unwrap();
    assert!((1..=2).contains(&wait));
    assert_eq!(last.json()["errorCode"], "GENERAL");
    assert_eq!(last.json()["key"], "a");
    assert_eq!(
        api.flag("a").key(&other).send().await.status,
        200,
        "each key has its own"
    );
}

#[actix_web::test]
async fn a_page_of_another_origin_may_ask() {
    let (api, key) = Api::of_every_kind().await;
    for path in [BULK, "/ofrep/v1/evaluate/flags/on"] {
        let wanted = "authorization, x-api-key, x-environment-key, content-type, if-none-match";
        let ask = api
            .ask(Method::OPTIONS, path)
            .header("Origin", "https://shop.example");
        let ask = ask.header("Access-Control-Request-Method", "POST");
        let answer = ask
            .header("Access-Control-Request-Headers", wanted)
            .send()
            .await;
        assert_eq!(answer.status, 204);
        assert_eq!(answer.header("Access-Control-Allow-Origin"), Some("*"));
        assert_eq!(
            answer.header("Access-Control-Allow-Methods"),
            Some("POST, OPTIONS")
        );
        assert_eq!(answer.header("Access-Control-Allow-Headers"), Some(wanted));
        for key in [key.as_str(), "wrong"] {
            let answer = api
                .evaluate(path)
                .key(key)
                .header("Origin", "https://shop.example");
            let answer = answer.send().await;
            assert_eq!(answer.header("Access-Control-Allow-Origin"), Some("*"));
            let exposed = answer.header("Access-Control-Expose-Headers").unwrap();
            assert!(
                exposed.contains("ETag") && exposed.contains("Retry-After"),
                "{exposed}"
            );
        }
    }
}

#[actix_web::test]
async fn before_anything_is_loaded_nobody_is_told_that_a_flag_is_not_there() {
    let api = Api::over(crate::support::Backend::start(settings())).await;
    let answer = api.flag("on").key("a-key-of-somebody").send().await;
    assert_eq!(answer.status, 503);
    assert!(answer.header("Retry-After").is_some());
    assert_eq!(answer.json()["errorCode"], json!("GENERAL"));
}
